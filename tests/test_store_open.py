"""Opening the store: schema, pragmas, file mode, and what happens when the database cannot be written."""

import asyncio
import os
import resource
import sqlite3
import stat
import sys
import tempfile
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from bot.errors import ConfigError, TrailUnwritableError, UnreadableError
from bot.model import Attempt, Device, DeviceKind, FleetView, Message, RequestedPatch, State, Terms, Vote
from bot.store import Entry, Note, QueuedNote, Store, engine, schema
from bot.store.audit import GENESIS, link
from bot.store.file import GONE
from bot.store.tables import METADATA
from tests import stored
from tests.insider import runs
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

OPENER = """
import asyncio, sys
from bot.store import Store

async def main(url):
    print("ready", flush=True)
    sys.stdin.readline()
    store = await Store.open(url)
    print((await store.head())[0])
    await store.close()

asyncio.run(main(sys.argv[1]))
"""

# Makes a database, gives up its rights to the folder (and root's rights to everything), and looks again.
AUDITOR = """
import asyncio, datetime, os
from bot.errors import TrailUnwritableError
from bot.store import Entry, Store

ENTRY = Entry(datetime.datetime.now(datetime.UTC), "U0ANN", "tested", "x", {})

async def main():
    store = await Store.open("sqlite+aiosqlite:///a #1.db")
    await store.append(ENTRY)
    await store.verify()
    await store.close()
    os.chmod(".", 0o555)
    os.chmod("a #1.db", 0o444)
    if os.geteuid() == 0:
        os.setuid(65534)
    store = await Store.open("sqlite+aiosqlite:///a #1.db", migrate=False)
    print((await store.verify()).rows, await store.unwritable())
    try:
        await store.append(ENTRY)
    except TrailUnwritableError:
        print("refused")
    await store.close()

asyncio.run(main())
"""


def entry(**data: str) -> Entry:
    return Entry(NOON, "U0ANN", "tested", "x", data)


def make(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def files(path: Path) -> dict[str, int]:
    """Names and modes of the files in the database's folder."""
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}


async def fill(store: Store) -> None:
    for _ in range(20):
        await store.append(entry(filler="x" * 50_000))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "100% patches.db"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url, patience=0.2)
    yield store
    await store.close()


# ---------------------------------------------------------------- schema


async def test_a_fresh_database_is_migrated_from_empty_and_opens_again_without_migrating(url: str) -> None:
    store = await Store.open(url)
    await store.append(entry())
    await store.close()
    again = await Store.open(url, migrate=False)
    assert (await again.head())[0] == 1
    await again.close()


async def test_the_migrations_build_exactly_the_tables_that_the_code_uses(store: Store, path: Path) -> None:
    plain = sa.create_engine(f"sqlite:///{path}")
    with plain.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []
    plain.dispose()


async def test_without_leave_to_migrate_an_empty_database_is_refused(url: str, path: Path) -> None:
    make(path, b"")
    with pytest.raises(ConfigError, match=r"^database\.migrate: .*run `migrate`"):
        await Store.open(url, migrate=False)


async def test_without_leave_to_migrate_a_missing_file_is_not_made(url: str, path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: there is no database"):
        await Store.open(url, migrate=False)
    assert files(path) == {}


def at_schema(path: Path, revision: str) -> None:
    """An empty database as it was at that revision of the schema."""
    plain = sa.create_engine(f"sqlite:///{path}")
    config = schema._config()
    with plain.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    plain.dispose()


def first_schema(path: Path) -> None:
    """A database as the first version of the bot left it: one request with two patches and a vote, and its trail."""
    at_schema(path, "0001")
    asked = link(1, GENESIS, Entry(NOON, "U0BOB", "request.create", "request:7", {"reason": "größer"}))
    voted = link(2, asked.hash, Entry(NOON, "U0ANN", "request.approve", "request:7", {"votes": ["U0ANN"]}))
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "INSERT INTO requests (id, state, version, device_id, device_name, device_kind, device_client_id, "
            "device_client, device_site, device_patching, requester, reason, asked_in, asked_at, expires_at, quorum, "
            "decided_by, decision_reason, owner, note, next_at) VALUES (7, 'pending', 2, 1001, 'SRV-DC01', 'server', "
            "301, 'Contoso Ltd', 'Head Office', 1, 'U0BOB', 'größer', 'C0HELPDESK', '2026-03-02 12:00:00.000000', "
            "'2026-03-02 16:00:00.000000', 2, '', '', '', '', '2026-03-02 16:00:00.000000')"
        )
        database.executemany(
            "INSERT INTO request_patches VALUES (7, ?, ?, ?, 'Failed', 'Failed', 'waiting')",
            [(0, 4, "7-Zip 24"), (1, 5, "Firefox 130")],
        )
        database.execute("INSERT INTO request_votes VALUES (7, 0, 'U0ANN', '2026-03-02 12:00:00.000000')")
        database.execute("INSERT INTO cards VALUES (1, 7, 'C0PATCHAPPROVE', '1.0', 2, 0, NULL, '', NULL)")
        database.executemany(
            "INSERT INTO audit_trail VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (row.seq, row.at, row.actor, row.action, row.subject, row.data, row.prev, row.hash)
                for row in (asked, voted)
            ],
        )


