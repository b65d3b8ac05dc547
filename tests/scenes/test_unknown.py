"""An outcome that nobody knows: shown, read again on request, closed by a person, never sent again by itself."""

from datetime import timedelta
from pathlib import Path

from bot.demo.faults import Fault
from bot.demo.slack.model import Shown
from tests.scenes.playing import asked, pressed
from tests.scenes.stage import Stage, nothing_left, staged

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def unknown(stage: Stage, fault: Fault = Fault.CUT) -> Shown:
    """A request whose one call may or may not have arrived; its card."""
    card = await asked(stage)
    stage.world.nsight.faults.add("patch_retry", fault)
    await pressed(stage, "ann", "Approve", card)
    assert "Outcome unknown" in card.plain
    assert card.buttons == ["Read the device again", "Close"]
    return card


async def test_an_approver_has_the_device_read_and_sees_that_the_call_arrived(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await unknown(stage, Fault.LOSE_REPLY)
        assert "Try again in two minutes" in await pressed(stage, "carl", "Read the device again", card)
        stage.world.clock.advance(2 * MINUTE)
        assert "Queued by N-sight" in await pressed(stage, "carl", "Read the device again", card)
        assert "Queued by N-sight" in card.plain
        assert card.buttons == []
        assert len(stage.retries) == 1
        assert nothing_left(stage) == []


async def test_reading_that_proves_nothing_is_told_and_shown_on_the_card(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await unknown(stage)
        stage.world.clock.advance(3 * MINUTE)
        said = await pressed(stage, "ann", "Read the device again", card)
        for told in (said, card.plain):
            assert "Read again at 2025-03-12 08:33 UTC: 4 Failed, 5 Failed. That proves nothing." in told
        assert card.buttons == ["Read the device again", "Close"]
        assert (await stage.actions())[-1] == "request.look"
        assert len(stage.retries) == 1
        assert nothing_left(stage) == []


async def test_only_approvers_have_it_read_or_closed_and_a_silent_n_sight_is_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await unknown(stage)
        stage.world.clock.advance(3 * MINUTE)
        for who in ("bob", "dave"):
            for button in ("Read the device again", "Close"):
                assert "not one of the approvers" in await pressed(stage, who, button, card)
        assert "Guests cannot decide" in await pressed(stage, "gina", "Close", card)
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
        assert "N-sight has trouble of its own" in await pressed(stage, "ann", "Read the device again", card)
        assert "can be closed one hour after the call" in await pressed(stage, "ann", "Close", card)
        assert nothing_left(stage) == []


async def test_the_approvers_are_asked_each_day_until_somebody_closes_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await unknown(stage)
        for _ in range(9):
            await stage.later(8 * HOUR)
        asks = [
            shown for shown in stage.world.slack.messages if shown.thread_ts == card.ts and "Close" in shown.buttons
        ]
        assert len(asks) == 3
        assert "Request #1 is closed. A retry needs a new request." in await pressed(stage, "carl", "Close", asks[0])
        assert "Closed by @carl" in card.plain
        assert card.buttons == ["Retry…"]
        for _ in range(3):
            await stage.later(8 * HOUR)
        assert len(stage.retries) == 1
        assert nothing_left(stage) == []
