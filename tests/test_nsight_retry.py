"""What became of a patch_retry over real sockets: accepted, refused, not sent or unknown, and never sent twice."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx
import pytest

from bot.clients.http import Answer
from bot.clients.nsight import judge
from bot.errors import Kind, Service, UpstreamError
from bot.model import CallVerdict, RetryAnswer
from tests.nsight_script import (
    BAD_KEY,
    FAIL,
    HASTY,
    HTML,
    PATCHES,
    QUICK,
    VENDOR_RETRY,
    Act,
    nsight,
    raw,
    reply,
    reset,
    silence,
    talking_to,
    then_close,
    upstream,
)

SENT = frozenset({1, 4, 5, 6})
HEADERS = httpx.Headers()

# ---------------------------------------------------------------- what the answer says


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


# ---------------------------------------------------------------- an unclear end

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


# ---------------------------------------------------------------- not sent


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


async def test_a_retry_without_ids_is_a_mistake_of_the_caller_and_sends_nothing() -> None:
    async with talking_to(reply(VENDOR_RETRY)) as (client, server):
        with pytest.raises(ValueError, match="at least one"):
            await client.retry(1001, [])

        assert not client.asked
    assert server.connections == 0


# ---------------------------------------------------------------- once and no more


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


async def test_a_cancelled_retry_is_cancelled_and_was_sent_once() -> None:
    async with talking_to(silence) as (client, server):
        calling = asyncio.create_task(client.retry(1001, [4]))
        await server.heard(1)
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling

    assert len(server.heads) == 1
