"""The scorer against the labelled table, and what holds for any text."""

import random
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo import catalogue
from bot.matching.products import SURE, Wanted, certainty, matches
from bot.model import Patch, PatchStatus
from tests.matching_table import PAIRS, Pair

WORDS = (
    "java",
    "8",
    "update",
    "441",
    "(x64)",
    "jdk",
    "7-zip",
    ".net",
    "2022",
    "KB5053598",
    "1.2.3",
    "для",
    "<&>",
    "++",
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.sampled_from([text for pair in PAIRS for text in (pair.application, pair.title, pair.product)]),
    st.lists(st.sampled_from(WORDS)).map(" ".join),
)
VERSIONS = st.one_of(
    st.text(max_size=20), st.lists(st.integers(0, 40000), max_size=7).map(lambda x: ".".join(map(str, x)))
)
WANTED = st.builds(Wanted, TEXTS, TEXTS, VERSIONS, VERSIONS)


def patch(title: str, product: str = "", number: int = 1) -> Patch:
    return Patch(number, title, PatchStatus.FAILED, "Failed", product)


PATCHES = st.builds(patch, TEXTS, TEXTS, st.integers(1, 50))


def scored(pair: Pair) -> float:
    wanted = Wanted(pair.application, pair.developer, pair.from_version, pair.to_version)
    return certainty(wanted, patch(pair.title, pair.product))


def judged(pairs: list[Pair], what: str) -> tuple[float, float]:
    """Precision and recall at SURE, told with the misses: seen when the test fails, and with ``pytest -n 0 -s``."""
    scores = [(pair, scored(pair)) for pair in pairs]
    ticked = [pair for pair, score in scores if score >= SURE]
    right, all_same = sum(pair.same for pair in ticked), sum(pair.same for pair in pairs)
    precision, recall = right / len(ticked), right / all_same
    lines = [f"{what}: {len(pairs)} pairs, precision {precision:.3f}, recall {recall:.3f}"]
    for pair, score in scores:
        if pair.same != (score >= SURE):
            lines.append(f"  {'wrongly sure' if score >= SURE else 'missed'} at {score:.2f}: {pair}")
    sys.stdout.write("\n".join(lines) + "\n")
    return precision, recall


def test_sure_is_right_and_most_right_ones_are_sure() -> None:
    judged([pair for pair in PAIRS if not pair.held_out and not pair.later], "developed with")
    judged([pair for pair in PAIRS if pair.held_out and not pair.later], "held out")
    judged([pair for pair in PAIRS if pair.later], "other software")
    precision, recall = judged(list(PAIRS), "all")
    assert precision >= 0.98
    assert recall >= 0.85


def test_the_table_holds_enough_of_both() -> None:
    different = sum(not pair.same for pair in PAIRS)
    assert len(PAIRS) >= 180
    assert 0.4 < different / len(PAIRS) < 0.7
    assert {pair.label for pair in PAIRS} == {"yes", "no", "line"}


def test_another_version_of_the_same_software_comes_before_other_software() -> None:
    lines = [pair for pair in PAIRS if pair.label == "line"]
    for line in lines:
        others = [pair for pair in PAIRS if pair.application == line.application and pair.label == "no"]
        assert all(scored(line) > scored(other) for other in others), line


@pytest.mark.parametrize("application", catalogue.APPLICATIONS, ids=lambda one: one.name)
def test_the_demo_s_applications_find_their_own_patch_among_all(application: catalogue.Application) -> None:
    patches = [
        patch(f"{one.product} {one.newest}", one.product, 10 + at) for at, one in enumerate(catalogue.APPLICATIONS)
    ]
    updates = (
        catalogue.CUMULATIVE_CLIENT,
        catalogue.CUMULATIVE_SERVER,
        catalogue.MALICIOUS_SOFTWARE,
        catalogue.DOT_NET,
    )
    patches += [patch(one.title, one.product, 90 + at) for at, one in enumerate(updates)]
    wanted = Wanted(application.name, application.developer, application.versions[0], application.newest)
    found = matches(wanted, patches)
    assert [match.patch.product for match in found if match.sure] == [application.product]
    assert all(match.certainty == 0 for match in found if match.patch.id >= 90)


def test_a_reader_is_not_an_acrobat() -> None:
    reader = patch("Adobe Reader DC (64-bit) (x64) 25.1.20432", "Adobe Reader DC (64-bit)")
    assert certainty(Wanted("Adobe Acrobat", "Adobe Inc.", "", "25.001.20432"), reader) < SURE
    assert certainty(Wanted("Adobe Acrobat Reader", "Adobe Inc.", "", "25.001.20432"), reader) >= SURE


def test_another_architecture_is_never_sure_and_less_certain() -> None:
    wanted = Wanted("7-Zip 23.01 (x64)", "Igor Pavlov", "23.01", "24.09")
    same, other = patch("7-Zip (x64) 24.09", "7-Zip (x64)"), patch("7-Zip (x86) 24.09", "7-Zip (x86)")
    assert certainty(wanted, other) < SURE <= certainty(wanted, same)


def test_a_windows_update_is_never_an_application() -> None:
    wanted = Wanted("Microsoft .NET Framework 4.8.1", "Microsoft Corporation", "4.8", "4.8.1")
    for title, product in (
        ("Microsoft .NET Framework 4.8.1 (KB5011048)", ".NET Framework"),
        ("Microsoft .NET Framework 4.8.1", "Windows 11"),
        ("Security Update for Microsoft .NET Framework 4.8.1", ".NET Framework"),
    ):
        assert certainty(wanted, patch(title, product)) == 0


