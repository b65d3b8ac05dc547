"""`check` from the inside: each thing that can be wrong in the world, and the sentence that says so."""

import json
import socket
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot import config
from bot.config import Config
from bot.demo.clock import Clock
from bot.demo.faults import Fault
from bot.demo.slack.model import BOT_USER, OTHER_TEAM, Channel, User, Usergroup
from bot.demo.world import World
from bot.digests import DigestPlan
from bot.errors import Kind, Service, UpstreamError
from bot.flows import check
from bot.flows.check import Finding
from bot.manifest import SCOPES
from bot.store import Entry, Store
from tests.insider import tampers
from tests.laid import lay

WHOLE = """
[access]
commands = ["S0HELPDESK", "U0DAVE"]
[approvals]
channel = "C0PATCHAPPROVE"
approvers = ["S0PATCHTEAM", "U0DAVE"]
[[digests]]
name = "daily"
channel = "C0PATCHNEWS"
cron = "0 9 * * 1-5"
timezone = "Europe/Berlin"
"""
JSON = {"Content-Type": "application/json"}
FRIDAY = datetime(2026, 10, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(clock=Clock(datetime.now(UTC), speed=1)) as running:
        yield running


def wall_clock() -> datetime:
    return datetime.now(UTC)


def loaded(world: World, folder: Path, toml: str = WHOLE, **changes: str) -> Config:
    return config.load({**world.env(folder, toml), **changes})


async def looked(world: World, folder: Path, toml: str = WHOLE, **changes: str) -> dict[str, Finding]:
    """Findings by name, against a database that is there."""
    settings = loaded(world, folder, toml, **changes)
    await lay(folder)
    findings = await check.examine(settings, wall_clock)
    return {finding.name: finding for finding in findings}


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def failing(findings: dict[str, Finding]) -> set[str]:
    return {name for name, finding in findings.items() if finding.ok is False}


def the_failure(findings: dict[str, Finding]) -> Finding:
    (failure,) = (finding for finding in findings.values() if finding.ok is False)
    assert failure.mend, "whoever reads it wants to know what to do"
    return failure


# ---------------------------------------------------------------- all is well


async def test_where_all_is_well_every_finding_says_so(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path)
    assert {name for name, finding in findings.items() if finding.ok is not True} == set()
    assert list(findings) == [
        *("Slack bot token", "Slack scopes", "Slack app token", "Clock", "approvals.channel"),
        *("approvals.approvers S0PATCHTEAM", "approvals.approvers U0DAVE", "approvals.quorum"),
        *("access.commands S0HELPDESK", "access.commands U0DAVE", "digests.daily"),
        *("ESET login", "ESET attempts", "ESET devices", "N-sight", "Database", "Audit trail"),
    ]
    assert "Acme IT" in findings["Slack bot token"].sentence
    assert f"{len(world.fleet.recent(world.clock.now()))} attempts" in findings["ESET attempts"].sentence
    assert "3 clients with 60 devices" in findings["N-sight"].sentence
    assert world.violations == []


async def test_nothing_is_changed_anywhere(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path)
    findings = {finding.name: finding for finding in await check.examine(settings, wall_clock)}
    assert findings["Database"].ok is None
    assert "not there yet" in findings["Database"].sentence
    assert files_in(tmp_path) == ["patches.toml"]
    writing = {call.method for call in world.slack.calls if call.method.startswith(("chat.", "views."))}
    assert (writing, world.nsight.retries, world.slack.sockets.connections) == (set(), [], [])


async def test_an_empty_configuration_is_noted_and_not_a_failure(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path, "[follow_up]\nevery = '60s'\n")
    assert failing(findings) == set()
    noted = {name for name, finding in findings.items() if finding.ok is None}
    assert noted == {"approvals.channel", "approvals.approvers", "digests", "follow_up.every"}
    assert "refused" in findings["approvals.channel"].sentence
    assert "90" in findings["follow_up.every"].sentence


async def test_the_next_digest_is_told_in_its_own_zone_and_in_utc(world: World, tmp_path: Path) -> None:
    findings = {finding.name: finding for finding in await check.examine(loaded(world, tmp_path), lambda: FRIDAY)}
    # Between that Friday and the Monday after it Berlin leaves daylight saving time.
    assert "next at Mon 2026-10-26 09:00 Europe/Berlin (Mon 08:00 UTC)" in findings["digests.daily"].sentence


async def test_a_quiet_time_is_reckoned_with(world: World, tmp_path: Path) -> None:
    quiet = loaded(world, tmp_path, WHOLE + 'quiet = ["2026-10-26"]\n')
    findings = {finding.name: finding for finding in await check.examine(quiet, lambda: FRIDAY)}
    assert "next at Tue 2026-10-27 09:00 Europe/Berlin" in findings["digests.daily"].sentence


async def subscribed(world: World, folder: Path, *plans: DigestPlan, toml: str = WHOLE) -> dict[str, Finding]:
    store = await Store.open(loaded(world, folder, toml).database.url.reveal())
    for plan in plans:
        await store.subscribe(plan, Entry(FRIDAY, "U0BOB", "digest.subscribe", "", {}))
    await store.close()
    return await looked(world, folder, toml)


async def test_what_people_subscribed_to_is_looked_at_too(world: World, tmp_path: Path) -> None:
    mine = DigestPlan("mine", "C0HELPDESK", "0 9 * * *", made_by="U0BOB")
    paused = replace(mine, name="late", channel="C0NOWHERE", paused=True)
    findings = await subscribed(world, tmp_path, mine, paused, replace(mine, name="Daily"))
    assert "in #helpdesk (C0HELPDESK); next at" in findings["digests.mine"].sentence
    assert (findings["digests.late"].ok, "; paused" in findings["digests.late"].sentence) == (False, True)
    assert "the file's digest wins" in findings["digests.Daily"].sentence
    assert findings["digests.daily"].ok is True


async def test_without_digests_in_the_file_subscriptions_are_all_there_is(world: World, tmp_path: Path) -> None:
    findings = await subscribed(world, tmp_path, DigestPlan("mine", "C0HELPDESK", "0 9 * * *"), toml="")
    assert "digests" not in findings
    assert findings["digests.mine"].ok is True


async def test_a_digest_that_cannot_be_edited_for_want_of_a_scope_is_noted(world: World, tmp_path: Path) -> None:
    updating = WHOLE + "update = true\n"
    noted = (await looked(world, tmp_path, updating))["digests.update"]
    assert (noted.ok, "channels:history" in noted.mend) == (None, True)
    world.slack.tokens.scopes.add("channels:history")
    assert "digests.update" not in await looked(world, tmp_path, updating)


async def test_the_scope_that_a_digest_lacks_is_the_one_that_its_kind_of_channel_needs(
    world: World, tmp_path: Path
) -> None:
    world.slack.tokens.scopes.add("channels:history")
    world.slack.add(Channel("G0PRIVATE", "private", members={BOT_USER}, private=True))
    own = '[[digests]]\nname = "own"\nchannel = "G0PRIVATE"\ncron = "0 9 * * *"\nupdate = true\n'
    noted = (await looked(world, tmp_path, WHOLE + "update = true\n" + own))["digests.update"]
    assert noted.sentence.startswith("own: has no effect")
    assert noted.mend.startswith("Add groups:history under")


async def test_what_a_digest_asks_for_and_nobody_knows_is_noted(world: World, tmp_path: Path) -> None:
    asked = WHOLE + 'clients = ["Contosso Ltd", "Contoso*"]\napplications = ["*Googel*", "*Chrome*"]\n'
    findings = await looked(world, tmp_path, asked)
    client, application = findings["digests.daily.clients"], findings["digests.daily.applications"]
    assert (client.ok, client.sentence, client.mend) == (
        None,
        "no client that the key sees fits Contosso Ltd",
        "Did you mean Contoso Ltd?",
    )
    assert (application.ok, application.sentence) == (None, "no application that ESET lists at present fits *Googel*")
    mine = replace(DigestPlan("mine", "C0HELPDESK", "0 9 * * *", made_by="U0BOB"), clients=("Nobody",))
    found = await subscribed(world, tmp_path, mine)
    assert found["digests.mine.clients"].sentence.endswith("fits Nobody")


async def test_a_digest_by_severity_is_noted_while_nothing_reads_severities(world: World, tmp_path: Path) -> None:
    by_severity = WHOLE + 'group_by = "severity"\n'
    noted = (await looked(world, tmp_path, by_severity))["digests.daily.group_by"]
    assert (noted.ok, "sweep" in noted.mend) == (None, True)
    assert "digests.daily.group_by" not in await looked(world, tmp_path, by_severity + '[nsight]\nsweep = "24h"\n')


# ---------------------------------------------------------------- Slack


async def test_a_dead_bot_token_is_one_failure_and_what_depends_on_it_is_not_known(
    world: World, tmp_path: Path
) -> None:
    findings = await looked(world, tmp_path, SLACK_BOT_TOKEN="xoxb-1-revoked")
    failure = the_failure(findings)
    assert (failure.name, "invalid_auth" in failure.sentence) == ("Slack bot token", True)
    assert "SLACK_BOT_TOKEN" in failure.mend
    unknown = {name for name, finding in findings.items() if finding.ok is None}
    assert {"Slack scopes", "approvals.channel", "approvals.quorum", "digests.daily"} <= unknown
    assert findings["Slack app token"].ok is True


async def test_a_wrong_app_token_names_socket_mode_and_its_scope(world: World, tmp_path: Path) -> None:
    failure = the_failure(await looked(world, tmp_path, SLACK_APP_TOKEN="xapp-1-wrong"))
    assert failure.name == "Slack app token"
    assert "SLACK_APP_TOKEN" in failure.mend
    assert "connections:write" in failure.mend


async def test_an_app_token_without_its_scope_is_told(world: World, tmp_path: Path) -> None:
    world.slack.revoke_scope("connections:write")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "connections:write" in failure.sentence) == ("Slack app token", True)


