"""The life of a retry request: one table of transitions, guards that say no in a sentence, and one pure step.

``step(request, event, policy, now)`` returns the request as it is after the event, one version higher, or raises
``Refused``. Nothing here knows Slack, N-sight or the database; times are aware UTC.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot import fates
from bot.errors import Refused
from bot.model import (
    SETTLED,
    CallVerdict,
    Fate,
    Patch,
    Person,
    RetryAnswer,
    RetryRequest,
    State,
    Vote,
)

SETTLE_AFTER = timedelta(minutes=2)  # reading sooner after a lost call would prove nothing
ASK_AFTER = timedelta(hours=1)  # an unknown that reading did not settle by then needs a person
HOLD_FIRST, HOLD_MOST = timedelta(seconds=15), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration asks of a request now. ``approvers`` as configured: user ids and usergroup ids."""

    approvers: tuple[str, ...]
    quorum: int
    self_approval: bool
    reason_required: bool
    expires: timedelta | None
    stale: timedelta | None
    follow_for: timedelta
    follow_every: timedelta


class Standing(StrEnum):
    """What a person is to a request at this moment. UNKNOWN: Slack cannot tell, so the answer is no, not yet."""

    APPROVER = "approver"
    OUTSIDER = "outsider"
    GUEST = "guest"
    BOT = "bot"
    DEACTIVATED = "deactivated"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def standing(person: Person, listed: bool) -> Standing:
    """Guests, bots, deactivated accounts and people of other organisations never approve, listed or not."""
    if person.deleted:
        return Standing.DEACTIVATED
    if person.bot:
        return Standing.BOT
    if person.stranger:
        return Standing.FOREIGN
    if person.guest:
        return Standing.GUEST
    return Standing.APPROVER if listed else Standing.OUTSIDER


# ---------------------------------------------------------------- events: imperative


@dataclass(frozen=True, slots=True)
class Approve:
    by: str
    standing: Standing


@dataclass(frozen=True, slots=True)
class Deny:
    by: str
    standing: Standing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: str


@dataclass(frozen=True, slots=True)
class Expire:
    """Time is up: pending too long, or approved but not sendable for too long."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Approved, but something cannot be checked now (``why``, plain): try again later."""

    why: str


@dataclass(frozen=True, slots=True)
class Revert:
    """The approval no longer suffices (``why``, plain): votes are void, approvers decide anew."""

    why: str


@dataclass(frozen=True, slots=True)
class Claim:
    """``owner`` alone may send until ``deadline``. ``read``: the device's patches as just read, by id."""

    owner: str
    deadline: datetime
    read: Mapping[int, Patch]


@dataclass(frozen=True, slots=True)
class Reject:
    """Nothing was or will be sent (``why``, plain)."""

    why: str


@dataclass(frozen=True, slots=True)
class Conclude:
    """The call returned with this answer."""

    answer: RetryAnswer


@dataclass(frozen=True, slots=True)
class LoseTrack:
    """The claim ran out and nobody told what became of the call."""


@dataclass(frozen=True, slots=True)
class Read:
    """The device's patches as just read, by id."""

    read: Mapping[int, Patch]


@dataclass(frozen=True, slots=True)
class Postpone:
    """The device could not be read: look again later."""


@dataclass(frozen=True, slots=True)
class Close:
    """An approver ends an unknown that reading did not settle."""

    by: str
    standing: Standing


Event = (
    Approve | Deny | Withdraw | Expire | Hold | Revert | Claim | Reject | Conclude | LoseTrack | Read | Postpone | Close
)

