"""How long ``/patches`` waits for its ack, beside a bare Bolt app, in the same run.

    python -m tests.bench.acks [--rounds 5] [--commands 60]

The stand-in of Slack sends a command, takes the time until the ack and lets the answer arrive before the next one.
Both bots are processes of their own and take turns round by round; what counts is the ratio of a round.
"""

import argparse
import asyncio
import contextlib
import itertools
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from bot.demo.clock import Clock
from bot.demo.world import World
from tests.scenes.stage import CONFIG

Times = list[float]
BETWEEN = 0.02  # seconds: people do not type back to back


@contextlib.asynccontextmanager
async def process(module: str, arguments: list[str], env: dict[str, str]) -> AsyncIterator[str]:
    """A child that prints its port when it is ready, ended at the end."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, env={**os.environ, **env}, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        # The bare Socket Mode app has no port to tell; the stand-in sees its connection instead.
        yield "" if arguments == ["socket"] else (await child.stdout.readline()).decode().strip()
    finally:
        child.kill()
        await child.wait()


async def measure(mode: str, bot: str, commands: int) -> Times:
    """Seconds to the ack of each command, without the first five."""
    with tempfile.TemporaryDirectory() as folder:
        async with World(clock=Clock(datetime.now(UTC), speed=1)) as world:
            config = CONFIG if mode == "socket" else f'[slack]\nmode = "http"\n{CONFIG}'
            env = world.env(Path(folder), config)
            name, arguments = ("tests.bench.bare", [mode]) if bot == "bare" else ("tests.bench.whole", [])
            async with process(name, arguments, env) as port:
                if mode == "http":
                    world.slack.request_url = f"http://127.0.0.1:{port}/slack/events"
                else:
                    await world.slack.connected()
                return await _commands(world, commands, answered=bot == "whole")


async def _commands(world: World, commands: int, *, answered: bool) -> Times:
    times: Times = []
    for number in range(commands + 5):
        exchange = await world.slack.says("bob", "/patches help")
        if answered:
            await exchange.answer()
        if exchange.failure:
            raise RuntimeError(exchange.failure)
        if number >= 5:
            times.append(exchange.seconds)
        await asyncio.sleep(BETWEEN)
    return times


def row(mode: str, bare: list[Times], whole: list[Times]) -> str:
    ratios = [statistics.median(mine) / statistics.median(theirs) for mine, theirs in zip(whole, bare, strict=True)]
    figures = [f"{statistics.median(itertools.chain(*times)) * 1000:.2f}" for times in (bare, whole)]
    spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return f"| {mode} | {figures[0]} | {figures[1]} | {spread} |"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commands", type=int, default=60)
    asked = parser.parse_args()
    print("| mode | bare Bolt, p50 ms | the bot, p50 ms | ratio, median of rounds (range) |\n|---|---|---|---|")
    for mode in ("http", "socket"):
        bare, whole = [], []
        for _ in range(asked.rounds):
            bare.append(await measure(mode, "bare", asked.commands))
            whole.append(await measure(mode, "whole", asked.commands))
        print(row(mode, bare, whole), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
