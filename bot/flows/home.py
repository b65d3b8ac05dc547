"""The app's Home: shown when somebody opens it, and shown anew while they may still be looking at it.

The audit trail says whether anybody did something: who saw its last row has seen all that people and the bot did. The
rest leaves no row (attempts are collected, a service fails, a silence runs out), so it is also shown anew now and then.
"""

import asyncio
import contextlib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

import structlog

from bot import approvals, digests, terms
from bot.approvals import Approve, Standing
from bot.blocks import home as words
from bot.blocks.home import Asked, Coming, Decision, Decisions, Surroundings
from bot.digests.ranking import Ranked, Ranking, ranking
from bot.digests.silencing import Silencer
from bot.errors import Kind, Refused, TrailUnwritableError, UpstreamError
from bot.flows import digest, overview, plans, rights
from bot.flows.services import Services
from bot.model import RetryRequest, Silence, State
from bot.model import Standing as Stands
from bot.store import JSON

log = structlog.get_logger()

OPEN_FOR = timedelta(hours=12)  # after that nobody is looking any more
APART = timedelta(seconds=10)  # between two rounds
AT_ONCE = 12  # homes in a round: with APART below the 100 a minute that Slack takes (views.publish is of tier 4)
LEASE = 120.0  # seconds of one round
OLD = timedelta(minutes=5)  # what nobody did is shown by then
KEPT = timedelta(seconds=60)  # how old what fails most may be
JUDGED = 200  # cards of which it is found out whether a person may decide them
DOUBTS = 3  # of these that Slack does not tell of; then it is asked no more
PATIENCE = 0.5  # seconds that a Home waits for the database to keep what a button needs; it is shown without that too


@dataclass(frozen=True, slots=True)
class _Known:
    """What is read once for all the homes of a round. ``head``: the last row of the trail when it was."""

    head: int
    pending: Sequence[Sequence[RetryRequest]]
    around: Surroundings


async def opened(services: Services, who: str) -> None:
    """Shows this person their Home, as it is now. Raises UpstreamError(SLACK)."""
    await _show(services, who, await _known(services))


async def changed(services: Services, who: str) -> None:
    """Shows it anew after something this person did, if they have it open. Raises UpstreamError(SLACK)."""
    if await services.store.home_is_open(who, services.now() - OPEN_FOR):
        await opened(services, who)


async def refresh(services: Services) -> None:
    """Shows what has changed to those who may be looking, some at a time, in one process at a time.

    Raises UpstreamError(SLACK) when Slack takes no more; whoever is left has their turn in a later round.
    """
    glance, now = services.glance, services.now()
    if glance.round_at is not None and abs(now - glance.round_at) < APART:
        return
    glance.round_at = now
    if not await _behind(services) or not await services.store.lease("homes", services.owner, now, LEASE):
        return
    try:
        known = await _known(services)
        for who in await _behind(services):  # another process may have been faster
            await _show_or_forget(services, who, known)
    finally:
        await services.store.release("homes", services.owner)


async def _behind(services: Services) -> list[str]:
    now = services.now()
    head, _ = await services.store.head()
    return await services.store.homes_behind(now - OPEN_FOR, head, now - OLD, AT_ONCE)


async def _show_or_forget(services: Services, who: str, known: _Known) -> None:
    """One person's account that is closed must not keep the others' homes as they are."""
    try:
        await _show(services, who, known)
    except UpstreamError as error:
        if error.kind is not Kind.REFUSED:
            raise
        log.info("home.forgotten", user=who, code=error.code, reference=error.reference)
        await services.store.forget_home(who)


async def _show(services: Services, who: str, known: _Known) -> None:
    view = await _view(services, who, known)
    await services.messenger.publish(who, view)
    with contextlib.suppress(TrailUnwritableError):  # it is shown; only a later round will not know that
        await services.store.home_shown(who, known.head, services.now())


async def _view(services: Services, who: str, known: _Known) -> dict[str, Any]:
    decisions = await _decisions(services, who, known.pending)
    try:
        await rights.demand_command(services, who)
    except Refused as no:
        return words.closed(decisions) if rights.known_command(services, who) is False else words.sentence(no.sentence)
    return words.home(decisions, await _asked(services, who), known.around)


# ---------------------------------------------------------------- what concerns this person


class _Part(StrEnum):
    """What a person has to do with a pending request."""

    DECIDES = "decides"
    VOTED = "voted"
    NONE = "none"
    UNKNOWN = "unknown"  # Slack does not tell


async def _decisions(services: Services, who: str, pending: Sequence[Sequence[RetryRequest]]) -> Decisions:
    mine: list[Sequence[RetryRequest]] = []
    voted = doubts = 0
    for requests in pending[:JUDGED]:
        found = {await _part(services, who, request) for request in requests}
        if _Part.DECIDES in found:
            mine.append(requests)
        elif _Part.VOTED in found:
            voted += 1
        doubts += _Part.UNKNOWN in found
        if doubts >= DOUBTS:
            break
    first = mine[: words.DECISIONS]
    addresses = await _addresses(services, [requests[0].card_id for requests in first])
    shown = [_decision(services, requests, addresses) for requests in first]
    return Decisions(shown, len(mine), voted, unsure=doubts > 0, cut=len(pending) > JUDGED)