S = State
TABLE: Mapping[tuple[State, type[Event]], tuple[State, ...]] = {
    (S.PENDING, Approve): (S.PENDING, S.APPROVED),
    (S.PENDING, Deny): (S.DENIED,),
    (S.PENDING, Withdraw): (S.WITHDRAWN,),
    (S.PENDING, Expire): (S.EXPIRED,),
    (S.APPROVED, Withdraw): (S.WITHDRAWN,),
    (S.APPROVED, Expire): (S.EXPIRED,),
    (S.APPROVED, Hold): (S.APPROVED,),
    (S.APPROVED, Revert): (S.PENDING,),
    (S.APPROVED, Reject): (S.REJECTED,),
    (S.APPROVED, Claim): (S.SENDING, S.REJECTED),
    (S.SENDING, Conclude): (S.QUEUED, S.REJECTED, S.UNKNOWN),
    (S.SENDING, LoseTrack): (S.UNKNOWN,),
    (S.UNKNOWN, Conclude): (S.QUEUED, S.REJECTED, S.UNKNOWN),  # a late answer is still the truth
    (S.UNKNOWN, Read): (S.UNKNOWN, S.QUEUED, S.FINISHED),
    (S.UNKNOWN, Postpone): (S.UNKNOWN,),
    (S.UNKNOWN, Close): (S.CLOSED,),
    (S.QUEUED, Read): (S.QUEUED, S.FINISHED),
    (S.QUEUED, Postpone): (S.QUEUED, S.FINISHED),
}
"""State × event → the states that may follow. A pair that is not here is refused."""


def step(request: RetryRequest, event: Event, policy: Policy, now: datetime) -> RetryRequest:
    """The request after ``event``, its version one higher. Raises Refused with the sentence that says why not."""
    allowed = TABLE.get((request.state, type(event)))
    if allowed is None:
        raise Refused(_too_late(request))
    after = _APPLY[type(event)](request, event, policy, now)
    if after.state not in allowed:
        raise AssertionError(f"{request.state} × {type(event).__name__} led to {after.state}")
    return replace(after, version=request.version + 1)


# ---------------------------------------------------------------- guards


_REFUSALS = {
    Standing.OUTSIDER: "You are not one of the approvers of this request, so nothing was changed.",
    Standing.GUEST: "Guests cannot decide on retry requests, so nothing was changed.",
    Standing.BOT: "Bots cannot decide on retry requests, so nothing was changed.",
    Standing.DEACTIVATED: "This account is deactivated, so nothing was changed.",
    Standing.FOREIGN: "Only members of this organisation can decide on retry requests, so nothing was changed.",
    Standing.UNKNOWN: "Slack cannot tell right now whether you may decide on this, so nothing was changed. "
    "Please try again in a minute; if it stays so, `patches-bot check` tells whoever runs the bot why.",
}

_ENDINGS = {
    S.APPROVED: "is already approved",
    S.SENDING: "is being sent to N-sight right now",
    S.QUEUED: "was already approved and sent",
    S.UNKNOWN: "was already approved and sent, though its outcome is not known yet",
    S.FINISHED: "is already finished",
    S.DENIED: "was already denied",
    S.WITHDRAWN: "was withdrawn",
    S.EXPIRED: "has expired",
    S.REJECTED: "has already ended without a retry",
    S.CLOSED: "was closed",
}


DECIDED = frozenset({S.APPROVED, S.DENIED, S.WITHDRAWN, S.CLOSED})  # states that are one person's doing


def _too_late(request: RetryRequest) -> str:
    if request.state is S.PENDING:
        return f"Request #{request.id} still waits for approval, so this is not possible yet."
    return f"Request #{request.id} {_ENDINGS[request.state]}{_whose(request)}. Nothing was changed."


def _whose(request: RetryRequest) -> str:
    if not request.decided_by:
        return ""
    who = f"<@{request.decided_by}>"
    return f" by {who}" if request.state in DECIDED else f" (approved by {who})"


def _must_decide(request: RetryRequest, by: str, is_now: Standing, policy: Policy) -> None:
    if is_now is not Standing.APPROVER:
        raise Refused(_REFUSALS[is_now])
    if by == request.requester and not policy.self_approval:
        raise Refused(
            f"You asked for request #{request.id} yourself, so somebody else has to decide on it. "
            "You can withdraw it if it is no longer needed."
        )


def needed(request: RetryRequest, policy: Policy) -> int:
    """Approvals this request needs: as promised on its card, or more if the policy has become stricter."""
    return max(request.quorum, policy.quorum)


