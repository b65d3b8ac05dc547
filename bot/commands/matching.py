"""Names and ids that a person gave, matched with what is really there; anything unsure is refused with candidates."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.commands.forms import meant
from bot.commands.ids import command
from bot.commands.lexer import nearest
from bot.errors import NotFound, Refused
from bot.markup import code, cut, folded, line, listed, name, plural
from bot.model import Device, Patch, PatchStatus

SHOWN = 10  # candidates
_SHOWN_PATCHES = 20
_LABELS = {
    PatchStatus.FAILED: "Failed",
    PatchStatus.REBOOT_REQUIRED: "Reboot Required",
    PatchStatus.INSTALLED: "Installed",
    PatchStatus.QUEUED: "Queued",
    PatchStatus.PENDING: "Pending",
    PatchStatus.MISSING: "Missing",
    PatchStatus.IGNORED: "Ignored",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Patches to retry, and those that were named but are not Failed (left out, to be told with their state)."""

    failed: tuple[Patch, ...]
    left_out: tuple[Patch, ...] = ()


# ---------------------------------------------------------------- devices


def match_device(text: str, devices: Sequence[Device]) -> Device:
    """The one device with this id, else with this full name (case does not matter, the domain part may be left out).

    Raises Refused with up to ten candidates when none or several fit.
    """
    if text.isascii() and text.isdigit():
        fits = [device for device in devices if str(device.id) == text.lstrip("0")]
        if fits:
            return fits[0]
    wanted = folded(text)
    fits = [device for device in devices if wanted in {folded(device.name), _short(device.name)}]
    if len(fits) == 1:
        return fits[0]
    raise _several(text, fits) if fits else _none(text, devices)


def _short(full: str) -> str:
    """The name without its domain part; an address or a name with spaces has none."""
    key = folded(full)
    host = key.partition(".")[0]
    return key if " " in key or host.isdigit() or not host else host


def _several(text: str, fits: Sequence[Device]) -> Refused:
    offer = "Nothing was done. Give the id of the one you mean:"
    return Refused(f"{code(text)} fits {plural(len(fits), 'device')}. {offer}\n{_candidates(fits)}")


def _none(text: str, devices: Sequence[Device]) -> NotFound:
    if not devices:
        return NotFound(f"No device fits {code(text)}: N-sight's inventory is empty so far. Nothing was done.")
    near = _near(text, devices)
    sentence = f"No device has the id or the full name {code(text)}. Nothing was done."
    if near:
        return NotFound(f"{sentence} Candidates:\n{_candidates(near)}")
    return NotFound(f"{sentence} No name comes near it either; `/patches devices TEXT` searches clients and sites too.")


def _near(text: str, devices: Sequence[Device]) -> list[Device]:
    """Devices whose name, site or id holds the text, else those with a similar name."""
    wanted = folded(text)
    holds = [device for device in devices if wanted in folded(device.name) or text in str(device.id)]
    if holds:
        return sorted(holds, key=lambda device: (len(device.name), folded(device.name)))
    by_name: dict[str, list[Device]] = {}
    for device in devices:
        by_name.setdefault(_short(device.name), []).append(device)
    close = difflib.get_close_matches(_short(wanted)[:80], list(by_name), SHOWN, 0.6)
    return [device for short in close for device in by_name[short]]


def _candidates(devices: Sequence[Device]) -> str:
    lines = [
        f"• {name(device.name, 60)} ({name(device.client, 60)}, {name(device.site, 60) or 'no site'}), id `{device.id}`"
        for device in devices[:SHOWN]
    ]
    if len(devices) > SHOWN:
        lines.append(f"and {len(devices) - SHOWN:,} more")
    return "\n".join(lines)


# ---------------------------------------------------------------- patches


