"""A database from before subjects were kept learns what its attempts are about."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from bot.model import Attempt, Period
from bot.store import Store, schema
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OLD = ("seq", "fingerprint", "ordinal", "first_seen", "ended_at", "attempt")
ABOUT = """
SELECT seq, result, developer, application, device
FROM attempts JOIN subjects ON subjects.id = attempts.subject ORDER BY seq
"""


def attempt(hour: int, status: str, name: str | None = None, developer: str | None = None) -> Attempt:
    return Attempt(
        application_uuid=f"uuid-{hour}",
        developer_name=developer,
        display_name=name,
        raw_status=status,
        period=Period(end=(NOON + timedelta(hours=hour)).isoformat()),
    )


LISTING = [
    attempt(1, "PATCHING_STATUS_FAILED_DOWNLOAD_ERROR", "7-Zip", "Igor Pavlov"),
    attempt(1, "PATCHING_STATUS_FAILED_DOWNLOAD_ERROR", "7-Zip", "Igor Pavlov"),
    attempt(1, "PATCHING_STATUS_FAILED_DOWNLOAD_ERROR", "7-Zip", "Igor Pavlov"),
    attempt(2, "APPLICATION_PATCHING_STATUS_OK_INSTALLED", "Äpp 漢字 🙂"),
    attempt(3, "NOT_APPLICABLE", "x" * 400),
    attempt(4, "SOMETHING_FAILED", developer="Nobody"),
    attempt(5, "PONDERING", developer="half\0a word"),
]
PLACES = {LISTING[0].fingerprint: ["b", "a"], LISTING[3].fingerprint: ["a"]}


def older(path: Path, newer: Path) -> None:
    """What is in a newer database, as it was at schema 0003."""
    plain = sa.create_engine(f"sqlite:///{path}")
    config = schema._config()
    with plain.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    plain.dispose()
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("ATTACH ? AS newer", (str(newer),))
        columns = ", ".join(OLD)
        database.execute(f"INSERT INTO attempts ({columns}) SELECT {columns} FROM newer.attempts")
        database.execute("INSERT INTO sightings SELECT * FROM newer.sightings")


def about(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(ABOUT).fetchall()


async def test_attempts_of_an_older_schema_become_what_they_would_be_if_recorded_now(tmp_path: Path) -> None:
    newer, path = await lay(tmp_path), tmp_path / "older.db"
    store = await Store.open(f"sqlite+aiosqlite:///{newer}")
    await store.record_attempts(LISTING, NOON)
    await store.record_sightings(PLACES, NOON)
    await store.close()
    older(path, newer)
    migrated = await Store.open(f"sqlite+aiosqlite:///{path}")
    told = about(path)
    assert told == about(newer)
    assert [row[1] for row in told] == [1, 1, 1, 2, 3, 1, 0]
    assert [row[4] for row in told] == ["a", "b", "", "a", "", "", ""]
    assert {one.device for one in await migrated.standings(0, NOON, 99, NOON)} == {"a", "b", ""}
    await migrated.close()


async def test_more_attempts_than_a_page_are_all_told(tmp_path: Path) -> None:
    newer, path = await lay(tmp_path), tmp_path / "older.db"
    store = await Store.open(f"sqlite+aiosqlite:///{newer}")
    await store.record_attempts([attempt(hour, "PATCHING_STATUS_FAILED_X") for hour in range(10_500)], NOON)
    await store.close()
    older(path, newer)
    await (await Store.open(f"sqlite+aiosqlite:///{path}")).close()
    assert about(path) == about(newer)
