"""The kept attempts as ``/patches recent`` shows them: counted, page by page, by application. Only final ones are."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.model import Attempt, Outcome, Result
from bot.store.engine import Database
from bot.store.tables import attempts, subjects

Name = tuple[str, str]  # developer, application
Place = tuple[datetime, int]  # of an attempt among all: when it ended, and its number

PAGE = 1000  # rows read at once; their JSON is decoded in a thread
NAMES = 5000  # applications that can be asked for by name, well below what a statement takes
ALIKE = 2000  # failures like one row

CLASSES: Mapping[Outcome, frozenset[Result]] = {
    Outcome.FAILED: frozenset({Result.FAILED}),
    Outcome.OK: frozenset({Result.OK}),
    Outcome.OTHER: frozenset({Result.NOTHING, Result.NEEDLESS}),
}
_PREFIXES = ("APPLICATION_PATCHING_STATUS_", "PATCHING_STATUS_", "APPLICATION_", "")
_DECODER = msgspec.json.Decoder(Attempt)
_NEWEST_FIRST = (attempts.c.ended_at.desc(), attempts.c.seq.desc())


@dataclass(frozen=True, slots=True)
class Which:
    """Attempts that ended ``since`` then, among the first ``upto``. ``names``: of these applications, None = any;
    ``status``: the vendor's without its prefix, empty = any."""

    since: datetime
    upto: int
    names: tuple[Name, ...] | None = None
    status: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A page, newest first. ``first`` and ``last``: the places of its ends, None when it is empty."""

    attempts: list[Attempt]
    first: Place | None = None
    last: Place | None = None


async def named(database: Database, part: str) -> list[Name]:
    """Applications with this in their or their developer's name, case aside (SQLite knows that of ASCII only)."""
    async with database.read() as connection:
        query = sa.select(subjects.c.developer, subjects.c.application).distinct()
        rows = (await connection.execute(query)).all()
    wanted = part.casefold()
    return [(row[0], row[1]) for row in rows if wanted in row[0].casefold() or wanted in row[1].casefold()]


