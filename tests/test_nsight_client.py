"""The N-sight client over real sockets: what arrives there, what comes back, and what is made of it."""

import asyncio
import socket
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from struct import pack
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from bot.clients.http import Answer
from bot.clients.nsight import Nsight, Pace, judge
from bot.errors import Kind, Service, UpstreamError
from bot.model import CallVerdict, DeviceKind, RetryAnswer

KEY = "s3cret+Key/ü&0123456789abcdef"
AGENT = "Mozilla/5.0 (compatible; patches-bot/0)"
QUICK = Pace(connect=2, read=2, write=2, backoff_first=0.001, backoff_most=0.01)
HASTY = replace(QUICK, read=0.15, write=0.15)

VENDOR_RETRY = b"""<result created="2024-10-01T12:47:15+01:00" host="SERVER" status="OK" >
 <msg>Retrying patches: 4,5 Patches already applied: 1,6</msg>
</result>"""
FAIL = (
    b"<result status='FAIL'><error><errorcode>4</errorcode><message>Invalid value: patchids</message></error></result>"
)
BAD_KEY = b"<result status='FAIL'><error><errorcode>3</errorcode><message>Login failed</message></error></result>"
HTML = b"<!DOCTYPE html><html><body>Attention Required!</body></html>"
PATCHES = b"<patches><patch><patchid>4</patchid><status>16</status><statusLabel>Failed</statusLabel></patch></patches>"
CLIENTS = b"<result status='OK'><items><client><clientid>1</clientid><name>Contoso</name></client></items></result>"
DEVICES = (
    b"<result status='OK'><items><client><id>1</id><name>Contoso</name><site><id>2</id><name>HQ</name>"
    b"<server><id>1001</id><name>SRV1</name><patch>1</patch></server></site></client></items></result>"
)

Writer = asyncio.StreamWriter
Act = Callable[[Writer], Awaitable[None]]


# ---------------------------------------------------------------- a server that does as told


def reply(body: bytes, status: int = 200, **headers: str) -> Act:
    """A whole answer; the connection stays open for another request."""
    lines = {"content-length": str(len(body)), "content-type": "application/xml", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())

    async def act(writer: Writer) -> None:
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body)

    return act


def then_close(act: Act) -> Act:
    """``act``, then the connection is closed without a word, though the answer promised to keep it."""

    async def both(writer: Writer) -> None:
        await act(writer)
        await writer.drain()
        writer.close()

    return both


def raw(data: bytes) -> Act:
    async def act(writer: Writer) -> None:
        writer.write(data)

    return act


async def reset(writer: Writer) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()


async def silence(writer: Writer) -> None:
    """Says nothing and keeps the connection."""


def when(event: asyncio.Event, act: Act) -> Act:
    async def later(writer: Writer) -> None:
        await event.wait()
        await act(writer)

    return later


class Upstream:
    """Counts connections, keeps whole request heads, and answers each with the next act (the last one from then on)."""

    def __init__(self, acts: tuple[Act, ...], greeting: Act | None) -> None:
        self.acts, self.greeting = acts, greeting
        self.connections = 0
        self.heads: list[str] = []
        self.url = ""
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                if self.greeting:
                    await self.greeting(writer)
                while not writer.is_closing():
                    await self._hear(await reader.readuntil(b"\r\n\r\n"), writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _hear(self, head: bytes, writer: Writer) -> None:
        async with self._news:
            self.heads.append(head.decode("latin-1"))
            self._news.notify_all()
        await self.acts[min(len(self.heads), len(self.acts)) - 1](writer)

    async def heard(self, count: int) -> None:
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(self.heads) >= count)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    @property
    def queries(self) -> list[list[tuple[str, str]]]:
        return [parse_qsl(urlsplit(target).query, keep_blank_values=True) for target in self.targets]


@asynccontextmanager
async def upstream(*acts: Act, greeting: Act | None = None) -> AsyncIterator[Upstream]:
    mine = Upstream(acts or (reply(b""),), greeting)
    server = await asyncio.start_server(mine.serve, "127.0.0.1", 0)
    mine.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
    try:
        yield mine
    finally:
        server.close()
        await mine.stop()


