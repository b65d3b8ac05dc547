"""When a digest is posted, where, and what is on record of it."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable

import structlog

from bot import digests
from bot.blocks import digest as words
from bot.blocks import help as pages
from bot.blocks import plans as words_of_plans
from bot.digests import Digest, DigestPlan, Due, Group
from bot.errors import Kind, Refused, Service, TrailUnwritableError, UnreadableError, UpstreamError
from bot.flows import cards, forms, plans
from bot.flows.digest import files
from bot.flows.digest.gather import LIST, SETTLED, Gathered, gather, remembered
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.markup import folded
from bot.model import Message, Posted
from bot.store import JSON, Entry, Mark, Note, Told

log = structlog.get_logger()

GROUP = "digest.group"
LEASE = 600.0  # seconds: collecting may take four minutes
LINK_PATIENCE = 3.0  # seconds: a number without a link is better than a digest that is late


# ---------------------------------------------------------------- on schedule


async def post_if_due(services: Services, plan: DigestPlan) -> None:
    """Posts the plan's newest slot when it is due and nobody else does.

    Raises UpstreamError(SLACK), UpstreamError(ESET) when the bot is stopping, Refused when another process took over.
    """
    mark = await services.store.digest_mark(plan.name)
    due = digests.due(plan, mark.slot, services.now()) if mark else None
    if mark is None or due is None:
        return
    if not await _claim(services, plan, due):
        return
    try:
        gathered = await gather(services, plan, due, due.slot - SETTLED)
        told = await _post_slot(services, gathered)
    except BaseException as error:
        await services.store.free_digest(plan.name, services.owner)
        if isinstance(error, UpstreamError) and error.service is Service.SLACK and error.kind is Kind.REFUSED:
            await _tell_refused(services, plan, error.code)
        raise
    await _mark(services, gathered, told)
    if told is not None:
        await cards.say(services, told.place)
        await files.deliver(services)


async def _tell_refused(services: Services, plan: DigestPlan, code: str) -> None:
    """To whoever subscribed, else to the approvals channel, once until a digest is posted again."""
    now, to = services.now(), plan.made_by or services.config.approvals.channel or ""
    note = Note(f"digest:{plan.name}:refused:{now.isoformat()}", 0, to, words_of_plans.unposted(plan, code))
    facts: dict[str, JSON] = {"plan": plan.name, "channel": plan.channel, "code": code, "told": to}
    entry = Entry(now, "bot", "digest.refused", f"digest:{plan.name}", facts)
    if await services.store.digest_refused(plan.name, code, entry, [note] if to and to != plan.channel else []):
        log.error("digest.refused", plan=plan.name, channel=plan.channel, code=code)


async def _claim(services: Services, plan: DigestPlan, due: Due) -> bool:
    return await services.store.claim_digest(plan.name, due.slot, services.owner, services.now(), LEASE)


async def _post_slot(services: Services, gathered: Gathered) -> Told | None:
    """None when there is nothing to tell. A digest that cannot know is told, also by a plan that is silent if empty."""
    plan, due = gathered.plan, gathered.due
    if gathered.digest.empty and not plan.post_when_empty:
        return None
    links = await _links(services, gathered.digest)
    message = await _message(services, gathered, links)
    if not await _claim(services, plan, due):  # ESET or this machine took longer than the claim lasts
        raise Refused(f"Another process has taken over the digest {plan.name}.")
    place = await _put(services, plan, message)
    return Told(place, await _thread(gathered, place, links), files.owed(gathered, place))


async def _put(services: Services, plan: DigestPlan, message: Message) -> Posted:
    """Edits the plan's last digest if it asks for that and nothing was posted below it; else posts a new message."""
    last = await _newest(services, plan) if plan.update else None
    if last is not None:
        try:
            await services.messenger.update(last, message)
        except UpstreamError as error:
            if error.code not in cards.GONE:
                raise
        else:
            return last
    return await services.messenger.post(plan.channel, message)


async def _newest(services: Services, plan: DigestPlan) -> Posted | None:
    """Where the plan's last digest stands, if that is the newest message of its channel as far as the bot may know."""
    last, now, asked = await services.store.digest_place(plan.name), services.now(), f"history of {plan.channel}"
    if last is None or last.channel != plan.channel or services.lacking.told(asked, now):
        return None
    try:
        return last if await services.messenger.newest(plan.channel) == last.ts else None
    except UpstreamError as error:
        if error.kind is Kind.FORBIDDEN:
            services.lacking.note(asked, now)
        log.warning("digest.newest_unknown", plan=plan.name, code=error.code, reference=error.reference)
        return None


async def _thread(gathered: Gathered, place: Posted, links: dict[int, str]) -> list[Note]:
    """What goes below the digest. One that has nothing new is a line, and that is all."""
    key = f"digest:{gathered.plan.name}:{gathered.due.slot.isoformat()}"
    return [
        Note(f"{key}:{number}", 0, place.channel, message, thread=place.ts)
        for number, message in enumerate(await _details(gathered, links))
    ]


async def _details(gathered: Gathered, links: dict[int, str]) -> tuple[Message, ...]:
    if gathered.digest.quiet:
        return ()
    return await asyncio.to_thread(words.thread, gathered.digest, gathered.plan, links)


