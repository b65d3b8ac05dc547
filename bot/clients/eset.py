"""ESET Connect: the list of recent application patching attempts, and which devices they happened on.

Source: the vendor's page "GET List recent application patching details" of help.eset.com/eset_connect; for the
devices see eset_devices.py.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import structlog

from bot import __version__
from bot.clients import http
from bot.clients.eset_devices import (
    DETAILS_PATH,
    DEVICES_PATH,
    PAGE_SIZE,
    UNKNOWN_AMONG_THEM,
    MissingRight,
    read_batches,
    read_pages,
)
from bot.clients.eset_exchange import Exchange, Pace, Question, failed, kind_of
from bot.clients.eset_json import DevicePage, message, parse_details, parse_device_page, parse_devices
from bot.clients.eset_token import Tokens, parse_token
from bot.clients.flights import Flights, Grounded
from bot.clients.http import Answer
from bot.errors import Kind, Service, UpstreamError, stopping
from bot.model import DeviceListing, EsetDevice, Listing

__all__ = ["Eset", "MissingRight", "Pace", "parse_details", "parse_token"]

PATH = "/v1/application-patching-processes/recent/details"
DEFAULT_PACE = Pace()
LARGE = 1_000_000  # bytes; more is decoded in a thread
MEANING = {
    400: "most likely a malformed authorization",
    401: "a new access token was refused as well",
    403: "the API user needs at least read access to patch management",
}
# What an optional call brings, and the permission for it, by its name in ESET PROTECT's permission sets.
RIGHTS = {
    DETAILS_PATH: ("Patch Management: Read", "Which device an attempt happened on"),
    DEVICES_PATH: ("Groups and Computers: Read", "What ESET calls its devices"),
}
MEANING_OF_OPTIONAL = {
    400: MEANING[400] + ", or something in the question",
    401: MEANING[401],
    403: "most likely a missing permission",
}

T = TypeVar("T")

log = structlog.get_logger()


class Eset:
    """One API user of ESET Connect. ``last_error`` is the failure of the latest call that the bot cannot do without
    (login and recent list), None after a success; ``asked`` turns true with the end of the first such call.
    ``clock`` is monotonic, in seconds.
    """

    def __init__(
        self,
        auth_url: str,
        patch_url: str,
        username: str,
        password: str,
        *,
        device_url: str,
        pace: Pace = DEFAULT_PACE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        agent = f"patches-bot/{__version__}"
        self._auth, self._patch, self._device = (
            http.build(url, timeout=pace.timeout, user_agent=agent) for url in (auth_url, patch_url, device_url)
        )
        self._exchange = Exchange(pace)
        self._tokens = Tokens(self._auth, self._exchange, (username, password), clock)
        self._clock = clock
        self._flights: Flights[Any] = Flights()
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
        return await self._shared("recent", self._recent)

    async def per_device(self, since: datetime, until: datetime) -> DeviceListing:
        """The attempts from ``since`` on and before ``until`` (aware), each with its device. ESET keeps 30 days.

        Needs a call for every 1,000 rows; takes up to ``pace.paging`` seconds and one ``pace.deadline``. Callers with
        the same question share it. Raises MissingRight when ESET answers 403, else UpstreamError as `recent` does;
        neither is told in ``last_error``, since the bot can do without.
        """
        if since >= until:
            return DeviceListing([])
        return await self._shared(("details", since, until), partial(self._per_device, since, until))

    async def device_names(self, uuids: Iterable[str]) -> dict[str, EsetDevice]:
        """The devices of these uuids, by uuid; those that ESET does not know (any more) are left out.

        Needs a call for every 100 devices, more when some are unknown. Raises as `per_device` does.
        """
        asked = frozenset(uuid for uuid in uuids if uuid)
        if not asked:
            return {}
        return await self._shared(("names", asked), partial(self._device_names, sorted(asked)))

    async def stop_reading(self) -> None:
        """Ends calls in the air, and lets no further one start: who waits gets an UpstreamError."""
        await self._flights.close()

    async def close(self) -> None:
        await self._flights.close()
        await self._tokens.close()
        for client in (self._device, self._patch, self._auth):
            await client.aclose()

    async def _shared(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            result: T = await self._flights.share(key, start)
        except Grounded:
            raise stopping(Service.ESET) from None
        return result

    # ---------------------------------------------------------------- what the bot lives on

    async def _recent(self) -> Listing:
        with self._noted():
            answer = await self._exchange.ask(Question(self._patch, "GET", PATH, bearer=self._tokens))
            if answer.status != 200:
                raise self._refused(PATH, answer, MEANING)
            listing = await _read(PATH, answer, parse_details)
        _tell_unreadable(PATH, listing.unreadable, answer.request_id)
        return listing

    @contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except UpstreamError as error:
            self.asked, self.last_error = True, error
            raise
        self.asked, self.last_error = True, None

    def _refused(self, path: str, answer: Answer, meaning: dict[int, str]) -> UpstreamError:
        """The token was renewed once already, so a 401 means that even the new one is refused."""
        words = " — ".join(part for part in (meaning.get(answer.status, ""), message(answer.body)) if part)
        words = self._tokens.scrub(words)
        if answer.status == 401:
            self._tokens.forget()
        return failed(kind_of(answer.status), path, answer, words)

    # ---------------------------------------------------------------- what it can do without

    async def _per_device(self, since: datetime, until: datetime) -> DeviceListing:
        period = (("timePeriod.startTime", _written(since)), ("timePeriod.endTime", _written(until)))
        give_up = self._clock() + self._exchange.pace.paging

        async def page(token: str) -> DevicePage:
            query = (*period, ("pageSize", str(PAGE_SIZE)), *((("pageToken", token),) if token else ()))
            answer = await self._exchange.ask(
                Question(self._patch, "GET", DETAILS_PATH, query=query, bearer=self._tokens)
            )
            if answer.status != 200:
                raise self._kept_back(DETAILS_PATH, answer)
            return await _read(DETAILS_PATH, answer, parse_device_page)

        listing = await read_pages(page, patient=lambda: self._clock() < give_up)
        _tell_unreadable(DETAILS_PATH, listing.unreadable)
        if listing.partial:
            log.warning("eset.details_partial", why=listing.partial, rows=len(listing.attempts))
        return listing

    async def _device_names(self, uuids: Sequence[str]) -> dict[str, EsetDevice]:
        refused: list[Answer] = []

        async def batch(some: Sequence[str]) -> list[EsetDevice] | None:
            query = tuple(("devicesUuids", uuid) for uuid in some)
            answer = await self._exchange.ask(
                Question(self._device, "GET", DEVICES_PATH, query=query, bearer=self._tokens)
            )
            if answer.status in UNKNOWN_AMONG_THEM:
                refused.append(answer)
                return None
            if answer.status != 200:
                raise self._kept_back(DEVICES_PATH, answer)
            return await _read(DEVICES_PATH, answer, parse_devices)

        devices = await read_batches(batch, uuids)
        if not devices and refused and refused[-1].status == 400:  # it may well be meant of something else than uuids
            raise self._kept_back(DEVICES_PATH, refused[-1])
        return devices

    def _kept_back(self, path: str, answer: Answer) -> UpstreamError:
        error = self._refused(path, answer, MEANING_OF_OPTIONAL)
        return MissingRight(error, *RIGHTS[path]) if answer.status == 403 else error


async def _read(path: str, answer: Answer, parse: Callable[[bytes], T]) -> T:
    """What is in the answer's body. Raises UpstreamError (BROKEN), logged, when that makes no sense."""
    try:
        if len(answer.body) > LARGE:
            return await asyncio.to_thread(parse, answer.body)
        return parse(answer.body)
    except UpstreamError as error:
        words = error.words
    raise failed(Kind.BROKEN, path, answer, words)


def _tell_unreadable(path: str, rows: int, request_id: str = "") -> None:
    if rows:
        log.warning("eset.rows_unreadable", path=path, rows=rows, request_id=request_id)


def _written(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
