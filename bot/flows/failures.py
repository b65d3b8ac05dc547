"""Failures as sentences: what a person hears when something did not work, and what is counted and logged of it."""

import re

import structlog

from bot.blocks import answers, text
from bot.errors import (
    NothingNamed,
    Refused,
    TrailUnwritableError,
    UnreadableError,
    UpstreamError,
    VotedAlready,
    new_reference,
)
from bot.flows.services import Services
from bot.model import Message

log = structlog.get_logger()

UNWRITABLE = "The bot's database cannot be written, so it changes nothing: no decision goes unrecorded."
UNREADABLE = "The bot's database cannot be read, so it shows and changes nothing until it can."
_SLACKS_CODE = re.compile("[a-z_]{3,60}")  # such as not_in_channel: more telling than "refused"


def told(services: Services, error: Exception) -> Message:
    """The answer to an interaction that ended in ``error``; a fault of ours is logged with its trace."""
    if isinstance(error, Refused):
        services.metrics.refusals.inc()
        return _refused(error)
    if isinstance(error, UpstreamError):
        services.metrics.failures.labels(error.service, error.kind).inc()
        said = error.words or (error.code if _SLACKS_CODE.fullmatch(error.code) else "")
        more = f" It said: {text.name(said, 300)}" if said else ""
        return Message(f"⚠️ {error.sentence}{more}")
    reference = new_reference()
    if isinstance(error, TrailUnwritableError):
        log.error("desk.unwritable", reference=reference, exc_info=error)
        return Message(f"⚠️ {UNWRITABLE} Lists still work (reference `{reference}`).")
    if isinstance(error, UnreadableError):
        log.error("desk.unreadable", reference=reference, why=str(error))
        return Message(f"⚠️ {UNREADABLE} (reference `{reference}`)")
    log.error("desk.fault", reference=reference, exc_info=error)
    return Message(f"⚠️ Something went wrong inside the bot (reference `{reference}`). It is logged.")


def _refused(refused: Refused) -> Message:
    match refused:
        case VotedAlready():
            return answers.voted_already(refused.sentence, refused.request_id)
        case NothingNamed():
            return answers.choose_instead(refused.sentence)
    return Message(refused.sentence)
