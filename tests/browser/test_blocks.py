"""Block Kit as the page draws it: all that is known, loudly what is not, and nothing from outside as markup."""

from typing import Any

import pytest
from playwright.async_api import Browser, Locator, expect

from bot.demo.slack.cast import HELPDESK
from bot.demo.slack.model import BOT_USER
from tests.browser import gallery
from tests.browser.visit import NARROW, WIDE, Scheme, Visit, visiting

Json = dict[str, Any]
FITS = (
    "() => [document.documentElement, document.querySelector('#messages')].every((n) => n.scrollWidth <= n.clientWidth)"
)
LED = """(link) => {
  let led = false;
  const last = (event) => { led = event.defaultPrevented; event.preventDefault(); };
  document.addEventListener("click", last, { once: true });
  link.click();
  return led;
}"""  # whether the page leads to where a link goes, instead of the browser


async def shown(visit: Visit, blocks: list[Json], words: str) -> Locator:
    """A message of the app's with these blocks, once it is on the screen."""
    visit.scene.world.slack.space.post(HELPDESK, BOT_USER, "a gallery", blocks)
    message = visit.saying(words)
    await expect(message).to_be_visible()
    return message


async def told(visit: Visit, action_id: str) -> Json:
    """The action that the app hears of next."""
    last = visit.scene.world.slack.last

    def heard() -> Json | None:
        actions = last["bob"].payload.get("actions", []) if "bob" in last else []
        return next((action for action in actions if action["action_id"] == action_id), None)

    found: Json = await visit.scene.world.slack.until(heard)
    return found


def pressed(visit: Visit) -> int:
    """How often something was pressed or chosen."""
    return [sent.type for sent in visit.scene.world.slack.space.envelopes].count("interactive")


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", NARROW)], ids=["light", "dark"])
async def test_every_block_and_element_is_drawn(browser: Browser, scheme: Scheme, size: tuple[int, int]) -> None:
    async with visiting(browser, scheme, size) as visit:
        message = await shown(visit, gallery.BLOCKS, "Mind this")
        await expect(message.locator(".unknown")).to_have_count(0)
        await expect(message.get_by_role("heading", name="A header & more")).to_be_visible()
        for words in (
            "@ann",
            "#helpdesk",
            "@patch-team",
            "some time in March",
            "Picture: a grey cat",
            "Picture: an address that is none",
            "small",
        ):
            await expect(message.get_by_text(words, exact=True)).to_be_visible()
        await expect(message.get_by_role("blockquote").first).to_have_text("quoted\ntwice", use_inner_text=True)
        await expect(message.locator("pre").last).to_have_text("one line\n> no quote\nthe end", use_inner_text=True)
        assert not await message.get_by_role("link", name="not ours").evaluate(LED)
        moment = message.locator("time[datetime]").last
        await expect(moment).to_have_text("2 Mar 2026 at 10:00")  # in Berlin; its fallback is in UTC
        await expect(moment).to_have_attribute("title", "2026-03-02 09:00 UTC")
        await expect(message.get_by_role("link", name="a link")).to_have_attribute("href", "https://example.com")
        await expect(message.get_by_role("link", name="Elsewhere")).to_have_attribute("rel", "noopener noreferrer")
        await expect(message.get_by_role("button", name="Beside")).to_have_accessible_description("Beside a button")
        await expect(message.get_by_role("img", name="the app's sign")).to_have_js_property("complete", True)
        await expect(message.get_by_role("radio", name="Pear")).to_be_checked()
        await expect(message.get_by_role("cell", name="Chrome")).to_be_visible()
        await expect(message.locator("[data-action=datetimepicker]")).to_have_value("2026-03-02T10:00")
        assert await visit.page.evaluate(FITS)
        assert pressed(visit) == 0  # looking sends nothing


