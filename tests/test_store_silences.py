"""Silences in the store: each with its audit row, one for each thing, paged by id."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model import Message, Silence
from bot.store import Entry, Note, SilencePage, Store, Turn
from tests.laid import lay
from tests.sample_requests import NOW

DAY = timedelta(days=1)
FIRST = Turn()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


async def made(store: Store, application: str = "7-Zip", days: int = 7, **more: Any) -> tuple[Silence, list[int]]:
    wished = Silence(0, application, NOW + days * DAY, "U0ANN", NOW, **more)
    silence, instead = await store.make_silence(wished, Entry(NOW, "U0ANN", "silence.make", "", {}))
    return silence, [one.id for one in instead]


async def trail(store: Store) -> list[tuple[str, str, str]]:
    return [(row.action, row.subject, row.data) async for row in store.rows()]


def ids(page: SilencePage) -> list[int]:
    return [silence.id for silence in page.rows]


async def test_a_silence_comes_back_as_it_was_made(store: Store) -> None:
    silence, _ = await made(store, reason="FAILED_X", client="Contoso*", version="24.09", why="<!channel>\nיום")
    assert silence.id == 1
    assert await store.silence(1) == silence
    assert await store.silences_on(NOW) == (silence,)
    assert await trail(store) == [("silence.make", "silence:1", "{}")]
    assert await store.silence(2) is None


async def test_one_about_just_the_same_takes_the_place_of_the_one_before(store: Store) -> None:
    await made(store)
    await made(store, client="Contoso")
    assert await made(store, "7-ZIP", days=1) == ((await store.silence(3)), [1])
    assert [one.id for one in await store.silences_on(NOW)] == [3, 2]
    before = await store.silence(1)
    assert before is not None
    assert (before.ended_at, before.ended_by) == (NOW, "U0ANN")
    assert (await trail(store))[2:] == [
        ("silence.make", "silence:3", "{}"),
        ("silence.end", "silence:1", '{"replaced_by":3}'),
    ]


async def test_it_is_ended_once_and_not_after_its_end(store: Store) -> None:
    await made(store)
    entry = Entry(NOW + DAY, "U0BOB", "silence.end", "", {})
    assert [await store.end_silence(number, entry) for number in (1, 1, 2)] == [True, False, False]
    await made(store, days=1)
    assert not await store.end_silence(2, entry)  # its end has just come
    assert await store.silences_on(NOW + DAY) == ()
    assert [action for action, *_ in await trail(store)] == ["silence.make", "silence.end", "silence.make"]


async def test_a_page_says_how_many_come_before_it_and_how_many_there_are(store: Store) -> None:
    for number in range(1, 8):
        await made(store, f"App {number}")
    await made(store, "App 8", days=1)
    now = NOW + 2 * DAY
    first = await store.silences(now, 3, FIRST)
    assert (ids(first), first.ahead, first.total) == ([7, 6, 5], 0, 7)
    second = await store.silences(now, 3, Turn(5))
    assert (ids(second), second.ahead, second.total) == ([4, 3, 2], 3, 7)
    assert ids(await store.silences(now, 3, Turn(4, forward=False))) == [7, 6, 5]
    assert ids(await store.silences(now, 3, Turn(1))) == [3, 2, 1]
    assert ids(await store.silences(now, 3, Turn(7, forward=False))) == [7, 6, 5]
    assert await store.silences(NOW + 8 * DAY, 3, FIRST) == SilencePage((), 0, 0)


async def test_what_is_told_elsewhere_is_queued_with_it(store: Store) -> None:
    wished = Silence(0, "7-Zip", NOW + DAY, "U0ANN", NOW)
    note = Note("silence:token", 0, "C0NEWS", Message("silenced"), "1.2")
    await store.make_silence(wished, Entry(NOW, "U0ANN", "silence.make", "", {}), [note])
    assert [queued.note for queued in await store.notes_due(NOW)] == [note]


async def test_those_long_over_are_forgotten(store: Store) -> None:
    await made(store, days=1)
    await made(store, "Zoom", days=400)
    await store.purge(NOW + 401 * DAY)
    assert await store.silence(1) is not None
    await store.purge(NOW + 402 * DAY)
    assert [await store.silence(1), (await store.silence(2)) is not None] == [None, True]
