"""The kept attempts over time: what they are about, day by day for a picture, and the failed ones that a Retry form is
about."""

from bisect import bisect
from collections import Counter
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Day, Result
from bot.store.engine import Database
from bot.store.standings import SUCCESSES, moment
from bot.store.tables import attempts, subjects

PAGE = 1000


# ---------------------------------------------------------------- what attempts are about


async def tried_devices(connection: AsyncConnection) -> list[str]:
    return list((await connection.execute(sa.select(subjects.c.device).distinct())).scalars())


async def every_subject(database: Database) -> AsyncIterator[list[tuple[int, str, str]]]:
    query = sa.select(subjects.c.id, subjects.c.application, subjects.c.device)
    async with (
        database.stream() as connection,
        connection.stream(query, execution_options={"yield_per": PAGE}) as found,
    ):
        async for page in found.partitions():
            yield [(row[0], row[1], row[2]) for row in page]


# ---------------------------------------------------------------- days


def days(since: datetime, upto: datetime, zone: str) -> dict[date, datetime]:
    """The days of ``[since, upto)`` in that IANA zone, each with the instant at which it begins there.

    One that the zone's clocks left out begins when the next one does.
    """
    here = ZoneInfo(zone)
    first = since.astimezone(here).date()
    count = (upto.astimezone(here).date() - first).days + 1
    each = (first + timedelta(days=number) for number in range(count))
    return {day: datetime.combine(day, time.min, here).astimezone(UTC) for day in each}


async def daily(
    database: Database, since: datetime, upto: datetime, zone: str, only: Collection[int] | None = None
) -> list[Day]:
    """``only``: attempts of these subjects; None: of all."""
    known = days(since, upto, zone)
    begins = [max(begin, since) for begin in known.values()]
    counts = []
    async with database.stream() as connection:
        for begin, end in pairwise([*begins, upto]):
            counts.append(await _count(connection, begin, end, only))
        recovered = await _recovered(connection, begins, upto, only)
    return [
        Day(day, count[Result.FAILED], count[Result.OK], recovered[place])
        for place, (day, count) in enumerate(zip(known, counts, strict=True))
        if count[Result.FAILED] or count[Result.OK]
    ]


async def _count(
    connection: AsyncConnection, begin: datetime, end: datetime, only: Collection[int] | None
) -> Counter[Result]:
    """Of the subjects picked here and not by the database: they may be more than a statement can name."""
    that_day = (attempts.c.ended_at >= begin, attempts.c.ended_at < end)
    if only is None:
        query = sa.select(attempts.c.result, sa.func.count()).where(*that_day).group_by(attempts.c.result)
        return Counter({Result(row[0]): row[1] for row in await connection.execute(query)})
    counts: Counter[Result] = Counter()
    each = sa.select(attempts.c.subject, attempts.c.result).where(*that_day)
    async with connection.stream(each, execution_options={"yield_per": PAGE}) as found:
        async for page in found.partitions():
            counts.update(result for subject, result in page if subject in only)
    return counts


async def _recovered(
    connection: AsyncConnection, begins: Sequence[datetime], upto: datetime, only: Collection[int] | None
) -> Counter[int]:
    """How many recoveries fall on each day, by its place. Few failures are looked at instead of many successes."""
    ok = attempts.alias("ok")
    query = sa.select(ok.c.subject, ok.c.ended_at).where(ok.c.ended_at >= begins[0], ok.c.ended_at < upto)
    query = query.join_from(attempts, subjects, subjects.c.id == attempts.c.subject)
    # In a case, so that nothing is looked for where the device is not known.
    query = query.join(ok, ok.c.seq == sa.case((subjects.c.device != "", _next_ok(attempts))))
    query = query.where(attempts.c.result == Result.FAILED)
    query = query.where(attempts.c.ended_at < upto, ~_between(attempts, ok))
    places: Counter[int] = Counter()
    async with connection.stream(query, execution_options={"yield_per": PAGE}) as found:
        async for page in found.partitions():
            places.update(bisect(begins, ended) - 1 for subject, ended in page if only is None or subject in only)
    return places


def _next_ok(failed: sa.FromClause) -> sa.ScalarSelect[int]:
    later = attempts.alias()
    query = sa.select(later.c.seq).where(later.c.result == Result.OK, later.c.subject == failed.c.subject)
    query = query.where(moment(later) > moment(failed))
    return query.order_by(later.c.ended_at, later.c.seq).limit(1).correlate(failed).scalar_subquery()


def _between(failed: sa.FromClause, ok: sa.FromClause) -> sa.Exists:
    other = attempts.alias()
    query = sa.exists(other.c.seq).where(
        other.c.subject == failed.c.subject, other.c.result.in_((Result.FAILED, Result.NEEDLESS))
    )
    return query.where(moment(other) > moment(failed), moment(other) < moment(ok))


# ---------------------------------------------------------------- what fails at present


async def fingerprints(
    database: Database, numbers: Sequence[int], limit: int, since: datetime
) -> list[tuple[str, datetime]]:
    found: list[tuple[datetime, int, str]] = []
    async with database.read() as connection:
        for start in range(0, len(numbers), PAGE):
            query = _failing(numbers[start : start + PAGE], since).limit(limit)
            found += [(row.ended_at, row.seq, row.fingerprint) for row in await connection.execute(query)]
    newest = sorted(set(found), reverse=True)[:limit]
    return [(fingerprint, ended_at) for ended_at, _, fingerprint in newest]


def _failing(numbers: Sequence[int], since: datetime) -> sa.Select[tuple[str, datetime, int]]:
    """Failed attempts of these subjects after which none succeeded. Of one without a device all of them: a success may
    be another device's; and those of its application whose device was told since."""
    good = attempts.alias()
    over = sa.exists(good.c.seq).where(good.c.subject == attempts.c.subject, good.c.result.in_(SUCCESSES))
    over = over.where(moment(good) > moment(attempts))
    homeless, housed = subjects.alias(), subjects.alias()
    same = sa.and_(housed.c.developer == homeless.c.developer, housed.c.application == homeless.c.application)
    moved = sa.select(housed.c.id).join_from(homeless, housed, same)
    moved = moved.where(homeless.c.id.in_(numbers), homeless.c.device == "")
    about = attempts.c.subject.in_(sa.union(sa.select(subjects.c.id).where(subjects.c.id.in_(numbers)), moved))
    query = sa.select(attempts.c.fingerprint, attempts.c.ended_at, attempts.c.seq)
    query = query.join_from(attempts, subjects, subjects.c.id == attempts.c.subject)
    query = query.where(about, attempts.c.result == Result.FAILED, attempts.c.ended_at >= since)
    query = query.where(sa.or_(subjects.c.device == "", ~over))
    return query.order_by(attempts.c.ended_at.desc(), attempts.c.seq.desc())
