"""Which devices did an attempt happen on? ESET's list of attempts joined to its list of attempts per device.

The two lists share no row id, so rows are compared by what they say. Source: ESET's OpenAPI of patch management,
v1ApplicationPatchingDetails and v1DevicePatchingDetails.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import msgspec

from bot.model import Attempt, DeviceAttempt, parse_instant

Found = dict[str, tuple[str, ...]]


def join(attempts: Sequence[Attempt], details: Sequence[DeviceAttempt]) -> dict[str, tuple[str, ...]]:
    """The uuids of the devices, sorted, by the fingerprint of each final attempt for which some were found.

    A row of ``attempts`` stands for one machine, so a fingerprint never has more devices than rows. A row of
    ``details`` is used once; equal rows on two machines give two devices, duplicates of one machine give one.
    Comes to the same whatever the order of the rows. Blocks: it is meant for a thread when there are thousands.
    """
    found = Found()
    rows, copies = _to_the_letter(attempts, details, found)
    if rows and copies:
        waiting = [_meaning(row, "") for row in rows]
        left = [_meaning(copy.attempt, copy.device_uuid) for copy in copies]
        for key in (_by_uuid, _by_name, _by_name_and_second):
            waiting, left = _by_meaning(waiting, left, key, found)
    return {fingerprint: _sorted(devices) for fingerprint, devices in found.items()}


def _to_the_letter(
    attempts: Iterable[Attempt], details: Iterable[DeviceAttempt], found: Found
) -> tuple[list[Attempt], list[DeviceAttempt]]:
    """The common case, without a look into the rows. Returns what is left over: final attempts, and details."""
    places: dict[Attempt, int] = {}
    times: list[int] = []
    for row in attempts:
        place = places.setdefault(row, len(times))
        if place == len(times):
            times.append(0)
        times[place] += 1
    unmet = []
    met: dict[int, list[str]] = {}
    for detail in details:
        place = places.get(detail.attempt, -1)
        if place >= 0:
            met.setdefault(place, []).append(detail.device_uuid)
        else:
            unmet.append(detail)
    rest = []
    for row, place in places.items():
        devices = _sorted(met.get(place, ()))
        count = times[place]
        if (devices or unmet) and row.final:
            _note(found, row, devices[:count])
            rest += [row] * (count - len(devices))
        unmet += [DeviceAttempt(device, row) for device in devices[count:]]
    return rest, unmet


def _note(found: Found, row: Attempt, devices: tuple[str, ...]) -> None:
    if devices:
        fingerprint = row.fingerprint
        found[fingerprint] = found[fingerprint] + devices if fingerprint in found else devices


def _sorted(devices: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(devices)) if len(devices) > 1 else devices)


# ---------------------------------------------------------------- what is left over


class _Meaning(msgspec.Struct, frozen=True, gc=False):
    """What a row says, however it is spelt: ``course`` is versions, status and times. ``device``: of a detail."""

    row: Attempt
    device: str
    uuid: str
    names: str
    course: str


def _meaning(row: Attempt, device: str) -> _Meaning:
    period = row.period
    times = (_instant(period.start), _instant(period.end)) if period else ()
    return _Meaning(
        row=row,
        device=device,
        uuid=row.application_uuid or "",
        names=f"{row.developer_name or ''}\x1f{row.display_name or ''}",
        course="\x1f".join((row.from_version, row.to_version, _status(row.raw_status), *times)),
    )


@lru_cache(maxsize=64)
def _status(raw: str | None) -> str:
    return Attempt(raw_status=raw).status


def _instant(text: str | None) -> str:
    """In UTC, as text where that will do: parsing takes longer, and of nine digits keeps six."""
    if not text:
        return ""
    if text[-1] != "Z":
        moment = parse_instant(text)
        text = moment.isoformat().removesuffix("+00:00") + "Z" if moment else text
    return text[:-1].rstrip("0").rstrip(".") if "." in text else text[:-1]


def _by_uuid(meaning: _Meaning) -> str:
    return f"{meaning.uuid}\x1f{meaning.course}"


def _by_name(meaning: _Meaning) -> str:
    """Nothing says that both lists, or two devices, give an application the same uuid."""
    return f"{meaning.names}\x1f{meaning.course}"


def _by_name_and_second(meaning: _Meaning) -> str:
    """One list may keep fewer digits of a second."""
    *what, start, end = meaning.course.split("\x1f")
    return "\x1f".join((meaning.names, *what, start.partition(".")[0], end.partition(".")[0]))


def _by_meaning(
    waiting: list[_Meaning], left: list[_Meaning], key: Callable[[_Meaning], str], found: Found
) -> tuple[list[_Meaning], list[_Meaning]]:
    """Pairs rows and details that are equal by ``key``; returns what is still left over of both."""
    if not (waiting and left):
        return waiting, left
    rows: defaultdict[str, list[_Meaning]] = defaultdict(list)
    for row in waiting:
        rows[key(row)].append(row)
    unmet = []
    met: dict[str, list[_Meaning]] = {}
    for detail in left:
        told = key(detail)
        if told in rows:
            met.setdefault(told, []).append(detail)
        else:
            unmet.append(detail)
    rest = []
    for told, some in rows.items():  # not of met: these lie in memory in the order of the rows
        details = met.get(told)
        if details is None:
            rest += some
        elif len(some) == len(details) == 1:
            _note(found, some[0].row, (details[0].device,))
        else:
            here, there = sorted(some, key=_rank), _one_for_each_device(details)
            for row, detail in zip(here, there, strict=False):
                _note(found, row.row, (detail.device,))
            rest += here[len(there) :]
            unmet += there[len(here) :]
    return rest, unmet


def _rank(row: _Meaning) -> tuple[str, str]:
    return row.row.fingerprint, row.names


def _one_for_each_device(details: list[_Meaning]) -> list[_Meaning]:
    """The same ones in whatever order they came."""
    chosen: dict[str, _Meaning] = {}
    for detail in sorted(details, key=lambda it: (it.device, it.names)):
        chosen.setdefault(detail.device, detail)
    return list(chosen.values())
