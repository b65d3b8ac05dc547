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
    if after.refused:
        return answers.voted_in_part(after.changed, after.refused)
    for request in after.changed:
        if request.state is State.PENDING:
            return answers.voted(request, who, services.policy(request))
    if denies and (going_on := [one for one in after.members if one.open]):
        return answers.denied_in_part(after.changed, going_on)
    return None if await cards.is_shown(services, after.members) else answers.decided(after.changed[0])
