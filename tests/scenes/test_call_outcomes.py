"""What may become of the one call to N-sight, and what may come between an approval and it."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.app import running
from bot.clients import nsight
from bot.config import load
from bot.demo.faults import Fault
from bot.demo.world import World
from bot.flows import send
from bot.model import Fate, PatchStatus, RetryRequest, State
from tests.scenes.relay import Relay
from tests.scenes.stage import CONFIG, QUICK, Stage, nothing_left, staged, until_ready

MINUTE = timedelta(minutes=1)
SETTLE = 2 * MINUTE
CALL = "patch_retry"


async def approved(stage: Stage, command: str = "/patches retry 1001 4,5") -> None:
    await stage.asks("bob", command)
    await stage.clicks("ann", "Approve", stage.card)


async def request(stage: Stage, number: int = 1) -> RetryRequest:
    found = await stage.bot.services.store.request(number)
    assert found is not None
    return found


def failed_patches(world: World) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Devices with the ids of their failed patches, all of which install at the next retry."""
    for machine in world.fleet.machines():
        failed = [patch for patch in machine.patches.values() if patch.status is PatchStatus.FAILED]
        for patch in failed:
            patch.outcomes.clear()
        if failed and machine.patching:
            yield machine.id, tuple(patch.id for patch in failed)


# ---------------------------------------------------------------- the answer

UNCLEAR: list[tuple[Fault, dict[str, Any]]] = [
    (Fault.LOSE_REPLY, {}),
    (Fault.CUT_MIDWAY, {}),
    (Fault.TORN, {}),
    (Fault.BODY, {"body": b""}),
    (Fault.BODY, {"body": b"<result status='MAYBE'/>"}),
    (Fault.STATUS, {"status": 500, "act": True}),
    (Fault.STATUS, {"status": 404}),
    (Fault.STATUS, {"status": 429, "headers": {"Retry-After": "1"}}),
    (Fault.HTML, {}),
    (Fault.HTML, {"act": True}),
    (Fault.REDIRECT, {}),
    (Fault.CUT, {}),
    (Fault.SLOW, {"seconds": 3.0}),
]


async def test_an_answer_that_is_lost_or_makes_no_sense_is_settled_by_reading_and_the_call_never_repeated(
    tmp_path: Path,
) -> None:
    pace = replace(QUICK, nsight=replace(QUICK.nsight, write=0.4))
    async with staged(tmp_path, pace=pace) as stage:
        targets = failed_patches(stage.world)
        for number, (fault, details) in enumerate(UNCLEAR, start=1):
            device, ids = next(targets)
            case = f"{fault} {details}"
            acts = details.get("act", fault not in {Fault.STATUS, Fault.HTML, Fault.REDIRECT, Fault.CUT})
            stage.world.nsight.faults.add(CALL, fault, **details)
            await approved(stage, f"/patches retry {device} {','.join(map(str, ids))}")
            assert (await request(stage, number)).state is State.UNKNOWN, case
            assert "may or may not have reached N-sight" in stage.card.plain, case
            await stage.later(SETTLE - timedelta(seconds=1))
            assert (await request(stage, number)).state is State.UNKNOWN, f"{case}: read too early"
            await stage.later(timedelta(seconds=1))
            assert (await request(stage, number)).state is (State.QUEUED if acts else State.UNKNOWN), case
            assert stage.retries.count((device, ids)) == 1, case
        stage.world.patches_install()
        for _ in range(4):
            await stage.later(timedelta(hours=15))
        assert len(stage.retries) == len(UNCLEAR)
        assert nothing_left(stage) == []


CLEAR: list[tuple[Fault, dict[str, Any]]] = [(Fault.NO_STATUS, {}), (Fault.GZIP, {}), (Fault.SLOW, {"seconds": 0.2})]


async def test_an_answer_that_is_only_unusual_counts(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        targets = failed_patches(stage.world)
        for number, (fault, details) in enumerate(CLEAR, start=1):
            device, ids = next(targets)
            stage.world.nsight.faults.add(CALL, fault, **details)
            await approved(stage, f"/patches retry {device} {','.join(map(str, ids))}")
            after = await request(stage, number)
            assert (after.state, {patch.fate for patch in after.patches}) == (State.QUEUED, {Fate.QUEUED}), fault
        assert nothing_left(stage) == []


async def test_a_refusal_of_n_sights_is_told_in_its_words_and_a_retry_needs_a_new_approval(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.nsight.faults.add(CALL, Fault.FAIL, code="4", words="The agent <is> too old & tired")
        await approved(stage)
        assert "N-sight refused: The agent <is> too old & tired" in stage.card.plain
        assert "N-sight refused" in stage.direct("bob")[-1]
        assert stage.card.buttons == ["Retry…"]
        await stage.clicks("bob", "Retry…", stage.card)
        assert stage.card.buttons == ["Approve", "Deny", "Withdraw"]
        assert len(stage.retries) == 1
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))] * 2
        assert "Queued by N-sight" in stage.card.plain
        assert nothing_left(stage) == []


