"""ESET's attempts: collected now and then so that none is forgotten, and asked for when somebody wants to see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.errors import STOPPING, TrailUnwritableError, UpstreamError
from bot.flows import sightings
from bot.flows.services import Services
from bot.model import Listing

log = structlog.get_logger()

REUSED = timedelta(seconds=60)
LEASE = 300.0  # seconds: longer than ESET's answer may take


async def collect_if_due(services: Services) -> None:
    """The scheduler's poll: every ``eset.every``, by one process. Raises UpstreamError(ESET)."""
    every, now = services.config.eset.every, services.now()
    if every is None:
        return
    at = await services.store.collected_at()
    if at is not None and now - at < every:
        return
    if not await services.store.lease("collect", services.owner, now, LEASE):
        return
    try:
        await _collect(services)
    finally:
        await services.store.release("collect", services.owner)
    await sightings.collect(services)


async def collect(services: Services) -> str | None:
    """Asks ESET and records what is final, whether or not another process is at it: recording twice adds nothing.

    Returns the sentence that says why it failed, None when it did not. Raises UpstreamError(ESET) when the bot is
    stopping: that says nothing about ESET, and the next process can ask it.
    """
    try:
        await _collect(services)
    except UpstreamError as error:
        if error.code == STOPPING:
            raise
        services.metrics.failures.labels(error.service, error.kind).inc()
        return error.sentence
    return None


async def caught_up(services: Services) -> str | None:
    """As ``collect``, unless that is less than a minute ago. For a read, which goes on whatever is told."""
    at = await services.store.collected_at()
    if at is not None and services.now() - at <= REUSED:
        return None
    try:
        return await collect(services)
    except TrailUnwritableError:
        return "The bot's database cannot be written."


async def _collect(services: Services) -> None:
    """Callers at the same time share one collection."""
    await services.flights.share("collect", lambda: _collect_alone(services))


async def _collect_alone(services: Services) -> None:
    listing = await services.eset.recent()
    new = await services.store.record_attempts(listing.attempts, services.now())
    services.metrics.collected.inc(new)
    log.info("attempts.collected", listed=len(listing.attempts), new=new, unreadable=listing.unreadable)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """ESET's list as it was ``taken_at``. ``id``: where it is kept for an hour, empty when it could not be kept."""

    id: str
    taken_at: datetime
    listing: Listing


async def snapshot(services: Services) -> Snapshot:
    """ESET's list, at most a minute old; callers at the same time share it. Raises UpstreamError(ESET)."""
    taken: Snapshot = await services.flights.share("snapshot", lambda: _snapshot_alone(services))
    return taken


async def _snapshot_alone(services: Services) -> Snapshot:
    known = await services.store.latest_snapshot(services.now() - REUSED)
    kept = await services.store.snapshot(known) if known else None
    if known and kept:
        return Snapshot(known, *kept)
    listing = await services.eset.recent()
    now = services.now()
    try:
        kept_as = await services.store.save_snapshot(now, listing)
    except TrailUnwritableError:
        kept_as = ""  # a list is a read: it is shown all the same
    return Snapshot(kept_as, now, listing)
