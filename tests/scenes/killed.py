"""The bot as a process of its own that dies at a chosen point. `mortal.Process` starts it and talks to it in lines.

A point is a statement about to reach the database, a commit about to happen, or a transaction just over. At the chosen
one the process kills itself with SIGKILL: nothing is flushed, closed or said.

The first line on stdin is a JSON object: ``ahead`` (seconds by which its clock is ahead), ``point`` (to die at, counted
from here; null: not counted) and ``nsight`` (its NSIGHT_URL). It says "ready" once Slack is connected, and answers
each further line with one: ``arm POINT`` (count from now; 0: only count), ``settle`` (wait until nothing is at work;
tells the points passed), ``later AHEAD`` (it is so late now: one tick of the scheduler). At the end of the input it
stops cleanly.
"""

import asyncio
import json
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.pool import Pool

from bot import log
from bot.app import App, running
from bot.config import load
from tests.scenes.stage import QUICK


class Points:
    """Counts what the database is asked and dies at the ``fatal``-th; 0 only counts, None not even that."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal, self.passed = fatal, 0
        event.listen(Engine, "before_cursor_execute", self._passed)
        event.listen(Engine, "commit", self._passed)
        event.listen(Pool, "checkin", self._passed)

    def arm(self, fatal: int) -> None:
        self.fatal, self.passed = fatal, 0

    def _passed(self, *_: Any) -> None:
        if self.fatal is None:
            return
        self.passed += 1
        if self.passed == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


class Clock:
    """The real time, put forward by ``ahead`` seconds."""

    def __init__(self, ahead: float) -> None:
        self.ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)


async def obey(bot: App, line: str, points: Points, clock: Clock) -> str:
    """Does what a line says and returns the line that answers it."""
    word, _, number = line.partition(" ")
    if word == "arm":
        points.arm(int(number))
    elif word == "later":
        clock.ahead = float(number)
        await bot.tick()
    else:
        await bot.settle()
    return f"{word} {points.passed}"


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main() -> None:
    loop, lines = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    first = await lines.readline()
    if not first:
        return
    told = json.loads(first)
    config = load({**os.environ, "NSIGHT_URL": told["nsight"]})
    log.configure("json", "error", config.secrets())
    points, clock = Points(told["point"]), Clock(told["ahead"])
    async with running(config, clock=clock.now, pace=QUICK) as bot:
        await bot.ready()
        say("ready")
        while line := (await lines.readline()).decode().strip():
            say(await obey(bot, line, points, clock))


if __name__ == "__main__":
    asyncio.run(main())
