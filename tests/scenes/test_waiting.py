"""A request that waits: a reminder, an escalation, another channel when the first is closed, a quiet end."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from tests.scenes.playing import ASK, asked, configured, pressed
from tests.scenes.stage import Stage, nothing_left, staged

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def in_thread(stage: Stage, ts: str) -> list[str]:
    return [shown.plain for shown in stage.world.slack.messages if shown.thread_ts == ts and not shown.ephemeral_to]


# ---------------------------------------------------------------- reminder and end


async def test_who_is_still_needed_is_reminded_once_in_the_cards_thread(tmp_path: Path) -> None:
    config = configured(approvers='["U0ANN", "U0CARL", "U0BOB"]', quorum="2")
    async with staged(tmp_path, config=config) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        await stage.later(HOUR - MINUTE)
        assert in_thread(stage, card.ts) == []
        await stage.later(MINUTE)
        (reminder,) = in_thread(stage, card.ts)
        assert reminder.startswith("@carl: request #1 (SRV-DC01) still waits: 1 of 2 approvals given, 1 more needed.")
        assert "expires 2025-03-12 12:30 UTC" in reminder
        await stage.later(HOUR)
        assert len(in_thread(stage, card.ts)) == 1
        assert (await stage.actions()).count("request.remind") == 1
        assert nothing_left(stage) == []


async def test_a_request_that_nobody_decided_on_is_never_called_denied(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(remind='"never"')) as stage:
        card = await asked(stage)
        await stage.later(4 * HOUR)
        for told in (card.plain, stage.direct("bob")[-1]):
            assert "Expired. Nobody decided in time. Nothing was sent." in told
            assert "enied" not in told
        assert await stage.actions() == ["request.create", "request.expire"]
        assert in_thread(stage, card.ts) == []
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- escalation

ESCALATED = configured(escalate_after='"90m"', escalate_to='["U0DAVE"]', escalate_channel='"C0HELPDESK"')


async def test_after_a_time_others_may_decide_too_and_see_the_card_where_they_are(tmp_path: Path) -> None:
    async with staged(tmp_path, config=ESCALATED) as stage:
        card = await asked(stage)
        assert "not one of the approvers" in await pressed(stage, "dave", "Approve", card)
        await stage.later(90 * MINUTE)
        await stage.later(MINUTE)  # the reminder was due before: one message is enough
        assert "Escalated 2025-03-12 10:00 UTC to @dave and #helpdesk." in card.plain
        assert "may approve: @patch-team @dave" in card.plain
        (told,) = in_thread(stage, card.ts)
        assert told.startswith("@dave: you may decide on request #1 (SRV-DC01) now too.")
        assert "Its card is in #helpdesk too." in told
        assert stage.direct("dave") == [told]
        second = next(shown for shown in stage.posted("C0HELPDESK") if "Retry request #1" in shown.plain)
        await pressed(stage, "dave", "Approve", second)
        assert stage.retries == [(1001, (4, 5))]
        for shown in (card, second):
            assert "Queued by N-sight" in shown.plain
            assert shown.buttons == []
        assert nothing_left(stage) == []


async def test_what_is_decided_in_time_is_not_escalated(tmp_path: Path) -> None:
    async with staged(tmp_path, config=ESCALATED) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        await stage.later(2 * HOUR)
        assert "request.escalate" not in await stage.actions()
        assert [shown for shown in stage.posted("C0HELPDESK") if "Retry request" in shown.plain] == []


# ---------------------------------------------------------------- a channel that is closed

FALLBACK = configured(fallback_channel='"C0PATCHNEWS"')


@pytest.mark.parametrize("trouble", ["not invited", "archived"])
async def test_a_request_whose_channel_cannot_be_posted_to_goes_to_the_fallback(trouble: str, tmp_path: Path) -> None:
    async with staged(tmp_path, config=FALLBACK) as stage:
        if trouble == "archived":
            stage.world.slack.space.channel("C0PATCHAPPROVE").archived = True
        else:
            stage.world.slack.kick_bot("C0PATCHAPPROVE")
        answer = await stage.asks("bob", ASK)
        assert "Request #1 is made" in answer.plain
        assert "could not be posted" not in answer.plain
        assert "cannot be shown in #patch-approvals" in stage.direct("bob")[-1]
        assert "its card is in #patch-news" in stage.direct("bob")[-1]
        (card,) = stage.posted("C0PATCHNEWS")
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in card.plain
        stage.world.slack.space.channel("C0PATCHAPPROVE").archived = False
        stage.world.slack.invite_bot("C0PATCHAPPROVE")
        await stage.later(15 * MINUTE)
        assert stage.posted("C0PATCHAPPROVE") == [], "the request has its place now"
        assert "request.divert" in await stage.actions()
        assert nothing_left(stage) == []


async def test_a_request_whose_channel_is_archived_while_it_waits_is_shown_in_the_fallback_too(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(fallback_channel='"C0PATCHNEWS"', quorum="2")) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        stage.world.slack.space.channel("C0PATCHAPPROVE").archived = True
        await stage.later(HOUR)  # a reminder changes the card, which cannot be changed there any more
        (second,) = stage.posted("C0PATCHNEWS")
        assert "Approved by @ann" in second.plain
        assert in_thread(stage, card.ts) == []
        (reminder,) = in_thread(stage, second.ts)
        assert reminder.startswith("@carl: request #1 (SRV-DC01) still waits")
        await pressed(stage, "carl", "Approve", second)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_the_question_about_an_unknown_outcome_finds_its_way_out_of_an_archived_channel(tmp_path: Path) -> None:
    async with staged(tmp_path, config=FALLBACK) as stage:
        card = await asked(stage)
        stage.world.nsight.faults.add("patch_retry", Fault.CUT)
        await pressed(stage, "ann", "Approve", card)
        stage.world.slack.archive("C0PATCHAPPROVE")
        for _ in range(6):
            await stage.later(15 * MINUTE)
        (second,) = stage.posted("C0PATCHNEWS")
        (question,) = [shown for shown in stage.world.slack.messages if shown.thread_ts == second.ts]
        assert "It is still not known what became of request #1" in question.plain
        assert "Request #1 is closed" in await pressed(stage, "carl", "Close", question)
        assert "Closed by @carl" in second.plain
        assert nothing_left(stage) == []


async def test_where_both_channels_are_closed_the_card_comes_as_soon_as_one_of_them_opens(tmp_path: Path) -> None:
    async with staged(tmp_path, config=FALLBACK) as stage:
        for channel in ("C0PATCHAPPROVE", "C0PATCHNEWS"):
            stage.world.slack.kick_bot(channel)
        answer = await stage.asks("bob", ASK)
        assert "could not be posted in #patch-approvals yet" in answer.plain
        assert stage.direct("bob") == [], "nothing is said of a card that is nowhere"
        stage.world.slack.invite_bot("C0PATCHAPPROVE")
        await stage.later(10 * MINUTE)
        await pressed(stage, "ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- Slack does not change the card


async def test_a_card_that_cannot_be_changed_for_ten_minutes_ends_right_by_itself(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.faults.error("chat.update", "internal_error", times=None)
        said = await pressed(stage, "ann", "Approve", card)
        assert "Its card will show it as soon as Slack lets it change." in said
        assert stage.retries == [(1001, (4, 5))]
        for _ in range(30):
            await stage.later(timedelta(seconds=20))
            assert card.buttons == ["Approve", "Deny", "Withdraw"]
        assert "was already approved and sent" in await pressed(stage, "carl", "Approve", card)
        stage.world.slack.faults.clear()
        await stage.later(5 * MINUTE)
        assert "Queued by N-sight" in card.plain
        assert card.buttons == []
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_a_vote_that_the_card_shows_is_not_answered_late_because_news_of_it_are_slow(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.slack.faults.add("chat.postMessage", "slow", times=None, seconds=1.2)
        assert await pressed(stage, "ann", "Approve", card) == ""
        assert "Queued by N-sight" in card.plain
        assert nothing_left(stage) == []


async def test_who_asked_is_not_told_that_they_may_decide_on_their_own_request(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(escalate_after='"1h"', escalate_to='["U0BOB", "U0DAVE"]')) as stage:
        await asked(stage)
        await stage.later(HOUR)
        assert stage.direct("dave")[-1].startswith("@dave: you may decide")
        assert stage.direct("bob") == []
        assert nothing_left(stage) == []
