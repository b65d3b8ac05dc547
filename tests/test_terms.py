"""What it takes to decide a request, as tables and properties: rules, the stricter of two, escalation, the budget."""

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import terms
from bot.model import Device, DeviceKind, Fate, RequestedPatch, RetryRequest, State, Terms
from bot.terms import Budget, Rule
from tests.sample_requests import pending

HOUR = timedelta(hours=1)
SERVER = Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
LAPTOP = Device(2001, "LAP-ANN", DeviceKind.WORKSTATION, 302, "Nordwind GmbH", "Berlin")
BASE = Terms(lists=(("S0PATCHTEAM",),), quorum=1, expires=4 * HOUR, remind=HOUR)


def patches(*severities: str) -> tuple[RequestedPatch, ...]:
    """One patch of each severity."""
    named = enumerate(severities, start=1)
    return tuple(RequestedPatch(one, f"Patch {one}", "Failed", "Failed", severity=kind) for one, kind in named)


# ---------------------------------------------------------------- which rule fits

FITS = [
    (Rule(), True),
    (Rule(kind=DeviceKind.SERVER), True),
    (Rule(kind=DeviceKind.WORKSTATION), False),
    (Rule(client="Contoso Ltd"), True),
    (Rule(client="contoso*"), True),
    (Rule(client="*LTD"), True),
    (Rule(client="Contoso"), False),
    (Rule(client="Nordwind*"), False),
    (Rule(device="srv-*"), True),
    (Rule(device="SRV-DC0*"), True),
    (Rule(device="SRV-DC0?"), False),  # only * means anything but itself
    (Rule(device="SRV-DC0[0-9]"), False),
    (Rule(device="DC01"), False),
    (Rule(min_patches=2), True),
    (Rule(min_patches=3), False),
    (Rule(severity=("critical",)), True),
    (Rule(severity=("IMPORTANT", "Low")), True),
    (Rule(severity=("Low", "Moderate")), False),
    (Rule(severity=("Crit",)), False),
    (Rule(DeviceKind.SERVER, "Contoso*", "SRV*", 2, ("Critical",)), True),
    (Rule(DeviceKind.WORKSTATION, "Contoso*", "SRV*", 2, ("Critical",)), False),
    (Rule(DeviceKind.SERVER, "Nordwind*", "SRV*", 2, ("Critical",)), False),
    (Rule(DeviceKind.SERVER, "Contoso*", "LAP*", 2, ("Critical",)), False),
    (Rule(DeviceKind.SERVER, "Contoso*", "SRV*", 9, ("Critical",)), False),
    (Rule(DeviceKind.SERVER, "Contoso*", "SRV*", 2, ("Low",)), False),
]


@pytest.mark.parametrize(("rule", "verdict"), FITS)
def test_a_rule_fits_when_every_condition_it_names_does(rule: Rule, verdict: bool) -> None:
    assert terms.fits(rule, SERVER, patches("Critical", "Important")) is verdict


def test_a_severity_that_nsight_did_not_tell_fits_no_rule_about_severity() -> None:
    assert not terms.fits(Rule(severity=("Critical",)), SERVER, patches("", ""))
    assert terms.fits(Rule(kind=DeviceKind.SERVER), SERVER, patches(""))


def test_without_a_rule_that_fits_the_base_holds() -> None:
    rules = [Rule(kind=DeviceKind.WORKSTATION, changes={"quorum": 3})]
    assert terms.asked_of(BASE, rules, SERVER, patches("Critical")) == BASE
    assert terms.asked_of(BASE, [], SERVER, ()) == BASE


def test_the_first_rule_that_fits_wins_and_later_ones_add_nothing() -> None:
    rules = [
        Rule(client="Nordwind*", changes={"quorum": 5}),
        Rule(kind=DeviceKind.SERVER, changes={"quorum": 2}),
        Rule(client="Contoso*", changes={"quorum": 3, "reason_required": True}),
    ]
    asked = terms.asked_of(BASE, rules, SERVER, patches("Critical"))
    assert (asked.quorum, asked.reason_required) == (2, False)


CHANGES: list[Mapping[str, Any]] = [
    {"lists": (("U0DAVE",),)},
    {"quorum": 2},
    {"denials": 2},
    {"self_approval": True},
    {"reason_required": True},
    {"deny_reason": True},
    {"expires": None},
    {"remind": None},
    {"escalate_after": HOUR, "escalate_to": ("U0BOSS",)},
    {"escalate_channel": "C0LEADS"},
]


@pytest.mark.parametrize("changes", CHANGES, ids="+".join)
def test_a_rule_replaces_its_keys_and_leaves_the_others(changes: Mapping[str, Any]) -> None:
    asked = terms.asked_of(BASE, [Rule(kind=DeviceKind.SERVER, changes=changes)], SERVER, ())
    assert asked == replace(BASE, **changes, because="server")


