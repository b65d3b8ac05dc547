"""Which digests there are: those of patches.toml, and those that people subscribed to in Slack."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from bot import commands, digests
from bot.blocks import plans as words
from bot.blocks.plans import Coming
from bot.commands import DigestAdd
from bot.digests import DigestPlan
from bot.errors import Refused, UpstreamError
from bot.flows import cards, rights
from bot.flows.services import Services
from bot.markup import folded
from bot.model import Message, Posted
from bot.store import JSON, Entry, Note, Refusal
from bot.terms import like

log = structlog.get_logger()

MOST, MOST_IN_CHANNEL = 100, 10  # subscriptions


async def every(services: Services) -> tuple[DigestPlan, ...]:
    """The file's, then the subscriptions. One with the name of one of the file's is left out: the file wins."""
    own = services.config.digests
    return (*own, *beside(own, await services.store.subscriptions()))


def beside(own: Iterable[DigestPlan], stored: Iterable[DigestPlan]) -> tuple[DigestPlan, ...]:
    """The stored ones that have no name of one of the file's ``own``."""
    names = {folded(plan.name) for plan in own}
    return tuple(plan for plan in stored if folded(plan.name) not in names)


async def start(services: Services) -> None:
    """Gives the file's plans never seen before their baseline: a fresh database posts nothing late."""
    for plan in services.config.digests:
        await services.store.start_digest(plan.name, services.now(), -1)
    stored = await services.store.subscriptions()
    if hidden := [plan.name for plan in stored if plan not in beside(services.config.digests, stored)]:
        log.warning("digest.hidden", plans=hidden)


async def named(services: Services, name: str) -> DigestPlan:
    """Raises Refused with the names there are."""
    plans = {plan.name: plan for plan in await every(services)}
    return plans[commands.match_plan(name, list(plans))]


async def listed(services: Services, name: str, channel: str) -> Message:
    """``/patches digest list``: those whose name is ``name`` or fits it, this channel's own first. Raises Refused when
    there is none."""
    own, stored = services.config.digests, await services.store.subscriptions()
    posted = beside(own, stored)
    found = [plan for plan in (*own, *posted) if like(plan.name, name)]
    if name and not found:
        commands.match_plan(name, [plan.name for plan in (*own, *posted)], "")
    found.sort(key=lambda plan: plan.channel != channel)
    hidden = [plan for plan in stored if plan not in posted and like(plan.name, name)]
    refusals = await services.store.digest_refusals()
    return words.listed([await _coming(services, plan, refusals) for plan in found], hidden)


async def _coming(services: Services, plan: DigestPlan, refusals: Mapping[str, Refusal]) -> Coming:
    mark, refusal = await services.store.digest_mark(plan.name), refusals.get(plan.name)
    last_at = mark.since if mark and mark.posted else None
    refused = (refusal.code, refusal.since) if refusal else None
    return Coming(plan, digests.next_slot(plan, services.now()), last_at, refused)


# ---------------------------------------------------------------- subscriptions


async def subscribe(services: Services, wish: DigestAdd, who: str, channel: str) -> Message:
    """A digest for the channel in which it was typed.

    Raises Refused when ``who`` may not, when the plan cannot be, or the bot cannot post there; UpstreamError(SLACK)
    when Slack does not tell of the channel; TrailUnwritableError.
    """
    await rights.demand_digests(services, who)
    plan = _plan(wish, who, channel)
    await _demand_free(services, plan)
    await _demand_room(services, channel)
    doubts = await _doubts(services, plan)
    now = services.now()
    coming = Coming(plan, digests.next_slot(plan, now))
    entry = Entry(now, who, "digest.subscribe", _subject(plan), _facts(plan))
    if not await services.store.subscribe(plan, entry, _notes(plan, entry, words.new_here(coming, who))):
        raise Refused(words.taken(plan.name))
    log.info("digest.subscribed", plan=plan.name, who=who, channel=channel)
    await _tell(services, plan)
    return words.subscribed(coming, doubts)


def _notes(plan: DigestPlan, entry: Entry, message: Message) -> list[Note]:
    """A digest is its channel's, and whoever subscribed to it hears what somebody else does to it."""
    key = f"{entry.action}:{plan.name}:{entry.at.isoformat()}"
    hearers = dict.fromkeys([plan.channel, plan.made_by])
    return [Note(f"{key}:{to}", 0, to, message) for to in hearers if to not in {"", entry.actor}]


async def _tell(services: Services, plan: DigestPlan) -> None:
    for to in (plan.channel, plan.made_by):
        await cards.say(services, Posted(to, ""))


