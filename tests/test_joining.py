"""Attempts joined to attempts with devices: which rows are equal, and what becomes of many equal ones."""

import random
from collections import Counter
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.joining import join
from bot.model import Attempt, DeviceAttempt, Period, Version


def attempt(
    uuid: str | None = "app-1",
    *,
    names: tuple[str | None, str | None] = ("Google LLC", "Google Chrome"),
    versions: tuple[str, str] = ("133.0", "134.0"),
    status: str = "APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR",
    times: tuple[str | None, str | None] = ("2025-03-12T01:00:00Z", "2025-03-12T01:02:00Z"),
) -> Attempt:
    unpatched, patched = (Version(name) for name in versions)
    return Attempt(uuid, names[0], names[1], patched, status, Period(*times), unpatched)


def on(device: str, row: Attempt) -> DeviceAttempt:
    return DeviceAttempt(device, row)


def only(rows: Iterable[Attempt], details: Iterable[DeviceAttempt]) -> tuple[str, ...]:
    ((_, devices),) = join(list(rows), list(details)).items()
    return devices


def test_an_attempt_is_found_on_its_device_under_its_fingerprint() -> None:
    row = attempt()
    assert join([row], [on("d-1", row)]) == {row.fingerprint: ("d-1",)}


SAME = attempt()


@pytest.mark.parametrize(
    "spelt",
    [
        attempt(status="PATCHING_STATUS_FAILED_DOWNLOAD_ERROR"),
        attempt(times=("2025-03-12T01:00:00.000Z", "2025-03-12T01:02:00.000000000Z")),
        attempt(times=("2025-03-12T01:00:00+00:00", "2025-03-12T01:02:00+00:00")),
        attempt(times=("2025-03-12T02:00:00+01:00", "2025-03-12T03:02:00.000+02:00")),
        attempt(times=("2025-03-12T01:00:00.25Z", "2025-03-12T01:02:00.75Z")),
        attempt("app-1-on-d-1"),
        attempt(None),
        attempt(names=(None, "Chrome")),
        attempt("app-1-on-d-1", times=("2025-03-12T01:00:00.1Z", "2025-03-12T01:02:00.9+00:00")),
    ],
)
def test_another_spelling_is_the_same_attempt(spelt: Attempt) -> None:
    assert only([SAME], [on("d-1", spelt)]) == ("d-1",)
    assert only([spelt], [on("d-1", SAME)]) == ("d-1",)


@pytest.mark.parametrize(
    "other",
    [
        attempt(versions=("133.0", "134.1")),
        attempt(versions=("", "134.0")),
        attempt(status="APPLICATION_PATCHING_STATUS_FAILED_PREPARE_ERROR"),
        attempt(times=("2025-03-12T01:00:00Z", "2025-03-12T01:02:01Z")),
        attempt(times=("2025-03-12T01:00:01Z", "2025-03-12T01:02:00Z")),
        attempt(times=(None, "2025-03-12T01:02:00Z")),
        attempt("app-2", names=("Mozilla", "Mozilla Firefox")),
    ],
)
def test_another_attempt_is_not_joined(other: Attempt) -> None:
    assert join([SAME], [on("d-1", other)]) == {}
    assert join([other], [on("d-1", SAME)]) == {}


@pytest.mark.parametrize(
    "row",
    [
        attempt(times=("2025-03-12T01:00:00Z", None)),
        attempt(status="APPLICATION_PATCHING_STATUS_UNSPECIFIED"),
        attempt(times=("2025-03-12T01:00:00Z", "today")),
        Attempt(),
    ],
)
def test_what_is_not_final_has_no_fingerprint_to_be_found_under(row: Attempt) -> None:
    assert join([row], [on("d-1", row)]) == {}


def test_equal_rows_on_two_machines_are_two_devices() -> None:
    assert only([SAME, SAME], [on("d-2", SAME), on("d-1", SAME)]) == ("d-1", "d-2")


def test_duplicates_of_one_machine_stay_one() -> None:
    assert only([SAME, SAME], [on("d-1", SAME)] * 3) == ("d-1",)


def test_one_row_never_has_two_devices() -> None:
    assert only([SAME], [on("d-2", SAME), on("d-1", SAME)]) == ("d-1",)


def test_a_detail_too_many_is_left_for_an_attempt_that_is_spelt_differently() -> None:
    spelt = attempt("app-1-elsewhere")
    joined = join([SAME, spelt], [on("d-1", SAME), on("d-2", SAME)])
    assert joined == {SAME.fingerprint: ("d-1",), spelt.fingerprint: ("d-2",)}


def test_the_application_of_the_same_uuid_goes_before_the_one_of_the_same_name() -> None:
    renamed = attempt(names=("Google", "Chrome"))
    twin = attempt("app-9", names=("Google", "Chrome"))
    joined = join([twin, SAME], [on("d-1", renamed)])
    assert joined == {SAME.fingerprint: ("d-1",)}


def test_nothing_comes_of_nothing() -> None:
    assert join([], []) == join([SAME], []) == join([], [on("d-1", SAME)]) == {}


# ---------------------------------------------------------------- any lists

ends = st.sampled_from(
    [None, "", "2025-03-12T01:02:00Z", "2025-03-12T01:02:00.5Z", "2025-03-12T01:02:00.500+00:00", "x"]
)
rows = st.builds(
    attempt,
    st.sampled_from([None, "app-1", "app-2"]),
    names=st.sampled_from([("Google LLC", "Google Chrome"), (None, None), ("", "Chrome")]),
    versions=st.sampled_from([("1", "2"), ("", "2")]),
    status=st.sampled_from(["APPLICATION_PATCHING_STATUS_OK_INSTALLED", "PATCHING_STATUS_OK_INSTALLED", ""]),
    times=st.tuples(st.sampled_from([None, "2025-03-12T01:00:00Z", "2025-03-12T01:00:00.0Z"]), ends),
)
lists = st.lists(rows, max_size=12)
detail_lists = st.lists(st.builds(DeviceAttempt, st.sampled_from(["d-1", "d-2", "d-3", "d-4"]), rows), max_size=12)


@given(lists, detail_lists)
def test_a_fingerprint_has_no_more_devices_than_rows_and_each_of_them_once(
    attempts: list[Attempt], details: list[DeviceAttempt]
) -> None:
    times = Counter(row.fingerprint for row in attempts if row.final)
    for fingerprint, devices in join(attempts, details).items():
        assert 0 < len(devices) <= times[fingerprint]
        assert list(devices) == sorted(set(devices))


@given(lists, detail_lists)
def test_no_detail_is_used_twice(attempts: list[Attempt], details: list[DeviceAttempt]) -> None:
    there = Counter(detail.device_uuid for detail in details)
    used = Counter(device for devices in join(attempts, details).values() for device in devices)
    assert used <= there


@given(lists, detail_lists, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    attempts: list[Attempt], details: list[DeviceAttempt], dice: random.Random
) -> None:
    joined = join(attempts, details)
    dice.shuffle(attempts)
    dice.shuffle(details)
    assert join(attempts, details) == joined


@given(lists, detail_lists)
def test_the_lists_are_left_as_they_were(attempts: list[Attempt], details: list[DeviceAttempt]) -> None:
    before = msgspec.json.encode([attempts, details])
    join(attempts, details)
    assert msgspec.json.encode([attempts, details]) == before
