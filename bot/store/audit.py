"""The audit trail: rows that are only ever appended, each bound to the one before it by a hash.

``hash = SHA-256(prev + canonical JSON of {action, actor, at, data, seq, subject})``, hex, where ``prev`` is the hash of
the row before (64 zeros for the first) and ``data`` stands as the text that is stored. Whoever keeps a head outside
the database can prove later that nothing up to it was changed, taken out or cut off.
"""

import hashlib
import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.errors import TrailUnwritableError, UnreadableError
from bot.model import parse_instant
from bot.store.engine import Database, why_unusable
from bot.store.tables import audit_trail

JSON = str | int | float | bool | None | Sequence["JSON"] | Mapping[str, "JSON"]

GENESIS = "0" * 64
PAGE = 1000
PROBED_AT = datetime(1970, 1, 1, tzinfo=UTC)

# ---------------------------------------------------------------- pure


@dataclass(frozen=True, slots=True)
class Entry:
    """What happened: ``actor`` did ``action`` to ``subject``; ``data`` holds the particulars. ``at`` is aware."""

    at: datetime
    actor: str
    action: str
    subject: str
    data: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row as it is stored: ``at`` is ISO 8601 text in UTC, ``data`` canonical JSON text, hashes are hex."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    data: str
    prev: str
    hash: str

    @property
    def entry(self) -> Entry:
        """The row as it was told; ValueError when somebody has changed it into something unreadable."""
        return Entry(datetime.fromisoformat(self.at), self.actor, self.action, self.subject, json.loads(self.data))


@dataclass(frozen=True, slots=True)
class Verdict:
    """``rows`` were walked and found whole; ``head`` is the hash of the last of them; ``problem`` is a sentence."""

    ok: bool
    rows: int
    head: str
    problem: str = ""


def canonical(value: JSON) -> str:
    """The one JSON text of a value: keys sorted, no blanks, no escapes that need not be. ValueError for NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def timestamp(at: datetime) -> str:
    """Of one length and in UTC, so that the texts sort as the times do. ValueError without a zone."""
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be stored")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def link(seq: int, prev: str, entry: Entry) -> AuditRow:
    """The row that follows the one whose hash is `prev`."""
    at, data = timestamp(entry.at), canonical(entry.data)
    row = AuditRow(seq, at, entry.actor, entry.action, entry.subject, data, prev, "")
    return AuditRow(seq, at, entry.actor, entry.action, entry.subject, data, prev, digest(row))


def digest(row: AuditRow) -> str:
    """The hash that the row should carry."""
    said: dict[str, JSON] = {"seq": row.seq, "at": row.at, "actor": row.actor, "action": row.action}
    text = canonical({**said, "subject": row.subject, "data": row.data})
    return hashlib.sha256((row.prev + text).encode()).hexdigest()


def flaw(row: AuditRow, seq: int, prev: str) -> str | None:
    """What is wrong with a row that should have this number and follow this hash; None when nothing is."""
    if row.seq != seq:
        return f"row {seq} is missing: the next one found is {row.seq}"
    texts = (row.at, row.actor, row.action, row.subject, row.data, row.prev, row.hash)
    if not all(isinstance(text, str) for text in texts):
        return f"row {seq} was changed: a field is not text"
    if row.prev != prev:
        return f"row {seq} does not follow row {seq - 1}: one of them was replaced"
    return None if row.hash == digest(row) else f"row {seq} was changed: its hash does not fit what it says"


# ---------------------------------------------------------------- database


async def append(connection: AsyncConnection, entry: Entry) -> AuditRow:
    """Adds the entry at the end of the chain, inside the caller's write transaction.

    TrailUnwritableError when the table refuses it, for whatever reason: then the caller's change must not be either.
    """
    try:
        seq, prev = await head(connection)
        if not isinstance(prev, str):
            raise TrailUnwritableError(f"row {seq} of the audit trail was changed: run `audit verify`")
        row = link(seq + 1, prev, entry)
        values = {column.name: getattr(row, column.name) for column in audit_trail.c}
        await connection.execute(sa.insert(audit_trail).values(values))
    except sa.exc.DBAPIError as error:
        raise TrailUnwritableError(why_unusable(error) or "the audit trail refuses a row") from error
    return row


async def probe(connection: AsyncConnection) -> None:
    """Adds a row and takes it back. TrailUnwritableError when the table refuses it."""
    attempt = await connection.begin_nested()
    await append(connection, Entry(PROBED_AT, "bot", "probe", "", {}))
    await attempt.rollback()


async def head(connection: AsyncConnection) -> tuple[int, str]:
    """Number and hash of the last row; (0, 64 zeros) when there is none."""
    last = sa.select(audit_trail.c.seq, audit_trail.c.hash).order_by(audit_trail.c.seq.desc()).limit(1)
    row = (await connection.execute(last)).first()
    return (row.seq, row.hash) if row else (0, GENESIS)


async def began(connection: AsyncConnection) -> datetime | None:
    """The time of the first row; None when there is none, or somebody has made it unreadable."""
    first = sa.select(audit_trail.c.at).order_by(audit_trail.c.seq).limit(1)
    at = (await connection.execute(first)).scalar()
    return parse_instant(at)


async def rows(
    database: Database, since: datetime | None = None, *, page: int = PAGE
) -> AsyncGenerator[AuditRow, None]:
    """All rows in order, page by page, so that a reader who is slow keeps nothing open."""
    seq = 0
    query = sa.select(audit_trail).order_by(audit_trail.c.seq).limit(page)
    if since is not None:
        query = query.where(audit_trail.c.at >= timestamp(since))
    while True:
        async with database.read() as connection:
            found = (await connection.execute(query.where(audit_trail.c.seq > seq))).all()
        for row in found:
            yield AuditRow(*row)
        if len(found) < page:
            return
        seq = found[-1].seq


async def verify(database: Database, expected: str | None = None) -> Verdict:
    """Walks the chain from its first row and stops at the first flaw.

    `expected`: a head noted earlier, which must be in the chain; without it, rows cut off the end are not noticed.
    """
    return await _walk(database, expected, PAGE)


async def _walk(database: Database, expected: str | None, page: int) -> Verdict:
    seq, prev = 0, GENESIS
    found = expected in {None, GENESIS}
    try:
        async with aclosing(rows(database, page=page)) as trail:
            async for row in trail:
                if problem := flaw(row, seq + 1, prev):
                    return Verdict(ok=False, rows=seq, head=prev, problem=problem)
                seq, prev = seq + 1, row.hash
                found = found or prev == expected
    except (sa.exc.DBAPIError, UnreadableError) as error:
        if isinstance(error, UnreadableError) and not error.damaged:
            raise  # that says nothing about the rows
        # Text that is not UTF-8, or a torn page: read one row at a time to tell which.
        if page > 1:
            return await _walk(database, expected, 1)
        return Verdict(ok=False, rows=seq, head=prev, problem=f"row {seq + 1} was changed: it cannot be read")
    if not found:
        problem = f"the head {expected} is not in the chain: rows were cut off, or it is another database's"
        return Verdict(ok=False, rows=seq, head=prev, problem=problem)
    return Verdict(ok=True, rows=seq, head=prev)
