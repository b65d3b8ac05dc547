"""A retry request in each state of its life, and what a device may show: the material of the tests of approvals."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import approvals
from bot import fates as fates_of
from bot.approvals import Approve, Deny, Event, Policy, Standing
from bot.model import (
    CallVerdict,
    Device,
    DeviceKind,
    Fate,
    Patch,
    RequestedPatch,
    RetryAnswer,
    RetryRequest,
    State,
    Terms,
    Vote,
)

ASKED = datetime(2025, 3, 12, 8, 30, tzinfo=UTC)
CALLED = ASKED + timedelta(minutes=10)
NOW = CALLED + timedelta(hours=2)  # before the request expires, and long enough after the call to close an unknown
BOB, ANN, CARL, DAVE = "U0BOB", "U0ANN", "U0CARL", "U0DAVE"
HERE = Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
MOVED = replace(HERE, name="SRV-BANK01", client_id=302, client="Fabrikam Secure")  # as N-sight tells it later
LABELS = {1: "Missing", 2: "Pending", 4: "Queued", 8: "Installed", 16: "Failed", 32: "Ignored", 64: "Reboot Required"}


def terms(quorum: int = 1, *, self_approval: bool = False) -> Terms:
    return Terms(lists=(("S0PATCHTEAM",),), quorum=quorum, self_approval=self_approval, expires=timedelta(hours=4))


def policy(quorum: int = 1, *, self_approval: bool = False) -> Policy:
    return Policy(
        terms=terms(quorum, self_approval=self_approval),
        stale=timedelta(hours=1),
        follow_for=timedelta(hours=48),
        follow_every=timedelta(minutes=15),
    )


def asking(**changes: Any) -> Policy:
    """The usual policy with other terms: ``asking(quorum=2, denials=2)``."""
    return replace(policy(), terms=replace(terms(), **changes))


def approve(who: str, reason: str = "") -> Approve:
    return Approve(who, Standing.APPROVER, reason)


def deny(who: str, reason: str = "") -> Deny:
    return Deny(who, Standing.APPROVER, reason)


def pending(quorum: int = 1, *ids: int) -> RetryRequest:
    """Bob's request to retry patches 4 and 5 (or ``ids``) as it is when nobody has decided yet."""
    return RetryRequest(
        id=7,
        state=State.PENDING,
        version=1,
        device=HERE,
        patches=tuple(RequestedPatch(one, f"Patch {one}", "Failed", "Failed") for one in ids or (4, 5)),
        requester=BOB,
        reason="",
        asked_in="C0HELPDESK",
        asked_at=ASKED,
        expires_at=ASKED + timedelta(hours=4),
        terms=terms(quorum, self_approval=True),  # so that the policy's own setting decides
        waiting_since=ASKED,
        next_at=ASKED + timedelta(hours=4),
    )


def in_state(state: State, quorum: int = 1) -> RetryRequest:
    """The same request further on in its life."""
    request = replace(pending(quorum), state=state)
    if state in {State.PENDING, State.DENIED}:
        return request
    votes = tuple(Vote(who, ASKED) for who in (ANN, CARL)[:quorum])
    request = replace(request, votes=votes, decided_by=votes[-1].voter, approved_at=ASKED, version=3)
    if state is State.APPROVED:
        return replace(request, next_at=ASKED)
    request = replace(request, called_at=CALLED, version=4)
    if state is State.SENDING:
        return replace(request, owner="here:1", deadline=CALLED + timedelta(minutes=2))
    fate, label = {
        State.QUEUED: (Fate.QUEUED, fates_of.RETRYING),
        State.FINISHED: (Fate.INSTALLED, "Installed"),
    }.get(state, (Fate.WAITING, "Failed"))
    deadline = CALLED + timedelta(hours=48) if state is State.QUEUED else None
    patches = tuple(replace(patch, fate=fate, label=label) for patch in request.patches)
    return replace(request, patches=patches, deadline=deadline)


def read(**statuses: int) -> dict[int, Patch]:
    """What the device shows: ``read(p4=16, p5=8)``."""
    ids = {int(name[1:]): status for name, status in statuses.items()}
    return {one: Patch(one, f"Patch {one}", status, LABELS.get(status, f"{status}")) for one, status in ids.items()}


def step(
    request: RetryRequest, event: Event, rules: Policy | None = None, *, after: timedelta | None = None
) -> RetryRequest:
    """One step at NOW, or so long after the call."""
    return approvals.step(request, event, rules or policy(), NOW if after is None else CALLED + after)


def fates(request: RetryRequest) -> dict[int, Fate]:
    return {patch.id: patch.fate for patch in request.patches}


FAILED = read(p4=16, p5=16)
ACCEPTED = RetryAnswer(CallVerdict.ACCEPTED, retried=frozenset({4, 5}))
