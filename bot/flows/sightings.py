"""On which devices did ESET's attempts happen? Read from ESET's list of attempts by device and kept in the store.

The list that attempts are collected from names no device; the other one does, to an API user who may read it. Without
that right the bot works as before, and ``missing`` says in one line what brings it.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.blocks import devices as words
from bot.clients.flights import Grounded
from bot.errors import STOPPING, Kind, TrailUnwritableError, UnreadableError, UpstreamError
from bot.flows.services import Services, Sight
from bot.joining import join
from bot.model import Attempt, DeviceListing, EsetDevice

log = structlog.get_logger()

REACH = timedelta(days=30)  # ESET keeps its list by device at least so long
OVERLAP = timedelta(hours=6)  # read once more each time: the two lists need not learn of an attempt at the same moment
AGAIN = timedelta(minutes=1)  # between two readings for people who wait
LATER = timedelta(hours=1)  # the same while ESET lacks the time: to ask it again may take ten minutes
DAY = timedelta(days=1)
FLIGHT = "sightings"
PATIENCE = 60.0  # seconds for what is read before a digest: it is told without the rest
QUIET = 1000  # attempts that are read at once, however many days they took: one page of ESET's
HELD = timedelta(hours=6)  # how long a day is read again for which ESET lacks the time: it may always lack it
NAMED = DAY  # after which a device's name is asked for anew: devices are renamed


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """``devices``: those known, by name. ``untold``: how many attempts nobody knows the device of. ``missing``: why,
    as far as something could be done about it; a sentence of safe mrkdwn, else empty."""

    devices: tuple[EsetDevice, ...]
    missing: str = ""
    untold: int = 0


async def collect(services: Services) -> None:
    """Reads what is new, after attempts were collected. Whatever goes wrong is noted: collecting goes on without."""
    try:
        await _read(services)
    except UpstreamError as error:
        if error.code != STOPPING:
            log.info("sightings.untold", code=error.code, kind=str(error.kind), reference=error.reference)
    except TrailUnwritableError as error:
        log.warning("sightings.unwritable", why=str(error))
    except UnreadableError as error:
        log.warning("sightings.unreadable", why=str(error))
    except Exception:  # a fault of ours here must not keep attempts from being collected
        log.exception("sightings.fault")


async def catch_up(services: Services) -> None:
    """Reads what is new for somebody who does not wait for long, unless that was tried just now."""
    sight = services.sight
    again = LATER if sight.held_since else AGAIN
    if sight.tried_at is not None and services.now() - sight.tried_at < again and FLIGHT not in services.flights:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE):
            await collect(services)


def missing(services: Services) -> str:
    """What keeps devices or their names from being told, and what brings them; empty when nothing does."""
    sight = services.sight
    if sight.error is not None:
        return words.devices_untold(*_why(sight.error))
    if sight.names_error is not None:
        return words.names_untold(*_why(sight.names_error))
    return words.partly_told(sight.partial) if sight.partial else ""


def _why(error: UpstreamError) -> tuple[str, bool]:
    """What a person reads, and whether it lasts: a missing right is told without the reference of its log line."""
    lasts = error.kind is Kind.FORBIDDEN
    return (error.short if lasts else error.sentence), lasts


async def devices_of(services: Services, fingerprints: Sequence[str], until: datetime) -> Whereabouts:
    """ESET's devices of these attempts, which ended at ``until`` or before; equal attempts give their fingerprint as
    often as there are. ESET is asked only when devices are lacking that it may tell by now."""
    found = await services.store.sightings(fingerprints)
    if _untold(fingerprints, found) and until >= services.now() - REACH and await _worth_reading(services, until):
        try:
            await _read(services)
        except (UpstreamError, TrailUnwritableError) as error:
            log.info("sightings.as_known", why=str(error))
        found = await services.store.sightings(fingerprints)
    if await _names_lacking(services, found):
        found = await services.store.sightings(fingerprints)
    known = {device.uuid: device for devices in found.values() for device in devices}
    devices = tuple(sorted(known.values(), key=lambda device: (not device.name, device.name.casefold(), device.uuid)))
    untold = _untold(fingerprints, found)
    nameless = any(not device.name for device in devices)
    log.info("sightings.asked", devices=len(devices), untold=untold)
    return Whereabouts(devices, missing(services) if untold or nameless else "", untold)


async def _names_lacking(services: Services, found: dict[str, tuple[EsetDevice, ...]]) -> bool:
    """Asks for names that are lacking or old, unless that failed less than a minute ago; whether any came."""
    sight = services.sight
    if sight.names_error is not None and sight.named_at is not None and services.now() - sight.named_at < AGAIN:
        return False
    try:
        return await _name(services, {device.uuid for devices in found.values() for device in devices})
    except TrailUnwritableError as error:
        log.info("sightings.as_known", why=str(error))
        return False


def _untold(fingerprints: Iterable[str], found: dict[str, tuple[EsetDevice, ...]]) -> int:
    return sum(max(0, count - len(found.get(one, ()))) for one, count in Counter(fingerprints).items())


async def _worth_reading(services: Services, until: datetime) -> bool:
    """Not soon after the last try; and what ended long before the last reading was in it, or never will be. One that is
    under way is waited for."""
    sight = services.sight
    if FLIGHT in services.flights:
        return True
    again = LATER if sight.held_since else AGAIN
    if sight.tried_at is not None and services.now() - sight.tried_at < again:
        return False
    upto = await services.store.sighted_upto()
    return upto is None or (services.now() - upto >= AGAIN and until >= upto - OVERLAP)


# ---------------------------------------------------------------- reading


async def _read(services: Services) -> None:
    """Callers at the same time share one reading. Raises UpstreamError(ESET) and TrailUnwritableError."""
    try:
        await services.flights.share(FLIGHT, lambda: _read_alone(services))
    except Grounded:
        return  # the bot is stopping


@dataclass(frozen=True, slots=True)
class _Day:
    """What ended from ``since`` to ``until``: a day, several quiet ones or, the last time, less."""

    since: datetime
    until: datetime
    attempts: Sequence[Attempt]


async def _read_alone(services: Services) -> None:
    """A day at a time, so that a reading that is cut short has come some way; never further than attempts are
    collected: one that is collected later may have ended before."""
    now, sight = services.now(), services.sight
    sight.tried_at = now
    if sight.error is not None:
        await _told(services, now - AGAIN, now)  # before a month of attempts is gathered: most likely it fails again
    upto, collected_at = await services.store.sighted_upto(), await services.store.collected_at()
    since = max(min(upto, now) - OVERLAP if upto else now - REACH, now - REACH)
    newest = await services.store.newest_attempt()
    attempts = [one.attempt for one in await services.store.attempts_ended_since(since, newest)]
    days = _days(attempts, since, now)
    if days:
        _forget_partial(sight, since, now)
        await _read_days(services, days, now, min(now, collected_at or since))
    if upto is not None:
        await _read_late(services, upto, since, now)


async def _read_late(services: Services, seen: datetime, before: datetime, now: datetime) -> None:
    """What ended before the time that was just read, and was told only since the last reading: an attempt on a device
    that was out of reach, say."""
    oldest = now - REACH
    late = await services.store.attempts_told_late(seen, oldest, before)
    for day in _days([one.attempt for one in late], oldest, now):
        await _read_day(services, day)


def _forget_partial(sight: Sight, since: datetime, now: datetime) -> None:
    """What is read once more now, or is too old for that."""
    at = sight.partial_from
    if at is None or at >= since or at < now - REACH:
        sight.partial, sight.partial_from = "", None


async def _read_days(services: Services, days: Sequence[_Day], now: datetime, most: datetime) -> None:
    """Notes how far it came, ``most`` at most, and not past a day for which ESET lacked the time: that is read again
    until ``HELD`` is over. Any other reason for a part would come again with every reading, and is not waited for."""
    sight, held = services.sight, False
    patient = sight.held_since is None or now - sight.held_since < HELD
    for day in days:
        told = await _read_day(services, day)
        if told.partial:
            sight.partial, sight.partial_from = told.partial, day.since
        held = held or (told.hurried and patient)
        if not held:
            await services.store.note_sighted(min(day.until, most))
    sight.held_since = (sight.held_since or now) if held else None
    if not held:
        await services.store.note_sighted(most)


def _days(attempts: Iterable[Attempt], since: datetime, now: datetime) -> list[_Day]:
    """Attempts by the day (from ``since`` on) in which they ended; the last holds what ends later by ESET's clock."""
    last = (now - since) // DAY
    days: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.ended_at is not None:
            days.setdefault(min((attempt.ended_at - since) // DAY, last), []).append(attempt)
    return _together([_Day(since + day * DAY, min(since + (day + 1) * DAY, now), days[day]) for day in sorted(days)])


def _together(days: Iterable[_Day]) -> list[_Day]:
    """Quiet days are read with the next one: ESET counts calls."""
    read: list[_Day] = []
    for day in days:
        last = read[-1] if read else None
        if last is not None and len(last.attempts) + len(day.attempts) <= QUIET:
            read[-1] = _Day(last.since, day.until, [*last.attempts, *day.attempts])
        else:
            read.append(day)
    return read


async def _read_day(services: Services, day: _Day) -> DeviceListing:
    told = await _told(services, day.since - OVERLAP, min(day.until + OVERLAP, services.now()))
    found = await asyncio.to_thread(join, day.attempts, told.attempts)
    new = await services.store.record_sightings(found, services.now())
    await _name(services, {uuid for uuids in found.values() for uuid in uuids})
    known = {"listed": len(told.attempts), "attempts": len(day.attempts), "new": new}
    log.info("sightings.read", **known, unreadable=told.unreadable)
    return told


async def _told(services: Services, since: datetime, until: datetime) -> DeviceListing:
    """ESET's list by device; how it went is remembered for ``missing``."""
    sight = services.sight
    try:
        told = await services.eset.per_device(since, until)
    except UpstreamError as error:
        if error.code != STOPPING:
            sight.error = error
        raise
    sight.error = None
    return told


async def _name(services: Services, uuids: Iterable[str]) -> bool:
    """Asks for names that are unknown or old; whether any came. A device that ESET no longer knows keeps its name."""
    now, sight, wanted = services.now(), services.sight, sorted(uuids)
    fresh = await services.store.eset_names(wanted, now - NAMED)
    lacking = [uuid for uuid in wanted if uuid not in fresh]
    if not lacking:
        return False
    sight.named_at = now
    try:
        told = await services.eset.device_names(lacking)
    except UpstreamError as error:
        if error.code != STOPPING:
            sight.names_error = error
        return False  # the devices are known all the same
    sight.names_error = None
    before = await services.store.eset_names(lacking)
    named = [told.get(uuid) or EsetDevice(uuid, before.get(uuid, "")) for uuid in lacking]
    await services.store.name_eset_devices(named, now)
    return True
