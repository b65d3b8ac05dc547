"""What can be made to happen from the page: each lever does what it says, and says what it did."""

import ast
import asyncio
import json
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from bot.demo import setting
from bot.demo.clock import Clock
from bot.demo.night import Night
from bot.demo.page.hours import Hours
from bot.demo.page.tempo import FAST, KNOWN, SLOW, Tempo
from bot.demo.story import fleet
from bot.demo.world import World
from bot.model import PatchStatus
from tests.test_page import CARDS, HELPDESK, NEWS, Browser, Json, opened
from tests.test_page_trace import said, traced

ROOT = Path(__file__).parent.parent / "bot"
MISHAPS = ("lose_reply", "later", "rate_limit", "fail_again")


async def levers(browser: Browser, told: str = "") -> Json:
    """All levers by name, as a page has them, as soon as ``told`` was told last."""

    def found(shown: Json) -> Json | None:
        now: Json = shown["levers"]
        return now if told in now["told"] else None

    state: Json = await browser.screen("ann", found)
    return state | {"by": {lever["name"]: lever for lever in state["levers"]}}


async def pull(browser: Browser, name: str, status: int = 200) -> str:
    told = await browser.post("lever", "dave", status, name=name)
    return str(told.get("told", told.get("error")))


async def arm(browser: Browser, name: str, *, armed: bool = True) -> str:
    told = await browser.post("lever", "dave", name=name, armed=armed)
    assert told["armed"] is armed
    return str(told["told"])


async def asked(browser: Browser, patches: str = "4,5") -> Json:
    """A request of Bob's, approved by Ann; its card as it was before."""
    await browser.post("say", "bob", channel=HELPDESK, text=f"/patches retry SRV-DC01 {patches} because")
    card = await browser.message("ann", CARDS, "Waiting for approval")
    await browser.press("ann", card, "Approve")
    return card


async def test_every_lever_says_in_a_line_what_to_expect() -> None:
    async with opened() as browser:
        state = await levers(browser)
        assert [name for name, lever in state["by"].items() if lever["armed"] is not None] == list(MISHAPS)
        assert {"install", "half_hour", "next_day", "failures", "disconnect", "restart"} < state["by"].keys()
        assert {lever["why"] for lever in state["levers"]} == {""}
        assert all(0 < len(lever["hint"]) <= 110 and 0 < len(lever["title"]) <= 24 for lever in state["levers"])
        assert (state["up"], state["at_work"], state["told"]) == (True, "", "")
        assert "no lever 'nonsense'" in await pull(browser, "nonsense", 409)


@pytest.mark.parametrize("name", MISHAPS)
async def test_what_is_armed_once_or_twice_is_taken_back_at_once_and_then_never_happens(name: str) -> None:
    async with opened() as browser:
        assert (await arm(browser, name)).startswith("Armed. ")
        assert (await arm(browser, name)).endswith("armed already.")  # in two tabs, or by a double press
        assert (await levers(browser, "armed already"))["by"][name]["armed"]
        assert (await arm(browser, name, armed=False)).endswith("taken back.")
        assert not (await levers(browser, "taken back"))["by"][name]["armed"]
        entries = await traced(browser, lambda all_: any(one["title"].startswith("Taken back: ") for one in all_))
        assert sum(one["title"].startswith(("Armed: ", "Taken back: ")) for one in entries) == 2
        await asked(browser)
        await browser.message("bob", CARDS, "Queued by N-sight")
        await pull(browser, "install")
        await browser.message("bob", CARDS, "Finished: 2 of 2 installed")
        assert browser.scene.world.eset.faults.waiting("recent") == 0
        assert browser.scene.world.violations == []


