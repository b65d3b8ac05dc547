"""``/patches recent``: attempts, paged and filtered by button, by application or one by one, and as a file."""

import contextlib
from typing import Any

from bot.blocks import recent as words
from bot.blocks.recent import Found
from bot.commands import Recent
from bot.errors import Refused, TrailUnwritableError
from bot.flows import fleet, patch_sweep
from bot.flows.recent import asked as asking
from bot.flows.recent import sheet, sources
from bot.flows.recent.sources import Source
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Message

__all__ = ["KIND", "export", "first_page", "source_of", "turn"]

KIND = "recent"


async def first_page(services: Services, asked: Recent, progress: Progress) -> Message:
    """Asks ESET (an answer up to a minute old is reused) and shows the first page. What goes further back than ESET
    lists is told from the kept history, with a word when ESET cannot be asked. Raises UpstreamError(ESET)."""
    await progress(words.asking().text)
    source = await sources.of(services, asked)
    found = await source.found(asked, 0)
    view = await _remembered(services, source, asked)
    return await _page(services, source, asked, found, view=view)


async def turn(services: Services, view: str, what: str, progress: Progress) -> Message:
    """Another page or filter of a list shown before. ``what``: page.next, page.back or filter.NAME."""
    kept = await services.store.recall(KIND, view)
    if kept is None:
        raise Refused(words.gone().text)
    if what == "filter.nsight" or ("fleet" in kept and what.startswith("page.")):
        return await _turn_fleet(services, view, kept, what)
    source = await sources.again(services, kept)
    asked, number = asking.turned(kept, what)
    by_application = what == "filter.apps" or ("apps" in kept and what.startswith("page."))
    show = _applications if by_application else _rows
    message, number = await show(services, source, asked, number, view)
    shown = {"apps": number} if by_application else {}
    with contextlib.suppress(TrailUnwritableError):  # the page is shown; only the next press will not know of it
        await services.store.replace(KIND, view, {**source.pack(), **asking.pack(asked, number), **shown})
    return message


async def export(services: Services, view: str, person: str, progress: Progress) -> Message:
    """Sends what the list shows, all pages of it, to the person as a file. Raises UpstreamError(SLACK)."""
    kept = await services.store.recall(KIND, view)
    if kept is None:
        raise Refused(words.gone().text)
    await progress("⏳ Writing the list into a file…")
    source = await sources.again(services, kept)
    return await sheet.hand(services, source, asking.unpack(kept), person, by_application="apps" in kept)


async def source_of(services: Services, view: str) -> Source:
    """Where the list's rows come from. Raises Refused when it is no longer kept."""
    kept = await services.store.recall(KIND, view)
    if kept is None:
        raise Refused(words.gone().text)
    return await sources.again(services, kept)


async def _turn_fleet(services: Services, view: str, kept: dict[str, Any], what: str) -> Message:
    """N-sight's view in the list's place; any other filter leads back."""
    message, number = await fleet.turn(services, view, kept.get("fleet"), what)
    with contextlib.suppress(TrailUnwritableError):
        await services.store.replace(KIND, view, {**kept, "fleet": number})
    return message


async def _remembered(services: Services, source: Source, asked: Recent) -> str:
    """The token behind the list's buttons; empty when the database cannot be written."""
    if not source.lasts:
        return ""
    try:
        return await services.store.remember(KIND, {**source.pack(), **asking.pack(asked, 0)}, services.now())
    except TrailUnwritableError:
        return ""


async def _rows(services: Services, source: Source, asked: Recent, number: int, view: str) -> tuple[Message, int]:
    """With the number of the page: the last one when there are fewer."""
    found = await source.found(asked, number)
    number = min(number, words.pages(found.count(asked.mode)) - 1)
    return await _page(services, source, asked, found, view=view, number=number), number


async def _page(
    services: Services, source: Source, asked: Recent, found: Found, *, view: str, number: int = 0
) -> Message:
    return words.page(
        found,
        asked,
        number,
        view_id=view,
        taken_at=source.taken_at,
        unreadable=source.unreadable,
        history=await source.history(),
        beside=await patch_sweep.figures(services),
    )


async def _applications(
    services: Services, source: Source, asked: Recent, number: int, view: str
) -> tuple[Message, int]:
    found = await source.applications(asked, number)
    number = min(number, words.pages(len(found)) - 1)
    message = words.by_application(
        found,
        asked,
        number,
        view_id=view,
        scale=source.scale(asked),
        taken_at=source.taken_at,
        history=await source.history(),
        beside=await patch_sweep.figures(services),
    )
    return message, number
