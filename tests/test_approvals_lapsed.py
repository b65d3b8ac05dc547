"""Before a request is sent: whether its approval still holds, and how it waits anew where it does not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import approvals
from bot.model import State, Vote
from tests.sample_requests import (
    ANN,
    ASKED,
    BOB,
    CARL,
    DAVE,
    NOW,
    approve,
    asking,
    deny,
    in_state,
    pending,
    policy,
    step,
)

HOUR = timedelta(hours=1)

# ---------------------------------------------------------------- whether it lapses

LAPSES = [
    # votes, entitled now, quorum promised, quorum now, self-approval → does the approval lapse?
    ((ANN,), {ANN}, 1, 1, False, False),
    ((ANN,), set(), 1, 1, False, True),
    ((ANN,), {CARL, DAVE}, 1, 1, False, True),
    ((ANN, CARL), {ANN, CARL}, 2, 2, False, False),
    ((ANN, CARL), {ANN}, 2, 2, False, True),
    ((ANN, CARL), {ANN}, 2, 1, False, True),
    ((ANN,), {ANN}, 1, 2, False, True),
    ((BOB,), {BOB}, 1, 1, True, False),
    ((BOB,), {BOB}, 1, 1, False, True),
    ((BOB, ANN), {BOB, ANN}, 1, 1, False, False),
]


@pytest.mark.parametrize(("votes", "entitled", "promised", "now", "self_approval", "lapses"), LAPSES)
def test_an_approval_lapses_when_too_few_of_its_voters_may_still_approve(
    votes: tuple[str, ...], entitled: set[str], promised: int, now: int, self_approval: bool, lapses: bool
) -> None:
    request = replace(in_state(State.APPROVED, promised), votes=tuple(Vote(who, ASKED) for who in votes))
    why = approvals.lapsed(request, entitled, policy(now, self_approval=self_approval))
    assert (why is not None) == lapses, why


def test_an_approval_lapses_when_a_reason_is_required_by_now_and_one_of_its_votes_has_none() -> None:
    request = step(step(pending(2), approve(ANN, "fine"), policy(2)), approve(CARL), policy(2))
    assert approvals.lapsed(request, {ANN, CARL}, policy(2)) is None
    why = approvals.lapsed(request, {ANN, CARL}, asking(quorum=2, reason_required=True))
    assert why == "a reason is required now, and it was approved without one"


def test_a_denial_does_not_count_as_an_approval() -> None:
    rules = asking(denials=2)
    request = step(replace(pending(), terms=rules.terms), deny(CARL, "no"), rules)
    approved = step(request, approve(ANN), rules)
    assert approved.state is State.APPROVED
    assert approvals.lapsed(approved, {CARL}, rules) is not None
    assert approvals.lapsed(approved, {ANN}, rules) is None


@pytest.mark.parametrize(("promised", "now", "lapses"), [(2, 2, False), (2, 1, True), (3, 2, False)])
def test_an_approval_lapses_when_a_denial_beside_it_is_enough_by_now(promised: int, now: int, lapses: bool) -> None:
    before, rules = asking(denials=promised), asking(denials=now)
    request = step(replace(pending(), terms=before.terms), deny(CARL, "no"), before)
    approved = step(request, approve(ANN), before)
    assert approvals.lapsed(approved, {ANN, CARL}, before) is None
    why = approvals.lapsed(approved, {ANN, CARL}, rules)
    assert why == ("it has been denied, and 1 is enough to end it now" if lapses else None)


# ---------------------------------------------------------------- how it waits anew


def test_a_reverted_request_is_escalated_anew_and_until_then_decided_by_those_it_was_promised_to() -> None:
    rules = asking(escalate_after=HOUR, escalate_to=(DAVE,))
    escalated = replace(in_state(State.APPROVED), terms=rules.terms, escalated_at=ASKED, reminded_at=ASKED)
    assert approvals.demanded(escalated, rules).lists == (("S0PATCHTEAM", DAVE),)
    again = step(escalated, approvals.Revert("ann left"), rules)
    assert (again.escalated_at, again.reminded_at, again.next_at) == (None, None, NOW + HOUR)
    assert approvals.demanded(again, rules).lists == (("S0PATCHTEAM",),)


def test_a_reverted_request_waits_on_the_stricter_of_promised_and_present_terms() -> None:
    after = step(in_state(State.APPROVED), approvals.Revert("2 are needed"), asking(quorum=2, expires=HOUR))
    assert (after.terms.quorum, after.expires_at) == (2, NOW + HOUR)
    assert step(after, approve(ANN)).state is State.PENDING, "a laxer configuration took it back"


def test_a_reverted_request_is_reminded_of_anew() -> None:
    rules = asking(remind=HOUR)
    reminded = replace(in_state(State.APPROVED), reminded_at=ASKED)
    again = step(reminded, approvals.Revert("ann left"), rules)
    assert (again.reminded_at, again.waiting_since, again.next_at) == (None, NOW, NOW + HOUR)


def test_a_reverted_request_has_no_votes_left_and_says_why() -> None:
    after = step(in_state(State.APPROVED, 2), approvals.Revert("carl left"), policy(2))
    assert (after.state, after.votes, after.decided_by, after.approved_at) == (State.PENDING, (), "", None)
    assert "carl left" in after.note
    assert after.next_at == after.expires_at == NOW + timedelta(hours=4), "it waits anew"
