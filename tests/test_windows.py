"""Maintenance windows: for which devices they hold, and when the one that counts is open, across clock changes too."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import cron, windows
from bot.model import Device, DeviceKind
from bot.windows import Opening, Window

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
SERVER = Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
NIGHTLY = Window("0 22 * * *", 4 * HOUR)
BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    """``2026-03-28 21:00``, UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def opened(text: str, length: timedelta) -> Opening:
    return Opening(at(text), at(text) + length)


# ---------------------------------------------------------------- for which devices

FITTING = [
    ({}, True),
    ({"client": "contoso*"}, True),
    ({"client": "Nordwind*"}, False),
    ({"device": "srv-*"}, True),
    ({"device": "SRV-DC0[2-9]"}, False),
    ({"kind": DeviceKind.SERVER}, True),
    ({"kind": DeviceKind.WORKSTATION}, False),
    ({"client": "Contoso*", "device": "SRV-*", "kind": DeviceKind.SERVER}, True),
    ({"client": "Contoso*", "device": "LAP-*", "kind": DeviceKind.SERVER}, False),
    ({"client": "Nordwind*", "device": "SRV-*", "kind": DeviceKind.SERVER}, False),
    ({"client": "Contoso*", "device": "SRV-*", "kind": DeviceKind.WORKSTATION}, False),
]


@pytest.mark.parametrize(("conditions", "holds"), FITTING)
def test_a_window_holds_for_the_devices_that_fit_all_it_says(conditions: dict[str, str], holds: bool) -> None:
    kind = DeviceKind(conditions["kind"]) if "kind" in conditions else None
    window = Window("0 22 * * *", HOUR, "UTC", conditions.get("client", ""), conditions.get("device", ""), kind)
    assert windows.of([window], SERVER) == ((window,) if holds else ())


def test_all_windows_that_fit_hold_in_their_order() -> None:
    mine, other, every = Window("0 1 * * *", HOUR, client="Con*"), Window("0 2 * * *", HOUR, client="N*"), NIGHTLY
    assert windows.of([mine, other, every], SERVER) == (mine, every)


def test_without_a_window_a_device_is_never_closed() -> None:
    assert windows.opening([], at("2026-11-22 12:00")) is None


# ---------------------------------------------------------------- when

OPENINGS = [
    # before, at the first and at the last moment, and right after the end, which does not count any more
    ("2026-11-22 21:59:59", "2026-11-22 22:00"),
    ("2026-11-22 22:00", "2026-11-22 22:00"),
    ("2026-11-23 01:00", "2026-11-22 22:00"),
    ("2026-11-23 01:59:59.999999", "2026-11-22 22:00"),
    ("2026-11-23 02:00", "2026-11-23 22:00"),
    ("2026-11-23 12:00", "2026-11-23 22:00"),
]


@pytest.mark.parametrize(("now", "start"), OPENINGS)
def test_a_window_is_open_from_its_start_until_before_its_end(now: str, start: str) -> None:
    assert windows.opening([NIGHTLY], at(now)) == opened(start, 4 * HOUR)


OVERLAPPING = Window("0 * * * *", 90 * MINUTE)  # each opening lasts into the next
LATE, EARLY, SHORT = Window("0 23 * * *", 4 * HOUR), Window("0 20 * * *", HOUR), Window("0 22 * * *", HOUR)
SEVERAL: list[tuple[Sequence[Window], str, Opening]] = [
    ([NIGHTLY, EARLY], "2026-11-22 12:00", opened("2026-11-22 20:00", HOUR)),
    ([EARLY, NIGHTLY], "2026-11-22 21:00", opened("2026-11-22 22:00", 4 * HOUR)),
    ([NIGHTLY, LATE], "2026-11-22 22:30", opened("2026-11-22 22:00", 5 * HOUR)),
    ([NIGHTLY, EARLY, Window("0 21 * * *", HOUR)], "2026-11-22 19:00", opened("2026-11-22 20:00", 6 * HOUR)),
    ([NIGHTLY, LATE], "2026-11-22 23:30", opened("2026-11-22 23:00", 4 * HOUR)),
    ([NIGHTLY, LATE], "2026-11-23 02:30", opened("2026-11-22 23:00", 4 * HOUR)),
    ([SHORT, NIGHTLY], "2026-11-22 12:00", opened("2026-11-22 22:00", 4 * HOUR)),
    ([NIGHTLY, SHORT], "2026-11-22 12:00", opened("2026-11-22 22:00", 4 * HOUR)),
]


