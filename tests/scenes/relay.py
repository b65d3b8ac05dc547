"""A TCP relay before N-sight that watches the connection of one call and acts at an exact byte of it."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit


class Relay:
    """Stands before ``target``; ``url`` is the same place through the relay.

    The connection that carries ``call`` is watched: once ``asked`` bytes of its request have been passed on to the
    target, or ``answered`` bytes of its answer to the client, ``then`` is called, once, and this connection carries
    nothing more in either direction, unless it ``goes_on``. Without both it only measures: ``request`` and ``answer``
    are what passed.
    """

    def __init__(
        self,
        target: str,
        *,
        call: str = "patch_retry",
        asked: int | None = None,
        answered: int | None = None,
        goes_on: bool = False,
        then: Callable[[], None] | None = None,
    ) -> None:
        self._target, self._call = urlsplit(target), f"service={call}&".encode()
        self.asked, self.answered, self.then = asked, answered, then
        self._goes_on = goes_on
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.request, self.answer = bytearray(), bytearray()
        self.reached = asyncio.Event()

    @property
    def url(self) -> str:
        """ValueError when it is not running."""
        if self._server is None:
            raise ValueError("the relay is not running")
        port = self._server.sockets[0].getsockname()[1]
        return urlunsplit(self._target._replace(netloc=f"127.0.0.1:{port}"))

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refuse()
        for relay in self._relays:
            relay.cancel()
        await asyncio.gather(*self._relays, return_exceptions=True)

    def refuse(self) -> None:
        """No new connection is accepted any more; those that there are live on."""
        if self._server is not None:
            self._server.close()

    def _connected(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        relay = asyncio.create_task(self._relay(client, back))
        self._relays.add(relay)
        relay.add_done_callback(self._relays.discard)

    async def _relay(self, client: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        answers, onward = await asyncio.open_connection(self._target.hostname, self._target.port)
        watched = asyncio.Event()
        ways = [
            asyncio.create_task(self._ask(client, onward, watched)),
            asyncio.create_task(self._answered_by(answers, back, watched)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            onward.close()
            back.close()
            await asyncio.gather(*ways, onward.wait_closed(), back.wait_closed(), return_exceptions=True)

    async def _ask(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, watched: asyncio.Event) -> None:
        while piece := await source.read(65536):
            if self._call in piece:
                watched.set()
            if not watched.is_set():
                await _pass(piece, sink)
            elif not await self._watch(piece, sink, self.request, self.asked):
                return

    async def _answered_by(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, watched: asyncio.Event
    ) -> None:
        while piece := await source.read(65536):
            if not watched.is_set():
                await _pass(piece, sink)
            elif not await self._watch(piece, sink, self.answer, self.answered):
                return

    async def _watch(self, piece: bytes, sink: asyncio.StreamWriter, passed: bytearray, limit: int | None) -> bool:
        """Passes what may pass of ``piece``; False when the connection has carried its last."""
        if limit is None or len(passed) + len(piece) < limit or self.reached.is_set():
            passed += piece
            await _pass(piece, sink)
            return True
        first, rest = piece[: limit - len(passed)], piece[limit - len(passed) :]
        passed += first
        await _pass(first, sink)
        self._act()
        if self._goes_on:
            passed += rest
            await _pass(rest, sink)
        return self._goes_on

    def _act(self) -> None:
        self.reached.set()
        if self.then is not None:
            then, self.then = self.then, None
            then()


async def _pass(piece: bytes, sink: asyncio.StreamWriter) -> None:
    sink.write(piece)
    await sink.drain()
