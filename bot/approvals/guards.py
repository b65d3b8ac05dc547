"""What a request demands of those who decide it, and the sentences that say no."""

from collections.abc import Iterable
from datetime import datetime

from bot import terms
from bot.approvals.events import Policy, Standing
from bot.errors import Refused
from bot.model import RetryRequest, Terms

_REFUSALS = {
    Standing.OUTSIDER: "You are not one of the approvers of this request, so nothing was changed.",
    Standing.GUEST: "Guests cannot decide on retry requests, so nothing was changed.",
    Standing.BOT: "Bots cannot decide on retry requests, so nothing was changed.",
    Standing.DEACTIVATED: "This account is deactivated, so nothing was changed.",
    Standing.FOREIGN: "Only members of this organisation can decide on retry requests, so nothing was changed.",
    Standing.UNKNOWN: "Slack cannot tell right now whether you may decide on this, so nothing was changed. "
    "Please try again in a minute; if it stays so, `patches-bot check` tells whoever runs the bot why.",
}


def must_be_approver(is_now: Standing) -> None:
    if is_now is not Standing.APPROVER:
        raise Refused(_REFUSALS[is_now])


def must_decide(request: RetryRequest, by: str, is_now: Standing, policy: Policy) -> None:
    """Raises Refused unless this person may decide on this request now."""
    must_be_approver(is_now)
    if by == request.requester and not demanded(request, policy).self_approval:
        raise Refused(
            f"You asked for request #{request.id} yourself, so somebody else has to decide on it. "
            "You can withdraw it if it is no longer needed."
        )


def must_be_in_time(request: RetryRequest, policy: Policy, now: datetime) -> None:
    over = runs_out(request, policy)
    if over is not None and now >= over:  # the scheduler may come a moment later
        raise Refused(f"Request #{request.id} has expired. Nothing was changed.")


def runs_out(request: RetryRequest, policy: Policy) -> datetime | None:
    """When a pending request expires: as its card says, or sooner if the configuration is stricter now."""
    asked = tightened(request, policy).expires
    sooner = (request.waiting_since or request.asked_at) + asked if asked is not None else None
    return min((at for at in (request.expires_at, sooner) if at is not None), default=None)


def tightened(request: RetryRequest, policy: Policy) -> Terms:
    """As promised, or more if the configuration is stricter now; whom an escalation has added is not among them."""
    return terms.stricter(request.terms, policy.terms)


def demanded(request: RetryRequest, policy: Policy) -> Terms:
    """What it takes to decide this request at this moment."""
    asked = tightened(request, policy)
    return terms.escalated(asked) if request.escalated_at else asked


def lapsed(request: RetryRequest, entitled: Iterable[str], policy: Policy) -> str | None:
    """Why the approval no longer suffices, None when it does. ``entitled``: who may approve at this moment."""
    asked = demanded(request, policy)
    right = set(entitled) if asked.self_approval else set(entitled) - {request.requester}
    gone = sorted({vote.voter for vote in request.approvals} - right)
    still = len(request.approvals) - len(gone)
    if len(request.denials) >= asked.denials:
        return f"it has been denied, and {asked.denials} is enough to end it now"
    if asked.reason_required and not all(vote.reason for vote in request.approvals):
        return "a reason is required now, and it was approved without one"
    if still >= asked.quorum:
        return None
    if gone:
        return f"{len(gone)} of its {len(request.approvals)} approvals came from people who may no longer approve it"
    return f"{asked.quorum} approvals are needed now, and it has {still}"
