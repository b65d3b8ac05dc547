"""On which of ESET's devices an attempt happened, and what those devices are called there.

An attempt is named by its fingerprint, which equal attempts on several devices share: then it has several sightings.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import EsetDevice
from bot.store import subjects
from bot.store.engine import Database
from bot.store.tables import eset_devices, sightings

T = TypeVar("T")

# As for attempts: rows per transaction, and per statement.
CHUNK = 4000
PAGE = 1000


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


# ---------------------------------------------------------------- sightings


async def record(database: Database, found: Mapping[str, Sequence[str]], now: datetime) -> int:
    """Writes what is new of ``found`` (uuids of devices by fingerprint), a chunk per transaction; how many were."""
    new = 0
    for fingerprints in _chunks(list(found), CHUNK):
        async with database.read() as connection:
            known = await _known(connection, fingerprints)
        if any((one, uuid) not in known for one in fingerprints for uuid in found[one]):
            new += await _insert(database, {one: found[one] for one in fingerprints}, now)
    return new


async def _insert(database: Database, found: Mapping[str, Sequence[str]], now: datetime) -> int:
    """Looks once more, now that no other process can write, and inserts."""
    async with database.write() as connection:
        known = await _known(connection, list(found))
        missing = await asyncio.to_thread(_rows, found, known, now)
        for page in _chunks(missing, PAGE):
            await connection.execute(sa.insert(sightings), page)
        await subjects.assign(connection, [row["fingerprint"] for row in missing])
    return len(missing)


def _rows(found: Mapping[str, Sequence[str]], known: set[tuple[str, str]], now: datetime) -> list[dict[str, Any]]:
    """What is told twice counts once."""
    pairs = {(fingerprint, uuid): None for fingerprint, uuids in found.items() for uuid in uuids}
    return [
        {"fingerprint": fingerprint, "eset_uuid": uuid, "first_seen": now}
        for fingerprint, uuid in pairs
        if (fingerprint, uuid) not in known
    ]


async def _known(connection: AsyncConnection, fingerprints: Sequence[str]) -> set[tuple[str, str]]:
    query = sa.select(sightings.c.fingerprint, sightings.c.eset_uuid)
    found = await connection.execute(query.where(sightings.c.fingerprint.in_(fingerprints)))
    return {(row[0], row[1]) for row in found}


async def seen(database: Database, fingerprints: Iterable[str]) -> dict[str, tuple[EsetDevice, ...]]:
    """The devices of each attempt for which some are known, by name; one without a known name has an empty one."""
    named = sa.func.coalesce(eset_devices.c.name, "").label("name")
    both = sightings.outerjoin(eset_devices, eset_devices.c.uuid == sightings.c.eset_uuid)
    query = sa.select(sightings.c.fingerprint, sightings.c.eset_uuid, named).select_from(both)
    found: dict[str, list[EsetDevice]] = {}
    async with database.read() as connection:
        for page in _chunks(list(dict.fromkeys(fingerprints)), PAGE):
            for row in await connection.execute(query.where(sightings.c.fingerprint.in_(page))):
                found.setdefault(row.fingerprint, []).append(EsetDevice(row.eset_uuid, row.name))
    return {one: tuple(sorted(devices, key=_by_name)) for one, devices in found.items()}


def _by_name(device: EsetDevice) -> tuple[str, str]:
    return device.name.casefold(), device.uuid


async def purge(connection: AsyncConnection, before: datetime) -> None:
    """Names that were not read since then either: ESET no longer tells of such a device."""
    await connection.execute(sa.delete(sightings).where(sightings.c.first_seen < before))
    await connection.execute(sa.delete(eset_devices).where(eset_devices.c.read_at < before))


# ---------------------------------------------------------------- names


async def name(database: Database, devices: Sequence[EsetDevice], now: datetime) -> None:
    """Keeps what ESET calls these devices at the moment."""
    named = {device.uuid: device.name for device in devices}
    for uuids in _chunks(list(named), CHUNK):
        async with database.write() as connection:
            for page in _chunks(uuids, PAGE):
                rows = [{"uuid": uuid, "name": named[uuid], "read_at": now} for uuid in page]
                await connection.execute(sa.delete(eset_devices).where(eset_devices.c.uuid.in_(page)))
                await connection.execute(sa.insert(eset_devices), rows)


async def names(database: Database, uuids: Iterable[str], since: datetime | None) -> dict[str, str]:
    """What ESET calls each of these devices, read at `since` or later (None: whenever); unknown ones are left out."""
    query = sa.select(eset_devices.c.uuid, eset_devices.c.name)
    if since is not None:
        query = query.where(eset_devices.c.read_at >= since)
    found: dict[str, str] = {}
    async with database.read() as connection:
        for page in _chunks(list(dict.fromkeys(uuids)), PAGE):
            rows = await connection.execute(query.where(eset_devices.c.uuid.in_(page)))
            found |= {row.uuid: row.name for row in rows}
    return found
