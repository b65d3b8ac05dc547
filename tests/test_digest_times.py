"""When digests come: through changes of the clock, and around quiet times. Instants in UTC are worked out by hand."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot import cron, quiet
from bot.digests import DigestPlan, Due, due, next_slot
from tests.examples import examples

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def posts(plan: DigestPlan, start: datetime, end: datetime) -> list[datetime]:
    """What a bot that is never down posts in ``(start, end]``."""
    found, last = [], start
    while (slot := next_slot(plan, last)) <= end:
        found.append(slot)
        last = slot
    return found


# ---------------------------------------------------------------- changes of the clock

CLOCKS = [
    # Berlin: 02:00 -> 03:00 on 29 March 2026 at 01:00 UTC, 03:00 -> 02:00 on 25 October at 01:00 UTC.
    ("Europe/Berlin", "0 9 * * *", "2026-03-28", ["2026-03-28 08:00", "2026-03-29 07:00", "2026-03-30 07:00"]),
    ("Europe/Berlin", "30 2 * * *", "2026-03-28", ["2026-03-28 01:30", "2026-03-29 01:00", "2026-03-30 00:30"]),
    ("Europe/Berlin", "30 2 * * *", "2026-10-24", ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]),
    ("Europe/Berlin", "0 9 * * *", "2026-10-24", ["2026-10-24 07:00", "2026-10-25 08:00", "2026-10-26 08:00"]),
    # New York: 02:00 -> 03:00 on 8 March 2026 at 07:00 UTC, 02:00 -> 01:00 on 1 November at 06:00 UTC.
    ("America/New_York", "30 2 * * *", "2026-03-07", ["2026-03-07 07:30", "2026-03-08 07:00", "2026-03-09 06:30"]),
    ("America/New_York", "30 1 * * *", "2026-10-31", ["2026-10-31 05:30", "2026-11-01 05:30", "2026-11-02 06:30"]),
    # Lord Howe moves by half an hour: 02:00 -> 01:30 on 5 April 2026, 02:00 -> 02:30 on 4 October.
    ("Australia/Lord_Howe", "45 1 * * *", "2026-04-03", ["2026-04-03 14:45", "2026-04-04 14:45", "2026-04-05 15:15"]),
    ("Australia/Lord_Howe", "15 2 * * *", "2026-10-02", ["2026-10-02 15:45", "2026-10-03 15:30", "2026-10-04 15:15"]),
    # Kathmandu: five hours and three quarters ahead all the year.
    ("Asia/Kathmandu", "0 9 * * *", "2026-03-28", ["2026-03-28 03:15", "2026-03-29 03:15", "2026-03-30 03:15"]),
    ("Asia/Kathmandu", "15 0 * * *", "2026-10-24", ["2026-10-24 18:30", "2026-10-25 18:30", "2026-10-26 18:30"]),
    # Almaty went from six to five hours for good: midnight -> 23:00 on 29 February 2024 at 18:00 UTC.
    ("Asia/Almaty", "0 9 * * *", "2024-02-28", ["2024-02-28 03:00", "2024-02-29 03:00", "2024-03-01 04:00"]),
    ("Asia/Almaty", "30 23 * * *", "2024-02-28", ["2024-02-28 17:30", "2024-02-29 17:30", "2024-03-01 18:30"]),
    # Cairo took summer time up again in 2023: 28 April begins at 01:00.
    ("Africa/Cairo", "0 0 * * *", "2023-04-26", ["2023-04-26 22:00", "2023-04-27 22:00", "2023-04-28 21:00"]),
    # São Paulo gave it up in 2019.
    ("America/Sao_Paulo", "0 9 * * *", "2018-11-20", ["2018-11-20 11:00", "2018-11-21 11:00"]),
    ("America/Sao_Paulo", "0 9 * * *", "2019-11-20", ["2019-11-20 12:00", "2019-11-21 12:00"]),
]


@pytest.mark.parametrize(("zone", "line", "day", "expected"), CLOCKS)
def test_a_fixed_time_comes_once_a_day_whatever_the_clock_does(
    zone: str, line: str, day: str, expected: list[str]
) -> None:
    plan, start = DigestPlan("daily", "C0NEWS", line, zone), utc(f"{day} 00:00") - MINUTE
    assert posts(plan, start, utc(expected[-1])) == [utc(one) for one in expected]
    for last, slot in pairwise([start, *map(utc, expected)]):
        assert due(plan, last, slot) == Due(slot, 0, late=False)
        assert due(plan, slot, slot + MINUTE) is None


# ---------------------------------------------------------------- quiet times

WEEKEND = ("Sat", "Sun")
HELD = [
    # the plan's own next slot: Friday, then Monday
    (
        "0 9 * * *",
        WEEKEND,
        "2026-11-19 12:00",
        [("2026-11-20 08:00", 0), ("2026-11-23 08:00", 2), ("2026-11-24 08:00", 0)],
    ),
    # holidays that lead into a weekend
    (
        "0 9 * * *",
        (*WEEKEND, "2026-12-24..2026-12-26", "2026-12-31"),
        "2026-12-22 12:00",
        [("2026-12-23 08:00", 0), ("2026-12-28 08:00", 4), ("2026-12-29 08:00", 0), ("2026-12-30 08:00", 0)],
    ),
    ("0 9 * * *", ("2026-12-31", "2027-01-01"), "2026-12-30 12:00", [("2027-01-02 08:00", 2)]),
    # no slot of its own for a week: the usual time of the next day
    ("0 9 * * 0", ("Sun",), "2026-11-20", [("2026-11-23 08:00", 1), ("2026-11-30 08:00", 1)]),
    ("0 9 1 * *", (*WEEKEND, "2027-01-01"), "2026-12-15", [("2027-01-04 08:00", 1), ("2027-02-01 08:00", 0)]),
    # its usual time is quiet on every day: the very end
    ("0 23 * * *", ("22:00-06:00",), "2026-11-20 12:00", [("2026-11-21 05:00", 1), ("2026-11-22 05:00", 1)]),
    ("0 7 * * 0", ("Sun", "22:00-08:00"), "2026-11-20", [("2026-11-23 07:00", 1)]),
    ("30 12 * * 0", ("Sun", "12:00-13:00"), "2026-11-20", [("2026-11-22 23:00", 1)]),
    # many slots of one night are one digest
    ("0 * * * *", ("22:00-06:00",), "2026-11-20 20:00", [("2026-11-21 05:00", 8), ("2026-11-21 06:00", 0)]),
    ("0 9,15 * * 6,0", WEEKEND, "2026-11-20", [("2026-11-23 08:00", 4), ("2026-11-30 08:00", 4)]),
    # the night that ends early, at 03:00 summer time, and the one in which 02:00 to 03:00 comes twice
    (
        "0 1 * * *",
        ("22:00-02:30",),
        "2026-03-26 12:00",
        [("2026-03-27 01:30", 1), ("2026-03-28 01:30", 1), ("2026-03-29 01:00", 1), ("2026-03-30 00:30", 1)],
    ),
    ("30 2 * * *", ("02:00-03:00",), "2026-10-24", [("2026-10-24 01:00", 1), ("2026-10-25 02:00", 1)]),
    ("30 2 * * *", ("Sun",), "2026-03-28", [("2026-03-28 01:30", 0), ("2026-03-30 00:30", 1)]),
    # a Sunday of 25 hours, 22:00 to 23:00 UTC a day later
    ("0 9 * * 0", ("Sun",), "2026-10-24", [("2026-10-26 08:00", 1)]),
]


@pytest.mark.parametrize(("line", "times", "after", "expected"), HELD)
def test_what_falls_into_quiet_time_is_told_by_one_digest_behind_it(
    line: str, times: tuple[str, ...], after: str, expected: list[tuple[str, int]]
) -> None:
    plan, start = DigestPlan("daily", "C0NEWS", line, "Europe/Berlin", quiet=times), utc(after)
    wanted = [utc(slot) for slot, _ in expected]
    assert posts(plan, start, wanted[-1]) == wanted
    for last, (slot, held) in zip([start, *wanted], [(utc(slot), held) for slot, held in expected], strict=False):
        assert due(plan, last, slot - MINUTE) is None
        assert due(plan, last, slot) == Due(slot, 0, late=False, held=held)


ELSEWHERE = [
    # 28 April begins at 01:00 in Cairo: so does the end of a quiet 27th
    ("Africa/Cairo", "30 8 * * 4", ("2023-04-27", "08:00-09:00"), "2023-04-26 12:00", "2023-04-27 22:00"),
    # the clock of Lord Howe jumps over the end of the quiet time
    ("Australia/Lord_Howe", "50 1 * * *", ("01:45-02:15",), "2026-10-03 00:00", "2026-10-03 15:30"),
    ("Asia/Kathmandu", "0 9 * * 6", ("Sat",), "2026-11-20 12:00", "2026-11-22 03:15"),
    # on 8 March it would have come at 03:00, so at 03:00 it comes on the 9th
    ("America/New_York", "30 2 * * 0", ("Sun",), "2026-03-07 12:00", "2026-03-09 07:00"),
    ("America/New_York", "30 2 * * 6", ("Sat",), "2026-03-07 06:00", "2026-03-08 07:00"),
    ("Asia/Almaty", "30 23 * * 4", ("Thu",), "2024-02-29 06:00", "2024-03-01 18:30"),
]


@pytest.mark.parametrize(("zone", "line", "times", "after", "expected"), ELSEWHERE)
def test_quiet_times_are_told_by_the_clock_of_their_zone(
    zone: str, line: str, times: tuple[str, ...], after: str, expected: str
) -> None:
    plan = DigestPlan("daily", "C0NEWS", line, zone, quiet=times)
    assert next_slot(plan, utc(after)) == utc(expected)
    assert due(plan, utc(after), utc(expected)) == Due(utc(expected), 0, late=False, held=1)


def test_in_the_middle_of_quiet_time_the_next_digest_is_the_one_behind_it() -> None:
    plan = DigestPlan("weekly", "C0NEWS", "0 9 * * 0", "Europe/Berlin", quiet=("Sun",))
    for moment in ("2026-11-22 08:01", "2026-11-22 20:00", "2026-11-23 07:59"):
        assert next_slot(plan, utc(moment)) == utc("2026-11-23 08:00")
    assert next_slot(plan, utc("2026-11-23 08:00")) == utc("2026-11-30 08:00")


def test_after_downtime_one_late_digest_tells_what_was_missed_and_what_was_held_back() -> None:
    plan = DigestPlan("daily", "C0NEWS", "0 9 * * *", "Europe/Berlin", quiet=WEEKEND)
    found = due(plan, utc("2026-11-12 08:00"), utc("2026-11-18 11:00"))
    assert found == Due(utc("2026-11-18 08:00"), missed=3, late=True, held=2)


def test_down_until_long_after_a_quiet_time_its_digest_is_late() -> None:
    plan = DigestPlan("daily", "C0NEWS", "0 9 * * *", "Europe/Berlin", quiet=WEEKEND)
    found = due(plan, utc("2026-11-20 08:00"), utc("2026-11-23 20:00"))
    assert found == Due(utc("2026-11-23 08:00"), missed=0, late=True, held=2)


def test_a_paused_plan_is_never_due() -> None:
    plan = DigestPlan("daily", "C0NEWS", "0 9 * * *", "Europe/Berlin", paused=True)
    assert due(plan, utc("2026-11-12 08:00"), utc("2026-11-18 11:00")) is None


def test_an_every_minute_plan_with_quiet_nights_is_judged_soon_after_a_year_of_downtime() -> None:
    plan = DigestPlan("daily", "C0NEWS", "* * * * *", "Europe/Berlin", quiet=("22:00-06:00", *WEEKEND))
    found = due(plan, utc("2025-11-20 08:00"), utc("2026-11-21 12:00"))
    assert found is not None
    assert found.slot == utc("2026-11-20 20:59")


LINES = ["30 2 * * *", "*/20 * * * *", "0 9 * * 0", "15 1,2,3 * * *", "59 23 L * *", "0 9 * * 1-5"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Asia/Kathmandu"]
TIMES = st.sets(
    st.sampled_from(["Sat", "Sun", "Mon-Wed", "22:00-06:00", "00:30-02:15", "2026-03-27..2026-04-12", "2026-10-25"]),
    min_size=1,
).map(lambda texts: tuple(sorted(texts)))
MOMENTS = st.integers(0, 365 * 1440).map(lambda minutes: utc("2026-01-01 00:00") + timedelta(minutes=minutes))


@given(st.sampled_from(LINES), st.sampled_from(ZONES), TIMES, MOMENTS, st.integers(1, 20 * 1440))
@example("30 2 * * *", "Europe/Berlin", ("22:00-06:00", "Mon-Wed", "Sat", "Sun"), utc("2026-01-01 01:30"), 1440)
@settings(max_examples=examples(10))
def test_every_slot_is_told_once_and_never_in_quiet_time(
    line: str, zone: str, texts: tuple[str, ...], start: datetime, minutes: int
) -> None:
    plan, end = DigestPlan("daily", "C0NEWS", line, zone, quiet=texts), start + timedelta(minutes=minutes)
    times = quiet.of(texts, zone)
    told, last = [], start
    while (found := due(plan, last, next_slot(plan, last))) is not None and found.slot <= end:
        assert found.slot > last
        assert not times.is_on(found.slot)
        told.append(found.slot)
        last = found.slot
    for slot in cron.slots(line, zone, start):
        if slot > end:
            break
        behind = next((post for post in told if post >= slot), None)
        if not times.is_on(slot):
            assert behind == slot
        elif behind is not None:
            assert behind <= quiet.ends(times, slot) + DAY
    held = due(plan, start, end)
    assert (held.slot if held else None) == (told[-1] if told else None)


@given(st.sampled_from(ZONES), TIMES, MOMENTS)
@settings(max_examples=examples(10))
def test_the_ends_of_a_quiet_time_are_found_as_by_looking_at_every_minute(
    zone: str, texts: tuple[str, ...], at: datetime
) -> None:
    times = quiet.of(texts, zone)
    end = start = at
    while times.is_on(end):
        end += MINUTE
    while times.is_on(at) and times.is_on(start - MINUTE):
        start -= MINUTE
    assert (quiet.began(times, at), quiet.ends(times, at)) == (start, end)


# ---------------------------------------------------------------- as people write them


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("Sat", "2026-11-21 12:00", "2026-11-22 12:00"),
        ("saturday", "2026-11-21 23:59", "2026-11-20 23:59"),
        ("Mon-Fri", "2026-11-20 12:00", "2026-11-21 12:00"),
        ("Fri – Mon", "2026-11-22 12:00", "2026-11-24 12:00"),
        ("2026-12-31", "2026-12-31 00:00", "2027-01-01 00:00"),
        ("2026-12-24..2026-12-26", "2026-12-26 23:59", "2026-12-27 00:00"),
        ("2026-12-24 .. 2026-12-26", "2026-12-24 00:00", "2026-12-23 23:59"),
        ("22:00-06:00", "2026-11-20 05:59", "2026-11-20 06:00"),
        ("22:00 – 24:00", "2026-11-20 23:59", "2026-11-21 00:00"),
        ("0:00-6:00", "2026-11-20 00:00", "2026-11-20 06:00"),
    ],
)
def test_a_quiet_time_is_read(text: str, inside: str, outside: str) -> None:
    times = quiet.of((text,), "UTC")
    assert (times.is_on(utc(inside)), times.is_on(utc(outside))) == (True, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Xmas", "'Xmas' is no quiet time, such as \"Sat\""),
        ("Sat-Xmas", "no quiet time"),
        ("", "no quiet time"),
        ("2026-02-30", "no quiet time"),
        ("2026-12-24..26", "no quiet time"),
        ("24.12.2026", "no quiet time"),
        ("1826-12-24", "no quiet time"),
        ("2026-12-24..2026-12-25..2026-12-26", "no quiet time"),
        ("2026-12-26..2026-12-24", "ends before it begins"),
        ("2026-12-26..2028-12-24", "longer than a year"),
        ("22:00", "no quiet time"),
        ("22:00-25:00", "no quiet time"),
        ("22:60-23:00", "no quiet time"),
        ("24:00-06:00", "no quiet time"),
        ("10pm-6am", "no quiet time"),
        ("06:00-06:00", "begins and ends at the same time"),
    ],
)
def test_what_is_no_quiet_time_is_told_with_examples(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"quiet time|ends|longer") as caught:
        quiet.parse(text)
    assert said in str(caught.value)


@given(st.text("0123456789:-. –SatMonxy", max_size=24))
def test_reading_a_quiet_time_never_fails_otherwise(text: str) -> None:
    try:
        quiet.parse(text)
    except ValueError:
        return
    assert quiet.check((text,), "UTC") is None or text.strip()


@pytest.mark.parametrize(
    "texts", [("Mon-Sun",), ("Mon-Fri", "Sat", "Sun"), ("06:00-22:00", "22:00-06:00"), ("0:00-24:00",)]
)
def test_quiet_times_that_leave_no_time_are_a_fault(texts: tuple[str, ...]) -> None:
    assert "leaves no time at all" in str(quiet.check(texts, "UTC"))


def test_a_night_and_a_weekend_leave_time_enough() -> None:
    assert quiet.check(("Sat", "Sun", "22:00-06:00", "2026-12-24..2026-12-26"), "Europe/Berlin") is None
