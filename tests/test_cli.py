"""The program as an operator starts it: a process of its own, its exit status, and what it prints where.

Each command is started cold at least once here (`demo` in `test_tour` and `test_page`); the other runs are forked from
a process that has its imports behind it (`tests.programs`).
"""

import asyncio
import json
import os
import re
import signal
import socket
from asyncio.subprocess import Process
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from bot import __version__
from bot.demo.faults import Fault
from bot.demo.world import World
from bot.manifest import render
from bot.store import Entry, Store
from tests.laid import lay
from tests.programs import Program, fresh

ROOT = Path(__file__).parent.parent
WHOLE = """
[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM"]
[[digests]]
name = "daily"
channel = "C0PATCHNEWS"
cron = "0 9 * * 1-5"
"""


@dataclass(frozen=True)
class Done:
    status: int
    out: str
    err: str


async def start(
    folder: Path, *arguments: str, env: dict[str, str] | None = None, code: str = "", cold: bool = False
) -> Program | Process:
    """``python -m bot …`` (or ``code``) in ``folder``, with nothing in its environment but ``env``. ``cold``: Python
    starts, too, and imports what the command needs."""
    clean = {"PYTHONPATH": str(ROOT), "PATH": os.defpath, **(env or {})}
    if code:
        return await fresh("-c", code, *arguments, folder=folder, env=clean)
    if cold:
        return await fresh("-m", "bot", *arguments, folder=folder, env=clean)
    return await Program.start("bot", *arguments, folder=folder, env=clean)


async def ended(process: Program | Process) -> Done:
    out, err = await process.communicate()
    return Done(process.returncode or 0, out.decode(), err.decode())


async def ran(folder: Path, *arguments: str, env: dict[str, str] | None = None, cold: bool = False) -> Done:
    return await ended(await start(folder, *arguments, env=env, cold=cold))


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def leaks(world: World, done: Done) -> list[str]:
    return [secret for secret in world.secrets() if secret in done.out + done.err]


# ---------------------------------------------------------------- what needs nothing


async def test_without_a_command_it_lists_them_and_that_is_a_wrong_use(tmp_path: Path) -> None:
    done = await ran(tmp_path, cold=True)
    assert done.status == 2
    assert all(word in done.err for word in ("run", "demo", "check", "digest", "audit", "manifest", "migrate"))


async def test_the_version_is_told(tmp_path: Path) -> None:
    done = await ran(tmp_path, "--version")
    assert (done.status, __version__ in done.out) == (0, True)