async def _mark(services: Services, gathered: Gathered, told: Told | None) -> None:
    plan, due, digest = gathered.plan, gathered.due, gathered.digest
    facts: dict[str, JSON] = {"plan": plan.name, "slot": due.slot.isoformat(), "missed": due.missed, **_facts(digest)}
    action = "digest.post" if told else "digest.skip"
    entry = Entry(services.now(), "bot", action, f"digest:{plan.name}", facts)
    mark = Mark(due.slot, gathered.reach.upto)
    await _insist(plan, lambda: services.store.digest_posted(plan.name, mark, told, entry, memory=gathered.memory))
    if told:
        services.metrics.digests.labels(str(due.late).lower()).inc()
    event = "digest.posted" if told else "digest.skipped"
    log.info(event, plan=plan.name, slot=due.slot.isoformat(), late=due.late, **_facts(digest))


def _facts(digest: Digest) -> dict[str, JSON]:
    told = {"new": digest.new, "still": digest.still, "recovered": digest.recovered}
    return {"failed": digest.failed, **{name: len(some) for name, some in told.items()}}


async def _insist(plan: DigestPlan, write: Callable[[], Awaitable[None]]) -> None:
    """Writes, trying again each second for as long as it takes: a posted slot that has no mark is posted again."""
    failed = False
    while True:
        try:
            await write()
        except (TrailUnwritableError, UnreadableError):
            if not failed:
                log.exception("digest.not_marked", plan=plan.name)
            failed = True
            await asyncio.sleep(1)
        else:
            return


# ---------------------------------------------------------------- by hand


async def post_now(services: Services, name: str, who: str, progress: Progress) -> Message:
    """``/patches digest now``: over what the next scheduled one would cover so far; the schedule stays as it is."""
    plan = await plans.named(services, name)
    await progress("⏳ Asking ESET…")
    now = services.now()
    gathered = await gather(services, plan, Due(now, 0, late=False), now)
    facts: dict[str, JSON] = {"plan": plan.name, **_facts(gathered.digest)}
    await services.store.append(Entry(services.now(), who, "digest.now", f"digest:{plan.name}", facts))
    links = await _links(services, gathered.digest)
    place = await services.messenger.post(plan.channel, await _message(services, gathered, links))
    for message in await _details(gathered, links):
        await services.messenger.post(place.channel, message, thread_ts=place.ts)
    await files.show(services, gathered, place)
    return pages.digest_posted(plan.name, plan.channel)


async def preview(services: Services, name: str) -> tuple[Message, ...]:
    """``digest NAME --dry-run``: the message as it would be posted, with no buttons, and what goes into its thread."""
    plan = await plans.named(services, name)
    now = services.now()
    gathered = await gather(services, plan, Due(now, 0, late=False), now)
    return words.render(gathered.digest, plan), *await _details(gathered, {})


# ---------------------------------------------------------------- the message


async def _message(services: Services, gathered: Gathered, links: dict[int, str]) -> Message:
    """With a token behind each button, from which what it is about is found again."""
    now, digest, groups = services.now(), gathered.digest, words.shown_groups(gathered.digest)
    tokens = [await services.store.remember(GROUP, _group(group, gathered), now) for group in groups]
    whole = await services.store.remember(LIST, remembered(gathered), now) if digest.new or digest.still else ""
    return await asyncio.to_thread(words.render, digest, gathered.plan, tokens, links, whole)


def _group(group: Group, gathered: Gathered) -> dict[str, JSON]:
    """What a group's buttons have to remember."""
    before = sorted({failure.standing.from_version for failure in group.failures})
    since = min((failure.standing.since for failure in group.failures), default=None)
    return {
        "developer": group.developer,
        "application": group.application,
        "from_version": before[0] if len(before) == 1 else "",
        "to_version": group.to_version,
        "since": since.isoformat() if since else "",
        "subjects": list(group.subjects),
        "count": group.count,
        "reasons": [status for status, _ in group.reasons],
        "clients": list(group.clients),
        "scope": _scope(group, gathered),
    }


def _scope(group: Group, gathered: Gathered) -> dict[str, JSON]:
    """What its plan asks for and groups by; how many of the digest's failures are that application's, and where."""
    plan, application = gathered.plan, folded(group.application)
    alike = [one for one in gathered.digest.groups if folded(one.application) == application]
    clients, reasons = Counter[str](), Counter[str]()
    for failure in (failure for one in alike for failure in one.failures):
        clients[failure.client] += failure.count
        reasons[failure.standing.status] += failure.count
    only: dict[str, JSON] = {"by": plan.group_by, "clients": list(plan.clients), "reasons": list(plan.reasons)}
    return {**only, "count": clients.total(), "by_client": dict(clients), "by_reason": dict(reasons)}


async def _links(services: Services, digest: Digest) -> dict[int, str]:
    """Where the requests that are named stand, as far as Slack tells it soon."""
    links: dict[int, str] = {}
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINK_PATIENCE):
            for number in words.named_requests(digest):
                links[number] = await cards.link_to(services, number)
    return links


async def open_retry(services: Services, token: str, press: forms.Press) -> None:
    """The form behind a group's Retry… button."""
    group = await services.store.recall(GROUP, token)
    if group is None:
        raise Refused("This digest is too old for its button. `/patches recent` shows what failed lately.")
    await forms.devices.from_digest(services, group, press)
