"""Which of all that attempts are about a plan asks for: what its picture counts."""

from bot import digests
from bot.digests import DigestPlan
from bot.flows.digest import enrich
from bot.flows.services import Services
from bot.model import Device


async def subjects(services: Services, plan: DigestPlan) -> frozenset[int] | None:
    """By number; None for all. What a plan asks for by the reason of a failure has no successes, and is not told."""
    if not digests.filtered(plan):
        return None
    devices = await _devices(services, plan) if plan.clients or plan.kind else None
    wanted: set[int] = set()
    async for some in services.store.subjects():
        placed = ((number, name) for number, name, device in some if devices is None or device in devices)
        wanted.update(number for number, name in placed if digests.names(plan, name))
    return frozenset(wanted)


async def _devices(services: Services, plan: DigestPlan) -> frozenset[str]:
    """ESET's devices, by uuid, that are known to be of the plan's clients and kind."""
    uuids = [uuid for uuid in await services.store.tried_devices() if uuid]
    found = await enrich.known_devices(services, await services.store.eset_names(uuids), uuids)
    return frozenset(uuid for uuid, device in found.items() if _asked(plan, device))


def _asked(plan: DigestPlan, device: Device) -> bool:
    known = bool(device.client) or not plan.clients
    return known and digests.asks_of(plan, device.client, device.kind)
