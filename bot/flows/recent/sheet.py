"""A list of ``/patches recent`` as a file for a spreadsheet, in a direct message to whoever asked for it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from bot.blocks import recent as words
from bot.blocks.recent import Application
from bot.commands import Recent
from bot.errors import Refused
from bot.flows import handing
from bot.flows.recent.sources import Source
from bot.flows.services import Services
from bot.model import Attempt, EsetDevice, File, Message
from bot.sheets import sheet
from bot.store import JSON, Entry

MOST = 100_000  # rows: about 20 MB
ATTEMPTS = (
    "Application",
    "Developer",
    "From version",
    "To version",
    "Outcome",
    "Status",
    "Started (UTC)",
    "Ended (UTC)",
    "Devices (as far as ESET tells, equal attempts share them)",
)
APPLICATIONS = ("Application", "Developer", "Failed", "OK", "Other")

Seen = Mapping[str, Sequence[EsetDevice]]  # by fingerprint


async def hand(services: Services, source: Source, asked: Recent, person: str, *, by_application: bool) -> Message:
    """Sends the file, once it is on record who asked for it; the answer to the press. Raises Refused,
    TrailUnwritableError, UpstreamError(SLACK)."""
    if by_application:
        title, name = words.title_by_application(asked), "applications.csv"
        rows = [_application(one) for one in await source.applications(asked, 0)]
        header: Sequence[str] = APPLICATIONS
    else:
        title, name = words.title(asked), "attempts.csv"
        rows = await _attempts(services, source, asked)
        header = ATTEMPTS
    if not rows:
        raise Refused(words.empty())
    content = await asyncio.to_thread(sheet, header, rows[:MOST])
    count = min(len(rows), MOST)
    facts: dict[str, JSON] = {"list": title, "application": asked.app, "status": asked.status, "rows": count}
    await services.store.append(Entry(services.now(), person, "recent.export", "attempts", facts))
    told = words.exported(title, count, cut=len(rows) > count)
    await handing.hand(services, person, told, File(name, content, title))
    return words.sent(count)


async def _attempts(services: Services, source: Source, asked: Recent) -> list[tuple[str, ...]]:
    """One more than a file takes, if there are."""
    rows: list[tuple[str, ...]] = []
    async for some in source.all(asked, MOST + 1):
        fingerprints = await asyncio.to_thread(_fingerprints, some)
        seen = await services.store.sightings(fingerprints)
        rows += await asyncio.to_thread(_rows, some, fingerprints, seen)
    return rows


def _fingerprints(attempts: Iterable[Attempt]) -> list[str]:
    return [attempt.fingerprint for attempt in attempts]


def _rows(attempts: Iterable[Attempt], fingerprints: Iterable[str], seen: Seen) -> list[tuple[str, ...]]:
    pairs = zip(attempts, fingerprints, strict=True)
    return [_row(attempt, seen.get(fingerprint, ())) for attempt, fingerprint in pairs]


def _row(attempt: Attempt, devices: Sequence[EsetDevice]) -> tuple[str, ...]:
    return (
        attempt.application,
        attempt.developer,
        attempt.from_version,
        attempt.to_version,
        attempt.outcome.value,
        attempt.status,
        _moment(attempt.started_at),
        _moment(attempt.ended_at),
        ", ".join(device.name or device.uuid for device in devices),
    )


def _application(one: Application) -> tuple[str, ...]:
    return one.name, one.developer, str(one.failed), str(one.ok), str(one.other)


def _moment(instant: datetime | None) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if instant else ""
