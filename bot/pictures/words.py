"""A picture in words: for screen readers, and for where pictures are not shown. Pure; plain text, no mrkdwn."""

from collections.abc import Iterator, Sequence
from datetime import date

from bot.markup import plural
from bot.model import Day
from bot.pictures.calendar import course, tried

SHARED = 20  # attempts from which a share of them says something
EXACT = 10_000  # counts from which a bar's number is rounded down


def title(days: Sequence[Day]) -> str:
    return f"Patching attempts, {len(days)} days to {short(days[-1].date)}"


def alt(days: Sequence[Day]) -> str:
    """What the picture of these days (oldest first, each there, the last one not over) tells."""
    return " ".join(_sentences(days))


def _sentences(days: Sequence[Day]) -> Iterator[str]:
    yield f"{title(days)} {days[-1].date.year}, day by day."
    if not any(map(tried, days)):
        yield f"{headline(days)}."
        return
    yield _totals(days)
    yield from _course(days)
    worst = max(days, key=lambda day: day.failed)
    if worst.failed:
        yield f"Most failed on {long(worst.date)}: {worst.failed:,}."
    yield from _silent(days)


def _totals(days: Sequence[Day]) -> str:
    failed, ok, recovered = _sums(days)
    share = f" ({percent(ok, failed + ok)})" if failed + ok >= SHARED else ""
    aside = f", {recovered:,} of them after a failure" if recovered else ""
    return f"{_count(failed)} failed, {ok:,} of {plural(failed + ok, 'attempt')} succeeded{share}{aside}."


def headline(days: Sequence[Day]) -> str:
    """``120 failed, 88 % succeeded``; of a few ``5 failed, 1 succeeded``."""
    failed, ok, _ = _sums(days)
    if not failed + ok:
        return "No attempts"
    succeeded = percent(ok, failed + ok) if failed + ok >= SHARED else _count(ok).lower()
    return f"{_count(failed)} failed, {succeeded} succeeded"


def _sums(days: Sequence[Day]) -> tuple[int, int, int]:
    return sum(day.failed for day in days), sum(day.ok for day in days), sum(day.recovered for day in days)


def _count(count: int) -> str:
    return f"{count:,}" if count else "None"


def _course(days: Sequence[Day]) -> Iterator[str]:
    found = course(days)
    if found:
        lately, before = (f"{count:,.1f}".removesuffix(".0") for count in (found.lately, found.before))
        yield f"{found.words}: {lately} failed on a typical day lately, {before} before."
    elif any(day.failed for day in days):
        yield "Too few days to tell a trend."


def _silent(days: Sequence[Day]) -> Iterator[str]:
    silent = sum(1 for day in days[:-1] if not tried(day))
    if silent:
        yield f"{plural(silent, 'day')} without attempts."
    today = days[-1]
    if tried(today):
        yield f"{long(today.date)} so far: {today.failed:,} failed, {today.ok:,} succeeded."


def percent(part: int, whole: int) -> str:
    """Rounded down, so that 100 % means all."""
    return f"{100 * part // whole} %"


def compact(count: int) -> str:
    """``9,999``, ``10.5k``, ``120k``, ``3.4M``: five characters at most, up to a thousand millions."""
    for unit, sign in ((1_000_000, "M"), (1_000, "k")):
        if count >= unit and count >= EXACT:
            tenths = 10 * count // unit
            return f"{tenths // 10:,}{sign}" if tenths % 10 == 0 or tenths >= 1000 else f"{tenths / 10}{sign}"
    return f"{count:,}"


def short(day: date) -> str:
    return f"{day.day} {day:%b}"


def long(day: date) -> str:
    return f"{day:%a} {short(day)}"
