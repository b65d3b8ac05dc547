"""Silences decided: what is typed, which failures fall under one, what a form asks for."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks.silences import About
from bot.commands import SilenceApplication, SilenceEnd, SilenceList, doubt, parse, unseen
from bot.digests.silencing import Silencer
from bot.errors import Refused
from bot.flows.silences import offered, wished
from bot.model import Silence

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
DOWNLOAD, PREPARE = "FAILED_DOWNLOAD_ERROR", "FAILED_PREPARE_ERROR"


def silence(number: int = 1, application: str = "7-Zip", until: datetime = NOW + DAY, **more: Any) -> Silence:
    return Silence(number, application, until, "U0ANN", NOW - DAY, **more)


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        parse(text)
    assert "Nothing was done" in caught.value.sentence
    return caught.value.sentence


# ---------------------------------------------------------------- typed


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("silence 7-Zip 7d", SilenceApplication("7-Zip", WEEK)),
        ("Silence 7-Zip, 1H", SilenceApplication("7-Zip", timedelta(hours=1))),
        ("silence app:7-Zip 400d", SilenceApplication("7-Zip", timedelta(days=400))),
        ("silence “Adobe  Reader” 7d", SilenceApplication("Adobe Reader", WEEK)),
        ('silence app:"Adobe Reader" 90m', SilenceApplication("Adobe Reader", timedelta(minutes=90))),
        ("silence <http://draw.io|draw.io> 7d", SilenceApplication("draw.io", WEEK)),
        (
            "silence Notepad++* 7d  new one\non Friday ",
            SilenceApplication("Notepad++*", WEEK, why="new one\non Friday"),
        ),
        (
            'silence 7-Zip status:failed-download-error 7d client:"Contoso Ltd" known',
            SilenceApplication("7-Zip", WEEK, DOWNLOAD, "Contoso Ltd", why="known"),
        ),
        ("silence 7-Zip 7d version:24.09", SilenceApplication("7-Zip", WEEK, version="24.09")),
        (
            "silence 7-Zip 7d -- client:x is what they say",
            SilenceApplication("7-Zip", WEEK, why="client:x is what they say"),
        ),
        ("silence 7-Zip 7d — 2 days would do", SilenceApplication("7-Zip", WEEK, why="2 days would do")),
        (
            "silence 7-Zip 7d ticket:4711 see https://x.example",
            SilenceApplication("7-Zip", WEEK, why="ticket:4711 see https://x.example"),
        ),
        ("silence * 1d client:Contoso", SilenceApplication("*", DAY, client="Contoso")),
        ("silence 7-Zip 1d status:FAILED_BY_MAGIC", SilenceApplication("7-Zip", DAY, "FAILED_BY_MAGIC")),
        ("silences", SilenceList()),
        ("unsilence 3", SilenceEnd(3)),
        ("unsilence #3,", SilenceEnd(3)),
    ],
)
def test_a_silence_is_read_as_meant(text: str, wish: object) -> None:
    assert parse(text) == wish


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("silence", "The application is missing"),
        ("silence 7-Zip", "How long is missing"),
        ("silence 7-Zip soon", "`soon` is no length"),
        ("silence Adobe Reader 7d", '`/patches silence "Adobe Reader" 7d`'),
        ("silence “Adobe Reader 7d", "is never closed"),
        ("silence 7-Zip 59m", "lasts from `1h` to `400d`"),
        ("silence 7-Zip 401d", "lasts from `1h` to `400d`"),
        ("silence 7-Zip 999999d", "lasts from `1h` to `400d`"),
        ("silence * 7d", "everything out of every digest"),
        ("silence * 7d client:*", "everything out of every digest"),
        ("silence 7-Zip 7d clinet:Contoso", "Did you mean `client:`?"),
        ("silence 7-Zip 7d client:", "needs a value right behind the colon"),
        ("silence 7-Zip client:a 7d client:b", "`client:` is given twice"),
        ("silence 7-Zip 7d known there client:Contoso", "`client:` stands before the reason"),
        ("silence 7-Zip 7d status:download_error", "Did you mean `status:FAILED_DOWNLOAD_ERROR`?"),
        ("silence 7-Zip 7d status:OK_INSTALLED", "is not a failure that ESET tells"),
        ("silence 7-Zip 7d status:FAILED_*", "`FAILED_*` is not a failure that ESET tells"),
        ("silence 7-Zip 7d status:*", "is not a failure that ESET tells"),
        ("silence ＊ 7d client:＊", "everything out of every digest"),
        (f"silence {'x' * 1001} 7d", "is longer than any name"),
        ("silences all", "`silences` stands alone"),
        ("unsilence", "The silence's number is missing"),
        ("unsilence 7-Zip", "`7-Zip` is no silence's number"),
        ("unsilence 3 4", "`3 4` is no silence's number"),
        ("unsilense 3", "Did you mean `/patches unsilence`?"),
    ],
)
def test_what_is_not_understood_silences_nothing(text: str, said: str) -> None:
    assert said in refusal(text)


@given(st.text(max_size=80))
def test_every_text_gives_a_silence_or_is_refused(text: str) -> None:
    for verb in ("silence", "silences", "unsilence"):
        with contextlib.suppress(Refused):
            assert isinstance(parse(f"{verb} {text}"), SilenceApplication | SilenceList | SilenceEnd)


KNOWN = ["Adobe Acrobat Reader", "Adobe Photoshop", "Google Chrome", "7-Zip"]


@pytest.mark.parametrize("wanted", ["7-zip", "ADOBE*", "*chrome*", ""])
def test_a_name_that_fits_is_not_doubted(wanted: str) -> None:
    assert doubt("application", wanted, KNOWN) == ""


def test_a_mistyped_name_is_refused_with_the_nearest() -> None:
    for wanted, meant in {"Gogle Chrome": "`Google Chrome`", "Reader": "`Adobe Acrobat Reader`"}.items():
        with pytest.raises(Refused, match="Nothing was done") as caught:
            doubt("application", wanted, KNOWN)
        assert meant in caught.value.sentence
        assert f"`{wanted}*`" in caught.value.sentence


def test_part_of_a_name_is_answered_with_the_glob_for_all_that_have_it() -> None:
    with pytest.raises(Refused) as caught:
        doubt("application", "adobe", KNOWN)
    assert "or `*adobe*` (2 applications with that in the name)?" in caught.value.sentence


def test_a_name_with_an_asterisk_is_offered_so_that_it_means_itself() -> None:
    with pytest.raises(Refused, match=r"Did you mean `Q\\\*bert`"):
        doubt("application", "Q bert", ["Q*bert"])


@pytest.mark.parametrize(
    ("narrowed", "said"),
    [
        ({"reason": DOWNLOAD, "version": "24.09"}, ""),
        ({}, ""),
        ({"reason": "FAILED_TYPO"}, "As far as is known it never failed with `FAILED_TYPO`."),
        ({"version": "99"}, "never failed on its way to version `99`."),
        ({"reason": PREPARE, "version": "99"}, f"with `{PREPARE}` or on its way to version `99`."),
    ],
)
def test_a_status_or_version_that_was_never_seen_is_doubted(narrowed: dict[str, str], said: str) -> None:
    doubted = unseen(SilenceApplication("7-Zip", WEEK, **narrowed), {(DOWNLOAD, "24.09"), ("FAILED_X", "24.10")})
    assert doubted.endswith(said)
    assert bool(doubted) is bool(said)


def test_a_name_like_no_other_is_doubted_and_nothing_is_as_long_as_nothing_is_known() -> None:
    assert "No application that is known so far is called `Zoom`" in doubt("application", "Zoom", KNOWN)
    assert "is called `Gogle*`" in doubt("application", "Gogle*", KNOWN)
    assert doubt("application", "Zoom", []) == ""


# ---------------------------------------------------------------- which failures


@pytest.mark.parametrize(
    ("narrowed", "failure", "falls"),
    [
        ({}, ("7-Zip", DOWNLOAD, "Contoso", "24.09"), True),
        ({}, ("7-ZIP", DOWNLOAD, "", ""), True),
        ({}, ("7-Zip 24", DOWNLOAD, "Contoso", "24.09"), False),
        ({"application": "7-Zip*"}, ("7-Zip 24", DOWNLOAD, "Contoso", "24.09"), True),
        ({"application": "*"}, ("Zoom", DOWNLOAD, "Contoso", "24.09"), True),
        ({"reason": DOWNLOAD}, ("7-Zip", DOWNLOAD, "Contoso", "24.09"), True),
        ({"reason": DOWNLOAD}, ("7-Zip", PREPARE, "Contoso", "24.09"), False),
        ({"client": "contoso*"}, ("7-Zip", DOWNLOAD, "Contoso Ltd", "24.09"), True),
        ({"client": "Contoso"}, ("7-Zip", DOWNLOAD, "Contoso Ltd", "24.09"), False),
        ({"client": "*"}, ("7-Zip", DOWNLOAD, "", "24.09"), False),
        ({"application": r"\*"}, ("*", DOWNLOAD, "Contoso", "24.09"), True),
        ({"application": r"\*"}, ("Zoom", DOWNLOAD, "Contoso", "24.09"), False),
        ({"application": ""}, ("", DOWNLOAD, "Contoso", "24.09"), True),
        ({"application": ""}, ("Zoom", DOWNLOAD, "Contoso", "24.09"), False),
        ({"client": r"Contoso\*"}, ("7-Zip", DOWNLOAD, "Contoso*", "24.09"), True),
        ({"client": r"Contoso\*"}, ("7-Zip", DOWNLOAD, "Contoso Ltd", "24.09"), False),
        ({"version": "24.09"}, ("7-Zip", DOWNLOAD, "Contoso", "24.09"), True),
        ({"version": "24.09"}, ("7-Zip", DOWNLOAD, "Contoso", "24.10"), False),
        ({"version": "24.09", "client": "Contoso", "reason": PREPARE}, ("7-Zip", PREPARE, "contoso", "24.09"), True),
    ],
)
def test_a_failure_falls_under_a_silence_when_all_that_it_names_fits(
    narrowed: dict[str, Any], failure: tuple[str, str, str, str], falls: bool
) -> None:
    assert (Silencer([silence(**narrowed)], NOW).of(*failure) is not None) is falls


def test_a_silence_holds_until_its_end_or_until_somebody_ends_it() -> None:
    failure = ("7-Zip", DOWNLOAD, "", "")
    assert Silencer([silence(until=NOW)], NOW).of(*failure) is None
    assert Silencer([silence(until=NOW)], NOW - timedelta(microseconds=1)).of(*failure) is not None
    assert Silencer([silence(ended_at=NOW, ended_by="U0BOB")], NOW).of(*failure) is None


def test_of_several_the_one_that_lasts_longest_is_told() -> None:
    several = [silence(1), silence(2, until=NOW + WEEK, reason=DOWNLOAD), silence(3)]
    silencer = Silencer(several, NOW)
    found = [silencer.of("7-Zip", status, "", "") for status in (DOWNLOAD, PREPARE)]
    assert [one and one.id for one in found] == [2, 3]


# ---------------------------------------------------------------- what a form asks for

ABOUT = About("7-Zip", "Igor Pavlov", "24.09", (DOWNLOAD, PREPARE), ("Contoso Ltd", "any"))


def test_a_form_narrows_by_what_was_chosen() -> None:
    chosen = {"length": "7d", "reason": "1", "client": "1", "version": "0", "why": " known \n"}
    assert wished(ABOUT, chosen) == SilenceApplication("7-Zip", WEEK, PREPARE, "any", "24.09", "known")
    wide = {"length": "1h", "reason": "any", "client": "any", "version": "any", "why": " \u200b"}
    assert wished(ABOUT, wide) == SilenceApplication("7-Zip", timedelta(hours=1))
    assert wished(About("7-Zip"), {"length": "1d"}) == SilenceApplication("7-Zip", DAY)


@pytest.mark.parametrize("name", ["*", "＊", "", "Q*bert", r"C:\*", "any"])
def test_the_name_that_a_form_is_about_is_no_glob(name: str) -> None:
    wish = wished(About(name), {"length": "7d"})
    made = Silencer([silence(application=wish.application)], NOW)
    assert made.of(name, DOWNLOAD, "", "") is not None
    assert made.of("Zoom", DOWNLOAD, "", "") is None


GROUP: dict[str, Any] = {"application": "7-Zip", "reasons": [DOWNLOAD], "clients": ["Contoso Ltd"]}
TWO: dict[str, Any] = {**GROUP, "reasons": [DOWNLOAD, PREPARE], "clients": ["Contoso Ltd", "Fabrikam*"]}


@pytest.mark.parametrize(
    ("group", "scope", "chosen"),
    [
        (GROUP, {}, ("", "")),
        (GROUP, {"by": "client"}, ("", "Contoso Ltd")),
        (GROUP, {"by": "reason"}, (DOWNLOAD, "")),
        (GROUP, {"clients": ["Cont*"], "reasons": [DOWNLOAD]}, (DOWNLOAD, "Contoso Ltd")),
        (TWO, {"clients": ["*o*"], "reasons": [DOWNLOAD, PREPARE]}, ("", "*o*")),
        (TWO, {"clients": ["Cont*", "Fab*"]}, ("", None)),
        ({**GROUP, "clients": []}, {"by": "client"}, ("", "")),
    ],
)
def test_what_the_digest_is_about_is_chosen_as_the_form_opens(
    group: dict[str, Any], scope: dict[str, Any], chosen: tuple[str, str | None]
) -> None:
    about = offered({**group, "scope": scope})
    assert (about.reason, about.client) == chosen
    assert not about.client or about.client in about.clients


def test_a_form_knows_how_many_failures_each_choice_hides() -> None:
    counts = {"count": 7, "by_reason": {DOWNLOAD: 5, PREPARE: 2}, "by_client": {"Fabrikam*": 1, "Fabrik": 2, "": 4}}
    about = offered({**TWO, "scope": {"clients": ["Fab*"], **counts}})
    assert (about.failures, about.by_reason) == (7, (5, 2))
    assert about.clients == ("Fab*", "Contoso Ltd", r"Fabrikam\*")
    assert about.by_client == (3, 0, 1)


@pytest.mark.parametrize(
    "values", [{"length": "999d"}, {}, {"length": "7d", "client": "2"}, {"length": "7d", "reason": "x"}]
)
def test_values_that_no_form_offered_silence_nothing(values: dict[str, str]) -> None:
    with pytest.raises(Refused, match="too old"):
        wished(ABOUT, values)
