"""What the follow-up and the digests ask of the store: when a device was last read, and which retries have ended."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot import digests
from bot.model import Fate, RequestedPatch, RetryRequest, State
from bot.store import Change, Covered, Ended, Entry, Store
from tests.laid import lay
from tests.sample_requests import in_state, pending

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DISTANCE, SECOND = timedelta(seconds=90), timedelta(seconds=1)
ME, OTHER = "here:1", "there:2"
EVERY = digests.RECOVERED | digests.FAILED_AGAIN


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


def entry(at: datetime = NOON) -> Entry:
    return Entry(at, "bot", "test", "", {})


async def made(store: Store, *drafts: RetryRequest) -> list[RetryRequest]:
    found = await store.create_requests([(replace(one, version=0), entry()) for one in drafts], card_channel="C0CARDS")
    assert not isinstance(found, Covered)
    return list(found)


async def changed(store: Store, before: RetryRequest, **fields: object) -> RetryRequest:
    after = replace(before, version=before.version + 1, **fields)  # type: ignore[arg-type]
    assert await store.change_requests([Change(after, entry())])
    return after


# ---------------------------------------------------------------- looks


async def begins(store: Store, at: datetime, owner: str = ME, device: int = 1001) -> bool:
    return await store.begin_look(device, owner, at, DISTANCE, 60)


async def test_a_device_is_looked_at_by_one_and_not_again_before_the_distance(store: Store) -> None:
    assert await begins(store, NOON)
    assert not await begins(store, NOON + SECOND, OTHER)
    assert await begins(store, NOON + SECOND, OTHER, device=1002), "another device is another matter"
    await store.end_look(1001, ME, NOON + 5 * SECOND)
    assert not await begins(store, NOON + DISTANCE)
    assert await begins(store, NOON + 5 * SECOND + DISTANCE, OTHER)


async def test_whoever_dies_while_looking_has_looked(store: Store) -> None:
    assert await begins(store, NOON)
    assert not await begins(store, NOON + DISTANCE - SECOND, OTHER)
    assert await begins(store, NOON + DISTANCE, OTHER)


async def test_a_look_noted_by_a_clock_that_was_wrong_holds_nobody_up(store: Store) -> None:
    await store.end_look(1001, OTHER, NOON + timedelta(days=365))
    assert await begins(store, NOON)


async def test_looks_are_forgotten_in_time(store: Store) -> None:
    await store.end_look(1001, ME, NOON)
    await store.purge(NOON + timedelta(days=1))
    assert not await begins(store, NOON + SECOND)
    await store.purge(NOON + timedelta(days=3))
    assert await begins(store, NOON + SECOND)


async def test_only_what_was_sent_is_followed(store: Store) -> None:
    queued, unknown, waiting = await made(store, pending(1, 4), pending(1, 5), pending(1, 6))
    for request, state in ((queued, State.QUEUED), (unknown, State.UNKNOWN)):
        await changed(store, request, state=state)
    assert [one.id for one in await store.followed(1001)] == [queued.id, unknown.id]
    assert await store.followed(1002) == []
    assert waiting.open


async def test_however_many_requests_are_followed_the_database_is_asked_as_often(store: Store) -> None:
    asked: list[str] = []

    async def questions() -> int:
        asked.clear()
        await store.followed(1001)
        return len([one for one in asked if one.startswith("SELECT")])

    sa.event.listen(store._database._engine.sync_engine, "before_cursor_execute", lambda *event: asked.append(event[2]))
    for request in await made(store, pending(1, 4)):
        await changed(store, request, state=State.QUEUED)
    alone = await questions()
    for patch in range(5, 10):
        for request in await made(store, pending(1, patch)):
            await changed(store, request, state=State.UNKNOWN)
    assert await questions() == alone
    assert len(await store.followed(1001)) == 6


# ---------------------------------------------------------------- what has ended


def patches(**fates: Fate) -> tuple[RequestedPatch, ...]:
    return tuple(RequestedPatch(int(name[1:]), name, "Failed", "", fate) for name, fate in fates.items())


async def test_patches_of_requests_that_ended_are_told_with_their_card_and_fate(store: Store) -> None:
    alone, *bulk = [*await made(store, pending(1, 1, 2, 3)), *await made(store, pending(1, 4), pending(1, 5))]
    mixed = patches(p1=Fate.INSTALLED, p2=Fate.RESTART, p3=Fate.FAILED_AGAIN)
    await changed(store, alone, state=State.FINISHED, settled_at=NOON, patches=mixed)
    for one in bulk:
        installed = tuple(replace(patch, fate=Fate.INSTALLED) for patch in one.patches)
        await changed(store, one, state=State.FINISHED, settled_at=NOON + SECOND, patches=installed)
    device = (alone.device.id, alone.device.client, alone.device.kind)
    first = tuple(Ended(1, *device, patch.title, patch.fate, NOON) for patch in mixed)
    titles = [one.patches[0].title for one in bulk]
    second = tuple(Ended(bulk[0].id, *device, title, Fate.INSTALLED, NOON + SECOND) for title in titles)
    assert await store.ended(NOON - SECOND, NOON, EVERY) == first
    assert await store.ended(NOON - SECOND, NOON, digests.FAILED_AGAIN) == first[2:]
    assert await store.ended(NOON, NOON + SECOND, EVERY) == second
    assert await store.ended(NOON - SECOND, NOON + SECOND, EVERY) == first + second
    assert await store.ended(NOON + SECOND, NOON + timedelta(days=1), EVERY) == ()


async def test_what_is_still_open_has_not_ended(store: Store) -> None:
    (request,) = await made(store, pending(1, 4, 5))
    halfway = patches(p4=Fate.INSTALLED, p5=Fate.QUEUED)
    await changed(store, request, state=State.QUEUED, patches=halfway)
    assert await store.ended(NOON - timedelta(days=9), NOON + timedelta(days=9), EVERY) == ()
    assert in_state(State.FINISHED).settled_at is None
