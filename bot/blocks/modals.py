"""The modals that ask why, and what all modals share. Which devices, which patches: ``device_form``, ``patch_form``."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, PlainTextInputElement
from slack_sdk.models.views import View

from bot.blocks import text

TITLE = "Request a retry"
OPTIONS = 100  # Slack's most in one select
REASON_MOST = 3000  # Slack's most in a text input
SIZE = 150_000  # bytes of a view; Slack refuses one above 250 kB (docs.slack.dev/reference/methods/views.open)
_WAITING = "loading"  # the callback of a view that cannot be submitted


def approve(request_id: int) -> dict[str, Any]:
    """Asks why, where a reason is required. ``private_metadata`` carries the request's id, nothing else."""
    return modal("request.approve", f"Approve request #{request_id}", "Approve", [_why(required=True)], str(request_id))


def deny(request_id: int, *, required: bool) -> dict[str, Any]:
    """Asks why. ``private_metadata`` carries the request's id, nothing else."""
    return modal("request.deny", f"Deny request #{request_id}", "Deny", [_why(required=required)], str(request_id))


def _why(*, required: bool) -> InputBlock:
    return InputBlock(
        block_id="reason",
        label="Why?",
        optional=not required,
        element=PlainTextInputElement(action_id="reason", multiline=True, max_length=REASON_MOST),
        hint="Everybody in the channel, the requester and the audit trail get to read this.",
    )


def loading(what: str) -> dict[str, Any]:
    """Shown at once, because a trigger lives three seconds and what is asked for may take longer. ``what``: safe."""
    return _plain(f"⏳ {what}")


def failed(sentence: str) -> dict[str, Any]:
    """In place of the loading modal when there is nothing to choose from; ``sentence`` is safe mrkdwn."""
    return _plain(sentence)


def _plain(words: str) -> dict[str, Any]:
    return View(type="modal", callback_id=_WAITING, title=TITLE, close="Close", blocks=[text.section(words)]).to_dict()


def reason(*, required: bool) -> InputBlock:
    return InputBlock(
        block_id="reason",
        label="Reason",
        optional=not required,
        element=PlainTextInputElement(action_id="reason", multiline=True, max_length=REASON_MOST),
    )


def modal(callback: str, title: str, submit: str, blocks: Sequence[Block], token: str) -> dict[str, Any]:
    """``token``: where the form's data is kept, all that travels in ``private_metadata``."""
    return View(
        type="modal",
        callback_id=callback,
        title=text.cut(title, 24),
        submit=submit,
        close="Cancel",
        blocks=list(blocks),
        private_metadata=token,
    ).to_dict()


def fitting(build: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
    """``build(most)``: a view whose selects offer ``most`` options each; the largest that Slack takes."""
    for most in (OPTIONS, 50, 25, 12):
        view = build(most)
        if len(json.dumps(view)) <= SIZE:
            return view
    return build(6)
