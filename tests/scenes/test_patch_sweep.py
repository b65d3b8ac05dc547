"""The walk over all devices: one at a time, spread over its time, through restarts, refusals and outages."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from bot.app import Pace, running
from bot.demo.faults import Fault
from bot.demo.fleet import Machine
from bot.demo.serving import Call
from bot.demo.world import World
from bot.flows import patch_sweep
from bot.model import PatchStatus, PatchView
from tests.scenes.stage import CONFIG, QUICK, Stage, nothing_left, staged, until_ready

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
HOURLY = CONFIG + '\n[nsight]\nsweep = "1h"\n'


@contextlib.asynccontextmanager
async def small(folder: Path, config: str = HOURLY, *, devices: int = 7, pace: Pace = QUICK) -> AsyncIterator[Stage]:
    """A stage with a few devices of one customer's office, so that a walk is short."""
    async with World() as world:
        keep(world, devices)
        async with staged(folder, config=config, world=world, pace=pace) as stage:
            yield stage


def keep(world: World, devices: int) -> None:
    """So many of the first office's devices, and what ESET tells of these."""
    fleet = world.fleet
    fleet.customers[1:], fleet.customers[0].sites[1:] = [], []
    fleet.customers[0].sites[0].machines[devices:] = []
    left = {machine.id for machine in fleet.machines()}
    fleet.attempts[:] = [row for row in fleet.attempts if row.machine_id in left]
    fleet.others[:] = [row for row in fleet.others if row.machine_id in left]


def swept(stage: Stage) -> list[Machine]:
    """The devices that there are to be read, in the order of a first walk."""
    return sorted((one for one in stage.world.fleet.machines() if one.patching), key=lambda one: one.id)


def readings(stage: Stage) -> list[Call]:
    return stage.world.nsight.calls.of("patch_list_all")


def read(stage: Stage) -> list[int]:
    return [int(call.params["deviceid"]) for call in readings(stage)]


def gaps(calls: Sequence[Call]) -> list[timedelta]:
    return [later.at - earlier.at for earlier, later in pairwise(calls)]


def pace(stage: Stage) -> timedelta:
    return HOUR / len(swept(stage))


async def begins(stage: Stage) -> None:
    """The first device is read as soon as the inventory is there."""
    if not readings(stage):
        await stage.bot.tick()
    assert len(readings(stage)) == 1


async def walks(stage: Stage, steps: int) -> None:
    """Time for so many devices."""
    for _ in range(steps):
        await stage.later(pace(stage) + SECOND)


async def known(stage: Stage, machine: Machine) -> PatchView:
    view = await stage.bot.services.store.patch_view(machine.id)
    assert view is not None
    return view


def failed(machines: Sequence[Machine]) -> dict[int, set[int]]:
    """The failed patches of each device that has some, as N-sight knows them."""
    told = {one.id: {p.id for p in one.patches.values() if p.status is PatchStatus.FAILED} for one in machines}
    return {machine: patches for machine, patches in told.items() if patches}


# ---------------------------------------------------------------- order and spacing


async def test_by_default_no_device_is_read_without_being_asked_for(tmp_path: Path) -> None:
    async with small(tmp_path, CONFIG) as stage:
        for _ in range(3):
            await stage.later(12 * HOUR)
        assert readings(stage) == []
        assert await patch_sweep.figures(stage.bot.services) is None
        assert nothing_left(stage) == []