@pytest.mark.parametrize("arguments", [("fly",), ("run", "--fast"), ("audit", "export", "--format", "xml")])
async def test_an_unknown_argument_is_a_wrong_use(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = await ran(tmp_path, *arguments)
    assert (done.status, done.out) == (2, "")
    assert arguments[-1] in done.err


async def test_the_manifest_needs_no_configuration_at_all(tmp_path: Path) -> None:
    done = await ran(
        tmp_path, "manifest", env={"SLACK_BOT_TOKEN": "nonsense", "PYTHONIOENCODING": "latin-1"}, cold=True
    )
    assert (done.status, done.err) == (0, "")
    assert yaml.safe_load(done.out) == yaml.safe_load(render())
    assert (await ran(tmp_path, "manifest")).out == (ROOT / "manifest.yml").read_text(encoding="utf-8")
    assert files_in(tmp_path) == []


HEAVY = """
import sys
from bot import __main__
print(*sorted({"sqlalchemy", "alembic", "slack_bolt", "slack_sdk", "aiohttp", "httpx"} & set(sys.modules)))
"""


async def test_nobody_waits_for_libraries_that_a_command_does_not_need(tmp_path: Path) -> None:
    done = await ended(await start(tmp_path, code=HEAVY))
    assert (done.status, done.out.split(), done.err) == (0, [], "")


async def test_the_manifest_for_http_mode_has_the_address_and_a_wrong_one_is_refused(tmp_path: Path) -> None:
    done = await ran(tmp_path, "manifest", "--http", "https://patches.example.com")
    assert (done.status, done.out) == (0, render("https://patches.example.com"))
    done = await ran(tmp_path, "manifest", "--http", "patches.example.com")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert done.err.startswith("--http: ")


# ---------------------------------------------------------------- configuration

FIVE = """
[slack]
mode = "pigeon"
[approvals]
quorum = "two"
channel = "patch-approvals"
[follow_up]
evry = "15m"
"""
FAULTS = ["slack.mode", "approvals.channel", "approvals.quorum", "follow_up.evry", "NSIGHT_API_KEY"]


@pytest.mark.parametrize("command", [("run",), ("check", "--json")])
async def test_five_mistakes_give_five_lines_each_with_its_key_and_exit_2(
    world: World, tmp_path: Path, command: tuple[str, ...]
) -> None:
    env = world.env(tmp_path, FIVE) | {"NSIGHT_API_KEY": ""}
    done = await ran(tmp_path, *command, env=env)
    assert (done.status, done.out) == (2, "")
    lines = done.err.splitlines()
    assert sorted(line.partition(":")[0] for line in lines) == sorted(FAULTS)
    assert all(len(line.partition(": ")[2]) > 15 for line in lines), "a key alone helps nobody"
    assert (world.slack.calls, world.eset.calls, world.nsight.calls) == ([], [], [])
    assert files_in(tmp_path) == ["patches.toml"]


async def test_an_argument_and_the_configuration_are_told_together(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/no/such/folder/patches.db"}
    done = await ran(tmp_path, "audit", "export", "--since", "yesterday", env=env)
    assert done.status == 2
    assert [line.partition(":")[0] for line in done.err.splitlines()] == ["--since", "DATABASE_URL"]


async def test_a_port_that_is_taken_is_told_with_exit_2(world: World, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = await ran(tmp_path, "run", env=world.env(tmp_path) | {"BOT_HTTP": address, "LOG_LEVEL": "error"})
    assert done.status == 2
    (fault,) = done.err.splitlines()
    assert fault.startswith(f"BOT_HTTP: {address} ")


# ---------------------------------------------------------------- run


async def swept(world: World, folder: Path, **changes: str) -> dict[str, str]:
    """An environment for ``run`` whose database has an inventory, so that no sweep, a second for each call, begins."""
    env = world.env(folder, WHOLE)
    await lay(folder)
    store = await Store.open(env["DATABASE_URL"])
    await store.replace_inventory([], [], world.clock.now())
    await store.close()
    return env | changes


async def test_it_runs_until_sigterm_and_that_is_exit_0(world: World, tmp_path: Path) -> None:
    process = await start(tmp_path, "run", env=await swept(world, tmp_path), cold=True)
    await world.slack.connected()
    process.send_signal(signal.SIGTERM)
    done = await ended(process)
    assert (done.status, done.out) == (0, "")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert {"started", "stopping"} <= {event["event"] for event in events}
    assert not [event for event in events if event["level"] in {"error", "critical"}]
    assert leaks(world, done) == []


async def test_it_stops_the_same_way_while_a_service_keeps_it_waiting(world: World, tmp_path: Path) -> None:
    held = asyncio.Event()
    world.eset.faults.add("recent", Fault.SLOW, until=held)
    process = await start(tmp_path, "run", env=await swept(world, tmp_path))
    await world.eset.calls.reach("recent")
    await world.slack.connected()
    process.send_signal(signal.SIGINT)
    held.set()
    done = await ended(process)
    assert done.status == 0
    assert "Traceback" not in done.err


async def test_services_that_are_down_at_start_do_not_keep_it_from_running(world: World, tmp_path: Path) -> None:
    env = await swept(world, tmp_path)
    await world.eset.stop()
    await world.nsight.stop()
    process = await start(tmp_path, "run", env=env)
    await world.slack.connected()
    process.send_signal(signal.SIGTERM)
    assert (await ended(process)).status == 0


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("SLACK_BOT_TOKEN", "xoxb-1-revoked", ["Slack", "invalid_auth", "SLACK_BOT_TOKEN"]),
        ("SLACK_APP_TOKEN", "xapp-1-revoked", ["Slack", "invalid_auth", "SLACK_APP_TOKEN"]),
        ("ESET_PASSWORD", "Wrong & old", ["ESET", "ESET_PASSWORD", "Integrations"]),
        ("NSIGHT_API_KEY", "0123456789abcdef0123456789abcdef", ["N-sight", "territory", "NSIGHT_SERVER"]),
    ],
)
async def test_refused_credentials_at_start_end_it_with_3_and_the_sentence_that_helps(
    world: World, tmp_path: Path, name: str, value: str, words: list[str]
) -> None:
    done = await ran(tmp_path, "run", env=await swept(world, tmp_path, **{name: value}))
    assert done.status == 3
    told = "\n".join(line for line in done.err.splitlines() if not line.startswith("{"))
    assert all(word in told for word in words), told
    assert "supervisor wait minutes" in told
    reference = re.search(r"\(reference ([0-9a-f]{8})\)", told)
    assert reference is not None
    assert f'"reference": "{reference[1]}"' in done.err, "the log line with the details"
    assert value not in done.err
    assert leaks(world, done) == []


async def test_a_forbidden_eset_login_at_start_points_to_the_servers_address(world: World, tmp_path: Path) -> None:
    world.eset.faults.add("token", Fault.STATUS, times=None, status=403)
    done = await ran(tmp_path, "run", env=await swept(world, tmp_path))
    assert done.status == 3
    assert "IP address" in done.err


CRASH = """
import os
from bot import __main__ as program
from bot.config import Need

@program.main.command()
def crash():
    config = program._config(Need.ALL)
    raise RuntimeError(f"?apikey={config.nsight.api_key.reveal()} {config.eset.password.reveal()!r}")

program.main(["crash"])
"""


async def test_a_crash_is_logged_without_the_secrets_in_its_text(world: World, tmp_path: Path) -> None:
    done = await ended(await start(tmp_path, env=world.env(tmp_path), code=CRASH))
    assert done.status == 1
    assert "RuntimeError" in done.err
    assert "***" in done.err
    assert leaks(world, done) == []
    first, last = done.err.splitlines()
    assert json.loads(first)["event"] == "crashed"
    assert "fault of the program itself" in last


# ---------------------------------------------------------------- check


async def test_check_where_all_is_well_is_exit_0_and_quiet(world: World, tmp_path: Path) -> None:
    done = await ran(tmp_path, "check", env=world.env(tmp_path, WHOLE), cold=True)
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("\n\nNothing is wrong.\n")
    assert leaks(world, done) == []


async def test_check_with_five_things_broken_tells_five_right_sentences(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    world.slack.archive("C0PATCHAPPROVE")
    world.slack.free_plan()
    world.eset.faults.add("token", Fault.STATUS, times=None, status=403)
    env = world.env(tmp_path, WHOLE) | {"NSIGHT_API_KEY": "0123456789abcdef0123456789abcdef"}
    done = await ran(tmp_path, "check", env=env)
    assert (done.status, done.err) == (1, "")
    lines = done.out.splitlines()
    failures = {
        line[6:].partition(":")[0]: f"{line} {lines[at + 1]}" for at, line in enumerate(lines) if "FAIL" in line
    }
    right = {
        "approvals.channel": "archived",
        "approvals.approvers S0PATCHTEAM": "need a paid plan",
        "digests.daily": "/invite @Patches",
        "ESET login": "IP address",
        "N-sight": "another territory",
    }
    assert failures.keys() == right.keys()
    assert all(right[name] in told for name, told in failures.items())
    assert lines[-1].startswith("5 of ")
    assert leaks(world, done) == []


async def test_check_as_json_is_one_object_with_the_same_verdict(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    done = await ran(tmp_path, "check", "--json", env=world.env(tmp_path, WHOLE))
    told = json.loads(done.out)
    assert (done.status, told["ok"]) == (1, False)
    assert [finding["name"] for finding in told["findings"] if finding["ok"] is False] == ["digests.daily"]
    assert set(told["findings"][0]) == {"name", "ok", "sentence", "mend"}


# ---------------------------------------------------------------- digest


async def test_a_digest_is_posted_now(world: World, tmp_path: Path) -> None:
    world.new_failures()
    done = await ran(tmp_path, "digest", "Daily", env=world.env(tmp_path, WHOLE), cold=True)
    assert (done.status, done.out) == (0, "Posted daily.\n")
    message, *below = world.slack.messages
    assert message.channel == "C0PATCHNEWS"
    assert "failed patching attempt" in message.plain
    assert {shown.thread_ts for shown in below} == {message.ts}


async def test_a_dry_run_prints_the_digest_as_plain_text_and_posts_nothing(world: World, tmp_path: Path) -> None:
    world.new_failures()
    done = await ran(tmp_path, "digest", "daily", "--dry-run", env=world.env(tmp_path, WHOLE))
    assert done.status == 0
    assert re.search(r"^[\d,]+ failed patching attempts of", done.out, re.MULTILINE)
    assert "UTC" in done.out
    assert not re.search(r"<!date|\*\w|`|&amp;", done.out), "no markup of Slack's"
    assert world.slack.messages == []


async def test_a_dry_run_on_a_new_database_knows_the_devices_and_says_where_and_when(
    world: World, tmp_path: Path
) -> None:
    world.new_failures()
    config = WHOLE + 'timezone = "Europe/Berlin"\ngroup_by = "client"\n'
    done = await ran(tmp_path, "digest", "daily", "--dry-run", env=world.env(tmp_path, config))
    where = r"For #patch-news \(C0PATCHNEWS\), next \w{3} [-\d]+ 09:00 Europe/Berlin \(\w{3} 0[78]:00 UTC\)"
    assert re.fullmatch(where, done.out.splitlines()[0])
    assert "Contoso Ltd" in done.out
    assert "Client not known" not in done.out


async def test_an_unknown_digest_is_a_wrong_argument_and_the_nearest_is_named(world: World, tmp_path: Path) -> None:
    done = await ran(tmp_path, "digest", "dayly", env=world.env(tmp_path, WHOLE))
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("NAME: There is no digest dayly. Did you mean daily?")
    assert world.slack.messages == []


async def test_a_digest_that_slack_refuses_is_exit_1_with_slacks_code(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    done = await ran(tmp_path, "digest", "daily", env=world.env(tmp_path, WHOLE))
    assert (done.status, done.out) == (1, "")
    assert "Not posted: Slack refuses (not_in_channel)" in done.err
    assert "patches-bot check" in done.err


# ---------------------------------------------------------------- audit and migrate


async def trail_of(folder: Path, *actors: str) -> str:
    """A database in ``folder`` with one audit row for each actor; its head."""
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(folder)}")
    for actor in actors:
        await store.append(Entry(datetime(2026, 3, 2, 12, tzinfo=UTC), actor, "tested", "x", {"reason": "größer"}))
    _, head = await store.head()
    await store.close()
    return head


async def test_migrate_makes_the_database_and_needs_nothing_but_its_address(tmp_path: Path) -> None:
    env = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/trail.db"}
    for cold in (True, False):
        done = await ran(tmp_path, "migrate", env=env, cold=cold)
        assert (done.status, done.err) == (0, "")
        assert "newest schema" in done.out
    assert (tmp_path / "trail.db").exists()
    assert (await ran(tmp_path, "audit", "verify", env=env)).status == 0


async def test_migrate_of_what_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "patches.db").write_text("once upon a time " * 500)
    done = await ran(tmp_path, "migrate")
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("DATABASE_URL: ")
    assert "Traceback" not in done.err


@pytest.mark.parametrize("command", ["export", "verify"])
async def test_audit_makes_no_database_where_there_is_none(tmp_path: Path, command: str) -> None:
    done = await ran(tmp_path, "audit", command)
    assert (done.status, done.out) == (2, "")
    assert done.err.startswith("DATABASE_URL: there is no database at patches.db")
    assert files_in(tmp_path) == []


async def test_export_prints_utf_8_whatever_the_terminal_speaks(tmp_path: Path) -> None:
    await trail_of(tmp_path, "U0ANN", "U0BOB")
    done = await ran(tmp_path, "audit", "export", env={"PYTHONIOENCODING": "latin-1"}, cold=True)
    assert (done.status, done.err) == (0, "")
    assert [json.loads(line)["actor"] for line in done.out.splitlines()] == ["U0ANN", "U0BOB"]
    assert "größer" in done.out


async def test_export_as_csv_and_since(tmp_path: Path) -> None:
    await trail_of(tmp_path, "U0ANN")
    done = await ran(tmp_path, "audit", "export", "--format", "csv", "--since", "2026-03-02")
    assert (done.status, done.out.count("\r\n"), "U0ANN" in done.out) == (0, 2, True)
    assert "U0ANN" not in (await ran(tmp_path, "audit", "export", "--since", "2026-03-03")).out


async def test_verify_tells_rows_and_head_and_whether_a_noted_head_is_in_the_chain(tmp_path: Path) -> None:
    head = await trail_of(tmp_path, "U0ANN", "U0BOB")
    done = await ran(tmp_path, "audit", "verify", "--head", head, cold=True)
    assert (done.status, done.out.splitlines()[:2]) == (0, ["rows: 2", f"head: {head}"])
    done = await ran(tmp_path, "audit", "verify", "--head", "ab" * 32)
    assert (done.status, "BROKEN" in done.out) == (1, True)
    done = await ran(tmp_path, "audit", "verify", "--head", "short")
    assert (done.status, done.err.startswith("--head: ")) == (2, True)