@asynccontextmanager
async def nsight(url: str, pace: Pace = QUICK) -> AsyncIterator[Nsight]:
    client = Nsight(url, KEY, AGENT, pace=pace)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def talking_to(*acts: Act, pace: Pace = QUICK) -> AsyncIterator[tuple[Nsight, Upstream]]:
    async with upstream(*acts) as server, nsight(server.url, pace) as client:
        yield client, server


async def failing(call: Awaitable[object]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await call
    return caught.value


# ---------------------------------------------------------------- what is asked


async def test_every_call_is_a_get_with_each_parameter_once_and_key_and_service_first() -> None:
    acts = (reply(CLIENTS), reply(DEVICES), reply(PATCHES), reply(VENDOR_RETRY))
    async with talking_to(*acts) as (client, server):
        assert [c.name for c in await client.clients()] == ["Contoso"]
        assert [d.id for d in await client.devices(1, DeviceKind.SERVER)] == [1001]
        assert [p.failed for p in await client.patches(1001)] == [True]
        await client.retry(1001, [70000, 8, 300, 8])

    assert server.queries == [
        [("apikey", KEY), ("service", "list_clients")],
        [("apikey", KEY), ("service", "list_devices_at_client"), ("clientid", "1"), ("devicetype", "server")],
        [("apikey", KEY), ("service", "patch_list_all"), ("deviceid", "1001")],
        [("apikey", KEY), ("service", "patch_retry"), ("deviceid", "1001"), ("patchids", "8,300,70000")],
    ]
    for head in server.heads:
        assert head.startswith("GET /api/?")
        lines = head.lower().splitlines()
        assert f"user-agent: {AGENT.lower()}" in lines
        assert "accept: application/xml" in lines


@pytest.mark.parametrize("path", ["/api/", "/api", "/api/default.php"])
async def test_the_address_is_used_as_it_stands(path: str) -> None:
    async with upstream(reply(CLIENTS)) as server, nsight(server.url.removesuffix("/api/") + path) as client:
        await client.clients()

    assert urlsplit(server.targets[0]).path == path


# ---------------------------------------------------------------- reads


async def test_a_read_is_tried_again_after_passing_trouble() -> None:
    async with talking_to(reset, reply(b"", 503), reply(PATCHES)) as (client, server):
        assert [patch.id for patch in await client.patches(1001)] == [4]

    assert len(server.heads) == 3


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (reply(HTML, 502), Kind.DOWN),
        (reply(b"", 429), Kind.THROTTLED),
        (reply(b"", 429, retry_after="0"), Kind.THROTTLED),
        (then_close(silence), Kind.CUT),
        (reset, Kind.CUT),
        (then_close(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n<patches>")), Kind.CUT),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\n<patches>"), Kind.TIMEOUT),
        (silence, Kind.TIMEOUT),
    ],
)
async def test_a_read_is_tried_three_times_at_most(act: Act, kind: Kind) -> None:
    async with talking_to(act, pace=HASTY) as (client, server):
        error = await failing(client.patches(1001))

    assert error.kind is kind
    assert len(server.heads) == 3


@pytest.mark.parametrize(
    ("act", "kind", "words"),
    [
        (reply(FAIL), Kind.REFUSED, "Invalid value: patchids"),
        (reply(FAIL, 400), Kind.REFUSED, "Invalid value: patchids"),
        (reply(BAD_KEY), Kind.CREDENTIALS, "territory"),
        (reply(HTML), Kind.BLOCKED, "HTML"),
        (reply(HTML, 404), Kind.BLOCKED, "HTML"),
        (reply(b"", 403), Kind.BLOCKED, "403"),
        (reply(FAIL, 403), Kind.BLOCKED, "403"),
        (reply(b"", 401), Kind.BLOCKED, "401"),
        (reply(b"", 404), Kind.BROKEN, "404"),
        (reply(PATCHES, 404), Kind.BROKEN, "404"),
        (reply(b"", 302, location="/elsewhere/"), Kind.BLOCKED, "redirect"),
        (reply(b""), Kind.BROKEN, "XML"),
        (reply(PATCHES[:-5]), Kind.BROKEN, "XML"),
        (reply(b"\x1f\x8b\x08\x00", content_encoding="gzip"), Kind.BROKEN, ""),
        (reply(b"", 429, retry_after="90"), Kind.THROTTLED, "429"),
    ],
)
async def test_a_read_is_not_repeated_where_that_cannot_help(act: Act, kind: Kind, words: str) -> None:
    async with talking_to(act) as (client, server):
        error = await failing(client.patches(1001))

    assert (error.service, error.kind) == (Service.NSIGHT, kind)
    assert words in error.words
    assert len(server.heads) == 1


