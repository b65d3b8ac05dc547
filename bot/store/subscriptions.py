"""Digests that people subscribed to in Slack. Each change carries its audit entry."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.digests import DigestPlan
from bot.markup import folded
from bot.store import audit, digests, outbox
from bot.store.audit import Entry
from bot.store.outbox import Note
from bot.store.tables import subscriptions as table

_COLUMNS = ("name", "channel", "cron", "timezone", "paused", "made_by")


async def every(connection: AsyncConnection) -> tuple[DigestPlan, ...]:
    """By name."""
    rows = await connection.execute(sa.select(table).order_by(table.c.name))
    return tuple(_plan(row) for row in rows)


async def add(connection: AsyncConnection, plan: DigestPlan, entry: Entry, notes: Sequence[Note]) -> bool:
    """Its baseline is ``entry.at``. False, and nothing is written, when the name is taken, whatever its case."""
    if folded(plan.name) in {folded(other.name) for other in await every(connection)}:
        return False
    await digests.forget(connection, plan.name)  # of an earlier digest of that name
    await digests.start(connection, plan.name, entry.at, -1)
    values = {**{column: getattr(plan, column) for column in _COLUMNS}, "options": _options(plan)}
    await connection.execute(sa.insert(table).values({**values, "made_at": entry.at}))
    await _told(connection, entry, notes)
    return True


async def remove(connection: AsyncConnection, name: str, entry: Entry, notes: Sequence[Note], *, instead: bool) -> bool:
    """False when there is none. ``instead``: the file has a digest of that name, which goes on from where this one got
    to; else what it covered is forgotten, since another of the name would take itself for late."""
    if (await connection.execute(sa.delete(table).where(table.c.name == name))).rowcount != 1:
        return False
    if not instead:
        await digests.forget(connection, name)
    await _told(connection, entry, notes)
    return True


async def pause(connection: AsyncConnection, name: str, entry: Entry, notes: Sequence[Note], *, paused: bool) -> bool:
    """False when it was so already, or there is none. What lay in the pause is told by the next digest behind it."""
    change = sa.update(table).where(table.c.name == name, table.c.paused.is_not(paused))
    if (await connection.execute(change.values(paused=paused))).rowcount != 1:
        return False
    if not paused:
        await digests.move(connection, name, entry.at)
    await _told(connection, entry, notes)
    return True


async def _told(connection: AsyncConnection, entry: Entry, notes: Sequence[Note]) -> None:
    await audit.append(connection, entry)
    await outbox.queue(connection, notes, entry.at)


def _options(plan: DigestPlan) -> str:
    every: dict[str, Any] = msgspec.to_builtins(plan)
    return msgspec.json.encode({key: value for key, value in every.items() if key not in _COLUMNS}).decode()


def _plan(row: sa.Row[Any]) -> DigestPlan:
    columns = {column: row._mapping[column] for column in _COLUMNS}
    return msgspec.convert({**msgspec.json.decode(row.options), **columns}, DigestPlan)
