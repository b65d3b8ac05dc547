"""Digests on their schedule: each slot once, no failure missing and none twice, whatever is down at the time."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.demo.clock import Clock
from bot.demo.faults import Fault
from bot.demo.world import World
from bot.flows import digest as flow
from bot.store import Store
from tests.scenes.digesting import (
    DAY,
    MINUTE,
    NEWS,
    SILENT,
    THURSDAY,
    digests,
    fails,
    named,
    quiet,
    reach,
    thread,
)
from tests.scenes.stage import CONFIG, SELDOM, nothing_left, staged


async def test_a_fresh_database_posts_nothing_late_and_its_first_digest_reaches_back_a_window(tmp_path: Path) -> None:
    async with World() as world:
        fails(quiet(world), "App old", ago=timedelta(hours=25))
        fails(world, "App new", ago=timedelta(minutes=10))
        async with staged(tmp_path, world=world) as stage:
            await stage.later(MINUTE)
            assert digests(stage) == []
            await reach(stage, THURSDAY - MINUTE)
            assert digests(stage) == []
            await reach(stage, THURSDAY)
            [digest] = digests(stage)
            assert named(stage, digest) == {"App new"}
            assert "1 failed patching attempt of 1 since" in digest.plain
            assert "Late" not in digest.plain
            await stage.later(timedelta(hours=5))
            assert len(digests(stage)) == 1
            assert (
                "Last scheduled digest: daily, 2025-03-13 08:00 UTC"
                in (await stage.asks("bob", "/patches status")).plain
            )
            assert nothing_left(stage) == []


@pytest.mark.parametrize("days", [5, pytest.param(12, marks=pytest.mark.deep)])
async def test_in_days_with_a_weekend_no_failure_is_missing_and_none_is_told_twice(days: int, tmp_path: Path) -> None:
    async with World() as world:
        world.eset.expires_in = 14 * 86400
        happened: set[str] = set()
        async with staged(tmp_path, world=quiet(world)) as stage:
            for day in range(days):
                for hour in (2, 8):
                    await reach(stage, max(THURSDAY + day * DAY + timedelta(hours=hour - 8), world.clock.now()))
                    name = f"App {day}-{hour}"
                    fails(world, *[name] * (1 + day % 3))
                    happened.add(name)
            fails(world, "App listed-late", ago=timedelta(days=2))  # ESET tells of it only now
            happened.add("App listed-late")
            await reach(stage, THURSDAY + days * DAY)
            posted = digests(stage)
            due = [f"{THURSDAY + day * DAY:%a %H:%M}" for day in range(days + 1)]
            assert [f"{digest.at:%a %H:%M}" for digest in posted] == [at for at in due if at[:3] not in {"Sat", "Sun"}]
            assert due[2:4] == ["Sat 08:00", "Sun 08:00"]
            told = [named(stage, digest) for digest in posted]
            assert set().union(*told) == happened
            assert sum(map(len, told)) == len(happened), "none is new twice"
            assert all("Late" not in digest.plain for digest in posted)
            assert nothing_left(stage) == []


@pytest.mark.parametrize(
    ("cron", "slots"),
    [
        pytest.param("0 9 * * *", ["2025-03-29 08:00", "2025-03-30 07:00", "2025-03-31 07:00"], marks=pytest.mark.deep),
        ("30 2 * * *", ["2025-03-29 01:30", "2025-03-30 01:00", "2025-03-31 00:30"]),  # skipped on the 30th
        ("30 2 * * *", ["2025-10-25 00:30", "2025-10-26 00:30", "2025-10-27 01:30"]),  # twice on the 26th
    ],
)
async def test_a_change_of_the_clocks_neither_repeats_nor_swallows_a_digest(
    cron: str, slots: list[str], tmp_path: Path
) -> None:
    instants = [datetime.fromisoformat(f"{slot}Z") for slot in slots]
    async with World(clock=Clock(instants[0] - timedelta(hours=6))) as world:
        config = SELDOM + CONFIG.replace("0 9 * * 1-5", cron)
        async with staged(tmp_path, world=quiet(world), config=config) as stage:
            for number, instant in enumerate(instants):
                await reach(stage, instant - MINUTE)
                assert len(digests(stage)) == number
                for late in range(3):
                    await reach(stage, instant + timedelta(hours=late))
                    assert len(digests(stage)) == number + 1
            assert [f"{digest.at:%Y-%m-%d %H:%M}" for digest in digests(stage)] == slots
            assert all("Late" not in digest.plain for digest in digests(stage))
            assert nothing_left(stage) == []


async def test_two_processes_on_one_database_post_a_slot_once(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as one, staged(tmp_path, world=world) as two:
        for day in range(2):
            fails(world, f"App {day}")
            world.clock.advance(THURSDAY + day * DAY - world.clock.now())
            await asyncio.gather(one.bot.tick(), two.bot.tick())
            await asyncio.gather(two.bot.tick(), one.bot.tick())
        assert [named(one, digest) for digest in digests(one)] == [{"App 0"}, {"App 1"}]
        assert (await one.actions()).count("digest.post") == 2
        assert nothing_left(one) == []


async def test_after_downtime_one_late_digest_covers_every_slot_that_was_missed(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=quiet(world)) as stage:
            fails(world, "App before")
            await reach(stage, THURSDAY)
        for day in range(5):  # the bot is down from Thursday to Tuesday
            fails(world, f"App down-{day}")
            world.clock.advance(DAY)
        world.clock.advance(timedelta(hours=1))
        async with staged(tmp_path, world=world) as stage:
            await stage.later(timedelta(hours=3))
            first, late = digests(stage)
            assert named(stage, first) == {"App before"}
            assert named(stage, late) == {f"App down-{day}" for day in range(5)}
            assert "Late: was due 2025-03-18 08:00 UTC; covers 2 missed slots too" in late.plain
            await reach(stage, THURSDAY + 6 * DAY)
            assert (
                "Still failing: 6, nothing new · Digest daily: no patching attempts since 2025-03-18"
                in digests(stage)[-1].plain
            )
            assert nothing_left(stage) == []


async def test_a_plan_that_was_never_posted_and_missed_its_slots_is_late_too(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=quiet(world)):
            pass
        world.clock.advance(timedelta(days=6))
        for day in range(6):
            fails(world, f"App down-{day}", ago=day * DAY + timedelta(hours=3))
        fails(world, "App old", ago=timedelta(days=6, hours=3))
        async with staged(tmp_path, world=world) as stage:
            [late] = digests(stage)
            assert "covers 3 missed slots too" in late.plain
            assert named(stage, late) == {f"App down-{day}" for day in range(6)}
            assert nothing_left(stage) == []


async def test_a_plan_that_shall_not_post_when_nothing_failed_stays_silent(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=SILENT) as stage:
        fails(world, "App fine", status="OK_INSTALLED")
        await reach(stage, THURSDAY)
        assert digests(stage) == []
        assert (await stage.actions()) == ["digest.skip"]  # the slot is covered all the same
        fails(world, "App bad")
        await reach(stage, THURSDAY + DAY)
        [digest] = digests(stage)
        assert named(stage, digest) == {"App bad"}
        assert nothing_left(stage) == []


async def test_a_plan_that_posts_when_nothing_failed_says_so_in_a_line(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        await reach(stage, THURSDAY)
        assert "Nothing was patched · Digest daily: no patching attempts" in digests(stage)[0].plain
        fails(world, "App fine", status="OK_INSTALLED")
        await reach(stage, THURSDAY + DAY)
        assert "All good · Digest daily: 1 patching attempt since" in digests(stage)[1].plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- when something is down


@pytest.mark.parametrize(
    "fault",
    [
        "cut_before",
        pytest.param("http_500", marks=pytest.mark.deep),
        pytest.param("html", marks=pytest.mark.deep),
        "archived",
    ],
)
async def test_when_slack_cannot_take_the_digest_it_is_posted_later_once(fault: str, tmp_path: Path) -> None:
    async with World() as world:
        fails(quiet(world), "App bad")
        async with staged(tmp_path, world=world) as stage:
            if fault == "archived":
                world.slack.archive(NEWS)
            else:
                world.slack.faults.add("chat.postMessage", fault, times=None)
            await reach(stage, THURSDAY)
            await stage.later(MINUTE)
            assert digests(stage) == []
            world.slack.faults.clear()
            world.slack.archive(NEWS, archived=False)
            await stage.later(timedelta(minutes=10))
            await stage.later(timedelta(minutes=10))
            [digest] = digests(stage)
            assert named(stage, digest) == {"App bad"}
            assert "Late: was due 2025-03-13 08:00 UTC" in digest.plain
            assert nothing_left(stage) == []


async def test_a_digest_whose_answer_was_lost_is_posted_again_and_then_no_more(tmp_path: Path) -> None:
    async with World() as world:
        fails(quiet(world), "App bad")
        async with staged(tmp_path, world=world) as stage:
            world.slack.faults.add("chat.postMessage", "lost_answer")
            await reach(stage, THURSDAY)
            for _ in range(3):
                await stage.later(MINUTE)
            lost, known = digests(stage)
            assert "App bad" in lost.plain
            assert "App bad" in known.plain
            assert (named(stage, lost), named(stage, known)) == (set(), {"App bad"}), "a thread has to have a place"
            assert (await stage.actions()).count("digest.post") == 1
            assert nothing_left(stage) == []


async def test_when_eset_is_down_at_the_slot_the_digest_says_so_and_the_next_one_has_the_rest(tmp_path: Path) -> None:
    async with World() as world:
        fails(quiet(world), "App known")
        async with staged(tmp_path, world=world) as stage:
            await world.eset.stop()
            fails(world, "App unseen")
            await reach(stage, THURSDAY)
            [digest] = digests(stage)
            assert named(stage, digest) == {"App known"}
            assert "ESET could not be reached (reference" in digest.plain
            assert "Attempts were last collected 2025-03-12 08:30 UTC" in digest.plain
            await world.eset.start()
            await reach(stage, THURSDAY + DAY)
            assert named(stage, digests(stage)[1]) == {"App unseen"}
            assert "could not be reached" not in digests(stage)[1].plain
            assert nothing_left(stage) == []


@pytest.mark.parametrize(
    "config", [pytest.param(CONFIG, id="loud"), pytest.param(SILENT, id="silent", marks=pytest.mark.deep)]
)
async def test_when_eset_cannot_be_asked_no_digest_says_that_nothing_happened(config: str, tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=config) as stage:
        await world.eset.stop()
        await stage.asks("bob", "/patches digest now daily")
        await reach(stage, THURSDAY)
        for digest in digests(stage):
            assert "Not known: ESET could not be asked" in digest.plain
            assert "not known what failed" in digest.plain
            assert "ESET could not be reached (reference" in digest.plain
            assert "othing" not in digest.plain
            assert "No patching attempts" not in digest.plain
        assert len(digests(stage)) == 2
        await world.eset.start()
        fails(world, "App unseen")
        await reach(stage, THURSDAY + DAY)
        assert named(stage, digests(stage)[2]) == {"App unseen"}
        assert nothing_left(stage) == []


async def test_a_bot_that_is_stopped_while_it_asks_eset_leaves_the_digest_to_the_next_one(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with World() as world:
        async with staged(tmp_path, world=quiet(world), config=SELDOM + CONFIG) as stage:
            fails(world, "App bad")
            world.eset.faults.add("recent", Fault.SLOW, until=gate)
            world.clock.advance(THURSDAY - world.clock.now())
            asked = len(world.eset.calls.of("recent"))
            tick = asyncio.create_task(stage.bot.tick())
            await world.eset.calls.reach("recent", asked + 1)
        await tick
        gate.set()
        assert digests(stage) == []
        async with staged(tmp_path, world=world) as stage:
            [digest] = digests(stage)
            assert named(stage, digest) == {"App bad"}
            assert "could not be asked" not in digest.plain
            assert await stage.actions() == ["digest.post"]
            assert nothing_left(stage) == []


async def test_a_posted_digest_is_marked_as_soon_as_the_database_can_be_written_again(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App bad")
        world.clock.advance(THURSDAY - world.clock.now())
        store = await Store.open(stage.config.database.url.reveal(), patience=0.05)
        other = sqlite3.connect(tmp_path / "patches.db", isolation_level=None)
        world.slack.faults.add("chat.postMessage", "slow", until=gate)
        services = replace(stage.bot.services, store=store)
        posting = asyncio.create_task(flow.post_if_due(services, stage.config.digests[0]))
        await world.slack.until(lambda: digests(stage))
        other.execute("BEGIN IMMEDIATE")
        gate.set()
        await asyncio.wait({posting}, timeout=1)
        assert not posting.done()
        other.execute("ROLLBACK")
        await posting
        await stage.later(MINUTE)
        assert [named(stage, digest) for digest in digests(stage)] == [{"App bad"}]
        assert await stage.actions() == ["digest.post"]
        other.close()
        await store.close()
        assert nothing_left(stage) == []


async def test_a_process_whose_claim_ran_out_while_it_asked_eset_does_not_post(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with (
        World() as world,
        staged(tmp_path, world=quiet(world), config=SELDOM + CONFIG) as one,
        staged(tmp_path, world=world, config=SELDOM + CONFIG) as two,
    ):
        fails(world, "App bad")
        world.clock.advance(THURSDAY - world.clock.now())
        world.eset.faults.add("recent", Fault.SLOW, until=gate)
        asked = len(world.eset.calls.of("recent"))
        slow = asyncio.create_task(one.bot.tick())
        await world.eset.calls.reach("recent", asked + 1)
        await two.later(timedelta(minutes=11))
        assert [named(two, digest) for digest in digests(two)] == [{"App bad"}]
        gate.set()
        await slow
        await one.later(MINUTE)
        assert len(digests(one)) == 1
        assert (await one.actions()).count("digest.post") == 1
        assert nothing_left(one) == []


async def test_an_attempt_under_way_is_told_once_when_it_has_ended(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        await reach(stage, THURSDAY)
        fails(world, "App slow", "App fast")
        ended = world.fleet.attempts[0]
        world.fleet.attempts[0] = replace(ended, ended=None)
        await reach(stage, THURSDAY + DAY)
        world.fleet.attempts[0] = ended
        await reach(stage, THURSDAY + 4 * DAY)
        await reach(stage, THURSDAY + 5 * DAY)
        assert [named(stage, digest) for digest in digests(stage)] == [set(), {"App fast"}, {"App slow"}, set()]
        assert nothing_left(stage) == []


@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=pytest.mark.deep)])
async def test_thousands_of_failing_applications_make_one_message_and_the_rest_is_found(
    count: int, tmp_path: Path
) -> None:
    async with World() as world:
        fails(quiet(world), *(f"App {number:04}" for number in range(count)))
        fails(world, "App 0007", ago=MINUTE * 2)
        async with staged(tmp_path, world=world) as stage:
            await reach(stage, THURSDAY)
            [digest] = digests(stage)
            assert f"{count + 1:,} failed patching attempts of {count + 1:,}" in digest.plain
            assert f"{count:,} new failures on servers" in digest.plain
            assert f"and {count - 5:,} more application versions ({count - 5:,} new): in the thread" in digest.plain
            *pages, listing = thread(stage, digest)
            assert len(pages) == 2
            assert "failures not shown: the list in this thread has all" in pages[-1].plain
            [file] = listing.files
            assert (file.content or b"").count(b"\r\n") == count + 1
            found = await stage.asks("bob", f'/patches recent failed app:"App {count - 1:04}"')
            assert "1 failed" in found.plain
            assert f"App {count - 1:04} (Fabrikam & Co) 1.0 → 2.0" in found.plain
            assert nothing_left(stage) == []


# ---------------------------------------------------------------- by hand


async def test_a_digest_posted_by_hand_does_not_move_the_schedule(tmp_path: Path) -> None:
    async with World() as world:
        fails(quiet(world), "App bad")
        async with staged(tmp_path, world=world) as stage:
            before = (await stage.asks("bob", "/patches digest list")).screen
            answer = await stage.asks("bob", "/patches digest now DAILY")
            assert "The digest daily was posted in #patch-news" in answer.plain
            assert (await stage.asks("bob", "/patches digest list")).screen == before
            assert "next 2025-03-13 08:00 UTC" in before
            await reach(stage, THURSDAY)
            by_hand, scheduled = digests(stage)
            assert named(stage, by_hand) == named(stage, scheduled) == {"App bad"}
            assert await stage.actions() == ["digest.now", "digest.post"]
            assert nothing_left(stage) == []


async def test_a_digest_by_hand_that_slack_does_not_take_is_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.kick_bot(NEWS)
        answer = await stage.asks("bob", "/patches digest now daily")
        assert "Slack refused (reference" in answer.plain
        assert "not_in_channel" in answer.plain
        assert await stage.actions() == ["digest.now"]  # who wanted it is on record before anything is shown
        assert digests(stage) == []
        assert nothing_left(stage) == []


async def test_a_group_of_a_digest_leads_to_a_request_for_one_device(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches digest now daily")
        [digest] = digests(stage)
        assert digest.buttons.count("Retry…") == 5
        assert "Only full members" in (await stage.clicks("gina", "Retry…", digest)).answers[-1].plain
        view = await stage.opens("bob", "Retry…", digest, saying="On which devices")
        assert view.callback_id == "digest.retry"
        assert await stage.submits("bob", {"devices": [], "Other devices": ["1001"]}) == {}
        view = await stage.world.slack.view_of("bob", saying="Failed patches to retry")
        form = {"Failed patches to retry": ["4", "5"], "Reason": "seen in the digest"}
        assert await stage.submits("bob", form) == {}
        assert "Request #1 is made: retry 4,5 on SRV-DC01" in stage.told("bob")
        assert "seen in the digest" in stage.card.plain
        assert len(stage.posted("C0PATCHAPPROVE")) == 1
        assert nothing_left(stage) == []


async def test_the_buttons_of_an_old_digest_are_answered_after_their_tokens_are_gone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches digest now daily")
        [digest] = digests(stage)
        await stage.later(timedelta(days=91))
        exchange = await stage.clicks("bob", "Retry…", digest)
        assert "too old for its button" in exchange.answers[-1].plain
        assert nothing_left(stage) == []
