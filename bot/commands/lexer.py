"""Slack's text taken apart the way a person meant it: links unwrapped, quotes of any shape, invisible characters."""

import difflib
import re
from collections.abc import Sequence

from bot.errors import Refused
from bot.markup import code

_INVISIBLE = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff"
_LEADING = re.compile(rf"[\s{_INVISIBLE}]+")
_DOUBLE, _SINGLE = '"“”„‟«»＂', "'‘’‚‛"
_ENDS = rf"(?=[\s,{_INVISIBLE}]|$)"
_QUOTED = re.compile(rf"[{_DOUBLE}]([^{_DOUBLE}]*)[{_DOUBLE}]{_ENDS}")
_SINGLE_QUOTED = re.compile(rf"[{_SINGLE}]([^\n]*?)[{_SINGLE}]{_ENDS}")
# Slack's own link and mention forms (docs.slack.dev, "Formatting message text").
_WRAPPED = re.compile(r"<((?:https?://|mailto:|tel:|[@#!])[^<>|]+)(?:\|([^<>]*))?>")


def typed(text: str) -> str:
    """What the person typed, without what Slack may have made of it: wrapped links and mentions, three entities."""
    plain = _WRAPPED.sub(_unwrap, text)
    return plain.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _unwrap(match: re.Match[str]) -> str:
    target, label = match[1], (match[2] or "").strip()
    if target[0] in "@#!":
        return f"{'#' if target[0] == '#' else '@'}{(label or target[1:]).lstrip('@#')}"
    address = re.sub("^(?:mailto|tel):", "", target)
    if label:
        return label if address.rstrip("/").endswith(label) else f"{label} ({address})"
    bare_host = re.fullmatch(r"https?://([^/:?#]+)/?", address)
    return bare_host[1] if bare_host else address


def bare(text: str) -> str:
    """``text`` without invisible characters (zero-width, soft hyphen, direction marks) and outer white space."""
    return re.sub(f"[{_INVISIBLE}]", "", text).strip()


def lead(text: str) -> str:
    """``text`` from its first visible character on."""
    start = _LEADING.match(text)
    return text[start.end() :] if start else text


def take_word(text: str) -> tuple[str, str]:
    """The first word, bare, and the rest."""
    parts = lead(text).split(maxsplit=1)
    return (bare(parts[0]), lead(parts[1]) if len(parts) > 1 else "") if parts else ("", "")


def take_name(text: str) -> tuple[str, str]:
    """The first name (in quotes of any kind when it has spaces) and the rest. Refused when a quote is never closed."""
    text = lead(text)
    if quoted := _QUOTED.match(text) or _SINGLE_QUOTED.match(text):
        return " ".join(bare(quoted[1]).split()), lead(text[quoted.end() :])
    if text[:1] and text[0] in _DOUBLE:
        behind = code(bare(text[1:]), 40)
        raise Refused(f"The quote {f'before {behind}' if behind else 'at the end'} is never closed. Nothing was done.")
    word, rest = take_word(text)
    return word.rstrip(","), rest


def whole_name(text: str) -> str:
    """All of ``text`` as one name, where nothing else can follow: with or without quotes around it."""
    quoted, rest = take_name(text)
    return quoted if not rest else " ".join(bare(text).split())


def nearest(word: str, choices: Sequence[str]) -> str:
    """The choice that ``word`` was most likely meant to be; empty when none is near."""
    close = difflib.get_close_matches(word.casefold()[:60], [choice.casefold() for choice in choices], 1, 0.6)
    return next((choice for choice in choices if close and choice.casefold() == close[0]), "")
