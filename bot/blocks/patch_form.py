"""The second step of a retry from a list: which failed patches of each device? Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, Option, StaticMultiSelectElement

from bot.blocks import modals, text
from bot.blocks.device_form import described
from bot.matching.products import Match, Wanted
from bot.model import Device, Patch

CALLBACK, PATCHES = "device.retry", "patches"  # ``patches.ID`` for each of several devices
_ALIKE = 0.3  # below, a likeness is no help


@dataclass(frozen=True, slots=True)
class Offer:
    """A device and its failed patches, likeliest first. ``by_now``: the patch that was surely meant, when it is not
    failed any more. ``trouble``: the safe sentence that says why nothing is known of the device. ``held``: by patch,
    the number of the open request that is about it already."""

    device: Device
    matches: tuple[Match, ...] = ()
    by_now: Patch | None = None
    trouble: str = ""
    held: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limits:
    """Patches in one request, and whether a reason is required."""

    patches: int
    reason_required: bool = False


def waiting(count: int) -> dict[str, Any]:
    return modals.loading(f"Asking N-sight about {text.plural(count, 'device')}…")


def view(
    offers: Sequence[Offer],
    token: str,
    limits: Limits,
    *,
    about: Wanted | None = None,
    remarks: Sequence[str] = (),
) -> dict[str, Any]:
    """A block of patches for each device that has failed ones, a line for each other, and the reason.

    ``remarks``: safe sentences about what else happened. Only patches that are surely meant, and that no open
    request holds, are ticked beforehand.
    """
    return modals.fitting(lambda options: _view(offers, token, limits, about, remarks, options))


def nothing(offers: Sequence[Offer], about: Wanted | None, remarks: Sequence[str] = ()) -> str:
    """The sentences for when no device has anything to choose."""
    down = all(offer.trouble for offer in offers)
    what = "Try again in a minute." if down else "There is nothing to retry on these devices right now."
    lines = [*remarks, *(_line(offer, about) for offer in offers)]
    return text.fit("\n".join([*lines, f"{what} `/patches device NAME` shows a device's patches."]), 2900)


def block_of(device_id: int, offered: int) -> str:
    """The block_id of a device's patches when ``offered`` devices have some."""
    return PATCHES if offered == 1 else f"{PATCHES}.{device_id}"


def _view(
    offers: Sequence[Offer],
    token: str,
    limits: Limits,
    about: Wanted | None,
    remarks: Sequence[str],
    options: int,
) -> dict[str, Any]:
    with_patches = [offer for offer in offers if offer.matches]
    blocks: list[Block] = [text.section(_head(offers, with_patches, about, options))]
    blocks += [text.section(remark) for remark in remarks]
    left = limits.patches
    for offer in offers:
        if not offer.matches:
            blocks.append(text.section(_line(offer, about)))
            continue
        free = (match for match in offer.matches[:options] if match.sure and match.patch.id not in offer.held)
        ticked = list(islice(free, left))
        left -= len(ticked)
        blocks.append(_choice(offer, ticked, len(with_patches), about, options))
    blocks.append(modals.reason(required=limits.reason_required))
    return modals.modal(CALLBACK, modals.TITLE, "Request", blocks, token)


def _head(offers: Sequence[Offer], with_patches: Sequence[Offer], about: Wanted | None, options: int) -> str:
    asked = f"{described(about)}\n" if about else ""
    if len(offers) == 1:
        only = offers[0]
        return f"{asked}{_called(only.device)} · {text.name(only.device.client, 200)}.{_more(only, options)}"
    surely = f" Those that are surely meant are ticked{_except(with_patches)}." if about else ""
    count = text.plural(len(with_patches), "device")
    if len(with_patches) == 1:
        return f"{asked}Failed patches of {count}.{surely}"
    any_ = "At least one patch in all; a device may go without."
    return f"{asked}Failed patches of {count}.{surely} {any_} One request asks for all."


def _except(offers: Sequence[Offer]) -> str:
    held = any(match.sure and match.patch.id in offer.held for offer in offers for match in offer.matches)
    return ", except what a request is about already" if held else ""


def _more(offer: Offer, options: int) -> str:
    found = len(offer.matches)
    return f" The first {options} of {found:,} failed patches are offered." if found > options else ""


def _choice(offer: Offer, ticked: Sequence[Match], offered: int, about: Wanted | None, options: int) -> Block:
    shown = offer.matches[:options]
    device = offer.device
    label = "Failed patches to retry" if offered == 1 else f"{text.cut(text.line(device.name), 80)} (id {device.id})"
    if offered > 1 and device.client:
        label = f"{label} · {text.cut(text.line(device.client), 60)}"
    hint = " ".join(filter(None, (_hint(offer, about), _more(offer, options) if offered > 1 else ""))).strip()
    return InputBlock(
        block_id=block_of(device.id, offered),
        label=label,
        optional=offered > 1,
        hint=hint or None,
        element=StaticMultiSelectElement(
            action_id=PATCHES,
            placeholder="Choose patches",
            options=[_option(match, offer.held) for match in shown],
            initial_options=[_option(match, offer.held) for match in ticked] or None,
        ),
    )


def _option(match: Match, held: Mapping[int, int]) -> Option:
    patch = match.patch
    told = [f"in request #{held[patch.id]}"] if patch.id in held else []
    told += [f"{match.certainty * 100:.0f} % like what failed"] if match.certainty >= _ALIKE else []
    told += [text.cut(text.line(patch.severity), 40)] if text.line(patch.severity) else []
    title = text.line(patch.title) or text.line(patch.product) or "(patch without a title)"
    words = text.cut(f"{patch.id} {title}", 75)
    return Option(value=str(patch.id), text=words, description=text.cut(" · ".join(told), 75) or None)


def _hint(offer: Offer, about: Wanted | None) -> str:
    """Plain text, as hints are."""
    if about is None or any(match.sure for match in offer.matches):
        return ""
    if offer.by_now is not None:
        title = text.cut(text.line(offer.by_now.title), 100)
        return f"{title} is {_state(offer.by_now)} by now; these others failed."
    return f"None of these is surely {text.cut(text.line(about.application), 100)}: please look closely."


def _line(offer: Offer, about: Wanted | None) -> str:
    called = _called(offer.device)
    if offer.trouble:
        return f"⚠️ {called} is left out: {offer.trouble}"
    if offer.by_now is not None:
        state = text.patch_state(offer.by_now)
        return f"✅ {called} has no failed patch: {text.name(offer.by_now.title, 110)} is {state} by now."
    meant = f", and none that is surely {text.name(about.application, 110)} in another state" if about else ""
    return f"✅ {called} has no failed patch{meant}."


def _state(patch: Patch) -> str:
    return text.cut(text.line(patch.label), 40) or "not failed"


def _called(device: Device) -> str:
    return f"*{text.name(device.name, 200) or 'Device'}* (id `{device.id}`)"
