"""Slack's messages and sentences as plain text for a terminal. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot import markup
from bot.model import Message

_TOKEN = re.compile(r"<([^<>]*)>")
_STYLED = re.compile(r"`([^`\n]+)`|(?<!\w)\*(?=\S)([^*\n]+)(?<=\S)\*(?!\w)")


def plain(message: Message) -> str:
    """What the message shows, a paragraph for each block, date tokens in UTC; its text when it has no blocks."""
    if not message.blocks:
        return words(message.text)
    return "\n\n".join(filter(None, ("\n".join(_lines(block)) for block in message.blocks)))


def words(mrkdwn: str) -> str:
    """One piece of mrkdwn, such as a ``Refused`` sentence, as plain text."""
    text = _STYLED.sub(lambda styled: styled[1] or styled[2], _TOKEN.sub(lambda token: _token(token[1]), mrkdwn))
    return _unescaped(text)


def line(text: str) -> str:
    """Text from outside without what could steer a terminal; spaces stay as they are."""
    return markup.clean(text).replace("\n", " ")


def _token(inside: str) -> str:
    target, _, label = inside.partition("|")
    if target.startswith("!date^"):
        return label
    if target.startswith("!subteam^"):
        return f"@{label or target.removeprefix('!subteam^')}"
    if target[:1] in {"@", "#", "!"}:
        return f"{'#' if target[0] == '#' else '@'}{label or target[1:]}"
    return f"{label} ({target})" if label else target


def _lines(block: Mapping[str, Any]) -> Iterator[str]:
    """Texts in reading order: a block's own, its fields or elements, and what stands at its side."""
    parts = [block.get("text"), *(block.get("fields") or ()), *(block.get("elements") or ()), block.get("accessory")]
    for part in parts:
        if isinstance(part, Mapping):
            yield from _texts(part)


def _texts(part: Mapping[str, Any]) -> Iterator[str]:
    text = part.get("text")
    if part.get("type") == "button" and isinstance(text, Mapping):
        yield f"[{_unescaped(str(text.get('text')))}]"
    elif isinstance(text, str):
        yield words(text) if part.get("type") == "mrkdwn" else _unescaped(text)


def _unescaped(text: str) -> str:
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return markup.clean(text)
