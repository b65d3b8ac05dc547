"""What a digest says of retries that have ended: counted, named, linked, in one line."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks.digest import named_requests, render
from bot.digests import Retried, retried
from bot.model import Fate
from tests.sample_digests import PLAN, digest, new, recovered

MOST = 3000  # characters of a section


def line(told: Retried, links: dict[int, str] | None = None) -> str:
    message = render(digest(retried=told), PLAN, (), links)
    sections = [block["text"]["text"] for block in message.blocks if "text" in block]
    return next((text for text in sections if text.startswith("🔁")), "")


def test_installed_and_waiting_for_a_restart_are_recovered_and_failed_again_is_not() -> None:
    ended = [
        (7, Fate.RESTART, 2),
        (5, Fate.INSTALLED, 3),
        (7, Fate.INSTALLED, 1),
        (7, Fate.FAILED_AGAIN, 1),
        (8, Fate.STILL_FAILED, 9),
        (8, Fate.GONE, 9),
    ]
    assert retried(ended) == Retried(((5, 3), (7, 3)), ((7, 1),))
    assert retried([]) == Retried()


def test_one_line_counts_the_patches_and_names_the_requests() -> None:
    told = Retried(((5, 2), (7, 1)), ((6, 1),))
    assert line(told) == "🔁 *3 patches recovered after a retry* (#5, #7) · 1 patch failed again after a retry (#6)."
    assert line(Retried(((5, 1),))) == "🔁 *1 patch recovered after a retry* (#5)."
    assert line(Retried((), ((6, 2),))) == "🔁 2 patches failed again after a retry (#6)."
    assert line(Retried()) == ""


def test_it_is_told_also_when_nothing_failed_and_in_the_notification() -> None:
    message = render(digest(ok=0, other=0, retried=Retried(((5, 2),))), PLAN)
    assert "no patching attempts" in str(message.blocks)
    assert message.text == "All good. Digest daily: no patching attempts. 2 patches recovered after a retry."
    assert render(digest([new(1)]), PLAN) == render(digest([new(1)], retried=Retried()), PLAN)


def test_what_failed_again_after_a_retry_needs_action() -> None:
    message = render(digest(retried=Retried((), ((6, 1),))), PLAN)
    assert message.blocks[0]["text"]["text"] == "🔴 Action needed: 1 patch failed again after a retry"


def test_the_five_newest_requests_are_named_and_the_others_counted() -> None:
    told = Retried(tuple((number, 1) for number in range(1, 9)))
    assert "*8 patches recovered after a retry* (#4, #5, #6, #7, #8 and 3 more requests)" in line(told)
    assert named_requests(digest(retried=told)) == (4, 5, 6, 7, 8)


def test_of_six_requests_the_sixth_is_named_too() -> None:
    told = Retried(tuple((number, 1) for number in range(1, 7)))
    assert "(#1, #2, #3, #4, #5, #6)" in line(told)
    assert named_requests(digest(retried=told)) == (1, 2, 3, 4, 5, 6)


def test_a_recovery_is_told_once_in_a_notification() -> None:
    told = render(digest([recovered(1, retried=5)], retried=Retried(((5, 1),), ((6, 2),))), PLAN).text
    assert told.count("recovered") + told.count("failed again") == 1


def test_a_number_is_a_link_where_its_address_is_known_and_harmless() -> None:
    told = Retried(((5, 1), (6, 1), (7, 1)))
    links = {5: "https://x.slack.com/archives/C1/p1", 6: "", 7: "https://x|<!channel>"}
    assert "(<https://x.slack.com/archives/C1/p1|#5>, #6, #7)" in line(told, links)


COUNTS = st.lists(st.tuples(st.integers(1, 2**40), st.integers(1, 10**6)), max_size=60).map(tuple)


@given(COUNTS, COUNTS)
def test_whatever_has_ended_the_line_fits(
    recovered: tuple[tuple[int, int], ...], again: tuple[tuple[int, int], ...]
) -> None:
    told = Retried(recovered, again)
    links = {number: "https://example.slack.com/archives/" + "C" * 60 for number, _ in (*recovered, *again)}
    assert len(line(told, links)) < MOST
    assert len(named_requests(digest(retried=told))) <= 12
    assert msgspec.json.encode(render(digest(retried=told), PLAN, (), links).blocks)
