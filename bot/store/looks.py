"""Whose turn it is to read a device for the follow-up, and when that was done last: whoever looks, in whatever process,
before or after a restart, keeps the distance to the last look.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import RetryRequest, State
from bot.store import leases, moments, requests
from bot.store.tables import moments as moments_table

_LOOK = "follow-up read device "
_FOLLOWED = (State.QUEUED, State.UNKNOWN)


async def followed(connection: AsyncConnection, device_id: int) -> list[RetryRequest]:
    return await requests.of_device(connection, device_id, _FOLLOWED)


async def too_soon(connection: AsyncConnection, device_id: int, now: datetime, distance: timedelta) -> bool:
    """A look that lies further ahead than the distance was noted by a clock that was wrong: it holds nobody up."""
    last = await moments.read(connection, f"{_LOOK}{device_id}")
    return last is not None and abs(now - last) < distance


async def begin(connection: AsyncConnection, device_id: int, owner: str, now: datetime, seconds: float) -> bool:
    """It counts from here on: whoever dies while looking has looked."""
    if not await leases.take(connection, _lease(device_id), owner, now, seconds):
        return False
    await moments.note(connection, f"{_LOOK}{device_id}", now)
    return True


async def end(connection: AsyncConnection, device_id: int, owner: str, looked_at: datetime) -> None:
    await moments.note(connection, f"{_LOOK}{device_id}", looked_at)
    await leases.release(connection, _lease(device_id), owner)


def _lease(device_id: int) -> str:
    return f"follow:{device_id}"


async def purge(connection: AsyncConnection, before: datetime) -> None:
    old = sa.and_(moments_table.c.name.startswith(_LOOK), moments_table.c.at < before)
    await connection.execute(sa.delete(moments_table).where(old))
