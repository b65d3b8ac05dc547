"""How often a sent request's device is looked at: soon at first, then ever more seldom."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import approvals
from bot.approvals.pace import paced
from bot.model import Fate, RetryRequest, State
from tests.sample_requests import ACCEPTED, CALLED, NOW, in_state, policy, read, step

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
WAITING = read(p4=2, p5=4)


def looks(every: timedelta, lasting: timedelta = 48 * HOUR) -> list[timedelta]:
    """When a device is looked at whose patches never come to their end, counted from the call."""
    rules = replace(policy(), follow_every=every, follow_for=lasting)
    request = approvals.step(
        replace(in_state(State.SENDING), called_at=CALLED), approvals.Conclude(ACCEPTED), rules, CALLED
    )
    found = []
    while request.next_at is not None:
        found.append(request.next_at - CALLED)
        request = approvals.step(request, approvals.Read(WAITING), rules, request.next_at)
    assert request.state is State.FINISHED
    return found


def test_the_first_looks_are_90_seconds_apart_and_later_ones_as_far_as_configured() -> None:
    times = looks(15 * MINUTE)
    assert times[:4] == [90 * SECOND, 180 * SECOND, 270 * SECOND, 360 * SECOND]
    assert times[4] == 450 * SECOND
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert steps[:-1] == sorted(steps[:-1])
    assert steps[-2] == 15 * MINUTE
    assert times[-1] == 48 * HOUR
    assert [sum(at <= hours * HOUR for at in times) for hours in (1, 24, 48)] == [14, 106, 203]


@pytest.mark.parametrize("every", [SECOND, 10 * SECOND, 89 * SECOND])
def test_an_every_below_90_seconds_is_the_distance_from_the_first_look_to_the_last(every: timedelta) -> None:
    times = looks(every, HOUR)
    assert {later - earlier for earlier, later in pairwise([timedelta(), *times[:-1]])} == {every}
    assert approvals.closest(every) == every


def test_90_seconds_are_the_least_for_whatever_is_configured_above() -> None:
    assert approvals.closest(90 * SECOND) == approvals.closest(2 * HOUR) == 90 * SECOND


@given(
    st.timedeltas(timedelta(), timedelta(days=9)),
    st.timedeltas(SECOND, timedelta(days=9)),
    st.none() | st.timedeltas(timedelta(days=-1), timedelta(days=9)),
)
def test_no_look_is_closer_than_allowed_or_further_than_configured(
    age: timedelta, every: timedelta, left: timedelta | None
) -> None:
    deadline = None if left is None else NOW + left
    request = replace(in_state(State.QUEUED), called_at=NOW - age, deadline=deadline)
    after = paced(request, replace(policy(), follow_every=every), NOW)
    assert after.next_at is not None
    least = approvals.closest(every)
    assert least <= after.next_at - NOW <= max(every, least)
    if deadline is not None and deadline - NOW >= least:
        assert after.next_at <= deadline, "what is still open is told when the time is over"


def test_what_n_sight_left_unclear_is_read_at_once() -> None:
    answer = replace(ACCEPTED, retried=frozenset({4}), unaccounted=frozenset({5}))
    assert step(in_state(State.SENDING), approvals.Conclude(answer), after=SECOND).next_at == CALLED + SECOND


def unread(why: str) -> RetryRequest:
    return step(in_state(State.QUEUED), approvals.Postpone(why), after=48 * HOUR)


def test_the_end_says_why_the_device_could_not_be_read() -> None:
    told = "Followed to the end of the time allowed; 2 still open."
    assert unread("").note == told
    assert unread("N-sight says: gone").note == f"{told} The device could not be read at the end: N-sight says: gone"
    assert {patch.fate for patch in unread("").patches} == {Fate.QUEUED}
