"""``/patches pending`` and ``/patches history``: lists of requests, paged by button, each with a link to its card."""

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Any

from bot import approvals
from bot.blocks import requests as words
from bot.blocks.requests import Kind, Line, Part
from bot.errors import NotFound, Refused, TrailUnwritableError
from bot.flows import cards, inventory
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Message, RetryRequest
from bot.store import JSON, Page, Turn

LINKS_AT_ONCE = 4  # permalinks asked of Slack at the same time
LINK_PATIENCE = 3.0  # seconds: an entry without a link is better than a list that does not come
PATIENCE = 0.5  # seconds that a list waits for the database to keep it; it is shown without that too


async def pending(services: Services) -> Message:
    return await _first(services, "pending", {})


async def history(services: Services, named: str | None, progress: Progress) -> Message:
    return await _first(services, "history", await _asked_about(services, named, progress) if named else {})


async def _asked_about(services: Services, named: str, progress: Progress) -> dict[str, Any]:
    """The device; by its id also one that N-sight does not list any more, of which there are requests."""
    try:
        device = await inventory.find(services, named, progress)
    except NotFound:
        past = await services.store.history(int(named), 1) if re.fullmatch("[0-9]{1,15}", named) else []
        if not past:
            raise
        device = past[0].device
    return {"device": device.id, "name": device.name}


async def turn(services: Services, kind: Kind, token: str, *, forward: bool) -> Message:
    """The page behind or before the one that is shown. Raises Refused when the list is no longer kept."""
    kept = await services.store.recall(kind, token)
    if kept is None:
        raise Refused(words.gone(kind))
    page = await _read(services, kind, kept, Turn(kept["last" if forward else "first"], forward))
    message = await _shown(services, kind, kept, page, token)
    with contextlib.suppress(TrailUnwritableError):  # the page is shown; only the next press will not know of it
        await services.store.replace(kind, token, _kept(kept, page), patience=PATIENCE)
    return message


async def _first(services: Services, kind: Kind, asked: Mapping[str, Any]) -> Message:
    page = await _read(services, kind, asked, Turn())
    token = "" if page.total <= len(page.rows) else await _remembered(services, kind, _kept(asked, page))
    return await _shown(services, kind, asked, page, token)


async def _remembered(services: Services, kind: Kind, data: JSON) -> str:
    """The token behind the list's buttons; empty when the database cannot be written."""
    try:
        return await services.store.remember(kind, data, services.now(), patience=PATIENCE)
    except TrailUnwritableError:
        return ""


async def _read(services: Services, kind: Kind, asked: Mapping[str, Any], where: Turn) -> Page:
    if kind == "pending":
        return await services.store.waiting(services.now(), words.ROWS, where)
    return await services.store.past(asked.get("device"), words.ROWS, where)


def _kept(asked: Mapping[str, Any], page: Page) -> dict[str, Any]:
    """What was asked, and between which requests the page stands that is shown."""
    ends = {"first": page.rows[0].id, "last": page.rows[-1].id} if page.rows else {}
    return {**asked, **ends}


async def _shown(services: Services, kind: Kind, asked: Mapping[str, Any], page: Page, token: str) -> Message:
    gate = asyncio.Semaphore(LINKS_AT_ONCE)
    lines = await asyncio.gather(*(_line(services, request, gate) for request in page.rows))
    part = Part(lines, page.ahead, page.total, token)
    return words.pending(part) if kind == "pending" else words.history(part, str(asked.get("name", "")))


async def _line(services: Services, request: RetryRequest, gate: asyncio.Semaphore) -> Line:
    link = ""
    async with gate:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINK_PATIENCE):
                link = await cards.link_to(services, request.card_id)
    others = len(await services.store.members(request.id)) - 1 if request.bulk else 0
    return Line(request, link, approvals.demanded(request, services.policy(request)), others)
