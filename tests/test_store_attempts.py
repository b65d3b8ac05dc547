"""Attempts and inventory: what ESET and N-sight told, kept once and found again."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Attempt, Client, Device, DeviceKind, Period, Version
from bot.store import Store, attempts
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def attempt(app: str = "7-Zip", minute: int = 0, status: str = "PATCHING_STATUS_FAILED_DOWNLOAD_ERROR") -> Attempt:
    end = NOON + timedelta(minutes=minute)
    return Attempt(
        application_uuid=f"uuid-{app}",
        developer_name="Igor Pavlov & Söhne",
        display_name=app,
        patched=Version(name="24.09"),
        raw_status=status,
        period=Period(start="2026-03-02T11:00:00.123456789Z", end=end.isoformat()),
        unpatched=Version(name="24.08"),
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


async def test_an_attempt_listed_again_and_again_is_recorded_once(store: Store) -> None:
    listing = [attempt("7-Zip"), attempt("VLC", 1)]
    assert await store.record_attempts(listing, NOON) == 2
    assert await store.record_attempts(listing, NOON + timedelta(hours=1)) == 0
    assert await store.record_attempts([*listing, attempt("GIMP", 2)], NOON + timedelta(hours=2)) == 1
    seen = await store.attempts_ended_since(EPOCH, await store.newest_attempt())
    assert [(one.seq, one.attempt.application) for one in seen] == [(1, "7-Zip"), (2, "VLC"), (3, "GIMP")]
    assert [one.first_seen for one in seen] == [NOON, NOON, NOON + timedelta(hours=2)]


async def test_equal_rows_count_as_often_as_one_listing_ever_showed_them(store: Store) -> None:
    row = attempt()
    assert await store.record_attempts([row, row], NOON) == 2
    assert await store.record_attempts([row], NOON) == 0
    assert await store.newest_attempt() == 2
    assert await store.record_attempts([row, attempt("VLC"), row, row], NOON) == 2
    seen = await store.attempts_ended_since(EPOCH, 99)
    assert [one.attempt.application for one in seen] == ["7-Zip", "7-Zip", "7-Zip", "VLC"]


async def test_an_attempt_is_rebuilt_equal_with_the_same_fingerprint(store: Store) -> None:
    odd = Attempt(raw_status="SOMETHING_FAILED", period=Period(end="2026-03-02T13:00:00+01:00"), patched=Version())
    listing = [attempt("Äpp 漢字 🙂"), odd]
    await store.record_attempts(listing, NOON)
    rebuilt = [one.attempt for one in await store.attempts_ended_since(EPOCH, 9)]
    assert rebuilt == listing
    assert [one.fingerprint for one in rebuilt] == [one.fingerprint for one in listing]


@pytest.mark.parametrize(
    "unfinished",
    [
        {"period": Period(start="2026-03-02T11:00:00Z")},
        {"period": None},
        {"period": Period(end="soon")},
        {"period": Period(end="0001-01-01T00:00:00+01:00")},
        {"raw_status": "APPLICATION_PATCHING_STATUS_UNSPECIFIED"},
        {"raw_status": "PATCHING_STATUS_AVAILABLE"},
        {"raw_status": "APPLICATION_PATCHING_STATUS_SCHEDULED"},
        {"raw_status": None},
    ],
)
async def test_an_attempt_seen_unfinished_and_then_ended_is_recorded_once(
    store: Store, unfinished: dict[str, Any]
) -> None:
    ended = attempt()
    under_way = msgspec.structs.replace(ended, **unfinished)
    assert await store.record_attempts([under_way, under_way], NOON) == 0
    assert await store.record_attempts([ended, under_way], NOON + timedelta(hours=1)) == 1
    assert await store.record_attempts([ended], NOON + timedelta(hours=2)) == 0
    [seen] = await store.attempts_ended_since(EPOCH, 9)
    assert (seen.attempt, seen.first_seen) == (ended, NOON + timedelta(hours=1))


async def test_attempts_are_found_by_their_end_as_far_as_a_number(store: Store) -> None:
    await store.record_attempts([attempt(minute=n) for n in range(10)], NOON)
    since = await store.attempts_ended_since(NOON + timedelta(minutes=7), 9)
    assert [one.seq for one in since] == [8, 9]


async def test_a_collection_is_noted_even_when_nothing_is_new(store: Store) -> None:
    assert await store.collected_at() is None
    assert await store.record_attempts([], NOON) == 0
    assert await store.collected_at() == NOON
    assert await store.newest_attempt() == 0


async def test_purged_numbers_are_never_given_again(store: Store) -> None:
    await store.record_attempts([attempt("7-Zip"), attempt("VLC")], NOON)
    await store.purge(NOON + timedelta(days=401))
    assert await store.attempts_ended_since(EPOCH, 99) == []
    await store.record_attempts([attempt("GIMP")], NOON)
    assert [one.seq for one in await store.attempts_ended_since(EPOCH, 99)] == [3]


async def test_two_stores_that_record_the_same_listing_at_once_record_it_once(store: Store, tmp_path: Path) -> None:
    other = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    listing = [attempt(f"App {n % 700}", n % 3) for n in range(2500)]
    new = await asyncio.gather(store.record_attempts(listing, NOON), other.record_attempts(listing, NOON))
    await other.close()
    assert sum(new) == 2500
    assert len(await store.attempts_ended_since(EPOCH, 9999)) == 2500


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.deep)])
async def test_a_long_listing_is_recorded_while_others_go_on_writing(
    store: Store, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = [attempt(f"App {n % 400}", n) for n in range(count)]
    began = time.perf_counter()
    recording = asyncio.create_task(store.record_attempts(listing, NOON))
    waits: list[float] = []
    while not recording.done():
        asked = time.perf_counter()
        assert await store.first_delivery(f"click {len(waits)}", NOON)
        waits.append(time.perf_counter() - asked)
    assert await recording == count
    new = time.perf_counter() - began
    assert len(waits) > 3
    assert await store.record_attempts(listing, NOON) == 0
    again = time.perf_counter() - began - new
    assert len(await store.attempts_ended_since(EPOCH, 10**6)) == count
    read = time.perf_counter() - began - new - again
    with capsys.disabled():
        told = f"all new {new:.2f} s, nothing new {again:.2f} s, read {read:.2f} s"
        sys.stdout.write(f"\n{count} attempts: {told}; a click beside it waited {max(waits) * 1000:.0f} ms at most\n")


LISTINGS = st.lists(st.lists(st.integers(0, 3), max_size=6), max_size=5)


@given(LISTINGS)
def test_the_rows_to_write_bring_each_fingerprint_to_its_highest_count(listings: list[list[int]]) -> None:
    known: dict[str, int] = {}
    for listing in listings:
        found = [attempt(minute=minute) for minute in listing]
        for row in attempts.rows(attempts.group(found), known, NOON):
            assert row["ordinal"] == known.get(row["fingerprint"], 0) + 1
            known[row["fingerprint"]] = row["ordinal"]
    highest = {
        attempt(minute=minute).fingerprint: max(listing.count(minute) for listing in listings)
        for minute in {minute for listing in listings for minute in listing}
    }
    assert known == highest


# ---------------------------------------------------------------- inventory


async def test_the_inventory_is_replaced_as_a_whole_and_tells_its_age(store: Store) -> None:
    assert await store.inventory_at() is None
    contoso = Client(7, "Contoso & Söhne", 1, 1)
    server = Device(1002, "srv1", DeviceKind.SERVER, 7, "Contoso & Söhne", "HQ", patching=False)
    laptop = Device(1001, "lap-münchen", DeviceKind.WORKSTATION, 7, "Contoso & Söhne", "")
    await store.replace_inventory([contoso], [server, laptop], NOON)
    assert await store.devices() == [laptop, server]
    assert await store.clients() == [contoso]
    assert await store.device(1002) == server
    assert await store.device(1) is None
    assert await store.inventory_at() == NOON
    await store.replace_inventory([], [laptop], NOON + timedelta(hours=1))
    assert await store.devices() == [laptop]
    assert await store.clients() == []
    assert await store.inventory_at() == NOON + timedelta(hours=1)


async def test_a_device_listed_twice_is_stored_once(store: Store) -> None:
    device = Device(1, "a", DeviceKind.SERVER, 7, "Contoso", "HQ")
    await store.replace_inventory([], [device, device], NOON)
    assert await store.devices() == [device]
