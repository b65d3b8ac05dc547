"""Services that are down at start or later, a database that cannot be written: told, survived, recovered from."""

import asyncio
import contextlib
import resource
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest

from bot.app import App, running
from bot.config import load
from bot.demo.faults import Fault
from bot.demo.world import World
from tests.scenes.stage import CONFIG, QUICK, Stage, nothing_left, staged

MINUTE = timedelta(minutes=1)


async def get(bot: App, path: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{bot.http_port}{path}") as answer:
        return answer.status, await answer.text()


@contextlib.asynccontextmanager
async def started(folder: Path, world: World) -> AsyncIterator[Stage]:
    """The bot, started and not waited for: something it needs may be down."""
    config = load(world.env(folder, CONFIG))
    async with running(config, clock=world.clock.now, pace=QUICK) as bot:
        yield Stage(world, bot, folder, config)


# ---------------------------------------------------------------- down at start


async def test_without_slack_the_bot_starts_says_so_and_connects_by_itself(tmp_path: Path) -> None:
    async with World() as world:
        async with started(tmp_path, world):
            pass  # learns the ports
        await world.slack.stop()
        async with started(tmp_path, world) as stage:
            assert await get(stage.bot, "/healthz") == (200, "ok\n")
            assert await get(stage.bot, "/readyz") == (503, "Slack is not connected.\n")
            assert "patches_slack_connected 0.0" in (await get(stage.bot, "/metrics"))[1]
            await world.slack.start()
            await stage.bot.ready()
            assert await get(stage.bot, "/readyz") == (200, "ready\n")
            await stage.bot.tick()
            assert "All is well" in (await stage.asks("bob", "/patches status")).plain
            assert nothing_left(stage) == []


async def test_without_n_sight_and_eset_the_bot_starts_names_them_and_recovers(tmp_path: Path) -> None:
    async with World() as world:
        await world.nsight.stop()
        await world.eset.stop()
        async with staged(tmp_path, world=world) as stage:
            status, told = await get(stage.bot, "/readyz")
            assert (status, told.splitlines()[0]) == (200, "ready")
            assert "ESET could not be reached" in told
            assert "N-sight could not be reached" in told
            for typed, service in (
                ("/patches recent", "ESET"),
                ("/patches device SRV-DC01", "N-sight"),
                ("/patches retry 1001 4,5", "N-sight"),
                ("/patches history 1001", "N-sight"),
            ):
                answer = await stage.asks("bob", typed)
                assert f"{service} could not be reached (reference" in answer.plain, typed
            assert "Trouble with ESET and N-sight" in (await stage.asks("bob", "/patches status")).plain
            for typed in ("/patches help", "/patches pending", "/patches history", "/patches digest list"):
                assert "reached" not in (await stage.asks("bob", typed)).plain
            await world.nsight.start()
            await world.eset.start()
            await stage.later(MINUTE)
            assert "163 failed" in (await stage.asks("bob", "/patches recent")).plain
            assert "Request #1 is made" in (await stage.asks("bob", "/patches retry 1001 4,5")).plain
            assert "All is well" in (await stage.asks("bob", "/patches status")).plain
            assert nothing_left(stage) == []


# ---------------------------------------------------------------- down later


async def test_a_connection_that_slack_renews_or_the_network_breaks_is_made_anew(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        slack = stage.world.slack
        for reason in ("warning", "refresh_requested"):
            await slack.disconnect(reason)
            await slack.connected()
            assert "All is well" in (await stage.asks("bob", "/patches status")).plain, reason
        for _ in range(2):
            slack.cut_sockets()
            await slack.connected()
            assert "All is well" in (await stage.asks("bob", "/patches status")).plain
        assert nothing_left(stage) == []


async def test_slack_going_away_and_coming_back_on_the_way_costs_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await stage.clicks("ann", "Approve", stage.card)
        await stage.world.slack.stop()
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert (await get(stage.bot, "/readyz"))[0] == 503
        await stage.world.slack.start()
        await stage.world.slack.connected(timeout=30)
        await stage.later(MINUTE)
        assert "2 of 2 installed" in stage.card.plain
        assert "Finished" in stage.direct("bob")[-1]
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_an_approval_waits_for_n_sight_and_is_sent_when_it_is_back(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await stage.world.nsight.stop()
        await stage.clicks("ann", "Approve", stage.card)
        assert "The device's patches cannot be checked: N-sight could not be reached" in stage.card.plain
        assert stage.card.buttons == ["Withdraw"]
        await stage.world.nsight.start()
        await stage.later(MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in stage.card.plain
        assert nothing_left(stage) == []


async def test_an_approval_that_could_not_be_sent_for_an_hour_expires_with_its_reason(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await stage.world.nsight.stop()
        await stage.clicks("ann", "Approve", stage.card)
        for _ in range(13):
            await stage.later(5 * MINUTE)
        await stage.world.nsight.start()
        await stage.later(5 * MINUTE)
        assert "Expired. It was approved, but could not be sent in time." in stage.card.plain
        assert "N-sight could not be reached" in stage.card.plain
        assert "Expired" in stage.direct("bob")[-1]
        assert stage.retries == []
        assert nothing_left(stage) == []


@pytest.mark.parametrize("fault", [Fault.LOSE_REPLY, pytest.param(Fault.HTML, marks=pytest.mark.deep)])
async def test_a_lost_answer_to_the_retry_is_settled_by_reading_and_never_repeated(
    fault: Fault, tmp_path: Path
) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        stage.world.nsight.faults.add("patch_retry", fault, act=True)
        await stage.clicks("ann", "Approve", stage.card)
        assert "Outcome unknown" in stage.card.plain
        await stage.later(3 * MINUTE)
        assert "Outcome unknown" not in stage.card.plain
        stage.world.patches_install()
        await stage.later(15 * MINUTE)
        assert "2 of 2 installed" in stage.card.plain
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_what_n_sight_refuses_is_told_in_its_own_words(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        stage.world.nsight.faults.add("patch_retry", Fault.FAIL, code="4", words="<!channel> not & never")
        await stage.clicks("ann", "Approve", stage.card)
        assert "Not retried. N-sight refused: <!channel> not & never" in stage.card.plain
        assert "N-sight refused" in stage.direct("bob")[-1]
        assert stage.card.buttons == ["Retry…"]
        assert nothing_left(stage) == []


async def test_slacks_wish_for_a_slower_pace_is_waited_out(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.faults.rate_limited("chat.postMessage", 1)
        await stage.asks("bob", "/patches retry 1001 4,5")
        assert stage.card.buttons == ["Approve", "Deny", "Withdraw"]
        assert len(stage.posted("C0PATCHAPPROVE")) == 1
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- a database that cannot be written


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """The kernel lets no file of this process grow past the database's log of changes: a real error of a real disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((folder / "patches.db-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_while_the_database_cannot_be_written_changes_are_refused_and_lists_answer(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4")
        listed = await stage.asks("bob", "/patches recent")
        stage.world.clock.advance(5 * MINUTE)
        before = (stage.card.versions, await stage.actions())
        with full_disk(tmp_path):
            status, why = await get(stage.bot, "/readyz")
            assert (status, why.startswith("The database cannot be written: the disk")) == (503, True)
            assert (await get(stage.bot, "/healthz"))[0] == 200
            for typed in ("/patches retry 1001 5", "/patches digest now daily"):
                assert "The bot's database cannot be written" in (await stage.asks("bob", typed)).plain
            for who, button in (("ann", "Approve"), ("bob", "Withdraw")):
                exchange = await stage.clicks(who, button, stage.card)
                assert "The bot's database cannot be written" in exchange.answers[-1].plain
            await stage.opens("ann", "Deny", stage.card)
            await stage.submits("ann", {"Why?": "no"})
            assert "The bot's database cannot be written" in stage.told("ann")
            fresh = await stage.asks("bob", "/patches recent")
            assert "163 failed" in fresh.plain
            assert "this list has no buttons" in fresh.plain
            for typed, words in (
                ("/patches device 1001", "2 failed patches of 7"),
                ("/patches pending", "1 request waiting"),
                ("/patches history", "Retry requests"),
                ("/patches digest list", "daily in #patch-news"),
                ("/patches status", "1 request"),
                ("/patches help", "What you can type"),
            ):
                assert words in (await stage.asks("bob", typed)).plain, typed
            await stage.clicks("bob", "Older ▶", listed)
            assert "page 2 of" in listed.plain
            assert stage.retries == []
            assert (stage.card.versions, await stage.actions()) == before
        assert await get(stage.bot, "/readyz") == (200, "ready\n")
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert (await stage.bot.services.store.verify()).ok
        assert nothing_left(stage) == []


@contextlib.contextmanager
def held(folder: Path) -> Iterator[None]:
    """Another process keeps the database locked."""
    with contextlib.closing(sqlite3.connect(folder / "patches.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("COMMIT")


async def test_while_another_process_holds_the_database_the_first_sign_comes_within_two_seconds(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        with held(tmp_path):
            began = time.monotonic()
            assert "No retry request waits" in (await stage.asks("bob", "/patches pending")).plain
            assert time.monotonic() - began < 2
            began = time.monotonic()
            exchange = await stage.says("bob", "/patches recent")
            assert "Asking ESET" in (await exchange.answer()).plain
            assert time.monotonic() - began < 2
        await exchange.answer(saying="163 failed")
        await stage.bot.settle()
        assert nothing_left(stage) == []


@pytest.mark.deep
async def test_while_another_process_holds_the_database_changes_are_refused_and_lists_answer(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4")
        with held(tmp_path):
            assert "163 failed" in (await stage.asks("bob", "/patches recent")).plain
            assert "database cannot be written" in (await stage.asks("bob", "/patches retry 1001 5")).plain
            exchange = await stage.clicks("ann", "Approve", stage.card)
            assert "database cannot be written" in exchange.answers[-1].plain
            await stage.opens("ann", "Deny", stage.card)
            await stage.submits("ann", {"Why?": "no"})
            assert "database cannot be written" in stage.told("ann")
            assert stage.retries == []
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []


async def test_nothing_is_sent_that_cannot_be_claimed_in_the_database(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        gate = asyncio.Event()
        stage.world.nsight.faults.add("patch_list_all", Fault.SLOW, until=gate)
        await stage.world.slack.clicks("ann", "Approve", stage.card)
        await stage.world.nsight.calls.reach("patch_list_all", 2)
        with full_disk(tmp_path):
            gate.set()
            await stage.bot.settle()
            assert stage.retries == []
        await stage.later(MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_an_answer_that_cannot_be_written_at_once_is_written_when_it_can(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        gate = asyncio.Event()
        stage.world.nsight.faults.add("patch_retry", Fault.SLOW, until=gate)
        await stage.world.slack.clicks("ann", "Approve", stage.card)
        await stage.world.nsight.calls.reach("patch_retry")
        with full_disk(tmp_path):
            gate.set()
            figures = stage.bot.services.metrics.registry
            counted = ("patches_retry_calls_total", {"verdict": "accepted"})
            await stage.world.slack.until(lambda: figures.get_sample_value(*counted), timeout=0.5)
            assert "request.conclude" not in await stage.actions()
        await stage.bot.settle()
        assert "request.conclude" in await stage.actions()
        await stage.later(2 * MINUTE)  # the card's last picture could not be noted either: its lease runs out
        assert "Queued by N-sight" in stage.card.plain
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_an_audit_trail_that_refuses_rows_stops_every_change_and_readiness(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4")
        with contextlib.closing(sqlite3.connect(tmp_path / "patches.db", isolation_level=None)) as insider:
            insider.execute(
                "CREATE TRIGGER deaf BEFORE INSERT ON audit_trail BEGIN SELECT RAISE(ABORT, 'not today'); END"
            )
            exchange = await stage.clicks("ann", "Approve", stage.card)
            assert "The bot's database cannot be written" in exchange.answers[-1].plain
            assert (await get(stage.bot, "/readyz"))[0] == 503
            assert "1 request waiting" in (await stage.asks("bob", "/patches pending")).plain
            assert stage.retries == []
            insider.execute("DROP TRIGGER deaf")
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []


async def test_outdated_buttons_are_mended_within_seconds_of_slacks_recovery(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4")
        stage.world.slack.faults.error("chat.update", "internal_error", times=None)
        await stage.clicks("ann", "Approve", stage.card)
        for _ in range(6):
            await stage.later(timedelta(seconds=20))
        assert "Approve" in stage.card.buttons
        stage.world.slack.faults.clear()
        await stage.later(timedelta(seconds=20))
        assert stage.card.buttons == []