def lapsed(request: RetryRequest, entitled: Iterable[str], policy: Policy) -> str | None:
    """Why the approval no longer suffices, None when it does. ``entitled``: who may approve at this moment."""
    right = set(entitled) if policy.self_approval else set(entitled) - {request.requester}
    gone = sorted({vote.voter for vote in request.votes} - right)
    still = len(request.votes) - len(gone)
    if still >= needed(request, policy):
        return None
    if gone:
        return f"{len(gone)} of its {len(request.votes)} approvals came from people who may no longer approve it"
    return f"{needed(request, policy)} approvals are needed now, and it has {still}"


# ---------------------------------------------------------------- what each event does


def _approve(request: RetryRequest, event: Approve, policy: Policy, now: datetime) -> RetryRequest:
    _must_decide(request, event.by, event.standing, policy)
    if request.expires_at is not None and now >= request.expires_at:  # the scheduler may come a moment later
        raise Refused(f"Request #{request.id} has expired. Nothing was changed.")
    if any(vote.voter == event.by for vote in request.votes):
        missing = needed(request, policy) - len(request.votes)
        raise Refused(f"You have already approved request #{request.id}; {missing} more needed.")
    votes = (*request.votes, Vote(event.by, now))
    if len(votes) < needed(request, policy):
        return replace(request, votes=votes)
    return replace(
        request,
        state=S.APPROVED,
        votes=votes,
        decided_by=event.by,
        decided_at=now,
        approved_at=now,
        next_at=now,
        note="",
    )


def _deny(request: RetryRequest, event: Deny, policy: Policy, now: datetime) -> RetryRequest:
    _must_decide(request, event.by, event.standing, policy)
    ended = _end(request, S.DENIED, now, by=event.by)
    return replace(ended, decision_reason=event.reason)


def _withdraw(request: RetryRequest, event: Withdraw, policy: Policy, now: datetime) -> RetryRequest:
    if event.by != request.requester:
        raise Refused(f"Only <@{request.requester}>, who asked for it, can withdraw request #{request.id}.")
    return _end(request, S.WITHDRAWN, now, by=event.by)


def _expire(request: RetryRequest, event: Expire, policy: Policy, now: datetime) -> RetryRequest:
    if request.state is S.PENDING:
        return _end(request, S.EXPIRED, now, note="Nobody decided in time. Nothing was sent.")
    why = f" {request.note}" if request.note else ""
    return _end(request, S.EXPIRED, now, note=f"It was approved, but could not be sent in time.{why}")


def _hold(request: RetryRequest, event: Hold, policy: Policy, now: datetime) -> RetryRequest:
    waited = now - (request.approved_at or now)
    return replace(request, note=event.why, next_at=now + min(max(waited, HOLD_FIRST), HOLD_MOST))


def _revert(request: RetryRequest, event: Revert, policy: Policy, now: datetime) -> RetryRequest:
    """It waits anew, so it also expires anew: its first time may be over by now."""
    expires_at = now + policy.expires if policy.expires else None
    return replace(
        request,
        state=S.PENDING,
        votes=(),
        decided_by="",
        decided_at=None,
        approved_at=None,
        note=f"The approval no longer counts: {event.why}. It has to be approved again.",
        expires_at=expires_at,
        next_at=expires_at,
    )


def _claim(request: RetryRequest, event: Claim, policy: Policy, now: datetime) -> RetryRequest:
    patches = tuple(fates.rechecked(patch, event.read.get(patch.id)) for patch in request.patches)
    left = [patch for patch in patches if patch.fate is Fate.WAITING]
    if not left:
        note = "None of these patches is failed any more, so nothing was sent."
        return replace(_end(request, S.REJECTED, now, note=note), patches=patches)
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


def _reject(request: RetryRequest, event: Reject, policy: Policy, now: datetime) -> RetryRequest:
    return _end(request, S.REJECTED, now, note=event.why)