async def test_in_http_mode_no_app_token_is_looked_at(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path, f"slack.mode = 'http'\n{WHOLE}")
    assert findings["Slack app token"].ok is None
    assert not [call for call in world.slack.calls if call.method == "apps.connections.open"]


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_missing_scope_is_named_once_with_its_reason_and_how_to_add_it(
    world: World, tmp_path: Path, scope: str
) -> None:
    world.slack.revoke_scope(scope)
    findings = await looked(world, tmp_path)
    failure = the_failure(findings)
    assert failure.name == "Slack scopes"
    assert failure.sentence.startswith(f"{scope} is missing")
    assert SCOPES[scope] in failure.sentence
    assert "Reinstall" in failure.mend
    assert failure.sentence.count("is missing") == 1


async def test_scopes_beyond_those_needed_are_named(world: World, tmp_path: Path) -> None:
    world.slack.tokens.scopes.add("pins:write")
    assert "not needed: pins:write" in (await looked(world, tmp_path))["Slack scopes"].sentence


async def test_slack_being_down_is_told_once(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path)
    await world.slack.stop()
    findings = {finding.name: finding for finding in await check.examine(settings, wall_clock)}
    assert failing(findings) == {"Slack bot token"}
    assert "cannot be reached" in findings["Slack bot token"].sentence
    assert findings["ESET login"].ok is True
    assert findings["N-sight"].ok is True


