"""A server that answers byte for byte as told, and an N-sight client that talks to it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from struct import pack
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.clients.nsight import Nsight, Pace
from bot.errors import UpstreamError

KEY = "s3cret+Key/ü&0123456789abcdef"
AGENT = "Mozilla/5.0 (compatible; patches-bot/0)"
QUICK = Pace(connect=2, read=2, write=2, backoff_first=0.001, backoff_most=0.01)
HASTY = replace(QUICK, read=0.15, write=0.15)

VENDOR_RETRY = b"""<result created="2024-10-01T12:47:15+01:00" host="SERVER" status="OK" >
 <msg>Retrying patches: 4,5 Patches already applied: 1,6</msg>
</result>"""
FAIL = (
    b"<result status='FAIL'><error><errorcode>4</errorcode><message>Invalid value: patchids</message></error></result>"
)
BAD_KEY = b"<result status='FAIL'><error><errorcode>3</errorcode><message>Login failed</message></error></result>"
HTML = b"<!DOCTYPE html><html><body>Attention Required!</body></html>"
PATCHES = b"<patches><patch><patchid>4</patchid><status>16</status><statusLabel>Failed</statusLabel></patch></patches>"
CLIENTS = b"<result status='OK'><items><client><clientid>1</clientid><name>Contoso</name></client></items></result>"
DEVICES = (
    b"<result status='OK'><items><client><id>1</id><name>Contoso</name><site><id>2</id><name>HQ</name>"
    b"<server><id>1001</id><name>SRV1</name><patch>1</patch></server></site></client></items></result>"
)

Writer = asyncio.StreamWriter
Act = Callable[[Writer], Awaitable[None]]


def reply(body: bytes, status: int = 200, **headers: str) -> Act:
    """A whole answer; the connection stays open for another request."""
    lines = {"content-length": str(len(body)), "content-type": "application/xml", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())

    async def act(writer: Writer) -> None:
        writer.write(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body)

    return act


def then_close(act: Act) -> Act:
    """``act``, then the connection is closed without a word, though the answer promised to keep it."""

    async def both(writer: Writer) -> None:
        await act(writer)
        await writer.drain()
        writer.close()

    return both


def raw(data: bytes) -> Act:
    async def act(writer: Writer) -> None:
        writer.write(data)

    return act


async def reset(writer: Writer) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, pack("ii", 1, 0))
    writer.transport.abort()


async def silence(writer: Writer) -> None:
    """Says nothing and keeps the connection."""


def when(event: asyncio.Event, act: Act) -> Act:
    async def later(writer: Writer) -> None:
        await event.wait()
        await act(writer)

    return later


class Upstream:
    """Counts connections, keeps whole request heads, and answers each with the next act (the last one from then on)."""

    def __init__(self, acts: tuple[Act, ...], greeting: Act | None) -> None:
        self.acts, self.greeting = acts, greeting
        self.connections = 0
        self.heads: list[str] = []
        self.url = ""
        self._news = asyncio.Condition()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                if self.greeting:
                    await self.greeting(writer)
                while not writer.is_closing():
                    await self._hear(await reader.readuntil(b"\r\n\r\n"), writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def _hear(self, head: bytes, writer: Writer) -> None:
        async with self._news:
            self.heads.append(head.decode("latin-1"))
            self._news.notify_all()
        await self.acts[min(len(self.heads), len(self.acts)) - 1](writer)

    async def heard(self, count: int) -> None:
        async with asyncio.timeout(5), self._news:
            await self._news.wait_for(lambda: len(self.heads) >= count)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def targets(self) -> list[str]:
        return [head.split(" ")[1] for head in self.heads]

    @property
    def queries(self) -> list[list[tuple[str, str]]]:
        return [parse_qsl(urlsplit(target).query, keep_blank_values=True) for target in self.targets]


@asynccontextmanager
async def upstream(*acts: Act, greeting: Act | None = None) -> AsyncIterator[Upstream]:
    mine = Upstream(acts or (reply(b""),), greeting)
    server = await asyncio.start_server(mine.serve, "127.0.0.1", 0)
    mine.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api/"
    try:
        yield mine
    finally:
        server.close()
        await mine.stop()


@asynccontextmanager
async def nsight(url: str, pace: Pace = QUICK) -> AsyncIterator[Nsight]:
    client = Nsight(url, KEY, AGENT, pace=pace)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def talking_to(*acts: Act, pace: Pace = QUICK) -> AsyncIterator[tuple[Nsight, Upstream]]:
    async with upstream(*acts) as server, nsight(server.url, pace) as client:
        yield client, server


async def failing(call: Awaitable[object]) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await call
    return caught.value
