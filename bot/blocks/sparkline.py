"""A course in one line of text: how many there were, bar by bar."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.blocks import text

MOST = 30  # bars: what fits beside a name on a phone
_BARS = "▁▂▃▄▅▆▇█"
_STEPS = tuple(
    timedelta(minutes=minutes)
    for minutes in (1, 5, 15, 30, 60, 180, 360, 720, 1440, 2 * 1440, 3 * 1440, 7 * 1440, 14 * 1440)
)


@dataclass(frozen=True, slots=True)
class Scale:
    """``bars`` equal lengths of time, the last of which ends at ``now``."""

    now: datetime
    step: timedelta
    bars: int

    @classmethod
    def over(cls, span: timedelta, now: datetime) -> "Scale":
        """The finest one for a span of up to 400 days."""
        step = next((step for step in _STEPS if span <= MOST * step), _STEPS[-1])
        return cls(now, step, max(1, math.ceil(span / step)))

    def place(self, when: datetime) -> int:
        """The number of the bar, from 0; what lies outside belongs to the first or the last one."""
        back = (self.now - when) // self.step
        return min(max(self.bars - 1 - back, 0), self.bars - 1)

    @property
    def starts(self) -> tuple[datetime, ...]:
        return tuple(self.now - (self.bars - number) * self.step for number in range(self.bars))

    @property
    def words(self) -> str:
        return f"a bar is {text.span(self.step)}"


def sparkline(counts: Sequence[int]) -> str:
    """``▁▂█▁``: the lowest bar is none, the full one the highest count of these; one alone is not full."""
    highest = max(counts, default=0)
    return "".join(_BARS[math.ceil(7 * count / max(highest, 2))] for count in counts)
