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
    """A submitted modal. ``token``: its private_metadata. ``values``: by block id."""

    place: Place
    callback: str
    token: str
    values: Mapping[str, Any]
