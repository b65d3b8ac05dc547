"""The fleet as the last sweep of N-sight found it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Client, Device, DeviceKind
from bot.store import moments
from bot.store.tables import clients, devices

PAGE = 1000  # rows per statement: others get their turn in between


async def replace(
    connection: AsyncConnection, customers: Sequence[Client], fleet: Sequence[Device], now: datetime
) -> None:
    """What is listed twice counts once, as listed last."""
    listed = {
        clients: {item.id: _columns(clients, item) for item in customers},
        devices: {item.id: {**_columns(devices, item), "kind": item.kind.value} for item in fleet},
    }
    for table, by_id in listed.items():
        await connection.execute(sa.delete(table))
        rows = list(by_id.values())
        for start in range(0, len(rows), PAGE):
            await connection.execute(sa.insert(table), rows[start : start + PAGE])
    await moments.note(connection, moments.INVENTORY, now)


def _columns(table: sa.Table, item: Client | Device) -> dict[str, Any]:
    return {column.name: getattr(item, column.name) for column in table.c}


async def all_clients(connection: AsyncConnection) -> list[Client]:
    rows = await connection.execute(sa.select(clients).order_by(clients.c.id))
    return [Client(row.id, row.name, row.servers, row.workstations) for row in rows]


async def all_devices(connection: AsyncConnection) -> list[Device]:
    query = sa.select(devices).order_by(devices.c.id).limit(PAGE)
    found: list[Device] = []
    while True:
        after = devices.c.id > found[-1].id if found else sa.true()
        page = [device_of(row) for row in await connection.execute(query.where(after))]
        found += page
        if len(page) < PAGE:
            return found


async def device(connection: AsyncConnection, device_id: int) -> Device | None:
    row = (await connection.execute(sa.select(devices).where(devices.c.id == device_id))).first()
    return device_of(row) if row else None


def device_of(row: sa.Row[Any]) -> Device:
    return Device(row.id, row.name, DeviceKind(row.kind), row.client_id, row.client, row.site, row.patching)
