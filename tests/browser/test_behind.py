"""The panel behind: what passes is shown as it passes, and every lever does on the page what it says."""

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from tests.browser.visit import NARROW, Visit, visiting


def lever(visit: Visit, title: str) -> Locator:
    return visit.page.locator("#levers").get_by_role("button", name=title)


def line(visit: Visit, words: str) -> Locator:
    """The newest line of the trace with these words."""
    return visit.page.locator("#trace .trace-line").filter(has_text=words).last


async def told(visit: Visit, words: str) -> None:
    await expect(visit.page.locator("#told")).to_contain_text(words, timeout=30_000)


async def asks(visit: Visit) -> Locator:
    """A request of Bob's, on the screen of Ann; its Approve."""
    await visit.types("/patches retry SRV-DC01 4,5 because")
    await visit.becomes("Ann")
    await visit.goes("# patch-approvals")
    return visit.saying("Waiting for approval").get_by_role("button", name="Approve")


@pytest.mark.deep
async def test_what_passes_is_shown_line_by_line_opens_folds_and_can_be_filtered_paused_and_cleared(
    browser: Browser,
) -> None:
    async with visiting(browser) as visit:
        page = visit.page
        await (await asks(visit)).click()
        await expect(visit.saying("Queued by N-sight")).to_be_visible()
        await expect(line(visit, "/patches retry SRV-DC01 4,5 because")).to_contain_text("acked")
        await expect(line(visit, "button “Approve”")).to_contain_text("@ann")
        retry = line(visit, "patch_retry")
        await expect(retry).to_contain_text("deviceid=1001 patchids=4,5")
        await expect(retry).to_contain_text("200")

        await retry.press("Enter")
        await expect(retry).to_have_attribute("aria-expanded", "true")
        await expect(page.get_by_role("group", name="Sent")).to_contain_text("apikey=•••&service=patch_retry")
        await expect(page.get_by_role("group", name="Answered")).to_contain_text("Retrying patches: 4,5")

        ended = 40
        for _ in range(ended):
            await visit.scene.world.slack.event({"type": "app_home_opened", "user": "U0ANN", "tab": "messages"})
        folded = line(visit, "app_home_opened messages")
        await expect(folded).to_contain_text(f"×{ended}")
        assert await page.locator(".panel").evaluate("node => node.scrollHeight <= node.clientHeight")
        await folded.click()
        await expect(page.locator("#trace ol.inside > li")).to_have_count(ended)
        await page.locator("#trace ol.inside .trace-line").last.click()
        await expect(page.get_by_role("group", name="Answered").last).to_contain_text("An ack without a payload.")

        await folded.click()
        trace, newest = page.locator("#trace"), page.get_by_role("button", name="Newest")
        await trace.evaluate("node => { node.scrollTop = 0; }")
        await expect(newest).to_have_text("↓ Newest")
        visit.scene.world.slack.space.refused("something")
        await expect(newest).to_have_text("↓ Newest (1 more)")
        await newest.click()
        await expect(trace).to_be_focused()
        await expect(newest).to_be_hidden()
        await page.keyboard.press("ArrowUp")
        await expect(folded).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await expect(folded).not_to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.locator("#trace .trace-line:focus")).to_have_count(0)
        visit.scene.world.nsight.violations.note("a rule of N-sight's")
        await expect(line(visit, "Broken rule: a rule of N-sight's")).to_be_in_viewport()
        visit.scene.world.nsight.violations.clear()

        sides = page.get_by_role("group", name="Shown are")
        await sides.get_by_role("button", name="Slack").click()
        await expect(page.locator("#trace li[data-side=slack]")).to_have_count(0)
        await expect(retry).to_be_visible()
        await sides.get_by_role("button", name="N-sight").click()
        await expect(retry).to_have_count(0)
        await sides.get_by_role("button", name="Slack").click()
        await page.get_by_role("button", name="Clear").click()
        await expect(page.locator("#trace li")).to_have_count(0)
        await page.get_by_role("button", name="Pause").click()
        await visit.types("/patches help")
        await expect(page.get_by_role("button", name="Pause (")).to_have_attribute("aria-pressed", "true")
        await expect(page.locator("#trace li")).to_have_count(0)
        await page.get_by_role("button", name="Pause (").click()
        await expect(line(visit, "/patches help")).to_be_visible()


@pytest.mark.deep
async def test_a_line_that_becomes_a_fold_while_it_is_read_shows_what_was_folded(browser: Browser) -> None:
    async with visiting(browser) as visit:
        held: list[Route] = []

        async def hold(route: Route) -> None:
            held.append(route)

        await visit.page.route("**/api/trace/*", hold)
        tab = {"type": "app_home_opened", "user": "U0ANN", "tab": "messages"}
        await visit.scene.world.slack.event(tab)
        opened = visit.page.locator("#trace > ol > li > .trace-line").filter(has_text="app_home_opened")
        async with visit.page.expect_request("**/api/trace/*"):
            await opened.click()
        await visit.scene.world.slack.event(tab)
        await expect(opened).to_contain_text("×2")
        async with visit.page.expect_response("**/api/trace/*"):
            await held[0].continue_()
        await expect(visit.page.locator("#trace ol.inside > li")).to_have_count(2)
        await expect(visit.page.get_by_role("group", name="Sent")).to_have_count(0)


