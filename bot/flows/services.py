"""What every flow works with, put together by app.py."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.approvals import Policy
from bot.clients.eset import Eset
from bot.clients.flights import Flights
from bot.clients.nsight import Nsight
from bot.config import Config
from bot.messenger import Messenger
from bot.metrics import Metrics
from bot.people import People
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """``now`` tells aware UTC time. ``owner`` names this process in claims and leases. ``spawn`` runs work that
    outlives its caller: tracked, awaited at shutdown, its failure logged. ``sweep_spacing``: seconds between two
    calls of one inventory sweep. ``flights``: work of this process that callers at the same time share."""

    config: Config
    store: Store
    messenger: Messenger
    people: People
    eset: Eset
    nsight: Nsight
    metrics: Metrics
    now: Callable[[], datetime]
    spawn: Callable[[Coroutine[Any, Any, None], str], None]
    owner: str
    sweep_spacing: float
    flights: Flights[Any]

    @property
    def policy(self) -> Policy:
        """What the configuration asks of every request now."""
        rules, follow = self.config.approvals, self.config.follow_up
        return Policy(
            approvers=rules.approvers,
            quorum=rules.quorum,
            self_approval=rules.self_approval,
            reason_required=rules.reason == "required",
            expires=rules.expires,
            stale=rules.stale,
            follow_for=follow.duration,
            follow_every=follow.every,
        )
