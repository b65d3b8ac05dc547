"""The shapes of Block Kit as checks: every block and element this stand-in accepts, field by field, with its limits.

A check takes a value and its JSON pointer and yields problems. Only blocks that a workspace of any age can show are
known here; the newer ones (cards, containers, charts) are refused as unknown, because nobody could test them for real.
Source: docs.slack.dev/reference/block-kit (blocks, block elements, composition objects).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]


class Problem(NamedTuple):
    """One broken rule. ``pointer`` is a JSON pointer, ``code`` the error that Slack would answer with."""

    pointer: str
    words: str
    code: str = "invalid_blocks"

    def __str__(self) -> str:
        return f"{self.words} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterator[Problem]]


# ---------------------------------------------------------------- the smallest checks


def string(most: int, least: int = 1) -> Check:
    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield Problem(at, "must be a string")
        elif len(value) > most:
            yield Problem(at, f"must be less than {most + 1} characters")
        elif len(value) < least:
            yield Problem(at, f"must be more than {least - 1} characters")

    return check


def flag(value: Any, at: str) -> Iterator[Problem]:
    if not isinstance(value, bool):
        yield Problem(at, "must be a boolean")


def integer(least: int, most: int) -> Check:
    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, int) or isinstance(value, bool):
            yield Problem(at, "must be a number")
        elif not least <= value <= most:
            yield Problem(at, f"must be from {least} to {most}")

    return check


def word(*allowed: str) -> Check:
    def check(value: Any, at: str) -> Iterator[Problem]:
        if value not in allowed:
            yield Problem(at, f"must be one of {', '.join(allowed)}")

    return check


def items(check_one: Check, least: int, most: int) -> Check:
    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, (list, tuple)):
            yield Problem(at, "must be an array")
            return
        if len(value) > most:
            yield Problem(at, f"no more than {most} items allowed")
        if len(value) < least:
            yield Problem(at, f"must have at least {least} items")
        for number, item in enumerate(value):
            yield from check_one(item, f"{at}/{number}")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Check) -> Check:
    """An object with exactly these fields; ``rules`` look at it as a whole, once each field is right by itself."""

    def check(value: Any, at: str) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield Problem(at, "must be an object")
            return
        wrong = [Problem(at, f"missing required field: {name}") for name in sorted(required.keys() - value.keys())]
        for name, content in value.items():
            check_field = required.get(name) or optional.get(name) or _unknown
            wrong += check_field(content, f"{at}/{name}")
        yield from wrong
        for rule in rules if not wrong else ():
            yield from rule(value, at)

    return check


def _unknown(value: Any, at: str) -> Iterator[Problem]:
    yield Problem(at, "invalid additional property")


def by_type(known: Mapping[str, Check], what: str) -> Check:
    def check(value: Any, at: str) -> Iterator[Problem]:
        kind = str(value.get("type")) if isinstance(value, dict) else ""
        if kind not in known:
            yield Problem(at, f"unsupported type of {what}: {kind}")
        else:
            yield from known[kind](value, at)

    return check


def text(*kinds: str, most: int, least: int = 1) -> Check:
    """A text object of one of these types. ``emoji`` belongs to plain_text, ``verbatim`` to mrkdwn."""
    plain = record({"type": word("plain_text"), "text": string(most, least)}, {"emoji": flag})
    marked = record({"type": word("mrkdwn"), "text": string(most, least)}, {"verbatim": flag})
    return by_type({k: c for k, c in (("plain_text", plain), ("mrkdwn", marked)) if k in kinds}, "text")


# ---------------------------------------------------------------- composition objects

_ID = string(255)
_PLACEHOLDER = text("plain_text", most=150)
_CONFIRM = record(
    {"title": text("plain_text", most=100), "text": text("plain_text", "mrkdwn", most=300)},
    {
        "confirm": text("plain_text", most=30),
        "deny": text("plain_text", most=30),
        "style": word("primary", "danger"),
    },
)
_DISPATCH = record({}, {"trigger_actions_on": items(word("on_enter_pressed", "on_character_entered"), 1, 2)})


def _option(*kinds: str, url: bool = False) -> Check:
    optional: dict[str, Check] = {"description": text(*kinds, most=75)}
    return record(
        {"text": text(*kinds, most=75), "value": string(150)}, optional | ({"url": string(3000)} if url else {})
    )


_PLAIN_OPTION = _option("plain_text")
_RICH_OPTION = _option("plain_text", "mrkdwn")
_GROUP = record({"label": text("plain_text", most=75), "options": items(_PLAIN_OPTION, 1, 100)}, {})


def _chosen_from_options(value: Json, at: str) -> Iterator[Problem]:
    """Slack refuses an initial choice that is not, field by field, one of the options."""
    groups = value.get("option_groups") or [{"options": value.get("options", [])}]
    offered = [option for group in groups for option in group["options"]]
    chosen = [*value.get("initial_options", []), *([value["initial_option"]] if "initial_option" in value else [])]
    for option in chosen:
        if option not in offered:
            yield Problem(at, "initial option must be one of the options")


def _not_too_many(value: Json, at: str) -> Iterator[Problem]:
    if len(value.get("initial_options", [])) > value.get("max_selected_items", 100):
        yield Problem(at, "more initial options than max_selected_items")


def _told_apart(value: Json, at: str) -> Iterator[Problem]:
    """Two options of one value are the same choice twice: which one was meant is not told."""
    values = [option["value"] for option in value.get("options", [])]
    if len(set(values)) < len(values):
        yield Problem(at, "two options have the same value")


def _either(*names: str) -> Check:
    def rule(value: Json, at: str) -> Iterator[Problem]:
        if sum(name in value for name in names) != 1:
            yield Problem(at, f"must have exactly one of {', '.join(names)}")

    return rule


# ---------------------------------------------------------------- elements


def _element(kind: str, required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Check) -> Check:
    return record({"type": word(kind), **required}, {"action_id": _ID, **optional}, *rules)


_ASKING: dict[str, Check] = {"confirm": _CONFIRM, "focus_on_load": flag}
_CHOOSING: dict[str, Check] = {**_ASKING, "placeholder": _PLACEHOLDER}
_MANY: dict[str, Check] = {**_CHOOSING, "max_selected_items": integer(1, 100)}
_STATIC: dict[str, Check] = {"options": items(_PLAIN_OPTION, 1, 100), "option_groups": items(_GROUP, 1, 100)}
_ONE_LIST = _either("options", "option_groups")
_IDS = items(_ID, 1, 100)
_FILTER = record(
    {},
    {
        "include": items(word("im", "mpim", "private", "public"), 1, 4),
        "exclude_external_shared_channels": flag,
        "exclude_bot_users": flag,
    },
)
_CONVERSATION: dict[str, Check] = {"default_to_current_conversation": flag, "filter": _FILTER}
_QUERY: dict[str, Check] = {"min_query_length": integer(0, 3000)}


def _typed(kind: str, **extra: Check) -> Check:
    optional = {"initial_value": string(3000), "placeholder": _PLACEHOLDER, "focus_on_load": flag}
    return _element(kind, {}, {**optional, "dispatch_action_config": _DISPATCH, **extra})


def _select(kind: str, one: Mapping[str, Check], many: Mapping[str, Check], *rules: Check) -> dict[str, Check]:
    return {
        f"{kind}_select": _element(f"{kind}_select", {}, {**_CHOOSING, **one}, *rules),
        f"multi_{kind}_select": _element(f"multi_{kind}_select", {}, {**_MANY, **many}, *rules),
    }


_BUTTON = _element(
    "button",
    {"text": text("plain_text", most=75)},
    {
        "value": string(2000),
        "url": string(3000),
        "style": word("primary", "danger"),
        "confirm": _CONFIRM,
        "accessibility_label": string(75),
    },
)
_IMAGE = record({"type": word("image"), "image_url": string(3000), "alt_text": string(2000)}, {})
_SELECTS = (
    _select(
        "static",
        {**_STATIC, "initial_option": _PLAIN_OPTION},
        {**_STATIC, "initial_options": items(_PLAIN_OPTION, 1, 100)},
        _ONE_LIST,
        _chosen_from_options,
        _not_too_many,
        _told_apart,
    )
    | _select(
        "external",
        {**_QUERY, "initial_option": _PLAIN_OPTION},
        {**_QUERY, "initial_options": items(_PLAIN_OPTION, 1, 100)},
        _not_too_many,
    )
    | _select("users", {"initial_user": _ID}, {"initial_users": _IDS})
    | _select(
        "conversations",
        {**_CONVERSATION, "initial_conversation": _ID, "response_url_enabled": flag},
        {**_CONVERSATION, "initial_conversations": _IDS},
    )
    | _select("channels", {"initial_channel": _ID, "response_url_enabled": flag}, {"initial_channels": _IDS})
)
_PICKERS = {
    "datepicker": _element("datepicker", {}, {**_CHOOSING, "initial_date": string(10)}),
    "timepicker": _element("timepicker", {}, {**_CHOOSING, "initial_time": string(5), "timezone": string(100)}),
    "datetimepicker": _element("datetimepicker", {}, {**_ASKING, "initial_date_time": integer(1, 9_999_999_999)}),
    "checkboxes": _element(
        "checkboxes",
        {"options": items(_RICH_OPTION, 1, 10)},
        {**_ASKING, "initial_options": items(_RICH_OPTION, 1, 10)},
        _chosen_from_options,
    ),
    "radio_buttons": _element(
        "radio_buttons",
        {"options": items(_RICH_OPTION, 1, 10)},
        {**_ASKING, "initial_option": _RICH_OPTION},
        _chosen_from_options,
    ),
}
_OVERFLOW = _element("overflow", {"options": items(_option("plain_text", url=True), 1, 5)}, {"confirm": _CONFIRM})
_TYPED = {
    "plain_text_input": _typed(
        "plain_text_input", multiline=flag, min_length=integer(0, 3000), max_length=integer(1, 3000)
    ),
    "email_text_input": _typed("email_text_input"),
    "url_text_input": _typed("url_text_input"),
    "number_input": _element(
        "number_input",
        {"is_decimal_allowed": flag},
        {
            "initial_value": string(3000),
            "min_value": string(3000),
            "max_value": string(3000),
            "placeholder": _PLACEHOLDER,
            "focus_on_load": flag,
            "dispatch_action_config": _DISPATCH,
        },
    ),
}

ACTION_ELEMENTS = by_type({"button": _BUTTON, "overflow": _OVERFLOW, **_SELECTS, **_PICKERS}, "element")
ACCESSORIES = by_type({"button": _BUTTON, "overflow": _OVERFLOW, "image": _IMAGE, **_SELECTS, **_PICKERS}, "accessory")
INPUTS = by_type({**_TYPED, **_SELECTS, **_PICKERS}, "input element")


# ---------------------------------------------------------------- blocks


def _block(kind: str, required: Mapping[str, Check], optional: Mapping[str, Check], *rules: Check) -> Check:
    return record({"type": word(kind), **required}, {"block_id": _ID, **optional}, *rules)


def _says_something(value: Json, at: str) -> Iterator[Problem]:
    if "text" not in value and "fields" not in value:
        yield Problem(at, "must have text or fields")


def _same_width(value: Json, at: str) -> Iterator[Problem]:
    if len({len(row) for row in value["rows"]}) > 1:
        yield Problem(f"{at}/rows", "all rows must have the same number of cells")


def _anything(value: Any, at: str) -> Iterator[Problem]:
    """Rich text nests without end and this bot writes none; its outline alone is checked."""
    if not isinstance(value, dict):
        yield Problem(at, "must be an object")


_BOTH = ("plain_text", "mrkdwn")
_CELL = by_type(
    {"raw_text": record({"type": word("raw_text"), "text": string(3000)}, {}), "rich_text": _anything}, "cell"
)
_COLUMN = record({}, {"align": word("left", "center", "right"), "is_wrapped": flag})
_SHOWN_IN_CONTEXT = by_type(
    {"image": _IMAGE, "plain_text": text("plain_text", most=3000), "mrkdwn": text("mrkdwn", most=3000)}, "element"
)

BLOCKS = by_type(
    {
        "section": _block(
            "section",
            {},
            {
                "text": text(*_BOTH, most=3000),
                "fields": items(text(*_BOTH, most=2000), 1, 10),
                "accessory": ACCESSORIES,
                "expand": flag,
            },
            _says_something,
        ),
        "header": _block("header", {"text": text("plain_text", most=150)}, {}),
        "divider": _block("divider", {}, {}),
        "context": _block("context", {"elements": items(_SHOWN_IN_CONTEXT, 1, 10)}, {}),
        "actions": _block("actions", {"elements": items(ACTION_ELEMENTS, 1, 25)}, {}),
        "input": _block(
            "input",
            {"label": text("plain_text", most=2000), "element": INPUTS},
            {"hint": text("plain_text", most=2000), "optional": flag, "dispatch_action": flag},
        ),
        "image": _block(
            "image",
            {"image_url": string(3000), "alt_text": string(2000)},
            {"title": text("plain_text", most=2000)},
        ),
        "markdown": _block("markdown", {"text": string(12_000)}, {}),
        "table": _block(
            "table",
            {"rows": items(items(_CELL, 1, 20), 1, 100)},
            {"column_settings": items(_COLUMN, 0, 20)},
            _same_width,
        ),
        "rich_text": _block("rich_text", {"elements": items(_anything, 1, 100)}, {}),
        "alert": _block(
            "alert",
            {"text": text(*_BOTH, most=200)},
            {"level": word("default", "info", "warning", "error", "success")},
        ),
    },
    "block",
)
