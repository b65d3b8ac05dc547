"""What people do in the workspace: the language in which scenes and the demo's page are written."""

from collections.abc import Callable, Sequence
from typing import Any

from bot.demo.impossible import ImpossibleError
from bot.demo.slack import forms, payloads, words
from bot.demo.slack.cast import HELPDESK
from bot.demo.slack.delivery import Delivered
from bot.demo.slack.exchange import Exchange
from bot.demo.slack.limits import option_problems, view_problems
from bot.demo.slack.methods import STACK_DEPTH, ApiError, check_message
from bot.demo.slack.model import BOT_USER, Channel, Shown, User, View
from bot.demo.slack.response_urls import ResponseUrls
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace

TROUBLE = "We had some trouble connecting. Try again?"
Place = Shown | View
Where = Shown | View | str | None


class Acting:
    """Typing, pressing, choosing, submitting, looking. Users and channels go by short name or by id."""

    def __init__(self, space: Workspace) -> None:
        self.space = space
        self.urls = ResponseUrls(space)
        self.commands = {"/patches"}
        self.unacked: list[str] = []
        self.last: dict[str, Exchange] = {}
        self._states: dict[tuple[Shown, str], forms.Values] = {}
        self._seen: dict[tuple[Place, str], dict[str, Json]] = {}  # what external selects have offered, by value
        space.on_change.append(self._whispered)

    async def _deliver(self, kind: str, payload: Json, *, accepts: bool, retry: Json | None = None) -> Delivered:
        raise NotImplementedError

    def _address(self, path: str) -> str:
        raise NotImplementedError

    # ---------------------------------------------------------------- acting

    async def says(self, user: str, text: str, channel: str = HELPDESK, *, thread: str | None = None) -> Exchange:
        """Type ``text`` into a channel ("@patches": the direct message with the bot), or below the message there whose
        ts is ``thread``.

        A slash command goes to the bot, and this returns once it is acked or has failed. In threads Slack takes none:
        docs.slack.dev/interactivity/implementing-slash-commands
        """
        person, where = self._person(user), self._place_to_type(user, channel)
        if thread is not None and not self._threadable(person, where, thread):
            raise ImpossibleError("this message is no longer there, or cannot have a thread")
        exchange, name = self._begin(person, text), text.partition(" ")[0]
        if not text.startswith("/"):
            exchange.answers = [self.space.post(where.id, person.id, text, thread_ts=thread)]
            return exchange
        if thread is not None:
            exchange.failure = "not_in_threads"
            self.space.tell(person.id, where.id, f"{name} is not supported in threads. Sorry!", thread)
            return exchange
        if name not in self.commands or person.stranger:
            exchange.failure = "not_a_command"
            self.space.tell(person.id, where.id, f"{name} is not a valid command.")
            return exchange
        url = self._address(self.urls.new(person.id, where.id, exchange.arrived))
        payload = payloads.command(person, where, text, url, self.space.trigger(person.id))
        await self._carry(exchange, "slash_commands", payload, accepts=True)
        if exchange.failure:
            self.space.tell(person.id, where.id, f'{name} failed with the error "{exchange.failure}"')
        elif exchange.ack:
            self._show_ack(exchange, where)
        return exchange

    async def clicks(
        self, user: str, button_text: str, in_: Where = None, *, nth: int = -1, stale: bool = False
    ) -> Exchange:
        """Press a button on this person's screen: in their open modal, else in the newest message that has it.

        ``in_``: only in this message, modal or channel. ``nth`` among all that fit, oldest first. ``stale``: also
        buttons that an edit has taken away, as on a screen that has not refreshed. ImpossibleError when there is none.
        """
        person = self._person(user)
        found = [(p, b) for p, b in self._buttons(person, in_, stale) if words.button_text(b) == button_text]
        if not found:
            there = sorted({words.button_text(b) for _, b in self._buttons(person, in_, stale)})
            raise ImpossibleError(f"{user} sees no button {button_text!r}; there are {there}\n{self.space.recent()}")
        place, button = found[nth]
        action = {name: button[name] for name in ("action_id", "block_id", "text", "value", "style") if name in button}
        return await self._act(person, place, action | {"type": "button"}, button_text)

    async def chooses(self, user: str, name: str, value: str | Sequence[str], in_: Where = None) -> Exchange:
        """Pick ``value`` (an option's text or value) in the newest select, picker or input called ``name`` (its
        action_id, block_id or label). In an input block nothing is sent to the bot unless it dispatches actions."""
        person = self._person(user)
        place, block, element = self._input(person, name, in_)
        offered = await self._offered(person, place, element, block, value)
        state = forms.chosen(element, value, offered)
        self._values(place, person).setdefault(block["block_id"], {})[element["action_id"]] = state
        if block["type"] == "input" and not block.get("dispatch_action"):
            return self._begin(person, name)
        action = state | {"action_id": element["action_id"], "block_id": block["block_id"]}
        return await self._act(person, place, action, f"{name}: {value}")

    async def suggestions(self, user: str, name: str, typed: str, in_: Where = None) -> list[str]:
        """What an external select called ``name`` offers for ``typed``, as texts."""
        person = self._person(user)
        place, block, element = self._input(person, name, in_)
        return [option["text"]["text"] for option in await self._suggested(person, place, element, block, typed)]

    async def suggests(self, user: str, place: Place, name: str, typed: str) -> list[Json]:
        """The options that an external select of ``place`` offers for ``typed``, whole; nothing is asked for less than
        its ``min_query_length`` (3 where it names none)."""
        person = self._person(user)
        block, element = forms.input_named(place.blocks, name)
        if len(typed) < element.get("min_query_length", 3):
            return []
        return await self._suggested(person, place, element, block, typed)

    async def view_of(self, user: str, timeout: float = 10, *, saying: str = "") -> View:
        """The modal on top of this person's screen, as soon as there is one (``saying``: with these words)."""
        person = self._person(user)
        view: View = await self.space.until(lambda: self._top(person, saying), timeout)
        return view

    async def submits(
        self, user: str, values: forms.Filling | None = None, timeout: float = 10
    ) -> dict[str, str] | None:
        """Fill the open modal's inputs (by label, block_id or action_id) and submit it.

        None when the bot accepted, else the errors shown, by block_id; also what Slack's client itself refuses.
        What the bot answers elsewhere is in ``slack.last[user]``.
        """
        person, view = self._person(user), await self.view_of(user, timeout)
        if "submit" not in view.source:
            raise ImpossibleError(f"the modal {view.title!r} has nothing to submit")
        for name, value in (values or {}).items():
            block, element = forms.input_named(view.blocks, name)
            offered = await self._offered(person, view, element, block, value)
            view.values.setdefault(block["block_id"], {})[element["action_id"]] = forms.chosen(element, value, offered)
        view.errors = forms.refusals(view.blocks, view.values)
        if view.errors:
            self.space.changed("view", view)
            return view.errors
        exchange = self._begin(person, f"submits {view.title}")
        payload = payloads.view_submission(person, view, self.space.trigger(person.id))
        await self._carry(exchange, "interactive", payload, accepts=True)
        view.errors = {"": TROUBLE} if exchange.failure else self._submitted(view, exchange.ack)
        self.space.changed("view", view)
        return view.errors or None

    async def closes(self, user: str, timeout: float = 10) -> None:
        """Close the modal on top; the bot hears of it when the modal says so."""
        person, view = self._person(user), await self.view_of(user, timeout)
        everything = bool(view.source.get("clear_on_close"))
        self.space.close_view(view, everything=everything)
        if view.source.get("notify_on_close"):
            exchange = self._begin(person, f"closes {view.title}")
            payload = payloads.view_closed(person, view, everything=everything)
            await self._carry(exchange, "interactive", payload, accepts=False)

    async def opens_home(self, user: str, tab: str = "home") -> Delivered:
        """Open the app's space on its Home (or "messages") tab: the app hears of it each time.

        What is then shown there: ``home_of``.
        """
        person = self._person(user)
        channel, view = self.space.direct(person.id).id, self.space.homes.get(person.id)
        return await self.event(payloads.home_opened(person, channel, tab, view, self.space.stamp()))

    async def home_of(self, user: str, timeout: float = 10, *, saying: str = "") -> View:
        """The app's Home on this person's screen, as soon as there is one (``saying``: with these words)."""
        person = self._person(user)
        view: View = await self.space.until(lambda: self._home(person, saying), timeout)
        return view

    async def redeliver(self, exchange: Exchange) -> Delivered:
        """Send once more what this exchange sent, with the same trigger_id, as after a lost ack."""
        return await self._deliver(exchange.kind, exchange.payload, accepts=exchange.accepts)

    async def event(self, inner: Json) -> Delivered:
        """Send an event (Events API). Not acked in time: sent again once, marked as a retry, as Slack does."""
        at = int(self.space.clock.now().timestamp())
        payload = payloads.event(self.space.number("Ev"), inner, at)
        outcome = await self._deliver("events_api", payload, accepts=False)
        if outcome.failure:
            self.unacked.append(f"event {inner.get('type')}: {outcome.failure}")
            retry = {"retry_attempt": 1, "retry_reason": "timeout"}
            outcome = await self._deliver("events_api", payload, accepts=False, retry=retry)
        return outcome

    # ---------------------------------------------------------------- looking

    def sees(self, user: str) -> list[Shown]:
        """Everything on this person's screen, oldest first; all of it counts as read."""
        return self.read(*self.space.visible(self._person(user).id))

    def read(self, *messages: Shown) -> list[Shown]:
        for message in messages:
            message.looked = message.versions
        return list(messages)

    def unread(self, *, edits: bool = False) -> list[Shown]:
        """The bot's messages that nobody has looked at; ``edits``: also those changed since somebody did."""
        mine = [message for message in self.space.messages if message.user == BOT_USER and not message.deleted]
        return [message for message in mine if message.unread or (edits and message.looked < message.versions)]

    async def until(self, predicate: Callable[[], Any], timeout: float = 10) -> Any:
        """The first true value of ``predicate``, which is asked again whenever anything changes here."""
        return await self.space.until(predicate, timeout)

    # ---------------------------------------------------------------- how it is done

    def _begin(self, person: User, what: str, origin: Shown | None = None) -> Exchange:
        self.last[person.name] = Exchange(self.space, person.name, what, origin)
        return self.last[person.name]

    async def _carry(self, exchange: Exchange, kind: str, payload: Json, *, accepts: bool) -> None:
        exchange.kind, exchange.payload, exchange.accepts = kind, payload, accepts
        exchange.delivered(await self._deliver(kind, payload, accepts=accepts))
        if exchange.failure:
            self.unacked.append(f"{exchange.user} · {exchange.what}: {exchange.failure}")

    async def _act(self, person: User, place: Place, action: Json, what: str) -> Exchange:
        origin = place if isinstance(place, Shown) else None
        exchange = self._begin(person, what, origin)
        url = self._address(self.urls.new(person.id, origin.channel, exchange.arrived, origin)) if origin else ""
        payload = payloads.block_actions(
            person,
            self._situated(place),
            action | {"action_ts": self.space.stamp()},
            trigger_id=self.space.trigger(person.id),
            values=self._values(place, person),
            response_url=url,
        )
        await self._carry(exchange, "interactive", payload, accepts=False)
        if exchange.failure and origin:
            self.space.tell(person.id, origin.channel, f"{what}: this app did not respond ({exchange.failure}).")
        return exchange

    def _submitted(self, view: View, answer: Json) -> dict[str, str]:
        """Do what the ack of a submission says; returns the errors to show."""
        action, told = answer.get("response_action"), answer.get("view")
        if action == "errors":
            return self._errors(view, answer.get("errors"))
        if action in ("update", "push"):
            problems = [str(problem) for problem in view_problems(told)]
            if len(self.space.stacks.get(view.user, [])) >= STACK_DEPTH and action == "push":
                problems.append("no more than three views")
            if problems:
                self.space.violated(f"view_submission answered with a view that is wrong: {problems}")
                return {"": TROUBLE}
            self.space.change_view(view, told or {}) if action == "update" else self.space.open_view(
                view.user, told or {}
            )
            return {}
        if answer and action != "clear":
            self.space.violated(f"view_submission answered with {answer}")
        self.space.close_view(view, everything=action == "clear")
        return {}

    def _errors(self, view: View, errors: Any) -> dict[str, str]:
        inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
        if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
            self.space.violated(f"response_action errors names no input block: {errors}")
            return {"": TROUBLE}
        return {str(block_id): str(sentence) for block_id, sentence in errors.items()}

    def _show_ack(self, exchange: Exchange, where: Channel) -> None:
        try:
            check_message(exchange.ack)
        except ApiError as refused:
            self.space.violated(f"ack of {exchange.what}: {refused.code} {refused.more.get('errors')}")
            return
        user = exchange.payload["user_id"]
        private = None if exchange.ack.get("response_type") == "in_channel" else user
        blocks = exchange.ack.get("blocks") or []
        exchange.arrived(self.space.post(where.id, BOT_USER, exchange.ack["text"], blocks, ephemeral_to=private))

    def _whispered(self, kind: str, thing: object) -> None:
        if kind == "whisper" and isinstance(thing, Shown):
            person = self.space.users[thing.ephemeral_to or ""]
            if person.name in self.last:
                self.last[person.name].arrived(thing)

    def _person(self, who: str) -> User:
        person = self.space.user(who)
        if person.deleted or person.bot:
            raise ImpossibleError(f"{who} cannot act: {'deactivated' if person.deleted else 'a bot'}")
        return person

    def _place_to_type(self, user: str, channel: str) -> Channel:
        person = self._person(user)
        where = self.space.direct(person.id) if channel.lstrip("@") == "patches" else self.space.channel(channel)
        if where.archived or (person.id not in where.members and (where.private or person.guest or person.stranger)):
            raise ImpossibleError(f"{user} cannot type in {where.name}")
        return where

    def _threadable(self, person: User, where: Channel, ts: str) -> bool:
        root = self.space.find(where.id, ts)
        return root is not None and self.space.sees(person.id, root) and not (root.ephemeral_to or root.thread_ts)

    def _places(self, person: User, in_: Where) -> list[Place]:
        if isinstance(in_, (Shown, View)):
            return [in_]
        messages = self.space.visible(person.id)
        if in_ is not None:
            channel = self.space.channel(in_).id
            return [message for message in messages if message.channel == channel]
        top = self._top(person, "")
        return [*messages, *([top] if top else [])]

    def _buttons(self, person: User, in_: Where, stale: bool) -> list[tuple[Place, Json]]:
        found: list[tuple[Place, Json]] = []
        for place in self._places(person, in_):
            past = [version.blocks for version in place.edits] if stale and isinstance(place, Shown) else []
            found += [(place, button) for blocks in [*past, place.blocks] for button in words.buttons(blocks)]
        return found

    def _input(self, person: User, name: str, in_: Where) -> tuple[Place, Json, Json]:
        for place in reversed(self._places(person, in_)):
            try:
                return place, *forms.input_named(place.blocks, name)
            except ImpossibleError:
                continue
        raise ImpossibleError(f"{person.name} sees no input {name!r}\n{self.space.recent()}")

    def _values(self, place: Place, person: User) -> forms.Values:
        if isinstance(place, View):
            return place.values
        return self._states.setdefault((place, person.id), forms.initial_values(place.blocks))

    def _situated(self, place: Place) -> tuple[Shown, Channel] | View:
        return place if isinstance(place, View) else (place, self.space.channels[place.channel])

    async def _offered(
        self, person: User, place: Place, element: Json, block: Json, value: str | Sequence[str]
    ) -> list[Json] | None:
        if "external" not in element["type"] or not value:
            return None
        offered: list[Json] = []
        for one in [value] if isinstance(value, str) else value:
            seen = self._seen.get((place, element["action_id"]), {})
            told = [*element.get("initial_options", []), *seen.values()]
            known = [option for option in told if one in (option["value"], option["text"]["text"])]
            offered += known or await self._suggested(person, place, element, block, one)
        return offered

    async def _suggested(self, person: User, place: Place, element: Json, block: Json, typed: str) -> list[Json]:
        named = element | {"block_id": block["block_id"]}
        payload = payloads.block_suggestion(person, self._situated(place), named, typed)
        outcome = await self._deliver("interactive", payload, accepts=True)
        if outcome.failure:
            self.unacked.append(f"{person.name} · types {typed!r}: {outcome.failure}")
            return []
        problems = option_problems(outcome.answer)
        if problems:
            self.space.violated(f"block_suggestion: {'; '.join(map(str, problems))}")
            return []
        groups = outcome.answer.get("option_groups", [])
        offered = [*outcome.answer.get("options", []), *(option for group in groups for option in group["options"])]
        self._seen.setdefault((place, element["action_id"]), {}).update({one["value"]: one for one in offered})
        return offered

    def _home(self, person: User, saying: str) -> View | None:
        view = self.space.homes.get(person.id)
        return view if view is not None and saying in view.plain else None

    def _top(self, person: User, saying: str) -> View | None:
        stack = self.space.stacks.get(person.id)
        return stack[-1] if stack and saying in stack[-1].plain else None
