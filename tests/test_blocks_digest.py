"""How digests look: the goldens, what a reader finds in them, and that Slack takes them whatever comes."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.blocks import digest as blocks
from bot.blocks import text
from bot.demo.slack.limits import mentions_everyone, message_problems
from bot.digests import By, Digest, DigestPlan, Due, Failure, Retried
from bot.flows.terminal import plain
from bot.model import Device, DeviceKind, Message
from tests.examples import examples
from tests.sample_digests import (
    LAPTOP,
    MADE,
    PLAN,
    SERVER,
    SLOT,
    digest,
    new,
    recovered,
    standing,
    still,
    unknown,
)
from tests.test_block_limits import fits as fits_types
from tests.test_block_limits import needs_schemas
from tests.test_blocks_shown import NASTY, buttons, fits

GOLDEN = Path(__file__).parent / "golden"
TOKENS = [f"token{number}" for number in range(blocks.SHOWN)]
LATE = Due(SLOT, 3, late=True)
UNASKED = "ESET could not be reached (reference `1f2e3d4c`). Nothing was collected yet."
REASONS = ["DOWNLOAD_ERROR", "TERMINATION_REQUIRED", "PREPARE_ERROR", "INSTALLER_CORRUPTED", "ODD_ODD_ODD_ODD_ODD"]
COUNTS = (0, 1, 49, 500, 5000)
SECTIONS = ("new", "still", "recovered", "all")


def main(said: Digest, plan: DigestPlan = PLAN) -> Message:
    return blocks.render(said, plan, TOKENS, list_token="list")


def whole(said: Digest, plan: DigestPlan = PLAN) -> list[Message]:
    return [main(said, plan), *blocks.thread(said, plan)]


def words(said: Digest, plan: DigestPlan = PLAN) -> str:
    """The main message as a terminal shows it."""
    return plain(main(said, plan))


def threads(said: Digest, plan: DigestPlan = PLAN) -> str:
    return "\n".join(plain(message) for message in blocks.thread(said, plan))


# ---------------------------------------------------------------- goldens


def place(number: int) -> tuple[str, Device | None]:
    """What is known of the n-th device: nothing, its name alone, or also what N-sight knows."""
    if number % 3 == 0:
        return f"PC-{number:05}", None
    kind = DeviceKind.SERVER if number % 5 == 0 else DeviceKind.WORKSTATION
    device = Device(number, f"HOST-{number:05}", kind, number % 7, f"Client & Söhne <{number % 7}>", "Berlin")
    return f"HOST-{number:05}.example.com", device


def failure(number: int, section: str, apps: int) -> Failure:
    """The n-th failure, with a long name full of markup, on every eleventh device that nobody knows."""
    app = number % apps
    made = MADE[section](
        number,
        application=f"<!channel> & App {app} " + "x" * 300 * (app % 2),
        developer=f"Müller & Söhne <{app}> " + "D" * 300 * (app % 3),
        to_version=f"{app}." + "9" * 300 * (app % 2),
        status=f"FAILED_{REASONS[number % 5]}",
    )
    if number % 11 == 10:
        return replace(made, standing=replace(made.standing, device="", fresh=2), device_name="")
    name, device = place(number)
    retried = number if section == "recovered" and number % 4 == 0 else 0
    return replace(made, device_name=name, device=device, severity="Critical" * (number % 6 == 0), retried=retried)


def failures(count: int, section: str) -> list[Failure]:
    apps = max(1, min(count // 3, 40))
    each = ("new", "still", "recovered") if section == "all" else (section,)
    starts = {one: 10_000 * place for place, one in enumerate(each)}
    return [failure(starts[one] + number, one, apps) for one in each for number in range(1, count + 1)]


def told(message: Message) -> list[str]:
    """A message of the thread in words: how it begins and ends, and how much lies between."""
    lines = plain(message).splitlines()
    return lines if len(lines) < 30 else [*lines[:20], f"[{len(lines) - 25} more lines]", *lines[-5:]]


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("count", COUNTS)
def test_a_digest_looks_as_agreed(count: int, section: str) -> None:
    """PATCHES_REWRITE_GOLDEN=1 writes the files anew."""
    said = digest(failures(count, section))
    message, *thread = whole(said)
    for one in (message, *thread):
        fits(one)
    shown = {"text": message.text, "blocks": message.blocks, "thread": [told(one) for one in thread]}
    drawn = json.dumps(shown, ensure_ascii=False, indent=1, sort_keys=True)
    path = GOLDEN / f"digest_{section}_{count}.json"
    if os.environ.get("PATCHES_REWRITE_GOLDEN"):
        path.write_text(f"{drawn}\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == f"{drawn}\n"


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(
    "by",
    [
        "application",
        "client",
        pytest.param("reason", marks=pytest.mark.deep),
        pytest.param("severity", marks=pytest.mark.deep),
    ],
)
def test_however_much_failed_slack_takes_every_message(count: int, section: str, by: By) -> None:
    plan = replace(PLAN, group_by=by)
    messages = whole(digest(failures(count, section), plan, LATE, note=UNASKED), plan)
    assert len(messages) <= 1 + 6
    for message in messages:
        fits(message)
        assert message_problems({"text": message.text, "blocks": list(message.blocks)}) == []
        assert not mentions_everyone({"text": message.text, "blocks": list(message.blocks)})


@needs_schemas
@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("count", [0, 1, 49, 5000])
def test_every_message_is_right_by_slacks_own_types(count: int, section: str) -> None:
    for message in whole(digest(failures(count, section))):
        assert fits_types("message.schema.json", {"blocks": list(message.blocks)})


# ---------------------------------------------------------------- nothing new


def test_nothing_new_is_one_line() -> None:
    for said in (digest(), digest(ok=0, other=0), digest([still(1), still(2, fresh=2)])):
        message = main(said)
        assert len(message.blocks) == 1
        assert "\n" not in message.blocks[0]["text"]["text"]
        assert blocks.shown_groups(said) == ()
    assert buttons(main(digest())) == {}
    assert buttons(main(digest([still(1)]))) == {"digest.list": "list"}


def test_the_line_tells_what_is_so() -> None:
    assert words(digest()).startswith(
        "✅ All good · Digest daily: 151 patching attempts since 2026-11-19 08:00 UTC, none failed · "
    )
    idle = words(digest(ok=0, other=0))
    assert idle.startswith("💤 Nothing was patched · Digest daily: no patching attempts since 2026-")
    assert words(digest([still(1)])).startswith(
        "⏳ Still failing: 1, nothing new · Digest daily: 151 patching attempts since 2026-11-19 08:00 UTC, none failed"
    )
    again = words(digest([still(1, fresh=2)]))
    assert again.startswith(
        "⏳ Still failing: 1, nothing new · Digest daily: 2 failed patching attempts of 153 since 2026-11"
    )
    assert words(digest()).endswith("Source: ESET PROTECT · next digest 2026-11-23 08:00 UTC")


def test_the_line_never_says_that_nothing_failed_when_that_was_left_out() -> None:
    silenced = words(digest([replace(new(1), silence=7), replace(still(2), silence=7)]))
    assert silenced.startswith("✅ Nothing new · Digest daily: 1 failed patching attempt (of them 1 silenced) of 152 ")
    assert " · 🔕 2 silenced failures (/patches silences) · " in silenced
    plan = replace(PLAN, clients=("Contoso*",))
    nobodys = words(digest([new(1)], plan), plan)
    assert nobodys.startswith(
        "❔ Not known: 1 failure that nobody can place · Digest daily: no failed patching attempt "
    )
    assert "❔ 1 failure left out: not known on whose device" in nobodys


def test_late_and_held_back_are_told_in_the_line_too() -> None:
    line = words(digest(when=replace(LATE, held=2)))
    assert "⏰ Late: was due 2026-11-20 08:00 UTC; covers 3 missed slots too" in line
    assert "🌙 held back 2 slots in quiet time" in line


# ---------------------------------------------------------------- something new


def test_the_verdict_comes_first_then_the_counts() -> None:
    said = digest([new(1, SERVER), new(2, SERVER), new(3, LAPTOP), still(4), recovered(5), recovered(6, retried=9)])
    lines = words(said).splitlines()
    assert lines[0] == "🔴 Action needed: 2 new failures on servers"
    assert "Digest daily: 3 new · 1 still failing for 3 days · 2 recovered" in lines
    attempts = "3 failed patching attempts of 154 since 2026-11-19 08:00 UTC: 148 ok, 3 other, 98 % succeeded."
    assert attempts in lines


def test_a_group_tells_how_many_where_and_why_and_has_its_buttons() -> None:
    said = digest([new(1, SERVER, "Critical"), new(2, LAPTOP), *(still(number, days=number) for number in range(3, 8))])
    message = main(said)
    assert plain(message).count("7-Zip (Igor Pavlov) → 24.09: 2 new, 5 still failing for up to 7 days") == 1
    assert "SRV-01, PC-02, PC-07 and 4 more · 1 server · 2 clients · severity Critical" in plain(message)
    assert "❌ Download failed ×7 (check the device's internet access and proxy, then retry) FAILED_" in plain(message)
    assert buttons(message) == {"digest.retry.0": "token0", "digest.silence.0": "token0", "digest.list": "list"}
    assert buttons(blocks.render(said, PLAN)) == {}


def test_each_shown_group_has_buttons_that_carry_its_token_only() -> None:
    said = digest([new(number, application=f"App {number}") for number in range(9)])
    pairs = [(f"digest.{what}.{number}", f"token{number}") for number in range(5) for what in ("retry", "silence")]
    assert buttons(main(said)) == dict([*pairs, ("digest.list", "list")])
    assert len(blocks.shown_groups(said)) == blocks.SHOWN
    assert "… and 4 more application versions (4 new): in the thread." in words(said)


def test_what_fails_as_before_is_one_line_in_the_message() -> None:
    old = [still(number, application=f"Old {number}", days=number % 9 + 1) for number in range(10, 58)]
    said = digest([new(1), new(2), *old])
    message = main(said)
    assert [group.application for group in blocks.shown_groups(said)] == ["7-Zip"]
    assert "2 new · 48 still failing, the longest for 9 days" in plain(message)
    assert "Old" not in plain(message)
    assert "more application version" not in plain(message)
    assert plain(message).count(" 48 ") == 1


def test_with_nothing_new_a_message_has_no_groups_and_leads_with_what_recovered() -> None:
    old = [still(number, application=f"Old {number}") for number in range(10, 62)]
    message = main(digest([recovered(1), recovered(2), *old]))
    assert message.blocks[0]["text"]["text"] == "⏳ Getting better: 2 recovered, 52 still failing"
    assert plain(message).count("recovered") == 1
    assert "nothing failed" not in plain(message)
    assert len(message.blocks) == 4
    assert buttons(message) == {"digest.list": "list"}


def test_what_fails_as_before_on_devices_that_nobody_knows_is_shown_when_it_failed_again() -> None:
    said = digest([unknown(1, 3, before=True), still(2, application="Old")])
    assert [group.application for group in blocks.shown_groups(said)] == ["7-Zip"]


def test_what_the_verdict_leaves_open_is_told_below_it() -> None:
    again = words(digest([still(1), recovered(2)], retried=Retried((), ((7, 2),))))
    assert "Digest daily: 1 still failing for 3 days · 1 recovered\n" in again
    unasked = words(digest([still(1), recovered(2)], note=UNASKED))
    assert "Digest daily: 1 still failing for 3 days · 1 recovered\nnot known what failed since" in unasked
    unsure = words(digest([unknown(1, 3, before=True), recovered(2)]))
    assert "Digest daily: 3 still failing for 3 hours · 1 recovered\n" in unsure


def test_attempts_are_told_in_one_line_with_the_silenced_ones_and_the_pictures_share() -> None:
    said = digest([new(1), replace(new(2, fresh=3), silence=4)], ok=16, other=40)
    assert (
        "4 failed patching attempts (of them 3 silenced) of 60 since 2026-11-19 08:00 UTC: 16 ok, 40 other, 80 %"
        in (words(said))
    )


@pytest.mark.parametrize(("ok", "share"), [(17, False), (18, True)])
def test_of_fewer_than_twenty_attempts_no_share_is_told(ok: int, share: bool) -> None:
    assert (" %" in words(digest([new(1), new(2)], ok=ok))) == share


def test_a_filter_that_matches_nothing_is_never_all_good() -> None:
    plan = replace(PLAN, applications=("Adboe*",))
    shown = words(digest([new(1)], plan), plan)
    assert shown.startswith("💤 Nothing to tell · Digest daily: no failed patching attempt since 2026-")
    assert "(only applications Adboe*)" in shown


def test_a_first_digest_says_so() -> None:
    first = replace(digest([still(1)]), first=True)
    assert "First digest: what failed before is told as still failing · Source: ESET PROTECT" in words(first)
    assert "First digest" in words(replace(digest([new(1)]), first=True))
    assert "First digest" not in words(digest([new(1)]))


def test_exactly_one_is_never_left_out() -> None:
    made = [new(number, application=f"App {number}") for number in range(6)]
    six = main(digest(made))
    assert all(f"App {number}" in plain(six) for number in range(6))
    assert "more" not in plain(six)
    assert len(blocks.shown_groups(digest(made))) == blocks.SHOWN + 1
    four = words(digest([new(number, status=f"FAILED_{REASONS[number % 3]}") for number in range(1, 5)]))
    assert "PC-01, PC-02, PC-03, PC-04\n" in four
    assert "other reasons" not in four
    assert text.listed(["a", "b", "c"], 2) == "a, b and c"
    assert text.listed(["a", "b", "c", "d"], 2) == "a, b and 2 more"
    assert "PC-01, 1 attempt on an unknown device" in words(digest([new(1), unknown(2, 1)]))


def test_reasons_beyond_three_are_counted() -> None:
    said = digest([new(number, status=f"FAILED_{reason}") for number, reason in enumerate(REASONS, 1)])
    assert " · 3 for other reasons" in words(said)


def test_a_plan_by_client_has_its_clients_above_their_groups() -> None:
    plan = replace(PLAN, group_by="client")
    said = digest([new(1, LAPTOP), new(2, LAPTOP), still(3, SERVER), new(4, application="Zoom"), still(5)], plan)
    shown = words(said, plan)
    heads = ["Fabrikam: 2 new", "Client not known: 1 new, 1 still failing"]
    assert [line for line in shown.splitlines() if line in heads] == heads
    assert "Contoso Ltd" not in shown, "nothing of it is new"
    assert "7-Zip (Igor Pavlov) → 24.09 · Fabrikam" in threads(said, plan)


def test_a_plan_that_leaves_things_out_says_what_it_keeps_and_counts_only_that() -> None:
    plan = replace(PLAN, kind=DeviceKind.SERVER, clients=("Contoso*", "Fabrikam"))
    shown = words(digest([new(1, SERVER, fresh=3), new(2, LAPTOP)], plan), plan)
    attempts = "3 failed patching attempts since 2026-11-19 08:00 UTC (only servers, clients Contoso* and Fabrikam)."
    assert f"Digest daily: 1 new\n{attempts}" in shown


@pytest.mark.parametrize("ok", [0, 3])
def test_what_is_not_known_is_not_told_as_nothing(ok: int) -> None:
    message = main(digest(ok=ok, other=0, note=UNASKED))
    shown = f"{message.text}\n{plain(message)}"
    assert message.blocks[0]["text"]["text"] == "❔ Not known: ESET could not be asked"
    assert "Digest daily: not known what failed since" in shown
    assert "⚠️ ESET could not be reached" in shown
    for claim in ("othing failed", "othing was patched", "No patching attempts", "✅", "💤", "All good"):
        assert claim not in shown
    assert ("3 attempts known so far, none failed" in shown) == bool(ok)


def test_failures_known_while_eset_cannot_be_asked_are_a_lower_bound() -> None:
    shown = words(digest([new(1), new(2)], note=UNASKED))
    assert "Worth a look: at least 2 new failures" in shown
    assert "Digest daily: at least 2 failed patching attempts since" in shown


def test_a_late_digest_is_marked_with_the_slots_it_covers() -> None:
    shown = words(digest([new(1)], when=LATE))
    assert "⏰ Late: was due 2026-11-20 08:00 UTC; covers 3 missed slots too" in shown
    assert "covers at least 1,000 missed slots" in words(digest([new(1)], when=replace(LATE, missed=1000)))
    assert "🌙 held back 1 slot in quiet time" in words(digest([new(1)], when=Due(SLOT, 0, late=False, held=1)))


def test_the_text_of_a_notification_tells_the_verdict() -> None:
    assert (
        main(digest([new(1)])).text
        == "Worth a look: 1 new failure. Digest daily: 1 failed patching attempt of 152. First: 7-Zip (1)."
    )
    assert main(digest()).text == "All good. Digest daily: 151 patching attempts, none failed."
    assert (
        main(digest([recovered(1)])).text == "All good: 1 recovered. Digest daily: 151 patching attempts, none failed."
    )


# ---------------------------------------------------------------- the thread


def test_the_thread_tells_every_device_how_long_and_how_often() -> None:
    said = digest([new(1, SERVER, "Important"), new(2, tries=2), still(3, LAPTOP, days=9), unknown(4, 5)])
    assert threads(said).splitlines() == [
        "🆕 New: 7",
        "",
        "7-Zip (Igor Pavlov) → 24.09",
        "• SRV-01 (Contoso Ltd, server): Download failed · Important",
        "• 5 attempts, device not known: Download failed",
        "• PC-02: Download failed, 2 tries",
        "⏳ Still failing: 1",
        "",
        "7-Zip (Igor Pavlov) → 24.09",
        "• PC-02 (Fabrikam, workstation): Download failed · for 9 days, 27 tries",
    ]


def test_what_still_fails_is_one_message_of_the_thread_longest_failing_first() -> None:
    old = [still(number, application=f"Old {number % 90:02}", days=1 + number % 90) for number in range(1, 400)]
    messages = blocks.thread(digest([new(1000), *old]), PLAN)
    told = [message for message in messages if "Still failing" in message.text]
    assert len(told) == 1
    ages = [int(age) for age in re.findall(r"for (\d+) days?", plain(told[0]))]
    assert ages == sorted(ages, reverse=True)
    assert ages[0] == 90
    assert "not shown: the list in this thread has all" in plain(told[0])


def test_what_is_new_is_told_in_full_as_far_as_it_fits_however_much_still_fails() -> None:
    made = [new(number) for number in range(1, 61)]
    old = [still(number, application=f"Old {number}") for number in range(100, 300)]
    messages = [message for message in blocks.thread(digest([*made, *old]), PLAN) if "New" in message.text]
    shown = "\n".join(map(plain, messages))
    assert all(f"• PC-{number:02}: " in shown for number in range(1, 61))
    assert "not shown" not in shown


def test_a_group_is_not_torn_or_says_that_it_goes_on() -> None:
    made = [new(number, application=f"App {number % 7} {'x' * 60}", device=f"{number:030}") for number in range(200)]
    (first, *_) = blocks.thread(digest(made), PLAN)
    paragraphs = [block["text"]["text"] for block in first.blocks[1:] if block["type"] == "section"]
    assert len(paragraphs) > 1
    assert all(paragraph.startswith("*App ") for paragraph in paragraphs)
    long = [new(number, device=f"{number:030}", to_version="9" * 24) for number in range(1, 200)]
    (only,) = blocks.thread(digest(long), PLAN)
    titles = [block["text"]["text"].splitlines()[0] for block in only.blocks[1:]]
    assert titles[0] == "*7-Zip* (Igor Pavlov) → " + "9" * 24
    assert titles[1:] == [f"{titles[0]} (continued)"] * (len(titles) - 1) != []


def test_the_thread_tells_by_what_each_recovered() -> None:
    said = digest([recovered(1), recovered(2, retried=5), recovered(3, needless=True), recovered(4, tries=1)])
    (message,) = blocks.thread(said, PLAN, {5: "https://example.slack.com/archives/C1/p1"})
    assert "• PC-02: by retry <https://example.slack.com/archives/C1/p1|#5>" in fits(message)
    assert "• PC-01: by itself after 4 failed tries in 1 day" in plain(message)
    assert "• PC-03: nothing to patch any more, after 4 failed tries in 1 day" in plain(message)
    assert "• PC-04: by itself after 1 failed try" in plain(message)
    assert blocks.named_requests(said) == (5,)


def test_a_device_without_a_name_is_told_by_how_its_id_begins() -> None:
    said = digest([replace(new(1, device="ab12cd34-5678"), device_name="")])
    assert "• ab12cd34: Download failed" in threads(said)


def test_without_anything_to_tell_there_is_no_thread() -> None:
    assert blocks.thread(digest(), PLAN) == ()
    assert blocks.thread(digest(retried=Retried(((5, 1),))), PLAN) == ()


def test_what_the_thread_leaves_out_is_counted_and_a_list_is_wanted() -> None:
    said = digest(failures(5000, "new"))
    assert blocks.long(said)
    last = plain(blocks.thread(said, PLAN)[-1]).splitlines()[-1]
    shown = sum(line.startswith("• ") and "more" not in line for line in threads(said).splitlines())
    assert last.endswith(" failures not shown: the list in this thread has all.")
    assert 100 < shown < 5000


LONG = st.sampled_from(['"' * 300, "\\" * 300, "&" * 300, "x" * 300, "א" * 300, "<!channel>"])
ANY_FAILURE = st.builds(
    lambda number, kind, name, app, status, unknown_device: replace(
        MADE[kind](
            number,
            application=app,
            developer=name,
            to_version=app,
            status=status or "X",
            device="" if unknown_device else name,
        ),
        device_name=name,
        device=replace(SERVER, client=name, name=app) if number % 2 else None,
        severity=app,
        retried=number if kind == "recovered" else 0,
    ),
    st.integers(1, 9999),
    st.sampled_from(["new", "still", "recovered"]),
    NASTY | LONG,
    NASTY | LONG,
    NASTY | LONG,
    st.booleans(),
)


@settings(max_examples=examples(15))
@given(st.lists(ANY_FAILURE, max_size=60), st.sampled_from(["application", "reason", "client", "severity"]))
def test_a_digest_of_anything_fits_and_a_short_one_shows_all(made: Sequence[Failure], by: By) -> None:
    plan = replace(PLAN, group_by=by)
    said = digest(made, plan, replace(LATE, held=4), note="n" * 3000)
    messages = whole(said, plan)
    for message in messages:
        fits(message)
    left_out = any("not shown" in plain(message) for message in messages)
    assert blocks.long(said) or not left_out


@given(st.lists(st.tuples(st.integers(1, 9999), LONG, LONG), max_size=20))
@settings(max_examples=examples(8))
def test_a_short_digest_of_the_longest_names_shows_all(made: Sequence[tuple[int, str, str]]) -> None:
    """All in one section, each application on its own: the most room that so many can take."""
    said = digest(
        [
            Failure(standing(number, app, developer=app, to_version=f"{place}{app}", tries=99), app, severity=app)
            for place, (number, app, _) in enumerate(made)
        ]
    )
    assert not any("not shown" in plain(message) for message in blocks.thread(said, PLAN))
