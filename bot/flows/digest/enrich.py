"""What is known of a failure beside ESET's attempts: its device, how severe it is, who silenced or repaired it."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache

from bot import digests
from bot.digests import Failure
from bot.digests.silencing import Silencer, on_at
from bot.flows import links
from bot.flows.services import Services
from bot.matching.products import SURE, Wanted, certainty
from bot.model import Device, EsetDevice, Patch, Standing
from bot.store import Ended

MOST_TRIES = 1000  # of a failure that came back after a retry
AT_A_TIME = 500  # devices
KNOWN = 16_384  # pairs of an application and a title: the same stand on many devices


@dataclass(frozen=True, slots=True)
class Span:
    """A digest tells of retries that ended in ``(after, upto]``."""

    after: datetime
    upto: datetime


@dataclass(frozen=True, slots=True)
class Beside:
    """``names``, ``devices``: of ESET's devices, by uuid. ``severities``: of failed patches, by N-sight's device and
    title. ``repairs``: what retries brought onto a device of N-sight's, oldest first."""

    names: Mapping[str, str] = field(default_factory=dict)
    devices: Mapping[str, Device] = field(default_factory=dict)
    severities: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    repairs: Mapping[int, Sequence[Ended]] = field(default_factory=dict)


async def silencer(services: Services, at: datetime) -> Silencer:
    """Of the silences that were on at ``at``."""
    return Silencer(on_at(await services.store.silences_since(at), at), at)


async def failures(services: Services, standings: Sequence[Standing], span: Span, silencer: Silencer) -> list[Failure]:
    """Each standing with what is known beside; one that a retry repaired is told once and then no more."""
    beside = await _beside(services, standings, span)
    standings = await _relapsed(services, standings, beside)
    return await asyncio.to_thread(lambda: [*_told(standings, beside, silencer, span)])


async def _beside(services: Services, standings: Sequence[Standing], span: Span) -> Beside:
    uuids = {one.device for one in standings if one.device}
    names = await services.store.eset_names(uuids)
    devices = await known_devices(services, names, uuids)
    severities = await services.store.severities(device.id for device in devices.values())
    return Beside(names, devices, severities, await _repairs(services, standings, span))


async def known_devices(services: Services, names: Mapping[str, str], uuids: Iterable[str]) -> dict[str, Device]:
    """N-sight's devices by ESET's uuid, of those for which it is known. Some at a time: there may be 20,000."""
    found: dict[str, Device] = {}
    eset_devices = [EsetDevice(uuid, names.get(uuid, "")) for uuid in sorted(uuids)]
    for start in range(0, len(eset_devices), AT_A_TIME):
        resolved = await links.resolve(services, eset_devices[start : start + AT_A_TIME])
        found |= {one.eset.uuid: one.device for one in resolved if one.device is not None}
    return found


async def _repairs(services: Services, standings: Sequence[Standing], span: Span) -> Mapping[int, Sequence[Ended]]:
    known = [one.since for one in standings if one.device]
    if not known:
        return {}
    found: defaultdict[int, list[Ended]] = defaultdict(list)
    for one in await services.store.ended(min(known), span.upto, digests.RECOVERED):
        found[one.device_id].append(one)
    return found


# ---------------------------------------------------------------- failed again after it was repaired


async def _relapsed(services: Services, standings: Sequence[Standing], beside: Beside) -> list[Standing]:
    """ESET does not know that a retry repaired something: what fails after that is another row of failures."""
    with_repairs = await asyncio.to_thread(_with_repairs, standings, beside)
    return [await _row_since(services, one, repair) if repair else one for one, repair in with_repairs]


def _with_repairs(standings: Iterable[Standing], beside: Beside) -> list[tuple[Standing, Ended | None]]:
    """Each with the last repair between its failed attempts."""
    return [(one, _last(one, beside, one.since, one.last) if one.tries > 1 else None) for one in standings]


async def _row_since(services: Services, standing: Standing, repair: Ended) -> Standing:
    store, numbers = services.store, [standing.subject]
    found = await store.subject_fingerprints(numbers, MOST_TRIES, repair.ended_at)
    ends = [ended for _, ended in found if repair.ended_at < ended <= standing.last]
    if not ends:
        return standing
    return replace(standing, since=min(ends), tries=len(ends), before=standing.before and len(ends) > standing.fresh)


# ---------------------------------------------------------------- pure


def _told(standings: Iterable[Standing], beside: Beside, silencer: Silencer, span: Span) -> Iterable[Failure]:
    for standing in standings:
        repair = _last(standing, beside, standing.last, span.upto)
        if repair is not None and repair.ended_at <= span.after and standing.before:
            continue  # an earlier digest has told it as recovered
        yield _failure(standing, beside, silencer, repair)


def _failure(standing: Standing, beside: Beside, silencer: Silencer, repair: Ended | None) -> Failure:
    device = beside.devices.get(standing.device)
    about = (standing.application, standing.status, device.client if device else "", standing.to_version)
    silence = silencer.of(*about)
    return Failure(
        standing,
        device_name=beside.names.get(standing.device, ""),
        device=device,
        severity=_severity(standing, beside.severities.get(device.id, {})) if device else "",
        silence=silence.id if silence else 0,
        retried=repair.card_id if repair else 0,
    )


def _last(standing: Standing, beside: Beside, after: datetime, upto: datetime) -> Ended | None:
    """The last retry in that time that brought the application onto the device."""
    device = beside.devices.get(standing.device)
    found = beside.repairs.get(device.id, ()) if device else ()
    between = [one for one in reversed(found) if after < one.ended_at <= upto]
    sure = _sure(standing, {one.title for one in between})
    return next((one for one in between if one.title in sure), None)


def _severity(standing: Standing, titles: Mapping[str, str]) -> str:
    return next((titles[title] for title in _sure(standing, titles) if titles[title]), "")


def _sure(standing: Standing, titles: Iterable[str]) -> list[str]:
    """Titles of N-sight's patches that are surely this application, the surest first."""
    wanted = Wanted(standing.application, standing.developer, standing.from_version, standing.to_version)
    scored = sorted((-_certainty(wanted, title), title) for title in titles)
    return [title for score, title in scored if -score >= SURE]


@lru_cache(KNOWN)
def _certainty(wanted: Wanted, title: str) -> float:
    return certainty(wanted, Patch(0, title, 0, ""))
