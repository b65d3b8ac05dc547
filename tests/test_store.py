"""Retry requests in the store: changes by compare-and-swap, each with its audit row and notes or not at all."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from bot.model import (
    OPEN,
    Device,
    DeviceKind,
    Fate,
    Message,
    RequestedPatch,
    RetryRequest,
    State,
    Terms,
    Vote,
)
from bot.store import Change, Covered, Entry, Note, Store
from tests import stored
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SRV1 = Device(1001, "srv-münchen-1", DeviceKind.SERVER, 7, "Contoso & Söhne", "HQ", patching=True)
CHANNEL = "C0PATCHAPPROVE"


def draft(*patches: int, device: Device = SRV1, requester: str = "U0BOB") -> RetryRequest:
    asked = tuple(RequestedPatch(patch, f"Title {patch}", "Failed", "Failed") for patch in patches)
    return RetryRequest(
        id=0,
        state=State.PENDING,
        version=0,
        device=device,
        patches=asked,
        requester=requester,
        reason="the customer's <b>printer</b> waits for it 🖨",
        asked_in="C0GENERAL",
        asked_at=NOON,
        expires_at=NOON + timedelta(hours=4),
        terms=Terms(quorum=2),
        next_at=NOON + timedelta(hours=4),
    )


def entry(action: str = "request.created", subject: str = "") -> Entry:
    return Entry(NOON, "U0BOB", action, subject, {})


def note(key: str, request_id: int = 0) -> Note:
    return Note(key, request_id, "U0BOB", Message("Approved.", ({"type": "divider"},)))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


async def created(store: Store, *patches: int, device: Device = SRV1) -> RetryRequest:
    made = await stored.create(store, draft(*patches, device=device), entry(), card_channel=CHANNEL)
    assert isinstance(made, RetryRequest)
    return made


def after(request: RetryRequest, state: State, **changes: object) -> RetryRequest:
    return replace(request, state=state, version=request.version + 1, **changes)  # type: ignore[arg-type]


async def actions(store: Store) -> list[tuple[str, str]]:
    return [(row.action, row.subject) async for row in store.rows()]


async def test_a_new_request_gets_an_id_a_card_and_an_audit_row(store: Store) -> None:
    made = await stored.create(store, draft(4, 5), entry(), card_channel=CHANNEL)
    assert isinstance(made, RetryRequest)
    assert (made.id, made.version, made.state) == (1, 1, State.PENDING)
    assert await store.request(made.id) == made
    (card,) = await store.cards(made.id)
    assert (card.channel, card.ts, card.shown) == (CHANNEL, None, 0)
    assert await actions(store) == [("request.created", "request:1")]


async def test_every_field_of_a_request_comes_back_as_it_was_stored_and_times_in_utc(store: Store) -> None:
    request = await created(store, 4, 5, 6)
    berlin = timezone(timedelta(hours=1))
    full = after(
        request,
        State.QUEUED,
        patches=(
            replace(request.patches[0], label="Installed", fate=Fate.INSTALLED),
            replace(request.patches[1], label="Pending", fate=Fate.QUEUED),
            request.patches[2],
        ),
        votes=(Vote("U0ZOE", NOON.astimezone(berlin)), Vote("U0ANN", NOON + timedelta(microseconds=1))),
        decided_by="U0ANN",
        decided_at=NOON,
        decision_reason="ja",
        approved_at=NOON + timedelta(seconds=1),
        owner="process-1",
        deadline=NOON + timedelta(minutes=2),
        called_at=NOON + timedelta(seconds=2),
        settled_at=NOON + timedelta(seconds=3),
        note="N-sight queued 2 patches.",
        expires_at=None,
        next_at=None,
    )
    assert await stored.change(store, full, entry("request.queued"))
    found = await store.request(request.id)
    assert found == full
    assert found is not None
    assert [vote.voter for vote in found.votes] == ["U0ZOE", "U0ANN"]
    assert {vote.at.tzinfo for vote in found.votes} == {UTC}


async def test_of_two_changes_made_from_the_same_version_one_wins_and_only_it_is_told(store: Store) -> None:
    request = await created(store, 4)
    approve = stored.change(store, after(request, State.APPROVED), entry("request.approved"), [note("approved", 1)])
    deny = stored.change(store, after(request, State.DENIED), entry("request.denied"), [note("denied", 1)])
    won = await asyncio.gather(approve, deny)
    assert sorted(won) == [False, True]
    found = await store.request(request.id)
    assert found is not None
    winner = "approved" if won[0] else "denied"
    assert (found.state, found.version) == (winner, 2)
    assert await actions(store) == [("request.created", "request:1"), (f"request.{winner}", "request:1")]
    assert [queued.note.key for queued in await store.notes_due(NOON)] == [winner]


async def test_twenty_changes_at_once_through_two_stores_leave_one_winner(store: Store, tmp_path: Path) -> None:
    request = await created(store, 4)
    other = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    tries = [
        stored.change((store, other)[n % 2], after(request, State.SENDING, owner=f"p{n}"), entry("request.claimed"))
        for n in range(20)
    ]
    won = await asyncio.gather(*tries)
    await other.close()
    assert sum(won) == 1
    found = await store.request(request.id)
    assert found is not None
    assert found.owner == f"p{won.index(True)}"
    assert len(await actions(store)) == 2


async def test_a_change_of_an_unknown_request_or_a_skipped_version_is_refused(store: Store) -> None:
    request = await created(store, 4)
    assert not await stored.change(store, replace(request, id=99, version=2), entry())
    assert not await stored.change(store, replace(request, version=3), entry())
    assert await store.request(request.id) == request


async def test_a_change_whose_note_cannot_be_stored_is_not_made_at_all(store: Store) -> None:
    request = await created(store, 4)
    unfit = Note("k", 1, "U0BOB", Message("text", ({"when": object()},)))
    with pytest.raises(TypeError):
        await stored.change(store, after(request, State.APPROVED), entry("request.approved"), [unfit])
    assert await store.request(request.id) == request
    assert await actions(store) == [("request.created", "request:1")]


async def test_an_open_request_covers_its_patches(store: Store) -> None:
    first = await created(store, 4, 5)
    covered = await stored.create(store, draft(5, 6), entry(), card_channel=CHANNEL)
    assert covered == Covered((first,))
    assert len(await store.history(None, 10)) == 1
    assert len(await actions(store)) == 1
    assert await store.notes_due(NOON) == []


async def test_other_patches_and_other_devices_are_free(store: Store) -> None:
    await created(store, 4, 5)
    assert (await created(store, 6)).id == 2
    assert (await created(store, 4, 5, device=replace(SRV1, id=1002))).id == 3


async def test_of_ten_equal_drafts_at_once_one_becomes_a_request(store: Store) -> None:
    made = await asyncio.gather(*(stored.create(store, draft(4), entry(), card_channel=CHANNEL) for _ in range(10)))
    assert sum(isinstance(one, RetryRequest) for one in made) == 1
    assert len(await store.history(None, 20)) == 1


@pytest.mark.parametrize("state", list(State))
async def test_a_request_covers_its_patches_exactly_while_it_is_open(store: Store, state: State) -> None:
    request = await created(store, 4)
    assert await stored.change(store, after(request, state), entry())
    again = await stored.create(store, draft(4), entry(), card_channel=CHANNEL)
    assert isinstance(again, Covered) == (state in OPEN)


@pytest.mark.parametrize(
    ("fate", "holds"), [(Fate.WAITING, True), (Fate.QUEUED, True), (Fate.UNCLEAR, True), (Fate.FAILED_AGAIN, False)]
)
async def test_a_settled_patch_of_an_open_request_may_be_asked_for_again(store: Store, fate: Fate, holds: bool) -> None:
    request = await created(store, 4, 5)
    patches = (replace(request.patches[0], fate=fate), request.patches[1])
    assert await stored.change(store, after(request, State.QUEUED, patches=patches), entry())
    again = await stored.create(store, draft(4), entry(), card_channel=CHANNEL)
    assert isinstance(again, Covered) == holds


async def test_ids_beyond_32_bits_are_kept(store: Store) -> None:
    big = replace(SRV1, id=2**40, client_id=2**41)
    request = await created(store, 2**42, device=big)
    assert await store.request(request.id) == request


async def test_requests_are_listed_by_state_by_due_time_and_by_device(store: Store) -> None:
    one = await created(store, 1)
    two = await created(store, 2)
    three = await created(store, 3, device=replace(SRV1, id=1002))
    assert await stored.change(store, after(two, State.DENIED, next_at=None), entry())
    assert [r.id for r in await store.requests_in({State.PENDING})] == [one.id, three.id]
    assert [r.id for r in await store.requests_in([State.DENIED, State.PENDING])] == [one.id, two.id, three.id]
    assert await store.requests_due(NOON) == []
    assert [r.id for r in await store.requests_due(NOON + timedelta(hours=4))] == [one.id, three.id]
    assert [r.id for r in await store.history(None, 2)] == [three.id, two.id]
    assert [r.id for r in await store.history(None, 2, 2)] == [one.id]
    assert [r.id for r in await store.history(1001, 10)] == [two.id, one.id]
    assert await store.request(99) is None


async def test_an_ended_request_is_never_due(store: Store) -> None:
    request = await created(store, 1)
    assert await stored.change(store, after(request, State.WITHDRAWN, next_at=NOON), entry())
    assert await store.requests_due(NOON + timedelta(days=1)) == []


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is collected: nothing may depend on it."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_cancelled_change_is_whole_or_absent_and_the_store_goes_on_at_once(store: Store) -> None:
    request = await created(store, 4)
    for pause in range(40):
        task = asyncio.create_task(stored.change(store, after(request, State.PENDING, note="x"), entry("changed")))
        for _ in range(pause):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        found = await store.request(request.id)
        assert found is not None
        request = found
        assert len(await actions(store)) == request.version
    assert await stored.change(store, after(request, State.APPROVED), entry("request.approved"))
    assert (await store.verify()).ok


async def bulk(store: Store) -> list[RetryRequest]:
    other = replace(SRV1, id=SRV1.id + 1, name="SRV2")
    drafts = [(draft(4), entry()), (draft(4, device=other), entry())]
    made = await store.create_requests(drafts, card_channel=CHANNEL)
    assert not isinstance(made, Covered)
    return list(made)


async def test_requests_made_together_share_a_card_and_know_each_other(store: Store) -> None:
    one, two = await bulk(store)
    assert (one.bulk, two.bulk, two.card_id) == (one.id, one.id, one.id)
    assert one.peers == ((two.device, two.patches),)
    assert await store.members(two.id) == [one, two]
    assert len(await store.cards(one.id)) == 1
    assert await store.cards(two.id) == []
    assert await actions(store) == [("request.created", "request:1"), ("request.created", "request:2")]


async def test_of_requests_made_together_none_is_made_when_one_is_covered(store: Store) -> None:
    first = await created(store, 4)
    other = replace(SRV1, id=SRV1.id + 1)
    made = await store.create_requests([(draft(9, device=other), entry()), (draft(4), entry())], card_channel=CHANNEL)
    assert made == Covered((first,))
    assert len(await store.history(None, 9)) == len(await actions(store)) == 1


async def test_of_changes_made_together_none_is_made_when_one_comes_too_late(store: Store) -> None:
    one, two = await bulk(store)
    assert await stored.change(store, after(two, State.DENIED), entry("request.denied"))
    approved = [
        Change(after(each, State.APPROVED), entry("request.approved"), [note(f"n{each.id}")]) for each in (one, two)
    ]
    assert not await store.change_requests(approved)
    assert [each.state for each in await store.members(one.id)] == [State.PENDING, State.DENIED]
    assert len(await actions(store)) == 3
    assert await store.notes_due(NOON) == []


async def test_the_card_of_several_is_behind_when_any_of_them_has_changed(store: Store) -> None:
    one, two = await bulk(store)
    [card] = await store.stale_cards(NOON)
    assert await store.take_card(card.id, "p1", NOON, 60)
    await store.card_shown(card.id, 2, "1.1")
    assert await store.stale_cards(NOON) == []
    for request in (one, two):
        assert await stored.change(store, after(request, State.DENIED), entry("request.denied"))
        assert [stale.id for stale in await store.stale_cards(NOON)] == [card.id]
        assert await store.take_card(card.id, "p1", NOON, 60)
        await store.card_shown(card.id, 3 if request is one else 4, "1.1")
    assert await store.stale_cards(NOON) == []
