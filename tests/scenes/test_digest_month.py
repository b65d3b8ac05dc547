"""Weeks of digests while everything else goes wrong, held against a plain account of what happened.

Two bots share a database. Attempts are listed late, the bots are down for days, Slack refuses for hours, the channel
gets another name and the clocks change: every slot is covered once, and what each digest calls new, still failing and
recovered is what the account says.
"""

import asyncio
import random
import re
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bot.demo.catalogue import Application
from bot.demo.clock import Clock
from bot.demo.fleet import AttemptRow
from bot.demo.slack.model import Shown
from bot.demo.world import World
from tests.scenes.digesting import DAY, HOUR, MINUTE, NEWS, details, digests, quiet
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

BERLIN = ZoneInfo("Europe/Berlin")
TIMES = (9, 15)  # of the wall clock in Berlin
TWICE = CONFIG.replace("0 9 * * 1-5", "0 9,15 * * *")
BEGIN = datetime(2025, 3, 13, 4, 0, tzinfo=BERLIN)  # the clocks change on the 30th
MACHINES = (1001, 1002, 1003, 1004, 1005)
APPLICATIONS = ("App A", "App B", "App C")

Where = tuple[int, str]  # machine and application


@dataclass(frozen=True)
class Event:
    """An attempt as the account knows it; ``listed``: when ESET tells of it."""

    where: Where
    ended: datetime
    listed: datetime
    failed: bool


@dataclass
class Account:
    """All that happened, and what a digest has to say of it. ``failing``: as the digest before told."""

    events: list[Event] = field(default_factory=list)
    failing: set[Where] = field(default_factory=set)

    def told(self, before: datetime, now: datetime) -> dict[str, set[Where]]:
        """For a digest at ``now`` that follows one at ``before``."""
        sections: dict[str, set[Where]] = {"New": set(), "Still failing": set(), "Recovered": set()}
        for where in {event.where for event in self.events if event.listed <= now}:
            if section := self._section(where, before, now):
                sections[section].add(where)
        self.failing = sections["New"] | sections["Still failing"]
        return sections

    def _section(self, where: Where, before: datetime, now: datetime) -> str:
        known = (event for event in self.events if event.where == where and event.listed <= now)
        failures: list[Event] = []  # the last ones without a success between
        end: Event | None = None  # the success after them
        for event in sorted(known, key=lambda event: event.ended):
            if event.failed:
                failures, end = ([event] if end else [*failures, event]), None
            elif failures and end is None:
                end = event
        if not failures:
            return ""
        told = any(event.listed <= before for event in failures)
        if end is None:
            return "Still failing" if told else "New"
        return "Recovered" if end.listed > before or not told or where in self.failing else ""


@dataclass
class Month:
    """The world, what happens in it by the dice, and when each digest came."""

    world: World
    folder: Path
    dice: random.Random
    account: Account = field(default_factory=Account)
    waiting: list[Event] = field(default_factory=list)
    posted_at: list[datetime] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.world.clock.now()

    def happens(self) -> None:
        """A few attempts end about now; one in five is listed hours or days later."""
        free = [(machine, name) for machine in MACHINES for name in APPLICATIONS]
        for where in self.dice.sample(free, self.dice.randint(0, 4)):
            ended = self.now - timedelta(seconds=self.dice.randint(1, 5 * 3600))
            late = timedelta(seconds=self.dice.randint(1, 36 * 3600)) if self.dice.random() < 0.2 else timedelta()
            self.waiting.append(Event(where, ended, self.now + late, failed=self.dice.random() < 0.6))

    async def goes_on(self, until: datetime, stages: list[Stage]) -> None:
        """Time goes by; every bot that is up looks at what is due, all at once."""
        self.world.clock.advance(until - self.now)
        self._lists()
        await asyncio.gather(*(stage.bot.tick() for stage in stages))
        self.notes()

    def _lists(self) -> None:
        """ESET tells of what is due by now."""
        due = [event for event in self.waiting if event.listed <= self.now]
        self.waiting = [event for event in self.waiting if event.listed > self.now]
        self.world.fleet.attempts += [_row(event) for event in due]
        self.account.events += [replace(event, listed=self.now) for event in due]

    def notes(self) -> None:
        posted = [
            one for one in self.world.slack.messages if one.channel == NEWS and not (one.deleted or one.thread_ts)
        ]
        self.posted_at += [self.now] * (len(posted) - len(self.posted_at))


def _row(event: Event) -> AttemptRow:
    machine, name = event.where
    application = Application("Fabrikam", name, name, ("1.0", "2.0"), date(2025, 3, 1))
    status = "FAILED_DOWNLOAD_ERROR" if event.failed else "OK_INSTALLED"
    return AttemptRow(machine, application, "1.0", "2.0", status, event.ended - MINUTE, event.ended)


