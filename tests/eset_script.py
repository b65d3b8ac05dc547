"""A server that plays a script of ESET Connect's answers, and a client that talks to it."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from bot.clients.eset import PATH, Eset, Pace
from bot.errors import UpstreamError

USER, PASSWORD = "api-user@example.com", "Grün&Blau=100% +/ß"
QUICK = Pace(
    poll_first=0.001, poll_most=0.002, backoff_first=0.001, backoff_most=0.002, deadline=20, calls_per_second=1e6
)
ROW = {"displayName": "Firefox", "status": "APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR"}
LISTED = {"patchingDetails": [ROW]}


@dataclass
class Reply:
    """One scripted answer. ``before`` runs while the request waits."""

    status: int = 200
    body: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    before: Callable[[], Awaitable[object]] | None = None


@dataclass
class Seen:
    form: dict[str, str]
    headers: dict[str, str]

    @property
    def grant(self) -> str:
        return self.form["grant_type"]

    @property
    def token(self) -> str:
        return self.headers["authorization"].removeprefix("Bearer ")

    @property
    def response_id(self) -> str | None:
        return self.headers.get("response-id")


class Script:
    """Plays ``tokens`` and ``details`` in order; afterwards every login is granted and every list is LISTED."""

    def __init__(self) -> None:
        self.tokens: list[Reply] = []
        self.details: list[Reply] = []
        self.logins: list[Seen] = []
        self.asked: list[Seen] = []
        self.url = ""
        self.expires_in = 3600

    async def _play(self, request: web.Request, seen: list[Seen], replies: list[Reply], usual: object) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        seen.append(Seen(form, {name.lower(): value for name, value in request.headers.items()}))
        reply = replies.pop(0) if replies else Reply(body=usual)
        if reply.before:
            await reply.before()
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"request-id": f"req-{len(self.logins)}-{len(self.asked)}", **reply.headers}
        return web.Response(status=reply.status, body=body, headers=headers)

    async def token(self, request: web.Request) -> web.Response:
        number = len(self.logins) + 1
        grant = {
            "access_token": f"access-{number}",
            "refresh_token": f"refresh-{number}",
            "expires_in": self.expires_in,
        }
        return await self._play(request, self.logins, self.tokens, grant)

    async def recent(self, request: web.Request) -> web.Response:
        assert not request.query_string
        return await self._play(request, self.asked, self.details, LISTED)

    @property
    def grants(self) -> list[str]:
        return [seen.grant for seen in self.logins]

    @property
    def response_ids(self) -> list[str | None]:
        return [seen.response_id for seen in self.asked]


def later(response_id: str = "", status: int = 202) -> Reply:
    return Reply(status, headers={"response-id": response_id} if response_id else {})


class HandClock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Scene:
    script: Script
    eset: Eset
    clock: HandClock


@asynccontextmanager
async def playing(pace: Pace = QUICK) -> AsyncIterator[Scene]:
    script, clock = Script(), HandClock()
    app = web.Application()
    app.router.add_post("/oauth/token", script.token)
    app.router.add_get(PATH, script.recent)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    script.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    eset = Eset(script.url, script.url, USER, PASSWORD, device_url=script.url, pace=pace, clock=clock)
    try:
        yield Scene(script, eset, clock)
    finally:
        await eset.close()
        await runner.cleanup()


async def failing(eset: Eset) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await eset.recent()
    return caught.value


async def failing_login(eset: Eset) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await eset.login()
    return caught.value
