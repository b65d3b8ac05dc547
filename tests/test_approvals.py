"""Who may do what to a retry request in which state, against tables written by hand: states × events × roles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused
from bot.model import OPEN, Person, RetryRequest, State, Vote
from tests.sample_requests import ACCEPTED, ANN, ASKED, BOB, CARL, DAVE, FAILED, NOW, in_state, pending, policy, step

# ---------------------------------------------------------------- every state × every event × every role

LIFE = """
state     Approve  Deny   Withdraw  Expire  Hold     Revert  Claim   Reject   Conclude LoseTrack Read     Postpone Close
pending   approved denied withdrawn expired -        -       -       -        -        -         -        -        -
approved  -        -      withdrawn expired approved pending sending rejected -        -         -        -        -
sending   -        -      -         -       -        -       -       -        queued   unknown   -        -        -
unknown   -        -      -         -       -        -       -       -        queued   -         unknown  unknown  closed
queued    -        -      -         -       -        -       -       -        -        -         finished queued   -
finished  -        -      -         -       -        -       -       -        -        -         -        -        -
denied    -        -      -         -       -        -       -       -        -        -         -        -        -
withdrawn -        -      -         -       -        -       -       -        -        -         -        -        -
expired   -        -      -         -       -        -       -       -        -        -         -        -        -
rejected  -        -      -         -       -        -       -       -        -        -         -        -        -
closed    -        -      -         -       -        -       -       -        -        -         -        -        -
"""  # noqa: E501 a table needs its width. By whoever may, quorum 1, the device shows both Failed; "-" is refused


@dataclass(frozen=True)
class Role:
    """``decides`` and ``decides_with_self_approval``: whether this person's Approve, Deny and Close count."""

    who: str
    standing: Standing
    decides: bool = False
    decides_with_self_approval: bool = False
    hears: str = ""


ROLES = {
    "the requester": Role(BOB, Standing.OUTSIDER, hears="not one of the approvers"),
    "an approver": Role(ANN, Standing.APPROVER, decides=True, decides_with_self_approval=True),
    "the requester, an approver": Role(
        BOB, Standing.APPROVER, decides_with_self_approval=True, hears="yourself, so somebody else has to decide"
    ),
    "an outsider": Role(DAVE, Standing.OUTSIDER, hears="not one of the approvers"),
    "a guest": Role("U0GINA", Standing.GUEST, hears="Guests cannot decide"),
    "a bot": Role("U0HUBBOT", Standing.BOT, hears="Bots cannot decide"),
    "a deactivated account": Role("U0OTTO", Standing.DEACTIVATED, hears="deactivated"),
    "a foreigner": Role("U0ZOE", Standing.FOREIGN, hears="Only members of this organisation"),
    "somebody unknown": Role("U0WHO", Standing.UNKNOWN, hears="Slack cannot tell right now"),
}
EVENTS: Mapping[str, Callable[[Role], Event]] = {
    "Approve": lambda role: approvals.Approve(role.who, role.standing),
    "Deny": lambda role: approvals.Deny(role.who, role.standing, "not today"),
    "Withdraw": lambda role: approvals.Withdraw(role.who),
    "Expire": lambda role: approvals.Expire(),
    "Hold": lambda role: approvals.Hold("N-sight is down"),
    "Revert": lambda role: approvals.Revert("an approver left"),
    "Claim": lambda role: approvals.Claim("here:1", NOW + timedelta(minutes=2), FAILED),
    "Reject": lambda role: approvals.Reject("the device is gone"),
    "Conclude": lambda role: approvals.Conclude(ACCEPTED),
    "LoseTrack": lambda role: approvals.LoseTrack(),
    "Read": lambda role: approvals.Read(FAILED if role.who else {}),
    "Postpone": lambda role: approvals.Postpone(),
    "Close": lambda role: approvals.Close(role.who, role.standing),
}
DECISIONS = frozenset({"Approve", "Deny", "Close"})


def _life() -> dict[tuple[State, str], State | None]:
    head, *rows = [line.split() for line in LIFE.strip().splitlines()]
    cells = [(State(row[0]), event, word) for row in rows for event, word in zip(head[1:], row[1:], strict=True)]
    return {(state, event): None if word == "-" else State(word) for state, event, word in cells}


EXPECTED = _life()


def test_the_hand_written_table_knows_every_state_and_every_event() -> None:
    assert set(EXPECTED) == {(state, event) for state in State for event in EVENTS}
    kinds = {type(make(ROLES["an approver"])) for make in EVENTS.values()}
    assert kinds == {kind for _, kind in approvals.TABLE}, "an event that no hand-written column covers"


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
@pytest.mark.parametrize("state", State)
def test_each_event_in_each_state_by_each_role_goes_where_the_table_says(state: State, role: Role) -> None:
    for event, make in EVENTS.items():
        for quorum in (1, 2):
            for self_approval in (False, True):
                case = f"{state} × {event}, quorum {quorum}, self-approval {self_approval}"
                rules = policy(quorum, self_approval=self_approval)
                expected = _expected(state, event, role, quorum, self_approval=self_approval)
                assert _led_to(in_state(state, quorum), make(role), rules) == expected, case


