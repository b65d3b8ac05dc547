"""Makes the pictures of the demo's page in docs/: plays a little in a headless Chromium, and takes them on the way.

It needs what the browser tests need: ``pip install -e '.[test]'`` and a Chromium, see tests/browser/chromium.py.
Without a font that has emoji (Debian: fonts-noto-color-emoji), boxes are shown in their place. From the repository's
root: ``python -m docs.screenshots``
"""

import asyncio
import io
from pathlib import Path

from PIL import Image
from playwright.async_api import expect

from bot import log
from tests.browser import chromium
from tests.browser.visit import NARROW, WIDE, Visit, visiting

TARGET = Path(__file__).parent
COLOURS = 256  # enough for a page's, and half the size of the file


async def main() -> None:
    log.configure("json", "error", [])
    async with chromium.launched() as browser:
        async with visiting(browser, "light", WIDE, guide=True) as visit:
            await _first_minute(visit)
        async with visiting(browser, "light", WIDE) as visit:
            await _digest(visit)
        async with visiting(browser, "dark", WIDE) as visit:
            await _home(visit)
        async with visiting(browser, "dark", NARROW) as visit:
            await _narrow(visit)


async def _first_minute(visit: Visit) -> None:
    """The main job: what failed, the form that asks for a retry, and what became of it, beside what was behind."""
    await _ask(visit)
    await _picture(visit, "demo-recent")
    await _request(visit)
    await visit.becomes("Ann")
    await visit.goes("# patch-approvals")
    await visit.saying("Waiting for approval").get_by_role("button", name="Approve").click()
    card = visit.saying("Retry request #1")
    await expect(card).to_contain_text("Queued by N-sight")
    visit.scene.world.patches_install()
    await expect(card).to_contain_text("Devices: 2 finished")
    await visit.page.get_by_role("region", name="The first minute").get_by_role("button", name="Close").click()
    await expect(visit.page.locator("#clock")).not_to_contain_text("09:30")
    await _picture(visit, "demo")


async def _ask(visit: Visit) -> None:
    await visit.types("/patches recent")
    await expect(visit.saying("Failed patching attempts").get_by_role("button", name="Older")).to_be_attached()


async def _request(visit: Visit) -> None:
    form = visit.page.get_by_role("dialog", name="Request a retry")
    await visit.saying("Failed patching attempts").get_by_role("button", name="Retry…").first.click()
    await form.get_by_role("checkbox", name="WH-PC-01").check()
    await form.get_by_role("button", name="Next").click()
    await form.get_by_role("textbox", name="Reason").fill("the archiver is out of date")
    await _picture(visit, "demo-form")
    await form.get_by_role("button", name="Request").click()
    await expect(form).to_be_hidden()


async def _digest(visit: Visit) -> None:
    """A digest of the night, with the thread that names the devices."""
    await visit.goes("# patch-news")
    visit.scene.world.clock.advance(30 * 60)
    digest = visit.saying("failed patching attempts")
    await expect(digest).to_be_visible()
    await visit.scene.bot.settle()
    await digest.get_by_role("button", name="repl").click()
    head = visit.page.locator("main").get_by_role("heading", name="new failures")
    await head.evaluate("heading => heading.closest('article').scrollIntoView({ block: 'start' })")
    await _picture(visit, "demo-digest")


async def _home(visit: Visit) -> None:
    """The app's Home of somebody for whose decision something waits."""
    await visit.types("/patches retry KASSE-HOHE-02 failed editor was closed, please retry")
    await expect(visit.saying("Request #1 is made")).to_be_visible()
    await visit.becomes("Ann")
    await visit.goes("Patches")
    await expect(visit.page.get_by_role("region", name="Home").get_by_role("button", name="Approve")).to_be_visible()
    await _picture(visit, "demo-home")


async def _narrow(visit: Visit) -> None:
    await visit.types("/patches device SRV-DC01")
    await expect(visit.saying("2 failed patches")).to_be_visible()
    await _picture(visit, "demo-narrow")


async def _picture(visit: Visit, name: str) -> None:
    """Takes docs/NAME.png as it is on the screen, with the pointer on nothing."""
    await visit.page.mouse.move(0, 0)
    taken = Image.open(io.BytesIO(await visit.page.screenshot()))
    taken.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(TARGET / f"{name}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main())
