"""A TCP relay that cuts after the n-th byte: what a stand-in sees of a client that dies in the middle of a call."""

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit


class Tap:
    """Stands before a stand-in at ``target`` (a URL); ``url`` is the same place through the tap.

    Once ``limit`` bytes have gone from client to stand-in (over all connections), ``cut`` is called, once, and nothing
    passes any more, in either direction. ``passed`` counts those bytes; a limit of None only counts.
    """

    def __init__(self, target: str, *, limit: int | None = None, cut: Callable[[], None] | None = None) -> None:
        self._target, self._limit, self._cut = urlsplit(target), limit, cut
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.passed = 0

    @property
    def url(self) -> str:
        """ValueError before `start`."""
        if self._server is None:
            raise ValueError("the tap is not running")
        port = self._server.sockets[0].getsockname()[1]
        return urlunsplit(self._target._replace(netloc=f"127.0.0.1:{port}"))

    @property
    def dry(self) -> bool:
        return self._limit is not None and self.passed >= self._limit

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Close the listener and every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    async def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        relay = asyncio.current_task()
        if relay is not None:
            self._relays.add(relay)
            relay.add_done_callback(self._relays.discard)
        try:
            answers, onward = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            back.close()
            return
        ways = {asyncio.create_task(self._onward(client, onward)), asyncio.create_task(_pass_all(answers, back))}
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            onward.close()
            back.close()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _onward(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while not self.dry:
            piece = await source.read(65536)
            if not piece:
                return
            if self._limit is not None:
                piece = piece[: self._limit - self.passed]
            self.passed += len(piece)
            sink.write(piece)
            await sink.drain()
        if self._cut is not None:
            cut, self._cut = self._cut, None
            cut()


async def _pass_all(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(65536):
        sink.write(piece)
        await sink.drain()
