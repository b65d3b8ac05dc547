"""After the call: read the device until every patch is settled, or until an unknown is."""

import structlog

from bot import approvals
from bot.blocks import news
from bot.errors import STOPPING, Refused, UpstreamError
from bot.flows import changes, rights
from bot.flows.services import Services
from bot.model import RetryRequest, State
from bot.store import Entry, Note

log = structlog.get_logger()

LEASE = 60.0  # seconds one read may take before another process tries


async def follow(services: Services, request: RetryRequest) -> None:
    """Reads the device of a queued or unknown request once and applies what it shows."""
    if not await services.store.lease(f"follow:{request.id}", services.owner, services.now(), LEASE):
        return
    try:
        await _ask_to_close(services, request)
        event = await _look(services, request)
        await changes.change_once(services, request, event, "bot")
    except Refused:
        return  # ended in the meantime
    finally:
        await services.store.release(f"follow:{request.id}", services.owner)


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


async def _look(services: Services, request: RetryRequest) -> approvals.Event:
    try:
        patches = await services.nsight.patches(request.device.id)
    except UpstreamError as error:
        if error.code == STOPPING:
            raise
        log.warning("follow_up.unread", request=request.id, reference=error.reference)
        return approvals.Postpone()
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
        f"request:{request.id}:close:{days}", request.id, "", news.ask_to_close(request, services.policy(request))
    )
    entry = Entry(now, "bot", "request.asked_to_close", f"request:{request.id}", {})
    await services.store.add_note(note, entry)
