"""Where the bot meets the network: sockets that are refused, answers of proxies, doors that close, stopping in time."""

import asyncio
import contextlib
import io
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console
from structlog.testing import capture_logs

from bot import web_api
from bot.app import App, Pace, running
from bot.config import load
from bot.demo import tour
from bot.demo.faults import Fault
from bot.demo.page.stream import listening
from bot.demo.slack.http_sender import FORM
from bot.demo.world import World
from bot.errors import Kind, UnreadableError, UpstreamError
from bot.messenger import Messenger
from bot.messenger import Pace as SlackPace
from bot.model import Message, State
from bot.store import Store
from bot.store.file import GONE
from bot.tasks import watched
from tests.scenes.stage import CONFIG, QUICK, nothing_left, staged, until_ready
from tests.scenes.test_failures import full_disk, get

HTTP = CONFIG + '\n[slack]\nmode = "http"\n'
OPEN = "apps.connections.open"
SLOW_AGAIN = replace(QUICK, socket=replace(QUICK.socket, again_first=60, again_most=60))
JSON = {"Content-Type": "application/json; charset=utf-8"}
TEXT, HTML, GZIP = {"Content-Type": "text/plain"}, {"Content-Type": "text/html"}, {"Content-Type": "application/gzip"}


@contextlib.asynccontextmanager
async def started(folder: Path, world: World, pace: Pace = QUICK) -> AsyncIterator[App]:
    """The bot, started and not waited for."""
    async with running(load(world.env(folder, CONFIG)), clock=world.clock.now, pace=pace) as bot:
        yield bot


def opens(world: World, error: str = "") -> int:
    """How often the bot has asked for a socket's address and was answered with ``error``."""
    return sum(call.method == OPEN and call.error == error for call in world.slack.calls)


# ---------------------------------------------------------------- Socket Mode


async def test_a_socket_that_is_refused_is_tried_again_with_a_fresh_address(tmp_path: Path) -> None:
    async with World() as world:
        world.slack.sockets.shut = True
        async with started(tmp_path, world) as bot:
            await world.slack.until(lambda: opens(world) >= 3)
            assert await get(bot, "/readyz") == (503, "Slack is not connected.\n")
            world.slack.sockets.shut = False
            async with asyncio.timeout(5):
                await bot.ready()
            assert await get(bot, "/readyz") == (200, "ready\n")
            assert world.violations == []


@pytest.mark.parametrize("body", [b'{"ok": true}', b'{"ok": true, "url": null}', b'{"ok": true, "url": "soon"}'])
async def test_an_answer_without_an_address_is_a_failure_to_be_tried_again(body: bytes, tmp_path: Path) -> None:
    async with World() as world:
        world.slack.faults.add(OPEN, Fault.BODY, body=body, times=2)
        with capture_logs() as told:
            async with started(tmp_path, world) as bot, asyncio.timeout(5):
                await bot.ready()
        assert [line["method"] for line in told if line["event"] == "slack.failed"] == [OPEN, OPEN]
        assert world.violations == []


async def test_connections_that_slack_keeps_ending_are_not_made_without_end(tmp_path: Path) -> None:
    async with World() as world:
        world.slack.sockets.turning_away = "refresh_requested"
        async with started(tmp_path, world, SLOW_AGAIN) as bot:
            await world.slack.until(lambda: opens(world) >= 6)
            with pytest.raises(AssertionError):
                await world.slack.until(lambda: opens(world) > 8, timeout=1)
            assert await get(bot, "/readyz") == (503, "Slack is not connected.\n")


