"""The app's Home as a value: within Slack's limits whatever the names, right by Slack's own types; and the ranking."""

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import home, text
from bot.blocks.help import Health
from bot.blocks.home import Asked, Coming, Decision, Decisions, Surroundings
from bot.blocks.request import headline
from bot.demo.slack.limits import home_problems, mentions_everyone
from bot.demo.slack.words import lines
from bot.digests.ranking import Ranked, Ranking, ranking
from bot.model import Device, DeviceKind, Fate, RequestedPatch, RetryRequest, Standing, State, Terms
from tests import sample_requests
from tests.test_blocks_shown import NASTY, NOW

VIEWS = Path(__file__).resolve().parents[2] / "shared" / "reference" / "block-schema" / "view.schema.json"
SERVER = Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
FINE = tuple(Health(service, True) for service in ("Slack", "ESET", "N-sight"))
QUIET = Surroundings(NOW, Ranking(), (), FINE, NOW, NOW)


def request(number: int, *patches: RequestedPatch, words: str = "", **changes: Any) -> RetryRequest:
    """Pending, unless changed."""
    device = replace(SERVER, name=words or f"SRV-{number}", client=words or "Contoso Ltd")
    asked = patches or (RequestedPatch(4, words or "Google Chrome 134", words or "Failed", words or "Failed"),)
    made = replace(sample_requests.pending(), id=number, patches=asked, device=device, reason=words)
    return replace(made, **changes)


def full(words: str, many: int = 100) -> dict[str, Any]:
    """Everything there can be, ``many`` of each."""
    patches = tuple(RequestedPatch(n, words, words, words, Fate.QUEUED) for n in range(many))
    terms = Terms(quorum=3, because=words)
    cards = [[request(n, *patches, words=words) for n in range(3)] for _ in range(many)]
    link = "https://acme-it.slack.com/archives/C0PATCHAPPROVE/p1741768200000100"
    decisions = Decisions([Decision(card, terms, link) for card in cards], many, many, unsure=True)
    states = [replace(cards[0][n % 3], state=state) for n, state in enumerate(State)]
    failing = tuple(range(100_000))
    worst = tuple(Ranked(words, words, 100_000, 100_000, words, NOW, failing, 9, 9) for _ in range(many))
    coming = [Coming(words, words, NOW, NOW) for _ in range(many)]
    health = [Health(words or "N-sight", False, "words " * 50) for _ in range(3)]
    around = Surroundings(NOW, Ranking(worst, many * 1000), coming, health, NOW, NOW, ["token" * 4] * many)
    return home.home(decisions, [Asked(states, link)] * many, around)


def sound(view: dict[str, Any]) -> str:
    """Slack would take it, and it mentions nobody but whom we mention; its words."""
    assert home_problems(view) == []
    assert mentions_everyone({"blocks": view["blocks"]}) == []
    assert len(view["blocks"]) < 100
    assert len(json.dumps(view)) < 100_000
    return "\n".join(lines(view["blocks"], str))


@given(NASTY)
def test_it_keeps_slacks_limits_whatever_comes(words: str) -> None:
    sound(full(words, 20))
    sound(home.closed(Decisions([Decision([request(1, words=words)], Terms(because=words))], 1)))


def test_a_full_page_stays_far_below_the_limits() -> None:
    view = full("<&> " * 60)
    assert len(view["blocks"]) < 60
    assert len(json.dumps(view)) < 80_000


@pytest.mark.skipif(not VIEWS.exists(), reason="Slack's types are not at hand as JSON Schema")
@pytest.mark.parametrize(
    "view", [full("x"), home.closed(Decisions()), home.sentence("no"), home.home(Decisions(), [], QUIET)]
)
def test_it_is_right_by_slacks_own_types(view: dict[str, Any]) -> None:
    jsonschema.Draft7Validator(json.loads(VIEWS.read_text())).validate({"view": view})


def test_a_page_with_nothing_on_it_says_so_section_by_section() -> None:
    words = sound(home.home(Decisions(), [], QUIET))
    for said in ("Nothing waits for you", "You have not asked for a retry yet", "Nothing that is known fails"):
        assert said in words
    assert "No digest is configured" in words
    fresh = sound(home.home(Decisions(), [], Surroundings(NOW, Ranking(), (), FINE)))
    assert "Nothing was collected from ESET yet" in fresh
    assert "ESET's attempts: not collected yet" in fresh
    assert "N-sight's devices: not read yet" in fresh
    assert sound(home.closed(Decisions())).count("\n") == 0


