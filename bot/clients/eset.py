"""ESET Connect: the list of recent application patching attempts.

Source: the vendor's page "GET List recent application patching details" of help.eset.com/eset_connect.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog

from bot import __version__
from bot.clients import http
from bot.clients.eset_exchange import Exchange, Pace, Question, failed, kind_of
from bot.clients.eset_token import Tokens, parse_token
from bot.clients.flights import Flights, Grounded
from bot.clients.http import Answer
from bot.errors import Kind, Service, UpstreamError, new_reference, stopping
from bot.model import Attempt, Listing, Period, Version

__all__ = ["Eset", "Pace", "parse_details", "parse_token"]

PATH = "/v1/application-patching-processes/recent/details"
UNREADABLE = (ValueError, TypeError, RecursionError)  # what msgspec and the readers below raise
DEFAULT_PACE = Pace()
LARGE = 1_000_000  # bytes; more is decoded in a thread
MEANING = {
    400: "most likely a malformed authorization",
    401: "a new access token was refused as well",
    403: "the API user needs at least read access to patch management",
}

log = structlog.get_logger()


# ---------------------------------------------------------------- bytes to attempts


class _Page(msgspec.Struct):
    rows: list[Attempt] | None = msgspec.field(default=None, name="patchingDetails")
    message: Any = None
    error: Any = None


class _RawPage(msgspec.Struct):
    rows: list[msgspec.Raw] | None = msgspec.field(default=None, name="patchingDetails")


_PAGE = msgspec.json.Decoder(_Page)
_RAW_PAGE = msgspec.json.Decoder(_RawPage)
_ROW = msgspec.json.Decoder(Attempt)
_ANYTHING = msgspec.json.Decoder()

# A pair of surrogates, or an escape of another sort, is kept (group 1); half a pair stands for no character.
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPES = re.compile(rb"(%b%b|\\[^u])|%b|%b" % (_HIGH, _LOW, _HIGH, _LOW))


def parse_details(body: bytes) -> Listing:
    """The attempts in an answer's JSON. No list, or null for it, is an empty one; rows that make no sense are counted.

    Raises UpstreamError (BROKEN) when it is no JSON object, has another shape, is nested without end or is an error
    message. Needs about 2 ms per MB, during which msgspec holds the GIL, in a thread too: 95 ms were measured for
    100,000 rows (46 MB).
    """
    try:
        page = _PAGE.decode(body)
    except UNREADABLE:
        page = None
    if page is None:
        return _parse_leniently(_whole_characters(body))
    if page.rows is None and (page.message is not None or page.error is not None):
        raise _broken("an error message instead of a list")
    return Listing(page.rows or [])


def _whole_characters(body: bytes) -> bytes:
    """Halves of surrogate pairs, at which msgspec gives up on the whole text, become the replacement character."""
    return _ESCAPES.sub(lambda found: found[1] or rb"\ufffd", body)


def _parse_leniently(body: bytes) -> Listing:
    try:
        rows = _RAW_PAGE.decode(body).rows
    except UNREADABLE:
        rows = None
    if rows is None:
        raise _broken("not the JSON that ESET documents")
    attempts = [attempt for row in rows if (attempt := _read_row(row)) is not None]
    return Listing(attempts, unreadable=len(rows) - len(attempts))


def _read_row(row: msgspec.Raw) -> Attempt | None:
    try:
        return _ROW.decode(row)
    except UNREADABLE:
        pass  # most rows are fine; this one may still be with numbers for texts
    try:
        return _attempt(_ANYTHING.decode(row))
    except UNREADABLE:
        return None


def _attempt(row: Any) -> Attempt:
    """Raises TypeError for what is neither text, number nor null where one of these belongs."""
    row = _mapping(row)
    period = row.get("timePeriod")
    return Attempt(
        application_uuid=_text(row.get("applicationUuid")),
        developer_name=_text(row.get("developerDisplayName")),
        display_name=_text(row.get("displayName")),
        patched=_version(row.get("patchedVersion")),
        raw_status=_text(row.get("status")),
        period=None if period is None else Period(*(_text(_mapping(period).get(k)) for k in ("startTime", "endTime"))),
        unpatched=_version(row.get("unpatchedVersion")),
    )


def _version(value: Any) -> Version | None:
    if value is None:
        return None
    fields = _mapping(value)
    return Version(_text(fields.get("name")))


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("neither text nor number")
    return str(value)


def message(body: bytes) -> str:
    """The ``message`` of a JSON error body, plain and short. ESET promises no body: empty when there is none."""
    try:
        fault = _ANYTHING.decode(body)
    except UNREADABLE:
        return ""
    text = fault.get("message") if isinstance(fault, dict) else None
    return " ".join(text.split())[:200] if isinstance(text, str) else ""


def _broken(words: str) -> UpstreamError:
    return UpstreamError(Service.ESET, Kind.BROKEN, reference=new_reference(), words=words)


# ---------------------------------------------------------------- the client


class Eset:
    """One API user of ESET Connect. ``last_error`` is the latest call's failure, None after a success;
    ``asked`` turns true with the end of the first call. ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        auth_url: str,
        patch_url: str,
        username: str,
        password: str,
        *,
        pace: Pace = DEFAULT_PACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        agent = f"patches-bot/{__version__}"
        self._auth = http.build(auth_url, timeout=pace.timeout, user_agent=agent)
        self._patch = http.build(patch_url, timeout=pace.timeout, user_agent=agent)
        self._exchange = Exchange(pace)
        self._tokens = Tokens(self._auth, self._exchange, (username, password), clock)
        self._flights: Flights[Listing] = Flights()
        self.asked = False
        self.last_error: UpstreamError | None = None

    async def login(self) -> None:
        """Proves the credentials by logging in with the password.

        Raises UpstreamError: CREDENTIALS for a wrong user or password, FORBIDDEN when ESET refuses this server
        (most likely its IP address), DOWN, UNREACHABLE and so on when nothing is proved.
        """
        self._tokens.forget()
        with self._noted():
            await self._tokens.current()

    async def recent(self) -> Listing:
        """Every attempt that ESET lists now, in its order. Takes up to ``pace.deadline`` seconds, usually far less.

        Callers at the same time share one call. Raises UpstreamError; its ``words`` cite ESET's request-id.
        """
        try:
            return await self._flights.share("recent", self._recent)
        except Grounded:
            raise stopping(Service.ESET) from None

    async def stop_reading(self) -> None:
        """Ends calls in the air, and lets no further one start: who waits gets an UpstreamError."""
        await self._flights.close()

    async def close(self) -> None:
        await self._flights.close()
        await self._tokens.close()
        await self._patch.aclose()
        await self._auth.aclose()

    async def _recent(self) -> Listing:
        with self._noted():
            answer = await self._exchange.ask(Question(self._patch, "GET", PATH, bearer=self._tokens))
            if answer.status != 200:
                raise self._refused(answer)
            return await self._listing(answer)

    async def _listing(self, answer: Answer) -> Listing:
        try:
            if len(answer.body) > LARGE:
                listing = await asyncio.to_thread(parse_details, answer.body)
            else:
                listing = parse_details(answer.body)
        except UpstreamError as error:
            words = error.words
        else:
            if listing.unreadable:
                log.warning("eset.rows_unreadable", rows=listing.unreadable, request_id=answer.request_id)
            return listing
        raise failed(Kind.BROKEN, PATH, answer, words)

    def _refused(self, answer: Answer) -> UpstreamError:
        """The token was renewed once already, so a 401 means that even the new one is refused."""
        words = " — ".join(part for part in (MEANING.get(answer.status, ""), message(answer.body)) if part)
        words = self._tokens.scrub(words)
        if answer.status == 401:
            self._tokens.forget()
        return failed(kind_of(answer.status), PATH, answer, words)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except UpstreamError as error:
            self.asked, self.last_error = True, error
            raise
        self.asked, self.last_error = True, None
