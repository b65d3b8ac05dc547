"""The first step: on which devices? Where it failed, as far as ESET tells and N-sight knows, and any other."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.blocks import device_form
from bot.blocks.device_form import DEVICES, OTHERS, WHICH, Question, Unclear
from bot.errors import Refused
from bot.flows import inventory, links, sightings
from bot.flows.forms import failed, kept, patches
from bot.flows.forms.failed import Failures
from bot.flows.forms.kept import Form
from bot.flows.forms.showing import Press, View, fill, show
from bot.flows.links import Resolved
from bot.flows.services import Services
from bot.flows.sightings import Whereabouts
from bot.model import Device, EsetDevice

CALLBACKS = frozenset({"digest.retry", "recent.retry", "device.pick"})
"""One for each kind of button that the form opens behind."""

Values = Mapping[str, Any]
_TOO_OLD = "This form is too old. Press the button it came from once more. Nothing was done."


# ---------------------------------------------------------------- opening


async def from_digest(services: Services, group: Mapping[str, Any], press: Press) -> None:
    """``group``: what the button of a digest's group remembers."""

    async def build() -> View:
        return await _view(services, press, "digest.retry", await failed.of_digest(services, group))

    await show(services, press, device_form.waiting(str(group["application"])), build)


async def from_row(services: Services, view: str, mark: str, press: Press) -> None:
    """``mark``: how the fingerprint of a row in ``/patches recent`` begins."""

    async def build() -> View:
        return await _view(services, press, "recent.retry", await failed.of_row(services, view, mark))

    await show(services, press, device_form.waiting(), build)


async def from_nothing(services: Services, press: Press) -> None:
    """Without anything that failed: the person names the devices."""

    async def build() -> View:
        token = await kept.remember(services, Form(press.channel, press.message))
        return device_form.view(await _question(services), "device.pick", token)

    await show(services, press, device_form.opening(), build)


async def _view(services: Services, press: Press, callback: str, failures: Failures) -> View:
    question, unclear = await _about(services, failures)
    form = Form(press.channel, press.message, failures.about, unclear)
    token = await kept.remember(services, form)
    return await asyncio.to_thread(device_form.view, question, callback, token)


async def _question(services: Services, **known: Any) -> Question:
    index = await services.directory.current()
    most = services.config.approvals.max_devices
    return Question(most=most, inventory=inventory.known(services.directory, index), **known)


async def _about(services: Services, failures: Failures) -> tuple[Question, tuple[str, ...]]:
    """What the form asks, and the uuids of the ESET devices it asks about one by one."""
    told = await _whereabouts(services, failures)
    first = await _pressed(services, failures)
    resolved = await links.resolve(services, told.devices)
    unclear = [one for one in resolved if one.device is None and one.candidates]
    last = await _last(services, failures) if len(unclear) > 1 else {}
    question = await _question(
        services,
        about=failures.about,
        failures=failures.told or len(failures.fingerprints),
        unclear=tuple(Unclear(one.eset.name, one.candidates, last.get(one.eset.uuid)) for one in unclear),
        untold=told.untold,
        missing=told.missing,
        **_sorted_out(resolved, first),
    )
    return question, tuple(one.eset.uuid for one in unclear[: device_form.UNCLEAR])


async def _last(services: Services, failures: Failures) -> dict[str, datetime]:
    """When it failed last on each of ESET's devices, by uuid."""
    found: dict[str, datetime] = {}
    for fingerprint, seen in (await services.store.sightings(list(failures.ends))).items():
        for device in seen:
            found[device.uuid] = max(failures.ends[fingerprint], found.get(device.uuid, failures.ends[fingerprint]))
    return found


async def _whereabouts(services: Services, failures: Failures) -> Whereabouts:
    if failures.until is None:  # attempts without an end are on no list by device
        return Whereabouts((), sightings.missing(services), len(failures.fingerprints))
    return await sightings.devices_of(services, failures.fingerprints, failures.until)


async def _pressed(services: Services, failures: Failures) -> frozenset[str] | None:
    """The ESET devices of the row that was pressed, none when nobody knows them; None when all rows count."""
    if not failures.first:
        return None
    seen = (await services.store.sightings([failures.first])).get(failures.first, ())
    return frozenset(device.uuid for device in seen)


