"""How a request is decided: votes, and what time or its requester make of it."""

from dataclasses import replace
from datetime import datetime

from bot import windows
from bot.approvals import waiting
from bot.approvals.ends import ended
from bot.approvals.events import Approve, Deny, Expire, Policy, Retract, Revert, Withdraw
from bot.approvals.guards import demanded, must_be_in_time, must_decide, tightened
from bot.errors import Refused, VotedAlready
from bot.model import RetryRequest, State, Vote

S = State


def approve(request: RetryRequest, event: Approve, policy: Policy, now: datetime) -> RetryRequest:
    must_decide(request, event.by, event.standing, policy)
    must_be_in_time(request, policy, now)
    asked = demanded(request, policy)
    if any(vote.voter == event.by for vote in request.approvals):
        missing = asked.quorum - len(request.approvals)
        raise VotedAlready(f"You have already approved request #{request.id}; {missing} more needed.", request.id)
    if asked.reason_required and not event.reason:
        raise Refused(f"Approving request #{request.id} needs a reason. Nothing was changed.")
    voted = _voted(request, Vote(event.by, now, reason=event.reason))
    if len(voted.approvals) < asked.quorum:
        return voted
    opening = windows.opening(policy.windows, now)
    later = opening.start if opening and opening.start > now else None
    return replace(
        voted,
        state=S.APPROVED,
        decided_by=event.by,
        decided_at=now,
        decision_reason=event.reason,
        approved_at=now,
        send_after=later,
        send_until=opening.end if opening else None,
        next_at=later or now,
        note="",
    )


def deny(request: RetryRequest, event: Deny, policy: Policy, now: datetime) -> RetryRequest:
    must_decide(request, event.by, event.standing, policy)
    must_be_in_time(request, policy, now)
    asked = demanded(request, policy)
    missing = asked.denials - len(request.denials)
    if missing > 0 and any(vote.voter == event.by for vote in request.denials):
        raise VotedAlready(f"You have already denied request #{request.id}; {missing} more would end it.", request.id)
    if asked.deny_reason and not event.reason:
        raise Refused(f"Denying request #{request.id} needs a reason. Nothing was changed.")
    voted = _voted(request, Vote(event.by, now, denies=True, reason=event.reason))
    if len(voted.denials) < asked.denials:
        return voted
    return replace(ended(voted, S.DENIED, now, by=event.by), decision_reason=event.reason)


def _voted(request: RetryRequest, vote: Vote) -> RetryRequest:
    """A person has one vote: a new one takes the place of theirs. What was said of earlier approvals is history now."""
    others = tuple(other for other in request.votes if other.voter != vote.voter)
    return replace(request, votes=(*others, vote), note="")


def retract(request: RetryRequest, event: Retract, policy: Policy, now: datetime) -> RetryRequest:
    others = tuple(vote for vote in request.votes if vote.voter != event.by)
    if len(others) == len(request.votes):
        raise Refused(f"You have no vote on request #{request.id} that could be taken back. Nothing was changed.")
    return replace(request, votes=others)


def withdraw(request: RetryRequest, event: Withdraw, policy: Policy, now: datetime) -> RetryRequest:
    if event.by != request.requester:
        raise Refused(
            f"Only <@{request.requester}>, who asked for it, can withdraw request #{request.id}. Nothing was changed."
        )
    return ended(request, S.WITHDRAWN, now, by=event.by)


def expire(request: RetryRequest, event: Expire, policy: Policy, now: datetime) -> RetryRequest:
    if request.state is S.PENDING:
        given, asked = len(request.approvals), demanded(request, policy).quorum
        who = f"Only {given} of {asked} approvals were given" if given else "Nobody decided"
        return ended(request, S.EXPIRED, now, note=f"{who} in time. Nothing was sent.")
    last = f"The last obstacle: {request.note}" if request.note else ""
    told = event.why or "It was approved, but could not be sent in time."
    why = " ".join(filter(None, (told, "Nothing was sent.", last)))
    return ended(request, S.EXPIRED, now, note=why)


def revert(request: RetryRequest, event: Revert, policy: Policy, now: datetime) -> RetryRequest:
    """It waits anew, so it also expires anew: its first time may be over by now."""
    again = replace(
        request,
        state=S.PENDING,
        terms=tightened(request, policy),
        escalated_at=None,
        votes=(),
        decided_by="",
        decided_at=None,
        decision_reason="",
        approved_at=None,
        send_after=None,
        send_until=None,
        note=f"The approval no longer counts: {event.why}. It has to be approved again.",
    )
    return waiting.begins(again, now)
