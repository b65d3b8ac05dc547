"""The clock that the bot and all stand-ins share: it stands still, runs, or runs fast, and can be put forward."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

MORNING = datetime(2025, 3, 12, 8, 30, tzinfo=UTC)  # a Wednesday, the morning after a patch day


class Clock:
    """Simulated time. ``speed`` is simulated seconds per real one: 0 stands still until `advance`, 1 is real time.

    ``speed`` can be set, and ``listeners`` hear when it changes; ``fastest`` tells beforehand how far it will go.
    """

    def __init__(self, start: datetime = MORNING, *, speed: float = 0.0, fastest: float = 0.0) -> None:
        self.listeners: list[Callable[[], None]] = []
        self._speed, self._fastest = speed, max(speed, fastest)
        self._told = start.astimezone(UTC)  # as it was at `_at` by the real clock
        self._at = time.monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        """ValueError when negative. What it showed until now stays as it was."""
        if speed < 0:
            raise ValueError("a clock never runs backwards")
        if speed == self._speed:
            return
        self._told, self._at = self._read()
        self._speed, self._fastest = speed, max(self._fastest, speed)
        for listener in list(self.listeners):
            listener()

    def now(self) -> datetime:
        """The simulated instant, aware, in UTC; never goes back."""
        return self._read()[0]

    def _read(self) -> tuple[datetime, float]:
        real = time.monotonic()
        return self._told + timedelta(seconds=self._speed * (real - self._at)), real

    def advance(self, by: timedelta | float) -> datetime:
        """Put the clock forward by a timedelta or by seconds; returns the new instant. ValueError when negative."""
        step = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if step < timedelta():
            raise ValueError("a clock is never put back")
        self._told += step
        return self.now()

    def real(self, seconds: float) -> timedelta:
        """So many seconds of a real client's patience, in simulated time.

        A token, a response_url or a cached answer lives at the pace of the client that holds it: on a clock that runs
        600 times as fast, ESET's 120 seconds would else be over before the client's first poll. What was given while
        it ran slowly must also live on once it runs fast, so the fastest counts.
        """
        return timedelta(seconds=seconds * max(self._fastest, 1.0))
