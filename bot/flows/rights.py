"""Who may: asked of Slack, failing closed. When Slack cannot tell, the answer is no, not yet."""

from collections.abc import Sequence

import structlog

from bot import approvals
from bot.approvals import Standing, standing
from bot.blocks import news
from bot.errors import Refused, TrailUnwritableError, UpstreamError
from bot.flows.services import Services
from bot.model import RetryRequest, Terms
from bot.people import People
from bot.store import Entry, Note

log = structlog.get_logger()

ASKED = 30  # people at most whom Slack is asked about for one reminder
FEW = 8  # people who are mentioned one by one; of more, their groups are
LASTING = frozenset({"missing_scope", "plan_upgrade_required"})  # codes of what does not mend itself: told to people


class Roster:
    """The people behind lists of user ids and usergroup ids; whoever counts is in every list. Each group is asked for
    once; one that Slack does not tell (deleted, say) does not hide the members of the others."""

    def __init__(self, people: People, lists: Sequence[Sequence[str]], *, fresh: bool = False) -> None:
        self._people, self._lists, self._fresh = people, lists, fresh
        self._groups: dict[str, frozenset[str] | UpstreamError] = {}

    @property
    def untold(self) -> UpstreamError | None:
        """Why Slack has not told the members of a group that was asked for."""
        return next((group for group in self._groups.values() if isinstance(group, UpstreamError)), None)

    async def holds(self, user: str) -> bool:
        """Raises UpstreamError when it depends on a group that Slack does not tell. Nobody is in no list at all."""
        unknown: UpstreamError | None = None
        for ids in self._lists:
            try:
                if not await self._in(user, ids):
                    return False
            except UpstreamError as error:
                unknown = error
        if unknown is not None:
            raise unknown
        return bool(self._lists)

    async def everyone(self) -> frozenset[str]:
        """Raises UpstreamError when a group is not told."""
        lists = [await self._all_of(ids) for ids in self._lists]
        return frozenset.intersection(*lists) if lists else frozenset()

    async def _all_of(self, ids: Sequence[str]) -> frozenset[str]:
        users = {one for one in ids if not one.startswith("S")}
        for group in (one for one in ids if one.startswith("S")):
            members = await self._members(group)
            if isinstance(members, UpstreamError):
                raise members
            users |= members
        return frozenset(users)

    async def standing(self, user: str) -> Standing:
        person = await self._people.person(user, fresh=self._fresh)
        return standing(person, await self.holds(user))

    async def _in(self, user: str, ids: Sequence[str]) -> bool:
        if user in ids:
            return True
        groups = [await self._members(one) for one in ids if one.startswith("S")]
        if any(user in group for group in groups if isinstance(group, frozenset)):
            return True
        for group in groups:
            if isinstance(group, UpstreamError):
                raise group
        return False

    async def _members(self, group: str) -> frozenset[str] | UpstreamError:
        if group not in self._groups:
            try:
                self._groups[group] = await self._people.members(group, fresh=self._fresh)
            except UpstreamError as error:
                self._groups[group] = error
        return self._groups[group]


def _approvers(services: Services, terms: Terms, *, fresh: bool = False) -> Roster:
    return Roster(services.people, terms.lists, fresh=fresh)


async def standing_of(services: Services, user: str, request: RetryRequest) -> Standing:
    """What ``user`` is to this request right now."""
    roster = _approvers(services, approvals.demanded(request, services.policy(request)))
    try:
        return await roster.standing(user)
    except UpstreamError as error:
        log.warning("rights.unknown", user=user, code=error.code, reference=error.reference)
        if roster.untold is not None:
            await _tell_once(services, roster.untold.code)
        return Standing.UNKNOWN


async def _tell_once(services: Services, code: str) -> None:
    """Where requests are decided, people hear why nobody of a usergroup can decide: once, not at each click."""
    channel = services.config.approvals.channel
    if code not in LASTING or not channel:
        return
    note = Note(f"usergroups:{code}", 0, channel, news.groups_unknown(code))
    try:
        told = await services.store.add_notes(
            [note], Entry(services.now(), "bot", "rights.unknown", "usergroups", {"code": code})
        )
    except TrailUnwritableError:
        return  # whoever clicked is told all the same, and ``check`` finds it
    if told:
        log.error("rights.usergroups", code=code)


