"""The world as a whole: it starts, stops, and what happens in it is told by both services alike."""

from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

import httpx
import pytest

from bot import config
from bot.demo.clock import Clock
from bot.demo.fleet import AttemptRow
from bot.demo.world import World
from bot.model import PatchStatus


async def test_its_environment_is_a_configuration_that_loads(tmp_path: Path) -> None:
    async with World() as world:
        loaded = config.load(world.env(tmp_path, "[approvals]\nchannel = 'C0PATCHAPPROVE'\n"))
    assert loaded.approvals.channel == "C0PATCHAPPROVE"
    assert loaded.nsight.url == world.nsight.url
    assert (loaded.eset.username, loaded.eset.password.reveal()) == (world.eset.username, world.eset.password)


async def test_its_configuration_and_database_lie_in_the_folder_it_was_given(tmp_path: Path) -> None:
    async with World() as world:
        env = world.env(tmp_path, "")
    assert env["PATCHES_CONFIG"] == str(tmp_path / "patches.toml")
    assert urlsplit(env["DATABASE_URL"]).path == f"/{tmp_path}/patches.db"
    assert "PATCHES_CONFIG" not in world.env(tmp_path)


async def test_all_services_answer_at_the_addresses_it_gives_and_none_afterwards(tmp_path: Path) -> None:
    async with World() as world:
        addresses = {value for name, value in world.env(tmp_path).items() if name.endswith("_URL") and "http" in value}
        async with httpx.AsyncClient() as http:
            assert all([(await http.get(address)).status_code < 500 for address in addresses])
    assert len(addresses) == 5
    async with httpx.AsyncClient() as http:
        for address in addresses:
            with pytest.raises(httpx.ConnectError):
                await http.get(address)


async def test_every_secret_is_known_tokens_included(tmp_path: Path) -> None:
    async with World() as world, httpx.AsyncClient() as http:
        form = {"grant_type": "password", "username": world.eset.username, "password": world.eset.password}
        answer = await http.post(f"{world.eset.auth_url}/oauth/token", data=form)
        env = world.env(tmp_path)
    issued = {answer.json()["access_token"], answer.json()["refresh_token"]}
    named = {env[name] for name in ("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "NSIGHT_API_KEY")}
    assert issued | named | {env["ESET_PASSWORD"]} <= set(world.secrets())
    assert "" not in world.secrets()


async def test_new_failures_and_their_repair_are_told_by_both_services() -> None:
    world = World()
    (machine, patch), *_ = world.new_failures(2)
    world.fleet.retry(machine, [patch.id], world.clock.now())
    world.patches_install()
    assert patch.status is PatchStatus.INSTALLED
    told = [
        row.status for row in world.fleet.attempts if (row.machine_id, row.to_version) == (machine.id, patch.to_version)
    ]
    assert (told[0][:6], told[-1]) == ("FAILED", "OK_INSTALLED")


async def test_a_patch_can_be_made_to_fail_again() -> None:
    world = World()
    machine = world.fleet.machine(1001)
    assert machine is not None
    world.fail_again(1001, 4)
    world.fleet.retry(machine, [4, 5], world.clock.now())
    world.patches_install()
    assert [machine.patches[it].status for it in (4, 5)] == [PatchStatus.FAILED, PatchStatus.INSTALLED]


async def test_violations_say_whose_rule_was_broken() -> None:
    async with World(clock=Clock(speed=1)) as world, httpx.AsyncClient() as http:
        await http.get(world.nsight.url, headers={"User-Agent": ""})
        await http.get(world.eset.patch_url)
    assert [line.split(":")[0] for line in world.violations] == ["ESET", "N-sight"]


async def test_a_fault_of_a_stand_ins_own_is_not_taken_for_its_services() -> None:
    async with World() as world, httpx.AsyncClient() as http:
        world.fleet.attempts[0] = cast("AttemptRow", "no attempt")
        token = await http.post(
            f"{world.eset.auth_url}/oauth/token",
            data={"grant_type": "password", "username": world.eset.username, "password": world.eset.password},
        )
        headers = {"Authorization": f"Bearer {token.json()['access_token']}"}
        answer = await http.get(f"{world.eset.patch_url}/v1/patching-process-details", headers=headers)
        assert answer.status_code == 500
        [complaint] = world.violations
        assert complaint.startswith("ESET: the stand-in itself failed: AttributeError(")
