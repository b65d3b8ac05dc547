"""ESET Connect's JSON, as documented and as it may come: pure, bytes in, attempts out."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients.eset_json import message, parse_details, parse_device_page, parse_devices
from bot.clients.eset_token import oauth_code, parse_token
from bot.errors import Kind, Service, UpstreamError
from bot.model import Attempt, EsetDevice, Listing, Outcome, parse_instant

# The vendor page's response example, value for value.
VENDOR_VERSION = {"id": "string", "major": 0, "minor": 0, "name": "string", "patch": 0}
VENDOR_EXAMPLE = {
    "patchingDetails": [
        {
            "applicationUuid": "string",
            "developerDisplayName": "string",
            "displayName": "string",
            "patchedVersion": VENDOR_VERSION,
            "status": "APPLICATION_PATCHING_STATUS_UNSPECIFIED",
            "timePeriod": {"startTime": "string", "endTime": "string"},
            "unpatchedVersion": VENDOR_VERSION,
        }
    ]
}
ROW = {
    "applicationUuid": "5e3f0a1c-9b7d-4c1e-8f00-000000000001",
    "developerDisplayName": "Bücher & Söhne GmbH",
    "displayName": "Lager",
    "patchedVersion": {"id": "18446744073709551615", "name": "10.2.3.145"},
    "status": "APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR",
    "timePeriod": {"startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T03:05:05.123456789Z"},
    "unpatchedVersion": {"id": "0", "name": "10.2.1"},
}


def page(*rows: object) -> bytes:
    return json.dumps({"patchingDetails": rows}).encode()


def only(row: object) -> Attempt:
    listing = parse_details(page(row))
    assert listing.unreadable == 0
    (attempt,) = listing.attempts
    return attempt


def broken(body: bytes) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        parse_details(body)
    assert (caught.value.service, caught.value.kind) == (Service.ESET, Kind.BROKEN)
    assert caught.value.__context__ is None
    return caught.value


def test_the_vendors_own_example_comes_out_as_an_attempt() -> None:
    (attempt,) = parse_details(json.dumps(VENDOR_EXAMPLE).encode()).attempts
    assert (attempt.application, attempt.developer, attempt.to_version) == ("string", "string", "string")
    assert (attempt.status, attempt.outcome, attempt.final) == ("UNSPECIFIED", Outcome.OTHER, False)
    assert attempt.started_at is None


def test_a_failed_attempt_keeps_what_people_read() -> None:
    attempt = only(ROW)
    assert (attempt.developer, attempt.from_version, attempt.to_version) == (
        "Bücher & Söhne GmbH",
        "10.2.1",
        "10.2.3.145",
    )
    assert (attempt.status, attempt.outcome, attempt.final) == ("FAILED_DOWNLOAD_ERROR", Outcome.FAILED, True)


@pytest.mark.parametrize("fraction", ["", ".1", ".12", ".123", ".1234", ".123456", ".1234567", ".123456789"])
def test_times_have_0_to_9_fraction_digits(fraction: str) -> None:
    ended = only({**ROW, "timePeriod": {"endTime": f"2026-01-02T03:05:05{fraction}Z"}}).ended_at
    assert ended is not None
    assert ended.isoformat(timespec="seconds") == "2026-01-02T03:05:05+00:00"


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59.9-00:01", "2026-02-30T00:00:00Z", "2026-01-02T03:04:05"]
)
def test_a_time_off_the_calendar_is_no_time(text: str) -> None:
    attempt = only({**ROW, "timePeriod": {"startTime": text, "endTime": text}})
    assert (attempt.started_at, attempt.ended_at, attempt.final) == (None, None, False)


def test_a_time_is_told_in_utc() -> None:
    attempt = only({**ROW, "timePeriod": {"endTime": "2026-01-02T03:05:05+02:30"}})
    assert str(attempt.ended_at) == "2026-01-02 00:35:05+00:00"


@given(st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | st.text())
def test_every_time_that_is_read_can_be_stored_and_shown(text: str) -> None:
    instant = parse_instant(text)
    assert instant is None or (instant.astimezone(UTC), instant.tzinfo) == (instant, UTC)


@pytest.mark.parametrize("prefix", ["APPLICATION_PATCHING_STATUS_", "PATCHING_STATUS_"])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("OK_RESTART_REQUIRED", Outcome.OK),
        ("FAILED_PREPARE_ERROR", Outcome.FAILED),
        ("FAILED_SOMETHING_NEW", Outcome.FAILED),
        ("NOT_APPLICABLE", Outcome.OTHER),
        ("SOMETHING_NEW", Outcome.OTHER),
    ],
)
def test_both_enum_prefixes_and_unknown_statuses_are_understood(prefix: str, status: str, outcome: Outcome) -> None:
    attempt = only({**ROW, "status": prefix + status})
    assert (attempt.status, attempt.outcome) == (status, outcome)


@pytest.mark.parametrize(
    "identity", ["281474976710656", 281474976710656, 2**64 - 1, 2**80, None, "", 1.5, True, [], {"high": 1}]
)
def test_a_version_id_may_be_text_number_or_nothing(identity: object) -> None:
    assert only({**ROW, "patchedVersion": {"id": identity, "name": "1.0"}}).to_version == "1.0"


@pytest.mark.parametrize("name", sorted(ROW))
@pytest.mark.parametrize("value", [None, "missing"])
def test_every_field_may_be_null_or_missing(name: str, value: str | None) -> None:
    row: dict[str, Any] = {**ROW, name: None}
    if value:
        del row[name]
    attempt = only(row)
    assert attempt.fingerprint
    assert attempt.application


def test_half_a_surrogate_pair_has_a_fingerprint_of_its_own() -> None:
    prints = {Attempt(application_uuid=uuid).fingerprint for uuid in ("a", "a\ud800", "a\udc00")}
    assert len(prints) == 3


@pytest.mark.parametrize("name", ["applicationUuid", "developerDisplayName", "displayName", "status"])
def test_a_number_where_a_text_belongs_is_read_as_text(name: str) -> None:
    listing = parse_details(page(ROW, {**ROW, name: 7}))
    assert (len(listing.attempts), listing.unreadable) == (2, 0)
    assert "7" in {listing.attempts[1].application_uuid, *_shown(listing.attempts[1])}


def _shown(attempt: Attempt) -> tuple[str, str, str]:
    return attempt.developer, attempt.application, attempt.status


@pytest.mark.parametrize(
    "row",
    [
        5,
        "text",
        [],
        None,
        True,
        {"displayName": ["a"]},
        {"status": True},
        {"timePeriod": "today"},
        {"patchedVersion": 3},
    ],
)
def test_a_row_that_makes_no_sense_is_counted_and_costs_no_other_row(row: object) -> None:
    listing = parse_details(page(ROW, row, ROW))
    assert (len(listing.attempts), listing.unreadable) == (2, 1)


def test_a_row_with_torn_characters_costs_no_other_row() -> None:
    body = page(ROW, {**ROW, "displayName": "@@"}, ROW).replace(b"@@", b"\xff\xfe")
    listing = parse_details(body)
    assert (len(listing.attempts), listing.unreadable) == (2, 1)


@pytest.mark.parametrize("half", [r"\ud800", r"\uDFFF", r"\ud83d\u0041", r"\udc00\ud83d", r"\\\udc00"])
@pytest.mark.parametrize("field", ["displayName", "somethingNew"])
def test_half_a_character_costs_no_row_and_can_be_written(half: str, field: str) -> None:
    whole = r"\ud83d\ude00 \\ud800"
    body = page(ROW, {**ROW, field: "@@"}, ROW).replace(b"@@", f"{whole} {half}!".encode())
    listing = parse_details(body)
    assert (len(listing.attempts), listing.unreadable) == (3, 0)
    assert listing.attempts[1].fingerprint == listing.attempts[0].fingerprint
    assert msgspec.json.decode(msgspec.json.encode(listing), type=Listing) == listing
    if field == "displayName":
        assert listing.attempts[1].application.startswith("😀 \\ud800 ")
        assert "\N{REPLACEMENT CHARACTER}" in listing.attempts[1].application


@pytest.mark.parametrize(
    "body", [b"{}", b'{"patchingDetails": null}', b'{"patchingDetails": []}', b' {"nextPageToken": ""} ']
)
def test_no_list_is_an_empty_list(body: bytes) -> None:
    assert parse_details(body).attempts == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"<html><body>Blocked by policy</body></html>",
        b'{"patchingDetails": [',
        b'{"patchingDetails": {}}',
        b'{"patchingDetails": "none"}',
        b'{"code": 7, "message": "API not enabled"}',
        b'{"error": "invalid_request"}',
        page(ROW)[:-5],
        page(ROW) + b"x",
        b'{"x":' + b"[" * 200_000,
        b'{"patchingDetails":' + b'[{"displayName":' * 100_000,
        b'{"message": "\xff"}',
        b'{"patchingDetails": [Infinity]}',
        b"\x1f\x8b\x08",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_the_documented_shape_is_a_broken_answer(body: bytes) -> None:
    broken(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([*ROW, "id", "name", "startTime"]), inner)
    ),
    max_leaves=20,
)


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_parsers_raise_nothing_but_upstream_errors_on_any_bytes(body: bytes) -> None:
    for parse in (parse_details, parse_device_page, parse_devices, parse_token, message, oauth_code):
        with suppress(UpstreamError):
            parse(body)


@given(st.lists(json_values, max_size=5))
def test_every_row_is_either_an_attempt_or_counted(rows: list[object]) -> None:
    listing = parse_details(page(*rows))
    assert len(listing.attempts) + listing.unreadable == len(rows)
    for attempt in listing.attempts:
        assert attempt.application
        assert attempt.status
        assert attempt.outcome in Outcome


def test_the_rows_beside_a_wild_one_decode_alike_on_the_slow_way() -> None:
    assert parse_details(page(ROW, 5)).attempts == parse_details(page(ROW)).attempts


def test_a_token_answer_says_how_long_it_lasts() -> None:
    grant = parse_token(b'{"access_token":"a.b.c","refresh_token":"r","token_type":"Bearer","expires_in":1799}')
    assert (grant.access, grant.refresh, grant.lifetime) == ("a.b.c", "r", 1799)
    assert "a.b.c" not in repr(grant)


@pytest.mark.parametrize(("said", "lifetime"), [('"1799"', 1799), ("-5", 0), ("null", 300)])
def test_a_tokens_lifetime_is_read_leniently(said: str, lifetime: float) -> None:
    assert parse_token(b'{"access_token":"a","expires_in":%s}' % said.encode()).lifetime == lifetime


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b'{"access_token":""}', b'{"access_token":"a b"}', b'{"access_token":"a\\nb"}']
)
def test_a_token_answer_without_a_usable_token_is_broken(body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse_token(body)
    assert caught.value.kind is Kind.BROKEN


@pytest.mark.parametrize(
    ("body", "code"),
    [(b'{"error":"invalid_grant"}', "invalid_grant"), (b'{"error":"Bearer eyJ"}', ""), (b'{"error":5}', ""), (b"", "")],
)
def test_only_the_error_code_of_a_refused_login_is_repeated(body: bytes, code: str) -> None:
    assert oauth_code(body) == code


def test_an_error_message_is_kept_short_and_on_one_line() -> None:
    assert (
        message(json.dumps({"message": "permission\n\n denied " + "x" * 999}).encode())
        == ("permission denied " + "x" * 999)[:200]
    )


# ---------------------------------------------------------------- attempts with their devices

ON_DEVICE = {"deviceUuid": "d-1", "displayName": "Lager", "dependencies": [], "application": ROW}
OF_WINDOWS = {"deviceUuid": "d-1", "operatingSystem": {"osFamilyId": 1, "status": "PATCHING_STATUS_AVAILABLE"}}


def test_a_page_has_attempts_with_devices_and_says_what_comes_next() -> None:
    read = parse_device_page(json.dumps({"patchingDetails": [ON_DEVICE], "nextPageToken": "p-2"}).encode())
    assert (read.next_token, read.unreadable) == ("p-2", 0)
    assert [(row.device_uuid, row.attempt) for row in read.attempts] == [("d-1", only(ROW))]


@pytest.mark.parametrize("wild", [[], [5]])
@pytest.mark.parametrize(
    "row",
    [OF_WINDOWS, {"deviceUuid": "d-1", "package": {}}, {**OF_WINDOWS, "application": None}, {"deviceUuid": None}, {}],
)
def test_what_is_no_applications_is_skipped(row: object, wild: list[object]) -> None:
    read = parse_device_page(page(ON_DEVICE, row, *wild))
    assert (len(read.attempts), read.unreadable) == (1, len(wild))


@pytest.mark.parametrize(
    "row",
    [
        5,
        None,
        [],
        "text",
        {"application": ROW},
        {**ON_DEVICE, "deviceUuid": ""},
        {**ON_DEVICE, "deviceUuid": None},
        {**ON_DEVICE, "deviceUuid": ["d"]},
        {**ON_DEVICE, "application": "Lager"},
        {**ON_DEVICE, "application": {**ROW, "status": True}},
    ],
)
def test_a_row_on_a_device_that_makes_no_sense_costs_no_other(row: object) -> None:
    read = parse_device_page(page(ON_DEVICE, row, OF_WINDOWS, ON_DEVICE))
    assert (len(read.attempts), read.unreadable) == (2, 1)


@pytest.mark.parametrize(
    "row",
    [{**ON_DEVICE, "deviceUuid": 7}, {**ON_DEVICE, "application": {**ROW, "displayName": 7}}],
)
def test_a_number_for_a_text_is_read_on_a_device_too(row: object) -> None:
    (attempt,) = parse_device_page(page(row)).attempts
    assert "7" in {attempt.device_uuid, attempt.attempt.application}


@pytest.mark.parametrize("field", [b"@device", b"@name", b"@else"])
def test_half_a_character_on_a_page_costs_no_row(field: bytes) -> None:
    row = {**ON_DEVICE, "deviceUuid": "@device", "application": {**ROW, "displayName": "@name", "new": "@else"}}
    read = parse_device_page(page(row, ON_DEVICE).replace(field, rb"\udc00!"))
    assert (len(read.attempts), read.unreadable) == (2, 0)


@pytest.mark.parametrize(
    ("token", "read"), [("", ""), (None, ""), ("p-2", "p-2"), (7, "7"), (["p"], None), (True, None), ({}, None)]
)
def test_a_page_token_is_text(token: object, read: str | None) -> None:
    body = json.dumps({"patchingDetails": [ON_DEVICE], "nextPageToken": token}).encode()
    if read is not None:
        assert parse_device_page(body).next_token == read
        return
    with pytest.raises(UpstreamError) as caught:
        parse_device_page(body)
    assert (caught.value.kind, caught.value.__context__) == (Kind.BROKEN, None)


@pytest.mark.parametrize("parse", [parse_device_page, parse_devices])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"<html>",
        b'{"message": "no"}',
        b'{"error": "no"}',
        page(ON_DEVICE)[:-2],
        b'{"x": ' + b"[" * 99_999,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_a_page_of_another_shape_is_broken(parse: Any, body: bytes) -> None:
    with pytest.raises(UpstreamError) as caught:
        parse(body)
    assert (caught.value.kind, caught.value.__context__) == (Kind.BROKEN, None)


@pytest.mark.parametrize("body", [b"{}", b'{"patchingDetails": null, "devices": null}', b'{"nextPageToken": ""}'])
def test_an_empty_page_is_the_last(body: bytes) -> None:
    assert (parse_device_page(body).attempts, parse_device_page(body).next_token) == ([], "")
    assert parse_devices(body) == []


@given(st.lists(json_values, max_size=5))
def test_every_row_on_a_page_is_an_attempt_or_skipped_or_counted(rows: list[object]) -> None:
    read = parse_device_page(page(*rows, OF_WINDOWS, ON_DEVICE))
    assert len(read.attempts) >= 1
    assert len(read.attempts) + read.unreadable <= len(rows) + 1


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"displayName": "NB-1", "originalDisplayName": "nb-1.contoso.example"}, "NB-1"),
        ({"displayName": "", "originalDisplayName": "nb-1"}, "nb-1"),
        ({"displayName": "  ", "originalDisplayName": " nb-1 "}, "nb-1"),
        ({"displayName": None, "originalDisplayName": "nb-1"}, "nb-1"),
        ({"displayName": 7}, "7"),
        ({}, ""),
    ],
)
def test_a_device_is_called_what_the_console_shows_or_what_it_calls_itself(row: dict[str, object], name: str) -> None:
    assert parse_devices(json.dumps({"devices": [{"uuid": "d-1", **row}]}).encode()) == [EsetDevice("d-1", name)]


@pytest.mark.parametrize("row", [5, None, [], {}, {"uuid": ""}, {"uuid": ["d"]}, {"uuid": "d-2", "displayName": []}])
def test_a_device_that_makes_no_sense_costs_no_other(row: object) -> None:
    body = json.dumps({"devices": [row, {"uuid": "d-1", "displayName": "@@"}]}).encode().replace(b"@@", rb"\ud800")
    assert parse_devices(body) == [EsetDevice("d-1", "\N{REPLACEMENT CHARACTER}")]
