"""The ESET Connect client over real sockets: the 202 protocol, trouble, pace, sharing and secrets."""

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from bot.clients.eset import PATH, Eset, Pace
from bot.clients.eset_exchange import Gate, Question, _Course
from bot.clients.flights import Flights
from bot.clients.http import Answer
from bot.errors import Kind, UpstreamError
from tests.eset_script import LISTED, PASSWORD, QUICK, ROW, USER, Reply, Scene, failing, later, playing


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with playing() as scene:
        yield scene


# ---------------------------------------------------------------- the 202 protocol


async def test_a_pending_answer_is_collected_by_its_id_and_a_newer_id_replaces_it(scene: Scene) -> None:
    scene.script.details = [later("r-1"), later(), later("r-2"), later()]
    assert len((await scene.eset.recent()).attempts) == 1
    assert scene.script.response_ids == [None, "r-1", "r-1", "r-2", "r-2"]


async def test_the_id_is_dropped_after_the_answer(scene: Scene) -> None:
    scene.script.details = [later("r-1")]
    await scene.eset.recent()
    await scene.eset.recent()
    assert scene.script.response_ids == [None, "r-1", None]


async def test_the_id_is_dropped_after_an_error(scene: Scene) -> None:
    scene.script.details = [later("r-1"), Reply(403)]
    await failing(scene.eset)
    await scene.eset.recent()
    assert scene.script.response_ids == [None, "r-1", None]


@pytest.mark.parametrize("response_id", ["", " ", "naïve"])
async def test_a_202_without_a_usable_id_is_a_broken_answer(scene: Scene, response_id: str) -> None:
    scene.script.details = [later(response_id)]
    assert (await failing(scene.eset)).kind is Kind.BROKEN


async def test_a_404_while_polling_starts_over_without_the_id(scene: Scene) -> None:
    scene.script.details = [later("r-1"), Reply(404), later("r-2")]
    await scene.eset.recent()
    assert scene.script.response_ids == [None, "r-1", None, "r-2"]


async def test_it_starts_over_once_only(scene: Scene) -> None:
    scene.script.details = [later("r-1"), Reply(404), later("r-2"), Reply(404)]
    assert (await failing(scene.eset)).kind is Kind.DOWN
    assert len(scene.script.asked) == 4


async def test_a_404_without_an_id_is_a_refusal(scene: Scene) -> None:
    scene.script.details = [Reply(404)]
    assert (await failing(scene.eset)).kind is Kind.REFUSED
    assert len(scene.script.asked) == 1


@pytest.mark.parametrize("status", [500, 504])
async def test_a_query_that_failed_while_polling_is_started_again(scene: Scene, status: int) -> None:
    scene.script.details = [later("r-1"), Reply(status)]
    await scene.eset.recent()
    assert scene.script.response_ids == [None, "r-1", None]


@pytest.mark.parametrize("status", [429, 502, 503])
async def test_trouble_in_front_of_a_pending_answer_does_not_lose_it(scene: Scene, status: int) -> None:
    scene.script.details = [later("r-1"), Reply(status)]
    await scene.eset.recent()
    assert scene.script.response_ids == [None, "r-1", "r-1"]


async def test_one_deadline_covers_polls_restarts_and_back_off() -> None:
    async with playing(replace(QUICK, deadline=0.2)) as scene:
        scene.script.details = [later("r-1"), Reply(504), Reply(503), later("r-2"), Reply(404)] + [later("r")] * 5000
        started = asyncio.get_running_loop().time()
        error = await failing(scene.eset)
        assert asyncio.get_running_loop().time() - started < 2
    assert (error.kind, scene.script.response_ids[4:6]) == (Kind.TIMEOUT, ["r-2", None])
    assert "request-id req-1-" in error.words


async def test_waiting_for_a_login_counts_against_the_deadline_too() -> None:
    release = asyncio.Event()
    async with playing(replace(QUICK, deadline=0.1)) as scene:
        scene.script.tokens = [Reply(before=release.wait)]
        assert (await failing(scene.eset)).kind is Kind.TIMEOUT
        release.set()


# ---------------------------------------------------------------- trouble, pace and size


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_passing_trouble_is_sat_out(scene: Scene, status: int) -> None:
    scene.script.details = [Reply(status)] * 3
    assert len((await scene.eset.recent()).attempts) == 1
    assert len(scene.script.asked) == 4


@pytest.mark.parametrize(("status", "kind"), [(429, Kind.THROTTLED), (503, Kind.DOWN)])
async def test_lasting_trouble_ends_after_some_tries(scene: Scene, status: int, kind: Kind) -> None:
    scene.script.details = [Reply(status)] * 100
    assert (await failing(scene.eset)).kind is kind
    assert len(scene.script.asked) == QUICK.tries