@pytest.mark.deep
async def test_what_is_pressed_and_chosen_in_a_message_reaches_the_app(browser: Browser) -> None:
    async with visiting(browser) as visit:
        message, page = await shown(visit, gallery.BLOCKS, "Mind this"), visit.page
        await message.get_by_role("button", name="Good").dblclick()
        assert (await told(visit, "good"))["style"] == "primary"
        assert pressed(visit) == 1  # it was at work when it was pressed again
        await message.get_by_label("Which fruit?").select_option("Pear")
        assert (await told(visit, "static_select"))["selected_option"]["value"] == "pear"
        await message.get_by_role("radio", name="Plum").check()
        assert (await told(visit, "radio_buttons"))["selected_option"]["value"] == "plum"
        await message.get_by_role("checkbox", name="Pear").check()
        assert [one["value"] for one in (await told(visit, "checkboxes"))["selected_options"]] == ["pear"]
        await message.locator("[data-action=datepicker]").fill("2026-04-01")
        assert (await told(visit, "datepicker"))["selected_date"] == "2026-04-01"
        await message.locator("[data-action=datetimepicker]").fill("2026-03-02T11:00")
        assert (await told(visit, "datetimepicker"))["selected_date_time"] == 1772445600
        await message.get_by_role("combobox", name="Who?").press_sequentially("ca")
        await message.get_by_role("option", name="@carl").click()
        assert (await told(visit, "users_select"))["selected_user"] == "U0CARL"
        menu = message.get_by_role("button", name="More")
        await menu.press("Enter")
        await page.keyboard.press("ArrowDown")
        await expect(page.get_by_role("menuitem", name="Forget")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(menu).to_be_focused()
        await menu.click()
        await page.get_by_role("menuitem", name="Forget").click()
        assert (await told(visit, "overflow"))["selected_option"]["value"] == "forget"


@pytest.mark.deep
async def test_what_asks_first_does_nothing_until_it_is_confirmed(browser: Browser) -> None:
    async with visiting(browser) as visit:
        message, page = await shown(visit, gallery.BLOCKS, "Mind this"), visit.page
        remove, question = message.get_by_role("button", name="Remove"), page.get_by_role("alertdialog")
        await remove.click()
        await expect(question).to_have_accessible_name("Remove it?")
        await expect(question).to_contain_text("Nothing brings it back.")
        await expect(question.get_by_role("button", name="Keep")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(question).to_have_count(0)
        await expect(remove).to_be_focused()
        await remove.click()
        await question.get_by_role("button", name="Keep").click()
        await remove.click()
        await question.get_by_role("button", name="Remove").click()
        await told(visit, "remove")
        assert pressed(visit) == 1
        places, chips = message.get_by_role("combobox", name="Choose"), message.locator(".chip")
        for answer, names in (("Keep", []), ("Remove", ["#helpdesk"]), ("Keep", ["#helpdesk"])):
            await places.fill("patch" if names and answer == "Keep" else "help")
            await message.locator(".option").first.click()
            await question.get_by_role("button", name=answer).click()
            await expect(chips.locator("span")).to_have_text(names)
        assert (await told(visit, "multi_channels_select"))["selected_channels"] == ["C0HELPDESK"]
        assert pressed(visit) == 2
        await expect(visit.saying("does nothing any more")).to_be_visible()  # the bot knows no such button


@pytest.mark.deep
async def test_what_the_page_cannot_draw_is_told_loudly(browser: Browser) -> None:
    async with visiting(browser) as visit:
        message = await shown(visit, gallery.STRANGE, "cannot draw")
        boxes = message.locator(".unknown")
        kinds = ("hologram", "crystal_ball", "slider", "runes", "dial", "constructor")
        await expect(boxes).to_have_count(len(kinds))
        for place, kind in enumerate(kinds):
            await expect(boxes.nth(place)).to_contain_text(f"“{kind}”")


@pytest.mark.deep
async def test_hostile_words_stay_words(browser: Browser) -> None:
    async with visiting(browser) as visit:
        message = await shown(visit, [gallery.section(words) for words in gallery.HOSTILE], "nested")
        for words in ("<img src=x onerror=alert(1)>", "press me", "or me", "A & B", gallery.LONG):
            await expect(message.get_by_text(words, exact=True)).to_be_visible()
        links = message.get_by_role("link")
        await expect(links).to_have_count(1)
        await expect(links).to_have_attribute("href", "https://example.com/?a=1&b=2")
        await expect(message.locator("script, b, img")).to_have_count(0)
        for width, height in (WIDE, NARROW):
            await visit.page.set_viewport_size({"width": width, "height": height})
            assert await visit.page.evaluate(FITS)
