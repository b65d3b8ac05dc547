"""What every test shares."""

import gc
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

from bot import log
from bot.demo.clock import Clock
from bot.demo.slack import FakeSlack
from bot.demo.world import World
from tests import programs
from tests.examples import DEEP, PLAIN

gc.disable()  # until everything is loaded, see below

MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # bytes
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    # Each commit is synced, and a disk takes its time for that: a fifth of all. Tests kill programs, not machines.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_configure(config: pytest.Config) -> None:
    patient: dict[str, Any] = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}  # of a busy machine
    settings.register_profile("plain", max_examples=PLAIN, **patient)
    settings.register_profile("deep", max_examples=DEEP, **patient)
    settings.load_profile("deep" if _deep(config) else "plain")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Properties belong to the deep part, too, where they are held against more examples."""
    if _deep(config):
        for item in items:
            if isinstance(item, pytest.Function) and is_hypothesis_test(item.obj):
                item.add_marker(pytest.mark.deep)
                item.add_marker(pytest.mark.timeout(1800))


def _deep(config: pytest.Config) -> bool:
    return bool(config.option.markexpr == "deep")


def pytest_collection_finish() -> None:
    """What is loaded by now stays, and the garbage collector need not look at it again and again: a tenth of all."""
    gc.freeze()
    gc.enable()


def pytest_xdist_auto_num_workers() -> int | None:
    """One more than there are processors: many a scene waits, for a deadline, a disk or another process."""
    told = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")  # which xdist reads itself
    return None if told else (os.cpu_count() or 1) + 1


@pytest.fixture(scope="session", autouse=True)
def _last_of_the_programs() -> Iterator[None]:
    yield
    programs.close()


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """The program's own logging, one line an event, so that a failing test shows what the bot said."""
    log.configure("json", "warning", [])


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still."""
    return Clock()


@pytest.fixture
async def slack(clock: Clock) -> AsyncIterator[FakeSlack]:
    stand_in = FakeSlack(clock)
    await stand_in.start()
    yield stand_in
    await stand_in.stop()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """All three services in a world whose clock goes with the machine's own."""
    async with World(clock=Clock(datetime.now(UTC), speed=1)) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened
