"""What a digest is made of: everything that is told of a plan's time, put together as of one attempt's number."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from bot import digests
from bot.blocks import text
from bot.digests import Digest, DigestPlan, Due, Failure, Totals
from bot.flows import attempts, sightings
from bot.flows.digest import enrich
from bot.flows.digest.enrich import Span
from bot.flows.services import Services
from bot.model import Result, Silence
from bot.store import JSON, Ended, Mark, Memory

LIST = "digest.list"  # what is kept behind a button for the whole list
SETTLED = timedelta(minutes=1)  # before a slot: what ended later may not be in the database yet, the next digest has it
FORGOTTEN = timedelta(days=30)  # what was not tried for so long is no longer told as failing
MOST_UNTOLD = 20_000  # attempts that a plan remembers to have left out, newest first
MOST_KEPT = 2_000  # of these behind a button
EVERY = digests.RECOVERED | digests.FAILED_AGAIN


@dataclass(frozen=True, slots=True)
class Reach:
    """What is fresh: attempts number ``after`` + 1 to ``upto``; ``after`` None: those up to there that ended ``since``
    then. Of retries, what ended from ``since`` to ``ended``, both a little earlier than the slots."""

    after: int | None
    since: datetime
    upto: int
    ended: datetime


@dataclass(frozen=True, slots=True)
class Gathered:
    """``at``: as of when silences count. ``memory``: for the next digest of the plan. ``before``: numbers of
    attempts that the digest before had left out."""

    plan: DigestPlan
    due: Due
    digest: Digest
    reach: Reach
    at: datetime
    memory: Memory
    before: tuple[int, ...]


async def gather(services: Services, plan: DigestPlan, due: Due, ended: datetime) -> Gathered:
    """Collects first, so that a digest is not as old as the last poll; when ESET cannot be asked, it says so.
    ``ended``: retries are told that had ended by then."""
    trouble = await attempts.collect(services)
    if not trouble:
        await sightings.catch_up(services)
    upto = await services.store.newest_attempt()
    mark = await services.store.digest_mark(plan.name)
    note = f"{trouble} {await _freshness(services)}" if trouble else ""
    reach = _reach(plan, mark, due.slot, upto, ended)
    memory = await services.store.digest_memory(plan.name)
    return await compose(services, plan, due, reach, at=services.now(), memory=memory, note=note)


async def compose(
    services: Services, plan: DigestPlan, due: Due, reach: Reach, *, at: datetime, memory: Memory, note: str = ""
) -> Gathered:
    """From the database alone. ``at``: as of when silences count. ``memory``: of the plan's digest before."""
    store, totals = services.store, _totals(await services.store.counts(reach.after, reach.since, reach.upto))
    span, where = Span(reach.since - SETTLED, reach.ended), (reach.after, reach.since, reach.upto)
    standings = await store.standings(*where, due.slot - FORGOTTEN, memory=memory)
    told = await enrich.failures(services, standings, span, await enrich.silencer(services, at))
    ended = await store.ended(span.after, span.upto, EVERY)
    retried = digests.retried((one.card_id, one.fate, 1) for one in _asked(plan, ended))
    known: dict[str, Any] = {"totals": totals, "since": reach.since, "note": note, "retried": retried}
    digest = await asyncio.to_thread(digests.build, plan, told, due, **known, first=reach.after is None)
    silences = _made_since(reach.since, at, await store.silences_since(reach.since))
    digest = replace(digest, silences=_at_work(plan, silences, told))
    rows = {one.standing.subject: one.standing.since for one in digests.withheld(plan, told)}
    untold = await store.left_out(*where, rows, untold=memory.untold)
    failing = frozenset(one.standing.subject for one in (*digest.new, *digest.still))
    return Gathered(plan, due, digest, reach, at, Memory(failing, untold[-MOST_UNTOLD:]), memory.untold)


def _made_since(since: datetime, at: datetime, silences: Iterable[Silence]) -> list[Silence]:
    return sorted((one for one in silences if since < one.made_at <= at), key=lambda one: one.id, reverse=True)


def _at_work(plan: DigestPlan, silences: Iterable[Silence], told: Iterable[Failure]) -> tuple[Silence, ...]:
    """Those that keep out something that the plan asks for."""
    ids = {one.silence for one in told if one.silence and digests.wanted(plan, one)}
    return tuple(one for one in silences if one.id in ids)


def _reach(plan: DigestPlan, mark: Mark | None, slot: datetime, upto: int, ended: datetime) -> Reach:
    """What was first seen since the last digest; for a plan's first one, what ended within its window, or within
    that of the first slot that it missed."""
    if mark is not None and mark.posted:
        return Reach(mark.upto, mark.since, upto, ended)
    first = min(slot, digests.next_slot(plan, mark.since)) if mark is not None else slot
    return Reach(None, first - plan.window, upto, ended)


def _asked(plan: DigestPlan, ended: Iterable[Ended]) -> list[Ended]:
    """Retries that the plan asks for. Whether a patch of N-sight's is one of the plan's applications nobody knows: a
    plan that names some tells of them beside its failures alone."""
    if plan.applications or plan.reasons:
        return []
    return [one for one in ended if digests.asks_of(plan, one.client, one.kind)]


def _totals(counts: dict[Result, int]) -> Totals:
    other = counts.get(Result.NOTHING, 0) + counts.get(Result.NEEDLESS, 0)
    return Totals(counts.get(Result.FAILED, 0), counts.get(Result.OK, 0), other)


async def _freshness(services: Services) -> str:
    at = await services.store.collected_at()
    return f"Attempts were last collected {text.when(at)}." if at else "Nothing was collected yet."


# ---------------------------------------------------------------- kept, to be made anew


def remembered(gathered: Gathered) -> dict[str, JSON]:
    """What ``anew`` makes the same digest from."""
    reach, slot = gathered.reach, gathered.due.slot
    return {
        "plan": gathered.plan.name,
        "slot": slot.isoformat(),
        "after": reach.after,
        "since": reach.since.isoformat(),
        "upto": reach.upto,
        "ended": reach.ended.isoformat(),
        "at": gathered.at.isoformat(),
        "untold": gathered.before[-MOST_KEPT:],
    }


async def anew(services: Services, plan: DigestPlan, kept: dict[str, Any]) -> Gathered:
    """The digest as of then, silences too, by what is known of its attempts' devices now."""
    since, ended = datetime.fromisoformat(kept["since"]), datetime.fromisoformat(kept["ended"])
    due = Due(datetime.fromisoformat(kept["slot"]), 0, late=False)
    reach = Reach(kept["after"], since, kept["upto"], ended)
    at, memory = datetime.fromisoformat(kept["at"]), Memory(untold=tuple(kept["untold"]))
    return await compose(services, plan, due, reach, at=at, memory=memory)
