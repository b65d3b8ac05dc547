"""All that a digest tells, as a table for a spreadsheet. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime

from bot.digests.build import Digest
from bot.digests.failures import Failure
from bot.sheets import sheet

HEADER = (
    "Section",
    "Application",
    "Developer",
    "From version",
    "To version",
    "Device",
    "N-sight device id",
    "Client",
    "Site",
    "Kind",
    "Status",
    "Severity",
    "Failing since (UTC)",
    "Last failed (UTC)",
    "Failed attempts",
    "Recovered (UTC)",
    "Recovered by",
)


def csv(digest: Digest) -> bytes:
    """A row for each failure, new ones first, in the order of the digest's thread."""
    return sheet(HEADER, _rows(digest))


def _rows(digest: Digest) -> Iterator[tuple[str, ...]]:
    for failures in (digest.new, digest.still, digest.recovered):
        for failure in failures:
            yield _row(failure)


def _row(failure: Failure) -> tuple[str, ...]:
    one, device = failure.standing, failure.device
    ended = not one.failing or bool(failure.retried)
    return (
        failure.section.value,
        one.application,
        one.developer,
        one.from_version,
        one.to_version,
        failure.name,
        str(device.id) if device else "",
        failure.client,
        device.site if device else "",
        failure.kind or "",
        one.status,
        failure.severity,
        _moment(one.since),
        _moment(one.last),
        str(one.tries),
        _moment(one.ended_at) if one.ended_at and ended else "",
        _by(failure) if ended else "",
    )


def _by(failure: Failure) -> str:
    if failure.retried:
        return f"retry #{failure.retried}"
    return "nothing to patch any more" if failure.standing.needless else "by itself"


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