def _conclude(request: RetryRequest, event: Conclude, policy: Policy, now: datetime) -> RetryRequest:
    answer = event.answer
    if answer.verdict is CallVerdict.NOT_SENT:
        return _end(request, S.REJECTED, now, note=f"Nothing was sent: {answer.words}")
    if answer.verdict is CallVerdict.REFUSED:
        return _end(request, S.REJECTED, now, note=f"N-sight refused: {answer.words}")
    if answer.verdict is CallVerdict.UNKNOWN:
        return _unknown(request, answer.words, now)
    patches = tuple(fates.answered(patch, answer) for patch in request.patches)
    unread = any(patch.fate in {Fate.UNCLEAR, Fate.ALREADY} for patch in patches)
    next_at = now if unread else now + policy.follow_every
    return replace(
        request, state=S.QUEUED, patches=patches, owner="", deadline=now + policy.follow_for, note="", next_at=next_at
    )


def _lose_track(request: RetryRequest, event: LoseTrack, policy: Policy, now: datetime) -> RetryRequest:
    return _unknown(request, "The bot was interrupted while it waited for N-sight's answer.", now)


def _unknown(request: RetryRequest, why: str, now: datetime) -> RetryRequest:
    settle_at = max(now, (request.called_at or now) + SETTLE_AFTER)
    return replace(request, state=S.UNKNOWN, owner="", deadline=None, note=why, next_at=settle_at)


def _read(request: RetryRequest, event: Read, policy: Policy, now: datetime) -> RetryRequest:
    if request.state is S.UNKNOWN:
        if not fates.arrived(request.patches, event.read):
            return replace(request, next_at=now + policy.follow_every)
        request = replace(_sent_after_all(request), deadline=now + policy.follow_for)
    settled = now - (request.called_at or now) >= SETTLE_AFTER
    patches = tuple(fates.followed(patch, event.read.get(patch.id), settled) for patch in request.patches)
    read = replace(request, patches=patches, next_at=now + policy.follow_every)
    if all(patch.fate in SETTLED for patch in patches):
        return _end(read, S.FINISHED, now)
    return _give_up_if_over(read, policy, now)


def _sent_after_all(request: RetryRequest) -> RetryRequest:
    patches = tuple(replace(p, fate=Fate.UNCLEAR) if p.fate is Fate.WAITING else p for p in request.patches)
    return replace(request, state=S.QUEUED, patches=patches, note="")


def _postpone(request: RetryRequest, event: Postpone, policy: Policy, now: datetime) -> RetryRequest:
    later = replace(request, next_at=now + policy.follow_every)
    return later if request.state is S.UNKNOWN else _give_up_if_over(later, policy, now)


def _give_up_if_over(request: RetryRequest, policy: Policy, now: datetime) -> RetryRequest:
    if request.deadline is None or now < request.deadline:
        return request
    waiting = sum(patch.fate not in SETTLED for patch in request.patches)
    return _end(request, S.FINISHED, now, note=f"Followed to the end of the time allowed; {waiting} still open.")


def _close(request: RetryRequest, event: Close, policy: Policy, now: datetime) -> RetryRequest:
    _must_decide(request, event.by, event.standing, policy)
    if now - (request.called_at or now) < ASK_AFTER:
        raise Refused(
            f"The bot is still reading the device to find out what became of request #{request.id}. "
            "It can be closed one hour after the call."
        )
    return _end(request, S.CLOSED, now, by=event.by, note="What became of the call was never established.")


def _end(request: RetryRequest, state: State, now: datetime, *, by: str = "", note: str = "") -> RetryRequest:
    ended = replace(request, state=state, settled_at=now, next_at=None, note=note, owner="", deadline=None)
    return replace(ended, decided_by=by, decided_at=now) if by else ended


_APPLY: Mapping[type[Event], Callable[..., RetryRequest]] = {
    Approve: _approve,
    Deny: _deny,
    Withdraw: _withdraw,
    Expire: _expire,
    Hold: _hold,
    Revert: _revert,
    Claim: _claim,
    Reject: _reject,
    Conclude: _conclude,
    LoseTrack: _lose_track,
    Read: _read,
    Postpone: _postpone,
    Close: _close,
}
