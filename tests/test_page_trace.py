"""What the page tells of what happens behind: every call and envelope, in order, with nothing secret in it."""

import re
from collections.abc import Callable

import pytest

from bot.demo.faults import Fault
from bot.demo.page import trace, wire
from bot.demo.page.masks import masked
from tests.test_page import CARDS, HELPDESK, Browser, Json, opened


async def traced(browser: Browser, until: Callable[[list[Json]], object]) -> list[Json]:
    """The trace as a page has it, as soon as ``until`` is true of it."""

    def found(shown: Json) -> list[Json] | None:
        lines = shown.setdefault("lines", {})
        lines |= {entry["id"]: entry for entry in shown["trace"]}
        entries = [lines[number] for number in sorted(lines)]
        return entries if until(entries) else None

    entries: list[Json] = await browser.screen("dave", found)
    return entries


def said(entries: list[Json], title: str) -> list[Json]:
    return [entry for entry in entries if entry["title"].startswith(title) and entry["outcome"]]


async def written(browser: Browser, entry: Json, status: int = 200) -> Json:
    """The request and the answer behind a line."""
    async with browser.http.get(f"{browser.address}/api/trace/{entry['id']}") as answer:
        browser.heard += await answer.text()
        assert answer.status == status
        told: Json = await answer.json()
        return told


async def request_of_two(browser: Browser) -> None:
    await browser.post("say", "bob", channel=HELPDESK, text="/patches retry SRV-DC01 4,5 the browser")
    card = await browser.message("ann", CARDS, "Waiting for approval")
    await browser.press("ann", card, "Approve")
    await browser.message("ann", CARDS, "Queued by N-sight")


async def test_a_request_and_its_approval_are_told_in_order_with_who_and_what_and_how_it_went() -> None:
    async with opened() as browser:
        await request_of_two(browser)
        entries = await traced(browser, lambda all_: said(all_, "patch_retry") and said(all_, "chat.update"))
        [command] = said(entries, "/patches retry")
        assert (command["side"], command["way"], command["about"]) == ("slack", "in", "@bob")
        assert command["title"] == "/patches retry SRV-DC01 4,5 the browser"
        assert command["outcome"].startswith("acked")
        assert isinstance(command["ms"], int)
        [approval] = said(entries, "button “Approve”")
        assert approval["about"] == "@ann"
        [posted] = [one for one in said(entries, "chat.postMessage") if one["id"] < approval["id"]]
        assert (posted["way"], posted["about"], posted["outcome"]) == ("out", "#patch-approvals", "ok")
        [retry] = said(entries, "patch_retry")
        assert (retry["side"], retry["about"], retry["outcome"]) == ("nsight", "deviceid=1001 patchids=4,5", "200")
        assert [command["id"], posted["id"], approval["id"], retry["id"]] == sorted(
            [command["id"], posted["id"], approval["id"], retry["id"]]
        )


async def test_a_line_opens_to_the_whole_request_and_answer_laid_out() -> None:
    async with opened() as browser:
        await request_of_two(browser)
        entries = await traced(browser, lambda all_: said(all_, "patch_retry") and said(all_, "chat.update"))
        retry = await written(browser, said(entries, "patch_retry")[0])
        assert retry["request"].startswith("GET /api/?apikey=•••&service=patch_retry&deviceid=1001&patchids=4,5")
        assert "\n  <msg>Retrying patches: 4,5</msg>" in retry["answer"]
        update = await written(browser, said(entries, "chat.update")[0])
        assert "Authorization: Bearer •••" in update["request"]
        assert '\n  "channel": "C0PATCHAPPROVE"' in update["request"]
        assert '\n      "type": "section"' in update["request"]
        assert '"ok": true' in update["answer"]
        command = await written(browser, said(entries, "/patches retry")[0])
        assert '"text": "retry SRV-DC01 4,5 the browser"' in command["request"]
        assert "/respond/•••" in command["request"]


