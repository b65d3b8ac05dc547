"""N-sight's view of the whole fleet, behind a button of ``/patches recent``."""

import asyncio

from bot.blocks import fleet as words
from bot.errors import Refused
from bot.flows import patch_sweep
from bot.flows.services import Services
from bot.model import Message


async def turn(services: Services, view: str, shown: int | None, what: str) -> tuple[Message, int]:
    """The page that the press leads to, and its number. ``shown``: the page that was pressed on, None for a list of
    attempts. ``what``: page.next, page.back or anything else for the first one. Raises Refused."""
    fleet = await patch_sweep.figures(services)
    if fleet is None:
        raise Refused(words.off())
    failing = await _failing(services)
    step = {"page.next": 1, "page.back": -1}.get(what)
    wanted = 0 if shown is None or step is None else shown + step
    number = min(max(wanted, 0), words.pages(failing) - 1)
    return words.page(fleet, failing, number, view), number


async def _failing(services: Services) -> list[words.Failing]:
    """Counted in threads and a few devices at a time: 20,000 may have 200,000 failed patches."""
    tally = words.Tally()
    async for some in services.store.failures():
        await asyncio.to_thread(tally.add, some)
    return tally.failing()
