"""Who may do what to a retry request in which state, against tables written by hand: states × events × roles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused, VotedAlready
from bot.model import OPEN, Person, RetryRequest, State, Vote
from bot.windows import Opening
from tests.sample_requests import (
    ACCEPTED,
    ANN,
    ASKED,
    BOB,
    CARL,
    DAVE,
    FAILED,
    HERE,
    MOVED,
    NOW,
    approve,
    asking,
    deny,
    in_state,
    pending,
    policy,
    step,
    terms,
)

HOUR = timedelta(hours=1)

# ---------------------------------------------------------------- every state × every event × every role × quorum 1, 2

LIFE = """
event      pending           approved   sending  unknown   queued    ended
Approve    approved/pending  -          -        -         -         -
Deny       denied            -          -        -         -         -
Retract    pending           -          -        -         -         -
Withdraw   withdrawn         withdrawn  -        -         -         -
Remind     pending           -          -        -         -         -
Escalate   pending           -          -        -         -         -
Tighten    pending           -          -        -         -         -
Move       pending           approved   -        -         -         -
Expire     expired           expired    -        -         -         -
Await      -                 approved   -        -         -         -
Hold       -                 approved   -        -         -         -
Revert     -                 pending    -        -         -         -
Reject     -                 rejected   -        -         -         -
Claim      -                 sending    -        -         -         -
Conclude   -                 -          queued   queued    -         -
LoseTrack  -                 -          unknown  -         -         -
Read       -                 -          -        unknown   finished  -
Look       -                 -          -        unknown   -         -
Postpone   -                 -          -        unknown   queued    -
Close      -                 -          -        closed    -         -
"""
"""By whoever may; the device shows both patches Failed. "a/b": with quorum 1, with quorum 2. "-" is refused."""

MAY = """
role                        | Approve | Deny | Look | Close | Withdraw | Retract | hears
the requester               | -       | -    | -    | -     | yes      | voted   | not one of the approvers
an approver by id           | yes     | yes  | yes  | yes   | -        | voted   |
an approver by group        | yes     | yes  | yes  | yes   | -        | voted   |
the requester, an approver  | own     | own  | yes  | own   | yes      | voted   | You asked for request #7 yourself
an outsider                 | -       | -    | -    | -     | -        | voted   | not one of the approvers
a guest                     | -       | -    | -    | -     | -        | voted   | Guests cannot decide
a bot                       | -       | -    | -    | -     | -        | voted   | Bots cannot decide
a deactivated account       | -       | -    | -    | -     | -        | voted   | This account is deactivated
somebody foreign            | -       | -    | -    | -     | -        | voted   | Only members of this organisation
somebody Slack cannot tell  | -       | -    | -    | -     | -        | voted   | Slack cannot tell right now
"""
""" "own": only where self-approval is allowed. "voted": whoever has a vote on it. All other events are the bot's."""


@dataclass(frozen=True)
class Role:
    who: str
    standing: Standing


