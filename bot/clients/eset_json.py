"""ESET Connect's JSON: bytes in, attempts and devices out, however loosely they keep to the schema.

Source: the vendor's page "List recent application patching details", and ESET's OpenAPI of patch management and
device management.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from bot.errors import Kind, Service, UpstreamError, new_reference
from bot.model import Attempt, DeviceAttempt, EsetDevice, Listing, Period, Version

UNREADABLE = (ValueError, TypeError, RecursionError)  # what msgspec and the readers below raise

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class DevicePage:
    """A page of attempts with devices. ``next_token``: of the page after it, empty on the last."""

    attempts: list[DeviceAttempt]
    next_token: str
    unreadable: int = 0


class _Page(msgspec.Struct):
    rows: list[Attempt] | None = msgspec.field(default=None, name="patchingDetails")
    message: Any = None
    error: Any = None


class _RawPage(msgspec.Struct):
    rows: list[msgspec.Raw] | None = msgspec.field(default=None, name="patchingDetails")


class _DeviceRow(msgspec.Struct, gc=False):
    device_uuid: str | None = msgspec.field(default=None, name="deviceUuid")
    application: Attempt | None = None


class _DevicePage(msgspec.Struct):
    rows: list[_DeviceRow] | None = msgspec.field(default=None, name="patchingDetails")
    next_token: str | None = msgspec.field(default=None, name="nextPageToken")
    message: Any = None
    error: Any = None


_PAGE = msgspec.json.Decoder(_Page)
_RAW_PAGE = msgspec.json.Decoder(_RawPage)
_ROW = msgspec.json.Decoder(Attempt)
_DEVICE_PAGE = msgspec.json.Decoder(_DevicePage)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ROWS = msgspec.json.Decoder(list[msgspec.Raw] | None)
_ANYTHING = msgspec.json.Decoder()
_NULL = msgspec.Raw(b"null")

# A pair of surrogates, or an escape of another sort, is kept (group 1); half a pair stands for no character.
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"(%b%b|\\[^u])|%b|%b" % (_HIGH, _LOW, _HIGH, _LOW))


def parse_details(body: bytes) -> Listing:
    """The attempts in an answer's JSON. No list, or null for it, is an empty one; rows that make no sense are counted.

    Raises UpstreamError (BROKEN) when it is no JSON object, has another shape, is nested without end or is an error
    message. Needs about 2 ms per MB, during which msgspec holds the GIL, in a thread too: 95 ms were measured for
    100,000 rows (46 MB).
    """
    try:
        page = _PAGE.decode(body)
    except UNREADABLE:
        page = None
    if page is None:
        return _parse_leniently(_whole_characters(body))
    if page.rows is None and (page.message is not None or page.error is not None):
        raise _broken("an error message instead of a list")
    return Listing(page.rows or [])


def _whole_characters(body: bytes) -> bytes:
    """Halves of surrogate pairs, at which msgspec gives up on the whole text, become the replacement character."""
    return _ESCAPES.sub(lambda found: found[1] or rb"\ufffd", body)


def _parse_leniently(body: bytes) -> Listing:
    try:
        rows = _RAW_PAGE.decode(body).rows
    except UNREADABLE:
        rows = None
    if rows is None:
        raise _broken("not the JSON that ESET documents")
    attempts = [attempt for row in rows if (attempt := _read_row(row)) is not None]
    return Listing(attempts, unreadable=len(rows) - len(attempts))


def _read_row(row: msgspec.Raw) -> Attempt | None:
    try:
        return _ROW.decode(row)
    except UNREADABLE:
        pass  # most rows are fine; this one may still be with numbers for texts
    try:
        return _attempt(_ANYTHING.decode(row))
    except UNREADABLE:
        return None


def parse_device_page(body: bytes) -> DevicePage:
    """The attempts at applications in a page of attempts with devices; those at operating systems and packages are
    skipped. Rows that make no sense, an attempt without its device among them, are counted.

    Raises UpstreamError (BROKEN) as `parse_details` does, and for a page token that is no text.
    """
    try:
        page = _DEVICE_PAGE.decode(body)
    except UNREADABLE:
        page = None
    if page is None:
        return _parse_device_page_leniently(_whole_characters(body))
    if page.rows is None and (page.message is not None or page.error is not None):
        raise _broken("an error message instead of a list")
    rows = [row for row in page.rows or () if row.application is not None]
    attempts = [DeviceAttempt(row.device_uuid, row.application) for row in rows if row.device_uuid and row.application]
    return DevicePage(attempts, page.next_token or "", len(rows) - len(attempts))


def _parse_device_page_leniently(body: bytes) -> DevicePage:
    rows, fields = _listed(body, "patchingDetails")
    read = [_read(_device_attempts, row) for row in rows]
    token = _read(_token, fields.get("nextPageToken", _NULL))
    if token is None:
        raise _broken("a page token that is no text")
    return DevicePage([attempt for some in read for attempt in some or ()], token, read.count(None))


def _device_attempts(row: Any) -> list[DeviceAttempt]:
    """The row's attempt, or nothing when it is no application's."""
    fields = _mapping(row)
    application, device = fields.get("application"), _text(fields.get("deviceUuid"))
    if application is None:
        return []
    if not device:
        raise TypeError("an attempt without its device")
    return [DeviceAttempt(device, _attempt(application))]


def _token(value: Any) -> str:
    return _text(value) or ""


def parse_devices(body: bytes) -> list[EsetDevice]:
    """The devices in an answer's JSON; those without a uuid, or that make no sense, are left out.

    Raises UpstreamError (BROKEN) when it is no JSON object, has another shape or is an error message.
    """
    rows, _ = _listed(_whole_characters(body), "devices")
    return [device for row in rows if (device := _read(_device, row)) is not None]


def _device(row: Any) -> EsetDevice:
    fields = _mapping(row)
    uuid = _text(fields.get("uuid"))
    if not uuid:
        raise TypeError("a device without a uuid")
    names = (_text(fields.get(field)) or "" for field in ("displayName", "originalDisplayName"))
    return EsetDevice(uuid, next((name.strip() for name in names if name.strip()), ""))


def _read(read: Callable[[Any], T], row: msgspec.Raw) -> T | None:
    try:
        return read(_ANYTHING.decode(row))
    except UNREADABLE:
        return None


def _listed(body: bytes, name: str) -> tuple[list[msgspec.Raw], dict[str, msgspec.Raw]]:
    """The rows under ``name``, and the whole object. No list, or null for it, is an empty one."""
    try:
        fields = _OBJECT.decode(body)
        rows = _ROWS.decode(fields.get(name, _NULL))
    except UNREADABLE:
        fields, rows = None, None
    if fields is None:
        raise _broken("not the JSON that ESET documents")
    if rows is None and ("message" in fields or "error" in fields):
        raise _broken("an error message instead of a list")
    return rows or [], fields


def _attempt(row: Any) -> Attempt:
    """Raises TypeError for what is neither text, number nor null where one of these belongs."""
    row = _mapping(row)
    period = row.get("timePeriod")
    return Attempt(
        application_uuid=_text(row.get("applicationUuid")),
        developer_name=_text(row.get("developerDisplayName")),
        display_name=_text(row.get("displayName")),
        patched=_version(row.get("patchedVersion")),
        raw_status=_text(row.get("status")),
        period=None if period is None else Period(*(_text(_mapping(period).get(k)) for k in ("startTime", "endTime"))),
        unpatched=_version(row.get("unpatchedVersion")),
    )


def _version(value: Any) -> Version | None:
    if value is None:
        return None
    fields = _mapping(value)
    return Version(_text(fields.get("name")))


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("neither text nor number")
    return str(value)


def message(body: bytes) -> str:
    """The ``message`` of a JSON error body, plain and short. ESET promises no body: empty when there is none."""
    try:
        fault = _ANYTHING.decode(body)
    except UNREADABLE:
        return ""
    text = fault.get("message") if isinstance(fault, dict) else None
    return " ".join(text.split())[:200] if isinstance(text, str) else ""


def _broken(words: str) -> UpstreamError:
    return UpstreamError(Service.ESET, Kind.BROKEN, reference=new_reference(), words=words)
