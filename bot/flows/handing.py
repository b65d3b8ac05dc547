"""A file for one person, as a direct message from the app."""

from bot.blocks import digest_files
from bot.errors import Kind, Refused, UpstreamError
from bot.flows.services import Services
from bot.model import File, Message


async def hand(services: Services, person: str, message: Message, file: File) -> None:
    """Raises Refused when the bot lacks the scope for files, UpstreamError(SLACK) when Slack does not take it."""
    try:
        await services.messenger.hand(person, message, file)
    except UpstreamError as error:
        if error.kind is Kind.FORBIDDEN:
            raise Refused(digest_files.FORBIDDEN) from None
        raise
