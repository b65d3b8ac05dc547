"""Devices in the store: where attempts happened, what ESET calls them, what people chose for them; the inventory."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.model import Device, DeviceKind, EsetDevice
from bot.store import Entry, Link, Store
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


def link(uuid: str, device_id: int, who: str = "U0ANN", at: datetime = NOON) -> Link:
    return Link(uuid, device_id, who, at)


def entry(action: str = "device.link", at: datetime = NOON) -> Entry:
    return Entry(at, "U0ANN", action, "device:1001", {})


# ---------------------------------------------------------------- sightings


async def test_a_sighting_told_again_and_again_is_recorded_once(store: Store) -> None:
    assert await store.record_sightings({"f1": ("a", "b"), "f2": ("a",)}, NOON) == 3
    assert await store.record_sightings({"f1": ("b", "a", "a"), "f3": ("c", "c")}, NOON + DAY) == 1
    assert await store.record_sightings({}, NOON) == 0
    found = await store.sightings(["f1", "f2", "f3", "f1", "nowhere"])
    assert {one: [device.uuid for device in devices] for one, devices in found.items()} == {
        "f1": ["a", "b"],
        "f2": ["a"],
        "f3": ["c"],
    }


async def test_devices_come_by_name_and_one_without_a_known_name_is_told_too(store: Store) -> None:
    await store.record_sightings({"f1": ("u1", "u2", "u3")}, NOON)
    await store.name_eset_devices([EsetDevice("u1", "srv-web"), EsetDevice("u2", "DC01")], NOON)
    found = await store.sightings(["f1"])
    assert found["f1"] == (EsetDevice("u3", ""), EsetDevice("u2", "DC01"), EsetDevice("u1", "srv-web"))


async def test_a_device_that_was_renamed_goes_by_its_new_name(store: Store) -> None:
    await store.name_eset_devices([EsetDevice("u1", "DESKTOP-1"), EsetDevice("u2", "B")], NOON)
    await store.name_eset_devices([EsetDevice("u1", "old"), EsetDevice("u1", "FRONTDESK")], NOON + DAY)
    assert await store.eset_names(["u1", "u2", "u9"]) == {"u1": "FRONTDESK", "u2": "B"}
    assert await store.eset_names(["u1", "u2"], NOON + DAY) == {"u1": "FRONTDESK"}


async def test_how_far_the_list_by_device_was_read_is_remembered(store: Store) -> None:
    assert await store.sighted_upto() is None
    await store.note_sighted(NOON)
    await store.note_sighted(NOON + DAY)
    assert await store.sighted_upto() == NOON + DAY


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.deep)])
async def test_many_sightings_are_written_once(store: Store, count: int) -> None:
    found = {f"{number:064x}": (f"device-{number % 20_000}",) for number in range(count)}
    assert await store.record_sightings(found, NOON) == count
    assert await store.record_sightings(found, NOON) == 0
    assert len(await store.sightings(list(found)[:5000])) == 5000


async def test_after_400_days_sightings_and_names_are_forgotten_and_choices_are_not(store: Store) -> None:
    await store.record_sightings({"old": ("u1",)}, NOON)
    await store.record_sightings({"new": ("u2",)}, NOON + 2 * DAY)
    await store.name_eset_devices([EsetDevice("u1", "GONE")], NOON)
    await store.name_eset_devices([EsetDevice("u2", "THERE")], NOON + 2 * DAY)
    await store.link_device(link("u1", 1001), entry())
    await store.purge(NOON + 401 * DAY)
    assert await store.sightings(["old", "new"]) == {"new": (EsetDevice("u2", "THERE"),)}
    assert await store.eset_names(["u1", "u2"]) == {"u2": "THERE"}
    assert await store.links(["u1"]) == {"u1": link("u1", 1001)}


# ---------------------------------------------------------------- choices


async def test_a_choice_is_remembered_with_its_row_in_the_trail(store: Store) -> None:
    assert await store.link_device(link("u1", 1001), entry())
    assert await store.links(["u1", "u2"]) == {"u1": link("u1", 1001)}
    assert await store.links_to(1001) == [link("u1", 1001)]
    assert [row.action async for row in store.rows()] == ["device.link"]


async def test_the_same_choice_again_changes_nothing_and_another_one_takes_its_place(store: Store) -> None:
    await store.link_device(link("u1", 1001), entry())
    assert not await store.link_device(link("u1", 1001, "U0BOB", NOON + DAY), entry())
    assert await store.links(["u1"]) == {"u1": link("u1", 1001)}
    assert await store.link_device(link("u1", 1002, "U0BOB", NOON + DAY), entry())
    assert await store.links(["u1"]) == {"u1": link("u1", 1002, "U0BOB", NOON + DAY)}
    assert await store.links_to(1001) == []
    assert len([row async for row in store.rows()]) == 2


async def test_a_choice_is_undone_once_and_only_as_it_was_shown(store: Store) -> None:
    await store.link_device(link("u1", 1001), entry())
    assert not await store.unlink_device("u1", 1002, entry("device.unlink"))
    assert await store.unlink_device("u1", 1001, entry("device.unlink"))
    assert not await store.unlink_device("u1", 1001, entry("device.unlink"))
    assert await store.links(["u1"]) == {}
    assert [row.action async for row in store.rows()] == ["device.link", "device.unlink"]


async def test_two_of_esets_devices_may_be_one_of_n_sights(store: Store) -> None:
    await store.link_device(link("u2", 1001, at=NOON + DAY), entry())
    await store.link_device(link("u1", 1001), entry())
    assert [one.eset_uuid for one in await store.links_to(1001)] == ["u1", "u2"]


# ---------------------------------------------------------------- the inventory


async def test_an_inventory_of_several_pages_comes_back_whole_and_in_order(store: Store) -> None:
    fleet = [Device(n, f"PC-{n}", DeviceKind.WORKSTATION, n % 7, "C", "S", n % 2 == 0) for n in range(3000, 0, -1)]
    await store.replace_inventory([], [*fleet, fleet[0]], NOON)
    assert await store.devices() == fleet[::-1]
    await store.replace_inventory([], fleet[:1000], NOON)
    assert await store.devices() == fleet[999::-1]
