"""How the demo's page answers a deed: what is nonsense, what cannot be done, and what is a fault of its own."""

import pytest
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.web import Application
from structlog.testing import capture_logs

from bot.demo.impossible import ImpossibleError
from bot.demo.page.wish import Wish, route
from bot.demo.slack.shapes import Json


async def deed(wish: Wish) -> Json:
    match wish.text("what"):
        case "gone":
            raise ImpossibleError("this form is no longer open\nand what else there is")
        case "slip":
            return {"never": int(wish.text("what"))}
        case "wordless":
            raise AssertionError
    return {"done": True}


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ('{"what": "gone"}', 409, "this form is no longer open"),
        ('{"what": ["gone"]}', 400, "what must be a text of 1 to 8000 characters"),
        ("[" * 30_000, 400, "the body is not JSON that can be read"),
        ("\udcff", 400, "the body is not JSON that can be read"),
        ("x" * 70_000, 413, "Request Entity Too Large"),
        ('{"what": "slip"}', 500, "a fault of the demo itself (ValueError), which its log tells"),
        ('{"what": "wordless"}', 500, "a fault of the demo itself (AssertionError), which its log tells"),
    ],
)
async def test_whatever_goes_wrong_is_told_in_a_sentence(body: str, status: int, words: str) -> None:
    app = Application(client_max_size=64 * 1024)
    app.add_routes([route("deed", deed)])
    async with TestClient(TestServer(app)) as client:
        content, headers = body.encode(errors="surrogateescape"), {"Content-Type": "application/json; charset=nonsense"}
        with capture_logs() as logged:
            async with client.post("/api/deed", data=content, headers=headers) as answer:
                assert (answer.status, await answer.json()) == (status, {"error": words})
    assert [line["event"] for line in logged] == (["demo.deed_failed"] if status == 500 else [])
