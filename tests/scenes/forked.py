"""Bots that cost next to nothing to start: forked from a process that has loaded everything, each killed for real.

`Nursery` and `Bot` are the test's side. The nursery's process reads a JSON object a line and forks a bot for each:
``port`` (of the test, to which the bot connects), ``env`` (its whole environment), ``clock`` (a file that tells the
time), ``log`` (a file for what it says), ``finish`` (seconds that a clean stop may take) and ``point`` (to die at while
it starts; 0: none). A point is what it is in `killed`: a statement, a commit or the end of a transaction; at the chosen
one the process kills itself with SIGKILL, so nothing of it reaches the database or the network any more.

The bot first tells its process id, then "0" once it is connected. Each line that it is told begins with a number that
it says when that is done: ``1 arm POINT`` (die at that point, counted from now; 0: at none), ``2 settle`` (done when
nothing is at work any more), ``3 tick`` (one round of the scheduler, to its end). When the connection ends, it stops as
on SIGTERM.
"""

import asyncio
import contextlib
import gc
import json
import mmap
import os
import random
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot import log
from bot.app import App, running
from bot.config import load
from bot.demo.clock import Clock
from tests.scenes.killed import Points
from tests.scenes.stage import QUICK, staged

ROOT = Path(__file__).parents[2]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PATIENCE = 30.0  # seconds: a busy machine is no failure
THOROUGH, ABRUPT = 10.0, 0.02  # seconds that a stop may take; in the latter what is in flight is cancelled
MICROSECONDS = struct.Struct("q")


class TellingClock(Clock):
    """The world's clock, which stands still; a file tells other processes how late it is."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.write_bytes(bytes(MICROSECONDS.size))
        self._shared = _shared(path)
        self.advance(0)

    def advance(self, by: timedelta | float) -> datetime:
        now = super().advance(by)
        MICROSECONDS.pack_into(self._shared, 0, (now - EPOCH) // timedelta(microseconds=1))
        return now


class HeardClock:
    """The same clock in another process."""

    def __init__(self, path: Path) -> None:
        self._shared = _shared(path)

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=MICROSECONDS.unpack_from(self._shared)[0])


def _shared(path: Path) -> mmap.mmap:
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


class Nursery:
    """``with Nursery() as nursery``: the process that has the bot loaded, until the block ends."""

    def __enter__(self) -> Self:
        command = (sys.executable, "-m", "tests.scenes.forked")
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self._mother = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._mother.communicate(timeout=10)

    def fork(self, told: dict[str, Any]) -> None:
        """A new bot, which will come to ``told["port"]``."""
        if self._mother.stdin is None:
            raise ValueError("started without a pipe")
        self._mother.stdin.write(f"{json.dumps(told)}\n")
        self._mother.stdin.flush()


class Bot:
    """One process, in one of the two places. ``gone`` hears of its end at once. ``stopping``: it was told to."""

    def __init__(
        self,
        place: int,
        pid: int,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        gone: Callable[["Bot"], None],
    ) -> None:
        self.place, self.pid, self.alive, self.stopping = place, pid, True, False
        self._gone = gone
        self.connections: set[int] = set()
        self._lines, self._writer = streams
        self._asked: dict[int, asyncio.Future[bool]] = {0: asyncio.get_running_loop().create_future()}
        self._last = 0
        self._hearing = asyncio.create_task(self._hear())

    async def ready(self) -> bool:
        """Waits until it is connected, or dead."""
        return await self._answer(0)

    async def told(self, line: str) -> bool:
        """Tells it a line; whether it lives to do that."""
        if not self.alive or self.stopping:
            return False
        self._last += 1
        number = self._last
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._writer.write(f"{number} {line}\n".encode())
        return await self._answer(number)

    def kill(self) -> None:
        """SIGKILL, as of the kernel when memory is short."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Ends it as SIGTERM does."""
        self.stopping = True
        if self.alive:
            with contextlib.suppress(OSError):
                self._writer.write_eof()
        await self.ended()

    async def ended(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait([self._hearing])

    async def _answer(self, number: int) -> bool:
        async with asyncio.timeout(PATIENCE):
            return await self._asked[number]

    async def _hear(self) -> None:
        with contextlib.suppress(ConnectionError):
            while line := await self._lines.readline():
                self._answered(self._asked[int(line)], alive=True)
        self.alive = False
        self._gone(self)
        for asked in self._asked.values():
            self._answered(asked, alive=False)
        self._writer.close()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    @staticmethod
    def _answered(asked: asyncio.Future[bool], *, alive: bool) -> None:
        if not asked.done():
            asked.set_result(alive)


# ---------------------------------------------------------------- the process that has everything loaded


def main() -> None:
    log.configure("json", "error", [])
    asyncio.run(_warm_up())
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children need nobody to wait for them
    while line := sys.stdin.readline():
        if os.fork() == 0:
            _be_born(json.loads(line))


async def _warm_up() -> None:
    """One scene, after which everything is imported and no thread is left."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(Path(folder)) as stage:
            await stage.asks("bob", "/patches retry 1001 4,5")
            await stage.clicks("ann", "Approve", stage.card)


def _be_born(told: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    random.seed()
    said = os.open(told["log"], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for old, new in ((nothing, 0), (said, 1), (said, 2)):
        os.dup2(old, new)
    try:
        asyncio.run(_live(told))
    finally:
        os._exit(0)


async def _live(told: dict[str, Any]) -> None:
    lines, writer = await asyncio.open_connection("127.0.0.1", told["port"])

    def say(line: str) -> None:
        writer.write(f"{line}\n".encode())

    say(str(os.getpid()))
    config = load(told["env"])
    log.configure("json", "error", config.secrets())
    points = Points(told["point"] or None)
    clock = HeardClock(Path(told["clock"]))
    async with running(config, clock=clock.now, pace=replace(QUICK, finish=told["finish"])) as bot:
        await bot.ready()
        await bot.tick()
        say("0")
        obeying = set[asyncio.Task[None]]()  # held here, asyncio itself does not
        while line := (await lines.readline()).decode().strip():
            obeying.add(asyncio.create_task(_obey(bot, line, points, say)))
    writer.close()


async def _obey(bot: App, line: str, points: Points, say: Callable[[str], None]) -> None:
    number, word, *more = line.split()
    if word == "arm":
        points.arm(int(more[0]))
    elif word == "tick":
        await bot.tick()
    else:
        await bot.settle()
    say(number)


if __name__ == "__main__":
    main()
