"""`run`: the bot until it is told to stop, or until a service refuses its credentials at the start."""

import asyncio
import signal
from contextlib import suppress
from typing import Any

import click
import structlog

from bot import app
from bot.config import Config
from bot.errors import UpstreamError
from bot.flows import check as doctor

STOPPED, REFUSED = 0, 3
log = structlog.get_logger("bot.main")


async def serve(config: Config) -> int:
    """The exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with app.running(config, on_record=True) as bot:
        _warn(config)
        stopped = asyncio.create_task(stop.wait())
        either: set[asyncio.Future[Any]] = {stopped, bot.refusal}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        with suppress(asyncio.CancelledError):
            await stopped
        if stop.is_set():
            log.info("stopping")
            return STOPPED
        click.echo(refusal(bot.refusal.result()), err=True)
        return REFUSED


def _warn(config: Config) -> None:
    """What is allowed but worth a line at start."""
    if config.follow_up.every.total_seconds() < 90:
        log.warning("follow_up.every is below the 90 seconds that N-able asks for between automated calls")
    if not config.approvals.channel or not config.approvals.approvers:
        log.warning("retry requests are refused: approvals.channel and approvals.approvers are not both set")


def refusal(error: UpstreamError) -> str:
    """The sentence that helps when a service does not take the credentials."""
    return (
        f"{doctor.told(error)}.\n{doctor.advice(error)}\n"
        "Restarting will not help before that is mended: let a supervisor wait minutes, not seconds "
        f"(reference {error.reference})."
    )
