"""Failures put together, so that one line and one button stand for all that need the same. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.digests.failures import SEVERITIES, Failure, count
from bot.digests.plan import By
from bot.model import DeviceKind


@dataclass(frozen=True, slots=True)
class Group:
    """Failures of one application on the way to one version, which one retry form can ask for.

    ``label``: the client, reason or severity that the plan groups by, as the vendor tells it and empty when nobody
    knows; None when the plan groups by application alone. ``urgent``: how many of the new ones must not wait.
    """

    developer: str
    application: str
    to_version: str
    label: str | None = None
    new: tuple[Failure, ...] = ()
    still: tuple[Failure, ...] = ()
    urgent: int = 0
    count_new: int = 0
    count_still: int = 0

    @property
    def failures(self) -> tuple[Failure, ...]:
        return self.new + self.still

    @property
    def count(self) -> int:
        return self.count_new + self.count_still

    @property
    def fresh(self) -> bool:
        """Whether something in it is new, or may be: a failed attempt on a device that nobody knows."""
        return bool(self.new) or any(failure.unsure for failure in self.still)

    @property
    def servers(self) -> int:
        """How many servers it fails on, as far as known."""
        return sum(failure.kind is DeviceKind.SERVER for failure in self.failures)

    @property
    def severity(self) -> str:
        """The worst that is known, if it is critical or important; else empty."""
        severe = [failure.severity for failure in self.failures if failure.severe]
        return min(severe, key=lambda severity: rank(severity.casefold()), default="")

    @property
    def reasons(self) -> tuple[tuple[str, int], ...]:
        """(status, count), most frequent first."""
        counts = Counter[str]()
        for failure in self.failures:
            counts[failure.standing.status] += failure.count
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def subjects(self) -> tuple[int, ...]:
        return tuple(failure.standing.subject for failure in self.failures)

    @property
    def clients(self) -> tuple[str, ...]:
        return tuple(sorted({failure.client for failure in self.failures if failure.client}))

    @property
    def since(self) -> datetime | None:
        """When the one that has failed longest began to; None when all are new."""
        return min((failure.standing.since for failure in self.still), default=None)


_LABELS: dict[By, Callable[[Failure], str]] = {
    "client": lambda failure: failure.client,
    "reason": lambda failure: failure.standing.status,
    "severity": lambda failure: failure.severity.casefold(),
}


_Key = tuple[str | None, str, str, str]  # label, developer, application, version


def grouped(new: Iterable[Failure], still: Iterable[Failure], by: By) -> tuple[Group, ...]:
    """Those with something urgent first, then something new, then by how many; those with one label stand together.

    One pass over the failures, whose order stays within a group.
    """
    label = _LABELS.get(by)
    found: dict[_Key, tuple[list[Failure], list[Failure]]] = {}
    for place, failures in enumerate((new, still)):
        for failure in failures:
            what = failure.standing
            key = (label(failure) if label else None, what.developer, what.application, what.to_version)
            found.setdefault(key, ([], []))[place].append(failure)
    groups = (_group(key, fresh, old) for key, (fresh, old) in found.items())
    return tuple(_ordered(groups, by))


def _group(key: _Key, new: Iterable[Failure], still: Iterable[Failure]) -> Group:
    label, developer, application, version = key
    fresh, old = tuple(new), tuple(still)
    counts = count(one for one in fresh if one.urgent), count(fresh), count(old)
    return Group(developer, application, version, label, fresh, old, *counts)


_Weight = tuple[int, int, int]  # urgent, new, still failing; negative, so that the heaviest comes first


def _ordered(groups: Iterable[Group], by: By) -> list[Group]:
    weighed = [((-group.urgent, -group.count_new, -group.count_still), group) for group in groups]
    labels: dict[str | None, _Weight] = {}
    for weight, group in weighed:
        before = labels.get(group.label, (0, 0, 0))
        labels[group.label] = (before[0] + weight[0], before[1] + weight[1], before[2] + weight[2])

    def key(one: tuple[_Weight, Group]) -> tuple[object, ...]:
        weight, group = one
        severity = rank(group.label or "") if by == "severity" else 0
        names = (group.application.casefold(), group.developer.casefold(), group.to_version)
        return (severity, labels[group.label], group.label or "", weight, *names)

    return [group for _, group in sorted(weighed, key=key)]


def rank(severity: str) -> int:
    """The worst first, words that nobody knows after the known, none at all last."""
    if severity in SEVERITIES:
        return SEVERITIES.index(severity)
    return len(SEVERITIES) + (not severity)
