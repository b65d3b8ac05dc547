"""What one person did, and all that came back to them for it."""

from typing import Any

from bot.demo.slack.delivery import Delivered
from bot.demo.slack.model import Shown
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace


class Exchange:
    """A command typed, a button pressed, a form sent.

    ``answers``: private messages to that person and whatever came through the response_url, in order; a replaced
    message moves to the end. ``failure``: empty, or why Slack could not deliver it. ``seconds``: until the ack.
    """

    def __init__(self, space: Workspace, user: str, what: str, origin: Shown | None = None) -> None:
        self._space, self.user, self.what, self.origin = space, user, what, origin
        self.answers: list[Shown] = []
        self.payload: Json = {}
        self.kind, self.accepts = "", False
        self.ack: Json = {}
        self.failure = ""
        self.seconds = 0.0
        self._versions = origin.versions if origin else 0
        self._arrived = self._looked = 0

    def arrived(self, message: Shown) -> None:
        """A message came, or one that came before was replaced."""
        if message in self.answers:
            self.answers.remove(message)
        self.answers.append(message)
        self._arrived += 1
        self._space.changed("message", message)

    def delivered(self, outcome: Delivered) -> None:
        self.ack, self.failure, self.seconds = outcome.answer, outcome.failure, outcome.seconds

    async def answer(self, timeout: float = 10, *, saying: str = "") -> Shown:
        """The newest answer as soon as there is one that was not returned before; ``saying``: that holds these words.

        Marks it as read. AssertionError when Slack could not deliver, or nothing comes within ``timeout`` seconds.
        """
        if self.failure and not self.answers:
            raise AssertionError(f"{self.user} · {self.what}: {self.failure}")
        found: Shown = await self._space.until(lambda: self._match(saying), timeout)
        self._looked = self._arrived
        for message in self.answers:
            message.looked = message.versions
        return found

    def _match(self, saying: str) -> Shown | None:
        if not saying:
            return self.answers[-1] if self._arrived > self._looked else None
        return next((message for message in reversed(self.answers) if saying in message.plain), None)

    async def changes(self, timeout: float = 10) -> Shown:
        """The message whose button was pressed, as soon as it differs from what it was then. Marks it as read."""
        origin = self.origin
        if origin is None:
            raise ValueError(f"{self.what} was not pressed in a message")
        await self._space.until(lambda: origin.versions > self._versions or origin.deleted, timeout)
        origin.looked = origin.versions
        return origin

    def __repr__(self) -> str:
        said: list[Any] = [answer.plain for answer in self.answers]
        return f"<{self.user} · {self.what} → {self.failure or said}>"
