"""What `check` says of rules, escalation, the budget and windows: whom they fit, and whether people suffice."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.world import World
from bot.flows.check import Finding
from tests.checked import FRIDAY, WHOLE, examined, failing, loaded, looked

# ---------------------------------------------------------------- rules, escalation, budget


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


# ---------------------------------------------------------------- windows

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
    findings = await examined(settings, lambda: now)
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
