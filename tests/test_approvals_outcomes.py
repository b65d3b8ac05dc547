"""What becomes of an approved request: the claim, the answer to the call, and what reading the device shows."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused
from bot.fates import RETRYING
from bot.model import CallVerdict, Fate, Patch, RetryAnswer, RetryRequest, State
from bot.windows import Opening, Window
from tests.sample_requests import (
    ANN,
    ASKED,
    BOB,
    CALLED,
    FAILED,
    NOW,
    approve,
    asking,
    fates,
    in_state,
    pending,
    policy,
    read,
    step,
)

# ---------------------------------------------------------------- the claim


def test_a_claim_sends_what_is_still_failed_and_names_what_is_not() -> None:
    request = replace(in_state(State.APPROVED), patches=pending(1, 4, 5, 6, 8).patches)
    after = step(request, approvals.Claim("here:1", NOW, read(p4=16, p5=8, p6=48)))
    assert after.state is State.SENDING
    assert (after.owner, after.deadline, after.called_at) == ("here:1", NOW, NOW)
    assert fates(after) == {4: Fate.WAITING, 5: Fate.LEFT_OUT, 6: Fate.WAITING, 8: Fate.GONE}
    assert [patch.label for patch in after.patches] == ["Failed", "Installed", "48", "no longer listed"]


@pytest.mark.parametrize("shown", [read(p4=8, p5=8), read(p4=2), {}])
def test_a_claim_with_nothing_left_to_retry_ends_the_request_unsent(shown: dict[int, Patch]) -> None:
    after = step(in_state(State.APPROVED), approvals.Claim("here:1", NOW, shown))
    assert after.state is State.REJECTED
    assert "nothing was sent" in after.note
    assert (after.owner, after.next_at) == ("", None)


def test_a_held_request_is_tried_again_ever_more_slowly() -> None:
    approved = replace(in_state(State.APPROVED), approved_at=NOW)
    waits = []
    for waited in (0, 20, 100, 3000):
        now = NOW + timedelta(seconds=waited)
        after = approvals.step(approved, approvals.Hold("down"), policy(), now)
        assert after.next_at is not None
        waits.append((after.next_at - now).total_seconds())
    assert waits == [15, 20, 100, 300]


# ---------------------------------------------------------------- when it may be sent

NIGHTLY = Window(cron="0 22 * * *", duration=timedelta(hours=3))
TONIGHT = Opening(ASKED.replace(hour=22, minute=0), ASKED.replace(hour=22, minute=0) + timedelta(hours=3))
WINDOWED = replace(policy(), windows=(NIGHTLY,))
IN_WINDOW = TONIGHT.start + timedelta(minutes=10)


def at_night(**changes: Any) -> RetryRequest:
    """Approved at noon, to be sent in tonight's window."""
    approved = replace(in_state(State.APPROVED), send_after=TONIGHT.start, send_until=TONIGHT.end)
    return replace(approved, **changes)


def test_what_is_approved_outside_its_window_is_sent_in_the_next_one() -> None:
    after = approvals.step(pending(), approve(ANN), WINDOWED, NOW)
    assert (after.state, after.send_after, after.send_until) == (State.APPROVED, TONIGHT.start, TONIGHT.end)
    assert after.next_at == TONIGHT.start


def test_what_is_approved_within_its_window_is_sent_at_once() -> None:
    patient = replace(WINDOWED, terms=asking(expires=None).terms)
    waiting = approvals.opened(pending(), patient, ASKED)
    after = approvals.step(waiting, approve(ANN), patient, IN_WINDOW)
    assert (after.send_after, after.send_until, after.next_at) == (None, TONIGHT.end, IN_WINDOW)
    assert approvals.closed_to(after, patient, IN_WINDOW) is None


def test_while_it_waits_for_its_window_it_can_be_withdrawn() -> None:
    assert step(at_night(), approvals.Withdraw(BOB), WINDOWED).state is State.WITHDRAWN


