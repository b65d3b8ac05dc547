"""Somebody with access to the database file, who can do whatever SQLite can."""

import sqlite3
from contextlib import closing
from pathlib import Path


def runs(path: Path, sql: str, *values: object) -> int:
    """One statement as it is, the database's own guards in place; how many rows it changed."""
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(sql, values).rowcount


def tampers(path: Path, sql: str, *values: object) -> int:
    """The same after taking the audit trail's guards away."""
    with closing(sqlite3.connect(path)) as database, database:
        guards = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_trail'")
        for (name,) in guards.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        return database.execute(sql, values).rowcount
