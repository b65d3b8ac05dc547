"""What inputs hold, how a person fills them, and what Slack's own client refuses to send. Pure.

Shapes as in docs.slack.dev/reference/interaction-payloads/view-interactions-payload (``view.state.values``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.demo.impossible import ImpossibleError
from bot.demo.slack.shapes import Json

Values = dict[str, dict[str, Json]]
Filling = Mapping[str, str | Sequence[str]]
INCOMPLETE = "Please complete this required field."

_HOLDS = {
    "plain_text_input": ("value", "initial_value"),
    "email_text_input": ("value", "initial_value"),
    "url_text_input": ("value", "initial_value"),
    "number_input": ("value", "initial_value"),
    "static_select": ("selected_option", "initial_option"),
    "external_select": ("selected_option", "initial_option"),
    "radio_buttons": ("selected_option", "initial_option"),
    "multi_static_select": ("selected_options", "initial_options"),
    "multi_external_select": ("selected_options", "initial_options"),
    "checkboxes": ("selected_options", "initial_options"),
    "users_select": ("selected_user", "initial_user"),
    "multi_users_select": ("selected_users", "initial_users"),
    "channels_select": ("selected_channel", "initial_channel"),
    "multi_channels_select": ("selected_channels", "initial_channels"),
    "conversations_select": ("selected_conversation", "initial_conversation"),
    "multi_conversations_select": ("selected_conversations", "initial_conversations"),
    "datepicker": ("selected_date", "initial_date"),
    "timepicker": ("selected_time", "initial_time"),
    "datetimepicker": ("selected_date_time", "initial_date_time"),
    "overflow": ("selected_option", ""),
}


def initial_values(blocks: list[Json]) -> Values:
    """``state.values`` of blocks that nobody has touched."""
    values: Values = {}
    for block, element in _inputs(blocks):
        held, initial = _HOLDS[element["type"]]
        nothing: Any = [] if held.endswith("s") else None
        if initial:
            state = {"type": element["type"], held: element.get(initial, nothing)}
            values.setdefault(block["block_id"], {})[element["action_id"]] = state
    return values


def chosen(element: Json, wanted: str | Sequence[str], options: Sequence[Json] | None = None) -> Json:
    """The state of ``element`` when a person types or picks ``wanted`` (an option by its text or value; empty: none).

    ``options``: what an external select was offered. ImpossibleError when there is no such option, and when more are
    wanted than the element takes.
    """
    kind = element["type"]
    held = _HOLDS[kind][0]
    several = held.endswith("s")
    many = [wanted] if isinstance(wanted, str) else list(wanted)
    if many in ([], [""]):
        return {"type": kind, held: [] if several else None}
    most = element.get("max_selected_items", 100) if several else 1
    if len(many) > most:
        raise ImpossibleError(f"{len(many)} options are more than the {most} that can be chosen")
    picked = [_picked(element, options, one) for one in many]
    return {"type": kind, held: picked if several else picked[0]}


def _picked(element: Json, options: Sequence[Json] | None, wanted: str) -> Any:
    held = _HOLDS[element["type"]][0]
    if "option" in held:
        return _option(options or list(_options(element)), wanted)
    return _moment(wanted) if held == "selected_date_time" else wanted


def _moment(wanted: str) -> int:
    try:
        return int(wanted)
    except ValueError:
        raise ImpossibleError(f"no moment {wanted[:20]!r}; it is told in seconds since 1970") from None


def _option(options: Sequence[Json], wanted: str) -> Json:
    for option in options:
        if wanted in (option["value"], option["text"]["text"]):
            return option
    offered = ", ".join(repr(option["text"]["text"]) for option in options)
    raise ImpossibleError(f"no option {wanted!r}; there are {offered or 'none'}")


def _options(element: Json) -> Iterator[Json]:
    yield from element.get("options", [])
    for group in element.get("option_groups", []):
        yield from group["options"]


def _inputs(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    for block in blocks:
        for element in [*block.get("elements", []), block.get("accessory"), block.get("element")]:
            if isinstance(element, dict) and element.get("type") in _HOLDS:
                yield block, element


def input_named(blocks: list[Json], name: str) -> tuple[Json, Json]:
    """The (block, element) whose label, block_id, action_id or ``BLOCK_ID/ACTION_ID`` is ``name``. ImpossibleError
    when there is none."""
    found = list(_inputs(blocks))
    for block, element in found:
        ids = (block["block_id"], element["action_id"])
        if name in (block.get("label", {}).get("text"), *ids, "/".join(ids)):
            return block, element
    there = ", ".join(repr(block.get("label", {}).get("text") or element["action_id"]) for block, element in found)
    raise ImpossibleError(f"no input {name!r}; there are {there or 'none'}")


def refusals(blocks: list[Json], values: Values) -> dict[str, str]:
    """What Slack's client refuses to submit, by block_id: a needed field left empty, a text too short or too long."""
    refused: dict[str, str] = {}
    for block in blocks:
        if block["type"] == "input":
            element = block["element"]
            state = values[block["block_id"]][element["action_id"]]
            sentence = _refusal(block, element, state[_HOLDS[element["type"]][0]])
            refused |= {block["block_id"]: sentence} if sentence else {}
    return refused


def _refusal(block: Json, element: Json, value: Any) -> str:
    if value in (None, "", []):
        return "" if block.get("optional") else INCOMPLETE
    if element["type"] == "plain_text_input":
        if len(value) < element.get("min_length", 0):
            return f"Please enter at least {element['min_length']} characters."
        if len(value) > element.get("max_length", 3000):
            return f"Please enter at most {element.get('max_length', 3000)} characters."
    return ""
