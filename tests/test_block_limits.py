"""Slack's limits on messages and modals, as the stand-in checks them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.slack.limits import mentions_everyone, message_problems, option_problems, view_problems

Json = dict[str, Any]
SCHEMAS = Path(__file__).resolve().parents[2] / "shared" / "reference" / "block-schema"


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> Json:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text: str = "Approve", **more: Any) -> Json:
    return {"type": "button", "text": plain(text), "action_id": "request.approve", **more}


def actions(*elements: Json, **more: Any) -> Json:
    return {"type": "actions", "elements": list(elements), **more}


def option(text: str = "Failed", value: str = "failed", **more: Any) -> Json:
    return {"text": plain(text), "value": value, **more}


def select(*options: Json, **more: Any) -> Json:
    return {"type": "static_select", "action_id": "recent.filter", "options": list(options), **more}


def field(label: str = "Why", **element: Any) -> Json:
    inside = {"type": "plain_text_input", "action_id": "why", **element}
    return {"type": "input", "block_id": "why", "label": plain(label), "element": inside}


def modal(*blocks: Json, **more: Any) -> Json:
    view = {"type": "modal", "title": plain("Deny"), "submit": plain("Deny"), "callback_id": "request.deny"}
    return {**view, "blocks": list(blocks), **more}


def with_blocks(*blocks: Json) -> Json:
    return {"text": "fallback", "blocks": list(blocks)}


AT_THE_LIMIT = {
    "section text": section("x" * 3000),
    "section fields": {"type": "section", "fields": [mrkdwn("x" * 1000)] * 10},
    "header": {"type": "header", "text": plain("x" * 150)},
    "divider": {"type": "divider"},
    "context": {"type": "context", "elements": [mrkdwn("x")] * 10},
    "actions": actions(*(button(action_id=f"a.{n}") for n in range(25))),
    "button": actions(
        button("x" * 75, value="v" * 2000, style="danger", confirm={"title": plain("?"), "text": plain("?")})
    ),
    "select": actions(select(*(option(str(n), str(n)) for n in range(100)), placeholder=plain("x" * 150))),
    "select with a choice": actions(select(option(), initial_option=option())),
    "overflow": section(accessory={"type": "overflow", "action_id": "o", "options": [option(url="https://x.y")] * 5}),
    "external select": actions({"type": "external_select", "action_id": "d", "min_query_length": 2}),
    "checkboxes": actions({"type": "checkboxes", "action_id": "c", "options": [option()] * 10}),
    "table": {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * 20] * 9},
    "markdown": {"type": "markdown", "text": "x" * 12_000},
    "ids": actions(button(action_id="a" * 255), block_id="b" * 255),
}


@pytest.mark.parametrize("block", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT.keys())
def test_a_block_at_its_limit_passes(block: Json) -> None:
    assert message_problems(with_blocks(block)) == []


OVER_THE_LIMIT = {
    "section text": (section("x" * 3001), "/blocks/0/text/text"),
    "section without words": ({"type": "section"}, "/blocks/0"),
    "an empty text": (section(""), "/blocks/0/text/text"),
    "eleven fields": ({"type": "section", "fields": [mrkdwn("x")] * 11}, "/blocks/0/fields"),
    "a long field": ({"type": "section", "fields": [mrkdwn("x" * 2001)]}, "/blocks/0/fields/0/text"),
    "a long header": ({"type": "header", "text": plain("x" * 151)}, "/blocks/0/text/text"),
    "a header in mrkdwn": ({"type": "header", "text": mrkdwn("x")}, "/blocks/0/text"),
    "eleven in a context": ({"type": "context", "elements": [mrkdwn("x")] * 11}, "/blocks/0/elements"),
    "26 buttons": (actions(*(button(action_id=f"a.{n}") for n in range(26))), "/blocks/0/elements"),
    "no buttons": (actions(), "/blocks/0/elements"),
    "a long button": (actions(button("x" * 76)), "/blocks/0/elements/0/text/text"),
    "a long value": (actions(button(value="v" * 2001)), "/blocks/0/elements/0/value"),
    "a number as value": (actions(button(value=7)), "/blocks/0/elements/0/value"),
    "an unknown style": (actions(button(style="warning")), "/blocks/0/elements/0/style"),
    "a misspelt field": (actions(button(val="7")), "/blocks/0/elements/0/val"),
    "a button in mrkdwn": (actions(button() | {"text": mrkdwn("x")}), "/blocks/0/elements/0/text"),
    "a confirm without text": (actions(button(confirm={"title": plain("?")})), "/blocks/0/elements/0/confirm"),
    "101 options": (actions(select(*[option()] * 101)), "/blocks/0/elements/0/options"),
    "no options": (actions(select()), "/blocks/0/elements/0/options"),
    "a long option": (actions(select(option("x" * 76))), "/blocks/0/elements/0/options/0/text/text"),
    "a long option value": (actions(select(option(value="v" * 151))), "/blocks/0/elements/0/options/0/value"),
    "a choice that is no option": (
        actions(select(option(), initial_option=option("Ok", "ok"))),
        "/blocks/0/elements/0",
    ),
    "six in an overflow": (
        section(accessory={"type": "overflow", "action_id": "o", "options": [option()] * 6}),
        "/blocks/0/accessory/options",
    ),
    "a long block_id": (section(block_id="b" * 256), "/blocks/0/block_id"),
    "an input element among buttons": (actions({"type": "plain_text_input", "action_id": "a"}), "/blocks/0/elements/0"),
    "an unknown block": ({"type": "hero"}, "/blocks/0"),
    "no block at all": ("section", "/blocks/0"),
    "an alert outside a modal": ({"type": "alert", "text": plain("x")}, "/blocks/0"),
    "rows of different width": (
        {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}], [{"type": "raw_text", "text": "x"}] * 2]},
        "/blocks/0/rows",
    ),
}


@pytest.mark.parametrize(("block", "pointer"), OVER_THE_LIMIT.values(), ids=OVER_THE_LIMIT.keys())
def test_a_block_over_its_limit_is_named_with_its_place(block: Json, pointer: str) -> None:
    problems = message_problems(with_blocks(block))

    assert [problem.pointer for problem in problems] == [pointer]
    assert problems[0].code == "invalid_blocks"


def test_a_message_holds_at_most_fifty_blocks_and_a_modal_a_hundred() -> None:
    divider = {"type": "divider"}

    assert message_problems(with_blocks(*[divider] * 50)) == []
    assert [str(p) for p in message_problems(with_blocks(*[divider] * 51))] == [
        "no more than 50 items allowed [json-pointer:/blocks]"
    ]
    assert view_problems(modal(*[divider] * 100)) == []
    assert view_problems(modal(*[divider] * 101))[0].pointer == "/view/blocks"


def test_a_block_id_may_not_come_twice_in_a_message_nor_an_action_id_in_a_block() -> None:
    twice = with_blocks(actions(button(), button(), block_id="b"), section(block_id="b"))

    assert {problem.words for problem in message_problems(twice)} == {
        "action_id 'request.approve' already exists",
        "block_id 'b' already exists",
    }
    assert message_problems(with_blocks(actions(button()), actions(button()))) == []


def test_a_message_needs_words_for_notifications() -> None:
    assert message_problems({"blocks": [section()]})[0].code == "no_text"
    assert message_problems({"text": "  "})[0].code == "no_text"
    assert message_problems({"text": "x" * 40_000}) == []
    assert message_problems({"text": "x" * 40_001})[0].code == "msg_too_long"


def test_all_blocks_together_may_not_be_too_long() -> None:
    assert message_problems(with_blocks(*[section("x" * 2900)] * 4)) == []
    assert [p.code for p in message_problems(with_blocks(*[section("x" * 2900)] * 5))] == ["msg_blocks_too_long"]


def test_a_message_has_one_table_at_most() -> None:
    table = AT_THE_LIMIT["table"] | {"rows": [[{"type": "raw_text", "text": "x"}]]}

    assert [p.code for p in message_problems(with_blocks(table, table))] == ["invalid_attachments"]


def test_blocks_that_are_no_list_have_the_wrong_format() -> None:
    assert {p.code for p in message_problems({"text": "x", "blocks": {"type": "divider"}})} == {"invalid_blocks_format"}


WRONG_MODALS = {
    "a long title": (modal(title=plain("x" * 25)), "/view/title/text"),
    "a title in mrkdwn": (modal(title=mrkdwn("Deny")), "/view/title"),
    "a long submit": (modal(submit=plain("x" * 25)), "/view/submit/text"),
    "much metadata": (modal(private_metadata="x" * 3001), "/view/private_metadata"),
    "a long callback_id": (modal(callback_id="x" * 256), "/view/callback_id"),
    "an unknown field": (modal(colour="red"), "/view/colour"),
    "a home tab": (modal(type="home"), "/view/type"),
    "a table": (modal({"type": "table", "rows": [[{"type": "raw_text", "text": "x"}]]}), "/view/blocks/0"),
    "a long label": (modal(field("x" * 2001)), "/view/blocks/0/label/text"),
    "a max_length of 0": (modal(field(max_length=0)), "/view/blocks/0/element/max_length"),
    "a button as input": (modal({"type": "input", "label": plain("x"), "element": button()}), "/view/blocks/0/element"),
}


@pytest.mark.parametrize(("view", "pointer"), WRONG_MODALS.values(), ids=WRONG_MODALS.keys())
def test_a_wrong_modal_is_named_with_its_place(view: Json, pointer: str) -> None:
    problems = view_problems(view)

    assert [problem.pointer for problem in problems] == [pointer]
    assert problems[0].code == "invalid_arguments"


def many(*options: Json, **more: Any) -> Json:
    """An input in which several options can be chosen."""
    inside = {"type": "multi_static_select", "action_id": "patches", "options": list(options), **more}
    return {"type": "input", "block_id": "patches", "label": plain("Patches"), "element": inside}


def test_several_options_can_be_chosen_beforehand_when_they_are_options_and_not_too_many() -> None:
    one, two = option("4 Chrome", "4", description=plain("97 % alike")), option("5 7-Zip", "5")
    assert view_problems(modal(many(one, two, initial_options=[one, two], max_selected_items=2))) == []
    wrong = {
        "initial option must be one of the options": many(two, initial_options=[one]),
        "more initial options than max_selected_items": many(
            one, two, initial_options=[one, two], max_selected_items=1
        ),
        "two options have the same value": many(one, one),
    }
    for words, block in wrong.items():
        assert [problem.words for problem in view_problems(modal(block))] == [words]


def test_a_view_of_more_than_250_kilobytes_is_too_large() -> None:
    options = [option(str(number), str(number), description=plain("ы" * 75)) for number in range(100)]
    blocks = [many(*options) | {"block_id": f"patches.{number}"} for number in range(6)]
    assert [problem.code for problem in view_problems(modal(*blocks))] == ["view_too_large"]
    assert view_problems(modal(*blocks[:2])) == []


def test_a_modal_with_inputs_needs_a_submit_button() -> None:
    view = modal(field(max_length=3000, min_length=1, multiline=True, placeholder=plain("x" * 150)))
    assert view_problems(view) == []

    del view["submit"]
    assert "submit" in view_problems(view)[0].words


@pytest.mark.parametrize("view", [None, [], "modal", {"type": "modal"}])
def test_what_is_no_view_is_refused(view: Any) -> None:
    assert view_problems(view)


def test_a_typeahead_offers_a_hundred_options_at_most() -> None:
    assert option_problems({"options": [option()] * 100}) == []
    assert option_problems({"options": [option()] * 101})
    assert option_problems({"options": [option("x" * 76)]})
    assert option_problems({"text": "no options"})


def test_a_mention_of_everybody_is_found_where_it_would_work_and_only_there() -> None:
    assert mentions_everyone({"text": "&lt;!channel&gt; is only a name"}) == []
    assert mentions_everyone(with_blocks({"type": "header", "text": plain("<!channel>")})) == []
    assert mentions_everyone({"text": "look <!here|here>"}) == ["<!here"]
    assert mentions_everyone(with_blocks(section("<!channel> look"))) == ["<!channel"]
    assert mentions_everyone(with_blocks({"type": "context", "elements": [mrkdwn("<!everyone>")]})) == ["<!everyone"]


# ---------------------------------------------------------------- whatever comes

WORDS = ("type", "text", "blocks", "elements", "section", "actions", "button", "static_select", "options", "title")
leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(WORDS)
names = st.sampled_from([*WORDS, "value", "action_id", "block_id", "element", "accessory", "initial_option", "rows"])
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5))


@given(anything)
def test_no_payload_is_too_strange_to_be_judged(payload: Any) -> None:
    assert view_problems({"type": "modal", "title": plain("x"), "blocks": payload}) is not None
    assert message_problems({"text": payload, "blocks": payload}) is not None
    assert mentions_everyone({"text": payload, "blocks": payload}) == []
    for shape in (section(), actions(button()), actions(select(option())), field(), {"type": "table"}):
        for name in [*shape, "accessory", "rows", "initial_option"]:
            assert message_problems(with_blocks(shape | {name: payload})) is not None


# ---------------------------------------------------------------- against Slack's own types, when they are at hand

needs_schemas = pytest.mark.skipif(not SCHEMAS.is_dir(), reason="Slack's types are not at hand as JSON Schema")


def fits(schema: str, payload: Json) -> bool:
    validator = jsonschema.Draft7Validator(json.loads((SCHEMAS / schema).read_text()))
    return validator.is_valid(payload)


@needs_schemas
@pytest.mark.parametrize("block", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT.keys())
def test_what_passes_here_is_also_right_by_slacks_own_types(block: Json) -> None:
    assert fits("message.schema.json", {"blocks": [block]})


@needs_schemas
def test_a_modal_that_passes_here_is_also_right_by_slacks_own_types() -> None:
    assert fits("view.schema.json", {"view": modal(field(), section(), {"type": "alert", "text": plain("x")})})


@needs_schemas
@pytest.mark.parametrize("name", ["a misspelt field", "an unknown style", "a header in mrkdwn", "an unknown block"])
def test_slacks_own_types_refuse_it_too(name: str) -> None:
    assert not fits("message.schema.json", {"blocks": [OVER_THE_LIMIT[name][0]]})
