"""What arrives at the desk beside typed commands, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.flows.reply import Place
from bot.model import Posted


@dataclass(frozen=True, slots=True)
class Click:
    """A button or select. ``value``: an id, to be looked up. ``message``: what was clicked, None when private."""

    place: Place
    action: str
    value: str
    trigger_id: str = field(repr=False)
    message: Posted | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal. ``token``: its private_metadata. ``values``: by block id, a text or a list of texts."""

    place: Place
    callback: str
    token: str
    values: Mapping[str, Any]
    view_id: str = ""


@dataclass(frozen=True, slots=True)
class Ack:
    """What travels in the answer to a submission: what is wrong, by block id, and then the form stays as it is; else
    the ``view`` that takes its place; without both it closes."""

    errors: Mapping[str, str] = field(default_factory=dict)
    view: Mapping[str, Any] | None = None
