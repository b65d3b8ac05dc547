"""What every flow works with, put together by app.py."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from bot import terms, windows
from bot.approvals import Policy
from bot.clients.eset import Eset
from bot.clients.flights import Flights
from bot.clients.nsight import Nsight
from bot.config import Config
from bot.digests.ranking import Ranked, Ranking
from bot.errors import UpstreamError
from bot.flows.directory import Directory
from bot.messenger import Messenger
from bot.metrics import Metrics
from bot.model import Device, RequestedPatch, RetryRequest, Silence, Terms
from bot.people import People
from bot.store import Store

ASKED_AGAIN = timedelta(days=1)


@dataclass(slots=True)
class Sight:
    """How this process fared last with ESET's list of attempts by device. ``tried_at``: None before the first time;
    ``named_at``: likewise for the names of devices.
    ``error``, ``names_error``: why the devices, or their names, were not told. ``partial``: why some were not, of
    attempts from ``partial_from`` on. ``held_since``: from when on readings stay behind, for want of time."""

    tried_at: datetime | None = None
    named_at: datetime | None = None
    error: UpstreamError | None = None
    names_error: UpstreamError | None = None
    partial: str = ""
    partial_from: datetime | None = None
    held_since: datetime | None = None


@dataclass(slots=True)
class Glance:
    """What this process keeps for the app's Home. ``ranking``: what fails most, as found at ``ranked_at`` under these
    ``silences``; ``retries``: tokens of its buttons, by day and what they are about; ``round_at``: when homes were last
    shown anew. None: not yet."""

    ranking: Ranking = field(default_factory=Ranking)
    silences: tuple[Silence, ...] = ()
    ranked_at: datetime | None = None
    retries: Mapping[tuple[date, Ranked], str] = field(default_factory=dict)
    round_at: datetime | None = None


@dataclass(slots=True)
class Lacking:
    """Scopes that Slack said the bot lacks, and when: what needs them is not tried again for a day. Who installs the
    app anew need not start the bot anew."""

    since: dict[str, datetime] = field(default_factory=dict)

    def told(self, scope: str, now: datetime) -> bool:
        return scope in self.since and now - self.since[scope] < ASKED_AGAIN

    def note(self, scope: str, now: datetime) -> None:
        self.since[scope] = now


@dataclass(frozen=True, slots=True)
class Services:
    """``now`` tells aware UTC time. ``owner`` names this process in claims and leases. ``spawn`` runs work that
    outlives its caller: tracked, awaited at shutdown, its failure logged. ``sweep_spacing``: seconds between two
    calls of one inventory sweep. ``flights``: work of this process that callers at the same time share. ``sending``:
    how many requests may be on their way to N-sight at the same time. ``directory``: N-sight's devices in memory.
    ``sight``: how reading ESET's devices went. ``lacking``: what Slack does not allow. ``glance``: kept for the app's
    Home."""

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
    sending: asyncio.Semaphore
    directory: Directory
    sight: Sight = field(default_factory=Sight)
    lacking: Lacking = field(default_factory=Lacking)
    glance: Glance = field(default_factory=Glance)

    def policy(self, request: RetryRequest) -> Policy:
        """What the configuration asks of this request now; of one that was made with others, what it asks of all."""
        policy = self.policy_on(request.device, request.patches)
        if not request.peers:
            return policy
        return replace(policy, terms=self.terms_on([(request.device, request.patches), *request.peers]))

    def terms_on(self, targets: Sequence[tuple[Device, Sequence[RequestedPatch]]]) -> Terms:
        """What the configuration asks of one request for all of these."""
        approvals = self.config.approvals
        return terms.joint(approvals.terms, approvals.rules, targets)

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
