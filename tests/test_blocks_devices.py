"""Devices as Slack shows them: in a search's answer, and offered while somebody types."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import devices
from bot.blocks.devices import Inventory
from bot.demo.slack.limits import mentions_everyone, message_problems, option_problems
from bot.flows import terminal
from bot.model import Device, DeviceKind, Message

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
FRESH = Inventory(NOON, 5)

words = st.text(max_size=400)
ids = st.integers(1, 10**18)
fleets = st.lists(st.builds(Device, ids, words, st.sampled_from(DeviceKind), ids, words, words), max_size=130)


def device(number: int = 1, name: str = "SRV-DC01") -> Device:
    return Device(number, name, DeviceKind.SERVER, 7, "Contoso Ltd", "Head Office")


def wire(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


@given(fleets)
def test_options_keep_slacks_limits_whatever_devices_are_called(fleet: list[Device]) -> None:
    options = devices.options(fleet)
    assert option_problems({"options": options}) == []
    assert [one["value"] for one in options] == [str(one.id) for one in fleet[:100]]
    assert all(f"id {one['value']}" in one["description"]["text"] for one in options), "the id tells equal names apart"


@given(words, fleets, st.lists(words, max_size=9))
def test_a_listing_keeps_slacks_limits_and_mentions_nobody(typed: str, fleet: list[Device], names: list[str]) -> None:
    shown = wire(devices.listing(typed or "x", fleet, Inventory(NOON, len(fleet), 3, 9, tuple(names))))
    assert message_problems(shown) == []
    assert mentions_everyone(shown) == []


def test_an_option_reads_name_and_client_and_below_it_where_it_is() -> None:
    option = devices.option(device())
    assert option["text"]["text"] == "SRV-DC01 · Contoso Ltd"
    assert option["description"]["text"] == "Head Office · server · id 1"


def test_a_long_name_leaves_room_for_the_client_and_a_long_site_for_the_id() -> None:
    option = devices.option(Device(1, "N" * 200, DeviceKind.SERVER, 7, "C" * 200, "S" * 200))
    assert option["text"]["text"] == "N" * 41 + "… · " + "C" * 29 + "…"
    assert option["description"]["text"].endswith("… · server · id 1")


def test_a_device_without_name_client_or_site_is_offered_all_the_same() -> None:
    option = devices.option(Device(1, " ", DeviceKind.WORKSTATION, 7, "", ""))
    assert (option["text"]["text"], option["description"]["text"]) == ("(no name)", "workstation · id 1")


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        (Inventory(NOON, 5), ["No device fits", "Devices as N-sight listed them"]),
        (Inventory(NOON, 0), ["N-sight lists no device at all"]),
        (Inventory(NOON, 5, 12, 40), ["being read anew: 12 of 40 clients"]),
        (Inventory(NOON, 5, unlisted=("A & B",)), ["refused to list the devices of A & B"]),
    ],
)
def test_what_is_known_of_the_inventory_is_told_with_a_search_that_finds_nothing(
    inventory: Inventory, words: list[str]
) -> None:
    told = terminal.plain(devices.listing("srv", [], inventory))
    assert [word for word in words if word not in told] == []


def test_before_the_first_sweep_its_progress_is_told() -> None:
    told = terminal.plain(devices.not_read_yet(Inventory(None, 0, 12, 40)))
    assert "for the first time: 12 of 40 clients so far. Please try again in a minute" in told
    assert "being read for the first time. Please" in terminal.plain(devices.not_read_yet(Inventory(None)))
