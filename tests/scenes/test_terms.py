"""What it takes to decide: rules, reasons, votes that change, and a configuration that becomes stricter meanwhile."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.world import World
from bot.model import Patch
from tests.scenes.playing import asked, configured, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

MINUTE = timedelta(minutes=1)
RULES = """
[[approvals.rules]]
kind = "server"
client = "contoso*"
quorum = 2
reason = "required"

[[approvals.rules]]
client = "*"
device = "BACKSTUBE-*"
approvers = ["U0DAVE"]
"""


async def workstation(stage: Stage) -> tuple[int, str, list[Patch]]:
    """Some workstation that has a failed patch: id, name and what is failed."""
    for device in await stage.bot.services.store.devices():
        if device.kind == "workstation" and device.patching and not device.name.startswith("BACKSTUBE"):
            failed = [patch for patch in await stage.bot.services.nsight.patches(device.id) if patch.failed]
            if failed:
                return device.id, device.name, failed
    raise LookupError("no workstation has a failed patch")


# ---------------------------------------------------------------- rules


async def test_a_server_of_a_named_customer_needs_two_approvals_and_the_card_says_why(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + RULES) as stage:
        refused = await stage.asks("bob", "/patches retry 1001 4")
        assert "A reason is required for this (server at Contoso Ltd)" in refused.plain
        answer = await stage.asks("bob", "/patches retry 1001 4,5 out of date")
        assert "It waits in the approvals channel" in answer.plain
        assert "for 2 approvals (server at Contoso Ltd)" in answer.plain
        card = stage.card
        assert "2 approvals needed, each with a reason: server at Contoso Ltd · may approve: @patch-team" in card.plain
        for who, why in (("ann", "needed for the audit"), ("carl", "agreed")):
            await stage.opens(who, "Approve", card)
            assert await stage.submits(who, {"Why?": why}) == {}
        assert stage.retries == [(1001, (4, 5))]
        assert "Approved by @ann 2025-03-12 08:30 UTC: needed for the audit" in card.plain
        assert "Approved by @carl 2025-03-12 08:30 UTC: agreed" in card.plain
        assert nothing_left(stage) == []


async def test_what_no_rule_is_about_keeps_the_base_values(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + RULES) as stage:
        device, name, failed = await workstation(stage)
        await stage.asks("bob", f"/patches retry {device} {failed[0].id}")
        assert name in stage.card.plain
        assert "1 approval needed · may approve" in stage.card.plain
        await pressed(stage, "ann", "Approve", stage.card)
        assert stage.retries == [(device, (failed[0].id,))]
        assert nothing_left(stage) == []


async def test_a_rule_names_other_approvers_who_then_are_the_only_ones(tmp_path: Path) -> None:
    rule = '\n[[approvals.rules]]\ndevice = "srv-dc*"\napprovers = ["U0DAVE"]\n'
    async with staged(tmp_path, config=CONFIG + rule) as stage:
        card = await asked(stage)
        assert "may approve: @dave" in card.plain
        assert "not one of the approvers" in await pressed(stage, "ann", "Approve", card)
        await pressed(stage, "dave", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_a_required_reason_is_asked_for_where_the_form_is_filled_in(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + RULES) as stage:
        listed = await stage.asks("bob", "/patches device 1001")
        await stage.opens("bob", "Retry…", listed, saying="Failed patches to retry")
        fields = {"Failed patches to retry": ["4"]}
        assert await stage.submits("bob", fields) == {"reason": "Please complete this required field."}
        assert await stage.submits("bob", fields | {"Reason": "   "}) == {"reason": "A reason is required here."}
        assert await stage.submits("bob", fields | {"Reason": "out of date"}) == {}
        await stage.opens("ann", "Approve", stage.card)
        assert await stage.submits("ann", {"Why?": "  "}) == {"reason": "A reason is required here."}
        assert await stage.submits("ann", {"Why?": "yes"}) == {}
        assert "1 of 2 approvals given, 1 more needed" in stage.card.plain
        assert nothing_left(stage) == []


async def test_who_is_in_two_groups_of_approvers_counts_once(tmp_path: Path) -> None:
    config = configured(approvers='["S0PATCHTEAM", "S0HELPDESK", "U0ANN"]', quorum="2")
    async with staged(tmp_path, config=config) as stage:
        card = await asked(stage, "dave")
        await pressed(stage, "ann", "Approve", card)
        assert "already approved request #1; 1 more needed" in await pressed(stage, "ann", "Approve", card)
        assert stage.retries == []
        await pressed(stage, "bob", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- votes


async def test_a_vote_can_be_taken_back_until_it_is_decided(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum="2")) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        answer = stage.world.slack.last["ann"].answers[-1]
        assert answer.buttons == ["Take my vote back"]
        assert "taken back" in await pressed(stage, "ann", "Take my vote back", answer)
        assert "@ann" not in card.plain
        said = await pressed(stage, "carl", "Approve", card)
        assert "1 of 2 approvals given, 1 more needed" in said
        assert stage.retries == []
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        late = stage.world.slack.last["carl"].answers[-1]
        assert "was already approved and sent" in await pressed(stage, "carl", "Take my vote back", late)
        assert await stage.actions() == [
            *("request.create", "request.approve", "request.retract", "request.approve", "request.approve"),
            *("request.claim", "request.conclude"),
        ]
        assert nothing_left(stage) == []


async def test_an_approval_can_become_a_denial_which_ends_the_request(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum="2")) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        await stage.opens("ann", "Deny", card)
        await stage.submits("ann", {"Why?": "I looked again: month's end"})
        assert "Denied by @ann" in card.plain
        assert "month's end" in card.plain
        assert "Approved by" not in card.plain
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_where_two_denials_are_needed_one_of_them_ends_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(denials="2", quorum="2")) as stage:
        card = await asked(stage, "dave")
        await stage.opens("ann", "Deny", card)
        await stage.submits("ann", {"Why?": "too early"})
        assert "You have denied request #1; 1 more denial ends it" in stage.told("ann")
        assert "2 approvals needed.\n• Denied by @ann 2025-03-12 08:30 UTC: too early" in card.plain
        assert card.buttons == ["Approve", "Deny", "Withdraw"]
        await stage.opens("carl", "Deny", card)
        await stage.submits("carl", {"Why?": "so I think"})
        assert "⛔ Denied by @carl" in card.plain
        assert "so I think" in stage.direct("dave")[-1]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- the configuration changes


async def test_a_stricter_configuration_holds_for_a_request_that_waits(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world) as stage:
            card = await asked(stage)
        stricter = configured(quorum="2", expires='"2h"')
        async with staged(tmp_path, world=world, config=stricter) as stage:
            assert "2 approvals needed" in card.plain
            assert "expires 2025-03-12 10:30 UTC" in card.plain
            assert "It takes more to decide now: 2 approvals needed" in stage.direct("bob")[-1]
            await pressed(stage, "ann", "Approve", card)
            assert stage.retries == []
        async with staged(tmp_path, world=world) as stage:  # and a milder one takes nothing of the promise back
            assert "1 of 2 approvals given, 1 more needed" in card.plain
            await pressed(stage, "carl", "Approve", card)
            assert stage.retries == [(1001, (4, 5))]
            assert nothing_left(stage) == []


async def test_an_approval_that_no_longer_suffices_goes_back_and_both_lists_must_be_satisfied(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world) as stage:
            card = await asked(stage)
            world.nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
            await pressed(stage, "ann", "Approve", card)
            assert "Approved by @ann" in card.plain
            assert stage.retries == []
        world.nsight.faults.clear()
        async with staged(tmp_path, world=world, config=configured(approvers='["U0CARL", "U0DAVE"]')) as stage:
            await stage.later(5 * MINUTE)
            assert "The approval no longer counts" in card.plain
            assert "has to be approved again" in stage.direct("bob")[-1]
            assert "may approve: @patch-team, if also one of @carl @dave" in card.plain
            assert "not one of the approvers" in await pressed(stage, "ann", "Approve", card)
            assert "not one of the approvers" in await pressed(stage, "dave", "Approve", card)
            assert stage.retries == []
            await pressed(stage, "carl", "Approve", card)
            assert stage.retries == [(1001, (4, 5))]
            assert nothing_left(stage) == []


# ---------------------------------------------------------------- usergroups that Slack does not tell


@pytest.mark.parametrize(
    ("code", "advice"),
    [("missing_scope", "lacks the scope usergroups:read"), ("plan_upgrade_required", "usergroups need a paid plan")],
)
async def test_that_usergroups_are_not_told_is_said_once_where_requests_are_decided(
    code: str, advice: str, tmp_path: Path
) -> None:
    async with staged(tmp_path, config=configured(approvers='["S0PATCHTEAM", "U0DAVE"]')) as stage:
        stage.world.slack.faults.error("usergroups.users.list", code, times=None)
        card = await asked(stage)
        for who in ("ann", "carl", "ann"):
            assert "Slack cannot tell right now" in await pressed(stage, who, "Approve", card)
        await stage.later(MINUTE)
        told = [shown.plain for shown in stage.posted("C0PATCHAPPROVE") if "usergroup" in shown.plain]
        assert len(told) == 1
        assert advice in told[0]
        await pressed(stage, "dave", "Approve", card)  # who is named by id can still decide
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []
