"""The modals as values: within Slack's limits whatever the names, and right by Slack's own types."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.blocks import device_form, modals, patch_form
from bot.blocks.device_form import Question, Unclear
from bot.blocks.devices import Inventory
from bot.blocks.patch_form import Limits, Offer
from bot.demo.slack.limits import mentions_everyone, view_problems
from bot.matching import products
from bot.matching.products import Match, Wanted
from bot.model import Device, DeviceKind, Patch
from tests import sample_requests
from tests.test_blocks_shown import NASTY, NOW

VIEWS = Path(__file__).resolve().parents[2] / "shared" / "reference" / "block-schema" / "view.schema.json"
View = Mapping[str, Any]
ABOUT = Wanted("Google Chrome", "Google LLC", "133.0", "134.0.6998.89")
KNOWN = Inventory(NOW, 60)
PARTLY = Inventory(NOW, 60, unlisted=("Contoso <Ltd> & Co",))


def device(number: int, name: str = "SRV-DC01", client: str = "Contoso Ltd", site: str = "Head Office") -> Device:
    return Device(number, name, DeviceKind.SERVER, 301, client, site)


def failed(number: int, title: str = "Google Chrome 134.0.6998.89", severity: str = "Critical") -> Patch:
    return Patch(number, title, 16, "Failed", "", severity)


def offer(number: int, *patches: Patch, about: Wanted = ABOUT) -> Offer:
    return Offer(device(number), products.matches(about, patches))


def element(view: View, block: str) -> dict[str, Any]:
    [found] = [each["element"] for each in view["blocks"] if each.get("block_id") == block]
    return dict(found)


def ticked(view: View, block: str) -> list[str]:
    return [option["value"] for option in element(view, block).get("initial_options", [])]


def words(view: View) -> str:
    return json.dumps(view, ensure_ascii=False)


def sound(view: View) -> None:
    """Slack would take it, and it mentions nobody but whom we mention."""
    assert view_problems(dict(view)) == []
    assert mentions_everyone({"blocks": view["blocks"]}) == []


# ---------------------------------------------------------------- whatever the names

names = st.one_of(NASTY, st.text("ыא谷<&>`*_~ \u202e", max_size=400))
devices = st.builds(device, st.integers(1, 99_999), names, names, names)
patches = st.builds(failed, st.integers(1, 10**9), names, names)
questions = st.builds(
    Question,
    most=st.integers(1, 20),
    inventory=st.sampled_from([KNOWN, PARTLY, Inventory(None), Inventory(None, 0, 3, 12)]),
    about=st.none() | st.builds(Wanted, names, names, names, names),
    failures=st.integers(0, 10**6),
    devices=st.lists(devices, max_size=4, unique_by=lambda one: one.id).map(tuple),
    chosen=st.frozensets(st.integers(1, 99_999), max_size=3),
    unclear=st.lists(
        st.builds(
            Unclear,
            names,
            st.lists(devices, min_size=1, max_size=3, unique_by=lambda one: one.id).map(tuple),
            st.none() | st.just(NOW),
        ),
        max_size=3,
    ).map(tuple),
    linked=st.lists(st.tuples(names, devices, st.sampled_from(["U0ANN", "nobody <@U0BOB>"])), max_size=5).map(tuple),
    off=st.lists(devices, max_size=2).map(tuple),
    absent=st.lists(names, max_size=12).map(tuple),
    nameless=st.integers(0, 2),
    untold=st.integers(0, 9),
    missing=st.sampled_from(["", "ESET does not tell."]),
)


@given(questions)
def test_the_first_step_is_taken_by_slack_whatever_the_names(question: Question) -> None:
    sound(device_form.view(question, "digest.retry", "token"))


@given(
    st.lists(st.lists(patches, max_size=3, unique_by=lambda one: one.id), min_size=1, max_size=4),
    st.none() | st.builds(Wanted, names, names, names, names),
    st.booleans(),
    names,
)
def test_the_second_step_is_taken_by_slack_whatever_the_names(
    found: list[list[Patch]], about: Wanted | None, required: bool, named: str
) -> None:
    offers = [
        Offer(
            device(number, named, named),
            products.matches(about, some) if about else tuple(Match(one, 0.0, sure=False) for one in some),
            by_now=Patch(7, named, 8, named),
            held={one.id: 10**9 for one in some[:1]},
        )
        for number, some in enumerate(found, start=1)
    ]
    sound(patch_form.view(offers, "token", Limits(50, required), about=about))
    sound(modals.failed(patch_form.nothing(offers, about)))


# ---------------------------------------------------------------- the first step


def test_five_thousand_devices_are_offered_as_far_as_slack_lets_and_the_rest_is_counted() -> None:
    many = tuple(device(number, f"SRV-{number:05d}") for number in range(5000))
    question = Question(10, KNOWN, ABOUT, 5000, many, frozenset(one.id for one in many))
    view = device_form.view(question, "digest.retry", "token")
    sound(view)
    assert len(element(view, "devices")["options"]) == 100
    assert ticked(view, "devices") == [str(number) for number in range(10)]
    assert "Only the first 100 of 5,000 devices are offered" in words(view)
    assert "10 of 5,000 devices are chosen" in words(view)


def test_of_many_names_that_several_devices_have_the_first_are_asked_about_and_the_rest_named() -> None:
    same = tuple(device(number, "АРМ-" + "ы" * 60, "Клиент " * 9) for number in range(300))
    unclear = tuple(Unclear(f"PC-{number}", same) for number in range(14))
    view = device_form.view(Question(10, KNOWN, ABOUT, 14, unclear=unclear), "digest.retry", "token")
    sound(view)
    assert [block["block_id"] for block in view["blocks"] if "which" in block.get("block_id", "")] == [
        f"which.{number}" for number in range(10)
    ]
    assert "Several devices fit PC-10, PC-11, PC-12 and PC-13 too" in words(view)
    assert "More devices than are offered fit PC-0" in words(view)


def test_a_device_typed_is_needed_where_there_is_nothing_else_to_choose() -> None:
    alone = device_form.view(Question(10, KNOWN), "device.pick", "token")
    beside = device_form.view(Question(10, KNOWN, ABOUT, 1, (device(1),)), "device.pick", "token")
    optional = [block["optional"] for view in (alone, beside) for block in view["blocks"] if block["type"] == "input"]
    assert optional == [False, True, True]


def test_where_one_of_several_fields_is_enough_the_form_says_so() -> None:
    views = [
        device_form.view(Question(10, KNOWN), "device.pick", "token"),
        device_form.view(Question(10, KNOWN, ABOUT, 1, (device(1),)), "device.pick", "token"),
        device_form.view(Question(10, KNOWN, ABOUT, unclear=(Unclear("X", (device(1),)),)), "device.pick", "token"),
    ]
    assert ["At least one device, here or above." in words(view) for view in views] == [False, True, True]


def test_an_inventory_that_is_still_read_is_told_with_how_far_it_is() -> None:
    half = device_form.view(Question(10, Inventory(None, 0, 3, 12)), "device.pick", "token")
    assert "being read for the first time (3 of 12 clients so far)" in words(half)


@pytest.mark.parametrize(
    ("inventory", "said"),
    [
        (Inventory(None, 0, 3, 12), "Whether N-sight has a device of the name SRV-DC01 is not known yet"),
        (PARTLY, "No device of the name SRV-DC01 is known: type the name it goes by in N-sight, unless it is at a"),
        (KNOWN, "N-sight has no device of the name SRV-DC01: type the name it goes by there."),
    ],
    ids=["still read", "a client refused", "complete"],
)
def test_only_of_a_complete_inventory_it_is_said_that_a_device_is_missing(inventory: Inventory, said: str) -> None:
    shown = words(device_form.view(Question(10, inventory, ABOUT, 1, absent=("SRV-DC01",)), "digest.retry", "token"))
    assert said in shown
    assert ("N-sight has no device" in shown) == (inventory is KNOWN)
    assert ("refused to list the devices of Contoso &lt;Ltd&gt; &amp; Co" in shown) == (inventory is PARTLY)


def test_namesakes_are_told_apart_by_their_place_and_by_when_each_failed_last() -> None:
    both = (device(1), device(2))
    unclear = (Unclear("SRV-FILE01", both, NOW), Unclear("PC-1", both, NOW), Unclear("SRV-FILE01\n", both))
    view = device_form.view(Question(10, KNOWN, ABOUT, 3, unclear=unclear), "digest.retry", "token")
    asked = [block for block in view["blocks"] if "which" in block.get("block_id", "")]
    assert [block["label"]["text"] for block in asked] == [
        "Which of these is SRV-FILE01 (1 of 2 that ESET calls so)?",
        "Which of these is PC-1?",
        "Which of these is SRV-FILE01 (2 of 2 that ESET calls so)?",
    ]
    last = f"This one failed last {NOW:%Y-%m-%d %H:%M} UTC."
    assert [last in block["hint"]["text"] for block in asked] == [True, False, False]


# ---------------------------------------------------------------- the second step


def test_twenty_devices_with_a_hundred_patches_in_another_script_each_stay_below_slacks_size() -> None:
    titles = [failed(number, f"Приложение {number} " + "ы" * 200, "критично") for number in range(100)]
    offers = [Offer(device(n), tuple(Match(one, 0.0, sure=False) for one in titles)) for n in range(20)]
    view = patch_form.view(offers, "token", Limits(50))
    sound(view)
    shown = len(element(view, "patches.0")["options"])
    assert 6 <= shown < 100
    assert f"The first {shown} of 100 failed patches are offered." in words(view)


def test_no_more_is_ticked_than_one_request_may_hold() -> None:
    offers = [offer(number, failed(1), failed(2)) for number in (1, 2, 3)]
    view = patch_form.view(offers, "token", Limits(3), about=ABOUT)
    assert [len(ticked(view, f"patches.{number}")) for number in (1, 2, 3)] == [2, 1, 0]


def test_what_a_request_is_about_already_is_not_ticked_and_leaves_room_for_others() -> None:
    held = Offer(device(1), products.matches(ABOUT, [failed(1), failed(2)]), held={1: 12})
    view = patch_form.view([held, offer(2, failed(3))], "token", Limits(2), about=ABOUT)
    assert (ticked(view, "patches.1"), ticked(view, "patches.2")) == (["2"], ["3"])
    told = {one["value"]: one["description"]["text"] for one in element(view, "patches.1")["options"]}
    assert told["1"] == "in request #12 · 100 % like what failed · Critical"
    assert "request" not in told["2"]
    assert "Those that are surely meant are ticked, except what a request is about already." in words(view)


def test_of_several_devices_it_is_said_that_one_patch_is_enough() -> None:
    several = patch_form.view([offer(1, failed(4)), offer(2, failed(5))], "token", Limits(50), about=ABOUT)
    alone = patch_form.view([offer(1, failed(4)), offer(2)], "token", Limits(50), about=ABOUT)
    said = "At least one patch in all; a device may go without."
    assert (said in words(several), said in words(alone)) == (True, False)


def test_the_only_device_with_patches_has_the_name_that_forms_for_one_device_have() -> None:
    view = patch_form.view([offer(1, failed(4)), offer(2)], "token", Limits(50), about=ABOUT)
    assert [block["block_id"] for block in view["blocks"] if block["type"] == "input"] == ["patches", "reason"]
    assert ticked(view, "patches") == ["4"]


def test_a_certainty_is_shown_beside_the_severity() -> None:
    view = patch_form.view([offer(1, failed(4), failed(5, "7-Zip 24.09", ""))], "token", Limits(50), about=ABOUT)
    first, second = element(view, "patches")["options"]
    assert first["description"]["text"] == "100 % like what failed · Critical"
    assert "description" not in second


# ---------------------------------------------------------------- by Slack's own types


@pytest.mark.skipif(not VIEWS.is_file(), reason="Slack's types are not at hand as JSON Schema")
@pytest.mark.parametrize(
    "view",
    [
        device_form.view(
            Question(10, KNOWN, ABOUT, 2, (device(1),), frozenset({1}), (Unclear("X", (device(2),)),)), "a", "token"
        ),
        device_form.view(Question(10, KNOWN), "device.pick", "token"),
        device_form.waiting("Chrome"),
        patch_form.view([offer(1, failed(4)), offer(2, failed(5)), offer(3)], "token", Limits(50), about=ABOUT),
        patch_form.view([Offer(device(1), (Match(failed(4), 0.0, sure=False),))], "token", Limits(50)),
        patch_form.waiting(3),
        modals.failed("Nothing."),
        modals.approve([sample_requests.pending()]),
        modals.deny([sample_requests.pending()], required=True, home=True),
    ],
    ids=["devices", "typed", "loading", "patches", "one device", "asking", "failed", "approve", "deny"],
)
def test_every_modal_is_right_by_slacks_own_types(view: View) -> None:
    jsonschema.Draft7Validator(json.loads(VIEWS.read_text())).validate({"view": view})
