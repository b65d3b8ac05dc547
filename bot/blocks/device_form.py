"""The first step of a retry from a list: on which devices? Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    ExternalDataMultiSelectElement,
    InputBlock,
    Option,
    StaticMultiSelectElement,
    StaticSelectElement,
)

from bot.blocks import devices, modals, text
from bot.blocks.devices import Inventory
from bot.matching.products import Wanted
from bot.model import Device

DEVICES, WHICH, OTHERS = "devices", "which", "others"  # block_ids; ``which.N`` for the n-th device to be told apart
UNCLEAR = 10  # devices that are asked about one by one
_NAMED = 10  # names in one line


@dataclass(frozen=True, slots=True)
class Unclear:
    """What ESET calls a device, those of N-sight that it may be, and when it failed there last, if that is known."""

    name: str
    candidates: tuple[Device, ...]
    last: datetime | None = None

    @property
    def called(self) -> str:
        """Plain text, as labels are."""
        return text.cut(text.line(self.name), 100)


@dataclass(frozen=True, slots=True)
class Question:
    """``about``: what failed, None when the person said nothing yet; ``failures``: how often.

    ``devices``: where, as far as N-sight knows them, ``chosen``: ids of those that are ticked beforehand. ``linked``:
    of them, those that a person once told apart, as (ESET's name, device, who). ``off``: devices without Patch
    Management. ``absent``: ESET's names of devices that N-sight does not have, ``nameless``: how many have no name.
    ``untold``: failures whose device nobody knows; ``missing``: the safe sentence that says why. ``most``: devices in
    one request.
    """

    most: int
    inventory: Inventory
    about: Wanted | None = None
    failures: int = 0
    devices: tuple[Device, ...] = ()
    chosen: frozenset[int] = frozenset()
    unclear: tuple[Unclear, ...] = ()
    linked: tuple[tuple[str, Device, str], ...] = ()
    off: tuple[Device, ...] = ()
    absent: tuple[str, ...] = ()
    nameless: int = 0
    untold: int = 0
    missing: str = ""


def waiting(application: str = "") -> dict[str, Any]:
    what = f"*{text.name(application, 200)}*" if application else "it"
    return modals.loading(f"Looking for the devices on which {what} failed…")


def opening() -> dict[str, Any]:
    return modals.loading("Looking up what is known of N-sight's devices…")


def view(question: Question, callback: str, token: str) -> dict[str, Any]:
    """A block for the devices that failed, one for each that is unclear, one for any other; then what is missing."""
    return modals.fitting(lambda options: _view(question, callback, token, options))


def _view(question: Question, callback: str, token: str, options: int) -> dict[str, Any]:
    blocks: list[Block] = [text.section(_about(question))]
    if question.devices:
        blocks.append(_failed(question, options))
    unclear = question.unclear[:UNCLEAR]
    namesakes = _namesakes(question.unclear)
    blocks += [_which(number, one, namesakes[number], options) for number, one in enumerate(unclear)]
    blocks.append(_others(question))
    blocks += [text.context(note) for note in _notes(question, options)]
    return modals.modal(callback, modals.TITLE, "Next", blocks, token)


def described(about: Wanted) -> str:
    """ "*Google Chrome* (Google LLC) → 134.0.6998.89", safe mrkdwn."""
    who = f" ({text.name(about.developer, 60)})" if about.developer else ""
    version = f" → {text.name(about.to_version, 40)}" if about.to_version else ""
    return f"*{text.name(about.application, 200)}*{who}{version}"


def _about(question: Question) -> str:
    then = "The next step shows their failed patches; nothing is sent before somebody else approves it."
    if question.about is None:
        return f"On which devices shall failed patches be retried? {then}"
    count = f": {text.plural(question.failures, 'failure')}" if question.failures else ""
    return f"{described(question.about)}{count}. On which devices shall it be retried? {then}"


def _failed(question: Question, options: int) -> Block:
    offered = question.devices[:options]
    shown = [_option(device) for device in offered]
    ticked = [_option(device) for device in offered if device.id in question.chosen][: question.most]
    return InputBlock(
        block_id=DEVICES,
        label="Devices that failed",
        optional=True,
        element=StaticMultiSelectElement(
            action_id=DEVICES,
            placeholder="Choose devices",
            options=shown,
            initial_options=ticked or None,
            max_selected_items=question.most,
        ),
    )


def _option(device: Device) -> Option:
    """As the typeahead offers it."""
    told = devices.option(device)
    return Option(text=told["text"]["text"], value=told["value"], description=told["description"]["text"])


def _namesakes(unclear: Sequence[Unclear]) -> list[tuple[int, int]]:
    """For each (which, of how many) that ESET calls the same."""
    count, seen = Counter(one.called for one in unclear), Counter[str]()
    found = []
    for one in unclear:
        seen[one.called] += 1
        found.append((seen[one.called], count[one.called]))
    return found


def _which(number: int, one: Unclear, namesake: tuple[int, int], options: int) -> Block:
    place, count = namesake
    which = f" ({place} of {count} that ESET calls so)" if count > 1 else ""
    last = f"This one failed last {_plainly(one.last)}. " if count > 1 and one.last else ""
    undone = "The choice is remembered; /patches device NAME undoes it."
    return InputBlock(
        block_id=f"{WHICH}.{number}",
        label=f"Which of these is {one.called}{which}?",
        optional=True,
        hint=f"{last}N-sight has no single device of this name. {undone}",
        element=StaticSelectElement(
            action_id=WHICH,
            placeholder="None of them",
            options=[_option(device) for device in one.candidates[:options]],
        ),
    )


def _plainly(instant: datetime) -> str:
    """Hints are plain text, in which Slack renders no reader's own time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def chosen_twice(device_id: int, name: str) -> str:
    """The error below a second question that has the same answer; plain text, as errors are."""
    called = f"{text.cut(text.line(name), 60)} (id {device_id})" if text.line(name) else f"Device {device_id}"
    return f"{called} is chosen for another of ESET's devices already. Choose another, or leave this one open."


def also_called(device: Device, names: Sequence[str]) -> str:
    """What to say when ESET has several devices for one."""
    called = f"*{text.name(device.name, 60)}* (id `{device.id}`)"
    several = f"{len(names)} of ESET's devices, {_listed(names)}, are taken for {called} now."
    return f"⚠️ {several} Right for one that was enrolled anew; else `/patches device {device.id}` undoes it."


def _others(question: Question) -> Block:
    beside = bool(question.devices or question.unclear)
    return InputBlock(
        block_id=OTHERS,
        label="Other devices" if question.devices else "Devices",
        optional=beside,
        hint="At least one device, here or above." if beside else None,
        element=ExternalDataMultiSelectElement(
            action_id="device.pick",
            placeholder="Type part of a name, client, site or id",
            min_query_length=1,
            max_selected_items=question.most,
        ),
    )


# ---------------------------------------------------------------- what is said below


def _notes(question: Question, options: int) -> list[str]:
    return [*_limits(question, options), *_known(question), *_unknown(question), *_age(question.inventory)]


def _limits(question: Question, options: int) -> list[str]:
    notes, found = [], len(question.devices)
    if found > options:
        notes.append(f"Only the first {options} of {found:,} devices are offered; type the names of others above.")
    ticked = sum(device.id in question.chosen for device in question.devices)
    if ticked > question.most:
        more = f"{question.most} of {ticked:,} devices are chosen, as many as one request may hold; "
        notes.append(f"{more}{text.plural(ticked - question.most, 'device')} can follow in another.")
    if hidden := question.unclear[UNCLEAR:]:
        notes.append(f"Several devices fit {_listed([one.name for one in hidden])} too: type their names above.")
    if cut := [one.name for one in question.unclear[:UNCLEAR] if len(one.candidates) > options]:
        notes.append(f"More devices than are offered fit {_listed(cut)}.")
    return notes


def _known(question: Question) -> list[str]:
    notes = [
        f"ESET's *{text.name(name, 60)}* is *{text.name(device.name, 60)}* at {text.name(device.client, 60)} "
        f"(id `{device.id}`), as {text.mention(who)} chose."
        for name, device, who in question.linked[:3]
    ]
    if hidden := question.linked[3:]:
        notes.append(f"{text.plural(len(hidden), 'more device')} were told apart by people before.")
    return notes


def _unknown(question: Question) -> list[str]:
    notes = []
    if question.off:
        names = _listed([device.name for device in question.off])
        notes.append(f"Left out, because Patch Management is switched off for them in N-sight: {names}.")
    if question.absent:
        notes.append(_absent(_listed(question.absent), question.inventory))
    if question.nameless:
        notes.append(f"ESET has no name for {text.plural(question.nameless, 'device')} on which it failed.")
    if question.missing:
        notes.append(f"⚠️ {question.missing}")
    elif question.untold:
        notes.append(f"ESET does not tell the device of {text.plural(question.untold, 'failure')} of these.")
    return notes


def _absent(names: str, inventory: Inventory) -> str:
    """Only who has read all of the inventory can say that a device is not there."""
    if inventory.at is None:
        return f"Whether N-sight has a device of the name {names} is not known yet: its devices are being read."
    if inventory.unlisted:
        unless = "unless it is at a client whose devices N-sight refused to list"
        return f"No device of the name {names} is known: type the name it goes by in N-sight, {unless}."
    return f"N-sight has no device of the name {names}: type the name it goes by there."


def _listed(names: Sequence[str]) -> str:
    return text.listed([text.name(name, 60) for name in names], _NAMED)


def _age(inventory: Inventory) -> list[str]:
    if inventory.at is not None:
        return [f"Devices as N-sight listed them {text.when(inventory.at)}.", *_unlisted(inventory.unlisted)]
    clients = text.plural(inventory.clients, "client")
    done = f" ({inventory.done or 0:,} of {clients} so far)" if inventory.clients else ""
    return [f"⏳ N-sight's devices are being read for the first time{done}: in a minute, more are found."]


def _unlisted(clients: Sequence[str]) -> list[str]:
    if not clients:
        return []
    return [f"⚠️ N-sight refused to list the devices of {_listed(clients)}: what is known of them may be old."]
