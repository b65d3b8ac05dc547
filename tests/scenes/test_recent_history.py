"""``/patches recent`` beyond what ESET lists, by application, and as a file."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.commands import Recent
from bot.demo.slack.model import Shown
from bot.flows.recent import sheet, sources
from tests.scenes.stage import Stage, nothing_left, staged
from tests.scenes.test_recent import asked_eset, rows

DAY = timedelta(days=1)


def sheet_of(stage: Stage, user: str) -> list[list[str]]:
    """The rows of the newest file in a person's direct messages, its header first."""
    space = stage.world.slack.space
    mine = space.direct(space.user(user).id).id
    file = [shown.files[0] for shown in space.messages if shown.channel == mine and shown.files][-1]
    assert file.content is not None
    return list(csv.reader(io.StringIO(file.content.decode("utf-8-sig"), newline="")))


def named(shown: Shown, words: str) -> str:
    return next(button for button in shown.buttons if words in button)


def counted(shown: Shown) -> int:
    """How many failed, by the list's own count."""
    return int(named(shown, "Failed (").split("(")[1].rstrip(")").replace(",", ""))


# ---------------------------------------------------------------- the kept history


async def test_what_eset_no_longer_lists_is_told_from_what_the_bot_has_kept(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for _ in range(3):
            await stage.later(7 * DAY)
        listed = await stage.asks("bob", "/patches recent")
        kept = await stage.asks("bob", "/patches recent since:30d")
        assert counted(kept) >= 163 > counted(listed)
        assert "Failed patching attempts, last 30 days" in kept.plain
        assert "these are the finished attempts that the bot has kept, the oldest of" in kept.plain
        assert "has kept" not in listed.plain
        assert rows(kept)
        assert nothing_left(stage) == []


async def test_kept_attempts_are_paged_filtered_and_lead_to_a_retry(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.later(10 * DAY)
        shown = await stage.asks("bob", "/patches recent since:30d app:7-Zip")
        first, total, seen = rows(shown), counted(shown), 0
        while "Older ▶" in shown.buttons:
            seen += len(rows(shown))
            await stage.clicks("bob", "Older ▶", shown)
        assert seen + len(rows(shown)) == total > 8
        while "◀ Newer" in shown.buttons:
            await stage.clicks("bob", "◀ Newer", shown)
        assert rows(shown) == first
        await stage.opens("bob", "Retry…", shown, saying="7-Zip")
        await stage.clicks("bob", named(shown, "OK ("), shown)
        assert "Successful patching attempts, last 30 days" in shown.plain
        assert "application or developer: 7-Zip" in shown.plain
        assert nothing_left(stage) == []


async def test_a_kept_list_stays_as_it_is_however_much_comes_later(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent since:30d")
        before = rows(shown)
        stage.world.new_failures(3)
        await stage.later(timedelta(hours=2))
        await stage.clicks("bob", "Older ▶", shown)
        await stage.clicks("bob", "◀ Newer", shown)
        assert rows(shown) == before
        assert counted(await stage.asks("bob", "/patches recent since:30d")) == counted(shown) + 3
        assert nothing_left(stage) == []


async def test_kept_attempts_are_told_while_eset_is_down_with_a_word_about_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.clock.advance(timedelta(minutes=5))
        await stage.world.eset.stop()
        shown = await stage.asks("bob", "/patches recent since:30d")
        assert rows(shown)
        assert "⚠️ ESET could not be reached" in shown.plain
        assert "What is newest may be missing." in shown.plain
        assert nothing_left(stage) == []


async def test_eset_is_asked_for_the_newest_at_most_once_a_minute(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.clock.advance(timedelta(minutes=5))
        asked = asked_eset(stage)
        await stage.asks("bob", "/patches recent since:30d")
        await stage.asks("ann", "/patches recent since:90d")
        assert asked_eset(stage) == asked + 1
        assert nothing_left(stage) == []


async def test_what_a_kept_list_has_counted_stays_with_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services, asked = stage.bot.services, Recent(since=timedelta(days=30))
        source = sources.Collected(services, services.now(), await services.store.newest_attempt())
        rows, counted = await source.found(asked, 0), await source.applications(asked, 0)
        later = await sources.again(services, {**json.loads(json.dumps(source.pack())), "upto": 0})
        assert (await later.found(asked, 0)).count("all") == rows.count("all") > 0
        assert [one.failed for one in await later.applications(asked, 0)] == [one.failed for one in counted]
        assert (await later.found(replace(asked, status="OK_INSTALLED"), 0)).count("all") == 0
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- by application


def applications(shown: Shown) -> list[str]:
    return [line for line in shown.screen.splitlines() if "failed · ✅" in line]


async def test_applications_stand_with_their_course_in_the_lists_place(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for typed in ("/patches recent", "/patches recent since:30d"):
            shown = await stage.asks("bob", typed)
            failed = counted(shown)
            await stage.clicks("bob", "By application", shown)
            assert "Patching attempts by application" in shown.plain
            assert "● By application" in shown.buttons
            found = applications(shown)
            while "More ▶" in shown.buttons:
                await stage.clicks("bob", "More ▶", shown)
                found += applications(shown)
            assert sum(int(line.split("❌ ")[1].split()[0]) for line in found) == failed
            assert all(set(line) & set("▅▆▇█") for line in found if "❌ 0" not in line)
            await stage.clicks("bob", "◀ Back", shown)
            await stage.clicks("bob", named(shown, "Failed ("), shown)
            assert "Failed patching attempts" in shown.plain
            assert counted(shown) == failed
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- files


async def test_a_list_is_handed_over_as_a_file_with_the_devices(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches digest now daily")  # reads on which devices
        for typed in ("/patches recent", "/patches recent since:30d"):
            shown = await stage.asks("bob", typed)
            exchange = await stage.clicks("bob", "Export CSV", shown)
            assert f"{counted(shown)} rows, in your direct messages" in exchange.answers[-1].plain
            header, *table = sheet_of(stage, "bob")
            assert len(table) == counted(shown)
            assert {row[header.index("Outcome")] for row in table} == {"failed"}
            ended = [row[header.index("Ended (UTC)")] for row in table]
            assert ended == sorted(ended, reverse=True)
            assert any(row[-1] for row in table)
            assert rows(shown)  # it stays as it was
        assert nothing_left(stage) == []


async def test_who_had_a_list_sent_is_on_record(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent app:7-Zip")
        await stage.clicks("bob", "Export CSV", shown)
        (row,) = [row for row in await stage.trail() if row.action == "recent.export"]
        assert row.actor == stage.world.slack.space.user("bob").id
        facts = {"list": "Failed patching attempts, last 7 days", "application": "7-Zip", "status": ""}
        assert json.loads(row.data) == {**facts, "rows": counted(shown)}
        assert nothing_left(stage) == []


async def test_applications_are_handed_over_as_they_are_counted(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent all")
        await stage.clicks("bob", "By application", shown)
        await stage.clicks("bob", "Export CSV", shown)
        header, *table = sheet_of(stage, "bob")
        assert header == ["Application", "Developer", "Failed", "OK", "Other"]
        assert sum(int(row[2]) for row in table) == counted(shown)
        assert nothing_left(stage) == []


async def test_a_list_without_rows_is_no_file(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for typed in ("/patches recent app:Nonesuch", "/patches recent since:30d app:Nonesuch"):
            shown = await stage.asks("bob", typed)
            exchange = await stage.clicks("bob", "Export CSV", shown)
            assert "This list is empty, so there is no file to send." in exchange.answers[-1].plain
            await stage.clicks("bob", "By application", shown)
            exchange = await stage.clicks("bob", "Export CSV", shown)
            assert "This list is empty" in exchange.answers[-1].plain
        assert not [call for call in stage.world.slack.space.calls if call.method.startswith("files.")]
        assert nothing_left(stage) == []


async def test_no_separator_of_a_spreadsheet_is_in_a_files_header() -> None:
    assert not any(";" in name for name in (*sheet.ATTEMPTS, *sheet.APPLICATIONS))


async def test_without_the_right_to_send_files_the_person_is_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.revoke_scope("files:write")
        shown = await stage.asks("bob", "/patches recent")
        exchange = await stage.clicks("bob", "Export CSV", shown)
        assert "lacks the scope files:write" in exchange.answers[-1].plain
        assert nothing_left(stage) == []


async def test_a_file_of_a_list_that_is_no_longer_kept_is_refused(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        shown = await stage.asks("bob", "/patches recent")
        await stage.later(timedelta(hours=2))
        exchange = await stage.clicks("bob", "Export CSV", shown)
        assert "no longer kept" in exchange.answers[-1].plain
        assert nothing_left(stage) == []