async def test_a_lost_reply_leaves_a_card_that_asks_a_person_and_nothing_is_sent_twice() -> None:
    async with opened() as browser:
        await arm(browser, "lose_reply")
        card = await asked(browser)
        state = await levers(browser, "its answer was lost")
        assert not state["by"]["lose_reply"]["armed"]
        unsure = await browser.message("bob", CARDS, "Outcome unknown")
        assert unsure["id"] == card["id"]
        await pull(browser, "install")
        assert len(browser.scene.world.nsight.retries) == 1
        entries = await traced(browser, lambda all_: said(all_, "patch_retry"))
        assert [one["outcome"] for one in said(entries, "patch_retry")] == ["no answer: connection cut"]
        titles = [one["title"] for one in entries]
        assert titles.index("Armed: N-sight reply lost") < titles.index("Happened: N-sight reply lost")


async def test_eset_puts_one_question_by_three_times_and_the_answer_comes_all_the_same() -> None:
    async with opened() as browser:
        await arm(browser, "later")
        await pull(browser, "half_hour")
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        await browser.message("bob", HELPDESK, "Failed patching attempts")
        assert not (await levers(browser, "ESET has put a question by"))["by"]["later"]["armed"]
        entries = await traced(browser, lambda all_: any(one["outcome"].startswith("202") for one in all_))
        assert sum(one["outcome"].startswith("202") for one in entries) == 3


async def test_the_next_message_is_refused_whichever_way_it_goes_and_comes_once() -> None:
    async with opened() as browser:
        messages = browser.scene.world.slack.messages
        await arm(browser, "rate_limit")
        await browser.post("say", "bob", channel=HELPDESK, text="/patches help")
        await browser.message("bob", HELPDESK, "What you can type")
        assert not (await levers(browser, "Slack refused a message"))["by"]["rate_limit"]["armed"]
        entries = await traced(browser, lambda all_: said(all_, "chat.postEphemeral"))
        assert [one["outcome"] for one in said(entries, "response_url")] == ["429, Retry-After 2 s"]
        assert [one["outcome"] for one in said(entries, "chat.postEphemeral")] == ["ok"]
        assert sum("What you can type" in one.plain for one in messages) == 1

        await arm(browser, "rate_limit")
        await pull(browser, "half_hour")
        entries = await traced(browser, lambda all_: len(said(all_, "chat.postMessage")) >= 2)
        assert [one["outcome"] for one in said(entries, "chat.postMessage")][:2] == ["429, Retry-After 2 s", "ok"]
        assert sum(one.channel == NEWS and not one.thread_ts for one in messages) == 1
        assert browser.scene.world.violations == []


async def test_a_lever_that_is_pulled_while_answers_are_awaited_lets_them_come_first() -> None:
    async with opened() as browser:
        asking = [browser.post("say", "bob", channel=HELPDESK, text="/patches recent") for _ in range(4)]
        night = asyncio.create_task(pull(browser, "next_day"))
        assert [one["failure"] for one in await asyncio.gather(*asking)] == [""] * 4
        await night
        answered = [one for one in browser.scene.world.slack.messages if "Failed patching attempts" in one.plain]
        assert len(answered) == 4
        assert browser.scene.world.violations == []


async def test_what_is_on_its_way_fails_again_and_whoever_asked_is_told() -> None:
    async with opened() as browser:
        await asked(browser)
        await browser.message("bob", CARDS, "Queued by N-sight")
        assert await arm(browser, "fail_again") == "2 patches on the way at N-sight will fail again."
        assert (
            await pull(browser, "install") == "25 minutes later: 2 patches failed again. What was to fail has failed."
        )
        assert not (await levers(browser))["by"]["fail_again"]["armed"]
        await browser.message("bob", CARDS, "2 failed again")
        await browser.message("bob", "D0BOB", "failed again")


async def test_with_nothing_on_its_way_the_next_retry_fails_again_and_only_that() -> None:
    async with opened() as browser:
        await arm(browser, "fail_again")
        await asked(browser, "4")
        await browser.message("bob", CARDS, "Queued by N-sight")
        assert (await levers(browser))["by"]["fail_again"]["armed"]
        await pull(browser, "install")
        await browser.message("bob", CARDS, "1 failed again")
        await asked(browser, "5")
        await browser.message("bob", CARDS, "Queued by N-sight")
        await pull(browser, "install")
        await browser.message("bob", CARDS, "Finished: 1 of 1 installed")


