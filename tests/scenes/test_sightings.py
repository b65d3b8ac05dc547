"""On which devices ESET's attempts happened: told when the account may read it, missed in one line when it may not."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.fleet import Machine
from bot.demo.world import World
from bot.flows import links, sightings
from bot.flows.sightings import Whereabouts
from bot.model import Attempt, Outcome
from tests.scenes.stage import Stage, nothing_left, staged

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def failures(stage: Stage) -> list[Attempt]:
    """Every attempt in the store that failed, oldest first."""
    store = stage.bot.services.store
    seen = await store.attempts_between(0, await store.newest_attempt())
    failed = [one.attempt for one in seen if one.attempt.outcome is Outcome.FAILED]
    return sorted(failed, key=lambda attempt: (str(attempt.ended_at), attempt.fingerprint))


def span(attempts: Sequence[Attempt]) -> tuple[datetime, datetime]:
    ends = [attempt.ended_at for attempt in attempts if attempt.ended_at is not None]
    return min(ends), max(ends)


async def asked(stage: Stage, attempts: Sequence[Attempt]) -> Whereabouts:
    fingerprints = [attempt.fingerprint for attempt in attempts]
    return await sightings.devices_of(stage.bot.services, fingerprints, *span(attempts))


def calls(stage: Stage, place: str) -> int:
    return len(stage.world.eset.calls.of(place))


def machine_of(stage: Stage, uuid: str) -> Machine:
    return next(machine for machine in stage.world.fleet.machines() if machine.eset_uuid == uuid)


async def test_after_a_collection_the_devices_are_known_and_nobody_has_to_be_asked(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        before = calls(stage, "details"), calls(stage, "devices")
        assert min(before) >= 1
        attempts = await failures(stage)
        told = await asked(stage, attempts)
        assert (told.missing, told.untold) == ("", 0)
        assert len(told.devices) > 5
        for device in told.devices:
            machine = machine_of(stage, device.uuid)
            assert device.name == (machine.eset_name or machine.name)
        assert (calls(stage, "details"), calls(stage, "devices")) == before
        assert nothing_left(stage) == []


async def test_an_attempt_is_told_with_the_very_device_on_which_it_failed(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        attempts = await failures(stage)
        rows = {row.wire()["timePeriod"]["endTime"]: row.machine_id for row in stage.world.fleet.attempts}
        alone = [one for one in attempts if [a.fingerprint for a in attempts].count(one.fingerprint) == 1]
        for attempt in alone:
            assert attempt.period is not None
            assert attempt.period.end is not None
            (device,) = (await asked(stage, [attempt])).devices
            assert machine_of(stage, device.uuid).id == rows[attempt.period.end]


async def test_without_the_right_everything_works_and_one_line_names_it(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = world.eset.devices_allowed = False
        async with staged(tmp_path, world=world) as stage:
            assert "failed" in (await stage.asks("bob", "/patches recent")).plain
            attempts = await failures(stage)
            assert attempts
            told = await asked(stage, attempts)
            assert (told.devices, told.untold) == ((), len(attempts))
            assert "Patch Management: Read" in told.missing
            assert "reference" not in told.missing, "a line that stays is not tied to one call"
            assert sightings.missing(stage.bot.services) == told.missing
            await stage.later(HOUR)
            assert await stage.bot.services.store.collected_at() == world.clock.now()
            assert "All is well" in (await stage.asks("bob", "/patches status")).plain
            assert "Patches on SRV-DC01" in (await stage.asks("bob", "/patches device SRV-DC01")).plain
            assert nothing_left(stage) == []


async def test_a_right_that_is_given_later_brings_the_devices_of_what_came_before(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        async with staged(tmp_path, world=world) as stage:
            assert sightings.missing(stage.bot.services)
            world.eset.details_allowed = True
            await stage.later(HOUR)
            told = await asked(stage, await failures(stage))
            assert (told.untold, told.missing) == (0, "")


async def test_without_the_right_to_names_the_devices_are_told_without_and_that_is_said(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.devices_allowed = False
        async with staged(tmp_path, world=world) as stage:
            told = await asked(stage, await failures(stage))
            assert told.untold == 0
            assert {device.name for device in told.devices} == {""}
            assert "Groups and Computers: Read" in told.missing
            assert {one.device for one in await links.resolve(stage.bot.services, told.devices)} == {None}
            world.eset.devices_allowed = True
            await stage.later(HOUR)
            world.new_failures(3)
            await stage.later(HOUR)
            assert sightings.missing(stage.bot.services) == ""


@pytest.mark.parametrize("fault", [Fault.STATUS, Fault.TORN, Fault.CUT])
async def test_what_goes_wrong_there_does_not_disturb_the_collection(tmp_path: Path, fault: Fault) -> None:
    async with staged(tmp_path) as stage:
        services, eset = stage.bot.services, stage.world.eset
        eset.faults.add("details", fault, times=None, **({"status": 500} if fault is Fault.STATUS else {}))
        stage.world.new_failures(3)
        await stage.later(HOUR)
        assert await services.store.collected_at() == stage.world.clock.now()
        assert "not known right now: ESET" in sightings.missing(services)
        assert (await asked(stage, await failures(stage))).untold == 3
        eset.faults.clear()
        await stage.later(HOUR)
        assert sightings.missing(services) == ""
        assert (await asked(stage, await failures(stage))).untold == 0
        assert nothing_left(stage) == []


async def test_who_waits_for_devices_that_are_not_known_yet_has_eset_asked_once_a_minute(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        async with staged(tmp_path, world=world) as stage:
            attempts = await failures(stage)
            before = calls(stage, "details")
            await asked(stage, attempts)
            assert calls(stage, "details") == before, "it was asked less than a minute ago"
            world.eset.details_allowed = True
            world.clock.advance(MINUTE)
            told = await asked(stage, attempts)
            assert (told.untold, told.missing) == (0, "")
            after = calls(stage, "details")
            world.clock.advance(MINUTE)
            await asked(stage, attempts)
            assert calls(stage, "details") == after, "nothing is lacking any more"


async def test_where_the_join_finds_nothing_that_is_counted_and_not_asked_for_without_end(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        elsewhere = [
            Attempt(application_uuid="x", raw_status="FAILED_X", period=one.period) for one in await failures(stage)
        ]
        world, before = stage.world, calls(stage, "details")
        told = await asked(stage, elsewhere[:4])
        assert (told.devices, told.untold, told.missing) == ((), 4, "")
        world.clock.advance(DAY)
        await asked(stage, elsewhere[:4])
        await asked(stage, elsewhere[:4])
        assert calls(stage, "details") <= before + 1


async def test_a_device_that_was_renamed_in_eset_goes_by_its_new_name_a_day_later(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        attempts = await failures(stage)
        device = (await asked(stage, attempts)).devices[0]
        machine_of(stage, device.uuid).eset_name = "renamed-by-somebody"
        assert device in (await asked(stage, attempts)).devices, "a name is asked for once a day"
        stage.world.clock.advance(DAY + MINUTE)
        assert {one.name for one in (await asked(stage, attempts)).devices if one.uuid == device.uuid} == {
            "renamed-by-somebody"
        }


async def test_a_device_that_eset_has_removed_keeps_the_name_it_had(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        attempts = await failures(stage)
        known = await asked(stage, attempts)
        gone = known.devices[0]
        stage.world.eset.removed.add(gone.uuid)
        await stage.later(2 * DAY)
        assert (await stage.bot.services.store.eset_names([gone.uuid]))[gone.uuid] == gone.name
        assert sightings.missing(stage.bot.services) == ""
        assert nothing_left(stage) == []


async def test_a_stranger_to_eset_has_no_name_and_nothing_is_missing_but_that(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.removed = {machine.eset_uuid for machine in world.fleet.machines() if machine.id == 1001}
        async with staged(tmp_path, world=world) as stage:
            told = await asked(stage, await failures(stage))
            nameless = [device for device in told.devices if not device.name]
            assert {device.uuid for device in nameless} <= world.eset.removed
            assert told.missing == ""
            assert told.devices[len(told.devices) - len(nameless) :] == tuple(nameless), "they come last"


async def test_most_of_the_demos_devices_are_found_in_n_sight_by_name(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        told = await asked(stage, await failures(stage))
        resolved = await links.resolve(stage.bot.services, told.devices)
        assert [one.eset for one in resolved] == list(told.devices)
        for one in resolved:
            if one.device is not None:
                assert one.device.id == machine_of(stage, one.eset.uuid).id, "no wrong match, ever"
        assert sum(one.device is not None for one in resolved) > len(resolved) / 2
