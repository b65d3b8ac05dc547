"""The one table of transitions, and the one step that obeys it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from bot.approvals import deciding, following, sending, waiting
from bot.approvals.ends import too_late
from bot.approvals.events import (
    Approve,
    Await,
    Claim,
    Close,
    Conclude,
    Deny,
    Escalate,
    Event,
    Expire,
    Hold,
    Look,
    LoseTrack,
    Move,
    Policy,
    Postpone,
    Read,
    Reject,
    Remind,
    Retract,
    Revert,
    Tighten,
    Withdraw,
)
from bot.errors import Refused
from bot.model import RetryRequest, State

S = State
TABLE: Mapping[tuple[State, type[Event]], tuple[State, ...]] = {
    (S.PENDING, Approve): (S.PENDING, S.APPROVED),
    (S.PENDING, Deny): (S.PENDING, S.DENIED),
    (S.PENDING, Retract): (S.PENDING,),
    (S.PENDING, Withdraw): (S.WITHDRAWN,),
    (S.PENDING, Remind): (S.PENDING,),
    (S.PENDING, Escalate): (S.PENDING,),
    (S.PENDING, Tighten): (S.PENDING, S.DENIED),
    (S.PENDING, Move): (S.PENDING, S.DENIED),
    (S.PENDING, Expire): (S.EXPIRED,),
    (S.APPROVED, Withdraw): (S.WITHDRAWN,),
    (S.APPROVED, Expire): (S.EXPIRED,),
    (S.APPROVED, Move): (S.APPROVED,),
    (S.APPROVED, Await): (S.APPROVED,),
    (S.APPROVED, Hold): (S.APPROVED,),
    (S.APPROVED, Revert): (S.PENDING,),
    (S.APPROVED, Reject): (S.REJECTED,),
    (S.APPROVED, Claim): (S.SENDING, S.REJECTED),
    (S.SENDING, Conclude): (S.QUEUED, S.REJECTED, S.UNKNOWN),
    (S.SENDING, LoseTrack): (S.UNKNOWN,),
    (S.UNKNOWN, Conclude): (S.QUEUED, S.REJECTED, S.UNKNOWN),  # a late answer is still the truth
    (S.UNKNOWN, Read): (S.UNKNOWN, S.QUEUED, S.FINISHED),
    (S.UNKNOWN, Look): (S.UNKNOWN, S.QUEUED, S.FINISHED),
    (S.UNKNOWN, Postpone): (S.UNKNOWN,),
    (S.UNKNOWN, Close): (S.CLOSED,),
    (S.QUEUED, Read): (S.QUEUED, S.FINISHED),
    (S.QUEUED, Postpone): (S.QUEUED, S.FINISHED),
}
"""State × event → the states that may follow. A pair that is not here is refused."""

_APPLY: Mapping[type[Event], Callable[..., RetryRequest]] = {
    Approve: deciding.approve,
    Deny: deciding.deny,
    Retract: deciding.retract,
    Withdraw: deciding.withdraw,
    Remind: waiting.remind,
    Escalate: waiting.escalate,
    Tighten: waiting.tighten,
    Move: waiting.move,
    Expire: deciding.expire,
    Await: sending.wait,
    Hold: sending.hold,
    Revert: deciding.revert,
    Claim: sending.claim,
    Reject: sending.reject,
    Conclude: sending.conclude,
    LoseTrack: sending.lose_track,
    Read: following.read,
    Look: following.look,
    Postpone: following.postpone,
    Close: following.close,
}


def step(request: RetryRequest, event: Event, policy: Policy, now: datetime) -> RetryRequest:
    """The request after ``event``, its version one higher. Raises Refused with the sentence that says why not."""
    allowed = TABLE.get((request.state, type(event)))
    if allowed is None:
        raise Refused(too_late(request))
    after = _APPLY[type(event)](request, event, policy, now)
    if after.state not in allowed:
        raise AssertionError(f"{request.state} × {type(event).__name__} led to {after.state}")
    return replace(after, version=request.version + 1)
