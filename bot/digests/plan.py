"""A digest's plan, and when one is due. Pure. Slots are instants in UTC."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import dropwhile, islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from bot import cron, quiet
from bot.model import DeviceKind
from bot.quiet import Quiet

LATE_AFTER = timedelta(minutes=5)
HELD_ON = timedelta(hours=24)  # so long behind a quiet time a digest waits for its usual time of day
MOMENT = timedelta(microseconds=1)
MOST_MISSED = 1000  # counted no further: an every-minute plan after a year of downtime must not hold up the loop

By = Literal["application", "reason", "client", "severity"]


@dataclass(frozen=True, slots=True)
class DigestPlan:
    """What is posted where and when: a ``[[digests]]`` table, or a subscription made in Slack.

    ``cron`` has five fields; ``timezone`` is an IANA name; both passed ``cron.check``. ``group_by``: what failures are
    put together by. ``clients``, ``applications``: globs; ``reasons``: ESET's statuses without prefix; empty = all,
    None likewise. ``update``: the newest digest is edited as long as nothing was posted below it. ``picture``: days
    that the picture in the thread shows, 0 = none. ``quiet``: when nothing is posted, as ``bot.quiet`` reads it.
    ``made_by``: who subscribed, empty for the file's.
    """

    name: str
    channel: str
    cron: str
    timezone: str = "UTC"
    window: timedelta = timedelta(hours=24)
    post_when_empty: bool = True
    group_by: By = "application"
    clients: tuple[str, ...] = ()
    applications: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    kind: DeviceKind | None = None
    update: bool = False
    picture: int = 14
    quiet: tuple[str, ...] = ()
    paused: bool = False
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class Due:
    """A slot to post now. ``missed``: earlier slots that were never posted, which this one covers too. ``held``: how
    many of its slots lay in quiet time and were held back until now."""

    slot: datetime
    missed: int
    late: bool
    held: int = 0


def next_slot(plan: DigestPlan, now: datetime) -> datetime:
    """The first time after ``now`` at which the plan posts, UTC."""
    return next(_after(plan, now))


def due(plan: DigestPlan, last: datetime, now: datetime) -> Due | None:
    """The newest time to post in ``(last, now]``, or None. ``last``: slot of the plan's last digest, or its baseline.

    A paused plan is never due.
    """
    if plan.paused or next(_after(plan, last)) > now:
        return None
    slot = _newest(plan, last, now)
    missed = sum(1 for _ in islice(_before(slot, _after(plan, last)), MOST_MISSED))
    held = sum(map(_times(plan).is_on, islice(_before(slot, _slots(plan, last)), MOST_MISSED))) if plan.quiet else 0
    return Due(slot, missed, late=missed > 0 or now - slot > LATE_AFTER, held=held)


def _newest(plan: DigestPlan, last: datetime, now: datetime) -> datetime:
    """Looked for from near to far."""
    for span in (*cron.LOOK_BACK, now - last):
        found = deque(_before(now + MOMENT, _after(plan, max(now - span, last))), maxlen=1)
        if found:
            return found[0]
    return last


def _after(plan: DigestPlan, at: datetime) -> Iterator[datetime]:
    """Every time to post after ``at``, rising, also of a slot that was held back then."""
    return dropwhile(lambda slot: slot <= at, _posts(plan, _settled(plan, at)))


def _before(end: datetime, rising: Iterator[datetime]) -> Iterator[datetime]:
    return takewhile(lambda one: one < end, rising)


def _slots(plan: DigestPlan, after: datetime) -> Iterator[datetime]:
    """What the cron line says, quiet or not."""
    return cron.slots(plan.cron, plan.timezone, after)


# ---------------------------------------------------------------- quiet times


def _posts(plan: DigestPlan, after: datetime) -> Iterator[datetime]:
    """Every time to post after ``after``, rising: the slots; in place of one in quiet time and all that follow it until
    then, the time up to which it is held back."""
    slots = _slots(plan, after)
    while (slot := next(slots, None)) is not None:
        if plan.quiet and _times(plan).is_on(slot):
            slot = _held_until(plan.cron, _times(plan), slot)
            slots = _slots(plan, slot)
        yield slot


@lru_cache(maxsize=1024)
def _held_until(line: str, times: Quiet, slot: datetime) -> datetime:
    """The first of the plan's own slots outside quiet time, or the same time of a later day, if that is at most a day
    behind the end of the quiet time; else its very end."""
    end = quiet.ends(times, slot)
    local = slot.astimezone(ZoneInfo(times.zone))
    usual = (line, f"{local.minute} {local.hour} * * *")
    return min(filter(None, (_first(expression, times, end) for expression in usual)), default=end)


def _first(expression: str, times: Quiet, start: datetime) -> datetime | None:
    """The first time outside quiet time in the day that begins at ``start``."""
    slots = _before(start + HELD_ON + MOMENT, cron.slots(expression, times.zone, start - MOMENT))
    return next((slot for slot in slots if not times.is_on(slot)), None)


def _settled(plan: DigestPlan, at: datetime) -> datetime:
    """A time so far before ``at`` that no slot from before it is still held back then."""
    return quiet.began(_times(plan), at - HELD_ON) - quiet.MINUTE if plan.quiet else at


def _times(plan: DigestPlan) -> Quiet:
    return quiet.of(plan.quiet, plan.timezone)