MINUTE = timedelta(minutes=1)
LATER = Opening(TONIGHT.start + timedelta(days=1), TONIGHT.end + timedelta(days=1))
LATE = approvals.Expire("It was approved, but its maintenance window closed before it could be sent.")
LONGER = replace(WINDOWED, stale=None, windows=(NIGHTLY, Window(cron="0 1 * * *", duration=timedelta(hours=2))))
AFTER = replace(WINDOWED, stale=None, windows=(NIGHTLY, Window(cron="1 1 * * *", duration=timedelta(hours=2))))
CLOSED = [
    # the request, the policy, now → why it is not sent at this moment
    (replace(in_state(State.APPROVED), approved_at=NOW), policy(), NOW, None),
    (replace(in_state(State.APPROVED), approved_at=NOW), policy(), NOW + timedelta(hours=1), approvals.Expire()),
    (at_night(), WINDOWED, NOW, approvals.Await(TONIGHT)),
    (at_night(), WINDOWED, TONIGHT.start, None),
    (at_night(), WINDOWED, TONIGHT.start + timedelta(hours=1) - MINUTE, None),
    (at_night(), WINDOWED, TONIGHT.start + timedelta(hours=1), approvals.Expire()),  # stale from the window's start
    (at_night(), replace(WINDOWED, stale=None), TONIGHT.end - MINUTE, None),
    (at_night(), replace(WINDOWED, stale=None), TONIGHT.end, LATE),
    (at_night(), LONGER, TONIGHT.end, None),  # it goes on without a gap
    (at_night(), LONGER, TONIGHT.end + timedelta(hours=2) - MINUTE, None),
    (at_night(), LONGER, TONIGHT.end + timedelta(hours=2), LATE),
    (at_night(), AFTER, TONIGHT.end + MINUTE, LATE),  # another opening, a minute after its own
    (at_night(), policy(), NOW, approvals.Await(TONIGHT)),  # no window any more: still as its card says
    (at_night(send_after=None, send_until=None, approved_at=NOW), WINDOWED, NOW, approvals.Await(TONIGHT)),  # a new one
    (at_night(send_after=LATER.start, send_until=LATER.end), WINDOWED, IN_WINDOW, approvals.Await(LATER)),
]


@pytest.mark.parametrize(("request_", "rules", "now", "why"), CLOSED)
def test_an_approved_request_is_sent_only_when_it_may_be(
    request_: RetryRequest, rules: Policy, now: datetime, why: Event | None
) -> None:
    assert approvals.closed_to(request_, rules, now) == why
    if why is not None:
        assert approvals.step(request_, why, rules, now).state in {State.APPROVED, State.EXPIRED}


def test_a_request_that_waits_for_its_window_is_looked_at_when_it_opens() -> None:
    after = step(at_night(note="Slack was down"), approvals.Await(LATER), WINDOWED)
    assert (after.send_after, after.send_until) == (LATER.start, LATER.end)
    assert (after.next_at, after.note) == (LATER.start, "")


def test_a_request_held_in_its_window_is_tried_again_from_the_windows_start_on() -> None:
    after = approvals.step(at_night(), approvals.Hold("down"), WINDOWED, TONIGHT.start + timedelta(seconds=40))
    assert after.next_at == TONIGHT.start + timedelta(seconds=80)


# ---------------------------------------------------------------- what became of the call


def answer(verdict: CallVerdict, retried: str = "", already: str = "", words: str = "") -> RetryAnswer:
    ids = [frozenset(map(int, text.split())) for text in (retried, already)]
    return RetryAnswer(verdict, retried=ids[0], already=ids[1], words=words)


ACC, REF, NOT, UNK = CallVerdict.ACCEPTED, CallVerdict.REFUSED, CallVerdict.NOT_SENT, CallVerdict.UNKNOWN
ANSWERS = [
    (answer(ACC, retried="4 5"), State.QUEUED, {4: Fate.QUEUED, 5: Fate.QUEUED}, ""),
    (answer(ACC, retried="4"), State.QUEUED, {4: Fate.QUEUED, 5: Fate.UNCLEAR}, ""),
    (answer(ACC, retried="4", already="5"), State.QUEUED, {4: Fate.QUEUED, 5: Fate.ALREADY}, ""),
    (answer(ACC, already="4 5"), State.QUEUED, {4: Fate.ALREADY, 5: Fate.ALREADY}, ""),
    (answer(ACC), State.QUEUED, {4: Fate.UNCLEAR, 5: Fate.UNCLEAR}, ""),
    (answer(REF, words="no such device"), State.REJECTED, {4: Fate.WAITING, 5: Fate.WAITING}, "no such device"),
    (answer(NOT, words="no route"), State.REJECTED, {4: Fate.WAITING, 5: Fate.WAITING}, "Nothing was sent: no route"),
    (answer(UNK, words="cut off"), State.UNKNOWN, {4: Fate.WAITING, 5: Fate.WAITING}, "cut off"),
]


