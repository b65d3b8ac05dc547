"""What happens behind: everything that passes between Slack, the bot, ESET and N-sight, in order, across all people.

It is recorded where the stand-ins meet the wire; the bot knows nothing of it.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from aiohttp import web

from bot.demo.page import lines, wire
from bot.demo.page.lines import BROKEN, ODD, WELL, WRONG, Line
from bot.demo.page.masks import masked
from bot.demo.page.stream import listening
from bot.demo.serving import Passage, Watcher
from bot.demo.setting import Setting
from bot.demo.slack.delivery import Errand
from bot.demo.slack.model import Envelope
from bot.demo.slack.shapes import Json
from bot.demo.slack.socket_mode import Connection

SLACK, ESET, NSIGHT, BOT = "slack", "eset", "nsight", "bot"
TO_BOT, FROM_BOT, NOTE = "in", "out", "note"
KEPT = 500  # entries
SHOWN = 16_000  # characters of a request or an answer
PAUSE = 0.05  # seconds for which news are gathered
Source = Passage | Envelope | None


@dataclass(frozen=True)
class Entry:
    """One line. ``way``: TO_BOT, FROM_BOT, or NOTE for what is no call. ``seconds``: real ones, once it is over."""

    id: int
    side: str
    way: str
    at: datetime
    line: Line
    source: Source = None
    seconds: float | None = None

    def told(self) -> Json:
        """As the browser has it. ``more``: whether there is more to read at ``/api/trace/ID``."""
        line = self.line
        shown = {"id": self.id, "side": self.side, "way": self.way, "at": self.at.timestamp()}
        said = {"title": line.title, "about": line.about, "outcome": line.outcome, "mood": line.mood}
        ms = None if self.seconds is None else round(1000 * self.seconds)
        return {**shown, **said, "ms": ms, "more": self.source is not None}


class Trace:
    """A feed: ``now`` is all that is kept, listeners get lists of what is new or has changed since."""

    name = "trace"

    def __init__(self, scene: Setting) -> None:
        self._scene, self._world, self._space = scene, scene.world, scene.world.slack.space
        self.listeners: list[Callable[[Any], None]] = []
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._last = 0
        self._open: dict[Passage | str, tuple[int, float]] = {}  # by passage or envelope: its entry, and since when
        self._fresh: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/trace/{id}", self._serve)]

    def now(self) -> list[Json]:
        return [entry.told() for entry in self._entries.values()]

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Records until the block ends."""
        world = self._world
        reading: list[tuple[list[Watcher], str, Callable[[Passage], Line]]] = [
            (world.nsight.watchers, NSIGHT, lines.nsight),
            (world.slack.watchers, SLACK, partial(lines.slack, there=world.slack)),
            *((watchers, ESET, lines.eset) for watchers in world.eset.watchers),
        ]
        with contextlib.ExitStack() as stack:
            for watchers, side, read in reading:
                stack.enter_context(listening(watchers, self._watcher(side, read)))
            for side, violations in ((ESET, world.eset.violations), (NSIGHT, world.nsight.violations)):
                stack.enter_context(listening(violations.listeners, self._rules(side)))
            stack.enter_context(listening(world.slack.on_change, self._changed))
            stack.enter_context(listening(self._scene.on_change, self._turned))
            stack.callback(self._stop_telling)
            yield

    def note(self, side: str, title: str, *, about: str = "", mood: str = WELL) -> None:
        """Something that is no call."""
        self._put(
            Entry(self._number(), side, NOTE, self._world.clock.now(), self._hidden(Line(title, about, "", mood)))
        )

    # ---------------------------------------------------------------- recording

    def _watcher(self, side: str, read: Callable[[Passage], Line]) -> Watcher:
        return lambda passage: self._passed(side, read, passage)

    def _passed(self, side: str, read: Callable[[Passage], Line], passage: Passage) -> None:
        if passage.request.path == "/link/":
            return  # a socket, which lives on; what passes there are envelopes
        if not passage.over:
            self._begin(passage, Entry(self._number(), side, FROM_BOT, self._world.clock.now(), read(passage), passage))
        else:
            self._end(passage, read(passage))

    def _changed(self, kind: str, thing: object) -> None:
        if isinstance(thing, Connection):
            self._connected(thing)
        elif isinstance(thing, Errand):
            line = lines.errand(thing.kind, thing.payload, self._space)
            self._put(Entry(self._number(), SLACK, TO_BOT, self._world.clock.now(), self._hidden(line)))
        elif isinstance(thing, Envelope):
            self._enveloped(thing, unacked=kind == "unacked")
        elif kind == "violation":
            self._broken(SLACK, str(thing))
        elif kind == "refusal":
            self.note(SLACK, f"Refused: {thing}", mood=ODD)

    def _rules(self, side: str) -> Callable[[str], None]:
        return lambda rule: self._broken(side, rule)

    def _broken(self, side: str, rule: str) -> None:
        self.note(side, f"Broken rule: {rule}", mood=BROKEN)

    def _enveloped(self, envelope: Envelope, *, unacked: bool) -> None:
        line = lines.envelope(envelope, self._space)
        if unacked:  # and a late ack may still come
            number, since = self._open.get(envelope.id, (0, 0.0))
            line = replace(line, outcome="not acked in time", mood=WRONG)
            self._change(number, line, time.monotonic() - since)
        elif envelope.acked is None:
            self._begin(envelope.id, Entry(self._number(), SLACK, TO_BOT, envelope.at, line, envelope))
        else:
            self._end(envelope.id, line)

    def _connected(self, connection: Connection) -> None:
        there = self._world.slack.sockets.connections
        if connection.leaving and connection in there:
            return  # it will be told when it has gone
        words, mood = ("is open", WELL) if connection in there else ("is gone", ODD)
        self.note(SLACK, f"Socket {connection.number} {words}", about=f"{len(there)} open", mood=mood)

    def _turned(self, up: bool) -> None:
        self.note(BOT, "The bot is at work" if up else "The bot is stopped", mood=WELL if up else ODD)

    def _begin(self, source: Passage | str, entry: Entry) -> None:
        self._open[source] = entry.id, time.monotonic()
        self._put(replace(entry, line=self._hidden(entry.line)))

    def _end(self, source: Passage | str, line: Line) -> None:
        number, since = self._open.pop(source, (0, 0.0))
        self._change(number, line, time.monotonic() - since)

    def _change(self, number: int, line: Line, seconds: float) -> None:
        if number in self._entries:
            self._put(replace(self._entries[number], line=self._hidden(line), seconds=seconds))

    def _hidden(self, line: Line) -> Line:
        secrets = self._world.secrets()
        title, about, outcome = (masked(text, secrets) for text in (line.title, line.about, line.outcome))
        return Line(title, about, outcome, line.mood)

    def _number(self) -> int:
        self._last += 1
        return self._last

    # ---------------------------------------------------------------- telling

    def _put(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        while len(self._entries) > KEPT:
            self._entries.popitem(last=False)
        self._fresh.add(entry.id)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self._tell)

    def _tell(self) -> None:
        self._timer = None
        news = [self._entries[number].told() for number in sorted(self._fresh) if number in self._entries]
        self._fresh.clear()
        for listener in list(self.listeners):
            listener(news)

    def _stop_telling(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    async def _serve(self, request: web.Request) -> web.Response:
        number = request.match_info["id"]
        entry = self._entries.get(int(number)) if number.isdecimal() and len(number) < 12 else None
        if entry is None or entry.source is None:
            return web.json_response({"error": "this is no longer kept"}, status=404)
        asked, answered = _written(entry.source)
        return web.json_response({"request": self._readable(asked), "answer": self._readable(answered)})

    def _readable(self, text: str) -> str:
        text = masked(text, self._world.secrets())
        left = len(text) - SHOWN
        return text if left <= 0 else f"{text[:SHOWN]}\n… cut here, {left:,} characters more"


def _written(source: Passage | Envelope) -> tuple[str, str]:
    if isinstance(source, Passage):
        return wire.request(source), wire.answer(source)
    sent = wire.laid_out({"envelope_id": source.id, "type": source.type, "payload": source.payload})
    if source.acked is None:
        return sent, "Not acked."
    return sent, wire.laid_out(source.acked) if source.acked else "An ack without a payload."
