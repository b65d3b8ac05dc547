"""The failed patches of each device, as a walk over all devices reads them one by one.

Only devices of the inventory that have Patch Management count; a view of any other is forgotten.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Device, FleetView, Patch, PatchView
from bot.store import inventory, moments
from bot.store.tables import devices, patch_views


class _Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What ``patch_views.failed`` holds as JSON."""

    failed: tuple[Patch, ...] = ()
    trouble: str = ""


PAGE = 200
_DECODER = msgspec.json.Decoder(_Kept)
_NOTHING = msgspec.json.encode(_Kept()).decode()
_PATCHING = devices.c.patching.is_(True)
_JOINED = devices.join(patch_views, devices.c.id == patch_views.c.device_id)


async def save(connection: AsyncConnection, view: PatchView) -> None:
    """Also notes that the walk has come on."""
    kept = msgspec.json.encode(_Kept(view.failed, view.trouble)).decode()
    await connection.execute(sa.delete(patch_views).where(patch_views.c.device_id == view.device.id))
    row = {"device_id": view.device.id, "read_at": view.read_at, "failed": kept}
    await connection.execute(sa.insert(patch_views).values(row))
    await moments.note(connection, moments.PATCHES, view.read_at)


async def one(connection: AsyncConnection, device_id: int) -> PatchView | None:
    query = sa.select(devices, patch_views).select_from(_JOINED).where(_PATCHING, devices.c.id == device_id)
    row = (await connection.execute(query)).first()
    return _view(row) if row else None


async def of_fleet(connection: AsyncConnection, now: datetime) -> FleetView:
    figures = sa.select(sa.func.count(), sa.func.min(patch_views.c.read_at)).select_from(_JOINED).where(_PATCHING)
    read, oldest = (await connection.execute(figures)).one()
    return FleetView(now, await count(connection), read, oldest, tuple([view async for view in _telling(connection)]))


async def _telling(connection: AsyncConnection) -> AsyncIterator[PatchView]:
    """Page by page, so that a fleet of 20,000 does not hold up the loop."""
    joined = sa.select(devices, patch_views).select_from(_JOINED).where(_PATCHING, patch_views.c.failed != _NOTHING)
    query, last = joined.order_by(devices.c.id).limit(PAGE), 0
    while True:
        page = (await connection.execute(query.where(devices.c.id > last))).all()
        for row in page:
            yield _view(row)
        if len(page) < PAGE:
            return
        last = page[-1].id


async def count(connection: AsyncConnection) -> int:
    """Devices with Patch Management."""
    counted: int = (await connection.execute(sa.select(sa.func.count()).where(_PATCHING))).scalar_one()
    return counted


async def next_device(connection: AsyncConnection) -> Device | None:
    """The one never read, else the one whose reading is oldest; None when there are no devices."""
    walked = devices.outerjoin(patch_views, devices.c.id == patch_views.c.device_id)
    order = (patch_views.c.read_at.asc().nulls_first(), devices.c.id)
    query = sa.select(devices).select_from(walked).where(_PATCHING).order_by(*order).limit(1)
    row = (await connection.execute(query)).first()
    return inventory.device_of(row) if row else None


async def forget_gone(connection: AsyncConnection) -> None:
    """Drops the views of devices that are not, or no longer, in the inventory with Patch Management."""
    there = sa.select(devices.c.id).where(_PATCHING)
    await connection.execute(sa.delete(patch_views).where(patch_views.c.device_id.not_in(there)))


def _view(row: sa.Row[Any]) -> PatchView:
    kept = _DECODER.decode(row.failed)
    return PatchView(inventory.device_of(row), row.read_at, kept.failed, kept.trouble)
