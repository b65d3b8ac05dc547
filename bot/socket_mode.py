"""Socket Mode kept alive: connect, watch, rebuild. https://docs.slack.dev/apis/events-api/using-socket-mode"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from aiohttp import WSMessage
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import Kind, UpstreamError
from bot.web_api import call, failed

log = structlog.get_logger()

MINUTE = 60.0
MOST_DISCONNECTS = 5  # a minute; Slack renews a connection every few hours
GOODBYE = 2.0  # seconds that Slack gets to answer the closing of a connection

# Slack says so to each new connection, too, so that connecting again at once is of no use.
TROUBLES = {
    "link_disabled": "Socket Mode is switched off in the app's settings (link_disabled)",
    "too_many_websockets": "too many connections are open for this app (too_many_websockets)",
}


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. ``grace``: how long the SDK may try to reconnect by itself before the connection is built anew."""

    ping: float = 10
    watch: float = 5
    grace: float = 60
    again_first: float = 1
    again_most: float = 60

    @property
    def handshake(self) -> float:
        """An address is good for one try, and after ``ping`` seconds the SDK would try the same one again."""
        return min(self.ping, self.grace)


class _Handler(AsyncSocketModeHandler):
    """The SDK logs a crash for an ack that finds its connection closed, which is nobody's fault: the bot stops, or
    Slack has gone."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]
        try:
            await super().handle(client, req)
        except ConnectionError:
            log.info("slack.ack_lost", type=req.type, meaning="Slack sends it again, or tells the person it failed")


class Socket:
    """One Socket Mode connection. ``run`` keeps it up until it is cancelled. ``trouble``: why Slack lets nobody in,
    as far as Slack has told."""

    def __init__(self, app: AsyncApp, client: AsyncWebClient, app_token: str, pace: Pace) -> None:
        self._app, self._client, self._token, self._pace = app, client, app_token, pace
        self._handler: AsyncSocketModeHandler | None = None
        self._disconnects: deque[float] = deque(maxlen=MOST_DISCONNECTS + 1)
        self._braked = asyncio.Event()
        self._calm = False  # whether the latest connection was good for a minute
        self.up = asyncio.Event()  # set once the first connection stands
        self.trouble = ""

    async def connected(self) -> bool:
        return self._handler is not None and not self._braked.is_set() and await self._handler.client.is_connected()

    async def run(self, refused: Callable[[UpstreamError], None]) -> None:
        """Connects, again and again if need be. ``refused`` hears of credentials that Slack does not take at start;
        later, when people rely on the bot, it stays, unready, and asks seldom."""
        wait = self._pace.again_first
        while True:
            least = 0.0
            try:
                await self._connect()
                await self._watch()
            except UpstreamError as error:
                least = max(error.retry_after or 0, self._refusal(error, refused))
            await self.close()
            if self._calm:
                wait = self._pace.again_first
            await asyncio.sleep(max(wait, least))
            wait = min(wait * 2, self._pace.again_most)

    async def close(self) -> None:
        """Ends the connection. A second call while the first waits, or after it was cut short, does no harm."""
        handler = self._handler
        if handler is None:
            return
        try:
            async with asyncio.timeout(GOODBYE):
                await handler.close_async()  # type: ignore[no-untyped-call]
        except TimeoutError:
            await handler.close_async()  # type: ignore[no-untyped-call]  # which now does not wait for Slack
        self._handler = None

    def _refusal(self, error: UpstreamError, refused: Callable[[UpstreamError], None]) -> float:
        """Tells of a refusal; returns how many seconds there is no use in asking again."""
        self.trouble = f"apps.connections.open: {error.code} (reference {error.reference})" if error.code else ""
        if error.kind not in {Kind.CREDENTIALS, Kind.FORBIDDEN}:
            return 0
        if not self.up.is_set():
            refused(error)
        return self._pace.again_most

    async def _connect(self) -> None:
        """The address is asked for here, since the SDK's client would ask for ever with a token that is wrong."""
        self._calm = False
        self._braked.clear()
        pending = self._client.apps_connections_open(app_token=self._token)
        answer = await call("apps.connections.open", pending, total=10)
        address = answer.get("url")
        if not isinstance(address, str) or not address.startswith(("wss://", "ws://")):
            raise failed("apps.connections.open", Kind.BROKEN, sent=True)
        handler = _Handler(self._app, self._token, web_client=self._client, ping_interval=self._pace.ping)
        handler.client.proxy = self._client.proxy
        handler.client.wss_uri = address
        handler.client.on_message_listeners.append(self._hear)
        self._handler = handler
        try:
            async with asyncio.timeout(self._pace.handshake):
                await handler.connect_async()  # type: ignore[no-untyped-call]
        except TimeoutError:
            raise failed("socket", Kind.UNREACHABLE, sent=False) from None
        self.up.set()
        log.info("slack.connected")

    async def _watch(self) -> None:
        """Returns when the connection has been down for longer than the grace, or Slack keeps sending it away."""
        since = good = time.monotonic()
        while not await self._braking():
            now = time.monotonic()
            if await self.connected():
                good, self.trouble = now, ""
                self._calm = now - max([since, *self._disconnects]) >= MINUTE
            elif now - good > self._pace.grace:
                log.warning("slack.rebuilt")
                return
        log.warning("slack.sent_away", disconnects=len(self._disconnects), trouble=self.trouble)

    async def _braking(self) -> bool:
        """Whether the brake was pulled, at once or within the pause between two looks."""
        try:
            async with asyncio.timeout(self._pace.watch):
                return await self._braked.wait()
        except TimeoutError:
            return False

    async def _hear(self, frame: WSMessage) -> None:
        """Each frame as it comes: of disconnects the SDK tells nobody, it connects anew at once, without end."""
        reason = _reason(frame.data)
        if reason is None:
            return
        now = time.monotonic()
        self._disconnects.append(now)
        log.info("slack.disconnect", reason=reason)
        self.trouble = TROUBLES.get(reason, "")
        often = len(self._disconnects) > MOST_DISCONNECTS and now - self._disconnects[0] < MINUTE
        if often or self.trouble:
            self._braked.set()


def _reason(text: object) -> str | None:
    """Why Slack ends the connection; None when the frame is about something else."""
    if not isinstance(text, str) or '"disconnect"' not in text:
        return None
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    if not isinstance(frame, dict) or frame.get("type") != "disconnect":
        return None
    return str(frame.get("reason"))[:40]