def test_a_digest_that_slack_does_not_take_says_so() -> None:
    coming = [Coming("daily", "C0NEWS", NOW, NOW - timedelta(days=2)), Coming("weekly", "C0NEWS", NOW)]
    words = sound(home.home(Decisions(), [], replace(QUIET, coming=coming)))
    assert "daily in #C0NEWS · ⚠️ could not be posted since 2026-11-18 08:00 UTC: /patches digest list says" in words
    assert words.count("⚠️") == 1


def test_what_does_not_fit_is_counted_and_where_it_is_told() -> None:
    words = sound(full("x"))
    assert "And 92 more: /patches pending lists them." in words
    assert "100 requests with your vote, waiting for others." in words
    assert "Slack cannot tell right now whether you may decide on more" in words
    assert "/patches history has the earlier ones" in words
    assert "And 99,992 more applications" in words
    assert "… and 92 more: /patches digest list" in words


def test_a_count_that_is_not_the_whole_says_so() -> None:
    one = Decision([request(1)], Terms())
    assert "At least 200 requests wait for you" in sound(home.closed(Decisions([one], 200, cut=True)))
    words = sound(home.home(Decisions(cut=True), [], QUIET))
    assert "That is so for the oldest requests: /patches pending lists all." in words


def test_what_is_decided_on_is_all_there_patches_reason_and_how_many_votes() -> None:
    patches = tuple(RequestedPatch(n, f"Patch {n}", "Failed", "Failed") for n in range(7))
    one = request(7, *patches, reason="it is <urgent>")
    words = sound(
        home.home(Decisions([Decision([one], Terms(quorum=2, because="server at Contoso Ltd"))], 1), [], QUIET)
    )
    assert "#7 SRV-7 (Contoso Ltd): asked by @U0BOB" in words
    assert "Patch 4 · seen as Failed" in words
    assert "… and 2 more patches" in words
    assert "> it is <urgent>" in words
    assert "0 of 2 approvals (server at Contoso Ltd) · expires" in words


def deciding(requests: Sequence[RetryRequest], terms: Terms) -> str:
    return sound(home.closed(Decisions([Decision(requests, terms)], 1)))


def test_what_is_decided_on_tells_the_kind_of_device_its_site_and_whether_a_reason_is_asked_for() -> None:
    one, other = request(7), request(8, bulk=7, device=replace(SERVER, kind=DeviceKind.WORKSTATION))
    words = deciding([one], Terms(quorum=2, reason_required=True, because="server at Contoso Ltd"))
    assert "server · site Head Office" in words
    assert "0 of 2 approvals, each with a reason (server at Contoso Ltd)" in words
    assert "0 of 1 approval, with a reason · expires" in deciding([one], Terms(reason_required=True))
    assert "1 server and 1 workstation at Contoso Ltd" in deciding([one, other], Terms())


def test_several_devices_of_one_card_are_counted_by_state_and_fate() -> None:
    done = RequestedPatch(4, "Chrome", "Failed", "Installed", Fate.INSTALLED)
    members = [request(3, done, state=State.FINISHED, bulk=3), request(4, state=State.QUEUED, bulk=3)]
    words = sound(home.home(Decisions(), [Asked(members)], QUIET))
    assert "#3 2 devices: SRV-3 and SRV-4: 2 patches" in words
    assert "finished (1), ⏳ queued in N-sight (1) · 1 of 2 installed" in words


@pytest.mark.parametrize("state", State)
def test_only_what_can_still_be_withdrawn_has_a_button_for_it(state: State) -> None:
    words = sound(home.home(Decisions(), [Asked([request(1, state=state)])], QUIET))
    assert ("[Withdraw]" in words) is (state in {State.PENDING, State.APPROVED})


@pytest.mark.parametrize("state", State)
def test_a_state_has_one_sign_on_its_card_and_in_lists(state: State) -> None:
    assert headline(request(1, state=state))[0] == text.state_words(state).emoji[0]


# ---------------------------------------------------------------- what fails most


