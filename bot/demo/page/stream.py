"""The screen kept live: server-sent events, one stream for each open page."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from typing import Any, Protocol, TypeVar

from aiohttp import web

from bot.demo.page import screen
from bot.demo.setting import Setting
from bot.demo.slack import Shown, User, View

BEAT = 1.0  # seconds between two times that are told, whatever other news there are
MOST = 50  # open pages; one more, and the oldest of them ends
AGAIN = 1000  # milliseconds after which a page whose stream broke asks again
BACKLOG = 1000  # events a slow page may be behind; then it is cut off, and gets a fresh screen when it comes back
Events = asyncio.Queue[str | None]
T = TypeVar("T")


class Feed(Protocol):
    """News that are the same for every person: all of it is in ``screen``, then its listeners hear what is new."""

    name: str
    listeners: list[Callable[[Any], None]]

    def now(self) -> Any: ...


class Stream:
    """``GET /api/events?as=USER``: ``screen`` with everything, then ``message``, ``views``, ``home`` and ``clock``,
    ``elsewhere`` when somebody else got something for their eyes alone, and an event for each of the ``feeds``, by its
    name."""

    def __init__(self, scene: Setting, *feeds: Feed) -> None:
        self._scene, self._space, self._feeds = scene, scene.world.slack.space, feeds
        self._open: dict[Events, None] = {}  # the oldest first

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/events", self._serve)]

    async def end(self, _app: web.Application) -> None:
        """Lets every open stream come to its end, so that the server can stop at once."""
        for events in self._open:
            _hand(events, None)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        person = self._person(request.query.get("as", ""))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        with self._listening(person) as events, suppress(ConnectionError):  # the page was closed
            await response.prepare(request)
            await response.write(event("screen", self._whole(person)).encode())
            await response.write(f"retry: {AGAIN}\n\n".encode())
            async with aclosing(self._told(events)) as told:
                async for news in told:
                    await response.write(news.encode())
        return response

    def _whole(self, person: User) -> dict[str, Any]:
        return screen.whole(self._scene, person) | {feed.name: feed.now() for feed in self._feeds}

    def _person(self, id_: str) -> User:
        for person in screen.actors(self._space):
            if person.id == id_:
                return person
        raise web.HTTPNotFound(text="There is no such person to act as.\n")

    async def _told(self, events: Events) -> AsyncGenerator[str, None]:
        """What is handed over, and the time at each beat."""
        now = asyncio.get_running_loop().time
        beat = now() + BEAT
        while True:
            if now() >= beat:
                beat = now() + BEAT
                yield event("clock", screen.clock(self._scene))
            try:
                async with asyncio.timeout_at(beat):
                    news = await events.get()
            except TimeoutError:
                continue
            if news is None:
                return
            yield news

    @contextmanager
    def _listening(self, person: User) -> Iterator[Events]:
        events: Events = asyncio.Queue(BACKLOG)
        whispered: set[str] = set()  # to others, and told of here

        def changed(kind: str, thing: object) -> None:
            if news := self._news(person, kind, thing) or self._elsewhere(person, thing, whispered):
                _hand(events, news)

        def fed(feed: Feed) -> Callable[[Any], None]:
            return lambda news: _hand(events, event(feed.name, news))

        with ExitStack() as ears:
            ears.enter_context(listening(self._space.on_change, changed))
            for feed in self._feeds:
                ears.enter_context(listening(feed.listeners, fed(feed)))
            ears.callback(self._open.pop, events, None)
            self._open[events] = None
            if len(self._open) > MOST:
                oldest = next(iter(self._open))
                del self._open[oldest]
                _hand(oldest, None)
            yield events

    def _news(self, person: User, kind: str, thing: object) -> str:
        if isinstance(thing, Shown) and (thing.deleted or self._space.sees(person.id, thing)):
            return event("message", screen.message(thing))
        if isinstance(thing, View) and thing.user == person.id:
            if thing is self._space.homes.get(person.id):
                return event("home", screen.home_of(self._space, person))
            return event("views", screen.views_of(self._space, person))
        return ""

    def _elsewhere(self, person: User, thing: object, whispered: set[str]) -> str:
        """Somebody else got a new message for their eyes alone; told once, however often it changes."""
        if not isinstance(thing, Shown) or thing.edits or thing.ts in whispered or self._space.sees(person.id, thing):
            return ""
        alone = thing.ephemeral_to or self._space.channels[thing.channel].person
        if not alone or thing.user == alone:
            return ""
        whispered.add(thing.ts)
        return event("elsewhere", {"person": alone})


@contextmanager
def listening(listeners: list[T], ear: T) -> Iterator[None]:
    """``ear`` is among the listeners until the block ends."""
    listeners.append(ear)
    try:
        yield
    finally:
        listeners.remove(ear)


def event(name: str, data: Any) -> str:
    """One server-sent event; JSON keeps it on one line."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=True)}\n\n"


def _hand(events: Events, news: str | None) -> None:
    if events.full():
        while not events.empty():
            events.get_nowait()
        news = None
    events.put_nowait(news)
