"""Socket Mode: up to ten connections, each envelope to exactly one of them, acks matched by envelope_id.

Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

import asyncio
import json
import secrets
import time
import uuid
from dataclasses import dataclass

from aiohttp import WSMsgType, web

from bot.demo.slack.delivery import NOBODY, TIMEOUT, Delivered, Errand
from bot.demo.slack.model import APP, Envelope
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace

MOST_CONNECTIONS = 10
HOST = "applink-demo"


@dataclass(eq=False)
class Connection:
    """``leaving``: it was told to go; nothing new is sent there."""

    number: int
    socket: web.WebSocketResponse
    request: web.BaseRequest
    leaving: bool = False


@dataclass
class _Waiting:
    envelope: Envelope
    accepts: bool
    answer: asyncio.Future[Json]


class Sockets:
    """The server's end of all connections."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._tickets: set[str] = set()
        self._waiting: dict[str, _Waiting] = {}
        self._errands = 0  # on their way
        self._calm = asyncio.Event()
        self._calm.set()
        self._turn = 0
        self._opened = 0
        self.connections: list[Connection] = []
        self.turning_away = ""  # a reason: each new connection is told to go right after its hello
        self.shut = False  # whether handshakes fail, as behind a firewall that lets the Web API through

    def ticket(self) -> str:
        """The query of a new address; it lets in one connection, once."""
        ticket = secrets.token_urlsafe(16)
        self._tickets.add(ticket)
        return f"ticket={ticket}&app_id={APP}"

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """One connection from its hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            self._space.violated("a socket was opened with a ticket that was used or never given out")
            return web.Response(status=404)
        self._tickets.remove(ticket)
        if self.shut:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        self._opened += 1
        connection = Connection(self._opened, socket, request)
        self.connections.append(connection)
        try:
            await self._greet(connection)
            await self._listen(connection)
        finally:
            self.connections.remove(connection)
            self._space.changed("connection", connection)
        return socket

    async def _greet(self, connection: Connection) -> None:
        count = len(self.connections)
        hello = {"type": "hello", "num_connections": count, "connection_info": {"app_id": APP}}
        hello["debug_info"] = {"host": HOST, "build_number": 1, "approximate_connection_time": 18060}
        await connection.socket.send_str(json.dumps(hello))
        away = "too_many_websockets" if count > MOST_CONNECTIONS else self.turning_away
        if away:
            await self._dismiss(connection, away)
        self._space.changed("connection", connection)

    async def _listen(self, connection: Connection) -> None:
        async for frame in connection.socket:
            if frame.type is WSMsgType.TEXT:
                self._received(frame.data)

    def _received(self, text: str) -> None:
        try:
            ack = json.loads(text)
            waiting = self._waiting[ack["envelope_id"]]
        except (ValueError, TypeError, KeyError):
            self._space.violated(f"a socket brought no ack of a known envelope: {text[:200]}")
            return
        envelope = waiting.envelope
        payload = ack.get("payload") or {}
        if envelope.acked is not None:
            self._space.violated(f"{envelope.type} {envelope.id} was acked twice")
            return
        if payload and not waiting.accepts:
            self._space.violated(f"{envelope.type} accepts no payload with its ack: {text[:200]}")
        envelope.acked = payload
        envelope.late = waiting.answer.done()
        if not waiting.answer.done():
            waiting.answer.set_result(payload)
        self._space.changed("envelope", envelope)

    @property
    def busy(self) -> bool:
        """Whether something that a person did is on its way to the bot, and not acked yet."""
        return self._errands > 0

    async def idle(self) -> None:
        """Waits until all of that is acked, or was given up."""
        await self._calm.wait()

    async def deliver(self, errand: Errand) -> Delivered:
        """Send an envelope and wait for its ack; a redelivery goes to another connection if there is one."""
        self._errands += 1
        self._calm.clear()
        try:
            return await self._delivered(errand)
        finally:
            self._errands -= 1
            if not self._errands:
                self._calm.set()

    async def _delivered(self, errand: Errand) -> Delivered:
        started = time.monotonic()
        first = await self._send(errand)
        if first is None:
            self._space.changed("undelivered", errand)
            return Delivered(NOBODY)
        if errand.twice:
            await self._send(errand)
        try:
            async with asyncio.timeout(errand.patience):
                answer = await asyncio.shield(first.answer)
        except TimeoutError:
            first.answer.cancel()
            self._space.changed("unacked", first.envelope)
            return Delivered(TIMEOUT, seconds=errand.patience)
        return Delivered(answer=answer, seconds=time.monotonic() - started)

    async def _send(self, errand: Errand) -> _Waiting | None:
        while (connection := self._next()) is not None:
            waiting = self._addressed(errand, connection)
            frame: Json = {"envelope_id": waiting.envelope.id, "type": errand.kind, "payload": errand.payload}
            frame |= {"accepts_response_payload": errand.accepts} | errand.retry
            try:
                await connection.socket.send_str(json.dumps(frame))
            except ConnectionError:
                connection.leaving = True
                continue
            self._space.envelopes.append(waiting.envelope)
            self._space.changed("envelope", waiting.envelope)
            return waiting
        return None

    def _addressed(self, errand: Errand, connection: Connection) -> _Waiting:
        envelope = Envelope(str(uuid.uuid4()), errand.kind, errand.payload, self._space.clock.now(), connection.number)
        waiting = _Waiting(envelope, errand.accepts, asyncio.get_running_loop().create_future())
        self._waiting[envelope.id] = waiting
        return waiting

    def _next(self) -> Connection | None:
        ready = [c for c in self.connections if not c.leaving and not c.socket.closed]
        self._turn += 1
        return ready[self._turn % len(ready)] if ready else None

    async def disconnect(self, reason: str) -> None:
        """Tell every connection to go: "warning", "refresh_requested", "link_disabled", "too_many_websockets"."""
        for connection in list(self.connections):
            await self._dismiss(connection, reason)

    async def _dismiss(self, connection: Connection, reason: str) -> None:
        connection.leaving = True
        frame = {"type": "disconnect", "reason": reason, "debug_info": {"host": HOST}}
        await connection.socket.send_str(json.dumps(frame))

    def cut(self) -> None:
        """Break every connection without a word, as a dying network does."""
        for connection in self.connections:
            connection.leaving = True
            if connection.request.transport is not None:
                connection.request.transport.abort()

    async def close(self) -> None:
        for connection in list(self.connections):
            await connection.socket.close(code=1001)
        for waiting in self._waiting.values():
            waiting.answer.cancel()
