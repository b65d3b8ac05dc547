"""Pictures of a trend to look at, what each costs, and whether the event loop stays free meanwhile.

``python -m tests.bench.pictures DIRECTORY``; tests/test_pictures.py draws the same ones.
"""

import asyncio
import resource
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from bot import pictures
from bot.model import Day

LAST = date(2026, 7, 27)


def days(counts: Iterable[tuple[int, int, int] | None]) -> list[Day]:
    """Counts of failed, ok and recovered, the last ones on LAST; None where there was no attempt."""
    known = list(counts)
    dates = [LAST - timedelta(days=back) for back in reversed(range(len(known)))]
    return [Day(when, *count) for when, count in zip(dates, known, strict=True) if count]


def waves(length: int, height: int, slope: float = 0.0) -> list[tuple[int, int, int]]:
    """Failures around ``height``, ``slope`` more of them each day; the same numbers every time."""
    failed = [max(0, round(height + slope * n + height * ((n * 7) % 5 - 2) / 10)) for n in range(length)]
    return [(count, 6 * height + n * 3 % 11, count // 4) for n, count in enumerate(failed)]


def without(counts: list[tuple[int, int, int]], *gone: int) -> list[tuple[int, int, int] | None]:
    return [None if n in gone else count for n, count in enumerate(counts)]


def spiked(counts: list[tuple[int, int, int]], *places: int) -> list[tuple[int, int, int]]:
    return [(5000, 300, 90) if n in places else count for n, count in enumerate(counts)]


SAMPLES: Mapping[str, tuple[list[Day], int]] = {
    "none": ([], 14),
    "one-day": (days([(7, 20, 2), (0, 3, 1)])[:1], 14),
    "steady": (days(waves(14, 13)), 14),
    "worse": (days(waves(14, 6, 2.5)), 14),
    "better": (days(waves(14, 45, -3)), 14),
    "thirty-days": (days(waves(30, 31)), 30),
    "spikes": (days(spiked(waves(14, 15), 4, 9)), 14),
    "only-successes": (days([(0, 90 + n, 0) for n in range(14)]), 14),
    "missing-days": (days(without(waves(14, 18), 5, 6, 12, 13)), 14),
    "thousands": (days(without(waves(30, 5000), 1, 2, 8, 9)), 30),
    "hundred-thousands": (days(waves(14, 95_000, 700)), 14),
    "neighbouring-spikes": (days(spiked(waves(30, 15), 4, 5, 20)), 30),
}


async def main(folder: Path) -> None:
    pause, over = 0.0, asyncio.Event()

    async def beat() -> None:
        nonlocal pause
        while not over.is_set():
            begun = time.perf_counter()
            await asyncio.sleep(0.001)
            pause = max(pause, time.perf_counter() - begun)

    beating = asyncio.create_task(beat())
    for name, (known, length) in SAMPLES.items():
        pause, begun = 0.0, time.perf_counter()
        drawn = await pictures.trend(known, LAST, length)
        took = time.perf_counter() - begun
        (folder / f"{name}.png").write_bytes(drawn.png)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name:15} {took * 1000:5.0f} ms, loop held {pause * 1000:3.0f} ms, {len(drawn.png):6,} B, {memory} MB")
        print(f"{'':15} {drawn.alt}")
    over.set()
    await beating


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
