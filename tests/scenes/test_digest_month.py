"""Thirty days of digests, in which much goes wrong: every slot once, no failure missing and none told as new twice."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bot.demo.world import World
from tests.scenes.digesting import HOUR, NEWS, fails, named, quiet, works
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

DAYS = 30
DOWN = range(11, 14)  # both processes are, over three slots
RENAMED, STORM, ALONE = 5, 17, range(20, 24)
PLAN = '[eset]\nevery = "12h"\n\n' + CONFIG.replace("0 9 * * 1-5", "0 9 * * *")


class Month:
    """What happens day by day, and what a digest ought to say of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.happened: set[str] = set()

    def night(self, day: int) -> None:
        """Two new failures each night, one of which fails again the next night and recovers the night after."""
        fails(self.world, f"App {day}-once", f"App {day}-again", on=1001 + day % 5, ago=3 * HOUR)
        self.happened |= {f"App {day}-once", f"App {day}-again"}
        if day >= 2:
            fails(self.world, f"App {day - 1}-again", on=1001 + (day - 1) % 5, ago=2 * HOUR)
        if day >= 3:
            works(self.world, f"App {day - 2}-again", on=1001 + (day - 2) % 5, ago=HOUR)


async def day_by_day(month: Month, one: Stage, two: Stage | None, days: range) -> None:
    """Each morning both processes look at what is due, at the same time; and once more an hour later."""
    for day in days:
        to = morning(day)
        if day:
            month.night(day)
        if day == RENAMED:
            channel = month.world.slack.space.channel(NEWS)
            month.world.slack.space.channels[NEWS] = replace(channel, name="patch-news-and-more")
        if day == STORM:
            month.world.slack.faults.rate_limited("chat.postMessage", 0, times=3)
        for instant in (to, to + HOUR):
            month.world.clock.advance(instant - month.world.clock.now())
            await asyncio.gather(*(stage.bot.tick() for stage in (one, two) if stage is not None))


def morning(day: int) -> datetime:
    """Nine o'clock in Berlin, where the clocks change on the 17th of these days."""
    local = datetime(2025, 3, 13, 9, tzinfo=ZoneInfo("Europe/Berlin")) + timedelta(days=day)
    return local.astimezone(UTC)


async def test_in_a_month_every_slot_is_posted_once_and_no_failure_is_missing_or_new_twice(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.expires_in = 60 * 86400
        month = Month(quiet(world))
        async with AsyncExitStack() as stack:
            one, two = [await stack.enter_async_context(staged(tmp_path, world=world, config=PLAN)) for _ in "12"]
            await day_by_day(month, one, two, range(DOWN.start))
        for day in DOWN:
            world.clock.advance(morning(day) - world.clock.now())
            month.night(day)
        world.clock.advance(2 * HOUR)
        async with staged(tmp_path, world=world, config=PLAN) as one:
            async with staged(tmp_path, world=world, config=PLAN) as two:
                await day_by_day(month, one, two, range(DOWN.stop, ALONE.start))
            await day_by_day(month, one, None, ALONE)
            async with staged(tmp_path, world=world, config=PLAN) as two:
                await day_by_day(month, one, two, range(ALONE.stop, DAYS))
            posted = one.posted(NEWS)

            late = [shown for shown in posted if "Late: " in shown.plain]
            assert len(posted) == DAYS - len(DOWN) + 1
            assert len({shown.at.date() for shown in posted}) == len(posted)
            assert ["covers 2 missed slots too" in shown.plain for shown in late] == [True, False], "after the storm"
            new = Counter(name for shown in posted for name in named(one, shown, "New"))
            assert month.happened - set(new) == {"App 11-again"}, "failed and recovered while nobody looked"
            assert not set(new) - month.happened
            assert set(new.values()) == {1}
            recovered = Counter(name for shown in posted for name in named(one, shown, "Recovered"))
            assert set(recovered) == {f"App {day}-again" for day in range(1, DAYS - 2)}
            assert set(recovered.values()) == {1}
            assert (await one.actions()).count("digest.post") == len(posted)
            assert nothing_left(one) == []
