"""What an auditor finds: a row for each thing that changed something, with all it takes to judge it later."""

import asyncio
import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.demo.faults import Fault
from bot.demo.world import World
from bot.store import AuditRow
from tests.scenes.playing import asked, configured, pressed
from tests.scenes.stage import QUICK, Stage, nothing_left, staged
from tests.test_cli import ran

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SERVERS = """
[[approvals.rules]]
kind = "server"
quorum = 2
"""
GROUP = [["S0PATCHTEAM"]]


async def told(stage: Stage, after: int = 0) -> list[AuditRow]:
    """The rows behind the first ``after``; the chain is whole and no row holds a secret."""
    rows = await stage.trail()
    assert (await stage.bot.services.store.verify()).ok
    for row in rows:
        assert [secret for secret in stage.world.secrets() if secret in row.data] == []
    return rows[after:]


def deeds(rows: list[AuditRow]) -> list[tuple[str, str]]:
    return [(row.action, row.actor) for row in rows]


def data(row: AuditRow) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(row.data)
    return facts


async def test_the_main_job_is_on_record_from_the_wish_to_the_installed_patches(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured() + SERVERS) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        stage.world.clock.advance(MINUTE)
        await pressed(stage, "carl", "Approve", card)
        stage.world.patches_install()
        await stage.later(15 * MINUTE)
        rows = await told(stage)
        assert deeds(rows) == [
            ("request.create", "U0BOB"),
            ("request.approve", "U0ANN"),
            ("request.approve", "U0CARL"),
            ("request.claim", "bot"),
            ("request.conclude", "bot"),
            ("request.read", "bot"),
        ]
        assert {row.subject for row in rows} == {"request:1"}
        create, first, second, claim, conclude, read = map(data, rows)

        assert create["device"] == {"id": 1001, "name": "SRV-DC01", "client": "Contoso Ltd"}
        assert {patch: seen for patch, (_, seen) in create["patches"].items()} == {"4": "Failed", "5": "Failed"}
        assert (create["reason"], create["channel"]) == ("out of date", "C0HELPDESK")
        assert (create["terms"]["quorum"], create["terms"]["approvers"]) == (2, GROUP)
        assert "server" in create["terms"]["because"]

        assert (first["from"], first["to"], first["version"]) == ("pending", "pending", 2)
        assert first["votes"] == [["U0ANN", "approve"]]
        assert (second["from"], second["to"]) == ("pending", "approved")
        assert second["votes"] == [["U0ANN", "approve"], ["U0CARL", "approve"]]
        assert rows[1].entry.at + MINUTE == rows[2].entry.at

        assert claim["call"] == {"service": "patch_retry", "deviceid": 1001, "patchids": [4, 5]}
        assert "U0ANN" in str(claim["votes"])
        assert "U0CARL" in str(claim["votes"])
        assert (claim["from"], claim["to"]) == ("approved", "sending")
        assert (conclude["answer"]["verdict"], conclude["to"]) == ("accepted", "queued")
        assert {patch: fate for patch, (fate, _) in conclude["patches"].items()} == {"4": "queued", "5": "queued"}
        assert read["to"] == "finished"
        assert {patch: fate for patch, (fate, _) in read["patches"].items()} == {"4": "installed", "5": "installed"}
        assert nothing_left(stage) == []


async def test_those_who_say_no_or_change_their_mind_are_on_record_with_their_reasons(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(reason='"required"') + SERVERS) as stage:
        card = await asked(stage)
        await stage.clicks("ann", "Approve", card)
        assert await stage.submits("ann", {"Why?": "looks harmless"}) == {}
        exchange = await stage.clicks("ann", "Approve", card)
        assert "already approved" in exchange.answers[-1].plain
        await stage.clicks("ann", "Take my vote back", exchange.answers[-1])
        await stage.clicks("carl", "Deny", card)
        assert await stage.submits("carl", {"Why?": "=not during the fair"}) == {}
        await asked(stage)
        await pressed(stage, "bob", "Withdraw", stage.card)
        rows = await told(stage)
        assert deeds(rows) == [
            ("request.create", "U0BOB"),
            ("request.approve", "U0ANN"),
            ("request.retract", "U0ANN"),
            ("request.deny", "U0CARL"),
            ("request.create", "U0BOB"),
            ("request.withdraw", "U0BOB"),
        ]
        _, approve, retract, deny, _, withdraw = map(data, rows)
        assert (approve["reason"], approve["votes"]) == ("looks harmless", [["U0ANN", "approve"]])
        assert retract["votes"] == []
        assert (deny["reason"], deny["votes"]) == ("=not during the fair", [["U0CARL", "deny"]])
        assert (deny["from"], deny["to"]) == ("pending", "denied")
        assert (withdraw["from"], withdraw["to"], rows[-1].subject) == ("pending", "withdrawn", "request:2")
        done = await ran(tmp_path, "audit", "export", "--format", "csv")
        assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(done.out)) for cell in row)
        assert [row.action for row in await told(stage, len(rows))] == ["audit.export"]
        assert nothing_left(stage) == []