@pytest.mark.parametrize(("off", "words"), [(-400, "6 min 40 s ahead"), (7300, "2:01:40 behind"), (61, "behind")])
async def test_a_clock_that_is_wrong_is_told_with_how_far(world: World, tmp_path: Path, off: int, words: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    settings = loaded(world, tmp_path, "")
    headers = {**JSON, "Date": format_datetime(now + timedelta(seconds=off), usegmt=True)}
    for method in ("auth.test", "apps.connections.open"):
        body = b'{"ok": true, "team": "Acme IT", "team_id": "T0ACME"}'
        world.slack.faults.add(method, Fault.STATUS, status=200, headers=headers, body=body)
    findings = {finding.name: finding for finding in await check.examine(settings, lambda: now)}
    assert failing(findings) == {"Clock"}
    assert words in findings["Clock"].sentence
    assert "NTP" in findings["Clock"].mend


async def test_a_minute_of_skew_is_no_failure(world: World, tmp_path: Path) -> None:
    for skew in (timedelta(seconds=-50), timedelta(seconds=50)):
        findings = await check.examine(loaded(world, tmp_path, ""), lambda by=skew: datetime.now(UTC) + by)  # type: ignore[misc]
        assert {finding.ok for finding in findings if finding.name == "Clock"} == {True}


# ---------------------------------------------------------------- channels


async def test_a_channel_without_the_bot_asks_for_an_invitation(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "#patch-news" in failure.sentence) == ("digests.daily", True)
    assert "/invite" in failure.mend
    assert "next at" in failure.sentence


async def test_an_archived_channel_is_told(world: World, tmp_path: Path) -> None:
    world.slack.archive("C0PATCHAPPROVE")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "archived" in failure.sentence) == ("approvals.channel", True)


