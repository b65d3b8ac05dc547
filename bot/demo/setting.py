"""The demo's setting: a temporary folder, a world of stand-ins, and the bot at work in it."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

from bot.app import App, Pace, running
from bot.clients import eset, nsight
from bot.config import load
from bot.demo.world import World
from bot.flows import inventory
from bot.messenger import Pace as SlackPace
from bot.socket_mode import Pace as SocketPace

CONFIG = """
[access]
commands = ["S0HELPDESK"]

[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM", "U0BOB"]
expires = "{expires}"

[[approvals.rules]]
kind = "server"
client = "Northwind*"
quorum = 2
reason = "required"

[[digests]]
name = "daily"
channel = "C0PATCHNEWS"
cron = "{cron}"
timezone = "UTC"
post_when_empty = false

[follow_up]
every = "{every}"
"""

# Nobody waits in a demo for the pauses that spare real services. The calls themselves are the same.
QUICK = Pace(
    eset=eset.Pace(poll_first=0.05, poll_most=0.2, backoff_first=0.05, backoff_most=0.5),
    nsight=nsight.Pace(backoff_first=0.05, backoff_most=0.5),
    slack=SlackPace(per_channel=0.05),
    socket=SocketPace(watch=0.5, grace=2, again_first=0.1, again_most=1),
    sweep_spacing=0,
    finish=2,
)


class Setting:
    """``bot``: the present one; ``up``: whether it is at work, which it is not while `restart` is under way.

    ``down``: real seconds for which it stays stopped then, so that whoever looks on can see what that is like.
    """

    def __init__(
        self, world: World, bot_at_work: Callable[[], AbstractAsyncContextManager[App]], *, down: float = 0
    ) -> None:
        self.world = world
        self._down, self._ending = down, asyncio.Event()
        self.run = uuid4().hex  # tells this demo from one that ran before it
        self.on_change: list[Callable[[bool], None]] = []
        self._bot_at_work = bot_at_work
        self._life = contextlib.AsyncExitStack()
        self._bot: App | None = None
        self._restarting: asyncio.Task[None] | None = None
        self.up = False

    @property
    def bot(self) -> App:
        """RuntimeError before the first start."""
        if self._bot is None:
            raise RuntimeError("the bot was never started")
        return self._bot

    async def start(self) -> None:
        """Raises what the bot's own start raises; then it is not at work, and can be started once more."""
        try:
            self._bot = await self._life.enter_async_context(self._bot_at_work())
            await self._bot.ready()
        except BaseException:
            await self._life.aclose()
            raise
        self._turned(up=True)

    async def stop(self) -> None:
        """Ends the bot; what is in flight comes to its end first. Harmless when it is not at work."""
        if self._restarting is not None:
            self._ending.set()
            await asyncio.wait([self._restarting])
            self._ending.clear()
        await self._end()

    async def restart(self) -> None:
        """Ends the bot and starts another one on the same database. Whoever asks while it happens waits for it.

        Raises as `start`.
        """
        if self._restarting is None:
            self._restarting = asyncio.create_task(self._anew(), name="restart")
        await asyncio.shield(self._restarting)  # whoever asked may go away: the bot comes back all the same

    async def _anew(self) -> None:
        try:
            await self._end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), self._down)
            await self.start()
        finally:
            self._restarting = None

    async def _end(self) -> None:
        if self.up:
            self._turned(up=False)
        await self._life.aclose()

    def _turned(self, *, up: bool) -> None:
        self.up = up
        for listener in list(self.on_change):
            listener(up)


@contextlib.asynccontextmanager
async def opened(
    *,
    world: World | None = None,
    folder: Path | None = None,
    cron: str,
    every: str,
    expires: str = "4h",
    tick: float,
    down: float = 0,
) -> AsyncIterator[Setting]:
    """The bot, connected and with N-sight's devices read, until the block ends.

    ``folder``: where its database is, or comes to be; without it a temporary one, of which nothing is left. ``cron``:
    of the one digest, in UTC. ``every``: of the follow-up. ``tick``: seconds between two looks at what is due.
    ``down``: as in `Setting`.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patches-demo-")))
        world = await stack.enter_async_context(world or World())
        config = load(world.env(folder, CONFIG.format(cron=cron, every=every, expires=expires)))
        pace = replace(QUICK, tick=tick)
        scene = Setting(world, partial(running, config, clock=world.clock.now, pace=pace), down=down)
        stack.push_async_callback(scene.stop)
        await scene.start()
        await inventory.sweep(scene.bot.services)  # shared with the bot's own first one, if that is under way
        await scene.bot.settle()  # ESET's devices are read too
        yield scene
