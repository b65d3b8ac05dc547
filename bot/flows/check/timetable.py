"""When what the configuration schedules comes next, on its own clock and in UTC. Asks nobody."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot import cron
from bot import windows as deciding
from bot.blocks import text
from bot.flows.check.findings import Finding, good
from bot.windows import Window


def shown(at: datetime, zone: str) -> str:
    """Such as ``Mon 2026-10-26 09:00 Europe/Berlin (Mon 08:00 UTC)``."""
    local = f"{at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {zone}"
    return local if zone == "UTC" else f"{local} ({at.astimezone(UTC):%a %H:%M} UTC)"


def windows(configured: Sequence[Window], now: datetime) -> list[Finding]:
    """For each maintenance window: whom it is for, whether it is open, and when it opens next."""
    return [good(f"windows[{index}]", _window(window, now)) for index, window in enumerate(configured)]


def _window(window: Window, now: datetime) -> str:
    opening = deciding.opening([window], now)
    is_on = opening is not None and opening.start <= now
    state = f"open until {shown(opening.end, window.timezone)}, then " if opening and is_on else ""
    following = next(cron.slots(window.cron, window.timezone, now))
    return f"{_whom(window)}: {state}next at {shown(following, window.timezone)} for {text.span(window.duration)}"


def _whom(window: Window) -> str:
    """Such as ``servers SRV-* at Contoso*``."""
    every = "" if window.kind or window.device or window.client else "all"
    what = f"{window.kind or 'device'}s"
    return " ".join(filter(None, (every, what, window.device, window.client and f"at {window.client}")))