def match_patches(
    ids: tuple[int, ...] | None,
    patches: Sequence[Patch],
    max_patches: int,
    device: Device,
    *,
    reason: str = "",
    several: bool = False,
) -> Selection:
    """Which of a device's patches to retry: those of ``ids`` that are Failed, or all Failed ones when None.

    Raises Refused when an id is not on the device (each named, the corrected command offered), when none is Failed
    (their states told) and when more than ``max_patches`` would be retried (how to split). ``several``: it is one of
    the devices of a request that may be made without it, so the sentence says what is wrong with it and no more.
    """
    by_id = {patch.id: patch for patch in patches}
    if ids is None:
        chosen = [patch for patch in by_id.values() if patch.failed]
    else:
        if unknown := [wanted for wanted in ids if wanted not in by_id]:
            raise _no(*_not_there(unknown, [wanted for wanted in ids if wanted in by_id], device, reason), several)
        chosen = [by_id[wanted] for wanted in ids]
    failed = tuple(patch for patch in chosen if patch.failed)
    if not failed:
        raise _no(_none_failed(chosen, device), "", several)
    if len(failed) > max_patches or (ids is not None and len(ids) > max_patches):
        raise _no(*_too_many(failed, len(ids or failed), max_patches, device), several)
    return Selection(failed, tuple(patch for patch in chosen if not patch.failed))


def patch_state(patch: Patch) -> str:
    """A patch's state in N-sight's own label, escaped; from its number where the label is missing."""
    known = [label for bit, label in _LABELS.items() if patch.status & bit]
    return name(patch.label, 40) or " + ".join(known) or f"status {patch.status}"


def patch_words(patches: Iterable[Patch]) -> list[str]:
    """Each patch as "`4711` Title (Installed)", safe mrkdwn: for those that were left out, with their state."""
    return [f"`{patch.id}` {name(patch.title, 60)} ({patch_state(patch)})" for patch in patches]


def _called(device: Device) -> str:
    return f"{name(device.name, 60)} (id `{device.id}`)"


def _no(what: str, instead: str, several: bool) -> Refused:
    """``instead``: what can be asked for in its place, where nothing was."""
    return Refused(what if several else f"{what} No request was made. {instead}".rstrip())


def _not_there(unknown: list[int], known: list[int], device: Device, reason: str) -> tuple[str, str]:
    one = len(unknown) == 1
    named = listed([f"`{wanted}`" for wanted in unknown], 60)
    sentence = f"{named} {'is no patch' if one else 'are no patches'} of {_called(device)}."
    if corrected := _offer(known, device, reason):
        return sentence, f"Without {'it' if one else 'them'}: {corrected}"
    return sentence, f"{code(f'/patches device {device.id}')} lists what it has."


def _none_failed(chosen: Sequence[Patch], device: Device) -> str:
    if not chosen:
        return f"{_called(device)} has no failed patch."
    what = "It is not Failed" if len(chosen) == 1 else "None of these is Failed"
    states = listed(patch_words(chosen), _SHOWN_PATCHES)
    return f"{what} on {_called(device)}: {states}. Only failed patches can be retried."


def _too_many(failed: Sequence[Patch], asked: int, most: int, device: Device) -> tuple[str, str]:
    parts = [failed[start : start + most] for start in range(0, len(failed), most)]
    offers = [offer for part in parts[:2] if (offer := _offer([patch.id for patch in part], device))]
    lines = [f"• {offer}" for offer in offers] or [f"• one request for each {most:,} of them"]
    if len(parts) > 2 and offers:
        lines.append(f"and {plural(len(parts) - 2, 'more request')} like these")
    what = f"{plural(asked, 'patch', 'patches')} on {_called(device)} are more than one request may hold ({most:,})."
    return what, "\n".join(["Split it:", *lines])


def _offer(ids: Sequence[int], device: Device, reason: str = "") -> str:
    """A command to copy. Empty when it would have to be cut, since half a list of ids is a different command."""
    text = command(str(device.id), tuple(ids), cut(line(reason), 100))
    return code(text, 1200) if ids and len(text) < 1000 else ""


# ---------------------------------------------------------------- digests


def match_plan(text: str, plans: Sequence[str], so: str = "Nothing was posted.") -> str:
    """The digest's name as configured, whatever its case. Raises Refused with the nearest match, all names, and what
    follows from it (``so``)."""
    for plan in plans:
        if folded(plan) == folded(text):
            return plan
    if not plans:
        raise Refused(f"No digest is configured (`[[digests]]` in patches.toml). {so}")
    near = nearest(text, plans)
    names = listed([code(plan, 40) for plan in plans])
    nothing = f"There is no digest {code(text, 40)}.{meant(near)} {so}".rstrip()
    raise Refused(f"{nothing} There is: {names}.")
