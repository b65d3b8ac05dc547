"""The audit trail for auditors: printed as JSON lines or CSV, and its hash chain walked. Nothing is ever changed."""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any, TextIO

from bot.config import values
from bot.errors import ConfigError
from bot.flows import terminal
from bot.store import AuditRow, Store
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


async def export(store: Store, form: str, since: datetime | None, out: TextIO) -> int:
    """Writes the rows from ``since`` on to ``out``, oldest first, in one of FORMS; returns the exit status, 0."""
    write = _csv(out) if form == "csv" else _jsonl(out)
    async for row in store.rows(since):
        write(row)
    return 0


async def verify(store: Store, head: str | None, out: TextIO) -> int:
    """Writes what walking the chain found; returns the exit status, 1 when it is broken."""
    verdict = await store.verify(head)
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
