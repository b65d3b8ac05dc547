"""The picture of a trend: what its words say, and that whatever happened can be drawn."""

import asyncio
import os
import struct
import subprocess
import sys
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Annotation

from bot import pictures
from bot.model import Day
from bot.pictures import calendar, drawing, words
from bot.pictures.words import compact
from tests.bench.pictures import LAST, SAMPLES
from tests.examples import examples

PNG = b"\x89PNG\r\n\x1a\n"


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(PNG)
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def failing(*counts: int) -> list[Day]:
    """A day each, with one success beside; the last one is not over."""
    dates = [LAST - timedelta(days=back) for back in reversed(range(len(counts)))]
    return [Day(when, count, 1) for when, count in zip(dates, counts, strict=True)]


# ---------------------------------------------------------------- words

ALTS = {
    "none": "Patching attempts, 14 days to 27 Jul 2026, day by day. No attempts.",
    "one-day": (
        "Patching attempts, 14 days to 27 Jul 2026, day by day. 7 failed, 20 of 27 attempts succeeded (74 %), 2 of"
        " them after a failure. Too few days to tell a trend. Most failed on Sun 26 Jul: 7. 12 days without attempts."
    ),
    "worse": (
        "Patching attempts, 14 days to 27 Jul 2026, day by day. 311 failed, 568 of 879 attempts succeeded (64 %), 74"
        " of them after a failure. Getting worse: 29 failed on a typical day lately, 12.5 before. Most failed on"
        " Mon 27 Jul: 38. Mon 27 Jul so far: 38 failed, 42 succeeded."
    ),
    "only-successes": (
        "Patching attempts, 14 days to 27 Jul 2026, day by day. None failed, 1,351 of 1,351 attempts succeeded (100"
        " %). Mon 27 Jul so far: 0 failed, 103 succeeded."
    ),
}


@pytest.mark.parametrize("name", ALTS)
def test_a_picture_is_told_in_words(name: str) -> None:
    known, length = SAMPLES[name]
    assert pictures.alt(pictures.fill(known, LAST, length)) == ALTS[name]


COURSES = [
    ([5, 5, 5, 5, 9, 9, 9, 9, 0], "Getting worse"),
    ([9, 9, 9, 9, 5, 5, 5, 5, 30], "Getting better"),
    ([9, 9, 9, 9, 9, 9, 9, 9, 99], "Steady with 1 spike"),
    ([9, 9, 9, 9, 10, 10, 10, 10, 9], "Steady"),
    ([0, 0, 0, 0, 1, 1, 1, 1, 1], "Getting worse"),
    ([9, 9, 9, 9, 9, 5000, 9, 9, 9], "Steady with 1 spike"),
    ([5, 5, 5, 5, 9, 5000, 5000, 9, 9], "Getting worse with 2 spikes"),
    ([4, 7, 5, 7, 6, 7, 5, 6, 8], "Steady"),
]


@pytest.mark.parametrize(("counts", "words"), COURSES)
def test_a_course_is_told_by_typical_days_and_never_by_the_one_that_is_not_over(counts: list[int], words: str) -> None:
    found = calendar.course(failing(*counts))
    assert found is not None
    assert found.words == words


def test_too_few_days_tell_no_course() -> None:
    assert calendar.course(failing(5, 50)) is None
    assert calendar.course([Day(LAST, 0, 0)] * 9) is None
    assert calendar.course(failing(0, 0, 0, 0, 0, 0)) is None


def test_a_few_spikes_do_not_end_the_axis_and_a_usual_rise_does() -> None:
    assert calendar.ceiling([]) == calendar.ceiling([0, 0]) == 1
    assert calendar.ceiling([10, 12, 0, 5000, 9]) == 12
    assert calendar.ceiling([10, 20, 40, 80]) == 80
    assert calendar.ceiling([1, 1, 1, 20, 30]) == 1
    assert calendar.ceiling([4000, 5000, 12]) == 5000


def test_a_success_short_of_all_is_never_a_hundred_percent() -> None:
    days = pictures.fill([Day(LAST, 1, 9999)], LAST, 2)
    assert "1 failed, 9,999 of 10,000 attempts succeeded (99 %)." in pictures.alt(days)


def test_the_share_of_a_few_attempts_is_told_by_their_numbers() -> None:
    days = pictures.fill([Day(LAST, 5, 1, 1)], LAST, 2)
    assert "5 failed, 1 of 6 attempts succeeded, 1 of them after a failure." in pictures.alt(days)
    assert words.headline(days) == "5 failed, 1 succeeded"
    assert words.headline(pictures.fill([Day(LAST, 3)], LAST, 2)) == "3 failed, none succeeded"


def test_a_day_that_has_only_begun_is_told_once_something_happened_on_it() -> None:
    before = Day(LAST - timedelta(days=1), 3, 1)
    assert "so far" not in pictures.alt(pictures.fill([before], LAST, 2))
    assert "so far: 0 failed, 1 succeeded" in pictures.alt(pictures.fill([before, Day(LAST, 0, 1)], LAST, 2))


