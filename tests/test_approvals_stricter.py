"""What a stricter configuration, or a device that moves under one, brings to a request that is open."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import approvals
from bot.approvals import Event
from bot.model import State, Vote
from tests.sample_requests import (
    ANN,
    ASKED,
    BOB,
    CARL,
    DAVE,
    HERE,
    MOVED,
    NOW,
    asking,
    in_state,
    pending,
    policy,
    step,
    terms,
)

HOUR = timedelta(hours=1)

# ---------------------------------------------------------------- a stricter configuration

TIGHTER = [
    # asked for now → what it takes afterwards, hours until it expires, counted from when it was asked
    ({}, {}, 4),
    ({"quorum": 2}, {"quorum": 2}, 4),
    ({"quorum": 1, "expires": HOUR}, {"expires": HOUR}, 1),
    ({"expires": 9 * HOUR}, {"expires": 4 * HOUR}, 4),
    ({"expires": None}, {"expires": 4 * HOUR}, 4),
    ({"lists": (("U0ANN",),)}, {"lists": (("S0PATCHTEAM",), ("U0ANN",))}, 4),
    ({"lists": ((),)}, {"lists": (("S0PATCHTEAM",), ())}, 4),  # nobody is in an empty list, so nobody may
    ({"reason_required": True}, {"reason_required": True}, 4),
    ({"deny_reason": True}, {"deny_reason": True}, 4),
]


@pytest.mark.parametrize(("now", "demands", "hours"), TIGHTER)
def test_a_stricter_configuration_holds_for_requests_that_wait_and_a_laxer_one_does_not(
    now: dict[str, object], demands: dict[str, object], hours: int
) -> None:
    for event in (approvals.Tighten(), approvals.Move(MOVED)):
        after = step(pending(), event, asking(**now))
        assert {key: getattr(after.terms, key) for key in demands} == demands
        assert after.expires_at == after.next_at == ASKED + hours * HOUR
        assert after.votes == pending().votes


BY_BOB, BY_ANN = Vote(BOB, ASKED, reason="mine"), Vote(ANN, ASKED)
BY_CARL, NO_OF_DAVE = Vote(CARL, ASKED, reason="fine"), Vote(DAVE, ASKED, denies=True)
NO_OF_BOB = Vote(BOB, ASKED, denies=True, reason="my mistake")
DROPPED = [
    # votes so far, asked for now → votes that are left
    ((BY_BOB, BY_ANN), {"self_approval": True}, (BY_BOB, BY_ANN)),
    ((BY_BOB, BY_ANN), {"self_approval": False}, (BY_ANN,)),
    ((NO_OF_BOB, BY_ANN), {"self_approval": False, "denials": 2}, (BY_ANN,)),  # a denial of one's own is none either
    ((BY_ANN, BY_CARL), {"reason_required": True}, (BY_CARL,)),
    ((NO_OF_DAVE, BY_ANN), {"reason_required": True, "denials": 2}, (NO_OF_DAVE,)),  # only approvals need the reason
    ((NO_OF_DAVE,), {"deny_reason": True, "denials": 2}, (NO_OF_DAVE,)),  # a no stays a no
    ((BY_ANN, BY_CARL), {"quorum": 4}, (BY_ANN, BY_CARL)),
    ((BY_ANN, BY_CARL), {"lists": (("U0DAVE",),)}, (BY_ANN, BY_CARL)),  # who may is asked of Slack before the call
]


@pytest.mark.parametrize("event", [approvals.Tighten(), approvals.Move(MOVED)])
@pytest.mark.parametrize(("votes", "now", "left"), DROPPED)
def test_votes_that_a_stricter_configuration_does_not_take_are_dropped(
    votes: tuple[Vote, ...], now: dict[str, object], left: tuple[Vote, ...], event: Event
) -> None:
    promised = replace(terms(3), self_approval=True, denials=2)
    after = step(replace(pending(), terms=promised, votes=votes), event, asking(**now))
    assert (after.state, after.votes) == (State.PENDING, left)


ENOUGH = [
    # denials so far, asked for now → who ends it
    ((NO_OF_DAVE,), {"denials": 2}, None),
    ((NO_OF_DAVE,), {"denials": 1}, DAVE),
    ((NO_OF_DAVE, NO_OF_BOB), {"denials": 1}, DAVE),  # bob's own does not count, dave's does
    ((NO_OF_BOB,), {"denials": 1}, None),
    ((NO_OF_DAVE, NO_OF_BOB), {"denials": 1, "self_approval": True}, BOB),  # whose was the last
    ((), {"denials": 1}, None),
]


@pytest.mark.parametrize("event", [approvals.Tighten(), approvals.Move(MOVED)])
@pytest.mark.parametrize(("votes", "now", "ends"), ENOUGH)
def test_a_denial_that_is_enough_by_a_stricter_configuration_ends_it(
    votes: tuple[Vote, ...], now: dict[str, object], ends: str | None, event: Event
) -> None:
    promised = replace(terms(), self_approval=True, denials=3)
    after = step(replace(pending(), terms=promised, votes=votes), event, asking(**now))
    if ends is None:
        assert (after.state, after.decided_by) == (State.PENDING, "")
        return
    reason = next(vote.reason for vote in votes if vote.voter == ends)
    assert (after.state, after.decided_by, after.decision_reason) == (State.DENIED, ends, reason)
    assert (after.settled_at, after.next_at) == (NOW, None)


# ---------------------------------------------------------------- a device that moves


def test_a_device_that_moves_takes_its_request_along_and_what_was_promised_with_it() -> None:
    before = replace(pending(2), votes=(BY_CARL,))
    after = step(before, approvals.Move(MOVED), asking(quorum=1, lists=(("U0CARL",),), because="device at Fabrikam"))
    assert after.device == MOVED
    assert (after.terms.quorum, after.terms.lists) == (2, (("S0PATCHTEAM",), ("U0CARL",)))
    assert (after.votes, after.waiting_since, after.patches) == ((BY_CARL,), ASKED, before.patches)


def test_a_device_that_moves_there_and_back_leaves_what_was_asked_on_the_way() -> None:
    there = step(pending(), approvals.Move(MOVED), asking(quorum=2))
    back = step(there, approvals.Move(HERE), policy())
    assert (back.device, back.terms.quorum) == (HERE, 2)


def test_an_approved_request_whose_device_moves_keeps_its_votes_and_is_checked_at_once() -> None:
    tonight = NOW + 12 * HOUR
    approved = replace(in_state(State.APPROVED), send_after=tonight, send_until=tonight + HOUR, next_at=tonight)
    rules = asking(quorum=2, reason_required=True)
    after = step(approved, approvals.Move(MOVED), rules)
    assert (after.state, after.device, after.next_at) == (State.APPROVED, MOVED, NOW)
    assert (after.votes, after.approved_at, after.decided_by) == (approved.votes, ASKED, ANN)
    assert (after.send_after, after.send_until) == (tonight, tonight + HOUR)
    assert (after.terms.quorum, after.terms.reason_required) == (2, True)
    assert approvals.lapsed(after, {ANN}, rules) is not None
    assert approvals.lapsed(step(approved, approvals.Move(MOVED)), {ANN}, policy()) is None, "nothing stricter holds"
