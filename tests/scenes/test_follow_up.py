"""After the call: a device is read once for all of its requests, ever more seldom, and each change is told once."""

import asyncio
import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count, pairwise
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.fleet import Pace
from bot.demo.slack.model import Shown
from bot.demo.world import World
from bot.model import PatchStatus, RetryRequest
from tests.insider import runs
from tests.scenes.mortal import Afterlife, Process
from tests.scenes.playing import asked, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

DEVICE = 1001  # SRV-DC01, where patches 4 and 5 failed
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
CLOSEST, EVERY = 90 * SECOND, 15 * MINUTE
ALONE = f'{CONFIG}\n[eset]\nevery = "never"\n'


async def sent(stage: Stage, ids: str = "4,5") -> Shown:
    """A request for these patches that was approved and sent; its card."""
    card = await asked(stage, text=f"/patches retry {DEVICE} {ids}")
    await pressed(stage, "ann", "Approve", card)
    return card


def reads(stage: Stage) -> list[datetime]:
    calls = stage.world.nsight.calls.of("patch_list_all")
    return [call.at for call in calls if call.params["deviceid"] == str(DEVICE)]


def distances(times: Sequence[datetime]) -> list[timedelta]:
    return [later - earlier for earlier, later in pairwise(times)]


def heard(world: World, card: Shown) -> list[str]:
    """What was said in the card's thread, oldest first."""
    return [shown.plain for shown in world.slack.messages if shown.thread_ts == card.ts]


async def passes(stage: Stage, span: timedelta, step: timedelta = 30 * SECOND) -> None:
    for _ in range(round(span / step)):
        await stage.later(step)


# ---------------------------------------------------------------- one reading for all, and how often


