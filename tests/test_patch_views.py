"""The fleet's failed patches in the store, and when the walk that reads them takes its next step."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from bot.flows import patch_sweep
from bot.model import Client, Device, DeviceKind, FailedPatches, FleetView, Patch, PatchStatus, PatchView
from bot.store import Store, patch_views
from bot.store.engine import READERS
from tests.laid import lay

NOW = datetime(2025, 3, 12, 8, 30, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
CHROME = Patch(4, "Chrome 134 — „neu“", PatchStatus.FAILED, "Failed", "Chrome", "Critical", "Approve", "11-Mar-2025")
DEVICES = [Device(one, f"SRV-{one}", DeviceKind.SERVER, 1, "Contoso", "Office") for one in (1001, 1002, 1003)]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    await knows(store, *DEVICES)
    yield store
    await store.close()


async def knows(store: Store, *devices: Device) -> None:
    """The inventory is read anew."""
    await store.replace_inventory([Client(1, "Contoso", 3, 0)], devices, NOW)


async def saves(store: Store, view: PatchView, tried_at: datetime | None = None) -> None:
    """As the walk does it; without ``tried_at`` the reading itself was the last try."""
    at = tried_at or view.read_at
    assert at is not None
    await store.save_patch_view(view, at)


async def failures(store: Store) -> list[FailedPatches]:
    return [one async for some in store.failures() for one in some]


# ---------------------------------------------------------------- the store


async def test_however_many_walk_through_it_page_by_page_the_store_answers_in_between(store: Store) -> None:
    await saves(store, PatchView(DEVICES[0], NOW, (CHROME,)))
    walks = [store.failures() for _ in range(READERS)]
    async with contextlib.AsyncExitStack() as stack, asyncio.timeout(5):
        for walk in walks:
            await stack.enter_async_context(contextlib.aclosing(walk))
            assert await anext(walk)
        assert await store.patch_view(1001)
        await saves(store, PatchView(DEVICES[1], NOW, (CHROME,)))


async def test_what_was_saved_is_told_and_replaced_by_the_next_reading(store: Store) -> None:
    first = PatchView(DEVICES[0], NOW, (CHROME, replace(CHROME, id=5, status=16 | 64)))
    await saves(store, first)
    assert await store.patch_view(1001) == first
    assert await store.patch_view(1002) is None
    second = replace(first, trouble="refused")
    await saves(store, second, NOW + HOUR)
    assert await store.patch_view(1001) == second
    never = PatchView(DEVICES[1], trouble="timeout")
    await saves(store, never, NOW)
    assert await store.patch_view(1002) == never


async def test_the_fleet_is_told_in_figures(store: Store) -> None:
    assert await store.fleet_view(NOW) == FleetView(NOW, 3)
    await saves(store, PatchView(DEVICES[2], trouble="refused"), NOW)
    assert await store.fleet_view(NOW) == FleetView(NOW, 3, troubled=1)
    await saves(store, PatchView(DEVICES[1], NOW + HOUR, (CHROME, replace(CHROME, id=5)), "timeout"), NOW + 2 * HOUR)
    await saves(store, PatchView(DEVICES[0], NOW + 2 * HOUR))
    assert await store.fleet_view(NOW + 3 * HOUR) == FleetView(NOW + 3 * HOUR, 3, 2, NOW + HOUR, 2, 1, 2)


async def test_the_figures_are_counted_without_decoding_a_patch(store: Store) -> None:
    await saves(store, PatchView(DEVICES[0], NOW, (CHROME,)))
    async with store._database.write() as connection:
        await connection.exec_driver_sql("UPDATE patch_views SET failed = 'no JSON'")
    assert (await store.fleet_view(NOW)).failed == 1
    with pytest.raises(msgspec.DecodeError):
        await failures(store)


async def test_what_is_failed_is_told_by_title_and_of_devices_with_failed_patches_alone(store: Store) -> None:
    await saves(store, PatchView(DEVICES[1], NOW, (CHROME, replace(CHROME, id=5, severity="Low"))))
    await saves(store, PatchView(DEVICES[2], trouble="refused"), NOW)
    await saves(store, PatchView(DEVICES[0], NOW))
    assert await failures(store) == [FailedPatches(DEVICES[1], NOW, {CHROME.title: "Critical"})]


async def test_all_devices_that_tell_something_are_told_however_many_they_are(store: Store) -> None:
    fleet = [replace(DEVICES[0], id=number, name=f"PC-{number}") for number in range(1, patch_views.PAGE + 3)]
    await knows(store, *fleet)
    for device in fleet[1:]:
        await saves(store, PatchView(device, NOW, (CHROME,)))
    assert [one.device for one in await failures(store)] == fleet[1:]


async def test_a_view_goes_with_its_device_or_with_its_patch_management(store: Store) -> None:
    for device in DEVICES:
        await saves(store, PatchView(device, NOW, (CHROME,)))
    await knows(store, DEVICES[0], replace(DEVICES[1], patching=False))
    assert [one.device for one in await failures(store)] == [DEVICES[0]]
    await knows(store, *DEVICES)
    assert [await store.patch_view(one) is None for one in (1001, 1002, 1003)] == [False, True, True]


async def test_a_view_has_the_device_as_the_inventory_knows_it_now(store: Store) -> None:
    await saves(store, PatchView(DEVICES[0], NOW, (CHROME,)))
    renamed = replace(DEVICES[0], name="SRV-NEW")
    await knows(store, renamed)
    assert await store.patch_view(1001) == PatchView(renamed, NOW, (CHROME,))


async def test_the_one_never_read_comes_next_then_the_one_read_longest_ago(store: Store) -> None:
    order = []
    for hour in range(7):
        device = await store.next_to_sweep(NOW + hour * HOUR)
        assert device is not None
        order.append(device.id)
        await saves(store, PatchView(device, trouble="refused"), NOW + hour * HOUR)
        if hour == 3:
            await knows(store, *DEVICES, replace(DEVICES[0], id=1009), replace(DEVICES[0], id=1000, patching=False))
    assert order == [1001, 1002, 1003, 1001, 1009, 1002, 1003]
    assert await store.sweep_at() == (4, NOW + 6 * HOUR)


async def test_without_devices_nothing_comes_next(store: Store) -> None:
    await knows(store, replace(DEVICES[0], patching=False))
    assert await store.next_to_sweep(NOW) is None
    assert await store.sweep_at() == (0, None)


async def test_a_try_noted_by_a_clock_that_was_ahead_does_not_keep_its_device_waiting(store: Store) -> None:
    for device in DEVICES:
        await saves(store, PatchView(device, NOW))
    await saves(store, PatchView(DEVICES[1], NOW + 9000 * HOUR))
    assert await store.next_to_sweep(NOW + HOUR) == DEVICES[1]


# ---------------------------------------------------------------- when the next step is due


def test_the_first_reading_is_due_at_once() -> None:
    assert patch_sweep.due(HOUR, 20, None, NOW) is None


@pytest.mark.parametrize(
    ("every", "devices", "apart"),
    [
        (24 * HOUR, 2000, 43.2 * SECOND),
        (HOUR, 1, HOUR),
        (HOUR, 3600, SECOND),
        (HOUR, 20_000, SECOND),
        (HOUR, 0, HOUR),
        (timedelta(days=3650), 1, timedelta(days=3650)),
    ],
)
def test_readings_share_the_time_of_a_walk_and_are_a_second_apart_at_least(
    every: timedelta, devices: int, apart: timedelta
) -> None:
    assert patch_sweep.due(every, devices, NOW, NOW) == NOW + apart
    assert patch_sweep.due(every, devices, NOW, NOW + 9 * apart) == NOW + apart


def test_a_reading_noted_by_a_clock_that_was_ahead_holds_nobody_up() -> None:
    assert patch_sweep.due(HOUR, 20, NOW + 3 * MINUTE, NOW) is None
    assert patch_sweep.due(HOUR, 20, NOW + 2 * MINUTE, NOW) == NOW + 5 * MINUTE


# ---------------------------------------------------------------- speed


async def test_a_step_and_the_view_of_20_000_devices_are_quick(store: Store) -> None:
    fleet = [replace(DEVICES[0], id=number, name=f"PC-{number}") for number in range(1, 20_001)]
    await knows(store, *fleet)
    for device in fleet[:100]:
        await saves(store, PatchView(device, NOW, (CHROME,) if device.id % 3 else ()))
    took = []
    for question in (store.sweep_at(), store.next_to_sweep(NOW), store.fleet_view(NOW)):
        began = time.perf_counter()
        await question
        took.append(time.perf_counter() - began)
    assert max(took) < 1, took