@pytest.mark.parametrize("state", [State.SENDING, State.UNKNOWN])
@pytest.mark.parametrize(("said", "state_after", "fates_after", "note"), ANSWERS)
def test_each_answer_leads_to_its_state_also_when_it_comes_late(
    said: RetryAnswer, state_after: State, fates_after: dict[int, Fate], note: str, state: State
) -> None:
    after = step(in_state(state), approvals.Conclude(said))
    assert after.state is state_after
    assert fates(after) == fates_after
    assert note in after.note
    assert after.owner == ""
    assert after.deadline == (NOW + timedelta(hours=48) if state_after is State.QUEUED else None)


def test_what_was_left_out_stays_left_out_whatever_the_answer_says() -> None:
    sending = replace(in_state(State.SENDING), patches=pending(1, 4, 5).patches)
    sending = replace(sending, patches=(sending.patches[0], replace(sending.patches[1], fate=Fate.LEFT_OUT)))
    after = step(sending, approvals.Conclude(answer(ACC, retried="4 5")))
    assert fates(after) == {4: Fate.QUEUED, 5: Fate.LEFT_OUT}


@pytest.mark.parametrize("minutes", [0, 1, 2, 5])
def test_an_unknown_is_not_read_before_two_minutes_after_the_call(minutes: int) -> None:
    lost = step(in_state(State.SENDING), approvals.LoseTrack(), after=timedelta(minutes=minutes))
    assert lost.next_at == CALLED + timedelta(minutes=max(2, minutes))


SETTLING = [
    # what the device shows → state, fates
    (read(p4=16, p5=16), State.UNKNOWN, {4: Fate.WAITING, 5: Fate.WAITING}),
    (read(p4=1, p5=16), State.UNKNOWN, {4: Fate.WAITING, 5: Fate.WAITING}),
    (read(p4=32, p5=16), State.UNKNOWN, {4: Fate.WAITING, 5: Fate.WAITING}),
    ({}, State.UNKNOWN, {4: Fate.WAITING, 5: Fate.WAITING}),
    (read(p4=2, p5=2), State.QUEUED, {4: Fate.QUEUED, 5: Fate.QUEUED}),
    (read(p4=4, p5=8), State.QUEUED, {4: Fate.QUEUED, 5: Fate.INSTALLED}),
    (read(p4=8, p5=64), State.FINISHED, {4: Fate.INSTALLED, 5: Fate.RESTART}),
    (read(p4=2, p5=16), State.QUEUED, {4: Fate.QUEUED, 5: Fate.STILL_FAILED}),
    (read(p4=18, p5=20), State.UNKNOWN, {4: Fate.WAITING, 5: Fate.WAITING}),
]


@pytest.mark.parametrize(("shown", "state_after", "fates_after"), SETTLING)
def test_reading_settles_an_unknown_only_by_what_proves_that_the_call_arrived(
    shown: dict[int, Patch], state_after: State, fates_after: dict[int, Fate]
) -> None:
    after = step(in_state(State.UNKNOWN), approvals.Read(shown), after=timedelta(minutes=2))
    assert (after.state, fates(after)) == (state_after, fates_after)


@pytest.mark.parametrize(("shown", "state_after", "fates_after"), SETTLING)
def test_an_approver_who_has_it_read_again_gets_the_same_by_the_same_rule(
    shown: dict[int, Patch], state_after: State, fates_after: dict[int, Fate]
) -> None:
    look = approvals.Look(ANN, Standing.APPROVER, shown)
    after = step(in_state(State.UNKNOWN), look, after=timedelta(minutes=2))
    assert (after.state, fates(after)) == (state_after, fates_after)
    assert ("That proves nothing" in after.note) == (state_after is State.UNKNOWN)
    assert after.decided_by == in_state(State.UNKNOWN).decided_by


def test_reading_again_shows_each_patchs_label_and_changes_nothing_else() -> None:
    look = approvals.Look(ANN, Standing.APPROVER, read(p4=16))
    before = in_state(State.UNKNOWN)
    after = step(before, look)
    assert after.note == "Read again at 2025-03-12 10:40 UTC: 4 Failed, 5 no longer listed. That proves nothing."
    assert after.next_at == NOW + timedelta(minutes=15)
    assert replace(after, note="", next_at=None, version=0) == replace(before, note="", next_at=None, version=0)


def test_reading_within_two_minutes_of_the_call_is_refused() -> None:
    look = approvals.Look(ANN, Standing.APPROVER, read(p4=2, p5=2))
    with pytest.raises(Refused, match="proves nothing"):
        step(in_state(State.UNKNOWN), look, after=timedelta(seconds=119))
    assert step(in_state(State.UNKNOWN), look, after=timedelta(seconds=120)).state is State.QUEUED


