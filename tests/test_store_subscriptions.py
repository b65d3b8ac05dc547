"""Digests that people subscribed to, in the database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.digests import DigestPlan
from bot.model import DeviceKind, Posted
from bot.store import Entry, Mark, Store, Told
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINE = DigestPlan(
    "mine",
    "C0NEWS",
    "0 9 * * 1-5",
    "Europe/Berlin",
    window=timedelta(days=2, seconds=1),
    post_when_empty=False,
    group_by="reason",
    clients=("Contoso*", "Ümläut & Co"),
    applications=("Adobe*",),
    reasons=("FAILED_DOWNLOAD_ERROR",),
    kind=DeviceKind.SERVER,
    update=True,
    picture=0,
    quiet=("Sat", "22:00-06:00"),
    made_by="U0BOB",
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    await lay(tmp_path)
    opened = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'patches.db'}")
    yield opened
    await opened.close()


def entry(action: str, at: datetime = NOON) -> Entry:
    return Entry(at, "U0BOB", action, "digest:mine", {})


async def actions(store: Store) -> list[str]:
    return [row.action async for row in store.rows()]


async def test_a_subscription_is_read_as_it_was_made(store: Store) -> None:
    other = DigestPlan("a", "C0OTHER", "* * * * *")
    assert await store.subscribe(MINE, entry("add"))
    assert await store.subscribe(other, entry("add"))
    assert await store.subscriptions() == (other, MINE)
    assert await store.digest_mark("mine") == Mark(NOON, -1)
    assert await actions(store) == ["add", "add"]


async def test_a_taken_name_is_refused_and_leaves_no_trace(store: Store) -> None:
    await store.subscribe(MINE, entry("add"))
    assert not await store.subscribe(replace(MINE, name="MINE"), entry("twice", NOON + HOUR))
    assert await store.digest_mark("mine") == Mark(NOON, -1)
    assert await actions(store) == ["add"]


async def test_a_subscription_is_removed_once(store: Store) -> None:
    await store.subscribe(MINE, entry("add"))
    assert await store.unsubscribe("mine", entry("remove"))
    assert not await store.unsubscribe("mine", entry("remove"))
    assert await store.subscriptions() == ()
    assert await actions(store) == ["add", "remove"]


async def test_what_it_covered_is_forgotten_with_it_unless_the_file_goes_on_with_its_name(store: Store) -> None:
    for instead, left in ((True, Mark(NOON, -1)), (False, None)):
        await store.subscribe(MINE, entry("add"))
        assert await store.unsubscribe("mine", entry("remove"), instead=instead)
        assert await store.digest_mark("mine") == left


async def test_one_that_is_made_again_begins_anew(store: Store) -> None:
    await store.subscribe(MINE, entry("add"))
    await store.digest_posted("mine", Mark(NOON + HOUR, 7), None, entry("post", NOON + HOUR))
    await store.unsubscribe("mine", entry("remove"))
    await store.subscribe(MINE, entry("add", NOON + 3 * HOUR))
    assert await store.digest_mark("mine") == Mark(NOON + 3 * HOUR, -1)


async def test_it_is_paused_and_resumed_once(store: Store) -> None:
    await store.subscribe(MINE, entry("add"))
    assert not await store.pause_subscription("mine", entry("resume"), paused=False)
    assert await store.pause_subscription("mine", entry("pause"), paused=True)
    assert not await store.pause_subscription("mine", entry("pause"), paused=True)
    assert await store.subscriptions() == (replace(MINE, paused=True),)
    assert await store.pause_subscription("mine", entry("resume"), paused=False)
    assert not await store.pause_subscription("other", entry("pause"), paused=True)
    assert await store.subscriptions() == (MINE,)
    assert await actions(store) == ["add", "pause", "resume"]


async def test_behind_a_pause_nothing_is_late_and_nothing_is_forgotten(store: Store) -> None:
    await store.subscribe(MINE, entry("add"))
    told = Told(Posted("C0NEWS", "1.0"))
    await store.digest_posted("mine", Mark(NOON + HOUR, 7), told, entry("post", NOON + HOUR))
    for hours in (5, 9):
        await store.pause_subscription("mine", entry("pause"), paused=True)
        await store.pause_subscription("mine", entry("resume", NOON + hours * HOUR), paused=False)
        mark = await store.digest_mark("mine")
        assert mark == Mark(NOON + hours * HOUR, 7, NOON + HOUR)
        assert mark.since == NOON + HOUR
    await store.digest_posted("mine", Mark(NOON + 10 * HOUR, 9), told, entry("post", NOON + 10 * HOUR))
    assert await store.digest_mark("mine") == Mark(NOON + 10 * HOUR, 9)


async def test_the_end_of_a_pause_does_not_overtake_a_digest_that_is_being_posted(store: Store) -> None:
    await store.subscribe(MINE, entry("add"))
    assert await store.claim_digest("mine", NOON + HOUR, "me", NOON + HOUR, 600)
    for paused in (True, False):
        await store.pause_subscription("mine", entry("switch", NOON + HOUR + timedelta(minutes=1)), paused=paused)
    later = NOON + HOUR + timedelta(minutes=2)
    await store.digest_posted("mine", Mark(NOON + HOUR, 7), Told(Posted("C0NEWS", "1.0")), entry("post", later))
    assert await store.digest_mark("mine") == Mark(NOON + HOUR, 7)
