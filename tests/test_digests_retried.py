"""What a digest says of retries that have ended: counted, named, linked, in one line."""

from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks.digest import named_requests, render
from bot.digests import Digest, DigestPlan, Due, Retried, build, retried
from bot.model import Attempt, Fate

SLOT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PLAN = DigestPlan("daily", "C0NEWS", "0 9 * * *", "Europe/Berlin")
MOST = 3000  # characters of a section


def digest(told: Retried | None = None, seen: tuple[Attempt, ...] = ()) -> Digest:
    return build("daily", seen, Due(SLOT, 0, late=False), since=SLOT - timedelta(days=1), retried=told)


def line(told: Retried, links: dict[int, str] | None = None) -> str:
    sections = [block["text"]["text"] for block in render(digest(told), PLAN, (), links).blocks if "text" in block]
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
    message = render(digest(Retried(((5, 2),))), PLAN)
    assert "No patching attempts" in str(message.blocks)
    assert message.text == "daily: nothing was patched. 🔁 *2 patches recovered after a retry* (#5)."
    assert render(digest(), PLAN) == render(digest(Retried()), PLAN)


def test_the_five_newest_requests_are_named_and_the_others_counted() -> None:
    told = Retried(tuple((number, 1) for number in range(1, 9)))
    assert "*8 patches recovered after a retry* (#4, #5, #6, #7, #8 and 3 more requests)" in line(told)
    assert named_requests(digest(told)) == (4, 5, 6, 7, 8)


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
    assert len(named_requests(digest(told))) <= 10
    assert msgspec.json.encode(render(digest(told), PLAN, (), links).blocks)
