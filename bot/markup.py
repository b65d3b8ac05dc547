"""Text from outside: safe for Slack's mrkdwn (escaped, cut, isolated), and comparable. Pure, standard library only.

It stands below everything, since a ``Refused`` sentence is written where the refusal is decided.
Escaping rules: docs.slack.dev, "Formatting message text" (only ``&``, ``<`` and ``>`` are special).
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

ELLIPSIS = "…"
_ISOLATE, _POP = "\u2068", "\u2069"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# Control characters except tab and newline, lone surrogates (not encodable) and bidirectional overrides, with which a
# name could rewrite the words around it.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def clean(text: str) -> str:
    """``text`` without characters that cannot or must not be shown. Line ends become ``\\n``. Not escaped."""
    text = re.sub("\r\n?|\u2028|\u2029|\x85", "\n", text)
    return _UNSHOWABLE.sub("", text)


def blank(text: str) -> bool:
    """Whether nobody would see anything of it: white space and invisible characters alone."""
    return not any(char.isprintable() and not char.isspace() for char in text)


def line(text: str) -> str:
    """``clean(text)`` on one line: a name must not be able to start a line of its own."""
    return " ".join(clean(text).split())


def escape(text: str) -> str:
    """``text`` as mrkdwn that cannot mention, link or date. Not idempotent: ``&amp;`` becomes ``&amp;amp;``.

    Text with right-to-left letters is isolated (U+2068 … U+2069), so that it cannot reorder the words after it.
    """
    safe = clean(text).translate(_ENTITIES)
    if any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in safe):
        return f"{_ISOLATE}{safe}{_POP}"
    return safe


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters (≥ 1) of plain text, ``…`` in place of what is missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def shorten(text: str, limit: int) -> str:
    """``escape`` of several lines, at most ``limit`` (≥ 12) characters long when escaped; entities stay whole."""
    safe = escape(text)
    if len(safe) <= limit:
        return safe
    kept, size = [], 0
    for letter in clean(text):
        size += len(letter.translate(_ENTITIES))
        if size > limit - 3:  # the ellipsis and the two isolates
            break
        kept.append(letter)
    return escape("".join(kept).rstrip() + ELLIPSIS)


def fit(mrkdwn: str, limit: int) -> str:
    """Safe mrkdwn cut to ``limit`` (≥ 12) characters without tearing an entity, a ``<token>`` or code."""
    if len(mrkdwn) <= limit:
        return mrkdwn
    kept = mrkdwn[: limit - 2]
    for opening, closing in (("<", ">"), ("&", ";")):
        torn = kept.rfind(opening)
        if torn > kept.rfind(closing):
            kept = kept[:torn]
    end = "`" if kept.count("`") % 2 else ""
    return f"{kept.rstrip()}{end}{ELLIPSIS}"


def name(text: str, limit: int = 80) -> str:
    """A name, title or other single line from outside: escaped, at most ``limit`` (≥ 12) characters when escaped."""
    return shorten(line(text), limit)


def code(text: str, limit: int = 80) -> str:
    """``text`` in code style; empty for empty text. A backtick inside would end the code, so it is replaced."""
    safe = name(text.replace("`", "ˋ"), limit)
    return f"`{safe}`" if safe else ""


def plural(count: int, one: str, many: str = "") -> str:
    """``1 failure``, ``5,000 failures``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def foremost(parts: Sequence[T], most: int) -> Sequence[T]:
    """The first ``most``, or all when only one would be left out: naming it takes no more room than counting it."""
    return parts if len(parts) <= most + 1 else parts[:most]


def listed(parts: list[str], most: int = 10) -> str:
    """``a, b and c``; beyond ``most``: ``a, b, … and 7 more``, never just 1 more. The parts are safe already."""
    if len(foremost(parts, most)) < len(parts):
        return f"{', '.join(parts[:most])} and {len(parts) - most:,} more"
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def folded(text: str) -> str:
    """A name to compare: composed, without case, white space joined. Folded text can come apart: composed twice."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return " ".join(plain.split())
