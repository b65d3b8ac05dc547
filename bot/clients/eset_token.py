"""Access tokens of ESET Connect: one login however many ask, renewed ahead of expiry.

Source: help.eset.com/eset_connect, pages "POST oauth/token", "Authenticate the API user" and "Refresh the token".
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import httpx
import msgspec
import structlog

from bot.clients.eset_exchange import Exchange, Question, failed, kind_of
from bot.clients.flights import Flights
from bot.clients.http import Answer
from bot.errors import Kind, Service, UpstreamError, new_reference

PATH = "/oauth/token"
UNSAID_LIFETIME = 300.0
BAD_CREDENTIALS = frozenset({"", "invalid_grant", "invalid_client", "unauthorized_client"})
FORBIDDEN_LOGIN = (
    "the login itself was forbidden: if the same user can log in from a browser, "
    "ESET may be blocking this server's public IP address"
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the token endpoint grants. ``lifetime`` in seconds, as ESET says it: it is not always an hour."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    lifetime: float


class _Wire(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | None = None


_DECODER = msgspec.json.Decoder(_Wire, strict=False)


def parse_token(body: bytes) -> Grant:
    """A Grant out of the token endpoint's JSON. Raises UpstreamError (BROKEN) for anything else."""
    try:
        wire = _DECODER.decode(body)
    except (ValueError, RecursionError):
        wire = _Wire("")
    # It goes into a header: nothing but visible ASCII may, and the transport's complaint would quote it.
    if not re.fullmatch(r"[!-~]+", wire.access_token):
        raise UpstreamError(
            Service.ESET, Kind.BROKEN, reference=new_reference(), words="the login's answer holds no usable token"
        )
    lifetime = UNSAID_LIFETIME if wire.expires_in is None else max(0.0, wire.expires_in)
    return Grant(wire.access_token, wire.refresh_token or "", lifetime)


@dataclass(frozen=True, slots=True)
class _Held:
    grant: Grant
    renew_at: float


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: UpstreamError
    until: float


class Tokens:
    """The one access token of an API user. ``clock`` is monotonic, in seconds."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        exchange: Exchange,
        credentials: tuple[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._exchange, self._clock = client, exchange, clock
        self._username, self._password = credentials
        self._held: _Held | None = None
        self._refusal: _Refusal | None = None
        self._flights: Flights[str] = Flights()

    async def current(self) -> str:
        """An access token that is good for a while yet. Raises UpstreamError when none can be had."""
        if self._held and self._clock() < self._held.renew_at:
            return self._held.grant.access
        return await self._flights.share("renewal", self._renew)

    def refuse(self, access: str) -> None:
        """ESET refused ``access``: the next asker renews it, unless that has happened meanwhile."""
        if self._held and self._held.grant.access == access:
            self._held = _Held(self._held.grant, renew_at=self._clock())

    def forget(self) -> None:
        """The next asker logs in with the password."""
        self._held = None

    def scrub(self, text: str) -> str:
        """``text`` from outside without the secrets that went there, in case it is echoed."""
        grant = self._held.grant if self._held else Grant("", "", 0)
        for secret in (self._password, quote_plus(self._password), grant.access, grant.refresh):
            text = text.replace(secret, "***") if secret else text
        return re.sub(r"Bearer\s+\S+|eyJ\S+", "***", text)  # an older token: ESET's are JWTs

    async def close(self) -> None:
        await self._flights.close()

    async def _renew(self) -> str:
        grant = await self._refreshed() or await self._logged_in()
        margin = min(self._exchange.pace.renew_ahead, grant.lifetime / 2)
        self._held = _Held(grant, renew_at=self._clock() + grant.lifetime - margin)
        return grant.access

    async def _refreshed(self) -> Grant | None:
        """None when there is nothing to refresh, or it failed for any reason: a dead refresh token says 400 forever."""
        refresh = self._held.grant.refresh if self._held else ""
        self._held = None
        if not refresh:
            return None
        form = {"grant_type": "refresh_token", "refresh_token": refresh}
        try:
            return await self._grant(form, tries=1)
        except UpstreamError as error:
            log.info("eset.refresh_failed", reference=error.reference, then="login")
            return None

    async def _logged_in(self) -> Grant:
        """A refused login is not repeated for a while: hammering locks accounts and gets addresses blocked."""
        if self._refusal and self._clock() < self._refusal.until:
            raise _again(self._refusal.error)
        form = {"grant_type": "password", "username": self._username, "password": self._password}
        try:
            return await self._grant(form)
        except UpstreamError as error:
            if error.kind in {Kind.CREDENTIALS, Kind.FORBIDDEN}:
                self._refusal = _Refusal(error, self._clock() + self._exchange.pace.refused_for)
            raise

    async def _grant(self, form: Mapping[str, str], *, tries: int | None = None) -> Grant:
        answer = await self._exchange.ask(Question(self._client, "POST", PATH, form=form, tries=tries))
        if answer.status != 200:
            raise _refused(answer)
        try:
            return parse_token(answer.body)
        except UpstreamError as error:
            words = error.words
        raise failed(Kind.BROKEN, PATH, answer, words)


def _refused(answer: Answer) -> UpstreamError:
    """ESET sends no body with a refusal, or RFC 6749's; only the latter's error code is safe to repeat."""
    code = oauth_code(answer.body)
    if answer.status == 403:
        return failed(Kind.FORBIDDEN, PATH, answer, FORBIDDEN_LOGIN)
    if answer.status == 400 and code in BAD_CREDENTIALS:
        return failed(Kind.CREDENTIALS, PATH, answer, code)
    return failed(kind_of(answer.status), PATH, answer, code)


def oauth_code(body: bytes) -> str:
    """The ``error`` of an RFC 6749 error body, such as ``invalid_grant``; empty when there is none."""
    try:
        fault = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get("error", msgspec.Raw(b'""'))
        code = msgspec.json.decode(fault, type=str)
    except (ValueError, RecursionError):
        return ""
    return code if re.fullmatch(r"[a-z_]{1,40}", code) else ""


def _again(error: UpstreamError) -> UpstreamError:
    """The same refusal for another asker: same reference, so that it leads to the same log line."""
    return UpstreamError(
        error.service, error.kind, reference=error.reference, sent=False, code=error.code, words=error.words
    )