BECAUSE = [
    (Rule(kind=DeviceKind.SERVER), "server"),
    (Rule(kind=DeviceKind.SERVER, client="Contoso*"), "server at Contoso Ltd"),
    (Rule(client="*"), "device at Contoso Ltd"),
    (Rule(device="SRV*"), "SRV-DC01"),
    (Rule(device="SRV*", client="C*"), "SRV-DC01 at Contoso Ltd"),
    (Rule(kind=DeviceKind.SERVER, device="SRV*"), "server SRV-DC01"),
    (Rule(min_patches=2), "3 patches"),
    (Rule(severity=("critical",)), "Critical"),
    (Rule(severity=("important", "critical", "low")), "Critical and Important"),
    (Rule(DeviceKind.SERVER, "C*", "", 2, ("critical",)), "server at Contoso Ltd, 3 patches, Critical"),
]


@pytest.mark.parametrize(("rule", "text"), BECAUSE)
def test_the_card_is_told_what_the_rule_looked_at_and_nothing_else(rule: Rule, text: str) -> None:
    asked = terms.asked_of(BASE, [rule], SERVER, patches("Critical", "Important", "Critical"))
    assert asked.because == text


def test_one_patch_is_one_patch() -> None:
    assert terms.asked_of(BASE, [Rule(min_patches=1)], LAPTOP, patches("Low")).because == "1 patch"


# ---------------------------------------------------------------- the stricter of two

A, B = ("U0ANN", "S0TEAM"), ("U0BOB",)
STRICTER = [
    ({"quorum": 1}, {"quorum": 2}, {"quorum": 2}),
    ({"quorum": 2}, {"quorum": 1}, {"quorum": 2}),
    ({"denials": 2}, {"denials": 1}, {"denials": 1}),
    ({"denials": 1}, {"denials": 2}, {"denials": 1}),
    ({"self_approval": True}, {"self_approval": False}, {"self_approval": False}),
    ({"self_approval": False}, {"self_approval": True}, {"self_approval": False}),
    ({"self_approval": True}, {"self_approval": True}, {"self_approval": True}),
    ({"reason_required": True}, {}, {"reason_required": True}),
    ({}, {"reason_required": True}, {"reason_required": True}),
    ({"deny_reason": True}, {}, {"deny_reason": True}),
    ({}, {"deny_reason": True}, {"deny_reason": True}),
    ({"expires": HOUR}, {"expires": 2 * HOUR}, {"expires": HOUR}),
    ({"expires": 2 * HOUR}, {"expires": HOUR}, {"expires": HOUR}),
    ({"expires": None}, {"expires": HOUR}, {"expires": HOUR}),
    ({"expires": HOUR}, {"expires": None}, {"expires": HOUR}),
    ({"expires": None}, {"expires": None}, {"expires": None}),
    ({"lists": (A,)}, {"lists": (A,)}, {"lists": (A,)}),
    ({"lists": (A,)}, {"lists": (A[::-1],)}, {"lists": (A[::-1],)}),
    ({"lists": (A,)}, {"lists": (B,)}, {"lists": (A, B)}),
    ({"lists": (A, B)}, {"lists": (B,)}, {"lists": (A, B)}),
    # A row from before lists were recorded: those of now count alone.
    ({"lists": ()}, {"lists": (B,)}, {"lists": (B,)}),
    # Nobody is named any more: nobody may, until somebody is named again.
    ({"lists": (A,)}, {"lists": ((),)}, {"lists": (A, ())}),
    ({"lists": (A, ())}, {"lists": (B,)}, {"lists": (A, B)}),
    # What is no question of strictness is as asked now.
    ({"remind": HOUR}, {"remind": 2 * HOUR}, {"remind": 2 * HOUR}),
    ({"escalate_to": A}, {"escalate_after": HOUR, "escalate_to": B}, {"escalate_after": HOUR, "escalate_to": B}),
    ({"escalate_channel": "C0OLD"}, {}, {"escalate_channel": ""}),
    ({"because": "server"}, {}, {"because": "server"}),
    ({}, {"because": "server"}, {"because": "server"}),
    ({"because": "5 patches", "quorum": 2}, {"because": "server"}, {"because": "5 patches", "quorum": 2}),
    ({"because": "5 patches"}, {"because": "server", "quorum": 2}, {"because": "server", "quorum": 2}),
]


@pytest.mark.parametrize(("promised", "asked", "holds"), STRICTER)
def test_of_what_was_promised_and_what_is_asked_the_stricter_holds_key_by_key(
    promised: Mapping[str, Any], asked: Mapping[str, Any], holds: Mapping[str, Any]
) -> None:
    found = terms.stricter(replace(Terms(), **promised), replace(Terms(), **asked))
    assert found == replace(Terms(), **holds)


