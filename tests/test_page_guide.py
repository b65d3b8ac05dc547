"""What the page's first minute reads off the app's cards (js/course.js), held against the cards themselves."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.blocks import bulk, device_form, modals, patch_form, recent, request
from bot.blocks.request import tally_of
from bot.demo import page
from bot.demo.slack import cast
from bot.model import Message, RetryRequest, State
from tests.sample_requests import ANN, BOB, CARL, in_state, pending, policy

JS = Path(page.__file__).parent / "assets" / "js"
READ = {"approve", "withdraw", "read", "again"}  # the buttons that it goes by
# What it goes by of a card in each state: its buttons, and the signs of SIGNS where these do not tell enough.
TELLING = {
    State.PENDING: {"approve", "withdraw"},
    State.APPROVED: {"withdraw"},
    State.SENDING: {"sending"},
    State.QUEUED: {"queued"},
    State.UNKNOWN: {"read"},
    State.FINISHED: {"finished"},
    State.DENIED: {"again"},
    State.WITHDRAWN: {"again"},
    State.EXPIRED: {"again"},
    State.REJECTED: {"again"},
    State.CLOSED: {"again"},
}


def signs() -> dict[str, str]:
    told: dict[str, str] = json.loads(_constant("course.js", "SIGNS"))
    return told


def _constant(file: str, name: str) -> str:
    found = re.search(rf"const {name} = (.*?);", (JS / file).read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, f"{file} has no {name}"
    return found[1]


def cards(one: RetryRequest) -> list[Message]:
    """The card of a request for one device, and of one for two devices."""
    peers = [replace(one, bulk=one.id), replace(one, id=one.id + 1, bulk=one.id)]
    return [request.card(one, policy(2)), bulk.card(peers, [policy(2)] * 2)]


def telling(card: Message) -> set[str]:
    words = json.dumps(card.blocks, ensure_ascii=False)
    shown = {name for name, sign in signs().items() if name != "approved" and sign in words}
    return shown | READ.intersection(re.findall(r'"action_id": "request\.(\w+)"', words))


@pytest.mark.parametrize("state", State, ids=str)
def test_a_card_tells_by_its_buttons_and_signs_where_it_stands(state: State) -> None:
    for card in cards(in_state(state)):
        assert telling(card) == TELLING[state]


def test_of_what_ended_a_card_tells_whether_anything_was_done() -> None:
    done = in_state(State.FINISHED)
    undone = replace(done, patches=in_state(State.QUEUED).patches)
    assert tally_of([undone])
    for card in cards(undone):
        assert telling(card) >= {"finished", "again"}


def test_a_card_names_who_asked_and_who_has_approved() -> None:
    for card in cards(in_state(State.PENDING, 2)):
        small_print = next(block for block in card.blocks if block["type"] == "context")
        assert re.findall(r"<@(\w+)>", json.dumps(small_print))[0] == BOB
    voted = replace(in_state(State.APPROVED, 2), state=State.PENDING, decided_by="")
    for card in cards(voted):
        words = json.dumps(card.blocks, ensure_ascii=False)
        assert re.findall(re.escape(signs()["approved"]) + r"(\w+)>", words) == [ANN, CARL]
    assert not any(signs()["approved"] in json.dumps(card.blocks) for card in cards(pending(2)))


def test_it_knows_a_form_that_is_still_being_read_from_one_that_stays_without_anything_to_send() -> None:
    awaited: str = json.loads(_constant("course.js", "AWAITED"))
    read = [device_form.waiting("7-Zip"), device_form.opening(), patch_form.waiting(2)]
    vain = modals.failed(recent.gone().text)
    assert not any("submit" in view for view in [*read, vain])
    assert all(awaited in json.dumps(view["blocks"], ensure_ascii=False) for view in read)
    assert awaited not in json.dumps(vain["blocks"], ensure_ascii=False)


def test_whom_it_sends_to_ask_and_to_approve_may_do_so() -> None:
    members = {group.id: set(group.users) for group in cast.usergroups()}
    ids = {user.name: user.id for user in cast.people()}
    entitled = [ids[name] for name in json.loads(_constant("cast.js", "ENTITLED"))]
    assert set(entitled) <= members["S0HELPDESK"]
    assert set(entitled) <= members[cast.APPROVERS] | {"U0BOB"}