async def still_entitled(services: Services, request: RetryRequest) -> frozenset[str]:
    """Those who approved and may do so at this moment, freshly asked. Raises UpstreamError when Slack cannot tell."""
    roster = _approvers(services, approvals.demanded(request, services.policy(request)), fresh=True)
    voters = [vote.voter for vote in request.approvals]
    return frozenset([who for who in voters if await roster.standing(who) is Standing.APPROVER])


async def still_needed(services: Services, request: RetryRequest) -> tuple[str, ...] | None:
    """Those who may decide and have not voted; None when they are many, or Slack does not tell."""
    terms = approvals.demanded(request, services.policy(request))
    done = {vote.voter for vote in request.votes} | (set() if terms.self_approval else {request.requester})
    roster = _approvers(services, terms)
    try:
        listed = sorted(await roster.everyone() - done)
        if len(listed) > ASKED:
            return None
        left = [who for who in listed if await roster.standing(who) is Standing.APPROVER]
    except UpstreamError as error:
        log.info("rights.members_unknown", code=error.code, reference=error.reference)
        return None
    return tuple(left) if len(left) <= FEW else None


async def possible_approvers(services: Services, requester: str, terms: Terms) -> int | None:
    """How many people could approve this person's request, counted up to the quorum; None when Slack cannot tell."""
    roster = _approvers(services, terms)
    alone = frozenset() if terms.self_approval else {requester}
    found = 0
    try:
        for who in sorted(await roster.everyone() - alone):
            found += await roster.standing(who) is Standing.APPROVER
            if found >= terms.quorum:
                break
    except UpstreamError as error:
        await _tell_once(services, error.code)
        return None
    return found


def known_command(services: Services, user: str) -> bool | None:
    """Whether ``user`` may use /patches, by what Slack has told before, for what must not wait for it. None when too
    little was ever told."""
    allowed, people = services.config.access.commands, services.people
    person = people.remembered(user)
    if person is None:
        return None
    groups = [people.remembered_members(one) for one in allowed if one.startswith("S")]
    listed = not allowed or user in allowed or any(user in group for group in groups if group is not None)
    if not listed and None in groups:
        return None
    return standing(person, listed) is Standing.APPROVER


async def demand_command(services: Services, user: str) -> None:
    """Raises Refused unless ``user`` may use /patches: a full member, listed in ``access.commands`` if that is set."""
    is_now = await _standing_in(services, user, services.config.access.commands)
    if is_now is Standing.OUTSIDER:
        raise Refused("You are not among the people who may use `/patches` here. Nothing was done.")
    if is_now is not Standing.APPROVER:
        raise Refused("Only full members of this workspace may use `/patches`. Nothing was done.")


async def demand_silence(services: Services, user: str) -> None:
    """Raises Refused unless ``user`` may use /patches, and is listed in ``access.silence`` if that is set."""
    await _demand_listed(services, user, services.config.access.silence, "keep applications out of digests")


async def demand_digests(services: Services, user: str) -> None:
    """Raises Refused unless ``user`` may use /patches, and is listed in ``access.digests`` if that is set."""
    await _demand_listed(services, user, services.config.access.digests, "subscribe to digests")


async def _demand_listed(services: Services, user: str, allowed: Sequence[str], to_do: str) -> None:
    await demand_command(services, user)
    if allowed and await _standing_in(services, user, allowed) is not Standing.APPROVER:
        raise Refused(f"You are not among the people who may {to_do} here. Nothing was done.")


async def _standing_in(services: Services, user: str, allowed: Sequence[str]) -> Standing:
    """Raises Refused when Slack cannot tell. Empty ``allowed``: everybody is listed."""
    try:
        person = await services.people.person(user)
        listed = not allowed or await Roster(services.people, [allowed]).holds(user)
    except UpstreamError as error:
        raise Refused(f"{error.sentence} So it is not known whether you may use this; please try again.") from None
    return standing(person, listed)
