"""How ESET Connect is talked to: the 202 protocol, back-off and pace, under one deadline for the whole exchange.

Source: help.eset.com/eset_connect, pages "How the API works" and "Rate limits".
"""

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn, Protocol

import httpx
import structlog

from bot.clients import http
from bot.clients.http import Answer
from bot.errors import Kind, Service, UpstreamError

BUSY = frozenset({429, 500, 502, 503, 504})
# A 500 or 504 is the end of the cached query itself; 429, 502 and 503 come from in front of it, and it goes on.
QUERY_ENDED = frozenset({500, 504})

log = structlog.get_logger()
dice = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Pace:
    """Every wait and limit, in seconds unless the name says otherwise; tests scale them."""

    connect: float = 10.0
    read: float = 45.0  # ESET answers within 30 s, with 202 if it has nothing else; a shorter timeout never sees it
    deadline: float = 240.0
    poll_first: float = 2.0
    poll_growth: float = 1.5
    poll_most: float = 15.0
    backoff_first: float = 1.0
    backoff_most: float = 30.0
    tries: int = 6  # in a row that are answered with "busy"
    tries_unanswered: int = 3  # in a row that fail without an answer
    calls_per_second: float = 8.0  # ESET allows 10 per set of credentials
    renew_ahead: float = 120.0
    refused_for: float = 60.0
    paging: float = 600.0  # after so long no further page of a list is asked for

    @property
    def timeout(self) -> httpx.Timeout:
        return httpx.Timeout(self.read, connect=self.connect)

    def backoff(self, failures: int) -> float:
        """Before the next try after ``failures`` (from 1 on) in a row: doubled up to a cap, half of it by chance."""
        return min(self.backoff_most, self.backoff_first * 2.0 ** min(failures - 1, 60)) * dice.uniform(0.5, 1.0)


