"""How a request waits for its decision: when people are reminded, when others are asked, when it expires."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.ends import ended
from bot.approvals.events import Escalate, Event, Expire, Move, Policy, Remind, Tighten
from bot.approvals.guards import runs_out, tightened
from bot.model import RetryRequest, State, Terms, Vote


def opened(draft: RetryRequest, policy: Policy, now: datetime) -> RetryRequest:
    """The draft as it begins to wait, on the terms that the policy asks now."""
    return begins(replace(draft, state=State.PENDING, terms=policy.terms), now)


def overdue(request: RetryRequest, now: datetime) -> Event | None:
    """What time brings to a pending request; None before that."""
    if request.expires_at is not None and now >= request.expires_at:
        return Expire()
    if (at := _escalates_at(request)) is not None and now >= at:
        return Escalate()
    return Remind() if (at := _reminds_at(request)) is not None and now >= at else None


def remind(request: RetryRequest, event: Remind, policy: Policy, now: datetime) -> RetryRequest:
    return _paced(replace(request, reminded_at=now))


def escalate(request: RetryRequest, event: Escalate, policy: Policy, now: datetime) -> RetryRequest:
    """Those who were needed before hear of it with the others: that is reminder enough."""
    return _paced(replace(request, escalated_at=now, reminded_at=request.reminded_at or now))


def tighten(request: RetryRequest, event: Tighten, policy: Policy, now: datetime) -> RetryRequest:
    """It has waited on its own terms so far; the time it may still wait counts from when it began to."""
    asked = tightened(request, policy)
    votes = tuple(vote for vote in request.votes if _counts(vote, request, asked))
    after = replace(request, terms=asked, expires_at=runs_out(request, policy), votes=votes)
    if len(after.denials) < asked.denials:
        return _paced(after)
    last = after.denials[-1]
    return replace(ended(after, State.DENIED, now, by=last.voter), decision_reason=last.reason)


def _counts(vote: Vote, request: RetryRequest, asked: Terms) -> bool:
    """Whether a vote still counts on stricter terms; what Slack has to tell is asked before the call."""
    if vote.voter == request.requester and not asked.self_approval:
        return False
    return vote.denies or bool(vote.reason) or not asked.reason_required


def move(request: RetryRequest, event: Move, policy: Policy, now: datetime) -> RetryRequest:
    """``policy``: of the device as it is now. What was promised before holds too. Once approved, it is checked anew."""
    moved = replace(request, device=event.device)
    if request.state is State.PENDING:
        return tighten(moved, Tighten(), policy, now)
    return replace(moved, terms=tightened(moved, policy), next_at=now)


def begins(request: RetryRequest, now: datetime) -> RetryRequest:
    """As it begins to wait for a decision, be it anew."""
    since = replace(request, waiting_since=now, expires_at=_after(now, request.terms.expires), reminded_at=None)
    return _paced(since)


def _paced(request: RetryRequest) -> RetryRequest:
    times = (request.expires_at, _escalates_at(request), _reminds_at(request))
    return replace(request, next_at=min((at for at in times if at is not None), default=None))


def _escalates_at(request: RetryRequest) -> datetime | None:
    asked = request.terms
    if request.escalated_at is not None or not (asked.escalate_to or asked.escalate_channel):
        return None
    return _after(request.waiting_since or request.asked_at, asked.escalate_after)


def _reminds_at(request: RetryRequest) -> datetime | None:
    if request.reminded_at is not None:
        return None
    return _after(request.waiting_since or request.asked_at, request.terms.remind)


def _after(start: datetime, span: timedelta | None) -> datetime | None:
    return None if span is None else start + span
