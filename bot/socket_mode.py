"""Socket Mode kept alive: connect, watch, rebuild. https://docs.slack.dev/apis/events-api/using-socket-mode"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Kind, UpstreamError
from bot.web_api import call

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``grace``: how long the SDK may try to reconnect by itself before the connection is built anew."""

    ping: float = 10
    watch: float = 5
    grace: float = 60
    again_first: float = 1
    again_most: float = 60


class Socket:
    """One Socket Mode connection. ``run`` keeps it up until it is cancelled."""

    def __init__(self, app: AsyncApp, client: AsyncWebClient, app_token: str, pace: Pace) -> None:
        self._app, self._client, self._token, self._pace = app, client, app_token, pace
        self._handler: AsyncSocketModeHandler | None = None
        self.up = asyncio.Event()  # set once the first connection stands

    async def connected(self) -> bool:
        return self._handler is not None and await self._handler.client.is_connected()

    async def run(self, refused: Callable[[UpstreamError], None]) -> None:
        """Connects, again and again if need be. ``refused`` hears of credentials that Slack does not take."""
        wait = self._pace.again_first
        while True:
            try:
                await self._connect()
            except UpstreamError as error:
                if error.kind in {Kind.CREDENTIALS, Kind.FORBIDDEN}:
                    refused(error)
                await asyncio.sleep(max(wait, error.retry_after or 0))
                wait = min(wait * 2, self._pace.again_most)
                continue
            wait = self._pace.again_first
            await self._watch()
            await self.close()

    async def close(self) -> None:
        handler, self._handler = self._handler, None
        if handler is not None:
            await handler.close_async()  # type: ignore[no-untyped-call]

    async def _connect(self) -> None:
        """The address is asked for here, since the SDK's client would ask for ever with a token that is wrong."""
        pending = self._client.apps_connections_open(app_token=self._token)
        answer = await call("apps.connections.open", pending, total=10)
        handler = AsyncSocketModeHandler(self._app, self._token, web_client=self._client, ping_interval=self._pace.ping)
        handler.client.wss_uri = str(answer.get("url") or "")
        handler.client.message_listeners.append(_note_disconnect)
        self._handler = handler
        await handler.connect_async()  # type: ignore[no-untyped-call]
        self.up.set()
        log.info("slack.connected")

    async def _watch(self) -> None:
        """Returns when the connection has been down for longer than the grace."""
        down_since: float | None = None
        while True:
            await asyncio.sleep(self._pace.watch)
            if await self.connected():
                down_since = None
                continue
            down_since = down_since or time.monotonic()
            if time.monotonic() - down_since > self._pace.grace:
                log.warning("slack.rebuilt")
                return


async def _note_disconnect(_client: Any, message: dict[str, Any], _raw: str | None = None) -> None:
    if message.get("type") == "disconnect":
        log.info("slack.disconnect", reason=str(message.get("reason"))[:40])
