"""Who may talk to the demo's page, and what it makes of nonsense: asked of one running demo, which stays as it is."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from bot.demo.page.files import Files, kind
from bot.demo.page.guard import hosts
from bot.demo.page.stream import MOST
from tests.test_page import HELPDESK, Browser, Json, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with opened() as running:
        yield running


async def test_every_file_is_served_with_a_policy_that_lets_no_other_script_run(browser: Browser) -> None:
    for path in ["", *Files().paths]:
        async with browser.http.get(f"{browser.address}/{path}") as answer:
            assert answer.status == 200
            assert answer.content_type == kind(path or "index.html")
            policy = answer.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_has_no_inline_script_or_style_and_loads_nothing_from_elsewhere(browser: Browser) -> None:
    async with browser.http.get(f"{browser.address}/") as answer:
        html = await answer.text()
        assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", html) == []
        assert re.findall(r"https?://|(?:src|href)=\"(?![/#])", html) == []
        for name in Files().paths:
            async with browser.http.get(f"{browser.address}/{name}") as file:
                assert (
                    re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", await file.text())
                    == []
                )


async def test_a_foreign_host_is_refused_so_that_no_other_name_can_be_bound_to_this_address(browser: Browser) -> None:
    port = browser.address.rpartition(":")[2]
    for host, status in {
        f"evil.example:{port}": 403,
        "127.0.0.1": 403,
        f"127.0.0.1.evil.example:{port}": 403,
        f"localhost:{port}": 200,
    }.items():
        for path in ("/", "/js/app.js", "/api/events?as=U0BOB"):
            async with browser.http.get(f"{browser.address}{path}", headers={"Host": host}) as answer:
                assert (host, path, answer.status) == (host, path, status)
                assert "Content-Security-Policy" in answer.headers


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1", "https://{own}"])
async def test_a_post_from_another_origin_is_refused_and_does_nothing(browser: Browser, origin: str | None) -> None:
    headers = {"Origin": origin.format(own=browser.address[7:])} if origin else {}
    body = {"as": "U0BOB", "channel": HELPDESK, "text": "/patches help"}
    async with browser.http.post(f"{browser.address}/api/say", json=body, headers=headers) as answer:
        told = await answer.json()
        assert (answer.status, told) == (403, {"error": "only the page itself may do that"})
    assert browser.scene.world.slack.messages == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 403),
    ],
)
async def test_another_page_can_open_no_stream_but_may_lead_here(
    browser: Browser, headers: dict[str, str], status: int
) -> None:
    async with browser.http.get(f"{browser.address}/api/events?as=U0BOB", headers=headers) as stream:
        assert stream.status == status
    async with browser.http.get(f"{browser.address}/", headers=headers) as page:
        assert page.status == 200


async def test_it_listens_on_loopback_alone_and_not_on_every_address(browser: Browser) -> None:
    port = int(browser.address.rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):  # an address of this computer that is not the page's
        await asyncio.open_connection("127.0.0.2", port)
    _, there = await asyncio.open_connection("127.0.0.1", port)
    there.close()
    await there.wait_closed()


async def test_at_the_port_that_browsers_leave_out_the_bare_host_is_the_page_too() -> None:
    assert hosts(80) == {"127.0.0.1", "localhost", "127.0.0.1:80", "localhost:80"}
    assert hosts(8080) == {"127.0.0.1:8080", "localhost:8080"}


async def test_of_many_open_streams_the_oldest_ends(browser: Browser) -> None:
    async with AsyncExitStack() as pages:
        address = f"{browser.address}/api/events?as=U0BOB"
        streams = [await pages.enter_async_context(browser.http.get(address)) for _ in range(MOST + 2)]
        async with asyncio.timeout(10):
            for ended in streams[:2]:
                await ended.read()
            for still in streams[2:]:
                assert (await still.content.readline()).startswith(b"event: screen")


async def test_a_form_as_any_page_can_send_it_is_refused(browser: Browser) -> None:
    headers = {"Origin": browser.address, "Content-Type": "text/plain"}
    async with browser.http.post(f"{browser.address}/api/lever", data="{}", headers=headers) as answer:
        assert answer.status == 415


@pytest.mark.parametrize(
    ("deed", "body", "status", "words"),
    [
        ("say", {"channel": HELPDESK}, 400, "text must be"),
        ("say", {"channel": HELPDESK, "text": "x" * 9000}, 400, "text must be"),
        ("say", {"channel": "C0NOWHERE", "text": "hello"}, 409, "C0NOWHERE"),
        ("press", {"message": "1.0", "block": "b", "action": "a"}, 409, "no longer there"),
        ("submit", {"view": "V1", "values": {}}, 409, "no longer open"),
        ("home", {"tab": "about"}, 400, "tab must be one of home, messages"),
        ("lever", {"name": "lose_reply"}, 400, "armed must be"),
        ("lever", {"name": "lose_reply", "armed": 1}, 400, "armed must be"),
    ],
)
async def test_what_makes_no_sense_is_answered_with_a_sentence(
    browser: Browser, deed: str, body: Json, status: int, words: str
) -> None:
    told = await browser.post(deed, "bob", status, **body)
    assert words in told["error"]


@pytest.mark.parametrize(
    "body", ["", "[]", "nonsense", '{"as": 1}', '{"as": "U0PATCHES", "channel": "x", "text": "x"}']
)
async def test_a_body_that_is_no_wish_is_refused(browser: Browser, body: str) -> None:
    headers = {"Origin": browser.address, "Content-Type": "application/json"}
    async with browser.http.post(f"{browser.address}/api/say", data=body, headers=headers) as answer:
        assert answer.status in (400, 409)
        assert (await answer.json())["error"]


async def test_nobody_else_than_the_cast_has_a_screen(browser: Browser) -> None:
    for who in ("", "U0PATCHES", "nobody"):
        async with browser.http.get(f"{browser.address}/api/events?as={who}") as answer:
            assert answer.status == 404
