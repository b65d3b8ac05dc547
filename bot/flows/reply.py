"""One private answer to one interaction: a first sign when it takes long, then the answer, in the same place.

The answer asks Slack to replace the sign. Whether that works for a slash command differs between reports, so a sign is
worded such that it may stay above the answer.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.errors import UpstreamError
from bot.messenger import Messenger
from bot.model import Message, Posted

log = structlog.get_logger()

FIRST_SIGN = 1.0  # seconds

Progress = Callable[[str], Awaitable[None]]
"""Tells the person what is being waited for; shown only when it takes long."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an interaction came from. ``response_url`` is a credential that lives in memory only, hidden from repr.

    ``delivery``: what two deliveries of one interaction share.
    ``typed``: a slash command, whose answers may replace each other. ``private``: what was clicked is seen by this
    person alone; only then an answer may replace it: in a channel it would replace the card that everybody sees.
    ``home``: on the app's Home, where nothing can be answered: ``channel`` is the person, who hears it directly.
    """

    user: str
    channel: str
    response_url: str = ""
    delivery: str = ""
    typed: bool = False
    private: bool = False
    home: bool = False

    def __repr__(self) -> str:
        return f"Place(user={self.user!r}, channel={self.channel!r})"


class Reply:
    """Use as a context manager around the work; ``final`` at most once."""

    def __init__(self, messenger: Messenger, place: Place) -> None:
        self._messenger, self.place = messenger, place
        self._sign = "⏳ Working on it…"
        self._shown = self._opened = False
        self._timer: asyncio.Task[None] | None = None
        self._direct: Posted | None = None

    async def __aenter__(self) -> "Reply":
        self._timer = asyncio.create_task(self._first_sign())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_timer()

    async def progress(self, sentence: str) -> None:
        """What is being waited for; shown only when the answer takes longer than a second."""
        self._sign = sentence

    async def opened(self) -> None:
        """A modal stands on the person's screen: that is sign enough."""
        self._opened = True
        await self._stop_timer()

    async def final(self, message: Message | None, *, replace: bool = False) -> None:
        """The answer. None: what was clicked shows it, so nothing is said unless a sign was shown.

        ``replace``: it takes the place of the private message that was clicked (a list that is paged).
        """
        await self._stop_timer()
        if message is None and (self._opened or not self._shown):
            return
        replaces = self._shown if self.place.typed else replace and self.place.private
        await self._say(message or Message("Done."), replace=replaces)

    async def _first_sign(self) -> None:
        await asyncio.sleep(FIRST_SIGN)
        self._shown = True
        await self._say(Message(self._sign), replace=False)

    async def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is None:
            return
        if not self._shown:
            timer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await timer

    async def _say(self, message: Message, *, replace: bool) -> None:
        try:
            if self.place.response_url:
                await self._messenger.respond(self.place.response_url, message, replace=replace)
                return
        except UpstreamError as error:
            log.info("reply.other_way", reference=error.reference)
        try:
            if self.place.home:
                await self._tell(message)
            else:
                await self._messenger.whisper(self.place.channel, self.place.user, message)
        except UpstreamError as error:
            log.warning("reply.lost", user=self.place.user, reference=error.reference)

    async def _tell(self, message: Message) -> None:
        """Directly; the answer takes the place of the sign, so that a press rings once."""
        if self._direct is None:
            self._direct = await self._messenger.post(self.place.user, message)
        else:
            await self._messenger.update(self._direct, message)
