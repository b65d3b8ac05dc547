"""``/patches device``: what N-sight lists for one device."""

import contextlib

from bot.blocks import consoles, devices
from bot.blocks import device as words
from bot.errors import TrailUnwritableError
from bot.flows import inventory, links
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Device, Message

KIND = "device page"  # of the tokens behind Retry… buttons: the device's id, and the channel it was asked in


async def show(services: Services, named: str, channel: str, progress: Progress) -> Message:
    """The device's patches, asked now. Raises Refused and UpstreamError(NSIGHT)."""
    device = await inventory.find(services, named, progress)
    await progress(words.asking(device.name).text)
    patches = await services.nsight.patches(device.id)
    token = ""
    if any(patch.failed for patch in patches):
        with contextlib.suppress(TrailUnwritableError):  # the list is a read; the button would only be refused
            token = await services.store.remember(KIND, {"device": device.id, "channel": channel}, services.now())
    return words.page(
        device, patches, token=token, known_as=await _aliases(services, device), console=_consoles(services, device)
    )


def _consoles(services: Services, device: Device) -> str:
    addresses = services.config.links
    return consoles.line(consoles.nsight(addresses.nsight, device), consoles.eset(addresses.eset))


async def _aliases(services: Services, device: Device) -> list[devices.Alias]:
    with contextlib.suppress(TrailUnwritableError):  # the page is a read; Undo would only be refused
        return await links.aliases(services, device)
    return []


async def search(services: Services, typed: str, progress: Progress) -> Message:
    """The best devices for what was typed. Raises UpstreamError(NSIGHT) when none are known and N-sight cannot tell."""
    directory = services.directory
    index = await directory.current()
    if index.at is None and directory.sweep is None:
        await progress("⏳ Asking N-sight for its devices…")
        await inventory.sweep(services)
        index = await directory.current()
    known = inventory.known(directory, index)
    if index.at is None:
        return devices.not_read_yet(known)
    return devices.listing(typed, index.search(typed, devices.SHOWN + 1), known)
