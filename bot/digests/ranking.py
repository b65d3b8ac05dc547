"""What fails most at the moment, told from how every application stands on every device. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.model import Standing


@dataclass(frozen=True, slots=True)
class Ranked:
    """An application that fails. ``devices``: how many known ones it fails on; ``unplaced``: failed attempts of which
    nobody knows the device. ``status``: the most frequent of the last failures; ``since``: the oldest failure.

    ``subjects``: what fails, by number: each known device, and those that nobody knows as one; ``alike`` of them failed
    with that status, ``silenced`` of them are kept out of digests. Versions: empty when there are several.
    """

    developer: str
    application: str
    devices: int
    unplaced: int
    status: str
    since: datetime
    subjects: tuple[int, ...] = ()
    alike: int = 0
    silenced: int = 0
    from_version: str = ""
    to_version: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The first of ``total`` applications that fail: on most devices first, then with most attempts."""

    worst: tuple[Ranked, ...] = ()
    total: int = 0


def ranking(standings: Iterable[Standing], most: int, silenced: Collection[int] = ()) -> Ranking:
    """The ``most`` worst; what does not fail now is passed over. ``silenced``: subjects that a silence covers."""
    found: dict[tuple[str, str], list[Standing]] = {}
    for one in standings:
        if one.failing:
            found.setdefault((one.developer, one.application), []).append(one)
    ranked = sorted((_ranked(group, silenced) for group in found.values()), key=_order)
    return Ranking(tuple(ranked[:most]), len(ranked))


def _ranked(group: Sequence[Standing], silenced: Collection[int]) -> Ranked:
    first = group[0]
    statuses = Counter(one.status for one in group)
    status = min(statuses, key=lambda status: (-statuses[status], status))
    return Ranked(
        developer=first.developer,
        application=first.application,
        devices=sum(1 for one in group if one.device),
        unplaced=sum(one.tries for one in group if not one.device),
        status=status,
        since=min(one.since for one in group),
        subjects=tuple(sorted(one.subject for one in group)),
        alike=statuses[status],
        silenced=sum(one.subject in silenced for one in group),
        from_version=_only({one.from_version for one in group}),
        to_version=_only({one.to_version for one in group}),
    )


def _only(versions: set[str]) -> str:
    return versions.pop() if len(versions) == 1 else ""


def _order(one: Ranked) -> tuple[int, int, str, str]:
    return -one.devices, -one.unplaced, one.application.casefold(), one.developer.casefold()