ROLES = {
    "the requester": Role(BOB, Standing.OUTSIDER),
    "an approver by id": Role(ANN, Standing.APPROVER),
    "an approver by group": Role(CARL, Standing.APPROVER),
    "the requester, an approver": Role(BOB, Standing.APPROVER),
    "an outsider": Role(DAVE, Standing.OUTSIDER),
    "a guest": Role("U0GINA", Standing.GUEST),
    "a bot": Role("U0HUBBOT", Standing.BOT),
    "a deactivated account": Role("U0OTTO", Standing.DEACTIVATED),
    "somebody foreign": Role("U0ZOE", Standing.FOREIGN),
    "somebody Slack cannot tell": Role("U0WHO", Standing.UNKNOWN),
}
EVENTS: Mapping[str, Callable[[Role], Event]] = {
    "Approve": lambda role: approvals.Approve(role.who, role.standing, "it is time"),
    "Deny": lambda role: approvals.Deny(role.who, role.standing, "not today"),
    "Retract": lambda role: approvals.Retract(role.who),
    "Withdraw": lambda role: approvals.Withdraw(role.who),
    "Remind": lambda role: approvals.Remind(),
    "Escalate": lambda role: approvals.Escalate(),
    "Tighten": lambda role: approvals.Tighten(),
    "Move": lambda role: approvals.Move(MOVED),
    "Expire": lambda role: approvals.Expire(),
    "Await": lambda role: approvals.Await(Opening(NOW + timedelta(hours=1), NOW + timedelta(hours=3))),
    "Hold": lambda role: approvals.Hold("N-sight is down"),
    "Revert": lambda role: approvals.Revert("an approver left"),
    "Reject": lambda role: approvals.Reject("the device is gone"),
    "Claim": lambda role: approvals.Claim("here:1", NOW + timedelta(minutes=2), FAILED),
    "Conclude": lambda role: approvals.Conclude(ACCEPTED),
    "LoseTrack": lambda role: approvals.LoseTrack(),
    "Read": lambda role: approvals.Read(FAILED),
    "Look": lambda role: approvals.Look(role.who, role.standing, FAILED),
    "Postpone": lambda role: approvals.Postpone(),
    "Close": lambda role: approvals.Close(role.who, role.standing),
}


def _life() -> dict[tuple[State, str, int], State | None]:
    """(state, event, quorum) → the state after it, None for refused."""
    head, *rows = [line.split() for line in LIFE.strip().splitlines()]
    found: dict[tuple[State, str, int], State | None] = {}
    for event, *cells in rows:
        for column, cell in zip(head[1:], cells, strict=True):
            states = [state for state in State if state not in OPEN] if column == "ended" else [State(column)]
            words = cell.split("/")
            for state in states:
                for quorum in (1, 2):
                    word = words[min(quorum, len(words)) - 1]
                    found[state, event, quorum] = None if word == "-" else State(word)
    return found


def _may() -> dict[str, dict[str, str]]:
    """Role → event → yes, own, voted or -; and what the role hears."""
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in MAY.strip().splitlines()]
    return {role: dict(zip(head[1:], cells, strict=True)) for role, *cells in rows}


EXPECTED, RIGHTS = _life(), _may()
CASES = [(quorum, own, voted) for quorum in (1, 2) for own in (False, True) for voted in (False, True)]


def test_the_hand_written_tables_know_every_state_every_event_and_every_role() -> None:
    assert set(EXPECTED) == {(state, event, quorum) for state in State for event in EVENTS for quorum in (1, 2)}
    assert set(RIGHTS) == set(ROLES)
    assert {type(make(ROLES["a guest"])) for make in EVENTS.values()} == set(get_args(Event))
    assert {role.standing for role in ROLES.values()} == set(Standing)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("state", State)
def test_each_event_in_each_state_by_each_role_goes_where_the_tables_say(state: State, role: str) -> None:
    for event, make in EVENTS.items():
        for quorum, own, voted in CASES:
            who = ROLES[role]
            request = in_state(state, quorum)
            if voted:  # the opposite, so that the event changes it
                request = replace(request, votes=(*request.votes, Vote(who.who, ASKED, denies=event == "Approve")))
            case = f"{state} × {event}, quorum {quorum}, self-approval {own}, voted before {voted}"
            expected = _expected(state, event, role, quorum, own=own, voted=voted)
            assert _led_to(request, make(who), policy(quorum, self_approval=own)) == expected, case


def _led_to(request: RetryRequest, event: Event, rules: Policy) -> State | None:
    try:
        after = step(request, event, rules)
    except Refused:
        return None
    assert after.version == request.version + 1
    return after.state


def _expected(state: State, event: str, role: str, quorum: int, *, own: bool, voted: bool) -> State | None:
    may = RIGHTS[role].get(event, "yes")
    allowed = {"yes": True, "-": False, "own": own, "voted": voted}[may]
    return EXPECTED[state, event, quorum] if allowed else None