async def _part(services: Services, who: str, request: RetryRequest) -> _Part:
    if any(vote.voter == who for vote in request.votes):
        return _Part.VOTED
    is_now = await rights.standing_of(services, who, request)
    if is_now is Standing.UNKNOWN:
        return _Part.UNKNOWN
    try:
        approvals.step(request, Approve(who, is_now, "…"), services.policy(request), services.now())
    except Refused:
        return _Part.NONE
    return _Part.DECIDES


def _decision(services: Services, requests: Sequence[RetryRequest], addresses: Mapping[int, str]) -> Decision:
    asked = [approvals.demanded(request, services.policy(request)) for request in requests]
    return Decision(requests, functools.reduce(terms.stricter, asked), addresses.get(requests[0].card_id, ""))


async def _asked(services: Services, who: str) -> list[Asked]:
    requests = await services.store.asked_by(who, words.MINE)
    addresses = await _addresses(services, [request.card_id for request in requests])
    return [Asked(await _members(services, one), addresses.get(one.card_id, "")) for one in requests]


async def _members(services: Services, request: RetryRequest) -> Sequence[RetryRequest]:
    return await services.store.members(request.id) if request.bulk else [request]


async def _addresses(services: Services, card_ids: Sequence[int]) -> dict[int, str]:
    """As Slack forms them: asking for each of them each time would be too much."""
    places = await services.store.card_places(card_ids)
    return {card_id: services.people.address_of(place) for card_id, place in places.items()}


# ---------------------------------------------------------------- what is the same for everybody


async def _known(services: Services) -> _Known:
    """The trail's head first: what happens while the rest is read is shown again in the next round."""
    head, _ = await services.store.head()
    pending = await services.store.requests_in({State.PENDING})
    worst = await _ranking(services)
    around = Surroundings(
        at=services.now(),
        ranking=worst,
        retries=await _retries(services, worst),
        coming=await _coming(services),
        health=overview.health(services),
        collected_at=await services.store.collected_at(),
        inventory_at=await services.store.inventory_at(),
    )
    return _Known(head, _by_card(pending), around)


def _by_card(requests: Iterable[RetryRequest]) -> list[list[RetryRequest]]:
    cards: dict[int, list[RetryRequest]] = {}
    for request in requests:
        cards.setdefault(request.card_id, []).append(request)
    return list(cards.values())


async def _coming(services: Services) -> list[Coming]:
    now = services.now()
    running = [plan for plan in await plans.every(services) if not plan.paused]
    refused = {name: refusal.since for name, refusal in (await services.store.digest_refusals()).items()}
    coming = [Coming(plan.name, plan.channel, digests.next_slot(plan, now), refused.get(plan.name)) for plan in running]
    return sorted(coming, key=lambda one: (one.refused_since is None, one.next_at))


# ---------------------------------------------------------------- what fails most


async def _ranking(services: Services) -> Ranking:
    """Dear where the history is long, so kept for a while, and found once for all who open theirs at the same time."""
    glance, now = services.glance, services.now()
    silences = await services.store.silences_on(now)
    if glance.ranked_at is not None and abs(now - glance.ranked_at) < KEPT and glance.silences == silences:
        return glance.ranking
    found: Ranking = await services.flights.share("home ranking", lambda: _rank(services, silences))
    return found


async def _rank(services: Services, silences: tuple[Silence, ...]) -> Ranking:
    now, upto = services.now(), await services.store.newest_attempt()
    found = await services.store.standings(upto, now, upto, now - digest.FORGOTTEN)
    clients = await _clients(services, found) if any(one.client for one in silences) else {}

    def rank() -> Ranking:
        silencer = Silencer(silences, now)
        return ranking(found, words.WORST, {one.subject for one in found if _silenced(silencer, one, clients)})

    glance, worst = services.glance, await asyncio.to_thread(rank)
    glance.ranking, glance.silences, glance.ranked_at = worst, silences, now
    return worst


def _silenced(silencer: Silencer, one: Stands, clients: Mapping[str, str]) -> bool:
    client = clients.get(one.device, "")
    return silencer.of(one.application, one.status, client, one.to_version) is not None


async def _clients(services: Services, found: Iterable[Stands]) -> dict[str, str]:
    """The client of each device that is known to N-sight, by ESET's uuid."""
    uuids = {one.device for one in found if one.device}
    devices = await digest.known_devices(services, await services.store.eset_names(uuids), uuids)
    return {uuid: device.client for uuid, device in devices.items()}


async def _retries(services: Services, worst: Ranking) -> list[str]:
    """The tokens behind the buttons of the first ones, as many as the database takes. While what one is about stays
    the same, its token does for a day, however often Homes are shown."""
    now, before = services.now(), services.glance.retries
    kept: dict[tuple[date, Ranked], str] = {}
    with contextlib.suppress(TrailUnwritableError):
        for one in worst.worst[: words.RETRIES]:
            key = (now.date(), one)
            kept[key] = before.get(key) or await services.store.remember(digest.GROUP, _group(one), now, PATIENCE)
    services.glance.retries = kept
    return list(kept.values())


def _group(one: Ranked) -> dict[str, JSON]:
    """What the form of a digest's Retry… button wants to know."""
    return {
        "developer": one.developer,
        "application": one.application,
        "from_version": one.from_version,
        "to_version": one.to_version,
        "since": one.since.isoformat(),
        "subjects": list(one.subjects),
        "count": one.devices + one.unplaced,
    }
