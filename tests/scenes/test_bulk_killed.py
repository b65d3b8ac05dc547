"""A request for several devices, approved on a bot that dies on the way: each device is told to retry at most once."""

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.model import RetryRequest, State
from tests.scenes.mortal import Afterlife, Process

Note = Callable[[str, object], None]  # pytest's record_property: the figures end up in ``--junitxml``
OVERDUE = 130  # seconds after which a claim has run out, and a lost call may be settled
DEVICES = 3


async def approved_until_death(life: Afterlife, bot: Process, point: int) -> tuple[list[RetryRequest], int]:
    """The requests, and how many points the path has if the bot came through alive, else 0."""
    requests = await life.asked_for_many(DEVICES)
    await bot.told("settle")
    await bot.told(f"arm {point}")
    await life.clicks("ann", "Approve", requests[0])
    answer = await bot.told("settle")
    await bot.told("arm 0")
    return requests, int(answer.split()[1]) if answer else 0


async def ends_well(life: Afterlife, bot: Process, requests: list[RetryRequest]) -> str:
    """Every device was told once, or nobody knows; all were decided by the same click. How the dead bot left them."""
    left = [await life.state(request) for request in requests]
    assert (State.PENDING in left) is (set(left) == {State.PENDING}), "one transaction decides them all"
    if State.PENDING in left:
        await life.clicks("ann", "Approve", requests[0])
        await bot.told("settle")
    for seconds in (0, OVERDUE, 1, 2000, 1000):
        await life.later(seconds)
    for request in requests:
        arrived, state = life.arrived(request), await life.state(request)
        assert arrived <= 1
        assert state is (State.FINISHED if arrived else State.UNKNOWN)
    await life.later(3600)
    while State.UNKNOWN in {await life.state(request) for request in requests}:
        await life.world.slack.clicks("carl", "Close", life.card(requests[0]))
        await bot.told("settle")
    assert len(life.cards(requests[0])) == 1
    return ", ".join(sorted(left))


async def test_a_bulk_whose_bot_dies_is_sent_at_most_once_to_each_device(tmp_path: Path) -> None:
    async with Afterlife(tmp_path) as life:
        bot = await life.start()
        requests, points = await approved_until_death(life, bot, 0)
        assert points
        await ends_well(life, bot, requests)
        requests, survived = await approved_until_death(life, bot, points // 2)
        assert not survived
        await ends_well(life, await life.start(), requests)
        assert (await life.store.verify()).ok


@pytest.mark.deep
@pytest.mark.timeout(1800)
async def test_killed_at_every_seventh_statement_a_bulk_is_sent_at_most_once_to_each_device(
    tmp_path: Path, record_property: Note
) -> None:
    tally: Counter[str] = Counter()
    async with Afterlife(tmp_path) as life:
        bot, survived = await life.start(), 0
        for point in itertools.count(1, 7):
            requests, survived = await approved_until_death(life, bot, point)
            if survived:
                break
            bot = await life.start()
            tally[await ends_well(life, bot, requests)] += 1
        assert (await life.store.verify()).ok
    record_property("killed", f"of {survived} points {tally.total()}: {dict(tally)}")
