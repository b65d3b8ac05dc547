"""What leaves for Slack: post, update, whisper, respond, modals.

Messages to one channel keep Slack's pace of about one a second. Every failure is an ``UpstreamError`` whose ``sent``
is None when the message may have been posted; deciding whether to post again is the caller's business.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import Kind, UpstreamError
from bot.model import Message, Posted
from bot.web_api import call, failed


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two messages to one channel, and for one call to Slack at most."""

    per_channel: float = 1.0
    timeout: float = 10.0


class Messenger:
    """Posts for the bot. One instance a process; calls may overlap, messages to one channel keep their pace."""

    def __init__(self, client: AsyncWebClient, session: aiohttp.ClientSession, pace: Pace) -> None:
        self._client, self._session, self._pace = client, session, pace
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._last: dict[str, float] = {}

    async def post(self, channel: str, message: Message, *, thread_ts: str | None = None) -> Posted:
        """A new message to a channel, or to a person (user id: a direct message from the app).

        BROKEN when Slack does not tell which message it has become: nobody could change it later.
        """
        await self._turn(channel)
        pending = self._client.chat_postMessage(
            channel=channel,
            text=message.text,
            blocks=list(message.blocks) or None,
            thread_ts=thread_ts,
            unfurl_links=False,
            unfurl_media=False,
        )
        answer = await self._call("chat.postMessage", pending)
        ts = answer.get("ts")
        if not isinstance(ts, str):
            raise failed("chat.postMessage", Kind.BROKEN, sent=None)
        return Posted(str(answer.get("channel") or channel), ts)

    async def update(self, where: Posted, message: Message) -> None:
        pending = self._client.chat_update(
            channel=where.channel, ts=where.ts, text=message.text, blocks=list(message.blocks)
        )
        await self._call("chat.update", pending)

    async def whisper(self, channel: str, user: str, message: Message) -> None:
        """A message that only ``user`` sees in ``channel``; where that cannot be, a direct message instead."""
        pending = self._client.chat_postEphemeral(
            channel=channel, user=user, text=message.text, blocks=list(message.blocks) or None
        )
        try:
            await self._call("chat.postEphemeral", pending)
        except UpstreamError as error:
            if error.kind is not Kind.REFUSED:
                raise
            await self.post(user, message)

    async def respond(self, response_url: str, message: Message, *, replace: bool) -> None:
        """An ephemeral answer through an interaction's response_url (5 uses within 30 minutes). The url is a
        credential: it stays out of every error and log line."""
        body: dict[str, Any] = {"response_type": "ephemeral", "replace_original": replace, "text": message.text}
        if message.blocks:
            body["blocks"] = list(message.blocks)
        try:
            timeout = aiohttp.ClientTimeout(total=self._pace.timeout)
            async with self._session.post(
                response_url, json=body, timeout=timeout, allow_redirects=False, proxy=self._client.proxy
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            raise failed("response_url", Kind.CUT, sent=None) from None
        if status != 200:
            raise failed("response_url", Kind.THROTTLED if status == 429 else Kind.REFUSED, sent=True)

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Opens a modal (within 3 seconds of the click) and returns its view id."""
        pending = self._client.views_open(trigger_id=trigger_id, view=dict(view))
        answer = await self._call("views.open", pending)
        opened = answer.get("view")
        return str(opened.get("id") or "") if isinstance(opened, dict) else ""

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        await self._call("views.update", self._client.views_update(view_id=view_id, view=dict(view)))

    async def permalink(self, where: Posted) -> str:
        """The address of a message; empty when Slack does not tell."""
        pending = self._client.chat_getPermalink(channel=where.channel, message_ts=where.ts)
        try:
            answer = await self._call("chat.getPermalink", pending)
        except UpstreamError:
            return ""
        return str(answer.get("permalink") or "")

    async def _call(self, method: str, pending: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        return await call(method, pending, total=self._pace.timeout)

    async def _turn(self, channel: str) -> None:
        async with self._turns[channel]:
            wait = self._last.get(channel, float("-inf")) + self._pace.per_channel - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._last[channel] = time.monotonic()
