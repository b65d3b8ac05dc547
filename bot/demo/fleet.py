"""The truth that N-sight's and ESET's stand-ins both tell: customers, machines, their patches, attempts to patch.

A retry moves a Failed patch to Pending, to Queued and, on the shared clock, to its outcome; when N-sight has come to
an end with an application's patch, ESET lists an attempt that says the same.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache, cached_property
from typing import Any

from bot.demo import catalogue
from bot.demo.catalogue import Application
from bot.model import DeviceKind, PatchStatus

RECENT = timedelta(days=7)  # ESET: "within the last few days"
KEPT = timedelta(days=30)  # ESET, of attempts with their devices: "at least the last 30 days"
LABELS = {
    PatchStatus.MISSING: "Missing",
    PatchStatus.PENDING: "Pending",
    PatchStatus.QUEUED: "Queued",
    PatchStatus.INSTALLED: "Installed",
    PatchStatus.FAILED: "Failed",
    PatchStatus.IGNORED: "Ignored",
    PatchStatus.REBOOT_REQUIRED: "Reboot Required",
}
REASONS = (
    "FAILED_TERMINATION_REQUIRED",
    "FAILED_DOWNLOAD_ERROR",
    "FAILED_UNINSTALL_REQUIRED",
    "FAILED_INSTALLER_CORRUPTED",
    "FAILED_PREPARE_ERROR",
)
TOLD_BY_ESET = {
    PatchStatus.INSTALLED: "OK_INSTALLED",
    PatchStatus.REBOOT_REQUIRED: "OK_RESTART_REQUIRED",
}
_NAMESPACE = uuid.UUID("b0c7c9de-6a51-4f6e-8a43-2c9d0f5e1b77")


@dataclass(frozen=True)
class Pace:
    """How long N-sight takes over a retried patch: waiting for the device's window, then installing."""

    pending: timedelta = timedelta(minutes=10)
    queued: timedelta = timedelta(minutes=15)

    @property
    def total(self) -> timedelta:
        return self.pending + self.queued


@dataclass
class FleetPatch:
    """A patch of one machine. ``outcomes``: what the next retries lead to, Installed once they are used up; ``doomed``:
    the present one ends Failed all the same."""

    id: int
    title: str
    product: str
    status: PatchStatus
    released: date
    severity: int = 3
    policy: int = 2
    installed_at: datetime | None = None
    application: Application | None = None
    from_version: str = ""
    to_version: str = ""
    reason: str = REASONS[0]
    outcomes: list[PatchStatus] = field(default_factory=list)
    retried_at: datetime | None = None
    doomed: bool = False


@dataclass
class Machine:
    """A server or workstation; ``patching``: N-sight's Patch Management is on for it, and ESET is there too.

    ``eset_name``: what ESET's console shows, where that is not N-sight's name.
    """

    id: int
    name: str
    kind: DeviceKind
    user: str = ""
    description: str = ""
    patching: bool = True
    patches: dict[int, FleetPatch] = field(default_factory=dict)
    eset_name: str = ""

    @property
    def eset_uuid(self) -> str:
        """Opaque and always the same; as in life, not every one is written as RFC 9562 has it."""
        return _eset_uuid(self.id)


@cache
def _eset_uuid(machine_id: int) -> str:
    known = uuid.uuid5(_NAMESPACE, str(machine_id))
    return f"d{known.hex.upper()}" if machine_id % 7 == 3 else str(known)


@dataclass
class Site:
    id: int
    name: str
    machines: list[Machine] = field(default_factory=list)


@dataclass
class Customer:
    """What N-sight calls a client."""

    id: int
    name: str
    sites: list[Site] = field(default_factory=list)

    def count(self, kind: DeviceKind) -> int:
        return sum(machine.kind is kind for site in self.sites for machine in site.machines)


@dataclass(frozen=True)
class AttemptRow:
    """One attempt by ESET on one machine, which the wire does not name. ``ended`` None: still at it."""

    machine_id: int
    application: Application
    from_version: str
    to_version: str
    status: str
    started: datetime
    ended: datetime | None
    digits: int = 0  # of the second's fraction on the wire

    def wire(self) -> dict[str, Any]:
        """The row in ESET's JSON, made once, to be read only; what is not set is null, as its gateway sends it."""
        return self._wire

    @cached_property
    def _wire(self) -> dict[str, Any]:
        gone = self.status == "NOT_APPLICABLE"
        return {
            "applicationUuid": self.application.uuid,
            "developerDisplayName": self.application.developer,
            "displayName": self.application.name,
            "patchedVersion": catalogue.version(self.to_version),
            "status": f"APPLICATION_PATCHING_STATUS_{self.status}",
            "timePeriod": {"startTime": self._instant(self.started), "endTime": self._instant(self.ended)},
            "unpatchedVersion": None if gone else catalogue.version(self.from_version),
        }

    @property
    def at(self) -> datetime:
        """When it ended, or began when it has not."""
        return self.ended or self.started

    def _instant(self, moment: datetime | None) -> str | None:
        return None if moment is None else _instant(moment, self.digits)


