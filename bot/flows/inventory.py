"""N-sight's devices, kept in the store: swept now and then, and at once when a person waits for an unknown device.

N-able asks that automated calls of one kind are not closer than 90 seconds; one sweep counts as one.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import timedelta

import structlog

from bot import approvals, commands
from bot.blocks.devices import Inventory
from bot.errors import Kind, NotFound, Refused, UpstreamError
from bot.flows import changes, send
from bot.flows.directory import Directory, Index, Sweep
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Client, Device, DeviceKind, State

log = structlog.get_logger()

EVERY = timedelta(hours=1)
CLOSEST = timedelta(seconds=90)
LEASE = 3600.0


async def find(services: Services, text: str, progress: Progress) -> Device:
    """The device that a person named. The stored inventory answers; if it does not know and is old, N-sight is asked.

    Raises Refused with candidates, and UpstreamError(NSIGHT).
    """
    try:
        return commands.match_device(text, await services.store.devices())
    except NotFound:
        if not await _worth_asking(services):
            raise
    await progress("⏳ Asking N-sight for its devices…")
    await sweep(services)
    return commands.match_device(text, await services.store.devices())


def known(directory: Directory, index: Index) -> Inventory:
    """How much of the inventory is known, for those who search it."""
    sweep = directory.sweep
    done, clients = (sweep.done, sweep.clients) if sweep else (None, 0)
    return Inventory(index.at, len(index.devices), done, clients, directory.unlisted)


async def sweep_if_due(services: Services) -> None:
    """The scheduler's poll: hourly, by one process. Raises UpstreamError(NSIGHT)."""
    if not await due(services):
        return
    if not await services.store.lease("inventory", services.owner, services.now(), LEASE):
        return
    try:
        await sweep(services)
    finally:
        await services.store.release("inventory", services.owner)


async def due(services: Services) -> bool:
    at = await services.store.inventory_at()
    return at is None or services.now() - at >= EVERY


async def sweep(services: Services) -> None:
    """Reads the inventory anew; callers at the same time share one sweep. Raises UpstreamError(NSIGHT)."""
    await services.flights.share("inventory", lambda: _sweep(services))


async def _sweep(services: Services) -> None:
    """Clients, then the devices of each client and kind whose count is not 0, a second apart."""
    clients = await services.nsight.clients()
    devices: list[Device] = []
    refused: dict[str, None] = {}
    try:
        for done, client in enumerate(clients):
            services.directory.sweep = Sweep(done, len(clients))
            for kind in _kinds(client):
                await asyncio.sleep(services.sweep_spacing)
                listed = await _listed(services, client, kind)
                if listed is None:
                    refused[client.name] = None
                    listed = await _known_before(services, client, kind)
                devices += listed
        await services.store.replace_inventory(clients, devices, services.now())
    finally:
        services.directory.sweep = None
    services.directory.unlisted = tuple(refused)
    services.spawn(services.directory.warm(), "directory")
    log.info("inventory.swept", clients=len(clients), devices=len(devices))
    await _note_moves(services, {device.id: device for device in devices})


async def _note_moves(services: Services, devices: Mapping[int, Device]) -> None:
    """Requests that wait are judged by the device as N-sight tells it now: another client may have other rules."""
    for request in await services.store.requests_in({State.PENDING, State.APPROVED}):
        device = devices.get(request.device.id)
        if device is not None and device != request.device:
            with contextlib.suppress(Refused):  # decided in the meantime
                moved = await changes.change(services, request.id, approvals.Move(device), "bot")
                if moved.state is State.APPROVED:
                    await send.revert_if_lapsed(services, moved)


async def _listed(services: Services, client: Client, kind: DeviceKind) -> list[Device] | None:
    """One client's devices; None when N-sight refuses to list them."""
    try:
        return await services.nsight.devices(client.id, kind)
    except UpstreamError as error:
        if error.kind is not Kind.REFUSED:
            raise
        log.warning("inventory.client_refused", client=client.id, kind=str(kind), reference=error.reference)
        return None


async def _known_before(services: Services, client: Client, kind: DeviceKind) -> list[Device]:
    known = await services.store.devices()
    return [device for device in known if device.client_id == client.id and device.kind is kind]


def _kinds(client: Client) -> list[DeviceKind]:
    counts = {DeviceKind.SERVER: client.servers, DeviceKind.WORKSTATION: client.workstations}
    return [kind for kind, count in counts.items() if count]


async def _worth_asking(services: Services) -> bool:
    at = await services.store.inventory_at()
    return at is None or services.now() - at >= CLOSEST