def test_a_row_from_before_terms_were_recorded_is_held_to_those_of_now() -> None:
    asked = replace(BASE, quorum=2, reason_required=True, deny_reason=True, because="server")
    assert terms.stricter(Terms(), asked) == asked


LISTS = st.lists(
    st.lists(st.sampled_from(["U0A", "U0B", "U0C", "S0X", "S0Y"]), min_size=1, max_size=3, unique=True).map(tuple),
    min_size=1,
    max_size=3,
    unique_by=frozenset,
).map(tuple)
SPANS = st.none() | st.integers(1, 48).map(lambda hours: timedelta(hours=hours))
TERMS = st.builds(
    Terms,
    lists=LISTS,
    quorum=st.integers(1, 5),
    denials=st.integers(1, 5),
    self_approval=st.booleans(),
    reason_required=st.booleans(),
    deny_reason=st.booleans(),
    expires=SPANS,
    remind=SPANS,
    escalate_after=SPANS,
    escalate_to=st.sampled_from([(), ("U0BOSS",)]),
    because=st.sampled_from(["", "server", "5 patches"]),
)


def demands(one: Terms) -> tuple[object, ...]:
    """What is a question of strictness, the order of lists and of the people in them left out."""
    lists = {frozenset(each) for each in one.lists}
    flags = (one.self_approval, one.reason_required, one.deny_reason)
    return lists, one.quorum, one.denials, flags, one.expires


@given(TERMS, TERMS)
def test_which_of_two_is_the_older_makes_no_difference_to_what_is_demanded(one: Terms, other: Terms) -> None:
    assert demands(terms.stricter(one, other)) == demands(terms.stricter(other, one))


@given(TERMS, TERMS, TERMS)
def test_it_makes_no_difference_in_which_order_terms_are_combined(one: Terms, two: Terms, three: Terms) -> None:
    left = terms.stricter(terms.stricter(one, two), three)
    assert demands(left) == demands(terms.stricter(one, terms.stricter(two, three)))


@given(TERMS, TERMS)
def test_the_stricter_of_terms_with_themselves_or_once_more_changes_nothing(one: Terms, other: Terms) -> None:
    assert terms.stricter(one, one) == one
    once = terms.stricter(one, other)
    assert terms.stricter(once, other) == once


@given(TERMS, TERMS)
def test_the_stricter_is_never_weaker_than_either(one: Terms, other: Terms) -> None:
    found = terms.stricter(one, other)
    for each in (one, other):
        assert found.quorum >= each.quorum
        assert found.denials <= each.denials
        assert found.self_approval <= each.self_approval
        assert found.reason_required >= each.reason_required
        assert found.deny_reason >= each.deny_reason
        assert each.expires is None or (found.expires is not None and found.expires <= each.expires)
        assert {frozenset(people) for people in each.lists} <= {frozenset(people) for people in found.lists}


# ---------------------------------------------------------------- one request for several devices


@given(st.lists(TERMS, min_size=1, max_size=4), st.randoms())
def test_several_devices_are_decided_by_the_strictest_in_whatever_order(each: list[Terms], dice: Random) -> None:
    rules = [Rule(device=f"D{n}", changes=changes_of(asked)) for n, asked in enumerate(each)]
    targets = [(replace(SERVER, name=f"D{n}"), patches("Critical")) for n in range(len(each))]
    joint = terms.joint(BASE, rules, targets)
    dice.shuffle(targets)
    again = terms.joint(BASE, rules, targets)
    assert demands(again) == demands(joint)
    assert set(again.escalate_to) == set(joint.escalate_to)
    for asked in each:
        assert demands(terms.stricter(joint, asked)) == demands(joint)
        assert set(asked.escalate_to) <= set(joint.escalate_to)
        for soonest, one in ((joint.remind, asked.remind), (joint.escalate_after, asked.escalate_after)):
            assert one is None or (soonest is not None and soonest <= one)


def changes_of(asked: Terms) -> dict[str, Any]:
    return {each.name: getattr(asked, each.name) for each in fields(asked) if each.name != "because"}


def test_patches_of_all_devices_count_together() -> None:
    rule = Rule(min_patches=3, changes={"quorum": 2})
    two = patches("Critical", "Low")
    assert terms.joint(BASE, [rule], [(SERVER, two)]).quorum == 1
    assert terms.joint(BASE, [rule], [(SERVER, two), (LAPTOP, two)]).quorum == 2


def test_a_list_that_names_nobody_is_not_forgotten_beside_one_that_does() -> None:
    rule = Rule(kind=DeviceKind.SERVER, changes={"lists": ((),)})
    for targets in ([(SERVER, patches("Low")), (LAPTOP, patches("Low"))], [(LAPTOP, ()), (SERVER, ())]):
        assert () in terms.joint(BASE, [rule], targets).lists