class Bearer(Protocol):
    """Who can give an access token, and replace one that was refused (all but the token endpoint need one)."""

    async def current(self) -> str: ...

    def refuse(self, access: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Question:
    """One call of the API, the same at every repetition: ESET finds a cached answer by it."""

    client: httpx.AsyncClient
    method: str
    path: str
    form: Mapping[str, str] | None = None
    query: tuple[tuple[str, str], ...] = ()
    bearer: Bearer | None = None
    tries: int | None = None  # instead of the pace's


class Gate:
    """Spaces calls evenly, so that no second ever holds more than allowed."""

    def __init__(self, calls_per_second: float) -> None:
        self._gap = 1.0 / calls_per_second
        self._next = 0.0

    async def enter(self) -> None:
        now = asyncio.get_running_loop().time()
        turn = max(now, self._next)
        self._next = turn + self._gap
        if turn > now:
            await asyncio.sleep(turn - now)


class Exchange:
    """Carries questions to their end. One for all of a set of credentials, since ESET counts calls by those."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._gate = Gate(pace.calls_per_second)

    async def ask(self, question: Question) -> Answer:
        """The final answer, of any status but 202 and those worth another try.

        Raises UpstreamError when the tries or ``pace.deadline`` are used up, or the 202 protocol is broken.
        """
        course = _Course(question, self.pace, asyncio.get_running_loop().time() + self.pace.deadline)
        answer = None
        try:
            async with asyncio.timeout_at(course.deadline):
                while answer is None:
                    answer = await self._once(course)
        except TimeoutError:
            answer = None
        if answer is not None:
            return answer
        last = course.last if isinstance(course.last, Answer) else None
        raise failed(Kind.TIMEOUT, question.path, last, f"no final answer within {self.pace.deadline:g} s")

    async def _once(self, course: "_Course") -> Answer | None:
        """The final answer; None when ``course`` goes on."""
        await asyncio.sleep(course.wait)
        question = course.question
        headers = {"response-id": course.response_id} if course.response_id else {}
        access = ""
        if question.bearer:
            access = await question.bearer.current()
            headers["Authorization"] = f"Bearer {access}"
        await self._gate.enter()
        request = question.client.build_request(
            question.method, question.path, params=question.query or None, data=question.form, headers=headers
        )
        try:
            answer = await http.send(question.client, request, service=Service.ESET, total=self.pace.deadline)
        except UpstreamError as error:
            course.unanswered(error)
            return None
        if answer.status == 401 and question.bearer:
            question.bearer.refuse(access)
        return None if course.goes_on(answer) else answer


@dataclass(slots=True)
class _Course:
    """Where one exchange stands: what the next call looks like, and how long to wait before it."""

    question: Question
    pace: Pace
    deadline: float
    response_id: str = ""
    wait: float = 0.0
    poll: float = 0.0  # the latest wait between polls, 0 before the first
    failures: int = 0
    renewed: bool = False
    started_over: bool = False
    last: Answer | UpstreamError | None = None

    def goes_on(self, answer: Answer) -> bool:
        """False when ``answer`` is the final one. Raises UpstreamError when there is no use in going on."""
        self.last, self.wait = answer, 0.0
        if answer.status in BUSY:
            self._after_busy(answer)
            return True
        self.failures = 0
        if answer.status == 202:
            self._after_accepted(answer)
        elif answer.status == 404 and self.response_id:
            self._after_lost(answer)
        elif answer.status == 401 and self.question.bearer and not self.renewed:
            self.renewed = True
        else:
            return False
        return True

    def unanswered(self, error: UpstreamError) -> None:
        """The transport failed. An answer that is too large or damaged will not get better: that is raised at once."""
        self.last = error
        if error.kind not in {Kind.UNREACHABLE, Kind.TIMEOUT, Kind.CUT}:
            raise error
        self._back_off(self.pace.tries_unanswered)

    def _after_accepted(self, answer: Answer) -> None:
        self.response_id = _response_id(answer) or self.response_id
        if not self.response_id:
            raise failed(Kind.BROKEN, self.question.path, answer, "a 202 without a response-id")
        self.wait = self.poll = min(self.pace.poll_most, self.poll * self.pace.poll_growth or self.pace.poll_first)

    def _after_lost(self, answer: Answer) -> None:
        """A 404 with a response-id says that the cached answer was delivered or dropped, not that the path is wrong."""
        if self.started_over:
            raise failed(Kind.DOWN, self.question.path, answer, "it lost the answer it was asked to keep, twice")
        self.started_over = True
        self._start_over()

    def _after_busy(self, answer: Answer) -> None:
        if answer.status in QUERY_ENDED:
            self._start_over()
        self._back_off(self.pace.tries, answer.retry_after or 0.0)
        log.info(
            "eset.again", path=self.question.path, status=answer.status, request_id=answer.request_id, wait=self.wait
        )

    def _back_off(self, tries: int, at_least: float = 0.0) -> None:
        """Gives up at once when the wait would outlast the deadline: nothing is gained by sitting it out."""
        self.failures += 1
        self.wait = max(self.pace.backoff(self.failures), at_least)
        left = self.deadline - asyncio.get_running_loop().time()
        if self.failures >= (self.question.tries or tries) or self.wait >= left:
            self._give_up()

    def _give_up(self) -> NoReturn:
        if isinstance(self.last, Answer):
            raise failed(kind_of(self.last.status), self.question.path, self.last)
        raise self.last or AssertionError("nothing was tried")

    def _start_over(self) -> None:
        self.response_id, self.poll = "", 0.0


def _response_id(answer: Answer) -> str:
    """It is sent back as a header: whatever cannot be one counts as none."""
    value = answer.headers.get("response-id", "").strip()
    return value if re.fullmatch(r"[!-~]{1,200}", value) else ""


def kind_of(status: int) -> Kind:
    """What a status that ends an exchange means, where the call itself does not know better."""
    known = {401: Kind.CREDENTIALS, 403: Kind.FORBIDDEN, 429: Kind.THROTTLED}
    if status in known:
        return known[status]
    if status >= 500:
        return Kind.DOWN
    if status >= 400:
        return Kind.REFUSED
    return Kind.BLOCKED if status >= 300 else Kind.BROKEN


def failed(kind: Kind, path: str, answer: Answer | None, words: str = "") -> UpstreamError:
    """The logged UpstreamError for an answer that is no good. Its words cite the request-id for ESET's support."""
    if answer:
        nobody = "" if answer.request_id else "no ESET request-id"
        words = "; ".join(part for part in (f"HTTP {answer.status}", words, nobody) if part)
    code = str(answer.status) if answer else ""
    return http.failure(Service.ESET, kind, path=path, answer=answer, code=code, words=words)
