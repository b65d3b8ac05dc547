"""``/patches recent``: ESET's list, kept for an hour, paged and filtered by button."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from bot.blocks import recent as words
from bot.commands import Recent
from bot.errors import Refused
from bot.flows import attempts
from bot.flows.services import Services
from bot.model import Message

Progress = Callable[[str], Awaitable[None]]
KIND = "recent"


async def first_page(services: Services, asked: Recent, progress: Progress) -> Message:
    """Asks ESET (an answer up to a minute old is reused) and shows the first page. Raises UpstreamError(ESET)."""
    await progress(words.asking().text)
    snapshot, unreadable = await attempts.snapshot(services)
    view = await services.store.remember(KIND, _pack(snapshot, asked, 0), services.now())
    return await _page(services, view, snapshot, asked, 0, unreadable)


async def turn(services: Services, view: str, what: str, progress: Progress) -> Message:
    """Another page or filter of a list shown before. ``what``: page.next, page.back or filter.MODE."""
    kept = await services.store.recall(KIND, view)
    if kept is None:
        raise Refused(words.gone().text)
    asked, number = _unpack(kept), int(kept["page"])
    if what.startswith("filter."):
        asked = Recent(_mode(what), asked.app, "", asked.since)
        number = 0
    else:
        number = max(0, number + (1 if what == "page.next" else -1))
    message = await _page(services, view, kept["snapshot"], asked, number)
    await services.store.replace(KIND, view, _pack(kept["snapshot"], asked, number))
    return message


async def _page(
    services: Services, view: str, snapshot: str, asked: Recent, number: int, unreadable: int = 0
) -> Message:
    kept = await services.store.snapshot(snapshot)
    if kept is None:
        raise Refused(words.gone().text)
    taken_at, listed = kept
    found = await asyncio.to_thread(words.select, listed, asked, services.now())  # 100,000 rows take 100 ms
    number = min(number, words.pages(found) - 1)
    return words.page(found, asked, number, view_id=view, taken_at=taken_at, unreadable=unreadable)


def _mode(what: str) -> Any:
    mode = what.removeprefix("filter.")
    return mode if mode in {"failed", "ok", "all"} else "all"


def _pack(snapshot: str, asked: Recent, number: int) -> dict[str, Any]:
    return {
        "snapshot": snapshot,
        "mode": asked.mode,
        "app": asked.app,
        "status": asked.status,
        "since": asked.since.total_seconds(),
        "page": number,
    }


def _unpack(kept: dict[str, Any]) -> Recent:
    return Recent(kept["mode"], kept["app"], kept["status"], timedelta(seconds=kept["since"]))
