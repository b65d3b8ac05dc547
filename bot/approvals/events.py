"""What can happen to a retry request: events in the imperative, who makes them, and the policy they are judged by."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model import Device, Patch, Person, RetryAnswer, Terms
from bot.windows import Opening, Window


@dataclass(frozen=True, slots=True)
class Policy:
    """What the configuration asks of one request now. ``windows``: those that hold for its device."""

    terms: Terms
    stale: timedelta | None
    follow_for: timedelta
    follow_every: timedelta
    windows: tuple[Window, ...] = ()


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


@dataclass(frozen=True, slots=True)
class Approve:
    by: str
    standing: Standing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Deny:
    by: str
    standing: Standing
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Retract:
    """Somebody takes their own vote back."""

    by: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: str


@dataclass(frozen=True, slots=True)
class Remind:
    """It has waited for so long that those who are still needed are mentioned once."""


@dataclass(frozen=True, slots=True)
class Escalate:
    """It has waited for so long that others may decide too."""


@dataclass(frozen=True, slots=True)
class Tighten:
    """The configuration asks for more than was promised."""


@dataclass(frozen=True, slots=True)
class Move:
    """N-sight tells another name, client or kind of the same device now."""

    device: Device


@dataclass(frozen=True, slots=True)
class Expire:
    """Time is up: pending too long, or approved but not sendable for too long (``why``, plain, when that is known)."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Await:
    """Approved, and its device's maintenance window is still to come."""

    opening: Opening


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
class Look:
    """An approver had the device of an unknown read again; its patches as just read, by id."""

    by: str
    standing: Standing
    read: Mapping[int, Patch]


@dataclass(frozen=True, slots=True)
class Postpone:
    """The device could not be read (``why``, plain): look again later."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Close:
    """An approver ends an unknown that reading did not settle."""

    by: str
    standing: Standing


Event = (
    Approve
    | Deny
    | Retract
    | Withdraw
    | Remind
    | Escalate
    | Tighten
    | Move
    | Expire
    | Await
    | Hold
    | Revert
    | Claim
    | Reject
    | Conclude
    | LoseTrack
    | Read
    | Look
    | Postpone
    | Close
)
