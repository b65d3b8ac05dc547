"""What goes wrong between a failure and a request is told in the form itself, in a sentence that leads on."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.slack.model import BOT_USER
from bot.demo.world import World
from bot.errors import Refused
from bot.flows.forms import kept, patches
from bot.flows.forms.kept import Form
from bot.model import PatchStatus
from tests.scenes.filling import NEWS, digest_of, fields, first_step, offered, second_step, ticked
from tests.scenes.playing import pressed
from tests.scenes.stage import Stage, nothing_left, staged
from tests.scenes.test_failures import full_disk

CHROME, LIST = "Google Chrome", "patch_list_all"
THREE = ["1001", "1015", "1018"]


def lists(stage: Stage) -> int:
    return len(stage.world.nsight.calls.of(LIST))


def gone(stage: Stage, machine_id: int) -> None:
    """The machine leaves N-sight."""
    for site in (site for customer in stage.world.fleet.customers for site in customer.sites):
        site.machines = [machine for machine in site.machines if machine.id != machine_id]


@contextlib.asynccontextmanager
async def prepared(folder: Path, change: Callable[[World], None]) -> AsyncIterator[Stage]:
    """A stage in a world that was changed before the bot came."""
    async with World() as world:
        change(world)
        async with staged(folder, world=world) as stage:
            yield stage


# ---------------------------------------------------------------- ESET tells less than it could


async def test_without_the_right_to_see_devices_one_line_says_what_brings_them(tmp_path: Path) -> None:
    def forbidden(world: World) -> None:
        world.eset.details_allowed = False

    async with prepared(tmp_path, forbidden) as stage:
        view = await first_step(stage, "bob", await digest_of(stage), CHROME)
        assert fields(view) == ["others"]
        [line] = [line for line in view.plain.splitlines() if line.startswith("⚠️")]
        assert "Patch Management: Read" in line
        view = await second_step(stage, "bob", others=["1001"])
        assert ticked(view, "patches") == ["4"]
        assert await stage.submits("bob") == {}
        assert "retry 4 on SRV-DC01" in stage.told("bob")
        assert nothing_left(stage) == []


async def test_without_the_right_to_see_names_the_line_says_so_and_devices_can_be_typed(tmp_path: Path) -> None:
    def forbidden(world: World) -> None:
        world.eset.devices_allowed = False

    async with prepared(tmp_path, forbidden) as stage:
        view = await first_step(stage, "bob", await digest_of(stage), CHROME)
        assert fields(view) == ["others"]
        [line] = [line for line in view.plain.splitlines() if line.startswith("⚠️")]
        assert "Groups and Computers: Read" in line
        assert "ESET has no name for 8 devices on which it failed." in view.plain
        assert nothing_left(stage) == []


async def test_while_eset_does_not_answer_its_trouble_is_told_and_devices_can_be_typed(tmp_path: Path) -> None:
    def down(world: World) -> None:
        world.eset.faults.add("details", Fault.STATUS, times=None, status=503)

    async with prepared(tmp_path, down) as stage:
        view = await first_step(stage, "bob", await digest_of(stage), CHROME)
        assert fields(view) == ["others"]
        assert "On which devices it happened is not known right now: ESET has trouble of its own" in view.plain
        assert nothing_left(stage) == []


async def test_a_device_that_n_sight_does_not_have_is_named(tmp_path: Path) -> None:
    def renamed(world: World) -> None:
        machine = world.fleet.machine(1015)
        assert machine is not None
        machine.eset_name = "Empfang <links> & rechts"

    async with prepared(tmp_path, renamed) as stage:
        view = await first_step(stage, "bob", await digest_of(stage), CHROME)
        assert "1015" not in offered(view, "devices")
        assert "N-sight has no device of the name Empfang <links> & rechts: type the name it goes by" in view.plain
        assert nothing_left(stage) == []


async def test_before_the_inventory_is_read_no_device_is_called_missing(tmp_path: Path) -> None:
    async with World() as world:
        world.nsight.faults.add("list_clients", Fault.STATUS, times=None, status=503)
        async with staged(tmp_path, world=world) as stage:
            view = await first_step(stage, "bob", await digest_of(stage), CHROME)
            assert fields(view) == ["others"]
            assert "is not known yet: its devices are being read." in view.plain
            assert "has no device" not in view.plain
            assert nothing_left(stage) == []


async def test_while_a_client_is_not_listed_its_devices_are_not_called_missing(tmp_path: Path) -> None:
    async with World() as world:
        world.nsight.faults.add("list_devices_at_client", Fault.FAIL, times=2, code="4", words="no")
        async with staged(tmp_path, world=world) as stage:
            view = await first_step(stage, "bob", await digest_of(stage), CHROME)
            assert "1001" not in offered(view, "devices")
            assert "is known: type the name it goes by in N-sight, unless it is at a client whose devices" in view.plain
            assert "N-sight refused to list the devices of Contoso Ltd" in view.plain
            assert "has no device" not in view.plain
            assert nothing_left(stage) == []


async def test_a_device_that_n_sight_has_no_more_can_be_told_to_be_one_of_a_like_name(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        gone(stage, 1015)
        await stage.later(timedelta(hours=2))
        view = await first_step(stage, "bob", digest, CHROME)
        assert "Which of these is wh-pc-01?" in view.plain
        assert "1016" in offered(view, "which.0")
        assert nothing_left(stage) == []


async def test_a_device_without_patch_management_is_left_out_and_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        machine = stage.world.fleet.machine(1015)
        assert machine is not None
        machine.patching = False
        await stage.later(timedelta(hours=2))
        view = await first_step(stage, "bob", digest, CHROME)
        assert "1015" not in offered(view, "devices")
        assert "Left out, because Patch Management is switched off for them in N-sight: WH-PC-01" in view.plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- N-sight


async def test_n_sight_is_asked_about_four_devices_at_once_at_most(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        gate = asyncio.Event()
        stage.world.nsight.faults.add(LIST, Fault.SLOW, times=None, until=gate, seconds=5)
        await stage.world.slack.submits("bob")
        waiting = await stage.world.slack.view_of("bob")
        assert "Asking N-sight about 8 devices…" in waiting.plain
        await stage.world.nsight.calls.reach(LIST, 4)
        await (await stage.says("carl", "/patches help")).answer()
        assert lists(stage) == 4
        gate.set()
        await stage.bot.settle()
        assert lists(stage) == 8
        assert len(fields(waiting)) == 9
        assert nothing_left(stage) == []


async def test_a_device_that_n_sight_does_not_tell_of_is_named_and_the_others_are_offered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        stage.world.nsight.faults.add(LIST, Fault.FAIL, code="4", words="<b>the agent</b> & its mood")
        view = await second_step(stage, "bob", THREE)
        assert len(fields(view)) == 3
        [line] = [line for line in view.plain.splitlines() if "is left out" in line]
        assert re.match(r"⚠️ \S+ \(id \d+\) is left out: N-sight refused \(reference \w+\)\. It said: ", line)
        assert "<b>the agent</b> & its mood" in line
        assert await stage.submits("bob") == {}
        assert "2 patches on 2 devices" in stage.card.plain
        assert nothing_left(stage) == []


async def test_when_n_sight_is_down_for_all_the_form_says_what_to_do(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        stage.world.nsight.faults.add(LIST, Fault.STATUS, times=None, status=503)
        view = await second_step(stage, "bob", THREE)
        assert "submit" not in view.source
        assert view.plain.count("is left out: N-sight has trouble of its own right now") == 3
        assert "Try again in a minute" in view.plain
        stage.world.nsight.faults.clear()
        assert stage.posted("C0PATCHAPPROVE") == []
        assert nothing_left(stage) == []


async def test_patches_that_are_installed_by_now_are_told_with_their_state(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        fleet = stage.world.fleet
        for device, patch in ((1029, 682069), (1001, 4)):
            fleet.patch(device, patch).status = PatchStatus.INSTALLED
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1029", "1001"])
        assert fields(view) == ["patches", "reason"]
        said = "LAPTOP-MÜLLER (id 1029) has no failed patch: Google Chrome 134.0.6998.89 is Installed by now."
        assert said in view.plain
        assert "Google Chrome 134.0.6998.89 is Installed by now; these others failed." in view.plain
        assert ticked(view, "patches") == []
        await stage.world.slack.closes("bob")
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1029"])
        assert "submit" not in view.source
        assert said in view.plain
        assert "There is nothing to retry on these devices right now." in view.plain
        assert nothing_left(stage) == []


async def test_all_that_was_ticked_being_installed_when_it_is_asked_for_makes_no_request(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        await second_step(stage, "bob", ["1001", "1015"])
        for device, patch in ((1001, 4), (1015, 681922)):
            stage.world.fleet.patch(device, patch).status = PatchStatus.INSTALLED
        assert await stage.submits("bob") == {}
        assert "It is not Failed on SRV-DC01 (id 1001)" in stage.told("bob")
        assert "Nothing was done." in stage.told("bob")
        assert stage.posted("C0PATCHAPPROVE") == []
        assert nothing_left(stage) == []


async def test_a_device_that_is_gone_between_the_steps_is_told(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        gone(stage, 1015)
        await stage.later(timedelta(hours=2))
        view = await second_step(stage, "bob", ["1001", "1015"])
        assert fields(view) == ["patches", "reason"]
        assert "Device 1015 is no longer in N-sight's inventory, so it is left out." in view.plain
        assert nothing_left(stage) == []


async def test_a_candidate_that_is_gone_when_it_is_chosen_is_told_and_not_remembered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage, "PuTTY"), "PuTTY")
        gone(stage, 1004)
        await stage.later(timedelta(hours=2))
        view = await second_step(stage, "bob", ["1033"], which_0="1004")
        assert "Device 1004 is no longer in N-sight's inventory, so the choice was not remembered." in view.plain
        assert fields(view) == ["patches", "reason"]
        assert "device.link" not in await stage.actions()
        assert nothing_left(stage) == []


async def test_forged_values_in_the_second_step_are_no_patches(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        await second_step(stage, "bob", ["1001"])
        form = await kept.remember(stage.bot.services, Form("C0HELPDESK", offered={1001: {4: "Critical"}}))
        forged = {"patches": ["9" * 5000, "none", "-4", "4.0"], "reason": "x"}
        assert await patches.faults(stage.bot.services, form, forged) == {"patches": "Choose at least one patch."}
        with pytest.raises(Refused, match="too old"):
            await patches.wish(stage.bot.services, form, forged, "U0BOB")
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("<!channel> & " + "x" * 290, id="long"),
        pytest.param("Приложение для учёта " * 5, id="cyrillic", marks=pytest.mark.deep),
        pytest.param("متصفح كروم", id="arabic"),
        pytest.param("谷歌浏览器 " * 40, id="chinese", marks=pytest.mark.deep),
        pytest.param("`*_~" * 60, id="markup", marks=pytest.mark.deep),
    ],
)
async def test_an_application_of_any_name_leads_to_a_form(name: str, tmp_path: Path) -> None:
    def renamed(world: World) -> None:
        fleet, patch = world.fleet, world.fleet.patch(1001, 4)
        assert patch.application is not None
        application = replace(patch.application, developer="Dev <&> " + "d" * 280, name=name, product=name)
        patch.application, patch.title, patch.product = application, f"{name} {patch.to_version}", name
        tried = [row for row in fleet.attempts if (row.machine_id, row.application.name) == (1001, CHROME)]
        fleet.attempts[:] = [replace(max(tried, key=lambda row: row.at), application=application)]

    async with prepared(tmp_path, renamed) as stage:
        digest = await digest_of(stage)
        view = await first_step(stage, "bob", digest)
        assert ticked(view, "devices") == ["1001"]
        view = await second_step(stage, "bob")
        assert offered(view, "patches") == ["4", "5"]
        assert await stage.submits("bob", {"patches": ["4"]}) == {}
        assert "retry 4 on SRV-DC01" in stage.told("bob")
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- closed, too late, too old, unwritable


async def test_closing_the_form_while_it_loads_is_no_error(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        gate = asyncio.Event()
        stage.world.nsight.faults.add(LIST, Fault.SLOW, times=None, until=gate, seconds=5)
        await stage.world.slack.submits("bob")
        await stage.world.nsight.calls.reach(LIST)
        await stage.world.slack.closes("bob")
        gate.set()
        await stage.bot.settle()
        assert stage.told("bob") == ""
        assert stage.posted("C0PATCHAPPROVE") == []
        assert nothing_left(stage) == []


async def test_a_form_that_slack_opens_no_more_is_told_in_private(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        listed = await stage.asks("bob", "/patches device 1001")
        choose = await stage.asks("bob", "/patches retry")
        for shown, button in ((digest, "Retry…"), (listed, "Retry…"), (choose, "Choose devices…")):
            stage.world.slack.faults.error("views.open", "expired_trigger_id")
            said = await pressed(stage, "bob", button, shown)
            assert "within three seconds" in said
            assert "press the button once more" in said
        assert nothing_left(stage) == []


async def test_a_list_that_is_no_longer_kept_is_told_in_the_form(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        listed = await stage.asks("bob", "/patches recent app:Chrome")
        await stage.later(timedelta(hours=2))
        view = await first_step(stage, "bob", listed, CHROME)
        assert "more than an hour old and no longer kept" in view.plain
        assert nothing_left(stage) == []


async def test_a_form_that_is_forgotten_is_told_in_its_place(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        await stage.later(timedelta(days=91))
        view = await second_step(stage, "bob", ["1001"])
        assert "This form is too old." in view.plain
        assert nothing_left(stage) == []


async def test_the_forms_of_an_older_version_and_the_buttons_of_its_digests_are_answered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        field = {"type": "plain_text_input", "action_id": "device"}
        block = {"type": "input", "block_id": "device", "label": {"type": "plain_text", "text": "Device"}}
        title = {"type": "plain_text", "text": "Request a retry"}
        old = {"type": "modal", "callback_id": "digest.retry", "title": title, "submit": title}
        stage.world.slack.space.open_view("U0BOB", old | {"blocks": [block | {"element": field}]})
        assert await stage.submits("bob", {"Device": "1001"}) == {}
        assert "form is from an older version" in stage.told("bob")
        services = stage.bot.services
        kept = {"application": CHROME, "to": "134.0.6998.89"}  # all that its tokens held
        token = await services.store.remember("digest.group", kept, services.now())
        button = {"type": "button", "action_id": "digest.retry.0", "value": token, "text": title}
        stage.world.slack.space.post(NEWS, BOT_USER, "old", [{"type": "actions", "elements": [button]}])
        view = await stage.opens("bob", "Request a retry", saying="Google Chrome → 134.0.6998.89. On which devices")
        assert fields(view) == ["others"]
        view = await second_step(stage, "bob", others=["1001"])
        assert ticked(view, "patches") == ["4"]
        assert nothing_left(stage) == []


async def test_while_the_database_cannot_be_written_the_form_says_so(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        view = await first_step(stage, "bob", digest, CHROME)
        stage.world.clock.advance(timedelta(minutes=5))
        with full_disk(tmp_path):
            assert await stage.submits("bob") == {}
            assert "The bot's database cannot be written" in view.plain
            assert "submit" not in view.source
            carls = await first_step(stage, "carl", digest, CHROME)
            assert "The bot's database cannot be written" in carls.plain
        assert nothing_left(stage) == []