async def test_a_database_of_the_first_schema_keeps_everything_and_its_trail_is_guarded(url: str, path: Path) -> None:
    first_schema(path)
    with pytest.raises(ConfigError, match=r"^database\.migrate: .*run `migrate`"):
        await Store.open(url, migrate=False)
    store = await Store.open(url)
    request = await store.request(7)
    assert request is not None
    assert request.terms == Terms(quorum=2, denials=100, self_approval=True), "the rest is up to the configuration"
    assert (request.state, request.version, request.requester, request.reason) == (State.PENDING, 2, "U0BOB", "größer")
    assert (request.waiting_since, request.expires_at) == (NOON, NOON + timedelta(hours=4))
    assert request.device == Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
    assert request.votes == (Vote("U0ANN", NOON),)
    assert request.approvals == request.votes
    assert request.patches == tuple(
        RequestedPatch(one, title, "Failed", "Failed") for one, title in ((4, "7-Zip 24"), (5, "Firefox 130"))
    )
    assert [(card.channel, card.ts) for card in await store.cards(7)] == [("C0PATCHAPPROVE", "1.0")]
    assert [row.action async for row in store.rows()] == ["request.create", "request.approve"]
    with pytest.raises(sqlite3.IntegrityError, match="only ever appended to"):
        runs(path, "DELETE FROM audit_trail")
    assert await stored.change(store, replace(request, version=3, state=State.EXPIRED), entry())
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows) == (True, 3)
    await store.close()


def second_schema(path: Path) -> None:
    """A database at schema 0002: a request whose card shows how it stands, one whose card is behind, each with a patch
    and a vote that says no; and a note that is not sent."""
    at_schema(path, "0002")
    with closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            "INSERT INTO requests (id, state, version, device_id, device_name, device_kind, device_client_id, "
            "device_client, device_site, device_patching, requester, reason, asked_in, asked_at, terms, decided_by, "
            "decision_reason, owner, note) VALUES (?, 'denied', 3, ?, 'SRV', 'server', 301, 'Contoso Ltd', 'HQ', 1, "
            "'U0BOB', '', 'C0HELPDESK', '2026-03-02 12:00:00.000000', '{\"quorum\":2}', 'U0ANN', 'no', '', '')",
            [(7, 1001), (8, 1002)],
        )
        for request in (7, 8):
            database.execute(
                "INSERT INTO request_patches VALUES (?, 0, 4, '7-Zip 24', 'Failed', 'Failed', 'waiting', 'Critical')",
                (request,),
            )
            database.execute(
                "INSERT INTO request_votes VALUES (?, 0, 'U0ANN', '2026-03-02 12:00:00.000000', 1, 'not now')",
                (request,),
            )
        database.executemany(
            "INSERT INTO cards VALUES (?, ?, 'C0PATCHAPPROVE', ?, ?, 0, NULL, '', NULL)",
            [(1, 7, "1.0", 3), (2, 8, "2.0", 2)],
        )
        database.execute(
            "INSERT INTO notes VALUES (5, 'request:7:denied', 7, 'U0BOB', '{\"text\":\"Denied.\",\"blocks\":[]}', "
            "'2026-03-02 12:00:00.000000', 0, 1, NULL, '', NULL)"
        )


async def test_a_database_of_the_second_schema_has_requests_that_stand_alone_and_says_what_was_to_be_said(
    url: str, path: Path
) -> None:
    second_schema(path)
    store = await Store.open(url)
    for number in (7, 8):
        request = await store.request(number)
        assert request is not None
        assert (request.bulk, request.again_of, request.origin, request.card_id) == (0, 0, None, number)
        assert await store.members(number) == [request]
        assert (request.state, request.version, request.terms) == (State.DENIED, 3, Terms(quorum=2))
        assert request.patches == (RequestedPatch(4, "7-Zip 24", "Failed", "Failed", severity="Critical"),)
        assert request.votes == (Vote("U0ANN", NOON, True, "not now"),)
    assert [card.request_id for card in await store.stale_cards(NOON)] == [8], "the one that was behind before"
    [due] = await store.notes_due(NOON)
    assert due == QueuedNote(5, Note("request:7:denied", 7, "U0BOB", Message("Denied.")), tries=1)
    assert await store.take_note(5, "me", NOON, 60)
    await store.note_sent(5)
    assert await store.notes_due(NOON + timedelta(days=1)) == []
    assert await store.fleet_view(NOON) == FleetView(NOON, 0)
    await store.close()