@pytest.mark.parametrize("channel", ["C0NOWHERE", "C0SECOPS"])
async def test_a_channel_that_slack_does_not_show_may_be_wrong_or_private(
    world: World, tmp_path: Path, channel: str
) -> None:
    failure = the_failure(await looked(world, tmp_path, WHOLE.replace("C0PATCHAPPROVE", channel)))
    assert channel in failure.sentence
    assert "does not exist" in failure.sentence
    assert "private" in failure.sentence


FALLBACK = WHOLE.replace('channel = "C0PATCHAPPROVE"', 'channel = "C0PATCHAPPROVE"\nfallback_channel = "C0HELPDESK"')


async def test_while_the_approvals_channel_cannot_be_posted_to_it_says_where_requests_go(
    world: World, tmp_path: Path
) -> None:
    world.slack.archive("C0PATCHAPPROVE")
    findings = await looked(world, tmp_path, FALLBACK)
    assert "requests go to approvals.fallback_channel" in the_failure(findings).sentence
    assert findings["approvals.fallback_channel"].ok is True
    assert "no approvals.fallback_channel is set" in the_failure(await looked(world, tmp_path)).sentence


async def test_a_fallback_channel_that_is_no_help_is_told_too(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0HELPDESK")
    failure = the_failure(await looked(world, tmp_path, FALLBACK))
    assert (failure.name, "/invite" in failure.mend) == ("approvals.fallback_channel", True)
    world.slack.kick_bot("C0PATCHAPPROVE")
    findings = await looked(world, tmp_path, FALLBACK)
    assert failing(findings) == {"approvals.channel", "approvals.fallback_channel"}
    assert "is no help either" in findings["approvals.channel"].sentence


async def test_a_channel_that_slack_does_not_tell_of_is_not_called_closed(world: World, tmp_path: Path) -> None:
    world.slack.revoke_scope("channels:read")
    findings = await looked(world, tmp_path, FALLBACK)
    assert "not known" in findings["approvals.channel"].sentence
    assert "fallback" not in findings["approvals.channel"].sentence


async def test_every_channel_that_is_named_anywhere_is_looked_at(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    toml = """
        [approvals]
        channel = "C0PATCHAPPROVE"
        approvers = ["U0ANN", "U0DAVE"]
        escalate_after = "1h"
        escalate_channel = "C0PATCHNEWS"
        [[approvals.rules]]
        kind = "server"
        quorum = 1
        [[approvals.rules]]
        kind = "workstation"
        escalate_channel = "C0NOWHERE"
        [audit]
        channel = "C0PATCHNEWS"
        cron = "30 6 * * *"
        timezone = "Europe/Berlin"
    """
    settings = loaded(world, tmp_path, toml)
    findings = {finding.name: finding for finding in await check.examine(settings, lambda: FRIDAY)}
    named = {"approvals.escalate_channel", "approvals.rules[1].escalate_channel", "audit.channel"}
    assert named <= failing(findings)
    assert all(findings[name].mend for name in named)
    assert "next at Sat 2026-10-24 06:30 Europe/Berlin (Sat 04:30 UTC)" in findings["audit.channel"].sentence
    asked = [call.args["channel"] for call in world.slack.calls if call.method == "conversations.info"]
    assert sorted(asked) == ["C0NOWHERE", "C0PATCHAPPROVE", "C0PATCHNEWS"], "each is asked for once"


async def test_a_private_channel_with_the_bot_in_it_is_fine(world: World, tmp_path: Path) -> None:
    world.slack.add(Channel("C0QUIET", "quiet", {"U0PATCHES", "U0ANN"}, private=True))
    findings = await looked(world, tmp_path, WHOLE.replace("C0PATCHAPPROVE", "C0QUIET"))
    assert findings["approvals.channel"].ok is True


# ---------------------------------------------------------------- approvers

ONE = '[approvals]\nchannel = "C0PATCHAPPROVE"\napprovers = ["U0ANN", "U0DAVE", "{}"]\n'


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("U0OTTO", "is deactivated"),
        ("U0GINA", "is a guest"),
        ("U0HUBBOT", "is a bot"),
        ("U0ZOE", "belongs to another organisation"),
        ("U0NOBODY", "no such user"),
        ("S0NOBODY", "no such usergroup"),
    ],
)
async def test_an_approver_who_can_never_approve_is_told_with_the_reason(
    world: World, tmp_path: Path, who: str, words: str
) -> None:
    findings = await looked(world, tmp_path, ONE.format(who))
    failure = the_failure(findings)
    assert failure.name == f"approvals.approvers {who}"
    assert words in failure.sentence
    assert findings["approvals.quorum"].ok is True, "the other two are enough"


