"""What ``[[approvals.rules]]`` and ``[approvals.budget]`` take."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import config
from bot.model import DeviceKind, Terms
from bot.terms import Budget
from tests.configured import env, faults, the_fault

# A rule as the first of two tables, or of one; what is wrong is in the last.
SERVERS = 'kind = "server"'
BAD_RULES = [
    (["quorum = 2"], "kind", "to fit by"),
    ([SERVERS], "quorum", "has to replace something"),
    (['kind = "printer"\nquorum = 2'], "kind", "server or workstation"),
    (["kind = 3\nquorum = 2"], "kind", "not 3"),
    (['client = ""\nquorum = 2'], "client", "text in quotes"),
    (["device = 1001\nquorum = 2"], "device", "text in quotes"),
    (["min_patches = 0\nquorum = 2"], "min_patches", "from 1"),
    (["min_patches = 51\nquorum = 2"], "min_patches", "max_patches is 50"),
    (['severity = "Critical"\nquorum = 2'], "severity", "list"),
    (["severity = [5]\nquorum = 2"], "severity[0]", "text in quotes"),
    (["severity = []\nquorum = 2"], "severity", "at least one"),
    ([SERVERS + '\nquorum = "two"'], "quorum", "whole number"),
    ([SERVERS + "\nqourum = 2\ndenials = 2"], "qourum", "did you mean quorum?"),
    ([SERVERS + '\nreason = "yes"'], "reason", "optional or required"),
    ([SERVERS + '\nexpires = "4"'], "expires", "duration"),
    ([SERVERS + "\napprovers = []"], "approvers", "at least one"),
    ([SERVERS + '\napprovers = "U0ANN"'], "approvers", "list"),
    ([SERVERS + '\napprovers = ["ann"]\nquorum = 3'], "approvers[0]", "usergroup"),
    ([SERVERS + "\nquorum = 4"], "quorum", "names 3"),
    ([SERVERS + '\nquorum = 2\napprovers = ["U0DAVE"]'], "quorum", "names 1"),
    ([SERVERS + '\nquorum = "2"\napprovers = ["U0DAVE"]'], "quorum", "whole number"),
    ([SERVERS + '\nescalate_after = "2h"'], "escalate_after", "to whom"),
    ([SERVERS + '\nescalate_to = ["U0DAVE"]'], "escalate_after", "missing"),
    ([SERVERS + '\nescalate_after = "2h"\nescalate_channel = "C0A"'], "escalate_channel", "another channel"),
    ([SERVERS + "\nmax_patches = 5\nquorum = 2"], "max_patches", "unknown key"),
    ([SERVERS + "\nquorum = 2", SERVERS + "\nquorum = 3"], "", "rules[0] comes first"),
    ([SERVERS + "\nquorum = 2", SERVERS + '\nclient = "Contoso*"\nquorum = 3'], "", "can never be reached"),
    (['client = "contoso*"\nquorum = 2', 'client = "Contoso*"\nmin_patches = 5\nquorum = 3'], "", "never"),
    (["min_patches = 5\nquorum = 2", "min_patches = 6\nquorum = 3"], "", "never"),
    (
        ['severity = ["Critical", "Important"]\nquorum = 2', 'severity = ["critical"]\nquorum = 3'],
        "",
        "never",
    ),
]


def rules(*tables: str) -> str:
    """Three approvers, and these rules."""
    base = '[approvals]\nchannel = "C0A"\napprovers = ["U0ANN", "U0BOB", "U0CARL"]\n'
    return base + "".join(f"[[approvals.rules]]\n{table}\n" for table in tables)


@pytest.mark.parametrize(("tables", "key", "says"), BAD_RULES)
def test_a_wrong_rule_is_one_line_with_its_number(tmp_path: Path, tables: list[str], key: str, says: str) -> None:
    line = the_fault(env(tmp_path, rules(*tables)))
    path = f"approvals.rules[{len(tables) - 1}]"
    assert line.startswith(f"{path}.{key}: " if key else f"{path}: ")
    assert says in line


def test_approvers_of_a_rule_who_are_too_few_for_the_base_quorum_are_told_there(tmp_path: Path) -> None:
    base = '[approvals]\nquorum = 2\napprovers = ["U0ANN", "U0BOB"]\n'
    rule = f'[[approvals.rules]]\n{SERVERS}\napprovers = ["U0DAVE"]\n'
    line = the_fault(env(tmp_path, base + rule))
    assert line == "approvals.rules[0].approvers: 2 approvals can never be reached: approvers names 1"


FINE_RULES = [
    [SERVERS + "\nquorum = 2", 'kind = "workstation"\nquorum = 2'],
    [SERVERS + '\nclient = "Contoso*"\nquorum = 2', SERVERS + "\nquorum = 2"],
    ['client = "Contoso*"\nquorum = 2', 'client = "Contoso Ltd"\nquorum = 3'],  # what globs mean is not looked at
    ["min_patches = 10\nquorum = 3", "min_patches = 5\nquorum = 2"],
    ['severity = ["Critical"]\nquorum = 2', 'severity = ["Critical", "Important"]\nquorum = 3'],
    ['severity = ["Critical"]\nquorum = 2', SERVERS + "\nquorum = 2"],
    ['device = "SRV-*"\nquorum = 2', 'client = "Contoso*"\nquorum = 2'],
    [SERVERS + '\nquorum = 9\napprovers = ["U0ANN", "S0TEAM"]'],
]


@pytest.mark.parametrize("tables", FINE_RULES)
def test_rules_that_leave_something_to_each_other_are_taken_in_their_order(tmp_path: Path, tables: list[str]) -> None:
    loaded = config.load(env(tmp_path, rules(*tables)))
    assert len(loaded.approvals.rules) == len(tables)


def test_a_rule_says_what_it_fits_by_and_replaces_key_by_key(tmp_path: Path) -> None:
    table = """
        kind = "Server"
        client = "Contoso*"
        device = "SRV-*"
        min_patches = 5
        severity = ["Critical", "important"]
        quorum = 2
        denials = 3
        approvers = ["U0DAVE", "S0TEAM"]
        self_approval = true
        reason = "required"
        deny_reason = "optional"
        expires = "2h"
        remind = "never"
        escalate_after = "30m"
        escalate_to = ["U0BOSS"]
        escalate_channel = "C0LEADS"
    """
    (rule,) = config.load(env(tmp_path, rules(table))).approvals.rules
    assert (rule.kind, rule.client, rule.device) == (DeviceKind.SERVER, "Contoso*", "SRV-*")
    assert (rule.min_patches, rule.severity) == (5, ("Critical", "important"))
    assert replace(Terms(), **rule.changes) == Terms(
        lists=(("U0DAVE", "S0TEAM"),),
        quorum=2,
        denials=3,
        self_approval=True,
        reason_required=True,
        deny_reason=False,
        expires=timedelta(hours=2),
        remind=None,
        escalate_after=timedelta(minutes=30),
        escalate_to=("U0BOSS",),
        escalate_channel="C0LEADS",
    )


def test_a_rule_may_switch_escalation_off_and_what_never_comes_needs_no_target(tmp_path: Path) -> None:
    escalating = '[approvals]\nescalate_after = "1h"\nescalate_to = ["U0BOSS"]\n'
    rule = f'[[approvals.rules]]\n{SERVERS}\nescalate_after = "never"\n'
    (off,) = config.load(env(tmp_path, escalating + rule)).approvals.rules
    assert off.changes == {"escalate_after": None}
    later = '[approvals]\nescalate_after = "never"\nescalate_to = ["U0BOSS"]\n'
    (on,) = config.load(env(tmp_path, later + rule.replace("never", "2h"))).approvals.rules
    assert on.changes == {"escalate_after": timedelta(hours=2)}


def test_a_rule_can_be_wrong_in_several_ways_and_they_are_all_told(tmp_path: Path) -> None:
    toml = rules('kind = "printer"\nquorum = 0', "severity = [1]\nexpires = 4\nremnd = 2")
    toml += '[approvals.budget]\nfailures = "x"\n[[windows]]\ncron = "x"\n[audit]\ncron = "y"\n'
    assert sorted(line.partition(": ")[0] for line in faults(env(tmp_path, toml))) == [
        "approvals.budget.failures",
        "approvals.budget.quorum",
        "approvals.rules[0].kind",
        "approvals.rules[0].quorum",
        "approvals.rules[1].expires",
        "approvals.rules[1].remnd",
        "approvals.rules[1].severity[0]",
        "audit.cron",
        "windows[0].cron",
        "windows[0].duration",
    ]


def test_a_budget_is_a_number_of_failures_within_a_time_and_what_follows(tmp_path: Path) -> None:
    more = config.load(env(tmp_path, "[approvals.budget]\nquorum = 2")).approvals.budget
    assert more == Budget(failures=3, within=timedelta(days=30), quorum=2)
    none = config.load(env(tmp_path, '[approvals.budget]\nfailures = 1\nwithin = "7d"\nthen = "refuse"'))
    assert none.approvals.budget == Budget(failures=1, within=timedelta(days=7), quorum=0)
    assert config.load(env(tmp_path)).approvals.budget is None
