"""The audit trail as auditors get it: arguments, JSON lines, CSV that no spreadsheet runs, and the verdict."""

import csv
import io
import json
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.flows import trail
from bot.store import AuditRow, Entry, Store
from bot.store.audit import GENESIS, canonical, digest
from tests.insider import runs, tampers
from tests.laid import lay
from tests.test_cli import ended, start

# The program as somebody who may read the folder and write nothing in it.
AUDITOR = """
import os
from pathlib import Path
import aiosqlite, bot.errands.ledger  # while Python's own folder can still be read
from bot.__main__ import main

Path("patches.db").chmod(0o444)
Path(".").chmod(0o555)
if os.geteuid() == 0:
    os.setuid(65534)
main()
"""
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REASON = 'disk is "free" again; größer\x85\u2028=1+1'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patches.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[Store]:
    await lay(tmp_path)
    opened = await Store.open(url)
    yield opened
    await opened.close()


def entry(at: datetime, actor: str = "U0ANN", subject: str = "request:1") -> Entry:
    return Entry(at, actor, "request.create", subject, {"reason": REASON, "patches": [7, 4711], "device": None})


async def exported(store: Store, form: str, since: datetime | None = None) -> str:
    out, err = io.StringIO(newline=""), io.StringIO()
    assert await trail.export(store, trail.Export(form, since, NOON), out, err) == 0
    assert err.getvalue() == ""
    return out.getvalue()