async def test_an_account_of_another_workspace_is_a_stranger_even_unmarked(world: World, tmp_path: Path) -> None:
    world.slack.add(User("U0YAN", "yan", team=OTHER_TEAM))
    assert "another organisation" in the_failure(await looked(world, tmp_path, ONE.format("U0YAN"))).sentence


async def test_an_empty_usergroup_is_told(world: World, tmp_path: Path) -> None:
    world.slack.add(Usergroup("S0EMPTY", "empty", "Nobody yet", []))
    assert "no members" in the_failure(await looked(world, tmp_path, ONE.format("S0EMPTY"))).sentence


async def test_a_usergroup_none_of_whose_members_counts_is_told(world: World, tmp_path: Path) -> None:
    world.slack.add(Usergroup("S0ODD", "odd", "Odd ones", ["U0GINA", "U0OTTO"]))
    sentence = the_failure(await looked(world, tmp_path, ONE.format("S0ODD"))).sentence
    assert "gina is a guest" in sentence
    assert "otto is deactivated" in sentence


async def test_members_of_a_usergroup_who_do_not_count_are_named(world: World, tmp_path: Path) -> None:
    world.slack.deactivate("U0CARL")
    findings = await looked(world, tmp_path)
    assert failing(findings) == set()
    assert "not counted: carl is deactivated" in findings["approvals.approvers S0PATCHTEAM"].sentence


async def test_usergroups_on_the_free_plan_get_the_sentence_that_helps(world: World, tmp_path: Path) -> None:
    world.slack.free_plan()
    failure = the_failure(await looked(world, tmp_path, ONE.format("S0PATCHTEAM")))
    assert "paid plan" in failure.sentence
    assert "so nobody can decide on a request by being in this usergroup" in failure.sentence
    assert "user ids" in failure.mend


async def test_a_quorum_missed_because_of_a_broken_approver_is_not_one_more_failure(
    world: World, tmp_path: Path
) -> None:
    world.slack.free_plan()
    findings = await looked(world, tmp_path, QUORUM.format(1, "false"))
    assert failing(findings) == {"approvals.approvers S0PATCHTEAM"}
    assert "0 people may approve until" in findings["approvals.quorum"].sentence


QUORUM = '[approvals]\nchannel = "C0PATCHAPPROVE"\napprovers = ["S0PATCHTEAM"]\nquorum = {}\nself_approval = {}\n'


@pytest.mark.parametrize(
    ("quorum", "self_approval", "verdict", "words"),
    [
        (1, "false", True, "2 people may approve"),
        (2, "false", None, "request of their own"),
        (2, "true", True, "2 approvals are needed"),
        (3, "true", False, "no request can ever be approved"),
        (3, "false", False, "no request can ever be approved"),
    ],
)
async def test_whether_the_approvers_are_enough_for_the_quorum_is_told(
    world: World, tmp_path: Path, quorum: int, self_approval: str, verdict: bool | None, words: str
) -> None:
    finding = (await looked(world, tmp_path, QUORUM.format(quorum, self_approval)))["approvals.quorum"]
    assert (finding.ok, words in finding.sentence) == (verdict, True)


async def test_what_slack_cannot_tell_makes_the_quorum_unknown_and_not_wrong(world: World, tmp_path: Path) -> None:
    world.slack.faults.add("usergroups.users.list", "http_500", times=None)
    findings = await looked(world, tmp_path, QUORUM.format(1, "false"))
    assert failing(findings) == {"approvals.approvers S0PATCHTEAM"}
    assert findings["approvals.quorum"].ok is None


async def test_a_scope_that_slack_did_not_list_as_missing_is_told_where_it_bites(world: World, tmp_path: Path) -> None:
    body = b'{"ok": false, "error": "missing_scope", "needed": "usergroups:read"}'
    world.slack.faults.add("usergroups.users.list", Fault.STATUS, times=None, status=200, headers=JSON, body=body)
    failure = the_failure(await looked(world, tmp_path, QUORUM.format(1, "false")))
    assert "the scope usergroups:read is missing" in failure.sentence


