"""What the person at the page does: each deed a POST with a small JSON object, done in the stand-in of Slack."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web

from bot.demo.page.screen import ROLES
from bot.demo.setting import Setting
from bot.demo.slack import Shown, View, words
from bot.demo.slack.shapes import Json

MOST_MINUTES = 24 * 60
STEP = timedelta(minutes=5)  # the clock is put forward in steps, so that nothing that was due in between comes late
FAILURES = 3

Deed = Callable[["Wish"], Awaitable[Json]]


class NonsenseError(Exception):
    """The request makes no sense; the message says why."""


class Wish:
    """The body of a POST, read field by field. Each method raises NonsenseError for a field that is not as it must."""

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


class Deeds:
    """``POST /api/…``: 200 with a JSON object, 400 for nonsense, 409 with an ``error`` when it cannot be done."""

    def __init__(self, scene: Setting) -> None:
        self._world, self._bot, self._slack = scene.world, scene.bot, scene.world.slack

    def routes(self) -> list[web.RouteDef]:
        deeds: dict[str, Deed] = {
            "say": self._say,
            "press": self._press,
            "choose": self._choose,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
            "time": self._time,
            "failures": self._failures,
        }
        return [web.post(f"/api/{name}", self._doing(deed)) for name, deed in deeds.items()]

    def _doing(self, deed: Deed) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def do(request: web.Request) -> web.Response:
            if request.content_type != "application/json":
                return web.json_response({"error": "the body must be application/json"}, status=415)
            try:
                return web.json_response(await deed(Wish(await request.json())))
            except (NonsenseError, ValueError) as nonsense:
                return web.json_response({"error": str(nonsense)}, status=400)
            except (LookupError, AssertionError) as impossible:
                return web.json_response({"error": str(impossible).splitlines()[0]}, status=409)

        return do

    # ---------------------------------------------------------------- as a person

    async def _say(self, wish: Wish) -> Json:
        person, channel = self._person(wish), wish.text("channel", 40)
        mine = self._slack.space.direct(self._slack.space.user(person).id).id
        exchange = await self._slack.says(person, wish.text("text"), "@patches" if channel == mine else channel)
        return {"failure": exchange.failure}

    async def _press(self, wish: Wish) -> Json:
        person, place = self._person(wish), self._place(wish)
        text, nth = _button(place, wish.text("block", 255), wish.text("action", 255))
        exchange = await self._slack.clicks(person, text, place, nth=nth)
        return {"failure": exchange.failure}

    async def _choose(self, wish: Wish) -> Json:
        exchange = await self._slack.chooses(
            self._person(wish), wish.text("action", 255), wish.text("value", 150), self._place(wish)
        )
        return {"failure": exchange.failure}

    async def _suggest(self, wish: Wish) -> Json:
        place, typed = self._place(wish), wish.text("text", 300)
        options = await self._slack.suggests(self._person(wish), place, wish.text("action", 255), typed)
        return {"options": options}

    async def _submit(self, wish: Wish) -> Json:
        self._place(wish)
        return {"errors": await self._slack.submits(self._person(wish), wish.values(), timeout=1) or {}}

    async def _close(self, wish: Wish) -> Json:
        self._place(wish)
        await self._slack.closes(self._person(wish), timeout=1)
        return {}

    async def _home(self, wish: Wish) -> Json:
        return {"failure": (await self._slack.opens_home(self._person(wish))).failure}

    def _person(self, wish: Wish) -> str:
        person = self._slack.space.user(wish.text("as", 40))
        if person.name not in ROLES:
            raise LookupError("nobody can act as that one here")
        return person.name

    def _place(self, wish: Wish) -> Shown | View:
        """The message, modal or Home that is acted in, as this person sees it. LookupError when it is gone."""
        space, person = self._slack.space, self._slack.space.user(self._person(wish))
        if wish.has("view"):
            id_ = wish.text("view", 40)
            for shown in (*space.stacks.get(person.id, [])[-1:], space.homes.get(person.id)):
                if shown is not None and shown.id == id_:
                    return shown
            raise LookupError("this form is no longer open")
        id_ = wish.text("message", 40)
        found = [shown for shown in space.visible(person.id) if shown.ts == id_]
        if not found:
            raise LookupError("this message is no longer there")
        return found[0]

    # ---------------------------------------------------------------- to the world

    async def _time(self, wish: Wish) -> Json:
        left = timedelta(minutes=wish.number("minutes", MOST_MINUTES))
        while left:
            step = min(left, STEP)
            self._world.clock.advance(step)
            await self._bot.tick()
            left -= step
        return {}

    async def _failures(self, _wish: Wish) -> Json:
        news = self._world.new_failures(FAILURES)
        return {"failed": [f"{patch.title} on {machine.name}" for machine, patch in news]}


def _button(place: Shown | View, block: str, action: str) -> tuple[str, int]:
    """The text of a button, and which one it is among those of the same text. LookupError when it is gone."""
    buttons = words.buttons(place.blocks)
    for button in buttons:
        if (button["block_id"], button["action_id"]) == (block, action):
            text = words.button_text(button)
            return text, [other for other in buttons if words.button_text(other) == text].index(button)
    raise LookupError("this button is no longer there")
