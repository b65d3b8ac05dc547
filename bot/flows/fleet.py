"""N-sight's view of the whole fleet, behind a button of ``/patches recent``."""

import asyncio

from bot.blocks import fleet as words
from bot.errors import Refused
from bot.flows import patch_sweep
from bot.flows.services import Services
from bot.model import FleetView, Message


async def turn(services: Services, view: str, shown: int | None, what: str) -> tuple[Message, int]:
    """The page that the press leads to, and its number. ``shown``: the page that was pressed on, None for a list of
    attempts. ``what``: page.next, page.back or anything else for the first one. Raises Refused."""
    fleet = await patch_sweep.view(services)
    if fleet is None:
        raise Refused(words.off())
    step = {"page.next": 1, "page.back": -1}.get(what)
    wanted = 0 if shown is None or step is None else shown + step
    return await asyncio.to_thread(_page, fleet, wanted, view)  # 200,000 failed patches take a while


def _page(fleet: FleetView, wanted: int, view: str) -> tuple[Message, int]:
    failing = words.by_title(fleet)
    number = min(max(wanted, 0), words.pages(failing) - 1)
    return words.page(fleet, failing, number, view), number