class Kept:
    """The kept attempts that are asked for. Each method is one read."""

    def __init__(self, database: Database, which: Which) -> None:
        self._database, self._which = database, which

    async def oldest(self) -> datetime | None:
        """When the oldest attempt that is kept ended, whichever are asked for."""
        query = sa.select(sa.func.min(attempts.c.ended_at))
        async with self._database.read() as connection:
            found: datetime | None = (await connection.execute(query)).scalar()
        return found

    async def counts(self) -> Counter[Outcome]:
        result = attempts.c.result + 0  # grouped by an index, SQLite would jump to each row's text for its status
        query = sa.select(result, sa.func.count()).where(*self._meant()).group_by(result)
        async with self._database.read() as connection:
            return _classes((row[0], row[1]) for row in await connection.execute(query))

    async def page(self, outcome: Outcome | None, size: int, offset: int) -> Leaf:
        """``outcome``: None for every class. An offset is counted row by row: for what lies near the newest."""
        return await self._leaf(self._newest_first(outcome).limit(size).offset(offset))

    async def older(self, outcome: Outcome | None, size: int, than: Place) -> Leaf:
        return await self._leaf(self._newest_first(outcome).where(_place < _at(than)).limit(size))

    async def newer(self, outcome: Outcome | None, size: int, than: Place) -> Leaf:
        """The ones next to that place."""
        oldest_first = (attempts.c.ended_at.asc(), attempts.c.seq.asc())
        query = self._newest_first(outcome).where(_place > _at(than)).order_by(None).order_by(*oldest_first)
        return await self._leaf(query.limit(size))

    async def all(self, outcome: Outcome | None, most: int) -> AsyncIterator[list[Attempt]]:
        """Newest first, at most so many of them, some at a time."""
        leaf = await self.page(outcome, min(PAGE, most), 0)
        while leaf.last:
            yield leaf.attempts
            most -= len(leaf.attempts)
            leaf = await self.older(outcome, min(PAGE, most), leaf.last) if most > 0 else Leaf([])

    async def applications(self) -> dict[Name, Counter[Outcome]]:
        """Counted by subject first, which an index alone can tell: a million attempts take half a second."""
        count = sa.func.count().label("count")
        each = sa.select(attempts.c.result, attempts.c.subject, count).where(*self._meant())
        by_subject = each.group_by(attempts.c.result, attempts.c.subject).subquery()
        name = (subjects.c.developer, subjects.c.application)
        query = sa.select(*name, by_subject.c.result, sa.func.sum(by_subject.c["count"]))
        query = query.select_from(by_subject.join(subjects, subjects.c.id == by_subject.c.subject))
        told: defaultdict[Name, list[tuple[int, int]]] = defaultdict(list)
        async with self._database.read() as connection:
            for row in await connection.execute(query.group_by(*name, by_subject.c.result)):
                told[row[0], row[1]].append((row[2], row[3]))
        return {one: _classes(counts) for one, counts in told.items()}

    async def failures(self, names: Collection[Name], starts: Sequence[datetime]) -> dict[Name, list[int]]:
        """How many attempts failed after each of ``starts`` and up to the next one, by application."""
        later = list(enumerate(starts))[1:]
        ended = attempts.c.ended_at
        bar = sa.case(*((ended > start, number) for number, start in reversed(later)), (sa.true(), 0))
        name = (subjects.c.developer, subjects.c.application)
        query = sa.select(*name, bar.label("bar"), sa.func.count()).select_from(_BOTH)
        query = query.where(*self._meant(), *_of(Outcome.FAILED), sa.tuple_(*name).in_(list(names)))
        found = {one: [0] * len(starts) for one in names}
        async with self._database.read() as connection:
            for row in await connection.execute(query.group_by(*name, sa.text("bar"))):
                found[row[0], row[1]][row.bar] = row[3]
        return found

    async def like(self, mark: str) -> list[Attempt]:
        """The failed attempt whose fingerprint begins like this, and others of its application; newest first."""
        one = attempts.c.fingerprint.startswith(mark, autoescape=True)
        pressed = sa.select(subjects.c.developer, subjects.c.application).select_from(_BOTH).where(one).limit(1)
        query = sa.select(attempts.c.attempt).select_from(_BOTH).where(*self._meant(), *_of(Outcome.FAILED))
        async with self._database.read() as connection:
            name = (await connection.execute(pressed)).first()
            if name is None:
                return []
            alike = query.where(subjects.c.developer == name.developer, subjects.c.application == name.application)
            found = await connection.execute(alike.order_by(one.desc(), *_NEWEST_FIRST).limit(ALIKE))
            return [_DECODER.decode(row.attempt) for row in found]

    def _newest_first(self, outcome: Outcome | None) -> sa.Select[tuple[datetime, int, str]]:
        query = sa.select(attempts.c.ended_at, attempts.c.seq, attempts.c.attempt)
        return query.where(*self._meant(), *_of(outcome)).order_by(*_NEWEST_FIRST)

    async def _leaf(self, query: sa.Select[tuple[datetime, int, str]]) -> Leaf:
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        if not rows:
            return Leaf([])
        return await asyncio.to_thread(_leaf, sorted(rows, key=lambda row: (row.ended_at, row.seq), reverse=True))

    def _meant(self) -> tuple[sa.ColumnElement[bool], ...]:
        which = self._which
        meant: list[sa.ColumnElement[bool]] = [attempts.c.ended_at >= which.since, attempts.c.seq <= which.upto]
        if which.names is not None:
            name = sa.tuple_(subjects.c.developer, subjects.c.application)
            meant.append(attempts.c.subject.in_(sa.select(subjects.c.id).where(name.in_(which.names))))
        if which.status:
            told = (f'"status":"{prefix}{which.status}"' for prefix in _PREFIXES)
            meant.append(sa.or_(*(attempts.c.attempt.contains(words, autoescape=True) for words in told)))
        return tuple(meant)


def _leaf(rows: Sequence[sa.Row[tuple[datetime, int, str]]]) -> Leaf:
    first, last = ((row.ended_at, row.seq) for row in (rows[0], rows[-1]))
    return Leaf([_DECODER.decode(row.attempt) for row in rows], first, last)


def _at(place: Place) -> sa.ColumnElement[Any]:
    return sa.tuple_(sa.literal(place[0], attempts.c.ended_at.type), sa.literal(place[1]))


_place = sa.tuple_(attempts.c.ended_at, attempts.c.seq)
_BOTH = attempts.join(subjects, subjects.c.id == attempts.c.subject)


def _of(outcome: Outcome | None) -> tuple[sa.ColumnElement[bool], ...]:
    return (attempts.c.result.in_(CLASSES[outcome]),) if outcome else ()


def _classes(counts: Iterable[tuple[int, int]]) -> Counter[Outcome]:
    found: Counter[Outcome] = Counter()
    for result, count in counts:
        found[next(outcome for outcome, results in CLASSES.items() if result in results)] += count
    return found
