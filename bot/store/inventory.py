"""The fleet as the last sweep of N-sight found it."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Client, Device, DeviceKind
from bot.store import moments
from bot.store.tables import clients, devices


async def replace(
    connection: AsyncConnection, customers: Sequence[Client], fleet: Sequence[Device], now: datetime
) -> None:
    """What is listed twice counts once, as listed last."""
    listed = {
        clients: {item.id: asdict(item) for item in customers},
        devices: {item.id: {**asdict(item), "kind": item.kind.value} for item in fleet},
    }
    for table, rows in listed.items():
        await connection.execute(sa.delete(table))
        if rows:
            await connection.execute(sa.insert(table), list(rows.values()))
    await moments.note(connection, moments.INVENTORY, now)


async def all_clients(connection: AsyncConnection) -> list[Client]:
    rows = await connection.execute(sa.select(clients).order_by(clients.c.id))
    return [Client(row.id, row.name, row.servers, row.workstations) for row in rows]


async def all_devices(connection: AsyncConnection) -> list[Device]:
    return [_device(row) for row in await connection.execute(sa.select(devices).order_by(devices.c.id))]


async def device(connection: AsyncConnection, device_id: int) -> Device | None:
    row = (await connection.execute(sa.select(devices).where(devices.c.id == device_id))).first()
    return _device(row) if row else None


def _device(row: sa.Row[Any]) -> Device:
    return Device(row.id, row.name, DeviceKind(row.kind), row.client_id, row.client, row.site, row.patching)
