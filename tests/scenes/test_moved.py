"""What was approved is judged again as things stand: another client, a stricter configuration, nobody left to ask."""

from datetime import timedelta
from pathlib import Path

from bot.demo.world import World
from tests.scenes.playing import asked, configured, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BANK = """
[[approvals.rules]]
client = "Fabrikam*"
quorum = 2

[[windows]]
client = "Fabrikam*"
cron = "0 22 * * *"
duration = "4h"
"""


async def moves(stage: Stage, *, after: timedelta = HOUR) -> None:
    """The customer of SRV-DC01 gets another name, and the bot reads its inventory again."""
    fleet = stage.world.nsight.fleet
    customer = next(one for one in fleet.customers if one.name == "Contoso Ltd")
    customer.name = "Fabrikam Secure"
    await stage.later(after)


async def test_a_device_that_has_another_client_by_now_is_judged_by_that_clients_rules(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + BANK) as stage:
        card = await asked(stage)
        await moves(stage)
        assert "Client: Fabrikam Secure" in card.plain
        assert "2 approvals needed: device at Fabrikam Secure" in card.plain
        assert "sent in the device's maintenance window only" in card.plain
        told = (
            "N-sight calls the device SRV-DC01 at Fabrikam Secure now. It takes more to decide now: 2 approvals needed"
        )
        assert told in stage.direct("bob")[-1]
        await pressed(stage, "ann", "Approve", card)
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries == []
        assert "maintenance window, 2025-03-12 22:00 UTC" in card.plain
        await stage.later(12 * HOUR + 30 * MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_that_a_device_is_at_another_site_is_no_news(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.nsight.fleet.customers[0].sites[0].name = "New Office"
        await stage.later(HOUR - MINUTE)
        told = list(stage.direct("bob"))
        await stage.later(MINUTE)
        assert "Site: New Office" in card.plain
        assert stage.direct("bob") == told
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_a_device_that_moves_while_its_approved_request_waits_goes_back_to_the_approvers(tmp_path: Path) -> None:
    window = BANK.replace('client = "Fabrikam*"\ncron', 'client = "*"\ncron')
    async with staged(tmp_path, config=CONFIG + window) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        assert "maintenance window" in card.plain
        await moves(stage)
        assert "The approval no longer counts: 2 approvals are needed now, and it has 1" in card.plain
        for who in ("ann", "carl"):
            await pressed(stage, who, "Approve", card)
        assert stage.retries == []
        await stage.later(12 * HOUR + 30 * MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_an_approval_that_a_stricter_configuration_does_not_take_goes_back_at_the_start(tmp_path: Path) -> None:
    night = '\n[[windows]]\ncron = "0 22 * * *"\nduration = "4h"\n'
    async with World() as world:
        async with staged(tmp_path, world=world, config=CONFIG + night) as stage:
            card = await asked(stage)
            await pressed(stage, "ann", "Approve", card)
            assert "maintenance window" in card.plain
        async with staged(tmp_path, world=world, config=configured(quorum="2") + night) as stage:
            assert "The approval no longer counts: 2 approvals are needed now, and it has 1" in card.plain
            assert card.buttons == ["Approve", "Deny", "Withdraw"]
            assert nothing_left(stage) == []


async def test_votes_that_no_longer_count_are_taken_out_and_a_denial_that_is_enough_now_ends_it(tmp_path: Path) -> None:
    mild = configured(quorum="2", denials="2", self_approval="true", approvers='["U0BOB", "U0ANN", "U0CARL", "U0DAVE"]')
    async with World() as world:
        async with staged(tmp_path, world=world, config=mild) as stage:
            own, denied = await asked(stage), await asked(stage, "dave", "/patches retry SRV-SQL01 failed now")
            await pressed(stage, "bob", "Approve", own)
            await stage.opens("ann", "Deny", denied)
            await stage.submits("ann", {"Why?": "the till is in use"})
            assert "2 approvals needed" in denied.plain
        strict = mild.replace("self_approval = true", "self_approval = false").replace("denials = 2", "denials = 1")
        async with staged(tmp_path, world=world, config=strict) as stage:
            assert "@bob 2025" not in own.plain.split("Asked by")[0]
            assert "1 vote on it no longer counts" in stage.direct("bob")[-1]
            assert "Denied by @ann" in denied.plain
            assert "the till is in use" in denied.plain
            assert nothing_left(stage) == []


async def test_the_history_of_a_device_that_n_sight_no_longer_lists_is_found_by_its_id(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        for customer in stage.world.nsight.fleet.customers:
            for site in customer.sites:
                site.machines = [machine for machine in site.machines if machine.id != 1001]
        await stage.later(HOUR)
        assert "#1 SRV-DC01" in (await stage.asks("bob", "/patches history 1001")).plain
        assert "No device has the id" in (await stage.asks("bob", "/patches history 1999")).plain
        assert nothing_left(stage) == []


async def test_that_nobody_is_left_who_could_approve_is_said(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world, config=configured(approvers='["U0ANN"]')) as stage:
            card = await asked(stage)
        async with staged(tmp_path, world=world, config=configured(approvers='["U0CARL"]')) as stage:
            await stage.later(HOUR)
            thread = [shown.plain for shown in stage.world.slack.messages if shown.thread_ts == card.ts]
            assert thread[-1].startswith("@bob: nobody is left who could give the approvals that request #1 (SRV-DC01)")
            assert nothing_left(stage) == []


async def test_after_an_approval_lapsed_escalation_begins_anew(tmp_path: Path) -> None:
    config = configured(escalate_after='"1h"', escalate_to='["U0DAVE"]', remind='"never"', quorum="2")
    async with staged(tmp_path, config=config) as stage:
        card = await asked(stage)
        await stage.later(HOUR)
        await pressed(stage, "dave", "Approve", card)
        stage.world.slack.leaves_group("carl", "S0PATCHTEAM")
        stage.world.slack.joins_group("carl", "S0PATCHTEAM")
        stage.world.slack.faults.error("usergroups.users.list", "internal_error", times=None)
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == []
        stage.world.slack.faults.clear()
        stage.world.slack.leaves_group("ann", "S0PATCHTEAM")
        await stage.later(5 * MINUTE)
        assert "The approval no longer counts" in card.plain
        assert "@dave" not in card.plain.split("may approve")[1]
        assert "Escalated" not in card.plain
        assert "not one of the approvers" in await pressed(stage, "dave", "Approve", card)
        await stage.later(HOUR)
        assert "Escalated" in card.plain
        assert nothing_left(stage) == []