async def test_only_tries_in_a_row_are_counted(scene: Scene) -> None:
    trouble = [Reply(503)] * (QUICK.tries - 1)
    scene.script.details = [*trouble, later("r-1"), *trouble]
    assert len((await scene.eset.recent()).attempts) == 1


@pytest.mark.parametrize(
    "headers",
    [{"Retry-After": "300"}, {"Retry-After": "Thu, 01 Jan 2026 00:05:00 GMT", "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}],
)
async def test_a_retry_after_beyond_the_deadline_is_told_instead_of_waited_for(
    scene: Scene, headers: dict[str, str]
) -> None:
    scene.script.details = [Reply(429, headers=headers)]
    error = await failing(scene.eset)
    assert (error.kind, error.retry_after, len(scene.script.asked)) == (Kind.THROTTLED, 300, 1)


async def test_a_retry_after_within_the_deadline_is_kept() -> None:
    async with playing(replace(QUICK, deadline=10)) as scene:
        scene.script.details = [Reply(503, headers={"Retry-After": "1"})]
        started = asyncio.get_running_loop().time()
        await scene.eset.recent()
    assert asyncio.get_running_loop().time() - started >= 1


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(400), Kind.REFUSED),
        (Reply(403), Kind.FORBIDDEN),
        (Reply(301, headers={"Location": "/oauth/token"}), Kind.BLOCKED),
        (Reply(204), Kind.BROKEN),
        (Reply(200, b"<html>Access blocked</html>"), Kind.BROKEN),
        (Reply(200, b"[]"), Kind.BROKEN),
        (Reply(200, b'{"x":' + b"[" * 300_000), Kind.BROKEN),
        (Reply(200, gzip.compress(b"{}", mtime=0)[:-3], {"Content-Encoding": "gzip"}), Kind.BROKEN),
        (Reply(200, gzip.compress(b" " * 70_000_000, 1, mtime=0), {"Content-Encoding": "gzip"}), Kind.TOO_LARGE),
    ],
    ids=lambda value: str(value.status if isinstance(value, Reply) else value),
)
async def test_an_answer_that_is_no_good_is_an_error_at_once(scene: Scene, reply: Reply, kind: Kind) -> None:
    scene.script.details = [reply]
    error = await failing(scene.eset)
    assert (error.kind, len(scene.script.asked)) == (kind, 1)
    assert error.words.endswith("ESET request-id req-1-1")
    assert scene.eset.last_error is error


async def test_errors_cite_the_request_id_and_esets_own_words(scene: Scene) -> None:
    scene.script.details = [Reply(403, {"code": 7, "message": "permission denied"}, {"request-id": "0f-1"})]
    error = await failing(scene.eset)
    assert "permission denied" in error.words
    assert error.words.endswith("ESET request-id 0f-1")
    assert error.code == "403"


async def test_an_unreachable_eset_is_an_error_after_a_few_tries() -> None:
    async with playing() as scene:
        gone = scene.script.url
    eset = Eset(gone, gone, USER, PASSWORD, device_url=gone, pace=QUICK)
    error = await failing(eset)
    await eset.close()
    assert (error.kind, error.sent) == (Kind.UNREACHABLE, False)


async def test_a_lost_answer_is_asked_for_again() -> None:
    release = asyncio.Event()
    async with playing(replace(QUICK, read=0.05)) as scene:
        scene.script.details = [Reply(before=release.wait)]
        await scene.eset.recent()
        release.set()
    assert len(scene.script.asked) == 2


async def test_a_large_answer_is_decoded_too(scene: Scene) -> None:
    row = {**ROW, "developerDisplayName": "x" * 200}
    scene.script.details = [Reply(body={"patchingDetails": [row] * 10_000 + [5]})]
    listing = await scene.eset.recent()
    assert (len(listing.attempts), listing.unreadable) == (10_000, 1)


async def test_calls_are_spaced_however_many_want_to_go() -> None:
    gate, loop = Gate(calls_per_second=400), asyncio.get_running_loop()
    started = loop.time()
    await asyncio.gather(*(gate.enter() for _ in range(21)))
    assert loop.time() - started >= 20 / 400


async def test_the_client_passes_the_gate_with_every_call() -> None:
    async with playing(replace(QUICK, calls_per_second=100)) as scene:
        scene.script.details = [later("r")] * 5
        started = asyncio.get_running_loop().time()
        await scene.eset.recent()
    assert asyncio.get_running_loop().time() - started >= 6 / 100


# ---------------------------------------------------------------- waits, without waiting


def course(pace: Pace = Pace()) -> _Course:  # noqa: B008
    question = Question(httpx.AsyncClient(), "GET", PATH)
    return _Course(question, pace, asyncio.get_running_loop().time() + pace.deadline)


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()}), b"")


