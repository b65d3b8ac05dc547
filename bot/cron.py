"""Cron expressions in a time zone, as instants in UTC. Pure.

A change of daylight saving time neither repeats nor swallows a fixed time: one that does not exist that day comes right
after the gap, one that exists twice comes once (Debian cron's rules, by cronsim).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

LOOK_BACK = tuple(timedelta(hours=hours) for hours in (1, 24, 24 * 32, 24 * 367))


def check(expression: str, zone: str) -> str | None:
    """What is wrong with five cron fields or an IANA zone, as a sentence; None when both are right."""
    try:
        where = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return f"{zone!r} is not an IANA time zone, such as 'Europe/Berlin'"
    trouble = fault(expression, where)
    return f"{expression!r} {trouble}" if trouble else None


def fault(expression: str, where: tzinfo = UTC) -> str | None:
    """What is wrong with five cron fields, in words that follow them; None when they are right."""
    fields = expression.split()
    if len(fields) != 5:
        have = f"{len(fields)} field" + "s" * (len(fields) != 1)
        return f"has {have}; cron needs five: minute hour day month weekday"
    try:
        next(CronSim(expression, datetime(2026, 1, 1, tzinfo=where)))
    except (CronSimError, ValueError) as error:
        return "never comes" if _dateless(fields) else f"is not a cron expression ({error})"
    except StopIteration:
        return "never comes"
    return None


def _dateless(fields: Sequence[str]) -> bool:
    """Whether each field is right by itself, so that it must be the day that the month does not have."""
    minute, hour, day, month, weekday = fields
    try:
        for some in ((minute, hour, "1", month, weekday), ("0", "0", day, "*", "*")):
            CronSim(" ".join(some), datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError):
        return False
    return True


def often(expression: str) -> bool:
    """Whether it comes more than once in some hour. It has passed ``check``."""
    return len(CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC)).minutes) > 1


def slots(expression: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Every time after ``after`` in UTC, rising. Both arguments have passed ``check``."""
    newest = after.astimezone(UTC)
    for local in CronSim(expression, after.astimezone(ZoneInfo(zone))):
        slot = local.astimezone(UTC)
        if slot > newest:  # asked in the second pass of a repeated hour, cronsim answers with the first pass
            newest = slot
            yield slot


def newest(expression: str, zone: str, since: datetime, now: datetime) -> datetime | None:
    """The newest time in ``(since, now]`` in UTC, looked for from near to far; None when there is none."""
    for start in (*(now - span for span in LOOK_BACK if now - span > since), since):
        found = deque(takewhile(lambda slot: slot <= now, slots(expression, zone, start)), maxlen=1)
        if found:
            return found[0]
    return None
