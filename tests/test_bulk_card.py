"""The one card of a request for several devices: what it shows in each mix of states, and that Slack takes it."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from bot.blocks import bulk, news
from bot.blocks.request import Links, tally
from bot.demo.slack.limits import message_problems
from bot.model import Device, DeviceKind, Fate, Message, RequestedPatch, RetryRequest, State
from tests.sample_requests import ANN, NOW, pending, policy

BUTTONS = {
    State.PENDING: ["Approve", "Deny", "Withdraw"],
    State.APPROVED: ["Withdraw"],
    State.SENDING: [],
    State.QUEUED: [],
    State.FINISHED: [],
    State.DENIED: ["Retry…"],
    State.WITHDRAWN: ["Retry…"],
    State.EXPIRED: ["Retry…"],
    State.REJECTED: ["Retry…"],
    State.CLOSED: ["Retry…"],
}
DONE = {State.FINISHED: Fate.INSTALLED, State.QUEUED: Fate.QUEUED}


def requests(*states: State, patches: int = 2, name: str = "SRV-{}", title: str = "Chrome 134") -> list[RetryRequest]:
    """One request for as many devices as there are states, numbered from 7."""
    made = []
    for number, state in enumerate(states, start=7):
        device = Device(1000 + number, name.format(number), DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
        fate = DONE.get(state, Fate.WAITING)
        wanted = tuple(RequestedPatch(n, title, "Failed", "Failed", fate) for n in range(1, patches + 1))
        decided = {} if state is State.PENDING else {"decided_by": ANN, "decided_at": NOW}
        base = replace(pending(), id=number, bulk=7, state=state, device=device, patches=wanted)
        made.append(replace(base, **decided))  # type: ignore[arg-type]
    return made


def shown(members: Sequence[RetryRequest], links: Links | None = None) -> Message:
    card = bulk.card(members, [policy()] * len(members), links or Links())
    assert message_problems({"text": card.text, "blocks": list(card.blocks)}) == []
    return card


def text_of(card: Message) -> str:
    sections = [block for block in card.blocks if block["type"] in {"section", "header"}]
    return "\n".join(block["text"]["text"] for block in sections)


def buttons(card: Message) -> list[tuple[str, str]]:
    rows = [block for block in card.blocks if block["type"] == "actions"]
    return [(element["text"]["text"], element["value"]) for row in rows for element in row["elements"]]


@pytest.mark.parametrize("state", BUTTONS, ids=str)
def test_a_card_offers_what_its_state_allows(state: State) -> None:
    card = shown(requests(state, state, state))
    assert buttons(card) == [(label, "7") for label in BUTTONS[state]]


def test_every_mix_of_two_states_fits_and_counts_both() -> None:
    for one, other in itertools.combinations([*BUTTONS, State.UNKNOWN], 2):
        words = text_of(shown(requests(one, other)))
        assert "*Devices:* 1 " in words
        assert "SRV-7" in words
        assert "SRV-8" in words


def test_while_one_waits_the_card_can_be_decided() -> None:
    card = shown(requests(State.QUEUED, State.PENDING))
    assert [label for label, _ in buttons(card)] == ["Approve", "Deny", "Withdraw"]
    assert "Waiting for approval" in text_of(card)


def test_each_unknown_outcome_has_buttons_of_its_own() -> None:
    card = shown(requests(State.UNKNOWN, State.QUEUED, State.UNKNOWN))
    assert buttons(card) == [
        ("Read the device again", "7"),
        ("Close", "7"),
        ("Read the device again", "9"),
        ("Close", "9"),
    ]


def test_before_the_decision_each_device_shows_its_patches_alone() -> None:
    words = text_of(shown(requests(State.PENDING, State.PENDING)))
    assert words.count("Waiting for approval") == 1
    assert words.count("`1` Chrome 134 · seen as Failed") == 2


@pytest.mark.parametrize("state", [State.PENDING, State.FINISHED, State.UNKNOWN, State.QUEUED], ids=str)
@pytest.mark.parametrize(("devices", "patches"), [(20, 1), (20, 50), (2, 1000), (20, 1000)])
def test_the_largest_request_fits_on_one_card(state: State, devices: int, patches: int) -> None:
    names: dict[str, Any] = {"name": "SÖRV-<{}>-" + "&" * 200, "title": "<!channel> " + "ü" * 300}
    card = shown(requests(*[state] * devices, patches=patches, **names))
    assert len(card.blocks) <= 50
    assert len(str(card.blocks)) < 40_000
    assert sum(len(block["text"]["text"]) for block in card.blocks if block["type"] == "section") < 14_000
    assert "more patch" in text_of(card) or patches < 50


@pytest.mark.parametrize(("count", "said"), [(1, "1 needs a restart"), (2, "2 need a restart")])
def test_one_patch_needs_a_restart_and_several_need_one(count: int, said: str) -> None:
    ended = requests(State.FINISHED, patches=count)[0]
    restarting = tuple(replace(patch, fate=Fate.RESTART) for patch in ended.patches)
    assert tally(replace(ended, patches=restarting)) == said


def test_a_card_tells_where_it_came_from_and_what_it_repeats() -> None:
    earlier = [replace(one, id=3, bulk=3) for one in requests(State.FINISHED, State.FINISHED)]
    links = Links("https://s/1", tuple(earlier), "https://s/2", "Open in X")
    card = shown(requests(State.PENDING, State.PENDING), links)
    assert "Asked again* after request <https://s/2|#3>" in text_of(card)
    assert "<https://s/1|this message>" in str(card.blocks)
    assert "Open in X" in str(card.blocks)


def test_news_about_some_devices_names_them_and_about_all_counts_them() -> None:
    members = requests(*[State.DENIED] * 8)
    assert news.devices(members, of=8) == "8 devices"
    assert news.devices(members[:2], of=8) == "SRV-7 and SRV-8"
    assert "3 more" in news.devices(members, of=9)


def test_the_end_of_a_large_request_is_told_within_limits() -> None:
    ended = requests(*[State.FINISHED] * 20, patches=50, name="S{}" + "x" * 300)
    failed = [replace(ended[0], patches=(replace(ended[0].patches[0], fate=Fate.FAILED_AGAIN),)), *ended[1:]]
    message = news.all_ended(failed)
    assert message_problems({"text": message.text, "blocks": list(message.blocks)}) == []
    assert buttons(message) == [("Retry…", "7")]
    assert news.all_ended(ended).blocks == ()
