"""The frame of what one reads: narrow screens, what was chosen, and a demo that goes and comes back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, Page, expect

from bot.demo import setting
from bot.demo.clock import Clock
from bot.demo.page import hosted
from bot.demo.setting import Setting
from bot.demo.world import World
from tests.browser.visit import NARROW, visiting

pytestmark = [pytest.mark.deep]


async def test_a_narrow_screen_has_drawers_and_one_thing_at_a_time(browser: Browser) -> None:
    async with visiting(browser, size=NARROW) as visit:
        page = visit.page
        opener = page.get_by_role("button", name="Bob people and channels")
        side = page.get_by_role("navigation", name="Workspace")
        await expect(side).to_be_hidden()
        await opener.click()
        await expect(side).to_be_focused()
        await expect(opener).to_have_attribute("aria-expanded", "true")
        assert await page.locator("#main").evaluate("(main) => main.inert")
        await page.keyboard.press("Escape")
        await expect(side).to_be_hidden()
        await expect(opener).to_be_focused()
        await visit.becomes("Ann")
        await expect(side).to_be_hidden()
        visit.scene.world.slack.space.post("C0PATCHNEWS", "U0PATCHES", "a digest")
        await expect(page.get_by_role("button", name="Ann people and channels 1 new")).to_be_visible()

        behind = page.get_by_role("complementary", name="What happens behind")
        await page.get_by_role("button", name="Behind").click()
        await expect(behind).to_be_focused()
        await page.get_by_role("button", name="Close this panel").click()
        await expect(behind).to_be_hidden()

        await visit.types("in brief")
        await page.get_by_role("button", name="Reply in thread").click()
        await expect(page.get_by_role("complementary", name="Thread")).to_be_visible()
        await expect(page.get_by_label("Message or slash command")).to_be_hidden()
        await page.get_by_role("button", name="Close the thread").click()
        await expect(visit.saying("in brief")).to_be_visible()

        slack = visit.scene.world.slack
        [_, brief] = slack.messages
        [other] = (await slack.says("bob", "another matter")).answers
        link = f"https://acme-it.slack.com/archives/{other.channel}/p{other.ts.replace('.', '')}"
        slack.space.post(brief.channel, "U0PATCHES", f"<{link}|as said>", thread_ts=brief.ts)
        await page.get_by_role("button", name="1 reply").click()
        await page.get_by_role("link", name="as said").click()
        await expect(page.get_by_role("complementary", name="Thread")).to_be_hidden()
        await expect(visit.saying("another matter")).to_be_focused()
        await expect(page.locator(".found")).to_have_count(1)
        assert await _overhang(page) == 0
        await page.set_viewport_size({"width": 320, "height": 256})  # a window of 1280 by 1024, enlarged fourfold
        assert await page.locator("#messages").evaluate("(list) => list.clientHeight") > 160
        await expect(page.locator(".found")).to_have_count(0)


async def _overhang(page: Page) -> int:
    """Pixels by which the page is wider than the window."""
    found: int = await page.evaluate("() => document.documentElement.scrollWidth - innerWidth")
    return max(found, 0)


async def test_colours_and_the_panel_stay_as_they_were_chosen(browser: Browser) -> None:
    async with visiting(browser, "dark") as visit:
        page = visit.page
        behind = page.get_by_role("complementary", name="What happens behind")
        await page.get_by_role("button", name="Behind the scenes").click()
        colours = page.get_by_label("Colours")
        await colours.select_option("light")
        await page.reload()
        await expect(colours).to_have_value("light")
        await expect(behind).to_be_hidden()
        assert await _ground(page) == "rgb(255, 255, 255)"
        await colours.select_option("as the system")
        assert await _ground(page) == "rgb(22, 25, 27)"
        await page.get_by_role("button", name="Behind the scenes").click()
        await expect(behind).to_be_visible()
        await page.keyboard.press("Tab")
        await page.goto(f"{visit.address}/")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("main")).to_be_focused()


async def _ground(page: Page) -> str:
    return str(await page.evaluate("() => getComputedStyle(document.body).backgroundColor"))


async def test_a_page_whose_demo_has_gone_says_so_and_goes_on_when_it_is_back(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = await visit.page.context.new_page()
        async with hosted(visit.scene) as address:
            await page.goto(f"{address}/")
            await expect(page.get_by_role("button", name="# helpdesk")).to_be_visible()
        await expect(page.get_by_text("The demo does not answer.")).to_be_visible()
        await visit.scene.world.slack.says("ann", "while nobody looked")
        async with hosted(visit.scene, int(address.rpartition(":")[2])):
            await expect(page.get_by_text("while nobody looked")).to_be_visible()
            await expect(page.get_by_text("The demo does not answer.")).to_be_hidden()
            await expect(page.locator("#lost")).to_be_empty()
            await page.get_by_role("button", name="Reply in thread").click()
        await page.get_by_label("Message or slash command").fill("is anybody there?")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator("#unsent")).to_have_text("The demo does not answer.")
        async with another_demo(int(address.rpartition(":")[2])) as scene:
            await expect(page.get_by_text("This is a new demo.")).to_be_visible()
            await expect(page.locator("#unsent")).to_be_hidden()
            await expect(page.get_by_text("while nobody looked")).to_have_count(0)
            await expect(page.get_by_role("complementary", name="Thread")).to_be_hidden()
            await page.get_by_role("button", name="Send").click()
            await expect(page.locator("article").filter(has_text="is anybody there?")).to_be_visible()
            await expect(page.get_by_text("This is a new demo.")).to_be_hidden()
            await page.reload()
            await expect(page.locator("article").filter(has_text="is anybody there?")).to_be_visible()
            await expect(page.locator("#lost")).to_be_empty()
            said = [sent.text for sent in scene.world.slack.messages if sent.user == "U0BOB"]
            assert said == ["is anybody there?"]
            await expect(page.locator("#pace")).to_contain_text("A second here is a minute there")
        await expect(page.locator("#up")).to_have_text("No word from the demo.")
        await expect(page.locator("#pace")).to_be_empty()
        await page.close()


@asynccontextmanager
async def another_demo(port: int) -> AsyncIterator[Setting]:
    world = World(clock=Clock(speed=60))
    async with setting.opened(world=world, cron="0 9 * * *", every="15m", tick=0.2) as scene, hosted(scene, port):
        yield scene