def test_a_name_that_says_nothing_is_not_sure_without_a_version() -> None:
    assert certainty(Wanted("PDF Reader"), patch("PDF Reader")) < SURE
    assert certainty(Wanted("PDF Reader", "", "", "1.2.3"), patch("PDF Reader 1.2.3")) >= SURE
    assert certainty(Wanted("Foxit PDF Reader", "Foxit"), patch("Adobe PDF Reader")) < SURE


@pytest.mark.parametrize(
    "title", ["Приложение № 100", "??????? ? 100 ???", "??????? ? 99 ???", "??? Google Chrome 134.0.6998.89"]
)
def test_a_title_in_letters_that_were_lost_is_other_software(title: str) -> None:
    """N-sight's XML has no Cyrillic: where a letter cannot be written, a question mark is all that arrives."""
    assert certainty(Wanted("Google Chrome", "Google LLC", "", "134.0.6998.89"), patch(title, "Google Chrome")) < SURE
    assert certainty(Wanted("Google Chrome", "Google LLC"), patch(title, "Google Chrome")) < SURE
    assert "?" not in title or certainty(Wanted(title, "", "", "134.0.6998.89"), patch(title, title)) < SURE


def test_a_lone_number_of_three_digits_is_a_version_of_what_has_come_so_far() -> None:
    chrome, notepad = Wanted("Google Chrome", "", "", "134.0.6998.89"), Wanted("Notepad++", "", "", "8.7.8")
    assert certainty(chrome, patch("Google Chrome 133")) < SURE <= certainty(chrome, patch("Google Chrome 134"))
    assert certainty(notepad, patch("Notepad++ 878")) >= SURE


def test_without_a_version_one_of_many_javas_is_not_sure() -> None:
    assert certainty(Wanted("Java", "Oracle"), patch("Java Runtime Environment 17 17.0.14")) < SURE
    assert certainty(Wanted("Java 8", "Oracle", "", "8.0.4410.7"), patch("Java Runtime Environment")) < SURE
    assert certainty(Wanted("Java 8", "Oracle"), patch("Java Runtime Environment 8 8.0.4410.7")) >= SURE
    assert certainty(Wanted("Java", "Oracle", "8.0.4310.10"), patch("Java 8 Update 441")) >= SURE
    assert certainty(Wanted("Java", "Oracle", "8.0.4310.10"), patch("Java 17.0.14")) < SURE


def test_best_come_first_and_those_alike_by_id() -> None:
    chrome = [patch("Google Chrome 134.0.6998.89", "Google Chrome", number) for number in (7, 3, 5)]
    found = matches(Wanted("Google Chrome", "Google LLC"), [patch("VLC 3", "VLC", 1), *chrome])
    assert [match.patch.id for match in found] == [3, 5, 7, 1]
    assert [match.sure for match in found] == [True, True, True, False]


@pytest.mark.parametrize(
    "text", ["", " ", "x" * 300, "ж" * 300, "企业微信 " * 60, "<!channel> & *_`~", "\ud800", "()", "1.2.3"]
)
def test_odd_text_neither_breaks_anything_nor_is_evidence(text: str) -> None:
    chrome = patch("Google Chrome 134.0.6998.89", "Google Chrome")
    assert certainty(Wanted(text, text, text, text), chrome) < SURE
    assert certainty(Wanted("Google Chrome", "Google LLC", "", "134.0.6998.89"), patch(text, text)) < SURE


@given(WANTED, st.lists(PATCHES, max_size=8), st.randoms(use_true_random=False))
def test_certainties_are_shares_and_the_order_given_does_not_matter(
    wanted: Wanted, patches: list[Patch], dice: random.Random
) -> None:
    found = matches(wanted, patches)
    assert all(0 <= match.certainty <= 1 and match.sure == (match.certainty >= SURE) for match in found)
    assert [match.certainty for match in found] == [certainty(wanted, match.patch) for match in found]
    shuffled = dice.sample(patches, len(patches))
    assert sorted(map(repr, matches(wanted, shuffled))) == sorted(map(repr, found))
    assert [match.certainty for match in matches(wanted, shuffled)] == [match.certainty for match in found]


@given(TEXTS, VERSIONS)
def test_what_a_title_adds_to_its_product_reads_like_the_whole_title(product: str, version: str) -> None:
    """The short way of reading "product (x64) version" gives what reading it all would."""
    wanted = Wanted(product, "", "", version)
    short, whole = patch(f"{product} (x64) {version}", product), patch(f"{product} (x64) {version}", "")
    assert certainty(wanted, short) == pytest.approx(certainty(wanted, whole), abs=0.031)


def test_two_thousand_patches_are_scored_within_a_tenth_of_a_second() -> None:
    """Generous: tests/bench/matching.py has the figure."""
    some = [patch(f"{pair.title} {number}", pair.product, number) for number, pair in enumerate(PAIRS * 5)][:2000]
    started = time.process_time()
    matches(Wanted("Google Chrome", "Google LLC", "132.0.6834.160", "134.0.6998.89"), some)
    assert time.process_time() - started < 0.1