async def test_two_requests_on_one_device_are_followed_by_one_reading_at_a_time(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        first = await sent(stage, "4")
        await stage.later(40 * SECOND)
        second = await sent(stage, "5")
        before = len(reads(stage))
        await passes(stage, 40 * MINUTE, 40 * SECOND)
        times = reads(stage)[before:]
        assert all(distance >= CLOSEST for distance in distances(times)), times
        assert len(times) <= 12, "no more than one request alone takes"
        for card in (first, second):
            assert "Finished: 1 of 1 installed." in card.plain
            assert [said for said in heard(stage.world, card) if "Finished" in said] == heard(stage.world, card)[1:]
            assert len(heard(stage.world, card)) == 2, "queued, and how it ended"
        assert nothing_left(stage) == []


async def test_a_reading_serves_a_request_that_is_not_due_yet(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        first = await sent(stage, "4")
        await stage.later(80 * SECOND)
        second = await sent(stage, "5")
        for patch in (4, 5):
            stage.world.fleet.patch(DEVICE, patch).retried_at = stage.world.clock.now() - HOUR
        before = len(reads(stage))
        await stage.later(10 * SECOND)
        assert len(reads(stage)) == before + 1
        assert "Finished" in first.plain
        assert "Finished" in second.plain
        assert nothing_left(stage) == []


@pytest.mark.parametrize("hours", [4, pytest.param(48, marks=pytest.mark.deep)])
async def test_looks_grow_rarer_to_the_end_which_says_what_is_still_open(
    hours: int, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    async with World() as world:
        world.fleet.pace = Pace(pending=HOUR * 100)
        config = f'{ALONE}\n[follow_up]\nfor = "{hours}h"\n'
        async with staged(tmp_path, world=world, config=config) as stage:
            card = await sent(stage)
            began, before = world.clock.now(), len(reads(stage))
            while (request := await stage.bot.services.store.request(1)) and request.next_at:
                await stage.later(request.next_at - world.clock.now() - SECOND)
                await stage.later(SECOND)
            times = reads(stage)[before:]
            steps = distances([began, *times])
            assert steps[0] == CLOSEST
            assert steps[:-1] == sorted(steps[:-1]), "never sooner than the last time"
            assert max(steps) == EVERY
            assert times[-1] - began == hours * HOUR
            told = "Finished: 2 queued. Followed to the end of the time allowed; 2 still open."
            assert told in card.plain
            assert [told in said for said in heard(world, card)] == [False, True]
            record_property("looks", len(times))
            assert len(times) <= hours * 4 + 12
            assert nothing_left(stage) == []


async def test_an_every_below_90_seconds_is_kept_as_it_is_configured(tmp_path: Path) -> None:
    config = f'{CONFIG}\n[follow_up]\nevery = "10s"\n'
    async with staged(tmp_path, config=config) as stage:
        await sent(stage)
        before = len(reads(stage))
        await passes(stage, MINUTE, 5 * SECOND)
        assert distances(reads(stage)[before:]) == [10 * SECOND] * 5
        assert nothing_left(stage) == []


async def test_what_a_person_wants_read_is_read_at_once_and_holds_nothing_up(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await sent(stage)
        await stage.later(CLOSEST)
        looked, before = stage.world.clock.now(), len(reads(stage))
        await stage.later(SECOND)
        assert "SRV-DC01" in (await stage.asks("bob", f"/patches device {DEVICE}")).plain
        assert len(reads(stage)) == before + 1, "served at once"
        await stage.later(CLOSEST - SECOND)
        assert reads(stage)[-1] == looked + CLOSEST
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- restarts, processes, deaths


async def test_a_restart_in_the_middle_of_a_reading_keeps_the_distance(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with World() as world:
        async with staged(tmp_path, world=world) as stage:
            card = await sent(stage)
            world.nsight.faults.add("patch_list_all", Fault.SLOW, until=gate)
            before = len(reads(stage))
            world.clock.advance(CLOSEST)
            tick = asyncio.create_task(stage.bot.tick())
            await world.nsight.calls.reach("patch_list_all", len(world.nsight.calls.of("patch_list_all")) + 1)
        await tick
        gate.set()
        async with staged(tmp_path, world=world) as stage:
            await passes(stage, 3 * MINUTE, 10 * SECOND)
            times = reads(stage)[before:]
            assert distances(times)[:1] == [CLOSEST]
            assert all(distance >= CLOSEST for distance in distances(times))
            world.patches_install()
            await stage.later(EVERY)
            assert len([said for said in heard(world, card) if "Finished" in said]) == 1
            assert nothing_left(stage) == []


async def test_two_processes_together_read_no_more_often_and_tell_each_change_once(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=world) as one, staged(tmp_path, world=world) as two:
        cards = [await sent(one, "4"), await sent(one, "5")]
        before = len(reads(one))
        for _ in range(35):
            world.clock.advance(MINUTE)
            await asyncio.gather(one.bot.tick(), two.bot.tick())
        assert all(distance >= CLOSEST for distance in distances(reads(one)[before:]))
        for card in cards:
            assert "Finished" in card.plain
            assert len(heard(world, card)) == 2
        assert len([said for said in one.direct("bob") if "Finished" in said]) == 2
        assert nothing_left(one) == []


async def test_what_one_reading_changed_is_told_once_when_not_all_of_it_could_be_written(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world) as stage:
            cards = [await sent(stage, "4"), await sent(stage, "5")]
            world.patches_install()
            runs(
                tmp_path / "patches.db",
                "CREATE TRIGGER full BEFORE UPDATE ON requests WHEN new.id = 2 BEGIN SELECT RAISE(ABORT, 'full'); END",
            )
            await stage.later(EVERY)
            assert "Finished" in cards[0].plain
            assert "Finished" not in cards[1].plain
        runs(tmp_path / "patches.db", "DROP TRIGGER full")
        async with staged(tmp_path, world=world) as stage:
            await passes(stage, 5 * MINUTE)
            for card in cards:
                assert "Finished" in card.plain
                assert len([said for said in heard(world, card) if "Finished" in said]) == 1
            assert nothing_left(stage) == []


async def sent_in(life: Afterlife, bot: Process, patch_id: int) -> RetryRequest:
    patch = life.world.fleet.patch(DEVICE, patch_id)
    patch.status, patch.retried_at = PatchStatus.FAILED, None
    exchange = await life.world.slack.says("bob", f"/patches retry {DEVICE} {patch_id}")
    await exchange.answer(saying="is made")
    (request,) = await life.store.history(DEVICE, 1)
    await life.world.slack.until(lambda: life.cards(request))
    await life.clicks("ann", "Approve", request)
    await bot.told("settle")
    return request


async def told_once_whatever(life: Afterlife, database: Path, bot: Process, point: int) -> tuple[Process, int]:
    """Two requests of one device change by one reading, in which the bot dies at ``point`` (0: it lives).

    Returns the bot that lives now, and how many points were passed if it is the same.
    """
    both = [await sent_in(life, bot, patch) for patch in (4, 5)]
    await bot.told(f"arm {point}")
    await life.later(1600, mortal=True)
    passed = await bot.told("settle")
    await bot.told("arm 0")
    excused = 0 if passed else on_their_way(database)
    bot = bot if passed else await life.start()
    for seconds in (100, 310, 10):
        await life.later(seconds)
    for request in both:
        card = life.card(request)
        assert "Finished: 1 of 1 installed" in card.screen
        ends = [said for said in heard(life.world, card) if "Finished" in said]
        assert 1 <= len(ends) <= 1 + excused, ends
    return bot, int(passed.split()[1]) if passed else 0


def on_their_way(database: Path) -> int:
    """Notes that were on their way to Slack when the bot died: nobody can know whether they had arrived."""
    return runs(database, "UPDATE notes SET owner = owner WHERE sent = 0 AND owner <> ''")


async def test_killed_in_the_middle_of_a_reading_it_tells_each_request_once(tmp_path: Path) -> None:
    database = tmp_path / "patches.db"
    async with Afterlife(tmp_path, config=ALONE) as life:
        bot, points = await told_once_whatever(life, database, await life.start(), 0)
        _, survived = await told_once_whatever(life, database, bot, round(points * 0.4))
        assert not survived


@pytest.mark.deep
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("first", [1, 2])
async def test_killed_at_every_statement_of_a_reading_it_tells_each_request_once(first: int, tmp_path: Path) -> None:
    async with Afterlife(tmp_path, config=ALONE) as life:
        bot, survived = await life.start(), 0
        for point in count(first, 2):
            bot, survived = await told_once_whatever(life, tmp_path / "patches.db", bot, point)
            if survived:
                return


# ---------------------------------------------------------------- N-sight's answers


async def test_n_sight_down_for_an_hour_delays_the_news_and_repeats_none(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await sent(stage)
        await stage.later(CLOSEST)
        shown, said = card.plain, heard(stage.world, card)
        stage.world.patches_install()
        await stage.world.nsight.stop()
        await passes(stage, HOUR, MINUTE)
        assert (card.plain, heard(stage.world, card)) == (shown, said), "nothing is known, so nothing is told"
        await stage.world.nsight.start()
        await passes(stage, EVERY, MINUTE)
        assert "Finished: 2 of 2 installed." in card.plain
        assert len(heard(stage.world, card)) == len(said) + 1
        assert nothing_left(stage) == []


async def test_a_device_that_is_gone_from_n_sight_is_followed_to_the_end_and_that_is_told(tmp_path: Path) -> None:
    config = f'{ALONE}\n[follow_up]\nfor = "2h"\n'
    async with staged(tmp_path, config=config) as stage:
        card = await sent(stage)
        await stage.later(CLOSEST)
        for site in (site for customer in stage.world.fleet.customers for site in customer.sites):
            site.machines[:] = [machine for machine in site.machines if machine.id != DEVICE]
        await passes(stage, 2 * HOUR, 2 * MINUTE)
        told = (
            "Finished: 2 queued. Followed to the end of the time allowed; 2 still open. "
            "The device could not be read at the end: N-sight says: Invalid value for parameter: deviceid"
        )
        assert told in card.plain
        assert len([said for said in heard(stage.world, card) if told in said]) == 1
        assert nothing_left(stage) == []


@pytest.mark.parametrize("installed", [False, True])
async def test_when_n_sight_calls_all_already_applied_the_device_is_read_at_once(
    installed: bool, tmp_path: Path
) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.nsight.faults.add("patch_retry", Fault.ALREADY)
        await pressed(stage, "ann", "Approve", card)
        assert "answered without queueing anything" in card.plain
        if installed:
            for patch in (4, 5):
                stage.world.fleet.patch(DEVICE, patch).status = PatchStatus.INSTALLED
        await stage.later(SECOND)
        ended = "Finished: 2 of 2 installed." if installed else "Finished: 2 still failed."
        assert ended in card.plain
        assert [ended in said for said in heard(stage.world, card)] == [False, True]
        assert nothing_left(stage) == []


async def test_each_patch_that_comes_to_its_end_is_news_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await sent(stage)
        stage.world.fleet.patch(DEVICE, 4).retried_at = stage.world.clock.now() - HOUR
        await passes(stage, 3 * MINUTE)
        assert "In progress: 1 of 2 installed, 1 queued." in card.plain
        stage.world.fail_again(DEVICE, 5)
        stage.world.fleet.patch(DEVICE, 5).retried_at = stage.world.clock.now() - HOUR
        await passes(stage, 5 * MINUTE)
        assert "Finished: 1 of 2 installed, 1 failed again." in card.plain
        queued, progress, end = heard(stage.world, card)
        assert "Queued by N-sight" in queued
        assert "In progress: 1 of 2 installed, 1 queued." in progress
        assert "Finished: 1 of 2 installed, 1 failed again." in end
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- the next digest


NEWS = "C0PATCHNEWS"
DAILY = CONFIG.replace("* * 1-5", "* * *")
SILENT = f"{DAILY}post_when_empty = false\n"


async def until_nine(stage: Stage) -> None:
    """The clock goes to the next 09:00 in Berlin."""
    now = stage.world.clock.now()
    slot = now.replace(hour=8, minute=0, second=0)
    await stage.later((slot if slot > now else slot + timedelta(days=1)) - now)


def told_of_retries(stage: Stage) -> list[str]:
    """The line about retries of each digest that was posted; empty where there is none."""
    found = [re.search(r"^🔁 (.*)$", shown.screen, re.MULTILINE) for shown in stage.posted(NEWS)]
    return [line[1] if line else "" for line in found]


async def recovers(stage: Stage, *, again: bool = False) -> None:
    """A request of which one patch is installed, and the other too or failed again."""
    for patch in (4, 5):
        found = stage.world.fleet.patch(DEVICE, patch)
        found.status, found.retried_at = PatchStatus.FAILED, None
    if again:
        stage.world.fail_again(DEVICE, 5)
    await sent(stage)
    stage.world.patches_install()
    await stage.later(EVERY)


async def test_the_next_digest_counts_what_recovered_after_a_retry_once(tmp_path: Path) -> None:
    async with World() as world:
        world.fleet.attempts.clear()
        async with staged(tmp_path, world=world, config=DAILY) as stage:
            await until_nine(stage)
            await recovers(stage)
            await recovers(stage, again=True)
            shown = (await stage.asks("bob", "/patches digest now daily")).plain
            assert "posted" in shown
            await until_nine(stage)
            await until_nine(stage)
            told = "3 patches recovered after a retry (#1, #2) · 1 patch failed again after a retry (#2)."
            assert told_of_retries(stage) == ["", told, told, ""], "what is posted by hand moves no mark"
            card = stage.posted("C0PATCHAPPROVE")[0]
            assert f"p{card.ts.replace('.', '')}|#1>" in str(stage.posted(NEWS)[2].blocks)
            assert nothing_left(stage) == []


async def test_a_plan_that_is_silent_when_nothing_failed_tells_of_a_recovery_once(tmp_path: Path) -> None:
    async with World() as world:
        world.fleet.attempts.clear()
        async with staged(tmp_path, world=world, config=SILENT) as stage:
            await until_nine(stage)
            assert stage.posted(NEWS) == []
            await recovers(stage)
            world.fleet.attempts.clear()
            await until_nine(stage)
            (line,) = told_of_retries(stage)
            assert line.startswith("2 patches recovered after a retry (#1)")
            await until_nine(stage)
            assert len(stage.posted(NEWS)) == 1
            assert nothing_left(stage) == []


async def test_a_retry_that_ends_with_the_slot_is_told_by_one_digest(tmp_path: Path) -> None:
    async with World() as world:
        world.fleet.attempts.clear()
        async with staged(tmp_path, world=world, config=DAILY) as stage:
            await until_nine(stage)
            await sent(stage)
            world.patches_install()
            now = world.clock.now()
            await stage.later(now.replace(hour=7, minute=59, second=30) + timedelta(days=1) - now)
            assert "Finished" in stage.card.plain
            await until_nine(stage)
            await until_nine(stage)
            assert [bool(line) for line in told_of_retries(stage)] == [False, False, True]
            assert nothing_left(stage) == []
