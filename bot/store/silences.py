"""Silences in the database: made, ended, listed. Each change carries its audit entry."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.markup import folded
from bot.model import Attempt, Result, Silence
from bot.store import audit, outbox
from bot.store.audit import Entry
from bot.store.outbox import Note
from bot.store.requests import Turn
from bot.store.tables import attempts, subjects
from bot.store.tables import silences as table

NEWEST = 5000  # failed attempts that are looked at to tell what an application failed with
NAMES = 1000  # of applications, in one such look
_DECODER = msgspec.json.Decoder(Attempt)


@dataclass(frozen=True, slots=True)
class SilencePage:
    """Part of the list of silences that are on, newest first: ``ahead`` of its ``total`` come before these."""

    rows: tuple[Silence, ...]
    ahead: int
    total: int


async def make(
    connection: AsyncConnection, wished: Silence, entry: Entry, notes: Sequence[Note]
) -> tuple[Silence, tuple[Silence, ...]]:
    """The new silence, and those about just the same that it takes the place of."""
    before = tuple(one for one in await on(connection, wished.made_at) if _about(one) == _about(wished))
    made = replace(wished, id=await _insert(connection, wished))
    await audit.append(connection, replace(entry, subject=f"silence:{made.id}"))
    for one in before:
        await end(connection, one.id, Entry(entry.at, entry.actor, "silence.end", "", {"replaced_by": made.id}))
    await outbox.queue(connection, notes, entry.at)
    return made, before


def _about(silence: Silence) -> tuple[str, ...]:
    return tuple(folded(each) for each in (silence.application, silence.reason, silence.client, silence.version))


async def _insert(connection: AsyncConnection, wished: Silence) -> int:
    names = ("application", "reason", "client", "version", "why", "made_by", "made_at", "until", "ended_at", "ended_by")
    values = {name: getattr(wished, name) for name in names}
    inserted = (await connection.execute(sa.insert(table).values(values))).inserted_primary_key
    return int(inserted[0]) if inserted else 0


async def end(connection: AsyncConnection, silence_id: int, entry: Entry) -> bool:
    """False when there is no such silence, or it is over."""
    change = sa.update(table).where(table.c.id == silence_id, _on(entry.at))
    if (await connection.execute(change.values(ended_at=entry.at, ended_by=entry.actor))).rowcount != 1:
        return False
    await audit.append(connection, replace(entry, subject=f"silence:{silence_id}"))
    return True


async def one(connection: AsyncConnection, silence_id: int) -> Silence | None:
    row = (await connection.execute(sa.select(table).where(table.c.id == silence_id))).first()
    return _silence(row) if row is not None else None


async def on(connection: AsyncConnection, now: datetime) -> tuple[Silence, ...]:
    """Newest first."""
    rows = await connection.execute(sa.select(table).where(_on(now)).order_by(table.c.id.desc()))
    return tuple(_silence(row) for row in rows)


async def since(connection: AsyncConnection, then: datetime) -> tuple[Silence, ...]:
    """Those that were on at some time after ``then``."""
    ended = sa.func.coalesce(table.c.ended_at, table.c.until)
    rows = await connection.execute(sa.select(table).where(ended > then, table.c.until > then))
    return tuple(_silence(row) for row in rows)


async def applications(connection: AsyncConnection) -> list[str]:
    """The names of all applications that ESET has told of: what a silence can be about."""
    names = sa.select(subjects.c.application).distinct().order_by(subjects.c.application)
    return list((await connection.execute(names)).scalars())


async def failed_with(connection: AsyncConnection, names: Sequence[str]) -> frozenset[tuple[str, str]]:
    """Status and version of the newest failed attempts of these applications."""
    about = sa.select(subjects.c.id).where(subjects.c.application.in_(names[:NAMES]))
    failed = sa.select(attempts.c.attempt).where(attempts.c.result == Result.FAILED, attempts.c.subject.in_(about))
    found = await connection.execute(failed.order_by(attempts.c.seq.desc()).limit(NEWEST))
    return frozenset((one.status, one.to_version) for one in map(_DECODER.decode, found.scalars()))


async def page(connection: AsyncConnection, now: datetime, size: int, turn: Turn) -> SilencePage:
    """Beyond either end there is the page at that end."""
    rows = await _cut(connection, now, size, turn) or await _cut(connection, now, size, Turn(None, not turn.forward))
    if not rows:
        return SilencePage((), 0, 0)
    counts = sa.select(sa.func.count(), sa.func.count(sa.case((table.c.id > rows[0].id, 1)))).where(_on(now))
    total, ahead = (await connection.execute(counts)).one()
    return SilencePage(tuple(rows), ahead, total)


async def _cut(connection: AsyncConnection, now: datetime, size: int, turn: Turn) -> list[Silence]:
    query = sa.select(table).where(_on(now)).limit(size)
    if turn.edge is not None:
        query = query.where(table.c.id < turn.edge if turn.forward else table.c.id > turn.edge)
    rows = await connection.execute(query.order_by(table.c.id.desc() if turn.forward else table.c.id))
    found = [_silence(row) for row in rows]
    return found if turn.forward else found[::-1]


async def purge(connection: AsyncConnection, before: datetime) -> None:
    """Forgets those that were over by then; the audit trail still tells of them."""
    await connection.execute(sa.delete(table).where(table.c.until < before))


def _on(now: datetime) -> sa.ColumnElement[bool]:
    """As ``Silence.on``."""
    return sa.and_(table.c.ended_at.is_(None), table.c.until > now)


def _silence(row: sa.Row[Any]) -> Silence:
    return Silence(**row._mapping)