def _sorted_out(resolved: Sequence[Resolved], first: frozenset[str] | None) -> dict[str, Any]:
    """Fields of the question: what is known of each of ESET's devices."""
    known = {one.device.id: one for one in resolved if one.device is not None}
    devices = sorted((one.device for one in known.values() if one.device), key=_place)
    meant = {one.device.id for one in resolved if one.device and (first is None or one.eset.uuid in first)}
    lost = [one.eset for one in resolved if one.device is None and not one.candidates]
    return {
        "devices": tuple(device for device in devices if device.patching),
        "off": tuple(device for device in devices if not device.patching),
        "chosen": frozenset(meant),
        "linked": tuple((one.eset.name, one.device, one.chosen_by) for one in resolved if one.device and one.chosen_by),
        "absent": tuple(eset.name for eset in lost if eset.name),
        "nameless": _nameless(lost),
    }


def _place(device: Device) -> tuple[str, str, int]:
    return device.client.casefold(), device.name.casefold(), device.id


def _nameless(devices: Sequence[EsetDevice]) -> int:
    return sum(not device.name for device in devices)


# ---------------------------------------------------------------- submitting


def is_ours(values: Values) -> bool:
    """Whether the form is one of this version of the bot."""
    return OTHERS in values


def faults(services: Services, values: Values) -> dict[str, str]:
    """Errors by block id, from the values and the configuration alone."""
    most, count = services.config.approvals.max_devices, len(_chosen(values))
    if not is_ours(values):
        return {}
    if not count:
        return {DEVICES if DEVICES in values else OTHERS: "Choose at least one device."}
    if count > most:
        where = OTHERS if values[OTHERS] or DEVICES not in values else DEVICES
        return {where: f"{count} devices are more than one request may hold ({most}). Choose some of them."}
    return _twice(services, values)


def _twice(services: Services, values: Values) -> dict[str, str]:
    """Errors where a device is chosen for a second one of ESET's: most likely one of two namesakes by mistake."""
    seen: set[int] = set()
    found = {}
    for block in _which(values):
        for device_id in patches.ids(values[block]):
            if device_id in seen:
                device = services.directory.latest.by_id.get(device_id)
                found[block] = device_form.chosen_twice(device_id, device.name if device else "")
            seen.add(device_id)
    return found


def waiting(values: Values) -> View | None:
    """What the form shows while the next step is made ready; None for a form of another version."""
    return patches.waiting(len(_chosen(values))) if is_ours(values) else None


async def submit(services: Services, view_id: str, token: str, values: Values, *, who: str) -> None:
    """Puts the second step in the place of the first. Whatever goes wrong is told in the modal."""

    async def build() -> View:
        form = await kept.recall(services, token)
        if form is None:
            raise Refused(_TOO_OLD)
        remarks = await _remembered(services, form, values, who)
        return await patches.view(services, token, form, _chosen(values), remarks)

    await fill(services, view_id, who, build)


async def _remembered(services: Services, form: Form, values: Values, who: str) -> list[str]:
    """Remembers which devices the person told apart; the sentences about what could not be remembered."""
    remarks = []
    for uuid, device_id in _told_apart(form, values):
        try:
            linked = await links.choose(services, uuid, device_id, who)
        except Refused as no:
            remarks.append(f"⚠️ {no.sentence}")
        else:
            remarks += [device_form.also_called(linked.device, linked.names)] if len(linked.names) > 1 else []
    return remarks


def _told_apart(form: Form, values: Values) -> list[tuple[str, int]]:
    chosen = [(uuid, patches.ids(values.get(f"{WHICH}.{number}"))) for number, uuid in enumerate(form.unclear)]
    return [(uuid, ids[0]) for uuid, ids in chosen if ids]


def _which(values: Values) -> list[str]:
    """In the form's order."""
    return sorted((block for block in values if block.startswith(f"{WHICH}.")), key=lambda block: (len(block), block))


def _chosen(values: Values) -> tuple[int, ...]:
    """Ids of all devices that were chosen in any of the fields, each once."""
    found = [device for block in (DEVICES, *_which(values), OTHERS) for device in patches.ids(values.get(block))]
    return tuple(dict.fromkeys(found))
