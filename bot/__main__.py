"""The front door: ``python -m bot …`` and ``patches-bot …``. Exit 2: configuration or arguments are wrong.

What a command does is in ``bot.errands`` and imported when the command is given.
"""

import asyncio
import io
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NoReturn, TypeVar

import click
import structlog

from bot import __version__, log, manifest
from bot.config import Config, Need, load
from bot.errors import ConfigError, TrailUnwritableError, UnreadableError

T = TypeVar("T")
STOPPED, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130
LOG = structlog.get_logger("bot.main")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="patches-bot")
def main() -> None:
    """Patches: ESET's failed patches in Slack, N-sight retries after somebody else's approval."""
    # From here on even a crash goes through the redactor; `_config` tells it this installation's secrets.
    log.configure("console", "warning", [])
    sys.excepthook = _crashed
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@main.command()
def run() -> None:
    """Run the bot until SIGTERM or SIGINT."""
    config = _config(Need.ALL)
    from bot.errands import run as errand

    sys.exit(_run(errand.serve(config), interrupted=STOPPED))


@main.command()
@click.option("--tour", is_flag=True, help="Play the main job as text and end.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option("--port", default=0, show_default="any", help="Port of the page.")
def demo(tour: bool, no_browser: bool, port: int) -> None:
    """Try it: the same bot against stand-ins of Slack, ESET and N-sight. Needs no account and no network."""
    if tour:
        from bot.demo import tour as story

        sys.exit(_run(story.tell()))
    from bot.demo import page

    sys.exit(_run(page.serve(port=port, browser=not no_browser), interrupted=STOPPED))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def check(as_json: bool) -> None:
    """Doctor: what works, what does not, and how to mend it. Changes nothing."""
    config = _config(Need.ALL, quiet=True)
    from bot.errands import check as errand

    sys.exit(0 if _run(errand.tell(config, as_json=as_json)) else FAILED)


@main.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print it and post nothing.")
def digest(name: str, dry_run: bool) -> None:
    """Post the digest NAME now; the schedule stays as it is."""
    config = _config(Need.ALL)
    from bot.errands import digest as errand

    sys.exit(0 if _run(errand.post(config, name, dry_run=dry_run)) else FAILED)


@main.group()
def audit() -> None:
    """The audit trail. Needs DATABASE_URL only."""


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", metavar="WHEN", help="2026-11-01, 2026-11-01T08:00:00Z, or a span such as 7d.")
def export(form: str, since: str | None) -> None:
    """Print the audit trail. That it was printed is put on record in it."""
    from bot.errands import ledger
    from bot.flows import trail

    now = datetime.now(UTC)
    start, faults = _argument("--since", since, lambda text: trail.parse_since(text, now))
    config = _config(Need.DATABASE, faults)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    sys.exit(_run(ledger.export(config.database.url.reveal(), trail.Export(form, start, now))))


@audit.command()
@click.option("--head", metavar="HASH", help="A head noted earlier: finds out whether a tail was cut off.")
def verify(head: str | None) -> None:
    """Walk the hash chain."""
    from bot.errands import ledger
    from bot.flows import trail

    expected, faults = _argument("--head", head, trail.parse_head)
    config = _config(Need.DATABASE, faults)
    sys.exit(_run(ledger.verify(config.database.url.reveal(), expected)))


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
    url = _config(Need.DATABASE).database.url.reveal()
    from bot.errands import ledger

    sys.exit(_run(ledger.migrate(url)))


# ---------------------------------------------------------------- arguments, faults, exit status


def _argument(name: str, text: str | None, parse: Callable[[str | None], T]) -> tuple[T | None, list[str]]:
    """The parsed option, and its fault, to be told together with the configuration's."""
    try:
        return parse(text), []
    except ValueError as error:
        return None, [f"{name}: {error}"]


def _config(need: Need, faults: Sequence[str] = (), *, quiet: bool = False) -> Config:
    """The configuration; ends the program when it has faults, after telling ``faults`` with them. ``quiet``: what is
    printed says it all, so the log is for errors alone unless LOG_LEVEL asks for more."""
    try:
        config = load(os.environ, need=need)
    except ConfigError as error:
        _wrong([*faults, *error.faults])
    if faults:
        _wrong(faults)
    level = "error" if quiet and not os.environ.get("LOG_LEVEL") else config.log.level
    log.configure(config.log.format, level, config.secrets())
    return config


def _run(work: Coroutine[Any, Any, T], *, interrupted: int = INTERRUPTED) -> T:
    try:
        return asyncio.run(work)
    except ConfigError as error:
        _wrong(error.faults)
    except TrailUnwritableError as error:
        click.echo(f"The database cannot be written: {error}", err=True)
        sys.exit(FAILED)
    except UnreadableError as error:
        click.echo(f"The database cannot be read: {error}", err=True)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(interrupted)


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """In place of Python's own hook, which would print exception texts as they are; the exit status stays 1."""
    LOG.critical("crashed", exc_info=(kind, error, trace))
    click.echo("Stopped by a fault of the program itself; the log line above tells where.", err=True)


def _wrong(faults: Sequence[str]) -> NoReturn:
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(WRONG)


if __name__ == "__main__":
    main(prog_name="python -m bot")
