"""How a request ends, and what whoever comes too late is told."""

from dataclasses import replace
from datetime import datetime

from bot.model import RetryRequest, State

S = State

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


def too_late(request: RetryRequest) -> str:
    if request.state is S.PENDING:
        return f"Request #{request.id} still waits for approval, so this is not possible yet. Nothing was changed."
    return f"Request #{request.id} {_ENDINGS[request.state]}{_whose(request)}. Nothing was changed."


def _whose(request: RetryRequest) -> str:
    if not request.decided_by:
        return ""
    who = f"<@{request.decided_by}>"
    return f" by {who}" if request.state in DECIDED else f" (approved by {who})"


def ended(request: RetryRequest, state: State, now: datetime, *, by: str = "", note: str = "") -> RetryRequest:
    """Its last state. ``by``: whose doing it is; ``note``: plain."""
    after = replace(request, state=state, settled_at=now, next_at=None, note=note, owner="", deadline=None)
    return replace(after, decided_by=by, decided_at=now) if by else after
