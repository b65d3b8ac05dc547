"""How applications stand on devices, told anew each time from the attempts that are kept.

All that a digest remembers of the one before is what that told and left out (``Memory``): attempts that ESET tells
late, and devices that become known late, change what is told and cannot make it wrong. Attempts follow each other by
their ends; of equal ends by their numbers.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Attempt, Result, Standing
from bot.store.engine import Database
from bot.store.tables import attempts, subjects

PAGE = 500  # how many are told at a time: few enough that the event loop goes on between
SUCCESSES = (Result.OK, Result.NEEDLESS)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a plan's last digest left behind. ``failing``: subjects that it told as failing. ``untold``: numbers of
    failed attempts that it knew and left out, because they were silenced, say."""

    failing: frozenset[int] = frozenset()
    untold: tuple[int, ...] = ()


NOTHING = Memory()
_Untold = Mapping[int, Sequence[datetime]]  # ends of failed attempts, by subject

_DECODER = msgspec.json.Decoder(Attempt)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a digest tells: attempts number ``after`` + 1 to ``upto``; ``after`` None: those up to ``upto`` that ended
    ``since`` then."""

    after: int | None
    since: datetime
    upto: int

    def fresh(self, some: sa.FromClause) -> sa.ColumnElement[bool]:
        """Of attempts that are ``known``."""
        return some.c.seq > self.after if self.after is not None else some.c.ended_at >= self.since

    def is_fresh(self, number: int, ended_at: datetime) -> bool:
        """``fresh``, of an attempt that was read."""
        return number > self.after if self.after is not None else ended_at >= self.since

    def known(self, some: sa.FromClause) -> sa.ColumnElement[bool]:
        return some.c.seq <= self.upto


def moment(some: sa.FromClause) -> sa.Tuple:
    """By which attempts follow each other."""
    return sa.tuple_(some.c.ended_at, some.c.seq)


async def counts(database: Database, reach: Reach) -> Counter[Result]:
    query = sa.select(attempts.c.result, sa.func.count()).where(reach.fresh(attempts), reach.known(attempts))
    async with database.read() as connection:
        found = await connection.execute(query.group_by(attempts.c.result))
        return Counter({Result(row[0]): row[1] for row in found})


async def of(database: Database, reach: Reach, oldest: datetime, memory: Memory) -> list[Standing]:
    async with database.read() as connection:
        untold = await _untold(connection, reach, memory.untold)
        found = await _read(connection, _rows(reach, _recent(reach, oldest)), untold)
        told = [one for one in found if _is_told(one, reach, oldest, memory)]
        others = sorted(memory.failing - {one.subject for one in told})
        for start in range(0, len(others), PAGE):
            found = await _read(connection, _rows(reach, _each(reach, others[start : start + PAGE])), untold)
            told += [one for one in found if not one.standing.failing]
    return [one.standing for one in told]


@dataclass(frozen=True, slots=True)
class _One:
    """``ended``: the number of the attempt that brought it to its end, None while it fails."""

    standing: Standing
    ended: int | None

    @property
    def subject(self) -> int:
        return self.standing.subject


def _is_told(one: _One, reach: Reach, oldest: datetime, memory: Memory) -> bool:
    """What has recovered is told when its success is fresh, or when the digest before told it as failing: that success
    may have been told late, or on which device it was. Of a recovery that was told already a late failure is none."""
    standing = one.standing
    if standing.failing:
        return standing.fresh > 0 or standing.last >= oldest
    fresh = one.ended is not None and standing.ended_at is not None and reach.is_fresh(one.ended, standing.ended_at)
    return fresh or one.subject in memory.failing or (standing.fresh > 0 and not standing.before)


async def _read(connection: AsyncConnection, rows: sa.Select[Any], untold: _Untold) -> list[_One]:
    ones: list[_One] = []
    async with connection.stream(rows.execution_options(yield_per=PAGE)) as found:
        async for page in found.partitions():
            ones += await asyncio.to_thread(_ones, page, untold)
    return ones


async def _untold(connection: AsyncConnection, reach: Reach, numbers: Sequence[int]) -> _Untold:
    """Of failed attempts with these numbers, those that are not fresh."""
    ends: defaultdict[int, list[datetime]] = defaultdict(list)
    for start in range(0, len(numbers), PAGE):
        some = (attempts.c.seq.in_(numbers[start : start + PAGE]), attempts.c.result == Result.FAILED)
        query = sa.select(attempts.c.subject, attempts.c.ended_at).where(*some, ~reach.fresh(attempts))
        for row in await connection.execute(query):
            ends[row.subject].append(row.ended_at)
    return ends


async def left_out(
    database: Database, reach: Reach, rows: Mapping[int, datetime], untold: Collection[int]
) -> tuple[int, ...]:
    """Of the failed attempts of these subjects, each since then, the numbers of those that are fresh or in ``untold``;
    rising."""
    found: list[int] = []
    before, numbers = frozenset(untold), sorted(rows)
    async with database.read() as connection:
        for start in range(0, len(numbers), PAGE):
            some = (attempts.c.subject.in_(numbers[start : start + PAGE]), attempts.c.result == Result.FAILED)
            query = sa.select(attempts.c.seq, attempts.c.subject, attempts.c.ended_at).where(
                *some, reach.known(attempts)
            )
            for row in await connection.execute(query):
                new = row.seq in before or reach.is_fresh(row.seq, row.ended_at)
                found += [row.seq] if new and row.ended_at >= rows[row.subject] else []
    return tuple(sorted(found))


# ---------------------------------------------------------------- from rows


def _ones(page: Sequence[Any], untold: _Untold) -> list[_One]:
    return [_one(row, untold) for row in page]


def _one(row: Any, untold: _Untold) -> _One:
    """``row``: one of ``_rows``. Taken apart at once: there may be tens of thousands."""
    subject, developer, application, device, text, last, since, tries, fresh, old, *ends = row
    attempt = _DECODER.decode(text)
    # An OK of an application on no known device may be another device's.
    failing = ends[0] is ends[2] is None or (not device and fresh > 0)
    ended, ended_at, needless = (None, None, False) if failing else _end(*ends)
    excused = sum(since <= one <= last for one in untold.get(subject, ()))
    standing = Standing(
        subject,
        developer,
        application,
        device,
        attempt.status,
        attempt.from_version,
        attempt.to_version,
        since,
        last,
        tries,
        fresh,
        failing,
        old > excused,
        ended_at,
        needless,
    )
    return _One(standing, ended)


def _end(
    ok: int | None, ok_at: datetime | None, needless: int | None, needless_at: datetime | None
) -> tuple[int | None, datetime | None, bool]:
    """Of the numbers and ends of two successes the first, and whether it found nothing to patch."""
    if ok_at is None or (needless_at is not None and (needless_at, needless) < (ok_at, ok)):
        return needless, needless_at, True
    return ok, ok_at, False


# ---------------------------------------------------------------- the rows


def _rows(reach: Reach, told: sa.CTE) -> sa.Select[Any]:
    """Of each subject that is ``told``: what it is, its last failed attempt, the row of failures that this one ends,
    how many failed attempts are fresh, and numbers and ends of the first OK and NOT_APPLICABLE after them."""
    run, last, ok, needless = _runs(reach, told), attempts.alias(), attempts.alias(), attempts.alias()
    about = (subjects.c.id, subjects.c.developer, subjects.c.application, subjects.c.device)
    ends = (ok.c.seq, ok.c.ended_at, needless.c.seq, needless.c.ended_at)
    failures = (run.c.since, run.c.tries, run.c.fresh, run.c.old)
    query = sa.select(*about, last.c.attempt, last.c.ended_at, *failures, *ends)
    query = query.join_from(run, last, last.c.seq == run.c.seq).join(subjects, subjects.c.id == run.c.subject)
    query = query.outerjoin(ok, ok.c.seq == run.c.ok)
    return query.outerjoin(needless, needless.c.seq == run.c.needless)


def _runs(reach: Reach, told: sa.CTE) -> sa.Subquery:
    """Of rows of failures with no success between: the first end, how many, how many that the digest before knew."""
    failed, good = attempts.alias(), attempts.alias()
    between = sa.exists(good.c.seq).where(
        good.c.result.in_(SUCCESSES),
        good.c.subject == told.c.subject,
        reach.known(good),
        moment(good) > moment(failed),
        moment(good) < moment(told),
    )
    old = sa.func.sum(sa.case((reach.fresh(failed), 0), else_=1))
    what = (told.c.subject, told.c.seq, told.c.fresh, told.c.ok, told.c.needless)
    query = sa.select(*what, sa.func.min(failed.c.ended_at).label("since"), sa.func.count().label("tries"))
    query = query.add_columns(old.label("old"))
    query = query.join_from(told, failed, sa.and_(failed.c.result == Result.FAILED, failed.c.subject == told.c.subject))
    return query.where(reach.known(failed), ~between).group_by(*what).subquery("run")


def _recent(reach: Reach, oldest: datetime) -> sa.CTE:
    """Subjects that failed, and whose failures were not over before."""
    last = _last_failures(reach, _failed_subjects(reach, oldest))
    return _once(_with_ends(reach, last).where(sa.or_(last.c.fresh > 0, ~_was_over(last, reach))), "told")


def _each(reach: Reach, numbers: Sequence[int]) -> sa.CTE:
    """These subjects, as far as they ever failed."""
    failed = _failures(reach).where(attempts.c.subject.in_(numbers)).cte("failed")
    return _once(_with_ends(reach, _last_failures(reach, failed)), "told")


def _with_ends(reach: Reach, last: sa.CTE) -> sa.Select[Any]:
    ok, needless = (_first_after(last, result, reach) for result in SUCCESSES)
    return sa.select(last, ok.label("ok"), needless.label("needless"))


def _last_failures(reach: Reach, each: sa.CTE) -> sa.CTE:
    """With the number of each: of failures that ended at once, the highest."""
    same = attempts.alias()
    number = sa.select(sa.func.max(same.c.seq)).where(same.c.result == Result.FAILED, same.c.subject == each.c.subject)
    number = number.where(same.c.ended_at == each.c.ended_at, reach.known(same))
    return _once(sa.select(each, number.scalar_subquery().label("seq")), "last")


def _once(query: sa.Select[Any], name: str) -> sa.CTE:
    """Worked out once: SQLite would work it out again wherever one of its columns is used."""
    return query.cte(name).prefix_with("MATERIALIZED")


def _failures(reach: Reach) -> sa.Select[Any]:
    """By subject: when it failed last, and how many failed attempts are fresh."""
    query = sa.select(attempts.c.subject, _LAST_END.label("ended_at"), _fresh(reach).label("fresh"))
    return query.where(attempts.c.result == Result.FAILED, reach.known(attempts)).group_by(attempts.c.subject)


_LAST_END = sa.func.max(attempts.c.ended_at)


def _fresh(reach: Reach) -> sa.ColumnElement[int]:
    return sa.func.sum(sa.case((reach.fresh(attempts), 1), else_=0))


def _failed_subjects(reach: Reach, oldest: datetime) -> sa.CTE:
    """Those of which something may be told."""
    good = attempts.alias()
    recovering = sa.select(good.c.subject).where(reach.fresh(good), reach.known(good), good.c.result.in_(SUCCESSES))
    told = sa.or_(_fresh(reach) > 0, oldest <= _LAST_END, attempts.c.subject.in_(recovering))
    return _failures(reach).having(told).cte("failed")


def _first_after(last: sa.FromClause, result: Result, reach: Reach) -> sa.ScalarSelect[Any]:
    later = attempts.alias()
    query = sa.select(later.c.seq).where(later.c.result == result, later.c.subject == last.c.subject)
    query = query.where(moment(later) > moment(last), reach.known(later))
    return query.order_by(later.c.ended_at, later.c.seq).limit(1).scalar_subquery()


def _was_over(last: sa.FromClause, reach: Reach) -> sa.ColumnElement[bool]:
    """A success after the last failure was known to the digest before."""
    later = attempts.alias()
    query = sa.exists(later.c.seq).where(later.c.result.in_(SUCCESSES), later.c.subject == last.c.subject)
    return query.where(moment(later) > moment(last), reach.known(later), ~reach.fresh(later))
