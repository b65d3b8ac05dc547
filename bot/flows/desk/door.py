"""The one place where failures become sentences: whatever happens behind, the person hears something."""

import re
from collections.abc import Awaitable, Callable

import structlog

from bot.blocks import answers, text
from bot.errors import Refused, TrailUnwritableError, UpstreamError, VotedAlready, new_reference
from bot.flows.reply import Place, Reply
from bot.flows.services import Services
from bot.model import Message

log = structlog.get_logger()

AGAIN = Message("delivered again")  # never shown: the first delivery is being answered
PATIENCE = 0.5  # seconds that a list waits for the database to note its delivery; it is shown without that too
_SLACKS_CODE = re.compile("[a-z_]{3,60}")  # such as not_in_channel: more telling than "refused"


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
    except VotedAlready as refused:
        services.metrics.refusals.inc()
        return answers.voted_already(refused.sentence, refused.request_id), True
    except Refused as refused:
        services.metrics.refusals.inc()
        return Message(refused.sentence), True
    except UpstreamError as error:
        services.metrics.failures.labels(error.service, error.kind).inc()
        said = error.words or (error.code if _SLACKS_CODE.fullmatch(error.code) else "")
        more = f" It said: {text.name(said, 300)}" if said else ""
        return Message(f"⚠️ {error.sentence}{more}"), True
    except TrailUnwritableError:
        reference = new_reference()
        log.exception("desk.unwritable", reference=reference)
        sentence = "The bot's database cannot be written, so it changes nothing: no decision goes unrecorded."
        return Message(f"⚠️ {sentence} Lists still work (reference `{reference}`)."), True
    except Exception:  # the last door: a fault of ours must not leave a person without an answer
        reference = new_reference()
        log.exception("desk.fault", reference=reference)
        return Message(f"⚠️ Something went wrong inside the bot (reference `{reference}`). It is logged."), True
