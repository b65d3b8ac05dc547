"""One HTTP attempt, bounded in time and size, that lets no URL, header or exception text of the transport out."""

import asyncio
import functools
import logging
import re
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from io import BytesIO

import httpx
import structlog

from bot.errors import Kind, Service, UpstreamError, new_reference

MAX_BODY = 64 * 1024 * 1024
GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

# They print full URLs (N-sight's key is in the query) at INFO and headers at DEBUG, whatever LOG_LEVEL says.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer; ``body`` is decompressed and bounded. repr shows the status alone: bodies hold tokens."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def request_id(self) -> str:
        """ESET's ``request-id``, reduced to what an id can hold; empty when there is none."""
        return re.sub(r"[^A-Za-z0-9._-]", "", self.headers.get("request-id", ""))[:64]

    @property
    def retry_after(self) -> float | None:
        """``Retry-After`` in seconds. A date counts from the answer's own ``Date``: our clocks need not agree."""
        asked = self.headers.get("retry-after", "").strip()
        if asked.isascii() and asked.isdigit():
            return float(asked[:9])
        try:
            gap = parsedate_to_datetime(asked) - parsedate_to_datetime(self.headers.get("date", ""))
        except (TypeError, ValueError):
            return None
        return max(0.0, gap.total_seconds())


def build(base_url: str, *, timeout: httpx.Timeout, user_agent: str, keepalive: bool = True) -> httpx.AsyncClient:
    """A client for one service and the life of the process: no redirects, no repeats by the transport.

    Without ``keepalive`` each call gets a connection of its own, so that no call is lost to one the server is closing.
    HTTPS_PROXY, HTTP_PROXY and NO_PROXY are honoured; no proxy is asked for this machine itself.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        timeout=timeout,
        headers={"User-Agent": user_agent, "Accept-Encoding": "gzip"},
        follow_redirects=False,
        trust_env=httpx.URL(base_url).host not in LOOPBACK,
        verify=_trusted(),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=5 if keepalive else 0),
    )


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that all clients trust, read once: it takes 20 ms each time."""
    return httpx.create_ssl_context()


async def send(
    client: httpx.AsyncClient, request: httpx.Request, *, service: Service, total: float, limit: int = MAX_BODY
) -> Answer:
    """One attempt, over after ``total`` seconds or ``limit`` decompressed bytes. Any status is an Answer.

    Raises UpstreamError, logged with its reference: ``sent`` is False when no connection was made, None when the
    request may have arrived, True when the answer is no good. It has no context: the transport's own error may quote
    a URL or a header.
    """
    outcome: Answer | _Fault
    try:
        async with asyncio.timeout(total):
            outcome = await _attempt(client, request, limit)
    except TimeoutError:
        outcome = _Fault(Kind.TIMEOUT, None, f"no whole answer within {total:g} s")
    except httpx.HTTPError as error:
        outcome = _classify(error)
    except (httpx.InvalidURL, ValueError):
        # Of the address, or of a redirect that httpx reads though it does not follow it: no proof of either.
        outcome = _Fault(Kind.BROKEN, None, "an address that cannot be read")
    if isinstance(outcome, Answer):
        return outcome
    path = request.url.path
    raise failure(service, outcome.kind, path=path, answer=outcome.head, sent=outcome.sent, words=outcome.words)


def failure(
    service: Service,
    kind: Kind,
    *,
    path: str,
    answer: Answer | None = None,
    sent: bool | None = True,
    code: str = "",
    words: str = "",
) -> UpstreamError:
    """The UpstreamError for a failed call, after one log line with its reference. ``path`` comes without a query.

    ``words`` must be free of secrets; the ``request-id`` of ``answer`` is added to them, for the service's support.
    """
    reference = new_reference()
    request_id = answer.request_id if answer else ""
    if request_id:
        words = "; ".join(part for part in (words, f"{service} request-id {request_id}") if part)
    log.warning(
        "upstream.failed",
        service=str(service),
        kind=str(kind),
        reference=reference,
        path=path,
        status=answer.status if answer else None,
        request_id=request_id,
        code=code,
        words=words,
    )
    retry_after = answer.retry_after if answer else None
    return UpstreamError(service, kind, reference=reference, sent=sent, code=code, words=words, retry_after=retry_after)


# ---------------------------------------------------------------- one attempt


@dataclass(frozen=True, slots=True)
class _Fault:
    kind: Kind
    sent: bool | None
    words: str
    head: Answer | None = None  # when one came, though its body did not


async def _attempt(client: httpx.AsyncClient, request: httpx.Request, limit: int) -> Answer | _Fault:
    response = await client.send(request, stream=True)
    head = Answer(response.status_code, response.headers, b"")
    try:
        body = await _read(response, limit)
    except zlib.error:
        return _Fault(Kind.BROKEN, True, "the compressed body is damaged", head)
    except httpx.HTTPError as error:
        return replace(_classify(error), head=head)
    finally:
        await response.aclose()
    if isinstance(body, Kind):
        words = f"more than {limit} bytes" if body is Kind.TOO_LARGE else "an encoding that was not asked for"
        return _Fault(body, True, words, head)
    return replace(head, body=body)


async def _read(response: httpx.Response, limit: int) -> bytes | Kind:
    """The body, or why not. Inflated here because httpx inflates whole chunks, and encodings upon encodings."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "x-gzip", ""}:
        return Kind.BROKEN
    inflate = _Gunzip() if "gzip" in encoding else None
    body = BytesIO()  # its value is handed out without a copy
    received = 0
    async for chunk in response.aiter_raw():
        received += len(chunk)
        for piece in inflate.feed(chunk, limit + 1) if inflate else (chunk,):
            body.write(piece)
            if max(body.tell(), received) > limit:
                return Kind.TOO_LARGE
    if inflate and received and not inflate.complete:
        raise zlib.error
    return body.getvalue()


class _Gunzip:
    """Inflates gzip members piece by piece, never more than asked for at a time."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(GZIP_OR_ZLIB)
        self.complete = False

    def feed(self, chunk: bytes, most: int) -> Iterator[bytes]:
        """Raises zlib.error on damaged data. What follows a complete stream is another member, or padding."""
        while chunk:
            if self.complete:
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    return
                self._stream, self.complete = zlib.decompressobj(GZIP_OR_ZLIB), False
            if piece := self._stream.decompress(chunk, most):
                yield piece
            self.complete = self._stream.eof
            chunk = self._stream.unused_data if self.complete else self._stream.unconsumed_tail


def _classify(error: httpx.HTTPError) -> _Fault:
    """Only errors of connecting prove that nothing left. Their text alone is told: others may quote a header."""
    match error:
        case httpx.ConnectError():
            return _Fault(Kind.UNREACHABLE, False, str(error)[:200])
        case httpx.ConnectTimeout():
            return _Fault(Kind.UNREACHABLE, False, "no connection in time")
        case httpx.PoolTimeout():
            return _Fault(Kind.TIMEOUT, False, "no free connection in time")
        case httpx.TimeoutException():
            return _Fault(Kind.TIMEOUT, None, "no answer in time")
        case httpx.UnsupportedProtocol():
            return _Fault(Kind.UNREACHABLE, False, "its address cannot be used")
    return _Fault(Kind.CUT, None, type(error).__name__)
