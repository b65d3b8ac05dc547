"""What a digest told, brought and left out decides what comes next, whatever is learnt or fails in between."""

from pathlib import Path

import pytest

from bot.demo.slack.model import Call
from bot.demo.world import World
from tests.scenes.digesting import (
    DAY,
    HOUR,
    MINUTE,
    NEWS,
    SILENT,
    THURSDAY,
    details,
    digests,
    fails,
    quiet,
    reach,
    thread,
    works,
)
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

OF_CONTOSO = SILENT + 'clients = ["contoso*"]\n'


def told(stage: Stage, name: str) -> list[str]:
    """Under which headings the thread of each digest names an application; "" for a digest that does not."""
    sections = ("New", "Still failing", "Recovered")
    return [" ".join(s for s in sections if name in details(stage, one, s)) for one in digests(stage)]


async def test_what_nobody_could_place_is_new_to_its_client_when_its_device_is_known(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        async with staged(tmp_path, world=quiet(world), config=OF_CONTOSO) as stage:
            fails(world, "App srv")
            await reach(stage, THURSDAY)
            world.eset.details_allowed = True
            await stage.later(2 * HOUR)
            for day in (1, 4):
                await reach(stage, THURSDAY + day * DAY)
            assert told(stage, "App srv") == ["", "New"]
            assert "Action needed: 1 new failure on a server" in digests(stage)[-1].plain
            assert nothing_left(stage) == []


@pytest.mark.parametrize(
    "config", [pytest.param(CONFIG, id="loud"), pytest.param(SILENT, id="silent", marks=pytest.mark.deep)]
)
async def test_what_begins_to_fail_under_a_silence_is_new_when_that_is_over(config: str, tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=config) as stage:
        fails(world, "App old")
        await reach(stage, THURSDAY)
        for name in ("App old", "App hid"):
            await stage.asks("bob", f'/patches silence "{name}" 30h it is known')
        fails(world, "App hid")
        await reach(stage, THURSDAY + DAY)
        await reach(stage, THURSDAY + 4 * DAY)
        await reach(stage, THURSDAY + 5 * DAY)
        assert [one for one in told(stage, "App hid") if one] == ["New"]
        assert told(stage, "App old").count("New") == 1, "it was told before anybody silenced it"
        assert nothing_left(stage) == []


async def test_what_fails_for_a_reason_that_is_not_asked_for_is_new_when_it_fails_for_one_that_is(
    tmp_path: Path,
) -> None:
    config = CONFIG + 'reasons = ["FAILED_DOWNLOAD_ERROR"]\n'
    async with World() as world, staged(tmp_path, world=quiet(world), config=config) as stage:
        fails(world, "App odd", status="FAILED_INSTALLER_CORRUPTED")
        await reach(stage, THURSDAY)
        fails(world, "App odd")
        await reach(stage, THURSDAY + DAY)
        assert told(stage, "App odd") == ["", "New"]
        assert nothing_left(stage) == []


async def test_a_recovery_whose_device_is_learnt_late_is_told_once(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App srv")
        await reach(stage, THURSDAY)
        world.eset.details_allowed = False
        works(world, "App srv")
        await reach(stage, THURSDAY + DAY)
        world.eset.details_allowed = True
        await stage.later(2 * HOUR)
        for day in (4, 5):
            await reach(stage, THURSDAY + day * DAY)
        assert told(stage, "App srv") == ["New", "", "Recovered", ""]
        assert nothing_left(stage) == []


async def test_a_failure_that_eset_tells_after_the_recovery_makes_no_second_one(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App srv")
        await reach(stage, THURSDAY)
        works(world, "App srv")
        await reach(stage, THURSDAY + DAY)
        fails(world, "App srv", ago=32 * HOUR)  # before it worked
        await reach(stage, THURSDAY + 4 * DAY)
        assert told(stage, "App srv") == ["New", "Recovered", ""]
        assert nothing_left(stage) == []


async def test_the_button_of_a_digest_finds_its_devices_when_they_are_known_hours_later(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        async with staged(tmp_path, world=quiet(world)) as stage:
            fails(world, "App srv")
            await reach(stage, THURSDAY)
            [digest] = digests(stage, NEWS)
            world.eset.details_allowed = True
            for _ in range(4):
                await stage.later(HOUR)
            view = await stage.opens("bob", "Retry…", digest, saying="On which devices")
            assert "SRV-DC01" in view.plain
            assert nothing_left(stage) == []


async def test_when_the_list_has_to_wait_the_picture_is_not_brought_again(tmp_path: Path) -> None:
    config = CONFIG.replace('picture = "never"', 'picture = "14d"')
    async with World() as world, staged(tmp_path, world=quiet(world), config=config) as stage:
        brought: list[object] = []

        def after_the_picture(_: str, thing: object) -> None:
            if isinstance(thing, Call) and thing.method == "files.completeUploadExternal" and not brought:
                brought.append(thing)
                world.slack.faults.add("upload_url", "http_500", times=2)

        world.slack.on_change.append(after_the_picture)
        fails(world, *(f"App {number:02}" for number in range(30)))
        fails(world, "App old", ago=25 * HOUR)
        await reach(stage, THURSDAY)
        for _ in range(6):
            await stage.later(20 * MINUTE)
        [digest] = digests(stage)
        files = [file.name.rpartition(".")[2] for shown in thread(stage, digest) for file in shown.files]
        assert files == ["png", "csv"]
        assert nothing_left(stage) == []
