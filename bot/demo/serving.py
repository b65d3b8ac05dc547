"""What the HTTP stand-ins share: a server on a free loopback port, the record of calls, and faults on the wire."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiohttp import web

from bot.demo.faults import Fault, Plan

CHUNK = 256 * 1024
FIREWALL = (
    "<!DOCTYPE html>\n<html><head><title>Access check</title></head>"
    "<body><h1>One more step</h1><p>This page was put here by a firewall.</p></body></html>"
)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Call:
    """One call as it arrived. ``params`` are the query's or the form's, without anything secret."""

    service: str
    params: Mapping[str, str]
    at: datetime


class Calls(list[Call]):
    """All calls in order of arrival, and a way to wait for one."""

    def __init__(self) -> None:
        super().__init__()
        self._news = asyncio.Event()

    def arrived(self, call: Call) -> None:
        self.append(call)
        self._news.set()
        self._news = asyncio.Event()

    def of(self, service: str) -> list[Call]:
        return [call for call in self if call.service == service]

    async def reach(self, service: str, times: int = 1) -> None:
        """Return as soon as ``times`` calls of a service have arrived in all."""
        while len(self.of(service)) < times:
            await self._news.wait()


class Violations(list[str]):
    """The rules that the bot broke, in order; ``listeners`` hear of each."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: list[Callable[[str], None]] = []

    def note(self, rule: str) -> None:
        self.append(rule)
        for listener in list(self.listeners):
            listener(rule)


@dataclass(frozen=True)
class Reply:
    """An answer before any fault befalls it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@dataclass(eq=False)
class Passage:
    """One request on the wire and, once ``over``, what was answered.

    ``response`` is None when the connection was cut instead. ``body`` is the request's, empty while it is not over, and
    for what was read as a stream.
    """

    request: web.BaseRequest
    over: bool = False
    response: web.StreamResponse | None = None
    body: bytes = b""


Watcher = Callable[[Passage], None]


class Server:
    """Serves one handler on 127.0.0.1, on a port that the system chooses; ``port`` keeps it over a restart.

    ``watchers`` are told of every request when it comes, and again when it is over. ``note`` is told of a fault of the
    handler's own, which the client sees as any 500: no test may take that for the service's.
    """

    def __init__(self, handler: Handler, note: Callable[[str], None]) -> None:
        self._handler, self._note = handler, note
        self.watchers: list[Watcher] = []
        self._runner: web.ServerRunner | None = None
        self.port = 0
        self.stopping = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen; after a `stop`, on the same port as before."""
        self.stopping.clear()
        server = web.Server(self._handled, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Let held answers go, close all connections. Harmless when it is not running."""
        self.stopping.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handled(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await self._watched(request)
        except (web.HTTPException, web.RequestPayloadError, ConnectionError):
            raise  # what was sent cannot be read, or nobody is there any more
        except Exception as error:
            self._note(f"the stand-in itself failed: {error!r}")
            raise

    async def _watched(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self.watchers:
            return await self._handler(request)
        passage = Passage(request)
        self._tell(passage)
        try:
            response = await self._handler(request)
            passage.response = None if _is_cut(request) else response
            passage.body = b"" if isinstance(response, web.WebSocketResponse) else await _read(request)
            return response
        finally:
            passage.over = True
            self._tell(passage)

    def _tell(self, passage: Passage) -> None:
        for watcher in list(self.watchers):
            watcher(passage)


def _is_cut(request: web.BaseRequest) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _read(request: web.BaseRequest) -> bytes:
    """The body, which the handler has read; empty when it did not, or took it as a stream."""
    try:
        return await request.read()
    except (ConnectionError, web.HTTPException):
        return b""


async def deliver(
    request: web.BaseRequest, plan: Plan | None, reply: Reply, stopping: asyncio.Event
) -> web.StreamResponse:
    """Send ``reply`` the way that ``plan`` spoils it."""
    if plan is None:
        return reply.response()
    match plan.fault:
        case Fault.LOSE_REPLY | Fault.CUT:
            return _cut(request)
        case Fault.CUT_MIDWAY:
            return await _cut_midway(request, reply)
        case Fault.SLOW:
            await _hold(plan, stopping)
            return reply.response()
        case Fault.HUGE | Fault.GZIP_BOMB:
            return await _flood(request, reply, plan)
        case _:
            return _spoiled(request, plan, reply).response()


def _spoiled(request: web.BaseRequest, plan: Plan, reply: Reply) -> Reply:
    headers = {**reply.headers, **plan.headers}
    match plan.fault:
        case Fault.TORN:
            return Reply(reply.status, reply.body[: len(reply.body) // 2], headers)
        case Fault.BODY:
            return Reply(plan.status or reply.status, plan.body or b"", headers)
        case Fault.GZIP:
            packed = zlib.compressobj(wbits=31)
            return Reply(
                reply.status, packed.compress(reply.body) + packed.flush(), headers | {"Content-Encoding": "gzip"}
            )
        case Fault.STATUS:
            return Reply(plan.status or 500, plan.body or b"", headers)
        case Fault.HTML:  # from something in front of the service, so without the service's own headers
            page = {**plan.headers, "Content-Type": "text/html; charset=utf-8"}
            return Reply(plan.status or 200, FIREWALL.encode(), page)
        case Fault.REDIRECT:
            where = f"/elsewhere/?{request.rel_url.raw_query_string}"
            return Reply(plan.status or 302, b"", headers | {"Location": where})
        case _:
            return reply


def _cut(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def _cut_midway(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[: len(reply.body) // 2])
    _cut(request)
    return response


async def _hold(plan: Plan, stopping: asyncio.Event) -> None:
    gates = [asyncio.ensure_future(gate.wait()) for gate in (plan.until, stopping) if gate is not None]
    try:
        await asyncio.wait(gates, timeout=plan.seconds or None, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for gate in gates:
            gate.cancel()


async def _flood(request: web.BaseRequest, reply: Reply, plan: Plan) -> web.StreamResponse:
    """White space, which both JSON and XML allow, before an end that is never sent."""
    packed = zlib.compressobj(wbits=31) if plan.fault is Fault.GZIP_BOMB else None
    headers = {**reply.headers, **({"Content-Encoding": "gzip"} if packed else {})}
    response = web.StreamResponse(status=200, headers=headers)
    try:
        await response.prepare(request)
        for _ in range(0, plan.size, CHUNK):
            await response.write(packed.compress(b" " * CHUNK) if packed else b" " * CHUNK)
        await response.write(packed.flush() if packed else b"")
    except ConnectionError:
        return _cut(request)  # the client has rightly had enough
    return response
