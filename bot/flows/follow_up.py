"""After the call: read the device until every patch is settled, or until an unknown is."""

import contextlib
from datetime import datetime

import structlog

from bot import approvals
from bot.blocks import news
from bot.errors import STOPPING, Kind, Refused, UpstreamError
from bot.flows import changes, rights
from bot.flows.services import Services
from bot.model import RetryRequest, State
from bot.store import Entry, Note

log = structlog.get_logger()

LEASE = 60.0  # seconds one read may take before another process tries


async def follow(services: Services, device_id: int) -> None:
    """Reads a device once and applies what it shows to each of its requests that are queued or unknown, due or not.

    Does nothing when none is due, or when the follow-up, of whatever process, has read the device just before.
    """
    requests = await services.store.followed(device_id)
    if not any(_due(request, services.now()) for request in requests):
        return
    distance = approvals.closest(services.config.follow_up.every)
    if not await services.store.begin_look(device_id, services.owner, services.now(), distance, LEASE):
        return
    try:
        for request in requests:
            await _ask_to_close(services, request)
        await _read(services, device_id)
    finally:
        await services.store.end_look(device_id, services.owner, services.now())


async def _read(services: Services, device_id: int) -> None:
    """Requests as they are before the reading: one that changes meanwhile has another version and is left alone."""
    requests = [one for one in await services.store.followed(device_id) if _settles(one, services.now())]
    if not requests:
        return
    event = await _look(services, device_id)
    for request in requests:
        with contextlib.suppress(Refused):  # ended in the meantime
            await changes.change_once(services, request, event, "bot")


def _due(request: RetryRequest, now: datetime) -> bool:
    return request.next_at is not None and request.next_at <= now


def _settles(request: RetryRequest, now: datetime) -> bool:
    """Whether reading its device now can prove anything about it."""
    called = request.called_at or now
    return request.state is not State.UNKNOWN or now - called >= approvals.SETTLE_AFTER


async def look(services: Services, request_id: int, who: str) -> RetryRequest:
    """An approver has the device read at once. Raises Refused and UpstreamError(NSIGHT)."""
    request = await services.store.request(request_id)
    if request is None:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    standing = await rights.standing_of(services, who, request)
    approvals.step(request, approvals.Look(who, standing, {}), services.policy(request), services.now())  # may they?
    patches = await services.nsight.patches(request.device.id)
    event = approvals.Look(who, standing, {patch.id: patch for patch in patches})
    return await changes.change(services, request_id, event, who)


async def _look(services: Services, device_id: int) -> approvals.Event:
    try:
        patches = await services.nsight.patches(device_id)
    except UpstreamError as error:
        if error.code == STOPPING:
            raise
        log.warning("follow_up.unread", device=device_id, kind=error.kind, reference=error.reference)
        said = f"N-sight says: {error.words}" if error.kind is Kind.REFUSED and error.words else error.short
        return approvals.Postpone(said)
    return approvals.Read({patch.id: patch for patch in patches})


async def _ask_to_close(services: Services, request: RetryRequest) -> None:
    """When an unknown has outlived an hour of reading, and then each day: ask the approvers, in the card's thread."""
    if request.state is not State.UNKNOWN or request.called_at is None:
        return
    now = services.now()
    if now - request.called_at < approvals.ASK_AFTER:
        return
    days = (now - request.called_at).days
    note = Note(
        f"request:{request.id}:close:{days}", request.card_id, "", news.ask_to_close(request, services.policy(request))
    )
    entry = Entry(now, "bot", "request.asked_to_close", f"request:{request.id}", {})
    await services.store.add_notes([note], entry)