def slots(days: int) -> Iterator[datetime]:
    for day in range(days):
        for hour in TIMES:
            yield datetime.combine(BEGIN.date() + day * DAY, datetime.min.time(), BERLIN).replace(hour=hour)


def _day(slot: datetime) -> int:
    return (slot.date() - BEGIN.date()).days


async def played(month: Month, days: int, *, down: range, storm: range, renamed: int) -> Stage:
    """Plays the days; a stage of the last one, closed. ``down``: days without any bot; ``storm``: days on which Slack
    refuses every post at first. ``renamed``: the day on which the channel gets another name."""
    async with AsyncExitStack() as bots:
        up: list[Stage] = []
        for slot in slots(days):
            if _day(slot) == renamed:
                month.world.slack.space.channels[NEWS].name = "patching-news"
            if _day(slot) in down:
                await bots.aclose()
                up = []
            elif not up:
                up = [
                    await bots.enter_async_context(staged(month.folder, config=TWICE, world=month.world)) for _ in "ab"
                ]
                month.notes()
            month.happens()
            await month.goes_on(slot - HOUR, up)
            month.happens()
            if _day(slot) in storm and up:
                month.world.slack.faults.rate_limited("chat.postMessage", 60, times=None)
                await month.goes_on(slot, up)
                month.world.slack.faults.clear()
            for minutes in (12, 15, 40) if _day(slot) in storm else (0, 15, 40):
                await month.goes_on(slot + timedelta(minutes=minutes), up)
        return up[0]


def as_scheduled(stage: Stage, month: Month, days: int, *, down: range, storm: range) -> None:
    """Every slot once, at its time; those of the days without a bot by one late digest when they are over."""
    covered = [slot for slot in slots(days) if _day(slot) not in range(down.start, down.stop - 1)]
    covered.remove(next(slot for slot in covered if _day(slot) == down[-1]))
    assert len(digests(stage)) == len(covered)
    for digest, slot, at in zip(digests(stage), covered, month.posted_at, strict=True):
        assert at - slot < HOUR
        assert ("Late: was due" in digest.plain) == (_day(slot) in {*storm, *down}), (slot, digest.plain)
        missed = f"covers {2 * len(down) - 1} missed slots too" in digest.plain
        assert missed == (_day(slot) in down), (slot, digest.plain)


def as_accounted(stage: Stage, month: Month) -> None:
    """What every digest says is what happened."""
    machines = [month.world.fleet.machine(number) for number in MACHINES]
    names = {machine.name.casefold(): machine.id for machine in machines if machine}
    before = BEGIN - timedelta(hours=19)  # the reach of the first one
    for digest, at in zip(digests(stage), month.posted_at, strict=True):
        expected = month.account.told(before, at)
        if expected["New"] or expected["Recovered"]:
            told = {section: said(stage, digest, section, names) for section in expected}
            assert told == expected, (at, digest.plain)
        elif still := len(expected["Still failing"]):  # one line, whose count is all
            assert f"Still failing: {still}, nothing new" in digest.screen, (at, digest.plain)
        before = at


def said(stage: Stage, digest: Shown, section: str, names: dict[str, int]) -> set[Where]:
    """Machines and applications in a section of the digest's thread."""
    found: set[Where] = set()
    application = ""
    for line in details(stage, digest, section).splitlines():
        if match := re.match(r"(App \w) ", line):
            application = match[1]
        elif match := re.match(r"• (\S+) ", line):
            found.add((names[match[1].rstrip(":").casefold()], application))
    return found


async def _month(folder: Path, seed: int, days: int, *, down: range, storm: range, renamed: int) -> None:
    async with World(clock=Clock(BEGIN)) as world:
        world.eset.expires_in = 90 * 86400
        month = Month(quiet(world), folder, random.Random(seed))
        stage = await played(month, days, down=down, storm=storm, renamed=renamed)
        as_scheduled(stage, month, days, down=down, storm=storm)
        as_accounted(stage, month)
        assert nothing_left(stage) == []


async def test_a_week_of_digests_says_what_happened_whatever_goes_wrong(tmp_path: Path) -> None:
    await _month(tmp_path, 1, 6, down=range(3, 5), storm=range(1, 2), renamed=2)


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(4))
async def test_a_month_of_digests_says_what_happened_whatever_goes_wrong(seed: int, tmp_path: Path) -> None:
    await _month(tmp_path, seed, 30, down=range(9, 12), storm=range(5, 7), renamed=14)
