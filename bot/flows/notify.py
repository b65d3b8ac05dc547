"""``/patches notify``: whether a person hears directly about the decisions and outcomes of their own requests."""

from bot.blocks import help as words
from bot.flows.services import Services
from bot.model import Message
from bot.store import Entry


async def answer(services: Services, person: str, on: bool | None) -> Message:
    """Turns direct messages ``on`` or off and tells how it stands; None only tells. To do it twice is no mistake.

    Raises TrailUnwritableError.
    """
    if on is None:
        return words.notify(muted=await services.store.mutes(person))
    action = "person.unmute" if on else "person.mute"
    entry = Entry(services.now(), person, action, f"person:{person}", {})
    await services.store.mute(person, entry, muted=not on)
    return words.notify(muted=not on)
