"""``python -m bot demo``: a page on which a person types and presses in the stand-in of Slack, with the bot at work.

It opens just after nine, when the morning's digest has been posted. How fast time runs is in `tempo`.
"""

import asyncio
import contextlib
import os
import signal
import sys
import webbrowser
from collections.abc import AsyncIterator

import click
from aiohttp import web

from bot import log
from bot.demo import setting
from bot.demo.clock import Clock
from bot.demo.page import tempo
from bot.demo.page.acts import Acts
from bot.demo.page.files import Files
from bot.demo.page.guard import dressed, guarded
from bot.demo.page.hours import Hours
from bot.demo.page.levers import HALF_HOUR, Levers
from bot.demo.page.stream import Stream
from bot.demo.page.trace import Trace
from bot.demo.page.uploads import Uploads
from bot.demo.setting import Setting
from bot.demo.world import World
from bot.errors import ConfigError

CRON = "0 9 * * *"  # the demo's first morning begins half an hour before
DOWN = 4.0  # seconds
LEVELS = ("debug", "info", "warning", "error")


async def serve(*, port: int, browser: bool) -> int:
    """Serves the page until SIGINT or SIGTERM; returns the exit status 0. ``port`` 0: any that is free.

    Raises ConfigError when the port cannot be used.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C ends it as a KeyboardInterrupt
            loop.add_signal_handler(number, stop.set)
    log.configure("console", _level(), [])
    world = World(clock=Clock(speed=tempo.SLOW, fastest=tempo.FAST))
    async with (
        setting.opened(world=world, cron=CRON, every="5m", expires="24h", tick=1.0, down=DOWN) as scene,
        hosted(scene, port) as address,
        tempo.kept(world),
    ):
        await Hours(scene).go_by(HALF_HOUR)
        click.echo(f"Open {address}/ in a browser. Ctrl-C ends the demo.")
        if browser and _desktop():
            await asyncio.to_thread(webbrowser.open, f"{address}/")
        await stop.wait()
    click.echo("The demo has ended. Nothing of it is left.")
    return 0


@contextlib.asynccontextmanager
async def hosted(scene: Setting, port: int = 0) -> AsyncIterator[str]:
    """The page of a setting, on loopback, until the block ends. Yields its address, without a slash at the end."""
    trace = Trace(scene)
    levers = Levers(scene, trace)
    stream = Stream(scene, trace, levers)
    app = web.Application(middlewares=[guarded], client_max_size=64 * 1024)
    for part in (Files(), stream, Acts(scene), levers, trace, Uploads(scene)):
        app.add_routes(part.routes())
    app.on_response_prepare.append(dressed)
    app.on_shutdown.append(stream.end)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or error
            raise ConfigError([f"--port: 127.0.0.1:{port} cannot be used ({why})"]) from None
        with trace.attached(), levers.attached():
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _level() -> str:
    """Errors alone unless LOG_LEVEL asks for more: what the bot warns of is brought about here, and is on the page."""
    level = os.environ.get("LOG_LEVEL", "").lower()
    return level if level in LEVELS else "error"


def _desktop() -> bool:
    """Whether there is a screen on which a browser could open."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
