"""Digests: gather what was first seen since the last one, post it, and only then mark it as posted.

Killed between the post and the mark, a digest is posted again: at least once, and exactly once unless Slack's own
answer is lost.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot import commands, digests
from bot.blocks import digest as words
from bot.blocks import help as pages
from bot.blocks import text
from bot.digests import Digest, DigestPlan, Due
from bot.errors import Refused, TrailUnwritableError
from bot.flows import attempts, cards, forms
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Message, Posted
from bot.store import JSON, Entry, Mark, Seen

log = structlog.get_logger()

GROUP = "digest.group"
LEASE = 600.0  # seconds: collecting may take four minutes
LINK_PATIENCE = 3.0  # seconds: a number without a link is better than a digest that is late
SETTLED = timedelta(minutes=1)  # before a slot: what ended later may not be in the database yet, the next digest has it


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A digest of the attempts number ``after`` + 1 to ``upto``; ``after`` None: of those up to there that ended since
    the digest's time begins."""

    digest: Digest
    upto: int
    after: int | None


async def start(services: Services) -> None:
    """Gives plans never seen before their baseline: a fresh database posts nothing late."""
    for plan in services.config.digests:
        await services.store.start_digest(plan.name, services.now(), -1)


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
        gathered = await _gather(services, plan, due, due.slot - SETTLED)
        posted = await _post_slot(services, plan, due, gathered)
    except BaseException:
        await services.store.free_digest(plan.name, services.owner)
        raise
    await _mark(services, plan, due, gathered, posted)


async def _claim(services: Services, plan: DigestPlan, due: Due) -> bool:
    return await services.store.claim_digest(plan.name, due.slot, services.owner, services.now(), LEASE)


async def _post_slot(services: Services, plan: DigestPlan, due: Due, gathered: _Gathered) -> Posted | None:
    """None when there is nothing to tell. A digest that cannot know is told, also by a plan that is silent if empty."""
    digest = gathered.digest
    if not (digest.failed or digest.note or digest.retried or plan.post_when_empty):
        return None
    message = await _message(services, plan, gathered)
    if not await _claim(services, plan, due):  # ESET or this machine took longer than the claim lasts
        raise Refused(f"Another process has taken over the digest {plan.name}.")
    return await services.messenger.post(plan.channel, message)


async def _mark(services: Services, plan: DigestPlan, due: Due, gathered: _Gathered, posted: Posted | None) -> None:
    facts: dict[str, JSON] = {
        "plan": plan.name,
        "slot": due.slot.isoformat(),
        "failed": gathered.digest.failed,
        "missed": due.missed,
    }
    entry = Entry(services.now(), "bot", "digest.post", f"digest:{plan.name}", facts)
    await _insist(plan, lambda: services.store.digest_posted(plan.name, due.slot, gathered.upto, posted, entry))
    services.metrics.digests.labels(str(due.late).lower()).inc()
    log.info("digest.posted", plan=plan.name, slot=due.slot.isoformat(), late=due.late, failed=gathered.digest.failed)


async def _insist(plan: DigestPlan, write: Callable[[], Awaitable[None]]) -> None:
    """Writes, trying again each second for as long as it takes: a posted slot that has no mark is posted again."""
    failed = False
    while True:
        try:
            await write()
        except TrailUnwritableError:
            if not failed:
                log.exception("digest.not_marked", plan=plan.name)
            failed = True
            await asyncio.sleep(1)
        else:
            return


async def post_now(services: Services, name: str, who: str, progress: Progress) -> Message:
    """``/patches digest now``: over what the next scheduled one would cover so far; the schedule stays as it is."""
    plan = plan_named(services, name)
    await progress("⏳ Asking ESET…")
    now = services.now()
    gathered = await _gather(services, plan, Due(now, 0, late=False), now)
    facts: dict[str, JSON] = {"plan": plan.name, "failed": gathered.digest.failed}
    await services.store.append(Entry(services.now(), who, "digest.now", f"digest:{plan.name}", facts))
    await services.messenger.post(plan.channel, await _message(services, plan, gathered))
    return pages.digest_posted(plan.name, plan.channel)


async def preview(services: Services, name: str) -> Message:
    """``digest NAME --dry-run``: the message as it would be posted, with no buttons."""
    plan = plan_named(services, name)
    now = services.now()
    gathered = await _gather(services, plan, Due(now, 0, late=False), now)
    return words.render(gathered.digest, plan)


def plan_named(services: Services, name: str) -> DigestPlan:
    """Raises Refused with the names there are."""
    plans = {plan.name: plan for plan in services.config.digests}
    return plans[commands.match_plan(name, list(plans))]


async def _gather(services: Services, plan: DigestPlan, due: Due, ended: datetime) -> _Gathered:
    """Collects first, so that a digest is not as old as the last poll; when ESET cannot be asked, it says so.
    ``ended``: retries are told that had ended by then."""
    trouble = await attempts.collect(services)
    upto = await services.store.newest_attempt()
    mark = await services.store.digest_mark(plan.name)
    seen, since = await _reach(services, plan, mark, due.slot, upto)
    note = f"{trouble} {await _freshness(services)}" if trouble else None
    told = [one.attempt for one in seen]
    retried = await _retried(services, since, ended)
    digest = await asyncio.to_thread(digests.build, plan.name, told, due, since=since, note=note, retried=retried)
    return _Gathered(digest, upto, mark.upto if mark is not None and mark.posted else None)


async def _retried(services: Services, since: datetime, upto: datetime) -> digests.Retried:
    """No digest that has some of these is silent, so people have seen all up to ``since``."""
    ended = await services.store.ended(since - SETTLED, upto, digests.RECOVERED | digests.FAILED_AGAIN)
    return digests.retried((one.card_id, one.fate, one.patches) for one in ended)


async def _reach(
    services: Services, plan: DigestPlan, mark: Mark | None, slot: datetime, upto: int
) -> tuple[list[Seen], datetime]:
    """What was first seen since the last digest; for a plan's first one, what ended within its window, or within
    that of the first slot that it missed."""
    if mark is not None and mark.posted:
        return await services.store.attempts_between(mark.upto, upto), mark.slot
    first = min(slot, digests.next_slot(plan, mark.slot)) if mark is not None else slot
    since = first - plan.window
    return await services.store.attempts_ended_since(since, upto), since


async def _freshness(services: Services) -> str:
    at = await services.store.collected_at()
    return f"Attempts were last collected {text.when(at)}." if at else "Nothing was collected yet."


async def _message(services: Services, plan: DigestPlan, gathered: _Gathered) -> Message:
    """With a token behind each button, from which its attempts are found again."""
    digest, tokens = gathered.digest, []
    since = digest.since or digest.slot
    for group in words.shown_groups(digest):
        key = (group.developer, group.application, group.to_version)
        data = forms.group_data(key, gathered.after, since, gathered.upto)
        tokens.append(await services.store.remember(GROUP, data, services.now()))
    return words.render(digest, plan, tokens, await _links(services, digest))


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
