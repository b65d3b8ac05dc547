"""`digest`: one digest, now."""

import click

from bot import app, commands
from bot.config import Config
from bot.errors import ConfigError, Refused, UpstreamError
from bot.flows import check as doctor
from bot.flows import digest as digests
from bot.flows import terminal


async def post(config: Config, name: str, *, dry_run: bool) -> bool:
    """Whether it was posted, or, for ``dry_run``, printed. ConfigError when no digest has that name."""
    plan = _named(config, name)
    async with app.assembled(config) as services:
        try:
            if dry_run:
                click.echo(terminal.plain(await digests.preview(services, plan)))
            else:
                await digests.post_now(services, plan, "cli", _silent)
                click.echo(f"Posted {plan}.")
        except Refused as refused:
            click.echo(terminal.words(refused.sentence), err=True)
            return False
        except UpstreamError as error:
            click.echo(f"Not posted: {doctor.told(error)}.\n{doctor.advice(error)}", err=True)
            return False
    return True


def _named(config: Config, name: str) -> str:
    try:
        return commands.match_plan(name, [plan.name for plan in config.digests])
    except Refused as refused:
        raise ConfigError([f"NAME: {terminal.words(refused.sentence)}"]) from None


async def _silent(_sentence: str) -> None:
    """A command line shows no progress while it waits for ESET."""
