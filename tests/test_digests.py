"""When a digest is due, and what it says."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot import digests
from bot.blocks.digest import render
from bot.cron import check as check_cron
from bot.digests import DigestPlan, Due, build, due, next_slot
from bot.model import Attempt, Version


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
@settings(deadline=None, max_examples=60)
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
        ("0 9 30 2 *", "UTC", "Bad day-of-month"),
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


# ---------------------------------------------------------------- what

SLOT = Due(utc("2026-11-20 08:00"), 0, late=False)


def attempt(status: str, application: str | None = "7-Zip", version: str | None = "24.09") -> Attempt:
    patched = Version(name=version) if version else None
    return Attempt(developer_name="Igor Pavlov", display_name=application, patched=patched, raw_status=status)


def test_failures_are_grouped_by_application_and_version_most_frequent_first() -> None:
    seen = [
        *[attempt("APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR", "Zoom")] * 2,
        attempt("PATCHING_STATUS_FAILED_DOWNLOAD_ERROR"),
        *[attempt("APPLICATION_PATCHING_STATUS_FAILED_PREPARE_ERROR")] * 3,
        attempt("APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR"),
        attempt("PATCHING_STATUS_FAILED_PREPARE_ERROR", version="25.00"),
        attempt("APPLICATION_PATCHING_STATUS_OK_INSTALLED"),
        attempt("APPLICATION_PATCHING_STATUS_NOT_APPLICABLE"),
        attempt("PATCHING_STATUS_FAILED_MOON_PHASE", None, None),
    ]
    digest = build("daily", seen, SLOT)
    assert [(g.application, g.to_version, g.count) for g in digest.groups] == [
        ("7-Zip", "24.09", 5),
        ("Zoom", "24.09", 2),
        ("(application without a name)", "", 1),
        ("7-Zip", "25.00", 1),
    ]
    assert digest.groups[0].reasons == (("FAILED_PREPARE_ERROR", 3), ("FAILED_DOWNLOAD_ERROR", 2))
    assert (digest.total, digest.failed, digest.ok, digest.other) == (11, 9, 1, 1)
    assert digest.share == pytest.approx(9 / 11)


def test_without_attempts_a_digest_is_empty() -> None:
    digest = build("daily", [], SLOT, since=utc("2026-11-19 08:00"), note="ESET could not be asked.")
    assert (digest.total, digest.groups, digest.share) == (0, (), 0.0)
    assert digest.note == "ESET could not be asked."


# ---------------------------------------------------------------- in words

UNASKED = "ESET could not be reached (reference `1f2e3d4c`). Nothing was collected yet."


def shown(seen: list[Attempt], note: str = "") -> tuple[str, str]:
    """The headline and the whole of a digest, fallback text included."""
    message = render(build("daily", seen, SLOT, since=utc("2026-11-19 08:00"), note=note), plan("0 9 * * *"))
    whole = msgspec.json.encode(message.blocks).decode()
    assert message.text.startswith("daily: ")
    return message.blocks[0]["text"]["text"], f"{message.text}\n{whole}"


@pytest.mark.parametrize("seen", [[], [attempt("OK_INSTALLED")], [attempt("NOT_APPLICABLE")] * 3])
def test_what_is_not_known_is_not_told_as_nothing(seen: list[Attempt]) -> None:
    headline, whole = shown(seen, UNASKED)
    assert headline == "daily: not known what failed, ESET could not be asked"
    assert "It is not known what was patched" in whole
    assert "ESET could not be reached" in whole
    for claim in ("othing failed", "othing was patched", "No patching attempts", "✅", "💤"):
        assert claim not in whole
    assert ("known so far, none failed" in whole) == bool(seen)


def test_failures_known_while_eset_cannot_be_asked_are_a_lower_bound() -> None:
    assert shown([attempt("FAILED_X")] * 2, UNASKED)[0] == "daily: at least 2 failed patching attempts"
    assert shown([attempt("FAILED_X")] * 2)[0] == "daily: 2 failed patching attempts"


def test_the_text_of_a_notification_tells_the_verdict() -> None:
    told = [render(build("daily", seen, SLOT), plan("0 9 * * *")).text for seen in ([], [attempt("OK_INSTALLED")] * 2)]
    assert told == ["daily: nothing was patched.", "daily: nothing failed in 2 attempts."]
    failed = render(build("daily", [attempt("FAILED_X")], SLOT), plan("0 9 * * *")).text
    assert failed == "daily: 1 failed patching attempt of 1. Most: 7-Zip (1)."


STATUSES = st.sampled_from(["OK_INSTALLED", "FAILED_X", "PATCHING_STATUS_FAILED_X", "NOT_APPLICABLE", "", None])


@given(st.lists(st.tuples(STATUSES, st.sampled_from(["A", "a", "", None]), st.sampled_from(["1", "", None]))))
def test_every_failure_is_in_exactly_one_group(rows: list[tuple[str | None, str | None, str | None]]) -> None:
    seen = [Attempt(raw_status=status, display_name=app, patched=Version(name=v)) for status, app, v in rows]
    digest = build("daily", seen, SLOT)
    assert digest.failed == sum(one.outcome == "failed" for one in seen) == sum(g.count for g in digest.groups)
    assert digest.total == len(seen)
    assert len({(g.developer, g.application, g.to_version) for g in digest.groups}) == len(digest.groups)
    for group in digest.groups:
        assert group.count == sum(count for _, count in group.reasons)