def _led_to(request: RetryRequest, event: Event, rules: Policy) -> State | None:
    try:
        after = step(request, event, rules)
    except Refused:
        return None
    assert after.version == request.version + 1
    return after.state


def _expected(state: State, event: str, role: Role, quorum: int, *, self_approval: bool) -> State | None:
    """Where it leads by the two tables above, None for refused."""
    target = EXPECTED[state, event]
    if target is None:
        return None
    if event in DECISIONS and not (role.decides_with_self_approval if self_approval else role.decides):
        return None
    if event == "Withdraw" and role.who != BOB:
        return None
    return State.PENDING if event == "Approve" and quorum == 2 else target


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
@pytest.mark.parametrize(("event", "state"), [("Approve", "pending"), ("Deny", "pending"), ("Close", "unknown")])
def test_whoever_may_not_decide_hears_why(role: Role, event: str, state: str) -> None:
    if role.decides:
        return
    with pytest.raises(Refused) as refused:
        step(in_state(State(state)), EVENTS[event](role))
    assert role.hears in refused.value.sentence


@pytest.mark.parametrize("state", [state for state in State if state is not State.PENDING])
def test_whoever_decides_too_late_hears_how_it_stands_and_who_decided(state: State) -> None:
    with pytest.raises(Refused) as refused:
        step(replace(in_state(state), decided_by=CARL), EVENTS["Approve"](ROLES["an approver"]))
    assert refused.value.sentence.startswith("Request #7 ")
    assert refused.value.sentence.endswith(". Nothing was changed.")
    one_persons_doing = state in {State.APPROVED, State.DENIED, State.WITHDRAWN, State.CLOSED}
    assert f"by <@{CARL}>" in refused.value.sentence
    assert ("(approved by" in refused.value.sentence) != one_persons_doing


@pytest.mark.parametrize("role", [role for role in ROLES.values() if role.who != BOB])
def test_nobody_but_the_requester_withdraws(role: Role) -> None:
    with pytest.raises(Refused, match=f"Only <@{BOB}>"):
        step(pending(), approvals.Withdraw(role.who))


# ---------------------------------------------------------------- votes


def test_a_quorum_of_two_needs_two_different_people() -> None:
    once = step(pending(2), approvals.Approve(ANN, Standing.APPROVER), policy(2))
    assert (once.state, [vote.voter for vote in once.votes]) == (State.PENDING, [ANN])
    with pytest.raises(Refused, match="already approved request #7; 1 more needed"):
        step(once, approvals.Approve(ANN, Standing.APPROVER), policy(2))
    twice = step(once, approvals.Approve(CARL, Standing.APPROVER), policy(2))
    assert (twice.state, [vote.voter for vote in twice.votes]) == (State.APPROVED, [ANN, CARL])


@pytest.mark.parametrize(("promised", "now", "needed"), [(1, 1, 1), (1, 3, 3), (3, 1, 3), (2, 2, 2)])
def test_the_stricter_of_promised_and_present_quorum_counts(promised: int, now: int, needed: int) -> None:
    request, given = pending(promised), 0
    while request.state is State.PENDING:
        request = step(request, approvals.Approve(f"U{given}", Standing.APPROVER), policy(now))
        given += 1
    assert given == needed


def test_an_approval_after_the_request_has_expired_is_refused_even_before_the_scheduler_says_so() -> None:
    late = ASKED + timedelta(hours=4)
    with pytest.raises(Refused, match="has expired"):
        approvals.step(pending(), approvals.Approve(ANN, Standing.APPROVER), policy(), late)
    just = approvals.step(pending(), approvals.Approve(ANN, Standing.APPROVER), policy(), late - timedelta(seconds=1))
    assert just.state is State.APPROVED


def test_a_request_that_never_expires_can_be_approved_after_a_year() -> None:
    forever = replace(pending(), expires_at=None, next_at=None)
    after = approvals.step(forever, EVENTS["Approve"](ROLES["an approver"]), policy(), ASKED + timedelta(days=365))
    assert after.state is State.APPROVED


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


def test_a_reverted_request_has_no_votes_left_and_says_why() -> None:
    after = step(in_state(State.APPROVED, 2), approvals.Revert("carl left"), policy(2))
    assert (after.state, after.votes, after.decided_by, after.approved_at) == (State.PENDING, (), "", None)
    assert "carl left" in after.note
    assert after.next_at == after.expires_at == NOW + timedelta(hours=4), "it waits anew"


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
            after = step(in_state(state), make(ROLES["an approver"]))
        except Refused:
            continue
        assert (after.next_at is not None) == (after.state in OPEN), (state, after.state)
