"""Slack's markup as a terminal shows it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import text
from bot.flows import terminal
from bot.model import Message


@pytest.mark.parametrize(
    ("mrkdwn", "shown"),
    [
        ("due <!date^1772452800^{date_short_pretty} {time}|2026-03-02 12:00 UTC>.", "due 2026-03-02 12:00 UTC."),
        ("<@U0ANN>, <!subteam^S0PATCHTEAM> in <#C0NEWS>, <!here>", "@U0ANN, @S0PATCHTEAM in #C0NEWS, @here"),
        ("<https://example.com/a?b=1|this card>", "this card (https://example.com/a?b=1)"),
        ("*3 failures* of 5 `FAILED_DOWNLOAD_ERROR`", "3 failures of 5 FAILED_DOWNLOAD_ERROR"),
        ("`*not bold*` and 2*3*4", "*not bold* and 2*3*4"),
        ("M&amp;M &lt;@U0ANN&gt; &amp;lt;", "M&M <@U0ANN> &lt;"),
    ],
)
def test_markup_becomes_plain_words(mrkdwn: str, shown: str) -> None:
    assert terminal.words(mrkdwn) == shown


def test_blocks_become_paragraphs_and_buttons_stand_in_brackets() -> None:
    blocks = [
        text.header("daily: 3 failures <&>"),
        text.section("*7-Zip*\n❌ Download failed", text.button("Retry…", "digest.retry.0", "x")),
        text.context("Source: ESET", "next <!date^0^x|tomorrow>"),
    ]
    shown = terminal.plain(text.message("fallback", blocks))
    assert shown == "daily: 3 failures <&>\n\n7-Zip\n❌ Download failed\n[Retry…]\n\nSource: ESET\nnext tomorrow"


def test_without_blocks_the_text_is_shown() -> None:
    assert terminal.plain(Message("Posted *daily*.")) == "Posted daily."


@given(st.text(st.characters(exclude_characters="*`")))
def test_a_name_from_outside_is_shown_as_it_is_and_cannot_steer_the_terminal(name: str) -> None:
    assert terminal.words(text.escape(name)) == text.clean(name)
    assert not set(terminal.line(name)) & {"\x1b", "\x9b", "\n", "\r"}
