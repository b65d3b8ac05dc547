"""What whoever plays can do to the world: let time go by, let something fail."""

from datetime import timedelta

from aiohttp import web

from bot.demo.page.wish import Deed, Wish, route
from bot.demo.setting import Setting
from bot.demo.slack.shapes import Json

MOST_MINUTES = 24 * 60
STEP = timedelta(minutes=5)  # the clock is put forward in steps, so that nothing that was due in between comes late
FAILURES = 3


class Levers:
    def __init__(self, scene: Setting) -> None:
        self._scene, self._world = scene, scene.world

    def routes(self) -> list[web.RouteDef]:
        deeds: dict[str, Deed] = {"time": self._time, "failures": self._failures}
        return [route(name, deed) for name, deed in deeds.items()]

    async def _time(self, wish: Wish) -> Json:
        left = timedelta(minutes=wish.number("minutes", MOST_MINUTES))
        while left:
            step = min(left, STEP)
            self._world.clock.advance(step)
            await self._scene.bot.tick()
            left -= step
        return {}

    async def _failures(self, _wish: Wish) -> Json:
        news = self._world.new_failures(FAILURES)
        return {"failed": [f"{patch.title} on {machine.name}" for machine, patch in news]}
