"""From approved to sent, at most once: re-check rights, re-check policy, re-read the patches, claim, call, conclude."""

import asyncio
import contextlib
from datetime import timedelta

import structlog

from bot import approvals
from bot.errors import STOPPING, Kind, Refused, TrailUnwritableError, UnreadableError, UpstreamError
from bot.flows import changes, rights
from bot.flows.services import Services
from bot.model import CallVerdict, Fate, RetryAnswer, RetryRequest, State
from bot.store import JSON, Entry

log = structlog.get_logger()

CLAIM = timedelta(seconds=90)  # half as much again as the call may take; after it, any process may declare it lost
KEEP_TRYING = 30  # times, a second apart: how long an answer waits for a database that cannot be written


async def resume(services: Services, request_id: int) -> None:
    """Sends an approved request if it may still be sent. Safe to run at any time, in any number of processes."""
    async with services.sending:
        await _resume(services, request_id)


async def _resume(services: Services, request_id: int) -> None:
    request = await services.store.request(request_id)
    if request is None or request.state is not State.APPROVED:
        return
    try:
        event = await _recheck(services, request)
        claimed = await changes.change_once(services, request, event, "bot")
    except Refused:
        return  # withdrawn or taken by another process in the meantime: the row already says so
    if claimed is not None and claimed.state is State.SENDING and claimed.owner == services.owner:
        await _call(services, claimed)


async def revert_if_lapsed(services: Services, request: RetryRequest) -> None:
    """An approval that the configuration no longer takes waits for nothing: people hear of it at once."""
    voters = {vote.voter for vote in request.approvals}
    why = approvals.lapsed(request, voters, services.policy(request))
    if why is not None:
        with contextlib.suppress(Refused):  # sent, or withdrawn, in the meantime
            await changes.change_once(services, request, approvals.Revert(why), "bot")


async def give_up(services: Services, request: RetryRequest) -> None:
    """A claim whose deadline has passed: nobody knows what became of the call."""
    try:
        await changes.change_once(services, request, approvals.LoseTrack(), "bot")
    except Refused:
        return  # its owner told in the meantime


async def _recheck(services: Services, request: RetryRequest) -> approvals.Event:
    """What to do with an approved request now: claim it, or let it wait, hold, revert, reject or expire it."""
    device = await services.store.device(request.device.id)
    if device is not None and device != request.device:
        return approvals.Move(device)
    policy = services.policy(request)
    closed = approvals.closed_to(request, policy, services.now())
    if closed is not None:
        return closed
    try:
        entitled = await rights.still_entitled(services, request)
    except UpstreamError as error:
        return approvals.Hold(f"Slack cannot tell whether the approval still stands: {error.short}")
    why = approvals.lapsed(request, entitled, policy)
    if why is not None:
        return approvals.Revert(why)
    try:
        patches = await services.nsight.patches(request.device.id)
    except UpstreamError as error:
        if error.code == STOPPING:
            raise  # nothing is wrong with N-sight: it stays approved and is sent after the next start
        if error.kind is Kind.REFUSED:
            return approvals.Reject(f"N-sight says about this device: {error.words.rstrip('.')}. Nothing was sent.")
        return approvals.Hold(f"The device's patches cannot be checked: {error.short}")
    if (closed := approvals.closed_to(request, policy, services.now())) is not None:
        return closed  # asking took so long that its window is over, say
    return approvals.Claim(services.owner, services.now() + CLAIM, {patch.id: patch for patch in patches})


async def _call(services: Services, request: RetryRequest) -> None:
    """The one call. Whatever ends this function early leaves the claim to run out into *unknown*."""
    ids = [patch.id for patch in request.patches if patch.fate is Fate.WAITING]
    if request.deadline is None or services.now() >= request.deadline:  # this machine was asleep, say
        answer = RetryAnswer(CallVerdict.NOT_SENT, words="the bot was held up until its claim to send had run out.")
    elif approvals.closed_to(request, services.policy(request), services.now()) is not None:
        answer = RetryAnswer(CallVerdict.NOT_SENT, words="its time to be sent was over just before the call.")
    else:
        answer = await services.nsight.retry(request.device.id, ids)
    services.metrics.calls.labels(answer.verdict).inc()
    log.info("retry.answered", request=request.id, verdict=str(answer.verdict), reference=answer.reference)
    await _conclude(services, request.id, answer)


async def _conclude(services: Services, request_id: int, answer: RetryAnswer) -> None:
    for _ in range(KEEP_TRYING):
        try:
            await changes.change(services, request_id, approvals.Conclude(answer), "bot")
        except (TrailUnwritableError, UnreadableError):
            log.exception("retry.answer_not_written", request=request_id, verdict=str(answer.verdict))
            await asyncio.sleep(1)
        except Refused:
            await _note_late_answer(services, request_id, answer)
            return
        else:
            return


async def _note_late_answer(services: Services, request_id: int, answer: RetryAnswer) -> None:
    """The request was settled without it; the trail tells it all the same."""
    log.warning("retry.answer_too_late", request=request_id, verdict=str(answer.verdict))
    facts: dict[str, JSON] = {"verdict": answer.verdict, "words": answer.words, "reference": answer.reference}
    await services.store.append(Entry(services.now(), "bot", "request.late_answer", f"request:{request_id}", facts))
