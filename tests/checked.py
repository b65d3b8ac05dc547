"""A configuration with a bit of everything, and what `check` finds with it in a world of stand-ins."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from bot import config
from bot.config import Config
from bot.demo.world import World
from bot.flows import check
from bot.flows.check import Finding
from tests.laid import lay

WHOLE = """
[access]
commands = ["S0HELPDESK", "U0DAVE"]
[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM", "U0DAVE"]
[[digests]]
name = "daily"
channel = "C0PATCHNEWS"
cron = "0 9 * * 1-5"
timezone = "Europe/Berlin"
"""
JSON = {"Content-Type": "application/json"}
FRIDAY = datetime(2026, 10, 23, 12, 0, tzinfo=UTC)


def wall_clock() -> datetime:
    return datetime.now(UTC)


def loaded(world: World, folder: Path, toml: str = WHOLE, **changes: str) -> Config:
    return config.load({**world.env(folder, toml), **changes})


async def examined(settings: Config, now: Callable[[], datetime] = wall_clock) -> dict[str, Finding]:
    """Findings by name."""
    return {finding.name: finding for finding in await check.examine(settings, now)}


async def looked(world: World, folder: Path, toml: str = WHOLE, **changes: str) -> dict[str, Finding]:
    """The same against a database that is there."""
    settings = loaded(world, folder, toml, **changes)
    await lay(folder)
    return await examined(settings)


def failing(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.ok is False}


def the_failure(findings: dict[str, Finding]) -> Finding:
    (failure,) = (finding for finding in findings.values() if finding.ok is False)
    assert failure.mend, "whoever reads it wants to know what to do"
    return failure
