"""The first minute: it says what to do next, marks where, and sees by itself what was done, however it was done."""

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.visit import NARROW, Visit, visiting

STRICT = "/patches retry SRV-APP01 failed monthly maintenance"


def strip(page: Page) -> Locator:
    return page.get_by_role("region", name="The first minute")


def pointed(page: Page) -> Locator:
    return page.locator(".pointed")


def said(page: Page, sentence: str | re.Pattern[str]) -> Locator:
    """What those are told who do not see the strip."""
    return page.get_by_role("status").filter(has_text=sentence)


async def press(page: Page, name: str) -> None:
    """Presses the strip's own button."""
    await strip(page).get_by_role("button", name=name).click()


async def _at_step(page: Page, n: int, words: str = "") -> None:
    await expect(strip(page)).to_contain_text(f"Step {n} of 5")
    await expect(strip(page)).to_contain_text(words)


async def test_a_newcomer_plays_the_main_job_by_pressing_what_is_marked(browser: Browser) -> None:
    async with visiting(browser, guide=True) as visit:
        page = visit.page
        await _at_step(page, 1, "/patches recent")
        await press(page, "Type it for me")
        await expect(pointed(page)).to_have_text("Send")
        await expect(said(page, "Press Enter.")).to_be_attached()
        await page.keyboard.press("Enter")
        await _at_step(page, 2)
        await expect(said(page, "Step 2 of 5: Press Retry…")).to_be_attached()
        await press(page, "Show me where")
        await expect(pointed(page)).to_be_focused()
        await page.keyboard.press("Enter")
        ticked = page.get_by_role("dialog").get_by_role("checkbox", checked=True)
        await ticked.press("Space")
        await _at_step(page, 2, "Choose what to retry, then press Next")
        await page.keyboard.press("Space")
        await _at_step(page, 2, "What failed is ticked: press Next")
        for words in ("Next", "Request"):
            await expect(pointed(page)).to_have_text(words)
            await pointed(page).click()
        await _at_step(page, 3, "Nobody approves their own request")
        await expect(pointed(page)).to_contain_text("Ann")
        await page.reload()
        await _at_step(page, 3)
        await pointed(page).click()
        await _at_step(page, 4, "Bob's request")
        await press(page, "Go to #patch-approvals")
        await expect(pointed(page)).to_have_text("Approve")
        await pointed(page).click()
        await _at_step(page, 5, "told, once")
        await press(page, "Let the patches install")
        await expect(strip(page)).to_contain_text(re.compile(r"Done in \d+ s\.\s*From a failure to a fix"))
        await expect(visit.saying("Finished: 1 of 1 installed")).to_be_visible()
        assert [(retry.device_id, retry.ids) for retry in visit.scene.world.nsight.retries] == [(1001, (5,))]
        other = await browser.new_page()  # another browser, which has seen nothing of this
        await other.goto(visit.address)
        await _at_step(other, 1, "/patches recent")
        await other.context.close()


@pytest.mark.deep
async def test_afterwards_there_are_five_things_to_try_each_with_one_click(browser: Browser) -> None:
    async with visiting(browser, guide=True) as visit:
        await visit.types("/patches retry SRV-DC01 5")
        await visit.becomes("Ann")
        await visit.goes("# patch-approvals")
        await visit.page.get_by_role("button", name="Patches fail again").click()
        await visit.saying("SRV-DC01").get_by_role("button", name="Approve").click()
        await press(visit.page, "Let the patches install")
        await expect(said(visit.page, re.compile(r"Done in \d+ s\. Not all of it is installed"))).to_be_attached()
        await _looked_at(visit)
        await _silenced(visit)
        await _turned_away_from_a_lost_reply(visit.page)
        await _approved_by_two(visit)
        await _a_reply_is_lost(visit)
        await _closed(visit.page)


def _field(page: Page) -> Locator:
    return page.get_by_label("Message or slash command")


async def _looked_at(visit: Visit) -> None:
    await press(visit.page, "A digest")
    await expect(visit.saying("1 patch failed again after a retry")).to_be_visible()
    await press(visit.page, "The app's Home")
    await expect(visit.page.get_by_role("region", name="Home")).to_be_visible()


async def _typed_as_bob(visit: Visit, name: str) -> None:
    """Presses a thing to try, and Enter: whoever one was, it is Bob who asks."""
    await press(visit.page, name)
    await expect(said(visit.page, "You are Bob: press Enter")).to_be_attached()
    await expect(visit.page.get_by_role("button", name=re.compile("^B?Bob"))).to_have_attribute("aria-pressed", "true")
    await expect(_field(visit.page)).to_be_focused()
    await visit.page.keyboard.press("Enter")


async def _silenced(visit: Visit) -> None:
    await visit.becomes("Dave")
    await _typed_as_bob(visit, "Silence an application")
    await expect(visit.saying("7-Zip")).to_contain_text("installer on Friday")


async def _turned_away_from_a_lost_reply(page: Page) -> None:
    """What it has armed is taken back when one turns to something else."""
    lever = page.get_by_role("button", name="N-sight reply lost")
    await press(page, "A lost reply")
    await press(page, "A lost reply")  # pressed again it is still armed
    await expect(lever).to_have_attribute("aria-pressed", "true")
    await _field(page).fill("half a thought")
    await press(page, "Two approvers")
    await expect(lever).to_have_attribute("aria-pressed", "false")
    await expect(_field(page)).to_have_value(STRICT)
    await _field(page).press("ArrowUp")
    await expect(_field(page)).to_have_value("half a thought")


