"""The Web API and the response_urls over HTTP: who may call, what arrived, what is answered.

docs.slack.dev/apis/web-api: token in the Authorization header, arguments as form, query or JSON, ``ok`` in answers.
"""

import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from bot.demo.serving import Reply
from bot.demo.slack.files import Files
from bot.demo.slack.methods import METHODS, ApiError, Method, needed_scope
from bot.demo.slack.model import APP, Call
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace

SCOPES = ("commands", "chat:write", "users:read", "usergroups:read", "channels:read", "groups:read", "files:write")
APP_SCOPES = ("connections:write",)
_OBJECTS = frozenset({"blocks", "files", "view", "metadata"})  # in a form they come as JSON text
BURST = 4  # messages to one channel that Slack lets pass at once before it asks for one a second


class Tokens:
    """The app's two tokens and what they may do."""

    def __init__(self) -> None:
        # Put together here so that no secret scanner takes the demo's tokens for real ones.
        self.bot = "xoxb-" + "0-demo-bot-token"
        self.app = "xapp-" + "1-A0PATCHES-0-demo-app-token"
        self.scopes = set(SCOPES)
        self.app_scopes = set(APP_SCOPES)
        self.revoked: set[str] = set()  # scopes that a test took away: missing them is not the bot's mistake

    def granted(self, token: str) -> set[str]:
        return self.app_scopes if token == self.app else self.scopes


class Pace:
    """Rate limits on real time, only when ``on``. Source: docs.slack.dev/apis/web-api/rate-limits."""

    def __init__(self) -> None:
        self.on = False
        self.throttled = 0
        self._tokens: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (float("inf"), 0.0))

    def wait(self, key: str, per_second: float, burst: float) -> int:
        """0 when the call may pass, else the seconds for Retry-After."""
        if not self.on:
            return 0
        left, at = self._tokens[key]
        now = time.monotonic()
        left = min(burst, left + (now - at) * per_second)
        self._tokens[key] = (left - 1 if left >= 1 else left, now)
        self.throttled += left < 1
        return 0 if left >= 1 else max(1, round((1 - left) / per_second))


class Api:
    """Turns requests into calls of `METHODS` and records each in ``space.calls``."""

    def __init__(self, space: Workspace, tokens: Tokens, files: Files, socket_address: Callable[[], str]) -> None:
        self.space, self.tokens, self.files, self.pace = space, tokens, files, Pace()
        self._socket_address = socket_address

    async def call(self, request: web.BaseRequest, name: str) -> Reply:
        """One Web API call as an HTTP reply; every refusal that the bot could have known of is a violation."""
        args: Json = {}
        token = ""
        try:
            args, token = await _arguments(request)
            answer = {"ok": True, **self._answer(name, args, token, is_json=_is_json(request))}
        except ApiError as refused:
            answer = {"ok": False, "error": refused.code, **refused.more}
            self.note(name, refused)
        return self.reply(name, args, token, answer)

    def note(self, name: str, refused: ApiError) -> None:
        details = "; ".join(refused.more.get("errors", [])) or refused.more.get("needed", "")
        line = f"{name}: {refused.code} {details}".strip()
        (self.space.violated if refused.broken else self.space.refused)(line)

    def reply(self, name: str, args: Json, token: str, answer: Json) -> Reply:
        self.space.calls.append(Call(name, args, self.space.clock.now(), answer))
        self.space.changed("call", self.space.calls[-1])
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if name in METHODS:
            headers["x-oauth-scopes"] = ",".join(sorted(self.tokens.granted(token)))
            headers["x-accepted-oauth-scopes"] = METHODS[name].scope
        if answer.get("error") == "ratelimited":
            headers["Retry-After"] = str(answer.pop("retry_after"))
        status = 429 if answer.get("error") == "ratelimited" else 200
        return Reply(status, json.dumps(answer).encode(), headers)

    def _answer(self, name: str, args: Json, token: str, *, is_json: bool) -> Json:
        method = METHODS.get(name)
        if method is None:
            raise ApiError("unknown_method", broken=True, req_method=name)
        self._check_token(name, method, token, args)
        if is_json and not method.json:
            raise ApiError("invalid_arguments", broken=True, errors=["this method reads no JSON body"])
        _check_names(method, args)
        self._check_pace(name, method, args)
        if name == "apps.connections.open":
            return {"url": self._socket_address()}
        if name == "files.getUploadURLExternal":
            return self.files.announced(args)
        if name == "auth.test" and token == self.tokens.app:
            return {"app_name": "Patches", "app_id": APP}
        return method.act(self.space, args)

    def _check_token(self, name: str, method: Method, token: str, args: Json) -> None:
        if not token:
            raise ApiError("not_authed", broken=True)
        if token not in (self.tokens.bot, self.tokens.app):
            raise ApiError("invalid_auth")
        if not token.startswith(method.token):
            raise ApiError("not_allowed_token_type", broken=True)
        granted, needed = self.tokens.granted(token), needed_scope(self.space, name, args)
        if needed and needed not in granted:
            provided = ",".join(sorted(granted))
            raise ApiError("missing_scope", broken=needed not in self.tokens.revoked, needed=needed, provided=provided)

    def _check_pace(self, name: str, method: Method, args: Json) -> None:
        wait = self.pace.wait(name, method.per_minute / 60, method.per_minute)
        if name == "chat.postMessage":
            wait = wait or self.pace.wait(f"channel {args['channel']}", 1.0, BURST)
        if wait:
            raise ApiError("ratelimited", retry_after=wait)


def _check_names(method: Method, args: Json) -> None:
    # Bolt's clients add the workspace's id to every call; Slack takes no notice of it where it means nothing.
    unknown = sorted(args.keys() - method.required - method.optional - {"team_id"})
    missing = sorted(method.required - args.keys())
    wrong = sorted(name for name in args.keys() - _OBJECTS if not isinstance(args[name], (str, bool)))
    errors = [f"unknown argument: {name}" for name in unknown] + [f"missing required field: {name}" for name in missing]
    errors += [f"must be a string: {name}" for name in wrong]
    if errors:
        metadata = {"messages": [f"[ERROR] {error}" for error in errors]}
        raise ApiError("invalid_arguments", broken=True, errors=errors, response_metadata=metadata)


def _is_json(request: web.BaseRequest) -> bool:
    return request.content_type == "application/json"


async def _arguments(request: web.BaseRequest) -> tuple[Json, str]:
    """Arguments without the token, and the token. A token in the URL would end up in logs: refused."""
    args: Json = dict(request.query)
    if "token" in args:
        raise ApiError("invalid_auth", broken=True, errors=["a token in the query"])
    body = (await request.read()).decode()
    if _is_json(request):
        args |= _loaded(body, dict)
    elif body:
        args |= dict(parse_qsl(body, keep_blank_values=True))
    for name in _OBJECTS:
        if isinstance(args.get(name), str):
            args[name] = _loaded(args[name], (dict, list))
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return args, args.pop("token", "") or (token if scheme == "Bearer" else "")


def _loaded(text: str, kinds: Any) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        raise ApiError("invalid_json", broken=True) from None
    if not isinstance(value, kinds):
        raise ApiError("json_not_object", broken=True)
    return value
