"""On which devices ESET's attempts happened: told when the account may read it, missed in one line when it may not."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo import eset_devices
from bot.demo.eset_devices import PARAMETERS
from bot.demo.faults import Fault
from bot.demo.fleet import Machine
from bot.demo.world import World
from bot.flows import attempts as collecting
from bot.flows import links, sightings
from bot.flows.sightings import Whereabouts
from bot.model import Attempt, Outcome
from tests.scenes.stage import QUICK, Stage, nothing_left, staged

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


async def everything(stage: Stage) -> list[Attempt]:
    store = stage.bot.services.store
    return [one.attempt for one in await store.attempts_ended_since(EPOCH, await store.newest_attempt())]


async def failures(stage: Stage) -> list[Attempt]:
    """Every attempt in the store that failed, oldest first."""
    failed = [one for one in await everything(stage) if one.outcome is Outcome.FAILED]
    return sorted(failed, key=lambda attempt: (str(attempt.ended_at), attempt.fingerprint))


def last_end(attempts: Sequence[Attempt]) -> datetime:
    return max(attempt.ended_at for attempt in attempts if attempt.ended_at is not None)


async def asked(stage: Stage, attempts: Sequence[Attempt]) -> Whereabouts:
    fingerprints = [attempt.fingerprint for attempt in attempts]
    return await sightings.devices_of(stage.bot.services, fingerprints, last_end(attempts))


def calls(stage: Stage, place: str) -> int:
    return len(stage.world.eset.calls.of(place))


def machine_of(stage: Stage, uuid: str) -> Machine:
    return next(machine for machine in stage.world.fleet.machines() if machine.eset_uuid == uuid)


async def test_after_a_collection_the_devices_are_known_and_nobody_has_to_be_asked(tmp_path: Path) -> None:
    async with staged(tmp_path, first=True) as stage:
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


async def test_an_attempt_that_eset_tells_of_days_later_is_told_with_its_device_too(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=world) as stage:
        await stage.later(HOUR)
        late = replace(world.fleet.attempts[0], machine_id=1005, ended=world.clock.now() - 3 * DAY)
        world.fleet.attempts.append(late)
        await stage.later(HOUR)
        [attempt] = [one for one in await everything(stage) if one.ended_at == late.ended]
        before = calls(stage, "details")
        assert [machine_of(stage, device.uuid).id for device in (await asked(stage, [attempt])).devices] == [1005]
        await stage.later(HOUR)
        assert calls(stage, "details") == before  # it is not looked for again and again
        assert nothing_left(stage) == []


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


# ---------------------------------------------------------------- a part of the list


HURRIED = replace(QUICK, eset=replace(QUICK.eset, paging=0))  # no second page is ever asked for
FIRST_PAGE = json.dumps({"patchingDetails": [], "nextPageToken": "more"}).encode()


def cuts_short(world: World, times: int | None) -> None:
    """ESET has more pages than the bot waits for, and the first one is empty."""
    world.eset.faults.add("details", Fault.BODY, times=times, body=FIRST_PAGE)


async def test_a_day_that_was_left_for_want_of_time_is_read_again(tmp_path: Path) -> None:
    async with World() as world:
        cuts_short(world, 30)
        async with staged(tmp_path, world=world, pace=HURRIED) as stage:
            services, attempts = stage.bot.services, await failures(stage)
            assert await services.store.sighted_upto() is None
            told = await asked(stage, attempts)
            assert told.untold == len(attempts)
            assert "ESET took too long" in told.missing
            world.eset.faults.clear()
            await stage.later(HOUR)
            told = await asked(stage, attempts)
            assert (told.untold, told.missing) == (0, "")
            assert await services.store.sighted_upto() == world.clock.now()
            assert nothing_left(stage) == []


async def test_who_asks_while_a_reading_is_under_way_gets_what_it_brings(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services, world = stage.bot.services, stage.world
        world.clock.advance(HOUR)
        world.new_failures(2)
        assert await collecting.collect(services) is None
        world.eset.faults.add("details", Fault.LATER, polls=2)
        reading = asyncio.create_task(sightings.collect(services))
        await stage.world.eset.calls.reach("details", calls(stage, "details") + 1)
        assert (await asked(stage, await failures(stage))).untold == 0
        await reading
        assert nothing_left(stage) == []


def busy(world: World) -> None:
    """So much goes well in the minutes before now that two such days are too much to be read together."""
    row = world.fleet.attempts[-1]
    for back in (timedelta(seconds=n) for n in range(1, sightings.QUIET * 3 // 4)):
        ended = row.ended - back if row.ended else None
        well = replace(row, status="OK_INSTALLED", started=row.started - back, ended=ended)
        world.fleet.attempts.append(well)


async def test_what_ended_after_such_a_day_is_known_all_the_same(tmp_path: Path) -> None:
    async with staged(tmp_path, pace=HURRIED) as stage:
        services, world = stage.bot.services, stage.world
        upto = await services.store.sighted_upto()
        world.clock.advance(2 * HOUR)
        world.new_failures(2)
        busy(world)
        world.clock.advance(DAY)
        world.new_failures(2)
        busy(world)
        cuts_short(world, 1)
        await stage.bot.tick()
        assert await services.store.sighted_upto() == upto
        assert (await asked(stage, await failures(stage))).untold == 2
        assert "ESET took too long" in sightings.missing(services)
        await stage.later(HOUR)
        assert await services.store.sighted_upto() == world.clock.now()
        assert (await asked(stage, await failures(stage))).untold == 0
        assert sightings.missing(services) == ""


async def test_while_eset_lacks_the_time_nobody_waits_for_it_more_than_once_an_hour(tmp_path: Path) -> None:
    async with World() as world:
        cuts_short(world, None)
        async with staged(tmp_path, world=world, pace=HURRIED) as stage:
            attempts, before = await failures(stage), calls(stage, "details")
            world.clock.advance(HOUR - MINUTE)
            await asked(stage, attempts)
            assert calls(stage, "details") == before
            world.clock.advance(MINUTE)
            await asked(stage, attempts)
            assert calls(stage, "details") > before


async def test_a_day_for_which_eset_never_has_the_time_is_given_up_and_still_told(tmp_path: Path) -> None:
    async with World() as world:
        cuts_short(world, None)
        async with staged(tmp_path, world=world, pace=HURRIED) as stage:
            services = stage.bot.services
            for _ in range(5):
                await stage.later(HOUR)
            assert await services.store.sighted_upto() is None
            await stage.later(HOUR)
            assert await services.store.sighted_upto() == world.clock.now()
            world.eset.faults.clear()
            world.new_failures(1)
            await stage.later(HOUR)
            told = await asked(stage, await failures(stage))
            assert told.untold
            assert "ESET took too long" in told.missing, "the month is not read again"


def goes_in_a_circle(world: World, asked: Mapping[str, str]) -> None:
    """To this very question ESET answers with a first page that is its own next one; to one before, with nothing."""
    given = (asked.get(name, "") for name in sorted(PARAMETERS - {"pageSize", "pageToken"}))
    page = json.dumps({"patchingDetails": [], "nextPageToken": eset_devices._token(0, "|".join(given))})
    world.eset.faults.add("details", Fault.BODY, body=b'{"patchingDetails": []}')
    world.eset.faults.add("details", Fault.BODY, times=2, body=page.encode())


async def test_a_list_that_goes_in_a_circle_is_not_waited_for_and_still_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services, world = stage.bot.services, stage.world
        world.eset.faults.add("details", Fault.STATUS, times=None, status=404)
        world.new_failures(1)
        await stage.later(HOUR)
        world.eset.faults.clear()
        goes_in_a_circle(world, world.eset.calls.of("details")[-1].params)
        await sightings.collect(services)
        assert world.eset.faults.waiting("details") == 0
        assert await services.store.sighted_upto() == world.clock.now()
        for _ in range(10):
            world.new_failures(1)
            await stage.later(HOUR)
        assert "went round in a circle" in sightings.missing(services)
        world.clock.advance(31 * DAY)
        world.new_failures(1)
        await stage.bot.tick()
        assert sightings.missing(services) == "", "it is too old to matter"


async def test_a_reading_for_somebody_who_waits_does_not_run_ahead_of_the_collection(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        async with staged(tmp_path, world=world) as stage:
            services, attempts = stage.bot.services, await failures(stage)
            collected_at = await services.store.collected_at()
            world.eset.faults.add("recent", Fault.STATUS, times=None, status=500)
            world.eset.details_allowed = True
            world.clock.advance(DAY)
            world.new_failures(2)
            assert (await asked(stage, attempts)).untold == 0
            assert await services.store.sighted_upto() == collected_at
            world.eset.faults.clear()
            world.clock.advance(HOUR)
            await stage.bot.tick()
            assert await services.store.collected_at() == world.clock.now()
            assert (await services.store.sighted_upto()) == world.clock.now()
            assert (await asked(stage, await failures(stage))).untold == 0
