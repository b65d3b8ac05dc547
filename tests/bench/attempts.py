"""100,000 attempts: decoded and grouped, beside the least that must be done; and acks while such an answer arrives.

    python -m tests.bench.attempts [--rows 100000] [--rounds 5]

The yardstick decodes three fields of each row with msgspec and counts failures. Both run in this process in turn; what
counts is the ratio of a round.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from bot import log
from bot.clients.eset import parse_details
from bot.demo.faults import Fault
from bot.model import Outcome
from tests.scenes.stage import staged

BETWEEN = 0.02  # seconds between two commands: fifty a second
STATUSES = ("FAILED_DOWNLOAD_ERROR", "FAILED_TERMINATION_REQUIRED", "FAILED_PREPARE_ERROR", "NOT_APPLICABLE")


class Version(msgspec.Struct, gc=False):
    name: str


class Row(msgspec.Struct, gc=False):
    displayName: str  # noqa: N815  ESET's name
    patchedVersion: Version  # noqa: N815
    status: str


class Page(msgspec.Struct):
    patchingDetails: list[Row]  # noqa: N815


def answer(rows: int) -> bytes:
    """An answer of ESET's as large as its schema makes it: some 470 bytes a row, of 300 applications."""
    dice = random.Random(1)
    versions = [[_version(dice) for _ in range(6)] for _ in range(300)]
    return msgspec.json.encode({"patchingDetails": [_row(dice, versions, number) for number in range(rows)]})


def _row(dice: random.Random, versions: list[list[dict[str, object]]], number: int) -> dict[str, object]:
    application = dice.randrange(300)
    status = "OK_INSTALLED" if dice.random() < 0.8 else dice.choice(STATUSES)
    day, minute = 1 + number % 28, number % 60
    return {
        "applicationUuid": f"5e3f0a1c-9b7d-4c1e-8f00-{application:012x}",
        "developerDisplayName": f"Developer {application % 60} s.r.o.",
        "displayName": f"Application {application}",
        "patchedVersion": versions[application][dice.randrange(3, 6)],
        "status": f"APPLICATION_PATCHING_STATUS_{status}",
        "timePeriod": {
            "startTime": f"2025-03-{day:02}T10:{minute:02}:12.345Z",
            "endTime": f"2025-03-{day:02}T10:{minute:02}:59.345Z",
        },
        "unpatchedVersion": versions[application][dice.randrange(3)],
    }


def _version(dice: random.Random) -> dict[str, object]:
    major, minor, patch = dice.randrange(1, 9), dice.randrange(3), dice.randrange(2)
    whole = (major << 48) | (minor << 32) | (patch << 16)
    return {"id": str(whole), "major": major, "minor": minor, "name": f"{major}.{minor}.{patch}.0", "patch": patch}


def yardstick(body: bytes) -> tuple[int, object]:
    page = msgspec.json.decode(body, type=Page)
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in page.patchingDetails:
        if "FAILED" in row.status:
            counts[row.displayName, row.patchedVersion.name, row.status] += 1
    return sum(counts.values()), page


def ours(body: bytes) -> tuple[int, object]:
    listing = parse_details(body)
    failed = (one for one in listing.attempts if one.outcome is Outcome.FAILED)
    groups = Counter((one.application, one.to_version, one.status) for one in failed)
    return groups.total(), listing


def timed(work: Callable[[bytes], tuple[int, object]], body: bytes) -> float:
    """Seconds for the work alone: what it made is dropped after the clock was read."""
    started = time.perf_counter()
    made = work(body)
    taken = time.perf_counter() - started
    del made
    return taken


async def acks_meanwhile(body: bytes) -> list[float]:
    """Seconds to the ack of one command after the other while the bot takes in the answer and lists it."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(Path(folder)) as stage:
            await stage.asks("bob", "/patches help")
            stage.world.eset.faults.add("recent", Fault.BODY, body=body)
            listing = await stage.says("bob", "/patches recent all since:400d")
            times = []
            while not listing.answers or "Asking" in listing.answers[-1].plain:
                times.append((await stage.says("ann", "/patches help")).seconds)
                await asyncio.sleep(BETWEEN)
            if "page 1 of" not in listing.answers[-1].plain:
                raise RuntimeError(listing.answers[-1].plain)
            await stage.bot.settle()
            return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    log.configure("json", "error", [])
    body = answer(asked.rows)
    assert ours(body)[0] == yardstick(body)[0]
    pairs = [(timed(yardstick, body), timed(ours, body)) for _ in range(asked.rounds)]
    least, all_of_it = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    ratios = [mine / theirs for theirs, mine in pairs]
    print(f"{asked.rows:,} attempts, {len(body) / 1e6:.0f} MB")
    print(f"least decode and count: {least:.0f} ms; decoded and grouped: {all_of_it:.0f} ms; ", end="")
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    times = sorted(asyncio.run(acks_meanwhile(body)))
    print(f"acks meanwhile ({len(times)}): p50 {times[len(times) // 2] * 1000:.1f} ms, worst {times[-1] * 1000:.0f} ms")


if __name__ == "__main__":
    main()
