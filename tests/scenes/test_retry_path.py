"""From a request to installed patches, and everybody who says no on the way."""

import asyncio
from datetime import timedelta
from pathlib import Path

from bot.demo.faults import Fault
from bot.demo.fleet import Machine
from bot.model import PatchStatus
from tests.scenes.stage import nothing_left, staged


async def test_a_request_approved_by_somebody_else_is_sent_once_and_followed_to_installed(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", "/patches retry 1001 4,5 the browser is out of date")
        assert "Request #1 is made" in answer.plain
        assert "4,5" in answer.plain
        assert "the browser is out of date" in answer.plain
        assert stage.card.buttons == ["Approve", "Deny", "Withdraw"]
        assert stage.retries == []

        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4, 5))]
        assert stage.card.buttons == []
        assert "Queued by N-sight" in stage.card.plain

        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "Finished" in stage.card.plain
        assert "installed" in stage.card.plain
        assert any("Finished" in said for said in stage.direct("bob"))
        assert nothing_left(stage) == []


async def test_many_requests_that_are_due_read_two_devices_at_a_time(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        nsight = stage.world.nsight
        failing = [machine for machine in stage.world.fleet.machines() if machine.patching and _failed(machine)][:5]
        for machine in failing:
            await stage.asks("bob", f"/patches retry {machine.id} failed")
            await stage.clicks("ann", "Approve", stage.card)
        gate = asyncio.Event()
        nsight.faults.add("patch_list_all", Fault.SLOW, times=5, until=gate)
        before = len(nsight.calls.of("patch_list_all"))
        following = asyncio.create_task(stage.later(timedelta(minutes=15)))
        await nsight.calls.reach("patch_list_all", before + 2)
        await stage.bot.services.store.first_delivery("behind every lease asked for", stage.world.clock.now())
        for _ in range(3):
            await stage.bot.services.nsight.clients()  # what had left beside the two would have arrived before these
        assert len(nsight.calls.of("patch_list_all")) == before + 2
        gate.set()
        await following
        assert len(nsight.calls.of("patch_list_all")) == before + 5
        assert nothing_left(stage) == []


def _failed(machine: Machine) -> bool:
    return any(patch.status & PatchStatus.FAILED for patch in machine.patches.values())
