"""What `check` says of the database and the audit trail in it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.demo.world import World
from bot.store import Entry, Store
from tests.checked import examined, failing, loaded, looked, the_failure, wall_clock
from tests.insider import tampers


async def test_a_missing_database_is_a_failure_where_nobody_may_make_one(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path, "database.migrate = false\n")
    findings = await examined(settings)
    assert failing(findings) == {"Database"}
    assert "migrate" in findings["Database"].mend


@pytest.mark.parametrize(("migrate", "verdict"), [("true", None), ("false", False)])
async def test_an_older_schema_is_a_failure_only_where_it_stays(
    world: World, tmp_path: Path, migrate: str, verdict: bool | None
) -> None:
    (tmp_path / "patches.db").touch()
    settings = loaded(world, tmp_path, f"database.migrate = {migrate}\n")
    findings = await examined(settings)
    assert (findings["Database"].ok, "older" in findings["Database"].sentence) == (verdict, True)


async def test_a_file_that_is_no_database_does_not_hide_the_other_findings(world: World, tmp_path: Path) -> None:
    (tmp_path / "patches.db").write_text("once upon a time " * 500)
    findings = await examined(loaded(world, tmp_path))
    assert failing(findings) == {"Database"}
    assert "not a database" in findings["Database"].sentence
    assert findings["N-sight"].ok is True


async def test_a_database_that_somebody_keeps_locked_is_told(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path)
    await (await Store.open(settings.database.url.reveal())).close()
    with closing(sqlite3.connect(tmp_path / "patches.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        findings = await examined(settings)
    assert failing(findings) == {"Database"}
    assert "keeps the database locked" in findings["Database"].sentence
    assert findings["Audit trail"].ok is True


async def test_a_tampered_trail_is_told(world: World, tmp_path: Path) -> None:
    store = await Store.open(loaded(world, tmp_path).database.url.reveal())
    for actor in ("U0ANN", "U0BOB"):
        await store.append(Entry(wall_clock(), actor, "tested", "x", {}))
    await store.close()
    tampers(tmp_path / "patches.db", "UPDATE audit_trail SET actor = 'U0EVE' WHERE seq = 1")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "row 1 was changed" in failure.sentence) == ("Audit trail", True)