async def test_what_did_not_simply_install_is_told_as_what_it_is() -> None:
    async with opened() as browser:
        browser.scene.world.fleet.patch(1001, 5).outcomes = [PatchStatus.REBOOT_REQUIRED]
        await asked(browser)
        await browser.message("bob", CARDS, "Queued by N-sight")
        assert "1 patch installed and 1 patch waiting for a reboot." in await pull(browser, "install")


async def test_nothing_to_install_is_said_so_and_no_time_goes_by() -> None:
    async with opened() as browser:
        began = browser.scene.world.clock.now()
        assert (await pull(browser, "install")).startswith("Nothing is on its way")
        assert browser.scene.world.clock.now() == began


async def test_new_failures_are_told_with_where_to_see_them_and_are_there_at_once() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        await browser.message("bob", HELPDESK, "Failed patching attempts")
        told = await pull(browser, "failures")
        assert told.endswith("/patches recent shows them, the digest tells them at 09:00 UTC.")
        looks = len(browser.scene.world.eset.calls.of("recent"))
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        await browser.scene.world.slack.sockets.idle()
        await browser.scene.bot.settle()
        assert len(browser.scene.world.eset.calls.of("recent")) > looks


async def test_slack_disconnects_and_the_bot_is_connected_again_when_the_answer_comes() -> None:
    async with opened() as browser:
        before = {one.number for one in browser.scene.world.slack.sockets.connections}
        assert (await levers(browser))["linked"]
        cut = asyncio.create_task(browser.screen("bob", lambda shown: not shown["levers"]["linked"]))
        assert "connected again" in await pull(browser, "disconnect")
        await cut
        entries = await traced(browser, lambda all_: any(one["title"].endswith("is gone") for one in all_))
        titles = [one["title"] for one in entries]
        assert {f"Socket {number} is gone" for number in before} <= set(titles)
        assert "apps.connections.open" in titles
        exchange = await browser.scene.world.slack.says("bob", "/patches help")
        assert exchange.failure == ""


async def test_the_bot_restarts_on_the_same_database_and_what_waits_waits_on() -> None:
    async with opened() as browser:
        scene = browser.scene
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry SRV-DC01 4,5 because")
        card = await browser.message("ann", CARDS, "Waiting for approval")
        first = scene.bot
        restarting = asyncio.create_task(browser.post("lever", "dave", name="restart"))
        down = await browser.screen("bob", lambda shown: not shown["levers"]["up"] and shown["levers"])
        assert down["at_work"] == "restart"
        whys = {one["why"] for one in down["levers"] if one["armed"] is None}
        assert whys == {"Restart the bot is under way."}
        assert "stopped and started on the same database" in (await restarting)["told"]
        assert scene.bot is not first
        assert (await levers(browser))["up"]
        entries = await traced(browser, lambda all_: any(one["title"] == "The bot is at work" for one in all_))
        assert any(one["title"] == "The bot is stopped" for one in entries)
        await browser.press("ann", card, "Approve")
        await browser.message("bob", CARDS, "Queued by N-sight")
        assert len(scene.world.nsight.retries) == 1


async def test_a_press_while_the_bot_is_down_fails_as_with_a_dead_app_and_works_afterwards() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry SRV-DC01 4,5 because")
        card = await browser.message("ann", CARDS, "Waiting for approval")
        await browser.scene.stop()
        assert (await browser.post("say", "bob", channel=HELPDESK, text="/patches help"))["failure"]
        wish = {"block": card["blocks"][-1]["block_id"], "action": card["blocks"][-1]["elements"][0]["action_id"]}
        assert (await browser.post("press", "ann", message=card["id"], **wish))["failure"] == "dispatch_failed"
        await browser.message("ann", CARDS, "this app did not respond")
        await browser.scene.start()
        await browser.press("ann", card, "Approve")
        await browser.message("bob", CARDS, "Queued by N-sight")


