"""Promises 1 and 2, against bots that are killed with SIGKILL at every point of the path and started again.

A retry is sent at most once for an approved request, and a call that may or may not have arrived is settled by reading,
never repeated.
"""

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.flows import cards
from bot.model import Fate, RetryRequest, State
from tests.scenes.mortal import Afterlife, Process
from tests.scenes.relay import Relay

Note = Callable[[str, object], None]  # pytest's record_property: the figures end up in ``--junitxml``
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
    await bot.told("arm 0")
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
        for share in (0.05, 0.4):
            request, survived = await approved_until_death(life, bot, round(points * share))
            assert not survived
            bot = await life.start()
            await ends_well(life, bot, request)
        assert (await life.store.verify()).ok


@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", [1, 2, 3, 4])
async def test_killed_at_every_statement_a_request_is_sent_at_most_once(
    first: int, tmp_path: Path, record_property: Note
) -> None:
    """Four parts for four processors: each takes every fourth point."""
    tally: Counter[str] = Counter()
    async with Afterlife(tmp_path) as life:
        bot, survived = await life.start(), 0
        for point in itertools.count(first, 4):
            request, survived = await approved_until_death(life, bot, point)
            if survived:
                break
            bot = await life.start()
            tally[await ends_well(life, bot, request)] += 1
        assert (await life.store.verify()).ok
    record_property("killed", f"of {survived} points {tally.total()}: {dict(tally)}")
    assert {"pending, 0 arrived", "approved, 0 arrived", "sending, 1 arrived", "queued, 1 arrived"} <= set(tally)


@pytest.mark.deep
@pytest.mark.timeout(1200)
async def test_killed_at_every_third_statement_beside_a_living_bot_a_request_is_sent_at_most_once(
    tmp_path: Path, record_property: Note
) -> None:
    """The other bot looks at the same database all the time, and takes over whatever the dead one leaves."""
    tally: Counter[str] = Counter()
    async with Afterlife(tmp_path) as life:
        other = await life.start()
        life.only_looks()
        bot, point, survived = await life.start(), 1, 0
        while not survived:
            dying = asyncio.ensure_future(approved_until_death(life, bot, point))
            while not dying.done():
                await life.looks(other)
            request, survived = await dying
            bot = bot if survived else await life.start()
            tally[await ends_well(life, bot, request)] += 1
            point += 3
        assert (await life.store.verify()).ok
    record_property("killed", f"{tally.total() - 1} times, survived once: {dict(tally)}")


@pytest.mark.deep
@pytest.mark.timeout(1200)
async def test_killed_again_and_again_while_it_recovers_a_request_is_sent_at_most_once(
    tmp_path: Path, record_property: Note
) -> None:
    dice, deaths = random.Random(20250312), 0
    async with Afterlife(tmp_path) as life:
        for _ in range(30):
            request, _ = await approved_until_death(life, await life.start(), dice.randint(1, 150))
            for _ in range(dice.randint(1, 6)):
                bot = await life.start(point=dice.randint(1, 120))
                await life.later(dice.choice([0, 5, OVERDUE]), mortal=True)
                bot.kill()
                await bot.ended()
                deaths += 1
            bot = await life.start()
            await is_settled(life, bot, request)
            await bot.stop()
        assert (await life.store.verify()).ok
    record_property("deaths while recovering", deaths)


async def is_settled(life: Afterlife, bot: Process, request: RetryRequest) -> None:
    """Whatever it went through: it was sent once and is followed to its end, or nobody knows and it is not repeated."""
    if await life.state(request) is State.PENDING:
        await life.clicks("ann", "Approve", request)
        await bot.told("settle")
    for seconds in (0, OVERDUE, 1, 2000, 1000):
        await life.later(seconds)
    assert await life.state(request) is (State.FINISHED if life.arrived(request) else State.UNKNOWN)
    assert life.arrived(request) <= 1


@pytest.mark.deep
@pytest.mark.timeout(1200)
async def test_killed_at_every_statement_of_asking_a_request_is_there_with_its_card_or_not_at_all(
    tmp_path: Path, record_property: Note
) -> None:
    async with Afterlife(tmp_path) as life:
        bot, point, answer = await life.start(), 0, ""
        while not answer:
            point += 1
            command, device = life.command()
            await bot.told(f"arm {point}")
            await life.says("bob", command)
            answer = await bot.told("settle")
            await bot.told("arm 0")
            bot = bot if answer else await life.start()
            await life.later(cards.NOTE_LEASE + 1)  # the dead bot may have been about to post the card
            made = await life.store.history(device, 1)
            if made and made[0].open:
                await life.clicks("bob", "Withdraw", made[0])
                await bot.told("settle")
                assert await life.state(made[0]) is State.WITHDRAWN
        assert life.world.nsight.retries == []
        assert (await life.store.verify()).ok
    record_property("points", point)


# ---------------------------------------------------------------- at every byte


async def dies_at_byte(life: Afterlife, *, asked: int | None = None, answered: int | None = None) -> str:
    """The bot dies when so many bytes of the call have gone to N-sight, or of the answer have come back."""
    async with Relay(life.world.nsight.url, asked=asked, answered=answered) as relay:
        bot = await life.start(nsight=relay.url)
        relay.then = bot.kill
        request = await life.asked()
        await life.clicks("ann", "Approve", request)
        assert await bot.told("settle") == "", "it came through alive"
    heir = await life.start()
    record = await ends_well(life, heir, request)
    await heir.stop()
    return record


async def lengths(life: Afterlife) -> tuple[int, int]:
    """Of a call and of its answer, in bytes."""
    async with Relay(life.world.nsight.url) as relay:
        bot = await life.start(nsight=relay.url)
        request = await life.asked()
        await life.clicks("ann", "Approve", request)
        await bot.told("settle")
        await ends_well(life, bot, request)
        await bot.stop()
    return len(relay.request), len(relay.answer)


async def test_killed_at_a_byte_of_the_call_a_request_is_sent_at_most_once(tmp_path: Path) -> None:
    async with Afterlife(tmp_path) as life:
        assert await dies_at_byte(life, asked=200) == "sending, 0 arrived"
        assert await dies_at_byte(life, answered=1) == "sending, 1 arrived"


@pytest.mark.deep
@pytest.mark.timeout(1800)
async def test_killed_at_every_eighth_byte_of_call_and_answer_a_request_is_sent_at_most_once(
    tmp_path: Path, record_property: Note
) -> None:
    """Every eighth byte, and each of the first and last of both ways: every single one would take half an hour."""
    tally: Counter[str] = Counter()
    async with Afterlife(tmp_path) as life:
        call, answer = await lengths(life)
        for byte in _chosen(call):
            tally[await dies_at_byte(life, asked=byte)] += 1
        for byte in _chosen(answer):
            tally[await dies_at_byte(life, answered=byte)] += 1
        assert (await life.store.verify()).ok
    record_property("killed at bytes", f"{call} + {answer} bytes: {dict(tally)}")


def _chosen(length: int) -> list[int]:
    return sorted({0, 1, 2, *range(0, length, 8), length - 2, length - 1, length})