@pytest.mark.parametrize(("several", "now", "expected"), SEVERAL)
def test_of_several_the_one_that_is_open_longest_counts_else_the_next(
    several: Sequence[Window], now: str, expected: Opening
) -> None:
    assert windows.opening(several, at(now)) == expected


WEEKEND = Window("0 20 * * 5", 60 * HOUR, BERLIN)  # Friday evening to Monday morning
NIGHT, GONE = Window("0 1 * * *", 4 * HOUR, BERLIN), Window("30 2 * * *", HOUR, BERLIN)
HOURLY = Window("0 * * * *", 30 * MINUTE, BERLIN)
CHANGES = [
    # On 29 March 2026 Berlin's clocks go from 2:00 to 3:00, on 25 October from 3:00 back to 2:00.
    ("over the gap", NIGHT, "2026-03-28 23:00", "2026-03-29 00:00"),
    ("still on after the gap", NIGHT, "2026-03-29 03:59", "2026-03-29 00:00"),
    ("closed an hour later by the clock", NIGHT, "2026-03-29 04:00", "2026-03-29 23:00"),
    ("in the gap: right after it", GONE, "2026-03-29 00:30", "2026-03-29 01:00"),
    ("in the gap, open", GONE, "2026-03-29 01:59", "2026-03-29 01:00"),
    ("in the gap, over", GONE, "2026-03-29 02:00", "2026-03-30 00:30"),
    ("over the overlap", NIGHT, "2026-10-24 22:00", "2026-10-24 23:00"),
    ("still on after the overlap", NIGHT, "2026-10-25 02:59", "2026-10-24 23:00"),
    ("closed an hour earlier by the clock", NIGHT, "2026-10-25 03:00", "2026-10-26 00:00"),
    ("in the overlap: the first pass", GONE, "2026-10-25 00:00", "2026-10-25 00:30"),
    ("in the overlap, into the second pass", GONE, "2026-10-25 01:29", "2026-10-25 00:30"),
    ("not again in the second pass", GONE, "2026-10-25 01:30", "2026-10-26 01:30"),
    ("every hour, in the second pass", HOURLY, "2026-10-25 01:10", "2026-10-25 01:00"),
    ("a weekend with the gap", WEEKEND, "2026-03-30 06:59", "2026-03-27 19:00"),
    ("a weekend with the overlap", WEEKEND, "2026-10-26 05:59", "2026-10-23 18:00"),
]


@pytest.mark.parametrize(("name", "window", "now", "start"), CHANGES, ids=[each[0] for each in CHANGES])
def test_when_the_clocks_change_a_window_keeps_its_length_in_real_time(
    name: str, window: Window, now: str, start: str
) -> None:
    assert windows.opening([window], at(now)) == opened(start, window.duration), name


def test_a_calendar_without_a_gap_closes_far_in_the_future() -> None:
    found = windows.opening([OVERLAPPING], at("2026-11-22 12:10"))
    assert found is not None
    assert found.start == at("2026-11-22 12:00")
    assert found.end >= at("2026-11-23 12:00")


def test_a_window_that_opens_seldom_and_stays_open_for_long_is_found() -> None:
    yearly = Window("0 0 1 1 *", timedelta(days=90), BERLIN)
    assert windows.opening([yearly], at("2026-03-30 12:00")) == opened("2025-12-31 23:00", timedelta(days=90))
    assert windows.opening([yearly], at("2026-11-22 12:00")) == opened("2026-12-31 23:00", timedelta(days=90))


def test_a_window_that_is_always_open_is_found_in_no_time() -> None:
    always = Window("* * * * *", timedelta(days=3650), BERLIN)
    began = perf_counter()
    assert windows.opening([always], at("2026-11-22 12:00:30")) == opened("2026-11-22 12:00", timedelta(days=3650))
    assert perf_counter() - began < 1


CRONS = st.sampled_from(["0 22 * * *", "30 2 * * *", "*/20 * * * *", "15 1,13 * * 1-5", "0 3 1 * *", "0 * * * 0"])
ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Asia/Kolkata"])
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
SOME = st.builds(Window, CRONS, st.integers(5, 6000).map(lambda minutes: minutes * MINUTE), ZONES)


@given(SOME, TIMES)
def test_an_opening_is_on_or_still_to_come_and_begins_when_cron_says(window: Window, now: datetime) -> None:
    found = windows.opening([window], now)
    assert found is not None
    assert found.end > now
    assert found.end - found.start >= window.duration
    assert next(cron.slots(window.cron, window.timezone, found.start - timedelta(microseconds=1))) == found.start
    following = next(cron.slots(window.cron, window.timezone, found.start))
    assert following > now, "no newer one is on"
