"""`digest`: one digest, now."""

import contextlib
import sys

import click

from bot import app
from bot.config import Config
from bot.digests import DigestPlan, next_slot
from bot.errors import ConfigError, Refused, UpstreamError
from bot.flows import check as doctor
from bot.flows import digest as digests
from bot.flows import inventory, plans, terminal
from bot.flows.check.timetable import shown
from bot.flows.services import Services


async def post(config: Config, name: str, *, dry_run: bool) -> bool:
    """Whether it was posted, or, for ``dry_run``, printed. ConfigError when no digest has that name."""
    async with app.assembled(config) as services:
        plan = await _named(services, name)
        try:
            await _know_devices(services)
            if dry_run:
                messages = await digests.preview(services, plan.name)
                click.echo("\n\n".join([await _where(services, plan), *map(terminal.plain, messages)]))
            else:
                await digests.post_now(services, plan.name, "cli", _silent)
                click.echo(f"Posted {plan.name}.")
        except Refused as refused:
            click.echo(terminal.words(refused.sentence), err=True)
            return False
        except UpstreamError as error:
            click.echo(f"Not posted: {doctor.told(error)}.\n{doctor.advice(error)}", err=True)
            return False
    return True


async def _know_devices(services: Services) -> None:
    """On a database that no bot has worked with yet, no device has a client or a kind."""
    if await services.store.inventory_at() is None:
        if sys.stderr.isatty():
            click.echo("Reading N-sight's devices first; with many clients that takes minutes…", err=True)
        with contextlib.suppress(UpstreamError):
            await inventory.sweep(services)


async def _where(services: Services, plan: DigestPlan) -> str:
    """Such as ``For #patch-news (C0PATCHNEWS), next Fri 2025-03-14 09:00 Europe/Berlin (Fri 08:00 UTC)``."""
    try:
        channel = f"#{(await services.people.room(plan.channel)).name} ({plan.channel})"
    except UpstreamError:
        channel = plan.channel
    slot = shown(next_slot(plan, services.now()), plan.timezone)
    return terminal.line(f"For {channel}, {'paused' if plan.paused else f'next {slot}'}")


async def _named(services: Services, name: str) -> DigestPlan:
    try:
        return await plans.named(services, name)
    except Refused as refused:
        raise ConfigError([f"NAME: {terminal.words(refused.sentence)}"]) from None


async def _silent(_sentence: str) -> None:
    """A command line shows no progress while it waits for ESET."""
