"""The audit trail: what is told stays told, and whoever changes it is found out."""

import asyncio
import json
import sqlite3
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import TrailUnwritableError
from bot.store import Entry, Store, audit
from bot.store.audit import GENESIS, JSON, canonical, flaw, link
from tests.insider import runs, tampers
from tests.laid import lay
from tests.test_cli import ran

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from bot.store import Entry, Store

async def main(url, who, times):
    store = await Store.open(url)
    print("ready", flush=True)
    sys.stdin.readline()
    written = 0
    while written < times or not await met(store, who):
        await store.append(Entry(datetime.now(UTC), who, "request.approved", "request:1", {"n": written}))
        written += 1
    await store.close()
    print(written)

async def met(store, who):
    mine = [row.actor == who async for row in store.rows()]
    return False in mine[mine.index(True) : len(mine) - mine[::-1].index(True)]

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def entry(action: str = "request.approved", at: datetime = NOON, **data: JSON) -> Entry:
    return Entry(at, "U0ANN", action, "request:1", data)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patches.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    await lay(path.parent)
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    yield store
    await store.close()


async def fill(store: Store, count: int) -> str:
    for n in range(count):
        await store.append(entry(n=n, title="Müller & Söhne"))
    return (await store.head())[1]


def content(path: Path) -> bytes:
    return path.read_bytes()


def overwrite(path: Path, new: bytes) -> None:
    path.write_bytes(new)


def flip(path: Path, before: bytes, after: bytes) -> None:
    assert content(path).count(before) == 1
    overwrite(path, content(path).replace(before, after))


async def test_a_fresh_trail_is_whole_and_empty(store: Store) -> None:
    assert await store.head() == (0, GENESIS)
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows, verdict.head) == (True, 0, GENESIS)


async def test_what_is_appended_is_read_back_in_order_and_as_it_was(store: Store) -> None:
    told = [entry(n=n, names=["Jürgen", "漢字", "🙂"], nested={"b": None, "a": 1.5}) for n in range(5)]
    for one in told:
        await store.append(one)
    rows = [row async for row in store.rows()]
    assert [row.entry for row in rows] == told
    assert [row.seq for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0].data == '{"n":0,"names":["Jürgen","漢字","🙂"],"nested":{"a":1.5,"b":null}}'
    assert (await store.head()) == (5, rows[-1].hash)


async def test_rows_can_be_asked_for_from_a_time_on_in_any_zone(store: Store) -> None:
    for hours in range(4):
        await store.append(entry(at=NOON + timedelta(hours=hours), hours=hours))
    in_berlin = (NOON + timedelta(hours=2)).astimezone(timezone(timedelta(hours=1)))
    assert [row.entry.data["hours"] async for row in store.rows(in_berlin)] == [2, 3]


async def test_a_reader_of_many_rows_gets_each_once(store: Store) -> None:
    await asyncio.gather(*(store.append(entry(n=n)) for n in range(30)))
    seen = [row.seq async for row in audit.rows(store._database, page=7)]
    assert seen == list(range(1, 31))


async def test_concurrent_appends_of_one_process_form_one_chain(store: Store) -> None:
    await asyncio.gather(*(store.append(entry(n=n)) for n in range(60)))
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows) == (True, 60)


async def test_two_processes_that_append_at_once_never_fork_the_chain(store: Store, path: Path) -> None:
    """Each goes on until a row of the other's stands between two of its own, so that they have met, however busy the
    machine is."""
    url = f"sqlite+aiosqlite:///{path}"
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, url, who, "20"), stdin=PIPE, stdout=PIPE, cwd=Path(__file__).parents[1]
        )
        for who in ("U0ANN", "U0BOB")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert await writer.stdout.readline() == b"ready\n"
    told = await asyncio.gather(*(writer.communicate(b"go\n") for writer in writers))
    assert [writer.returncode for writer in writers] == [0, 0]
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows, verdict.problem) == (True, sum(int(said) for said, _ in told), "")
    actors = [row.actor async for row in store.rows()]
    assert sum(one != other for one, other in pairwise(actors)) > 1


async def test_a_second_row_after_the_same_row_is_refused_by_the_database_itself(store: Store, path: Path) -> None:
    await fill(store, 2)
    with pytest.raises(sqlite3.IntegrityError):
        tampers(path, "INSERT INTO audit_trail SELECT 3, at, actor, action, subject, data, prev, 'x' FROM audit_trail")


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "data", "hash"])
async def test_one_changed_letter_is_found_and_its_row_named(store: Store, path: Path, column: str) -> None:
    await fill(store, 5)
    tampers(path, f"UPDATE audit_trail SET {column} = 'X' || substr({column}, 2) WHERE seq = 3")
    verdict = await store.verify()
    assert not verdict.ok
    assert "row 3" in verdict.problem
    assert verdict.rows == 2