@pytest.mark.parametrize("older", [first_schema, second_schema])
async def test_a_database_of_an_older_schema_becomes_exactly_the_tables_that_the_code_uses(
    url: str, path: Path, older: Callable[[Path], None]
) -> None:
    older(path)
    await (await Store.open(url)).close()
    plain = sa.create_engine(f"sqlite:///{path}")
    with plain.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA) == []
    plain.dispose()


@pytest.mark.parametrize("migrate", [True, False])
async def test_a_schema_from_the_future_is_refused_and_left_alone(url: str, path: Path, migrate: bool) -> None:
    await (await Store.open(url)).close()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match="9999, which is newer than this version of the bot"):
        await Store.open(url, migrate=migrate)


async def test_two_processes_may_start_on_a_fresh_database_at_once(url: str, path: Path) -> None:
    here = Path(__file__).parents[1]
    starters = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", OPENER, url, stdin=PIPE, stdout=PIPE, cwd=here)
        for _ in range(2)
    ]
    for starter in starters:
        assert starter.stdout is not None
        assert await starter.stdout.readline() == b"ready\n"
    said = await asyncio.gather(*(starter.communicate(b"go\n") for starter in starters))
    assert [out for out, _ in said] == [b"0\n", b"0\n"]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///:memory:",
        "sqlite+aiosqlite:////no/such/folder/patches.db",
        "nonsense",
        "mystery://user:hunter2@host/db",
        "postgresql+mystery://user:hunter2@host/db",
    ],
)
async def test_an_address_that_cannot_work_is_a_configuration_fault_without_the_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: ") as caught:
        await Store.open(url)
    assert "hunter2" not in str(caught.value)


async def test_a_file_that_is_no_database_is_a_configuration_fault(url: str, path: Path) -> None:
    make(path, b"once upon a time " * 1000)
    with pytest.raises(ConfigError, match=r"^DATABASE_URL: the database cannot be opened: the file is not a database"):
        await Store.open(url)


def test_the_tables_can_be_made_on_postgresql_too() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    for table in METADATA.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert "CREATE INDEX" in str(CreateIndex(index).compile(dialect=dialect))
    attempts = str(CreateTable(METADATA.tables["attempts"]).compile(dialect=dialect))
    assert "seq BIGSERIAL" in attempts
    assert "ended_at TIMESTAMP WITH TIME ZONE" in attempts


def test_no_column_is_meant_for_a_secret() -> None:
    names = {f"{table.name}.{column.name}" for table in METADATA.sorted_tables for column in table.columns}
    suspicious = ("token", "secret", "password", "api_key", "apikey", "response_url", "credential")
    assert [name for name in sorted(names) if any(word in name.split(".")[1] for word in suspicious)] == []


# ---------------------------------------------------------------- the file and its connections


async def test_only_the_owner_may_read_the_files(store: Store, path: Path) -> None:
    await store.append(entry())
    assert files(path) == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm"), 0o600)


async def test_every_connection_writes_through_to_the_disk_and_readers_pass_writers(store: Store) -> None:
    async def pragmas() -> list[object]:
        async with store._database.read() as connection:
            names = ("synchronous", "journal_mode", "foreign_keys")
            return [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar() for name in names]

    full = 2
    assert await asyncio.gather(*(pragmas() for _ in range(4))) == [[full, "wal", 1]] * 4
    async with store._database.write() as connection:
        assert (await connection.exec_driver_sql("PRAGMA synchronous")).scalar() == full


async def test_reads_are_answered_while_a_change_is_under_way_and_do_not_see_it(store: Store) -> None:
    async with store._database.write() as connection:
        await connection.exec_driver_sql("INSERT INTO deliveries VALUES ('half', '2026-03-02 12:00:00')")
        assert await store.head() == (0, "0" * 64)
        assert await store.history(None, 10) == []


async def test_closing_leaves_no_thread_behind(url: str) -> None:
    before = set(threading.enumerate())
    store = await Store.open(url)
    await asyncio.gather(*(store.append(entry()) for _ in range(10)), *(store.head() for _ in range(30)))
    await store.close()
    left = [thread for thread in threading.enumerate() if thread not in before and "asyncio" not in thread.name]
    for thread in left:
        thread.join(5)  # its last act, after the connection is closed
    assert [thread for thread in left if thread.is_alive()] == []


# ---------------------------------------------------------------- the trail cannot be written


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow past `size` bytes: a real error of a real disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_while_another_holds_the_database_changes_are_refused_and_reads_answer(store: Store, path: Path) -> None:
    await store.append(entry())
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(TrailUnwritableError, match="locked"):
            await store.append(entry())
        assert "locked" in (await store.unwritable() or "")
        assert (await store.head())[0] == 1
        assert (await store.verify()).ok
        holder.execute("COMMIT")
    assert await store.unwritable() is None
    await store.append(entry())
    assert (await store.verify()).rows == 2


