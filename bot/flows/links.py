"""Which of N-sight's devices is the one that ESET means: by its name, or as a person has chosen."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.blocks import devices as words
from bot.errors import Refused
from bot.flows.services import Services
from bot.model import Device, EsetDevice, Message
from bot.store import JSON, Entry, Link

KIND = "device link"  # of the tokens behind Undo buttons


@dataclass(frozen=True, slots=True)
class Resolved:
    """``device``: the one it is; None when nobody can tell, and then ``candidates`` are those it may be.
    ``chosen_by``: the person who said so, empty when the name did."""

    eset: EsetDevice
    device: Device | None
    candidates: tuple[Device, ...] = ()
    chosen_by: str = ""


async def resolve(services: Services, eset_devices: Sequence[EsetDevice]) -> tuple[Resolved, ...]:
    """In the order given. A person's choice counts as long as its device is in the inventory."""
    index = await services.directory.current()
    chosen = await services.store.links(device.uuid for device in eset_devices)

    def one(eset: EsetDevice) -> Resolved:
        link = chosen.get(eset.uuid)
        if link is not None and link.device_id in index.by_id:
            return Resolved(eset, index.by_id[link.device_id], chosen_by=link.chosen_by)
        if not eset.name:
            return Resolved(eset, None)
        found = index.hosts.find(eset.name)
        return Resolved(eset, found.device, () if found.device else tuple(found.candidates))

    return tuple(one(eset) for eset in eset_devices)


@dataclass(frozen=True, slots=True)
class Linked:
    """``names``: what ESET calls the device, by people's choices. More than one are right for a machine that was
    enrolled in ESET anew, and else a mistake: whoever chose has to be told."""

    device: Device
    names: tuple[str, ...]


async def choose(services: Services, uuid: str, device_id: int, who: str) -> Linked:
    """Remembers that ESET's device is N-sight's. Raises Refused when that is gone from the inventory."""
    device = (await services.directory.current()).by_id.get(device_id)
    if device is None:
        raise Refused(f"Device `{device_id}` is no longer in N-sight's inventory, so the choice was not remembered.")
    before = (await services.store.links([uuid])).get(uuid)
    names = await services.store.eset_names([uuid])
    facts: dict[str, JSON] = {
        "eset_uuid": uuid,
        "eset_name": names.get(uuid, ""),
        "device": device.name,
        "client": device.client,
        "before": before.device_id if before else None,
    }
    now = services.now()
    entry = Entry(now, who, "device.link", f"device:{device_id}", facts)
    await services.store.link_device(Link(uuid, device_id, who, now), entry)
    return Linked(device, await _called(services, device_id))


async def _called(services: Services, device_id: int) -> tuple[str, ...]:
    uuids = [link.eset_uuid for link in await services.store.links_to(device_id)]
    names = await services.store.eset_names(uuids)
    return tuple(names.get(uuid, "") or uuid for uuid in uuids)


async def undo(services: Services, uuid: str, who: str, device_id: int | None = None) -> Link | None:
    """Forgets the choice for ESET's device (only one for ``device_id``, if given); what was forgotten, None when there
    is no such choice any more."""
    link = (await services.store.links([uuid])).get(uuid)
    if link is None or device_id not in {None, link.device_id}:
        return None
    facts: dict[str, JSON] = {"eset_uuid": uuid, "chosen_by": link.chosen_by}
    entry = Entry(services.now(), who, "device.unlink", f"device:{link.device_id}", facts)
    return link if await services.store.unlink_device(uuid, link.device_id, entry) else None


# ---------------------------------------------------------------- on a device's page


async def aliases(services: Services, device: Device) -> list[words.Alias]:
    """What ESET calls the device, as far as people chose it, each with the value of its Undo button.

    Raises TrailUnwritableError when there are some and the buttons cannot be kept.
    """
    links = await services.store.links_to(device.id)
    names = await services.store.eset_names(link.eset_uuid for link in links)
    found = []
    for link in links:
        shown: dict[str, JSON] = {"uuid": link.eset_uuid, "device": device.id}
        token = await services.store.remember(KIND, shown, services.now())
        name = names.get(link.eset_uuid, "") or link.eset_uuid
        found.append(words.Alias(name, link.chosen_by, link.chosen_at, token))
    return found


async def undo_shown(services: Services, token: str, who: str) -> Message:
    """The Undo button on a device's page. Raises Refused when the choice is not the one shown any more."""
    shown = await services.store.recall(KIND, token)
    if shown is None:
        raise Refused("This button is too old. Type `/patches device NAME` to get a new one. Nothing was done.")
    uuid, device_id = str(shown["uuid"]), int(shown["device"])
    if await undo(services, uuid, who, device_id) is None:
        raise Refused("This choice is not there any more: it was undone, or changed. Nothing was done.")
    name = (await services.store.eset_names([uuid])).get(uuid, "") or uuid
    device = await services.store.device(device_id)
    return words.unlinked(name, device.name if device else f"device {device_id}")
