"""`check`: the doctor's findings."""

import sys

import click

from bot.app import wall_clock
from bot.config import Config
from bot.flows import check as doctor


async def tell(config: Config, *, as_json: bool) -> bool:
    """Whether all is well."""
    if sys.stderr.isatty():
        click.echo("Asking Slack, ESET and N-sight; ESET can take minutes to answer…", err=True)
    findings = await doctor.examine(config, wall_clock)
    click.echo(doctor.as_json(findings) if as_json else doctor.as_text(findings))
    return doctor.all_good(findings)
