"""What ESET's stand-in tells of devices: attempts with the device they happened on, in pages, and devices by uuid.

Source: ESET's OpenAPI of patch management (``/v1/patching-process-details``) and of device management
(``/v1/devices:batchGet``).
"""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bot.demo.fleet import Fleet, Machine
from bot.demo.serving import Reply
from bot.model import parse_instant

DETAILS_PATH = "/v1/patching-process-details"
DEVICES_PATH = "/v1/devices:batchGet"
START, END = "timePeriod.startTime", "timePeriod.endTime"
PARAMETERS = frozenset({"deviceUuid", START, END, "pageSize", "pageToken"})
USUAL_PAGE, LARGEST_PAGE = 50, 1000
LONGEST_UUID = 100
DIGITS = re.compile(r"[0-9]{1,5}", re.ASCII)
JSON = {"Content-Type": "application/json"}

Pairs = Sequence[tuple[str, str]]


class RefusedError(Exception):
    """ESET refuses the query. ``violation``: no well-behaved client asks so."""

    def __init__(self, status: int, words: str, *, violation: bool = True) -> None:
        super().__init__(words)
        self.status, self.words, self.violation = status, words, violation


# ---------------------------------------------------------------- attempts with their devices


def details(fleet: Fleet, now: datetime, query: Pairs) -> Reply:
    """A page of the list. Raises RefusedError."""
    given = _once_each(query)
    start, end = _instant(given, START), _instant(given, END)
    if start and end and start > end:
        raise RefusedError(400, f"{START} after {END}")
    rows = [row for at, row in fleet.details(now) if (not start or start <= at) and (not end or at < end)]
    device = given.get("deviceUuid", "")
    rows = [row for row in rows if device in ("", row["deviceUuid"])]
    what = "|".join(given.get(name, "") for name in sorted(PARAMETERS - {"pageSize", "pageToken"}))
    first = _place(given.get("pageToken", ""), what)
    last = first + _page_size(given.get("pageSize", "0"))
    token = _token(last, what) if last < len(rows) else ""
    return _told({"patchingDetails": rows[first:last], "nextPageToken": token})


def _once_each(query: Pairs) -> dict[str, str]:
    times = Counter(name for name, _ in query)
    for name in times:
        if name not in PARAMETERS:
            raise RefusedError(400, f"unknown parameter: {name}")
        if times[name] > 1:
            raise RefusedError(400, f"parameter given {times[name]} times: {name}")
    return dict(query)


def _instant(given: dict[str, str], name: str) -> datetime | None:
    text = given.get(name, "")
    moment = parse_instant(text)
    if text and (moment is None or "T" not in text):
        raise RefusedError(400, f"{name} is no instant: {text}")
    return moment


def _page_size(text: str) -> int:
    if not DIGITS.fullmatch(text):
        raise RefusedError(400, f"pageSize: {text}")
    return min(int(text) or USUAL_PAGE, LARGEST_PAGE)


def _token(place: int, what: str) -> str:
    """Opaque to the client, and good for the same query only."""
    return f"{place:x}.{hashlib.sha256(f'{place}|{what}'.encode()).hexdigest()[:32]}"


def _place(token: str, what: str) -> int:
    if not token:
        return 0
    head = token.partition(".")[0]
    place = int(head, 16) if re.fullmatch(r"[0-9a-f]{1,8}", head) else 0
    if token != _token(place, what):
        raise RefusedError(400, f"a page token of no such query: {token[:40]}")
    return place


# ---------------------------------------------------------------- devices by uuid


def devices(fleet: Fleet, removed: Collection[str], query: Pairs) -> Reply:
    """All devices asked for, in that order, or none of them. Raises RefusedError."""
    unknown = sorted({name for name, _ in query} - {"devicesUuids"})
    if unknown:
        raise RefusedError(400, f"unknown parameter: {', '.join(unknown)}")
    asked = [uuid for _, uuid in query]
    if not all(0 < len(uuid) <= LONGEST_UUID for uuid in asked or [""]):
        raise RefusedError(400, "devicesUuids are one or more, of 1 to 100 characters")
    known = {machine.eset_uuid: machine for machine in fleet.machines() if machine.patching}
    if any(uuid not in known or uuid in removed for uuid in asked):
        raise RefusedError(404, "at least one device is unknown", violation=False)
    return _told({"devices": [_device(known[uuid]) for uuid in asked]})


def _device(machine: Machine) -> dict[str, Any]:
    """Of v1Device what a name takes. For some nobody has ever set a display name."""
    name = machine.eset_name or machine.name
    return {
        "uuid": machine.eset_uuid,
        "displayName": "" if machine.id % 13 == 0 else name,
        "originalDisplayName": name,
        "isMuted": False,
        "functionalityStatus": "FUNCTIONALITY_STATUS_OK",
    }


def _told(body: dict[str, Any]) -> Reply:
    return Reply(200, msgspec.json.encode(body), JSON)
