"""A vote, pressed or submitted with a reason."""

from bot.blocks import answers
from bot.flows import cards, decide
from bot.flows.services import Services
from bot.model import Message, State


async def vote(services: Services, request_id: int, who: str, *, denies: bool, reason: str = "") -> Message | None:
    """Nothing is said when the vote decided and the card shows it. Else the vote can be taken back, or the decision is
    told because the card cannot be changed right now."""
    voted = decide.deny if denies else decide.approve
    after = await voted(services, request_id, who, reason)
    if after.state is State.PENDING:
        return answers.voted(after, who, services.policy(after))
    return None if await cards.is_shown(services, after) else answers.decided(after)
