"""Pages of requests in the store: found by id, so that what comes and goes between two turns hides nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model import RetryRequest, State
from bot.store import Entry, Page, Store, Turn
from tests import stored
from tests.examples import examples
from tests.laid import lay
from tests.sample_requests import NOW, pending

FIRST = Turn()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


async def made(store: Store, patch: int, device: int = 1001) -> RetryRequest:
    draft = pending(1, patch)
    draft = replace(draft, device=replace(draft.device, id=device))
    request = await stored.create(store, draft, Entry(NOW, "U0BOB", "request.create", "", {}), card_channel="C0")
    assert isinstance(request, RetryRequest)
    return request


async def ended(store: Store, request: RetryRequest, state: State = State.DENIED, **changes: object) -> None:
    after = replace(request, state=state, version=request.version + 1, **changes)  # type: ignore[arg-type]
    assert await stored.change(store, after, Entry(NOW, "U0ANN", "request.deny", "", {}))


def ids(page: Page) -> list[int]:
    return [request.id for request in page.rows]


async def test_a_page_says_how_many_come_before_it_and_how_many_there_are(store: Store) -> None:
    for patch in range(1, 8):
        await made(store, patch)
    first = await store.past(None, 3, FIRST)
    assert (ids(first), first.ahead, first.total) == ([7, 6, 5], 0, 7)
    second = await store.past(None, 3, Turn(5))
    assert (ids(second), second.ahead, second.total) == ([4, 3, 2], 3, 7)
    back = await store.past(None, 3, Turn(4, forward=False))
    assert (ids(back), back.ahead) == ([7, 6, 5], 0)
    assert ids(await store.waiting(NOW, 3, Turn(3))) == [4, 5, 6]
    assert ids(await store.waiting(NOW, 3, Turn(4, forward=False))) == [1, 2, 3]


async def test_beyond_either_end_there_is_the_page_at_that_end(store: Store) -> None:
    for patch in range(1, 6):
        await made(store, patch)
    for turn, page in ((Turn(1), [3, 2, 1]), (Turn(5, forward=False), [5, 4, 3])):
        assert ids(await store.past(None, 3, turn)) == page
    for turn, page in ((Turn(5), [3, 4, 5]), (Turn(1, forward=False), [1, 2, 3])):
        assert ids(await store.waiting(NOW, 3, turn)) == page


async def test_a_list_without_requests_is_empty_wherever_it_is_turned(store: Store) -> None:
    for turn in (FIRST, Turn(4), Turn(4, forward=False)):
        assert await store.past(None, 3, turn) == await store.waiting(NOW, 3, turn) == Page((), 0, 0)


async def test_the_past_of_one_device_is_its_own(store: Store) -> None:
    for patch in range(1, 7):
        await made(store, patch, device=1001 + patch % 2)
    page = await store.past(1001, 2, FIRST)
    assert (ids(page), page.total) == ([6, 4], 3)
    assert ids(await store.past(1001, 2, Turn(4))) == [2]


async def test_approved_requests_wait_until_their_window_opens(store: Store) -> None:
    one, two, three = [await made(store, patch) for patch in (1, 2, 3)]
    await ended(store, one, State.APPROVED, send_after=NOW + timedelta(hours=1))
    await ended(store, two, State.APPROVED)
    assert ids(await store.waiting(NOW, 9, FIRST)) == [one.id, three.id]
    assert ids(await store.waiting(NOW + timedelta(hours=1), 9, FIRST)) == [three.id]


@settings(max_examples=examples(4), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(1, 12),
    size=st.integers(1, 5),
    meanwhile=st.lists(st.tuples(st.integers(0, 2), st.sets(st.integers(1, 12), max_size=3)), max_size=8),
)
async def test_turned_forth_every_list_shows_what_stayed_in_it_exactly_once(
    tmp_path_factory: pytest.TempPathFactory, start: int, size: int, meanwhile: list[tuple[int, set[int]]]
) -> None:
    """``meanwhile``: how many are made and which are denied between two turns."""
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path_factory.mktemp('pages'))}")
    try:
        alive = {(await made(store, patch)).id for patch in range(1, start + 1)}
        past, waiting = await store.past(None, size, FIRST), await store.waiting(NOW, size, FIRST)
        told, waited, gone = ids(past), ids(waiting), set[int]()
        turns = -(-(start + sum(more for more, _ in meanwhile)) // size)
        for more, denied in [*meanwhile, *[(0, set[int]())] * turns]:
            for _ in range(more):
                alive.add((await made(store, 100 + len(alive) + len(gone))).id)
            for number in denied & alive:
                request = await store.request(number)
                assert request is not None
                await ended(store, request)
                alive.discard(number)
                gone.add(number)
            past = await store.past(None, size, Turn(told[-1]))
            told += [number for number in ids(past) if number < told[-1]]
            waiting = await store.waiting(NOW, size, Turn(waited[-1]))
            waited += [number for number in ids(waiting) if number > waited[-1]]
        assert told == list(range(start, 0, -1))
        assert waited == sorted(set(waited))
        assert alive <= set(waited)
    finally:
        await store.close()
