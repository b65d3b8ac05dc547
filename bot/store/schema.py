"""Brings the database to the schema this code knows, with Alembic and without an ini file."""

import functools
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.errors import ConfigError, TrailUnwritableError, UnreadableError
from bot.store.engine import Database

MIGRATIONS = Path(__file__).parent / "migrations"


async def settle(database: Database, *, migrate: bool) -> None:
    """Returns when the schema is the newest; ConfigError with a sentence when it is not and may not become so."""
    try:
        async with database.read() as connection:
            found = await connection.run_sync(revision)
        if found == newest():
            return
        _refuse_unknown(found)
        if not migrate:
            raise ConfigError(["database.migrate: is off and the database's schema is older; run `migrate` first"])
        async with database.write() as connection:
            # Another process may have migrated while this one waited: then there is nothing left to do.
            await connection.run_sync(upgrade)
    except TrailUnwritableError as error:
        raise ConfigError([f"DATABASE_URL: the schema cannot be brought up to date: {error}"]) from error
    except UnreadableError as error:
        raise ConfigError([f"DATABASE_URL: the database cannot be opened: {error}"]) from error
    except sa.exc.DBAPIError as error:
        raise ConfigError([f"DATABASE_URL: the database cannot be opened: {error.orig}"]) from error


@functools.cache
def newest() -> str:
    """The revision that this code is written for. Looked up once: Alembic loads every migration for it."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def revision(connection: sa.Connection) -> str:
    """The revision of the database, "" when it has none yet."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def upgrade(connection: sa.Connection) -> None:
    """Runs the missing migrations inside the caller's transaction: all of them or none."""
    config = _config()
    config.attributes["connection"] = connection
    _refuse_unknown(revision(connection))
    command.upgrade(config, "head")


def _refuse_unknown(found: str) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found and found not in known:
        raise ConfigError(
            [f"DATABASE_URL: the database has schema {found}, which is newer than this version of the bot"]
        )


def _config() -> Config:
    config = Config()
    # Alembic interpolates percent signs in its options.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
