"""HTTP mode: the same bot behind signed requests, and what is not signed by Slack is turned away."""

import io
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import pytest

from bot.demo.slack.http_sender import FORM, signature
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

HTTP = CONFIG + '\n[slack]\nmode = "http"\n'
COMMAND = {"command": "/patches", "text": "retry 1001 4", "user_id": "U0BOB", "channel_id": "C0HELPDESK"}
BODY = urlencode(COMMAND | {"team_id": "T0ACME", "trigger_id": "1.2.3"})


async def post(stage: Stage, body: str | bytes, headers: dict[str, str]) -> tuple[int, str]:
    address = f"http://127.0.0.1:{stage.bot.http_port}/slack/events"
    data = io.BytesIO(body.encode() if isinstance(body, str) else body)
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=data, headers={"Content-Type": FORM} | headers) as answer,
    ):
        return answer.status, await answer.text()


def signed(secret: str, at: int, body: str = BODY) -> dict[str, str]:
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": signature(secret, at, body)}


async def test_the_main_job_runs_over_http_as_it_does_over_a_socket(tmp_path: Path) -> None:
    async with staged(tmp_path, config=HTTP) as stage:
        answer = await stage.asks("bob", "/patches retry 1001 4,5 the browser is out of date")
        assert "Request #1 is made" in answer.plain
        exchange = await stage.clicks("bob", "Approve", stage.card)
        assert "not one of the approvers" in exchange.answers[-1].plain
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))]
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "2 of 2 installed" in stage.card.plain
        await stage.asks("bob", "/patches retry 1005 failed")
        await stage.opens("ann", "Deny", stage.card)
        assert await stage.submits("ann", {"Why?": "no"}) == {}
        assert "Denied by @ann" in stage.card.plain
        listed = await stage.asks("bob", "/patches recent")
        await stage.clicks("bob", "Older ▶", listed)
        assert "page 2 of" in listed.plain
        assert stage.world.slack.sockets.connections == []
        assert nothing_left(stage) == []


async def test_what_slack_has_not_signed_just_now_is_turned_away(tmp_path: Path) -> None:
    async with staged(tmp_path, config=HTTP) as stage:
        secret, now = stage.world.slack.sender.secret, int(time.time())
        refused = {
            "no signature": {},
            "another secret": signed("not-the-secret", now),
            "another body": signed(secret, now, BODY + "&text=retry+1001+5"),
            "ten minutes old": signed(secret, now - 600),
            "from the future": signed(secret, now + 600),
            "no time": {"X-Slack-Signature": signature(secret, now, BODY)},
            "time that is no number": {
                "X-Slack-Request-Timestamp": "soon",
                "X-Slack-Signature": signature(secret, now, BODY),
            },
        }
        for what, headers in refused.items():
            status, text = await post(stage, BODY, headers)
            assert 400 <= status < 500, (what, status, text)
            assert secret not in text
        await stage.bot.settle()
        assert await stage.actions() == []
        assert (await post(stage, BODY, signed(secret, now)))[0] == 200
        await stage.bot.settle()
        assert await stage.actions() == ["request.create"]


RUBBISH: list[tuple[str | bytes, dict[str, str]]] = [
    ("{", {"Content-Type": "application/json"}),
    ("[1, 2]", {"Content-Type": "application/json"}),
    ("null", {"Content-Type": "application/json"}),
    ("payload={", {}),
    ("payload=[]", {}),
    ("payload=null", {}),
    (b"\xff\xfe\x00", {}),
    ("x", {"Content-Type": "text/plain; charset=klingon"}),
    ("x", {"X-Slack-Request-Timestamp": "9" * 5000}),
    ("x", {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=ü"}),
    (b"x" * 2_000_000, {}),
    ("ssl_check=1", {}),
    (f"{BODY}&ssl_check=1", {}),
    ("", {}),
]


async def test_rubbish_that_anybody_can_send_is_refused_without_ado(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with staged(tmp_path, config=HTTP) as stage:
        for body, headers in RUBBISH:
            status, text = await post(stage, body, headers)
            assert status < 500, (body[:20], status, text)
        await stage.bot.settle()
        assert await stage.actions() == []
        assert [record for record in caplog.records if record.levelname == "ERROR"] == []
        assert "works" in (await stage.asks("bob", "/patches status")).plain
        assert nothing_left(stage) == []


async def test_a_wrong_signing_secret_is_seen_by_the_person_who_types(tmp_path: Path) -> None:
    async with staged(tmp_path, config=HTTP) as stage:
        stage.world.slack.sender.secret = "rotated-without-telling-the-bot"
        exchange = await stage.says("bob", "/patches status")
        assert "http_service_error" in exchange.failure
        assert len(stage.world.slack.unacked) == 1


@pytest.mark.parametrize("config", [CONFIG, HTTP], ids=["socket", "http"])
async def test_only_http_mode_has_a_door_for_slack(config: str, tmp_path: Path) -> None:
    async with staged(tmp_path, config=config) as stage:
        status, _ = await post(stage, BODY, signed(stage.world.slack.sender.secret, int(time.time())))
        assert status == (404 if config is CONFIG else 200)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{stage.bot.http_port}") as session:
            for path, words in (("/healthz", "ok"), ("/readyz", "ready"), ("/metrics", "patches_slack_connected 1.0")):
                async with session.get(path) as answer:
                    assert answer.status == 200, path
                    assert words in await answer.text()
            async with session.get("/slack/events") as answer:
                assert answer.status in {404, 405}


async def test_devices_are_found_while_somebody_types(tmp_path: Path) -> None:
    async with staged(tmp_path, config=HTTP) as stage:
        await stage.asks("bob", "/patches retry")
        form = await stage.opens("bob", "Choose devices…", saying="On which devices")
        found = await stage.world.slack.suggests("bob", form, "device.pick", "srv-dc01")
        assert [option["value"] for option in found] == ["1001"]
        assert await stage.submits("bob", {"others": ["1001"]}) == {}
        await stage.world.slack.view_of("bob", saying="Failed patches")
        assert nothing_left(stage) == []
