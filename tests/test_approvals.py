"""Who may do what to a retry request in which state, against tables written by hand: states × events × roles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import get_args

import pytest

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused
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
    MOVED,
    NOW,
    approve,
    in_state,
    pending,
    policy,
    step,
)

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


def test_nobody_takes_back_the_vote_of_somebody_else() -> None:
    once = step(pending(2), approve(ANN), policy(2))
    for role in ROLES.values():
        if role.who != ANN:
            with pytest.raises(Refused, match="You have no vote"):
                step(once, approvals.Retract(role.who), policy(2))


@pytest.mark.parametrize("state", State)
def test_only_open_requests_are_looked_at_again(state: State) -> None:
    for make in EVENTS.values():
        try:
            after = step(in_state(state), make(ROLES["an approver by id"]))
        except Refused:
            continue
        assert (after.next_at is not None) == (after.state in OPEN), (state, after.state)


# ---------------------------------------------------------------- who is an approver

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
