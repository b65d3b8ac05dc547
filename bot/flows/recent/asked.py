"""What was asked for, as the buttons of a list remember it. Pure."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot.commands import Mode, Recent

_MODES: dict[str, Mode] = {"failed": "failed", "ok": "ok", "all": "all"}


def pack(asked: Recent, number: int) -> dict[str, Any]:
    return {
        "mode": asked.mode,
        "app": asked.app,
        "status": asked.status,
        "since": asked.since.total_seconds(),
        "page": number,
    }


def unpack(kept: dict[str, Any]) -> Recent:
    return Recent(kept["mode"], kept["app"], kept["status"], timedelta(seconds=kept["since"]))


def turned(kept: dict[str, Any], what: str) -> tuple[Recent, int]:
    """What is asked for after a press, and the page of it, which may lie beyond the last one. Another filter begins
    anew, without the status: it may belong to another class."""
    asked = unpack(kept)
    if not what.startswith("filter."):
        return asked, max(0, int(kept["page"]) + (1 if what == "page.next" else -1))
    name = what.removeprefix("filter.")
    mode = asked.mode if name == "apps" else _MODES.get(name, "all")
    return replace(asked, mode=mode, status=""), 0
