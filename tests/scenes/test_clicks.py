"""Every button, pressed by everybody, in time and too late: each click is answered, by the message or in private."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.slack.model import BOT_USER, Shown
from bot.people import Me, person_of
from tests.scenes.playing import ASK, asked, configured, pressed, private
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

MINUTE = timedelta(minutes=1)


# ---------------------------------------------------------------- who may


SAID_NO = {
    ("bob", "Approve"): "not one of the approvers",
    ("bob", "Deny"): "not one of the approvers",
    ("dave", "Approve"): "not one of the approvers",
    ("dave", "Deny"): "not one of the approvers",
    ("dave", "Withdraw"): "Only @bob, who asked for it, can withdraw",
    ("ann", "Withdraw"): "Only @bob, who asked for it, can withdraw",
    ("gina", "Approve"): "Guests cannot decide",
    ("gina", "Deny"): "Guests cannot decide",
    ("zoe", "Approve"): "Only members of this organisation",
    ("zoe", "Deny"): "Only members of this organisation",
}


async def test_who_may_not_press_a_button_is_told_so_in_private_and_nothing_changes(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for outsider in ("gina", "zoe"):  # being on the list does not help them
            stage.world.slack.joins_group(outsider, "S0PATCHTEAM")
        card = await asked(stage)
        before = card.versions
        for (who, button), sentence in SAID_NO.items():
            assert sentence in await pressed(stage, who, button, card), (who, button)
        assert (card.versions, card.buttons) == (before, ["Approve", "Deny", "Withdraw"])
        assert not any(stage.world.slack.space.stacks.values())  # nobody was shown the form that asks why
        assert stage.retries == []
        assert await stage.actions() == ["request.create"]
        assert nothing_left(stage) == []


async def test_an_approver_cannot_decide_on_their_own_request_but_can_withdraw_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage, "ann")
        for button in ("Approve", "Deny"):
            assert "You asked for request #1 yourself" in await pressed(stage, "ann", button, card)
        await pressed(stage, "ann", "Withdraw", card)
        assert "Withdrawn by @ann" in card.plain
        assert card.buttons == ["Retry…"]
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_with_self_approval_allowed_an_approver_may_approve_what_they_asked(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(self_approval="true")) as stage:
        card = await asked(stage, "ann")
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_when_slack_cannot_tell_who_may_the_answer_is_not_yet(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.faults.error("users.info", "internal_error", times=None)
        for button in ("Approve", "Deny"):
            assert "Slack cannot tell right now" in await pressed(stage, "carl", button, card)
        assert "it is not known whether you may use this" in (await stage.asks("carl", "/patches pending")).plain
        assert card.buttons == ["Approve", "Deny", "Withdraw"]
        stage.world.slack.faults.clear()
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_an_approval_that_cannot_be_checked_again_is_held_until_it_can(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.faults.error("usergroups.users.list", "internal_error", times=None)
        await pressed(stage, "ann", "Approve", card)
        assert "Slack cannot tell whether the approval still stands" in card.plain
        assert card.buttons == ["Withdraw"]
        assert "Slack cannot tell whether" in stage.direct("bob")[-1]
        stage.world.slack.faults.clear()
        await stage.later(MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_an_approver_who_left_the_group_in_between_does_not_count(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.leaves_group("ann", "S0PATCHTEAM")  # the bot still remembers her as one of them
        await pressed(stage, "ann", "Approve", card)
        assert "The approval no longer counts" in card.plain
        assert card.buttons == ["Approve", "Deny", "Withdraw"]
        assert "has to be approved again" in stage.direct("bob")[-1]
        assert stage.retries == []
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- deciding


async def test_two_approvals_are_needed_where_the_quorum_is_two(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum="2")) as stage:
        card = await asked(stage)
        assert "2 approvals needed" in card.plain
        await pressed(stage, "ann", "Approve", card)
        assert "1 of 2 approvals given, 1 more needed.\n• Approved by @ann 2025-03-12 08:30 UTC" in card.plain
        assert "You have approved request #1: 1 of 2 approvals given, 1 more needed." in stage.told("ann")
        assert "You have already approved request #1; 1 more needed" in await pressed(stage, "ann", "Approve", card)
        assert "1 of 2 approvals" in (await stage.asks("bob", "/patches pending")).plain
        assert stage.retries == []
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert "Approved by @ann" in card.plain
        assert "@carl" in card.plain
        assert nothing_left(stage) == []


async def test_a_required_reason_is_asked_for_at_the_request_and_at_the_denial(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(reason='"required"')) as stage:
        assert "A reason is required here" in (await stage.asks("bob", "/patches retry 1001 4")).plain
        card = await asked(stage)
        await stage.opens("ann", "Deny", card)
        assert await stage.submits("ann") == {"reason": "Please complete this required field."}
        assert await stage.submits("ann", {"Why?": "not today"}) == {}
        assert "Denied by @ann" in card.plain
        assert nothing_left(stage) == []


@pytest.mark.parametrize("why", ["", "the till is in use & <busy>"])
async def test_a_denial_tells_the_card_and_the_requester_why(why: str, tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(deny_reason='"optional"')) as stage:
        card = await asked(stage)
        view = await stage.opens("ann", "Deny", card)
        assert view.title == "Deny request #1"
        assert await stage.submits("ann", {"Why?": why}) == {}
        assert "Denied by @ann" in card.plain
        assert card.buttons == ["Retry…"]
        assert "Denied by @ann" in stage.direct("bob")[-1]
        for told in (card.plain, stage.direct("bob")[-1]):
            assert f"Why: {why}" in told if why else "Why:" not in told
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_a_denial_typed_while_somebody_else_approved_is_refused_in_private(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        await stage.opens("ann", "Deny", card)
        await pressed(stage, "carl", "Approve", card)
        assert await stage.submits("ann", {"Why?": "no"}) == {}
        assert "was already approved and sent" in stage.told("ann")
        assert "Nothing was changed" in stage.told("ann")
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in card.plain
        assert nothing_left(stage) == []


async def test_a_request_is_withdrawn_from_the_private_answer_and_from_the_card(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", ASK)
        exchange = await stage.clicks("bob", "Withdraw", answer)
        assert "Request #1 is withdrawn. Nothing was sent" in private(exchange)
        assert "Withdrawn by @bob" in stage.card.plain
        assert answer.buttons == []
        again = await stage.world.slack.clicks("bob", "Withdraw", answer, stale=True)
        await stage.bot.settle()
        assert "Request #1 was withdrawn by @bob. Nothing was changed." in private(again)
        second = await asked(stage)
        await pressed(stage, "bob", "Withdraw", second)
        assert "Request #2: " in second.plain
        assert "Withdrawn by @bob" in second.plain
        assert stage.retries == []
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- too late


async def end(stage: Stage, card: Shown, how: str) -> None:
    if how == "withdrawn":
        await pressed(stage, "bob", "Withdraw", card)
    elif how == "denied":
        await stage.opens("ann", "Deny", card)
        await stage.submits("ann", {"Why?": "not today"})
    elif how == "expired":
        await stage.later(timedelta(hours=4))
    else:
        await pressed(stage, "ann", "Approve", card)
        if how == "finished":
            stage.world.patches_install()
            await stage.later(timedelta(minutes=15))


TOO_LATE = {
    "withdrawn": "was withdrawn by @bob",
    "denied": "was already denied by @ann",
    "expired": "has expired",
    "queued": "was already approved and sent (approved by @ann)",
    "finished": "is already finished (approved by @ann)",
}


@pytest.mark.parametrize("how", TOO_LATE)
async def test_a_button_on_a_screen_that_has_not_refreshed_is_answered(how: str, tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        await end(stage, card, how)
        sent = list(stage.retries)
        for who, button in (("ann", "Approve"), ("carl", "Deny"), ("bob", "Withdraw")):
            said = await pressed(stage, who, button, card, stale=True)
            assert f"Request #1 {TOO_LATE[how]}" in said, said
            assert "Nothing was changed" in said
        assert stage.retries == sent
        assert nothing_left(stage) == []


async def test_a_request_that_nobody_decides_on_expires_and_its_requester_hears_of_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        await stage.later(timedelta(hours=4) - MINUTE)
        assert card.buttons == ["Approve", "Deny", "Withdraw"]
        await stage.later(MINUTE)
        assert "Expired. Nobody decided in time. Nothing was sent." in card.plain
        assert card.buttons == ["Retry…"]
        assert "Expired" in stage.direct("bob")[-1]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- asking again


async def test_an_ended_request_can_be_asked_again_by_button(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        first = await asked(stage)
        await pressed(stage, "bob", "Withdraw", first)
        assert "Only full members" in await pressed(stage, "gina", "Retry…", first)
        said = await pressed(stage, "dave", "Retry…", first)
        assert "Request #2 is made: retry 4,5 on SRV-DC01" in said
        assert "out of date" in stage.card.plain
        assert "Asked by @dave" in stage.card.plain
        said = await pressed(stage, "bob", "Retry…", first)
        assert "already an open request for these patches: request #2" in said
        await pressed(stage, "ann", "Approve", stage.card)
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "None of these is Failed" in await pressed(stage, "bob", "Retry…", first)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_a_retry_that_failed_again_offers_to_ask_once_more(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.fail_again(1001, 5)
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "1 of 2 installed, 1 failed again" in card.plain
        said = await pressed(stage, "bob", "Retry…", card)
        assert "Request #2 is made: retry 5 on" in said
        assert "Left out because not failed: 4 (Installed)" in said
        assert nothing_left(stage) == []


async def test_an_outcome_that_reading_cannot_settle_is_closed_by_an_approver(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.nsight.faults.add("patch_retry", Fault.CUT)
        await pressed(stage, "ann", "Approve", card)
        assert "Outcome unknown" in card.plain
        assert card.buttons == ["Read the device again", "Close"]
        for _ in range(5):
            await stage.later(timedelta(minutes=15))
        question = stage.world.slack.messages[-1]
        assert question.thread_ts == card.ts
        assert "It is still not known what became of request #1" in question.plain
        assert "not one of the approvers" in await pressed(stage, "dave", "Close", question)
        assert "Request #1 is closed" in await pressed(stage, "carl", "Close", question)
        assert "Closed by @carl" in card.plain
        assert "was closed by @carl" in await pressed(stage, "ann", "Close", question)
        assert len(stage.retries) == 1
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- buttons that nobody knows


UNKNOWN = [
    ("request.explode", "1", "from an older version of the bot"),
    ("silence.end", "7", "There is no silence #7"),
    ("silence.end", "7 OR 1=1", "does not say which silence"),
    ("request", "1", "from an older version of the bot"),
    ("request.approve", "", "does not say which request"),
    ("request.approve", "1 OR 1=1", "does not say which request"),
    ("request.approve", "9" * 40, "does not say which request"),
    ("request.approve", "4711", "There is no request #4711"),
    ("request.deny", "4711", "There is no request #4711"),
    ("request.withdraw", "4711", "There is no request #4711"),
    ("request.close", "4711", "There is no request #4711"),
    ("request.again", "4711", "There is no request #4711"),
    ("recent.page.next", "no-such-list", "no longer kept"),
    ("recent.filter.failed", "no-such-list", "no longer kept"),
    ("digest.retry.3", "no-such-group", "too old"),
    ("digest.list", "no-such-list", "too old"),
]


async def test_buttons_of_older_versions_and_with_values_that_make_no_sense_are_answered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for action, value, sentence in UNKNOWN:
            button = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": "Go"}}
            block = {"type": "actions", "elements": [button | ({"value": value} if value else {})]}
            old = stage.world.slack.space.post("C0HELPDESK", BOT_USER, "an old message", [block])
            said = await pressed(stage, "ann", "Go", old)
            assert sentence in said, (action, value, said)
            assert old.versions == 1
        assert await stage.actions() == []
        assert nothing_left(stage) == []


async def test_a_form_of_an_older_version_and_a_device_button_that_is_forgotten_are_answered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        field = {"type": "plain_text_input", "action_id": "x"}
        block = {"type": "input", "block_id": "x", "label": {"type": "plain_text", "text": "X"}, "element": field}
        title = {"type": "plain_text", "text": "Old"}
        source = {"type": "modal", "callback_id": "silence.add", "title": title, "submit": title, "blocks": [block]}
        stage.world.slack.space.open_view("U0ANN", source)
        assert await stage.submits("ann", {"X": "7d"}) == {}
        assert "form is from an older version" in stage.told("ann")
        button = {"type": "button", "action_id": "device.retry", "value": "forgotten", "text": title}
        old = stage.world.slack.space.post("C0HELPDESK", BOT_USER, "old", [{"type": "actions", "elements": [button]}])
        view = await stage.opens("ann", "Old", old, saying="too old")
        assert "/patches device NAME" in view.plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- nobody could approve


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        (configured(approvers='["U0BOB"]'), "Nobody but you could approve this"),
        (configured(approvers='["U0BOB", "U0GINA", "U0OTTO"]'), "Nobody but you could approve this"),
        (configured(approvers='["U0BOB", "U0ANN"]', quorum="2"), "2 approvals are needed, and besides you only 1"),
        (configured(approvers="[]"), "approvals.approvers is missing"),
        (CONFIG.replace('channel = "C0PATCHAPPROVE"', ""), "approvals.channel is missing"),
    ],
)
async def test_a_request_that_nobody_could_approve_is_refused_at_once(
    config: str, sentence: str, tmp_path: Path
) -> None:
    async with staged(tmp_path, config=config) as stage:
        assert sentence in (await stage.asks("bob", ASK)).plain
        listed = await stage.asks("bob", "/patches device 1001")
        await stage.opens("bob", "Retry…", listed, saying="Failed patches to retry")
        assert await stage.submits("bob", {"Failed patches to retry": ["4"]}) == {}
        assert sentence in stage.told("bob")
        assert stage.posted("C0PATCHAPPROVE") == []
        assert nothing_left(stage) == []


async def test_the_button_under_a_devices_patches_makes_a_request(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        listed = await stage.asks("bob", "/patches device srv-dc01")
        await stage.opens("bob", "Retry…", listed, saying="Failed patches to retry")
        assert await stage.submits("bob", {"Failed patches to retry": ["4"], "Reason": "please & thanks"}) == {}
        assert "Request #1 is made: retry 4 on SRV-DC01" in stage.told("bob")
        assert "please & thanks" in stage.card.plain
        await pressed(stage, "ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- cards that could not be shown


async def test_a_card_that_could_not_be_posted_is_told_and_posted_once_the_bot_is_invited_again(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.kick_bot("C0PATCHAPPROVE")
        answer = await stage.asks("bob", ASK)
        assert "Request #1 is made" in answer.plain
        assert "could not be posted" in answer.plain
        assert stage.posted("C0PATCHAPPROVE") == []
        await stage.later(MINUTE)
        assert stage.posted("C0PATCHAPPROVE") == []
        stage.world.slack.invite_bot("C0PATCHAPPROVE")
        await stage.later(timedelta(minutes=5))
        assert len(stage.posted("C0PATCHAPPROVE")) == 1
        await pressed(stage, "ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_a_card_that_could_not_be_changed_is_repaired_later(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.faults.error("chat.update", "internal_error", times=None)
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert card.buttons == ["Approve", "Deny", "Withdraw"]
        assert "was already approved and sent" in await pressed(stage, "carl", "Deny", card)
        stage.world.slack.faults.clear()
        await stage.later(MINUTE)
        assert "Queued by N-sight" in card.plain
        assert card.buttons == []
        assert nothing_left(stage) == []


async def test_a_card_that_was_deleted_is_posted_anew(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.space.delete(await asked(stage))
        await stage.later(MINUTE)
        answer = stage.world.slack.last["bob"].answers[-1]
        await stage.clicks("bob", "Withdraw", answer)
        await stage.later(MINUTE)
        assert "Withdrawn by @bob" in stage.card.plain
        assert nothing_left(stage) == []


async def test_a_click_on_a_card_whose_place_was_never_learned_makes_it_known(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.faults.add("chat.postMessage", "lost_answer")
        await stage.asks("bob", ASK)
        [card] = stage.posted("C0PATCHAPPROVE")
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in card.plain
        await stage.later(timedelta(minutes=5))
        assert stage.posted("C0PATCHAPPROVE") == [card]
        assert nothing_left(stage) == []


async def test_the_requester_hears_the_news_even_when_slack_was_away_for_a_while(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.faults.add("chat.postMessage", "http_500", times=None)
        await pressed(stage, "ann", "Approve", card)
        assert stage.direct("bob") == []
        stage.world.slack.faults.clear()
        await stage.later(MINUTE)
        told = stage.direct("bob")
        assert [words for words in told if "Queued by N-sight" in words] == told[-1:]
        assert nothing_left(stage) == []


async def test_a_slow_form_leaves_the_list_it_came_from_and_says_nothing_more(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        listed = await stage.asks("bob", "/patches device 1001")
        stage.world.nsight.faults.add("patch_list_all", Fault.SLOW, seconds=1.3)
        clicked = await stage.clicks("bob", "Retry…", listed)
        view = await stage.world.slack.view_of("bob", saying="Failed patches to retry")
        assert view.title == "Request a retry"
        assert "2 failed patches of 7" in listed.plain
        assert [answer.plain for answer in clicked.answers] == []
        assert nothing_left(stage) == []


async def test_a_form_closed_while_it_loads_is_no_trouble(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        listed = await stage.asks("bob", "/patches device 1001")
        held = asyncio.Event()
        stage.world.nsight.faults.add("patch_list_all", Fault.SLOW, until=held)
        clicked = await stage.world.slack.clicks("bob", "Retry…", listed)
        await stage.world.slack.view_of("bob", saying="Asking N-sight")
        await stage.world.slack.closes("bob")
        held.set()
        await stage.bot.settle()
        assert [answer.plain for answer in clicked.answers] == []


async def test_a_usergroup_that_is_gone_does_not_lock_out_the_approvers_of_another(tmp_path: Path) -> None:
    config = CONFIG.replace('approvers = ["S0PATCHTEAM"]', 'approvers = ["S0GONE", "S0PATCHTEAM"]')
    async with staged(tmp_path, config=config) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))]


def test_somebody_of_another_grid_organisation_is_a_stranger() -> None:
    away = {"id": "U0ANN", "team_id": "T0OTHER", "enterprise_user": {"enterprise_id": "E0OTHER"}}
    here = Me(enterprise="", url="", team="T0HOME", team_name="", user="", bot="", scopes=frozenset())
    assert person_of(away, here).stranger
    assert person_of(away, replace(here, enterprise="E0MINE")).stranger
    assert not person_of(away, replace(here, enterprise="E0OTHER")).stranger
