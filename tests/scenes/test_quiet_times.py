"""Digests around quiet times: held back, told once, and never in the middle of one."""

import re
from datetime import UTC, datetime
from pathlib import Path

from bot.demo.world import World
from tests.scenes.digesting import DAY, HOUR, NEWS, fails, quiet, reach
from tests.scenes.stage import CONFIG, SELDOM, nothing_left, staged

FRIDAY = datetime(2025, 3, 14, 8, 0, tzinfo=UTC)  # 09:00 in Berlin
DAILY = CONFIG.replace("* * 1-5", "* * *")
QUIET = DAILY + 'quiet = ["Sat", "Sun", "2025-03-26..2025-03-27", "22:00-06:00"]\n'


async def test_a_quiet_weekend_is_told_on_monday_in_one_digest(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=QUIET) as stage:
        await reach(stage, FRIDAY)
        before = len(stage.posted(NEWS))
        for name, days in (("Sparrow", 1), ("Wren", 2)):
            await reach(stage, FRIDAY + days * DAY)
            fails(world, name)
            await stage.later(HOUR)
        assert len(stage.posted(NEWS)) == before
        listed = (await stage.asks("bob", "/patches digest list")).plain
        assert "next 2025-03-17 08:00 UTC (Mon 2025-03-17 09:00 Europe/Berlin)" in listed
        assert "quiet Sat, Sun, 2025-03-26..2025-03-27 and 22:00-06:00" in listed
        await reach(stage, FRIDAY + 3 * DAY)
        [monday] = stage.posted(NEWS)[before:]
        assert "Sparrow" in monday.plain
        assert "Wren" in monday.plain
        assert "held back 2 slots in quiet time" in monday.plain
        assert "Late" not in monday.plain
        assert nothing_left(stage) == []


async def test_through_quiet_times_and_a_change_of_the_clock_each_failure_is_told_once(tmp_path: Path) -> None:
    winter = ["03-21 08", "03-24 08", "03-25 08", "03-28 08"]
    summer = ["03-31 07", "04-01 07", "04-02 07", "04-03 07"]
    posted: list[str] = []
    async with World() as world, staged(tmp_path, world=quiet(world), config=SELDOM + QUIET) as stage:
        await reach(stage, FRIDAY + 6 * DAY)
        before = len(stage.posted(NEWS))
        for hours in (24 * day + hour for day in range(7, 21) for hour in (-1, 0, 5)):
            await reach(stage, FRIDAY + hours * HOUR)
            posted += [f"{world.clock.now():%m-%d %H}"] * (len(stage.posted(NEWS)) - before - len(posted))
            if hours % 24 == 5:
                fails(world, f"Bird-{hours // 24}")
        assert nothing_left(stage) == []
        told = [re.search(r"(\d+) failed patching attempt", shown.plain) for shown in stage.posted(NEWS)]
    assert posted == [*winter, *summer]
    assert sum(int(found[1]) for found in told if found) == 13  # that of the last afternoon is still to be told
