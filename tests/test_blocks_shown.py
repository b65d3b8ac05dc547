"""Recent lists, digests, devices and the short answers: what they say, and that Slack takes them."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import device as device_blocks
from bot.blocks import help as help_blocks
from bot.blocks import plans as plan_blocks
from bot.blocks import recent, text
from bot.blocks import requests as request_lists
from bot.blocks.help import Health
from bot.blocks.plans import Coming
from bot.blocks.requests import Line, Part
from bot.commands import FORMS, Mode, Recent
from bot.demo.slack.limits import message_problems
from bot.digests import DigestPlan
from bot.model import (
    Attempt,
    Device,
    DeviceKind,
    Fate,
    Message,
    Patch,
    PatchStatus,
    Period,
    RequestedPatch,
    RetryRequest,
    State,
    Terms,
    Version,
    Vote,
)
from tests.examples import examples

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=40)
NASTY = st.one_of(ANYTHING, st.sampled_from(["<!channel>", "<@U0BOB>", "&" * 300, "x" * 300, "<" * 300, "א" * 300, ""]))
OURS = re.compile(r"<(@[UW]\w+|!subteam\^S\w+|#[CG]\w+|!date\^\d+\^[^<>|]+\|[^<>|]+|https://[^<>|]+\|[^<>|]+)>")


# ---------------------------------------------------------------- Slack's limits, walked independently


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a payload."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from nodes(child)


def fits(message: Message) -> str:
    """Assert Slack's limits (docs.slack.dev, Block Kit reference) and that only our own markup is live; the words."""
    assert 0 < len(message.text) <= 4000
    assert 0 < len(message.blocks) < 50
    assert len(json.dumps(message.blocks, ensure_ascii=False)) < 10_000
    words = []
    for node in nodes(message.blocks):
        match node["type"]:
            case "plain_text" | "mrkdwn" as kind:
                words.append(node["text"])
                assert 0 < len(node["text"]) <= 3000
                if kind == "mrkdwn":
                    assert not re.search("[<>]", OURS.sub("", re.sub("^> ", "", node["text"], flags=re.MULTILINE)))
                    assert node["verbatim"] is True
            case "header":
                assert len(node["text"]["text"]) <= 150
            case "context":
                assert 1 <= len(node["elements"]) <= 10
            case "actions":
                assert 1 <= len(node["elements"]) <= 25
            case "button":
                assert len(node["text"]["text"]) <= 75
                assert 0 < len(node["value"]) <= 64
            case kind:
                assert kind == "section"
    action_ids = [node["action_id"] for node in nodes(message.blocks) if "action_id" in node]
    assert len(action_ids) == len(set(action_ids))
    assert not re.search("[<>]", OURS.sub("", message.text))
    return "\n".join(words)


def buttons(message: Message) -> dict[str, str]:
    """action_id → value."""
    return {node["action_id"]: node["value"] for node in nodes(message.blocks) if node["type"] == "button"}


# ---------------------------------------------------------------- recent

PREFIX = "APPLICATION_PATCHING_STATUS_"
STATUSES = st.one_of(
    ANYTHING, st.sampled_from(["FAILED_<&>", "PATCHING_STATUS_FAILED_DOWNLOAD_ERROR", "FAILED_" + "&" * 300])
)
ATTEMPTS = st.builds(
    Attempt,
    developer_name=NASTY,
    display_name=NASTY,
    patched=st.builds(Version, name=NASTY),
    unpatched=st.builds(Version, name=NASTY),
    raw_status=STATUSES,
    period=st.builds(Period, st.none(), st.sampled_from(["2026-11-19T10:00:00Z", "soon", None])),
)


def attempt(
    status: str, hours: float | None = 1, application: str = "7-Zip", developer: str = "Igor Pavlov"
) -> Attempt:
    ended = f"{NOW - timedelta(hours=hours):%Y-%m-%dT%H:%M:%SZ}" if hours is not None else None
    before, after = Version(name="24.08"), Version(name="24.09")
    return Attempt("uuid", developer, application, after, PREFIX + status, Period(None, ended), before)


