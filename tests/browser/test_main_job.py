"""The main job in the browser: one person asks for a retry, another one approves it, and the patches install."""

from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.visit import Visit, visiting

FAR = 150  # presses of Tab after which something counts as not reachable


def told_to_nsight(visit: Visit) -> list[tuple[int, tuple[int, ...]]]:
    return sorted((retry.device_id, retry.ids) for retry in visit.scene.world.nsight.retries)


async def test_the_main_job_by_clicks_from_what_failed_to_what_is_installed(browser: Browser) -> None:
    async with visiting(browser) as visit:
        form = visit.page.get_by_role("dialog", name="Request a retry")
        await visit.types("/patches recent")
        await visit.saying("Failed patching attempts").get_by_role("button", name="Retry…").first.click()
        await expect(form.get_by_role("checkbox", name="SRV-DC01")).to_be_checked()
        await form.get_by_role("checkbox", name="WH-PC-01").check()
        await form.get_by_role("button", name="Next").click()
        await form.get_by_role("textbox", name="Reason").fill("the archiver is out of date")
        await form.get_by_role("button", name="Request").click()
        await expect(form).to_be_hidden()
        await expect(visit.saying("Request #1 is made")).to_contain_text("Only visible to you")

        await visit.goes("# patch-approvals")
        card = visit.saying("Retry request #1: 2 patches on 2 devices")
        await expect(card).to_contain_text("the archiver is out of date")
        await card.get_by_role("button", name="Approve").click()
        await expect(visit.saying("somebody else has to decide")).to_contain_text("Only visible to you")
        assert told_to_nsight(visit) == []

        await visit.becomes("Ann")
        await expect(visit.saying("somebody else has to decide")).to_have_count(0)
        await card.get_by_role("button", name="Approve").click()
        await expect(card).to_contain_text("Approved by @ann")
        await expect(card.get_by_role("button", name="Approve")).to_have_count(0)
        await expect(card).to_contain_text("Queued by N-sight")
        visit.scene.world.patches_install()
        await expect(card).to_contain_text("Devices: 2 finished")
        await expect(card).to_contain_text("installed")
        assert told_to_nsight(visit) == [(1001, (5,)), (1015, (681919,))]


async def test_the_main_job_by_the_keyboard_alone(browser: Browser) -> None:
    async with visiting(browser, "dark") as visit:
        page = visit.page
        await page.keyboard.press("Tab")  # from the browser's own frame into the page
        await _types(page, page.get_by_label("Message or slash command"), "/patches device SRV-DC01")
        await _presses(page, visit.saying("2 failed patches").get_by_role("button", name="Retry…"))
        form = page.get_by_role("dialog", name="Request a retry")
        await expect(form).to_be_visible()
        assert await form.evaluate("dialog => dialog.contains(document.activeElement)")
        seven_zip = form.get_by_role("checkbox", name="7-Zip")
        if not await seven_zip.is_checked():
            await _presses(page, seven_zip, "Space")
        await _types(page, form.get_by_role("textbox", name="Reason"), "by keyboard")
        await _presses(page, form.get_by_role("button", name="Request"))
        await expect(visit.saying("Request #1 is made")).to_be_visible()

        await _presses(page, page.locator("#people").get_by_role("button", name="Ann"))
        await _presses(page, page.locator("#channels").get_by_role("button", name="# patch-approvals"))
        card = visit.saying("by keyboard")
        await _presses(page, card.get_by_role("button", name="Approve"))
        await expect(card).to_contain_text("Queued by N-sight")
        assert len(told_to_nsight(visit)) == 1


async def _types(page: Page, field: Locator, text: str) -> None:
    await _reach(page, field)
    await page.keyboard.type(text)
    if text.startswith("/"):
        await page.keyboard.press("Enter")


async def _presses(page: Page, control: Locator, key: str = "Enter") -> None:
    await _reach(page, control)
    await page.keyboard.press(key)


async def _reach(page: Page, control: Locator) -> None:
    """Goes there with Tab, as somebody without a mouse does."""
    await expect(control).to_be_enabled()
    for _ in range(FAR):
        if await control.evaluate("node => node === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"cannot be reached with Tab: {control}")
