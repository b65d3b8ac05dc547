"""Which failures people keep out of digests for a while. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from bot.markup import folded
from bot.model import Silence
from bot.terms import covers


class Silencer:
    """The silences that are on at ``now``, made ready to be asked about thousands of failures."""

    def __init__(self, silences: Iterable[Silence], now: datetime) -> None:
        on = [silence for silence in silences if silence.on(now)]
        self._on = sorted(on, key=lambda silence: (silence.until, silence.id), reverse=True)
        self._about: dict[str, tuple[Silence, ...]] = {}

    def of(self, application: str, status: str, client: str, version: str) -> Silence | None:
        """The one that lasts longest of those that a failure falls under. ``status``: without the vendor's prefix;
        ``version``: the one that was tried. A silence for one client does not hold where the client is not known."""
        found = (one for one in self._for(application) if _narrowed(one, status, client, version))
        return next(found, None)

    def _for(self, application: str) -> tuple[Silence, ...]:
        about = self._about.get(application)
        if about is None:
            about = tuple(silence for silence in self._on if covers(silence.application, application))
            self._about[application] = about
        return about


def _narrowed(silence: Silence, status: str, client: str, version: str) -> bool:
    return (
        silence.reason in {"", status}
        and (not silence.client or (bool(client) and covers(silence.client, client)))
        and (not silence.version or folded(silence.version) == folded(version))
    )


def on_at(silences: Iterable[Silence], then: datetime) -> list[Silence]:
    """Those that were on then, as they were: not yet ended by anybody."""
    made = (one for one in silences if one.made_at <= then < min(one.until, one.ended_at or one.until))
    return [replace(one, ended_at=None, ended_by="") for one in made]
