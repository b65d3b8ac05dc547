"""Who may: asked of Slack, failing closed. When Slack cannot tell, the answer is no, not yet."""

from collections.abc import Sequence

import structlog

from bot.approvals import Standing, standing
from bot.errors import Refused, UpstreamError
from bot.flows.services import Services
from bot.model import RetryRequest
from bot.people import People

log = structlog.get_logger()


class Roster:
    """The people behind user ids and usergroup ids, each group asked for once. A group that Slack does not tell
    (deleted, say) does not hide the members of the others."""

    def __init__(self, people: People, ids: Sequence[str], *, fresh: bool = False) -> None:
        self._people, self._ids, self._fresh = people, ids, fresh
        self._groups: dict[str, frozenset[str] | UpstreamError] = {}

    async def holds(self, user: str) -> bool:
        """Raises UpstreamError when the user is in none of the groups that Slack tells, and one is not told."""
        if user in self._ids:
            return True
        groups = [await self._members(one) for one in self._ids if one.startswith("S")]
        if any(user in group for group in groups if isinstance(group, frozenset)):
            return True
        for group in groups:
            if isinstance(group, UpstreamError):
                raise group
        return False

    async def everyone(self) -> frozenset[str]:
        """Raises UpstreamError when a group is not told."""
        return await self._people.all_of(self._ids, fresh=self._fresh)

    async def standing(self, user: str) -> Standing:
        person = await self._people.person(user, fresh=self._fresh)
        return standing(person, await self.holds(user))

    async def _members(self, group: str) -> frozenset[str] | UpstreamError:
        if group not in self._groups:
            try:
                self._groups[group] = await self._people.members(group, fresh=self._fresh)
            except UpstreamError as error:
                self._groups[group] = error
        return self._groups[group]


def _approvers(services: Services, *, fresh: bool = False) -> Roster:
    return Roster(services.people, services.config.approvals.approvers, fresh=fresh)


async def standing_of(services: Services, user: str) -> Standing:
    """What ``user`` is to every retry request right now."""
    try:
        return await _approvers(services).standing(user)
    except UpstreamError as error:
        log.warning("rights.unknown", user=user, code=error.code, reference=error.reference)
        return Standing.UNKNOWN


async def still_entitled(services: Services, request: RetryRequest) -> frozenset[str]:
    """The voters who may approve at this moment, freshly asked. Raises UpstreamError when Slack cannot tell."""
    roster = _approvers(services, fresh=True)
    voters = [vote.voter for vote in request.votes]
    return frozenset([who for who in voters if await roster.standing(who) is Standing.APPROVER])


async def possible_approvers(services: Services, requester: str, enough: int) -> int | None:
    """How many people could approve this person's request, counted up to ``enough``; None when Slack cannot tell."""
    roster = _approvers(services)
    alone = frozenset() if services.config.approvals.self_approval else {requester}
    found = 0
    try:
        for who in sorted(await roster.everyone() - alone):
            found += await roster.standing(who) is Standing.APPROVER
            if found >= enough:
                break
    except UpstreamError:
        return None
    return found


async def demand_command(services: Services, user: str) -> None:
    """Raises Refused unless ``user`` may use /patches: a full member, listed in ``access.commands`` if that is set."""
    allowed = services.config.access.commands
    try:
        person = await services.people.person(user)
        listed = not allowed or await Roster(services.people, allowed).holds(user)
    except UpstreamError as error:
        raise Refused(f"{error.sentence} So it is not known whether you may use this; please try again.") from None
    is_now = standing(person, listed)
    if is_now is Standing.OUTSIDER:
        raise Refused("You are not among the people who may use `/patches` here. Nothing was done.")
    if is_now is not Standing.APPROVER:
        raise Refused("Only full members of this workspace may use `/patches`. Nothing was done.")
