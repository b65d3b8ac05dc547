"""``/patches recent``: what is listed, paged and filtered, how long it is kept, and who gets to see it."""

import asyncio
import contextlib
import sqlite3
import time
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.slack.exchange import Exchange
from bot.demo.slack.model import Shown
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

MINUTE = timedelta(minutes=1)


def rows(shown: Shown) -> list[str]:
    """The attempts on a page, each as its first line."""
    return [line for line in shown.screen.splitlines() if " → " in line]


def asked_eset(stage: Stage) -> int:
    return len(stage.world.eset.calls.of("recent"))


# ---------------------------------------------------------------- what is listed


LISTS = [
    ("/patches recent", ["Failed patching attempts, last 7 days", "163 failed · 290 ok · 14 other", "page 1 of 21"]),
    ("/patches recent ok", ["Successful patching attempts", "✅ Installed", "OK_INSTALLED"]),
    ("/patches recent all", ["page 1 of 59", "● All (467)"]),
    ("/patches recent app:7-ZIP", ["application or developer: 7-ZIP", "7-Zip (Igor Pavlov) 24.08 → 24.09"]),
    ('/patches recent all app:"the git dev"', ["Git for Windows"]),
    ("/patches recent status:failed_download_error", ["status: FAILED_DOWNLOAD_ERROR", "check the device's internet"]),
    ("/patches recent status:OK_RESTART_REQUIRED", ["Installed, restart required", "Successful patching attempts"]),
    ("/patches recent status:NOT_APPLICABLE", ["Not applicable", "0 failed · 0 ok"]),
    ("/patches recent since:1s", ["Nothing failed in the last 1 second", "/patches status"]),
    ("/patches recent since:12h", ["last 12 hours"]),
    ("/patches recent app:Nonesuch", ["Nothing failed in the last 7 days with these filters"]),
]