async def test_without_the_scope_for_usergroups_it_says_what_follows(world: World, tmp_path: Path) -> None:
    world.slack.revoke_scope("usergroups:read")
    findings = await looked(world, tmp_path)
    assert the_failure(findings).name == "Slack scopes"
    unknown = "not known without the scope usergroups:read, so nobody can {} by being in this usergroup"
    assert findings["approvals.approvers S0PATCHTEAM"].sentence == unknown.format("decide on a request")
    assert findings["access.commands S0HELPDESK"].sentence == unknown.format("use /patches")
    assert findings["approvals.quorum"].sentence == "not known whether enough people may approve"


# ---------------------------------------------------------------- rules, escalation, budget, windows


def ruled(*rules: str, base: str = "") -> str:
    """Ann and Dave approve, or whom ``base`` names; and these rules about servers of different clients."""
    approvers = "" if "approvers" in base else 'approvers = ["U0ANN", "U0DAVE"]\n'
    names = ("Contoso", "Northwind", "Bäckerei")
    tables = [f'[[approvals.rules]]\nclient = "{name}*"\n{rule}\n' for name, rule in zip(names, rules, strict=False)]
    return f'[approvals]\nchannel = "C0PATCHAPPROVE"\n{approvers}{base}\n' + "".join(tables)


RULED = [
    ("quorum = 1", True, "2 people may approve"),
    ("quorum = 2", None, "request of their own"),
    ("quorum = 2\nself_approval = true", True, "2 approvals are needed"),
    ('approvers = ["S0PATCHTEAM"]\nquorum = 3', False, "no request that this rule fits can ever be approved"),
    ('approvers = ["S0PATCHTEAM", "U0DAVE"]\nquorum = 2', True, "3 people may approve"),
    ('approvers = ["U0ANN", "S0PATCHTEAM"]\nquorum = 2', None, "2 people may approve"),  # Ann counts once
    ('approvers = ["U0CARL"]', None, "request of their own"),
]


@pytest.mark.parametrize(("rule", "verdict", "words"), RULED)
async def test_whether_the_approvers_of_a_rule_are_enough_for_it_is_told(
    world: World, tmp_path: Path, rule: str, verdict: bool | None, words: str
) -> None:
    findings = await looked(world, tmp_path, ruled('reason = "required"', rule))
    finding = findings["approvals.rules[1].quorum"]
    assert (finding.ok, words in finding.sentence) == (verdict, True)
    assert verdict is True or finding.mend
    assert "approvals.rules[0].quorum" not in findings, "that rule changes nothing of it"


async def test_everybody_whom_a_rule_names_is_looked_at_and_asked_for_once(world: World, tmp_path: Path) -> None:
    toml = ruled(
        'approvers = ["U0OTTO", "U0DAVE", "S0PATCHTEAM"]',
        'escalate_to = ["U0GINA", "S0PATCHTEAM"]',
        base='escalate_after = "1h"\nescalate_to = ["U0OTTO", "U0CARL"]',
    )
    findings = await looked(world, tmp_path, toml)
    assert failing(findings) == {
        "approvals.rules[0].approvers U0OTTO",
        "approvals.rules[1].escalate_to U0GINA",
        "approvals.escalate_to U0OTTO",
    }
    assert findings["approvals.escalate_to U0CARL"].ok is True
    assert findings["approvals.rules[1].escalate_to S0PATCHTEAM"].ok is True
    for method in ("users.info", "usergroups.users.list"):
        asked = [tuple(call.args.values()) for call in world.slack.calls if call.method == method]
        assert asked
        assert len(asked) == len(set(asked)), "each is asked for once"


async def test_what_slack_refuses_is_not_asked_twice(world: World, tmp_path: Path) -> None:
    group = '["S0NOBODY", "U0ANN", "U0DAVE"]'
    findings = await looked(world, tmp_path, ruled(f"approvers = {group}", base=f"approvers = {group}"))
    assert failing(findings) == {"approvals.approvers S0NOBODY", "approvals.rules[0].approvers S0NOBODY"}
    assert len([call for call in world.slack.calls if call.method == "usergroups.users.list"]) == 1