async def test_a_server_that_asks_for_patience_is_quoted() -> None:
    async with talking_to(reply(b"", 429, retry_after="90")) as (client, _):
        assert (await failing(client.patches(1001))).retry_after == 90


async def test_equal_reads_at_the_same_time_share_one_call_and_giving_up_one_leaves_the_others() -> None:
    answered = asyncio.Event()
    async with talking_to(when(answered, reply(PATCHES))) as (client, server):
        asking = [asyncio.create_task(client.patches(1001)) for _ in range(5)]
        await server.heard(1)
        asking[0].cancel()
        answered.set()
        outcomes = await asyncio.gather(*asking, return_exceptions=True)

    assert isinstance(outcomes[0], asyncio.CancelledError)
    assert [len(patches) for patches in outcomes[1:] if not isinstance(patches, BaseException)] == [1] * 4
    assert len(server.heads) == 1


async def test_reads_of_different_devices_and_later_reads_are_calls_of_their_own() -> None:
    async with talking_to(reply(PATCHES)) as (client, server):
        await asyncio.gather(client.patches(1), client.patches(2))
        await client.patches(1)

    assert sorted(dict(query)["deviceid"] for query in server.queries) == ["1", "1", "2"]


async def test_askers_do_not_share_a_list_that_one_of_them_may_change() -> None:
    async with talking_to(reply(PATCHES)) as (client, _):
        first, second = await asyncio.gather(client.patches(1), client.patches(1))
        first.clear()

    assert len(second) == 1


async def test_closing_ends_reads_that_are_under_way() -> None:
    async with talking_to(silence) as (client, server):
        asking = asyncio.create_task(client.patches(1001))
        await server.heard(1)
        await client.close()
        with pytest.raises(UpstreamError, match="the bot is stopping"):
            await asking
        with pytest.raises(UpstreamError, match="the bot is stopping"):
            await client.patches(1001)


async def test_a_listing_of_several_megabytes_is_read_whole() -> None:
    row = b"<patch><patchid>%d</patchid><patchTitle>" + b"x" * 400 + b"</patchTitle></patch>"
    body = b"<patches>" + b"".join(row % number for number in range(1, 5001)) + b"</patches>"
    async with talking_to(reply(body)) as (client, _):
        assert len(await client.patches(1001)) == 5000


async def test_rows_that_cannot_be_used_are_counted_in_the_log() -> None:
    with capture_logs() as logs:
        async with talking_to(reply(b"<patches><patch/><patch/></patches>")) as (client, _):
            assert await client.patches(1001) == []

    (line,) = logs
    assert (line["event"], line["rows"], line["deviceid"]) == ("nsight.rows_skipped", 2, "1001")


async def test_the_log_line_of_a_failure_carries_the_reference_that_the_person_sees() -> None:
    with capture_logs() as logs:
        async with talking_to(reply(BAD_KEY)) as (client, _):
            error = await failing(client.clients())

    (line,) = logs
    assert (line["reference"], line["code"], line["kind"]) == (error.reference, "3", "credentials")


# ---------------------------------------------------------------- health


async def test_health_tells_whether_n_sight_was_asked_and_what_failed_last() -> None:
    acts = (reply(HTML), reply(CLIENTS), reply(BAD_KEY), reply(FAIL), reply(HTML), reply(VENDOR_RETRY))
    seen: list[UpstreamError | None] = []
    async with talking_to(*acts) as (client, _):
        asked = [client.asked]
        blocked = await failing(client.clients())
        seen.append(client.last_error)
        await client.clients()
        seen.append(client.last_error)
        bad_key = await failing(client.clients())
        seen.append(client.last_error)
        await failing(client.patches(7))
        seen.append(client.last_error)
        await failing(client.clients())
        await client.retry(1001, [4])
        seen.append(client.last_error)
        asked.append(client.asked)

    assert asked == [False, True]
    assert seen == [blocked, None, bad_key, None, None]