FAILED, OK, OTHER = "FAILED_DOWNLOAD_ERROR", "OK_INSTALLED", "NOT_APPLICABLE"


def test_recent_selects_by_class_and_counts_every_class() -> None:
    seen = [attempt(FAILED), attempt(OK), attempt(OTHER), attempt(OK)]
    found = recent.select(seen, Recent("ok"), NOW)
    assert [one.status for one in found.rows] == [OK, OK]
    assert (found.failed, found.ok, found.other) == (1, 2, 1)
    assert len(recent.select(seen, Recent("all"), NOW).rows) == 4


def test_recent_shows_the_newest_first_and_the_timeless_last() -> None:
    seen = [attempt(FAILED, 3), attempt(FAILED, None), attempt(FAILED, 1), attempt(FAILED, 2)]
    rows = recent.select(seen, Recent(), NOW).rows
    assert rows == [seen[2], seen[3], seen[0], seen[1]]


def test_recent_leaves_out_what_is_older_than_asked() -> None:
    seen = [attempt(FAILED, 23), attempt(FAILED, 25)]
    assert recent.select(seen, Recent(since=timedelta(hours=24)), NOW).rows == seen[:1]


@pytest.mark.parametrize(("app", "count"), [("zip", 1), ("ADOBE", 2), ("reader", 1), ("x", 0)])
def test_recent_finds_part_of_an_application_or_developer(app: str, count: int) -> None:
    seen = [attempt(FAILED), attempt(FAILED, 1, "Reader DC", "Adobe"), attempt(FAILED, 1, "Adobe AIR", "Harman")]
    assert len(recent.select(seen, Recent(app=app), NOW).rows) == count


def test_recent_filters_by_the_vendors_status_under_either_prefix() -> None:
    old, new = attempt(FAILED), Attempt(raw_status=f"PATCHING_STATUS_{FAILED}")
    seen = [old, new, attempt("FAILED_PREPARE_ERROR")]
    assert recent.select(seen, Recent(status=FAILED), NOW).rows == [old, new]


def shown(seen: Sequence[Attempt], asked: Recent, number: int = 0, unreadable: int = 0) -> Message:
    found = recent.select(seen, asked, NOW)
    return recent.page(found, asked, number, view_id="view1", taken_at=NOW, unreadable=unreadable)


def test_a_row_tells_application_versions_outcome_and_when() -> None:
    words = fits(shown([attempt(FAILED)], Recent()))
    assert "*7-Zip* (Igor Pavlov) 24.08 → 24.09\n❌ Download failed; what usually helps: check the device" in words
    assert "`FAILED_DOWNLOAD_ERROR` · <!date^" in words
    assert "1 failed · 0 ok · 0 other" in words


def test_pages_have_buttons_only_where_there_is_a_page() -> None:
    seen = [attempt(FAILED, hour) for hour in range(20)]
    paging = [sorted(one for one in buttons(shown(seen, Recent(), number)) if "page" in one) for number in range(3)]
    assert paging == [["recent.page.next"], ["recent.page.back", "recent.page.next"], ["recent.page.back"]]
    assert set(buttons(shown(seen, Recent())).values()) == {"view1"}
    assert "page 3 of 3" in fits(shown(seen, Recent(), 99))


@pytest.mark.parametrize("mode", ["failed", "ok", "all"])
def test_the_present_filter_is_marked(mode: Mode) -> None:
    message = shown([attempt(FAILED)], Recent(mode))
    marked = [n["action_id"] for n in nodes(message.blocks) if n["type"] == "button" and "●" in n["text"]["text"]]
    assert marked == [f"recent.filter.{mode}"]
    filters = [action for action in buttons(message) if action.startswith("recent.filter")]
    assert filters == [f"recent.filter.{name}" for name in ("failed", "ok", "all", "apps")]


