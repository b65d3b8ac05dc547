"""The audit trail's head as people get it: each day in a channel, outside the database, and whenever they ask."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import cron
from bot.demo.slack.model import Shown
from bot.demo.world import World
from bot.store.audit import GENESIS
from tests.insider import tampers
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged
from tests.test_cli import ran

NEWS = "C0PATCHNEWS"
APPROVALS = CONFIG.partition("[[digests]]")[0]
DAILY = APPROVALS + '[audit]\nchannel = "C0PATCHNEWS"\ncron = "0 6 * * *"\n'
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


async def reach(*stages: Stage, hour: int) -> None:
    """Time goes on to the next time the clock shows this hour; every bot looks twice: one queues, one sends."""
    clock = stages[0].world.clock
    then = clock.now().replace(hour=hour, minute=0, second=0, microsecond=0)
    clock.advance((then if then > clock.now() else then + timedelta(days=1)) - clock.now())
    for _ in range(2):
        await asyncio.gather(*(stage.bot.tick() for stage in stages))


def heads(stage: Stage) -> list[Shown]:
    return [shown for shown in stage.posted(NEWS) if shown.plain.startswith("Audit trail: ")]


def head_in(shown: Shown) -> str:
    """The head as somebody copies it out of a message."""
    found = re.search(r"audit verify --head ([0-9a-f]{64})", shown.plain)
    assert found is not None, shown.plain
    return found[1]


async def whole(stage: Stage, head: str) -> bool:
    """What ``audit verify --head`` tells."""
    return (await stage.bot.services.store.verify(head)).ok


async def test_the_head_is_posted_once_a_day_also_by_two_bots_on_one_database(tmp_path: Path) -> None:
    async with (
        World() as world,
        staged(tmp_path, world=world, config=DAILY) as one,
        staged(tmp_path, world=world, config=DAILY) as two,
    ):
        await one.asks("bob", "/patches retry 1001 4,5")
        for day in range(1, 4):
            await reach(one, two, hour=6)
            assert len(heads(one)) == day
            await reach(one, two, hour=18)
            assert len(heads(one)) == day
        rows = await one.trail()
        told = [row for row in rows if row.action == "audit.head"]
        assert [(row.actor, row.subject) for row in told] == [("bot", "audit")] * 3
        for row, shown in zip(told, heads(one), strict=True):
            count = row.entry.data["rows"]
            assert isinstance(count, int)
            assert count < row.seq
            assert row.entry.data["head"] == rows[count - 1].hash == head_in(shown)
            assert (await one.bot.services.store.verify(head_in(shown))).ok
        assert nothing_left(one) == []


async def test_a_tail_cut_off_behind_the_bots_back_is_found_with_the_posted_head(tmp_path: Path) -> None:
    async with staged(tmp_path, config=DAILY) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await stage.clicks("ann", "Approve", stage.card)
        await reach(stage, hour=6)
        [shown] = heads(stage)
        rows = [row.hash for row in await stage.trail()].index(head_in(shown)) + 1
        assert f"{rows} rows" in shown.plain
        tampers(tmp_path / "patches.db", "DELETE FROM audit_trail WHERE seq >= ?", rows)
        assert (await stage.bot.services.store.verify()).ok, "what is left is a whole chain"
        done = await ran(tmp_path, "audit", "verify", "--head", head_in(shown))
        assert (done.status, "rows were cut off" in done.out) == (1, True)


async def test_a_head_that_slack_did_not_take_is_posted_later_and_still_once(tmp_path: Path) -> None:
    async with staged(tmp_path, config=DAILY) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        stage.world.slack.archive(NEWS)
        await reach(stage, hour=6)
        assert heads(stage) == []
        stage.world.slack.archive(NEWS, archived=False)
        await stage.later(HOUR)
        await stage.later(HOUR)
        [shown] = heads(stage)
        assert await whole(stage, head_in(shown))


async def test_without_a_channel_and_with_an_empty_trail_nothing_is_posted(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        await reach(stage, hour=6)
        assert heads(stage) == []
        assert "audit.head" not in await stage.actions()
    empty = tmp_path / "empty"
    empty.mkdir()
    async with staged(empty, config=DAILY) as stage:
        await reach(stage, hour=6)
        assert heads(stage) == []
        assert await stage.trail() == []


async def test_the_status_shows_the_head_and_what_it_is_for(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5")
        rows, head = await stage.bot.services.store.head()
        answer = await stage.asks("bob", "/patches status")
        assert f"Audit trail: {rows} row" in answer.plain
        assert f"head {head[:16]}" in answer.plain
        assert f"Head of the audit trail: {head}" in answer.plain
        assert head_in(answer) == head
        assert await whole(stage, head)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    async with staged(fresh) as stage:
        assert GENESIS in (await stage.asks("bob", "/patches status")).plain


@pytest.mark.parametrize(
    ("expression", "now", "slot"),
    [
        ("0 6 * * *", "2025-03-12 06:00", "2025-03-12 05:00"),  # Berlin is an hour ahead
        ("0 6 * * *", "2025-03-12 04:59", "2025-03-11 05:00"),
        ("* * * * *", "2025-03-12 06:30", "2025-03-12 06:30"),
        ("0 6 * * 1", "2025-03-12 04:59", "2025-03-10 05:00"),
        ("0 6 * * 1", "2025-03-12 05:00", None),
        ("30 2 * * *", "2025-03-30 01:00", "2025-03-30 01:00"),  # skipped that night
    ],
)
def test_the_newest_time_is_the_last_one_that_has_come_up_within_two_days(
    expression: str, now: str, slot: str | None
) -> None:
    expected = datetime.fromisoformat(f"{slot}Z") if slot else None
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert cron.newest(expression, "Europe/Berlin", moment - timedelta(days=2), moment) == expected
