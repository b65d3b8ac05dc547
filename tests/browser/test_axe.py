"""axe-core finds nothing on the main views, in light and dark colours, on a wide screen and a narrow one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from bot.blocks import modals
from bot.demo.slack.cast import HELPDESK
from bot.demo.slack.model import BOT_USER, Upload
from tests.browser import axe, gallery
from tests.browser.needs import lacking
from tests.browser.visit import NARROW, WIDE, Scheme, Visit, visiting

SCHEMES: tuple[Scheme, Scheme] = ("light", "dark")
# HTML's own list has no combobox of several lines; ARIA's pattern for one is a textarea all the same.
KNOWN = "minor: aria-allowed-role at #text:"
LOW = {"width": 640, "height": 360}  # as a screen of 1280 by 720 is, enlarged twice
PICTURE = Path(__file__).parents[2] / "docs" / "demo.png"


@pytest.mark.parametrize(
    ("size", "turn"),
    [
        pytest.param(WIDE, 0, id="wide"),
        pytest.param(NARROW, 1, id="narrow"),
        pytest.param(WIDE, 1, id="wide, the other half", marks=pytest.mark.deep),
        pytest.param(NARROW, 0, id="narrow, the other half", marks=pytest.mark.deep),
    ],
)
async def test_nothing_keeps_anybody_from_using_the_main_views(
    browser: Browser, size: tuple[int, int], turn: int
) -> None:
    """Every other view is looked at in dark colours, on the narrow screen the other ones."""
    script = axe.source()
    if not script:
        lacking("axe", "no axe-core: `npm install --no-save axe-core`, or name its axe.min.js in AXE")
    found: list[str] = []
    async with visiting(browser, size=size, guide=True) as visit:
        async for view in _views(visit):
            scheme, turn = SCHEMES[turn % 2], turn + 1
            await visit.page.emulate_media(color_scheme=scheme)
            told = await axe.violations(visit.page, script)
            found += [f"{view}, {scheme}: {line}" for line in told if not line.startswith(KNOWN)]
    assert not found, "\n".join(found)


async def _views(visit: Visit) -> AsyncIterator[str]:
    """Puts one main view after the other on the screen, and says which it is."""
    page = visit.page
    await expect(page.get_by_role("region", name="The first minute")).to_be_visible()
    yield "the guide's first step"
    await page.get_by_role("button", name="Skip").click()
    for part in (_asking, _over_a_message, _words_alone, _deciding, _others):
        async for view in part(visit):
            yield view
    await _behind(visit)
    yield "what happens behind"


async def _asking(visit: Visit) -> AsyncIterator[str]:
    page = visit.page
    await page.get_by_label("Message or slash command").fill("/patches re")
    await expect(page.get_by_role("listbox", name="Commands").get_by_role("option").first).to_be_visible()
    yield "the composer with its hints"
    await visit.types("/patches recent")
    listed = visit.saying("Failed patching attempts")
    await expect(listed.get_by_role("button", name="Older")).to_be_visible()
    yield "a channel with a list"
    form = page.get_by_role("dialog", name="Request a retry")
    await listed.get_by_role("button", name="Retry…").first.click()
    await form.get_by_role("combobox").first.fill("kasse")
    await expect(form.get_by_text("KASSE-HOHE-02").last).to_be_visible()
    yield "a form with suggestions"
    await form.get_by_role("combobox").first.fill("")
    await form.get_by_role("button", name="Next").click()
    await expect(form.get_by_role("button", name="Request")).to_be_visible()
    for ticked in await form.get_by_role("checkbox", checked=True).all():
        await ticked.uncheck()
    await form.get_by_role("button", name="Request").click()
    await expect(form.get_by_text("Please complete this required field").first).to_be_visible()
    yield "a form with a mistake"
    await form.get_by_role("checkbox").first.check()
    await form.get_by_role("button", name="Request").click()
    await expect(form).to_be_hidden()


async def _over_a_message(visit: Visit) -> AsyncIterator[str]:
    """A menu and dialogs that open from a message with one of everything."""
    page, content = visit.page, PICTURE.read_bytes()
    file = Upload("F1", "demo.png", len(content), alt="a page", title="A picture", content=content, shared=True)
    visit.scene.world.slack.space.post(HELPDESK, BOT_USER, "a gallery", gallery.BLOCKS, files=[file])
    message = visit.saying("Mind this")
    await message.get_by_role("button", name="More").click()
    await expect(page.get_by_role("menuitem", name="Forget")).to_be_visible()
    yield "a menu, and one of each block"
    await page.keyboard.press("Escape")
    await message.get_by_role("button", name="Remove").click()
    await expect(page.get_by_role("alertdialog")).to_be_visible()
    yield "a question before something is done"
    await page.keyboard.press("Escape")
    await message.get_by_role("button", name="larger").click()
    await expect(page.get_by_role("dialog", name="A picture")).to_be_visible()
    yield "a picture"
    await page.keyboard.press("Escape")


async def _words_alone(visit: Visit) -> AsyncIterator[str]:
    page, size = visit.page, visit.page.viewport_size
    form = page.get_by_role("dialog", name="Request a retry")
    visit.scene.world.slack.space.open_view("U0BOB", modals.failed("Nothing can be chosen here. " * 60))
    await expect(form).to_be_visible()
    yield "a form of words alone"
    assert size is not None
    await page.set_viewport_size({"width": LOW["width"], "height": LOW["height"]})
    yield "the same on a low screen"
    await page.set_viewport_size(size)
    await page.keyboard.press("Escape")
    await expect(form).to_be_hidden()


async def _deciding(visit: Visit) -> AsyncIterator[str]:
    page = visit.page
    await visit.becomes("Ann")
    await visit.goes("# patch-approvals")
    card = visit.saying("Waiting for approval")
    await card.get_by_role("button", name="Deny").click()
    await expect(page.get_by_role("dialog").get_by_role("textbox")).to_be_visible()
    yield "a form that asks for a reason"
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    yield "a card that waits"
    await card.get_by_role("button", name="Approve").click()
    await expect(visit.saying("Queued by N-sight")).to_be_visible()
    visit.scene.world.patches_install()
    await visit.saying("inished").get_by_role("button", name="repl").click()
    await expect(page.get_by_role("complementary", name="Thread")).to_be_visible()
    yield "a thread"
    await page.keyboard.press("Escape")
    await visit.goes("Patches")
    await expect(page.locator("#home h3").first).to_be_visible()
    yield "the app's Home"


async def _others(visit: Visit) -> AsyncIterator[str]:
    """Those who may not do anything."""
    await visit.becomes("Dave")
    await expect(visit.page.locator("#home")).to_contain_text("may")
    yield "Home of an outsider"
    await visit.becomes("Gina")
    await visit.goes("# helpdesk")
    await visit.types("/patches recent")
    await expect(visit.saying("Only visible to you")).to_be_visible()
    yield "a guest who is told no"


async def _behind(visit: Visit) -> None:
    opener = visit.page.get_by_role("button", name="Behind")
    if await opener.get_attribute("aria-expanded") == "false":
        await opener.click()
    await expect(visit.page.get_by_role("complementary", name="What happens behind")).to_be_visible()
