"""A background walk over all devices that keeps their failed patches, if the configuration wants it.

Nothing remembers where the walk is: the device whose reading is oldest comes next, in whatever process and after
whatever restart. N-able asks that automated calls of one kind are not closer than 90 seconds; one walk counts as one.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from bot.errors import Kind, UpstreamError
from bot.flows.services import Services
from bot.model import Device, FleetView, Patch, PatchView

log = structlog.get_logger()

CLOSEST = timedelta(seconds=1)  # two calls of one walk
LEASE = 300.0  # seconds: longer than all tries at one device take
# What one device alone can cause. With the other kinds N-sight as a whole does not work, or not for this bot.
SUSPECT = frozenset({Kind.TIMEOUT, Kind.CUT, Kind.BROKEN, Kind.TOO_LARGE, Kind.DOWN})


async def read_next_if_due(services: Services) -> None:
    """The scheduler's poll: one device at a time, by one process, while N-sight has nothing else to answer.

    Raises UpstreamError(NSIGHT).
    """
    every = services.config.nsight.sweep
    if every is None or services.nsight.busy or await _wait(services, every) is None:
        return
    if not await services.store.lease("patches", services.owner, services.now(), LEASE):
        return
    try:
        wait = await _wait(services, every)  # another process may have read one in between
        if wait is not None:
            await asyncio.sleep(wait)
            await _read_next(services)
    finally:
        await services.store.release("patches", services.owner)


async def figures(services: Services) -> FleetView | None:
    """What the walk has found so far; None when it is switched off."""
    return await services.store.fleet_view(services.now()) if services.config.nsight.sweep else None


def due(every: timedelta, devices: int, last: datetime | None, now: datetime) -> datetime | None:
    """When the next device is to be read, so that all of them take about ``every``. None: at once, also when the last
    reading lies further ahead than one step: a clock that was wrong has noted it, and it holds nobody up."""
    apart = max(CLOSEST, every / max(devices, 1))
    return last + apart if last and last - now < apart else None


async def _wait(services: Services, every: timedelta) -> float | None:
    """Seconds until the next reading, less than one tick; None when it is not due by then or there is no device."""
    now, (devices, last) = services.now(), await services.store.sweep_at()
    at = due(every, devices, last, now)
    wait = max(0.0, (at - now).total_seconds()) if at else 0.0
    return wait if devices and wait <= services.sweep_spacing else None


async def _read_next(services: Services) -> None:
    now = services.now()
    device = await services.store.next_to_sweep(now)
    if device is None:
        return
    try:
        view = PatchView(device, now, await _failed(services, device))
    except UpstreamError as error:
        if not await _is_its_own(services, error):
            raise
        log.warning("patch_sweep.unreadable", device=device.id, kind=str(error.kind), reference=error.reference)
        known = await services.store.patch_view(device.id) or PatchView(device)
        view = replace(known, trouble=str(error.kind))  # what was failed then most likely still is
    await services.store.save_patch_view(view, now)


async def _failed(services: Services, device: Device) -> tuple[Patch, ...]:
    return tuple(patch for patch in await services.nsight.patches(device.id) if patch.failed)


async def _is_its_own(services: Services, error: UpstreamError) -> bool:
    """Whether the device is to blame, and not N-sight: one that can never be read must not hold up all others.

    Raises UpstreamError(NSIGHT) when N-sight does not answer the simplest question either.
    """
    if error.kind in SUSPECT:
        await asyncio.sleep(services.sweep_spacing)
        await services.nsight.clients()
    return error.kind in SUSPECT or error.kind is Kind.REFUSED
