"""The N-sight client over real sockets: what it asks, how it reads, and what it tells of its health."""

import asyncio
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from bot.errors import Kind, Service, UpstreamError
from bot.model import DeviceKind
from tests.nsight_script import (
    AGENT,
    BAD_KEY,
    CLIENTS,
    DEVICES,
    FAIL,
    HASTY,
    HTML,
    KEY,
    PATCHES,
    VENDOR_RETRY,
    Act,
    failing,
    nsight,
    raw,
    reply,
    reset,
    silence,
    talking_to,
    then_close,
    upstream,
    when,
)

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
