"""How a request that was sent comes to its end: read until each patch is settled, or closed by a person."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot import fates
from bot.approvals.ends import ended
from bot.approvals.events import Close, Look, Policy, Postpone, Read
from bot.approvals.guards import demanded, must_be_approver
from bot.approvals.pace import paced
from bot.approvals.sending import SETTLE_AFTER
from bot.errors import Refused
from bot.model import SETTLED, Fate, Patch, RetryRequest, State

S = State
ASK_AFTER = timedelta(hours=1)  # an unknown that reading did not settle by then needs a person


def read(request: RetryRequest, event: Read, policy: Policy, now: datetime) -> RetryRequest:
    if request.state is S.UNKNOWN:
        if not fates.arrived(request.patches, event.read):
            return paced(request, policy, now)
        request = replace(_sent_after_all(request), deadline=now + policy.follow_for)
    settled = now - (request.called_at or now) >= SETTLE_AFTER
    patches = tuple(fates.followed(patch, event.read.get(patch.id), settled) for patch in request.patches)
    after = paced(replace(request, patches=patches), policy, now)
    if all(patch.fate in SETTLED for patch in patches):
        return ended(after, S.FINISHED, now)
    return _give_up_if_over(after, policy, now)


def look(request: RetryRequest, event: Look, policy: Policy, now: datetime) -> RetryRequest:
    """What an approver may have read at any time is the same reading; only what it shows is always told."""
    must_be_approver(event.standing)
    if now - (request.called_at or now) < SETTLE_AFTER:
        raise Refused("Reading the device this soon after the call proves nothing. Try again in two minutes.")
    after = read(request, Read(event.read), policy, now)
    if after.state is not S.UNKNOWN:
        return after
    shown = ", ".join(f"{patch.id} {_label(event.read.get(patch.id))}" for patch in request.patches)
    return replace(after, note=f"Read again at {now:%Y-%m-%d %H:%M} UTC: {shown}. That proves nothing.")


def _label(patch: Patch | None) -> str:
    return (patch.label or f"status {patch.status}") if patch else "no longer listed"


def _sent_after_all(request: RetryRequest) -> RetryRequest:
    patches = tuple(replace(p, fate=Fate.UNCLEAR) if p.fate is Fate.WAITING else p for p in request.patches)
    return replace(request, state=S.QUEUED, patches=patches, note="")


def postpone(request: RetryRequest, event: Postpone, policy: Policy, now: datetime) -> RetryRequest:
    later = paced(request, policy, now)
    return later if request.state is S.UNKNOWN else _give_up_if_over(later, policy, now, event.why)


def _give_up_if_over(request: RetryRequest, policy: Policy, now: datetime, unread: str = "") -> RetryRequest:
    if request.deadline is None or now < request.deadline:
        return request
    waiting = sum(patch.fate not in SETTLED for patch in request.patches)
    why = f" The device could not be read at the end: {unread}" if unread else ""
    return ended(request, S.FINISHED, now, note=f"Followed to the end of the time allowed; {waiting} still open.{why}")


def close(request: RetryRequest, event: Close, policy: Policy, now: datetime) -> RetryRequest:
    must_be_approver(event.standing)
    if event.by == request.requester and not demanded(request, policy).self_approval:
        raise Refused(f"You asked for request #{request.id} yourself, so another approver has to close it.")
    if now - (request.called_at or now) < ASK_AFTER:
        raise Refused(
            f"The bot is still reading the device to find out what became of request #{request.id}. "
            "It can be closed one hour after the call."
        )
    return ended(request, S.CLOSED, now, by=event.by, note="What became of the call was never established.")
