"""The fleet's failed patches in the store, and when the walk that reads them takes its next step."""

import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.flows import patch_sweep
from bot.model import Client, Device, DeviceKind, FleetView, Patch, PatchStatus, PatchView
from bot.store import Store, patch_views
from tests.laid import lay

NOW = datetime(2025, 3, 12, 8, 30, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
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


# ---------------------------------------------------------------- the store


async def test_what_was_saved_is_told_and_replaced_by_the_next_reading(store: Store) -> None:
    first = PatchView(DEVICES[0], NOW, (CHROME, replace(CHROME, id=5, status=16 | 64)))
    await store.save_patch_view(first)
    assert await store.patch_view(1001) == first
    assert await store.patch_view(1002) is None
    second = PatchView(DEVICES[0], NOW + HOUR, trouble="refused")
    await store.save_patch_view(second)
    assert await store.patch_view(1001) == second


async def test_the_fleet_is_told_with_those_devices_alone_that_have_something_to_tell(store: Store) -> None:
    assert await store.patch_views(NOW) == FleetView(NOW, 3)
    failed = PatchView(DEVICES[1], NOW + HOUR, (CHROME,))
    refused = PatchView(DEVICES[2], NOW + 2 * HOUR, trouble="refused")
    for view in (refused, failed, PatchView(DEVICES[0], NOW)):
        await store.save_patch_view(view)
    assert await store.patch_views(NOW + 3 * HOUR) == FleetView(NOW + 3 * HOUR, 3, 3, NOW, (failed, refused))


async def test_all_devices_that_tell_something_are_told_however_many_they_are(store: Store) -> None:
    fleet = [replace(DEVICES[0], id=number, name=f"PC-{number}") for number in range(1, patch_views.PAGE + 3)]
    await knows(store, *fleet)
    for device in fleet[1:]:
        await store.save_patch_view(PatchView(device, NOW, (CHROME,)))
    assert [view.device for view in (await store.patch_views(NOW)).views] == fleet[1:]


async def test_a_view_goes_with_its_device_or_with_its_patch_management(store: Store) -> None:
    for device in DEVICES:
        await store.save_patch_view(PatchView(device, NOW, (CHROME,)))
    await knows(store, DEVICES[0], replace(DEVICES[1], patching=False))
    assert (await store.patch_views(NOW)).views == (PatchView(DEVICES[0], NOW, (CHROME,)),)
    await knows(store, *DEVICES)
    assert [await store.patch_view(one) is None for one in (1001, 1002, 1003)] == [False, True, True]


async def test_a_view_has_the_device_as_the_inventory_knows_it_now(store: Store) -> None:
    await store.save_patch_view(PatchView(DEVICES[0], NOW, (CHROME,)))
    renamed = replace(DEVICES[0], name="SRV-NEW")
    await knows(store, renamed)
    assert await store.patch_view(1001) == PatchView(renamed, NOW, (CHROME,))


async def test_the_one_never_read_comes_next_then_the_one_read_longest_ago(store: Store) -> None:
    order = []
    for hour in range(7):
        device = await store.next_to_sweep()
        assert device is not None
        order.append(device.id)
        await store.save_patch_view(PatchView(device, NOW + hour * HOUR))
        if hour == 3:
            await knows(store, *DEVICES, replace(DEVICES[0], id=1009), replace(DEVICES[0], id=1000, patching=False))
    assert order == [1001, 1002, 1003, 1001, 1009, 1002, 1003]
    assert await store.sweep_at() == (4, NOW + 6 * HOUR)


async def test_without_devices_nothing_comes_next(store: Store) -> None:
    await knows(store, replace(DEVICES[0], patching=False))
    assert await store.next_to_sweep() is None
    assert await store.sweep_at() == (0, None)


# ---------------------------------------------------------------- when the next step is due


def test_the_first_reading_is_due_at_once() -> None:
    assert patch_sweep.due(HOUR, 20, None) is None


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
    assert patch_sweep.due(every, devices, NOW) == NOW + apart


# ---------------------------------------------------------------- speed


async def test_a_step_and_the_view_of_20_000_devices_are_quick(store: Store) -> None:
    fleet = [replace(DEVICES[0], id=number, name=f"PC-{number}") for number in range(1, 20_001)]
    await knows(store, *fleet)
    for device in fleet[:100]:
        await store.save_patch_view(PatchView(device, NOW, (CHROME,) if device.id % 3 else ()))
    took = []
    for question in (store.sweep_at(), store.next_to_sweep(), store.patch_views(NOW)):
        began = time.perf_counter()
        await question
        took.append(time.perf_counter() - began)
    assert max(took) < 1, took
