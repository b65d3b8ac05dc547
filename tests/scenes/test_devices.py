"""Finding a device: by parts of its name, in an answer or while somebody types; and what ESET calls it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blocks.devices import NO_DEVICE
from bot.demo.faults import Fault
from bot.demo.slack.model import View
from bot.demo.world import World
from bot.flows import links
from bot.flows.directory import Directory
from bot.model import Client, Device, DeviceKind, EsetDevice
from bot.store import Store
from tests.laid import lay
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

CHOSEN_FEW = CONFIG + '\n[access]\ncommands = ["S0HELPDESK"]\n'
HTTP = CONFIG + '\n[slack]\nmode = "http"\n'
PICK: dict[str, Any] = {
    "type": "input",
    "block_id": "more",
    "label": {"type": "plain_text", "text": "Other devices"},
    "element": {"type": "multi_external_select", "action_id": "device.pick", "min_query_length": 2},
}
FORM: dict[str, Any] = {
    "type": "modal",
    "callback_id": "somewhere",
    "title": {"type": "plain_text", "text": "Pick a device"},
    "submit": {"type": "plain_text", "text": "Next"},
    "blocks": [PICK],
}


async def with_form(stage: Stage, user: str, form: dict[str, Any] = FORM) -> View:
    """A modal with a device field on the person's screen."""
    space = stage.world.slack.space
    await stage.bot.services.messenger.open_view(space.trigger(space.user(user).id), form)
    return await stage.world.slack.view_of(user)


async def offered(stage: Stage, user: str, typed: str, view: View) -> list[dict[str, Any]]:
    options = await stage.world.slack.suggests(user, view, "device.pick", typed)
    await stage.bot.settle()
    return options


def fleet(count: int) -> list[Device]:
    """Machines of 40 customers."""
    return [
        Device(
            n,
            f"{'SRV' if n % 5 else 'NB'}-{n * 7919 % 100_003:05}",
            DeviceKind.SERVER,
            n % 40,
            f"Client {n % 40}",
            "HQ",
        )
        for n in range(1, count + 1)
    ]


# ---------------------------------------------------------------- the search


async def test_a_search_tells_each_device_with_client_site_kind_and_id(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", "/patches devices srv-dc01")
        assert "• SRV-DC01 · Contoso Ltd, Head Office · server · id 1001" in answer.plain
        assert "/patches device 1001 shows the patches" in answer.plain
        assert "Devices as N-sight listed them" in answer.plain
        assert nothing_left(stage) == []


async def test_two_clients_devices_of_one_name_are_both_told_apart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = (await stage.asks("bob", "/patches devices SRV-FILE01")).plain
        assert "Contoso Ltd, Head Office · server · id 1004" in answer
        assert "Müller & Söhne" in answer
        assert "id 1023" in answer


async def test_twenty_are_shown_of_more_and_that_is_said(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        await services.store.replace_inventory(
            [Client(1, "C", 1, 1)], fleet(300), services.now() + timedelta(seconds=1)
        )
        answer = (await stage.asks("bob", "/patches devices SRV")).plain
        assert "The 20 best devices for SRV" in answer
        assert answer.count("•") == 20
        assert "There are more" in answer
        assert nothing_left(stage) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("/patches devices", "What to search for is missing"),
        ("/patches devices xyzzy", "No device fits xyzzy"),
        ("/patches devices <!channel>", "No device fits @channel"),
        ("/patches devces srv", "Did you mean /patches devices?"),
        ("/patches help devices", "/patches devices contoso srv"),
    ],
)
async def test_what_finds_nothing_gets_a_sentence_that_leads_on(tmp_path: Path, typed: str, words: str) -> None:
    async with staged(tmp_path) as stage:
        assert words in (await stage.asks("bob", typed)).plain
        assert nothing_left(stage) == []


async def test_while_the_first_sweep_is_under_way_that_is_said_with_how_far_it_is(tmp_path: Path) -> None:
    async with World() as world:
        await world.nsight.stop()
        async with staged(tmp_path, world=world) as stage:
            view = await with_form(stage, "ann")
            await world.nsight.start()
            go_on = asyncio.Event()
            world.nsight.faults.add("list_devices_at_client", Fault.SLOW, until=go_on)
            first = await stage.says("bob", "/patches devices srv-dc01")
            await first.answer(saying="Asking N-sight for its devices")
            second = await stage.says("ann", "/patches devices srv-dc01")
            waiting = (await second.answer(saying="for the first time")).plain
            assert "0 of 3 clients so far. Please try again in a minute" in waiting
            said = await stage.world.slack.suggests("ann", view, "device.pick", "srv")
            assert [option["value"] for option in said] == [NO_DEVICE]
            assert "still being read" in said[0]["text"]["text"]
            go_on.set()
            await stage.bot.settle()
            assert "id 1001" in (await first.answer(saying="SRV-DC01")).plain
            assert (await offered(stage, "ann", "srv-dc01", view))[0]["value"] == "1001"
            assert nothing_left(stage) == []


