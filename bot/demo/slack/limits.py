"""Does a message or a view keep Slack's limits? Pure: payload in, problems out; knows nothing of a workspace.

Limits as in docs.slack.dev/reference/block-kit and docs.slack.dev/reference/methods; where copies of the documentation
disagree, the smaller figure. Stricter than Slack on purpose: an unknown field is a problem, not something to ignore.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from bot.demo.slack.shapes import BLOCKS, Json, Problem, flag, items, record, string, text

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MESSAGE_TEXT = 40_000
PAYLOAD = 13_200  # characters of all blocks of a message; undocumented, seen in slackapi/bolt-js#2509 and #2867
VIEW_BYTES = 250_000  # docs.slack.dev/reference/methods/views.open: view_too_large
MARKDOWN = 12_000  # characters of all markdown blocks together
ONLY_IN_MESSAGES = frozenset({"markdown", "table"})
ONLY_IN_MODALS = frozenset({"alert"})

VIEW = record(
    {"type": string(5), "title": text("plain_text", most=24), "blocks": lambda value, at: iter(())},
    {
        "close": text("plain_text", most=24),
        "submit": text("plain_text", most=24),
        "private_metadata": string(3000, least=0),
        "callback_id": string(255),
        "external_id": string(255),
        "clear_on_close": flag,
        "notify_on_close": flag,
        "submit_disabled": flag,
    },
)

HOME = record(
    {"type": string(4), "blocks": lambda value, at: iter(())},
    {"private_metadata": string(3000, least=0), "callback_id": string(255), "external_id": string(255)},
)


def message_problems(message: Json) -> list[Problem]:
    """What Slack would refuse in ``{"text": …, "blocks": […]}``, worst first; empty when all is well."""
    text_, blocks = message.get("text"), message.get("blocks")
    return [*_text_problems(text_), *_message_block_problems(blocks or [])]


def view_problems(view: Any) -> list[Problem]:
    """What Slack would refuse in a modal's definition (the ``view`` argument of views.open and views.update)."""
    if not isinstance(view, dict):
        return [Problem("/view", "must be an object", "invalid_arguments")]
    problems = list(VIEW(view, "/view"))
    if view.get("type") != "modal":
        problems.append(Problem("/view/type", "must be modal"))
    blocks = view.get("blocks")
    problems += _block_problems(blocks, "/view/blocks", VIEW_BLOCKS, forbidden=ONLY_IN_MESSAGES)
    if "submit" not in view and any(block.get("type") == "input" for block in _dicts(blocks)):
        problems.append(Problem("/view", "missing required field: submit (there is an input block)"))
    return _in_view(view, problems)


def home_problems(view: Any) -> list[Problem]:
    """What Slack would refuse in a Home (the ``view`` argument of views.publish).

    docs.slack.dev/reference/views/home-tab-views: it has neither a title nor anything to submit.
    """
    if not isinstance(view, dict):
        return [Problem("/view", "must be an object", "invalid_arguments")]
    problems = list(HOME(view, "/view"))
    if view.get("type") != "home":
        problems.append(Problem("/view/type", "must be home"))
    forbidden = ONLY_IN_MESSAGES | ONLY_IN_MODALS
    problems += _block_problems(view.get("blocks"), "/view/blocks", VIEW_BLOCKS, forbidden=forbidden)
    return _in_view(view, problems)


def _in_view(view: Json, problems: list[Problem]) -> list[Problem]:
    size = len(json.dumps(view))
    if not problems and size > VIEW_BYTES:
        return [Problem("/view", f"{size} bytes, {VIEW_BYTES} at most", "view_too_large")]
    return [problem._replace(code="invalid_arguments") for problem in problems]


def option_problems(answer: Json) -> list[Problem]:
    """What Slack would refuse in the answer to a block_suggestion: ``options`` or ``option_groups``."""
    problems = list(record({}, {"options": _options, "option_groups": _groups})(answer, ""))
    if len({"options", "option_groups"} & answer.keys()) != 1:
        problems.append(Problem("", "needs either options or option_groups"))
    return problems


def mentions_everyone(message: Json) -> list[str]:
    """The broadcast mentions that this message would really make, e.g. ``["<!channel"]``: never from this bot."""
    live = [str(message.get("text") or ""), *_marked_up(message.get("blocks") or [])]
    return [token for token in ("<!channel", "<!here", "<!everyone") if any(token in words for words in live)]


def _marked_up(node: Any) -> Iterator[str]:
    """Every text that Slack reads as markup; plain_text shows such a token as it stands and mentions nobody."""
    if isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "markdown"):
            yield str(node.get("text"))
        if node.get("type") == "broadcast":
            yield f"<!{node.get('range')}"
        for value in node.values():
            yield from _marked_up(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _marked_up(value)


def _text_problems(value: object) -> Iterator[Problem]:
    if value is not None and not isinstance(value, str):
        yield Problem("/text", "must be a string", "invalid_arguments")
    elif not (value or "").strip():
        yield Problem("/text", "is missing: notifications and screen readers need it beside blocks too", "no_text")
    elif len(value or "") > MESSAGE_TEXT:
        yield Problem("/text", f"must be less than {MESSAGE_TEXT + 1} characters", "msg_too_long")


def _message_block_problems(blocks: Any) -> Iterator[Problem]:
    yield from _block_problems(blocks, "/blocks", MESSAGE_BLOCKS, forbidden=ONLY_IN_MODALS)
    size = len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":")))
    if size > PAYLOAD:
        yield Problem("/blocks", f"{size} characters in all, {PAYLOAD} at most", "msg_blocks_too_long")
    types = Counter(str(block.get("type")) for block in _dicts(blocks))
    if types["table"] > 1:
        yield Problem("/blocks", "only_one_table_allowed", "invalid_attachments")
    marked = sum(len(str(block.get("text", ""))) for block in _dicts(blocks) if block.get("type") == "markdown")
    if marked > MARKDOWN:
        yield Problem("/blocks", f"markdown blocks hold {marked} characters, {MARKDOWN} at most")


def _block_problems(blocks: Any, at: str, most: int, *, forbidden: frozenset[str]) -> list[Problem]:
    problems = list(items(BLOCKS, 0, most)(blocks, at))
    if any(problem.pointer == at and "array" in problem.words for problem in problems):
        return [problem._replace(code="invalid_blocks_format") for problem in problems]
    for number, block in enumerate(_dicts(blocks)):
        if str(block.get("type")) in forbidden:
            problems.append(Problem(f"{at}/{number}", f"block type {block['type']} is not supported here"))
        problems += _repeated(_action_ids(block), f"{at}/{number}", "action_id")
    return problems + _repeated([str(b["block_id"]) for b in _dicts(blocks) if "block_id" in b], at, "block_id")


def _repeated(ids: Sequence[str], at: str, what: str) -> list[Problem]:
    return [Problem(at, f"{what} {id_!r} already exists") for id_, count in Counter(ids).items() if count > 1]


def _action_ids(block: Json) -> list[str]:
    elements = [*_dicts(block.get("elements")), *_dicts([block.get("accessory"), block.get("element")])]
    return [str(element["action_id"]) for element in elements if "action_id" in element]


def _dicts(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, (list, tuple)) else []


_OPTION = record(
    {"text": text("plain_text", most=75), "value": string(150)}, {"description": text("plain_text", most=75)}
)
_options = items(_OPTION, 0, 100)
_groups = items(record({"label": text("plain_text", most=75), "options": _options}, {}), 0, 100)
