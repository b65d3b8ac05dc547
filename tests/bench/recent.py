"""``/patches recent since:400d`` over a kept history of 1,000,000 attempts: each press, as its list would ask for it.

    python -m tests.bench.recent [--rows 1000000]

The history is that of tests.bench.digests.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from bot.blocks import recent as words
from bot.blocks.sparkline import Scale
from bot.model import Outcome
from bot.store import Store, Which
from bot.store.kept import Leaf
from tests.bench.digests import BEGAN, YEAR, Clock, lay

SPAN = timedelta(days=400)
NOW = BEGAN + YEAR
TURNS = 200  # presses of *Older*


async def tell(path: str) -> None:
    store, clock = await Store.open(f"sqlite+aiosqlite:///{path}"), Clock()
    watch = asyncio.create_task(clock.watch())
    kept = store.kept(Which(NOW - SPAN, await store.newest_attempt()))
    with clock.step("counts, once a list"):
        counts = await kept.counts()
    leaf, leaves = await kept.page(Outcome.FAILED, words.ROWS, 0), list[Leaf]()
    for _ in range(TURNS):
        leaves.append(leaf)
        assert leaf.last
        with clock.step("a page further"):
            leaf = await kept.older(Outcome.FAILED, words.ROWS, leaf.last)
    for after, before in pairwise(reversed(leaves)):
        assert after.first
        with clock.step("a page back"):
            assert await kept.newer(Outcome.FAILED, words.ROWS, after.first) == before
    with clock.step("the last page by its number"):
        await kept.page(Outcome.FAILED, words.ROWS, counts[Outcome.FAILED] - words.ROWS)
    with clock.step("applications, once a list"):
        applications = words.ranked(await kept.applications(), {})
    names = [(one.developer, one.name) for one in applications[: words.ROWS]]
    with clock.step("a page's bars"):
        await kept.failures(names, Scale.over(SPAN, NOW).starts)
    watch.cancel()
    await store.close()
    print(f"{counts.total():,} attempts, {counts[Outcome.FAILED]:,} failed, {len(applications)} applications")
    print(clock)
    print(f"the event loop stood still for {clock.pause * 1000:.0f} ms at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "patches.db")
        layer = multiprocessing.get_context("spawn").Process(target=lay, args=(path, asked.rows, False))
        layer.start()
        layer.join()
        asyncio.run(tell(path))


if __name__ == "__main__":
    main()