async def test_what_time_brings_is_on_record_as_the_bots_own_doing(tmp_path: Path) -> None:
    config = configured(
        fallback_channel='"C0PATCHNEWS"',
        remind='"30m"',
        escalate_after='"1h"',
        escalate_to='["U0DAVE"]',
        expires='"2h"',
    )
    async with staged(tmp_path, config=config) as stage:
        await asked(stage)
        for _ in range(4):
            await stage.later(30 * MINUTE)
        stage.world.slack.archive("C0PATCHAPPROVE")
        await stage.asks("bob", "/patches retry 1001 4,5")
        rows = await told(stage)
        assert deeds(rows) == [
            ("request.create", "U0BOB"),
            ("request.remind", "bot"),
            ("request.escalate", "bot"),
            ("request.expire", "bot"),
            ("request.create", "U0BOB"),
            ("request.divert", "bot"),
        ]
        assert data(rows[2])["escalated_to"] == ["U0DAVE"]
        assert (data(rows[3])["to"], data(rows[3])["note"]) == ("expired", "Nobody decided in time. Nothing was sent.")
        assert data(rows[5]) == {"from": "C0PATCHAPPROVE", "to": "C0PATCHNEWS", "code": "is_archived"}
        assert nothing_left(stage) == []


async def test_an_approval_that_no_longer_counts_is_on_record_with_the_reason(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
        await pressed(stage, "ann", "Approve", card)
        stage.world.nsight.faults.clear()
        stage.world.slack.leaves_group("ann", "S0PATCHTEAM")
        await stage.later(MINUTE)
        rows = await told(stage, 2)
        assert deeds(rows) == [("request.hold", "bot"), ("request.revert", "bot")]
        assert "cannot be checked" in data(rows[0])["note"]
        revert = data(rows[1])
        assert (revert["from"], revert["to"], revert["votes"]) == ("approved", "pending", [])
        assert "no longer counts" in revert["note"]
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_an_unknown_outcome_is_on_record_until_somebody_closes_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await asked(stage)
        stage.world.nsight.faults.add("patch_retry", Fault.CUT)
        await pressed(stage, "ann", "Approve", card)
        stage.world.clock.advance(3 * MINUTE)
        await pressed(stage, "carl", "Read the device again", card)
        await stage.later(HOUR)
        await pressed(stage, "carl", "Close", card)
        rows = await told(stage, 2)
        assert deeds(rows) == [
            ("request.claim", "bot"),
            ("request.conclude", "bot"),
            ("request.look", "U0CARL"),
            ("request.asked_to_close", "bot"),
            ("request.close", "U0CARL"),
        ]
        conclude, look = data(rows[1]), data(rows[2])
        assert (conclude["answer"]["verdict"], conclude["to"]) == ("unknown", "unknown")
        assert conclude["answer"]["reference"]
        assert "proves nothing" in look["note"]
        assert (data(rows[-1])["from"], data(rows[-1])["to"]) == ("unknown", "closed")
        assert len(stage.retries) <= 1
        assert nothing_left(stage) == []


async def test_an_answer_that_comes_after_the_end_is_on_record_all_the_same(tmp_path: Path) -> None:
    patient = replace(QUICK, nsight=replace(QUICK.nsight, write=60))
    answered = asyncio.Event()
    async with World() as world, staged(tmp_path, world=world, pace=patient) as one:
        card = await asked(one)
        world.nsight.faults.add("patch_retry", Fault.SLOW, until=answered)
        await world.slack.clicks("ann", "Approve", card)
        await world.nsight.calls.reach("patch_retry")
        world.clock.advance(2 * MINUTE)  # the claim runs out while the call is under way
        async with staged(tmp_path, world=world) as two:
            await two.later(HOUR)
            answered.set()
            await one.bot.settle()
            rows = await told(one, 3)
        assert deeds(rows)[0] == ("request.losetrack", "bot")
        assert deeds(rows)[-2:] == [("request.read", "bot"), ("request.late_answer", "bot")]
        assert data(rows[-2])["to"] == "finished"
        assert (rows[-1].subject, data(rows[-1])["verdict"]) == ("request:1", "accepted")
        assert len(one.retries) == 1


async def test_digests_and_a_wish_for_silence_are_on_record_and_questions_are_not(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for question in ("help", "status", "recent", "device 1001", "pending", "history", "digest list", "notify"):
            await stage.asks("bob", f"/patches {question}")
        assert await told(stage) == []
        await stage.asks("bob", "/patches digest now daily")
        await stage.asks("bob", "/patches notify off")
        await stage.asks("bob", "/patches notify off")
        await stage.asks("bob", "/patches notify on")
        await stage.later(24 * HOUR)
        rows = await told(stage)
        assert deeds(rows) == [
            ("digest.now", "U0BOB"),
            ("person.mute", "U0BOB"),
            ("person.unmute", "U0BOB"),
            ("digest.post", "bot"),
        ]
        assert [row.subject for row in rows] == ["digest:daily", "person:U0BOB", "person:U0BOB", "digest:daily"]
        assert nothing_left(stage) == []
