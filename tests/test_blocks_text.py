"""Text from outside on screen: it can neither mention, nor break out, nor be too long."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import commands
from bot.blocks import text
from bot.model import Outcome, State

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=300)
ENTITY = re.compile("&(?!amp;|lt;|gt;)")


@given(ANYTHING)
def test_escaped_text_holds_no_markup(raw: str) -> None:
    safe = text.escape(raw)
    assert not set("<>") & set(safe)
    assert not ENTITY.search(safe)
    safe.encode()


@given(st.text("&<>a\u05d0 b", max_size=60), st.integers(12, 40))
def test_a_name_keeps_its_limit_and_its_entities_whole(raw: str, limit: int) -> None:
    safe = text.name(raw, limit)
    assert len(safe) <= limit
    assert not ENTITY.search(safe)
    assert safe.count("\u2068") == safe.count("\u2069")


@given(st.text("a&<` \n", max_size=80), st.integers(12, 60))
def test_safe_markup_is_cut_without_tearing_it(raw: str, limit: int) -> None:
    fitted = text.fit(f"<@U0ANN> {text.escape(raw)} <@U0BOB>", limit)
    assert len(fitted) <= limit
    assert not re.search("[<>]", re.sub("<@U0(ANN|BOB)>", "", fitted))
    assert not ENTITY.search(fitted)


def test_a_cut_name_says_so() -> None:
    assert text.name("Adobe & Reader", 12) == "Adobe…"
    assert text.name("x" * 300, 20) == "x" * 17 + "…"
    assert text.cut("abcdef", 4) == "abc…"


@given(ANYTHING)
def test_a_name_is_one_line_and_code_has_no_way_out(raw: str) -> None:
    assert "\n" not in text.name(raw)
    assert text.code(raw)[1:-1].count("`") == 0


def test_right_to_left_text_cannot_reorder_what_follows() -> None:
    assert text.escape("שלום") == "\u2068שלום\u2069"
    assert text.escape("evil\u202egnp.exe") == "evilgnp.exe"


def test_escaping_twice_shows_the_entity() -> None:
    assert text.escape(text.escape("&")) == "&amp;amp;"


def test_a_time_is_a_date_token_with_utc_for_the_rest() -> None:
    moment = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert text.when(moment) == "<!date^1795338000^{date_short_pretty} {time}|2026-11-22 09:00 UTC>"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (timedelta(days=7), "7 days"),
        (timedelta(hours=25), "25 hours"),
        (timedelta(minutes=90), "90 minutes"),
        (timedelta(seconds=1), "1 second"),
    ],
)
def test_a_span_is_told_in_the_largest_unit(length: timedelta, words: str) -> None:
    assert text.span(length) == words


@pytest.mark.parametrize(
    ("who", "shown"),
    [("U0ANN", "<@U0ANN>"), ("S0TEAM", "<!subteam^S0TEAM>"), ("U0<!here>", "U0&lt;!here&gt;"), ("bob", "bob")],
)
def test_only_ids_become_mentions(who: str, shown: str) -> None:
    assert text.mention(who) == shown


def test_every_status_a_person_can_filter_by_has_words() -> None:
    assert set(text.STATUS) == set(commands.STATUSES)
    for words in text.STATUS.values():
        assert words.words
        assert words.emoji


def test_an_unknown_status_is_made_readable() -> None:
    words = text.outcome_words("FAILED_MOON_<PHASE>")
    assert str(words) == "❌ Failed moon &lt;phase&gt;"
    assert "does not know" in words.hint
    assert str(text.outcome_words("OK_FINE")) == "✅ Ok fine"


def test_every_state_of_a_request_has_words() -> None:
    assert all(text.state_words(state).words for state in State)
    assert {words.emoji for status, words in text.STATUS.items() if status.startswith("FAILED")} == {"❌"}
    assert set(Outcome) == {Outcome.FAILED, Outcome.OK, Outcome.OTHER}
