"""Approve now, send in the maintenance window: shown, withdrawable, checked again, and over when the window is."""

from datetime import timedelta
from pathlib import Path

from bot.demo.faults import Fault
from bot.demo.world import World
from tests.scenes.playing import asked, pressed
from tests.scenes.stage import CONFIG, nothing_left, staged

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
# It is 08:30 UTC on a Wednesday in Berlin's winter time.
WINDOWS = """
[[windows]]
client = "Contoso*"
cron = "0 22 * * *"
duration = "4h"
timezone = "Europe/Berlin"

[[windows]]
client = "Northwind*"
cron = "0 1 * * *"
duration = "1h"
"""
NIGHT = timedelta(hours=12, minutes=30)  # until 21:00 UTC, when Contoso's window opens


async def test_what_is_approved_by_day_is_sent_when_the_window_opens(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        promise = "in the device's maintenance window, 2025-03-12 21:00 UTC to 2025-03-13 01:00 UTC"
        for told in (card.plain, stage.direct("bob")[-1]):
            assert promise in told
            assert "can be withdrawn until it is sent" in told
        assert card.buttons == ["Withdraw"]
        assert "was already" not in stage.told("ann")
        await stage.later(NIGHT - MINUTE)
        assert stage.retries == []
        await stage.later(MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in card.plain
        assert nothing_left(stage) == []


async def test_until_the_window_opens_it_can_be_withdrawn(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        await stage.later(6 * HOUR)
        await pressed(stage, "bob", "Withdraw", card)
        assert "Withdrawn by @bob" in card.plain
        await stage.later(NIGHT)
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_rights_are_asked_for_again_when_the_window_opens(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        stage.world.slack.leaves_group("ann", "S0PATCHTEAM")
        await stage.later(NIGHT)
        assert stage.retries == []
        assert "The approval no longer counts" in card.plain
        assert card.buttons == ["Approve", "Deny", "Withdraw"]
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries == [(1001, (4, 5))], "the window is open"
        assert nothing_left(stage) == []


async def test_stale_counts_from_the_windows_start(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS) as stage:
        card = await asked(stage)
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=2, status=503)
        await pressed(stage, "ann", "Approve", card)
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
        await stage.later(NIGHT)
        assert "cannot be checked" in card.plain
        await stage.later(59 * MINUTE)
        assert "Approved by" in card.plain
        await stage.later(5 * MINUTE)  # the pause between two checks
        assert "Expired. It was approved, but could not be sent in time." in card.plain
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_a_window_that_passed_while_the_bot_was_down_is_not_made_up_for(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world, config=CONFIG + WINDOWS) as stage:
            card = await asked(stage)
            await pressed(stage, "ann", "Approve", card)
        world.clock.advance(NIGHT + 5 * HOUR)
        never_stale = CONFIG.replace("[approvals]", '[approvals]\nstale = "never"')
        async with staged(tmp_path, world=world, config=never_stale + WINDOWS) as stage:
            await stage.later(MINUTE)
            assert (
                "It was approved, but its maintenance window closed before it could be sent. Nothing was sent."
                in card.plain
            )
            assert card.buttons == ["Retry…"]
            assert stage.retries == []
            assert nothing_left(stage) == []


async def test_within_its_window_an_approved_request_is_sent_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS) as stage:
        stage.world.clock.advance(NIGHT + HOUR)
        await pressed(stage, "ann", "Approve", await asked(stage))
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_a_device_that_no_window_is_about_never_waits(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS.replace("Contoso", "Fabrikam")) as stage:
        await pressed(stage, "ann", "Approve", await asked(stage))
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []
