"""Work that outlives its caller: kept, logged when it fails, awaited when the bot stops."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from bot.errors import STOPPING, TrailUnwritableError, UnreadableError, UpstreamError

log = structlog.get_logger()


class Tasks:
    """asyncio keeps only weak references to tasks, so somebody has to hold them: this does."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._closed = False

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Starts ``work``; after ``cancel`` nothing is started any more."""
        if self._closed:
            work.close()
            log.info("task.not_started", task=name)
            return
        task = asyncio.create_task(self._safely(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def idle(self) -> None:
        """Waits until everything that was started has ended, including what that started."""
        while self._running:
            await asyncio.wait(self._running)

    def names(self) -> list[str]:
        return sorted(task.get_name() for task in self._running)

    async def cancel(self) -> None:
        """Ends what is still at work; nothing is started any more."""
        self._closed = True
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _safely(self, work: Coroutine[Any, Any, None], name: str) -> None:
        try:
            await work
        except (UpstreamError, TrailUnwritableError, UnreadableError) as error:
            if isinstance(error, UpstreamError) and error.code == STOPPING:
                return
            log.warning("task.failed", task=name, error=str(error))
        except Exception:  # nobody awaits this task, so its fault is told here
            log.exception("task.fault", task=name)


async def watched(name: str, work: Callable[[], Awaitable[None]], pause: float) -> None:
    """Does ``work`` to its end. A fault in it is logged, and after ``pause`` seconds it is begun anew."""
    while True:
        try:
            await work()
        except Exception:  # nobody awaits this task either
            log.exception("task.restarted", task=name)
            await asyncio.sleep(pause)
        else:
            return