def test_the_codes_own_table_allows_what_the_hand_written_one_does_and_nothing_else() -> None:
    by_hand = {(state, event) for (state, event, _), after in EXPECTED.items() if after is not None}
    assert {(state, kind.__name__) for state, kind in approvals.TABLE} == by_hand


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    ("event", "state"), [("Approve", "pending"), ("Deny", "pending"), ("Close", "unknown"), ("Look", "unknown")]
)
def test_whoever_may_not_decide_hears_why(role: str, event: str, state: str) -> None:
    if RIGHTS[role][event] == "yes":
        return
    with pytest.raises(Refused) as refused:
        step(in_state(State(state)), EVENTS[event](ROLES[role]))
    assert RIGHTS[role]["hears"] in refused.value.sentence


@pytest.mark.parametrize("event", [event for event in EVENTS if event in RIGHTS["a guest"]])
@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_whoever_comes_too_late_hears_how_it_stands_and_who_decided(state: State, event: str) -> None:
    if EXPECTED[state, event, 1] is not None:
        return
    with pytest.raises(Refused) as refused:
        step(replace(in_state(state), decided_by=CARL), EVENTS[event](ROLES["an approver by id"]))
    assert refused.value.sentence.startswith("Request #7 ")
    assert refused.value.sentence.endswith(". Nothing was changed.")
    one_persons_doing = state in {State.APPROVED, State.DENIED, State.WITHDRAWN, State.CLOSED}
    assert f"by <@{CARL}>" in refused.value.sentence
    assert ("(approved by" in refused.value.sentence) != one_persons_doing


@pytest.mark.parametrize("role", [role for role, who in ROLES.items() if who.who != BOB])
@pytest.mark.parametrize("state", [State.PENDING, State.APPROVED])
def test_nobody_but_the_requester_withdraws(role: str, state: State) -> None:
    with pytest.raises(Refused, match=f"Only <@{BOB}>"):
        step(in_state(state), approvals.Withdraw(ROLES[role].who))


# ---------------------------------------------------------------- votes


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


def test_nobody_takes_back_the_vote_of_somebody_else() -> None:
    once = step(pending(2), approve(ANN), policy(2))
    for role in ROLES.values():
        if role.who != ANN:
            with pytest.raises(Refused, match="You have no vote"):
                step(once, approvals.Retract(role.who), policy(2))


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


# ---------------------------------------------------------------- what time and a stricter configuration bring


WAITING = [
    # expires, remind, escalate after (in hours, None = never) → what comes at which hour
    ((4, None, None), {4: "Expire"}),
    ((4, 1, None), {1: "Remind", 4: "Expire"}),
    ((4, 1, 2), {1: "Remind", 2: "Escalate", 4: "Expire"}),
    ((4, 2, 1), {1: "Escalate", 4: "Expire"}),  # an escalation reminds as well
    ((4, 1, 1), {1: "Escalate", 4: "Expire"}),
    ((None, 3, 1), {1: "Escalate"}),
    ((2, 3, 3), {2: "Expire"}),
    ((None, None, None), {}),
]


@pytest.mark.parametrize(("spans", "due"), WAITING)
def test_a_waiting_request_is_reminded_of_and_escalated_once_and_expires_in_time(
    spans: tuple[int | None, int | None, int | None], due: dict[int, str]
) -> None:
    expires, remind, escalate = (None if span is None else span * HOUR for span in spans)
    rules = asking(expires=expires, remind=remind, escalate_after=escalate, escalate_to=("U0DAVE",))
    request, seen = approvals.opened(pending(), rules, ASKED), dict[int, str]()
    for hour in range(12):
        now = ASKED + hour * HOUR
        while request.open and request.next_at is not None and request.next_at <= now:
            event = approvals.overdue(request, now)
            assert event is not None, "it was looked at in vain"
            assert hour not in seen
            seen[hour] = type(event).__name__
            request = approvals.step(request, event, rules, now)
        assert not request.open or approvals.overdue(request, now) is None, "something due would be missed"
    assert seen == due


def test_without_anybody_to_escalate_to_it_is_not_escalated() -> None:
    request = approvals.opened(pending(), asking(escalate_after=HOUR, expires=None), ASKED)
    assert request.next_at is None
    assert approvals.overdue(request, ASKED + 9 * HOUR) is None