@dataclass(frozen=True)
class OtherRow:
    """An attempt at something else than an application, which ESET tells with the device alone. ``kind`` is the
    field's name on the wire: "operatingSystem" or "package"."""

    machine_id: int
    kind: str
    name: str
    at: datetime
    versions: tuple[str, str] = ("", "")
    status: str = "OK_INSTALLED"

    def wire(self) -> dict[str, Any]:
        operating_system = {"actionType": "PATCH_ACTION_TYPE_UPGRADED", "osFamilyId": 1}
        what = operating_system if self.kind == "operatingSystem" else {"packageReference": self.name}
        unpatched, patched = (catalogue.version(name) if name else None for name in self.versions)
        times = {"startTime": _instant(self.at - timedelta(minutes=3)), "endTime": _instant(self.at)}
        status = f"PATCHING_STATUS_{self.status}"
        return {**what, "patchedVersion": patched, "status": status, "timePeriod": times, "unpatchedVersion": unpatched}


def _instant(moment: datetime, digits: int = 0) -> str:
    text = moment.isoformat(timespec="microseconds")[:26]
    return f"{text}000"[: 20 + digits] + "Z" if digits else f"{text[:19]}Z"


@dataclass
class Fleet:
    """Everything there is, and the few ways it changes. All times are aware UTC and come from the caller."""

    customers: list[Customer]
    attempts: list[AttemptRow] = field(default_factory=list)
    others: list[OtherRow] = field(default_factory=list)
    pace: Pace = Pace()
    next_patch_id: int = 690_001
    dooms_next: bool = False  # whether all of the next retry is doomed

    def machines(self) -> Iterator[Machine]:
        return (machine for customer in self.customers for site in customer.sites for machine in site.machines)

    def machine(self, machine_id: int) -> Machine | None:
        return next((machine for machine in self.machines() if machine.id == machine_id), None)

    def customer(self, customer_id: int) -> Customer | None:
        return next((customer for customer in self.customers if customer.id == customer_id), None)

    def patch(self, machine_id: int, patch_id: int) -> FleetPatch:
        """KeyError when there is no such machine or patch."""
        machine = self.machine(machine_id)
        if machine is None:
            raise KeyError(machine_id)
        return machine.patches[patch_id]

    def retry(self, machine: Machine, ids: Sequence[int], now: datetime) -> tuple[list[int], list[int]]:
        """Queue what is Failed again. Returns the ids retried and those that N-sight calls already applied,
        which is every one that was not Failed."""
        self.settle(now)
        retried = [patch_id for patch_id in ids if machine.patches[patch_id].status is PatchStatus.FAILED]
        for patch_id in retried:
            patch = machine.patches[patch_id]
            patch.status, patch.retried_at, patch.doomed = PatchStatus.PENDING, now, self.dooms_next
        self.dooms_next = self.dooms_next and not retried
        return retried, [patch_id for patch_id in ids if patch_id not in retried]

    def settle(self, now: datetime) -> None:
        """Bring every retried patch to where it is at ``now``."""
        for machine in self.machines():
            for patch in machine.patches.values():
                if patch.retried_at is not None:
                    self._move(machine, patch, patch.retried_at, now)

    def _move(self, machine: Machine, patch: FleetPatch, since: datetime, now: datetime) -> None:
        if now < since + self.pace.pending:
            return
        if now < since + self.pace.total:
            patch.status = PatchStatus.QUEUED
            return
        self._end(machine, patch, since + self.pace.total)

    def _end(self, machine: Machine, patch: FleetPatch, at: datetime) -> None:
        if patch.doomed:
            patch.status = PatchStatus.FAILED
        else:
            patch.status = patch.outcomes.pop(0) if patch.outcomes else PatchStatus.INSTALLED
        patch.retried_at, patch.doomed = None, False
        if patch.status is not PatchStatus.FAILED:
            patch.installed_at = at
        if patch.application is not None:
            self.attempts.append(attempt(machine.id, patch, at, took=timedelta(seconds=95)))

    def on_their_way(self) -> list[FleetPatch]:
        """What was retried and has not come to its end."""
        patches = (patch for machine in self.machines() for patch in machine.patches.values())
        return [patch for patch in patches if patch.retried_at is not None]

    @property
    def doomed(self) -> bool:
        """Whether some retry that is under way, or the next one, is to end Failed."""
        return self.dooms_next or any(patch.doomed for patch in self.on_their_way())

    def doom(self) -> int:
        """All that is on its way ends Failed; if nothing is, so does the next retry. Returns how many patches that are
        on their way."""
        there = self.on_their_way()
        for patch in there:
            patch.doomed = True
        self.dooms_next = not there
        return len(there)

    def spare(self) -> None:
        """The opposite: what has not failed yet goes its way."""
        self.dooms_next = False
        for patch in self.on_their_way():
            patch.doomed = False

    def fail_again(self, machine_id: int, patch_id: int, times: int = 1) -> None:
        """The next ``times`` retries of this patch end Failed."""
        self.patch(machine_id, patch_id).outcomes[:0] = [PatchStatus.FAILED] * times

    def new_failures(self, now: datetime, count: int = 3) -> list[tuple[Machine, FleetPatch]]:
        """``count`` machines (no more than there are) fail at an application's newest version, just now, as both
        services tell."""
        news: list[tuple[Machine, FleetPatch]] = []
        for machine, application in self._willing():
            if len(news) == count:
                break
            patch = self._new_patch(application, REASONS[len(news) % len(REASONS)])
            machine.patches[patch.id] = patch
            ended = now - timedelta(seconds=20 + 40 * len(news))
            self.attempts.append(attempt(machine.id, patch, ended, took=timedelta(seconds=70), digits=3))
            news.append((machine, patch))
        return news

    def _willing(self) -> Iterator[tuple[Machine, Application]]:
        """Machines from all sites in turn, each once, with an application whose newest version N-sight has no patch
        for yet; neighbours share an application, so that a digest has something to group."""
        machines = [machine for machine in self.machines() if machine.patching]
        for index, machine in enumerate(m for offset in range(7) for m in machines[offset::7]):
            known = {patch.application for patch in machine.patches.values()}
            free = [application for application in catalogue.APPLICATIONS if application not in known]
            if free:
                yield machine, free[index // 2 % len(free)]

    def _new_patch(self, application: Application, reason: str) -> FleetPatch:
        patch_id, self.next_patch_id = self.next_patch_id, self.next_patch_id + 1
        return application_patch(patch_id, application, PatchStatus.FAILED, reason=reason)

    def recent(self, now: datetime) -> list[dict[str, Any]]:
        """ESET's list at ``now``, in no particular order, as ESET promises none."""
        self.settle(now)
        return [row.wire() for row in self.attempts if now - RECENT < row.at <= now]

    def details(self, now: datetime) -> list[tuple[datetime, dict[str, Any]]]:
        """ESET's list of attempts with their devices at ``now``, newest last, each with its time. It goes on telling
        of machines that are gone."""
        self.settle(now)
        told: list[AttemptRow | OtherRow] = [*self.attempts, *self.others]
        rows = sorted((row for row in told if now - KEPT < row.at <= now), key=lambda row: row.at)
        return [(row.at, _with_device(row, _eset_uuid(row.machine_id))) for row in rows]


def _with_device(row: AttemptRow | OtherRow, device_uuid: str) -> dict[str, Any]:
    """v1DevicePatchingDetails; of what was patched only that which it is."""
    kind, name = ("application", row.application.name) if isinstance(row, AttemptRow) else (row.kind, row.name)
    return {"dependencies": [], "deviceUuid": device_uuid, "displayName": name, kind: row.wire()}


def application_patch(
    patch_id: int,
    application: Application,
    status: PatchStatus,
    *,
    step: int = -1,
    reason: str = REASONS[0],
    installed_at: datetime | None = None,
) -> FleetPatch:
    """The patch that brings an application to its version at ``step`` (index from the newest) from the one before."""
    from_version, to_version = application.versions[step - 1], application.versions[step]
    return FleetPatch(
        id=patch_id,
        title=f"{application.product} {to_version}",
        product=application.product,
        status=status,
        released=application.released,
        severity=application.severity,
        installed_at=installed_at,
        application=application,
        from_version=from_version,
        to_version=to_version,
        reason=reason,
    )


def attempt(machine_id: int, patch: FleetPatch, ended: datetime, *, took: timedelta, digits: int = 0) -> AttemptRow:
    """What ESET tells of the patch having got where it is. ValueError for a patch that ESET does not know."""
    if patch.application is None:
        raise ValueError(f"patch {patch.id} is no application's")
    return AttemptRow(
        machine_id=machine_id,
        application=patch.application,
        from_version=patch.from_version,
        to_version=patch.to_version,
        status=TOLD_BY_ESET.get(patch.status, patch.reason),
        started=ended - took,
        ended=ended,
        digits=digits,
    )
