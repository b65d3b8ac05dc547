"""Pictures for threads: drawn in a thread of their own, one at a time, and told in words for who cannot see them.

matplotlib is loaded with the first picture, so that a bot whose digests have none never pays for it (60 MB). It wants
a directory it can write to: MPLCONFIGDIR, else one of the user's cache, else a temporary one.
"""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from bot.model import Day
from bot.pictures.calendar import fill, tellable
from bot.pictures.words import alt, title

__all__ = ["Picture", "alt", "fill", "tellable", "title", "trend"]

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class Picture:
    """``alt``: what it tells, in plain words (at most 500 characters); ``title``: one line."""

    png: bytes
    alt: str
    title: str


async def trend(days: Sequence[Day], last: date, length: int = 14) -> Picture:
    """How patching went on ``length`` days up to ``last``, which is not over. A day that ``days`` does not name had
    no attempts; others are left out. Raises OSError when there is no directory to write to."""
    shown = fill(days, last, length)
    png = await asyncio.to_thread(_draw, shown)
    return Picture(png, alt(shown), title(shown))


def _draw(days: Sequence[Day]) -> bytes:
    with _ONE_AT_A_TIME:
        from bot.pictures import drawing  # noqa: PLC0415  (at the first picture, see above)

        return drawing.trend(days)
