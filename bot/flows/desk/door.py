"""The one place where failures become sentences: whatever happens behind, the person hears something."""

from collections.abc import Awaitable, Callable

from bot.errors import TrailUnwritableError
from bot.flows import failures
from bot.flows.reply import Place, Reply
from bot.flows.services import Services
from bot.model import Message

AGAIN = Message("delivered again")  # never shown: the first delivery is being answered
PATIENCE = 0.5  # seconds that a list waits for the database to note its delivery; it is shown without that too


async def answer(
    services: Services,
    place: Place,
    work: Callable[[Reply], Awaitable[Message | None]],
    *,
    reads: bool,
    instead: bool = False,
) -> None:
    """``reads``: nothing is changed. ``instead``: the answer takes the place of the private list that was clicked."""
    async with Reply(services.messenger, place) as reply:

        async def once(reply: Reply) -> Message | None:
            return await work(reply) if await _first(services, place.delivery, reads=reads) else AGAIN

        message, failed = await _attempt(services, once, reply)
        if message is not AGAIN:
            await reply.final(message, replace=instead and not failed)


async def _first(services: Services, delivery: str, *, reads: bool) -> bool:
    """Whether no process has taken the same delivery already. A list is shown even when that cannot be written."""
    if not delivery:
        return True  # nothing tells it apart; every change is guarded by its row all the same
    try:
        return await services.store.first_delivery(delivery, services.now(), PATIENCE if reads else None)
    except TrailUnwritableError:
        if reads:
            return True
        raise


async def _attempt(
    services: Services, work: Callable[[Reply], Awaitable[Message | None]], reply: Reply
) -> tuple[Message | None, bool]:
    try:
        return await work(reply), False
    except Exception as error:  # noqa: BLE001 the last door: a fault of ours must not leave a person without an answer
        return failures.told(services, error), True
