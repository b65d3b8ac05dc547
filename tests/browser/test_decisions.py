"""The modals of whoever decides, and those that the Home opens."""

import re

import pytest
from playwright.async_api import Browser, expect

from bot.demo.slack.acting import TROUBLE
from tests.browser.play import Play, playing
from tests.browser.visit import NARROW, WIDE

pytestmark = [pytest.mark.deep]
STRICT = "/patches retry SRV-APP01 failed monthly maintenance"
MUST = "Please complete this required field."


async def test_from_the_home_to_a_request_and_to_decisions(browser: Browser) -> None:
    async with playing(browser) as play:
        await _from_the_home(play)
        await _approve(play)
        await _ended_meanwhile(play)


async def _from_the_home(play: Play) -> None:
    await play.visit.goes("Patches")
    home = play.page.locator("#home")
    await home.get_by_role("button", name="Request a retry…").click()
    await play.finds("Devices", "dc01", "SRV-DC01")
    await play.press("Next")
    await play.titled("Request a retry", "Failed patches to retry")
    await play.form.get_by_role("checkbox").first.check()
    await play.press("Request")
    await play.ends()
    await expect(home).to_contain_text("#1 SRV-DC01")
    await play.visit.becomes("Ann")
    await home.get_by_role("button", name="Deny").click()
    await play.titled("Deny request #1", "SRV-DC01")
    await play.form.get_by_label("Why?").fill("not today")
    await play.press("Deny")
    await play.ends()
    await play.visit.goes("# patch-approvals")
    await expect(play.visit.saying("not today")).to_be_visible()


async def _approve(play: Play) -> None:
    card = await play.card(STRICT)
    await play.visit.becomes("Ann")
    await card.get_by_role("button", name="Approve").click()
    await play.titled("Approve request #2", "SRV-APP01")
    why = play.form.get_by_label("Why?")
    await expect(why).to_be_focused()
    await expect(why).to_have_attribute("aria-required", "true")
    await play.press("Approve")
    await expect(why).to_have_accessible_description(re.compile(f"^{MUST} Everybody in the channel"))
    await why.fill("   ")
    await play.press("Approve")
    await expect(play.form).to_contain_text("A reason is required here.")
    await expect(why).to_be_focused()
    await why.fill("agreed with <the client>")
    await _cut_off(play)
    await expect(why).to_have_value("agreed with <the client>")
    await play.press("Approve")
    await play.ends()
    await expect(card).to_contain_text("agreed with <the client>")


async def _cut_off(play: Play) -> None:
    """The panel beside can be used while a form is open, and the form outlasts what is done there."""
    page, told = play.page, play.page.locator("#told")
    await expect(page.locator("#main")).to_have_attribute("inert", "")
    cross = play.form.locator("#modal-cross")
    await cross.press("Shift+Tab")
    await expect(page.locator("#behind :focus")).to_have_count(1)
    await page.keyboard.press("Tab")
    await expect(cross).to_be_focused()
    await page.get_by_role("button", name="Slack disconnects").click()
    await expect(told).to_have_text("Slack disconnects: under way…")
    await play.press("Approve")
    await expect(play.form.get_by_role("alert")).to_have_text(TROUBLE)
    await expect(told).to_contain_text("connected again")
    await page.get_by_role("button", name="Restart the bot").click()
    await expect(told).to_contain_text("stopped and started")
    await page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
    await expect(page.locator("dialog#modal:modal")).to_be_visible()
    await page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
    await expect(page.locator("dialog#modal:not(:modal)")).to_be_visible()


async def _ended_meanwhile(play: Play) -> None:
    slack = play.visit.scene.world.slack
    card = await play.card("/patches retry SRV-DC01 4,5 because")
    await play.visit.becomes("Ann")
    await card.get_by_role("button", name="Deny").click()
    await play.titled("Deny request #3", "SRV-DC01")
    await play.form.get_by_label("Why?").fill("too late")
    await slack.clicks("bob", "Withdraw")
    await play.press("Deny")
    await play.ends()
    await expect(play.visit.saying("Only visible to you")).to_contain_text("#3")
    assert play.visit.scene.world.nsight.retries == []  # the one that was approved waits for the night
