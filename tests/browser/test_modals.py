"""Every modal that the bot has, opened by clicks, filled in with a mistake first where one can be made, and sent."""

from dataclasses import replace
from datetime import timedelta

import pytest
from playwright.async_api import Browser, Locator, expect

from bot.demo.faults import Fault
from bot.demo.world import World
from bot.model import PatchStatus
from tests.browser.play import Play, playing

pytestmark = [pytest.mark.deep]
CHROME = "Google Chrome"
MUST = "Please complete this required field."


async def test_whoever_asks_in_a_channel_chooses_devices_and_patches(browser: Browser) -> None:
    async with playing(browser) as play:
        await _devices_from_nothing(play)
        await _waits(play)
        await _one_device(play)
        await _nothing_to_choose(play)
        await _a_row_of_the_list(play)
        await _fails(play)


async def test_from_the_digest_to_a_request_and_to_a_silence(browser: Browser) -> None:
    async with playing(browser) as play:
        digest = await play.digest()
        await _two_steps(play, digest)
        await play.visit.goes("# patch-news")
        await _silence(play, digest)


async def test_which_of_two_devices_of_one_name_is_meant(browser: Browser) -> None:
    async with playing(browser, _two_of_one_name()) as play:
        await _which_of_two(play, await play.digest())


async def test_devices_when_eset_does_not_tell_them_and_n_sight_does_not_list_a_client(browser: Browser) -> None:
    world = World()
    world.eset.details_allowed = False
    async with playing(browser, world) as play:
        await _none_told(play, await play.digest())


def _two_of_one_name() -> World:
    """ESET knows two more devices of SRV-FILE01's name, on which Chrome failed as well."""
    world = World()
    attempts = world.fleet.attempts
    row = next(row for row in attempts if (row.machine_id, row.application.name) == (1001, CHROME))
    assert row.ended is not None
    for machine, minutes in ((1004, 1), (1023, 61)):
        attempts.append(replace(row, machine_id=machine, ended=row.ended - timedelta(minutes=minutes)))
    return world


# ---------------------------------------------------------------- asked for in a channel


async def _devices_from_nothing(play: Play) -> None:
    await play.visit.types("/patches retry")
    opener = play.visit.saying("Choose devices").get_by_role("button", name="Choose devices…")
    await opener.click()
    await play.titled("Request a retry", "On which devices shall failed patches be retried?")
    field = play.form.get_by_role("combobox", name="Devices")
    await expect(field).to_be_focused()
    await play.press("Next")
    await expect(play.form).to_contain_text(MUST)
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_have_accessible_description(MUST)
    await field.press_sequentially("no such device")
    await expect(play.form.get_by_text("Nothing found.")).to_be_visible()
    await field.fill("")
    await play.finds("Devices", "dc01", "SRV-DC01")
    await play.press("Next")
    await play.titled("Request a retry", "Failed patches to retry")
    await expect(play.form.get_by_role("checkbox", checked=True)).to_have_count(0)
    await play.press("Request")
    await expect(play.form).to_contain_text(MUST)
    await expect(play.form.get_by_role("checkbox").first).to_be_focused()
    await play.page.keyboard.press("Escape")
    await play.ends()
    await expect(opener).to_be_focused()


async def _asks(play: Play, typed: str, device: str) -> None:
    """Opens the form of `/patches retry` and chooses a device in it."""
    await play.visit.types("/patches retry")
    await play.visit.saying("Choose devices").get_by_role("button", name="Choose devices…").click()
    await play.finds("Devices", typed, device)


async def _waits(play: Play) -> None:
    nsight = play.visit.scene.world.nsight
    await _asks(play, "dc01", "SRV-DC01")
    nsight.faults.add("patch_list_all", Fault.SLOW, times=1, seconds=1)
    await play.press("Next")
    await play.titled("Request a retry", "Asking N-sight about 1 device…")
    await expect(play.form.get_by_role("button", name="Next")).to_have_count(0)
    await expect(play.form.locator("#modal-said")).to_have_text("⏳ Asking N-sight about 1 device…")
    await play.titled("Request a retry", "Failed patches to retry")
    await expect(play.form.get_by_role("checkbox").first).to_be_focused()
    await play.press("Cancel")
    await play.ends()


async def _fails(play: Play) -> None:
    nsight = play.visit.scene.world.nsight
    await _asks(play, "dc01", "SRV-DC01")
    nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
    await play.press("Next")
    await play.titled("Request a retry", "Try again in a minute.")
    await play.form.locator("#modal-close").click()
    await play.ends()


async def _one_device(play: Play) -> None:
    await play.visit.types("/patches device SRV-DC01")
    await play.visit.saying("SRV-DC01").get_by_role("button", name="Retry…").click()
    await play.titled("Request a retry", "Failed patches to retry")
    await play.form.get_by_role("checkbox").first.check()
    await play.press("Request")
    await play.ends()
    await expect(play.visit.saying("Request #1 is made")).to_be_visible()


