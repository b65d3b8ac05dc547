"""The modals that ask why, and what all modals share. Which devices, which patches: ``device_form``, ``patch_form``."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from slack_sdk.models.blocks import Block, InputBlock, PlainTextInputElement
from slack_sdk.models.views import View

from bot.blocks import text
from bot.model import RetryRequest

TITLE = "Request a retry"
OPTIONS = 100  # Slack's most in one select
REASON_MOST = 3000  # Slack's most in a text input
SIZE = 150_000  # bytes of a view; Slack refuses one above 250 kB (docs.slack.dev/reference/methods/views.open)
NAMED = 5  # devices of one card
_WAITING = "loading"  # the callback of a view that cannot be submitted
_HOME = ".home"


def approve(requests: Sequence[RetryRequest], *, home: bool = False) -> dict[str, Any]:
    """Asks why, where a reason is required. ``requests``: of one card. ``home``: asked for on the app's Home."""
    return _vote("request.approve", "Approve", requests, _why(required=True), home)


def deny(requests: Sequence[RetryRequest], *, required: bool, home: bool = False) -> dict[str, Any]:
    """Asks why. ``requests``: of one card. ``home``: asked for on the app's Home."""
    return _vote("request.deny", "Deny", requests, _why(required=required), home)


def _vote(callback: str, verb: str, requests: Sequence[RetryRequest], why: InputBlock, home: bool) -> dict[str, Any]:
    number = requests[0].card_id
    return modal(
        callback, f"{verb} request #{number}", verb, [text.section(_about(requests)), why], card_token(number, home)
    )


def card_token(number: int, home: bool) -> str:
    """``private_metadata`` of a vote's form: the card's number, and whether the answer is to go to the Home's owner."""
    return f"{number}{_HOME if home else ''}"


def card_of(token: str) -> tuple[int, bool]:
    """What ``card_token`` was made of. Raises ValueError when it was not."""
    return int(token.removesuffix(_HOME)), token.endswith(_HOME)


def _about(requests: Sequence[RetryRequest]) -> str:
    """ "*SRV-DC01* (server at Contoso Ltd): 2 patches"."""
    patches = text.plural(sum(len(one.patches) for one in requests), "patch", "patches")
    if len(requests) == 1:
        device = requests[0].device
        return f"*{text.name(device.name, 80)}* ({device.kind} at {text.name(device.client, 80)}): {patches}"
    names = text.listed([text.name(one.device.name, 80) for one in requests], NAMED)
    return f"*{text.plural(len(requests), 'device')}*: {names}, {patches}"


def _why(*, required: bool) -> InputBlock:
    return InputBlock(
        block_id="reason",
        label="Why?",
        optional=not required,
        element=PlainTextInputElement(action_id="reason", multiline=True, max_length=REASON_MOST),
        hint="Everybody in the channel, the requester and the audit trail get to read this.",
    )


def loading(what: str, title: str = TITLE) -> dict[str, Any]:
    """Shown at once, because a trigger lives three seconds and what is asked for may take longer. ``what``: safe."""
    return _plain(f"⏳ {what}", title)


def failed(sentence: str, title: str = TITLE) -> dict[str, Any]:
    """In place of the loading modal when there is nothing to choose from; ``sentence`` is safe mrkdwn."""
    return _plain(sentence, title)


def _plain(words: str, title: str) -> dict[str, Any]:
    return View(type="modal", callback_id=_WAITING, title=title, close="Close", blocks=[text.section(words)]).to_dict()


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