async def test_when_n_sight_calls_all_of_it_already_applied_nothing_is_called_queued_or_installed(
    tmp_path: Path,
) -> None:
    async with staged(tmp_path) as stage:
        stage.world.nsight.faults.add(CALL, Fault.ALREADY)
        await approved(stage)
        assert "N-sight answered without queueing anything" in stage.card.plain
        await stage.later(MINUTE)
        after = await request(stage)
        assert (after.state, {patch.fate for patch in after.patches}) == (State.FINISHED, {Fate.STILL_FAILED})
        assert "2 still failed" in stage.card.plain
        shown = "\n".join([stage.card.plain, *stage.direct("bob"), *(str(old.text) for old in stage.card.edits)])
        assert "Queued by N-sight" not in shown
        assert "installed" not in shown
        assert len(stage.retries) == 1
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- between approval and call


class Behind(World):
    """A world whose N-sight is reached through a relay."""

    relay: Relay

    def env(self, folder: Path, config: str | None = None) -> dict[str, str]:
        return super().env(folder, config) | {"NSIGHT_URL": self.relay.url}


async def test_a_call_that_finds_no_connection_is_rejected_as_not_sent_and_can_be_asked_again(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(Behind())
        relay = Relay(world.nsight.url, call="patch_list_all", goes_on=True)
        world.relay = await stack.enter_async_context(relay)
        stage = await stack.enter_async_context(staged(tmp_path, world=world))
        await stage.asks("bob", "/patches retry 1001 4,5")
        relay.answered, relay.then = len(relay.answer) + 1, relay.refuse  # the device's patches can still be read
        await stage.clicks("ann", "Approve", stage.card)
        assert relay.reached.is_set()
        assert stage.retries == []
        assert "Nothing was sent: N-sight could not be reached" in stage.card.plain
        assert (await request(stage)).state is State.REJECTED
        assert stage.card.buttons == ["Retry…"]
        assert nothing_left(stage) == []


async def test_while_n_sight_cannot_be_read_the_request_is_held_and_then_sent_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await stage.world.nsight.stop()
        await stage.clicks("ann", "Approve", stage.card)
        assert "cannot be checked: N-sight could not be reached" in stage.card.plain
        assert "cannot be checked" in stage.direct("bob")[-1]
        told = len(stage.direct("bob"))
        for _ in range(5):
            await stage.later(5 * MINUTE)
        assert len(stage.direct("bob")) == told, "waiting is told once"
        await stage.world.nsight.start()
        await stage.later(5 * MINUTE)
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in stage.card.plain
        assert nothing_left(stage) == []


@pytest.mark.parametrize("broken", ["N-sight", "Slack"])
async def test_what_cannot_be_sent_for_an_hour_expires_unsent(broken: str, tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        if broken == "N-sight":
            stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
        else:
            stage.world.slack.faults.error("users.info", "internal_error", times=None)
        await stage.clicks("ann", "Approve", stage.card)
        for _ in range(13):
            await stage.later(5 * MINUTE)
        assert (await request(stage)).state is State.EXPIRED
        assert "could not be sent in time" in stage.card.plain
        assert broken in stage.card.plain
        stage.world.nsight.faults.clear()
        stage.world.slack.faults.clear()
        await stage.later(timedelta(hours=1))
        assert stage.retries == []
        assert stage.card.buttons == ["Retry…"]
        assert nothing_left(stage) == []


async def test_patches_that_are_not_failed_any_more_are_left_out_and_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        stage.world.fleet.patch(1001, 5).status = PatchStatus.INSTALLED
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert "left out, no longer failed (N-sight says: Installed)" in stage.card.plain
        assert "left out" in stage.direct("bob")[-1]
        assert nothing_left(stage) == []


async def test_when_no_patch_is_failed_any_more_nothing_is_sent(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        stage.world.fleet.patch(1001, 4).status = PatchStatus.IGNORED
        del stage.world.fleet.machine(1001).patches[5]  # type: ignore[union-attr]
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == []
        assert (await request(stage)).state is State.REJECTED
        assert "nothing was sent" in stage.card.plain
        assert "Ignored" in stage.card.plain
        assert "no longer listed" in stage.card.plain
        assert nothing_left(stage) == []


async def test_a_device_that_n_sight_no_longer_knows_is_told_and_nothing_is_sent(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        for site in (site for customer in stage.world.fleet.customers for site in customer.sites):
            site.machines = [machine for machine in site.machines if machine.id != 1001]
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == []
        assert (await request(stage)).state is State.REJECTED
        assert "Nothing was sent" in stage.card.plain
        assert nothing_left(stage) == []


async def test_a_request_can_be_withdrawn_until_it_is_being_sent_and_no_longer(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        slack, gate = stage.world.slack, asyncio.Event()
        await stage.asks("bob", "/patches retry 1001 4,5")
        stage.world.nsight.faults.add("patch_list_all", Fault.SLOW, until=gate)
        await slack.clicks("ann", "Approve", stage.card)
        await slack.until(lambda: stage.card.buttons == ["Withdraw"])
        await slack.clicks("bob", "Withdraw", stage.card)
        await slack.until(lambda: "Withdrawn by @bob" in stage.card.plain)
        gate.set()
        await stage.bot.settle()
        assert stage.retries == []

        gate = asyncio.Event()
        await stage.asks("bob", "/patches retry 1001 4,5")
        first = stage.card
        stage.world.nsight.faults.add(CALL, Fault.SLOW, until=gate)
        await slack.clicks("ann", "Approve", first)
        await stage.world.nsight.calls.reach(CALL)
        late = await slack.clicks("bob", "Withdraw", first, stale=True)
        assert "is being sent to N-sight right now" in (await late.answer()).plain
        gate.set()
        await stage.bot.settle()
        assert stage.retries == [(1001, (4, 5))]
        assert "Queued by N-sight" in first.plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- the bot itself is interrupted


async def test_a_bot_that_is_stopped_while_the_call_hangs_leaves_a_claim_that_its_successor_settles(
    tmp_path: Path,
) -> None:
    async with World() as world:
        hurried = replace(QUICK, finish=0.2, nsight=nsight.Pace(write=60))
        async with staged(tmp_path, world=world, pace=hurried) as stage:
            await stage.asks("bob", "/patches retry 1001 4,5")
            world.nsight.faults.add(CALL, Fault.SLOW, until=asyncio.Event())
            await world.slack.clicks("ann", "Approve", stage.card)
            await world.nsight.calls.reach(CALL)
        async with staged(tmp_path, world=world) as stage:
            assert (await request(stage)).state is State.SENDING
            await stage.later(send.CLAIM - timedelta(seconds=1))
            assert (await request(stage)).state is State.SENDING, "its owner might still be alive"
            await stage.later(timedelta(seconds=1))
            assert (await request(stage)).state is State.UNKNOWN
            await stage.later(SETTLE)
            assert (await request(stage)).state is State.QUEUED
            assert stage.retries == [(1001, (4, 5))]
            assert nothing_left(stage) == []


async def test_a_bot_that_sleeps_between_its_claim_and_its_call_does_not_send_any_more(tmp_path: Path) -> None:
    """As a laptop or a virtual machine does that is suspended: the claim is long over when it wakes."""
    async with World() as world:
        config = load(world.env(tmp_path, CONFIG))
        bots: list[Stage] = []

        def clock() -> datetime:
            """The time of the claim is over as soon as the bot has it, as its own figures tell."""
            metrics = bots[0].bot.services.metrics.registry if bots else None
            if metrics and metrics.get_sample_value("patches_request_changes_total", {"state": "sending"}):
                return world.clock.now() + send.CLAIM
            return world.clock.now()

        async with running(config, clock=clock, pace=QUICK) as bot:
            await until_ready(bot, world)
            stage = Stage(world, bot, tmp_path, config)
            bots.append(stage)
            await approved(stage)
            assert stage.retries == []
            assert (await request(stage)).state is State.REJECTED
            assert "Nothing was sent: the bot was held up" in stage.card.plain
            assert nothing_left(stage) == []


async def test_two_stops_and_starts_in_a_row_do_not_send_again(tmp_path: Path) -> None:
    async with World() as world:
        for run in itertools.count(1):
            async with staged(tmp_path, world=world) as stage:
                if run == 1:
                    await approved(stage)
                await stage.later(timedelta(minutes=20))
                assert stage.retries == [(1001, (4, 5))]
            if run == 3:
                return
