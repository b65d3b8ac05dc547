"""bot.clients.http over real sockets: small servers that behave badly, each on a free port."""

import asyncio
import gzip
import logging
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest
from structlog.testing import capture_logs

from bot.clients import http
from bot.errors import Kind, Service, UpstreamError

TIMEOUT = httpx.Timeout(5.0)
KEY = "k3y-in-the-query"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk) -> AsyncIterator[str]:
    """A server that reads the first words on each connection and then does what ``talk`` does."""
    writers: list[asyncio.StreamWriter] = []
    talks: list[asyncio.Task[None]] = []

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.create_task(accept(reader, writer)))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await reader.read(65536)
            await talk(reader, writer)
        except ConnectionError:
            return  # the client has left, as it may
        finally:
            writer.close()

    server = await asyncio.start_server(hold, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.gather(*talks)
        await server.wait_closed()


def saying(head: str, body: bytes = b"") -> Talk:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
        await writer.drain()

    return talk


def ok(body: bytes, *headers: str) -> Talk:
    return saying("\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers]), body)


async def silence(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client gives up


async def ask(url: str, *, total: float = 5.0, limit: int = 1_000_000, timeout: httpx.Timeout = TIMEOUT) -> http.Answer:
    async with http.build(url, timeout=timeout, user_agent="test", keepalive=False) as client:
        request = client.build_request(
            "GET", "/api/", params={"apikey": KEY}, headers={"Authorization": f"Bearer {KEY}"}
        )
        return await http.send(client, request, service=Service.NSIGHT, total=total, limit=limit)


async def failing(url: str, **kwargs: float) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await ask(url, **kwargs)  # type: ignore[arg-type]
    return caught.value


async def test_any_status_is_an_answer() -> None:
    async with serving(saying("HTTP/1.1 503 No\nContent-Length: 2\nrequest-id: abc-1", b"hm")) as url:
        answer = await ask(url)
    assert (answer.status, answer.body, answer.request_id) == (503, b"hm", "abc-1")


async def test_a_redirect_is_not_followed() -> None:
    async with serving(saying("HTTP/1.1 302 Found\nLocation: /elsewhere\nContent-Length: 0")) as url:
        assert (await ask(url)).status == 302


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"patches", mtime=0), gzip.compress(b"pat", mtime=0) + gzip.compress(b"ches", mtime=0) + b"\0\0"],
)
async def test_a_gzip_body_is_inflated_member_by_member(packed: bytes) -> None:
    async with serving(ok(packed, "Content-Encoding: gzip")) as url:
        assert (await ask(url)).body == b"patches"


@pytest.mark.parametrize(
    "location", ["http://[::1", "//[", "x" * 70_000, "http://xn--ü/", "gopher://x", "http://:99999"]
)
async def test_a_redirect_to_nonsense_never_claims_that_nothing_was_sent(location: str) -> None:
    async with serving(saying(f"HTTP/1.1 302 Found\nLocation: {location}\nContent-Length: 0")) as url:
        (outcome,) = await asyncio.gather(ask(url), return_exceptions=True)
    if isinstance(outcome, http.Answer):
        assert outcome.status == 302
    else:
        assert isinstance(outcome, UpstreamError)
        assert outcome.sent is None


async def test_an_empty_body_may_call_itself_gzip() -> None:
    async with serving(ok(b"", "Content-Encoding: gzip")) as url:
        assert (await ask(url)).body == b""


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"x" * 5000, mtime=0)[:-12], b"this is no gzip", gzip.compress(b"x", mtime=0) + b"garbage"]
)
async def test_a_damaged_gzip_body_is_a_broken_answer(packed: bytes) -> None:
    async with serving(ok(packed, "Content-Encoding: gzip")) as url:
        assert (await failing(url)).kind is Kind.BROKEN


async def test_encodings_upon_encodings_are_refused_unopened() -> None:
    packed = gzip.compress(gzip.compress(b"0" * 10_000_000), mtime=0)
    async with serving(ok(packed, "Content-Encoding: gzip, gzip")) as url:
        assert (await failing(url)).kind is Kind.BROKEN


async def test_a_gzip_bomb_is_stopped_by_the_size_guard() -> None:
    bomb = gzip.compress(b"0" * 30_000_000, mtime=0)
    async with serving(ok(bomb, "Content-Encoding: gzip")) as url:
        error = await failing(url, limit=1_000_000)
    assert (error.kind, error.sent) == (Kind.TOO_LARGE, True)


def test_a_bomb_is_never_inflated_further_than_asked() -> None:
    pieces = http._Gunzip().feed(gzip.compress(b"0" * 30_000_000, mtime=0), 1000)
    assert len(next(iter(pieces))) == 1000


