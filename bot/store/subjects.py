"""What attempts are about: an application on one of ESET's devices.

An attempt arrives without its device. Until a sighting tells it, its subject has the empty device; once it has one, it
keeps it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import NAMELESS, Attempt, Outcome, Result
from bot.store.tables import attempts, sightings, subjects

Key = tuple[str, str, str]  # developer, application, device

LONGEST = 300  # characters of a name: an index of PostgreSQL's takes no more than 2,700 bytes
NEEDLESS = "NOT_APPLICABLE"
RESULTS = {Outcome.FAILED: Result.FAILED, Outcome.OK: Result.OK, Outcome.OTHER: Result.NOTHING}


# ---------------------------------------------------------------- pure


def result(attempt: Attempt) -> Result:
    return Result.NEEDLESS if attempt.status == NEEDLESS else RESULTS[attempt.outcome]


def of_nowhere(attempt: Attempt) -> Key:
    """The application on no known device. One without a name goes by its uuid: two such are two."""
    name = attempt.display_name or f"{NAMELESS} {attempt.application_uuid or ''}".strip()
    return _kept(attempt.developer), _kept(name), ""


def _kept(name: str) -> str:
    """As a column of text can hold it: PostgreSQL's takes no NUL."""
    return name.replace("\0", "\N{REPLACEMENT CHARACTER}")[:LONGEST]


@dataclass(frozen=True, slots=True)
class Row:
    """An attempt and what it is about so far."""

    seq: int
    fingerprint: str
    key: Key


def told(rows: Iterable[Row], devices: dict[str, list[str]]) -> dict[int, Key]:
    """New subjects by number. ``rows``: equal ones in the order of their ordinals. ``devices``: where attempts of a
    fingerprint were seen, in the order in which that was told; each takes the next that no other has."""
    alike: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        alike[row.fingerprint].append(row)
    moved: dict[int, Key] = {}
    for fingerprint, some in alike.items():
        taken = {row.key[2] for row in some}
        free = (device for device in devices[fingerprint] if device not in taken)
        waiting = (row for row in some if not row.key[2])
        moved |= {row.seq: (*row.key[:2], device) for row, device in zip(waiting, free, strict=False)}
    return moved


def named(key: Key) -> dict[str, str]:
    """The parameters of ``NUMBER``."""
    return dict(zip(("developer", "application", "of_device"), key, strict=True))


# ---------------------------------------------------------------- kept

# One seek for each row: SQLite goes through the whole table for a list of keys.
_KEY = tuple(sa.bindparam(name, type_=sa.String) for name in ("developer", "application", "of_device"))
_COLUMNS = (subjects.c.developer, subjects.c.application, subjects.c.device)
_SAME = sa.and_(*(column == value for column, value in zip(_COLUMNS, _KEY, strict=True)))
_ADD = sa.insert(subjects).from_select(list(_COLUMNS), sa.select(*_KEY).where(~sa.exists().where(_SAME)))
NUMBER = sa.select(subjects.c.id).where(_SAME).scalar_subquery()


async def add(connection: AsyncConnection, keys: Iterable[Key]) -> None:
    """Those of these subjects that are new get a number. In a write transaction, so that none gets two."""
    rows = [named(key) for key in dict.fromkeys(keys)]
    if rows:
        await connection.execute(_ADD, rows)


async def assign(connection: AsyncConnection, fingerprints: Sequence[str]) -> None:
    """Attempts of these fingerprints whose device was told since get their subject. In a write transaction."""
    devices = await _devices(connection, list(dict.fromkeys(fingerprints)))
    if not devices:
        return
    moved = await asyncio.to_thread(told, await _rows(connection, list(devices)), devices)
    if not moved:
        return
    await add(connection, moved.values())
    update = sa.update(attempts).where(attempts.c.seq == sa.bindparam("which")).values(subject=NUMBER)
    await connection.execute(update, [{"which": seq, **named(key)} for seq, key in moved.items()])


async def _devices(connection: AsyncConnection, fingerprints: Sequence[str]) -> dict[str, list[str]]:
    query = sa.select(sightings.c.fingerprint, sightings.c.eset_uuid)
    query = query.where(sightings.c.fingerprint.in_(fingerprints))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in await connection.execute(query.order_by(sightings.c.first_seen, sightings.c.eset_uuid)):
        found[row.fingerprint].append(row.eset_uuid)
    return dict(found)


async def _rows(connection: AsyncConnection, fingerprints: Sequence[str]) -> list[Row]:
    both = attempts.join(subjects, subjects.c.id == attempts.c.subject)
    what = (subjects.c.developer, subjects.c.application, subjects.c.device)
    query = sa.select(attempts.c.seq, attempts.c.fingerprint, *what).select_from(both)
    query = query.where(attempts.c.fingerprint.in_(fingerprints)).order_by(attempts.c.fingerprint, attempts.c.ordinal)
    return [Row(row[0], row[1], (row[2], row[3], row[4])) for row in await connection.execute(query)]


async def purge(connection: AsyncConnection) -> None:
    """Forgets those that no attempt is about any more. One without a device stays: a button may still mean it.

    By a difference of sets: neither SQLite nor PostgreSQL then looks through all attempts for each subject.
    """
    housed = sa.select(subjects.c.id).where(subjects.c.device != "")
    unused = sa.except_(housed, sa.select(attempts.c.subject))
    await connection.execute(sa.delete(subjects).where(subjects.c.id.in_(unused)))