async def test_nothing_secret_reaches_the_page_whatever_is_opened() -> None:
    async with opened() as browser:
        slack, world = browser.scene.world.slack, browser.scene.world
        world.eset.expire_access_tokens()  # so that it logs in again while somebody looks
        await request_of_two(browser)
        await browser.post("lever", "bob", name="disconnect")
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        await browser.post("lever", "bob", name="half_hour")  # the digest with its files
        entries = await traced(browser, lambda all_: len(said(all_, "file upload")) == 2)
        for title in ("POST oauth/token", "apps.connections.open", "file upload", "response_url", "patch_list_all"):
            assert said(entries, title), title
        for entry in entries:
            if entry["more"]:
                await written(browser, entry)
        heard = re.sub(r"\\u([0-9a-f]{4})", lambda code: chr(int(code[1], 16)), browser.heard)
        assert "Bearer •••" in heard
        secrets = [*world.secrets(), *slack.urls._known, *slack.files._open]
        assert [secret for secret in secrets if secret in heard] == []


async def test_a_question_that_eset_puts_by_is_told_with_its_response_id() -> None:
    async with opened() as browser:
        browser.scene.world.eset.faults.add("recent", Fault.LATER, polls=2)
        browser.scene.world.clock.advance(120)
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        await browser.message("bob", HELPDESK, "Failed patching attempts")
        entries = await traced(browser, lambda all_: len(said(all_, "GET recent/details")) == 3)
        first, second, third = said(entries, "GET recent/details")
        issued = first["about"].removeprefix("given ")
        assert issued.startswith("response-id ")
        assert (first["outcome"], first["mood"]) == ("202", "odd")
        assert (second["about"], third["about"], third["outcome"]) == (f"with {issued}", f"with {issued}", "200")


async def test_a_lost_answer_a_refusal_and_an_unheard_press_are_told_in_words() -> None:
    async with opened() as browser:
        scene = browser.scene
        scene.world.nsight.faults.add("patch_retry", Fault.LOSE_REPLY)
        await browser.post("say", "bob", channel=HELPDESK, text="/patches retry SRV-DC01 4 lost")
        scene.world.slack.faults.rate_limited("chat.update", 1)
        await browser.press("ann", await browser.message("ann", CARDS, "Waiting for approval"), "Approve")
        await browser.message("ann", CARDS, "N-sight")
        entries = await traced(
            browser, lambda all_: said(all_, "patch_retry") and [one for one in all_ if "429" in one["outcome"]]
        )
        [lost] = said(entries, "patch_retry")
        assert (lost["outcome"], lost["mood"]) == ("no answer: connection cut", "wrong")
        assert (await written(browser, lost))["answer"] == "No answer: the connection was cut."
        assert any(one["outcome"] == "429, Retry-After 1 s" for one in said(entries, "chat.update"))

        await scene.stop()
        await browser.post("say", "bob", channel=HELPDESK, text="/patches help")
        entries = await traced(browser, lambda all_: said(all_, "/patches help"))
        assert said(entries, "/patches help")[0]["outcome"] == "not delivered: no connection"
        assert any(one["title"] == "The bot is stopped" for one in entries)
        await scene.start()
        await traced(browser, lambda all_: all_[-1]["title"] == "The bot is at work")


async def test_a_message_through_a_response_url_is_told_as_what_slack_makes_of_it() -> None:
    async with opened() as browser:
        slack = browser.scene.world.slack
        await browser.post("say", "bob", channel=HELPDESK, text="/patches recent")
        await browser.press("bob", await browser.message("bob", HELPDESK, "Failed patching attempts"), "By application")
        await traced(browser, lambda all_: len(said(all_, "response_url")) == 2)
        address = slack.url + slack.urls.new(slack.space.user("bob").id, HELPDESK, lambda _: None)
        async with browser.http.post(address, json={"text": "again", "replace_original": True}) as answer:
            assert answer.status == 200
        entries = await traced(browser, lambda all_: len(said(all_, "response_url")) == 3)
        abouts = [one["about"] for one in said(entries, "response_url")]
        assert abouts == ["posts", "replaces the message", "posts anew: none to replace"]


async def test_a_title_in_windows_1252_is_read_as_the_bot_reads_it() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches device SRV-SQL01")
        entries = await traced(browser, lambda all_: said(all_, "patch_list_all"))
        told = (await written(browser, said(entries, "patch_list_all")[0]))["answer"]
        assert "Malicious Software Removal Tool x64 – v5.132" in told
        assert re.findall(r"[^\n -~¡-\uffff]", told) == []


