"""What a form must remember between its steps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.flows.services import Services
from bot.matching.products import Wanted
from bot.model import Posted
from bot.store import JSON

KIND = "form"


@dataclass(frozen=True, slots=True)
class Form:
    """``channel``: where its button was pressed, ``origin``: the message that has the button, None for a private one.

    ``about``: what failed. ``unclear``: uuids of the ESET devices that the first step asks about, in its order.
    ``offered``: severities of the patches that the second step offers, by device and patch id.
    """

    channel: str
    origin: Posted | None = None
    about: Wanted | None = None
    unclear: tuple[str, ...] = ()
    offered: Mapping[int, Mapping[int, str]] = field(default_factory=dict)


async def remember(services: Services, form: Form) -> str:
    """The token of a new form. Raises TrailUnwritableError."""
    return await services.store.remember(KIND, _packed(form), services.now())


async def replace(services: Services, token: str, form: Form) -> None:
    """Raises TrailUnwritableError."""
    await services.store.replace(KIND, token, _packed(form))


async def recall(services: Services, token: str) -> Form | None:
    """None when it is forgotten."""
    kept = await services.store.recall(KIND, token)
    return _unpacked(kept) if kept else None


def _packed(form: Form) -> JSON:
    return {
        "channel": form.channel,
        "origin": [form.origin.channel, form.origin.ts] if form.origin else None,
        "about": asdict(form.about) if form.about else None,
        "unclear": list(form.unclear),
        "offered": {
            str(device): {str(patch): severity for patch, severity in patches.items()}
            for device, patches in form.offered.items()
        },
    }


def _unpacked(kept: Mapping[str, Any]) -> Form:
    origin, about = kept.get("origin"), kept.get("about")
    return Form(
        channel=str(kept["channel"]),
        origin=Posted(*origin) if origin else None,
        about=Wanted(**about) if about else None,
        unclear=tuple(kept.get("unclear") or ()),
        offered={
            int(device): {int(patch): str(severity) for patch, severity in patches.items()}
            for device, patches in (kept.get("offered") or {}).items()
        },
    )
