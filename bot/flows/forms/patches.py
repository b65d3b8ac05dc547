"""The second step: which of the failed patches of each device, and why?"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bot.blocks import patch_form, text
from bot.blocks.patch_form import CALLBACK, Limits, Offer
from bot.errors import Kind, Refused, UpstreamError
from bot.flows import ask
from bot.flows.ask import AT_ONCE, Wish
from bot.flows.ask import Wanted as Asked
from bot.flows.device import KIND as PAGE
from bot.flows.forms import kept
from bot.flows.forms.kept import Form
from bot.flows.forms.showing import Press, View, show
from bot.flows.services import Services
from bot.markup import blank
from bot.matching import products
from bot.matching.products import Match, Wanted
from bot.model import Device, Patch, RequestedPatch, RetryRequest

__all__ = ["CALLBACK", "faults", "from_device", "ids", "view", "waiting", "wish"]

Values = Mapping[str, Any]
_DIGITS = 15  # of the longest id that is read
_TOO_OLD = "This form is too old. Type `/patches device NAME` to get a new one. Nothing was done."


# ---------------------------------------------------------------- opening


async def from_device(services: Services, token: str, press: Press) -> None:
    """Behind the button of ``/patches device``. ``token``: what it remembers, the device's id."""

    async def build() -> View:
        page = await services.store.recall(PAGE, token)
        if page is None:
            raise Refused("This button is too old. Type `/patches device NAME` to get a new one.")
        form = Form(str(page["channel"]))
        return await view(services, await kept.remember(services, form), form, (int(page["device"]),))

    await show(services, press, waiting(1), build)


def waiting(count: int) -> View:
    return patch_form.waiting(count)


async def view(
    services: Services, token: str, form: Form, device_ids: Sequence[int], remarks: Sequence[str] = ()
) -> View:
    """The step for these devices, whose patches N-sight is asked for; what it offers is kept behind ``token``.

    Raises Refused when there is nothing to choose, TrailUnwritableError.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(device_id: int) -> Offer | str:
        async with gate:
            return await _offer(services, device_id, form.about)

    found = await asyncio.gather(*(one(device_id) for device_id in device_ids))
    held = await ask.holding(services, device_ids)
    offers = [_marked(offer, held) for offer in found if isinstance(offer, Offer)]
    remarks = [*remarks, *(gone for gone in found if isinstance(gone, str))]
    offered = {offer.device.id: _severities(offer.matches) for offer in offers if offer.matches}
    if not offered:
        raise Refused(patch_form.nothing(offers, form.about, remarks))
    await kept.replace(services, token, dataclasses.replace(form, offered=offered))
    asked = services.terms_on([(offer.device, ()) for offer in offers if offer.matches])
    limits = Limits(services.config.approvals.max_patches, asked.reason_required)
    # thousands of long options take half a second to be made small enough
    return await asyncio.to_thread(patch_form.view, offers, token, limits, about=form.about, remarks=remarks)


async def _offer(services: Services, device_id: int, about: Wanted | None) -> Offer | str:
    """A device's failed patches, or the safe sentence about a device that is no longer there."""
    device = await services.store.device(device_id)
    if device is None:
        return f"⚠️ Device `{device_id}` is no longer in N-sight's inventory, so it is left out."
    if not device.patching:
        return Offer(device, trouble="Patch Management is switched off for it in N-sight.")
    try:
        patches = await services.nsight.patches(device.id)
    except UpstreamError as error:
        services.metrics.failures.labels(error.service, error.kind).inc()
        said = f" It said: {text.name(error.words, 200)}" if error.words and error.kind is Kind.REFUSED else ""
        return Offer(device, trouble=f"{error.sentence}{said}")
    return await asyncio.to_thread(_ranked, device, about, patches)


def _ranked(device: Device, about: Wanted | None, patches: Sequence[Patch]) -> Offer:
    failed = [patch for patch in patches if patch.failed]
    if about is None:
        return Offer(device, tuple(Match(patch, 0.0, sure=False) for patch in failed))
    matches = products.matches(about, failed)
    settled = products.matches(about, [patch for patch in patches if not patch.failed])
    by_now = settled[0].patch if settled and settled[0].sure else None
    return Offer(device, matches, by_now)


def _marked(offer: Offer, held: Mapping[tuple[int, int], RetryRequest]) -> Offer:
    """With the numbers of the open requests that hold its patches."""
    numbers = {patch: request.card_id for (device, patch), request in held.items() if device == offer.device.id}
    return dataclasses.replace(offer, held=numbers)


def _severities(matches: Sequence[Match]) -> dict[int, str]:
    return {match.patch.id: match.patch.severity for match in matches}


# ---------------------------------------------------------------- submitting


async def faults(services: Services, token: str, values: Values) -> dict[str, str]:
    """Errors by block id, from the values, the configuration and the database alone."""
    form = await kept.recall(services, token)
    if form is None or not form.offered:
        return {}  # the submission itself is refused as too old
    chosen = _chosen(form, values)
    most, count = services.config.approvals.max_patches, sum(len(ids) for ids in chosen.values())
    where = patch_form.block_of(next(iter(chosen or form.offered)), len(form.offered))
    found = {}
    if not count:
        found[where] = "Choose at least one patch."
    if count > most:
        found[where] = f"{count:,} patches are more than one request may hold ({most:,}). Choose some of them."
    if blank(str(values.get("reason") or "")) and await _needs_reason(services, form, chosen):
        found["reason"] = "A reason is required here."
    return found


async def _needs_reason(services: Services, form: Form, chosen: Mapping[int, Sequence[int]]) -> bool:
    """Whether what was chosen needs one; while nothing is, whether these devices do."""
    targets = []
    for device_id in chosen or form.offered:
        device = await services.store.device(device_id)
        patches = [_asked(form, device_id, patch_id) for patch_id in chosen.get(device_id, ())]
        targets += [(device, patches)] if device else []
    return bool(targets) and services.terms_on(targets).reason_required


def _asked(form: Form, device_id: int, patch_id: int) -> RequestedPatch:
    """As much of it as approvals look at."""
    return RequestedPatch(patch_id, "", "", "", severity=form.offered[device_id].get(patch_id, ""))


async def wish(services: Services, token: str, values: Values, who: str) -> Wish:
    """What the submitted form asks for. Raises Refused."""
    form = await kept.recall(services, token)
    chosen = _chosen(form, values) if form else {}
    if form is None or not chosen:
        raise Refused(_TOO_OLD)
    wanted = tuple(Asked(str(device_id), ids) for device_id, ids in chosen.items())
    return Wish(who, form.channel, wanted, str(values.get("reason") or ""), form.origin)


def _chosen(form: Form, values: Values) -> dict[int, tuple[int, ...]]:
    """Ids of the patches that were chosen, by device; devices without any are left out."""
    found = {}
    for device_id in form.offered:
        chosen = ids(values.get(patch_form.block_of(device_id, len(form.offered))))
        if chosen:
            found[device_id] = tuple(chosen)
    return found


def ids(value: object) -> list[int]:
    """Of the options that were chosen in a field; one that only says something has none, nor has a forged one."""
    many = value if isinstance(value, list) else [value]
    return [int(one) for one in many if isinstance(one, str) and one.isdecimal() and len(one) <= _DIGITS]
