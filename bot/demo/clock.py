"""The clock that the bot and all stand-ins share: it stands still, runs, or runs fast, and can be put forward."""

import time
from datetime import UTC, datetime, timedelta

MORNING = datetime(2025, 3, 12, 8, 30, tzinfo=UTC)  # a Wednesday, the morning after a patch day


class Clock:
    """Simulated time. ``speed`` is simulated seconds per real one: 0 stands still until `advance`, 1 is real time."""

    def __init__(self, start: datetime = MORNING, *, speed: float = 0.0) -> None:
        self.speed = speed
        self._start = start.astimezone(UTC)
        self._began = time.monotonic()
        self._advanced = timedelta()

    def now(self) -> datetime:
        """The simulated instant, aware, in UTC; never goes back."""
        running = timedelta(seconds=self.speed * (time.monotonic() - self._began)) if self.speed else timedelta()
        return self._start + self._advanced + running

    def advance(self, by: timedelta | float) -> datetime:
        """Put the clock forward by a timedelta or by seconds; returns the new instant. ValueError when negative."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < timedelta():
            raise ValueError("a clock is never put back")
        self._advanced += step
        return self.now()

    def real(self, seconds: float) -> timedelta:
        """So many seconds of a real client's patience, in simulated time.

        A token or a cached answer lives at the pace of the client that holds it: on a clock that runs 600 times as
        fast, ESET's 120 seconds would else be over before the client's first poll.
        """
        return timedelta(seconds=seconds * max(self.speed, 1.0))
