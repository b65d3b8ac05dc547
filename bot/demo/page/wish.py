"""What the browser asks for: the body of a POST, read field by field, and how a deed is answered."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from bot.demo.slack.shapes import Json

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

    def number(self, name: str, most: int) -> int:
        value = self._body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise NonsenseError(f"{name} must be a number from 1 to {most}")
        return value

    def values(self) -> dict[str, str | list[str]]:
        """What a form holds: by block_id, a text or the values of the chosen options."""
        given = self._body.get("values")
        if not isinstance(given, dict):
            raise NonsenseError("values must be an object")
        for value in given.values():
            if not isinstance(value, str) and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
                raise NonsenseError("a value must be a text or an array of texts")
        return given

    def has(self, name: str) -> bool:
        return name in self._body


def route(name: str, deed: Deed) -> web.RouteDef:
    """``POST /api/NAME``: 200 with a JSON object, 400 for nonsense, 409 with an ``error`` when it cannot be done."""

    async def do(request: web.Request) -> web.Response:
        if request.content_type != "application/json":
            return web.json_response({"error": "the body must be application/json"}, status=415)
        try:
            return web.json_response(await deed(Wish(await request.json())))
        except (NonsenseError, ValueError) as nonsense:
            return web.json_response({"error": str(nonsense)}, status=400)
        except (LookupError, AssertionError) as impossible:
            return web.json_response({"error": str(impossible).splitlines()[0]}, status=409)

    return web.post(f"/api/{name}", do)