def test_only_a_failed_row_of_a_list_that_is_kept_leads_to_a_retry() -> None:
    seen = [attempt(FAILED, 1), attempt(FAILED, 1), attempt(OK, 2)]
    found = recent.select(seen, Recent("all"), NOW)
    mark = seen[0].fingerprint[: recent.MARK]
    kept = recent.page(found, Recent("all"), 0, view_id="view1", taken_at=NOW)
    retries = {action: value for action, value in buttons(kept).items() if "retry" in action}
    assert retries == {f"recent.retry.0.{mark}": "view1", f"recent.retry.1.{mark}": "view1"}
    assert buttons(recent.page(found, Recent("all"), 0, view_id="", taken_at=NOW)) == {}


def test_an_empty_list_leads_on() -> None:
    assert "✅ Nothing failed in the last 7 days. 1 attempt of other classes" in fits(shown([attempt(OK)], Recent()))
    assert "🔍 Nothing failed in the last 7 days with these filters" in fits(shown([attempt(OK)], Recent(app="x")))
    assert "`/patches status`" in fits(shown([], Recent()))


def test_unreadable_rows_are_told() -> None:
    assert "⚠️ 2 rows of ESET's answer could not be read" in fits(shown([], Recent(), unreadable=2))


@settings(max_examples=examples(15))
@given(st.lists(ATTEMPTS, max_size=20), st.sampled_from(["failed", "ok", "all"]), NASTY, st.integers(-2, 5))
def test_a_page_of_anything_fits(seen: list[Attempt], mode: Mode, app: str, number: int) -> None:
    fits(shown(seen, Recent(mode), number))
    fits(shown(seen, Recent(mode, app=app, status="X"), number, 3))


def test_waiting_and_a_list_no_longer_kept_are_told() -> None:
    assert "Asking ESET" in fits(recent.asking())
    assert "`/patches recent` asks ESET again" in fits(recent.gone())


# ---------------------------------------------------------------- devices

SERVER = Device(1001, "SRV <1>", DeviceKind.SERVER, 7, "Müller & Söhne", "Berlin")
PATCHES = [
    Patch(6, "Chrome", PatchStatus.INSTALLED, "Installed", installed="31-Jul-2026 00:00"),
    Patch(5, "Office", PatchStatus.PENDING, "Pending"),
    Patch(4, "Reader <x>", PatchStatus.FAILED, "Failed", severity="Critical", released="1-Jul-2026"),
    Patch(7, "Odd", 1024, "Odd"),
]


def test_failed_patches_come_first_with_severity_and_dates() -> None:
    words = fits(device_blocks.page(SERVER, PATCHES, token="t1"))
    assert "• `4` Reader &lt;x&gt; · Failed · severity Critical · released 1-Jul-2026" in words
    order = [words.index(title) for title in ("❌ Failed: 1", "🕒 Pending: 1", "✅ Installed: 1", "❔ Other: 1")]
    assert order == sorted(order)
    assert "Müller &amp; Söhne, Berlin · server · id `1001`" in words


def test_a_retry_is_offered_only_when_something_failed() -> None:
    assert buttons(device_blocks.page(SERVER, PATCHES, token="t1")) == {"device.retry": "t1"}
    assert buttons(device_blocks.page(SERVER, PATCHES[:2], token="t1")) == {}


def test_a_device_without_patches_says_why() -> None:
    off = Device(1, "PC", DeviceKind.WORKSTATION, 1, "C", "", patching=False)
    assert "Patch Management is switched off for it" in fits(device_blocks.page(off, []))


