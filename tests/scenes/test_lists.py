"""``/patches pending`` and ``/patches history``: what they list, page by page, while requests come and go."""

import asyncio
import contextlib
import itertools
import json
import re
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.demo.slack.model import Shown
from bot.store import Entry
from tests import sample_requests, stored
from tests.scenes.playing import asked, configured, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged
from tests.scenes.test_failures import full_disk, held
from tests.scenes.test_windows import WINDOWS

FORTH, BACK = {"history": "Older ▶", "pending": "Next ▶"}, {"history": "◀ Newer", "pending": "◀ Back"}
PERMALINK = "chat.getPermalink"


async def made(stage: Stage, count: int, *, name: str = "") -> None:
    """So many requests, each for a patch of its own, on the devices of the inventory in turn or on the one named."""
    services = stage.bot.services
    devices = [device for device in await services.store.devices() if name in {"", device.name}]
    now = stage.world.clock.now()
    for number in range(count):
        draft = sample_requests.pending(1, 900_000 + await taken(stage))
        device = devices[number % len(devices)]
        draft = replace(draft, device=device, asked_at=now, waiting_since=now, expires_at=now + timedelta(hours=4))
        entry = Entry(now, draft.requester, "request.create", "", {})
        await stored.create(services.store, draft, entry, card_channel="C0PATCHAPPROVE")
    await stage.bot.tick()


async def taken(stage: Stage) -> int:
    newest = await stage.bot.services.store.history(None, 1)
    return newest[0].id if newest else 0


def listed(shown: Shown) -> list[int]:
    """The numbers of the requests on a page."""
    return [int(number) for number in re.findall(r"^#(\d+) .*asked by", shown.screen, re.MULTILINE)]


def linked(stage: Stage, shown: Shown) -> list[int]:
    """Those of them whose entry leads to their card."""
    cards = {card.ts.replace(".", ""): card.plain for card in stage.posted("C0PATCHAPPROVE")}
    links = re.findall(r"<https://[^|>]+/archives/C0PATCHAPPROVE/p(\d+)\|#(\d+) ", json.dumps(shown.blocks))
    return [int(number) for ts, number in links if f"request #{number}:" in cards[ts]]


async def through(stage: Stage, who: str, kind: str, shown: Shown) -> list[list[int]]:
    """Every page from here on, turned forth to the end."""
    pages = [listed(shown)]
    while FORTH[kind] in shown.buttons:
        await stage.clicks(who, FORTH[kind], shown)
        pages.append(listed(shown))
    return pages


def joined(pages: Iterable[list[int]]) -> list[int]:
    return list(itertools.chain.from_iterable(pages))


def asked_links(stage: Stage) -> int:
    return sum(call.method == PERMALINK for call in stage.world.slack.calls)


# ---------------------------------------------------------------- pages


async def test_a_history_of_57_requests_is_paged_forth_and_back_each_exactly_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 57)
        before = asked_links(stage)
        shown = await stage.asks("bob", "/patches history")
        assert "Retry requests, newest first, 1 to 10 of 57" in shown.plain
        assert asked_links(stage) == before + 10
        pages = await through(stage, "bob", "history", shown)
        assert [len(page) for page in pages] == [10, 10, 10, 10, 10, 7]
        assert joined(pages) == list(range(57, 0, -1))
        assert linked(stage, shown) == listed(shown)
        assert "51 to 57 of 57" in shown.plain
        assert shown.buttons == [BACK["history"]]
        for page in pages[-2::-1]:
            await stage.clicks("bob", BACK["history"], shown)
            assert listed(shown) == linked(stage, shown) == page
        assert shown.buttons == [FORTH["history"]]
        assert [message for message in stage.world.slack.messages if message.ephemeral_to] == [shown]
        assert nothing_left(stage) == []


