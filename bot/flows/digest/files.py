"""A digest's files: the whole list as CSV, and the picture of the last weeks.

What a digest owes its thread is on record with its mark. Whoever finds it there first brings it, by making the digest
anew; a file that cannot come is told in the thread in one sentence and given up.
"""

import asyncio
import contextlib
import secrets
from datetime import timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from bot import pictures
from bot.blocks import digest as words
from bot.blocks import digest_files
from bot.clients.flights import Grounded
from bot.digests import DigestPlan, listing
from bot.errors import Kind, Refused, UpstreamError
from bot.flows import plans
from bot.flows.digest import scope
from bot.flows.digest.gather import LIST, Gathered, anew, remembered
from bot.flows.handing import hand
from bot.flows.services import Services
from bot.model import File, Message, Posted
from bot.store import JSON, Entry

log = structlog.get_logger()

KEPT = timedelta(hours=6)  # after which a file that is owed would surprise more than it tells
AGAIN = 60.0  # seconds: who presses twice wants one list
LEASE = 300.0  # seconds: longer than making and uploading two files may take
SCOPE = "files:write"
PICTURE, LISTED = "picture", "list"  # kinds of files, in the order in which they come
PASSING = frozenset({Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.THROTTLED, Kind.DOWN})


def owed(gathered: Gathered, place: Posted) -> JSON:
    """What has to be kept for ``deliver``; None when the digest has no files."""
    if not _has_files(gathered):
        return None
    return {**remembered(gathered), "channel": place.channel, "ts": place.ts}


def _has_files(gathered: Gathered) -> bool:
    digest = gathered.digest
    return not digest.quiet and (_pictured(gathered.plan) or words.long(digest))


def _pictured(plan: DigestPlan) -> bool:
    """Beside failures of some reasons there are no successes to be shown."""
    return bool(plan.picture) and not plan.reasons


async def deliver(services: Services) -> None:
    """Brings every file that is owed into its thread. Raises UpstreamError(SLACK) when Slack cannot take one now; the
    files of other digests come all the same."""
    trouble: UpstreamError | None = None
    with contextlib.suppress(Grounded):  # the bot is stopping
        for token in await services.store.digest_files(services.now() - KEPT):
            try:
                await services.flights.share(("digest files", token), partial(_bring_once, services, token))
            except UpstreamError as error:
                trouble = error
    if trouble is not None:
        raise trouble


async def _bring_once(services: Services, token: str) -> None:
    """By one process, and within it by one job."""
    store, lease = services.store, f"digest files {token}"
    if not await store.lease(lease, services.owner, services.now(), LEASE):
        return
    try:
        kept = (await store.digest_files(services.now() - KEPT)).get(token)
        if kept is not None:  # else another has just brought them
            await _bring(services, token, kept)
            await store.digest_files_done(token)
    finally:
        await store.release(lease, services.owner)


async def _bring(services: Services, token: str, kept: dict[str, Any]) -> None:
    """What was brought is noted file by file: one that comes later does not bring the others again."""
    plan = {plan.name: plan for plan in await plans.every(services)}.get(kept["plan"])
    if plan is None:
        return
    gathered, place = await anew(services, plan, kept), Posted(kept["channel"], kept["ts"])
    done = list(kept.get("done", ()))
    for kind in _kinds(gathered):
        if kind not in done:
            await _show(services, gathered, place, kind)
            done.append(kind)
            await services.store.digest_files_left(token, {**kept, "done": done})


async def show(services: Services, gathered: Gathered, place: Posted) -> None:
    """Uploads the files into the digest's thread. Raises UpstreamError(SLACK) when Slack cannot take one now."""
    for kind in _kinds(gathered) if _has_files(gathered) else ():
        await _show(services, gathered, place, kind)


def _kinds(gathered: Gathered) -> list[str]:
    return ([PICTURE] if _pictured(gathered.plan) else []) + ([LISTED] if words.long(gathered.digest) else [])


async def _show(services: Services, gathered: Gathered, place: Posted, kind: str) -> None:
    if services.lacking.told(SCOPE, services.now()):
        return
    file = await (_picture(services, gathered.plan, gathered) if kind == PICTURE else _list(gathered))
    if file is None:
        return
    try:
        await services.messenger.upload(place.channel, file, thread_ts=place.ts)
    except UpstreamError as error:
        if error.kind in PASSING:
            raise
        if error.kind is Kind.FORBIDDEN:
            services.lacking.note(SCOPE, services.now())
            log.warning("digest.files_forbidden", plan=gathered.plan.name, scope=SCOPE, reference=error.reference)
            return
        await _regret(services, place, digest_files.missing(file, error.sentence))


async def _list(gathered: Gathered) -> File:
    content = await asyncio.to_thread(listing.csv, gathered.digest)
    return digest_files.whole_list(gathered.digest, content)


async def _picture(services: Services, plan: DigestPlan, gathered: Gathered) -> File | None:
    """None when there is nothing to see, or it cannot be drawn."""
    zone = ZoneInfo(plan.timezone)
    today = gathered.due.slot.astimezone(zone)
    first = today.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=plan.picture - 1)
    only = await scope.subjects(services, plan)
    days = await services.store.daily(first, gathered.due.slot, plan.timezone, only)
    if not pictures.tellable(days):
        return None
    try:
        drawn = await pictures.trend(days, today.date(), plan.picture)
    except Exception:  # a fault of a library's must not cost the list
        log.exception("digest.no_picture", plan=plan.name)
        return None
    return digest_files.picture(gathered.digest, plan, drawn.png, (drawn.title, drawn.alt))


async def _regret(services: Services, place: Posted, message: Message) -> None:
    try:
        await services.messenger.post(place.channel, message, thread_ts=place.ts)
    except UpstreamError as error:
        log.warning("digest.regret_untold", code=error.code, reference=error.reference)


# ---------------------------------------------------------------- for one person


async def hand_list(services: Services, token: str, who: str) -> Message:
    """The button for the whole list: sends it to whoever pressed, once a minute at most. Raises Refused,
    UpstreamError(SLACK), TrailUnwritableError."""
    kept = await services.store.recall(LIST, token)
    if kept is None:
        raise Refused("This digest is too old for its list. `/patches recent failed` shows what failed lately.")
    plan = {plan.name: plan for plan in await plans.every(services)}.get(kept["plan"])
    if plan is None:
        raise Refused("There is no such digest any more, so its list cannot be made. Nothing was sent.")
    lease, turn = f"digest list {token} {who}", secrets.token_hex(8)
    if not await services.store.lease(lease, turn, services.now(), AGAIN):
        return digest_files.just_sent()
    try:
        return await _hand(services, await anew(services, plan, kept), who)
    except BaseException:
        await services.store.release(lease, turn)
        raise


async def _hand(services: Services, gathered: Gathered, who: str) -> Message:
    file = await _list(gathered)
    plan, digest = gathered.plan.name, gathered.digest
    rows = len(digest.new) + len(digest.still) + len(digest.recovered)
    facts: dict[str, JSON] = {"plan": plan, "slot": gathered.due.slot.isoformat(), "rows": rows}
    await services.store.append(Entry(services.now(), who, "digest.list", f"digest:{plan}", facts))
    await hand(services, who, digest_files.handed(gathered.digest), file)
    return digest_files.sent()
