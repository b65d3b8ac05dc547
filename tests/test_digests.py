"""When a digest is due."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import digests
from bot.cron import check as check_cron
from bot.digests import DigestPlan, Due, due, next_slot
from tests.examples import examples


def plan(cron: str, zone: str = "Europe/Berlin") -> DigestPlan:
    return DigestPlan("daily", "C0NEWS", cron, zone)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def slots(cron: str, start: str, end: str, zone: str = "Europe/Berlin") -> list[str]:
    """Every slot in (start, end], as UTC text."""
    found, at = [], utc(start)
    while (at := next_slot(plan(cron, zone), at)) <= utc(end):
        found.append(f"{at:%m-%d %H:%M}")
    return found


# ---------------------------------------------------------------- when


def test_nothing_is_due_before_the_next_slot() -> None:
    assert due(plan("0 9 * * *"), utc("2026-11-20 08:00"), utc("2026-11-21 07:59:59")) is None


def test_a_slot_is_due_from_its_second_on() -> None:
    now = utc("2026-11-21 08:00")
    assert due(plan("0 9 * * *"), utc("2026-11-20 08:00"), now) == Due(now, missed=0, late=False)


def test_a_posted_slot_is_never_due_again() -> None:
    slot = utc("2026-11-21 08:00")
    assert due(plan("0 9 * * *"), slot, slot + timedelta(minutes=1)) is None
    assert due(plan("0 9 * * *"), slot + timedelta(hours=2), slot + timedelta(hours=1)) is None


def test_more_than_five_minutes_after_its_slot_a_digest_is_late() -> None:
    last, slot = utc("2026-11-20 08:00"), utc("2026-11-21 08:00")
    on_time = due(plan("0 9 * * *"), last, slot + timedelta(minutes=5))
    late = due(plan("0 9 * * *"), last, slot + timedelta(minutes=5, seconds=1))
    assert (on_time, late) == (Due(slot, 0, late=False), Due(slot, 0, late=True))


def test_after_downtime_one_digest_covers_all_missed_slots() -> None:
    found = due(plan("0 9 * * 1-5"), utc("2026-11-13 08:00"), utc("2026-11-20 12:00"))
    assert found == Due(utc("2026-11-20 08:00"), missed=4, late=True)


def test_missed_slots_are_counted_up_to_a_bound() -> None:
    found = due(plan("* * * * *"), utc("2025-11-20 08:00"), utc("2026-11-20 12:00"))
    assert found == Due(utc("2026-11-20 12:00"), missed=digests.MOST_MISSED, late=True)


def test_a_yearly_slot_is_found_after_years() -> None:
    found = due(plan("0 9 29 2 *"), utc("2017-01-01 00:00"), utc("2026-01-01 00:00"))
    assert found == Due(utc("2024-02-29 08:00"), missed=1, late=True)


@pytest.mark.parametrize("cron", ["30 2 * * *", "0 3 * * *", "0,30 2 * * *"])
def test_a_time_that_daylight_saving_skips_comes_once_after_the_gap(cron: str) -> None:
    assert slots(cron, "2026-03-28 23:30", "2026-03-29 12:00") == ["03-29 01:00"]


def test_a_time_that_daylight_saving_repeats_comes_once() -> None:
    assert slots("30 2 * * *", "2026-10-24 12:00", "2026-10-26 12:00") == ["10-25 00:30", "10-26 01:30"]


def test_in_the_repeated_hour_the_next_slot_lies_ahead() -> None:
    in_second_pass = utc("2026-10-25 01:10")
    assert next_slot(plan("30 2 * * *"), in_second_pass) == utc("2026-10-26 01:30")


def test_down_in_the_repeated_hour_the_slot_of_the_first_pass_is_still_due() -> None:
    found = due(plan("30 2 * * *"), utc("2026-10-24 00:30"), utc("2026-10-25 01:10"))
    assert found == Due(utc("2026-10-25 00:30"), missed=0, late=True)


def test_an_every_half_hour_plan_follows_the_clock_through_the_repeated_hour() -> None:
    expected = ["10-24 23:30", "10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30", "10-25 02:00"]
    assert slots("*/30 * * * *", "2026-10-24 23:00", "2026-10-25 02:00") == expected


CRONS = ["30 2 * * *", "*/20 * * * *", "0 0 * * 0", "15 1,2,3 * * *", "0 */2 * * *", "59 23 L * *"]
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago", "Asia/Kolkata", "UTC"]
MOMENTS = st.integers(0, 2 * 365 * 1440).map(lambda minutes: utc("2025-01-01 00:00") + timedelta(minutes=minutes))


@given(st.sampled_from(CRONS), st.sampled_from(ZONES), MOMENTS, st.integers(1, 14 * 1440))
@settings(max_examples=examples(20))
def test_walking_slot_by_slot_and_looking_back_agree(cron: str, zone: str, last: datetime, minutes: int) -> None:
    the_plan, now = plan(cron, zone), last + timedelta(minutes=minutes)
    walked: list[datetime] = []
    at = last
    while len(walked) <= digests.MOST_MISSED and (at := next_slot(the_plan, at)) <= now:
        walked.append(at)
    assert walked == sorted(set(walked))
    found = due(the_plan, last, now)
    if found is None:
        assert not walked
    elif found.missed < digests.MOST_MISSED:
        assert (found.slot, found.missed) == (walked[-1], len(walked) - 1)


@pytest.mark.parametrize("cron", ["0 9 * * 1-5", "*/5 * * * *", "0 0 29 2 *", "0 9 * * MON#1", "0 9 L * *"])
def test_a_good_cron_expression_passes(cron: str) -> None:
    assert check_cron(cron, "Europe/Berlin") is None


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("0 9 * *", "UTC", "has 4 fields"),
        ("0 0 9 * * *", "UTC", "has 6 fields"),
        ("0 25 * * *", "UTC", "Bad hour"),
        ("0 9 30 2 *", "UTC", "never comes"),
        (f"{'9' * 5000} 9 * * *", "UTC", "is not a cron expression"),
        ("0 9 * * *", "Europe/Berlyn", "is not an IANA time zone"),
        ("0 9 * * *", "../../etc/passwd", "is not an IANA time zone"),
        ("0 9 * * *", "", "is not an IANA time zone"),
        ("0 9 * * *", "Europe", "is not an IANA time zone"),
    ],
)
def test_a_bad_plan_is_told_in_a_sentence(cron: str, zone: str, said: str) -> None:
    assert said in str(check_cron(cron, zone))


@given(st.text("0123456789*/,-#LW MONFEB", max_size=20), st.text(max_size=10))
def test_checking_a_plan_never_raises(cron: str, zone: str) -> None:
    if check_cron(cron, "UTC") is None:
        assert next_slot(plan(cron, "UTC"), utc("2026-01-01 00:00")) > utc("2026-01-01 00:00")
    check_cron("0 9 * * *", zone)
