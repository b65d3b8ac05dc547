"""Where one types: hints at the commands, what was typed before, a draft for each place."""

import asyncio

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from bot.commands import FORMS
from tests.browser.visit import NARROW, Visit, visiting

pytestmark = [pytest.mark.deep]

COUNTED = """node => {
  window.said = [];
  new MutationObserver(() => window.said.push(node.textContent)).observe(node, { childList: true });
}"""


def field(page: Page) -> Locator:
    return page.get_by_label("Message or slash command")


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Commands").get_by_role("option")


async def test_a_slash_lists_the_commands_and_the_list_narrows_until_one_is_chosen(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, text = visit.page, field(visit.page)
        await text.press_sequentially("/")
        await expect(options(page)).to_have_count(len(FORMS))
        for form in FORMS.values():
            await expect(options(page).filter(has_text=form.usage)).to_contain_text(form.does)
        await text.press_sequentially("patches re")
        await expect(options(page)).to_contain_text(["/patches recent", "/patches retry"])
        await expect(page.get_by_role("status").filter(has_text="2 commands")).to_be_attached()
        await _chosen_is(page, 0)
        await text.press("ArrowDown")
        await _chosen_is(page, 1)
        await page.emulate_media(forced_colors="active")
        chosen, other = [await _ground(options(page).nth(place)) for place in (1, 0)]
        assert chosen != other
        await page.emulate_media(forced_colors="none")
        await text.press("Tab")
        await expect(text).to_have_value("/patches retry ")
        await expect(text).to_be_focused()
        await expect(text).to_have_accessible_description(f"{FORMS['retry'].usage}{FORMS['retry'].does}")
        await expect(options(page)).to_have_count(0)


async def test_what_is_said_of_the_commands_is_said_once_and_not_after_one_has_left(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, text = visit.page, field(visit.page)
        said = page.locator("#hints-said")
        await said.evaluate(COUNTED)
        await text.press_sequentially("/patches retry SRV-DC01 5 it failed on Friday")
        await expect(said).to_contain_text("/patches retry DEVICE")
        told = await page.evaluate("window.said")
        assert len(told) == len([one for one, before in zip(told, ["", *told], strict=False) if one != before]) < 8
        await text.fill("/patches re")
        await expect(said).to_contain_text("2 commands")
        await page.get_by_role("button", name="Behind the scenes").focus()
        await expect(said).to_have_text("")


async def test_while_something_is_being_sent_others_can_type(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, text = visit.page, field(visit.page)
        on = asyncio.Event()

        async def held(route: Route) -> None:
            await on.wait()
            await route.continue_()

        await page.route("**/api/say", held)
        await visit.types("slow words")
        await expect(text).to_have_attribute("readonly", "")
        await visit.becomes("Ann")
        await expect(text).to_have_value("")
        await text.press_sequentially("of my own")
        await expect(text).to_have_value("of my own")
        on.set()
        await expect(visit.saying("slow words")).to_be_visible()
        await expect(text).to_have_value("of my own")
        await text.press("Enter")
        await expect(visit.saying("of my own")).to_be_visible()
        await visit.becomes("Bob")
        await expect(text).to_have_value("")
        await expect(text).to_be_editable()


async def test_enter_completes_what_is_begun_and_sends_what_is_whole(browser: Browser) -> None:
    async with visiting(browser, size=NARROW) as visit:
        page, text = visit.page, field(visit.page)
        await text.press_sequentially("/pend")
        await text.press("Enter")
        await expect(text).to_have_value("/patches pending")
        await text.press("Enter")
        await expect(visit.saying("No retry request waits")).to_be_visible()
        await expect(text).to_have_value("")
        await text.press_sequentially("/patches device")  # whole, although /patches devices is offered too
        await expect(options(page)).to_have_count(2)
        await expect(text).not_to_have_attribute("aria-activedescendant", "hint-0")
        await text.press("Escape")
        await expect(options(page)).to_have_count(0)
        await text.fill("/sil")
        await options(page).filter(has_text="/patches silences").click()
        await expect(text).to_have_value("/patches silences")
        assert await page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


async def test_what_was_sent_can_be_sent_again_and_what_was_begun_stays_where_it_was(browser: Browser) -> None:
    async with visiting(browser) as visit:
        text = field(visit.page)
        await visit.types("/patches help notify")
        await expect(visit.saying("/patches notify [on|off]")).to_be_visible()
        await visit.types("/patches recent")
        await expect(visit.saying("Failed patching attempts")).to_be_visible()
        await text.fill("half a thought")
        for key, shown in (
            ("ArrowUp", "/patches recent"),
            ("ArrowUp", "/patches help notify"),
            ("ArrowUp", "/patches help notify"),
            ("ArrowDown", "/patches recent"),
            ("ArrowDown", "half a thought"),
        ):
            await text.press(key)
            await expect(text).to_have_value(shown)
        await visit.becomes("Ann")
        await expect(text).to_have_value("")
        await text.press("ArrowUp")
        await expect(text).to_have_value("")
        await visit.becomes("Bob")
        await expect(text).to_have_value("half a thought")
        await visit.goes("# patch-approvals")
        await expect(text).to_have_value("")
        await expect(text).to_have_attribute("placeholder", "Message #patch-approvals, or / for a command")


async def test_plain_words_are_posted_and_what_cannot_be_sent_stays_in_the_field(browser: Browser) -> None:
    async with visiting(browser) as visit:
        text = field(visit.page)
        one = await _height(text)
        await text.press_sequentially("first line")
        await text.press("Shift+Enter")
        await text.press_sequentially("second line")
        assert await _height(text) > one * 1.4
        await text.press("Enter")
        await expect(visit.saying("first line\nsecond line")).to_be_visible()
        await expect(text).to_have_value("")
        await text.fill("\n".join("many lines" for _ in range(40)))
        assert await _height(text) < one * 8
        await text.fill("/nonsense 1")
        await text.press("Enter")
        await expect(visit.saying("/nonsense is not a valid command")).to_be_visible()
        await expect(text).to_have_value("/nonsense 1")
        await _while_nobody_answers(visit, text)


async def _while_nobody_answers(visit: Visit, text: Locator) -> None:
    """The demo itself is gone for a moment: what was typed is not."""
    visit.expects("ERR_FAILED")
    await visit.page.route("**/api/say", lambda route: route.abort())
    await text.fill("/patches help")
    await text.press("Enter")
    await expect(visit.page.get_by_text("The demo does not answer")).to_be_visible()
    await expect(text).to_have_value("/patches help")
    await visit.page.unroute("**/api/say")
    await text.press("Enter")
    await expect(visit.saying("What you can type")).to_be_visible()
    await expect(text).to_have_value("")


async def _chosen_is(page: Page, place: int) -> None:
    chosen = options(page).nth(place)
    await expect(chosen).to_have_attribute("aria-selected", "true")
    id_ = await chosen.get_attribute("id")
    await expect(field(page)).to_have_attribute("aria-activedescendant", str(id_))


async def _ground(node: Locator) -> str:
    """The colour that is behind it."""
    colour: str = await node.evaluate("node => getComputedStyle(node).backgroundColor")
    return colour


async def _height(node: Locator) -> float:
    box = await node.bounding_box()
    assert box is not None
    return box["height"]
