"""The stage on which scenes are played: the whole bot, on real sockets, in a world of stand-ins."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from bot.app import App, Pace, running
from bot.clients import eset, nsight
from bot.config import Config, load
from bot.demo.slack.exchange import Exchange
from bot.demo.slack.model import Shown, View
from bot.demo.world import World
from bot.messenger import Pace as SlackPace
from bot.socket_mode import Pace as SocketPace
from bot.store import AuditRow
from tests.laid import lay

QUICK = Pace(
    eset=eset.Pace(
        poll_first=0.01, poll_most=0.05, backoff_first=0.01, backoff_most=0.05, calls_per_second=900, deadline=5
    ),
    nsight=nsight.Pace(backoff_first=0.01, backoff_most=0.05, read=5, write=5),
    slack=SlackPace(per_channel=0, timeout=5),
    socket=SocketPace(watch=0.05, grace=0.5, again_first=0.05, again_most=0.2),
    sweep_spacing=0,
    tick=0,
    finish=10,
)

CONFIG = """
[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM"]

[[digests]]
name = "daily"
channel = "C0PATCHNEWS"
cron = "0 9 * * 1-5"
timezone = "Europe/Berlin"
picture = "never"
"""

SELDOM = '[eset]\nevery = "30d"\n\n'  # put before a configuration: only digests and people make the bot ask ESET

NO_PLANS = """
[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM"]
"""
_knew: list[bytes] = []  # made by the first scene that needs it


class Stage:
    """A world and the bot in it. Time stands still until ``later``; nothing happens by itself but what people do."""

    def __init__(self, world: World, bot: App, folder: Path, config: Config) -> None:
        self.world, self.bot, self.folder, self.config = world, bot, folder, config

    async def says(self, user: str, text: str, channel: str = "C0HELPDESK") -> Exchange:
        return await self.world.slack.says(user, text, channel)

    async def asks(self, user: str, text: str) -> Shown:
        """Says it, lets the bot finish, and reads the final answer."""
        exchange = await self.says(user, text)
        await exchange.answer()
        await self.bot.settle()
        return exchange.answers[-1]

    async def clicks(self, user: str, button: str, in_: Shown | None = None) -> Exchange:
        exchange = await self.world.slack.clicks(user, button, in_)
        await self.bot.settle()
        return exchange

    async def later(self, by: timedelta) -> None:
        """Time goes by, and the scheduler looks once at everything that is due."""
        self.world.clock.advance(by)
        await self.bot.tick()

    async def submits(self, user: str, values: Mapping[str, str | Sequence[str]] | None = None) -> dict[str, str]:
        """Fills and submits the open modal; returns the errors shown in it, none when it was accepted."""
        errors = await self.world.slack.submits(user, values)
        await self.bot.settle()
        return errors or {}

    async def opens(self, user: str, button: str, in_: Shown | None = None, *, saying: str = "") -> View:
        """Presses a button that opens a modal; the modal, once it says ``saying`` (it may load first)."""
        await self.clicks(user, button, in_)
        return await self.world.slack.view_of(user, saying=saying)

    def told(self, user: str) -> str:
        """The newest private answer to what ``user`` did last; empty when there was none."""
        answers = self.world.slack.last[user].answers
        return answers[-1].plain if answers else ""

    def posted(self, channel: str) -> list[Shown]:
        """What the bot has posted in a channel for all to see, oldest first, replies in threads left out."""
        messages = [shown for shown in self.world.slack.messages if shown.channel == channel and not shown.deleted]
        return [shown for shown in messages if not (shown.ephemeral_to or shown.thread_ts)]

    async def trail(self) -> list[AuditRow]:
        """The audit trail, oldest row first."""
        return [row async for row in self.bot.services.store.rows()]

    async def actions(self) -> list[str]:
        """What the audit trail says was done, oldest first."""
        return [row.action for row in await self.trail()]

    @property
    def card(self) -> Shown:
        """The newest card in the approvals channel."""
        return self.posted("C0PATCHAPPROVE")[-1]

    def direct(self, user: str) -> list[str]:
        """What the bot has told a person directly, oldest first."""
        space = self.world.slack.space
        mine = space.direct(space.user(user).id).id
        return [shown.plain for shown in space.messages if shown.channel == mine]

    @property
    def retries(self) -> list[tuple[int, tuple[int, ...]]]:
        """Every patch_retry that has arrived at N-sight."""
        return [(retry.device_id, tuple(retry.ids)) for retry in self.world.nsight.retries]


@contextlib.asynccontextmanager
async def staged(
    folder: Path, *, config: str = CONFIG, pace: Pace = QUICK, world: World | None = None, first: bool = False
) -> AsyncIterator[Stage]:
    """Opens the curtain: when the stage is yielded, the bot is connected and knows N-sight's inventory.

    In a world of its own it has run before and comes back to what it knew a moment ago, unless this is its ``first``
    start; in a ``world`` that is given it starts with an empty database.
    """
    async with contextlib.AsyncExitStack() as stack:
        if world is None and not first:
            await lay_what_it_knew(folder)
        if world is None:
            world = await stack.enter_async_context(World())
        world.eset.calls_per_second = 1000  # a limit in real time, on which `test_eset_client` has its say
        loaded = load(world.env(folder, config))
        await lay(folder)
        bot = await stack.enter_async_context(running(loaded, clock=world.clock.now, pace=pace))
        if loaded.slack.mode == "http":
            world.slack.request_url = f"http://127.0.0.1:{bot.http_port}/slack/events"
        await until_ready(bot, world)
        yield Stage(world, bot, folder, loaded)


async def lay_what_it_knew(folder: Path) -> None:
    """The database of a bot that has read everything in a fresh world: to read it takes longer than most scenes do."""
    path = folder / "patches.db"
    if path.exists():
        return
    if not _knew:
        async with staged(folder, config=NO_PLANS, first=True):
            pass
        _knew.append(path.read_bytes())
    path.write_bytes(_knew[0])


async def until_ready(bot: App, world: World) -> None:
    """Until Slack has a connection to this bot and the inventory is there."""
    await bot.ready()
    await bot.tick()


def nothing_left(stage: Stage) -> list[str]:
    """What no scene may leave behind: broken rules, clicks without an ack."""
    return [*stage.world.violations, *stage.world.slack.unacked]
