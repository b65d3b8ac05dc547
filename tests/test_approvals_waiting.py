"""What time brings to a request that waits: a reminder, an escalation, its end."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot import approvals
from bot.model import State
from tests.sample_requests import ASKED, DAVE, asking, in_state, pending, step

HOUR = timedelta(hours=1)

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
