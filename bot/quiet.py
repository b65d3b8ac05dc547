"""Quiet times of a digest, on the wall clock of its zone: when nothing is posted. Pure; instants are aware, to the
minute."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LONGEST = timedelta(days=366)  # of one stretch of dates
MARGIN = timedelta(hours=3)  # around a midnight, which a change of the clock may move
FORMS = '"Sat", "Mon-Fri", "2026-12-24", "2026-12-24..2026-12-26" or "22:00-06:00"'
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEARS = range(2000, 2200)


@dataclass(frozen=True, slots=True)
class Quiet:
    """``weekdays``: 0 = Monday. ``dates``: first and last day. ``hours``: minutes of the day, end not included; one
    that ends before it begins lasts into the next day."""

    zone: str
    weekdays: frozenset[int] = frozenset()
    dates: tuple[tuple[date, date], ...] = ()
    hours: tuple[tuple[int, int], ...] = ()

    def is_on(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.zone))
        return self.all_day(local.date()) or self.at_hour(local.hour * 60 + local.minute)

    def all_day(self, day: date) -> bool:
        return day.weekday() in self.weekdays or any(first <= day <= last for first, last in self.dates)

    def at_hour(self, minute: int) -> bool:
        return any(
            start <= minute < end if start < end else minute >= start or minute < end for start, end in self.hours
        )


def check(texts: Iterable[str], zone: str) -> str | None:
    """What is wrong with the texts of a plan's quiet times, as a sentence; None when nothing is. Each of them has
    passed ``parse``."""
    quiet = of(tuple(texts), zone)
    if len(quiet.weekdays) == len(_WEEKDAYS) or all(map(quiet.at_hour, range(24 * 60))):
        return "leaves no time at all in which the digest could be posted"
    return None


@lru_cache(maxsize=256)
def of(texts: tuple[str, ...], zone: str) -> Quiet:
    """All that the texts say together. Raises ValueError as ``parse`` does."""
    parsed = [parse(text) for text in texts]
    return Quiet(
        zone,
        frozenset().union(*(one.weekdays for one in parsed)),
        tuple(span for one in parsed for span in one.dates),
        tuple(span for one in parsed for span in one.hours),
    )


@lru_cache(maxsize=1024)
def ends(quiet: Quiet, at: datetime) -> datetime:
    """The first minute from ``at`` on that is not quiet, in UTC; ``quiet`` has passed ``check``."""
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    while quiet.is_on(at):
        day, step = _day(quiet, at), at + MINUTE
        if quiet.all_day(day):
            while quiet.all_day(day):
                day += DAY
            step = max(step, _midnight(day, quiet.zone) - MARGIN)
        at = step
    return at


@lru_cache(maxsize=1024)
def began(quiet: Quiet, at: datetime) -> datetime:
    """The first minute of the quiet time that is on at ``at``, in UTC; that minute itself when none is on."""
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    while quiet.is_on(at) and quiet.is_on(at - MINUTE):
        day, step = _day(quiet, at - MINUTE), at - MINUTE
        if quiet.all_day(day):
            while quiet.all_day(day):
                day -= DAY
            step = min(step, _midnight(day + DAY, quiet.zone) + MARGIN)
        at = step
    return at


def _day(quiet: Quiet, at: datetime) -> date:
    return at.astimezone(ZoneInfo(quiet.zone)).date()


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


# ---------------------------------------------------------------- as people write them


def parse(text: str) -> Quiet:
    """One text, its zone left empty. Raises ValueError with what is wrong, as the end of a sentence."""
    word = re.sub(r"\s*(-|–|\.\.)\s*", lambda match: match[1].replace("–", "-"), text.strip().casefold())
    if re.fullmatch("[a-z]+(?:-[a-z]+)?", word):
        return Quiet("", weekdays=_weekdays(word, text))
    if re.match(r"\d+:", word):
        return Quiet("", hours=(_hours(word, text),))
    if re.match(r"\d+-", word):
        return Quiet("", dates=(_dates(word, text),))
    raise _wrong(text)


def _weekdays(word: str, text: str) -> frozenset[int]:
    days = [_weekday(name, text) for name in word.split("-")]
    return frozenset((days[0] + step) % 7 for step in range((days[-1] - days[0]) % 7 + 1))


def _weekday(name: str, text: str) -> int:
    for number, full in enumerate(_WEEKDAYS):
        if name in {full, full[:3]}:
            return number
    raise _wrong(text)


def _hours(word: str, text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})-([0-9]{1,2}):([0-9]{2})", word)
    if match is None:
        raise _wrong(text)
    start, end = (int(match[hour]) * 60 + int(match[hour + 1]) for hour in (1, 3))
    if int(match[2]) > 59 or int(match[4]) > 59 or start >= 24 * 60 or end > 24 * 60:
        raise _wrong(text)
    if start == end % (24 * 60) and start != end - 24 * 60:
        raise ValueError(f"{text!r} begins and ends at the same time")
    return start, end


def _dates(word: str, text: str) -> tuple[date, date]:
    try:
        first, *rest = (datetime.strptime(part, "%Y-%m-%d").date() for part in word.split(".."))  # noqa: DTZ007  a day
    except ValueError:
        raise _wrong(text) from None
    last = rest[0] if rest else first
    if len(rest) > 1 or first.year not in _YEARS or last.year not in _YEARS:
        raise _wrong(text)
    if last < first:
        raise ValueError(f"{text!r} ends before it begins")
    if last - first > LONGEST:
        raise ValueError(f"{text!r} is longer than a year")
    return first, last


def _wrong(text: str) -> ValueError:
    return ValueError(f"{text!r} is no quiet time, such as {FORMS}")