def test_a_patch_that_was_left_out_does_not_prove_that_the_call_arrived() -> None:
    unknown = in_state(State.UNKNOWN)
    unknown = replace(unknown, patches=(unknown.patches[0], replace(unknown.patches[1], fate=Fate.LEFT_OUT)))
    after = step(unknown, approvals.Read(read(p4=16, p5=8)))
    assert after.state is State.UNKNOWN


FOLLOWING = [
    # fate and label so far, the device shows, minutes since the call → fate
    (Fate.QUEUED, RETRYING, 16, 1, Fate.QUEUED),  # it may not have moved yet
    (Fate.QUEUED, RETRYING, 16, 2, Fate.FAILED_AGAIN),
    (Fate.QUEUED, "Pending", 16, 1, Fate.FAILED_AGAIN),  # it moved and came back
    (Fate.QUEUED, RETRYING, 2, 1, Fate.QUEUED),
    (Fate.QUEUED, "Pending", 4, 20, Fate.QUEUED),
    (Fate.QUEUED, "Queued", 8, 20, Fate.INSTALLED),
    (Fate.QUEUED, "Queued", 72, 20, Fate.RESTART),
    (Fate.QUEUED, "Queued", 32, 20, Fate.OTHER),
    (Fate.QUEUED, "Queued", 1, 20, Fate.QUEUED),  # Missing: to be installed
    (Fate.UNCLEAR, "Failed", 16, 1, Fate.UNCLEAR),
    (Fate.UNCLEAR, "Failed", 16, 2, Fate.STILL_FAILED),
    (Fate.UNCLEAR, "Failed", 2, 1, Fate.QUEUED),
    (Fate.UNCLEAR, "Failed", 1, 1, Fate.OTHER),  # Missing, and nobody said that it was queued
    (Fate.ALREADY, "Failed", 16, 1, Fate.STILL_FAILED),
    (Fate.ALREADY, "Failed", 8, 1, Fate.INSTALLED),
    (Fate.ALREADY, "Failed", 2, 1, Fate.QUEUED),
    (Fate.INSTALLED, "Installed", 16, 30, Fate.INSTALLED),
    (Fate.FAILED_AGAIN, "Failed", 8, 30, Fate.FAILED_AGAIN),
    (Fate.LEFT_OUT, "Installed", 16, 30, Fate.LEFT_OUT),
    (Fate.QUEUED, "Queued", None, 20, Fate.GONE),
]


@pytest.mark.parametrize(("fate", "label", "status", "minutes", "expected"), FOLLOWING)
def test_a_patch_is_followed_by_what_the_device_shows(
    fate: Fate, label: str, status: int | None, minutes: int, expected: Fate
) -> None:
    queued = in_state(State.QUEUED)
    watched = replace(queued.patches[0], fate=fate, label=label)
    shown = read(p5=2) if status is None else read(p4=status, p5=2)
    after = step(replace(queued, patches=(watched, queued.patches[1])), approvals.Read(shown), after=_minutes(minutes))
    assert after.patches[0].fate is expected


def _minutes(count: int) -> timedelta:
    return timedelta(minutes=count)


def test_following_ends_when_its_time_is_over_and_says_what_is_still_open() -> None:
    for event in (approvals.Read(read(p4=2, p5=8)), approvals.Postpone()):
        after = step(in_state(State.QUEUED), event, after=timedelta(hours=48))
        assert after.state is State.FINISHED
        assert "still open" in after.note


def test_an_unknown_is_never_ended_by_time_alone() -> None:
    for event in (approvals.Read(FAILED), approvals.Postpone()):
        assert step(in_state(State.UNKNOWN), event, after=timedelta(days=30)).state is State.UNKNOWN


def test_an_unknown_cannot_be_closed_within_the_first_hour() -> None:
    close = approvals.Close(ANN, Standing.APPROVER)
    with pytest.raises(Refused, match="one hour after the call"):
        step(in_state(State.UNKNOWN), close, after=timedelta(minutes=59))
    closed = step(in_state(State.UNKNOWN), close, after=timedelta(minutes=60))
    assert (closed.state, closed.decided_by) == (State.CLOSED, ANN)


def test_an_unknown_is_closed_by_another_approver_than_whoever_asked_for_it() -> None:
    close = approvals.Close(BOB, Standing.APPROVER)
    with pytest.raises(Refused) as refused:
        step(in_state(State.UNKNOWN), close)
    assert refused.value.sentence == "You asked for request #7 yourself, so another approver has to close it."
    assert step(in_state(State.UNKNOWN), close, policy(self_approval=True)).state is State.CLOSED
