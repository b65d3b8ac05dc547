"""The audit trail for auditors: printed as JSON lines or CSV, which is itself put on record, and its chain walked."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any, TextIO

from bot.config import values
from bot.errors import ConfigError, TrailUnwritableError
from bot.flows import terminal
from bot.store import JSON, AuditRow, Entry, Store
from bot.store.audit import canonical

FORMS = ("jsonl", "csv")
COLUMNS = AuditRow.__match_args__
_FORMULA = re.compile(r"[=+\-@\t\r\n＝＋－＠]")
_UNSHOWABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SINCE = "is not a time: write 2026-11-01, 2026-11-01T08:00:00Z or a span such as 7d"

# ---------------------------------------------------------------- arguments


def parse_since(text: str | None, now: datetime) -> datetime | None:
    """A date (its first instant in UTC), an RFC 3339 time with its zone, or a span back from ``now``: ``7d``.

    None for None. ValueError with a sentence for anything else, a time that is still to come included.
    """
    if text is None:
        return None
    try:
        since = _instant(text.strip(), now)
    except (ValueError, OverflowError):
        raise ValueError(f"{values.shown(text)} {_SINCE}") from None
    if since.tzinfo is None:
        raise ValueError(f"{values.shown(text)} needs a time zone, such as Z for UTC")
    if since > now:
        raise ValueError(f"{values.shown(text)} is still to come")
    return since


def _instant(text: str, now: datetime) -> datetime:
    if re.fullmatch("[0-9]+ ?[smhd]", text):
        return now - values.duration(text)
    moment = datetime.fromisoformat(text)
    return datetime.combine(moment, time(), UTC) if re.fullmatch("[0-9]{4}-?[0-9]{2}-?[0-9]{2}", text) else moment


def parse_head(text: str | None) -> str | None:
    """A hash as ``verify`` prints it. ValueError with a sentence for anything else; None for None."""
    if text is not None and not re.fullmatch("[0-9a-f]{64}", text.strip().lower()):
        raise ValueError("must be the 64 hexadecimal digits that `audit verify` printed")
    return text and text.strip().lower()


# ---------------------------------------------------------------- what the commands do


async def opened(url: str) -> Store:
    """The store as it is: no file is made and no schema changed. ConfigError when there is none that can be read."""
    try:
        return await Store.open(url, migrate=False)
    except ConfigError as error:
        if not error.faults[0].startswith("database.migrate:"):
            raise
    raise ConfigError(["DATABASE_URL: the database has no audit trail of this version's schema; run `migrate` first"])


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be printed: ``form`` is one of FORMS, ``since`` None: all rows; ``at``: when it is asked for."""

    form: str
    since: datetime | None
    at: datetime


async def export(store: Store, wanted: Export, out: TextIO, err: TextIO) -> int:
    """Writes the rows that are there at the moment to ``out``, oldest first; returns the exit status, 0.

    The export is put on record before the first of them is shown. Where that cannot be (an auditor's copy, say),
    ``err`` is told so and the rows are printed all the same.
    """
    count, _ = await store.head()
    try:
        await store.append(_on_record(wanted, count))
    except TrailUnwritableError as error:
        print(f"This export could not be noted in the audit trail: {error}", file=err)
    write = _csv(out) if wanted.form == "csv" else _jsonl(out)
    async for row in store.rows(wanted.since):
        if row.seq > count:
            break
        write(row)
    return 0


def _on_record(wanted: Export, count: int) -> Entry:
    since = wanted.since.astimezone(UTC).isoformat() if wanted.since else None
    facts: dict[str, JSON] = {"format": wanted.form, "since": since, "rows": count}
    return Entry(wanted.at, "cli", "audit.export", "audit", facts)


async def verify(store: Store, head: str | None, out: TextIO) -> int:
    """Writes what walking the chain found; returns the exit status, 1 when it is broken."""
    verdict = await store.verify(head)
    if verdict.ok and not verdict.rows and await store.history(None, 1):
        print("rows: 0\nBROKEN: there are requests, and no row tells of them: the trail was emptied", file=out)
        return 1
    print(f"rows: {verdict.rows}\nhead: {verdict.head}", file=out)
    if not verdict.ok:
        print(f"BROKEN: {terminal.line(verdict.problem)}", file=out)
        return 1
    if head is None:
        print("The chain is whole. Note the head elsewhere: with --head, rows cut off its end are found out.", file=out)
    else:
        print("The chain is whole, and the head noted earlier is in it.", file=out)
    return 0


# ---------------------------------------------------------------- rows as text


def _jsonl(out: TextIO) -> Callable[[AuditRow], None]:
    def write(row: AuditRow) -> None:
        fields = {column: getattr(row, column) for column in COLUMNS} | {"data": _told(row.data)}
        text = json.dumps(fields, ensure_ascii=False)
        # All of these stand inside strings; raw, they could steer a terminal or not be encoded at all.
        out.write(_UNSHOWABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n")

    return write


def _told(data: str) -> Any:
    """The particulars as an object, so that the hash can be computed from it; as text when that would differ."""
    try:
        told = json.loads(data)
        return told if canonical(told) == data else data
    except (ValueError, TypeError, RecursionError):
        return data


def _csv(out: TextIO) -> Callable[[AuditRow], None]:
    rows = csv.writer(out, quoting=csv.QUOTE_ALL)
    rows.writerow(COLUMNS)
    return lambda row: rows.writerow([_cell(getattr(row, column)) for column in COLUMNS])


def _cell(value: object) -> str:
    """Spreadsheets run what looks like a formula; an apostrophe in front makes it text.

    Source: https://owasp.org/www-community/attacks/CSV_Injection.
    """
    text = str(value)
    return f"'{text}" if _FORMULA.match(text) else text
