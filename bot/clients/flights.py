"""Shared flights: equal questions asked at the same time become one call, and all askers get its answer."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Grounded(Exception):
    """The flights were closed while somebody waited, or before anybody asked."""


class Flights(Generic[T]):
    """Calls in the air, by key. An asker who gives up does not end the others' call; the last one to leave does."""

    def __init__(self) -> None:
        self._closed = asyncio.Event()
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}
        self._askers: dict[asyncio.Task[T], int] = {}

    def __bool__(self) -> bool:
        """Whether a call is in the air."""
        return bool(self._tasks)

    def __contains__(self, key: Hashable) -> bool:
        """Whether the call under this key is in the air."""
        return key in self._tasks

    async def share(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The result (or exception) of the call in the air under ``key``; without one, ``start()`` becomes it.

        Raises Grounded after ``close``.
        """
        if self._closed.is_set():
            raise Grounded
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(start())
            task.add_done_callback(lambda done: self._forget(key, done))
        self._askers[task] = self._askers.get(task, 0) + 1
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if self._closed.is_set() and task.cancelled():
                raise Grounded from None
            raise
        finally:
            self._leave(key, task)

    async def close(self) -> None:
        """Ends every call in the air and waits until each is over; no further one starts."""
        self._closed.set()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _leave(self, key: Hashable, task: asyncio.Task[T]) -> None:
        self._askers[task] -= 1
        if self._askers[task]:
            return
        del self._askers[task]
        if not task.done():
            # Forgotten at once: who asks from now on must not join a call that is being ended.
            self._forget(key, task)
            task.cancel()

    def _forget(self, key: Hashable, task: asyncio.Task[T]) -> None:
        if self._tasks.get(key) is task:
            del self._tasks[key]
