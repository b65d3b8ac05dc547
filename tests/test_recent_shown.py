"""``/patches recent`` by application and from the kept history: what is counted, and what people read."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import recent
from bot.blocks.recent import Application, Found, History
from bot.blocks.sparkline import MOST, Scale, sparkline
from bot.commands import Recent
from bot.flows.recent import asked
from bot.model import Attempt, Message, Period
from tests.examples import examples
from tests.test_blocks_shown import FAILED, NASTY, NOW, OK, OTHER, attempt, buttons, fits

SPANS = st.timedeltas(timedelta(seconds=1), timedelta(days=400))


# ---------------------------------------------------------------- sparklines


def test_a_sparkline_is_none_at_the_bottom_and_full_at_its_highest() -> None:
    assert sparkline([0, 1, 5, 10]) == "▁▂▅█"
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([]) == ""
    assert sparkline([0, 1, 0]) == "▁▅▁"


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_a_sparkline_never_hides_that_there_was_one(counts: list[int]) -> None:
    line = sparkline(counts)
    assert [bar == "▁" for bar in line] == [count == 0 for count in counts]


SCALES = [("24h", timedelta(hours=1), 24), ("7d", timedelta(hours=6), 28), ("30d", timedelta(days=1), 30)]


@pytest.mark.parametrize(("span", "step", "bars"), [*SCALES, ("400d", timedelta(days=14), 29)])
def test_a_scale_has_bars_of_a_length_that_people_know(span: str, step: timedelta, bars: int) -> None:
    length = timedelta(hours=int(span[:-1])) if span.endswith("h") else timedelta(days=int(span[:-1]))
    scale = Scale.over(length, NOW)
    assert (scale.step, scale.bars) == (step, bars)


@given(SPANS, st.floats(0, 1))
def test_every_moment_of_a_span_has_its_bar(span: timedelta, part: float) -> None:
    scale = Scale.over(span, NOW)
    assert 1 <= scale.bars <= MOST
    when = NOW - part * span
    place = scale.place(when)
    assert scale.starts[place] <= when
    assert when <= scale.starts[place] + scale.step
    assert scale.starts[0] <= NOW - span


# ---------------------------------------------------------------- by application


def test_applications_are_counted_by_class_and_what_fails_most_comes_first() -> None:
    seen = [attempt(OK, 1, "Zoom"), attempt(FAILED, 1, "Zoom"), *[attempt(FAILED, 30)] * 2, attempt(OTHER, 1)]
    zip_, zoom = recent.tally(seen, Recent(since=timedelta(days=7)), NOW)
    assert (zip_.name, zip_.failed, zip_.ok, zip_.other) == ("7-Zip", 2, 0, 1)
    assert (zoom.name, zoom.failed, zoom.ok, zoom.other) == ("Zoom", 1, 1, 0)
    assert sum(zip_.failures) == zip_.failures[-6] == 2
    assert zoom.failures[-1] == 1


def test_one_name_of_two_developers_is_two_applications() -> None:
    seen = [attempt(FAILED, 1, "Reader", "Adobe"), attempt(FAILED, 1, "Reader", "Foxit")]
    assert [one.developer for one in recent.tally(seen, Recent(), NOW)] == ["Adobe", "Foxit"]


def test_a_failure_without_a_time_is_counted_and_stands_in_no_bar() -> None:
    (one,) = recent.tally([attempt(FAILED, None)], Recent(), NOW)
    assert (one.failed, sum(one.failures)) == (1, 0)


def by_application(found: list[Application], number: int = 0, history: History | None = None) -> Message:
    scale = Scale.over(timedelta(days=7), NOW)
    return recent.by_application(
        found, Recent(), number, view_id="view1", scale=scale, taken_at=NOW, history=history, beside=None
    )


def test_an_application_is_a_line_with_its_course_and_counts() -> None:
    found = [Application("Igor Pavlov", "7-Zip", 1200, 30, 2, (0, 5, 10)), Application("", "Zoom", 0, 3, 0)]
    words = fits(by_application(found))
    assert "*7-Zip* (Igor Pavlov)\n`▁▅█` ❌ 1,200 failed · ✅ 30 ok · 2 other" in words
    assert "*Zoom*\n❌ 0 failed · ✅ 3 ok" in words
    assert "1,200 failed · 33 ok · 2 other" in words
    assert "a bar is 6 hours" in words


def test_applications_are_paged_and_the_way_back_is_there() -> None:
    found = [Application("", f"App {n}", n, 0, 0) for n in range(20)]
    paging = [sorted(one for one in buttons(by_application(found, n)) if "page" in one) for n in range(3)]
    assert paging == [["recent.page.next"], ["recent.page.back", "recent.page.next"], ["recent.page.back"]]
    others = [one for one in buttons(by_application(found)) if "page" not in one]
    assert others == [*(f"recent.filter.{name}" for name in ("failed", "ok", "all", "apps")), "recent.export"]
    assert "page 3 of 3" in fits(by_application(found, 2))


def test_no_application_at_all_leads_on() -> None:
    assert "🔍 Nothing was attempted in the last 7 days" in fits(by_application([]))


COUNTS = st.integers(0, 10**9)
APPLICATIONS = st.builds(Application, NASTY, NASTY, COUNTS, COUNTS, COUNTS, st.lists(COUNTS, max_size=MOST).map(tuple))


@settings(max_examples=examples(15))
@given(st.lists(APPLICATIONS, max_size=20))
def test_a_page_of_any_applications_fits(found: list[Application]) -> None:
    fits(by_application(found, recent.pages(len(found)) - 1, History(NOW)))


# ---------------------------------------------------------------- the kept history


def page(found: Found, number: int, history: History) -> Message:
    return recent.page(found, Recent(), number, view_id="view1", taken_at=NOW, history=history)


def test_a_page_of_kept_attempts_holds_its_own_rows_alone() -> None:
    found = Found([attempt(FAILED, 9, "Nineteenth")], 17, 1, 0, ahead=16)
    words = fits(page(found, 2, History(NOW - timedelta(days=90))))
    assert "*Nineteenth*" in words
    assert "page 3 of 3" in words
    assert "these are the finished attempts that the bot has kept, the oldest of <!date^" in words


def test_kept_attempts_say_when_eset_could_not_be_asked() -> None:
    words = fits(page(Found([]), 0, History(None, "ESET could not be reached.")))
    assert "kept, none yet · ⚠️ ESET could not be reached. What is newest may be missing." in words


def test_a_question_that_kept_attempts_cannot_answer_says_who_can() -> None:
    asking = Recent("all", "", "SCHEDULED", timedelta(days=30))
    kept, listed = (
        fits(recent.page(Found([]), asking, 0, view_id="view1", taken_at=NOW, history=history))
        for history in (History(None), None)
    )
    words = "Beyond 7 days only finished attempts are kept; `since:7d` asks ESET, which lists the others as well."
    assert words in kept
    assert words not in listed


# ---------------------------------------------------------------- what buttons remember


def test_what_was_asked_is_remembered_and_turned_by_buttons() -> None:
    known = Recent("failed", "zip", "FAILED_DOWNLOAD_ERROR", timedelta(days=30))
    kept = asked.pack(known, 3)
    assert asked.unpack(kept) == known
    assert asked.turned(kept, "page.next") == (known, 4)
    assert asked.turned(kept, "page.back") == (known, 2)
    assert asked.turned(asked.pack(known, 0), "page.back") == (known, 0)
    assert asked.turned(kept, "filter.ok") == (Recent("ok", "zip", "", timedelta(days=30)), 0)
    assert asked.turned(kept, "filter.apps") == (Recent("failed", "zip", "", timedelta(days=30)), 0)
    assert asked.turned(kept, "filter.whatever")[0].mode == "all"


def test_an_attempt_that_ends_ahead_of_the_clock_is_in_the_last_bar() -> None:
    ahead = Attempt(display_name="Zoom", raw_status=FAILED, period=Period(None, "2026-11-20T09:00:00Z"))
    (one,) = recent.tally([ahead], Recent(), NOW)
    assert one.failures[-1] == 1