async def test_where_only_rules_name_approvers_it_says_what_is_refused(world: World, tmp_path: Path) -> None:
    toml = ruled('approvers = ["U0ANN", "U0DAVE"]', "quorum = 2", base="approvers = []")
    findings = await looked(world, tmp_path, toml)
    assert failing(findings) == set()
    assert "unless a rule with approvers of its own fits them" in findings["approvals.approvers"].sentence
    assert findings["approvals.rules[0].quorum"].ok is True
    assert {"approvals.quorum", "approvals.rules[1].quorum"}.isdisjoint(findings)


@pytest.mark.parametrize(
    ("budget", "verdict"), [("quorum = 2", None), ("quorum = 3", False), ("quorum = 1", ...), ('then = "refuse"', ...)]
)
async def test_a_spent_budget_that_asks_for_more_than_there_are_is_told(
    world: World, tmp_path: Path, budget: str, verdict: object
) -> None:
    base = 'approvers = ["S0PATCHTEAM"]'
    findings = await looked(world, tmp_path, ruled(base=f"{base}\n[approvals.budget]\n{budget}"))
    told = findings.get("approvals.budget.quorum")
    assert (told.ok if told else ...) == verdict
    assert findings["approvals.quorum"].ok is True


WINDOWS = """
[[windows]]
cron = "0 22 * * *"
duration = "4h"
timezone = "Europe/Berlin"
client = "Contoso*"
device = "SRV-*"
kind = "server"
[[windows]]
cron = "0 9 * * 5"
duration = "90m"
"""


BERLIN = "Europe/Berlin"
SUNDAY = f"Sun 2026-10-25 22:00 {BERLIN} (Sun 21:00 UTC)"  # the clocks went back in the night before


@pytest.mark.parametrize(
    ("hours", "times"),
    [
        (0, f"next at Fri 2026-10-23 22:00 {BERLIN} (Fri 20:00 UTC)"),
        (33, f"open until Sun 2026-10-25 02:00 {BERLIN} (Sun 00:00 UTC), then next at {SUNDAY}"),
    ],
)
async def test_each_window_says_for_whom_it_is_and_when_it_opens_in_its_own_zone_and_in_utc(
    world: World, tmp_path: Path, hours: int, times: str
) -> None:
    settings = loaded(world, tmp_path, WHOLE + WINDOWS)
    now = FRIDAY + timedelta(hours=hours)
    findings = {finding.name: finding for finding in await check.examine(settings, lambda: now)}
    assert findings["windows[0]"] == Finding("windows[0]", True, f"servers SRV-* at Contoso*: {times} for 4 hours")
    every = "all devices: next at Fri 2026-10-30 09:00 UTC for 90 minutes"
    assert findings["windows[1]"] == Finding("windows[1]", True, every)


async def test_a_clients_name_that_fits_none_is_told_with_the_nearest_there_is(world: World, tmp_path: Path) -> None:
    window = '\n[[windows]]\nclient = "Contosso Ltd"\ncron = "0 22 * * *"\nduration = "4h"\n'
    rule = '\n[[approvals.rules]]\nclient = "Fabrikam*"\nquorum = 2\n'
    findings = await looked(world, tmp_path, WHOLE + rule + window)
    assert findings["windows[0].client"].sentence == "no client that the key sees fits Contosso Ltd"
    assert findings["windows[0].client"].mend == "Did you mean Contoso Ltd?"
    assert findings["approvals.rules[0].client"].ok is False
    fitting = await looked(world, tmp_path, WHOLE + rule.replace("Fabrikam", "contoso") + window.replace("sso", "so"))
    assert not {name for name in fitting if name.endswith(".client")}


async def test_who_may_use_the_command_is_looked_at_too(world: World, tmp_path: Path) -> None:
    failure = the_failure(await looked(world, tmp_path, '[access]\ncommands = ["U0BOB", "U0GONE"]\n'))
    assert (failure.name, "no such user" in failure.sentence) == ("access.commands U0GONE", True)


# ---------------------------------------------------------------- ESET and N-sight


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


# ---------------------------------------------------------------- the database


async def test_a_missing_database_is_a_failure_where_nobody_may_make_one(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path, "database.migrate = false\n")
    findings = {finding.name: finding for finding in await check.examine(settings, wall_clock)}
    assert failing(findings) == {"Database"}
    assert "migrate" in findings["Database"].mend