# ---------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("text", "since"),
    [
        (None, None),
        ("7d", NOON - timedelta(days=7)),
        (" 90s ", NOON - timedelta(seconds=90)),
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T08:30:00Z", datetime(2026, 3, 1, 8, 30, tzinfo=UTC)),
        ("2026-03-01 08:30:00+02:00", datetime(2026, 3, 1, 8, 30, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_since_is_a_date_a_time_or_a_span(text: str | None, since: datetime | None) -> None:
    assert trail.parse_since(text, NOON) == since


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not a time"),
        ("last tuesday", "is not a time"),
        ("2026-02-30", "is not a time"),
        ("0d", "is not a time"),
        ("99999999999d", "is not a time"),
        ("2026-03-01T08:30:00", "time zone"),
        ("2026-03-03", "still to come"),
        ("xoxb-111-token", "a token"),
    ],
)
def test_since_that_makes_no_sense_is_refused_with_a_sentence(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        trail.parse_since(text, NOON)
    assert "xoxb" not in str(caught.value)


@given(st.text(max_size=30))
def test_any_text_is_either_a_past_time_or_refused(text: str) -> None:
    try:
        since = trail.parse_since(text, NOON)
    except ValueError:
        return
    assert since is not None
    assert since <= NOON


def test_a_head_is_64_hex_digits_and_nothing_else() -> None:
    assert trail.parse_head(None) is None
    assert trail.parse_head(f" {'AB' * 32}\n") == "ab" * 32
    for text in ("", "ab" * 31, "xy" * 32, "ab" * 33):
        with pytest.raises(ValueError, match="64 hexadecimal"):
            trail.parse_head(text)


# ---------------------------------------------------------------- opening


async def test_a_database_that_is_not_there_is_a_fault_and_is_not_made(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no database at"):
        await trail.opened(url)
    assert not [*(tmp_path.iterdir())]  # noqa: ASYNC240 nothing else runs


async def test_a_database_without_the_schema_is_a_fault_that_names_migrate(url: str, tmp_path: Path) -> None:
    (tmp_path / "patches.db").touch()
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: .*run `migrate` first$"):
        await trail.opened(url)


# ---------------------------------------------------------------- export


async def test_json_lines_hold_every_row_and_enough_to_check_the_chain(store: Store) -> None:
    for day in range(3):
        await store.append(entry(NOON + timedelta(days=day), subject=f"request:{day}"))
    _, head = await store.head()
    text = await exported(store, "jsonl")
    rows = [json.loads(line) for line in text.splitlines()]
    assert [row["subject"] for row in rows] == ["request:0", "request:1", "request:2"]
    assert rows[0]["data"] == {"device": None, "patches": [7, 4711], "reason": REASON}
    prev = GENESIS
    for row in rows:
        again = AuditRow(**{**row, "data": canonical(row["data"])})
        assert (row["prev"], digest(again)) == (prev, row["hash"])
        prev = row["hash"]
    assert prev == head


async def test_json_lines_are_one_line_each_and_cannot_steer_a_terminal(store: Store) -> None:
    await store.append(entry(NOON, actor="\x1b[2J\x9b2J\nU0EVE\u2028"))
    text = await exported(store, "jsonl")
    assert text.count("\n") == 1
    assert not set(text) & {"\x1b", "\x9b", "\x85", "\u2028"}
    assert json.loads(text)["actor"] == "\x1b[2J\x9b2J\nU0EVE\u2028"
    assert "größer" in text, "people read it too"


async def test_data_that_somebody_changed_is_exported_as_the_text_it_is(store: Store, path: Path) -> None:
    await store.append(entry(NOON))
    for changed in ("not JSON", '{"b":1,"a":2}', '{"a":NaN}'):
        tampers(path, "UPDATE audit_trail SET data = ? WHERE seq = 1", changed)
        first = (await exported(store, "jsonl")).splitlines()[0]
        assert json.loads(first)["data"] == changed


async def test_export_can_begin_later(store: Store) -> None:
    for day in range(3):
        await store.append(entry(NOON + timedelta(days=day), subject=f"request:{day}"))
    text = await exported(store, "jsonl", NOON + timedelta(days=1))
    assert [json.loads(line)["seq"] for line in text.splitlines()] == [2, 3]


async def test_csv_has_a_header_and_a_line_for_each_row_with_its_hash(store: Store) -> None:
    await store.append(entry(NOON))
    (_, head), text = await store.head(), await exported(store, "csv")
    header, row = csv.reader(io.StringIO(text, newline=""))
    assert header == ["seq", "at", "actor", "action", "subject", "data", "prev", "hash"]
    assert row[:5] == ["1", "2026-03-02T12:00:00.000000+00:00", "U0ANN", "request.create", "request:1"]
    assert json.loads(row[5])["reason"] == REASON
    assert row[6:] == [GENESIS, head]


@pytest.mark.parametrize("start", list("=+-@\t\r\n＝＋－＠"))
async def test_no_cell_of_the_csv_is_a_formula(store: Store, start: str) -> None:
    await store.append(entry(NOON, actor=f"{start}cmd|' /C calc'!A0"))
    rows = list(csv.reader(io.StringIO(await exported(store, "csv"), newline="")))
    assert rows[1][2] == f"'{start}cmd|' /C calc'!A0"


async def test_an_export_is_on_record_with_what_was_asked_for_and_how_many_rows_there_were(store: Store) -> None:
    for day in range(3):
        await store.append(entry(NOON + timedelta(days=day)))
    since = (NOON + timedelta(days=1)).astimezone(timezone(timedelta(hours=1)))
    text = await exported(store, "csv", since)
    assert "audit.export" not in text, "printed is what was there when it was asked for"
    last = [row async for row in store.rows()][-1]
    assert (last.actor, last.action, last.subject) == ("cli", "audit.export", "audit")
    assert last.entry.data == {"format": "csv", "since": "2026-03-03T12:00:00+00:00", "rows": 3}
    again = [json.loads(line) for line in (await exported(store, "jsonl")).splitlines()]
    assert [row["action"] for row in again] == ["request.create"] * 3 + ["audit.export"]
    assert (await store.verify()).rows == 5


async def test_the_export_is_on_record_before_the_first_row_is_shown(store: Store) -> None:
    await store.append(entry(NOON))

    class Torn(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await trail.export(store, trail.Export("jsonl", None, NOON), Torn(), io.StringIO())
    assert [row.action async for row in store.rows()] == ["request.create", "audit.export"]


async def test_an_auditors_copy_that_may_not_be_written_is_exported_all_the_same() -> None:
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lies below one that only its owner may enter
        opened = await Store.open(f"sqlite+aiosqlite:///{folder}/patches.db")
        await opened.append(entry(NOON))
        await opened.close()
        exporting = await ended(await start(Path(folder), "audit", "export", code=AUDITOR))
        verifying = await ended(await start(Path(folder), "audit", "verify", code=AUDITOR))
    assert exporting.status == 0
    assert json.loads(exporting.out)["data"]["reason"] == REASON
    assert exporting.err == "This export could not be noted in the audit trail: the database is read-only\n"
    assert (verifying.status, verifying.out.splitlines()[0]) == (0, "rows: 1")


async def test_an_export_that_the_trail_refuses_to_note_is_told_apart_from_its_rows(store: Store, path: Path) -> None:
    await store.append(entry(NOON))
    runs(path, "CREATE TRIGGER full BEFORE INSERT ON audit_trail BEGIN SELECT RAISE(ABORT, 'full'); END")
    out, err = io.StringIO(), io.StringIO()
    assert await trail.export(store, trail.Export("jsonl", None, NOON), out, err) == 0
    assert json.loads(out.getvalue())["seq"] == 1
    assert "could not be noted in the audit trail" in err.getvalue()


# ---------------------------------------------------------------- verify


async def verified(store: Store, head: str | None = None) -> tuple[int, str]:
    out = io.StringIO()
    status = await trail.verify(store, head, out)
    return status, out.getvalue()


async def test_a_whole_chain_is_told_with_its_rows_and_head(store: Store) -> None:
    await store.append(entry(NOON))
    await store.append(entry(NOON))
    head = (await store.head())[1]
    status, text = await verified(store)
    assert (status, text.splitlines()[:2]) == (0, ["rows: 2", f"head: {head}"])
    assert "whole" in text
    assert (await verified(store, head))[0] == 0


async def test_a_changed_row_breaks_the_chain(store: Store, path: Path) -> None:
    await store.append(entry(NOON))
    await store.append(entry(NOON))
    tampers(path, "UPDATE audit_trail SET actor = 'U0EVE' WHERE seq = 2")
    status, text = await verified(store)
    assert (status, text.splitlines()[0]) == (1, "rows: 1")
    assert "BROKEN: row 2 was changed" in text


async def test_a_tail_cut_off_is_found_with_the_head_noted_earlier(store: Store, path: Path) -> None:
    await store.append(entry(NOON))
    await store.append(entry(NOON))
    head = (await store.head())[1]
    tampers(path, "DELETE FROM audit_trail WHERE seq = 2")
    assert (await verified(store))[0] == 0
    status, text = await verified(store, head)
    assert (status, "rows were cut off" in text) == (1, True)