def test_a_device_with_thousands_of_patches_is_cut_with_counts() -> None:
    many = [Patch(n, "T" * 300, status, "L" * 99, "", "S" * 99) for n in range(700) for status in (16, 64, 4, 2, 1, 8)]
    words = fits(device_blocks.page(SERVER, many, token="t1"))
    lines = words.count("\n• `")
    assert sum(int(more.replace(",", "")) for more in re.findall(r"and ([\d,]+) more", words)) == len(many) - lines


PATCH = st.builds(Patch, st.integers(1), NASTY, st.integers(0, 200), NASTY, NASTY, NASTY, NASTY, NASTY, NASTY)


@settings(max_examples=examples(15))
@given(st.lists(PATCH, max_size=60), NASTY)
def test_a_device_of_anything_fits(patches: list[Patch], name: str) -> None:
    fits(device_blocks.page(Device(1, name, DeviceKind.SERVER, 1, name, name), patches, token="t1"))


# ---------------------------------------------------------------- short answers


def test_help_names_every_command_with_an_example() -> None:
    words = fits(help_blocks.help())
    for form in FORMS.values():
        assert form.usage in words.replace("&lt;", "<")
        assert form.example in words


@pytest.mark.parametrize("topic", list(FORMS))
def test_help_on_one_command_says_more(topic: str) -> None:
    words = fits(help_blocks.help(topic))
    assert FORMS[topic].usage in words
    assert len(words) > len(FORMS[topic].usage) + len(FORMS[topic].does) + 30


def test_status_names_what_is_broken() -> None:
    services = [
        Health("Slack", ok=True),
        Health("ESET", ok=False, words="did not answer", at=NOW),
        Health("N-sight", None),
    ]
    words = fits(help_blocks.status(services, version="0.1.0", last_digest=("daily", NOW), waiting=2))
    assert "Trouble with ESET" in words
    assert "❌ *ESET* does not work: did not answer" in words
    assert "❔ *N-sight* has not been asked yet" in words
    assert "*Devices read from N-sight:* not yet" in words
    assert "2 requests" in words
    assert "No trouble known" in fits(help_blocks.status(services[::2], version="0.1.0"))
    assert "All is well" in fits(help_blocks.status(services[:1], version="0.1.0"))
    assert "none posted yet" in fits(help_blocks.status(services[:1], version="0.1.0"))


def request(number: int, state: State = State.PENDING, reason: str = "disk <free>") -> RetryRequest:
    return RetryRequest(
        id=number,
        state=state,
        version=1,
        device=SERVER,
        patches=(RequestedPatch(4, "Reader", "Failed", "Failed"),),
        requester="U0BOB",
        reason=reason,
        asked_in="C0HELP",
        asked_at=NOW,
        expires_at=NOW + timedelta(hours=4),
        terms=Terms(quorum=2, because="server at Contoso"),
        votes=(Vote("U0ANN", NOW),),
        decided_by="U0ANN" if state is State.DENIED else "",
        decided_at=NOW,
    )


def part(requests: Sequence[RetryRequest], *, link: str = "", ahead: int = 0, total: int = 0, token: str = "") -> Part:
    lines = [Line(one, link, one.terms) for one in requests]
    return Part(lines, ahead, total or len(lines), token)


def test_pending_requests_link_to_their_cards() -> None:
    words = fits(request_lists.pending(part([request(3)], link="https://x.slack.com/archives/C1/p1")))
    assert "*<https://x.slack.com/archives/C1/p1|#3 SRV &lt;1&gt;>*" in words
    assert "*#4 SRV &lt;1&gt;*" in fits(request_lists.pending(part([request(4)], link="x|<!here>")))
    barred = replace(request(5), device=replace(SERVER, name="A|B"))
    assert "/p1|#5 A¦B>*" in fits(request_lists.history(part([barred], link="https://x.slack.com/p1")))


