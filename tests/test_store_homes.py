"""Who has looked at the app's Home, whose is behind, and what is read for it."""

from datetime import datetime, timedelta

from bot.model import Posted, RetryRequest
from bot.store import Store
from tests import stored
from tests.test_store import CHANNEL, NOON, SRV1, created, draft, entry, store

__all__ = ["store"]
HOUR = timedelta(hours=1)


async def behind(store: Store, since: datetime, head: int, most: int = 9) -> list[str]:
    """Whose Home shows less than ``head``; none is too old."""
    return await store.homes_behind(since, head, NOON - timedelta(days=99), most)


async def test_a_home_is_behind_from_its_opening_on_and_whenever_the_trail_has_grown(store: Store) -> None:
    assert await behind(store, NOON, 0) == []
    await store.home_opened("U0ANN", NOON)
    assert await behind(store, NOON, 0) == ["U0ANN"], "also before the first row of the trail"
    await store.home_shown("U0ANN", 3, NOON)
    assert await behind(store, NOON, 3) == []
    assert await behind(store, NOON, 4) == ["U0ANN"]
    await store.home_opened("U0ANN", NOON + HOUR)
    assert await behind(store, NOON, 3) == ["U0ANN"]


async def test_a_home_is_behind_too_when_it_was_shown_long_ago_though_nobody_did_anything(store: Store) -> None:
    for who, minutes in (("U0ANN", 6), ("U0BOB", 5), ("U0CARL", 9), ("U0DAVE", 0)):
        await store.home_opened(who, NOON - HOUR)
        await store.home_shown(who, 3, NOON - timedelta(minutes=minutes))
    old = NOON - timedelta(minutes=5)
    assert await store.homes_behind(NOON - HOUR, 3, old, 9) == ["U0CARL", "U0ANN"], "the oldest first"
    await store.home_shown("U0DAVE", 2, NOON)
    assert await store.homes_behind(NOON - HOUR, 3, old, 1) == ["U0DAVE"], "what somebody did comes first"


async def test_those_that_show_least_come_first_and_only_those_opened_lately(store: Store) -> None:
    for number, who in enumerate(("U0ANN", "U0BOB", "U0CARL", "U0DAVE")):
        await store.home_opened(who, NOON + number * HOUR)
        await store.home_shown(who, 10 - number, NOON)
    await store.home_opened("U0BOB", NOON + HOUR)
    assert await behind(store, NOON + HOUR, 11) == ["U0BOB", "U0DAVE", "U0CARL"]
    assert await behind(store, NOON + HOUR, 11, 1) == ["U0BOB"]
    assert await store.home_is_open("U0ANN", NOON)
    assert not await store.home_is_open("U0ANN", NOON + HOUR)
    await store.forget_home("U0BOB")
    assert await behind(store, NOON + HOUR, 11, 1) == ["U0DAVE"]


async def test_nobody_is_kept_who_has_not_looked_for_two_days(store: Store) -> None:
    await store.home_opened("U0ANN", NOON)
    await store.home_opened("U0BOB", NOON + 2 * HOUR)
    await store.purge(NOON + HOUR + timedelta(days=2))
    assert await behind(store, NOON, 1) == ["U0BOB"]


async def test_a_persons_requests_come_newest_first_and_of_a_bulk_the_first(store: Store) -> None:
    alone = await created(store, 4)
    made = await store.create_requests([(draft(5), entry()), (draft(6), entry())], card_channel=CHANNEL)
    assert isinstance(made, tuple)
    theirs = draft(7, requester="U0CARL")
    assert isinstance(await stored.create(store, theirs, entry(), card_channel=CHANNEL), RetryRequest)
    assert [one.id for one in await store.asked_by("U0BOB", 9)] == [made[0].id, alone.id]
    assert [one.id for one in await store.asked_by("U0BOB", 1)] == [made[0].id]
    assert await store.asked_by("U0DAVE", 9) == []
    assert alone.device == SRV1


async def test_cards_are_found_where_the_first_one_stands(store: Store) -> None:
    first, second = await created(store, 4), await created(store, 5)
    assert await store.card_places([first.id, second.id]) == {}
    (card,) = await store.cards(first.id)
    await store.card_shown(card.id, 1, "1741768200.000100")
    await store.adopt_card(first.id, "C0OTHER", "1741768300.000100")
    assert await store.card_places([first.id, second.id]) == {first.id: Posted(CHANNEL, "1741768200.000100")}
    assert await store.card_places([]) == {}