async def test_a_retry_without_an_answer_shows_in_health() -> None:
    async with talking_to(reset) as (client, _):
        answer = await client.retry(1001, [4])

        assert client.asked
        assert client.last_error is not None
        assert client.last_error.reference == answer.reference


# ---------------------------------------------------------------- what became of a patch_retry

SENT = frozenset({1, 4, 5, 6})
HEADERS = httpx.Headers()


@pytest.mark.parametrize("kind", list(Kind))
def test_only_a_failure_to_connect_proves_that_nothing_was_sent(kind: Kind) -> None:
    verdicts = {
        sent: judge(UpstreamError(Service.NSIGHT, kind, reference="r", sent=sent), SENT).verdict
        for sent in (False, None, True)
    }

    assert verdicts == {False: CallVerdict.NOT_SENT, None: CallVerdict.UNKNOWN, True: CallVerdict.UNKNOWN}


@pytest.mark.parametrize(
    "status", [100, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 429, 500, 502, 503, 504, 599]
)
@pytest.mark.parametrize("body", [VENDOR_RETRY, FAIL, HTML, b""])
def test_no_http_error_or_redirect_proves_anything_whatever_its_body_says(status: int, body: bytes) -> None:
    answer = judge(Answer(status, HEADERS, body), SENT, "ref")

    assert answer == RetryAnswer(CallVerdict.UNKNOWN, words=f"N-sight answered with HTTP {status}", reference="ref")


async def test_the_vendor_page_s_example_goes_through_the_real_client() -> None:
    async with talking_to(reply(VENDOR_RETRY)) as (client, server):
        answer = await client.retry(1001, [6, 5, 4, 1])

    assert answer == RetryAnswer(
        CallVerdict.ACCEPTED,
        frozenset({4, 5}),
        frozenset({1, 6}),
        frozenset(),
        "Retrying patches: 4,5 Patches already applied: 1,6",
        answer.reference,
    )
    assert dict(server.queries[0])["patchids"] == "1,4,5,6"
    assert len(server.heads) == server.connections == 1


@pytest.mark.parametrize(
    ("body", "verdict", "unaccounted"),
    [
        (b"<result status='OK'><msg>Retrying patches: 4</msg></result>", CallVerdict.ACCEPTED, {5}),
        (b"<result status='OK'><msg>Patches already applied: 4,5</msg></result>", CallVerdict.ACCEPTED, set()),
        (b"<result status='OK'><msg/></result>", CallVerdict.ACCEPTED, {4, 5}),
        (b"<result status='OK' />", CallVerdict.ACCEPTED, {4, 5}),
        (b"<result><msg>Retrying patches: 4,5</msg></result>", CallVerdict.ACCEPTED, set()),
        (b"<result/>", CallVerdict.ACCEPTED, {4, 5}),
        (FAIL, CallVerdict.REFUSED, set()),
        (BAD_KEY, CallVerdict.REFUSED, set()),
        (b"<result><error><message>no</message></error></result>", CallVerdict.REFUSED, set()),
        (b"<result status='OK'><error/></result>", CallVerdict.REFUSED, set()),
        (b"<result status='PARTLY'><msg>Retrying patches: 4</msg></result>", CallVerdict.UNKNOWN, set()),
        (PATCHES, CallVerdict.UNKNOWN, set()),
        (HTML, CallVerdict.UNKNOWN, set()),
        (b"", CallVerdict.UNKNOWN, set()),
        (VENDOR_RETRY[:-3], CallVerdict.UNKNOWN, set()),
        (b"<!DOCTYPE r [<!ENTITY a 'b'>]><result status='OK'>&a;</result>", CallVerdict.UNKNOWN, set()),
        (b"<?xml version='1.0' encoding='klingon'?><result status='OK'/>", CallVerdict.UNKNOWN, set()),
    ],
)
async def test_a_whole_answer_is_judged_by_its_envelope(
    body: bytes, verdict: CallVerdict, unaccounted: set[int]
) -> None:
    async with talking_to(reply(body)) as (client, server):
        answer = await client.retry(1001, [4, 5])

    assert answer.verdict is verdict
    assert answer.unaccounted == unaccounted
    assert answer.reference
    assert len(server.heads) == server.connections == 1


