"""A bot that dies while it posts a digest: the digest comes, with its thread and its list, whoever brings it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.demo.slack.model import Call, Shown
from tests.scenes.digesting import DAY, NEWS, fails, quiet
from tests.scenes.mortal import Afterlife, Process
from tests.scenes.stage import CONFIG

DAILY = CONFIG.replace("0 9 * * 1-5", "0 9 * * *").replace("Europe/Berlin", "UTC")
APPS = {f"App {number:02}" for number in range(30)}
OVERDUE = 700  # seconds, after which every claim of a dead bot has run out

Met = Callable[[str, object], bool]


def posted(kind: str, thing: object) -> bool:
    """The digest is in its channel, but Slack's answer has not left: there is no mark yet."""
    return isinstance(thing, Shown) and thing.channel == NEWS and not thing.thread_ts


def noted(kind: str, thing: object) -> bool:
    """The first message of the thread is there, but nobody has noted that."""
    return isinstance(thing, Shown) and thing.channel == NEWS and bool(thing.thread_ts)


def asked(method: str) -> Met:
    """Slack was called, and has done nothing yet, or nothing that can be seen."""
    return lambda kind, thing: isinstance(thing, Call) and thing.method == method


def marked(kind: str, thing: object) -> bool:
    """The mark is set; the first message of the thread did not get through."""
    return isinstance(thing, Call) and thing.method == "chat.postMessage" and not thing.answer["ok"]


async def dies(life: Afterlife, bot: Process, met: Met) -> None:
    """At the slot, as soon as that is seen in Slack."""

    def seen(kind: str, thing: object) -> None:
        if met is marked and posted(kind, thing):
            life.world.slack.faults.add("chat.postMessage", "cut_before")
        if bot.alive and met(kind, thing):
            bot.kill()

    life.world.slack.on_change.append(seen)
    now = life.world.clock.now()
    slot = now.replace(hour=9, minute=0, second=0, microsecond=0)
    await life.later(((slot - now) % DAY).total_seconds() + 1, mortal=True)
    async with asyncio.timeout(60):
        await bot.ended()
    life.world.slack.on_change.remove(seen)
    life.world.slack.faults.clear()


@pytest.mark.parametrize(
    ("met", "digests", "threads"),
    [(posted, 2, [0, 1]), (marked, 1, [1]), (noted, 1, [2]), (asked("upload_url"), 1, [1])],
    ids=["posted", "marked", "first of the thread", "list on its way"],
)
async def test_a_digest_whose_bot_dies_has_its_thread_and_its_list_in_the_end(
    met: Met, digests: int, threads: list[int], tmp_path: Path
) -> None:
    async with Afterlife(tmp_path, config=DAILY) as life:
        quiet(life.world)
        bot = await life.start()
        await life.later()
        fails(life.world, *sorted(APPS))
        await dies(life, bot, met)
        await life.start()
        for seconds in (OVERDUE, 1, 1):
            await life.later(seconds)

        there = [shown for shown in life.world.slack.messages if shown.channel == NEWS]
        mains = [shown for shown in there if not shown.thread_ts]
        told = [[shown for shown in there if shown.thread_ts == main.ts] for main in mains]
        assert len(mains) == digests
        assert all("30 new failures" in main.plain for main in mains)
        assert [sum("New: 30" in shown.plain for shown in below) for below in told] == threads
        assert [sum(len(shown.files) for shown in below) for below in told] == [0] * (digests - 1) + [1]
        rows = [row async for row in life.store.rows()]
        assert [row.action for row in rows].count("digest.post") == 1
        assert (await life.store.verify()).ok
        assert life.world.violations == []
