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


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed attempts at one version of an application. ``fingerprints``: equal attempts give theirs as often as there
    are. ``first``: the one that was pressed, empty when all were. The last ended at ``until``; ``ends``: when each did,
    by fingerprint, of several alike the last."""

    about: Wanted
    fingerprints: tuple[str, ...] = ()
    first: str = ""
    until: datetime | None = None
    ends: Mapping[str, datetime] = field(default_factory=dict)


def group_data(key: _Key, after: int | None, since: datetime, upto: int) -> dict[str, Any]:
    """What a digest's button has to remember. The group covers attempts number ``after`` + 1 to ``upto``; ``after``
    None: those up to ``upto`` that ended ``since`` then."""
    developer, application, version = key
    reach: dict[str, Any] = {"after": after} if after is not None else {"since": since.isoformat()}
    return {"developer": developer, "application": application, "to": version, "upto": upto, **reach}


async def of_digest(services: Services, group: Mapping[str, Any]) -> Failures:
    """``group``: as from ``group_data``, or as older versions of the bot kept it."""
    key = (str(group.get("developer", "")), str(group["application"]), str(group["to"]))
    if "upto" not in group:
        return Failures(_about(key, ()))
    upto = int(group["upto"])
    if "after" in group:
        seen = await services.store.attempts_between(int(group["after"]), upto)
    else:
        seen = await services.store.attempts_ended_since(datetime.fromisoformat(group["since"]), upto)
    return await asyncio.to_thread(lambda: _of(key, [one.attempt for one in seen]))


async def of_row(services: Services, view: str, mark: str) -> Failures:
    """All failures like that of the row with this ``mark`` (how its fingerprint begins), in the list it stands in.

    Raises Refused when the list is no longer kept.
    """
    kept = await services.store.recall(recent.KIND, view)
    snapshot = await services.store.snapshot(kept["snapshot"]) if kept else None
    if snapshot is None or not mark:
        raise Refused(recent_words.gone().text)
    taken_at, listing = snapshot
    found = await asyncio.to_thread(_like, listing.attempts, mark)
    if found is None:
        raise Refused(recent_words.gone().text)
    await _catch_up(services, taken_at)
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
    ends: dict[str, datetime] = {}
    for attempt in meant:
        if attempt.ended_at is not None:
            ends[attempt.fingerprint] = max(attempt.ended_at, ends.get(attempt.fingerprint, attempt.ended_at))
    return Failures(
        _about(key, meant),
        tuple(attempt.fingerprint for attempt in meant),
        first,
        max(ends.values(), default=None),
        ends,
    )


def _key(attempt: Attempt) -> _Key:
    return attempt.developer, attempt.application, attempt.to_version


def _about(key: _Key, meant: Sequence[Attempt]) -> Wanted:
    """The version before is the one that most of them had."""
    developer, application, version = key
    before = Counter(attempt.from_version for attempt in meant if attempt.from_version).most_common(1)
    return Wanted(application, developer, before[0][0] if before else "", version)
