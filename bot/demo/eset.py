"""Stand-in of ESET Connect: the token service, the lists of application patching details, and devices by uuid.

Three servers, as ESET has three hosts, so that a client that mixes them up is found out. It keeps the 202 protocol,
token lifetimes on the shared clock and the limit of 10 calls per second (that one in real time). What ESET's pages do
not allow is refused *and* noted in `Eset.violations`. Source: the vendor's page, and ESET's pages "How the API works",
"Authentication" and "Rate limits".
"""

import json
import re
import secrets
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qsl, quote, quote_plus

import msgspec
from aiohttp import web

from bot.demo import eset_devices
from bot.demo.clock import Clock
from bot.demo.eset_devices import DETAILS_PATH, DEVICES_PATH, RefusedError
from bot.demo.faults import Fault, Faults, Plan
from bot.demo.fleet import Fleet
from bot.demo.serving import Call, Calls, Reply, Server, Violations, deliver

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
RECENT_PATH = "/v1/application-patching-processes/recent/details"
PLACES = {RECENT_PATH: "recent", DETAILS_PATH: "details", DEVICES_PATH: "devices"}
GRANTS = {"password": ["grant_type", "password", "username"], "refresh_token": ["grant_type", "refresh_token"]}
CALLS_PER_SECOND = 10
GIVEN_UP_AFTER = 120  # seconds until a query that is still cooking is answered 504
KEPT_FOR = 600  # seconds until a result that nobody fetched is dropped
BEARER = re.compile(r"Bearer (\S+)")
JSON = {"Content-Type": "application/json"}
PASSWORD = "Schlüssel & Söhne=100% +1"  # noqa: S105 - a stand-in's, with all that a form must quote

Work = Callable[[], Reply]


@dataclass
class _Cached:
    """A query that took too long: so many more answers are 202, then ``reply`` is handed out once, to ``question``."""

    question: str
    since: datetime
    polls: int
    reply: Reply