# ---------------------------------------------------------------- escalation

ESCALATED = [
    ((A,), B, ((*A, *B),)),
    ((A, B), ("U0BOSS",), ((*A, "U0BOSS"), (*B, "U0BOSS"))),
    ((A,), ("U0ANN", "U0BOSS"), ((*A, "U0BOSS"),)),
    ((A,), (), (A,)),
    (((),), B, ((),)),  # nobody may decide, so nobody is asked in their place either
    ((), B, ()),
]


@pytest.mark.parametrize(("lists", "more", "after"), ESCALATED)
def test_once_escalated_the_others_may_decide_too(
    lists: tuple[tuple[str, ...], ...], more: tuple[str, ...], after: tuple[tuple[str, ...], ...]
) -> None:
    before = replace(BASE, lists=lists, escalate_to=more, quorum=2)
    assert terms.escalated(before) == replace(before, lists=after)
    assert terms.escalated(terms.escalated(before)) == terms.escalated(before)


# ---------------------------------------------------------------- the budget

BUDGET = Budget(failures=2, within=timedelta(days=30), quorum=3)


def ended(number: int, **fates: Fate) -> RetryRequest:
    """A past request whose patches ended so: ``p4=Fate.FAILED_AGAIN``."""
    tried = tuple(RequestedPatch(int(name[1:]), name, "Failed", "Failed", fate=fate) for name, fate in fates.items())
    return replace(pending(), id=number, state=State.FINISHED, patches=tried)


PAST = [
    ended(1, p4=Fate.FAILED_AGAIN, p5=Fate.INSTALLED),
    ended(2, p4=Fate.INSTALLED, p5=Fate.FAILED_AGAIN),
    ended(3, p4=Fate.FAILED_AGAIN, p9=Fate.FAILED_AGAIN),
]


def wanted(*ids: int) -> tuple[RequestedPatch, ...]:
    return tuple(RequestedPatch(one, f"Patch {one}", "Failed", "Failed") for one in ids)


@pytest.mark.parametrize(
    ("failures", "ids", "tried_in"),
    [
        (2, (4, 5), {4: [1, 3]}),
        (2, (5,), {}),
        (3, (4, 5), {}),
        (1, (4, 5, 6), {4: [1, 3], 5: [2]}),
        (1, (6,), {}),
        (2, (9,), {}),
    ],
)
def test_a_budget_is_spent_by_each_patch_that_failed_again_often_enough(
    failures: int, ids: tuple[int, ...], tried_in: dict[int, list[int]]
) -> None:
    found = terms.spent(replace(BUDGET, failures=failures), wanted(*ids), PAST)
    assert {patch: [one.id for one in requests] for patch, requests in found.items()} == tried_in


@pytest.mark.parametrize(
    ("asked", "quorum", "because"),
    [
        (BASE, 3, "patch 4 failed again in 2 requests (#1, #3)"),
        (replace(BASE, quorum=5), 5, "patch 4 failed again in 2 requests (#1, #3)"),
        (replace(BASE, because="server"), 3, "server; patch 4 failed again in 2 requests (#1, #3)"),
    ],
)
def test_beyond_the_budget_more_approvals_are_needed_and_never_fewer(asked: Terms, quorum: int, because: str) -> None:
    spent = terms.spent(BUDGET, wanted(4, 5), PAST)
    assert terms.beyond(asked, BUDGET, spent) == replace(asked, quorum=quorum, because=because)


def test_within_the_budget_nothing_changes() -> None:
    assert terms.beyond(BASE, BUDGET, {}) == BASE


def test_every_patch_whose_budget_is_spent_is_named_with_its_failures() -> None:
    spent = terms.spent(replace(BUDGET, failures=1), wanted(4, 5), PAST)
    assert (
        terms.beyond(BASE, BUDGET, spent).because
        == "patch 4 failed again in 2 requests (#1, #3), patch 5 failed again in 1 request (#2)"
    )


@pytest.mark.parametrize(
    ("name", "glob", "alike"),
    [
        ("Contoso [EU] Ltd", "contoso [eu]*", True),
        ("Who?", "Who?", True),
        ("Whom", "Who?", False),
        ("Contoso\u00a0Ltd", "Contoso Ltd", True),
        ("Bäckerei Mu\u0308ller", "*m\u00fcller", True),
        ("Contoso\nLtd", "*contoso ltd*", True),
        ("anything", "", True),
        ("a.b", "a?b", False),
    ],
)
def test_in_a_name_only_the_star_means_anything_but_itself(name: str, glob: str, alike: bool) -> None:
    assert terms.like(name, glob) is alike
