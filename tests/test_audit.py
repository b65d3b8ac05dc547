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

from bot.store import Entry, Store, audit
from bot.store.audit import GENESIS, JSON, canonical, flaw, link

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

WRITER = """
import asyncio, sys
from datetime import UTC, datetime
from bot.store import Entry, Store

async def main(url, who, times):
    store = await Store.open(url)
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(times):
        await store.append(Entry(datetime.now(UTC), who, "request.approved", "request:1", {"n": n}))
    await store.close()

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


def entry(action: str = "request.approved", at: datetime = NOON, **data: JSON) -> Entry:
    return Entry(at, "U0ANN", action, "request:1", data)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "patches.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    yield store
    await store.close()


async def fill(store: Store, count: int) -> str:
    for n in range(count):
        await store.append(entry(n=n, title="Müller & Söhne"))
    return (await store.head())[1]


def tamper(path: Path, sql: str, *values: object) -> None:
    with sqlite3.connect(path) as database:
        database.execute(sql, values)
    database.close()


def flip(path: Path, before: bytes, after: bytes) -> None:
    content = path.read_bytes()
    assert content.count(before) == 1
    path.write_bytes(content.replace(before, after))


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
    url = f"sqlite+aiosqlite:///{path}"
    writers = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", WRITER, url, who, "80"), stdin=PIPE, stdout=PIPE, cwd=Path(__file__).parents[1]
        )
        for who in ("U0ANN", "U0BOB")
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert await writer.stdout.readline() == b"ready\n"
    await asyncio.gather(*(writer.communicate(b"go\n") for writer in writers))
    assert [writer.returncode for writer in writers] == [0, 0]
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows, verdict.problem) == (True, 160, "")
    actors = [row.actor async for row in store.rows()]
    assert sum(one != other for one, other in pairwise(actors)) > 1, "they never met"


async def test_a_second_row_after_the_same_row_is_refused_by_the_database_itself(store: Store, path: Path) -> None:
    await fill(store, 2)
    with pytest.raises(sqlite3.IntegrityError):
        tamper(path, "INSERT INTO audit_trail SELECT 3, at, actor, action, subject, data, prev, 'x' FROM audit_trail")


@pytest.mark.parametrize("column", ["at", "actor", "action", "subject", "data", "hash"])
async def test_one_changed_letter_is_found_and_its_row_named(store: Store, path: Path, column: str) -> None:
    await fill(store, 5)
    tamper(path, f"UPDATE audit_trail SET {column} = 'X' || substr({column}, 2) WHERE seq = 3")
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
    tamper(path, "UPDATE audit_trail SET data = x'00ff' WHERE seq = 2")
    assert "row 2 was changed" in (await store.verify()).problem


async def test_a_row_taken_out_of_the_middle_is_missed(store: Store, path: Path) -> None:
    await fill(store, 5)
    tamper(path, "DELETE FROM audit_trail WHERE seq = 3")
    assert "row 3 is missing" in (await store.verify()).problem


async def test_a_gap_that_was_closed_by_renumbering_is_found(store: Store, path: Path) -> None:
    await fill(store, 5)
    tamper(path, "DELETE FROM audit_trail WHERE seq = 3")
    tamper(path, "UPDATE audit_trail SET seq = 3 WHERE seq = 4")
    assert "row 3 does not follow row 2" in (await store.verify()).problem


async def test_a_row_rewritten_with_a_fitting_hash_breaks_the_row_after_it(store: Store, path: Path) -> None:
    await fill(store, 3)
    rows = [row async for row in store.rows()]
    forged = link(2, rows[0].hash, entry(n=999))
    tamper(path, "UPDATE audit_trail SET data = ?, hash = ? WHERE seq = 2", forged.data, forged.hash)
    assert "row 3 does not follow row 2" in (await store.verify()).problem


async def test_a_cut_tail_is_found_by_whoever_kept_the_head(store: Store, path: Path) -> None:
    early = await fill(store, 3)
    late = await fill(store, 2)
    tamper(path, "DELETE FROM audit_trail WHERE seq > 3")
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
