"""What stays as it was: for another person, over a reload, while something is on its way, when others' news come."""

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from tests.browser.visit import NARROW, Visit, visiting

pytestmark = [pytest.mark.deep]

BOT = "U0PATCHES"


class Held:
    """Deeds of one kind, kept from reaching the demo until they are let go."""

    def __init__(self) -> None:
        self._free = asyncio.Event()

    async def at(self, page: Page, deed: str) -> None:
        await page.route(f"**/api/{deed}", self._hold)

    async def _hold(self, route: Route) -> None:
        await self._free.wait()
        await route.continue_()

    def let_go(self) -> None:
        self._free.set()


def _whispers(visit: Visit, person: str, text: str) -> None:
    space = visit.scene.world.slack.space
    space.post(space.direct(person).id, BOT, text)


def _answer(visit: Visit) -> Locator:
    return visit.page.get_by_role("complementary", name="Thread").get_by_label("Reply").first


async def test_each_is_led_to_their_own_messages_and_comes_back_to_them_after_a_reload(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = visit.page
        _whispers(visit, "U0BOB", "a word for Bob")
        _whispers(visit, "U0ANN", "a word for Ann")
        app = page.get_by_role("button", name="Patches 1 new")
        await expect(app).to_be_visible()
        await visit.becomes("Ann")
        await app.click()
        await expect(visit.saying("a word for Ann")).to_be_visible()
        await visit.types("mine")
        await expect(visit.saying("mine")).to_be_visible()
        await visit.becomes("Bob")
        await expect(visit.saying("a word for Bob")).to_be_visible()

        visit.scene.world.slack.space.post("C0PATCHNEWS", BOT, "a digest")
        await visit.becomes("Ann")
        await visit.goes("# patch-news")
        await visit.saying("a digest").get_by_role("button", name="Reply in thread").click()
        await page.reload()
        await expect(page.get_by_role("heading", name="# patch-news", level=2, exact=True)).to_be_visible()
        await expect(page.locator("#people").get_by_role("button", name="Ann")).to_have_attribute(
            "aria-pressed", "true"
        )
        await expect(page.get_by_role("complementary", name="Thread")).to_be_visible()
        await expect(page.get_by_role("button", name="# patch-news")).to_have_accessible_name("# patch-news")
        said = [(sent.channel, sent.user) for sent in visit.scene.world.slack.messages if sent.user != BOT]
        assert said == [("D0ANN", "U0ANN")]


async def test_what_is_said_before_somebody_elses_screen_has_come_is_said_as_oneself(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, held = visit.page, Held()
        await held.at(page, "events?as=U0ANN")
        await page.locator("#people").get_by_role("button", name="Ann").click()
        await visit.types("who am I?")
        await visit.scene.world.slack.space.until(lambda: visit.scene.world.slack.messages)
        held.let_go()
        await expect(page.locator("#people").get_by_role("button", name="Ann")).to_have_attribute(
            "aria-pressed", "true"
        )
        await expect(visit.saying("who am I?")).to_contain_text("Bob")


async def test_a_draft_waits_for_its_person_in_its_thread(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, held = visit.page, Held()
        for line in ("one", "two"):
            await visit.scene.world.slack.says("bob", line)
        for line in ("one", "two"):
            await visit.saying(line).get_by_role("button", name="Reply in thread").click()
            await _answer(visit).fill(f"about {line}")
        await page.keyboard.press("Escape")
        await visit.saying("one").get_by_role("button", name="Reply in thread").click()
        await expect(_answer(visit)).to_have_value("about one")
        await visit.becomes("Ann")
        await expect(_answer(visit)).to_have_value("")
        await visit.becomes("Bob")
        await expect(_answer(visit)).to_have_value("about one")

        await held.at(page, "say")
        await _answer(visit).press("Enter")
        await expect(_answer(visit)).to_have_attribute("readonly", "")
        await visit.saying("two").get_by_role("button", name="Reply in thread").click()
        await expect(_answer(visit)).to_be_editable()
        await _answer(visit).press("End")
        await page.keyboard.type(", and more")
        held.let_go()
        await expect(page.get_by_role("button", name="1 reply last today")).to_be_visible()
        await expect(_answer(visit)).to_have_value("about two, and more")
        await expect(_answer(visit)).to_be_focused()
        await page.get_by_role("button", name="1 reply last today").click()
        await expect(_answer(visit)).to_have_value("")


async def test_a_conversation_sends_one_thing_at_a_time_and_tells_where_one_typed_what_went_wrong(
    browser: Browser,
) -> None:
    async with visiting(browser) as visit:
        page, held = visit.page, Held()
        thread, answer = page.get_by_role("complementary", name="Thread"), _answer(visit)
        reply = thread.get_by_role("button", name="Reply", exact=True)
        await visit.scene.world.slack.says("bob", "one")
        await visit.saying("one").get_by_role("button", name="Reply in thread").click()
        await held.at(page, "say")
        await visit.types("/patches pending")
        await expect(reply).to_have_attribute("aria-disabled", "true")
        await answer.fill("meanwhile")
        await answer.press("Enter")
        held.let_go()
        await expect(visit.saying("No retry request waits")).to_be_visible()
        await expect(page.locator("[aria-busy]")).to_have_count(0)
        await expect(answer).to_have_value("meanwhile")

        visit.expects("ERR_FAILED")
        await page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})  # the thread covers the rest
        await page.unroute("**/api/say")
        await page.route("**/api/say", lambda route: route.abort())
        await answer.press("Enter")
        await expect(thread.get_by_role("alert")).to_have_text("The demo does not answer.")
        await expect(page.get_by_role("alert").filter(has_text="not answer", visible=True)).to_have_count(1)
        await page.unroute("**/api/say")
        await answer.press("Enter")
        await expect(thread.get_by_role("article").filter(has_text="meanwhile")).to_be_visible()
        await expect(thread.get_by_role("alert")).to_be_hidden()
        assert [sent.text for sent in visit.scene.world.slack.messages if sent.user != BOT] == ["one", "meanwhile"]


async def test_a_button_is_at_work_until_it_is_done_whatever_is_drawn_meanwhile(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, held, slack = visit.page, Held(), visit.scene.world.slack
        asked = await slack.says("bob", "/patches retry 1001 4,5 the browser")
        await asked.answer(saying="Request #1 is made")
        await visit.becomes("Ann")
        await visit.goes("# patch-approvals")
        approve = visit.saying("Waiting for approval").get_by_role("button", name="Approve")
        await held.at(page, "press")
        await approve.click()
        await expect(approve).to_have_attribute("aria-busy", "true")
        [card] = [shown for shown in slack.messages if shown.channel == "C0PATCHAPPROVE"]
        await slack.says("bob", "soon?", "patch-approvals", thread=card.ts)
        await expect(page.get_by_role("button", name="1 reply last today")).to_be_visible()
        await expect(approve).to_have_attribute("aria-busy", "true")
        slack.space.edit(card, f"{card.text}.", [*card.blocks, {"type": "divider"}])
        await expect(visit.saying("Waiting for approval").locator("hr")).to_be_visible()
        await expect(approve).to_have_attribute("aria-busy", "true")
        await expect(approve).to_be_focused()
        held.let_go()
        await expect(visit.saying("Queued by N-sight")).to_be_visible()
        await expect(page.locator("[aria-busy]")).to_have_count(0)


async def test_a_keyboard_keeps_its_place_among_the_people_and_dates_follow_the_day(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, world = visit.page, visit.scene.world
        noted = int(world.clock.now().timestamp())
        message = world.slack.space.post("C0HELPDESK", BOT, f"seen <!date^{noted}^{{date_short_pretty}} {{time}}|then>")
        await expect(visit.saying("seen today 09:30")).to_be_visible()
        await page.get_by_role("button", name="Reply in thread").click()
        people = page.locator("#people")
        await people.get_by_role("button", name="Carl").focus()
        _whispers(visit, "U0DAVE", "a word for Dave")
        await expect(people.get_by_role("button", name="Dave")).to_contain_text("something new")
        await expect(people.get_by_role("button", name="Carl")).to_be_focused()
        world.clock.advance(timedelta(days=1))
        for pane in ("#messages", "#thread"):
            await expect(page.locator(pane).get_by_text("seen yesterday 09:30")).to_be_visible()
        assert message.edits == []


async def test_a_browser_that_keeps_nothing_has_the_page_all_the_same(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = await visit.page.context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        for store in ("localStorage", "sessionStorage"):
            refusing = "get() { throw new DOMException('no', 'SecurityError'); }"
            await page.add_init_script(f"Object.defineProperty(window, '{store}', {{ {refusing} }});")
        await page.goto(f"{visit.address}/")
        await page.get_by_label("Colours").select_option("dark")
        assert await page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 27)"
        await expect(page.get_by_role("button", name=re.compile("^# helpdesk"))).to_be_visible()
        assert faults == []
        await page.close()