async def test_what_waits_is_paged_oldest_first_with_all_that_an_approver_looks_for(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 23)
        shown = await stage.asks("ann", "/patches pending")
        assert "23 requests waiting, oldest first, 1 to 10" in shown.plain
        assert shown.plain.count("0 of 1 approval · expires 2025-03-12 12:30 UTC") == 10
        pages = await through(stage, "ann", "pending", shown)
        assert joined(pages) == list(range(1, 24))
        assert linked(stage, shown) == listed(shown) == [21, 22, 23]
        await stage.clicks("ann", BACK["pending"], shown)
        await stage.clicks("ann", BACK["pending"], shown)
        assert listed(shown) == list(range(1, 11))
        assert nothing_left(stage) == []


async def test_a_request_made_between_two_turns_neither_repeats_an_entry_nor_hides_one(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 21)
        shown = await stage.asks("bob", "/patches history")
        first = listed(shown)
        await made(stage, 1)
        pages = await through(stage, "bob", "history", shown)
        assert joined([first, *pages[1:]]) == list(range(21, 0, -1))
        assert "newest first, 22 of 22" in shown.plain
        seen = [listed(shown)]
        while BACK["history"] in shown.buttons:
            await stage.clicks("bob", BACK["history"], shown)
            seen.append(listed(shown))
        assert seen[-1] == [22], "the new one stands on a page before the first"
        assert joined(seen[::-1]) == list(range(22, 0, -1))
        assert nothing_left(stage) == []


async def test_what_is_decided_between_two_turns_hides_nothing_that_still_waits(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(deny_reason='"optional"')) as stage:
        await made(stage, 21)
        shown = await stage.asks("ann", "/patches pending")
        for card in stage.posted("C0PATCHAPPROVE")[4:8]:
            await stage.opens("ann", "Deny", card)
            await stage.submits("ann")
        await stage.clicks("ann", FORTH["pending"], shown)
        assert listed(shown) == list(range(11, 21))
        assert "17 requests waiting, oldest first, 7 to 16" in shown.plain
        await stage.clicks("ann", BACK["pending"], shown)
        assert listed(shown) == [1, 2, 3, 4, 9, 10]
        assert nothing_left(stage) == []


async def test_a_page_beyond_the_end_is_the_last_one(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 12)
        shown = await stage.asks("bob", "/patches history")
        await asyncio.gather(*(stage.world.slack.clicks("bob", FORTH["history"], shown, stale=True) for _ in range(4)))
        await stage.bot.settle()
        await stage.world.slack.clicks("bob", FORTH["history"], shown, stale=True)
        await stage.bot.settle()
        assert listed(shown)[-1] == 1
        assert "of 12" in shown.plain
        assert nothing_left(stage) == []


async def test_a_list_that_has_become_empty_says_so_in_its_place(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 11)
        shown = await stage.asks("ann", "/patches pending")
        await stage.later(timedelta(hours=4))  # all of them expire
        await stage.clicks("ann", FORTH["pending"], shown)
        assert "No retry request waits for an approver" in shown.plain
        history = await stage.asks("ann", "/patches history")
        assert history.plain.count("⌛ expired 2025-03-12 12:30 UTC") == 10
        assert history.plain.count("Nobody decided in time. Nothing was sent.") == 10
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- which requests


async def test_the_history_of_one_device_stays_with_it_from_page_to_page(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 12, name="SRV-DC01")
        await made(stage, 9)
        await made(stage, 3, name="SRV-DC01")
        mine = [one.id for one in await stage.bot.services.store.history(1001, 99)]
        assert 15 <= len(mine) < 24, "others have some too"
        shown = await stage.asks("bob", "/patches history srv-dc01")
        assert f"Retry requests for SRV-DC01, newest first, 1 to 10 of {len(mine)}" in shown.plain
        assert joined(await through(stage, "bob", "history", shown)) == mine
        assert "Retry requests for SRV-DC01" in shown.plain
        few = await stage.asks("bob", "/patches history 1002")
        assert few.buttons == []
        assert nothing_left(stage) == []


