"""The tap: what passes, what does not, and who is told."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.demo import story
from bot.demo.clock import Clock
from bot.demo.nsight import Nsight
from bot.demo.tap import Tap

AGENT = {"User-Agent": "Mozilla/5.0 (compatible; patches/1)"}


@pytest.fixture
async def nsight() -> AsyncIterator[Nsight]:
    clock = Clock()
    standin = Nsight(story.fleet(clock.now()), clock)
    await standin.start()
    yield standin
    await standin.stop()


async def retry_through(tap: Tap, nsight: Nsight) -> httpx.Response:
    params = {"apikey": nsight.api_key, "service": "patch_retry", "deviceid": "1001", "patchids": "4"}
    await tap.start()
    try:
        async with httpx.AsyncClient(headers=AGENT, timeout=5) as http:
            return await http.get(tap.url, params=params)
    finally:
        await tap.stop()


async def test_without_a_limit_it_only_counts(nsight: Nsight) -> None:
    tap = Tap(nsight.url)
    assert b"Retrying patches: 4" in (await retry_through(tap, nsight)).content
    assert tap.passed > 100
    assert not tap.dry


@pytest.mark.parametrize("short", [1, 2, 40, 150])
async def test_a_request_cut_short_never_arrives(nsight: Nsight, short: int) -> None:
    whole = Tap(nsight.url)
    await retry_through(whole, nsight)
    nsight.retries.clear()
    told: list[str] = []
    tap = Tap(nsight.url, limit=whole.passed - short, cut=lambda: told.append("cut"))
    with pytest.raises(httpx.TransportError):
        await retry_through(tap, nsight)
    assert (nsight.retries, told, tap.passed) == ([], ["cut"], whole.passed - short)


async def test_a_request_cut_after_its_last_byte_arrives_and_its_answer_does_not(nsight: Nsight) -> None:
    whole = Tap(nsight.url)
    await retry_through(whole, nsight)
    nsight.retries.clear()
    with pytest.raises(httpx.TransportError):
        await retry_through(Tap(nsight.url, limit=whole.passed), nsight)
    await nsight.calls.reach("patch_retry", 2)
    assert len(nsight.retries) == 1
