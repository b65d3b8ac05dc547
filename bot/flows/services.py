"""What every flow works with, put together by app.py."""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot import terms, windows
from bot.approvals import Policy
from bot.clients.eset import Eset
from bot.clients.flights import Flights
from bot.clients.nsight import Nsight
from bot.config import Config
from bot.messenger import Messenger
from bot.metrics import Metrics
from bot.model import Device, RequestedPatch, RetryRequest
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

    def policy(self, request: RetryRequest) -> Policy:
        """What the configuration asks of this request now."""
        return self.policy_on(request.device, request.patches)

    def policy_on(self, device: Device, patches: Sequence[RequestedPatch] = ()) -> Policy:
        """What the configuration asks of a request for these patches of a device."""
        approvals, follow = self.config.approvals, self.config.follow_up
        return Policy(
            terms=terms.asked_of(approvals.terms, approvals.rules, device, patches),
            stale=approvals.stale,
            follow_for=follow.duration,
            follow_every=follow.every,
            windows=windows.of(self.config.windows, device),
        )
