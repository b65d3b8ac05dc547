"""Maintenance windows: when an approved retry may be sent to a device. Pure; times are aware UTC."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from bot import cron
from bot.model import Device, DeviceKind
from bot.terms import like

FOLLOWED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A ``[[windows]]`` table: ``cron`` says in ``timezone`` when it opens, ``duration`` how long it stays open.

    ``client`` and ``device`` are globs on names; both and ``kind`` must fit.
    """

    cron: str
    duration: timedelta
    timezone: str = "UTC"
    client: str = ""
    device: str = ""
    kind: DeviceKind | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """One time span in which may be sent: ``start`` inclusive, ``end`` exclusive."""

    start: datetime
    end: datetime


def of(windows: Iterable[Window], device: Device) -> tuple[Window, ...]:
    """The windows that hold for a device; without any, it is never closed."""
    return tuple(one for one in windows if one.kind in {None, device.kind} and _names_fit(one, device))


def _names_fit(window: Window, device: Device) -> bool:
    return like(device.client, window.client) and like(device.name, window.device)


def opening(windows: Iterable[Window], now: datetime) -> Opening | None:
    """The opening that is on, the one that stays open longest if several are, else the next one; None without windows.

    It ends when nothing is open any more: openings that follow without a gap are one.
    """
    windows = tuple(windows)
    found = [_first(window, now) for window in windows]
    on = [one for one in found if one.start <= now]
    first = max(on, key=lambda one: one.end) if on else min(found, key=lambda one: one.start, default=None)
    return Opening(first.start, _closes(windows, first)) if first else None


@lru_cache(maxsize=64)
def _closes(windows: tuple[Window, ...], first: Opening) -> datetime:
    """When nothing is open any more; a calendar that hardly ever closes is not followed for ever."""
    end = first.start
    while end - first.start < FOLLOWED:
        on = [one.end for one in (_first(window, end) for window in windows) if one.start <= end]
        if not on:
            break
        end = max(on)
    return end


def _first(window: Window, now: datetime) -> Opening:
    """The newest opening that is still on, or the next to come."""
    start = cron.newest(window.cron, window.timezone, now - window.duration, now)
    if start is None:
        start = next(cron.slots(window.cron, window.timezone, now))
    return Opening(start, start + window.duration)
