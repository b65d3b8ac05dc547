"""What `check` says of people and usergroups: who can never approve, and whether the others are enough."""

from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.slack.model import OTHER_TEAM, User, Usergroup
from bot.demo.world import World
from tests.checked import JSON, failing, looked, the_failure

# ---------------------------------------------------------------- people

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


async def test_who_may_use_the_command_is_looked_at_too(world: World, tmp_path: Path) -> None:
    failure = the_failure(await looked(world, tmp_path, '[access]\ncommands = ["U0BOB", "U0GONE"]\n'))
    assert (failure.name, "no such user" in failure.sentence) == ("access.commands U0GONE", True)


# ---------------------------------------------------------------- usergroups


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


# ---------------------------------------------------------------- the quorum

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


async def test_a_quorum_missed_because_of_a_broken_approver_is_not_one_more_failure(
    world: World, tmp_path: Path
) -> None:
    world.slack.free_plan()
    findings = await looked(world, tmp_path, QUORUM.format(1, "false"))
    assert failing(findings) == {"approvals.approvers S0PATCHTEAM"}
    assert "0 people may approve until" in findings["approvals.quorum"].sentence


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