def test_an_escalated_request_can_be_decided_by_others_too() -> None:
    rules = asking(escalate_after=HOUR, escalate_to=(DAVE,))
    waiting = approvals.opened(pending(), rules, ASKED)
    assert approvals.demanded(waiting, rules).lists == (("S0PATCHTEAM",),)
    after = approvals.step(waiting, approvals.Escalate(), rules, ASKED + HOUR)
    assert after.escalated_at == ASKED + HOUR
    assert approvals.demanded(after, rules).lists == (("S0PATCHTEAM", DAVE),)
    assert after.terms == waiting.terms, "whom an escalation adds became part of what was promised"
    nobody_else = asking(escalate_after=HOUR, escalate_to=())
    assert approvals.demanded(after, nobody_else).lists == (("S0PATCHTEAM",),), "the configuration took dave out"


@pytest.mark.parametrize(("before", "after"), [(None, ASKED + HOUR), (ASKED + HOUR / 2, ASKED + HOUR / 2)])
def test_an_escalation_is_a_reminder_too_and_leaves_the_time_of_an_earlier_one(
    before: datetime | None, after: datetime
) -> None:
    rules = asking(remind=HOUR / 2, escalate_after=HOUR, escalate_to=(DAVE,))
    waiting = replace(approvals.opened(pending(), rules, ASKED), reminded_at=before)
    assert approvals.step(waiting, approvals.Escalate(), rules, ASKED + HOUR).reminded_at == after


def test_a_timeout_is_never_called_a_denial() -> None:
    for state in (State.PENDING, State.APPROVED):
        after = step(in_state(state), approvals.Expire())
        assert after.state is State.EXPIRED
        assert "den" not in after.note.lower()


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


# ---------------------------------------------------------------- before it is sent

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


EXPIRED = [
    # state, what came in its way before, why it expires → what people read
    (State.PENDING, "", "", "Nobody decided in time. Nothing was sent."),
    (State.APPROVED, "", "", "It was approved, but could not be sent in time. Nothing was sent."),
    (
        State.APPROVED,
        "N-sight is down.",
        "",
        "It was approved, but could not be sent in time. Nothing was sent. The last obstacle: N-sight is down.",
    ),
    (
        State.APPROVED,
        "",
        "It was approved, but its maintenance window closed before it could be sent.",
        "It was approved, but its maintenance window closed before it could be sent. Nothing was sent.",
    ),
]


@pytest.mark.parametrize(("state", "before", "why", "told"), EXPIRED)
def test_what_expires_says_whether_it_was_approved_and_what_stood_in_its_way(
    state: State, before: str, why: str, told: str
) -> None:
    assert step(replace(in_state(state), note=before), approvals.Expire(why)).note == told


PERSONS = [
    (Person(ANN, "ann"), True, Standing.APPROVER),
    (Person(ANN, "ann"), False, Standing.OUTSIDER),
    (Person(ANN, "ann", guest=True), True, Standing.GUEST),
    (Person(ANN, "ann", bot=True), True, Standing.BOT),
    (Person(ANN, "ann", deleted=True), True, Standing.DEACTIVATED),
    (Person(ANN, "ann", stranger=True), True, Standing.FOREIGN),
    (Person(ANN, "ann", deleted=True, bot=True, guest=True, stranger=True), True, Standing.DEACTIVATED),
]


@pytest.mark.parametrize(("person", "listed", "expected"), PERSONS)
def test_being_listed_makes_an_approver_only_of_a_full_member(person: Person, listed: bool, expected: Standing) -> None:
    assert approvals.standing(person, listed) is expected


@pytest.mark.parametrize("state", State)
def test_only_open_requests_are_looked_at_again(state: State) -> None:
    for make in EVENTS.values():
        try:
            after = step(in_state(state), make(ROLES["an approver by id"]))
        except Refused:
            continue
        assert (after.next_at is not None) == (after.state in OPEN), (state, after.state)
