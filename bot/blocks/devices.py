"""Devices beside their patches: the search over all of them, the options of a typeahead, and what ESET calls them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import Block

from bot.blocks import text
from bot.model import Device, Message

SHOWN = 20  # devices in one answer
OPTIONS = 100  # https://docs.slack.dev/reference/block-kit/block-elements/multi-select-menu-element
NO_DEVICE = "none"  # the value of an option that only says something
_OPTION = 75
_AT_ONCE = 10  # lines of a section, which holds 3,000 characters

# ---------------------------------------------------------------- search


@dataclass(frozen=True, slots=True)
class Inventory:
    """How much of N-sight's inventory is known: as of ``at`` (None: none yet), of ``clients`` that a sweep reads right
    now ``done`` (None: no sweep), and without the devices of ``unlisted`` clients. ``devices``: how many there are."""

    at: datetime | None
    devices: int = 0
    done: int | None = None
    clients: int = 0
    unlisted: tuple[str, ...] = ()


def listing(typed: str, found: Sequence[Device], inventory: Inventory) -> Message:
    """The best devices for what was typed, best first; more than ``SHOWN`` are cut."""
    if not found:
        return _nothing(typed, inventory)
    shown = found[:SHOWN]
    more = len(found) > SHOWN
    count = f"The {SHOWN} best devices for" if more else f"{text.plural(len(shown), 'device')} for"
    lines = [_line(device) for device in shown]
    blocks: list[Block] = [
        text.section(f"*{count} {text.code(typed, 60)}*"),
        *(text.section("\n".join(lines[start : start + _AT_ONCE])) for start in range(0, len(lines), _AT_ONCE)),
    ]
    hints = ["There are more: type more of the name or the client."] if more else []
    hints.append(f"{text.code(f'/patches device {shown[0].id}')} shows the patches of the first.")
    blocks.append(text.context(" ".join(hints), *_known(inventory)))
    return text.message(f"{count} {text.code(typed, 60)}: {text.name(shown[0].name)}", blocks)


def not_read_yet(inventory: Inventory) -> Message:
    """Nothing can be searched: the first sweep is under way."""
    done = (
        f": {inventory.done or 0:,} of {text.plural(inventory.clients, 'client')} so far" if inventory.clients else ""
    )
    words = f"N-sight's devices are being read for the first time{done}. Please try again in a minute."
    return text.sentence(f"⏳ {words} `/patches device ID` works when you know a device's id.")


def _nothing(typed: str, inventory: Inventory) -> Message:
    words = f"🔍 No device fits {text.code(typed, 60)}. Part of a name, of its client's or site's, or an id will do."
    if not inventory.devices:
        words = "🔍 N-sight lists no device at all. Does its API key belong to the right account?"
    return text.message(words, [text.section(words), text.context(*_known(inventory))])


def _line(device: Device) -> str:
    site = f", {text.name(device.site, 50)}" if device.site else ""
    called = text.name(device.name, 70) or "(no name)"
    where = f"{text.name(device.client, 50)}{site}"
    off = "" if device.patching else " · Patch Management is off"
    return f"• *{called}* · {where} · {device.kind.value} · id `{device.id}`{off}"


def _known(inventory: Inventory) -> list[str]:
    at = f"Devices as N-sight listed them {text.when(inventory.at)}." if inventory.at else "No device is known yet."
    known = [at]
    if inventory.done is not None:
        known.append(f"They are being read anew: {inventory.done:,} of {text.plural(inventory.clients, 'client')}.")
    if inventory.unlisted:
        names = text.listed([text.name(name, 40) for name in inventory.unlisted], 5)
        known.append(f"⚠️ N-sight refused to list the devices of {names}: what is known of them may be old.")
    return known


# ---------------------------------------------------------------- typeahead


def options(devices: Sequence[Device]) -> list[dict[str, Any]]:
    """The answer to what was typed in a device field: at most 100, best first; the value is the device's id."""
    return [option(device) for device in devices[:OPTIONS]]


def option(device: Device) -> dict[str, Any]:
    """``SRV-DC01 · Contoso Ltd``, and below it the site, kind and id, of which only the site is ever cut."""
    tail = f"{device.kind.value} · id {device.id}"
    site = text.cut(text.line(device.site), _OPTION - len(tail) - 3)
    client = text.cut(text.line(device.client), 30)
    called = text.line(device.name) or "(no name)"
    called = text.cut(called, _OPTION - len(client) - 3) if client else text.cut(called, _OPTION)
    words = " · ".join(part for part in (called, client) if part)
    below = " · ".join(part for part in (site, tail) if part)
    return {"text": _plain(words), "value": str(device.id), "description": _plain(below)}


def only_says(sentence: str) -> list[dict[str, Any]]:
    """A list that offers nothing but says why; its one option means no device."""
    return [{"text": _plain(text.cut(sentence, _OPTION)), "value": NO_DEVICE}]


def _plain(words: str) -> dict[str, Any]:
    """By hand: 100 options of slack_sdk take 10 ms, and somebody is typing."""
    return {"type": "plain_text", "text": words, "emoji": True}


# ---------------------------------------------------------------- what ESET calls a device


@dataclass(frozen=True, slots=True)
class Alias:
    """What ESET calls a device, who said so and when. ``token``: the value of the Undo button."""

    name: str
    chosen_by: str
    chosen_at: datetime
    token: str


def known_as(alias: Alias, place: int) -> Block:
    """``place`` tells several on one page apart."""
    words = f"ESET knows it as *{text.name(alias.name)}*"
    by = f"chosen by {text.mention(alias.chosen_by)}, {text.when(alias.chosen_at)}"
    return text.section(f"{words} ({by}).", text.button("Undo", f"device.unlink.{place}", alias.token))


def unlinked(eset_name: str, device: str) -> Message:
    """The private answer to Undo."""
    words = f"ESET's *{text.name(eset_name)}* is no longer taken for *{text.name(device)}*."
    return text.sentence(f"{words} From now on their names decide, or who is asked.")


# ---------------------------------------------------------------- why ESET does not tell


def devices_untold(why: str, lasts: bool) -> str:
    """``why``: a safe sentence, of a lasting reason one that says what mends it."""
    return why if lasts else f"On which devices it happened is not known right now: {why}"


def names_untold(why: str, lasts: bool) -> str:
    return why if lasts else f"What ESET calls the devices is not known right now: {why}"


def partly_told(why: str) -> str:
    """``why``: a plain clause."""
    return f"ESET told only a part of the devices: {text.name(why, 200)}."
