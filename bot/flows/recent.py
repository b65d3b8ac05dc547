"""``/patches recent``: ESET's list, kept for an hour, paged and filtered by button."""

import asyncio
import contextlib
from datetime import timedelta
from typing import Any

from bot.blocks import recent as words
from bot.commands import Recent
from bot.errors import Refused, TrailUnwritableError
from bot.flows import attempts, fleet, patch_sweep
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Listing, Message

KIND = "recent"


async def first_page(services: Services, asked: Recent, progress: Progress) -> Message:
    """Asks ESET (an answer up to a minute old is reused) and shows the first page. Raises UpstreamError(ESET)."""
    await progress(words.asking().text)
    taken = await attempts.snapshot(services)
    view = await _remembered(services, taken.id, asked)
    found = await _select(services, taken.listing, asked)
    return words.page(
        found,
        asked,
        0,
        view_id=view,
        taken_at=taken.taken_at,
        unreadable=taken.listing.unreadable,
        beside=await patch_sweep.figures(services),
    )


async def turn(services: Services, view: str, what: str, progress: Progress) -> Message:
    """Another page or filter of a list shown before. ``what``: page.next, page.back or filter.MODE."""
    kept = await services.store.recall(KIND, view)
    if kept is None:
        raise Refused(words.gone().text)
    if what == "filter.nsight" or ("fleet" in kept and what.startswith("page.")):
        return await _turn_fleet(services, view, kept, what)
    asked, number = _unpack(kept), int(kept["page"])
    if what.startswith("filter."):
        asked = Recent(_mode(what), asked.app, "", asked.since)
        number = 0
    else:
        number = max(0, number + (1 if what == "page.next" else -1))
    message = await _page(services, view, kept["snapshot"], asked, number)
    with contextlib.suppress(TrailUnwritableError):  # the page is shown; only the next press will not know of it
        await services.store.replace(KIND, view, _pack(kept["snapshot"], asked, number))
    return message


async def _turn_fleet(services: Services, view: str, kept: dict[str, Any], what: str) -> Message:
    """N-sight's view in the list's place; any other filter leads back."""
    message, number = await fleet.turn(services, view, kept.get("fleet"), what)
    with contextlib.suppress(TrailUnwritableError):
        await services.store.replace(KIND, view, {**kept, "fleet": number})
    return message


async def _remembered(services: Services, snapshot: str, asked: Recent) -> str:
    """The token behind the list's buttons; empty when the database cannot be written."""
    if not snapshot:
        return ""
    try:
        return await services.store.remember(KIND, _pack(snapshot, asked, 0), services.now())
    except TrailUnwritableError:
        return ""


async def _page(services: Services, view: str, snapshot: str, asked: Recent, number: int) -> Message:
    kept = await services.store.snapshot(snapshot)
    if kept is None:
        raise Refused(words.gone().text)
    taken_at, listing = kept
    found = await _select(services, listing, asked)
    number = min(number, words.pages(found) - 1)
    return words.page(
        found,
        asked,
        number,
        view_id=view,
        taken_at=taken_at,
        unreadable=listing.unreadable,
        beside=await patch_sweep.figures(services),
    )


async def _select(services: Services, listing: Listing, asked: Recent) -> words.Found:
    return await asyncio.to_thread(words.select, listing.attempts, asked, services.now())  # 100,000 rows take 100 ms


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
