"""Who may: asked of Slack, failing closed. When Slack cannot tell, the answer is no, not yet."""

from bot.approvals import Standing, standing
from bot.errors import Refused, UpstreamError
from bot.flows.services import Services
from bot.model import RetryRequest


async def standing_of(services: Services, user: str, *, fresh: bool = False) -> Standing:
    """What ``user`` is to every retry request right now."""
    try:
        return await _standing(services, user, fresh=fresh)
    except UpstreamError:
        return Standing.UNKNOWN


async def still_entitled(services: Services, request: RetryRequest) -> frozenset[str]:
    """The voters who may approve at this moment, freshly asked. Raises UpstreamError when Slack cannot tell."""
    voters = [vote.voter for vote in request.votes]
    return frozenset([who for who in voters if await _standing(services, who, fresh=True) is Standing.APPROVER])


async def others_who_may_approve(services: Services, requester: str, enough: int) -> int | None:
    """How many people besides the requester could approve, counted up to ``enough``; None when Slack cannot tell."""
    found = 0
    try:
        everyone = await services.people.all_of(services.config.approvals.approvers)
        for who in sorted(everyone - {requester}):
            found += await _standing(services, who, fresh=False) is Standing.APPROVER
            if found >= enough:
                break
    except UpstreamError:
        return None
    return found


async def demand_command(services: Services, user: str) -> None:
    """Raises Refused unless ``user`` may use /patches: a full member, listed in ``access.commands`` if that is set."""
    try:
        person = await services.people.person(user)
        allowed = services.config.access.commands
        listed = not allowed or user in await services.people.all_of(allowed)
    except UpstreamError as error:
        raise Refused(f"{error.sentence} So it is not known whether you may use this; please try again.") from None
    is_now = standing(person, listed)
    if is_now is Standing.OUTSIDER:
        raise Refused("You are not among the people who may use `/patches` here. Nothing was done.")
    if is_now is not Standing.APPROVER:
        raise Refused("Only full members of this workspace may use `/patches`. Nothing was done.")


async def _standing(services: Services, user: str, *, fresh: bool) -> Standing:
    person = await services.people.person(user, fresh=fresh)
    approvers = services.config.approvals.approvers
    listed = user in approvers or user in await services.people.all_of(approvers, fresh=fresh)
    return standing(person, listed)
