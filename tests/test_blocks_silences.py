"""Silences shown: within Slack's limits and with no markup but our own, whatever people and vendors wrote."""

import json
from dataclasses import replace
from datetime import timedelta

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import silences as blocks
from bot.blocks.silences import About, Part
from bot.model import Silence
from tests.test_blocks_shown import NASTY, NOW, fits
from tests.test_forms_shown import VIEWS, sound

DAY = timedelta(days=1)
SAMPLE = Silence(3, "7-Zip", NOW + 7 * DAY, "U0ANN", NOW, "FAILED_DOWNLOAD_ERROR", "Contoso*", "24.09", "known")
PLAIN = Silence(4, "Zoom", NOW + DAY, "U0BOB", NOW)


def test_who_made_one_reads_what_it_is_about_and_how_to_end_it() -> None:
    words = fits(blocks.made(SAMPLE, [PLAIN], ["", "No client is called so."]))
    narrowed = "only Download failed `FAILED_DOWNLOAD_ERROR`, only at `Contoso*`, only version 24.09"
    assert f"*7-Zip* ({narrowed}) stays" in words
    assert "Silence #3 takes the place of #4. ⚠️ No client is called so." in words
    assert "> known" in words
    assert "End now" in words
    assert "`*zip*` stays" in fits(blocks.made(replace(PLAIN, application="*zip*")))
    assert "This is silence #4." in fits(blocks.made(PLAIN))


def test_the_thread_reads_who_made_it() -> None:
    assert "<@U0ANN> keeps *7-Zip*" in fits(blocks.told(SAMPLE))


def test_the_list_names_author_end_and_reason_and_pages() -> None:
    words = fits(blocks.listed(Part([SAMPLE, PLAIN], 0, 2)))
    assert "2 silences, newest first" in words
    assert "#3 *7-Zip*" in words
    assert "by <@U0ANN>" in words
    assert "Older" not in words
    middle = fits(blocks.listed(Part([SAMPLE], 10, 31, "token")))
    assert all(said in middle for said in ("31 silences, newest first: 11", "◀ Newer", "Older ▶"))
    assert "cannot be written" in fits(blocks.listed(Part([SAMPLE], 0, 31)))
    assert "Nothing is kept out of digests." in fits(blocks.listed(Part([], 0, 0)))
    assert "Silence #3 is over" in fits(blocks.listed(Part([], 0, 0), SAMPLE))


@given(st.lists(NASTY, min_size=5, max_size=5))
def test_nasty_names_stay_text_and_a_full_page_fits(nasty: list[str]) -> None:
    application, reason, client, version, why = nasty
    silence = Silence(10**15 - 1, application, NOW, "U0ANN", NOW, reason, client, version, why * 20)
    for message in (blocks.made(silence, [silence] * 20, [why[:50]]), blocks.told(silence), blocks.ended(silence)):
        assert message.blocks
    fits(blocks.told(silence))
    fits(blocks.ended(silence))
    page = [replace(silence, id=silence.id - place) for place in range(blocks.ROWS)]
    fits(blocks.listed(Part(page, 10, 999, "t" * 22), silence))


@given(NASTY, NASTY, NASTY, st.lists(NASTY, max_size=120), st.lists(NASTY, max_size=120))
def test_a_form_fits_whatever_the_names(
    application: str, developer: str, version: str, reasons: list[str], clients: list[str]
) -> None:
    sound(blocks.form(About(application, developer, version, tuple(reasons), tuple(clients)), "t" * 22))


ARCHIVER = About("7-Zip", "Igor Pavlov", "24.09", ("FAILED_DOWNLOAD_ERROR",), ("Contoso Ltd",))


@pytest.mark.skipif(not VIEWS.is_file(), reason="Slack's types are not at hand as JSON Schema")
def test_a_form_is_right_by_slacks_own_types() -> None:
    view = blocks.form(ARCHIVER, "token")
    jsonschema.Draft7Validator(json.loads(VIEWS.read_text())).validate({"view": view})


def test_a_form_offers_only_what_can_be_narrowed() -> None:
    view = blocks.form(ARCHIVER, "token")
    assert [block.get("block_id") for block in view["blocks"][1:]] == ["length", "reason", "client", "version", "why"]
    assert "hides" not in json.dumps(view)
    bare = blocks.form(About("7-Zip"), "token")
    assert [block.get("block_id") for block in bare["blocks"][1:]] == ["length", "why"]
    many = blocks.form(About("7-Zip", clients=tuple(f"Client {number}" for number in range(200))), "token")
    assert "The first 99 of 200" in json.dumps(many)


def test_a_form_opens_with_what_is_chosen_and_says_how_many_failures_each_choice_hides() -> None:
    two, clients = ("FAILED_DOWNLOAD_ERROR", "FAILED_PREPARE_ERROR"), ("Contoso Ltd", "Fabrikam")
    about = About("7-Zip", reasons=two, clients=clients, reason=two[1], failures=7, by_reason=(5, 2))
    view = blocks.form(about, "token")
    assert "hides 7 failures of this digest" in view["blocks"][0]["text"]["text"]
    why, where = (block["element"] for block in view["blocks"][2:4])
    assert [option["text"]["text"][-4:] for option in why["options"][1:]] == [" (5)", " (2)"]
    assert (why["initial_option"]["value"], where["initial_option"]["value"]) == ("1", "any")
    open_ = blocks.form(replace(about, client=None), "token")
    assert "initial_option" not in open_["blocks"][3]["element"]