async def test_after_the_brake_the_bot_comes_back_by_itself(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.sockets.turning_away = "warning"
        before = opens(stage.world)
        await stage.world.slack.disconnect("warning")
        await stage.world.slack.until(lambda: opens(stage.world) >= before + 8)
        stage.world.slack.sockets.turning_away = ""
        await stage.world.slack.connected()
        assert "All is well" in (await stage.asks("bob", "/patches status")).plain
        assert nothing_left(stage) == []


async def test_an_ack_that_finds_its_connection_gone_is_a_line_in_the_log_and_no_crash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Slack goes right after the envelope, while the bot reads in the database what its ack will say."""
    async with staged(tmp_path) as stage:
        slack = stage.world.slack
        answer = await stage.asks("bob", "/patches retry")
        await stage.opens("bob", "Choose devices…", answer, saying="On which devices")
        slack.patience = 0.1  # a person at Slack's side has seen enough: no ack will come

        def goes(kind: str, _: object) -> None:
            if kind == "envelope":
                slack.cut_sockets()

        with capture_logs() as told, listening(slack.on_change, goes):
            assert await slack.suggestions("bob", "Devices", "srv-dc01") == []
            await slack.until(lambda: any(line["event"] == "slack.ack_lost" for line in told))
        assert [line["type"] for line in told if line["event"] == "slack.ack_lost"] == ["interactive"]
        assert [record.getMessage() for record in caplog.records if record.exc_info] == []
        assert slack.unacked == ["bob · types 'srv-dc01': operation_timeout"]
        slack.patience = 3.0
        await slack.connected()
        assert await slack.suggestions("bob", "Devices", "srv-dc01")
        assert stage.world.violations == []


@pytest.mark.parametrize("reason", ["link_disabled", "too_many_websockets"])
async def test_slack_letting_nobody_in_is_told_and_not_hammered(reason: str, tmp_path: Path) -> None:
    async with staged(tmp_path, pace=SLOW_AGAIN) as stage:
        slack = stage.world.slack
        slack.sockets.turning_away = reason
        await slack.disconnect(reason)
        await slack.until(lambda: not slack.sockets.connections)
        status, why = await get(stage.bot, "/readyz")
        assert (status, reason in why) == (503, True)
        assert opens(stage.world) <= 3
        assert "patches_slack_connected 0.0" in (await get(stage.bot, "/metrics"))[1]


async def test_a_token_refused_later_makes_the_bot_unready_and_ends_it_not(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        slack = stage.world.slack
        token, slack.tokens.app = slack.tokens.app, "xapp-" + "rotated"
        slack.cut_sockets()
        await slack.until(lambda: opens(stage.world, "invalid_auth") >= 4)
        status, why = await get(stage.bot, "/readyz")
        assert status == 503
        assert re.fullmatch(r"Slack is not connected: apps.connections.open: invalid_auth \(reference \w+\)\.\n", why)
        assert not stage.bot.refusal.done()
        slack.tokens.app = token
        await slack.connected()
        await stage.bot.ready()
        assert "All is well" in (await stage.asks("bob", "/patches status")).plain


async def test_a_token_refused_at_start_ends_the_bot(tmp_path: Path) -> None:
    async with World() as world:
        config = world.env(tmp_path, CONFIG) | {"SLACK_APP_TOKEN": "xapp-" + "1-wrong"}
        async with running(load(config), clock=world.clock.now, pace=QUICK) as bot, asyncio.timeout(5):
            assert (await bot.refusal).kind is Kind.CREDENTIALS


# ---------------------------------------------------------------- answers that are not Slack's


@contextlib.asynccontextmanager
async def messenger(world: World) -> AsyncIterator[Messenger]:
    async with aiohttp.ClientSession() as session:
        client = web_api.connect(world.slack.tokens.bot, f"{world.slack.url}/api/", session, 5)
        yield Messenger(client, session, SlackPace(per_channel=0, timeout=5))


async def failure(world: World) -> tuple[UpstreamError, list[str]]:
    """How posting fails, and the references in the log."""
    with capture_logs() as told:
        async with messenger(world) as sender:
            with pytest.raises(UpstreamError) as caught:
                await sender.post("C0HELPDESK", Message("hello"))
    return caught.value, [line["reference"] for line in told if "reference" in line]


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "sent"),
    [
        (503, JSON, b"<html>upstream connect error", Kind.DOWN, None),
        (503, HTML, b"<html>", Kind.DOWN, None),
        (502, TEXT, b"bad gateway", Kind.DOWN, None),
        (200, JSON, b"<html>please log in", Kind.BROKEN, None),
        (200, JSON, b"\xff\xfe", Kind.BROKEN, None),
        (200, JSON, b"[1, 2]", Kind.BROKEN, None),
        (200, JSON, b'"ok"', Kind.BROKEN, None),
        (200, JSON, b"null", Kind.BROKEN, None),
        (200, JSON, b'{"ok": false}', Kind.BROKEN, None),
        (200, JSON, b'{"ok": true}', Kind.BROKEN, None),
        (200, {"Content-Type": "application/json; charset=klingon"}, b'{"ok": true}', Kind.BROKEN, None),
        (200, TEXT, b"the proxy says hello", Kind.BROKEN, None),
        (200, HTML, b"<html>please log in", Kind.BROKEN, None),
        (200, GZIP, b"\x1f\x8b", Kind.BROKEN, None),
        (403, HTML, b"<html>", Kind.BROKEN, None),
        (200, JSON, b'{"ok": false, "error": "not_in_channel", "response_metadata": null}', Kind.REFUSED, True),
        (200, JSON, b'{"ok": false, "error": "not_in_channel", "response_metadata": []}', Kind.REFUSED, True),
        (429, HTML, b"<html>", Kind.THROTTLED, True),
        (429, JSON | {"Retry-After": "soon"}, b"{}", Kind.THROTTLED, True),
    ],
)
async def test_whatever_answers_in_slacks_place_is_an_upstream_error(
    status: int, headers: dict[str, str], body: bytes, kind: Kind, sent: bool | None
) -> None:
    async with World() as world:
        world.slack.faults.add("chat.postMessage", Fault.STATUS, status=status, headers=headers, body=body)
        error, references = await failure(world)
        assert (error.kind, error.sent) == (kind, sent)
        assert references == [error.reference]


async def test_a_long_retry_after_is_told_and_not_sat_out() -> None:
    async with World() as world:
        world.slack.faults.rate_limited("chat.postMessage", 3600)
        async with asyncio.timeout(5):
            error, _ = await failure(world)
        assert (error.kind, error.retry_after) == (Kind.THROTTLED, 3600.0)
        assert len(world.slack.calls) == 1


# ---------------------------------------------------------------- proxies


@contextlib.asynccontextmanager
async def proxy(asked: list[str]) -> AsyncIterator[str]:
    """Notes what is asked of it and answers 200 in the place of anybody."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readline()).decode().strip())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_through_a_response_url_takes_the_proxy_of_all_other_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    async with proxy(asked) as address, aiohttp.ClientSession() as session:
        monkeypatch.setenv("HTTPS_PROXY", address)
        client = web_api.connect("xoxb-", "https://slack.invalid/api/", session, 5)
        await Messenger(client, session, SlackPace()).respond("http://hooks.invalid/1", Message("hello"), replace=False)
    assert asked == ["POST http://hooks.invalid/1 HTTP/1.1"]


@pytest.mark.parametrize(
    ("address", "direct"),
    [
        ("https://slack.com/api/", False),
        ("https://slack.inside.example/api/", True),
        ("http://127.0.0.1:8080/api/", True),
        ("http://[::1]:8080/api/", True),
        ("http://localhost:8080/api/", True),
    ],
)
async def test_no_proxy_is_asked_for_this_machine_nor_where_no_proxy_says_so(
    address: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    async with aiohttp.ClientSession() as session:
        client = web_api.connect("xoxb-", address, session, 5)
    assert client.proxy == (None if direct else "http://proxy.invalid:3128")


async def test_a_tour_that_does_not_get_on_ends_with_a_sentence() -> None:
    world, page = World(), io.StringIO()
    world.slack.sockets.shut = True
    assert await tour.tell(world=world, console=Console(file=page, width=200), patience=1) == 1
    assert "The tour did not come to its end within 1 seconds." in page.getvalue()


# ---------------------------------------------------------------- what runs beside the work


async def test_work_in_the_background_that_fails_is_told_and_begun_anew() -> None:
    begun: list[str] = []

    async def work() -> None:
        begun.append("once more")
        if len(begun) < 3:
            raise LookupError("a fault of ours")

    with capture_logs() as told:
        await watched("line", work, pause=0)
    assert len(begun) == 3
    assert [(line["event"], line["log_level"], line["task"]) for line in told] == [
        ("task.restarted", "error", "line")
    ] * 2


async def test_a_database_that_cannot_be_written_hides_no_wrong_key(tmp_path: Path) -> None:
    async with World() as world, started(tmp_path, world) as first:  # keeps the database's log of changes in place
        await until_ready(first, world)
        world.clock.advance(timedelta(hours=2))  # the inventory is due
        settings = world.env(tmp_path, CONFIG) | {"NSIGHT_API_KEY": "0123456789abcdef0123456789abcdef"}
        with full_disk(tmp_path):
            async with running(load(settings), clock=world.clock.now, pace=QUICK) as bot, asyncio.timeout(10):
                await bot.ready()
                assert (await bot.refusal).kind is Kind.CREDENTIALS


class Counted:
    """A clock that counts how often it is asked."""

    def __init__(self, world: World) -> None:
        self._world, self.times, self._asked = world, 0, asyncio.Event()

    def now(self) -> datetime:
        self.times += 1
        self._asked.set()
        self._asked = asyncio.Event()
        return self._world.clock.now()

    async def reaches(self, times: int) -> None:
        async with asyncio.timeout(10):
            while self.times < times:
                await self._asked.wait()


def moves_a_table(path: Path) -> None:
    """In a thread: the bot may be writing, and has to get on with it."""
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as other:
        other.execute("ALTER TABLE requests RENAME TO moved")


async def test_a_tick_that_fails_rests_instead_of_filling_the_log(tmp_path: Path) -> None:
    async with World() as world:
        clock = Counted(world)
        config, pace = load(world.env(tmp_path, CONFIG)), replace(QUICK, tick=0.001)

        def faults() -> int:
            return sum(line["event"] == "scheduler.fault" and line["job"] == "tick" for line in told)

        with capture_logs() as told:
            async with running(config, clock=clock.now, pace=pace) as bot:
                await bot.ready()
                await asyncio.to_thread(moves_a_table, tmp_path / "patches.db")
                while not faults():
                    await clock.reaches(clock.times + 1)
                await clock.reaches(clock.times + 200)
                assert faults() == 1
                world.clock.advance(timedelta(seconds=16))
                while faults() < 2:
                    await clock.reaches(clock.times + 1)


async def test_a_database_that_cannot_be_read_is_one_line_for_each_job_and_no_trace(tmp_path: Path) -> None:
    here, away = tmp_path / "patches.db", tmp_path / "away.db"
    async with staged(tmp_path) as stage:

        async def ticks() -> list[str]:
            """The jobs that fail in a round; the round itself does, too."""
            with capture_logs() as told:
                with pytest.raises(UnreadableError):
                    await stage.bot.tick()
                await stage.bot.settle()
            assert {(line["event"], line["log_level"], line["why"]) for line in told} <= {
                ("scheduler.unreadable", "error", GONE)
            }
            return [line["job"] for line in told]

        stage.world.clock.advance(timedelta(hours=1))
        here.rename(away)
        await stage.bot.services.store.close()  # what is open goes on reading the file, wherever it is
        failed = await ticks()
        assert {"collect", "inventory", "repair"} <= set(failed)
        assert len(failed) == len(set(failed))
        assert await ticks() == []  # they rest
        away.rename(here)
        with capture_logs() as told:
            await stage.later(timedelta(minutes=2))
        events = [line["event"] for line in told]
        assert "attempts.collected" in events
        assert not [event for event in events if event.startswith("scheduler.")]


@pytest.mark.parametrize("instead", [False, True])
async def test_where_the_database_file_is_gone_nothing_is_changed_until_it_is_back(
    instead: bool, tmp_path: Path
) -> None:
    """Open connections would write on, into a file that nobody finds again; new ones would spoil what is there."""
    here, away, copy = (tmp_path / name for name in ("patches.db", "away.db", "copy.db"))
    async with staged(tmp_path) as stage:
        copy.write_bytes(here.read_bytes())
        await stage.asks("bob", "/patches retry 1001 4")
        here.rename(away)
        if instead:
            copy.rename(here)
        await stage.clicks("ann", "Approve", stage.card)
        assert "database cannot be written, so it changes nothing" in stage.told("ann")
        assert GONE in (await get(stage.bot, "/readyz"))[1]
        assert "SRV-DC01" in (await stage.asks("bob", "/patches history")).plain, "reads still answer"
        assert here.exists() == instead, "none is made"
        assert stage.retries == []
        away.rename(here)
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []
    store = await Store.open(f"sqlite+aiosqlite:///{here}")
    verdict = await store.verify()
    assert verdict.ok
    assert [request.state for request in await store.history(1001, 10)] == [State.QUEUED]
    await store.close()


class Heard(logging.Filter):
    """Lets every line through; ``event`` is set by the one that is listened for."""

    def __init__(self, line: str) -> None:
        super().__init__()
        self._line, self.event = line, asyncio.Event()

    def filter(self, record: logging.LogRecord) -> bool:
        if self._line in str(record.msg):
            self.event.set()
        return True


async def test_what_n_sight_answered_while_the_database_file_was_gone_is_written_once_it_is_back(
    tmp_path: Path,
) -> None:
    here, away, gate = tmp_path / "patches.db", tmp_path / "away.db", asyncio.Event()
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4")
        stage.world.nsight.faults.add("patch_retry", Fault.SLOW, until=gate)
        await stage.world.slack.clicks("ann", "Approve", stage.card)
        await stage.world.nsight.calls.reach("patch_retry")
        here.rename(away)
        unwritten, log = Heard("retry.answer_not_written"), logging.getLogger("bot.flows.send")
        log.addFilter(unwritten)
        gate.set()
        async with asyncio.timeout(10):
            await unwritten.event.wait()
        log.removeFilter(unwritten)
        away.rename(here)
        await stage.bot.settle()
        assert "Queued by N-sight" in stage.card.plain
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []


async def test_the_figures_know_the_connection_without_anybody_asking_for_readiness(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        assert "patches_slack_connected 1.0" in (await get(stage.bot, "/metrics"))[1]


# ---------------------------------------------------------------- stopping


async def half_a_request(port: int) -> asyncio.StreamWriter:
    """Returns when the bot reads a request whose rest will never come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = ["POST /slack/events HTTP/1.1", "Host: bot", "Content-Length: 100", f"Content-Type: {FORM}"]
    writer.write("\r\n".join([*head, "Expect: 100-continue", "", ""]).encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 100")
    writer.write(b"payload=")
    await writer.drain()
    return writer


async def test_half_a_request_and_a_call_in_flight_delay_no_stop_beyond_its_deadline(tmp_path: Path) -> None:
    never = asyncio.Event()
    async with World() as world, contextlib.AsyncExitStack() as stack:
        stage = await stack.enter_async_context(
            staged(tmp_path, config=HTTP, pace=replace(QUICK, finish=2), world=world)
        )
        await stage.asks("bob", "/patches retry 1001 4,5")
        world.nsight.faults.add("patch_retry", Fault.SLOW, until=never)
        await world.slack.clicks("ann", "Approve", stage.card)
        await world.nsight.calls.reach("patch_retry")
        writer = await half_a_request(stage.bot.http_port)
        began = time.monotonic()
        await stack.aclose()
        assert time.monotonic() - began < 10, "either alone would hold it up for ever, but for the deadline"
        never.set()
        writer.close()
        assert stage.retries == [(1001, (4, 5))]
