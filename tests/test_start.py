"""What `run` puts on record when it starts: the policy that is in force, and the head of the trail."""

import hashlib
import json
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import __version__
from bot.app import running
from bot.config import Config, load
from bot.demo.clock import Clock
from bot.demo.world import World
from bot.flows import start as beginning
from bot.store import AuditRow, Store
from bot.store.audit import canonical
from tests.insider import runs
from tests.laid import lay
from tests.scenes.stage import QUICK
from tests.test_cli import Done, ended, start, swept

POLICY = """
[access]
commands = ["S0HELPDESK"]
[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM"]
expires = "2h"
[approvals.budget]
failures = 3
within = "30d"
quorum = 2
[[approvals.rules]]
kind = "server"
client = "Contoso*"
quorum = 2
expires = "never"
[[windows]]
cron = "0 22 * * *"
duration = "4h"
timezone = "Europe/Berlin"
kind = "server"
"""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(clock=Clock(datetime.now(UTC), speed=1)) as running:
        yield running


async def run_once(world: World, folder: Path, env: dict[str, str]) -> Done:
    """Runs the bot as a process until Slack is connected, then stops it."""
    process = await start(folder, "run", env=env)
    await world.slack.connected()
    process.send_signal(signal.SIGTERM)
    return await ended(process)


async def rows_of(config: Config) -> list[AuditRow]:
    store = await Store.open(config.database.url.reveal())
    rows = [row async for row in store.rows()]
    assert (await store.verify()).ok
    await store.close()
    return rows


def events(done: Done) -> dict[str, dict[str, Any]]:
    return {line["event"]: line for line in map(json.loads, done.err.splitlines())}


async def test_the_policy_in_force_is_on_record_before_the_head_is_logged(world: World, tmp_path: Path) -> None:
    env = await swept(world, tmp_path)
    (tmp_path / "patches.toml").write_text(POLICY)
    done = await run_once(world, tmp_path, env)
    assert done.status == 0
    [row] = [row for row in await rows_of(load(env)) if row.action == "bot.start"]
    told = row.entry.data
    assert (row.actor, row.subject, told["version"]) == ("bot", "config", __version__)
    policy = json.loads(row.data)["policy"]
    assert policy["access"] == {"commands": ["S0HELPDESK"], "silence": [], "digests": []}
    assert policy["approvals"]["approvers"] == ["S0PATCHTEAM"]
    assert policy["approvals"]["expires"] == "PT7200S"
    assert policy["approvals"]["budget"] == {"failures": 3, "within": "P30D", "quorum": 2}
    assert policy["approvals"]["rules"][0]["changes"] == {"quorum": 2, "expires": None}
    assert (policy["windows"][0]["cron"], policy["windows"][0]["kind"]) == ("0 22 * * *", "server")
    assert policy["follow_up"].keys() == {"duration", "every"}
    assert told["sha256"] == hashlib.sha256(canonical(policy).encode()).hexdigest()
    started = events(done)["started"]
    assert (started["audit_rows"], started["audit_head"], started["policy_sha256"]) == (
        row.seq,
        row.hash,
        told["sha256"],
    )
    assert [secret for secret in world.secrets() if secret in row.data + done.err + done.out] == []


async def test_a_trail_that_refuses_the_row_is_told_and_the_bot_runs_all_the_same(world: World, tmp_path: Path) -> None:
    env = await swept(world, tmp_path)
    runs(
        tmp_path / "patches.db", "CREATE TRIGGER full BEFORE INSERT ON audit_trail BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    done = await run_once(world, tmp_path, env)
    assert done.status == 0
    told = events(done)
    assert told["start.not_on_record"]["level"] == "error"
    assert "the audit trail refuses a row" in told["start.not_on_record"]["why"]
    assert told["started"]["audit_rows"] == 0


async def test_a_row_that_the_trail_refused_at_the_start_is_put_on_record_later(world: World, tmp_path: Path) -> None:
    await lay(tmp_path)
    runs(
        tmp_path / "patches.db", "CREATE TRIGGER full BEFORE INSERT ON audit_trail BEGIN SELECT RAISE(ABORT, 'x'); END"
    )
    config = load(world.env(tmp_path, POLICY))
    async with running(config, clock=world.clock.now, pace=QUICK, on_record=True) as bot:
        await bot.ready()
        await bot.tick()
        assert [row.action async for row in bot.services.store.rows()] == []
        runs(tmp_path / "patches.db", "DROP TRIGGER full")
        world.clock.advance(timedelta(minutes=1))
        for _ in range(2):
            await bot.tick()
        assert [row.action async for row in bot.services.store.rows()] == ["bot.start"]


def test_equal_policies_have_equal_hashes_and_each_change_another(world: World, tmp_path: Path) -> None:
    config = load(world.env(tmp_path, POLICY))
    rules = config.approvals.rules
    others = [
        replace(config, access=replace(config.access, commands=())),
        replace(config, approvals=replace(config.approvals, quorum=2)),
        replace(config, approvals=replace(config.approvals, expires=None)),
        replace(config, approvals=replace(config.approvals, rules=(replace(rules[0], changes={"quorum": 1}),))),
        replace(config, windows=()),
        replace(config, follow_up=replace(config.follow_up, every=timedelta(hours=1))),
    ]
    hashes = [beginning.fingerprint(beginning.policy_of(one)) for one in (config, *others)]
    assert len(set(hashes)) == len(hashes)
    assert beginning.fingerprint(beginning.policy_of(load(world.env(tmp_path, POLICY)))) == hashes[0]
