"""What the browser asks for: the body of a POST, read field by field, and how a deed is answered."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web

from bot.demo.impossible import ImpossibleError
from bot.demo.slack.shapes import Json

log = structlog.get_logger()

Deed = Callable[["Wish"], Awaitable[Json]]


class NonsenseError(Exception):
    """The request makes no sense; the message says why."""


class Wish:
    """The body of a POST. Each method raises NonsenseError for a field that is not as it must be."""

    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise NonsenseError("the body must be a JSON object")
        self._body = body

    def text(self, name: str, most: int = 8000) -> str:
        value = self._body.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= most:
            raise NonsenseError(f"{name} must be a text of 1 to {most} characters")
        return value

    def flag(self, name: str) -> bool:
        value = self._body.get(name)
        if not isinstance(value, bool):
            raise NonsenseError(f"{name} must be true or false")
        return value

    def values(self) -> dict[str, str | list[str]]:
        """What a form holds: by block_id, a text or the values of the chosen options."""
        given = self._body.get("values")
        if not isinstance(given, dict):
            raise NonsenseError("values must be an object")
        for value in given.values():
            _demand_choice(value)
        return given

    def choice(self, name: str) -> str | list[str]:
        """What is chosen in one input: a text, or the values of several options."""
        value: Any = self._body.get(name)
        _demand_choice(value)
        chosen: str | list[str] = value
        return chosen

    def has(self, name: str) -> bool:
        return name in self._body


def _demand_choice(value: object) -> None:
    if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise NonsenseError("a value must be a text or an array of texts")


def route(name: str, deed: Deed) -> web.RouteDef:
    """``POST /api/NAME``: 200 with a JSON object; else with an ``error``, a sentence: 400 for nonsense, 409 when it
    cannot be done, 500, logged, for a fault of the demo's own."""

    async def do(request: web.Request) -> web.Response:
        try:
            return web.json_response(await deed(Wish(await _body(request))))
        except NonsenseError as nonsense:
            return refusal(400, str(nonsense))
        except ImpossibleError as impossible:
            return refusal(409, str(impossible).partition("\n")[0])
        except web.HTTPException as refused:
            return refusal(refused.status, refused.reason)
        except Exception as fault:
            log.exception("demo.deed_failed", deed=name)
            return refusal(500, f"a fault of the demo itself ({type(fault).__name__}), which its log tells")

    return web.post(f"/api/{name}", do)


async def _body(request: web.Request) -> Any:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(reason="the body must be application/json")
    try:
        return json.loads(await request.read())
    except (ValueError, RecursionError):  # thousands of brackets in each other
        raise NonsenseError("the body is not JSON that can be read") from None


def refusal(status: int, sentence: str) -> web.Response:
    """What is not done, and why; ``live.js`` tells it to the person."""
    return web.json_response({"error": sentence}, status=status)