class Eset:
    """``faults`` are queued for "token", "recent", "details" and "devices" (a new query) and "poll" (any with a
    response-id). A fault waits for a call that would have been answered well: a refused one does not use it up.

    ``details_allowed`` and ``devices_allowed``: whether the API user may read attempts with their devices, and devices.
    ``removed``: uuids of devices that ESET has known and knows no more.
    """

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        *,
        username: str = "patches-bot@contoso.example",
        password: str = PASSWORD,
        expires_in: int = 3600,
        calls_per_second: int = CALLS_PER_SECOND,
    ) -> None:
        self.fleet, self.clock = fleet, clock
        self.username, self.password, self.expires_in = username, password, expires_in
        self.calls_per_second = calls_per_second
        self.faults = Faults("token", "recent", "details", "devices", "poll")
        self.details_allowed = self.devices_allowed = True
        self.removed: set[str] = set()
        self.calls = Calls()
        self.violations = Violations()
        self.throttled = 0
        self.renews_response_ids = False
        self.issued: list[str] = []
        self._access: dict[str, datetime] = {}
        self._refresh: set[str] = set()
        self._cached: dict[str, _Cached] = {}
        self._lately: deque[float] = deque()
        note = self.violations.note
        self._auth = Server(self._handle_auth, note)
        self._patch = Server(lambda request: self._handle_data(request, (RECENT_PATH, DETAILS_PATH)), note)
        self._device = Server(lambda request: self._handle_data(request, (DEVICES_PATH,)), note)
        self.watchers = [server.watchers for server in (self._auth, self._patch, self._device)]

    @property
    def auth_url(self) -> str:
        return self._auth.url

    @property
    def patch_url(self) -> str:
        return self._patch.url

    @property
    def device_url(self) -> str:
        return self._device.url

    async def start(self) -> None:
        for server in (self._auth, self._patch, self._device):
            await server.start()

    async def stop(self) -> None:
        """ESET is down: connections are refused until `start`, which takes the same ports again."""
        for server in (self._auth, self._patch, self._device):
            await server.stop()

    def secrets(self) -> list[str]:
        """The password, as it is and as a form or URL quotes it, and every token ever issued."""
        return [self.password, quote(self.password), quote_plus(self.password), *self.issued]

    def expire_access_tokens(self) -> None:
        """Every access token so far is answered 401 from now on."""
        self._access.clear()

    def kill_refresh_tokens(self) -> None:
        """Every refresh token so far is answered 400 invalid_grant from now on."""
        self._refresh.clear()

    # ---------------------------------------------------------------- the token service

    async def _handle_auth(self, request: web.BaseRequest) -> web.StreamResponse:
        form = parse_qsl((await request.read()).decode("utf-8", errors="replace"), keep_blank_values=True)
        fields = dict(form)
        self.calls.arrived(Call("token", {"grant_type": fields.get("grant_type", "")}, self.clock.now()))
        refusal = self._crowd() or self._malformed_login(request, form)
        if refusal is not None:
            return _identified(refusal).response()
        plan = self.faults.take("token")
        return await self._deliver(request, plan, "token", lambda: self._grant(fields), self._auth)

    def _malformed_login(self, request: web.BaseRequest, form: list[tuple[str, str]]) -> Reply | None:
        if request.rel_url.raw_path != TOKEN_PATH:
            return self._violated(404, f"no such path on the token host: {request.rel_url.raw_path}")
        if request.method != "POST":
            return self._violated(405, f"{request.method} {TOKEN_PATH}")
        if request.rel_url.raw_query_string:
            return self._violated(400, "the token call takes no query")
        if request.content_type != "application/x-www-form-urlencoded":
            return self._violated(415, f"the token call is a form, not {request.content_type}")
        names = sorted(name for name, _ in form)
        if names != GRANTS.get(dict(form).get("grant_type", "")):
            refusal = self._violated(400, f"fields of the token call: {', '.join(names)}")
            return replace(refusal, body=b'{"error":"invalid_request"}', headers=JSON)
        return None

    def _grant(self, fields: dict[str, str]) -> Reply:
        if fields["grant_type"] == "password":
            known = (fields["username"], fields["password"]) == (self.username, self.password)
        else:
            known = fields["refresh_token"] in self._refresh
            self._refresh.discard(fields["refresh_token"])
        if not known:
            return Reply(400, b'{"error":"invalid_grant","error_description":"The grant is not valid."}', JSON)
        access, refresh = _new_token("at"), _new_token("rt")
        self._access[access] = self.clock.now() + self.clock.real(self.expires_in)
        self._refresh.add(refresh)
        self.issued += [access, refresh]
        body = {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expires_in": self.expires_in}
        return Reply(200, json.dumps(body).encode(), JSON)

    # ---------------------------------------------------------------- patch management and device management

    async def _handle_data(self, request: web.BaseRequest, paths: tuple[str, ...]) -> web.StreamResponse:
        response_id = request.headers.get("response-id")
        path, query = request.rel_url.raw_path, parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)
        place = PLACES.get(path, "recent") if response_id is None else "poll"
        self.calls.arrived(Call(place, _params(query, response_id), self.clock.now()))
        refusal = self._crowd() or self._malformed_query(request, paths) or self._unauthorised(request)
        if refusal is None and not self._allowed(path):
            refusal = Reply(403)
        if refusal is not None:
            return _identified(refusal).response()
        try:
            reply = self._answer(path, query) if response_id is None else Reply()
        except RefusedError as refused:
            return _identified(self._refused(refused)).response()
        plan = self.faults.take(place)
        question = path + request.rel_url.raw_query_string
        server = self._device if path == DEVICES_PATH else self._patch
        return await self._deliver(request, plan, question, lambda: reply, server)

    def _malformed_query(self, request: web.BaseRequest, paths: tuple[str, ...]) -> Reply | None:
        path = request.rel_url.raw_path
        if path not in paths:
            host = "device" if DEVICES_PATH in paths else "patch"
            return self._violated(404, f"no such path on the {host} management host: {path}")
        if request.method != "GET":
            return self._violated(405, f"{request.method} {path}")
        if path == RECENT_PATH and (request.rel_url.raw_query_string or request.body_exists):
            return self._violated(400, "recent/details takes no query and no body")
        return self._violated(400, "a GET with a body") if request.body_exists else None

    def _allowed(self, path: str) -> bool:
        return {DETAILS_PATH: self.details_allowed, DEVICES_PATH: self.devices_allowed}.get(path, True)

    def _answer(self, path: str, query: eset_devices.Pairs) -> Reply:
        """Raises RefusedError."""
        if path == DETAILS_PATH:
            return eset_devices.details(self.fleet, self.clock.now(), query)
        if path == DEVICES_PATH:
            return eset_devices.devices(self.fleet, self.removed, query)
        return self._recent()

    def _refused(self, refused: RefusedError) -> Reply:
        reply = self._violated(refused.status, refused.words) if refused.violation else Reply(refused.status)
        return replace(reply, body=json.dumps({"message": refused.words}).encode(), headers=JSON)

    def _unauthorised(self, request: web.BaseRequest) -> Reply | None:
        """ESET answers 400 to a bad or missing authorization, 401 to a token that is no longer or not good."""
        bearer = BEARER.fullmatch(request.headers.get("Authorization", ""))
        if bearer is None:
            return self._violated(400, "bad or missing authorization")
        expires = self._access.get(bearer[1])
        return None if expires and self.clock.now() < expires else Reply(401)

    def _recent(self) -> Reply:
        rows = self.fleet.recent(self.clock.now())
        return Reply(200, msgspec.json.encode({"patchingDetails": rows}), JSON)

    # ---------------------------------------------------------------- 202 and what both have in common

    async def _deliver(
        self, request: web.BaseRequest, plan: Plan | None, question: str, work: Work, server: Server
    ) -> web.StreamResponse:
        response_id = request.headers.get("response-id")
        if plan is not None and not plan.acts:
            reply = Reply()
        elif response_id is not None:
            reply = self._collect(question, response_id)
        elif plan is not None and plan.fault is Fault.LATER:
            reply = self._put_by(question, plan.polls, work())
        else:
            reply = work()
        return await deliver(request, plan, _identified(reply), server.stopping)

    def _put_by(self, question: str, polls: int, reply: Reply) -> Reply:
        response_id = str(uuid.uuid4())
        self._cached[response_id] = _Cached(question, self.clock.now(), polls - 1, reply)
        return Reply(202, b"", {"response-id": response_id})

    def _collect(self, question: str, response_id: str) -> Reply:
        """Once delivered, given up or kept for too long, an id is spent and answered 404; so is another question."""
        cached = self._cached.get(response_id)
        if cached is None or cached.question != question:
            return Reply(404)
        age = self.clock.now() - cached.since
        if age > self.clock.real(KEPT_FOR):
            del self._cached[response_id]
            return Reply(404)
        if cached.polls <= 0:
            del self._cached[response_id]
            return cached.reply
        if age > self.clock.real(GIVEN_UP_AFTER):
            del self._cached[response_id]
            return Reply(504)
        cached.polls -= 1
        return Reply(202, b"", {"response-id": self._renewed(response_id)})

    def _renewed(self, response_id: str) -> str:
        if not self.renews_response_ids:
            return response_id
        new = str(uuid.uuid4())
        self._cached[new] = self._cached.pop(response_id)
        return new

    def _crowd(self) -> Reply | None:
        """The eleventh call within a second; counted over all hosts, as ESET counts per credentials."""
        now = time.monotonic()
        while self._lately and now - self._lately[0] >= 1.0:
            self._lately.popleft()
        if len(self._lately) >= self.calls_per_second:
            self.throttled += 1
            return Reply(429)
        self._lately.append(now)
        return None

    def _violated(self, status: int, sentence: str) -> Reply:
        self.violations.note(sentence)
        return Reply(status)


def _params(query: eset_devices.Pairs, response_id: str | None) -> dict[str, str]:
    """As calls are recorded: a parameter given several times is one, with commas."""
    given: dict[str, str] = {} if response_id is None else {"response-id": response_id}
    for name, value in query:
        given[name] = f"{given[name]},{value}" if name in given else value
    return given


def _identified(reply: Reply) -> Reply:
    return replace(reply, headers={**reply.headers, "request-id": str(uuid.uuid4())})


def _new_token(kind: str) -> str:
    return f"eyJhbGciOiJSUzI1NiJ9.{kind}{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(24)}"
