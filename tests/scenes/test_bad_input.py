"""What people mistype and what broken services answer: each gets a sentence, nothing happens, and the bot goes on."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.faults import Fault
from tests.scenes.stage import CONFIG, QUICK, Stage, nothing_left, staged

MARKUP = "<!channel> *bold* <@U0ANN> <https://evil.example|click> & `code` 🔥 مرحبا بالعالم \u202egnp.exe "

# What is typed, and the words that its answer must hold.
NOT_UNDERSTOOD = [
    ("/patches rety 1001 4", ["rety is not a command", "Did you mean /patches retry?", "Nothing was done"]),
    ("/patches xyzzy", ["xyzzy is not a command", "/patches help"]),
    ("/patches silence Chrome 7d", ["No application is called Chrome", "Did you mean", "Nothing was done"]),
    ("/patches recent faild", ["faild is not understood", "Did you mean failed?", "Nothing was done"]),
    ("/patches recent stats:FAILED", ["stats: is not an option", "Did you mean status:?"]),
    ("/patches recent status:FAILED_DOWNLOD", ["not a status", "status:FAILED_DOWNLOAD_ERROR"]),
    ("/patches recent since:soon", ["soon is not a time span"]),
    ("/patches recent app:", ["app: needs a value"]),
    ("/patches retry 1001 4 --force", ["--force is not an option", "Nothing was done"]),
    ("/patches retry", ["A device and patch ids are missing"]),
    ("/patches retry 1001", ["Patch ids are missing", "the word failed"]),
    ('/patches retry "SRV-DC01 4', ["never closed", "Nothing was done"]),
    ("/patches retry 1001 2nd", ["2nd is no patch id", "Nothing was done"]),
    ("/patches retry 1001 4,x5", ["x5 is no patch id", "/patches retry 1001 4", "Nothing was done"]),
    ("/patches pending now", ["now is not understood"]),
    ("/patches digest nwo daily", ["nwo is not understood", "Did you mean now?"]),
    ("/patches digest now dailly", ["no digest dailly", "Did you mean daily?", "Nothing was posted"]),
    ("/patches help retri", ["no help on retri", "Did you mean retry?"]),
]

NO_SUCH_DEVICE = [
    ("/patches device SRV-FILE01", ["fits 2 devices", "Contoso Ltd, Head Office", "id 1004", "Müller & Söhne", "1023"]),
    ("/patches retry SRV-FILE01 4", ["fits 2 devices", "id 1004", "id 1023", "Nothing was done"]),
    ("/patches history SRV-FILE01", ["fits 2 devices", "Nothing was done"]),
    (
        "/patches retry CON-NB 4",
        ["No device has the id or the full name CON-NB", "CON-NB-0147 (Contoso Ltd, Head", "1006"],
    ),
    ("/patches device SRV-DC1", ["No device has", "SRV-DC01 (Contoso Ltd, Head Office), id 1001"]),
    ("/patches retry 999999 4", ["No device has the id or the full name 999999", "Nothing was done"]),
    ("/patches device <!channel>", ["No device has the id or the full name @channel"]),
]

NOT_SO_MEANT = [
    ("/patches retry 1001 4,4711", ["4711 is no patch of SRV-DC01 (id 1001)", "/patches retry 1001 4", "No request"]),
    ("/patches retry 1001 4711,5,4712 x", ["4711 and 4712 are no patches", "Without them: /patches retry 1001 5 x"]),
    ("/patches retry 1001 4711", ["4711 is no patch of", "/patches device 1001 lists what it has"]),
    ("/patches retry 1001 1,6", ["None of these is Failed", "1 Notepad++", "(Installed)", "No request was made"]),
    ("/patches retry 1001 2", ["It is not Failed", "(Missing)"]),
    ("/patches retry 1001 99999999999999999999", ["is no patch id"]),
]

MEANT = [
    ("/patches retry “SRV-DC01” 4,5", "4,5", ""),
    ("/patches retry ‘srv-dc01’ 4,5", "4,5", ""),
    ("/patches retry\u00a0SRV-DC01\u00a04,5,\u00a0fix\u00a0it", "4,5", "fix it"),
    ("/patches retry SRV-DC01 4,5,", "4,5", ""),
    ("/patches retry SRV-DC01 4\n5\nplease", "4,5", "please"),
    ("/patches retry SRV-DC01\n4,\n5", "4,5", ""),
    ("/patches retry 1001 5 , 4 4", "5,4", ""),
    ("/patches retry <http://SRV-DC01|SRV-DC01> 4", "4", ""),
    ("/patches retry \u200b1001\u200b 4 -- 2nd try", "4", "2nd try"),
    ("/patches RETRY 1001 Failed", "4,5", ""),
]


def misses(said: str, words: list[str]) -> list[str]:
    return [word for word in words if word.casefold() not in said.casefold()]


def as_slack_sends(typed: str) -> str:
    """docs.slack.dev, "Formatting message text": what a person types arrives with these three escaped."""
    return typed.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


async def nothing_happened(stage: Stage) -> bool:
    services = stage.bot.services
    return not stage.retries and not stage.posted("C0PATCHAPPROVE") and not await services.store.history(None, 1)


@pytest.mark.parametrize("lines", [NOT_UNDERSTOOD, NO_SUCH_DEVICE, NOT_SO_MEANT], ids=["words", "devices", "patches"])
async def test_what_is_mistyped_is_answered_with_the_right_form_and_nothing_is_done(
    lines: list[tuple[str, list[str]]], tmp_path: Path
) -> None:
    async with staged(tmp_path) as stage:
        for typed, words in lines:
            answer = await stage.asks("bob", typed)
            assert not misses(answer.plain, words), f"{typed} → {answer.plain}"
            assert answer.ephemeral_to == "U0BOB"
        assert await nothing_happened(stage)
        assert not stage.posted("C0PATCHNEWS")
        assert nothing_left(stage) == []


async def test_quotes_spaces_commas_and_line_ends_are_read_as_they_are_meant(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for typed, ids, reason in MEANT:
            answer = await stage.asks("bob", typed)
            assert f"retry {ids} on SRV-DC01 (id 1001" in answer.plain, f"{typed} → {answer.plain}"
            assert f"Reason: {reason}" in answer.plain if reason else "Reason" not in answer.plain
            await stage.clicks("bob", "Withdraw", answer)
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_ids_that_are_not_failed_are_left_out_and_named_with_their_state(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", "/patches retry 1001 1,4,2,7")
        assert "retry 4 on SRV-DC01" in answer.plain
        assert "Left out because not failed: 1 (Installed), 2 (Missing) and 7 (Reboot Required)" in answer.plain
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []


async def test_more_ids_than_a_request_may_hold_are_refused_with_the_way_to_split_them(tmp_path: Path) -> None:
    config = CONFIG.replace("[approvals]", "[approvals]\nmax_patches = 1")
    async with staged(tmp_path, config=config) as stage:
        for typed in ("/patches retry 1001 4,5", "/patches retry 1001 failed"):
            answer = await stage.asks("bob", typed)
            assert "2 patches on SRV-DC01 (id 1001) are more than one request may hold (1)" in answer.plain
            assert "/patches retry 1001 4\n" in answer.plain
            assert "/patches retry 1001 5" in answer.plain
        assert await nothing_happened(stage)
        assert nothing_left(stage) == []


async def test_a_reason_of_ten_thousand_characters_is_cut_on_screen_and_whole_in_the_audit_trail(
    tmp_path: Path,
) -> None:
    reason = (MARKUP * 200)[:10_000].strip()
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", f"/patches retry 1001 4 {as_slack_sends(reason)}")
        for shown in (answer, stage.card):
            assert "<!channel> bold <@U0ANN> <https://evil.example|click> & code" in shown.plain
            assert "🔥 مرحبا" in shown.plain
            assert "\u202e" not in json.dumps(shown.blocks, ensure_ascii=False)
            assert "&lt;!channel&gt;" in json.dumps(shown.blocks)
            assert len(shown.plain) < 4000
        await stage.clicks("ann", "Deny", stage.card)
        assert await stage.submits("ann", {"Why?": reason[:3000]}) == {}
        assert "Denied by @ann" in stage.card.plain
        created, denied = [json.loads(row.data) for row in await stage.trail()]
        assert created["reason"] == reason
        assert denied["reason"] == reason[:3000].strip()
        for question in ("/patches history", "/patches history 1001"):
            assert "denied" in (await stage.asks("bob", question)).plain
        assert nothing_left(stage) == []


async def test_names_from_outside_are_escaped_wherever_they_are_shown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        fleet = stage.world.fleet
        machine, patch = fleet.machine(1001), fleet.patch(1001, 4)
        assert machine is not None
        patch.title = "<!channel> & <Chrome> " + "x" * 500
        machine.name = "SRV <!here> & Söhne"
        await stage.bot.services.store.replace_inventory([], [], stage.world.clock.now())
        stage.world.clock.advance(100)
        listed = await stage.asks("bob", "/patches device 1001")
        assert "<!channel> & <Chrome>" in listed.plain
        await stage.asks("bob", f'/patches retry "{as_slack_sends(machine.name)}" 4')
        assert "SRV <!here> & Söhne" in stage.card.plain
        await stage.asks("bob", "/patches pending")
        await stage.asks("bob", "/patches history")
        await stage.clicks("ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []  # the stand-in notes every mention of everybody


BROKEN: list[tuple[Fault, dict[str, Any], str]] = [
    (Fault.BODY, {"body": b"Internal Error: no XML here"}, "an answer that cannot be read"),
    (Fault.BODY, {"body": b"<patches><patch></patches>"}, "an answer that cannot be read"),
    (Fault.BODY, {"body": b"\x00\xff\xfe<patches/>"}, "an answer that cannot be read"),
    (Fault.BODY, {"body": b""}, "an answer that cannot be read"),
    (Fault.HTML, {}, "shielded by something that refused"),
    (Fault.BOMB, {}, "an answer that cannot be read"),
    (Fault.TORN, {}, "an answer that cannot be read"),
    (Fault.CUT_MIDWAY, {}, "cut the connection before the answer was complete"),
    (Fault.CUT, {}, "cut the connection before the answer was complete"),
    (Fault.REDIRECT, {}, "shielded by something that refused"),
    (Fault.STATUS, {"status": 500}, "has trouble of its own"),
    (Fault.STATUS, {"status": 403}, "shielded by something that refused"),
    (Fault.FAIL, {"code": "4", "words": "<b>no</b> & never"}, "N-sight refused"),
]


async def test_broken_answers_of_n_sight_become_a_sentence_with_its_name_and_a_reference(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        faults = stage.world.nsight.faults
        for fault, details, said in BROKEN:
            faults.add("patch_list_all", fault, times=None, **details)
            answer = await stage.asks("bob", "/patches device 1001")
            assert answer.plain.startswith("⚠️ N-sight"), (fault, answer)
            assert said in answer.plain, (fault, answer)
            assert re.search(r"\(reference [0-9a-f]{8}\)", answer.plain), (fault, answer)
            assert "N-sight" in (await stage.asks("bob", "/patches retry 1001 4")).plain
            faults.clear()
        assert "2 failed patches" in (await stage.asks("bob", "/patches device 1001")).plain
        assert await nothing_happened(stage)
        assert nothing_left(stage) == []


async def test_an_answer_of_eighty_megabytes_is_refused_by_its_size(tmp_path: Path) -> None:
    patient = replace(QUICK, eset=replace(QUICK.eset, deadline=60), nsight=replace(QUICK.nsight, read=60))
    async with staged(tmp_path, pace=patient) as stage:
        stage.world.nsight.faults.add("patch_list_all", Fault.HUGE)
        answer = await stage.asks("bob", "/patches device 1001")
        assert "N-sight gave an answer larger than the bot accepts (reference" in answer.plain
        stage.world.eset.faults.add("recent", Fault.GZIP_BOMB)
        answer = await stage.asks("bob", "/patches recent")
        assert "ESET gave an answer larger than the bot accepts (reference" in answer.plain
        assert "failed" in (await stage.asks("bob", "/patches recent")).plain
        assert nothing_left(stage) == []
