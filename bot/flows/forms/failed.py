"""Which attempts a Retry… button means: those of a digest's group, or of a row in ``/patches recent``."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.blocks import recent as recent_words
from bot.errors import Refused
from bot.flows import attempts, recent, sightings
from bot.flows.services import Services
from bot.matching.products import Wanted
from bot.model import Attempt, Outcome

_Key = tuple[str, str, str]  # developer, application, version that was tried
MOST = 5_000  # attempts of a group: a form offers no more devices than a hundred


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts at one version of an application. ``fingerprints``: equal attempts give theirs as often as there
    are. ``first``: the one that was pressed, empty when all were. The last ended at ``until``; ``ends``: when each did,
    by fingerprint, of several alike the last. ``told``: how many failures the button spoke of, 0 = of each attempt."""

    about: Wanted
    fingerprints: tuple[str, ...] = ()
    first: str = ""
    until: datetime | None = None
    ends: Mapping[str, datetime] = field(default_factory=dict)
    told: int = 0


async def of_digest(services: Services, group: Mapping[str, Any]) -> Failures:
    """``group``: what a digest's button remembers; one that an older version of the bot kept knows no devices."""
    version = str(group.get("to_version", group.get("to", "")))
    about = Wanted(
        str(group["application"]), str(group.get("developer", "")), str(group.get("from_version", "")), version
    )
    if "subjects" not in group:
        return Failures(about)
    told = int(group.get("count", 0))
    since = datetime.fromisoformat(group["since"])
    found = await services.store.subject_fingerprints(group["subjects"], MOST, since)
    ends = _ends(found)
    fingerprints, until = tuple(one for one, _ in found), max(ends.values(), default=None)
    return Failures(about, fingerprints, until=until, ends=ends, told=told)


async def of_row(services: Services, view: str, mark: str) -> Failures:
    """All failures like that of the row with this ``mark`` (how its fingerprint begins), in the list it stands in.

    Raises Refused when the list is no longer kept.
    """
    source = await recent.source_of(services, view)
    found = await asyncio.to_thread(_like, await source.like(mark), mark) if mark else None
    if found is None:
        raise Refused(recent_words.gone().text)
    await _catch_up(services, source.taken_at)
    return found


async def _catch_up(services: Services, taken_at: datetime) -> None:
    """Only attempts that were collected are looked for in ESET's list by device; a person's list may be newer."""
    at = await services.store.collected_at()
    if (at is None or at < taken_at) and not sightings.missing(services):
        await attempts.collect(services)  # whatever goes wrong: the form shows what is known


def _like(listed: Sequence[Attempt], mark: str) -> Failures | None:
    failed = [attempt for attempt in listed if attempt.outcome is Outcome.FAILED]
    row = next((attempt for attempt in failed if attempt.fingerprint.startswith(mark)), None)
    return _of(_key(row), failed, row.fingerprint) if row is not None else None


def _of(key: _Key, listed: Iterable[Attempt], first: str = "") -> Failures:
    """Pure; of 100,000 attempts a moment's work, meant for a thread."""
    meant = [attempt for attempt in listed if attempt.outcome is Outcome.FAILED and _key(attempt) == key]
    ends = _ends((attempt.fingerprint, attempt.ended_at) for attempt in meant if attempt.ended_at is not None)
    return Failures(
        _about(key, meant),
        tuple(attempt.fingerprint for attempt in meant),
        first,
        max(ends.values(), default=None),
        ends,
    )


def _ends(found: Iterable[tuple[str, datetime]]) -> dict[str, datetime]:
    """When the last of several alike ended."""
    ends: dict[str, datetime] = {}
    for fingerprint, ended in found:
        ends[fingerprint] = max(ended, ends.get(fingerprint, ended))
    return ends


def _key(attempt: Attempt) -> _Key:
    return attempt.developer, attempt.application, attempt.to_version


def _about(key: _Key, meant: Sequence[Attempt]) -> Wanted:
    """The version before is the one that most of them had."""
    developer, application, version = key
    before = Counter(attempt.from_version for attempt in meant if attempt.from_version).most_common(1)
    return Wanted(application, developer, before[0][0] if before else "", version)
