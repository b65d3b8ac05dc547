"""Stand-in of ESET Connect: the token service and the list of recent application patching details.

Two servers, as ESET has two hosts, so that a client that mixes them up is found out. It keeps the 202 protocol, token
lifetimes on the shared clock and the limit of 10 calls per second (that one in real time). What ESET's pages do not
allow is refused *and* noted in `Eset.violations`. Source: the vendor's page, and ESET's pages "How the API works",
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

from aiohttp import web

from bot.demo.clock import Clock
from bot.demo.faults import Fault, Faults, Plan
from bot.demo.fleet import Fleet
from bot.demo.serving import Call, Calls, Reply, Server, deliver

TOKEN_PATH = "/oauth/token"  # noqa: S105 - an address
RECENT_PATH = "/v1/application-patching-processes/recent/details"
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
    """A query that took too long: so many more answers are 202, then ``reply`` is handed out once."""

    place: str
    since: datetime
    polls: int
    reply: Reply


class Eset:
    """``faults`` are queued for "token", "recent" (a new query) and "poll" (one with a response-id).

    A fault waits for a call that would have been answered well: a refused one does not use it up.
    """

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        *,
        username: str = "patches-bot@contoso.example",
        password: str = PASSWORD,
        expires_in: int = 3600,
    ) -> None:
        self.fleet, self.clock = fleet, clock
        self.username, self.password, self.expires_in = username, password, expires_in
        self.faults = Faults("token", "recent", "poll")
        self.calls = Calls()
        self.violations: list[str] = []
        self.throttled = 0
        self.renews_response_ids = False
        self.issued: list[str] = []
        self._access: dict[str, datetime] = {}
        self._refresh: set[str] = set()
        self._cached: dict[str, _Cached] = {}
        self._lately: deque[float] = deque()
        self._auth, self._patch = Server(self._handle_auth), Server(self._handle_patch)

    @property
    def auth_url(self) -> str:
        return self._auth.url

    @property
    def patch_url(self) -> str:
        return self._patch.url

    async def start(self) -> None:
        await self._auth.start()
        await self._patch.start()

    async def stop(self) -> None:
        """ESET is down: connections are refused until `start`, which takes the same ports again."""
        await self._auth.stop()
        await self._patch.stop()

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

    # ---------------------------------------------------------------- patch management

    async def _handle_patch(self, request: web.BaseRequest) -> web.StreamResponse:
        response_id = request.headers.get("response-id")
        place = "recent" if response_id is None else "poll"
        params = {} if response_id is None else {"response-id": response_id}
        self.calls.arrived(Call(place, params, self.clock.now()))
        refusal = self._crowd() or self._malformed_query(request) or self._unauthorised(request)
        if refusal is not None:
            return _identified(refusal).response()
        plan = self.faults.take(place)
        return await self._deliver(request, plan, "recent", self._recent, self._patch)

    def _malformed_query(self, request: web.BaseRequest) -> Reply | None:
        if request.rel_url.raw_path != RECENT_PATH:
            return self._violated(404, f"no such path on the patch management host: {request.rel_url.raw_path}")
        if request.method != "GET":
            return self._violated(405, f"{request.method} {RECENT_PATH}")
        if request.rel_url.raw_query_string or request.body_exists:
            return self._violated(400, "recent/details takes no query and no body")
        return None

    def _unauthorised(self, request: web.BaseRequest) -> Reply | None:
        """ESET answers 400 to a bad or missing authorization, 401 to a token that is no longer or not good."""
        bearer = BEARER.fullmatch(request.headers.get("Authorization", ""))
        if bearer is None:
            return self._violated(400, "bad or missing authorization")
        expires = self._access.get(bearer[1])
        return None if expires and self.clock.now() < expires else Reply(401)

    def _recent(self) -> Reply:
        rows = self.fleet.recent(self.clock.now())
        return Reply(200, json.dumps({"patchingDetails": rows}, ensure_ascii=False).encode(), JSON)

    # ---------------------------------------------------------------- 202 and what both have in common

    async def _deliver(
        self, request: web.BaseRequest, plan: Plan | None, place: str, work: Work, server: Server
    ) -> web.StreamResponse:
        response_id = request.headers.get("response-id")
        if plan is not None and not plan.acts:
            reply = Reply()
        elif response_id is not None:
            reply = self._collect(place, response_id)
        elif plan is not None and plan.fault is Fault.LATER:
            reply = self._put_by(place, plan.polls, work())
        else:
            reply = work()
        return await deliver(request, plan, _identified(reply), server.stopping)

    def _put_by(self, place: str, polls: int, reply: Reply) -> Reply:
        response_id = str(uuid.uuid4())
        self._cached[response_id] = _Cached(place, self.clock.now(), polls - 1, reply)
        return Reply(202, b"", {"response-id": response_id})

    def _collect(self, place: str, response_id: str) -> Reply:
        """Once delivered, given up or kept for too long, an id is spent and answered 404."""
        cached = self._cached.get(response_id)
        if cached is None or cached.place != place:
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
        """The eleventh call within a second; counted over both hosts, as ESET counts per credentials."""
        now = time.monotonic()
        while self._lately and now - self._lately[0] >= 1.0:
            self._lately.popleft()
        if len(self._lately) >= CALLS_PER_SECOND:
            self.throttled += 1
            return Reply(429)
        self._lately.append(now)
        return None

    def _violated(self, status: int, sentence: str) -> Reply:
        self.violations.append(sentence)
        return Reply(status)


def _identified(reply: Reply) -> Reply:
    return replace(reply, headers={**reply.headers, "request-id": str(uuid.uuid4())})


def _new_token(kind: str) -> str:
    return f"eyJhbGciOiJSUzI1NiJ9.{kind}{secrets.token_urlsafe(32)}.{secrets.token_urlsafe(24)}"
