"""Every failure mode there is, and then a search for every secret in logs, database, messages and metrics: none."""

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import log
from bot.demo.faults import Fault
from bot.demo.fleet import Machine
from bot.demo.slack.methods import METHODS
from bot.demo.world import World
from bot.model import PatchStatus
from tests.scenes.stage import CONFIG, SELDOM, Stage, staged

HTTP = CONFIG + '\n[slack]\nmode = "http"\n'
ESET, NSIGHT = ("token", "recent", "poll"), ("list_clients", "list_devices_at_client", "patch_list_all", "patch_retry")
DETAILS: dict[Fault, dict[str, Any]] = {Fault.SLOW: {"seconds": 0.02}, Fault.STATUS: {"status": 500}}
COMMON = [
    fault for fault in Fault if fault not in {Fault.BOMB, Fault.NO_STATUS, Fault.ALREADY, Fault.LATER, Fault.FAIL}
]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """What the program sets up for its whole life is undone after the test."""
    levels = {name: logging.getLogger(name).level for name in (*log.LIBRARIES, "bot", "__main__")}
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    yield
    root.handlers[:], root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    structlog.reset_defaults()


def victims(stage: Stage) -> Iterator[Machine]:
    """Machines with a failed patch, a new one for each play: a request that hangs holds its own."""
    for machine in list(stage.world.fleet.machines()):
        if machine.patching and any(patch.status is PatchStatus.FAILED for patch in machine.patches.values()):
            yield machine


async def says(stage: Stage, *typed: str) -> None:
    for text in typed:
        await stage.says("bob", f"/patches {text}")
        await stage.bot.settle()


async def play(stage: Stage, machine: Machine) -> None:
    """The main job, as far as it gets. What is shown on the way is not looked at here."""
    await says(stage, "recent all", f"device {machine.id}", f"retry {machine.id} failed", "digest now daily", "status")
    with contextlib.suppress(LookupError, AssertionError):
        await stage.clicks("ann", "Deny", stage.card)
        await stage.world.slack.submits("ann", {"Why?": "no"}, 0.01)
    with contextlib.suppress(LookupError):
        await stage.clicks("carl", "Approve", stage.card)
    for _ in range(2):
        await stage.later(timedelta(minutes=3))


async def break_everything(stage: Stage, machine: Machine, fault: Fault, times: int) -> None:
    """One play in which every call of every service meets ``fault`` so many times."""
    world, details = stage.world, DETAILS.get(fault, {})
    world.eset.expire_access_tokens()
    for place in ESET:
        if fault in COMMON or fault is Fault.LATER:
            world.eset.faults.add(place, fault, times=times, **details)
    for place in NSIGHT:
        if fault is not Fault.LATER:
            world.nsight.faults.add(place, fault, times=times, **details)
    for place in (*METHODS, "response_url"):
        if fault in COMMON:
            world.slack.faults.add(place, fault, times=times, **details)
    await play(stage, machine)
    for service in (world.eset, world.nsight, world.slack):
        service.faults.clear()
    await stage.later(timedelta(minutes=10))


async def echo(stage: Stage, machine: Machine) -> None:
    """Services that repeat in their error what they were sent, the key or token among it."""
    world = stage.world
    for secret in world.nsight.secrets():
        words = f"invalid: apikey={secret}&service=patch_list_all {secret}"
        world.nsight.faults.add("patch_list_all", Fault.FAIL, words=words)
        world.nsight.faults.add("patch_list_all", Fault.BODY, body=f"<html>GET /api/?{words}".encode(), status=403)
    await says(stage, f"device {machine.id}", f"device {machine.id}")
    for secret in world.eset.secrets()[-4:]:
        page = json.dumps({"error": secret, "error_description": f"Authorization: Bearer {secret}"}).encode()
        for status in (400, 403):
            world.eset.faults.add("recent", Fault.BODY, body=page, status=status)
            await says(stage, "recent")
            world.clock.advance(120)
    world.slack.faults.error("chat.postMessage", world.slack.tokens.bot)
    world.slack.faults.error("users.info", f"invalid_auth {world.slack.tokens.bot}")
    await says(stage, f"retry {machine.id} failed", "digest now daily")
    for service in (world.eset, world.nsight, world.slack):
        service.faults.clear()


def traces(stage: Stage, logged: str, metrics: bytes) -> dict[str, bytes]:
    """Everything that outlives a call, by where it is."""
    slack = stage.world.slack
    shown = [[m.text, m.blocks, [list(edit) for edit in m.edits]] for m in slack.messages]
    views = [view.source for view in slack.space.views.values()]
    files = {path.name: path.read_bytes() for path in stage.folder.glob("patches.db*")}
    screens = json.dumps([shown, views], ensure_ascii=False).encode()
    return {"log": logged.encode(), "screens": screens, "metrics": metrics, **files}


def found(secrets: Sequence[str], where: dict[str, bytes]) -> set[tuple[str, str]]:
    return {(secret, place) for secret in secrets for place, content in where.items() if secret.encode() in content}


async def searched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], faults: Sequence[Fault], times: int, config: str
) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world, config=config) as stage:
            log.configure("json", "debug", stage.config.secrets())
            machines = victims(stage)
            await play(stage, next(machines))
            for fault in faults:
                await break_everything(stage, next(machines), fault, times)
            await echo(stage, next(machines))
            world.slack.cut_sockets()
            await stage.bot.settle()
            metrics = stage.bot.services.metrics.text()
            where = traces(stage, capsys.readouterr().err, metrics)
        after = traces(stage, capsys.readouterr().err, metrics)
        assert found(world.secrets(), where) == set()
        assert found(world.secrets(), after) == set()
        # The search finds what is there: names of services, machines and plans, and failures of all three services.
        there = {place for _, place in found(["N-sight", "SRV-DC01", "daily"], where | {"closed": after["patches.db"]})}
        assert there >= {"log", "screens", "metrics", "patches.db-wal", "closed"}
        for words in ('"upstream.failed"', '"slack.failed"', '"slack.refused"', '"service": "ESET"', "reference"):
            assert words in where["log"].decode(), words


FEW = [Fault.CUT, Fault.REDIRECT, Fault.HTML, Fault.FAIL]


@pytest.mark.parametrize(
    "config", [pytest.param(CONFIG, id="socket"), pytest.param(HTTP, id="http", marks=pytest.mark.deep)]
)
async def test_no_failure_of_any_service_lets_a_secret_out(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await searched(tmp_path, capsys, FEW if config is CONFIG else FEW[:2], 1, SELDOM + config)


@pytest.mark.deep
@pytest.mark.timeout(900)
@pytest.mark.parametrize("times", [1, 2, 4])
async def test_no_failure_however_often_lets_a_secret_out(
    times: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await searched(tmp_path, capsys, list(Fault), times, CONFIG)
