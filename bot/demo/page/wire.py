"""A request and its answer as text that a person can read: JSON, forms and XML laid out line by line. Pure.

Nothing is hidden here and nothing is cut: see `bot.demo.page.masks` and `bot.demo.page.trace`.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.etree.ElementTree import ParseError, indent, tostring

from aiohttp import web
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from bot.clients.nsight_xml import C1
from bot.demo.serving import Passage
from bot.demo.slack.shapes import Json

ASKED = ("Authorization", "Content-Type", "User-Agent", "response-id")
ANSWERED = ("Content-Type", "Retry-After", "response-id", "request-id")
FORM = "application/x-www-form-urlencoded"


def request(passage: Passage) -> str:
    """The request line, the headers that matter, the body."""
    asked = passage.request
    first = f"{asked.method} {unquote(asked.rel_url.raw_path_qs)}"
    return _text(first, asked.headers, ASKED, body(passage.body, asked.content_type))


def answer(passage: Passage) -> str:
    """The same of the answer, or why there is none."""
    if not passage.over:
        return "Not answered yet."
    given = passage.response
    if given is None:
        return "No answer: the connection was cut."
    kind = given.content_type
    return _text(f"HTTP {given.status}", given.headers, ANSWERED, body(answered(passage), kind))


def answered(passage: Passage) -> bytes:
    """The body of the answer; empty when there is none."""
    given = passage.response
    content = given.body if isinstance(given, web.Response) else b""
    return content if isinstance(content, bytes) else b""


def body(content: bytes, kind: str) -> str:
    """Laid out by its media type; what is not as its type says comes as it is."""
    try:
        if kind == "application/json":
            return laid_out(json.loads(content))
        if kind == FORM:
            return laid_out(fields(content, kind))
        if kind in ("text/xml", "application/xml"):
            return _xml(content)
    except (ValueError, LookupError, RecursionError, ParseError, DefusedXmlException):
        pass
    try:
        return content.decode()
    except ValueError:
        return content.decode("cp1252", errors="replace")


def fields(content: bytes, kind: str) -> Json:
    """The arguments of a call, from JSON or a form; JSON within a form is unpacked. Empty when it is neither."""
    try:
        if kind == "application/json":
            told = json.loads(content)
            return told if isinstance(told, dict) else {}
        pairs = parse_qsl(content.decode(), keep_blank_values=True) if kind == FORM else []
    except ValueError:
        return {}
    return {name: _unpacked(value) for name, value in pairs}


def laid_out(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _unpacked(value: str) -> Any:
    if value[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _xml(content: bytes) -> str:
    """Latin-1 is declared and Windows-1252 is meant, as the bot reads it, too. LookupError: an unknown encoding."""
    root = fromstring(content)
    indent(root)
    return tostring(root, encoding="unicode").translate(C1)


def _text(first: str, headers: Mapping[str, str], names: Iterable[str], content: str) -> str:
    told = [f"{name}: {headers[name]}" for name in names if name in headers]
    return "\n".join([first, *told, *(["", content] if content else [])])
