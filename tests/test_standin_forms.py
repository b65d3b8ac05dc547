"""What inputs of the stand-in of Slack hold, where a person takes something back or several are called the same."""

import pytest

from bot.demo.impossible import ImpossibleError
from bot.demo.slack import forms
from bot.demo.slack.shapes import Json

PEAR = {"text": {"type": "plain_text", "text": "Pear"}, "value": "pear"}


def select(block_id: str, kind: str = "static_select") -> Json:
    return {
        "type": "actions",
        "block_id": block_id,
        "elements": [{"type": kind, "action_id": "fruit", "options": [PEAR]}],
    }


@pytest.mark.parametrize(
    ("kind", "held"), [("static_select", {"selected_option": None}), ("multi_static_select", {"selected_options": []})]
)
def test_a_choice_can_be_taken_back(kind: str, held: Json) -> None:
    element = {"type": kind, "action_id": "fruit", "options": [PEAR]}
    assert forms.chosen(element, "") == {"type": kind, **held}
    assert forms.chosen(element, []) == {"type": kind, **held}
    assert forms.chosen(element, ["pear"]) != {"type": kind, **held}


@pytest.mark.parametrize(
    ("kind", "wanted", "words"),
    [
        ("static_select", ["pear", "pear"], "2 options are more than the 1"),
        ("plain_text_input", ["a", "b"], "2 options are more than the 1"),
        ("multi_static_select", ["pear"] * 101, "101 options are more than the 100"),
        ("static_select", "plum", "no option 'plum'; there are 'Pear'"),
        ("datetimepicker", "soon", "no moment 'soon'"),
    ],
)
def test_what_a_field_cannot_hold_is_refused(kind: str, wanted: str | list[str], words: str) -> None:
    with pytest.raises(ImpossibleError, match=words):
        forms.chosen({"type": kind, "action_id": "fruit", "options": [PEAR]}, wanted)


def test_a_moment_is_held_in_seconds() -> None:
    element = {"type": "datetimepicker", "action_id": "when"}
    assert forms.chosen(element, "1772442000") == {"type": "datetimepicker", "selected_date_time": 1772442000}
    assert forms.chosen(element, "") == {"type": "datetimepicker", "selected_date_time": None}


def test_of_two_inputs_with_one_action_id_the_block_tells_which_is_meant() -> None:
    blocks = [select("first"), select("second")]
    assert forms.input_named(blocks, "second/fruit")[0]["block_id"] == "second"
    assert forms.input_named(blocks, "fruit")[0]["block_id"] == "first"
    with pytest.raises(ImpossibleError):
        forms.input_named(blocks, "third/fruit")
