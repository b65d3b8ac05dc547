"""One of everything that Block Kit has and this page draws, and some of what it does not."""

from typing import Any

Json = dict[str, Any]


def plain(words: str) -> Json:
    return {"type": "plain_text", "text": words}


def marked(words: str) -> Json:
    return {"type": "mrkdwn", "text": words}


def option(words: str, value: str = "", description: str = "") -> Json:
    told = {"description": plain(description)} if description else {}
    return {"text": plain(words), "value": value or words.lower(), **told}


def element(kind: str, **fields: Any) -> Json:
    return {"type": kind, "action_id": kind, **fields}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def section(words: str, **fields: Any) -> Json:
    return {"type": "section", "text": marked(words), **fields}


def asked(label: str, part: Json, **fields: Any) -> Json:
    """An input block, whose block_id is the kind of its element."""
    return {"type": "input", "block_id": part["action_id"], "label": plain(label), "element": part, **fields}


FRUIT = [option("Apple", description="a fruit"), option("Pear"), option("Plum")]
GROUPS = [{"label": plain("Fruit"), "options": FRUIT}, {"label": plain("Roots"), "options": [option("Beet")]}]
MANY = [option(f"Device {number}", str(number), "Head Office") for number in range(20)]
SURE = {
    "title": plain("Remove it?"),
    "text": marked("*Nothing* brings it back."),
    "confirm": plain("Remove"),
    "deny": plain("Keep"),
    "style": "danger",
}
ELSEWHERE = "https://pictures.example/cat.png"
FOREIGN = "https://elsewhere.example/archives/C0HELPDESK/p1772442000000100"  # looks like one of the workspace's own
LABEL = "Retry" + "1" * 70  # a button's words have at most 75 characters

BLOCKS: list[Json] = [
    {"type": "header", "text": plain("A header & more")},
    section(
        "*bold* _italic_ ~struck~ `code` <https://example.com|a link> <@U0ANN> <#C0HELPDESK> <!subteam^S0PATCHTEAM>"
    ),
    section("&gt; quoted\n&gt; twice\nand ```a block\n  of code```"),
    section("```one line\n&gt; no quote\nthe end```"),
    section(f"<{FOREIGN}|not ours>"),
    section("<!date^1772442000^{date_short_pretty} at {time}|2026-03-02 09:00 UTC>"),
    section("<!date^1772442000^{of_no_such_kind}|some time in March>"),
    {"type": "section", "fields": [marked("*Left*\none"), plain("Right")]},
    {"type": "divider"},
    section("Beside a button", accessory=element("button", text=plain("Beside"), value="1")),
    section("Beside a long one " * 4, accessory=element("button", text=plain(LABEL)) | {"action_id": "long"}),
    section("Beside a picture", accessory={"type": "image", "image_url": ELSEWHERE, "alt_text": "a grey cat"}),
    section("Beside a select", accessory=element("static_select", placeholder=plain("Which fruit?"), options=FRUIT)),
    section("Beside a menu", accessory=element("overflow", options=[option("Open"), option("Forget")])),
    {
        "type": "context",
        "elements": [{"type": "image", "image_url": "/icon.svg", "alt_text": "a tick"}, marked("*small*")],
    },
    {"type": "image", "image_url": "http://[", "alt_text": "an address that is none"},
    {"type": "image", "image_url": "/icon.svg", "alt_text": "the app's sign", "title": plain("A picture")},
    actions(
        element("button", text=plain("Plain")),
        element("button", text=plain(LABEL)) | {"action_id": "longer"},
        element("button", text=plain("Good"), style="primary") | {"action_id": "good"},
        element("button", text=plain("Remove"), style="danger", confirm=SURE) | {"action_id": "remove"},
        element("button", text=plain("Elsewhere"), url="https://example.com/") | {"action_id": "elsewhere"},
    ),
    actions(
        element("datepicker", initial_date="2026-03-02"),
        element("timepicker", initial_time="09:30"),
        element("datetimepicker", initial_date_time=1772442000),
    ),
    actions(element("users_select", placeholder=plain("Who?")), element("multi_channels_select", confirm=SURE)),
    actions(element("radio_buttons", options=FRUIT, initial_option=FRUIT[1]), element("checkboxes", options=FRUIT)),
    {
        "type": "table",
        "rows": [[{"type": "raw_text", "text": cell} for cell in row] for row in (("Name", "Count"), ("Chrome", "7"))],
        "column_settings": [{}, {"align": "right"}],
    },
    {"type": "alert", "text": marked("*Mind* this"), "level": "warning"},
]

FIELDS: list[Json] = [
    asked(
        "Name", element("plain_text_input", placeholder=plain("Type it"), max_length=40), hint=plain("As it is known.")
    ),
    asked("Why?", element("plain_text_input", multiline=True) | {"action_id": "why"}, optional=True),
    asked("Fruit", element("static_select", option_groups=GROUPS, initial_option=FRUIT[0])),
    asked("Devices", element("multi_static_select", options=MANY, max_selected_items=2, initial_options=MANY[:1])),
    asked("Ticks", element("checkboxes", options=FRUIT), optional=True),
    asked("One of them", element("radio_buttons", options=FRUIT)),
    asked("Day", element("datepicker"), optional=True),
    asked("Moment", element("datetimepicker"), optional=True),
    asked("Mail", element("email_text_input"), optional=True),
    asked("How many", element("number_input", is_decimal_allowed=False), optional=True),
    asked("Looked up", element("external_select"), optional=True),
    asked("Colleagues", element("multi_users_select"), optional=True),
]

STRANGE: list[Json] = [
    {"type": "hologram", "depth": 3},
    actions(element("crystal_ball", text=plain("Look"))),
    section("Beside", accessory=element("slider")),
    {"type": "section", "text": {"type": "runes", "text": "ᚠᚢᚦ"}},
    {"type": "input", "label": plain("Dial"), "element": element("dial")},
    {"type": "constructor"},
]

LONG = "x" * 3000
HOSTILE = [
    "<script>alert(1)</script>",
    "&lt;img src=x onerror=alert(1)&gt;",
    "<javascript:alert(1)|press me>",
    "<data:text/html,hello|or me>",
    "\u202etxet siht nruT",
    "<@U0ANN|<b>Ann</b>> <https://example.com/?a=1&amp;b=2|A &amp; B>",
    "__proto__ *_~`nested`~_*",
    LONG,
]
