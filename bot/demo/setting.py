"""The demo's setting: a temporary folder, a world of stand-ins, and the bot at work in it."""

import contextlib
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

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
name = "failures"
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


@dataclass(frozen=True)
class Setting:
    world: World
    bot: App


@contextlib.asynccontextmanager
async def opened(
    *, world: World | None = None, cron: str, every: str, expires: str = "4h", tick: float
) -> AsyncIterator[Setting]:
    """The bot, connected and with N-sight's devices read, until the block ends; then its folder is gone.

    ``cron``: of the one digest, in UTC. ``every``: of the follow-up. ``tick``: seconds between two looks at what is
    due.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patches-demo-")))
        world = await stack.enter_async_context(world or World())
        config = load(world.env(folder, CONFIG.format(cron=cron, every=every, expires=expires)))
        pace = replace(QUICK, tick=tick)
        bot = await stack.enter_async_context(running(config, clock=world.clock.now, pace=pace))
        await bot.ready()
        await inventory.sweep(bot.services)  # shared with the bot's own first one, if that is under way
        await bot.settle()  # ESET's devices are read too
        yield Setting(world, bot)