async def test_a_walk_reads_every_device_once_and_takes_its_time(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines = swept(stage)
        began = stage.world.clock.now()
        while len(readings(stage)) <= len(machines):
            await stage.later(MINUTE)
        assert read(stage) == [machine.id for machine in machines] + [machines[0].id]
        apart = pace(stage)
        assert all(apart <= gap <= apart + MINUTE for gap in gaps(readings(stage)))
        took = readings(stage)[-1].at - began
        assert HOUR <= took <= HOUR + (len(machines) + 1) * MINUTE
        fleet = await patch_sweep.figures(stage.bot.services)
        assert fleet is not None
        assert (fleet.devices, fleet.read) == (len(machines), len(machines))
        views = {machine.id: await known(stage, machine) for machine in machines}
        told = {one: {patch.id for patch in view.failed} for one, view in views.items() if view.failed}
        assert told == failed(machines)
        assert (fleet.failed, fleet.failing) == (sum(map(len, told.values())), len(told))
        assert nothing_left(stage) == []


async def test_what_has_no_patch_management_is_not_read_and_what_loses_it_is_forgotten(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines, store = swept(stage), stage.bot.services.store
        await begins(stage)
        assert await store.patch_view(machines[0].id)
        machines[0].patching = machines[2].patching = False
        await stage.later(HOUR)  # the inventory is read again
        await walks(stage, 2)
        assert read(stage) == [machines[place].id for place in (0, 1, 3, 4)]
        assert await store.patch_view(machines[0].id) is None
        assert nothing_left(stage) == []


async def test_at_a_tick_just_before_its_moment_it_waits_for_it(tmp_path: Path) -> None:
    """To wait for the next tick instead would stretch a quick walk to twice its time."""
    async with small(tmp_path, pace=replace(QUICK, sweep_spacing=0.1)) as stage:
        await begins(stage)
        await stage.later(pace(stage) - SECOND / 5)
        assert len(readings(stage)) == 1
        began = time.monotonic()
        await stage.later(SECOND / 8)
        assert time.monotonic() - began >= 0.07
        assert len(readings(stage)) == 2
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- people first


async def test_it_waits_while_n_sight_answers_a_person(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        await begins(stage)
        gate = asyncio.Event()
        stage.world.nsight.faults.add("patch_list_all", Fault.SLOW, until=gate)
        asked = await stage.says("bob", "/patches device SRV-DC01")
        await stage.world.nsight.calls.reach("patch_list_all", 2)
        stage.world.clock.advance(HOUR / 2)
        await patch_sweep.read_next_if_due(stage.bot.services)
        assert len(readings(stage)) == 2
        gate.set()
        await asked.answer(saying="Patches on SRV-DC01")
        await stage.bot.tick()
        assert read(stage) == [1001, 1001, 1002]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- restarts, several processes


async def test_after_a_restart_it_goes_on_where_it_was(tmp_path: Path) -> None:
    async with World() as world:
        for _ in range(2):
            async with staged(tmp_path, config=HOURLY, world=world) as stage:
                await walks(stage, 4)
        async with staged(tmp_path, config=HOURLY, world=world) as stage:
            await walks(stage, 4)
            count = len(readings(stage))
        assert count in (12, 13)  # the first one came at once
        assert read(stage) == [machine.id for machine in swept(stage)[:count]]
        assert min(gaps(readings(stage))) >= pace(stage)
        async with staged(tmp_path, config=CONFIG, world=world) as stage:
            await stage.later(HOUR)
            assert len(readings(stage)) == count


async def test_two_processes_read_no_device_twice(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        async with running(stage.config, clock=stage.world.clock.now, pace=QUICK) as second:
            await until_ready(second, stage.world)
            for _ in range(12):
                stage.world.clock.advance(pace(stage) / 2 + SECOND)
                await asyncio.gather(stage.bot.tick(), second.tick())
        assert read(stage) == [machine.id for machine in swept(stage)[: len(read(stage))]]
        assert 6 <= len(read(stage)) <= 7
        assert min(gaps(readings(stage))) >= pace(stage)
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- what cannot be read


async def test_a_device_that_n_sight_refuses_is_noted_and_the_walk_goes_on(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines = swept(stage)
        await begins(stage)
        stage.world.nsight.faults.add("patch_list_all", Fault.FAIL)
        await walks(stage, 3)
        assert read(stage) == [machine.id for machine in machines[:4]]
        view = await known(stage, machines[1])
        assert (view.read_at, view.failed, view.trouble) == (None, (), "refused")
        await walks(stage, len(machines) - 2)
        assert read(stage).count(machines[1].id) == 2
        again = await known(stage, machines[1])
        assert again.read_at
        assert again.trouble == ""
        assert nothing_left(stage) == []


async def test_what_was_failed_on_a_device_stays_known_when_it_cannot_be_read_once(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines = swept(stage)
        await begins(stage)
        before = await known(stage, machines[0])
        assert before.failed
        await walks(stage, len(machines) - 1)
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=3, status=500)
        await walks(stage, 2)
        assert list(dict.fromkeys(read(stage)[len(machines) :])) == [machines[0].id, machines[1].id], "it goes on"
        assert await known(stage, machines[0]) == replace(before, trouble="down")
        listed = await stage.asks("bob", "/patches recent")
        assert "oldest reading 1 hour ago, ⚠️ 1 device could not be read" in listed.plain
        assert nothing_left(stage) == []


async def test_a_walk_that_a_clock_ahead_has_noted_goes_on_by_the_right_time(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines, store = swept(stage), stage.bot.services.store
        await begins(stage)
        ahead = stage.world.clock.now() + timedelta(days=400)
        await store.save_patch_view(replace(await known(stage, machines[0]), read_at=ahead), ahead)
        await walks(stage, len(machines) - 1)
        assert read(stage)[:2] == [machines[0].id] * 2, "nobody knows how old what was noted is"
        assert len(read(stage)) == len(machines)
        assert nothing_left(stage) == []


async def test_a_device_whose_answer_can_never_be_read_holds_up_no_other(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines = swept(stage)
        await begins(stage)
        clients = len(stage.world.nsight.calls.of("list_clients"))
        stage.world.nsight.faults.add("patch_list_all", Fault.TORN)
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=3, status=500)
        await walks(stage, 3)
        assert list(dict.fromkeys(read(stage))) == [machine.id for machine in machines[:4]]
        assert len(stage.world.nsight.calls.of("list_clients")) == clients + 2
        troubles = [await stage.bot.services.store.patch_view(machine.id) for machine in machines[1:4]]
        assert [view.trouble if view else None for view in troubles] == ["broken", "down", ""]
        assert nothing_left(stage) == []


async def test_while_n_sight_is_down_for_an_hour_it_rests_and_then_goes_on(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        machines = swept(stage)
        await begins(stage)
        await walks(stage, 1)
        before = await known(stage, machines[0])
        await stage.world.nsight.stop()
        for _ in range(30):
            await stage.later(2 * MINUTE)
        assert len(readings(stage)) == 2
        await stage.world.nsight.start()
        await stage.later(10 * MINUTE)
        await walks(stage, 2)
        assert read(stage) == [machine.id for machine in machines[:5]]
        assert await known(stage, machines[0]) == before
        assert nothing_left(stage) == []


async def test_when_n_sight_answers_nothing_but_503_no_device_is_blamed(tmp_path: Path) -> None:
    async with small(tmp_path) as stage:
        await begins(stage)
        for service in ("patch_list_all", "list_clients"):
            stage.world.nsight.faults.add(service, Fault.STATUS, times=None, status=503)
        for _ in range(42):
            await stage.later(MINUTE)
        assert set(read(stage)[1:]) == {swept(stage)[1].id}
        times = sorted({call.at for call in readings(stage)[1:]})
        rests = [later - earlier for earlier, later in pairwise(times)]
        assert [round(rest / MINUTE) for rest in rests] == [2, 3, 6, 10, 10]
        fleet = await patch_sweep.figures(stage.bot.services)
        assert fleet is not None
        assert (fleet.read, fleet.troubled) == (1, 0)
        stage.world.nsight.faults.clear()
        await stage.later(10 * MINUTE)
        await walks(stage, 1)
        assert read(stage)[-2:] == [machine.id for machine in swept(stage)[1:3]]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- what people see of it


async def test_the_list_of_attempts_leads_to_n_sights_view_and_back(tmp_path: Path) -> None:
    async with small(tmp_path, devices=13) as stage:
        await begins(stage)
        listed = await stage.asks("bob", "/patches recent app:7-Zip")
        assert f"1 device read so far ({len(swept(stage))} in all), oldest reading just now" in listed.plain
        await walks(stage, len(swept(stage)) - 1)
        expected = failed(swept(stage))
        count = sum(map(len, expected.values()))
        listed = await stage.asks("bob", "/patches recent app:7-Zip")
        assert f"N-sight: {count} failed patches on {len(expected)} of {len(swept(stage))} devices" in listed.plain
        before, asked = listed.plain, len(stage.world.nsight.calls)
        await stage.clicks("bob", f"N-sight ({count})", listed)
        assert "Failed patches in N-sight" in listed.plain
        assert f"● N-sight ({count})" in listed.buttons
        first = listed.plain
        await stage.clicks("bob", "More ▶", listed)
        assert "page 2 of" in listed.plain
        await stage.clicks("bob", "◀ Back", listed)
        assert listed.plain == first
        await stage.clicks("bob", "Failed", listed)
        assert listed.plain == before  # app: is remembered
        await stage.clicks("bob", "By application", listed)
        assert "Failed patches in N-sight" not in listed.plain
        assert len(stage.world.nsight.calls) == asked
        assert nothing_left(stage) == []


async def test_a_button_from_before_the_sweep_was_switched_off_says_so(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, config=HOURLY, world=world) as stage:
            listed = await stage.asks("bob", "/patches recent")
            button = next(one for one in listed.buttons if one.startswith("N-sight ("))
        async with staged(tmp_path, config=CONFIG, world=world) as stage:
            await stage.clicks("bob", button, listed)
            assert "not swept any more" in stage.told("bob")
            assert not any("N-sight" in one for one in (await stage.asks("bob", "/patches recent")).buttons)
            assert nothing_left(stage) == []


async def test_a_devices_page_links_to_the_consoles_that_are_configured(tmp_path: Path) -> None:
    links = '\n[links]\neset = "https://e.example/?a&b"\nnsight = "https://n.example/{device}"\n'
    async with small(tmp_path, CONFIG + links) as stage:
        shown = await stage.asks("bob", "/patches device SRV-DC01")
        words = [part["text"] for block in shown.blocks if block["type"] == "context" for part in block["elements"]]
        assert "Open in <https://n.example/1001|N-sight> · <https://e.example/?a&amp;b|ESET>" in words
        assert nothing_left(stage) == []
