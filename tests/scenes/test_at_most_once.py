"""Promises 1 and 2, against bots that are killed with SIGKILL at every point of the path and started again.

A retry is sent at most once for an approved request, and a call that may or may not have arrived is settled by reading,
never repeated.
"""

import random
from collections import Counter
from pathlib import Path

import pytest

from bot.model import Fate, RetryRequest, State
from tests.scenes.mortal import Afterlife, Process
from tests.scenes.relay import Relay

OVERDUE = 130  # seconds after which a claim has run out, and a lost call may be settled


async def approved_until_death(life: Afterlife, bot: Process, point: int) -> tuple[RetryRequest, int]:
    """A request is made and approved, and the bot dies at ``point`` of that path (0: it lives).

    Returns the request and how many points were passed if the bot came through alive, else 0.
    """
    request = await life.asked()
    await bot.told("settle")
    await bot.told(f"arm {point}")
    await life.clicks("ann", "Approve", request)
    answer = await bot.told("settle")
    return request, int(answer.split()[1]) if answer else 0


async def ends_well(life: Afterlife, bot: Process, request: RetryRequest) -> str:
    """Lets a living bot bring the request to its end, and checks that this is the right one, with one call at most.

    Returns the state in which the dead bot had left it and what had arrived, for the record.
    """
    left_in, had_arrived = await life.state(request), life.arrived(request)
    if left_in is State.PENDING:
        assert had_arrived == 0
        await life.clicks("ann", "Approve", request)
        await bot.told("settle")
    await life.later()
    await life.later(OVERDUE)
    await life.later(1)
    if left_in is State.SENDING and not had_arrived:
        await stays_unknown_until_closed(life, bot, request)
    else:
        await is_followed_to_installed(life, request)
    assert life.arrived(request) == (0 if await life.state(request) is State.CLOSED else 1)
    assert len(life.cards(request)) == 1
    return f"{left_in}, {had_arrived} arrived"


async def stays_unknown_until_closed(life: Afterlife, bot: Process, request: RetryRequest) -> None:
    assert await life.state(request) is State.UNKNOWN
    await life.later(3600)
    await life.later(1)
    assert await life.state(request) is State.UNKNOWN
    asked = [m for m in life.world.slack.messages if m.thread_ts == life.card(request).ts and "Close" in m.buttons]
    assert len(asked) == 1, "the approvers are asked once"
    await life.world.slack.clicks("carl", "Close", asked[0])
    await bot.told("settle")
    assert await life.state(request) is State.CLOSED
    assert "Closed" in life.card(request).screen


async def is_followed_to_installed(life: Afterlife, request: RetryRequest) -> None:
    assert await life.state(request) is State.QUEUED
    await life.later(2000)
    after = await life.now(request)
    assert after.state is State.FINISHED
    assert {patch.fate for patch in after.patches} == {Fate.INSTALLED}
    assert "Finished" in life.card(request).screen


# ---------------------------------------------------------------- at every statement


async def test_killed_at_points_all_along_the_path_a_request_is_sent_at_most_once(tmp_path: Path) -> None:
    async with Afterlife(tmp_path) as life:
        bot = await life.start()
        request, points = await approved_until_death(life, bot, 0)
        await ends_well(life, bot, request)
        for share in (0.05, 0.3, 0.5):
            request, survived = await approved_until_death(life, bot, round(points * share))
            assert not survived
            bot = await life.start()
            await ends_well(life, bot, request)
        assert (await life.store.verify()).ok


@pytest.mark.deep
@pytest.mark.timeout(1200)
async def test_killed_at_every_statement_a_request_is_sent_at_most_once(
    tmp_path: Path, record_property: pytest.FixtureRequest
) -> None:
    tally: Counter[str] = Counter()
    async with Afterlife(tmp_path) as life:
        bot, point, survived = await life.start(), 0, 0
        while not survived:
            point += 1
            request, survived = await approved_until_death(life, bot, point)
            bot = bot if survived else await life.start()
            tally[await ends_well(life, bot, request)] += 1
        assert (await life.store.verify()).ok
    print(point, tally)
