"""The words of the trade as frozen values. Standard library and msgspec only; nothing here does anything."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import IntEnum, IntFlag, StrEnum
from typing import Any

import msgspec

Blocks = tuple[dict[str, Any], ...]


# ---------------------------------------------------------------- ESET: attempts


NAMELESS = "(application without a name)"


class Outcome(StrEnum):
    """What an attempt's status amounts to. OTHER: not applicable, not final yet, or unknown to us."""

    FAILED = "failed"
    OK = "ok"
    OTHER = "other"


class Version(msgspec.Struct, frozen=True, gc=False):
    """A version as ESET tells it. ``name`` is what people read; ESET's number, text or not, is left unread."""

    name: str | None = None


class Period(msgspec.Struct, frozen=True, gc=False):
    """Start and end of an attempt, RFC 3339 text with 0 to 9 fraction digits; either may be missing."""

    start: str | None = msgspec.field(default=None, name="startTime")
    end: str | None = msgspec.field(default=None, name="endTime")


class Attempt(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One application patching attempt, with ESET's field names on the wire.

    100,000 of these arrive in one answer, so JSON decodes straight into this value instead of into a copy of it.
    Every field may be missing or null; the properties below are what the rest of the bot reads.
    Source: the vendor's page "List recent application patching details".
    """

    application_uuid: str | None = msgspec.field(default=None, name="applicationUuid")
    developer_name: str | None = msgspec.field(default=None, name="developerDisplayName")
    display_name: str | None = msgspec.field(default=None, name="displayName")
    patched: Version | None = msgspec.field(default=None, name="patchedVersion")
    raw_status: str | None = msgspec.field(default=None, name="status")
    period: Period | None = msgspec.field(default=None, name="timePeriod")
    unpatched: Version | None = msgspec.field(default=None, name="unpatchedVersion")

    @property
    def application(self) -> str:
        return self.display_name or NAMELESS

    @property
    def developer(self) -> str:
        return self.developer_name or ""

    @property
    def from_version(self) -> str:
        return (self.unpatched and self.unpatched.name) or ""

    @property
    def to_version(self) -> str:
        return (self.patched and self.patched.name) or ""

    @property
    def status(self) -> str:
        """The vendor's status without its prefix (old or new enum): ``FAILED_DOWNLOAD_ERROR``; never empty."""
        raw = self.raw_status or "UNSPECIFIED"
        return raw.removeprefix("APPLICATION_").removeprefix("PATCHING_STATUS_") or "UNSPECIFIED"

    @property
    def outcome(self) -> Outcome:
        """A status we do not know counts as failed when it says so, else as other."""
        status = self.status
        if status.startswith("OK_"):
            return Outcome.OK
        return Outcome.FAILED if "FAILED" in status else Outcome.OTHER

    @property
    def started_at(self) -> datetime | None:
        return parse_instant(self.period.start if self.period else None)

    @property
    def ended_at(self) -> datetime | None:
        return parse_instant(self.period.end if self.period else None)

    @property
    def final(self) -> bool:
        """Only a final attempt is counted: it has an end and a status that says something."""
        return self.ended_at is not None and self.status not in {"UNSPECIFIED", "AVAILABLE", "SCHEDULED"}

    @property
    def fingerprint(self) -> str:
        """Identity of a final row, hex: ESET gives rows no id, and two devices can produce equal rows."""
        times = (self.period.start, self.period.end) if self.period else (None, None)
        what = (self.application_uuid or "", self.from_version, self.to_version, self.status)
        parts = (*what, *(time or "" for time in times))
        return hashlib.sha256("\x1f".join(parts).encode(errors="surrogatepass")).hexdigest()


def parse_instant(text: str | None) -> datetime | None:
    """RFC 3339 text in UTC; None for text that is missing, empty, zoneless, unreadable or off the calendar in UTC."""
    if not text:
        return None
    try:
        instant = datetime.fromisoformat(text)
        return instant.astimezone(UTC) if instant.tzinfo else None
    except (ValueError, OverflowError):
        return None


@dataclass(frozen=True, slots=True)
class Listing:
    """One answer of ESET: every attempt it lists, and how many rows made no sense (logged, left out)."""

    attempts: list[Attempt]
    unreadable: int = 0


class DeviceAttempt(msgspec.Struct, frozen=True, gc=False):
    """An attempt with the device it happened on. ESET tells these in a second list, to those who may read it.

    ``device_uuid`` is opaque and never empty. Source: ESET's OpenAPI of patch management, v1DevicePatchingDetails.
    """

    device_uuid: str = msgspec.field(name="deviceUuid")
    attempt: Attempt = msgspec.field(name="application")


@dataclass(frozen=True, slots=True)
class EsetDevice:
    """A device as ESET knows it. ``name``: as shown in ESET's console, empty when ESET has none for it."""

    uuid: str
    name: str


@dataclass(frozen=True, slots=True)
class DeviceListing:
    """The attempts of a period with their devices. ``partial``: why some are missing, a plain clause; empty when none
    are. ``hurried``: they are for want of time alone, so that the next reading may well bring them."""

    attempts: list[DeviceAttempt]
    unreadable: int = 0
    partial: str = ""
    hurried: bool = False


class Result(IntEnum):
    """What a final attempt means for how its application stands on its device. As kept in the database."""

    NOTHING = 0  # a status that is unknown to us
    FAILED = 1
    OK = 2
    NEEDLESS = 3  # NOT_APPLICABLE: there is nothing to patch any more


@dataclass(frozen=True, slots=True)
class Standing:
    """How an application stands on one of ESET's devices, told from its final attempts in the order of their ends.

    ``device``: a uuid, empty for all attempts together whose device nobody knows. ``status``, ``from_version`` and
    ``to_version``: of the last failed attempt. ``since``, ``last``: ends of the first and the last failed attempt of a
    row of failures that no success interrupts: the present one, or the one that came to its end. ``tries``: how many
    they are. ``fresh``: how many failed attempts fall into the reach of the digest, whichever row they belong to.
    ``failing``: now; ``before``: that row was known to the digest before. ``ended_at``: when the attempt that brought
    it to its end did; ``needless``: that one found nothing to patch any more.
    """

    subject: int
    developer: str
    application: str
    device: str
    status: str
    from_version: str
    to_version: str
    since: datetime
    last: datetime
    tries: int
    fresh: int
    failing: bool
    before: bool
    ended_at: datetime | None = None
    needless: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """What ended on one day of a plan's zone. ``failed``, ``ok``: final attempts; ``recovered``: how many of ``ok``
    followed a failed attempt of the same application on the same known device."""

    date: date
    failed: int = 0
    ok: int = 0
    recovered: int = 0


@dataclass(frozen=True, slots=True)
class Silence:
    """Keeps an application out of digests. ``application``: the whole name or a glob, case aside; ``reason`` (a
    vendor's status), ``client`` (a glob) and ``version`` narrow it, empty = any. In globs ``\\*`` is an asterisk of
    the name's own (``terms.covers``). ``why``: as typed, not escaped.

    ``ended_by``: who ended it before ``until``, empty while nobody has.
    """

    id: int
    application: str
    until: datetime
    made_by: str
    made_at: datetime
    reason: str = ""
    client: str = ""
    version: str = ""
    why: str = ""
    ended_at: datetime | None = None
    ended_by: str = ""

    def on(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.until


# ---------------------------------------------------------------- N-sight: clients, devices, patches


class DeviceKind(StrEnum):
    SERVER = "server"
    WORKSTATION = "workstation"


@dataclass(frozen=True, slots=True)
class Client:
    """A customer of the MSP, as N-sight lists it. Counts are devices."""

    id: int
    name: str
    servers: int
    workstations: int


@dataclass(frozen=True, slots=True)
class Device:
    """A server or workstation. ``patching``: N-sight's Patch Management is switched on for it."""

    id: int
    name: str
    kind: DeviceKind
    client_id: int
    client: str
    site: str
    patching: bool = True


class PatchStatus(IntFlag):
    """N-sight's numbers; combinations and unknown bits occur. Logic looks at numbers, people read the label."""

    MISSING = 1
    PENDING = 2
    QUEUED = 4
    INSTALLED = 8
    FAILED = 16
    IGNORED = 32
    REBOOT_REQUIRED = 64


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch of one device, as ``patch_list_all`` tells it. Only id and status are sure to be there."""

    id: int
    title: str
    status: int
    label: str
    product: str = ""
    severity: str = ""
    policy: str = ""
    released: str = ""
    installed: str = ""

    @property
    def failed(self) -> bool:
        """Status 16 exactly, or bit 16 in a combination."""
        return bool(self.status & PatchStatus.FAILED)


@dataclass(frozen=True, slots=True)
class PatchView:
    """What is known of a device: its failed patches as they were ``read_at`` (None: never yet). ``trouble``: why the
    last try to read them brought nothing, a word such as "refused"; empty when all was well."""

    device: Device
    read_at: datetime | None = None
    failed: tuple[Patch, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class FailedPatches:
    """What is failed on a device as it was ``read_at``: severities by title."""

    device: Device
    read_at: datetime
    titles: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FleetView:
    """In figures, what N-sight knew of all devices with Patch Management, as far as a sweep has read them by ``at``.

    ``devices``: how many there are, ``read``: of these read so far, ``oldest``: the oldest of these readings.
    ``failed``: how many failed patches they told of, on ``failing`` devices. ``troubled``: how many devices could not
    be read at the last try.
    """

    at: datetime
    devices: int
    read: int = 0
    oldest: datetime | None = None
    failed: int = 0
    failing: int = 0
    troubled: int = 0


class CallVerdict(StrEnum):
    """What became of one ``patch_retry`` call."""

    NOT_SENT = "not sent"  # provably no byte of the request left
    ACCEPTED = "accepted"
    REFUSED = "refused"  # a well-formed FAIL answer
    UNKNOWN = "unknown"  # it may or may not have reached N-sight


@dataclass(frozen=True, slots=True)
class RetryAnswer:
    """A judged ``patch_retry`` call. ``already``: N-sight's "Patches already applied", which only means *was not
    Failed*. ``unaccounted``: sent ids that the answer does not mention. ``words``: N-sight's text or the failure,
    plain and free of secrets. ``reference``: of the log line."""

    verdict: CallVerdict
    retried: frozenset[int] = frozenset()
    already: frozenset[int] = frozenset()
    unaccounted: frozenset[int] = frozenset()
    words: str = ""
    reference: str = ""


# ---------------------------------------------------------------- retry requests


class State(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    SENDING = "sending"
    QUEUED = "queued"
    UNKNOWN = "unknown"
    FINISHED = "finished"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    REJECTED = "rejected"
    CLOSED = "closed"  # an unknown that an approver closed


OPEN = frozenset({State.PENDING, State.APPROVED, State.SENDING, State.QUEUED, State.UNKNOWN})


class Fate(StrEnum):
    """What became of one patch of a request. Those in SETTLED are final."""

    WAITING = "waiting"  # nothing was sent for it yet
    QUEUED = "queued"
    UNCLEAR = "unclear"  # sent, not accounted for by the answer: read again
    ALREADY = "already applied"  # in N-sight's words, which only mean that it was not Failed: read again
    INSTALLED = "installed"
    RESTART = "needs restart"
    FAILED_AGAIN = "failed again"
    STILL_FAILED = "still failed"  # whether it was retried is not known
    LEFT_OUT = "left out"  # no longer Failed when the retry was about to be sent
    GONE = "gone"  # N-sight lists it no longer
    OTHER = "other"  # in a state that is none of these (ignored, say) and in which nothing is under way


SETTLED = frozenset(
    {Fate.INSTALLED, Fate.RESTART, Fate.FAILED_AGAIN, Fate.STILL_FAILED, Fate.LEFT_OUT, Fate.GONE, Fate.OTHER}
)


@dataclass(frozen=True, slots=True)
class RequestedPatch:
    """A patch in a request: ``seen`` as the requester saw it, ``label`` as last read, and its fate so far."""

    id: int
    title: str
    seen: str
    label: str
    fate: Fate = Fate.WAITING
    severity: str = ""


@dataclass(frozen=True, slots=True)
class Vote:
    """One person's verdict; ``denies``: it says no. ``reason`` as typed, not escaped."""

    voter: str
    at: datetime
    denies: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """What it takes to decide a retry request.

    ``lists``: user ids and usergroup ids; whoever decides is in every one of them. ``quorum``: approvals needed;
    ``denials``: how many end it. ``reason_required`` holds for asking and approving, ``deny_reason`` for denying.
    After ``escalate_after`` those in ``escalate_to`` may decide too. None = never. ``because``: what the terms come
    from, plain, such as "server at Contoso Ltd"; empty for the base values.
    """

    lists: tuple[tuple[str, ...], ...] = ()
    quorum: int = 1
    denials: int = 1
    self_approval: bool = False
    reason_required: bool = False
    deny_reason: bool = False
    expires: timedelta | None = None
    remind: timedelta | None = None
    escalate_after: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_channel: str = ""
    because: str = ""


Peer = tuple[Device, tuple[RequestedPatch, ...]]


@dataclass(frozen=True, slots=True)
class RetryRequest:
    """A person's wish to retry patches on one device, and everything that has become of it.

    ``version`` counts changes (compare-and-swap). Times are aware UTC. ``note`` is the sentence that explains the
    present state (plain text). ``next_at``: when the scheduler looks at it again, None when never.

    A request for several devices is a *bulk* of such requests, one for each device, which were made together, share
    one card and are decided together; each is sent and followed by itself. ``bulk``: id of the first of them, 0 for a
    request that stands alone; ``peers``: the devices and patches of the others, by which it is judged too.
    ``again_of``: the ended request whose patches it asks for once more, 0 for none. ``origin``: the message whose
    button led to it; its thread hears what becomes of it.
    """

    id: int
    state: State
    version: int
    device: Device
    patches: tuple[RequestedPatch, ...]
    requester: str
    reason: str
    asked_in: str  # channel id where it was asked
    asked_at: datetime
    terms: Terms  # as promised when it was made, or stricter
    waiting_since: datetime | None = None  # asked, or waiting anew
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    escalated_at: datetime | None = None
    votes: tuple[Vote, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    decision_reason: str = ""
    approved_at: datetime | None = None
    send_after: datetime | None = None  # start and end of the maintenance window it waits for
    send_until: datetime | None = None
    owner: str = ""  # of the claim
    deadline: datetime | None = None  # of the claim, then of the follow-up
    called_at: datetime | None = None
    settled_at: datetime | None = None
    note: str = ""
    next_at: datetime | None = None
    bulk: int = 0
    peers: tuple[Peer, ...] = ()
    again_of: int = 0
    origin: "Posted | None" = None

    @property
    def card_id(self) -> int:
        """The request under whose id its card, buttons and notes go: of a bulk's the first, else its own."""
        return self.bulk or self.id

    @property
    def open(self) -> bool:
        return self.state in OPEN

    @property
    def in_play(self) -> frozenset[int]:
        """Ids of its patches of which nobody knows yet what becomes of them."""
        return frozenset(patch.id for patch in self.patches if patch.fate not in SETTLED)

    @property
    def approvals(self) -> tuple[Vote, ...]:
        return tuple(vote for vote in self.votes if not vote.denies)

    @property
    def denials(self) -> tuple[Vote, ...]:
        return tuple(vote for vote in self.votes if vote.denies)


# ---------------------------------------------------------------- Slack


@dataclass(frozen=True, slots=True)
class Message:
    """What is posted: ``text`` is the fallback that notifications and screen readers use, never empty."""

    text: str
    blocks: Blocks = ()


@dataclass(frozen=True, slots=True)
class File:
    """What is uploaded. ``name`` ends as its kind does (".csv", ".png"); ``title`` stands above it; ``alt`` tells who
    cannot see a picture what it shows, at most 1,000 characters, empty for anything else. ``content`` is never empty.
    """

    name: str
    content: bytes
    title: str
    alt: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message stands."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class Person:
    """A Slack user as ``users.info`` tells it. ``team``: the workspace that the account belongs to."""

    id: str
    name: str
    team: str = ""
    deleted: bool = False
    bot: bool = False
    guest: bool = False  # restricted or ultra-restricted
    stranger: bool = False  # Slack Connect, another organisation
