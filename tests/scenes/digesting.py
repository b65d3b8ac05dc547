"""What scenes about digests share: failures that happen, slots that come, and what a digest and its thread say."""

import re
from datetime import UTC, date, datetime, timedelta

from bot.demo.catalogue import Application
from bot.demo.fleet import AttemptRow
from bot.demo.slack.model import Shown
from bot.demo.world import World
from tests.scenes.stage import CONFIG, Stage

NEWS = "C0PATCHNEWS"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
THURSDAY = datetime(2025, 3, 13, 8, 0, tzinfo=UTC)  # 09:00 in Berlin, the first slot after the clock's start
SILENT = CONFIG + "post_when_empty = false\n"


def quiet(world: World) -> World:
    """A week in which nothing was patched so far, so that a scene knows every attempt there is."""
    world.fleet.attempts.clear()
    return world


def fails(
    world: World, *names: str, on: int = 1001, ago: timedelta = MINUTE, status: str = "FAILED_DOWNLOAD_ERROR"
) -> None:
    """An application of each name fails on a machine, as ESET lists from now on."""
    ended = world.clock.now() - ago
    for name in names:
        application = Application("Fabrikam & Co", name, name, ("1.0", "2.0"), date(2025, 3, 1))
        world.fleet.attempts.append(AttemptRow(on, application, "1.0", "2.0", status, ended - MINUTE, ended))


def works(world: World, *names: str, on: int = 1001, ago: timedelta = MINUTE) -> None:
    """The same come through."""
    fails(world, *names, on=on, ago=ago, status="OK_INSTALLED")


async def reach(stage: Stage, instant: datetime) -> None:
    await stage.later(instant - stage.world.clock.now())


def digests(stage: Stage, channel: str = NEWS) -> list[Shown]:
    return stage.posted(channel)


def thread(stage: Stage, digest: Shown) -> list[Shown]:
    """What stands below a digest, oldest first."""
    return [shown for shown in stage.world.slack.messages if shown.thread_ts == digest.ts and not shown.deleted]


def details(stage: Stage, digest: Shown, section: str) -> str:
    """What the thread says under "New", "Still failing" or "Recovered"; empty when it says nothing."""
    there = [shown.screen for shown in thread(stage, digest) if re.match(rf"\W*{section}: ", shown.screen)]
    return "\n".join(there)


def named(stage: Stage, digest: Shown, section: str = "New") -> set[str]:
    """The scene's own applications in a section of the thread."""
    return set(re.findall(r"^(App \S+) ", details(stage, digest, section), re.MULTILINE))
