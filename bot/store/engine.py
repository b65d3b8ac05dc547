"""How the database is opened, read and written: everything that differs between SQLite and PostgreSQL is here.

A write transaction excludes every other writer, in any process, from its first statement on: BEGIN IMMEDIATE on
SQLite (https://www.sqlite.org/lang_transaction.html), an advisory lock on PostgreSQL. So what a write transaction has
read stays true until it commits, the audit trail cannot fork and rows are numbered in the order of their commits.
"""

import asyncio
import os
import sqlite3
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import ConfigError, TrailUnwritableError, UnreadableError

PATIENCE = 10.0  # seconds a writer waits for the others
READERS = 3  # at once: each has a thread, and those that would run beside them only take the processor from each other
POOL: Any = {"pool_size": 8, "max_overflow": 0}  # readers, the writer, streams; to open one more costs a dozen reads
BUSY = "no connection to the database is free"
ADVISORY_LOCK = 0x9A7C4E5  # any number, the same in every process of the bot

UNUSABLE = {
    sqlite3.SQLITE_READONLY: "the database is read-only",
    sqlite3.SQLITE_IOERR: "the disk reports an error",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened",
    sqlite3.SQLITE_BUSY: "another process keeps the database locked",
    sqlite3.SQLITE_LOCKED: "another process keeps the database locked",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged",
    sqlite3.SQLITE_NOTADB: "the file is not a database",
    sqlite3.SQLITE_PERM: "access to the database is denied",
    sqlite3.SQLITE_AUTH: "access to the database is denied",
}


class Database:
    """One engine with a modest pool; a few reads run beside each other and beside the one writer."""

    def __init__(self, engine: AsyncEngine, patience: float = PATIENCE, file: Path | None = None) -> None:
        """``file``: where an SQLite database that may be written is."""
        self._engine = engine
        self._patience = patience
        self._file, self._opened = file, _identity(file)
        self._readers = asyncio.Semaphore(READERS)
        # Tasks of this process queue here, first come first served; SQLite's own wait between processes is a poll.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view; never waits for a writer on SQLite (WAL) or PostgreSQL. Raises UnreadableError.

        Not to be held while the store is asked for anything else: see ``stream``.
        """
        async with self._readers, self.stream() as connection:
            yield connection

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncConnection]:
        """As ``read``, for what is handed on page by page to somebody who may use the store between two pages."""
        try:
            async with self._engine.connect() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            if reason := why_unusable(error):
                raise UnreadableError(reason) from error
            raise
        except sa.exc.TimeoutError as error:
            raise UnreadableError(BUSY) from error

    @asynccontextmanager
    async def write(self, patience: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Commits at the end, rolls back on any exception. TrailUnwritableError when it cannot be opened or kept."""
        if self._file is not None and _identity(self._file) != self._opened:
            # An open connection writes on into a file that nobody will find again, and forgets it all at its end.
            raise TrailUnwritableError("the database file is not where it was: it was moved, deleted or replaced")
        seconds = self._patience if patience is None else min(patience, self._patience)
        writer = self._engine.execution_options(write=True, patience=seconds)
        await self._wait_for_turn(seconds)
        try:
            async with writer.begin() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            if reason := why_unusable(error):
                raise TrailUnwritableError(reason) from error
            raise
        except sa.exc.TimeoutError as error:
            raise TrailUnwritableError(BUSY) from error
        except asyncio.CancelledError as error:
            # The broken-off statement lives on in these frames, and with it SQLite's lock on the whole database, until
            # the garbage collector happens to come by.
            traceback.clear_frames(error.__traceback__)
            raise
        finally:
            self._turn.release()

    async def _wait_for_turn(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._turn.acquire()
        except TimeoutError:
            raise TrailUnwritableError("writes ahead of this one take too long") from None

    async def close(self) -> None:
        await self._engine.dispose()


def connect(url: str, *, create: bool, patience: float = PATIENCE) -> Database:
    """A Database for an SQLAlchemy URL; nothing is opened yet, but a missing SQLite file is made when `create`.

    ConfigError when the URL cannot work; its text never shows a password.
    """
    try:
        address = _still(sa.make_url(url))
        # With parameters hidden, no exception text repeats what people wrote.
        engine = create_async_engine(address, **POOL, pool_timeout=patience, hide_parameters=True)
    except (sa.exc.ArgumentError, TypeError, ValueError, ImportError):
        raise ConfigError(["DATABASE_URL: is not an address of a database that the bot can use"]) from None
    if address.get_backend_name() == "sqlite":
        _make_file(address, create=create)
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        sa.event.listen(engine.sync_engine, "begin", _begin_postgresql)
    return Database(engine, patience, _own_file(address))


def why_unusable(error: sa.exc.DBAPIError) -> str | None:
    """Why the database cannot be read or written, None when the error is of another sort (a broken constraint, say).

    Source: https://www.sqlite.org/rescode.html; the low byte of an extended code is its primary code.
    """
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return UNUSABLE.get(code & 0xFF)
    return "the database does not answer" if error.connection_invalidated else None


def _own_file(address: sa.URL) -> Path | None:
    """The file that only this path leads to; None for a copy that nobody changes, and where there is no file."""
    name = address.database or ""
    return None if address.get_backend_name() != "sqlite" or name.startswith("file:") else Path(name)


def _identity(file: Path | None) -> tuple[int, int] | None:
    """What tells this file from another one of the same name; None when it is not there."""
    try:
        found = file.stat() if file is not None else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found is not None else None


def _still(address: sa.URL) -> sa.URL:
    """A file in a folder that we cannot write to (an auditor's copy, say) is read as one that nobody changes.

    WAL mode needs two files beside the database, and a running bot's are there: then nothing is assumed.
    Source: https://www.sqlite.org/wal.html#read_only_databases
    """
    path = Path(address.database or "")
    wal = path.with_name(f"{path.name}-wal") if path.name else path
    if address.get_backend_name() != "sqlite" or not path.is_file() or wal.exists() or os.access(path.parent, os.W_OK):
        return address
    return address.set(database=f"file:{quote(str(path))}", query={"immutable": "1", "uri": "true"})


def _make_file(address: sa.URL, *, create: bool) -> None:
    """Only the owner may read the file: it holds names of machines, people and their reasons."""
    if not address.database or address.database == ":memory:":
        raise ConfigError(["DATABASE_URL: needs a file; a database in memory would forget what was sent"])
    path = Path(address.database)
    if address.database.startswith("file:") or path.exists():
        return
    if not create:
        raise ConfigError([f"DATABASE_URL: there is no database at {path}; `migrate` or `run` makes one"])
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError([f"DATABASE_URL: {path} cannot be made: {error.strerror}"]) from None


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Python's own transaction control is switched off, ours is in the begin hook.

    synchronous=FULL: a power cut must not forget a commit (https://www.sqlite.org/pragma.html#pragma_synchronous).
    """
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {int(PATIENCE * 1000)}")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone()[0] != "wal":
        _switch_to_wal(cursor)
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    """WAL stays with the file once it is on. What cannot be switched, a read-only file say, is used as it is."""
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in UNUSABLE:
            raise


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("write"):
        connection.exec_driver_sql("BEGIN")
        return
    wait = int(options["patience"] * 1000)
    if connection.info.get("busy_timeout") != wait:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {wait}")
        connection.info["busy_timeout"] = wait
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_postgresql(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("write"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})")