async def test_whoever_goes_away_while_the_bot_restarts_leaves_it_restarted() -> None:
    async with opened() as browser:
        restarting = [asyncio.create_task(browser.scene.restart()) for _ in range(2)]
        first = browser.scene.bot
        await asyncio.sleep(0)
        restarting[0].cancel()
        await restarting[1]
        assert browser.scene.up
        assert browser.scene.bot is not first
        assert browser.scene.world.slack.sockets.connections


async def test_a_restarting_bot_stays_away_for_a_while_unless_the_demo_ends_meanwhile() -> None:
    async with setting.opened(cron="0 9 * * *", every="15m", tick=0, down=3600) as scene:
        away, slack = asyncio.Event(), scene.world.slack
        slack.on_change.append(lambda kind, thing: None if slack.sockets.connections else away.set())
        restarting = asyncio.create_task(scene.restart())
        await away.wait()
        assert (await slack.says("bob", "/patches help")).failure == "dispatch_failed"
        assert not scene.up
        await scene.stop()
        await restarting


async def test_a_bot_that_does_not_start_again_is_told_and_can_be_started_once_it_can() -> None:
    async with opened() as browser:
        scene = browser.scene
        folder = Path(str(make_url(scene.bot.services.config.database.url.reveal()).database)).parent
        shutil.rmtree(folder)
        assert "the bot has not started again (DATABASE_URL: " in await pull(browser, "restart", 409)
        state = await levers(browser, "to try once more")
        assert not state["up"]
        stopped = {name for name, lever in state["by"].items() if lever["why"]}
        assert stopped == {"install", "half_hour", "next_day", "disconnect"}
        began = scene.world.clock.now()
        for name in stopped:
            assert await pull(browser, name, 409) == "the bot is stopped: restart it first"
        assert scene.world.clock.now() == began
        assert "not started again" in await pull(browser, "restart", 409)
        folder.mkdir()
        assert "stopped and started" in await pull(browser, "restart")
        assert (await levers(browser))["up"]
        entries = await traced(browser, lambda all_: all_[-1]["title"] == "The bot is at work")
        assert sum(one["title"] == "The bot has not started" for one in entries) == 2


