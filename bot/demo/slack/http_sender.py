"""HTTP mode: payloads POSTed and signed as Slack does it; the answer to the POST is the ack.

Source: docs.slack.dev/authentication/verifying-requests-from-slack and docs.slack.dev/apis/events-api.
"""

import asyncio
import hashlib
import hmac
import json
import time
import uuid
from urllib.parse import urlencode

import aiohttp

from bot.demo.slack.delivery import NOBODY, TIMEOUT, WRONG_STATUS, Delivered, Errand
from bot.demo.slack.model import Envelope
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace

FORM, JSON = "application/x-www-form-urlencoded", "application/json"


def signature(secret: str, timestamp: int, body: str) -> str:
    """The value of X-Slack-Signature."""
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:{body}".encode(), hashlib.sha256).hexdigest()


def encoded(kind: str, payload: Json) -> tuple[str, str]:
    """(body, content type): a command's fields as a form, an interaction as one field of a form, an event as JSON."""
    if kind == "slash_commands":
        return urlencode(payload), FORM
    if kind == "events_api":
        return json.dumps(payload), JSON
    return urlencode({"payload": json.dumps(payload)}), FORM


class Sender:
    """Posts to ``url``; signs with ``secret`` and the machine's real time, which is what the receiver compares."""

    def __init__(self, space: Workspace, secret: str) -> None:
        self._space = space
        self.secret = secret
        self._session: aiohttp.ClientSession | None = None

    async def deliver(self, url: str, errand: Errand) -> Delivered:
        """POST and wait for a 200; a redelivery goes out at the same time, and the first post's answer counts."""
        posts = [self._post(url, errand) for _ in range(1 + errand.twice)]
        return (await asyncio.gather(*posts))[0]

    async def _post(self, url: str, errand: Errand) -> Delivered:
        envelope = Envelope(str(uuid.uuid4()), errand.kind, errand.payload, self._space.clock.now())
        self._space.envelopes.append(envelope)
        self._space.changed("envelope", envelope)
        body, content_type = encoded(errand.kind, errand.payload)
        started = time.monotonic()
        try:
            async with asyncio.timeout(errand.patience):
                status, answer = await self._send(url, body, self._headers(body, content_type, errand.retry))
        except TimeoutError:
            return Delivered(TIMEOUT, seconds=errand.patience)
        except (aiohttp.ClientError, OSError):
            return Delivered(NOBODY)
        if status != 200:
            return Delivered(f"{WRONG_STATUS} ({status})")
        envelope.acked = answer
        if answer and not errand.accepts:
            self._space.violated(f"{errand.kind} accepts no payload with its ack: {answer}")
        self._space.changed("envelope", envelope)
        return Delivered(answer=answer, seconds=time.monotonic() - started)

    async def _send(self, url: str, body: str, headers: dict[str, str]) -> tuple[int, Json]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as response:
            text = await response.text()
            if response.content_type == JSON and text:
                return response.status, json.loads(text)
            return response.status, {"text": text} if text else {}

    def _headers(self, body: str, content_type: str, retry: Json) -> dict[str, str]:
        now = int(time.time())
        headers = {"Content-Type": content_type, "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)"}
        headers |= {"X-Slack-Request-Timestamp": str(now), "X-Slack-Signature": signature(self.secret, now, body)}
        if retry:
            headers |= {"X-Slack-Retry-Num": str(retry["retry_attempt"]), "X-Slack-Retry-Reason": retry["retry_reason"]}
        return headers

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
