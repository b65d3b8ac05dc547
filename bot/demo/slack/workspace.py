"""The workspace's state and its own rules: who sees what, how messages come, change and go. No network here."""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.demo.impossible import ImpossibleError
from bot.demo.slack.cast import channels, people, usergroups
from bot.demo.slack.forms import initial_values
from bot.demo.slack.limits import mentions_everyone
from bot.demo.slack.model import (
    BOT_USER,
    GUIDE,
    Call,
    Channel,
    Envelope,
    Shown,
    Trigger,
    Upload,
    User,
    Version,
    View,
)
from bot.demo.slack.shapes import Json


class Clock(Protocol):
    def now(self) -> datetime: ...

    def real(self, seconds: float) -> timedelta: ...


class Workspace:
    """A small company: a requester, two approvers, people who may not approve, the bot, four channels."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.users = {user.id: user for user in people()}
        self.channels = {channel.id: channel for channel in channels()}
        self.usergroups = {group.id: group for group in usergroups()}
        self.paid_plan = True
        self.messages_tab = self.home_tab = True
        self.messages: list[Shown] = []
        self.stacks: dict[str, list[View]] = {}
        self.views: dict[str, View] = {}
        self.homes: dict[str, View] = {}  # by person, once the app has published one
        self.triggers: dict[str, Trigger] = {}
        self.uploads: dict[str, Upload] = {}
        self.violations: list[str] = []
        self.refusals: list[str] = []
        self.calls: list[Call] = []
        self.envelopes: list[Envelope] = []
        self.on_change: list[Callable[[str, object], None]] = []
        self._news = asyncio.Event()
        self._numbers = itertools.count(1)
        self._last_ts = 0

    # ---------------------------------------------------------------- names and numbers

    def number(self, prefix: str) -> str:
        """A new id, e.g. ``V0000000012``."""
        return f"{prefix}{next(self._numbers):010d}"

    def stamp(self) -> str:
        """A message's ts: the clock's instant to the microsecond, never the same twice."""
        self._last_ts = max(self._last_ts + 100, int(self.clock.now().timestamp() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def user(self, who: str) -> User:
        """By id or short name. ImpossibleError for nobody."""
        found: User = _named(self.users.values(), who, "user")
        return found

    def channel(self, which: str) -> Channel:
        """By id or name, with or without ``#``. ImpossibleError for none."""
        found: Channel = _named(self.channels.values(), which.removeprefix("#"), "channel")
        return found

    def naming(self, id_: str) -> str:
        known: dict[str, Any] = {**self.users, **self.channels, **self.usergroups}
        found = known.get(id_)
        return str(getattr(found, "handle", None) or getattr(found, "name", id_))

    # ---------------------------------------------------------------- change

    def changed(self, kind: str, thing: object) -> None:
        """Tell whoever waits or listens what is new: a message, whisper, view, call, envelope ("unacked" when its time
        is over), connection, or an errand that was "undelivered"."""
        self._news.set()
        self._news = asyncio.Event()
        for listener in list(self.on_change):
            listener(kind, thing)

    def violated(self, rule: str) -> None:
        """Write down a rule that the bot broke."""
        self.violations.append(rule)
        self.changed("violation", rule)

    def refused(self, what: str) -> None:
        """Write down what was refused through no fault of the bot's."""
        self.refusals.append(what)
        self.changed("refusal", what)

    async def until(self, predicate: Callable[[], Any], timeout: float = 10) -> Any:
        """The first true value of ``predicate``, asked again at each change. AssertionError after ``timeout`` s."""
        deadline = time.monotonic() + timeout
        while not (found := predicate()):
            news = self._news
            try:
                async with asyncio.timeout(deadline - time.monotonic()):
                    await news.wait()
            except TimeoutError:
                if found := predicate():  # it may look at something else, of whose change nobody told
                    return found
                raise AssertionError(f"nothing of the kind within {timeout} s; {self.recent()}") from None
        return found

    def recent(self, count: int = 6) -> str:
        """The last messages, calls and complaints, for a failed test's report."""
        shown = [f"  {self.naming(m.channel)}: {m.plain!r}"[:400] for m in self.messages[-count:]]
        calls = [f"  {call.method} {call.error}" for call in self.calls[-count:]]
        complaints = [f"  violation: {text}" for text in self.violations] + [f"  refused: {r}" for r in self.refusals]
        return "\n".join(["last messages:", *shown, "last calls:", *calls, *complaints])

    # ---------------------------------------------------------------- messages

    def post(self, channel: str, user: str, text: str, blocks: Iterable[Json] = (), **details: Any) -> Shown:
        """Show a new message; ``details`` are fields of `Shown`."""
        message = Shown(
            channel, self.stamp(), user, text, self._numbered(blocks), self.clock.now(), naming=self.naming, **details
        )
        self._watch(message)
        self.messages.append(message)
        self.changed("message", message)
        return message

    def edit(self, message: Shown, text: str, blocks: Iterable[Json] | None) -> None:
        """Change a message in place. ``blocks`` None keeps the present ones, as chat.update does."""
        message.edits.append(Version(message.text, message.blocks))
        message.text = text
        message.blocks = message.blocks if blocks is None else self._numbered(blocks)
        self._watch(message)
        self.changed("message", message)

    def delete(self, message: Shown) -> None:
        message.deleted = True
        self.changed("message", message)

    def tell(self, user: str, channel: str, text: str, thread: str | None = None) -> Shown:
        """What Slack itself tells one person, e.g. that a command failed."""
        return self.post(channel, GUIDE, text, ephemeral_to=user, thread_ts=thread)

    def find(self, channel: str, ts: str) -> Shown | None:
        return next((m for m in self.messages if m.channel == channel and m.ts == ts and not m.deleted), None)

    def direct(self, person: str) -> Channel:
        """The direct message between the bot and a person, opened if need be."""
        id_ = f"D{person[1:]}"
        return self.channels.setdefault(id_, Channel(id_, "directmessage", {person, BOT_USER}, True, person=person))

    def visible(self, user: str) -> list[Shown]:
        """Everything on this person's screen, oldest first."""
        return [message for message in self.messages if self.sees(user, message)]

    def sees(self, user: str, message: Shown) -> bool:
        if message.deleted or message.ephemeral_to not in (None, user):
            return False
        channel, person = self.channels[message.channel], self.users[user]
        open_to_all = not (channel.private or person.guest or person.stranger)
        return user in channel.members or open_to_all

    def _numbered(self, blocks: Iterable[Json]) -> list[Json]:
        """Copies in which every block and element has the ids that Slack gives where the app gave none."""
        numbered = deepcopy(list(blocks))
        for block in numbered:
            block.setdefault("block_id", self.number("b"))
            for element in [*block.get("elements", []), block.get("accessory"), block.get("element")]:
                if isinstance(element, dict) and element.get("type") not in ("image", "mrkdwn", "plain_text"):
                    element.setdefault("action_id", self.number("a"))
        return numbered

    def _watch(self, message: Shown) -> None:
        for token in mentions_everyone({"text": message.text, "blocks": message.blocks}):
            self.violated(f"{token} would mention everybody in {message.channel}")

    # ---------------------------------------------------------------- modals

    def trigger(self, user: str) -> str:
        id_ = f"{self.number('')}.{self.number('')}.{self.number('t')}"
        self.triggers[id_] = Trigger(user, time.monotonic())
        return id_

    def open_view(self, user: str, source: Json) -> View:
        """Put a modal on top of what the person has open."""
        stack = self.stacks.setdefault(user, [])
        id_, below = self.number("V"), stack[-1] if stack else None
        root, previous = (below.root, below.id) if below else (id_, None)
        view = View(id_, user, self._copied(source), self.number("h"), root, previous, naming=self.naming)
        view.values = initial_values(view.blocks)
        stack.append(view)
        self.views[id_] = view
        self.changed("view", view)
        return view

    def change_view(self, view: View, source: Json) -> None:
        """Replace what a modal shows; inputs with the same block_id and action_id keep what was typed."""
        typed = view.values
        view.source, view.hash, view.errors = self._copied(source), self.number("h"), {}
        view.values = initial_values(view.blocks)
        for block_id, actions in view.values.items():
            for action_id, state in actions.items():
                kept = typed.get(block_id, {}).get(action_id)
                actions[action_id] = kept if kept and kept["type"] == state["type"] else state
        view.versions += 1
        self.changed("view", view)

    def publish_home(self, user: str, source: Json) -> View:
        """Put a view on a person's Home tab, in place of the one that is there."""
        view = self.homes.get(user)
        if view is not None:
            self.change_view(view, source)
            return view
        id_ = self.number("V")
        view = View(id_, user, self._copied(source), self.number("h"), id_, naming=self.naming)
        view.values = initial_values(view.blocks)
        self.views[id_] = self.homes[user] = view
        self.changed("view", view)
        return view

    def close_view(self, view: View, *, everything: bool = False) -> None:
        stack = self.stacks.get(view.user, [])
        for closing in list(stack) if everything else [view]:
            closing.open = False
            if closing in stack:
                stack.remove(closing)
        self.changed("view", view)

    def _copied(self, source: Json) -> Json:
        return {**source, "blocks": self._numbered(source["blocks"])}


def _named(found: Iterable[Any], wanted: str, what: str) -> Any:
    for thing in found:
        if wanted in (thing.id, thing.name):
            return thing
    raise ImpossibleError(f"no {what} {wanted!r} in this workspace")
