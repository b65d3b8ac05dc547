"""The life of a retry request: one table of transitions, guards that say no in a sentence, and one pure step.

``step(request, event, policy, now)`` returns the request as it is after the event, one version higher, or raises
``Refused``. Nothing here knows Slack, N-sight or the database; times are aware UTC.
"""

from bot.approvals.ends import DECIDED
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
    Standing,
    Tighten,
    Withdraw,
    standing,
)
from bot.approvals.following import ASK_AFTER
from bot.approvals.guards import demanded, lapsed
from bot.approvals.pace import CLOSEST, closest
from bot.approvals.sending import SETTLE_AFTER, closed_to
from bot.approvals.table import TABLE, step
from bot.approvals.waiting import opened, overdue

__all__ = [
    "ASK_AFTER",
    "CLOSEST",
    "DECIDED",
    "SETTLE_AFTER",
    "TABLE",
    "Approve",
    "Await",
    "Claim",
    "Close",
    "Conclude",
    "Deny",
    "Escalate",
    "Event",
    "Expire",
    "Hold",
    "Look",
    "LoseTrack",
    "Move",
    "Policy",
    "Postpone",
    "Read",
    "Reject",
    "Remind",
    "Retract",
    "Revert",
    "Standing",
    "Tighten",
    "Withdraw",
    "closed_to",
    "closest",
    "demanded",
    "lapsed",
    "opened",
    "overdue",
    "standing",
    "step",
]
