"""N-able N-sight's Data Extraction API: clients, devices and patches are read, failed patches are told to try again.

Every call is a GET with the key in the query, writes included: nothing here repeats or redirects a ``patch_retry``,
and no text leaves this module with the key in it. Bytes become values in ``nsight_xml``.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import httpx
import structlog
from structlog.contextvars import bound_contextvars
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from bot.clients import http
from bot.clients.flights import Flights, Grounded
from bot.clients.nsight_xml import Rows, parse_clients, parse_devices, parse_patches, parse_retry
from bot.errors import SAYINGS, Kind, Service, UpstreamError, new_reference, stopping
from bot.model import CallVerdict, Client, Device, DeviceKind, Patch, RetryAnswer

__all__ = ["Nsight", "Pace", "judge", "parse_clients", "parse_devices", "parse_patches", "parse_retry", "receive"]

LARGE = 256 * 1024  # bytes; more is parsed in a thread
MOST_WORDS = 2000  # characters of N-sight's text that are kept
WORTH_ANOTHER_TRY = frozenset({Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT, Kind.DOWN, Kind.THROTTLED})

log = structlog.get_logger()
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """Waits in seconds."""

    connect: float = 10.0
    read: float = 30.0  # one try at a read, in total
    write: float = 60.0  # a patch_retry, in total
    tries: int = 3  # at a read
    backoff_first: float = 0.5
    backoff_most: float = 10.0

    def timeout(self, total: float) -> httpx.Timeout:
        """The waits before anything is sent are short, so that they end as "not sent" and not as "unknown"."""
        return httpx.Timeout(total, connect=self.connect, pool=self.connect)


DEFAULT_PACE = Pace()


# ---------------------------------------------------------------- answers to values


def receive(answer: http.Answer, parse: Callable[[bytes], T]) -> T:
    """What a read's answer says. Raises UpstreamError for anything but a readable success.

    API failures come with HTTP 200; an error status comes from something before the API, except for some 4xx.
    """
    if 200 <= answer.status <= 299:
        return parse(answer.body)
    if 300 <= answer.status <= 399:
        raise _error(Kind.BLOCKED, f"a redirect (HTTP {answer.status}); is the address right?")
    if answer.status in {401, 403, 407}:
        raise _error(Kind.BLOCKED, f"HTTP {answer.status}")
    if answer.status == 429:
        raise _error(Kind.THROTTLED, "HTTP 429")
    if answer.status >= 500:
        raise _error(Kind.DOWN, f"HTTP {answer.status}")
    try:
        parse(answer.body)
    except UpstreamError as error:
        if error.kind is not Kind.BROKEN:
            raise
    raise _error(Kind.BROKEN, f"HTTP {answer.status}")


def judge(seen: http.Answer | UpstreamError, sent: frozenset[int], reference: str = "") -> RetryAnswer:
    """What became of one ``patch_retry`` call that carried the ids ``sent``; total.

    NOT_SENT only when no byte left; ACCEPTED and REFUSED only for a whole answer of N-sight's own; else UNKNOWN.
    ``reference`` is that of the log line; a transport failure brings its own.
    """
    if isinstance(seen, UpstreamError):
        verdict = CallVerdict.NOT_SENT if seen.sent is False else CallVerdict.UNKNOWN
        return RetryAnswer(verdict, words=f"{Service.NSIGHT} {SAYINGS[seen.kind]}", reference=seen.reference)
    if not 200 <= seen.status <= 299:
        words = f"{Service.NSIGHT} answered with HTTP {seen.status}"
        return RetryAnswer(CallVerdict.UNKNOWN, words=words, reference=reference)
    try:
        return replace(parse_retry(seen.body, sent), reference=reference)
    except UpstreamError as error:
        words = f"{Service.NSIGHT} {SAYINGS[error.kind]}: {error.words}"
        return RetryAnswer(CallVerdict.UNKNOWN, words=words, reference=reference)


def _error(kind: Kind, words: str) -> UpstreamError:
    return UpstreamError(Service.NSIGHT, kind, reference=new_reference(), words=words)


# ---------------------------------------------------------------- the client


class Nsight:
    """One account of N-sight. ``url`` is used as it stands, trailing slash included.

    ``asked`` turns true with the first call. ``last_error`` is the latest failure of a call; a success clears it, and
    so does a read that N-sight itself refuses (an unknown id, not the key): it lives.
    """

    def __init__(self, url: str, api_key: str, user_agent: str, *, pace: Pace = DEFAULT_PACE) -> None:
        self.pace = pace
        self.asked = False
        self.last_error: UpstreamError | None = None
        self._url = url
        self._key = api_key
        forms = {api_key, quote(api_key, safe=""), quote_plus(api_key), escape(api_key)} - {""}
        self._secret = re.compile("|".join(map(re.escape, sorted(forms))) or r"(?!)", re.IGNORECASE)
        self._reads = http.build(url, timeout=pace.timeout(pace.read), user_agent=user_agent)
        # A connection of its own for each write: on a reused one a call can be lost without anybody knowing.
        self._writes = http.build(url, timeout=pace.timeout(pace.write), user_agent=user_agent, keepalive=False)
        self._flights: Flights[Any] = Flights()
        self._writing = 0

    @property
    def busy(self) -> bool:
        """Whether somebody waits for an answer at this moment."""
        return bool(self._flights) or self._writing > 0

    async def clients(self) -> list[Client]:
        """All clients that the key's user may see (``list_clients``). Raises UpstreamError."""
        return await self._read("list_clients", {}, parse_clients)

    async def devices(self, client_id: int, kind: DeviceKind) -> list[Device]:
        """A client's devices of one kind (``list_devices_at_client``). Raises UpstreamError."""
        query = {"clientid": str(client_id), "devicetype": kind.value}
        return await self._read("list_devices_at_client", query, lambda body: parse_devices(body, client_id))

    async def patches(self, device_id: int) -> list[Patch]:
        """All patches of a device, in every state (``patch_list_all``). Raises UpstreamError."""
        return await self._read("patch_list_all", {"deviceid": str(device_id)}, parse_patches)

    async def retry(self, device_id: int, patch_ids: Sequence[int]) -> RetryAnswer:
        """Tells N-sight to try these patches again: exactly one GET, never repeated, at most ``pace.write`` seconds.

        Never raises UpstreamError: each outcome is a RetryAnswer. ValueError without ids, before anything is sent.
        """
        ids = frozenset(patch_ids)
        if not ids:
            raise ValueError("a retry needs at least one patch id")
        query = {"deviceid": str(device_id), "patchids": ",".join(map(str, sorted(ids)))}
        request = self._request(self._writes, "patch_retry", query)
        self.asked = True
        seen: http.Answer | UpstreamError
        self._writing += 1
        try:
            with bound_contextvars(call="patch_retry"):
                seen = await http.send(self._writes, request, service=Service.NSIGHT, total=self.pace.write)
        except UpstreamError as error:
            seen = self.last_error = error
        finally:
            self._writing -= 1
        answer = await self._judged(seen, ids)
        if answer.verdict is CallVerdict.ACCEPTED:
            self.last_error = None
        _record(device_id, ids, answer)
        return answer

    async def stop_reading(self) -> None:
        """Ends reads in the air, and lets no further one start: who waits gets an UpstreamError. A retry goes on."""
        await self._flights.close()

    async def close(self) -> None:
        """Ends reads that are under way; their askers are cancelled."""
        await self._flights.close()
        await self._reads.aclose()
        await self._writes.aclose()

    async def _judged(self, seen: http.Answer | UpstreamError, ids: frozenset[int]) -> RetryAnswer:
        body = b"" if isinstance(seen, UpstreamError) else seen.body
        answer = await _off_the_loop(body, lambda: judge(seen, ids, new_reference()))
        return replace(answer, words=self._safe(answer.words))

    async def _read(self, service: str, query: dict[str, str], parse: Callable[[bytes], Rows[Any]]) -> list[Any]:
        """A read, tried up to ``pace.tries`` times; equal reads at the same time share one."""
        tries = AsyncRetrying(
            retry=retry_if_exception(self._worth_another_try),
            stop=stop_after_attempt(self.pace.tries),
            wait=self._wait,
            reraise=True,
        )
        key = (service, *query.items())
        try:
            return list(await self._flights.share(key, lambda: tries(self._once, service, query, parse)))
        except Grounded:
            raise stopping(Service.NSIGHT) from None

    async def _once(self, service: str, query: dict[str, str], parse: Callable[[bytes], Rows[T]]) -> list[T]:
        try:
            with bound_contextvars(call=service):
                rows = await self._exchange(self._request(self._reads, service, query), parse)
        except UpstreamError as error:
            self.asked, self.last_error = True, None if error.kind is Kind.REFUSED else error
            raise
        self.asked, self.last_error = True, None
        if rows.skipped:
            log.warning("nsight.rows_skipped", call=service, rows=rows.skipped, **query)
        return rows.items

    async def _exchange(self, request: httpx.Request, parse: Callable[[bytes], Rows[T]]) -> Rows[T]:
        answer = await http.send(self._reads, request, service=Service.NSIGHT, total=self.pace.read)
        try:
            return await _off_the_loop(answer.body, lambda: receive(answer, parse))
        except UpstreamError as error:
            kind, code, words = error.kind, self._safe(error.code), self._safe(error.words)
        raise http.failure(Service.NSIGHT, kind, path=request.url.path, answer=answer, code=code, words=words)

    def _request(self, client: httpx.AsyncClient, service: str, query: dict[str, str]) -> httpx.Request:
        params = {"apikey": self._key, "service": service, **query}
        return client.build_request("GET", self._url, params=params, headers={"Accept": "application/xml"})

    def _worth_another_try(self, error: BaseException) -> bool:
        """Not when N-sight asks to be left alone for longer than a person would wait."""
        if not isinstance(error, UpstreamError) or error.kind not in WORTH_ANOTHER_TRY:
            return False
        return (error.retry_after or 0.0) <= self.pace.backoff_most

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, UpstreamError) else None
        jittered = wait_random_exponential(self.pace.backoff_first, self.pace.backoff_most)(state)
        return max(jittered, asked or 0.0)

    def _safe(self, words: str) -> str:
        return self._secret.sub("***", words)[:MOST_WORDS]


async def _off_the_loop(body: bytes, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if len(body) > LARGE else work()


def _record(device_id: int, ids: frozenset[int], answer: RetryAnswer) -> None:
    log.log(
        logging.INFO if answer.verdict is CallVerdict.ACCEPTED else logging.WARNING,
        "nsight.retry",
        verdict=str(answer.verdict),
        device=device_id,
        patches=sorted(ids),
        retried=sorted(answer.retried),
        already=sorted(answer.already),
        words=answer.words,
        reference=answer.reference,
    )