async def test_the_list_shows_what_was_asked_for_with_words_and_the_vendors_names(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for typed, words in LISTS:
            answer = await stage.asks("bob", typed)
            assert [word for word in words if word not in answer.plain] == [], (typed, answer.plain)
            assert answer.ephemeral_to == "U0BOB"
        failed = await stage.asks("bob", "/patches recent failed app:7-Zip")
        assert rows(failed)
        assert all(row.startswith("7-Zip") for row in rows(failed))
        assert nothing_left(stage) == []


async def test_attempts_without_an_end_are_shown_under_all_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        unfinished = "No status given"
        listed = await stage.asks("bob", "/patches recent all status:UNSPECIFIED")
        assert f"❔ {unfinished}" in listed.plain
        assert "no end told" in listed.plain
        for mode in ("failed", "ok"):
            answer = await stage.asks("bob", f"/patches recent {mode}")
            while "Older ▶" in answer.buttons and unfinished not in answer.plain:
                await stage.clicks("bob", "Older ▶", answer)
            assert unfinished not in answer.plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- pages and filters by button


def paging(shown: Shown) -> list[str]:
    return [button for button in shown.buttons if button in {"Older ▶", "◀ Newer"}]


async def test_a_list_is_paged_there_and_back_and_filtered_in_its_place(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent app:7-Zip")
        first, pages = rows(shown), []
        assert paging(shown) == ["Older ▶"]
        while "Older ▶" in shown.buttons:
            pages.append(rows(shown))
            await stage.clicks("bob", "Older ▶", shown)
        pages.append(rows(shown))
        assert paging(shown) == ["◀ Newer"]
        total = int(shown.screen.split(" failed")[0].splitlines()[-1])
        assert sum(map(len, pages)) == total > 8
        for _ in pages[1:]:
            await stage.clicks("bob", "◀ Newer", shown)
        assert rows(shown) == first
        ok = next(button for button in shown.buttons if button.startswith("OK ("))
        await stage.clicks("bob", ok, shown)
        assert "Successful patching attempts" in shown.plain
        assert "application or developer: 7-Zip" in shown.plain
        assert all(row.startswith("7-Zip") for row in rows(shown))
        failed = next(button for button in shown.buttons if button.startswith("Failed ("))
        await stage.clicks("bob", failed, shown)
        assert rows(shown) == first
        assert asked_eset(stage) == 1  # buttons ask nobody
        assert [message for message in stage.world.slack.messages if message.ephemeral_to] == [shown]
        assert nothing_left(stage) == []


async def test_a_list_of_more_than_an_hour_is_no_longer_kept_and_says_so(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent")
        for button in ("Older ▶", "OK (290)"):
            await stage.later(timedelta(minutes=29))
            await stage.clicks("bob", button, shown)
        assert "Successful" in shown.plain
        await stage.later(timedelta(minutes=62))
        before = shown.plain
        for button in shown.buttons:
            exchange = await stage.clicks("bob", button, shown)
            assert "more than an hour old and no longer kept" in exchange.answers[-1].plain
        assert shown.plain == before
        assert nothing_left(stage) == []


async def test_pressing_one_page_at_once_many_times_leaves_a_page_that_exists(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent app:7-Zip")
        await asyncio.gather(*(stage.world.slack.clicks("bob", "Older ▶", shown) for _ in range(6)))
        await stage.bot.settle()
        assert rows(shown)
        assert nothing_left(stage) == []


async def test_an_answer_of_eset_is_used_again_for_a_minute(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        asked = asked_eset(stage)
        await stage.asks("bob", "/patches recent")
        stage.world.new_failures(1)
        stage.world.clock.advance(timedelta(seconds=60))
        assert "163 failed" in (await stage.asks("ann", "/patches recent")).plain
        assert asked_eset(stage) == asked + 1
        stage.world.clock.advance(timedelta(seconds=1))
        assert "164 failed" in (await stage.asks("ann", "/patches recent")).plain
        assert asked_eset(stage) == asked + 2
        assert nothing_left(stage) == []


async def test_who_asks_at_the_same_time_shares_one_answer_and_one_list_that_is_kept(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        asked, gate = asked_eset(stage), asyncio.Event()
        stage.world.eset.faults.add("recent", Fault.SLOW, until=gate)
        waiting = [await stage.says(name, "/patches recent") for name in ("bob", "ann", "carl")]
        assert all(["Asking ESET" in (await exchange.answer()).plain for exchange in waiting])
        await stage.world.eset.calls.reach("recent", asked + 1)
        gate.set()
        for exchange in waiting:
            await exchange.answer(saying="163 failed")
        await stage.bot.settle()
        assert asked_eset(stage) == asked + 1
        with contextlib.closing(sqlite3.connect(tmp_path / "patches.db")) as database:
            assert database.execute("SELECT count(*) FROM snapshots").fetchone() == (1,)
        assert nothing_left(stage) == []


async def test_what_could_not_be_read_is_told_to_everybody_who_sees_the_list(tmp_path: Path) -> None:
    body = b'{"patchingDetails": [5, {"displayName": "7-Zip", "timePeriod": {"endTime": "%s"}}]}'
    sentence = "1 row of ESET's answer could not be read"
    async with staged(tmp_path) as stage:
        ended = stage.world.clock.now().isoformat().encode()
        stage.world.eset.faults.add("recent", Fault.BODY, body=body % ended)
        assert sentence in (await stage.asks("bob", "/patches recent all")).plain
        again = await stage.asks("ann", "/patches recent all")
        assert sentence in again.plain
        await stage.clicks("ann", next(button for button in again.buttons if button.startswith("OK (")), again)
        assert "Successful" in again.plain
        assert sentence in again.plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- a slow or broken ESET


async def test_while_eset_takes_its_time_the_person_sees_at_once_that_it_is_asked(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.urls.commands_replace = True
        gate = asyncio.Event()
        stage.world.eset.faults.add("recent", Fault.SLOW, until=gate)
        began = time.monotonic()
        exchange = await stage.says("bob", "/patches recent")
        sign = await exchange.answer()
        assert time.monotonic() - began < 2
        assert "Asking ESET" in sign.plain
        gate.set()
        shown = await exchange.answer(saying="163 failed")
        assert shown is sign  # the result comes in its place
        await stage.bot.settle()
        assert nothing_left(stage) == []


async def test_an_answer_that_eset_puts_by_is_fetched_and_shown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.eset.faults.add("recent", Fault.LATER, polls=6)
        assert "163 failed" in (await stage.asks("bob", "/patches recent")).plain
        assert len(stage.world.eset.calls.of("poll")) == 6
        assert nothing_left(stage) == []


async def test_a_page_button_is_answered_while_eset_hangs(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent")
        stage.world.clock.advance(timedelta(minutes=5))
        gate = asyncio.Event()
        stage.world.eset.faults.add("recent", Fault.SLOW, until=gate)
        waiting = await stage.says("ann", "/patches recent")
        click = await stage.world.slack.clicks("bob", "Older ▶", shown)
        assert "page 2 of" in (await click.changes()).plain
        gate.set()
        await waiting.answer(saying="163 failed")
        await stage.bot.settle()
        assert nothing_left(stage) == []


async def test_an_eset_that_is_down_is_named_and_what_was_listed_stays_readable(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent")
        stage.world.clock.advance(timedelta(minutes=5))
        await stage.world.eset.stop()
        answer = await stage.asks("bob", "/patches recent")
        assert "ESET could not be reached (reference" in answer.plain
        await stage.clicks("bob", "Older ▶", shown)
        assert "page 2 of" in shown.plain
        status = await stage.asks("bob", "/patches status")
        assert "ESET does not work: ESET could not be reached" in status.plain
        assert "Trouble with ESET" in status.plain
        await stage.world.eset.start()
        assert "163 failed" in (await stage.asks("bob", "/patches recent")).plain
        assert "ESET works" in (await stage.asks("bob", "/patches status")).plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- who may, and where


HELPDESK_ONLY = CONFIG + '\n[access]\ncommands = ["S0HELPDESK"]\n'


@pytest.mark.parametrize(
    ("who", "config", "channel", "sentence"),
    [
        ("dave", HELPDESK_ONLY, "C0HELPDESK", "You are not among the people who may use"),
        ("gina", CONFIG, "C0HELPDESK", "Only full members of this workspace may use"),
        ("gina", HELPDESK_ONLY, "C0HELPDESK", "Only full members of this workspace may use"),
    ],
)
async def test_who_may_not_use_the_bot_is_told_so(
    who: str, config: str, channel: str, sentence: str, tmp_path: Path
) -> None:
    async with staged(tmp_path, config=config) as stage:
        stage.world.slack.joins_group("gina", "S0HELPDESK")
        for typed in (
            "/patches recent",
            "/patches retry 1001 4",
            "/patches digest now daily",
            "/patches help",
            "/patches x",
        ):
            exchange = await stage.says(who, typed, channel)
            answer = await exchange.answer()
            await stage.bot.settle()
            assert sentence in answer.plain, typed
            assert "Nothing was done" in answer.plain
        assert await stage.actions() == []
        assert asked_eset(stage) == 0
        assert "163 failed" in (await stage.asks("bob", "/patches recent")).plain
        assert nothing_left(stage) == []


async def test_a_stranger_from_another_organisation_is_refused(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.space.user("zoe").stranger = False  # then Slack's client lets the command through
        exchange = await stage.says("zoe", "/patches recent", "C0PATCHAPPROVE")
        assert "Only full members of this workspace" in (await exchange.answer()).plain
        await stage.bot.settle()
        assert nothing_left(stage) == []


@pytest.mark.parametrize("channel", ["C0RANDOM", "C0SECOPS", "@patches"])
async def test_a_command_is_answered_where_the_bot_is_no_member_too(channel: str, tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        exchange: Exchange = await stage.says("bob", "/patches recent", channel)
        shown = await exchange.answer()
        assert "163 failed" in shown.plain
        await stage.bot.settle()
        await stage.clicks("bob", "Older ▶", shown)
        assert "page 2 of" in shown.plain
        retry = await stage.says("bob", "/patches retry 1001 4", channel)
        await retry.answer(saying="Request #1 is made")
        await stage.bot.settle()
        listed = await stage.says("bob", "/patches device 1001", channel)
        await stage.opens("bob", "Retry…", await listed.answer(), saying="Failed patches")
        await stage.submits("bob", {"Failed patches to retry": ["5"]})
        told = [*(answer.plain for answer in stage.world.slack.last["bob"].answers), *stage.direct("bob")]
        assert any("Request #2 is made" in words for words in told)
        assert nothing_left(stage) == []


async def test_an_answer_that_slack_does_not_take_on_its_address_comes_another_way(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.faults.add("response_url", "http_500", times=None)
        exchange = await stage.says("bob", "/patches help")
        assert "What you can type" in (await exchange.answer()).plain
        await stage.bot.settle()
        elsewhere = await stage.says("bob", "/patches help", "C0RANDOM")
        await stage.bot.settle()
        assert elsewhere.answers == []
        assert "What you can type" in stage.direct("bob")[-1]
        assert nothing_left(stage) == []
