"""ESET's final attempts, each kept once however often it is listed.

Rows come without an id. Their identity is their fingerprint plus an ordinal, 1 up to the highest number of equal rows
ever seen in one listing: two devices can produce equal rows, and both count.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Attempt
from bot.store import moments, subjects
from bot.store.engine import Database
from bot.store.tables import attempts
from bot.store.tables import subjects as about

# Rows per transaction and per statement: large enough to be fast, small enough that neither a claim nor the event
# loop waits long.
CHUNK = 4000
PAGE = 1000

_DECODER = msgspec.json.Decoder(Attempt)


@dataclass(frozen=True, slots=True)
class Seen:
    """An attempt with its number, in the order of recording, and the time at which the bot first saw it."""

    seq: int
    first_seen: datetime
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class Group:
    """Equal rows of one listing: how many there are, and one of them to stand for all."""

    fingerprint: str
    count: int
    attempt: Attempt


# ---------------------------------------------------------------- pure


def group(listing: Sequence[Attempt]) -> list[Group]:
    """Equal final rows together, in the order of their first appearance.

    The others are left out: such a row is another one, of another identity, once its attempt has ended.
    """
    first: dict[str, Attempt] = {}
    counts: Counter[str] = Counter()
    for attempt in listing:
        if not attempt.final:
            continue
        fingerprint = attempt.fingerprint
        first.setdefault(fingerprint, attempt)
        counts[fingerprint] += 1
    return [Group(fingerprint, counts[fingerprint], attempt) for fingerprint, attempt in first.items()]


def rows(groups: Sequence[Group], known: dict[str, int], now: datetime) -> list[dict[str, Any]]:
    """The rows still to be written, given the highest ordinal known of each fingerprint."""
    return [
        {
            "fingerprint": item.fingerprint,
            "ordinal": ordinal,
            "first_seen": now,
            "ended_at": item.attempt.ended_at,
            "result": subjects.result(item.attempt),
            **subjects.named(subjects.of_nowhere(item.attempt)),
            "attempt": msgspec.json.encode(item.attempt).decode(),
        }
        for item in groups
        for ordinal in range(known.get(item.fingerprint, 0) + 1, item.count + 1)
    ]


def _chunks(groups: Sequence[Group]) -> Iterator[Sequence[Group]]:
    return (groups[start : start + CHUNK] for start in range(0, len(groups), CHUNK))


# ---------------------------------------------------------------- record


async def record(database: Database, listing: Sequence[Attempt], now: datetime) -> int:
    """Writes what is final and new, a chunk per transaction, and notes the collection at the end; how many were new.

    A collection that is cut short is finished by the next one: nothing is written twice, nothing is lost.
    """
    groups = await asyncio.to_thread(group, listing)
    new = 0
    for chunk in _chunks(groups):
        async with database.read() as connection:
            known = await _known(connection, chunk)
        if any(item.count > known.get(item.fingerprint, 0) for item in chunk):
            new += await _insert(database, chunk, now)
    async with database.write() as connection:
        await moments.note(connection, moments.COLLECTED, now)
    return new


async def _insert(database: Database, chunk: Sequence[Group], now: datetime) -> int:
    """Looks once more, now that no other process can write, and inserts."""
    async with database.write() as connection:
        missing = await asyncio.to_thread(rows, chunk, await _known(connection, chunk), now)
        await subjects.add(connection, {subjects.of_nowhere(item.attempt) for item in chunk})
        insert = sa.insert(attempts).values(subject=subjects.NUMBER)
        for start in range(0, len(missing), PAGE):
            await connection.execute(insert, missing[start : start + PAGE])
        await subjects.assign(connection, [row["fingerprint"] for row in missing])
    return len(missing)


async def _known(connection: AsyncConnection, chunk: Sequence[Group]) -> dict[str, int]:
    highest = sa.func.max(attempts.c.ordinal)
    query = sa.select(attempts.c.fingerprint, highest).group_by(attempts.c.fingerprint)
    found = await connection.execute(query.where(attempts.c.fingerprint.in_([item.fingerprint for item in chunk])))
    return {row[0]: row[1] for row in found}


# ---------------------------------------------------------------- read


async def newest(connection: AsyncConnection) -> int:
    return (await connection.execute(sa.select(sa.func.max(attempts.c.seq)))).scalar() or 0


async def ended_since(database: Database, when: datetime, upto_seq: int) -> list[Seen]:
    return await _read(database, attempts.c.ended_at >= when, 0, upto_seq)


async def told_late(database: Database, seen: datetime, since: datetime, before: datetime) -> list[Seen]:
    """Those on no known device that the bot saw first at `seen` or later, and that ended from `since` to `before`."""
    nowhere = sa.select(about.c.id).where(about.c.device == "")
    late = (attempts.c.first_seen >= seen, attempts.c.ended_at >= since, attempts.c.ended_at < before)
    # From the newest back, so that a long history is not gone through for a few attempts.
    earlier = sa.select(attempts.c.seq).where(attempts.c.first_seen < seen).order_by(attempts.c.seq.desc()).limit(1)
    async with database.read() as connection:
        after = (await connection.execute(earlier)).scalar() or 0
        upto = await newest(connection)
    return await _read(database, sa.and_(*late, attempts.c.subject.in_(nowhere)), after, upto)


async def _read(database: Database, which: sa.ColumnElement[bool], after_seq: int, upto_seq: int) -> list[Seen]:
    """In the order of recording; page by page, so that 100,000 rows do not hold up the loop."""
    query = sa.select(attempts.c.seq, attempts.c.first_seen, attempts.c.attempt).order_by(attempts.c.seq).limit(PAGE)
    found: list[Seen] = []
    async with database.read() as connection:
        while True:
            page = (await connection.execute(query.where(which, *_range(after_seq, upto_seq)))).all()
            found += [Seen(row.seq, row.first_seen, _DECODER.decode(row.attempt)) for row in page]
            if len(page) < PAGE:
                return found
            after_seq = page[-1].seq


def _range(after_seq: int, upto_seq: int) -> tuple[sa.ColumnElement[bool], ...]:
    return attempts.c.seq > after_seq, attempts.c.seq <= upto_seq


async def purge(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(sa.delete(attempts).where(attempts.c.first_seen < before))
