"""When something last happened, by name: a collection of attempts, a sweep of the inventory."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import moments

COLLECTED = "attempts collected"
INVENTORY = "inventory swept"
SIGHTED = "attempts by device read"
PATCHES = "patches swept"
PROBE = "writable"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # what the probe writes: that it was written is all that matters


async def note(connection: AsyncConnection, name: str, now: datetime) -> None:
    await connection.execute(sa.delete(moments).where(moments.c.name == name))
    await connection.execute(sa.insert(moments).values(name=name, at=now))


async def read(connection: AsyncConnection, name: str) -> datetime | None:
    at: datetime | None = (await connection.execute(sa.select(moments.c.at).where(moments.c.name == name))).scalar()
    return at
