"""The days of a picture, and what can be told of them. Pure."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from bot.markup import plural
from bot.model import Day

ENOUGH = 2  # days with attempts on either side, to compare the two
_SPIKE = 8  # times the usual day
_APART = 3  # times the highest bar below


def fill(days: Sequence[Day], last: date, length: int) -> list[Day]:
    """``length`` days up to ``last``, oldest first, each there once."""
    known = {day.date: day for day in days}
    dates = (last - timedelta(days=back) for back in reversed(range(length)))
    return [known.get(when, Day(when)) for when in dates]


def tried(day: Day) -> int:
    """How many attempts ended on it."""
    return day.failed + day.ok


def tellable(days: Sequence[Day]) -> bool:
    """Whether a picture would tell more than a sentence does."""
    return sum(1 for day in days if tried(day)) >= 2


def share(day: Day) -> float | None:
    """Attempts that succeeded, in percent; None when there were none."""
    return 100 * day.ok / tried(day) if tried(day) else None


@dataclass(frozen=True, slots=True)
class Course:
    """Failures of a typical day with attempts, before and lately; how many days were far beyond. The last day counts
    on neither side: it is not over."""

    before: float
    lately: float
    spikes: int

    @property
    def words(self) -> str:
        aside = f" with {plural(self.spikes, 'spike')}" if self.spikes else ""
        return f"{self._direction}{aside}"

    @property
    def _direction(self) -> str:
        if self.lately >= self.before * 1.25 and self.lately - self.before >= 1:
            return "Getting worse"
        if self.lately <= self.before * 0.8 and self.before - self.lately >= 1:
            return "Getting better"
        return "Steady"


def course(days: Sequence[Day]) -> Course | None:
    """The later half against the earlier one, by their medians: a day of 5,000 is a spike and no trend. None when too
    few days had attempts, or nothing failed."""
    if not any(day.failed for day in days):
        return None
    over = days[:-1]
    middle = len(over) // 2
    sides = [[day.failed for day in side if tried(day)] for side in (over[:middle], over[middle:])]
    if min(map(len, sides)) < ENOUGH:
        return None
    top = ceiling([day.failed for day in days])
    spikes = sum(1 for day in days if day.failed > top)
    return Course(statistics.median(sides[0]), statistics.median(sides[1]), spikes)


def ceiling(counts: Sequence[int]) -> int:
    """Where an axis may end, so that a few days of thousands do not flatten all others: the highest count, or the
    highest that is no spike when the spikes stand far above it."""
    some = [count for count in counts if count]
    if not some:
        return 1
    usual = [count for count in some if count <= _SPIKE * statistics.median_low(some)]
    return max(usual) if max(some) > _APART * max(usual) else max(some)
