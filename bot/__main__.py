"""The front door: ``python -m bot …`` and ``patches-bot …``. Exit 2: configuration or arguments are wrong."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, NoReturn, TypeVar

import click
import structlog

from bot import __version__, app, log, manifest
from bot.config import Config, Need, load
from bot.errors import ConfigError, Refused, TrailUnwritableError, UpstreamError
from bot.flows import check as doctor
from bot.flows import digest as digests
from bot.flows import trail
from bot.store import Store

T = TypeVar("T")
WRONG, REFUSED = 2, 3
LOG = structlog.get_logger("bot.main")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="patches-bot")
def main() -> None:
    """Patches: ESET's failed patches in Slack, N-sight retries after somebody else's approval."""


@main.command()
def run() -> None:
    """Run the bot until SIGTERM or SIGINT."""
    config = _config(Need.ALL)
    sys.exit(_run(_serve(config)))


@main.command()
@click.option("--tour", is_flag=True, help="Play the main job as text and end.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option("--port", default=0, show_default="any", help="Port of the page.")
def demo(tour: bool, no_browser: bool, port: int) -> None:
    """Try it: the same bot against stand-ins of Slack, ESET and N-sight. Needs no account and no network."""
    from bot.demo import page  # noqa: PLC0415  the stand-ins are no part of a bot at work
    from bot.demo import tour as story

    log.configure("console", "warning", [])
    sys.exit(_run(story.tell() if tour else page.serve(port=port, browser=not no_browser)))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def check(as_json: bool) -> None:
    """Doctor: what works, what does not, and how to mend it. Changes nothing."""
    findings = _run(_check(_config(Need.ALL)))
    click.echo(doctor.as_json(findings) if as_json else doctor.as_text(findings))
    sys.exit(0 if all(finding.ok is not False for finding in findings) else 1)


@main.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print it and post nothing.")
def digest(name: str, dry_run: bool) -> None:
    """Post the digest NAME now; the schedule stays as it is."""
    sys.exit(_run(_digest(_config(Need.ALL), name, dry_run)))


@main.group()
def audit() -> None:
    """The audit trail. Needs DATABASE_URL only."""


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", metavar="WHEN", help="2026-11-01, 2026-11-01T08:00:00Z, or a span such as 7d.")
def export(form: str, since: str | None) -> None:
    """Print the audit trail."""
    config = _config(Need.DATABASE)
    try:
        start = trail.parse_since(since, app.wall_clock())
    except ValueError as error:
        _wrong([f"--since: {error}"])
    sys.exit(_run(_with_store(config, lambda store: trail.export(store, form, start, sys.stdout))))


@audit.command()
@click.option("--head", metavar="HASH", help="A head noted earlier: finds out whether a tail was cut off.")
def verify(head: str | None) -> None:
    """Walk the hash chain."""
    sys.exit(_run(_with_store(_config(Need.DATABASE), lambda store: trail.verify(store, head, sys.stdout))))


@main.command(name="manifest")
@click.option("--http", "url", metavar="URL", help="For HTTP mode: the public address Slack reaches the bot at.")
def manifest_(url: str | None) -> None:
    """Print the Slack app manifest."""
    try:
        click.echo(manifest.render(url), nl=False)
    except ConfigError as error:
        _wrong(error.faults)


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""

    async def nothing_more(store: Store) -> int:
        number, head = await store.head()
        click.echo(f"The database has the newest schema. Audit trail: {number} rows, head {head}")
        return 0

    sys.exit(_run(_with_store(_config(Need.DATABASE), nothing_more)))


# ---------------------------------------------------------------- what the commands do


async def _serve(config: Config) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with app.running(config) as bot:
        _warn(config)
        await _note_start(bot.services.store)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({stopped, bot.refusal}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        with suppress(asyncio.CancelledError):
            await stopped
        if stop.is_set():
            LOG.info("stopping")
            return 0
        click.echo(refusal(bot.refusal.result()), err=True)
        return REFUSED


async def _note_start(store: Store) -> None:
    number, head = await store.head()
    LOG.info("started", version=__version__, audit_rows=number, audit_head=head)


def _warn(config: Config) -> None:
    """What is allowed but worth a line at start."""
    if config.follow_up.every.total_seconds() < 90:
        LOG.warning("follow_up.every is below the 90 seconds that N-able asks for between automated calls")
    if not config.approvals.channel or not config.approvals.approvers:
        LOG.warning("retry requests are refused: approvals.channel and approvals.approvers are not both set")


def refusal(error: UpstreamError) -> str:
    """The sentence that helps when a service does not take the credentials."""
    said = f" It said: {error.words}" if error.words else ""
    return (
        f"{error.service} refused the credentials at start.{said}\n{doctor.advice(error)}\n"
        "Restarting will not help before that is mended: let a supervisor wait minutes, not seconds "
        f"(reference {error.reference})."
    )


async def _check(config: Config) -> list[doctor.Finding]:
    async with app.assembled(config) as services:
        return await doctor.examine(services)


async def _digest(config: Config, name: str, dry_run: bool) -> int:
    async with app.assembled(config) as services:
        try:
            if dry_run:
                click.echo(doctor.plain(await digests.preview(services, name)))
            else:
                await digests.post_now(services, name, "cli", _silent)
                click.echo(f"Posted {name}.")
        except Refused as refused:
            click.echo(refused.sentence, err=True)
            return 1
        except (UpstreamError, TrailUnwritableError) as error:
            click.echo(f"Not posted: {error}", err=True)
            return 1
    return 0


async def _silent(_sentence: str) -> None:
    """A command line shows no progress while it waits for ESET."""


async def _with_store(config: Config, work: Any) -> int:
    store = await Store.open(config.database.url.reveal(), migrate=config.database.migrate)
    try:
        result: int = await work(store)
        return result
    finally:
        await store.close()


# ---------------------------------------------------------------- arguments, faults, exit status


def _config(need: Need) -> Config:
    try:
        config = load(os.environ, need=need)
    except ConfigError as error:
        _wrong(error.faults)
    log.configure(config.log.format, config.log.level, config.secrets())
    return config


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except ConfigError as error:
        _wrong(error.faults)
    except TrailUnwritableError as error:
        click.echo(f"The database cannot be written: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(0)


def _wrong(faults: list[str]) -> NoReturn:
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(WRONG)


if __name__ == "__main__":
    main(prog_name="python -m bot")