async def test_deeds_at_the_same_moment_as_a_restart_are_done_or_told_to_have_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with opened() as browser:
        slack = browser.scene.world.slack
        await (await slack.says("bob", "/patches retry")).answer()
        await slack.clicks("bob", "Choose devices…")
        form = await slack.view_of("bob", saying="On which devices")
        deeds: list[asyncio.Task[Any]] = []
        for _ in range(4):
            deeds += [asyncio.create_task(slack.suggestions("bob", "device.pick", "srv", form)) for _ in range(4)]
            deeds += [asyncio.create_task(slack.says(who, "/patches help")) for who in ("ann", "dave")]
            await pull(browser, "restart")
        for one in await asyncio.gather(*deeds):
            assert isinstance(one, list) or one.failure or one.ack == {}
        assert [record.name for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
        exchange = await slack.says("bob", "/patches help")
        await exchange.answer(saying="What you can type")
        assert browser.scene.world.violations == []


async def test_the_next_day_comes_with_its_digest_on_time_and_soon() -> None:
    async with opened() as browser:
        world = browser.scene.world
        await pull(browser, "half_hour")
        first = await browser.message("bob", NEWS, "failed patching attempts")
        looks = len(world.eset.calls.of("recent"))
        told = await pull(browser, "next_day")
        assert len(world.eset.calls.of("recent")) - looks < 12  # each step of time brings one, or two with a new token
        assert told.startswith("It is the next morning.")
        assert told.endswith("see the digest in #patch-news.")
        assert f"{world.clock.now():%d %H:%M}" == "13 09:00"
        digest = await browser.message("bob", NEWS, "failed patching attempts")
        assert digest["id"] != first["id"]
        assert "Late" not in json.dumps(digest)
        assert "new failures" in json.dumps(digest)
        assert "recovered" in json.dumps(digest)
        [failed] = re.findall(r"(\d+) attempts failed", told)
        listed = set(re.findall(r"(\d+) failed patching attempts", json.dumps(digest)))
        assert listed == {failed}, "the whole night is in the digest of its morning"
        assert world.violations == []


@pytest.mark.parametrize(
    ("cron", "ends", "told"),
    [("45 6 * * *", "06:45", "see the digest"), ("0 9 1 1 *", "12:00", "No digest was posted")],
)
async def test_a_night_ends_with_the_digest_that_there_is(cron: str, ends: str, told: str) -> None:
    async with setting.opened(cron=cron, every="15m", tick=0) as scene:
        assert told in await Hours(scene).until_morning()
        assert f"{scene.world.clock.now():%d %H:%M}" == f"13 {ends}"


async def test_levers_are_pulled_one_after_the_other() -> None:
    async with opened() as browser:
        began = browser.scene.world.clock.now()
        await asyncio.gather(*(pull(browser, name) for name in ("half_hour", "restart", "half_hour", "disconnect")))
        assert browser.scene.world.clock.now() - began == timedelta(hours=1)
        assert (await levers(browser))["at_work"] == ""


def test_time_runs_fast_only_while_patches_are_on_their_way_and_until_the_bot_has_seen_how_it_ended() -> None:
    world = World(clock=Clock(fastest=FAST))
    tempo, clock, machine = Tempo(world), world.clock, world.fleet.machine(1001)
    assert machine

    def pace(after: timedelta = timedelta()) -> float:
        clock.advance(after)
        tempo.look()
        speed, clock.speed = clock.speed, 0
        return speed

    assert pace() == SLOW
    world.fleet.retry(machine, [4], clock.now())
    assert pace() == FAST
    assert pace(world.fleet.pace.total - timedelta(minutes=1)) == FAST
    assert pace(timedelta(minutes=1)) == FAST
    assert machine.patches[4].status is PatchStatus.INSTALLED
    assert pace(KNOWN) == SLOW


def test_a_night_is_the_same_whenever_it_is_played_and_leaves_retries_alone() -> None:
    ends = []
    for piece in (timedelta(minutes=5), timedelta(hours=9)):
        world = World()
        told, midnight = fleet(world.clock.now()), world.clock.now().replace(hour=0, minute=0) + timedelta(days=1)
        machine = told.machine(1001)
        assert machine
        night, failed, now = Night(told, midnight), 0, midnight
        told.retry(machine, [4], midnight)
        while now < midnight + timedelta(hours=9):
            now += piece
            failed += night.happens(now)
        assert machine.patches[4].status is PatchStatus.PENDING
        ends.append((failed, [(one.machine_id, one.ended, one.status) for one in told.attempts]))
    assert ends[0] == ends[1]
    assert 20 < ends[0][0] < 120


# ---------------------------------------------------------------- the bot does not know that there is a demo


def spoken(tree: ast.AST) -> Iterator[str]:
    """Every name and text in a module but its docstrings."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [node.body[0] for node in ast.walk(tree) if isinstance(node, documented) and node.body]
    silent = {id(statement.value) for statement in first if isinstance(statement, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.value
        for name in ("id", "attr", "name", "module", "arg", "asname"):
            value = getattr(node, name, None)
            if isinstance(value, str):
                yield value


def test_no_module_of_the_bot_knows_that_there_is_a_demo_but_the_front_door() -> None:
    modules = [path for path in ROOT.rglob("*.py") if "demo" not in path.parts and path != ROOT / "__main__.py"]
    assert len(modules) > 100
    knowing = {
        str(path.relative_to(ROOT)): words
        for path in modules
        if (words := [word for word in spoken(ast.parse(path.read_text("utf-8"))) if "demo" in word.lower()])
    }
    assert knowing == {}