async def _approved_by_two(visit: Visit) -> None:
    await _typed_as_bob(visit, "Two approvers")
    await expect(visit.saying("Request #2 is made")).to_be_visible()
    await visit.becomes("Ann")
    await visit.goes("# patch-approvals")
    await _gives_a_reason(visit, "Approve")
    await visit.becomes("Carl")
    await _gives_a_reason(visit, "Approve")
    await expect(visit.saying("SRV-APP01")).to_contain_text("⏳ queued")


async def _a_reply_is_lost(visit: Visit) -> None:
    await _typed_as_bob(visit, "A lost reply")
    await expect(visit.saying("Request #3 is made")).to_be_visible()
    await visit.becomes("Ann")
    await visit.goes("# patch-approvals")
    await visit.saying("WH-PC-01").get_by_role("button", name="Approve").click()
    unsure = re.compile("Outcome unknown: .* It is not repeated|→ ⏳ queued")  # before the device is read, and after
    await expect(visit.saying("WH-PC-01")).to_contain_text(unsure)
    await expect(visit.page.get_by_role("button", name="N-sight reply lost")).to_have_attribute("aria-pressed", "false")
    devices = [retry.device_id for retry in visit.scene.world.nsight.retries]
    assert (devices[0], devices[-1], len(devices)) == (1001, 1015, 3)


async def _closed(page: Page) -> None:
    """Once closed it stays so, until somebody wants it again."""
    await press(page, "Close")
    await page.reload()
    await expect(page.get_by_role("button", name="Show the first minute")).to_be_visible()
    await expect(strip(page)).to_have_count(0)
    await page.get_by_role("button", name="Show the first minute").click()
    await _at_step(page, 1)
    await expect(strip(page).get_by_role("button", name="Type it for me")).to_be_focused()


@pytest.mark.deep
async def test_it_follows_whoever_does_it_otherwise(browser: Browser) -> None:
    async with visiting(browser, guide=True) as visit:
        page = visit.page
        await visit.becomes("Gina")
        await _at_step(page, 1, "Gina may not ask")
        await press(page, "Become Bob")
        await _asks_again_when_the_list_is_too_old(visit)
        await visit.types(STRICT)  # jumps ahead
        await _at_step(page, 3, "Nobody approves their own request")
        await visit.becomes("Carl")
        await _at_step(page, 4)
        await visit.goes("# patch-approvals")
        await _gives_a_reason(visit, "Approve")
        await _at_step(page, 3, "Carl has approved; this one takes two people")
        await press(page, "Become Ann")
        await _at_step(page, 4)
        await _gives_a_reason(visit, "Deny")
        await _at_step(page, 1)  # it came to nothing
        await press(page, "Skip")
        await expect(strip(page)).to_have_count(0)
        await expect(pointed(page)).to_have_count(0)
        await page.reload()
        await expect(page.get_by_role("button", name="Show the first minute")).to_be_visible()


async def _asks_again_when_the_list_is_too_old(visit: Visit) -> None:
    page = visit.page
    await _at_step(page, 1, "Ask what failed lately")
    await visit.types("/patches recent")
    await _at_step(page, 2, "Press Retry…")
    later = visit.scene.world.clock.advance(timedelta(minutes=61))
    await visit.scene.bot.services.store.purge(later)  # as it does by itself, now and then
    await pointed(page).click()
    await _at_step(page, 1, "Nothing can be sent from here: press Close")
    await expect(pointed(page)).to_have_text("Close")
    await pointed(page).click()
    await _at_step(page, 1, "Ask again")
    await press(page, "Type it for me")
    await page.keyboard.press("Enter")
    await _at_step(page, 2, "Press Retry…")


async def _gives_a_reason(visit: Visit, verb: str) -> None:
    await visit.saying("SRV-APP01").get_by_role("button", name=verb).click()
    form = visit.page.get_by_role("dialog")
    await form.get_by_label("Why?").fill("agreed with the client")
    await form.get_by_role("button", name=verb).click()
    await expect(form).to_have_count(0)


@pytest.mark.deep
async def test_on_a_narrow_screen_it_marks_its_own_button_while_the_side_is_shut(browser: Browser) -> None:
    async with visiting(browser, "dark", NARROW, guide=True) as visit:
        page = visit.page
        await expect(pointed(page)).to_be_visible()
        await expect(_field(page)).to_have_attribute("placeholder", "Message, or / for a command")
        await visit.types("/patches retry SRV-DC01 5")
        await _at_step(page, 3)
        await expect(pointed(page)).to_have_text("Become Ann")
        box = await strip(page).bounding_box()
        assert box is not None
        assert box["height"] < 100
        assert box["width"] <= NARROW[0]
        await page.set_viewport_size({"width": 320, "height": 256})  # as after zooming in to 400 %
        await expect(strip(page)).to_have_css("height", re.compile(r"^[3-6]\d(\.\d+)?px$"))
        await page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        await press(page, "Skip")
        await page.get_by_role("button", name="People and channels").click()
        await page.get_by_role("button", name="Show the first minute").click()
        await _at_step(page, 3)  # what still waits goes on
        await expect(strip(page).get_by_role("button", name="Become Ann")).to_be_focused()
