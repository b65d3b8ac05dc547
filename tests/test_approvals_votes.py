"""Votes on a request: how many decide it, what changes them, when they need a reason and come too late."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot import approvals
from bot.approvals import Event
from bot.errors import Refused, VotedAlready
from bot.model import State
from tests.sample_requests import ANN, ASKED, CARL, NOW, approve, asking, deny, in_state, pending, policy, step, terms

HOUR = timedelta(hours=1)

# ---------------------------------------------------------------- how many decide


def test_a_quorum_of_two_needs_two_different_people() -> None:
    once = step(pending(2), approve(ANN), policy(2))
    assert (once.state, [vote.voter for vote in once.votes]) == (State.PENDING, [ANN])
    with pytest.raises(VotedAlready, match="already approved request #7; 1 more needed") as told:
        step(once, approve(ANN), policy(2))
    assert told.value.request_id == 7
    twice = step(once, approve(CARL, "fine"), policy(2))
    assert (twice.state, [vote.voter for vote in twice.votes]) == (State.APPROVED, [ANN, CARL])
    assert (twice.decided_by, twice.decision_reason, twice.approved_at) == (CARL, "fine", NOW)


@pytest.mark.parametrize(("promised", "now", "needed"), [(1, 1, 1), (1, 3, 3), (3, 1, 3), (2, 2, 2)])
def test_the_stricter_of_promised_and_present_quorum_counts(promised: int, now: int, needed: int) -> None:
    request, given = pending(promised), 0
    while request.state is State.PENDING:
        request = step(request, approve(f"U{given}"), policy(now))
        given += 1
    assert given == needed


def test_a_vote_can_be_changed_until_it_is_decided() -> None:
    rules = asking(quorum=2, denials=2)
    request = step(replace(pending(2), terms=rules.terms), approve(ANN), rules)
    request = step(request, deny(ANN, "on second thought"), rules)
    assert [(vote.voter, vote.denies, vote.reason) for vote in request.votes] == [(ANN, True, "on second thought")]
    request = step(step(request, approve(CARL), rules), approve(ANN), rules)
    assert (request.state, [vote.voter for vote in request.approvals]) == (State.APPROVED, [CARL, ANN])


def test_a_vote_taken_back_counts_no_more_and_can_be_given_again() -> None:
    once = step(pending(2), approve(ANN), policy(2))
    none = step(once, approvals.Retract(ANN), policy(2))
    assert (none.state, none.votes) == (State.PENDING, ())
    with pytest.raises(Refused, match="You have no vote on request #7"):
        step(none, approvals.Retract(ANN), policy(2))
    other = step(none, approve(CARL), policy(2))
    assert other.state is State.PENDING, "the vote taken back still counted"
    assert step(other, approve(ANN), policy(2)).state is State.APPROVED


# ---------------------------------------------------------------- denials


def test_one_denial_ends_it_and_says_why_whatever_was_approved_before() -> None:
    after = step(step(pending(2), approve(CARL), policy(2)), deny(ANN, "not today"), policy(2))
    assert (after.state, after.decided_by, after.decision_reason) == (State.DENIED, ANN, "not today")
    assert after.next_at is None


def test_where_two_denials_are_asked_for_the_first_does_not_end_it() -> None:
    rules = asking(quorum=2, denials=2)
    once = step(replace(pending(2), terms=rules.terms), deny(ANN, "no"), rules)
    assert (once.state, once.decided_by, len(once.denials), once.approvals) == (State.PENDING, "", 1, ())
    with pytest.raises(VotedAlready, match="already denied request #7; 1 more would end it"):
        step(once, deny(ANN, "no!"), rules)
    twice = step(once, deny(CARL, "no either"), rules)
    assert (twice.state, twice.decided_by, twice.decision_reason) == (State.DENIED, CARL, "no either")


def test_a_denial_given_again_ends_it_once_fewer_are_enough() -> None:
    two, one = asking(denials=2), asking(denials=1)
    once = step(replace(pending(), terms=two.terms), deny(ANN, "no"), two)
    again = step(once, deny(ANN, "no, I said"), one)
    assert (again.state, again.decided_by, again.decision_reason) == (State.DENIED, ANN, "no, I said")
    assert len(again.votes) == 1


@pytest.mark.parametrize(("promised", "now", "ends_at"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (2, 2, 2)])
def test_the_fewer_of_promised_and_present_denials_end_it(promised: int, now: int, ends_at: int) -> None:
    request, given = replace(pending(), terms=replace(terms(), denials=promised)), 0
    while request.state is State.PENDING:
        request = step(request, deny(f"U{given}", "no"), asking(denials=now))
        given += 1
    assert (request.state, given) == (State.DENIED, ends_at)


# ---------------------------------------------------------------- reasons

REASONS = [
    # asked when it was made, asked now, the event → is a reason missing?
    ({}, {}, approve(ANN), False),
    ({}, {}, deny(ANN), False),
    ({"deny_reason": True}, {}, deny(ANN), True),
    ({}, {"deny_reason": True}, deny(ANN), True),
    ({"deny_reason": True}, {"deny_reason": True}, approve(ANN), False),
    ({"reason_required": True}, {}, approve(ANN), True),
    ({}, {"reason_required": True}, approve(ANN), True),
    ({"reason_required": True}, {"deny_reason": True}, approve(ANN, "why not"), False),
    ({"reason_required": True}, {"deny_reason": True}, deny(ANN, "why"), False),
]


@pytest.mark.parametrize(("promised", "now", "event", "missing"), REASONS)
def test_a_reason_is_required_if_it_was_so_or_is_so_now(
    promised: dict[str, Any], now: dict[str, Any], event: Event, missing: bool
) -> None:
    request = replace(pending(), terms=replace(terms(), **promised))
    if not missing:
        assert step(request, event, asking(**now)).state is not State.PENDING
        return
    with pytest.raises(Refused, match="request #7 needs a reason"):
        step(request, event, asking(**now))


# ---------------------------------------------------------------- too late


@pytest.mark.parametrize("event", [approve(ANN), deny(ANN, "no")])
def test_a_vote_after_the_request_has_expired_is_refused_even_before_the_scheduler_says_so(event: Event) -> None:
    late = ASKED + timedelta(hours=4)
    with pytest.raises(Refused, match="has expired"):
        approvals.step(pending(), event, policy(), late)
    just = approvals.step(pending(), event, policy(), late - timedelta(seconds=1))
    assert just.state in {State.APPROVED, State.DENIED}


IN_TIME = [
    # hours it could wait when it was made, hours now (None = for ever) → hours after which a vote comes too late
    (4, 4, 4),
    (4, 1, 1),
    (4, 9, 4),
    (4, None, 4),
    (None, 2, 2),
]


@pytest.mark.parametrize("vote", [approve(ANN), deny(ANN, "no")])
@pytest.mark.parametrize(("promised", "now", "hours"), IN_TIME)
def test_the_sooner_of_promised_and_present_end_counts_at_the_press(
    promised: int | None, now: int | None, hours: int, vote: Event
) -> None:
    at_first, rules = (asking(expires=None if each is None else each * HOUR) for each in (promised, now))
    waiting = approvals.opened(pending(), at_first, ASKED)
    over = ASKED + hours * HOUR
    with pytest.raises(Refused, match="Request #7 has expired"):
        approvals.step(waiting, vote, rules, over)
    assert approvals.step(waiting, vote, rules, over - timedelta(seconds=1)).state is not State.PENDING


def test_the_time_to_vote_counts_from_when_it_last_began_to_wait() -> None:
    again = step(in_state(State.APPROVED), approvals.Revert("ann left"))  # at NOW, hours after it was made
    rules = asking(expires=HOUR)
    assert approvals.step(again, approve(CARL), rules, NOW + timedelta(minutes=59)).state is State.APPROVED
    with pytest.raises(Refused, match="has expired"):
        approvals.step(again, approve(CARL), rules, NOW + HOUR)


def test_a_request_that_never_expires_can_be_approved_after_a_year() -> None:
    rules = asking(expires=None)
    forever = approvals.opened(pending(), rules, ASKED)
    assert (forever.expires_at, forever.next_at) == (None, None)
    after = approvals.step(forever, approve(ANN), rules, ASKED + timedelta(days=365))
    assert after.state is State.APPROVED
