"""What whoever plays can do to the world: let time go by, let something fail, cut the bot's connection, restart it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web

from bot.demo.impossible import ImpossibleError
from bot.demo.page.hours import Hours
from bot.demo.page.lines import WRONG
from bot.demo.page.masks import masked
from bot.demo.page.mishaps import Mishap, mishaps
from bot.demo.page.screen import clock
from bot.demo.page.stream import listening
from bot.demo.page.trace import BOT, Trace
from bot.demo.page.wish import Wish, route
from bot.demo.serving import Passage
from bot.demo.setting import Setting
from bot.demo.slack.shapes import Json
from bot.demo.slack.socket_mode import Connection
from bot.digests import next_slot
from bot.errors import ConfigError
from bot.flows import attempts
from bot.markup import listed

log = structlog.get_logger()

HALF_HOUR = timedelta(minutes=30)
READ_AGAIN = attempts.REUSED + timedelta(seconds=1)  # whoever asks then sees what is new
FAILURES = 3
STOPPED = "the bot is stopped: restart it first"


@dataclass(frozen=True)
class Lever:
    """Something that happens at once. ``hint``: what to expect, one line; ``pull`` returns what has happened.
    ``takes_bot``: it cannot be pulled while the bot is stopped."""

    name: str
    title: str
    hint: str
    pull: Callable[[], Awaitable[str]]
    takes_bot: bool = True


class Levers:
    """``POST /api/lever`` pulls one by its name. A mishap is armed or taken back, as ``armed`` says; anything else
    happens before the answer comes, one at a time.

    A feed: all levers, which of them are armed or at work, whether the bot is up and linked to Slack, what was told
    last, the time and how fast it runs.
    """

    name = "levers"

    def __init__(self, scene: Setting, trace: Trace) -> None:
        self._scene, self._world, self._trace = scene, scene.world, trace
        self.listeners: list[Callable[[Any], None]] = []
        self._hours = Hours(scene)
        self._mishaps = {mishap.name: mishap for mishap in mishaps(scene.world)}
        self._levers = {lever.name: lever for lever in self._at_once()}
        self._turn = asyncio.Lock()
        self._at_work = self._told = ""
        self._met: list[str] = []  # what has happened since the lever at work was pulled

    def routes(self) -> list[web.RouteDef]:
        return [route("lever", self._lever)]

    def now(self) -> Json:
        shown = [_shown(lever, why=self._hindrance(lever)) for lever in self._levers.values()]
        shown += [_shown(mishap, armed=mishap.armed) for mishap in self._mishaps.values()]
        linked = bool(self._world.slack.sockets.connections)
        state = {"at_work": self._at_work, "up": self._scene.up, "linked": linked, "told": self._told}
        return {"levers": shown, **clock(self._scene), **state}

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Notices what is met until the block ends."""
        world = self._world
        with contextlib.ExitStack() as stack:
            for watchers in (world.nsight.watchers, world.slack.watchers, *world.eset.watchers):
                stack.enter_context(listening(watchers, self._passed))
            stack.enter_context(listening(self._scene.on_change, self._turned))
            stack.enter_context(listening(world.slack.on_change, self._changed))
            stack.enter_context(listening(world.clock.listeners, self._tell))
            yield

    def _at_once(self) -> tuple[Lever, ...]:
        hours = self._hours
        installs = "Time goes by until all retries have come to their end."
        night = "A night of patching goes by; its digest comes in the morning."
        failures = f"Applications fail on {FAILURES} devices right now, and a minute goes by."
        anew = "It stops, and starts anew on the same database. What waits, waits on; presses meanwhile fail."
        cut = "Every socket is cut; the bot connects again."
        return (
            Lever("install", "Patches install", installs, hours.until_installed),
            Lever("half_hour", "30 minutes go by", "What is due until then happens on time.", self._half_hour),
            Lever("next_day", "Next day", night, hours.until_morning),
            Lever("failures", "New failures", failures, self._failures, takes_bot=False),
            Lever("disconnect", "Slack disconnects", cut, self._disconnect),
            Lever("restart", "Restart the bot", anew, self._restart, takes_bot=False),
        )

    def _hindrance(self, lever: Lever) -> str:
        """Why it cannot be pulled now; empty when it can."""
        if self._at_work:
            return f"{self._levers[self._at_work].title} is under way."
        return f"{STOPPED.capitalize()}." if lever.takes_bot and not self._scene.up else ""

    # ---------------------------------------------------------------- pulling

    async def _lever(self, wish: Wish) -> Json:
        name = wish.text("name", 40)
        if name in self._mishaps:
            return self._switch(self._mishaps[name], armed=wish.flag("armed"))
        lever = self._levers.get(name)
        if lever is None:
            raise ImpossibleError(f"there is no lever {name!r}")
        async with self._working(name):
            if lever.takes_bot and not self._scene.up:
                raise ImpossibleError(STOPPED)
            told = await lever.pull()
            self._say(" ".join([told, *self._met]))
        return {"told": self._told}

    @contextlib.asynccontextmanager
    async def _working(self, name: str) -> AsyncIterator[None]:
        async with self._turn:
            self._at_work, self._met = name, []
            self._tell()
            try:
                yield
            finally:
                self._at_work = ""
                self._tell()

    def _switch(self, mishap: Mishap, *, armed: bool) -> Json:
        if armed and not mishap.armed:
            self._trace.note(mishap.side, f"Armed: {mishap.title}")
        elif mishap.armed and not armed:
            self._trace.note(mishap.side, f"Taken back: {mishap.title}")
        self._say(mishap.turn(armed=armed))
        return {"told": self._told, "armed": mishap.armed}

    async def _half_hour(self) -> str:
        await self._hours.go_by(HALF_HOUR)
        return "30 minutes have gone by."

    async def _failures(self) -> str:
        news = self._world.new_failures(FAILURES)
        if self._scene.up:
            await self._hours.go_by(READ_AGAIN)
        failed = listed([f"{patch.title} on {machine.name}" for machine, patch in news])
        return f"Failed just now: {failed}. {self._where_told()}"

    def _where_told(self) -> str:
        services = self._scene.bot.services
        slots = [next_slot(plan, self._world.clock.now()) for plan in services.config.digests]
        digest = f", the digest tells them at {min(slots):%H:%M} UTC" if slots else ""
        return f"/patches recent shows them{digest}."

    async def _disconnect(self) -> str:
        began = time.monotonic()
        self._world.slack.cut_sockets()
        await self._world.slack.connected()
        return f"Every socket was cut; {time.monotonic() - began:.1f} seconds later the bot was connected again."

    async def _restart(self) -> str:
        began = time.monotonic()
        try:
            await self._scene.restart()
        except Exception as fault:  # whatever it is, it is told, and can be tried again
            why = self._not_started(fault)
            raise ImpossibleError(why) from fault
        took = time.monotonic() - began
        return f"The bot was stopped and started on the same database. It was away for {took:.1f} seconds."

    def _not_started(self, fault: Exception) -> str:
        foreseen = isinstance(fault, (ConfigError, OSError))
        reason = str(fault).partition("\n")[0] if foreseen else type(fault).__name__
        log.warning("demo.not_started", why=reason, exc_info=None if foreseen else fault)
        why = f"the bot has not started again ({masked(reason, self._world.secrets())})"
        self._trace.note(BOT, "The bot has not started", about=reason, mood=WRONG)
        self._say(f"{why[0].upper()}{why[1:]}. Press “Restart the bot” to try once more.")
        return why

    # ---------------------------------------------------------------- noticing and telling

    def _passed(self, passage: Passage) -> None:
        if not passage.over:
            return
        for mishap in self._mishaps.values():
            if mishap.happened():
                self._trace.note(mishap.side, f"Happened: {mishap.title}")
                self._met.append(mishap.met)
                self._say(mishap.met)

    def _turned(self, _up: bool) -> None:
        self._tell()

    def _changed(self, _kind: str, thing: object) -> None:
        if isinstance(thing, Connection):
            self._tell()

    def _say(self, sentence: str) -> None:
        self._told = sentence
        self._tell()

    def _tell(self) -> None:
        for listener in list(self.listeners):
            listener(self.now())


def _shown(one: Lever | Mishap, *, armed: bool | None = None, why: str = "") -> Json:
    """``armed`` None: it happens at once. ``why`` it cannot be pulled now."""
    return {"name": one.name, "title": one.title, "hint": one.hint, "armed": armed, "why": why}
