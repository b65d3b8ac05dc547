"""What any modal does, whatever it asks for: fields of each kind, views on top of each other, drafts."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from bot.demo.slack.acting import TROUBLE
from tests.browser import gallery
from tests.browser.play import Play, playing

pytestmark = [pytest.mark.deep]
Json = dict[str, Any]


async def test_a_form_is_filled_in_changed_meanwhile_covered_and_sent(browser: Browser) -> None:
    async with playing(browser) as play:
        await _every_field(play)
        await _changed_and_covered(play)
        await _one_after_the_other(play)


async def test_what_one_presses_stays_where_it_is_although_a_list_above_it_closes(browser: Browser) -> None:
    async with playing(browser) as play:
        asked = gallery.asked("Colleagues", gallery.element("multi_users_select"))
        play.visit.scene.world.slack.space.open_view("U0BOB", modal("Who", [asked]))
        people, options = play.form.get_by_role("combobox", name="Colleagues"), play.form.get_by_role("option")
        await play.finds("Colleagues", "carl", "@carl")
        await people.press_sequentially("a")
        await expect(options.nth(3)).to_be_visible()
        await play.press("Remove @carl")
        await expect(play.form.locator(".chip")).to_have_count(0)
        await expect(people).to_be_focused()
        await people.press_sequentially("a")
        await expect(options.nth(3)).to_be_visible()
        await play.form.locator("#modal-close").click()
        await play.ends()


def modal(title: str, blocks: list[Json], **more: Any) -> Json:
    submit = {"submit": gallery.plain("Send")} if any(block["type"] == "input" for block in blocks) else {}
    return {"type": "modal", "title": gallery.plain(title), "blocks": blocks, **submit, **more}


async def _every_field(play: Play) -> None:
    view = play.visit.scene.world.slack.space.open_view("U0BOB", modal("Everything", gallery.FIELDS))
    form = play.form
    await expect(form.get_by_label("Name")).to_be_focused()
    await play.press("Send")
    await expect(form.get_by_label("Name")).to_be_focused()
    await expect(form.locator(".wrong")).to_have_count(2)
    await form.get_by_label("Name").fill("Chrome")
    await form.get_by_label("Why?").fill("two\nlines")
    await form.get_by_label("Fruit", exact=True).select_option("beet")
    devices = form.get_by_role("group", name="Devices")
    await expect(devices.get_by_role("status")).to_have_text("1 of 20 chosen, 2 at most")
    await devices.get_by_role("searchbox").fill("nothing like it")
    await expect(devices.get_by_role("checkbox")).to_have_count(0)
    await devices.get_by_role("searchbox").press("Escape")  # that empties it, and no more
    await expect(devices.get_by_role("checkbox")).to_have_count(20)
    await devices.get_by_role("searchbox").fill("1")
    await expect(devices.get_by_role("checkbox")).to_have_count(11)
    await devices.get_by_role("checkbox", name="Device 19").check()
    await devices.get_by_role("checkbox", name="Device 18").click()
    await expect(devices.get_by_role("checkbox", name="Device 18")).not_to_be_checked()
    await expect(devices.get_by_role("status")).to_contain_text("untick another one first")
    await form.get_by_role("radiogroup", name="One of them").get_by_label("Pear").check()
    await form.get_by_label("Moment").fill("2026-03-02T10:00")
    await form.get_by_label("Looked up").press_sequentially("ab")
    await expect(form.get_by_text("Type at least 3 characters.")).to_be_visible()
    await form.get_by_label("Looked up").press("Escape")
    await expect(form.get_by_label("Looked up")).to_have_value("")
    people = form.get_by_role("combobox", name="Colleagues")
    await people.press_sequentially("a")
    await expect(form.get_by_role("option", name="@ann")).to_have_class(re.compile("here"))
    await people.press("ArrowDown")
    await expect(form.get_by_role("option", name="@carl")).to_have_class(re.compile("here"))
    await people.press("Enter")
    await people.press_sequentially("car")
    await expect(form.get_by_role("option", name="@carl")).to_have_attribute("aria-selected", "true")
    await people.fill("g")
    await expect(form.get_by_role("option", name="@gina")).to_be_visible()
    await people.press("Escape")
    await expect(form.locator(".options:not([hidden])")).to_have_count(0)
    await expect(form).to_be_visible()  # that closed the list alone
    await play.press("Send")
    space = play.visit.scene.world.slack.space
    await space.until(lambda: not view.open or view.errors)
    held = {block: next(iter(parts.values())) for block, parts in view.values.items()}
    assert (held["plain_text_input"]["value"], held["why"]["value"]) == ("Chrome", "two\nlines")
    assert held["static_select"]["selected_option"]["value"] == "beet"
    assert [one["value"] for one in held["multi_static_select"]["selected_options"]] == ["0", "19"]
    assert held["radio_buttons"]["selected_option"]["value"] == "pear"
    assert (held["datetimepicker"]["selected_date_time"], held["datepicker"]["selected_date"]) == (1772442000, None)
    assert held["multi_users_select"]["selected_users"] == ["U0CARL"]
    space.close_view(view)


async def _changed_and_covered(play: Play) -> None:
    space, form = play.visit.scene.world.slack.space, play.form
    fields = gallery.FIELDS[:3]
    below = space.open_view("U0BOB", modal("Below", fields))
    name = form.get_by_label("Name")
    await name.press_sequentially("Chr")
    await form.get_by_label("Fruit", exact=True).select_option("plum")
    await name.focus()
    space.change_view(below, modal("Below", [gallery.section("News"), *fields]))
    await expect(form).to_contain_text("News")
    await expect(name).to_be_focused()
    await play.page.keyboard.type("ome")
    hinted = fields[0] | {"hint": gallery.plain("Another hint.")}
    space.change_view(below, modal("Below", [hinted, *fields[1:]]))
    await expect(name).to_have_accessible_description("Another hint.")
    await expect(name).to_have_value("Chrome")
    space.open_view("U0BOB", modal("Above", [gallery.section("On top"), gallery.section("of it")]))
    await play.titled("Above", "On top")
    await expect(form.locator("#modal-said")).to_have_text("On top of it")
    await play.press("Back to Below")
    await play.titled("Below")
    await expect(name).to_have_value("Chrome")
    await expect(form.get_by_label("Fruit", exact=True)).to_have_value("plum")
    space.open_view("U0BOB", modal("Last", [gallery.section("The end")], clear_on_close=True))
    await play.titled("Last")
    await play.page.keyboard.press("Escape")
    await play.ends()
    assert space.stacks["U0BOB"] == []


async def _one_after_the_other(play: Play) -> None:
    """A form that waits for something to be filled in goes, and at once there is another one."""
    space, name = play.visit.scene.world.slack.space, play.form.get_by_label("Name")
    first = space.open_view("U0BOB", modal("Waits", [gallery.FIELDS[0]], submit_disabled=True))
    send = play.form.get_by_role("button", name="Send")
    await expect(send).to_be_disabled()
    await name.fill("x")
    await expect(send).to_be_enabled()
    assert first.open
    space.close_view(first)
    view = space.open_view("U0BOB", modal("Down", [gallery.FIELDS[0]]))
    await play.titled("Down")
    await name.fill("agreed")
    view.errors = {"": TROUBLE}  # as after a submission that nobody acknowledged
    space.changed("view", view)
    await expect(play.form.get_by_role("alert")).to_have_text(TROUBLE)
    await expect(name).to_have_value("agreed")
    assert view.open