def test_pending_requests_tell_what_they_wait_for() -> None:
    votes = (Vote("U0ANN", NOW), Vote("U0CARL", NOW, denies=True))
    words = fits(request_lists.pending(part([replace(request(3), votes=votes, escalated_at=NOW)])))
    assert "1 request waiting, oldest first" in words
    assert "asked by <@U0BOB> <!date^" in words
    assert "1 of 2 approvals (server at Contoso) · ⏫ escalated · expires <!date^" in words
    assert "approved by <@U0ANN>; denied by <@U0CARL>" in words
    assert "\n> disk &lt;free&gt;" in words
    endless = replace(request(4), expires_at=None, votes=(), terms=Terms())
    assert "0 of 1 approval · does not expire" in fits(request_lists.pending(part([endless])))
    assert "No retry request waits" in fits(request_lists.pending(part([])))


def test_what_is_approved_and_waits_for_its_window_says_when() -> None:
    later = replace(request(3, State.APPROVED), send_after=NOW, send_until=NOW + timedelta(hours=2))
    words = fits(request_lists.pending(part([later])))
    assert "👍 approved, waits for its maintenance window: <!date^" in words
    assert "\napproved by <@U0ANN>" in words
    assert "waits for its maintenance window: <!date^" in fits(request_lists.history(part([later])))


def test_history_tells_how_each_request_ended_by_whom_and_why() -> None:
    words = fits(request_lists.history(part([request(n, state) for n, state in list(enumerate(State))[:6]])))
    words += fits(request_lists.history(part([request(n, state) for n, state in list(enumerate(State))[6:]])))
    for state in State:
        assert str(text.state_words(state)) in words
    assert "There was no retry request yet for PC." in fits(request_lists.history(part([]), "PC"))
    denied = replace(
        request(3, State.DENIED), votes=(Vote("U0CARL", NOW, denies=True),), decision_reason="the till & <b>"
    )
    words = fits(request_lists.history(part([denied])))
    assert "⛔ denied by <@U0CARL> <!date^" in words
    assert "\nDenied because: the till &amp; &lt;b&gt;\n> disk &lt;free&gt;" in words
    done = (RequestedPatch(4, "Reader", "Failed", "Installed", Fate.INSTALLED),)
    votes = (Vote("U0ANN", NOW), Vote("U0CARL", NOW))
    finished = replace(request(3, State.FINISHED), patches=done, votes=votes, approved_at=NOW, decided_by="U0CARL")
    words = fits(request_lists.history(part([finished])))
    assert "🏁 finished: 1 of 1 installed (approved by <@U0ANN> and <@U0CARL>) <!date^" in words
    expired = replace(request(3, State.EXPIRED), note="Nobody decided in time. Nothing was sent.", settled_at=NOW)
    words = fits(request_lists.history(part([expired])))
    assert "⌛ expired <!date^" in words
    assert "\nNobody decided in time." in words
    assert "approved by" not in words


def test_a_list_of_requests_has_buttons_only_where_there_is_a_page() -> None:
    rows = [request(n) for n in range(10)]
    for show, kind in ((request_lists.history, "history"), (request_lists.pending, "pending")):
        back, onward = f"{kind}.page.back", f"{kind}.page.next"
        assert buttons(show(part(rows))) == {}
        assert buttons(show(part(rows, total=57, token="t"))) == {onward: "t"}
        assert buttons(show(part(rows, ahead=10, total=57, token="t"))) == {back: "t", onward: "t"}
        assert buttons(show(part(rows[:7], ahead=50, total=57, token="t"))) == {back: "t"}
        unkept = show(part(rows, total=57))
        assert buttons(unkept) == {}
        assert "this list has no buttons" in fits(unkept)


def test_the_title_of_a_list_of_requests_says_which_part_it_is() -> None:
    rows = [request(n) for n in range(10)]
    words = fits(request_lists.history(part(rows, ahead=10, total=57), "SRV <1>"))
    assert "Retry requests for SRV <1>, newest first, 11 to 20 of 57" in words
    assert "newest first, 57 of 57" in fits(request_lists.history(part(rows[:1], ahead=56, total=57)))
    assert "1,057 requests waiting, oldest first, 11 to 20" in fits(
        request_lists.pending(part(rows, ahead=10, total=1057))
    )
    long = request_lists.history(part(rows, ahead=10, total=57), "x" * 300)
    assert "11 to 20 of 57" in long.blocks[0]["text"]["text"]