@pytest.mark.parametrize(("migrate", "verdict"), [("true", None), ("false", False)])
async def test_an_older_schema_is_a_failure_only_where_it_stays(
    world: World, tmp_path: Path, migrate: str, verdict: bool | None
) -> None:
    (tmp_path / "patches.db").touch()
    settings = loaded(world, tmp_path, f"database.migrate = {migrate}\n")
    findings = {finding.name: finding for finding in await check.examine(settings, wall_clock)}
    assert (findings["Database"].ok, "older" in findings["Database"].sentence) == (verdict, True)


async def test_a_file_that_is_no_database_does_not_hide_the_other_findings(world: World, tmp_path: Path) -> None:
    (tmp_path / "patches.db").write_text("once upon a time " * 500)
    findings = {finding.name: finding for finding in await check.examine(loaded(world, tmp_path), wall_clock)}
    assert failing(findings) == {"Database"}
    assert "not a database" in findings["Database"].sentence
    assert findings["N-sight"].ok is True


async def test_a_database_that_somebody_keeps_locked_is_told(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path)
    await (await Store.open(settings.database.url.reveal())).close()
    with closing(sqlite3.connect(tmp_path / "patches.db", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        findings = {finding.name: finding for finding in await check.examine(settings, wall_clock)}
    assert failing(findings) == {"Database"}
    assert "keeps the database locked" in findings["Database"].sentence
    assert findings["Audit trail"].ok is True


async def test_a_tampered_trail_is_told(world: World, tmp_path: Path) -> None:
    store = await Store.open(loaded(world, tmp_path).database.url.reveal())
    for actor in ("U0ANN", "U0BOB"):
        await store.append(Entry(wall_clock(), actor, "tested", "x", {}))
    await store.close()
    tampers(tmp_path / "patches.db", "UPDATE audit_trail SET actor = 'U0EVE' WHERE seq = 1")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "row 1 was changed" in failure.sentence) == ("Audit trail", True)


# ---------------------------------------------------------------- how it is told

FINDINGS = [
    Finding("Clock", True, "agrees with Slack's"),
    Finding("N-sight", False, "refuses the credentials", "Check NSIGHT_SERVER."),
    Finding("digests", None, "none is configured"),
]


def test_as_text_each_finding_has_its_line_and_the_failing_one_its_mend() -> None:
    assert check.as_text(FINDINGS).splitlines() == [
        "ok    Clock: agrees with Slack's",
        "FAIL  N-sight: refuses the credentials",
        "      -> Check NSIGHT_SERVER.",
        "note  digests: none is configured",
        "",
        "1 of 3 checks failed.",
    ]
    assert check.as_text(FINDINGS[::2]).endswith("\n\nNothing is wrong.")


def test_foreign_names_can_neither_start_a_line_nor_steer_the_terminal() -> None:
    text = check.as_text([Finding("x", True, "#evil\x1b[2J\nok    all: fine\u202e")])
    assert text.splitlines()[0] == "ok    x: #evil[2J ok    all: fine"


def test_as_json_it_is_one_object_with_the_verdict_and_every_finding() -> None:
    told = json.loads(check.as_json(FINDINGS))
    assert told["ok"] is False
    assert told["findings"][1] == {
        "name": "N-sight",
        "ok": False,
        "sentence": "refuses the credentials",
        "mend": "Check NSIGHT_SERVER.",
    }
    assert json.loads(check.as_json(FINDINGS[::2]))["ok"] is True, "notes do no harm"


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize("kind", Kind)
def test_for_every_failure_there_is_a_sentence_and_an_advice(service: Service, kind: Kind) -> None:
    error = UpstreamError(service, kind, reference="0a0b0c0d", code="some_code", words="some words")
    assert check.told(error).startswith(f"{service} ")
    assert "some words" in check.told(error)
    assert check.advice(error).endswith(".")


@pytest.mark.parametrize("place", ["ESET_AUTH_URL", "NSIGHT_URL"])
async def test_a_service_that_nobody_listens_for_cannot_be_reached(world: World, tmp_path: Path, place: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{closed.getsockname()[1]}{'' if place.startswith('ESET') else '/api/'}"
        findings = await looked(world, tmp_path, **{place: address})
    failure = the_failure(findings)
    assert "cannot be reached" in failure.sentence
    assert "DNS" in failure.mend
