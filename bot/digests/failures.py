"""What a digest counts: an application that fails, or has failed, on a device, and which of them a plan wants. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bot.digests.plan import DigestPlan
from bot.model import Device, DeviceKind, Standing
from bot.terms import like

SEVERITIES = ("critical", "important", "moderate", "low")  # N-sight's words for a patch, worst first
SEVERE = frozenset(SEVERITIES[:2])


class Section(StrEnum):
    """Where a failure is told, by difference to the digest before."""

    NEW = "new"
    STILL = "still failing"
    RECOVERED = "recovered"


@dataclass(frozen=True, slots=True)
class Failure:
    """An application on one of ESET's devices, with what is known beside.

    ``device_name``: as ESET shows it, which is what the host calls itself, often in capitals. ``device``: the one in
    N-sight, None as long as nobody knows it. ``severity``: of the patch in N-sight, as told there. ``silence``: the id
    of the silence that keeps it out, ``retried``: the number of the request that repaired it; 0 = none.
    """

    standing: Standing
    device_name: str = ""
    device: Device | None = None
    severity: str = ""
    silence: int = 0
    retried: int = 0

    @property
    def name(self) -> str:
        """What people call the device: as N-sight does where it is known there, else as ESET; empty if nobody does."""
        return (self.device.name if self.device else "") or self.device_name

    @property
    def client(self) -> str:
        return self.device.client if self.device else ""

    @property
    def kind(self) -> DeviceKind | None:
        return self.device.kind if self.device else None

    @property
    def count(self) -> int:
        """One on a device that is known; else every failed attempt may be another device's."""
        return 1 if self.standing.device else max(1, self.standing.fresh)

    @property
    def unsure(self) -> bool:
        """Whether it failed once more, maybe on another device: nobody knows on which."""
        return not self.standing.device and self.standing.fresh > 0

    @property
    def severe(self) -> bool:
        return self.severity.casefold() in SEVERE

    @property
    def urgent(self) -> bool:
        """Whether it must not wait when it is new."""
        return self.kind is DeviceKind.SERVER or self.severe

    @property
    def section(self) -> Section:
        if self.retried or not self.standing.failing:
            return Section.RECOVERED
        return Section.STILL if self.standing.before else Section.NEW


def count(failures: Iterable[Failure]) -> int:
    return sum(failure.count for failure in failures)


@dataclass(frozen=True, slots=True)
class Totals:
    """Final attempts in the reach of a digest, whoever's they are. ``other``: not applicable, or unknown to us."""

    failed: int = 0
    ok: int = 0
    other: int = 0

    @property
    def all(self) -> int:
        return self.failed + self.ok + self.other


def wanted(plan: DigestPlan, failure: Failure) -> bool:
    """Whether the plan asks for it. What nobody can place (see ``unplaced``) is not asked for."""
    return _named(plan, failure) and not unplaced(plan, failure) and _placed(plan, failure)


def unassigned(plan: DigestPlan, failure: Failure) -> bool:
    """Whether the plan would ask for it, were it known on which client's or which kind of device it failed."""
    return _named(plan, failure) and unplaced(plan, failure)


def unplaced(plan: DigestPlan, failure: Failure) -> bool:
    return (bool(plan.clients) and not failure.client) or (plan.kind is not None and failure.kind is None)


def filtered(plan: DigestPlan) -> bool:
    """Whether the plan leaves anything out, so that ESET's totals are not its own."""
    return bool(plan.clients or plan.applications or plan.reasons or plan.kind)


def _named(plan: DigestPlan, failure: Failure) -> bool:
    standing = failure.standing
    if plan.reasons and standing.status.casefold() not in {reason.casefold() for reason in plan.reasons}:
        return False
    return names(plan, standing.application)


def names(plan: DigestPlan, application: str) -> bool:
    """Whether the plan asks for this application."""
    return not plan.applications or _like(application, plan.applications)


def _placed(plan: DigestPlan, failure: Failure) -> bool:
    return asks_of(plan, failure.client, failure.kind)


def asks_of(plan: DigestPlan, client: str, kind: DeviceKind | None) -> bool:
    """Whether the plan asks for devices of this kind at this client."""
    if plan.kind is not None and kind is not plan.kind:
        return False
    return not plan.clients or _like(client, plan.clients)


@lru_cache(4096)  # a fleet of thousands has few applications and clients
def _like(name: str, globs: tuple[str, ...]) -> bool:
    return any(like(name, glob) for glob in globs)