async def test_a_body_without_end_is_stopped_by_the_size_guard() -> None:
    async def pour(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        while True:
            writer.write(b"<patch>" * 1000)
            await writer.drain()

    async with serving(pour) as url:
        assert (await failing(url, limit=500_000)).kind is Kind.TOO_LARGE


async def test_a_body_of_exactly_the_limit_is_accepted() -> None:
    async with serving(ok(b"12345")) as url:
        assert (await ask(url, limit=5)).body == b"12345"
        assert (await failing(url, limit=4)).kind is Kind.TOO_LARGE


async def test_nothing_was_sent_when_nobody_listens() -> None:
    async with serving(silence) as url:
        closed = url
    error = await failing(closed)
    assert (error.kind, error.sent) == (Kind.UNREACHABLE, False)


async def test_nothing_was_sent_when_the_other_side_speaks_no_tls() -> None:
    async with serving(saying("HTTP/1.1 400 Bad\nContent-Length: 0")) as url:
        error = await failing(url.replace("http:", "https:"))
    assert (error.kind, error.sent) == (Kind.UNREACHABLE, False)


async def test_nobody_knows_whether_a_call_arrived_that_is_not_answered_in_time() -> None:
    async with serving(silence) as url:
        error = await failing(url, timeout=httpx.Timeout(5.0, read=0.05))  # type: ignore[arg-type]
    assert (error.kind, error.sent) == (Kind.TIMEOUT, None)


async def test_a_trickling_answer_is_bounded_by_the_total_time() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1")
        await writer.drain()
        await reader.read()

    async with serving(trickle) as url:
        error = await failing(url, total=0.1)
    assert (error.kind, error.sent) == (Kind.TIMEOUT, None)


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntorn"]
)
async def test_nobody_knows_whether_a_call_arrived_that_was_cut(said: bytes) -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        await writer.drain()

    async with serving(cut) as url:
        error = await failing(url)
    assert (error.kind, error.sent) == (Kind.CUT, None)


async def test_the_request_id_of_an_answer_that_was_cut_is_kept() -> None:
    async with serving(saying("HTTP/1.1 200 OK\nContent-Length: 9\nrequest-id: abc-1", b"torn")) as url:
        assert (await failing(url)).words.endswith("N-sight request-id abc-1")


async def test_what_is_not_http_counts_as_cut() -> None:
    async with serving(saying("SSH-2.0-OpenSSH_9.2")) as url:
        assert (await failing(url)).kind is Kind.CUT


@pytest.mark.parametrize("talk", [silence, ok(b"x" * 100), saying("HTTP/1.1 200 OK\nContent-Length: 9", b"torn")])
async def test_neither_error_nor_log_holds_the_query_or_a_header(talk: Talk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with serving(talk) as url:
            error = await failing(url, total=0.1, limit=10)
    (line,) = lines
    assert line["event"] == "upstream.failed"
    assert (line["path"], line["reference"]) == ("/api/", error.reference)
    assert error.__context__ is None
    assert error.__cause__ is None
    assert KEY not in repr(lines) + caplog.text + repr(error) + str(error) + error.words


async def test_repr_of_an_answer_hides_body_and_headers() -> None:
    assert repr(http.Answer(200, httpx.Headers({"set-cookie": KEY}), KEY.encode())) == "Answer(status=200)"


async def test_without_keepalive_every_call_has_a_connection_of_its_own() -> None:
    connections = 0

    async def count(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with serving(count) as url, http.build(url, timeout=TIMEOUT, user_agent="t", keepalive=False) as client:
        for _ in range(3):
            await http.send(client, client.build_request("GET", "/"), service=Service.NSIGHT, total=5)
    assert connections == 3


async def test_a_cancelled_call_is_over_and_frees_its_connection() -> None:
    arrived, left = asyncio.Event(), asyncio.Event()

    async def wait(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        arrived.set()
        await reader.read()
        left.set()

    async with serving(wait) as url:
        call = asyncio.create_task(ask(url))
        await arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(left.wait(), 5)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 0 "}, 0.0),
        ({"retry-after": "9" * 5000}, 999_999_999.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "soon", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 -0000", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"retry-after": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert http.Answer(503, httpx.Headers(headers, encoding="utf-8"), b"").retry_after == seconds


def test_a_request_id_is_reduced_to_what_an_id_can_hold() -> None:
    headers = httpx.Headers({"request-id": "<!channel> 12-ab" + "x" * 500})
    assert http.Answer(500, headers, b"").request_id == ("channel12-ab" + "x" * 500)[:64]


def test_deflate_pieces_come_from_zlib_streams_too() -> None:
    assert b"".join(http._Gunzip().feed(zlib.compress(b"patches"), 100)) == b"patches"


def test_the_transports_loggers_are_quiet_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore.http11").isEnabledFor(logging.DEBUG)
