"""100,000 attempts joined to 100,000 attempts with devices, beside the least that must be done: one lookup a row.

    python -m tests.bench.joining [--rows 100000] [--rounds 5]

The yardstick puts the devices into a dict by what a row says, to the letter, and looks up every attempt. Both run in
this process in turn; what counts is the ratio of a round. The lists come in the ways they may differ in life.
"""

import argparse
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from bot.joining import join
from bot.model import Attempt, DeviceAttempt, Period, Version

FIRST = datetime(2025, 3, 1, tzinfo=UTC)
STATUSES = ("OK_INSTALLED", "OK_INSTALLED", "FAILED_DOWNLOAD_ERROR", "FAILED_TERMINATION_REQUIRED")


@dataclass(frozen=True)
class Lists:
    """What ESET tells twice. ``attempts`` name no device."""

    attempts: list[Attempt]
    details: list[DeviceAttempt]


def told(rows: int, spell: Callable[[Attempt, int], Attempt]) -> Lists:
    """``rows`` attempts of 300 applications on ``rows`` / 20 devices, every tenth equal to the one before; the second
    list as ``spell`` has it, in an order of its own."""
    dice = random.Random(1)
    attempts: list[Attempt] = []
    for number in range(rows):
        attempts.append(attempts[-1] if number % 10 == 9 else _attempt(dice, number))
    details = [DeviceAttempt(f"device-{number // 20:06}", spell(row, number)) for number, row in enumerate(attempts)]
    details = [msgspec.structs.replace(it, device_uuid="twin") if n % 10 == 9 else it for n, it in enumerate(details)]
    dice.shuffle(details)
    return msgspec.json.decode(msgspec.json.encode(Lists(attempts, details)), type=Lists)  # no value is shared


def _attempt(dice: random.Random, number: int) -> Attempt:
    application, major = dice.randrange(300), dice.randrange(3, 9)
    started = FIRST + timedelta(milliseconds=dice.randrange(7 * 86_400_000))
    return Attempt(
        application_uuid=f"5e3f0a1c-9b7d-4c1e-8f00-{application:012x}",
        developer_name=f"Developer {application % 60} s.r.o.",
        display_name=f"Application {application}",
        patched=Version(f"{major}.2.0.0"),
        raw_status=f"APPLICATION_PATCHING_STATUS_{dice.choice(STATUSES)}",
        period=Period(_written(started), _written(started + timedelta(seconds=47))),
        unpatched=Version(f"{major}.1.{number % 7}.0"),
    )


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def alike(attempt: Attempt, _number: int) -> Attempt:
    return attempt


def spelt_differently(attempt: Attempt, _number: int) -> Attempt:
    """Instants with six digits and an offset."""
    period = attempt.period
    assert period is not None
    assert period.start is not None
    assert period.end is not None
    times = (text.replace("Z", "000+00:00") for text in (period.start, period.end))
    return msgspec.structs.replace(attempt, period=Period(*times))


def of_other_uuids(attempt: Attempt, number: int) -> Attempt:
    """An application's uuid is another on each device."""
    return msgspec.structs.replace(attempt, application_uuid=f"{attempt.application_uuid}-{number}")


def yardstick(lists: Lists) -> int:
    devices: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
    for detail in lists.details:
        devices[_bare(detail.attempt)].append(detail.device_uuid)
    return sum(_bare(attempt) in devices for attempt in lists.attempts)


def _bare(attempt: Attempt) -> tuple[object, ...]:
    return attempt.application_uuid, attempt.patched, attempt.unpatched, attempt.raw_status, attempt.period


def ours(lists: Lists) -> int:
    return sum(map(len, join(lists.attempts, lists.details).values()))


def timed(work: Callable[[Lists], int], lists: Lists) -> float:
    started = time.perf_counter()
    work(lists)
    return time.perf_counter() - started


def compared(name: str, lists: Lists, rounds: int) -> str:
    pairs = [(timed(yardstick, lists), timed(ours, lists)) for _ in range(rounds)]
    bare, whole = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
    ratios: Sequence[float] = sorted(mine / theirs for theirs, mine in pairs)
    share = ours(lists) / len(lists.attempts)
    return (
        f"{name}: bare lookup {bare:.0f} ms; joined {whole:.0f} ms, {share:.1%} of the rows have their device; "
        f"ratio {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    print(f"{asked.rows:,} attempts and as many with devices")
    for spell in (alike, spelt_differently, of_other_uuids):
        print(compared(spell.__name__.replace("_", " "), told(asked.rows, spell), asked.rounds))


if __name__ == "__main__":
    main()