def _plan(wish: DigestAdd, who: str, channel: str) -> DigestPlan:
    return DigestPlan(
        wish.name,
        channel,
        wish.cron,
        wish.timezone,
        group_by=wish.by,
        clients=wish.clients,
        applications=wish.applications,
        kind=wish.kind,
        picture=wish.picture,
        made_by=who,
    )


async def _demand_free(services: Services, plan: DigestPlan) -> None:
    stored = await services.store.subscriptions()
    if folded(plan.name) in {folded(other.name) for other in (*services.config.digests, *stored)}:
        raise Refused(words.taken(plan.name))
    if len(stored) >= MOST:
        raise Refused(f"There are {MOST} subscriptions already, and that is the most there can be. Nothing was done.")
    if sum(other.channel == plan.channel for other in stored) >= MOST_IN_CHANNEL:
        full = f"This channel has {MOST_IN_CHANNEL} subscriptions already, and that is the most that one can have."
        raise Refused(f"{full} `/patches digest remove NAME` ends one. Nothing was done.")


async def _demand_room(services: Services, channel: str) -> None:
    """Where the bot cannot post, nobody would ever see the digest, nor why it does not come."""
    if channel[:1] not in {"C", "G"}:
        raise Refused("A digest needs a channel: type this in the one that is to have it. Nothing was done.")
    try:
        room = await services.people.room(channel)
    except UpstreamError as error:
        if error.code != "channel_not_found":  # what Slack says of a private channel without the bot
            raise
        room = None
    if room is None or not room.member:
        raise Refused("The bot is not in this channel: type `/invite @Patches`, then this again. Nothing was done.")


async def _doubts(services: Services, plan: DigestPlan) -> list[str]:
    """Raises Refused when a name was likely mistyped."""
    clients = [client.name for client in await services.store.clients()]
    applications = await services.store.applications()
    doubts = [commands.doubt("application", one, applications) for one in plan.applications]
    return [*doubts, *(commands.doubt("client", one, clients) for one in plan.clients)]


async def unsubscribe(services: Services, name: str, who: str) -> Message:
    """Raises Refused, TrailUnwritableError."""
    await rights.demand_digests(services, who)
    plan = await _subscribed(services, name)
    instead = _of_file(services, name)
    entry = Entry(services.now(), who, "digest.unsubscribe", _subject(plan), _facts(plan))
    notes = _notes(plan, entry, words.ended_here(plan, who))
    goes_on = instead is not None and instead.name == plan.name
    if not await services.store.unsubscribe(plan.name, entry, notes, instead=goes_on):
        raise Refused(words.unknown(name))
    log.info("digest.unsubscribed", plan=plan.name, who=who)
    await _tell(services, plan)
    return words.removed(plan, instead=instead is not None)


async def pause(services: Services, name: str, who: str, *, paused: bool) -> Message:
    """Pauses, or lets go on. Raises Refused, TrailUnwritableError."""
    await rights.demand_digests(services, who)
    plan = await _subscribed(services, name)
    action = "digest.pause" if paused else "digest.resume"
    now = services.now()
    entry = Entry(now, who, action, _subject(plan), {"plan": plan.name})
    coming = Coming(replace(plan, paused=paused), digests.next_slot(plan, now))
    notes = _notes(plan, entry, words.paused_here(coming, who))
    if not await services.store.pause_subscription(plan.name, entry, notes, paused=paused):
        return words.unchanged(coming)
    log.info(action, plan=plan.name, who=who)
    await _tell(services, plan)
    return words.paused(plan) if paused else words.resumed(coming)


async def _subscribed(services: Services, name: str) -> DigestPlan:
    """The subscription of this name, also one that the file hides."""
    stored = {plan.name: plan for plan in await services.store.subscriptions()}
    for plan in stored.values():
        if folded(plan.name) == folded(name):
            return plan
    if fixed := _of_file(services, name):
        raise Refused(words.fixed(fixed))
    if not stored:
        raise Refused(words.unknown(name))
    return stored[commands.match_plan(name, list(stored), "Nothing was done.")]


def _of_file(services: Services, name: str) -> DigestPlan | None:
    return next((plan for plan in services.config.digests if folded(plan.name) == folded(name)), None)


def _subject(plan: DigestPlan) -> str:
    return f"digest:{plan.name}"


def _facts(plan: DigestPlan) -> dict[str, JSON]:
    """What the audit trail tells of a subscription."""
    facts: dict[str, JSON] = {
        "channel": plan.channel,
        "cron": plan.cron,
        "timezone": plan.timezone,
        "group_by": plan.group_by,
        "clients": plan.clients,
        "applications": plan.applications,
        "kind": plan.kind,
        "picture": plan.picture,
    }
    return {key: value for key, value in facts.items() if value}
