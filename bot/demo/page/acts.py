"""What the person at the page does: each deed a POST with a small JSON object, done in the stand-in of Slack."""

from html import escape

from aiohttp import web

from bot.demo.impossible import ImpossibleError
from bot.demo.page.screen import ROLES
from bot.demo.page.wish import Deed, NonsenseError, Wish, route
from bot.demo.setting import Setting
from bot.demo.slack import Shown, View, words
from bot.demo.slack.shapes import Json

TABS = ("home", "messages")


class Acts:
    """Typing, pressing, choosing, submitting as one of `ROLES`."""

    def __init__(self, scene: Setting) -> None:
        self._slack = scene.world.slack

    def routes(self) -> list[web.RouteDef]:
        deeds: dict[str, Deed] = {
            "say": self._say,
            "press": self._press,
            "choose": self._choose,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "home": self._home,
        }
        return [route(name, deed) for name, deed in deeds.items()]

    async def _say(self, wish: Wish) -> Json:
        person, channel = self._person(wish), wish.text("channel", 40)
        mine = self._slack.space.direct(self._slack.space.user(person).id).id
        text, thread = wish.text("text"), wish.text("thread", 40) if wish.has("thread") else None
        typed = text if text.startswith("/") else escape(text, quote=False)  # as Slack's client sends it
        exchange = await self._slack.says(person, typed, "@patches" if channel == mine else channel, thread=thread)
        return {"failure": exchange.failure}

    async def _press(self, wish: Wish) -> Json:
        person, place = self._person(wish), self._place(wish)
        text, nth = _button(place, wish.text("block", 255), wish.text("action", 255))
        exchange = await self._slack.clicks(person, text, place, nth=nth)
        return {"failure": exchange.failure}

    async def _choose(self, wish: Wish) -> Json:
        value = wish.choice("value")
        exchange = await self._slack.chooses(self._person(wish), _part(wish), value, self._place(wish))
        return {"failure": exchange.failure}

    async def _suggest(self, wish: Wish) -> Json:
        place, typed = self._place(wish), wish.text("text", 300)
        options = await self._slack.suggests(self._person(wish), place, _part(wish), typed)
        return {"options": options}

    async def _submit(self, wish: Wish) -> Json:
        self._place(wish)
        return {"errors": await self._slack.submits(self._person(wish), wish.values(), timeout=1) or {}}

    async def _close(self, wish: Wish) -> Json:
        self._place(wish)
        await self._slack.closes(self._person(wish), timeout=1)
        return {}

    async def _home(self, wish: Wish) -> Json:
        tab = wish.text("tab", 20) if wish.has("tab") else "home"
        if tab not in TABS:
            raise NonsenseError(f"tab must be one of {', '.join(TABS)}")
        return {"failure": (await self._slack.opens_home(self._person(wish), tab)).failure}

    def _person(self, wish: Wish) -> str:
        person = self._slack.space.user(wish.text("as", 40))
        if person.name not in ROLES:
            raise ImpossibleError("nobody can act as that one here")
        return person.name

    def _place(self, wish: Wish) -> Shown | View:
        """The message, modal or Home that is acted in, as this person sees it. ImpossibleError when it is gone."""
        space, person = self._slack.space, self._slack.space.user(self._person(wish))
        if wish.has("view"):
            id_ = wish.text("view", 40)
            for shown in (*space.stacks.get(person.id, [])[-1:], space.homes.get(person.id)):
                if shown is not None and shown.id == id_:
                    return shown
            raise ImpossibleError("this form is no longer open")
        id_ = wish.text("message", 40)
        found = [shown for shown in space.visible(person.id) if shown.ts == id_]
        if not found:
            raise ImpossibleError("this message is no longer there")
        return found[0]


def _part(wish: Wish) -> str:
    """An input as the stand-in's forms name it; an action_id alone may stand in several blocks."""
    action = wish.text("action", 255)
    return f"{wish.text('block', 255)}/{action}" if wish.has("block") else action


def _button(place: Shown | View, block: str, action: str) -> tuple[str, int]:
    """The text of a button, and which one it is among those of the same text. ImpossibleError when it is gone."""
    buttons = words.buttons(place.blocks)
    for button in buttons:
        if (button["block_id"], button["action_id"]) == (block, action):
            text = words.button_text(button)
            return text, [other for other in buttons if words.button_text(other) == text].index(button)
    raise ImpossibleError("this button is no longer there")