async def test_when_the_disk_fails_changes_are_refused_reads_answer_and_it_recovers(store: Store) -> None:
    await store.append(entry())
    with largest_file(400_000), pytest.raises(TrailUnwritableError, match="disk"):
        await fill(store)
    count = (await store.head())[0]
    assert 1 < count < 20
    with largest_file(4096):
        assert "disk" in (await store.unwritable() or "")
        with pytest.raises(TrailUnwritableError, match="disk"):
            await store.record_attempts([Attempt(display_name="7-Zip")], NOON)
        assert await store.collected_at() is None
        assert (await store.verify()).rows == count
    assert await store.unwritable() is None
    await store.append(entry())
    verdict = await store.verify()
    assert (verdict.ok, verdict.rows) == (True, count + 1)


async def test_a_read_only_database_opens_and_answers_but_refuses_changes(store: Store, path: Path) -> None:
    await store.append(entry())
    link = path.with_name("link.db")
    link.symlink_to(path)
    read_only = await Store.open(f"sqlite+aiosqlite:///file:{link}?mode=ro&uri=true", patience=0.2)
    with pytest.raises(TrailUnwritableError, match="read-only"):
        await read_only.append(entry())
    assert await read_only.unwritable() == "the database is read-only"
    assert (await read_only.verify()).rows == 1
    await read_only.close()


async def test_a_copy_in_a_folder_that_may_not_be_written_can_be_verified() -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with tempfile.TemporaryDirectory() as folder:  # pytest's own lies below one that only its owner may enter
        auditor = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", AUDITOR), stdout=PIPE, cwd=folder, env=environment
        )
        out, _ = await auditor.communicate()
    assert out.decode().splitlines() == ["1 the database is read-only", "refused"]


def test_a_full_disk_is_told_from_a_broken_constraint() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.execute("CREATE TABLE t (x UNIQUE)")
        database.execute("INSERT INTO t VALUES (1)")
        database.execute("PRAGMA max_page_count = 4")
        assert reason(database, "INSERT INTO t VALUES (zeroblob(100000))") == "the disk is full"
        assert reason(database, "INSERT INTO t VALUES (1)") is None


def reason(database: sqlite3.Connection, sql: str) -> str | None:
    with pytest.raises(sqlite3.Error) as caught:
        database.execute(sql)
    return engine.why_unusable(sa.exc.DBAPIError("INSERT", None, caught.value))


async def test_a_change_that_waits_too_long_behind_others_is_refused(store: Store) -> None:
    async with store._database.write():
        with pytest.raises(TrailUnwritableError, match="ahead of this one"):
            await store.append(entry())
    await store.append(entry())


# ---------------------------------------------------------------- read


async def test_a_read_beside_those_that_do_not_end_is_told_soon(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{await lay(tmp_path)}"
    database = engine.connect(url, create=False, patience=0.05)
    async with AsyncExitStack() as stack, asyncio.timeout(5):
        for _ in range(engine.READERS):
            await stack.enter_async_context(database.read())
        with pytest.raises(UnreadableError, match="no connection to the database is free"):
            async with database.read():
                pass
        async with database.stream() as connection:
            assert (await connection.execute(sa.text("SELECT 1"))).scalar() == 1
    await database.close()


async def test_beside_a_file_that_is_gone_what_is_open_still_reads_and_nothing_is_opened(tmp_path: Path) -> None:
    path, other = await lay(tmp_path), tmp_path / "other.db"
    database = engine.connect(f"sqlite+aiosqlite:///{path}", create=False)
    other.write_bytes(path.read_bytes())
    async with database.stream() as first:
        await first.execute(sa.text("SELECT 1"))
        for file, to in ((path, tmp_path / "away.db"), (other, path)):
            file.rename(to)
            with pytest.raises(UnreadableError, match=GONE):
                async with database.stream():
                    pass
            with pytest.raises(TrailUnwritableError, match=GONE):
                async with database.write():
                    pass
            assert (await first.execute(sa.text("SELECT count(*) FROM requests"))).scalar() == 0
    await database.close()


async def test_that_the_file_is_gone_says_nothing_about_the_rows_of_the_trail(tmp_path: Path) -> None:
    path = await lay(tmp_path)
    store = await Store.open(f"sqlite+aiosqlite:///{path}")
    path.rename(tmp_path / "away.db")
    assert (await store.verify()).ok
    assert await store.unwritable() == GONE
    await store.close()  # its connections
    with pytest.raises(UnreadableError, match=GONE):
        await store.verify()
    assert not path.exists()
