"""What is still to be said and who says it: cards, notes, leases, deliveries, tokens, snapshots, digests."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.model import (
    Attempt,
    Device,
    DeviceKind,
    Listing,
    Message,
    Posted,
    RequestedPatch,
    RetryRequest,
    State,
    Terms,
    Version,
)
from bot.store import JSON, Entry, Mark, Note, Store, Told
from tests import stored
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CHANNEL = "C0PATCHAPPROVE"


def minutes(count: float) -> datetime:
    return NOON + timedelta(minutes=count)


def entry(at: datetime = NOON) -> Entry:
    return Entry(at, "bot", "told", "", {})


@pytest.fixture
async def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{await lay(tmp_path)}"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    store = await Store.open(url)
    yield store
    await store.close()


@pytest.fixture
async def other(url: str, store: Store) -> AsyncIterator[Store]:
    """What another process would hold: the same file through connections of its own."""
    other = await Store.open(url)
    yield other
    await other.close()


@pytest.fixture
async def request_(store: Store) -> RetryRequest:
    made = await stored.create(
        store,
        RetryRequest(
            id=0,
            state=State.PENDING,
            version=0,
            device=Device(1001, "srv1", DeviceKind.SERVER, 7, "Contoso", "HQ"),
            patches=(RequestedPatch(4, "Title", "Failed", "Failed"),),
            requester="U0BOB",
            reason="",
            asked_in="C0GENERAL",
            asked_at=NOON,
            expires_at=None,
            terms=Terms(),
        ),
        entry(),
        card_channel=CHANNEL,
    )
    assert isinstance(made, RetryRequest)
    return made


async def change(store: Store, request: RetryRequest, *notes: Note) -> RetryRequest:
    changed = replace(request, version=request.version + 1)
    assert await stored.change(store, changed, entry(), notes)
    return changed


# ---------------------------------------------------------------- cards


async def test_a_card_is_stale_until_it_shows_the_newest_version(store: Store, request_: RetryRequest) -> None:
    (card,) = await store.stale_cards(NOON)
    assert await store.take_card(card.id, "p1", NOON, 60) == card
    await store.card_shown(card.id, 1, "111.1")
    assert await store.stale_cards(NOON) == []
    await change(store, request_)
    (card,) = await store.stale_cards(NOON)
    assert (card.ts, card.shown) == ("111.1", 1)


async def test_a_card_is_given_up_unless_somebody_is_just_posting_it(store: Store, request_: RetryRequest) -> None:
    assert await store.add_card(request_.id, "C0OTHER", entry())
    assert not await store.add_card(request_.id, "C0OTHER", entry()), "one card in a channel"
    first, second = await store.cards(request_.id)
    assert await store.take_card(first.id, "p1", NOON, 60) is not None
    assert not await store.retire_card(first.id, minutes(0.5), [Note("told", request_.id, "U0BOB", Message("gone"))])
    assert await store.notes_due(minutes(1)) == []
    assert await store.retire_card(first.id, minutes(1), [Note("told", request_.id, "U0BOB", Message("gone"))])
    assert [card.id for card in await store.cards(request_.id)] == [second.id]
    assert [queued.note.key for queued in await store.notes_due(minutes(1))] == ["told"]


async def test_a_note_that_waits_for_its_card_uses_up_no_try(store: Store, request_: RetryRequest) -> None:
    await change(store, request_, Note("one", request_.id, "", Message("in the thread")))
    (queued,) = await store.notes_due(NOON)
    await store.note_later(queued.id, minutes(1))
    assert await store.notes_due(minutes(0.9)) == []
    (again,) = await store.notes_due(minutes(1))
    assert (again.id, again.tries) == (queued.id, 0)


async def test_one_of_two_processes_takes_a_card_until_the_lease_runs_out(
    store: Store, other: Store, request_: RetryRequest
) -> None:
    (card,) = await store.cards(request_.id)
    taken = await asyncio.gather(*((store, other)[n % 2].take_card(card.id, f"p{n}", NOON, 60) for n in range(10)))
    assert sum(one is not None for one in taken) == 1
    assert await store.stale_cards(minutes(0.9)) == []
    assert [one.id for one in await store.stale_cards(minutes(1))] == [card.id]
    assert await store.take_card(card.id, "p99", minutes(1), 60) is not None


async def test_a_card_listed_before_another_posted_it_cannot_be_posted_twice(
    store: Store, other: Store, request_: RetryRequest
) -> None:
    (listed,) = await other.stale_cards(NOON)
    await store.take_card(listed.id, "p1", NOON, 60)
    await store.card_shown(listed.id, 1, "111.1")
    assert await other.take_card(listed.id, "p2", NOON, 60) is None
    await change(store, request_)
    fresh = await other.take_card(listed.id, "p2", NOON, 60)
    assert fresh is not None
    assert fresh.ts == "111.1"


async def test_a_failed_card_rests_until_its_time(store: Store, request_: RetryRequest) -> None:
    (card,) = await store.cards(request_.id)
    await store.take_card(card.id, "p1", NOON, 60)
    await store.card_failed(card.id, minutes(5))
    assert await store.stale_cards(minutes(4)) == []
    (again,) = await store.stale_cards(minutes(5))
    assert again.tries == 1
    await store.card_shown(card.id, 1, "111.1")
    (shown,) = await store.cards(request_.id)
    assert shown.tries == 0


async def test_a_click_from_an_unknown_card_fills_the_card_whose_ts_was_lost(
    store: Store, request_: RetryRequest
) -> None:
    assert await store.adopt_card(request_.id, CHANNEL, "111.1")
    assert not await store.adopt_card(request_.id, CHANNEL, "111.1")
    (card,) = await store.cards(request_.id)
    assert card.ts == "111.1"
    assert await store.adopt_card(request_.id, CHANNEL, "222.2"), "a second copy, posted when the first answer was lost"
    assert [one.ts for one in await store.stale_cards(NOON)] == ["111.1", "222.2"]


async def test_a_card_adopted_while_a_second_copy_was_being_posted_keeps_both(
    store: Store, request_: RetryRequest
) -> None:
    (card,) = await store.cards(request_.id)
    await store.take_card(card.id, "p1", NOON, 60)
    await store.adopt_card(request_.id, CHANNEL, "111.1")
    await store.card_shown(card.id, 1, "222.2")
    assert [(one.ts, one.shown) for one in await store.cards(request_.id)] == [("111.1", 0), ("222.2", 1)]


# ---------------------------------------------------------------- notes


async def test_a_note_is_said_once_however_often_it_is_queued(store: Store, request_: RetryRequest) -> None:
    note = Note("request:1:approved", request_.id, "", Message("Approved. Ünïcode 🙂", ({"type": "divider"},)))
    request = await change(store, request_, note, note)
    await change(store, request, note)
    (queued,) = await store.notes_due(NOON)
    assert queued.note == note
    assert await store.take_note(queued.id, "p1", NOON, 60)
    assert not await store.take_note(queued.id, "p1", NOON, 60)
    assert not await store.take_note(queued.id, "p2", NOON, 60)
    await store.note_sent(queued.id)
    assert await store.notes_due(minutes(9)) == []
    assert not await store.take_note(queued.id, "p2", minutes(9), 60)


async def test_a_note_that_failed_is_due_again_at_its_time(store: Store, request_: RetryRequest) -> None:
    await change(store, request_, Note("k", request_.id, "U0BOB", Message("text")))
    (queued,) = await store.notes_due(NOON)
    await store.take_note(queued.id, "p1", NOON, 60)
    await store.note_failed(queued.id, minutes(2))
    assert not await store.take_note(queued.id, "p1", minutes(1), 60)
    (again,) = await store.notes_due(minutes(2))
    assert (again.id, again.tries) == (queued.id, 1)


async def test_a_note_whose_sender_died_is_free_when_the_lease_ends(store: Store, request_: RetryRequest) -> None:
    await change(store, request_, Note("k", request_.id, "U0BOB", Message("text")))
    (queued,) = await store.notes_due(NOON)
    await store.take_note(queued.id, "p1", NOON, 60)
    assert await store.notes_due(minutes(0.5)) == []
    assert await store.take_note(queued.id, "p2", minutes(1), 60)


# ---------------------------------------------------------------- leases and deliveries


async def test_a_lease_belongs_to_one_owner_who_may_renew_and_release_it(store: Store, other: Store) -> None:
    assert await store.lease("sweep", "p1", NOON, 60)
    assert not await other.lease("sweep", "p2", minutes(0.9), 60)
    assert await store.lease("sweep", "p1", minutes(0.9), 60)
    assert not await other.lease("sweep", "p2", minutes(1.5), 60)
    await other.release("sweep", "p2")
    assert not await other.lease("sweep", "p2", minutes(1.5), 60)
    await store.release("sweep", "p1")
    assert await other.lease("sweep", "p2", minutes(1.5), 60)
    assert await store.lease("sweep", "p1", minutes(2.5), 60), "p2 died"


async def test_of_twenty_concurrent_callers_one_sees_the_first_delivery(store: Store, other: Store) -> None:
    seen = await asyncio.gather(*((store, other)[n % 2].first_delivery("trigger:1.2.3", NOON) for n in range(20)))
    assert sum(seen) == 1
    assert await store.first_delivery("trigger:4.5.6", NOON)


# ---------------------------------------------------------------- tokens and snapshots


async def test_what_a_button_means_is_recalled_by_kind_and_token(store: Store) -> None:
    data: dict[str, JSON] = {"app": "Müller", "ids": [1, 2], "deep": {"x": None}}
    token = await store.remember("digest.retry", data, NOON)
    assert len(token) <= 24
    assert token != await store.remember("digest.retry", data, NOON)
    assert await store.recall("digest.retry", token) == data
    assert await store.recall("recent.page", token) is None
    assert await store.recall("digest.retry", "no-such-token") is None
    assert await store.replace("digest.retry", token, {"page": 2})
    assert await store.recall("digest.retry", token) == {"page": 2}
    assert not await store.replace("digest.retry", "no-such-token", {})


async def test_a_snapshot_comes_back_equal_and_the_newest_is_found(store: Store) -> None:
    attempts = [Attempt(display_name=f"Äpp {n}", patched=Version(name="1.2")) for n in range(500)]
    listing = Listing(attempts, unreadable=3)
    old = await store.save_snapshot(NOON, Listing([]))
    new = await store.save_snapshot(minutes(1), listing)
    assert await store.snapshot(new) == (minutes(1), listing)
    assert await store.snapshot(old) == (NOON, Listing([]))
    assert await store.snapshot("gone") is None
    assert await store.latest_snapshot(NOON) == new
    assert await store.latest_snapshot(minutes(2)) is None


# ---------------------------------------------------------------- digests


async def test_a_plan_starts_at_its_baseline_and_only_once(store: Store) -> None:
    assert await store.digest_mark("daily") is None
    await store.start_digest("daily", NOON, 17)
    await store.start_digest("daily", minutes(5), 99)
    assert await store.digest_mark("daily") == Mark(NOON, 17)
    assert await store.last_digest() is None, "a baseline is no digest"


async def test_of_two_processes_one_posts_a_slot(store: Store, other: Store) -> None:
    await store.start_digest("daily", NOON, 0)
    slot = minutes(60)
    claims = await asyncio.gather(
        store.claim_digest("daily", slot, "p1", slot, 120), other.claim_digest("daily", slot, "p2", slot, 120)
    )
    assert sorted(claims) == [False, True]
    assert not await other.claim_digest("daily", minutes(61), "p3", minutes(61), 120), "the lease is on the plan"
    assert await other.claim_digest("weekly", slot, "p3", slot, 120), "another plan is another matter"


async def test_a_posted_slot_moves_the_mark_tells_the_trail_and_is_never_claimed_again(store: Store) -> None:
    slot = minutes(60)
    assert await store.claim_digest("daily", slot, "p1", slot, 120)
    assert await store.digest_mark("daily") is None, "a claim is no mark"
    await store.digest_posted("daily", Mark(slot, 42), Told(Posted("C0NEWS", "1.1")), entry(minutes(61)))
    assert await store.digest_mark("daily") == Mark(slot, 42)
    assert await store.last_digest() == ("daily", minutes(61))
    assert (await store.head())[0] == 1
    for owner in ("p1", "p2"):
        assert not await store.claim_digest("daily", slot, owner, minutes(70), 120)
        assert not await store.claim_digest("daily", minutes(30), owner, minutes(70), 120)
    assert await store.claim_digest("daily", minutes(120), "p2", minutes(120), 120)


async def test_a_slot_whose_poster_died_is_claimed_by_another_after_the_lease(store: Store) -> None:
    slot = minutes(60)
    assert await store.claim_digest("daily", slot, "p1", slot, 120)
    assert not await store.claim_digest("daily", slot, "p2", minutes(61), 120)
    assert await store.claim_digest("daily", slot, "p1", minutes(61), 120), "its holder may try again at once"
    assert await store.claim_digest("daily", slot, "p2", minutes(63), 120)


async def test_a_slot_with_nothing_to_post_moves_the_mark_but_is_not_the_last_digest(store: Store) -> None:
    await store.digest_posted("daily", Mark(NOON, 3), Told(Posted("C0NEWS", "1.1")), entry())
    await store.digest_posted("daily", Mark(minutes(60), 3), None, entry(minutes(60)))
    assert await store.digest_mark("daily") == Mark(minutes(60), 3)
    assert await store.last_digest() == ("daily", NOON)


async def test_a_mark_that_comes_late_does_not_move_a_plan_back(store: Store) -> None:
    await store.digest_posted("daily", Mark(minutes(60), 9), Told(Posted("C0NEWS", "2.2")), entry(minutes(60)))
    for slot, upto in ((minutes(60), 5), (NOON, 3)):
        await store.digest_posted("daily", Mark(slot, upto), Told(Posted("C0NEWS", "1.1")), entry(minutes(61)))
        assert await store.digest_mark("daily") == Mark(minutes(60), 9)
    assert (await store.head())[0] == 3, "that it was posted is told all the same"


async def test_what_is_said_in_one_place_is_said_in_its_order_and_holds_up_no_other_place(
    store: Store, request_: RetryRequest
) -> None:
    places = [("", ""), ("U0BOB", ""), ("C0NEWS", "1.1"), ("C0NEWS", "2.2")]
    notes = [Note(f"{to}{thread}{n}", 1, to, Message("x"), thread=thread) for n in (1, 2) for to, thread in places]
    await change(store, request_, *notes)
    first = await store.notes_due(NOON)
    assert [queued.note.key for queued in first] == [note.key for note in notes[:4]]
    await store.note_failed(first[0].id, minutes(5))
    await store.note_sent(first[1].id)
    assert [queued.note.key for queued in await store.notes_due(NOON)] == [notes[n].key for n in (2, 3, 5)]
    assert [queued.note.key for queued in await store.notes_due(minutes(5))] == [notes[n].key for n in (0, 2, 3, 5)]


# ---------------------------------------------------------------- forgetting


async def test_purging_forgets_what_is_past_its_time_and_never_the_trail(store: Store, request_: RetryRequest) -> None:
    await change(store, request_, Note("sent", 1, "U", Message("x")), Note("unsent", 1, "V", Message("y")))
    sent = (await store.notes_due(NOON))[0]
    await store.note_sent(sent.id)
    token = await store.remember("k", 1, NOON)
    snapshot = await store.save_snapshot(NOON, Listing([]))
    await store.first_delivery("d", NOON)
    await store.purge(minutes(59))
    assert await store.snapshot(snapshot) is not None
    assert not await store.first_delivery("d", NOON)
    await store.purge(NOON + timedelta(days=91))
    assert await store.snapshot(snapshot) is None
    assert await store.first_delivery("d", NOON)
    assert await store.recall("k", token) is None
    assert [queued.note.key for queued in await store.notes_due(NOON)] == ["unsent"]
    await change(store, replace(request_, version=2), Note("sent", 1, "U", Message("x")))
    assert len(await store.notes_due(NOON)) == 2
    assert (await store.verify()).rows == 3
