"""The failed patches of each device, as a walk over all devices reads them one by one.

Only devices of the inventory that have Patch Management count; a view of any other is forgotten.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Device, FailedPatches, FleetView, Patch, PatchView
from bot.store import inventory, moments
from bot.store.tables import devices, patch_views


class _Titled(msgspec.Struct, frozen=True, gc=False):
    """Of a patch what all devices' patches are counted by. 200,000 of them would keep the garbage collector busy."""

    title: str
    severity: str = ""


PAGE = 200
_DECODER = msgspec.json.Decoder(tuple[Patch, ...])
_TITLES = msgspec.json.Decoder(tuple[_Titled, ...])
_PATCHING = devices.c.patching.is_(True)
_JOINED = devices.join(patch_views, devices.c.id == patch_views.c.device_id)


async def save(connection: AsyncConnection, view: PatchView, tried_at: datetime) -> None:
    """Also notes that the walk has come on."""
    row = {
        "device_id": view.device.id,
        "tried_at": tried_at,
        "read_at": view.read_at,
        "trouble": view.trouble,
        "failures": len(view.failed),
        "failed": msgspec.json.encode(view.failed).decode(),
    }
    await connection.execute(sa.delete(patch_views).where(patch_views.c.device_id == view.device.id))
    await connection.execute(sa.insert(patch_views).values(row))
    await moments.note(connection, moments.PATCHES, tried_at)


async def one(connection: AsyncConnection, device_id: int) -> PatchView | None:
    query = sa.select(devices, patch_views).select_from(_JOINED).where(_PATCHING, devices.c.id == device_id)
    row = (await connection.execute(query)).first()
    return _view(row) if row else None


async def of_fleet(connection: AsyncConnection, now: datetime) -> FleetView:
    """Counted by the database: no patch is decoded for a number on a button."""
    figures = (
        sa.func.count(patch_views.c.read_at),
        sa.func.min(patch_views.c.read_at),
        sa.func.coalesce(sa.func.sum(patch_views.c.failures), 0),
        sa.func.count().filter(patch_views.c.failures > 0),
        sa.func.count().filter(patch_views.c.trouble != ""),
    )
    found = (await connection.execute(sa.select(*figures).select_from(_JOINED).where(_PATCHING))).one()
    return FleetView(now, await count(connection), *found)


async def failing(connection: AsyncConnection) -> AsyncIterator[list[FailedPatches]]:
    """Page by page, each decoded in a thread: 20,000 devices with ten failed patches each take a second."""
    joined = sa.select(devices, patch_views).select_from(_JOINED).where(_PATCHING, patch_views.c.failures > 0)
    query, last = joined.order_by(devices.c.id).limit(PAGE), 0
    while True:
        page = (await connection.execute(query.where(devices.c.id > last))).all()
        yield await asyncio.to_thread(_failures, page)
        if len(page) < PAGE:
            return
        last = page[-1].id


async def severities(connection: AsyncConnection, device_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Severities by title of the failed patches of these devices, as far as a walk has read them."""
    found: dict[int, dict[str, str]] = {}
    wanted = sorted(set(device_ids))
    query = sa.select(patch_views.c.device_id, patch_views.c.failed).where(patch_views.c.failures > 0)
    for start in range(0, len(wanted), PAGE):
        some = patch_views.c.device_id.in_(wanted[start : start + PAGE])
        found |= await asyncio.to_thread(_severities, (await connection.execute(query.where(some))).all())
    return found


async def count(connection: AsyncConnection) -> int:
    """Devices with Patch Management."""
    counted: int = (await connection.execute(sa.select(sa.func.count()).where(_PATCHING))).scalar_one()
    return counted


async def next_device(connection: AsyncConnection, now: datetime) -> Device | None:
    """The one never tried, else the one whose last try is longest ago; None when there are no devices. A try that lies
    ahead was noted by a clock that was wrong: nobody knows when it was."""
    walked = devices.outerjoin(patch_views, devices.c.id == patch_views.c.device_id)
    tried_at = sa.case((patch_views.c.tried_at <= now, patch_views.c.tried_at))
    order = (tried_at.asc().nulls_first(), devices.c.id)
    query = sa.select(devices).select_from(walked).where(_PATCHING).order_by(*order).limit(1)
    row = (await connection.execute(query)).first()
    return inventory.device_of(row) if row else None


async def forget_gone(connection: AsyncConnection) -> None:
    """Drops the views of devices that are not, or no longer, in the inventory with Patch Management."""
    there = sa.select(devices.c.id).where(_PATCHING)
    await connection.execute(sa.delete(patch_views).where(patch_views.c.device_id.not_in(there)))


def _failures(rows: Sequence[sa.Row[Any]]) -> list[FailedPatches]:
    return [FailedPatches(inventory.device_of(row), row.read_at, _titles(row.failed)) for row in rows]


def _severities(rows: Sequence[sa.Row[Any, Any]]) -> dict[int, dict[str, str]]:
    return {row.device_id: _titles(row.failed) for row in rows}


def _titles(failed: str) -> dict[str, str]:
    """Of equal titles on a device the first one counts."""
    return {patch.title: patch.severity for patch in reversed(_TITLES.decode(failed))}


def _view(row: sa.Row[Any]) -> PatchView:
    return PatchView(inventory.device_of(row), row.read_at, _DECODER.decode(row.failed), row.trouble)