async def test_a_byte_flipped_in_the_file_itself_is_found(store: Store, path: Path) -> None:
    await fill(store, 5)
    await store.append(entry(word="needle-in-the-data"))
    await fill(store, 5)
    await store.close()
    flip(path, b"needle-in-the-data", b"needle-in-the-dat\xff")
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows) == (False, 5)
    assert "row 6 was changed" in verdict.problem


async def test_a_field_that_became_binary_is_a_changed_row(store: Store, path: Path) -> None:
    await fill(store, 3)
    tampers(path, "UPDATE audit_trail SET data = x'00ff' WHERE seq = 2")
    assert "row 2 was changed" in (await store.verify()).problem


@pytest.mark.parametrize("bit", [0x01, 0x80])
async def test_any_byte_flipped_in_a_row_is_found_and_its_row_named(store: Store, path: Path, bit: int) -> None:
    await fill(store, 5)
    await store.append(entry(word="needle"))
    await fill(store, 5)
    row = [row async for row in store.rows()][5]
    await store.close()
    sound = content(path)
    stored = "".join((row.at, row.actor, row.action, row.subject, row.data, row.prev, row.hash)).encode()
    assert sound.count(stored) == 1
    for at in range(sound.index(stored), sound.index(stored) + len(stored), 7):
        broken = bytearray(sound)
        broken[at] ^= bit
        overwrite(path, bytes(broken))
        verdict = await store.verify()
        assert (verdict.ok, verdict.rows) == (False, 5)
        assert "row 6" in verdict.problem
        await store.close()


async def test_the_command_names_the_row_in_which_a_byte_was_flipped(store: Store, path: Path) -> None:
    await fill(store, 2)
    await store.append(entry(word="needle-in-the-data"))
    await fill(store, 2)
    await store.close()
    assert (await ran(path.parent, "audit", "verify")).status == 0
    flip(path, b"needle-in-the-data", b"needle-in-the-datb")
    done = await ran(path.parent, "audit", "verify")
    assert (done.status, done.err) == (1, "")
    assert done.out.splitlines()[0] == "rows: 2"
    assert "BROKEN: row 3 was changed: its hash does not fit what it says" in done.out


async def test_the_command_finds_a_cut_tail_with_the_head_known_elsewhere(store: Store, path: Path) -> None:
    early, late = await fill(store, 3), await fill(store, 2)
    await store.close()
    assert tampers(path, "DELETE FROM audit_trail WHERE seq > 3") == 2
    assert (await ran(path.parent, "audit", "verify")).status == 0
    assert (await ran(path.parent, "audit", "verify", "--head", early)).status == 0
    done = await ran(path.parent, "audit", "verify", "--head", late)
    assert (done.status, done.err) == (1, "")
    assert f"BROKEN: the head {late} is not in the chain: rows were cut off" in done.out


# ---------------------------------------------------------------- the database's own guard

CHANGES = [
    "UPDATE audit_trail SET actor = 'U0EVE' WHERE seq = 2",
    "UPDATE OR REPLACE audit_trail SET seq = 3 WHERE seq = 2",
    "UPDATE audit_trail SET seq = seq + 10",
    "DELETE FROM audit_trail WHERE seq = 3",
    "DELETE FROM audit_trail",
    "INSERT INTO audit_trail SELECT * FROM audit_trail WHERE seq = 2 ON CONFLICT (seq) DO UPDATE SET actor = 'U0EVE'",
    "REPLACE INTO audit_trail SELECT seq, at, 'EVE', action, subject, data, prev, hash FROM audit_trail WHERE seq = 2",
    "REPLACE INTO audit_trail SELECT 9, at, actor, action, subject, data, prev, hash FROM audit_trail WHERE seq = 2",
    "REPLACE INTO audit_trail SELECT 9, at, actor, action, subject, data, prev, 'x' FROM audit_trail WHERE seq = 2",
    "REPLACE INTO audit_trail SELECT 9, at, actor, action, subject, data, 'x', hash FROM audit_trail WHERE seq = 2",
]


@pytest.mark.parametrize("sql", CHANGES)
async def test_the_database_refuses_to_change_rows_and_to_take_them_out(store: Store, path: Path, sql: str) -> None:
    head = await fill(store, 3)
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended to"):
        runs(path, sql)
    verdict = await store.verify(head)
    assert (verdict.ok, verdict.rows, verdict.head) == (True, 3, head)
    await store.append(entry())


@pytest.mark.parametrize("sql", CHANGES)
async def test_whoever_takes_the_guard_away_is_found_out_by_the_chain(store: Store, path: Path, sql: str) -> None:
    head = await fill(store, 3)
    assert tampers(path, sql) > 0
    assert not (await store.verify(head)).ok


