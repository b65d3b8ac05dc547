"""The demo's page: the main job and what belongs to it, played through what its browser side uses."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.demo import setting
from bot.demo.page import hosted
from bot.demo.setting import Setting
from bot.demo.world import World
from tests.scenes.stage import lay_what_it_knew

Json = dict[str, Any]
CARDS, HELPDESK, NEWS = "C0PATCHAPPROVE", "C0HELPDESK", "C0PATCHNEWS"
PEOPLE = {"bob": "U0BOB", "ann": "U0ANN", "dave": "U0DAVE"}


class Browser:
    """One page, without its looks: follows a person's screen and posts what the person does."""

    def __init__(self, http: aiohttp.ClientSession, address: str, scene: Setting) -> None:
        self.http, self.address, self.scene, self.heard = http, address, scene, ""

    async def post(self, deed: str, person: str, status: int = 200, **body: Any) -> Json:
        headers = {"Origin": self.address}
        url = f"{self.address}/api/{deed}"
        async with self.http.post(url, json={"as": PEOPLE[person], **body}, headers=headers) as answer:
            told: Json = await answer.json()
            assert answer.status == status, told
            return told

    async def screen(self, person: str, until: Callable[[Json], Any]) -> Any:
        """The first true value of ``until``, asked of the screen after every event."""
        async with asyncio.timeout(10), self.http.get(f"{self.address}/api/events?as={PEOPLE[person]}") as stream:
            shown: Json = {}
            async for name, data in self._events(stream):
                _apply(shown, name, data)
                if found := until(shown):
                    return found
        raise AssertionError(f"never on {person}'s screen; {list(shown['messages'].values())}")

    async def message(self, person: str, channel: str, saying: str) -> Json:
        """The newest message in a channel, not in a thread, that says so."""

        def found(shown: Json) -> Json | None:
            there = [one for one in shown["messages"].values() if one["channel"] == channel and not one["thread"]]
            return next((one for one in reversed(there) if saying in json.dumps(one, ensure_ascii=False)), None)

        message: Json = await self.screen(person, found)
        return message

    async def press(self, person: str, message: Json, text: str, status: int = 200) -> Json:
        block, button = next(
            (block, button)
            for block in message["blocks"]
            for button in [*block.get("elements", []), block.get("accessory") or {}]
            if (button.get("text") or {}) and button["type"] == "button" and button["text"]["text"] == text
        )
        wish = {"message": message["id"], "block": block["block_id"], "action": button["action_id"]}
        return await self.post("press", person, status, **wish)

    async def _events(self, stream: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, Any]]:
        name = ""
        async for line in stream.content:
            self.heard += line.decode()
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                yield name, json.loads(value)


def _apply(shown: Json, name: str, data: Any) -> None:
    if name == "screen":
        shown |= data | {"messages": {one["id"]: one for one in data["messages"]}}
    elif name == "message" and data.get("deleted"):
        shown["messages"].pop(data["id"], None)
    elif name == "message":
        shown["messages"][data["id"]] = data
    else:
        shown[name] = data
    shown["view"] = shown["views"][-1] if shown["views"] else None