async def test_a_rule_that_the_bot_breaks_is_a_line_of_its_own() -> None:
    async with opened() as browser:
        world = browser.scene.world
        for address in (f"{world.nsight.url}?service=list_clients", world.eset.auth_url, f"{world.slack.url}/nowhere"):
            async with browser.http.get(address):
                pass
        world.slack.space.refused("a message to an archived channel")
        entries = await traced(browser, lambda all_: any(one["title"].startswith("Refused") for one in all_))
        broken = [(one["side"], one["title"]) for one in entries if one["mood"] == "broken"]
        assert [side for side, _ in broken] == ["nsight", "eset", "slack"]
        assert {violation.partition(": ")[2] for violation in world.violations} == {
            title.removeprefix("Broken rule: ") for _, title in broken
        }
        assert entries[-1]["title"] == "Refused: a message to an archived channel"


@pytest.mark.parametrize(
    ("content", "kind", "shown"),
    [
        (b'<?xml version="1.0" encoding="nonsense"?><a>b</a>', "text/xml", "<a>b</a>"),
        (b"<a>Q4 \x96 torn", "text/xml", "<a>Q4 – torn"),
        (b"[" * 100_000, "application/json", "[[["),
    ],
)
def test_what_cannot_be_laid_out_comes_as_it_is(content: bytes, kind: str, shown: str) -> None:
    assert shown in wire.body(content, kind)


async def test_an_ack_that_comes_too_late_is_told() -> None:
    async with opened() as browser:
        browser.scene.world.slack.patience = 0
        await browser.post("say", "bob", channel=HELPDESK, text="/patches help")
        entries = await traced(browser, lambda all_: [one for one in all_ if one["outcome"] == "acked too late"])
        assert said(entries, "/patches help")[0]["mood"] == "odd"


async def test_only_the_last_entries_are_kept_and_what_is_gone_is_answered_404() -> None:
    async with opened() as browser:
        await browser.post("say", "bob", channel=HELPDESK, text="/patches help")
        first = (await traced(browser, lambda all_: said(all_, "/patches help")))[0]
        for _ in range(trace.KEPT):
            await browser.scene.world.slack.event({"type": "app_home_opened", "user": "U0DAVE", "tab": "messages"})
        entries = await traced(browser, lambda all_: all_[0]["id"] > first["id"])
        assert len(entries) == trace.KEPT
        assert (await written(browser, first, 404))["error"] == "this is no longer kept"
        for nonsense in ("x", "-1", "9" * 40):
            await written(browser, {"id": nonsense}, 404)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /api/?apikey=abc&service=x", "GET /api/?apikey=•••&service=x"),
        ("username=u&password=p%26q&grant_type=password", "username=u&password=•••&grant_type=password"),
        ('{"access_token": "a\\"b", "expires_in": 3600}', '{"access_token": "•••", "expires_in": 3600}'),
        ("Authorization: Bearer xoxb-1-2\nnext", "Authorization: Bearer •••\nnext"),
        ('"url": "ws://127.0.0.1:1/link/?ticket=t&app_id=A"', '"url": "ws://127.0.0.1:1/link/?•••"'),
        ("POST /upload/v1/abc-DEF", "POST /upload/v1/•••"),
        ("Authorization: Basic dTpw\nnext", "Authorization: Basic •••\nnext"),
        ('{"Authorization": "secret-of-another-kind"}', '{"Authorization": "•••"}'),
        ("next=%2Fapi%3Fapikey%3Dabc%26service%3Dx&y=1", "next=%2Fapi%3Fapikey%3D•••%26service%3Dx&y=1"),
        (
            r'{"metadata": "{\"access_token\": \"a=b\", \"n\": 1}"}',
            r'{"metadata": "{\"access_token\": \"•••\", \"n\": 1}"}',
        ),
        ('{"password": "cut off he', '{"password": "•••"'),
        ("the word hush in a sentence", "the word ••• in a sentence"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_secrets_are_masked_by_their_place_and_by_their_value(text: str, shown: str) -> None:
    assert masked(text, ["hush"]) == shown
