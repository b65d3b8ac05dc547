"""What one reads on the page: channels, messages, threads, pictures, Home; and by whom."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, expect

from tests.browser.visit import Visit, visiting

pytestmark = [pytest.mark.deep]

BOT = "U0PATCHES"


async def _says(visit: Visit, who: str, *lines: str) -> None:
    for line in lines:
        await visit.scene.world.slack.says(who, line)


async def test_messages_stand_below_one_name_and_below_the_day_on_which_they_came(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, clock = visit.page, visit.scene.world.clock
        await _says(visit, "bob", "first", "second")
        clock.advance(timedelta(minutes=6))
        await _says(visit, "bob", "third")
        clock.advance(timedelta(days=1))
        await _says(visit, "ann", "good morning")
        shown = page.locator("#messages .rule.day, #messages article.message")
        await expect(shown).to_have_count(6)
        await expect(shown).to_contain_text(["Yesterday", "first", "second", "third", "Today", "good morning"])
        follows = [("follows" in (await one.get_attribute("class") or "")) for one in await shown.all()]
        assert follows == [False, False, True, False, False, False]

        await visit.types("/patches nonsense")
        await expect(visit.saying("nonsense is not a command")).to_contain_text("Only visible to you")
        await visit.types("/patches help")
        answer = visit.saying("What you can type")
        for part in ("Only visible to you", "Patches"):
            await expect(answer.get_by_text(part, exact=True)).to_be_in_viewport()
        await expect(page.locator(".ephemeral.follows")).to_have_count(0)
        heard = page.get_by_role("log", name="News")
        await expect(heard).to_contain_text("Ann wrote: good morning")
        await expect(heard).to_contain_text("Patches to you alone: ")
        await page.reload()
        await expect(answer).to_contain_text("Only visible to you")
        await visit.becomes("Dave")
        await expect(visit.saying("good morning")).to_be_visible()
        await expect(answer).to_have_count(0)


async def test_what_is_new_is_counted_marked_and_read(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, clock = visit.page, visit.scene.world.clock
        await visit.types("/patches retry 1001 4,5 the browser")
        await expect(visit.saying("Request #1 is made")).to_be_visible()
        await visit.becomes("Ann")
        approvals = page.get_by_role("button", name="# patch-approvals")
        await expect(approvals).to_have_accessible_name("# patch-approvals 1 new")
        await visit.goes("# patch-approvals")
        await expect(approvals).to_have_accessible_name("# patch-approvals")
        await expect(page.locator("#messages").get_by_text("New", exact=True)).to_be_visible()

        await visit.saying("Waiting for approval").get_by_role("button", name="Approve").click()
        way = visit.saying("Queued by N-sight").get_by_role("button", name="1 reply 1 new")
        await expect(way).to_contain_text("last today 09:30")
        visit.scene.world.patches_install()
        await expect(visit.saying("Finished: 2 of 2")).to_contain_text("(edited)")
        bob = page.locator("#people").get_by_role("button", name="Bob")
        await expect(bob).to_contain_text("something new")
        await visit.becomes("Bob")
        await expect(bob).not_to_contain_text("something new")
        await page.get_by_role("button", name=re.compile(r"^Patches \d new$")).click()
        await expect(visit.saying("Finished")).to_be_visible()

        clock.advance(timedelta(minutes=5))
        await visit.goes("# helpdesk")
        for number in range(40):
            await visit.scene.world.slack.says("ann", f"word {number}\nand more", "helpdesk")
        await expect(visit.saying("word 39")).to_be_in_viewport()
        await page.locator("#messages").evaluate("(list) => list.scrollTo(0, 0)")
        await expect(visit.saying("word 39")).not_to_be_in_viewport()
        await visit.scene.world.slack.says("ann", "below the edge", "helpdesk")
        await page.get_by_role("button", name="1 new below").click()
        await expect(visit.saying("below the edge")).to_be_in_viewport()
        await expect(page.get_by_role("button", name="new below")).to_have_count(0)


async def test_a_channel_opens_where_the_new_begins_and_has_a_way_to_the_newest(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, space = visit.page, visit.scene.world.slack.space
        for number in range(30):
            space.post("C0PATCHNEWS", BOT, f"news {number}\nand more")
        await visit.goes("# patch-news")
        await expect(page.locator("#messages").get_by_text("New", exact=True)).to_be_in_viewport()
        await expect(visit.saying("news 0")).to_be_in_viewport()
        await visit.goes("Patches")
        await expect(page.locator("#latest")).to_be_hidden()
        for number in range(60, 90):
            space.post("C0PATCHNEWS", BOT, f"news {number}\nand more")
        await visit.goes("# patch-news")
        below = page.get_by_role("button", name=re.compile(r"\d+ new below"))
        await below.click()
        await expect(visit.saying("news 89")).to_be_in_viewport()
        await expect(below).to_have_count(0)
        await expect(page.get_by_role("region", name="Messages", exact=True)).to_be_focused()
        await page.locator("#messages").evaluate("(list) => list.scrollTo(0, 0)")
        await page.get_by_role("button", name="Jump to newest").click()
        await expect(visit.saying("news 89")).to_be_in_viewport()

        space.post("C0HELPDESK", BOT, "one thing more")
        await visit.goes("# helpdesk")
        await expect(visit.saying("one thing more")).to_be_in_viewport()
        await expect(page.locator("#latest")).to_be_hidden()


async def test_a_thread_is_read_and_answered_beside_its_channel_and_left_by_the_keyboard(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = visit.page
        await visit.types("is it <b>only</b> *me*?")
        await expect(visit.saying("is it <b>only</b> me?")).to_be_visible()
        await page.get_by_role("button", name="Reply in thread").focus()
        await page.keyboard.press("Enter")
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread).to_be_focused()
        await expect(page.get_by_role("complementary", name="What happens behind")).to_be_hidden()
        await thread.get_by_label("Reply").first.fill("me too")
        await page.keyboard.press("Enter")
        await expect(thread.locator("article").last).to_contain_text("me too")
        await expect(thread.get_by_label("Reply").first).to_be_focused()
        await page.keyboard.type("/patches recent")
        await page.keyboard.press("Enter")
        await expect(thread.locator("article").last).to_contain_text("/patches is not supported in threads. Sorry!")
        await expect(thread.get_by_text("1 reply", exact=True)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(thread).to_be_hidden()
        await expect(page.get_by_role("button", name="1 reply last today")).to_be_focused()
        await expect(page.get_by_role("complementary", name="What happens behind")).to_be_visible()


async def test_the_app_has_two_tabs_and_its_home_follows_what_happens(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = visit.page
        await visit.becomes("Ann")
        await visit.goes("Patches")
        home = page.get_by_role("region", name="Home")
        await expect(home).to_contain_text("Nothing waits for you")
        refresh = home.get_by_role("button", name="Refresh")
        await refresh.focus()
        asked = await visit.scene.world.slack.says("bob", "/patches retry 1001 4,5 the browser")
        await asked.answer(saying="Request #1 is made")
        visit.scene.world.clock.advance(timedelta(minutes=1))
        await expect(home).to_contain_text("1 request waits for you")
        await expect(refresh).to_be_focused()
        await expect(page.locator(".unknown")).to_have_count(0)
        await page.get_by_role("navigation", name="Patches").get_by_role("button", name="Messages").click()
        await expect(page.get_by_label("Message or slash command")).to_be_visible()
        await expect(home).to_be_hidden()
        told = [sent.payload["event"]["tab"] for sent in visit.scene.world.slack.envelopes if sent.type == "events_api"]
        assert told == ["home", "messages"]


async def test_a_digest_has_a_picture_that_opens_larger_and_a_file_to_save(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page = visit.page
        visit.scene.world.clock.advance(timedelta(hours=1))
        await visit.goes("# patch-news")
        await visit.saying("failed patching attempts").get_by_role("button", name="replies").click()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread.locator("figure")).to_have_count(2)
        await thread.get_by_role("button", name="larger").click()
        larger = page.get_by_role("dialog", name="Patching attempts")
        assert (
            await larger.get_by_role("img").evaluate("(image) => image.decode().then(() => image.naturalWidth)") > 500
        )
        assert await larger.evaluate("node => node.clientWidth - node.querySelector('img').clientWidth") == 0
        await page.keyboard.press("Escape")
        await expect(larger).to_be_hidden()
        await expect(thread.get_by_role("button", name="larger")).to_be_focused()
        async with page.expect_download() as saving:
            await thread.locator("figure").get_by_role("link", name=".csv").click()
        assert (await (await saving.value).path()).read_bytes().startswith(b"\xef\xbb\xbf")
        await expect(page.locator(".unknown")).to_have_count(0)


async def test_a_link_to_a_message_leads_there(browser: Browser) -> None:
    async with visiting(browser) as visit:
        page, slack = visit.page, visit.scene.world.slack
        await visit.types("/patches retry 1001 4,5 the browser")
        await visit.saying("Request #1 is made").get_by_role("link").first.click()
        await expect(page.get_by_role("heading", name="# patch-approvals", level=2)).to_be_visible()
        card = visit.saying("Waiting for approval")
        await expect(card).to_be_focused()

        [reply] = (await slack.says("ann", "who wants that?", "patch-approvals", thread=await _id(card))).answers
        link = f"https://acme-it.slack.com/archives/{reply.channel}/p{reply.ts.replace('.', '')}"
        slack.space.post("C0HELPDESK", "U0PATCHES", f"<{link}|there> and <{link[:-1]}1|nowhere>")
        await visit.goes("# helpdesk")
        await visit.saying("there").get_by_role("link", name="there", exact=True).click()
        thread = page.get_by_role("complementary", name="Thread")
        await expect(thread.get_by_text("who wants that?")).to_be_in_viewport()
        await visit.goes("# helpdesk")
        await visit.saying("there").get_by_role("link", name="nowhere").click()
        await expect(page.get_by_role("alert")).to_contain_text(["is not on this person’s screen"])


async def _id(message: Locator) -> str:
    return str(await message.get_attribute("data-id"))
