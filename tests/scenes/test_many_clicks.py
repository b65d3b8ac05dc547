"""Twenty people, two bots, every envelope twice: one call to N-sight, and an answer to every click."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.slack.exchange import Exchange
from bot.demo.world import World
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

CLICKS = ["ann", "carl"] * 10
NO = ("Nothing was changed", "You have already approved")


async def several(stack: AsyncExitStack, folder: Path, bots: int, quorum: int) -> list[Stage]:
    """So many bots in one world, on one database."""
    config = CONFIG.replace("[approvals]", f"[approvals]\nquorum = {quorum}")
    world = await stack.enter_async_context(World())
    return [await stack.enter_async_context(staged(folder, config=config, world=world)) for _ in range(bots)]


async def settled(stages: list[Stage]) -> None:
    await asyncio.gather(*(stage.bot.settle() for stage in stages))


def said_no(exchange: Exchange) -> bool:
    return any(no in answer.plain for answer in exchange.answers for no in NO if answer.ephemeral_to)


@pytest.mark.parametrize(
    "twice",
    [pytest.param(False, marks=pytest.mark.deep, id="delivered once"), pytest.param(True, id="delivered twice")],
)
@pytest.mark.parametrize(
    "bots", [pytest.param(1, marks=pytest.mark.deep, id="one bot"), pytest.param(2, id="two bots")]
)
@pytest.mark.parametrize("quorum", [1, 2])
async def test_twenty_concurrent_approvals_make_one_call_and_each_click_is_answered(
    quorum: int, bots: int, twice: bool, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        stages = await several(stack, tmp_path, bots, quorum)
        stage = stages[0]
        await stage.asks("bob", "/patches retry 1001 4,5")
        await settled(stages)
        card, before = stage.card, stage.card.versions
        stage.world.slack.deliver_twice = twice
        presses = (stage.world.slack.clicks(who, "Approve", card, stale=True) for who in CLICKS)
        exchanges = await asyncio.gather(*presses)
        await settled(stages)
        assert stage.retries == [(1001, (4, 5))]
        assert sum(map(said_no, exchanges)) == len(CLICKS) - quorum, exchanges
        assert [exchange for exchange in exchanges if exchange.failure] == []
        assert card.versions > before
        assert "Queued by N-sight" in card.plain
        assert (await stage.actions()).count("request.approve") == quorum
        assert nothing_left(stage) == []


async def test_two_schedulers_that_resume_the_same_request_at_once_send_it_once(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        stages = await several(stack, tmp_path, 2, 1)
        stage, nsight = stages[0], stages[0].world.nsight
        await stage.asks("bob", "/patches retry 1001 4,5")
        await settled(stages)
        nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
        await stage.clicks("ann", "Approve", stage.card)
        await settled(stages)
        assert "cannot be checked" in stage.card.plain
        assert stage.retries == []
        nsight.faults.clear()
        stage.world.clock.advance(timedelta(minutes=1))
        await asyncio.gather(*(stage.bot.tick() for stage in stages * 3))
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in stage.card.plain
        assert nothing_left(stage) == []


async def test_approving_denying_and_withdrawing_at_once_has_one_outcome(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        slack, card = stage.world.slack, stage.card
        presses = [("ann", "Approve"), ("bob", "Withdraw"), ("carl", "Approve"), ("bob", "Withdraw")]
        exchanges = await asyncio.gather(*(slack.clicks(who, button, card) for who, button in presses))
        await stage.bot.settle()
        actions = await stage.actions()
        withdrawn = "request.withdraw" in actions
        assert stage.retries == ([] if withdrawn else [(1001, (4, 5))])
        assert ("Withdrawn by @bob" in card.plain) == withdrawn
        assert ("request.claim" in actions) != withdrawn
        for exchange in exchanges:
            assert exchange.answers or exchange.origin is card
        assert nothing_left(stage) == []