async def test_a_refusal_is_told_in_n_sight_s_words() -> None:
    async with talking_to(reply(FAIL)) as (client, _):
        assert (await client.retry(1001, [4])).words == "Invalid value: patchids"


HALF = b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n<result status='OK'><msg>Retrying patches: 4</msg>"
UNCLEAR = {
    "closed after the request": then_close(silence),
    "reset after the request": reset,
    "cut in the status line": then_close(raw(b"HTTP/1.1 2")),
    "cut in the headers": then_close(raw(b"HTTP/1.1 200 OK\r\ncontent-le")),
    "cut in the body": then_close(raw(HALF)),
    "never answered": silence,
    "never finished": raw(HALF),
    "no HTTP": raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "damaged compression": reply(b"\x1f\x8b\x08\x00rubbish", content_encoding="gzip"),
    "redirect to itself": reply(b"", 301, location="/api/"),
    "redirect that keeps the method": reply(b"", 307, location="/api/?service=patch_retry"),
    "not modified": reply(b"", 304),
    "bad request": reply(FAIL, 400),
    "forbidden": reply(HTML, 403),
    "throttled": reply(b"", 429, retry_after="0"),
    "broken gateway": reply(HTML, 502),
    "unavailable": reply(b"", 503, retry_after="0"),
}


@pytest.mark.parametrize("act", UNCLEAR.values(), ids=UNCLEAR.keys())
async def test_once_bytes_have_left_an_unclear_end_is_unknown_and_nothing_is_sent_again(act: Act) -> None:
    async with talking_to(act, pace=HASTY) as (client, server):
        answer = await client.retry(1001, [4, 5])

    assert answer.verdict is CallVerdict.UNKNOWN
    assert (answer.retried, answer.already, answer.unaccounted) == (frozenset(),) * 3
    assert answer.words.startswith("N-sight ")
    assert len(server.heads) == server.connections == 1


@pytest.mark.parametrize("greeting", [then_close(silence), reset])
async def test_a_server_that_hangs_up_on_connecting_is_not_called_twice(greeting: Act) -> None:
    async with upstream(greeting=greeting) as server, nsight(server.url) as client:
        answer = await client.retry(1001, [4])

    assert answer.verdict is CallVerdict.UNKNOWN
    assert server.connections == 1


@asynccontextmanager
async def closed_port() -> AsyncIterator[int]:
    with socket.socket() as held:  # bound, so nobody else can listen there
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def test_a_refused_connection_means_not_sent() -> None:
    async with closed_port() as port, nsight(f"http://127.0.0.1:{port}/api/") as client:
        answer = await client.retry(1001, [4])

    assert (answer.verdict, answer.words) == (CallVerdict.NOT_SENT, "N-sight could not be reached")


async def test_a_name_that_does_not_resolve_means_not_sent() -> None:
    async with nsight("http://n-sight.invalid/api/", replace(QUICK, write=20)) as client:
        assert (await client.retry(1001, [4])).verdict is CallVerdict.NOT_SENT


async def test_a_failed_tls_handshake_means_not_sent() -> None:
    async with upstream(greeting=raw(b"no TLS here\r\n")) as server, nsight(f"https{server.url[4:]}") as client:
        answer = await client.retry(1001, [4])

    assert answer.verdict is CallVerdict.NOT_SENT
    assert server.heads == []


async def test_no_free_connection_means_not_sent() -> None:
    async with talking_to(silence, pace=replace(QUICK, connect=0.1, write=5)) as (client, server):
        hanging = [asyncio.create_task(client.retry(1001, [4])) for _ in range(20)]
        await server.heard(20)
        answer = await client.retry(1001, [4])
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)

    assert answer.verdict is CallVerdict.NOT_SENT
    assert len(server.heads) == 20