def standing(application: str, device: str, **changes: Any) -> Standing:
    since = NOW - timedelta(days=3)
    usual = Standing(
        1,
        "Google LLC",
        application,
        device,
        "FAILED_DOWNLOAD_ERROR",
        "1",
        "2",
        since,
        NOW,
        2,
        0,
        failing=True,
        before=True,
    )
    return replace(usual, **changes)


def test_applications_rank_by_devices_then_by_attempts_and_what_recovered_is_left_out() -> None:
    found = ranking(
        [
            standing("7-Zip", "d1"),
            standing("Chrome", "d1", status="FAILED_PREPARE_ERROR"),
            standing("Chrome", "d2"),
            standing("Chrome", "d3", since=NOW - timedelta(days=9)),
            standing("Zoom", "", tries=40),
            standing("Edge", "d1", failing=False),
        ],
        2,
    )
    assert [(one.application, one.devices, one.unplaced) for one in found.worst] == [("Chrome", 3, 0), ("7-Zip", 1, 0)]
    assert found.total == 3
    assert (found.worst[0].status, found.worst[0].since) == ("FAILED_DOWNLOAD_ERROR", NOW - timedelta(days=9))


def ranked(standings: Sequence[Standing], silenced: Collection[int] = (), **changes: Any) -> str:
    around = replace(QUIET, ranking=ranking(standings, 8, silenced), **changes)
    return sound(home.home(Decisions(), [], around))


def test_an_application_is_told_with_its_reason_its_devices_and_since_when() -> None:
    words = ranked([standing("Chrome", "d1"), standing("Chrome", "", tries=3)])
    assert "Chrome (Google LLC): ❌ Download failed, on 1 device and 3 failed attempts on devices" in words
    assert "that are not known, since 2026-11-17" in words


def test_a_reason_is_told_as_that_of_most_only_when_it_is() -> None:
    two = [standing("Zip", "1"), standing("Zip", "2")]
    assert "mostly ❌ Download failed, on 3" in ranked([*two, standing("Zip", "3", status="X")])
    others = [standing("Zip", str(number), status=f"X{number}") for number in (3, 4)]
    assert "Zip (Google LLC): ❌ Download failed (2 of 4) and other reasons, on 4" in ranked([*two, *others])
    assert "❌ Download failed (1 of 3) and other reasons, on 3" in ranked([two[0], *others])


def test_what_is_silenced_is_marked() -> None:
    both = [standing("Chrome", "d1", subject=1), standing("Chrome", "d2", subject=2)]
    assert "🔕" not in ranked(both)
    assert "on 2 devices, since 2026-11-17 08:00 UTC · 🔕 silenced" in ranked(both, {1, 2, 3})
    assert "· 🔕 1 silenced" in ranked(both, {2})


def test_the_worst_have_a_button_that_leads_to_a_retry_as_far_as_there_are_tokens() -> None:
    found = [standing(name, f"d{number}") for name in "ABCDE" for number in range(9 - ord(name) % 5)]
    words = ranked(found, retries=["t1", "t2", "t3"])
    assert words.count("[Retry…]") == 3
    assert all(f"• {name} (Google" in words for name in "ABCDE")
    assert ranked(found, retries=["t1"]).count("[Retry…]") == 1
    assert "[Retry…]" not in ranked(found)


def test_versions_are_told_on_only_where_all_that_fails_has_the_same() -> None:
    one = standing("Chrome", "d1", from_version="1", to_version="2")
    [same] = ranking([one, replace(one, subject=2, device="d2")], 8).worst
    assert (same.from_version, same.to_version, same.subjects) == ("1", "2", (1, 2))
    [several] = ranking([one, replace(one, subject=2, device="d2", to_version="3")], 8).worst
    assert (several.from_version, several.to_version) == ("1", "")


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["", "d1", "d2"]), st.booleans()), max_size=12))
def test_every_failing_application_is_ranked_once_however_they_come(rows: list[tuple[str, str, bool]]) -> None:
    found = [standing(application, device, failing=failing) for application, device, failing in rows]
    all_of_them = ranking(found, 100)
    assert {one.application for one in all_of_them.worst} == {one.application for one in found if one.failing}
    assert all_of_them.total == len(all_of_them.worst)
    assert ranking(found[::-1], 100) == all_of_them