async def test_clients_that_n_sight_refuses_to_list_are_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.nsight.faults.add("list_devices_at_client", Fault.FAIL, code="4", words="no")
        await stage.later(timedelta(hours=2))
        answer = (await stage.asks("bob", "/patches devices srv-dc01")).plain
        assert "N-sight refused to list the devices of Contoso Ltd" in answer
        assert "id 1001" in answer, "what was known before is kept"
        await stage.later(timedelta(hours=2))
        assert "refused" not in (await stage.asks("bob", "/patches devices srv-dc01")).plain


async def test_an_empty_inventory_is_told_as_such(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        await services.store.replace_inventory([], [], services.now() + timedelta(seconds=1))
        answer = (await stage.asks("bob", "/patches devices srv")).plain
        assert "N-sight lists no device at all" in answer
        view = await with_form(stage, "bob")
        assert [one["value"] for one in await offered(stage, "bob", "srv", view)] == []


async def test_a_renamed_device_goes_by_its_new_name_after_the_next_sweep(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        machine = stage.world.fleet.machine(1001)
        assert machine is not None
        machine.name = "NEW-DC01"
        await stage.later(timedelta(hours=2))
        assert "• NEW-DC01" in (await stage.asks("bob", "/patches devices new-dc01")).plain
        view = await with_form(stage, "bob")
        assert (await offered(stage, "bob", "new-dc01", view))[0]["value"] == "1001"


# ---------------------------------------------------------------- while somebody types


@pytest.mark.parametrize(
    "config", [pytest.param(CONFIG, id="socket"), pytest.param(HTTP, id="http", marks=pytest.mark.deep)]
)
async def test_devices_are_offered_by_name_and_client_with_what_tells_them_apart(tmp_path: Path, config: str) -> None:
    async with staged(tmp_path, config=config) as stage:
        view = await with_form(stage, "bob")
        options = await offered(stage, "bob", "srv-file01", view)
        assert {one["value"] for one in options[:2]} == {"1004", "1023"}
        contoso = next(one for one in options if one["value"] == "1004")
        assert contoso["text"]["text"] == "SRV-FILE01 · Contoso Ltd"
        assert contoso["description"]["text"] == "Head Office · server · id 1004"
        assert await stage.world.slack.suggests("bob", view, "device.pick", "s") == [], "Slack asks from two letters on"
        assert nothing_left(stage) == []


async def test_any_other_field_is_offered_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        element = {"type": "external_select", "action_id": "device.pickle", "min_query_length": 1}
        view = await with_form(stage, "bob", FORM | {"blocks": [PICK | {"element": element}]})
        assert await stage.world.slack.suggests("bob", view, "device.pickle", "srv") == []
        assert nothing_left(stage) == []


async def test_who_may_not_use_the_commands_is_offered_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CHOSEN_FEW) as stage:
        await stage.asks("dave", "/patches help")
        view = await with_form(stage, "dave")
        assert await offered(stage, "dave", "srv-dc01", view) == []
        gina = await with_form(stage, "gina")
        await offered(stage, "gina", "srv-dc01", gina)  # nobody had asked Slack about her before
        assert await offered(stage, "gina", "srv-dc01", gina) == []
        assert nothing_left(stage) == []


async def test_a_silent_slack_does_not_keep_the_list_from_coming(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CHOSEN_FEW) as stage:
        view = await with_form(stage, "bob")
        for method in ("users.info", "usergroups.users.list"):
            stage.world.slack.faults.add(method, Fault.STATUS, times=None, status=500)
        options = await stage.world.slack.suggests("bob", view, "device.pick", "srv-dc01")
        assert options[0]["value"] == "1001"
        stage.world.slack.faults.clear()
        assert nothing_left(stage) == []


async def test_no_name_breaks_the_limits_of_an_option(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        odd = [
            Device(123456789012345678, "N" * 300, DeviceKind.WORKSTATION, 1, "C" * 300, "S" * 300),
            Device(2, "NN <!channel> & 漢字\n\u202egnp", DeviceKind.SERVER, 1, "", ""),
            Device(3, "", DeviceKind.SERVER, 1, "NN", ""),
        ]
        await services.store.replace_inventory([], odd, services.now() + timedelta(seconds=1))
        await services.directory.warm()
        view = await with_form(stage, "bob")
        assert len(await offered(stage, "bob", "nn", view)) >= 2
        assert nothing_left(stage) == []


async def test_20_000_devices_are_searched_in_milliseconds_while_somebody_types(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        devices = fleet(20_000)
        await services.store.replace_inventory([], devices, services.now() + timedelta(seconds=1))
        await services.directory.warm()
        view = await with_form(stage, "bob")
        words = [device.name[:length] for device in devices[::2000] for length in (2, 4, 8)]
        took = []
        for typed in words:
            started = time.monotonic()
            options = await stage.world.slack.suggests("bob", view, "device.pick", typed)
            took.append(time.monotonic() - started)
            assert 0 < len(options) <= 100
        await stage.bot.settle()
        assert max(took) < 1, "Slack waits three seconds"
        assert nothing_left(stage) == []


def quickest(act: Callable[[], object]) -> float:
    """Seconds, of several times."""
    took = []
    for _ in range(9):
        started = time.perf_counter()
        act()
        took.append(time.perf_counter() - started)
    return min(took)


async def test_devices_without_patch_management_come_last_and_cost_nothing_when_nothing_more_is_wanted(
    tmp_path: Path,
) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    devices = [replace(device, patching=device.id <= 10_000) for device in fleet(20_000)]
    await store.replace_inventory([], devices, datetime(2025, 3, 12, tzinfo=UTC))
    index = await Directory(store).current()
    await store.close()
    plenty, few = index.search("srv", 21), index.search(" CLIENT 7  nb-1", 100)
    assert plenty == index.typeahead.best("srv", most=21)
    assert [device.patching for device in few] == sorted((device.patching for device in few), reverse=True)
    assert {device.patching for device in few} == {True, False}
    assert devices[10_000] in index.search("10001 srv", 21), "found by its id too"
    assert index.search("client 7 nb-1", len(few) - 1) == few[:-1]
    assert quickest(lambda: index.search("srv", 21)) < 5 * quickest(lambda: index.typeahead.best("srv", most=21))


async def test_the_order_is_made_once_for_a_sweep_and_not_for_each_letter(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        directory = stage.bot.services.directory
        await directory.warm()
        before = directory.latest
        view = await with_form(stage, "bob")
        for typed in ("sr", "srv", "srv-"):
            await offered(stage, "bob", typed, view)
        assert directory.latest is before
        both = await asyncio.gather(directory.current(), directory.current())
        assert all(index is before for index in both)
        await stage.later(timedelta(hours=2))
        assert directory.latest is not before
        assert directory.latest.at == await stage.bot.services.store.inventory_at()


# ---------------------------------------------------------------- what ESET calls a device


async def test_a_choice_is_told_on_the_devices_page_and_can_be_undone_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        await services.store.name_eset_devices([EsetDevice("u-1", "SRV-FILE01 & Co")], services.now())
        await links.choose(services, "u-1", 1004, "U0ANN")
        (resolved,) = await links.resolve(services, [EsetDevice("u-1", "SRV-FILE01 & Co")])
        assert (resolved.device and resolved.device.id, resolved.chosen_by) == (1004, "U0ANN")
        page = await stage.asks("bob", "/patches device 1004")
        assert "ESET knows it as SRV-FILE01 & Co (chosen by @ann," in page.plain
        await stage.clicks("bob", "Undo", page)
        assert "ESET's SRV-FILE01 & Co is no longer taken for SRV-FILE01" in stage.told("bob")
        await stage.clicks("bob", "Undo", page)
        assert "not there any more" in stage.told("bob")
        assert "ESET knows" not in (await stage.asks("bob", "/patches device 1004")).plain
        assert [action for action in await stage.actions() if action.startswith("device.")] == [
            "device.link",
            "device.unlink",
        ]
        assert nothing_left(stage) == []


async def test_an_undo_does_not_take_away_what_somebody_chose_in_the_meantime(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        await links.choose(services, "u-1", 1004, "U0ANN")
        page = await stage.asks("bob", "/patches device 1004")
        await links.choose(services, "u-1", 1023, "U0CARL")
        await stage.clicks("bob", "Undo", page)
        assert "undone, or changed" in stage.told("bob")
        assert (await services.store.links(["u-1"]))["u-1"].device_id == 1023


async def test_names_decide_where_nobody_chose_and_equal_names_are_left_to_a_person(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        asked = [
            EsetDevice("u-1", "srv-dc01.contoso.example"),
            EsetDevice("u-2", "SRV-FILE01"),
            EsetDevice("u-3", "nobody-knows-me"),
            EsetDevice("u-4", ""),
        ]
        alone, twice, nobody, nameless = await links.resolve(stage.bot.services, asked)
        assert (alone.device and alone.device.id, alone.chosen_by) == (1001, "")
        assert twice.device is None
        assert {device.id for device in twice.candidates} == {1004, 1023}
        assert (nobody.device, nobody.candidates) == (None, ())
        assert (nameless.device, nameless.candidates) == (None, ())


async def test_a_choice_whose_device_has_gone_from_n_sight_counts_no_more(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        services = stage.bot.services
        await links.choose(services, "u-1", 1004, "U0ANN")
        left = [device for device in await services.store.devices() if device.id != 1004]
        await services.store.replace_inventory([], left, services.now() + timedelta(seconds=1))
        (resolved,) = await links.resolve(services, [EsetDevice("u-1", "srv-dc01")])
        assert (resolved.device and resolved.device.id, resolved.chosen_by) == (1001, "")