WHEN = st.sampled_from([NOW, None])
PEOPLE = st.lists(st.builds(Vote, NASTY | st.just("U" + "0" * 30), st.just(NOW), st.booleans(), NASTY), max_size=9)
REQUESTS = st.builds(
    RetryRequest,
    id=st.integers(1, 10**12),
    state=st.sampled_from(State),
    version=st.just(1),
    device=st.builds(Device, st.just(1), NASTY, st.just(DeviceKind.SERVER), st.just(1), NASTY, NASTY),
    patches=st.lists(st.builds(RequestedPatch, st.just(4), NASTY, NASTY, NASTY, st.sampled_from(Fate)), max_size=50),
    requester=NASTY,
    reason=NASTY,
    asked_in=st.just("C0"),
    asked_at=st.just(NOW),
    terms=st.builds(Terms, quorum=st.integers(1, 10**9), because=NASTY),
    escalated_at=WHEN,
    expires_at=WHEN,
    votes=PEOPLE,
    decided_by=NASTY,
    decided_at=WHEN,
    decision_reason=NASTY,
    approved_at=WHEN,
    send_after=WHEN,
    send_until=WHEN,
    note=NASTY,
)


@settings(max_examples=examples(15))
@given(st.lists(REQUESTS, min_size=1, max_size=10), NASTY, st.sampled_from(["", "https://x.slack.com/p" + "1" * 180]))
def test_a_list_of_any_requests_fits(requests: list[RetryRequest], device: str, link: str) -> None:
    whatever = part(requests, link=link, ahead=10, total=57, token="t" * 22)
    fits(request_lists.pending(whatever))
    fits(request_lists.history(whatever, device))


def test_ten_requests_full_of_quotes_stay_below_what_slack_takes() -> None:
    """In JSON a quote counts twice."""
    quoted = replace(
        request(10**12, State.DENIED, '"' * 9000),
        device=Device(1, '"' * 300, DeviceKind.SERVER, 7, '"' * 300, ""),
        votes=tuple(Vote("U" + "0" * 30, NOW, denies=n % 2 > 0) for n in range(9)),
        decision_reason='"' * 9000,
        note='"' * 9000,
        terms=Terms(because='"' * 9000),
    )
    whatever = part([quoted] * 10, link="https://x.slack.com/p" + "1" * 180, ahead=10, total=57, token="t" * 22)
    for message in (request_lists.pending(whatever), request_lists.history(whatever, '"' * 300)):
        assert message_problems({"text": message.text, "blocks": list(message.blocks)}) == []


def test_a_list_no_longer_kept_says_how_to_get_it_anew() -> None:
    assert "`/patches pending` shows it anew" in request_lists.gone("pending")


def test_whether_direct_messages_come_is_told_with_the_way_back() -> None:
    off, on = fits(help_blocks.notify(muted=True)), fits(help_blocks.notify(muted=False))
    assert "are off. Their cards still show everything; `/patches notify on` turns them on again." in off
    assert "are on" in on
    assert "`/patches notify off`" in on


def test_digests_are_listed_with_their_next_slot() -> None:
    words = fits(plan_blocks.listed([Coming(DigestPlan("daily", "C0NEWS", "0 9 * * 1-5", "Europe/Berlin"), NOW)]))
    assert "*daily* in <#C0NEWS>: next <!date^" in words
    assert "`0 9 * * 1-5` Europe/Berlin" in words
    assert "No digest is configured" in fits(plan_blocks.listed([]))
    assert "was posted in <#C0NEWS>" in fits(help_blocks.digest_posted("daily", "C0NEWS"))
