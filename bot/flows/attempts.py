"""ESET's attempts: collected now and then so that none is forgotten, and asked for when somebody wants to see them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.errors import TrailUnwritableError, UpstreamError
from bot.flows.services import Services
from bot.model import Attempt

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


async def collect(services: Services) -> str | None:
    """Asks ESET and records what is final, whether or not another process is at it: recording twice adds nothing.

    Returns the sentence that says why it failed, None when it did not.
    """
    try:
        await _collect(services)
    except UpstreamError as error:
        services.metrics.failures.labels(error.service, error.kind).inc()
        return error.sentence
    return None


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
    """ESET's list as it was ``taken_at``. ``id``: where it is kept for an hour, empty when it could not be kept.
    ``unreadable``: how many rows of it made no sense."""

    id: str
    taken_at: datetime
    listed: list[Attempt]
    unreadable: int = 0


async def snapshot(services: Services) -> Snapshot:
    """ESET's list, at most a minute old. Raises UpstreamError(ESET)."""
    known = await services.store.latest_snapshot(services.now() - REUSED)
    kept = await services.store.snapshot(known) if known else None
    if known and kept:
        return Snapshot(known, *kept)
    listing = await services.eset.recent()
    now = services.now()
    try:
        kept_as = await services.store.save_snapshot(now, listing.attempts)
    except TrailUnwritableError:
        kept_as = ""  # a list is a read: it is shown all the same
    return Snapshot(kept_as, now, listing.attempts, listing.unreadable)