async def _nothing_to_choose(play: Play) -> None:
    machine = play.visit.scene.world.fleet.machine(1002)
    for patch in machine.patches.values() if machine else ():
        patch.status = PatchStatus.INSTALLED
    await _asks(play, "dc02", "SRV-DC02")
    await play.press("Next")
    await play.titled("Request a retry", "There is nothing to retry on these devices right now.")
    await play.form.locator("#modal-close").click()
    await play.ends()


async def _a_row_of_the_list(play: Play) -> None:
    await play.visit.types("/patches recent")
    await play.visit.saying("Failed patching attempts").get_by_role("button", name="Retry…").first.click()
    await play.titled("Request a retry", "On which devices")
    await expect(play.form.get_by_role("checkbox", checked=True)).to_have_count(1)
    await play.press("Next")
    await play.titled("Request a retry", "Failed patches")
    await play.press("Request")
    await play.ends()
    await expect(play.visit.saying("Request #2 is made")).to_be_visible()


# ---------------------------------------------------------------- from the digest


async def _two_steps(play: Play, digest: Locator) -> None:
    form = await play.beside(digest, CHROME, "Retry…")
    await play.titled("Request a retry", "On which devices shall it be retried?")
    devices = form.get_by_role("group", name="Devices that failed")
    await play.clears(devices)
    await play.press("Next")
    others = form.get_by_role("combobox", name="Other devices")
    await expect(form.locator(".wrong").first).to_be_visible()
    await play.finds("Other devices", "srv-dc01", "SRV-DC01 · Contoso Ltd")
    await expect(form.get_by_role("button", name="Remove SRV-DC01 · Contoso Ltd")).to_be_visible()
    await others.press("Backspace")
    await expect(form.locator(".chip")).to_have_count(0)
    await devices.get_by_role("checkbox", name="SRV-DC01").check()
    await devices.get_by_role("checkbox", name="WH-PC-01").check()
    await play.press("Next")
    await play.titled("Request a retry", "Failed patches of 2 devices")
    server = form.get_by_role("group", name="SRV-DC01")
    await expect(server.get_by_role("checkbox", checked=True)).to_have_count(1)
    await play.clears(form)
    await form.get_by_label("Reason").fill("the browser was open")
    await play.press("Request")
    await expect(form.locator(".wrong .fault").first).not_to_be_empty()
    await expect(form.get_by_label("Reason")).to_have_value("the browser was open")
    await server.get_by_role("checkbox", name="Google Chrome").check()
    await form.get_by_label("Reason").press("Control+Enter")
    await play.ends()
    await play.visit.goes("# patch-approvals")
    await expect(play.visit.saying("the browser was open")).to_contain_text("SRV-DC01")


async def _silence(play: Play, digest: Locator) -> None:
    form = await play.beside(digest, CHROME, "Silence…")
    await play.titled("Silence", "is told in no digest while the silence lasts")
    await form.get_by_label("How long?").select_option("30 days")
    await form.get_by_label("Why?").fill("waits for the vendor")
    await play.press("Silence")
    await play.ends()
    await expect(play.visit.saying("Only visible to you")).to_contain_text(CHROME)
    await play.visit.becomes("Dave")
    await play.beside(digest, CHROME, "Silence…")
    await expect(play.visit.saying("You are not among the people who may use /patches here.")).to_be_visible()
    await play.ends()


async def _which_of_two(play: Play, digest: Locator) -> None:
    form = await play.beside(digest, CHROME, "Retry…")
    await play.titled("Request a retry", "On which devices")
    both = [form.get_by_label(f"Which of these is SRV-FILE01 ({place} of 2") for place in (1, 2)]
    for which in both:
        await which.select_option("1004")
    await play.press("Next")
    await expect(both[1]).to_be_focused()
    await expect(both[1]).to_have_attribute("aria-invalid", "true")
    await expect(both[1]).to_have_value("1004")
    await expect(form).to_contain_text("is chosen for another of ESET's devices already.")
    await both[1].select_option("")  # an answer can be taken back
    await play.press("Next")
    await play.titled("Request a retry", "SRV-FILE01 (id 1004)")
    await play.press("Cancel")
    await play.ends()


async def _none_told(play: Play, digest: Locator) -> None:
    world = play.visit.scene.world
    world.nsight.faults.add("list_devices_at_client", Fault.FAIL, times=2, code="4", words="no")
    world.clock.advance(timedelta(hours=2))
    await world.nsight.calls.reach("list_devices_at_client", 18)
    await play.visit.scene.bot.settle()
    form = await play.beside(digest, CHROME, "Retry…")
    await play.titled("Request a retry", "Patch Management: Read")
    await expect(form).to_contain_text("N-sight refused to list the devices of")
    await expect(form.get_by_role("checkbox")).to_have_count(0)
    await play.finds("Devices", "dom-01", "KASSE-DOM-01")
    await play.press("Next")
    await play.titled("Request a retry", "Failed patches")
