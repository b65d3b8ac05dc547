"""The response_url of a command or interaction: five messages within 30 minutes, no token, only to whoever acted.

Source: docs.slack.dev/interactivity/handling-user-interaction (message responses).
"""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.demo.serving import Reply
from bot.demo.slack.methods import ApiError, check_message
from bot.demo.slack.model import BOT_USER, Call, Shown
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace

USES, LIFE = 5, 1800  # seconds
_FIELDS = frozenset(
    {"text", "blocks", "response_type", "replace_original", "delete_original", "thread_ts", "unfurl_links"}
    | {"unfurl_media", "metadata"}
)
Arrived = Callable[[Shown], None]


@dataclass
class ResponseUrl:
    """``original``: the message whose button was pressed; None for a command, which has none."""

    user: str
    channel: str
    born: datetime
    arrived: Arrived
    original: Shown | None = None
    uses: int = 0


class ResponseUrls:
    """All response_urls ever given out."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._known: dict[str, ResponseUrl] = {}
        self.commands_replace = False
        """Whether ``replace_original`` on a *command's* response_url replaces what it posted before. Slack posts
        another message instead (slackapi/bolt-python#1268, slackapi/bolt-js#2287)."""

    def new(self, user: str, channel: str, arrived: Arrived, original: Shown | None = None) -> str:
        """A path that accepts messages from now on; ``arrived`` hears of each message that came through it."""
        path = f"/respond/T0ACME/{secrets.token_hex(6)}/{secrets.token_urlsafe(18)}"
        self._known[path] = ResponseUrl(user, channel, self._space.clock.now(), arrived, original)
        return path

    def post(self, path: str, body: bytes) -> Reply:
        """What an HTTP POST to ``path`` does. Answers 200 ``ok``, or 4xx with Slack's error."""
        args: Json = {}
        try:
            args = _message(body)
            self._apply(self._usable(path), args)
        except ApiError as refused:
            self._note(args, refused.code)
            details = "; ".join(refused.more.get("errors", []))
            self._space.violated(f"response_url: {refused.code} {details}".strip())
            status = 404 if refused.code in ("used_url", "expired_url", "no_service") else 400
            answer = json.dumps({"ok": False, "error": refused.code}).encode()
            return Reply(status, answer, {"Content-Type": "application/json; charset=utf-8"})
        self._note(args, "")
        return Reply(200, b"ok", {"Content-Type": "text/html"})

    def replaces(self, path: str) -> bool:
        """Whether there is a message that ``replace_original`` would replace: a command has none."""
        url = self._known.get(path)
        return url is not None and url.original is not None and not url.original.deleted

    def _usable(self, path: str) -> ResponseUrl:
        url = self._known.get(path)
        if url is None:
            raise ApiError("no_service", broken=True)
        if self._space.clock.now() - url.born > self._space.clock.real(LIFE):
            raise ApiError("expired_url", broken=True)
        if url.uses >= USES:
            raise ApiError("used_url", broken=True)
        url.uses += 1
        return url

    def _apply(self, url: ResponseUrl, args: Json) -> None:
        original = url.original if url.original and not url.original.deleted else None
        if args.get("delete_original"):
            if original:
                self._space.delete(original)
            return
        check_message(args)
        if args.get("replace_original") and original:
            self._space.edit(original, args["text"], args.get("blocks") or [])
            url.arrived(original)
        else:
            self._show(url, args)

    def _show(self, url: ResponseUrl, args: Json) -> None:
        private = args.get("response_type", "ephemeral") != "in_channel"
        shown = self._space.post(
            url.channel,
            BOT_USER,
            args["text"],
            args.get("blocks") or [],
            thread_ts=args.get("thread_ts"),
            ephemeral_to=url.user if private else None,
        )
        if self.commands_replace and url.original is None:
            url.original = shown
        url.arrived(shown)

    def _note(self, args: Json, error: str) -> None:
        answer = {"ok": False, "error": error} if error else {"ok": True}
        self._space.calls.append(Call("response_url", args, self._space.clock.now(), answer))
        self._space.changed("call", self._space.calls[-1])


def _message(body: bytes) -> Json:
    try:
        args = json.loads(body)
    except ValueError:
        raise ApiError("invalid_payload", broken=True) from None
    if not isinstance(args, dict):
        raise ApiError("invalid_payload", broken=True)
    unknown = sorted(args.keys() - _FIELDS)
    wrong = [f"unknown field: {name}" for name in unknown]
    wrong += [
        f"{name} must be a boolean" for name in ("replace_original", "delete_original") if not _flag(args.get(name))
    ]
    if args.get("response_type", "ephemeral") not in ("ephemeral", "in_channel"):
        wrong.append("response_type must be ephemeral or in_channel")
    if wrong:
        raise ApiError("invalid_payload", broken=True, errors=wrong)
    return args


def _flag(value: object) -> bool:
    return value is None or isinstance(value, bool)
