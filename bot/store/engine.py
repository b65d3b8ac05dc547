"""How the database is opened, read and written: everything that differs between SQLite and PostgreSQL is here.

A write transaction excludes every other writer, in any process, from its first statement on: BEGIN IMMEDIATE on
SQLite (https://www.sqlite.org/lang_transaction.html), an advisory lock on PostgreSQL. So what a write transaction has
read stays true until it commits, the audit trail cannot fork and rows are numbered in the order of their commits.
"""

import asyncio
import sqlite3
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.errors import ConfigError, TrailUnwritableError, UnreadableError
from bot.store.file import GONE, OpenedFile, settled

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
DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Database:
    """One engine with a modest pool; a few reads run beside each other and beside the one writer."""

    def __init__(self, engine: AsyncEngine, patience: float = PATIENCE, file: OpenedFile | None = None) -> None:
        self._engine = engine
        self._patience = patience
        self._file = file
        self._readers = asyncio.Semaphore(READERS)
        # Tasks of this process queue here, first come first served; SQLite's own wait between processes is a poll.
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """One consistent view; never waits for a writer on SQLite (WAL) or PostgreSQL. Raises UnreadableError.

        For what is soon over, and not to be held while the store is asked for anything else: see ``stream``.
        """
        await _taken(self._readers, self._patience, UnreadableError(BUSY))
        try:
            async with self.stream() as connection:
                yield connection
        finally:
            self._readers.release()

    @asynccontextmanager
    async def stream(self) -> AsyncIterator[AsyncConnection]:
        """As ``read``, for what takes long, or is handed on in pages to somebody who may use the store meanwhile."""
        try:
            async with self._engine.connect() as connection:
                yield connection
        except sa.exc.DBAPIError as error:
            if reason := why_unusable(error):
                raise UnreadableError(reason, damaged=_code(error) in DAMAGED) from error
            raise
        except sa.exc.TimeoutError as error:
            raise UnreadableError(BUSY) from error

    @asynccontextmanager
    async def write(self, patience: float | None = None) -> AsyncIterator[AsyncConnection]:
        """Commits at the end, rolls back on any exception. TrailUnwritableError when it cannot be opened or kept."""
        seconds = self._patience if patience is None else min(patience, self._patience)
        writer = self._engine.execution_options(write=True, patience=seconds)
        await _taken(self._turn, seconds, TrailUnwritableError("writes ahead of this one take too long"))
        try:
            self._demand_file()
            async with writer.begin() as connection:
                self._demand_file()  # another process may have kept this one waiting
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

    def _demand_file(self) -> None:
        if self._file is not None and self._file.gone:
            raise TrailUnwritableError(GONE)

    async def close(self) -> None:
        await self._engine.dispose()


async def _taken(free: asyncio.Semaphore | asyncio.Lock, seconds: float, late: Exception) -> None:
    """Waits for a turn; raises ``late`` when that takes too long."""
    try:
        async with asyncio.timeout(seconds):
            await free.acquire()
    except TimeoutError:
        raise late from None


def connect(url: str, *, create: bool, patience: float = PATIENCE) -> Database:
    """A Database for an SQLAlchemy URL; nothing is opened yet, but a missing SQLite file is made when `create`.

    ConfigError when the URL cannot work; its text never shows a password.
    """
    file = None
    try:
        address = sa.make_url(url)
        address.get_dialect()
        if address.get_backend_name() == "sqlite":
            address, file = settled(address, create=create)
        # With parameters hidden, no exception text repeats what people wrote.
        engine = create_async_engine(address, **POOL, pool_timeout=patience, hide_parameters=True)
    except (sa.exc.ArgumentError, TypeError, ValueError, ImportError):
        raise ConfigError(["DATABASE_URL: is not an address of a database that the bot can use"]) from None
    if address.get_backend_name() == "sqlite":
        if file is not None:
            sa.event.listen(engine.sync_engine, "do_connect", partial(_refuse_another, file))
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    else:
        sa.event.listen(engine.sync_engine, "begin", _begin_postgresql)
    return Database(engine, patience, file)


def why_unusable(error: sa.exc.DBAPIError) -> str | None:
    """Why the database cannot be read or written, None when the error is of another sort (a broken constraint, say).

    Source: https://www.sqlite.org/rescode.html; the low byte of an extended code is its primary code.
    """
    code = _code(error)
    if code is not None:
        return UNUSABLE.get(code)
    elsewhere = not isinstance(error.orig, sqlite3.Error) and isinstance(error, sa.exc.OperationalError)
    return "the database does not answer" if error.connection_invalidated or elsewhere else None


def _code(error: sa.exc.DBAPIError) -> int | None:
    """SQLite's primary code; None from another database."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _refuse_another(file: OpenedFile, *_: Any) -> None:
    """What is open still reads the file that is gone; nothing is opened beside it, where another one may be by now."""
    if file.gone:
        raise UnreadableError(GONE)


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
