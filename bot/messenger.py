"""What leaves for Slack: post, update, whisper, respond, modals, files.

Messages to one channel keep Slack's pace of about one a second. Every failure is an ``UpstreamError`` whose ``sent``
is None when the message may have been posted; deciding whether to post again is the caller's business.
"""

import asyncio
import contextlib
import io
import time
from collections import defaultdict
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import Kind, UpstreamError
from bot.model import File, Message, Posted
from bot.web_api import call, failed

_LOST = Message("⚠️ The file that belongs here could not be sent.")
_KINDS = {413: Kind.TOO_LARGE, 429: Kind.THROTTLED}  # of an upload, by status


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two messages to one channel, for one call to Slack at most, and for the bytes of one file."""

    per_channel: float = 1.0
    timeout: float = 10.0
    upload: float = 60.0


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
        if channel == user:
            await self.post(user, message)
            return
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

    async def publish(self, user: str, view: Mapping[str, Any]) -> None:
        """What the app's Home shows to this person from now on."""
        await self._call("views.publish", self._client.views_publish(user_id=user, view=dict(view)))

    async def permalink(self, where: Posted) -> str:
        """The address of a message; empty when Slack does not tell."""
        pending = self._client.chat_getPermalink(channel=where.channel, message_ts=where.ts)
        try:
            answer = await self._call("chat.getPermalink", pending)
        except UpstreamError:
            return ""
        return str(answer.get("permalink") or "")

    async def newest(self, channel: str) -> str:
        """The ts of the newest message in a channel, replies in threads left out; empty when there is none.

        Needs a scope that the manifest does not ask for (``manifest.WIDER``): FORBIDDEN without it.
        https://docs.slack.dev/reference/methods/conversations.history
        """
        pending = self._client.conversations_history(channel=channel, limit=1)
        found = (await self._call("conversations.history", pending)).get("messages")
        newest = found[0] if isinstance(found, list) and found else {}
        return str(newest.get("ts") or "") if isinstance(newest, dict) else ""

    # ---------------------------------------------------------------- files

    async def upload(self, channel: str, file: File, *, thread_ts: str | None = None) -> None:
        """Shows a file in a channel (its id; a person's is no place for files: ``hand`` it), or in a thread there.

        Slack handles it later: there is no telling which message it becomes.
        https://docs.slack.dev/messaging/working-with-files
        """
        file_id = await self._stow(file)
        await self._share(file_id, file, channel, thread_ts)

    async def hand(self, person: str, message: Message, file: File) -> None:
        """Sends a person a direct message and a file with it. Like ``upload``, it needs the scope files:write.

        Nothing is said before Slack has the file. When it cannot be shown then, the message says so.
        """
        file_id = await self._stow(file)
        where = await self.post(person, message)
        try:
            await self._share(file_id, file, where.channel, None)
        except UpstreamError:
            with contextlib.suppress(UpstreamError):
                await self.update(where, _LOST)
            raise

    async def _stow(self, file: File) -> str:
        """Brings the bytes to Slack, where nobody sees them yet; the file's id."""
        pending = self._client.files_getUploadURLExternal(
            filename=file.name, length=len(file.content), alt_txt=file.alt or None
        )
        answer = await self._call("files.getUploadURLExternal", pending)
        file_id, address = answer.get("file_id"), answer.get("upload_url")
        if not isinstance(file_id, str) or not isinstance(address, str):
            raise failed("files.getUploadURLExternal", Kind.BROKEN, sent=True)
        await self._put(address, file.content)
        return file_id

    async def _share(self, file_id: str, file: File, channel: str, thread_ts: str | None) -> None:
        await self._turn(channel)
        told: list[dict[str, str | None]] = [{"id": file_id, "title": file.title}]
        done = self._client.files_completeUploadExternal(files=told, channel_id=channel, thread_ts=thread_ts)
        await self._call("files.completeUploadExternal", done)

    async def _put(self, address: str, content: bytes) -> None:
        """``address`` is a credential: who has it may upload. It stays out of every error and log line."""
        timeout = aiohttp.ClientTimeout(total=self._pace.upload)
        try:
            async with self._session.post(
                address, data=io.BytesIO(content), timeout=timeout, allow_redirects=False, proxy=self._client.proxy
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
            raise failed("upload_url", Kind.CUT, sent=None) from None
        if status != 200:
            raise failed("upload_url", _KINDS.get(status, Kind.DOWN if status >= 500 else Kind.REFUSED), sent=True)

    async def _call(self, method: str, pending: Awaitable[AsyncSlackResponse]) -> AsyncSlackResponse:
        return await call(method, pending, total=self._pace.timeout)

    async def _turn(self, channel: str) -> None:
        async with self._turns[channel]:
            wait = self._last.get(channel, float("-inf")) + self._pace.per_channel - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            self._last[channel] = time.monotonic()
