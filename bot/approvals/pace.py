"""How often the device of a sent request is read: soon after the call, then ever more seldom."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.approvals.events import Policy
from bot.model import RetryRequest

CLOSEST = timedelta(seconds=90)
"""N-able asks that automated calls be no closer (N-sight's user guide on API calls)."""

_SHARE = 4  # news are at most a quarter older than they had to be waited for


def closest(every: timedelta) -> timedelta:
    """The least distance between two looks of the follow-up at one device, ``every`` being what is configured."""
    return min(CLOSEST, every)


def paced(request: RetryRequest, policy: Policy, now: datetime) -> RetryRequest:
    """A sent request that was just looked at, with the time of its next look.

    The distance grows with the time since the call up to ``follow_every``; the last look is at the end of its time.
    """
    least, waited = closest(policy.follow_every), now - (request.called_at or now)
    again = now + max(least, min(policy.follow_every, waited / _SHARE))
    if request.deadline is not None and request.deadline > now:
        again = min(again, max(request.deadline, now + least))
    return replace(request, next_at=again)