@pytest.mark.parametrize("seq", [1, 2, 3])
async def test_a_row_replaced_by_one_with_a_fitting_hash_is_found_out(store: Store, path: Path, seq: int) -> None:
    head = await fill(store, 3)
    rows = [row async for row in store.rows()]
    forged = link(seq, rows[seq - 1].prev, entry(n=999))
    values = (forged.seq, forged.at, forged.actor, forged.action, forged.subject, forged.data, forged.prev, forged.hash)
    tampers(path, "INSERT OR REPLACE INTO audit_trail VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *values)
    assert [row.hash async for row in store.rows()][seq - 1] == forged.hash
    verdict = await store.verify(head)
    assert not verdict.ok
    assert ("rows were cut off" if seq == 3 else f"row {seq + 1} does not follow row {seq}") in verdict.problem


async def test_nothing_is_added_behind_a_last_row_that_cannot_be_followed(store: Store, path: Path) -> None:
    await fill(store, 2)
    tampers(path, "UPDATE audit_trail SET hash = x'00ff' WHERE seq = 2")
    with pytest.raises(TrailUnwritableError, match="row 2 of the audit trail was changed"):
        await store.append(entry())
    assert "row 2 was changed" in (await store.verify()).problem


# ---------------------------------------------------------------- what an insider does


async def test_a_row_taken_out_of_the_middle_is_missed(store: Store, path: Path) -> None:
    await fill(store, 5)
    tampers(path, "DELETE FROM audit_trail WHERE seq = 3")
    assert "row 3 is missing" in (await store.verify()).problem


async def test_a_gap_that_was_closed_by_renumbering_is_found(store: Store, path: Path) -> None:
    await fill(store, 5)
    tampers(path, "DELETE FROM audit_trail WHERE seq = 3")
    tampers(path, "UPDATE audit_trail SET seq = 3 WHERE seq = 4")
    assert "row 3 does not follow row 2" in (await store.verify()).problem


async def test_a_row_rewritten_with_a_fitting_hash_breaks_the_row_after_it(store: Store, path: Path) -> None:
    await fill(store, 3)
    rows = [row async for row in store.rows()]
    forged = link(2, rows[0].hash, entry(n=999))
    tampers(path, "UPDATE audit_trail SET data = ?, hash = ? WHERE seq = 2", forged.data, forged.hash)
    assert "row 3 does not follow row 2" in (await store.verify()).problem


async def test_a_cut_tail_is_found_by_whoever_kept_the_head(store: Store, path: Path) -> None:
    early = await fill(store, 3)
    late = await fill(store, 2)
    tampers(path, "DELETE FROM audit_trail WHERE seq > 3")
    assert (await store.verify()).ok, "what is left is a whole chain"
    assert (await store.verify(early)).ok
    verdict = await store.verify(late)
    assert not verdict.ok
    assert late in verdict.problem


async def test_the_trail_grows_on_after_a_head_was_noted(store: Store) -> None:
    noted = await fill(store, 3)
    await fill(store, 3)
    verdict = await store.verify(noted)
    assert (verdict.ok, verdict.rows) == (True, 6)


async def test_a_time_without_a_zone_and_a_number_that_is_none_are_refused_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(ValueError, match="zone"):
        await store.append(entry(at=NOON.replace(tzinfo=None)))
    with pytest.raises(ValueError, match="JSON"):
        await store.append(entry(share=float("nan")))
    assert (await store.head())[0] == 0


async def test_the_audit_table_is_found_by_its_name(store: Store, path: Path) -> None:
    with sqlite3.connect(path) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    database.close()
    assert [name for name in names if "audit" in name] == ["audit_trail"]


VALUES: st.SearchStrategy[JSON] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_canonical_json_says_the_value_and_does_not_depend_on_the_order_of_keys(value: JSON) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text


@given(st.lists(st.dictionaries(st.text(), st.text(), max_size=3), min_size=1, max_size=6), st.data())
def test_no_change_of_a_chain_escapes(told: list[dict[str, JSON]], data: st.DataObject) -> None:
    rows, prev = [], GENESIS
    for seq, particulars in enumerate(told, start=1):
        rows.append(link(seq, prev, Entry(NOON, "U0ANN", "x", "y", particulars)))
        prev = rows[-1].hash
    broken = data.draw(st.sampled_from(rows))
    field = data.draw(st.sampled_from(["at", "actor", "action", "subject", "data"]))
    was = getattr(broken, field)
    other = data.draw(st.text().filter(lambda text: text != was))
    assert flaw(broken, broken.seq, broken.prev) is None
    changed: dict[str, Any] = {field: other}
    assert flaw(replace(broken, **changed), broken.seq, broken.prev) is not None