@asynccontextmanager
async def opened(world: World | None = None) -> AsyncIterator[Browser]:
    """The page; its bot knows everything already, unless it has a ``world`` of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if world is None:
            await lay_what_it_knew(folder)
        async with (
            setting.opened(world=world, folder=folder, cron="0 9 * * *", every="15m", tick=0.05) as scene,
            hosted(scene) as address,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
        ):
            yield Browser(http, address, scene)


# ---------------------------------------------------------------- what is done there


async def test_the_main_job_from_the_request_to_installed_patches() -> None:
    async with opened() as browser:
        world = browser.scene.world
        text = "/patches retry SRV-DC01 4,5 the browser & <b>the archiver</b>"
        await browser.post("say", "bob", channel=HELPDESK, text=text)
        answer = await browser.message("bob", HELPDESK, "Request #1 is made")
        assert answer["private"]
        card = await browser.message("ann", CARDS, "Waiting for approval")

        await browser.press("bob", card, "Approve")
        refusal = await browser.message("bob", CARDS, "somebody else has to decide")
        assert refusal["private"]
        assert world.nsight.retries == []

        await browser.press("ann", card, "Approve")
        await browser.message("ann", CARDS, "Queued by N-sight")
        assert [(retry.device_id, retry.ids) for retry in world.nsight.retries] == [(1001, (4, 5))]

        world.patches_install()
        finished = await browser.message("bob", CARDS, "Finished: 2 of 2 installed")
        assert finished["id"] == card["id"]
        assert finished["edits"] >= 2
        assert await browser.message("bob", "D0BOB", "Finished")
        assert world.violations == []
        assert [secret for secret in world.secrets() if secret in browser.heard] == []


async def test_what_one_person_alone_may_see_is_on_no_other_screen() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches help")
        await browser.message("bob", HELPDESK, "What you can type")
        await browser.post("say", "ann", channel=HELPDESK, text="a word for everybody")
        shown = await browser.screen("dave", lambda shown: shown["messages"])
        assert [one["text"] for one in shown.values()] == ["a word for everybody"]


async def test_a_modal_shows_what_is_missing_and_takes_what_is_right() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches device SRV-DC01")
        page = await browser.message("bob", HELPDESK, "2 failed patches")
        await browser.press("bob", page, "Retry…")
        view = await browser.screen("bob", lambda shown: shown["view"] and "submit" in shown["view"] and shown["view"])
        assert view["title"] == "Request a retry"
        refused = await browser.post("submit", "bob", view=view["id"], values={"patches": [], "reason": ""})
        assert refused == {"errors": {"patches": "Please complete this required field."}}
        again = await browser.screen("bob", lambda shown: shown["view"])
        assert again["errors"] == refused["errors"]
        done = await browser.post("submit", "bob", view=view["id"], values={"patches": ["5"], "reason": "old"})
        assert done == {"errors": {}}
        assert await browser.screen("bob", lambda shown: shown["view"] is None)
        await browser.message("ann", CARDS, "7-Zip")


async def test_a_modal_can_be_closed_and_is_then_gone() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry 1001 failed")
        card = await browser.message("ann", CARDS, "Waiting for approval")
        await browser.press("ann", card, "Deny")
        view = await browser.screen("ann", lambda shown: shown["view"])
        await browser.post("close", "ann", view=view["id"])
        assert await browser.screen("ann", lambda shown: shown["view"] is None)
        told = await browser.post("close", "ann", 409, view=view["id"])
        assert told["error"] == "this form is no longer open"


async def test_the_second_of_two_buttons_with_the_same_text_is_the_one_that_is_pressed() -> None:
    async with opened() as browser:
        await browser.post("lever", "bob", name="half_hour")
        digest = await browser.message("bob", NEWS, "failed patching attempts")
        groups = [at for at, block in enumerate(digest["blocks"]) if "Retry…" in json.dumps(block, ensure_ascii=False)]
        above, pressed = digest["blocks"][groups[1] - 1 : groups[1] + 1]
        wish = {"block": pressed["block_id"], "action": pressed["elements"][0]["action_id"]}
        await browser.post("press", "bob", message=digest["id"], **wish)
        view = await browser.screen("bob", lambda shown: shown["view"] and "submit" in shown["view"] and shown["view"])
        application = re.match(r"\*(.+?)\*", above["text"]["text"])
        assert application
        assert application[1] in json.dumps(view["blocks"])


async def test_a_file_is_shown_to_whoever_sees_its_message_and_is_not_there_for_others() -> None:
    async with opened() as browser:
        await browser.post("lever", "bob", name="half_hour")

        def with_files(shown: Json) -> list[Json]:
            found = [one for one in shown["messages"].values() for _ in one["files"]]
            return found if len(found) == 2 else []

        files = [file for message in await browser.screen("bob", with_files) for file in message["files"]]
        assert [file["mimetype"] for file in files] == ["image/png", "text/csv"]
        assert files[0]["alt_txt"]
        for file in files:
            address = f"{browser.address}/api/files/{file['id']}"
            async with browser.http.get(f"{address}?as=U0BOB") as answer:
                assert (answer.status, answer.content_type) == (200, file["mimetype"])
                assert len(await answer.read()) == file["size"]
                assert ("Content-Disposition" in answer.headers) == (file["mimetype"] == "text/csv")
            for stranger in ("U0GINA", "U0NOBODY", ""):
                async with browser.http.get(f"{address}?as={stranger}") as answer:
                    assert answer.status == 404


async def test_a_device_is_found_by_typing_and_chosen_and_the_next_step_comes_in_the_same_modal() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry")
        answer = await browser.message("bob", HELPDESK, "A device and patch ids are missing")
        await browser.press("bob", answer, "Choose devices…")
        view = await browser.screen("bob", lambda shown: shown["view"] and "submit" in shown["view"] and shown["view"])
        told = await browser.post("suggest", "bob", view=view["id"], action="device.pick", text="dc01")
        [option] = [one for one in told["options"] if one["text"]["text"] == "SRV-DC01 · Contoso Ltd"]
        assert option["description"]["text"] == "Head Office · server · id 1001"
        done = await browser.post("submit", "bob", view=view["id"], values={"others": [option["value"]]})
        assert done == {"errors": {}}
        step = await browser.screen(
            "bob", lambda shown: (shown["view"] or {}).get("submit") == "Request" and shown["view"]
        )
        assert step["id"] == view["id"]
        assert await browser.post("submit", "bob", view=view["id"], values={"patches": ["5"]}) == {"errors": {}}
        await browser.message("ann", CARDS, "7-Zip")


async def test_nonsense_typed_into_a_device_field_is_refused() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry")
        await browser.press("bob", await browser.message("bob", HELPDESK, "missing"), "Choose devices…")
        view = await browser.screen("bob", lambda shown: shown["view"] and "submit" in shown["view"] and shown["view"])
        await browser.post("suggest", "bob", 400, view=view["id"], action="device.pick", text="")
        told = await browser.post("suggest", "bob", 409, view=view["id"], action="elsewhere", text="dc01")
        assert "no input 'elsewhere'" in told["error"]


async def test_time_goes_by_and_the_digest_comes_on_time() -> None:
    async with opened() as browser:
        began = browser.scene.world.clock.now()
        await browser.post("lever", "bob", name="half_hour")
        assert browser.scene.world.clock.now() - began == timedelta(minutes=30)
        digest = await browser.message("bob", NEWS, "failed patching attempts")
        assert "Late" not in json.dumps(digest)


async def test_the_time_is_told_even_while_other_news_never_stop() -> None:
    async with opened() as browser:
        world = browser.scene.world

        def ticked(shown: Json) -> bool:
            if "began" not in shown:
                shown["began"] = shown["clock"]["now"]
                world.clock.advance(timedelta(minutes=1))
            world.slack.space.post(HELPDESK, "U0ANN", "as soon as the last one was heard")
            return bool(shown["clock"]["now"] > shown["began"])

        assert await browser.screen("bob", ticked)


async def test_new_failures_are_told_and_listed() -> None:
    async with opened() as browser:
        told = await browser.post("lever", "bob", name="failures")
        assert told["told"].count(" on ") == 3
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        listed = await browser.message("bob", HELPDESK, "Failed patching attempts")
        assert "166 failed" in json.dumps(listed)


async def test_words_reach_a_thread_as_they_were_typed_and_a_command_there_is_answered_by_slack_itself() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="<!channel> is *down* & out")
        root = await browser.message("bob", HELPDESK, "down")
        assert root["text"] == "&lt;!channel&gt; is *down* &amp; out"
        for text in ("mine as well", "/patches recent"):
            await browser.post("say", "ann", channel=HELPDESK, thread=root["id"], text=text)

        def below(shown: Json) -> list[Json]:
            found = [one for one in shown["messages"].values() if one["thread"] == root["id"]]
            return found if len(found) == 2 else []

        word, answer = await browser.screen("ann", below)
        assert (word["text"], word["private"]) == ("mine as well", False)
        assert (answer["text"], answer["private"]) == ("/patches is not supported in threads. Sorry!", True)
        await browser.post("say", "bob", 409, channel=HELPDESK, thread=word["id"], text="a thread below a reply")
        await browser.post("say", "bob", 400, channel=HELPDESK, thread="", text="nowhere")
        assert browser.scene.world.slack.envelopes == []
        assert browser.scene.world.violations == []


async def test_one_hears_that_somebody_else_got_something_for_their_eyes_alone_but_not_what() -> None:
    async with opened() as browser:
        listens = asyncio.Event()

        def heard(shown: Json) -> Any:
            listens.set()
            return any(one["text"] == "over" for one in shown["messages"].values()) and shown["elsewhere"]

        listening = asyncio.create_task(browser.screen("dave", heard))
        await listens.wait()
        asked = await browser.scene.world.slack.says("bob", "/patches help")
        await asked.answer(saying="What you can type")
        await browser.post("say", "ann", channel=HELPDESK, text="over")
        assert await listening == {"person": "U0BOB"}
        assert browser.heard.count("event: elsewhere") == 1
        assert "What you can type" not in browser.heard


# ---------------------------------------------------------------- as a program


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    env = os.environ | {"TMPDIR": str(folder)}
    command = [sys.executable, "-m", "bot", "demo", "--no-browser", *arguments]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def left(folder: Path) -> list[Path]:
    return list(folder.iterdir())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_prints_its_address_runs_until_it_is_stopped_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals
) -> None:
    with start(tmp_path) as demo:
        assert demo.stdout
        assert demo.stderr
        line = await asyncio.to_thread(demo.stdout.readline)
        address = re.search(r"Open (http://127\.0\.0\.1:\d+)/", line)
        assert address, line
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{address[1]}/api/events?as=U0BOB") as stream,  # an open page must not hold it up
        ):
            assert (await stream.content.readline()).startswith(b"event: screen")
            assert left(tmp_path)
            demo.send_signal(number)
            assert await asyncio.to_thread(demo.wait, 20) == 0
        assert demo.stdout.read() == "The demo has ended. Nothing of it is left.\n"
        assert demo.stderr.read() == ""
    assert left(tmp_path) == []


def test_a_taken_port_is_told_in_one_line_and_ends_with_2(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        start(tmp_path, "--port", str(taken.getsockname()[1])) as demo,
    ):
        _, said = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert re.fullmatch(r"--port: 127\.0\.0\.1:\d+ cannot be used \(.+\)\n", said)
    assert left(tmp_path) == []
