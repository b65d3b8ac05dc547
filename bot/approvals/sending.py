"""How an approved request is sent: its window, the claim, and what the call's answer makes of it."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot import fates, windows
from bot.approvals.ends import ended
from bot.approvals.events import Await, Claim, Conclude, Event, Expire, Hold, LoseTrack, Policy, Reject
from bot.approvals.pace import paced
from bot.model import CallVerdict, Fate, RetryRequest, State
from bot.windows import Opening

S = State
SETTLE_AFTER = timedelta(minutes=2)  # reading sooner after a lost call would prove nothing
HOLD_FIRST, HOLD_MOST = timedelta(seconds=15), timedelta(minutes=5)


def closed_to(request: RetryRequest, policy: Policy, now: datetime) -> Event | None:
    """Why an approved request is not to be sent at this moment, as the event that says so; None when it may be."""
    since = max(filter(None, (request.approved_at, request.send_after)), default=now)
    if policy.stale is not None and now - since >= policy.stale:
        return Expire()
    opening = windows.opening(policy.windows, now)
    still_on = opening is not None and request.send_until is not None and opening.start <= request.send_until
    if request.send_until is not None and now >= request.send_until and not still_on:
        return Expire("It was approved, but its maintenance window closed before it could be sent.")
    if opening is not None and opening.start > now:
        return Await(opening)
    if request.send_after is not None and now < request.send_after:  # as its card says
        return Await(Opening(request.send_after, request.send_until or request.send_after))
    return None


def hold(request: RetryRequest, event: Hold, policy: Policy, now: datetime) -> RetryRequest:
    waited = now - max(filter(None, (request.approved_at, request.send_after)), default=now)
    return replace(request, note=event.why, next_at=now + min(max(waited, HOLD_FIRST), HOLD_MOST))


def wait(request: RetryRequest, event: Await, policy: Policy, now: datetime) -> RetryRequest:
    opening = event.opening
    return replace(request, send_after=opening.start, send_until=opening.end, next_at=opening.start, note="")


def claim(request: RetryRequest, event: Claim, policy: Policy, now: datetime) -> RetryRequest:
    patches = tuple(fates.rechecked(patch, event.read.get(patch.id)) for patch in request.patches)
    left = [patch for patch in patches if patch.fate is Fate.WAITING]
    if not left:
        note = "None of these patches is failed any more, so nothing was sent."
        return replace(ended(request, S.REJECTED, now, note=note), patches=patches)
    return replace(
        request,
        state=S.SENDING,
        patches=patches,
        owner=event.owner,
        deadline=event.deadline,
        called_at=now,
        next_at=event.deadline,
        note="",
    )


def reject(request: RetryRequest, event: Reject, policy: Policy, now: datetime) -> RetryRequest:
    return ended(request, S.REJECTED, now, note=event.why)


def conclude(request: RetryRequest, event: Conclude, policy: Policy, now: datetime) -> RetryRequest:
    answer = event.answer
    if answer.verdict is CallVerdict.NOT_SENT:
        return ended(request, S.REJECTED, now, note=f"Nothing was sent: {answer.words}")
    if answer.verdict is CallVerdict.REFUSED:
        return ended(request, S.REJECTED, now, note=f"N-sight refused: {answer.words}")
    if answer.verdict is CallVerdict.UNKNOWN:
        return _unknown(request, answer.words, now)
    patches = tuple(fates.answered(patch, answer) for patch in request.patches)
    unread = any(patch.fate in {Fate.UNCLEAR, Fate.ALREADY} for patch in patches)
    queued = replace(
        request, state=S.QUEUED, patches=patches, owner="", deadline=now + policy.follow_for, note="", next_at=now
    )
    return queued if unread else paced(queued, policy, now)


def lose_track(request: RetryRequest, event: LoseTrack, policy: Policy, now: datetime) -> RetryRequest:
    return _unknown(request, "The bot was interrupted while it waited for N-sight's answer.", now)


def _unknown(request: RetryRequest, why: str, now: datetime) -> RetryRequest:
    settle_at = max(now, (request.called_at or now) + SETTLE_AFTER)
    return replace(request, state=S.UNKNOWN, owner="", deadline=None, note=why, next_at=settle_at)
