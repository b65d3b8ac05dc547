"""How fast time runs on the page: as everybody's does, and sixtyfold while patches are on their way at N-sight.

Whoever reads, types or decides has all the time that the bot gives in life; nobody waits half an hour for patches.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from bot.demo.world import World

SLOW, FAST = 1.0, 60.0
KNOWN = timedelta(minutes=10)  # after which the bot, who looks every few minutes, has seen how it ended
LOOK = 0.2  # real seconds between two looks


class Tempo:
    def __init__(self, world: World) -> None:
        self._clock, self._fleet = world.clock, world.fleet
        self._until = self._clock.now()

    def look(self) -> None:
        """Sets the clock's speed to what fits now."""
        now = self._clock.now()
        self._fleet.settle(now)
        if self._fleet.on_their_way():
            self._until = now + KNOWN
        self._clock.speed = FAST if now < self._until else SLOW


@contextlib.asynccontextmanager
async def kept(world: World) -> AsyncIterator[None]:
    """The clock's speed is kept fitting until the block ends."""
    task = asyncio.create_task(_keep(Tempo(world)), name="tempo")
    try:
        yield
    finally:
        task.cancel()


async def _keep(tempo: Tempo) -> None:
    while True:
        tempo.look()
        await asyncio.sleep(LOOK)
