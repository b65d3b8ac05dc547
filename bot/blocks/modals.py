"""The modals: why a request is denied, and which patches to retry."""

from collections.abc import Sequence
from typing import Any

from slack_sdk.models.blocks import (
    Block,
    InputBlock,
    Option,
    PlainTextInputElement,
    StaticMultiSelectElement,
)
from slack_sdk.models.views import View

from bot.blocks import text
from bot.model import Device, Patch

OPTIONS = 100  # Slack's most in one select
REASON_MOST = 3000  # Slack's most in a text input


def approve(request_id: int) -> dict[str, Any]:
    """Asks why, where a reason is required. ``private_metadata`` carries the request's id, nothing else."""
    return _modal(
        "request.approve", f"Approve request #{request_id}", "Approve", [_why(required=True)], str(request_id)
    )


def deny(request_id: int, *, required: bool) -> dict[str, Any]:
    """Asks why. ``private_metadata`` carries the request's id, nothing else."""
    return _modal("request.deny", f"Deny request #{request_id}", "Deny", [_why(required=required)], str(request_id))


def _why(*, required: bool) -> InputBlock:
    return InputBlock(
        block_id="reason",
        label="Why?",
        optional=not required,
        element=PlainTextInputElement(action_id="reason", multiline=True, max_length=REASON_MOST),
        hint="Everybody in the channel, the requester and the audit trail get to read this.",
    )


def loading(title: str) -> dict[str, Any]:
    """Shown at once, because a trigger lives three seconds and N-sight may need longer."""
    return View(type="modal", callback_id="loading", title=title, blocks=[text.section("⏳ Asking N-sight…")]).to_dict()


def failed(title: str, sentence: str) -> dict[str, Any]:
    """The loading modal when there is nothing to choose from; ``sentence`` is safe mrkdwn."""
    return View(type="modal", callback_id="loading", title=title, blocks=[text.section(sentence)]).to_dict()


def retry_device(device: Device, patches: Sequence[Patch], token: str, *, required: bool) -> dict[str, Any]:
    """Choose among a device's failed patches. ``token`` names the device in the database."""
    shown = patches[:OPTIONS]
    options = [
        Option(value=str(patch.id), text=text.cut(text.line(f"{patch.id} {patch.title}"), 75)) for patch in shown
    ]
    more = f" The first {OPTIONS} of {len(patches)} failed patches are offered." if len(patches) > OPTIONS else ""
    about = text.section(f"*{text.name(device.name, 200)}* (id {device.id}) · {text.name(device.client, 200)}.{more}")
    choose = InputBlock(
        block_id="patches",
        label="Failed patches to retry",
        element=StaticMultiSelectElement(action_id="patches", placeholder="Choose patches", options=options),
    )
    return _modal("device.retry", "Request a retry", "Request", [about, choose, _reason(required)], token)


def retry_group(application: str, token: str, *, required: bool) -> dict[str, Any]:
    """From a digest: the person names the device and the patch ids. ``token`` names the digest's group."""
    about = text.section(
        f"*{text.name(application, 200)}* failed somewhere. ESET does not say on which device; "
        "`/patches device NAME` shows a device's failed patches with their ids."
    )
    device = InputBlock(
        block_id="device",
        label="Device",
        element=PlainTextInputElement(action_id="device", max_length=300, placeholder="N-sight device id or full name"),
    )
    ids = InputBlock(
        block_id="ids",
        label="Patch ids",
        element=PlainTextInputElement(action_id="ids", max_length=3000, placeholder="4,5 or the word failed"),
    )
    return _modal("digest.retry", "Request a retry", "Request", [about, device, ids, _reason(required)], token)


def _reason(required: bool) -> InputBlock:
    return InputBlock(
        block_id="reason",
        label="Reason",
        optional=not required,
        element=PlainTextInputElement(action_id="reason", multiline=True, max_length=REASON_MOST),
    )


def _modal(callback: str, title: str, submit: str, blocks: Sequence[Block], token: str) -> dict[str, Any]:
    return View(
        type="modal",
        callback_id=callback,
        title=text.cut(title, 24),
        submit=submit,
        close="Cancel",
        blocks=list(blocks),
        private_metadata=token,
    ).to_dict()
