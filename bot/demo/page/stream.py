"""The screen kept live: server-sent events, one stream for each open page."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web

from bot.demo.page import screen
from bot.demo.setting import Setting
from bot.demo.slack import Shown, User, View

PATIENCE = 1.0  # seconds without news after which the time is told
BACKLOG = 1000  # events a slow page may be behind; then it is cut off, and gets a fresh screen when it comes back
Events = asyncio.Queue[str | None]


class Stream:
    """``GET /api/events?as=USER``: ``screen`` with everything, then ``message``, ``views``, ``home`` and ``clock``."""

    def __init__(self, scene: Setting) -> None:
        self._scene, self._space = scene, scene.world.slack.space
        self._open: set[Events] = set()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/events", self._serve)]

    async def end(self, _app: web.Application) -> None:
        """Lets every open stream come to its end, so that the server can stop at once."""
        for events in self._open:
            _hand(events, None)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        person = self._person(request.query.get("as", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        with self._listening(person) as events:
            await response.prepare(request)
            try:
                await response.write(event("screen", screen.whole(self._scene, person)).encode())
                while (news := await self._next(events)) is not None:
                    await response.write(news.encode())
            except ConnectionError:
                return response  # the page was closed
        return response

    def _person(self, id_: str) -> User:
        for person in screen.actors(self._space):
            if person.id == id_:
                return person
        raise web.HTTPNotFound(text="There is no such person to act as.\n")

    async def _next(self, events: Events) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE):
                return await events.get()
        except TimeoutError:
            return event("clock", screen.clock(self._scene))

    @contextmanager
    def _listening(self, person: User) -> Iterator[Events]:
        events: Events = asyncio.Queue(BACKLOG)

        def changed(kind: str, thing: object) -> None:
            news = self._news(person, kind, thing)
            if news:
                _hand(events, news)

        self._space.on_change.append(changed)
        self._open.add(events)
        try:
            yield events
        finally:
            self._open.discard(events)
            self._space.on_change.remove(changed)

    def _news(self, person: User, kind: str, thing: object) -> str:
        if isinstance(thing, Shown) and (thing.deleted or self._space.sees(person.id, thing)):
            return event("message", screen.message(thing))
        if isinstance(thing, View) and thing.user == person.id:
            if thing is self._space.homes.get(person.id):
                return event("home", screen.home_of(self._space, person))
            return event("views", screen.views_of(self._space, person))
        return ""


def event(name: str, data: Any) -> str:
    """One server-sent event; JSON keeps it on one line."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=True)}\n\n"


def _hand(events: Events, news: str | None) -> None:
    if events.full():
        while not events.empty():
            events.get_nowait()
        news = None
    events.put_nowait(news)
