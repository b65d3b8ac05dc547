"""What a person reads: Slack's markup as plain words. Pure."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from bot.demo.slack.shapes import Json

Naming = Callable[[str], str]  # an id (user, channel, usergroup) as the name that Slack shows

_TOKEN = re.compile(r"<([^<>]*)>")
_STYLED = re.compile(r"(?<![\w*_~`])([*_~`])(?=\S)(.+?)(?<=\S)\1(?![\w*_~`])", re.DOTALL)


def plain(text: str, naming: Naming) -> str:
    """Markup as it looks on screen: mentions by name, links by their label, date tokens by their fallback."""
    words = _TOKEN.sub(lambda match: _token(match[1], naming), text)
    for _ in range(3):  # bold around italic around code
        words = _STYLED.sub(r"\2", words)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(inside: str, naming: Naming) -> str:
    target, _, label = inside.partition("|")
    if inside[:1] == "@":
        return "@" + naming(target[1:])
    if inside[:1] == "#":
        return "#" + (label or naming(target[1:]))
    if target.startswith("!subteam^"):
        return "@" + naming(target.removeprefix("!subteam^"))
    if target.startswith("!date^"):
        return label
    if inside[:1] == "!":
        return "@" + target[1:]
    return label or target


def lines(blocks: list[Json], naming: Naming) -> Iterator[str]:
    """The words of blocks in reading order, one line for each text, button and input label."""
    for block in blocks:
        yield from _lines(block, naming)


def _lines(node: Any, naming: Naming) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _lines(item, naming)
    elif isinstance(node, dict):
        kind, text = node.get("type"), node.get("text")
        if isinstance(text, str):
            yield plain(text, naming) if kind in ("mrkdwn", "markdown") else _unescaped(text)
        elif kind == "button" and isinstance(text, dict):
            yield f"[{_unescaped(str(text.get('text')))}]"
        else:
            for field in _READ:
                yield from _lines(node.get(field), naming)


# In the order in which they stand on screen; `confirm` and `description` show on demand only.
_READ = (
    "title",
    "label",
    "text",
    "fields",
    "elements",
    "accessory",
    "element",
    "hint",
    "placeholder",
    "options",
    "rows",
)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def buttons(blocks: list[Json]) -> list[Json]:
    """Every button in reading order, each with the ``block_id`` of its block added."""
    return [element for element in elements(blocks) if element.get("type") == "button"]


def elements(blocks: list[Json]) -> list[Json]:
    """Every interactive element in reading order, each with the ``block_id`` of its block added."""
    found = []
    for block in blocks:
        inside = [*block.get("elements", []), block.get("accessory"), block.get("element")]
        found += [element | {"block_id": block.get("block_id")} for element in inside if _acts(element)]
    return found


def _acts(element: Any) -> bool:
    return isinstance(element, dict) and element.get("type") not in ("image", "mrkdwn", "plain_text", None)


def button_text(button: Json) -> str:
    return _unescaped(str(button["text"]["text"]))