async def test_a_hundred_retries_are_all_answered_by_a_server_that_closes_what_it_promised_to_keep() -> None:
    promising = reply(VENDOR_RETRY, connection="keep-alive", keep_alive="timeout=60")
    async with talking_to(then_close(promising)) as (client, server):
        answers = [await client.retry(1001, [1, 4, 5, 6]) for _ in range(100)]

    assert {answer.verdict for answer in answers} == {CallVerdict.ACCEPTED}
    assert len(server.heads) == server.connections == 100


async def test_a_retry_never_reuses_a_connection() -> None:
    async with talking_to(reply(VENDOR_RETRY)) as (client, server):
        for _ in range(3):
            await client.retry(1001, [4])

    assert server.connections == 3


async def test_equal_retries_at_the_same_time_are_not_shared() -> None:
    async with talking_to(reply(VENDOR_RETRY)) as (client, server):
        await asyncio.gather(client.retry(1001, [4]), client.retry(1001, [4]))

    assert len(server.heads) == 2


async def test_a_retry_without_ids_is_a_mistake_of_the_caller_and_sends_nothing() -> None:
    async with talking_to(reply(VENDOR_RETRY)) as (client, server):
        with pytest.raises(ValueError, match="at least one"):
            await client.retry(1001, [])

        assert not client.asked
    assert server.connections == 0


async def test_a_cancelled_retry_is_cancelled_and_was_sent_once() -> None:
    async with talking_to(silence) as (client, server):
        calling = asyncio.create_task(client.retry(1001, [4]))
        await server.heard(1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    assert len(server.heads) == 1


# ---------------------------------------------------------------- the key stays in

ECHO = FAIL.replace(b"Invalid value: patchids", f"No apikey={KEY.replace('&', '&amp;')}".encode())
LOUD = """
import asyncio, logging, sys
logging.basicConfig(level=logging.DEBUG)
for name in ("httpx", "httpcore", "asyncio"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from bot.clients.nsight import Nsight, Pace
from bot.errors import UpstreamError

async def main():
    client = Nsight(sys.argv[1], sys.argv[2], "agent", pace=Pace(backoff_first=0.001, backoff_most=0.01))
    print(client, repr(client), await client.clients())
    for _ in range(3):
        print(await client.retry(1001, [4]))
        try:
            await client.patches(1001)
        except UpstreamError as error:
            logging.exception("failed")
    await client.close()

asyncio.run(main(), debug=True)
"""


async def test_the_key_is_in_no_log_line_even_when_the_http_libraries_are_told_to_log_everything() -> None:
    echo = reply(ECHO)
    async with upstream(reply(CLIENTS), reset, echo, echo, reply(b"", 302, location=f"/?apikey={KEY[:6]}")) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOUD, server.url, KEY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)

    text = output.decode()
    assert process.returncode == 0, text
    assert "upstream.failed" in text
    assert "Contoso" in text
    assert server.queries[0][0] == ("apikey", KEY)
    for form in (KEY, "s3cret", "0123456789abcdef"):
        assert form not in text


@pytest.mark.parametrize(
    "act", [reset, silence, reply(ECHO), reply(b"", 301, location="/"), reply(HTML), reply(b"", 500)]
)
async def test_the_key_is_in_no_error_answer_or_traceback(act: Act) -> None:
    with capture_logs() as logs:
        async with talking_to(act, pace=HASTY) as (client, server):
            error = await failing(client.patches(1001))
            answer = await client.retry(1001, [4])
            texts = [*traceback.format_exception(error), repr(error), str(vars(error)), repr(answer), repr(client)]

    assert all(dict(query)["apikey"] == KEY for query in server.queries)
    assert len(logs) >= 2
    for text in (*texts, repr(logs)):
        assert "s3cret" not in text


async def test_an_echoed_key_is_blotted_out_and_the_rest_of_the_words_stays() -> None:
    async with talking_to(reply(ECHO)) as (client, _):
        error = await failing(client.patches(1001))
        answer = await client.retry(1001, [4])

    assert error.words == answer.words == "No apikey=***"
