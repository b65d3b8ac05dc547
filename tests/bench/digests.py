"""A digest over 100,000 new attempts on top of a history of 1,000,000, and its picture's days.

    python -m tests.bench.digests [--rows 1000000] [--fresh 100000] [--rounds 5] [--nowhere]

The history is laid into an SQLite file by another process, so that the peak of memory is that of telling alone. In
Slack's and N-sight's absence nothing is posted and no device has a name. ``--nowhere``: ESET tells no devices.
"""

import argparse
import asyncio
import multiprocessing
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from bot import digests
from bot.blocks import digest as main_message
from bot.blocks import digest_thread
from bot.digests import DigestPlan, Due, Failure, Totals, listing
from bot.model import Attempt, Period, Result, Version
from bot.store import Store
from bot.store.tables import attempts, subjects

DEVICES, APPLICATIONS = 5000, 60
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
STATUSES = {Result.FAILED: "FAILED_DOWNLOAD_ERROR", Result.OK: "OK_INSTALLED", Result.NEEDLESS: "NOT_APPLICABLE"}
PLAN = DigestPlan("bench", "C0BENCH", "0 8 * * *")


# ---------------------------------------------------------------- a history


@dataclass
class Fleet:
    """Attempts of a fleet: one in eight fails, and what failed fails again more often than not."""

    rows: int
    nowhere: bool
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    failing: set[int] = field(default_factory=set)

    def subjects(self) -> list[dict[str, Any]]:
        devices = [""] if self.nowhere else [f"5e3f0a1c-{number:08x}" for number in range(DEVICES)]
        names = [(f"Developer {number % 20} s.r.o.", f"Application {number}") for number in range(APPLICATIONS)]
        pairs = [(*name, device) for name in names for device in devices]
        return [
            {"id": number, "developer": developer, "application": application, "device": device}
            for number, (developer, application, device) in enumerate(pairs, 1)
        ]

    def attempts(self, known: int) -> Iterator[dict[str, Any]]:
        for seq in range(1, self.rows + 1):
            subject = 1 + self.dice.randrange(known)
            ended = BEGAN + YEAR * (seq / self.rows) - timedelta(hours=self.dice.random() * 12)
            result = self._result(subject)
            yield {
                "seq": seq,
                "fingerprint": f"{seq:064x}",
                "ordinal": 1,
                "first_seen": BEGAN + YEAR * (seq / self.rows),
                "ended_at": ended,
                "subject": subject,
                "result": result,
                "attempt": _attempt(subject, result, ended),
            }

    def _result(self, subject: int) -> Result:
        luck = self.dice.random()
        if luck < (0.6 if subject in self.failing else 0.1):
            self.failing.add(subject)
            return Result.FAILED
        self.failing.discard(subject)
        return Result.NEEDLESS if luck > 0.97 else Result.OK


def _attempt(subject: int, result: Result, ended: datetime) -> str:
    """Of the size that ESET's rows have."""
    row = Attempt(
        application_uuid=f"5e3f0a1c-9b7d-4c1e-8f00-{subject:012x}",
        developer_name="Developer s.r.o.",
        display_name=f"Application {subject}",
        patched=Version(name="4.2.1.0"),
        raw_status=f"APPLICATION_PATCHING_STATUS_{STATUSES[result]}",
        period=Period(start=(ended - timedelta(minutes=2)).isoformat(), end=ended.isoformat()),
        unpatched=Version(name="4.1.0.0"),
    )
    return msgspec.json.encode(row).decode()


def lay(path: str, rows: int, nowhere: bool) -> None:
    asyncio.run(_made(path))
    fleet = Fleet(rows, nowhere)
    plain = sa.create_engine(f"sqlite:///{path}")
    with plain.begin() as connection:
        known = fleet.subjects()
        connection.execute(sa.insert(subjects), known)
        rest = fleet.attempts(len(known))
        while page := list(islice(rest, 20_000)):
            connection.execute(sa.insert(attempts), page)
    plain.dispose()


async def _made(path: str) -> None:
    await (await Store.open(f"sqlite+aiosqlite:///{path}")).close()


# ---------------------------------------------------------------- telling it


@dataclass
class Clock:
    """Wall and processor seconds of each step, in rounds; and for how long the event loop stood still at most."""

    taken: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    pause: float = 0.0

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        wall, processor = time.perf_counter(), time.process_time()
        yield
        times = (time.perf_counter() - wall, time.process_time() - processor)
        self.taken.setdefault(name, []).append(times)

    async def watch(self) -> None:
        while True:
            asked = time.perf_counter()
            await asyncio.sleep(0.001)
            self.pause = max(self.pause, time.perf_counter() - asked - 0.001)

    def __str__(self) -> str:
        medians = {
            name: [statistics.median(each) for each in zip(*times, strict=True)] for name, times in self.taken.items()
        }
        return "\n".join(
            f"{name:>28}: {wall:.2f} s ({processor:.2f} s of processor)" for name, (wall, processor) in medians.items()
        )


async def tell(path: str, rows: int, fresh: int, rounds: int) -> None:
    store, clock = await Store.open(f"sqlite+aiosqlite:///{path}"), Clock()
    watch = asyncio.create_task(clock.watch())
    told = ""
    for _ in range(rounds):
        told = await _round(store, clock, rows - fresh, rows)
    watch.cancel()
    await store.close()
    print(told)
    print(clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"the event loop stood still for {clock.pause * 1000:.0f} ms at most; peak of memory {peak:.0f} MB")


async def _round(store: Store, clock: Clock, after: int, upto: int) -> str:
    now = BEGAN + YEAR
    with clock.step("all of the digest"):
        with clock.step("standings"):
            standings = await store.standings(after, now, upto, now - timedelta(days=30))
        with clock.step("counts"):
            counts = await store.counts(after, now, upto)
        totals = Totals(counts[Result.FAILED], counts[Result.OK], counts[Result.NEEDLESS] + counts[Result.NOTHING])
        with clock.step("decided"):
            failures = [Failure(one) for one in standings]
            digest = await asyncio.to_thread(digests.build, PLAN, failures, Due(now, 0, late=False), totals=totals)
        with clock.step("message and thread"):
            await asyncio.to_thread(lambda: (main_message.render(digest, PLAN), digest_thread.thread(digest, PLAN)))
    with clock.step("its whole list as CSV"):
        await asyncio.to_thread(listing.csv, digest)
    with clock.step("30 days for the picture"):
        await store.daily(now - timedelta(days=30), now, "Europe/Berlin")
    with clock.step("the same for a third of all"):
        third = frozenset([number async for some in store.subjects() for number, _, _ in some if number % 3 == 0])
        await store.daily(now - timedelta(days=30), now, "Europe/Berlin", third)
    new, still, recovered = len(digest.new), len(digest.still), len(digest.recovered)
    return (
        f"{totals.failed:,} of {upto - after:,} failed: {new:,} new, {still:,} still failing, {recovered:,} recovered"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--fresh", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nowhere", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "patches.db")
        layer = multiprocessing.get_context("spawn").Process(target=lay, args=(path, asked.rows, asked.nowhere))
        layer.start()
        layer.join()
        asyncio.run(tell(path, asked.rows, asked.fresh, asked.rounds))


if __name__ == "__main__":
    main()
