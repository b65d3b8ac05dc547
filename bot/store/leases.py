"""Who does what right now (leases), and what has been received before (deliveries)."""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import deliveries, leases


async def take(connection: AsyncConnection, name: str, owner: str, now: datetime, seconds: float) -> bool:
    """Takes or renews; False while somebody else holds it."""
    row = (await connection.execute(sa.select(leases).where(leases.c.name == name))).first()
    if row is not None and row.owner != owner and row.leased_until > now:
        return False
    await connection.execute(sa.delete(leases).where(leases.c.name == name))
    values = {"name": name, "owner": owner, "leased_until": now + timedelta(seconds=seconds)}
    await connection.execute(sa.insert(leases).values(values))
    return True


async def release(connection: AsyncConnection, name: str, owner: str) -> None:
    await connection.execute(sa.delete(leases).where(leases.c.name == name, leases.c.owner == owner))


async def first_delivery(connection: AsyncConnection, key: str, now: datetime) -> bool:
    known = await connection.execute(sa.select(deliveries.c.key).where(deliveries.c.key == key))
    if known.first() is not None:
        return False
    await connection.execute(sa.insert(deliveries).values(key=key, seen_at=now))
    return True


async def purge(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(sa.delete(deliveries).where(deliveries.c.seen_at < before))
    await connection.execute(sa.delete(leases).where(leases.c.leased_until < before))
