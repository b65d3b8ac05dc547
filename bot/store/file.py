"""The file of an SQLite database: made for its owner alone, opened only where it is, and known again."""

import os
from pathlib import Path

import sqlalchemy as sa

from bot.errors import ConfigError

GONE = "the database file is not where it was: it was moved, deleted or replaced"


class OpenedFile:
    """Remembers which file was at ``path``.

    Connections go on reading and writing one that was moved away or deleted, and nobody would find again what they
    wrote. A connection that is opened then, on whatever is there instead, shares the journal of those by its name, and
    both files are spoilt. Source: https://www.sqlite.org/howtocorrupt.html, "Unlinking or renaming a database file".
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = _identity(path)

    @property
    def gone(self) -> bool:
        """Whether another file, or none, is there now."""
        return _identity(self._path) != self._identity


def settled(address: sa.URL, *, create: bool) -> tuple[sa.URL, OpenedFile | None]:
    """The address by which SQLite opens the file and never makes one, and the file if it can be written.

    ConfigError when there is none and `create` is off, or it cannot be made.
    """
    if not address.database or address.database == ":memory:":
        raise ConfigError(["DATABASE_URL: needs a file; a database in memory would forget what was sent"])
    if address.database.startswith("file:"):
        return address, None
    given = Path(address.database)
    if not given.exists():
        _make(given, create=create)
    path = given.absolute()
    mode = {"immutable": "1"} if _still(path) else {"mode": "rw"}
    opened = address.set(database=path.as_uri(), query={**address.query, **mode, "uri": "true"})
    return opened, None if "immutable" in mode else OpenedFile(path)


def _make(path: Path, *, create: bool) -> None:
    """Only the owner may read the file: it holds names of machines, people and their reasons."""
    if not create:
        raise ConfigError([f"DATABASE_URL: there is no database at {path}; `migrate` or `run` makes one"])
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError([f"DATABASE_URL: {path} cannot be made: {error.strerror}"]) from None


def _still(path: Path) -> bool:
    """A file in a folder that we cannot write to (an auditor's copy, say) is read as one that nobody changes.

    WAL mode needs two files beside the database, and a running bot's are there: then nothing is assumed.
    Source: https://www.sqlite.org/wal.html#read_only_databases
    """
    wal = path.with_name(f"{path.name}-wal")
    return path.is_file() and not wal.exists() and not os.access(path.parent, os.W_OK)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
