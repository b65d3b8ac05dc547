"""What `check` says of ESET and N-sight: logins, keys and rights, and what stands in front of them."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.demo.clock import Clock
from bot.demo.faults import Fault
from bot.demo.world import World
from tests.checked import looked, the_failure

# ---------------------------------------------------------------- ESET


async def test_a_wrong_eset_password_names_the_user_the_password_and_the_toggle(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path, ESET_PASSWORD="wrong")
    failure = the_failure(findings)
    assert failure.name == "ESET login"
    assert "invalid_grant" in failure.sentence
    assert "ESET_PASSWORD" in failure.mend
    assert "Integrations" in failure.mend
    assert findings["ESET attempts"].ok is None


async def test_a_forbidden_eset_login_points_to_this_servers_address(world: World, tmp_path: Path) -> None:
    world.eset.faults.add("token", Fault.STATUS, times=None, status=403)
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "403" in failure.sentence) == ("ESET login", True)
    assert "IP address" in failure.mend


async def test_an_eset_user_who_may_not_read_patches_needs_a_permission_set(world: World, tmp_path: Path) -> None:
    world.eset.faults.add("recent", Fault.STATUS, times=None, status=403)
    findings = await looked(world, tmp_path)
    failure = the_failure(findings)
    assert failure.name == "ESET attempts"
    assert "permission set" in failure.mend
    assert findings["ESET login"].ok is True


async def test_an_eset_answer_that_takes_its_time_is_waited_for(world: World, tmp_path: Path) -> None:
    world.eset.faults.add("recent", Fault.LATER, polls=1)
    assert (await looked(world, tmp_path))["ESET attempts"].ok is True


@pytest.mark.parametrize(
    ("switch", "right"),
    [("details_allowed", "Patch Management: Read"), ("devices_allowed", "Groups and Computers: Read")],
)
async def test_rights_that_only_tell_devices_are_a_note_with_their_name(
    switch: str, right: str, tmp_path: Path
) -> None:
    clock = Clock(datetime.now(UTC))
    async with World(clock=clock) as world:
        world.new_failures()
        setattr(world.eset, switch, False)
        found = (await looked(world, tmp_path))["ESET devices"]
        assert found.ok is None
        assert right in found.sentence
        setattr(world.eset, switch, True)
        assert (await looked(world, tmp_path))["ESET devices"].ok is True


# ---------------------------------------------------------------- N-sight


async def test_a_wrong_nsight_key_may_be_a_wrong_territory(world: World, tmp_path: Path) -> None:
    failure = the_failure(await looked(world, tmp_path, NSIGHT_API_KEY="0123456789abcdef0123456789abcdef"))
    assert failure.name == "N-sight"
    assert "territory" in failure.mend
    assert "NSIGHT_SERVER" in failure.mend
    assert "NSIGHT_API_KEY" in failure.mend


@pytest.mark.parametrize("status", [200, 403])
async def test_a_firewall_in_front_of_nsight_is_told_from_a_wrong_key(
    world: World, tmp_path: Path, status: int
) -> None:
    world.nsight.faults.add("list_clients", Fault.HTML, times=None, status=status)
    failure = the_failure(await looked(world, tmp_path))
    assert "shielded" in failure.sentence
    assert "NSIGHT_USER_AGENT" in failure.mend


async def test_a_key_that_sees_no_client_is_told(world: World, tmp_path: Path) -> None:
    body = b'<?xml version="1.0" encoding="ISO-8859-1"?><result status="OK"><items></items></result>'
    world.nsight.faults.add("list_clients", Fault.BODY, body=body)
    failure = the_failure(await looked(world, tmp_path))
    assert "no client" in failure.sentence
    assert "Agent Key" in failure.mend


# ---------------------------------------------------------------- either


@pytest.mark.parametrize("place", ["ESET_AUTH_URL", "NSIGHT_URL"])
async def test_a_service_that_nobody_listens_for_cannot_be_reached(world: World, tmp_path: Path, place: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}{'' if place.startswith('ESET') else '/api/'}"
        findings = await looked(world, tmp_path, **{place: address})
    failure = the_failure(findings)
    assert "cannot be reached" in failure.sentence
    assert "DNS" in failure.mend
