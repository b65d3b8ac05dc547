"""The vendors' own examples, through the real clients, to what people see of them in Slack."""

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.demo.faults import Fault
from bot.demo.world import World
from bot.model import PatchStatus
from tests.scenes.stage import Stage, nothing_left, staged

# ESET Connect, "GET List recent application patching details": the page's response example, as it stands.
ESET_EXAMPLE = b"""{
  "patchingDetails": [
    {
      "applicationUuid": "string",
      "developerDisplayName": "string",
      "displayName": "string",
      "patchedVersion": {
        "id": "string",
        "major": 0,
        "minor": 0,
        "name": "string",
        "patch": 0
      },
      "status": "APPLICATION_PATCHING_STATUS_UNSPECIFIED",
      "timePeriod": {
        "startTime": "string",
        "endTime": "string"
      },
      "unpatchedVersion": {
        "id": "string",
        "major": 0,
        "minor": 0,
        "name": "string",
        "patch": 0
      }
    }
  ]
}"""

# The nine statuses of the page's schema, and the words that a person reads for each.
STATUSES = {
    "APPLICATION_PATCHING_STATUS_UNSPECIFIED": "No status given",
    "APPLICATION_PATCHING_STATUS_OK_INSTALLED": "Installed",
    "APPLICATION_PATCHING_STATUS_OK_RESTART_REQUIRED": "Installed, restart required",
    "APPLICATION_PATCHING_STATUS_FAILED_TERMINATION_REQUIRED": "Application must be closed first",
    "APPLICATION_PATCHING_STATUS_FAILED_UNINSTALL_REQUIRED": "Old version must be uninstalled first",
    "APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR": "Download failed",
    "APPLICATION_PATCHING_STATUS_FAILED_INSTALLER_CORRUPTED": "Installer arrived damaged",
    "APPLICATION_PATCHING_STATUS_FAILED_PREPARE_ERROR": "Installer could not be prepared",
    "APPLICATION_PATCHING_STATUS_NOT_APPLICABLE": "Not applicable",
}

# N-able, "Retry Patch": the page's example response to patch_retry, as it stands.
RETRY_EXAMPLE = b"""<result created="2024-10-01T12:47:15+01:00" host="SERVER" status="OK" >
 <msg>Retrying patches: 4,5 Patches already applied: 1,6</msg>
</result>"""


def filled(status: str, number: int) -> dict[str, Any]:
    """A row of the example with what its schema says: a uint64 as text, instants in RFC 3339."""
    [row] = json.loads(ESET_EXAMPLE)["patchingDetails"]
    before, after = {"id": str(24 << 48), "name": f"24.{number}"}, {"id": str(25 << 48), "name": f"25.{number}"}
    period = {"startTime": "2025-03-12T03:00:00Z", "endTime": f"2025-03-12T03:0{number}:00.123456789Z"}
    versions = {"unpatchedVersion": row["unpatchedVersion"] | before, "patchedVersion": row["patchedVersion"] | after}
    return {**row, "displayName": f"App {number}", "status": status, "timePeriod": period, **versions}


@contextlib.asynccontextmanager
async def staged_with(world: World, folder: Path, listing: str) -> AsyncIterator[Stage]:
    """A bot that has never heard anything from ESET but this listing."""
    world.eset.faults.add("recent", Fault.BODY, times=None, body=listing.encode())
    async with staged(folder, world=world) as stage:
        yield stage


async def test_esets_example_comes_out_as_an_attempt(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.eset.faults.add("recent", Fault.BODY, body=ESET_EXAMPLE)
        listed = await stage.asks("bob", "/patches recent all")
        assert "string (string) string → string\n❔ No status given\nUNSPECIFIED · no time told" in listed.screen
        assert "0 failed · 0 ok · 1 other" in listed.screen
        assert "could not be read" not in listed.screen
        assert "Nothing failed in the last 7 days" in (await stage.asks("bob", "/patches recent")).plain
        assert nothing_left(stage) == []


async def test_every_status_of_esets_page_is_shown_in_words_and_counted(tmp_path: Path) -> None:
    rows = [filled(status, number) for number, status in enumerate(STATUSES)]
    async with World() as world, staged_with(world, tmp_path, json.dumps({"patchingDetails": rows})) as stage:
        listed = await stage.asks("bob", "/patches recent all")
        screens = [listed.screen]
        await stage.clicks("bob", "Older ▶", listed)
        screens.append(listed.screen)
        assert "5 failed · 2 ok · 2 other" in screens[0]
        for number, (status, words) in enumerate(STATUSES.items()):
            row = f"App {number} (string) 24.{number} → 25.{number}"
            [screen] = [screen for screen in screens if row in screen]
            said = [line for line in screen.split(row)[1].splitlines() if line != "[Retry…]"][1:3]
            assert words in said[0]
            assert said[1] == f"{status.removeprefix('APPLICATION_PATCHING_STATUS_')} · 2025-03-12 03:0{number} UTC"
        await stage.asks("bob", "/patches digest now daily")
        [new] = [shown.plain for shown in stage.world.slack.messages if "New: 5" in shown.plain]
        for number in range(3, 8):
            assert f"App {number} (string) → 25.{number}" in new
        assert nothing_left(stage) == []


async def test_n_ables_example_comes_out_as_the_result_on_the_card(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for patch_id in (1, 6):  # they fail too when the request is made, and were installed when N-sight is asked
            stage.world.fleet.patch(1001, patch_id).status = PatchStatus.FAILED
        await stage.asks("bob", "/patches retry 1001 1,4,5,6")
        stage.world.nsight.faults.add("patch_retry", Fault.BODY, body=RETRY_EXAMPLE)
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (1, 4, 5, 6))]
        assert "Queued by N-sight" in stage.card.plain
        for patch_id, fate in (
            (1, "❔ being looked up"),
            (4, "⏳ queued"),
            (5, "⏳ queued"),
            (6, "❔ being looked up"),
        ):
            [line] = [line for line in stage.card.screen.splitlines() if line.startswith(f"• {patch_id} ")]
            assert f"→ {fate}" in line
        assert "installed" not in stage.card.plain  # "already applied" proves nothing
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "4 of 4 installed" in stage.card.plain
        answer = next(json.loads(row.data)["answer"] for row in await stage.trail() if row.action == "request.conclude")
        assert answer["words"] == "Retrying patches: 4,5 Patches already applied: 1,6"
        assert nothing_left(stage) == []