async def test_a_lost_reply_is_armed_taken_back_armed_again_and_met(browser: Browser) -> None:
    async with visiting(browser) as visit:
        lost = lever(visit, "N-sight reply lost")
        await lost.hover()
        await expect(visit.page.locator("#lever-hint")).to_contain_text("nothing is sent twice")
        height = await lost.evaluate("node => node.offsetHeight")
        for pressed in ("true", "false", "true"):
            await lost.click()
            await expect(lost).to_have_attribute("aria-pressed", pressed)
        assert await lost.evaluate("node => node.offsetHeight") == height
        await (await asks(visit)).click()
        await expect(visit.saying("Outcome unknown")).to_be_visible()
        await told(visit, "its answer was lost")
        await expect(lost).to_have_attribute("aria-pressed", "false")
        await expect(line(visit, "patch_retry")).to_contain_text("no answer: connection cut")
        await lever(visit, "Patches install").click()
        await told(visit, "2 patches installed")
        assert len(visit.scene.world.nsight.retries) == 1


@pytest.mark.deep
async def test_the_other_mishaps_are_met_and_the_bot_gets_over_each(browser: Browser) -> None:
    async with visiting(browser) as visit:
        await lever(visit, "Slack rate limit").click()
        approve = await asks(visit)
        await told(visit, "refused a message with 429")
        await expect(line(visit, "429, Retry-After 2 s")).to_be_visible()
        await lever(visit, "Patches fail again").click()
        await approve.click()
        await expect(visit.saying("Queued by N-sight")).to_be_visible()
        await lever(visit, "Patches install").click()
        await told(visit, "2 patches failed again")
        await expect(visit.saying("2 failed again")).to_be_visible()
        await lever(visit, "ESET answers 202").click()
        await visit.goes("# helpdesk")
        await visit.types("/patches recent")
        await expect(visit.saying("Failed patching attempts")).to_be_visible()
        await told(visit, "3 times 202")
        await expect(line(visit, "given response-id")).to_contain_text("202")


@pytest.mark.deep
async def test_the_bot_is_cut_off_and_restarted_and_its_buttons_work_on(browser: Browser) -> None:
    async with visiting(browser) as visit:
        approve = await asks(visit)
        await lever(visit, "Slack disconnects").click()
        await told(visit, "connected again")
        await expect(line(visit, "is gone")).to_be_visible()
        await expect(line(visit, "apps.connections.open")).to_contain_text("ok")
        await lever(visit, "Restart the bot").click()
        await told(visit, "stopped and started on the same database")
        await expect(line(visit, "The bot is stopped")).to_be_visible()
        await expect(line(visit, "The bot is at work")).to_be_visible()
        up = visit.page.locator("#up")
        await expect(up).to_have_text("The bot is at work.")

        await visit.scene.stop()
        await expect(up).to_have_text("The bot is stopped.")
        night = lever(visit, "Next day")
        await expect(night).to_have_attribute("aria-disabled", "true")
        await night.press("Enter")
        await expect(visit.page.locator("#lever-hint")).to_have_text("The bot is stopped: restart it first.")
        await expect(night).to_have_accessible_description("The bot is stopped: restart it first.")
        await lever(visit, "Restart the bot").click()
        await expect(up).to_have_text("The bot is at work.")
        await expect(night).not_to_have_attribute("aria-disabled", "true")
        await approve.click()
        await expect(visit.saying("Queued by N-sight")).to_be_visible()
        assert len(visit.scene.world.nsight.retries) == 1


@pytest.mark.deep
async def test_time_goes_by_to_the_digest_new_failures_come_and_a_night_passes(browser: Browser) -> None:
    async with visiting(browser) as visit:
        clock = visit.page.locator("#clock")
        await expect(clock).to_have_text("Wed 12 Mar, 09:30")
        await lever(visit, "30 minutes go by").click()
        await told(visit, "30 minutes have gone by")
        await expect(clock).to_have_text("Wed 12 Mar, 10:00")
        await visit.goes("# patch-news")
        await expect(visit.saying("failed patching attempts")).to_be_visible()
        await lever(visit, "New failures").click()
        await told(visit, "Failed just now")
        await lever(visit, "Patches install").click()
        await told(visit, "Nothing is on its way")
        night = lever(visit, "Next day")
        await night.click()
        await told(visit, "It is the next morning")
        await expect(clock).to_have_text("Thu 13 Mar, 10:00")
        await expect(visit.page.locator("article.message").filter(has_text="failed patching attempts")).to_have_count(2)
        await expect(night).to_be_focused()


@pytest.mark.deep
async def test_on_a_narrow_screen_the_panel_is_a_drawer_that_works_by_keyboard(browser: Browser) -> None:
    async with visiting(browser, size=NARROW) as visit:
        page = visit.page
        await visit.types("/patches help")
        await page.get_by_role("button", name="Behind").press("Enter")
        help_ = line(visit, "/patches help")
        await expect(help_).to_be_visible()
        await help_.press("Enter")
        await expect(page.get_by_role("group", name="Sent")).to_be_visible()
        limit = lever(visit, "Slack rate limit")
        await limit.focus()
        await expect(page.locator("#lever-hint")).to_contain_text("429")
        await limit.press("Space")
        await expect(limit).to_have_attribute("aria-pressed", "true")
        await told(visit, "Armed.")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert await page.evaluate(
            "document.querySelector('#trace').scrollWidth <= document.querySelector('#trace').clientWidth"
        )
