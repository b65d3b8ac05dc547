"""The front door: ``python -m bot …`` and ``patches-bot …``. Exit 2: configuration or arguments are wrong."""

import asyncio
import io
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn, TypeVar

import click
import structlog

from bot import __version__, app, commands, log, manifest
from bot.config import Config, Need, load
from bot.errors import ConfigError, Refused, TrailUnwritableError, UpstreamError
from bot.flows import check as doctor
from bot.flows import digest as digests
from bot.flows import terminal, trail
from bot.store import Store

T = TypeVar("T")
STOPPED, FAILED, WRONG, REFUSED, INTERRUPTED = 0, 1, 2, 3, 130
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
    sys.exit(_run(_serve(config), interrupted=STOPPED))


@main.command()
@click.option("--tour", is_flag=True, help="Play the main job as text and end.")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option("--port", default=0, show_default="any", help="Port of the page.")
def demo(tour: bool, no_browser: bool, port: int) -> None:
    """Try it: the same bot against stand-ins of Slack, ESET and N-sight. Needs no account and no network."""
    if tour:
        from bot.demo import tour as story  # noqa: PLC0415  the stand-ins are no part of a bot at work

        sys.exit(_run(story.tell()))
    from bot.demo import page  # noqa: PLC0415

    sys.exit(_run(page.serve(port=port, browser=not no_browser), interrupted=STOPPED))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
def check(as_json: bool) -> None:
    """Doctor: what works, what does not, and how to mend it. Changes nothing."""
    config = _config(Need.ALL, quiet=True)
    if sys.stderr.isatty():
        click.echo("Asking Slack, ESET and N-sight; ESET can take minutes to answer…", err=True)
    findings = _run(doctor.examine(config, app.wall_clock))
    click.echo(doctor.as_json(findings) if as_json else doctor.as_text(findings))
    sys.exit(0 if doctor.all_good(findings) else FAILED)


@main.command()
@click.argument("name")
@click.option("--dry-run", is_flag=True, help="Print it and post nothing.")
def digest(name: str, dry_run: bool) -> None:
    """Post the digest NAME now; the schedule stays as it is."""
    config = _config(Need.ALL)
    try:
        plan = commands.match_plan(name, [plan.name for plan in config.digests])
    except Refused as refused:
        _wrong([f"NAME: {terminal.words(refused.sentence)}"])
    sys.exit(_run(_digest(config, plan, dry_run)))


@main.group()
def audit() -> None:
    """The audit trail. Needs DATABASE_URL only."""


@audit.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl", show_default=True)
@click.option("--since", metavar="WHEN", help="2026-11-01, 2026-11-01T08:00:00Z, or a span such as 7d.")
def export(form: str, since: str | None) -> None:
    """Print the audit trail. That it was printed is put on record in it."""
    now = app.wall_clock()
    start, faults = _argument("--since", since, lambda text: trail.parse_since(text, now))
    config = _config(Need.DATABASE, faults)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="")
    wanted = trail.Export(form, start, now)
    store = trail.opened(config.database.url.reveal())
    sys.exit(_run(_with_store(store, lambda it: trail.export(it, wanted, sys.stdout, sys.stderr))))


@audit.command()
@click.option("--head", metavar="HASH", help="A head noted earlier: finds out whether a tail was cut off.")
def verify(head: str | None) -> None:
    """Walk the hash chain."""
    expected, faults = _argument("--head", head, trail.parse_head)
    config = _config(Need.DATABASE, faults)
    store = trail.opened(config.database.url.reveal())
    sys.exit(_run(_with_store(store, lambda it: trail.verify(it, expected, sys.stdout))))


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

    url = _config(Need.DATABASE).database.url.reveal()
    sys.exit(_run(_with_store(Store.open(url), nothing_more)))


# ---------------------------------------------------------------- what the commands do


async def _serve(config: Config) -> int:
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
            LOG.info("stopping")
            return 0
        click.echo(refusal(bot.refusal.result()), err=True)
        return REFUSED


def _warn(config: Config) -> None:
    """What is allowed but worth a line at start."""
    if config.follow_up.every.total_seconds() < 90:
        LOG.warning("follow_up.every is below the 90 seconds that N-able asks for between automated calls")
    if not config.approvals.channel or not config.approvals.approvers:
        LOG.warning("retry requests are refused: approvals.channel and approvals.approvers are not both set")


def refusal(error: UpstreamError) -> str:
    """The sentence that helps when a service does not take the credentials."""
    return (
        f"{doctor.told(error)}.\n{doctor.advice(error)}\n"
        "Restarting will not help before that is mended: let a supervisor wait minutes, not seconds "
        f"(reference {error.reference})."
    )


async def _digest(config: Config, name: str, dry_run: bool) -> int:
    async with app.assembled(config) as services:
        try:
            if dry_run:
                click.echo(terminal.plain(await digests.preview(services, name)))
            else:
                await digests.post_now(services, name, "cli", _silent)
                click.echo(f"Posted {name}.")
        except Refused as refused:
            click.echo(terminal.words(refused.sentence), err=True)
            return FAILED
        except UpstreamError as error:
            click.echo(f"Not posted: {doctor.told(error)}.\n{doctor.advice(error)}", err=True)
            return FAILED
    return 0


async def _silent(_sentence: str) -> None:
    """A command line shows no progress while it waits for ESET."""


async def _with_store(opening: Awaitable[Store], work: Callable[[Store], Awaitable[int]]) -> int:
    store = await opening
    try:
        return await work(store)
    finally:
        await store.close()


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