async def test_polls_come_after_2_seconds_and_then_ever_slower_up_to_15() -> None:
    on = course()
    waits = []
    for _ in range(8):
        assert on.goes_on(answer(202, response_id="r"))
        waits.append(on.wait)
    assert waits == [2.0, 3.0, 4.5, 6.75, 10.125, 15.0, 15.0, 15.0]


async def test_back_off_doubles_up_to_a_cap_and_half_of_it_is_chance() -> None:
    pace = Pace(tries=10)
    on, waits = course(pace), []
    for _ in range(8):
        assert on.goes_on(answer(503))
        waits.append(on.wait)
    for wait, most in zip(waits, [1, 2, 4, 8, 16, 30, 30, 30], strict=True):
        assert most / 2 <= wait <= most
    assert len({pace.backoff(5) for _ in range(20)}) > 1


async def test_retry_after_is_a_minimum() -> None:
    on = course()
    assert on.goes_on(answer(429, retry_after="20"))
    assert on.wait == 20
    assert on.goes_on(answer(429, retry_after="0"))
    assert on.wait >= 1


def test_the_defaults_keep_esets_limits() -> None:
    assert Pace().read > 30
    assert Pace().calls_per_second < 10
    assert Pace().deadline == 240
    assert Pace().timeout == httpx.Timeout(45.0, connect=10.0)


# ---------------------------------------------------------------- sharing, closing, secrets


class Hold:
    """Keeps a scripted answer back until ``release``."""

    def __init__(self) -> None:
        self.arrived, self.release = asyncio.Event(), asyncio.Event()

    async def wait(self) -> None:
        self.arrived.set()
        await self.release.wait()


async def test_an_asker_who_gives_up_does_not_end_the_others_call(scene: Scene) -> None:
    hold = Hold()
    scene.script.details = [Reply(body=LISTED, before=hold.wait)]
    first, second = (asyncio.create_task(scene.eset.recent()) for _ in range(2))
    await hold.arrived.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    hold.release.set()
    assert len((await second).attempts) == 1
    assert len(scene.script.asked) == 1


async def test_a_call_that_nobody_waits_for_ends_and_the_next_asker_gets_a_fresh_one(scene: Scene) -> None:
    hold = Hold()
    scene.script.details = [Reply(before=hold.wait)]
    lonely = asyncio.create_task(scene.eset.recent())
    await hold.arrived.wait()
    lonely.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lonely
    assert len((await scene.eset.recent()).attempts) == 1
    assert scene.eset.last_error is None
    hold.release.set()


async def test_the_last_asker_to_leave_ends_the_call() -> None:
    flights: Flights[None] = Flights()
    started, ended = asyncio.Event(), asyncio.Event()

    async def call() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    askers = [asyncio.create_task(flights.share("key", call)) for _ in range(3)]
    await started.wait()
    for asker in askers:
        assert not ended.is_set()
        asker.cancel()
        await asyncio.wait([asker])
    await asyncio.wait_for(ended.wait(), 5)


async def test_closing_ends_what_is_in_the_air(scene: Scene) -> None:
    hold = Hold()
    scene.script.details = [Reply(before=hold.wait)]
    asking = asyncio.create_task(scene.eset.recent())
    await hold.arrived.wait()
    await scene.eset.close()
    with pytest.raises(UpstreamError, match="the bot is stopping"):
        await asking
    hold.release.set()


async def test_no_secret_is_in_any_log_line_or_error(
    scene: Scene, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    echo = {"message": f"who is {PASSWORD} with access-1 and refresh-1, Bearer access-0 or eyJhY2Nlc3Mt.e30.x?"}
    with capture_logs() as lines:
        for reply in (
            Reply(403, echo),
            Reply(200, echo),
            Reply(400, echo),
            later(),
            Reply(503, headers={"Retry-After": "900"}),
        ):
            scene.script.details = [reply]
            told.append(await _told(scene.eset))
        scene.script.details = [Reply(401, echo), Reply(401, {"message": "no access-2"})]
        told.append(await _told(scene.eset))
        scene.script.tokens = [Reply(400, {"error": PASSWORD, **echo})]
        told.append(await _told(scene.eset))
    everything = "\n".join([*told, repr(lines), caplog.text, *capfd.readouterr(), repr(scene.eset.__dict__)])
    assert len(lines) >= len(told)
    for secret in (PASSWORD, "Gr%C3%BCn", "access-", "refresh-", "eyJ"):
        assert secret not in everything


async def _told(eset: Eset) -> str:
    error = await failing(eset)
    assert error.__context__ is None
    return f"{error!r} {error} {error.words} {error.sentence} {error.__cause__!r}"