async def test_what_is_approved_and_waits_for_its_window_is_listed_until_it_opens(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOWS) as stage:
        await pressed(stage, "ann", "Approve", await asked(stage))
        shown = await stage.asks("bob", "/patches pending")
        assert "1 request waiting" in shown.plain
        assert "approved, waits for its maintenance window: 2025-03-12 21:00 UTC to 2025-03-13 01:00" in shown.plain
        assert "approved by @ann" in shown.plain
        assert linked(stage, shown) == [1]
        await stage.later(timedelta(hours=12, minutes=30))
        assert stage.retries == [(1001, (4, 5))]
        assert "No retry request waits" in (await stage.asks("bob", "/patches pending")).plain
        assert "queued in N-sight: 2 queued (approved by @ann)" in (await stage.asks("bob", "/patches history")).plain
        assert nothing_left(stage) == []


async def test_pending_names_the_votes_so_far_and_history_why_it_was_denied(tmp_path: Path) -> None:
    rule = '\n[[approvals.rules]]\nkind = "server"\nquorum = 2\n'
    async with staged(tmp_path, config=CONFIG + rule) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        waiting = await stage.asks("bob", "/patches pending")
        assert "1 of 2 approvals (server)" in waiting.plain
        assert "approved by @ann" in waiting.plain
        assert "asked by @bob" in waiting.plain
        await stage.opens("carl", "Deny", card)
        await stage.submits("carl", {"Why?": "the till is in use"})
        past = await stage.asks("bob", "/patches history")
        assert "denied by @carl" in past.plain
        assert "Denied because: the till is in use" in past.plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- when something is broken


async def test_a_button_of_a_list_that_is_no_longer_kept_is_answered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 21)
        for kind in ("history", "pending"):
            shown = await stage.asks("bob", f"/patches {kind}")
            before = shown.plain
            with contextlib.closing(sqlite3.connect(tmp_path / "patches.db", isolation_level=None)) as database:
                database.execute("DELETE FROM tokens")
            exchange = await stage.clicks("bob", FORTH[kind], shown)
            assert f"no longer kept. /patches {kind} shows it anew" in exchange.answers[-1].plain
            assert shown.plain == before
        assert nothing_left(stage) == []


async def test_while_the_database_cannot_be_written_the_first_page_is_shown_without_buttons(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 21)
        kept = await stage.asks("bob", "/patches history")
        with full_disk(tmp_path):
            for kind, words in (("history", "newest first, 1 to 10 of 21"), ("pending", "21 requests waiting")):
                shown = await stage.asks("ann", f"/patches {kind}")
                assert words in shown.plain
                assert "this list has no buttons" in shown.plain
                assert linked(stage, shown) == listed(shown)
                assert len(listed(shown)) == 10
                assert shown.buttons == []
            await stage.clicks("bob", FORTH["history"], kept)
            assert listed(kept) == list(range(11, 1, -1))
        assert nothing_left(stage) == []


async def test_a_list_does_not_wait_for_whoever_holds_the_database(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 11)
        with held(tmp_path):
            began = time.monotonic()
            shown = await stage.asks("ann", "/patches pending")
            assert time.monotonic() - began < 5  # a change would wait for ten
        assert "this list has no buttons" in shown.plain
        assert nothing_left(stage) == []


async def test_when_slack_tells_no_links_they_are_formed_as_slack_forms_them(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 3)
        stage.world.slack.faults.error(PERMALINK, "internal_error", times=None)
        shown = await stage.asks("bob", "/patches history")
        assert linked(stage, shown) == listed(shown) == [3, 2, 1]
        assert nothing_left(stage) == []


async def test_a_slack_that_hangs_on_links_holds_no_list_back(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 3)
        gate = asyncio.Event()
        stage.world.slack.faults.add(PERMALINK, "slow", until=gate, times=None)
        exchange = await stage.says("bob", "/patches history")
        shown = await exchange.answer(timeout=5, saying="Retry requests")  # one call to Slack may take five here
        gate.set()
        await stage.bot.settle()
        assert listed(shown) == [3, 2, 1]
        assert linked(stage, shown) == []
        assert nothing_left(stage) == []