NUMBERS = [(0, "0"), (9_999, "9,999"), (10_000, "10k"), (10_599, "10.5k"), (99_999, "99.9k"), (100_999, "100k")]


@pytest.mark.parametrize(("count", "words"), [*NUMBERS, (999_999, "999k"), (1_250_000, "1.2M"), (10**9, "1,000M")])
def test_a_bars_number_is_short(count: int, words: str) -> None:
    assert compact(count) == words


def test_every_day_is_there_once_and_no_other() -> None:
    known = [Day(LAST, 1), Day(LAST - timedelta(days=2), 2), Day(LAST - timedelta(days=3), 3), Day(date(2026, 8, 1), 4)]
    assert [day.failed for day in pictures.fill(known, LAST, 3)] == [2, 0, 1]


def test_a_picture_of_fewer_than_two_days_tells_nothing() -> None:
    assert not pictures.tellable(pictures.fill([Day(LAST, 5, 5)], LAST, 14))
    assert pictures.tellable(pictures.fill([Day(LAST, 5), Day(LAST - timedelta(days=1), 0, 5)], LAST, 14))


# ---------------------------------------------------------------- pictures


@pytest.mark.parametrize("name", SAMPLES)
async def test_all_kinds_of_weeks_are_drawn(name: str) -> None:
    known, length = SAMPLES[name]
    drawn = await pictures.trend(known, LAST, length)
    assert size(drawn.png) == (960, 640)
    assert len(drawn.png) < 150_000
    assert drawn.title == f"Patching attempts, {length} days to 27 Jul"


COUNT = st.integers(0, 30) | st.integers(0, 10**9)
DAYS = st.lists(st.tuples(COUNT, COUNT, COUNT), min_size=2, max_size=30)


@settings(max_examples=examples(4))
@given(DAYS)
def test_whatever_happened_can_be_drawn_and_told(counts: list[tuple[int, int, int]]) -> None:
    dates = [LAST - timedelta(days=back) for back in range(len(counts))]
    known = [Day(when, *count) for when, count in zip(dates, counts, strict=True)]
    drawn = asyncio.run(pictures.trend(known, LAST, len(counts)))
    assert size(drawn.png) == (960, 640)
    assert 0 < len(drawn.alt) <= 500


async def test_many_pictures_at_once_are_each_their_own() -> None:
    alone = [(await pictures.trend(*_of(name))).png for name in ("steady", "worse", "better")]
    together = await asyncio.gather(*(pictures.trend(*_of(name)) for name in ("steady", "worse", "better")))
    assert [drawn.png for drawn in together] == alone


def _of(name: str) -> tuple[list[Day], date, int]:
    known, length = SAMPLES[name]
    return known, LAST, length


@pytest.mark.parametrize("name", SAMPLES)
def test_no_two_numbers_of_a_picture_meet_and_none_is_cut(name: str) -> None:
    known, length = SAMPLES[name]
    figure = drawing.draw(pictures.fill(known, LAST, length))
    counts = figure.axes[0]
    figure.canvas.draw()
    width = figure.bbox.width
    for side in (1, -1):
        told = [one for one in counts.texts if isinstance(one, Annotation) and one.xy[1] * side > 0]
        boxes = sorted((one.get_window_extent() for one in told), key=lambda box: float(box.x0))
        assert all(not left.overlaps(right) for left, right in pairwise(boxes))
    labels = [one for axes in figure.axes for one in axes.get_yticklabels() if one.get_text()]
    assert all(0 < one.get_window_extent().x0 < width for one in labels)


# ---------------------------------------------------------------- processes

WITHOUT = "import sys, bot.app, bot.pictures; sys.exit('matplotlib' in sys.modules or 'numpy' in sys.modules)"
DRAWS = """
import asyncio, datetime
from bot import pictures
print(len(asyncio.run(pictures.trend([], datetime.date(2026, 7, 27))).png))
"""


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    known = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], env=known, capture_output=True, text=True, check=False)


def test_a_bot_that_draws_nothing_loads_no_matplotlib() -> None:
    done = run(WITHOUT)
    assert done.returncode == 0, done.stderr


def test_all_that_a_picture_writes_is_in_the_directory_it_is_given(tmp_path: Path) -> None:
    cache, elsewhere = tmp_path / "matplotlib", tmp_path / "home"
    elsewhere.mkdir()
    done = run(DRAWS, MPLCONFIGDIR=str(cache), HOME=str(elsewhere), XDG_CACHE_HOME="", XDG_CONFIG_HOME="")
    assert int(done.stdout) > 1000, done.stderr
    assert [path.name.startswith("fontlist") for path in cache.glob("*.json")] == [True]
    assert list(elsewhere.iterdir()) == []
