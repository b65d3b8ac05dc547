"""One call to Slack's Web API: what it needs, how long it may take, what its failures mean.

Nothing here is repeated after the connection broke: the SDK's default handler would post a message twice when only
the answer was lost. A short 429 is waited out (https://docs.slack.dev/apis/web-api/rate-limits).
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import proxy_bypass

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import Kind, Service, UpstreamError, new_reference

log = structlog.get_logger()

WAITS, LONGEST = 2, 30  # how often, and for how many seconds at most, a 429 is waited out within one call
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

_KINDS = {
    "ratelimited": Kind.THROTTLED,
    "invalid_auth": Kind.CREDENTIALS,
    "not_authed": Kind.CREDENTIALS,
    "account_inactive": Kind.CREDENTIALS,
    "token_revoked": Kind.CREDENTIALS,
    "token_expired": Kind.CREDENTIALS,
    "not_allowed_token_type": Kind.CREDENTIALS,
    "missing_scope": Kind.FORBIDDEN,
    "internal_error": Kind.DOWN,
    "fatal_error": Kind.DOWN,
    "service_unavailable": Kind.DOWN,
}


class ShortWaits(AsyncRateLimitErrorRetryHandler):
    """Waits out a 429 that names a short time. A longer one is the caller's to plan with: people wait for answers."""

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        if response is None or response.status_code != 429:
            return False
        seconds = _retry_after({name: values[0] for name, values in response.headers.items()})
        return seconds is not None and seconds <= LONGEST


def connect(token: str, base_url: str, session: aiohttp.ClientSession, timeout: float) -> AsyncWebClient:
    """A Web API client that waits out short 429s and repeats nothing else. ``proxy`` is the way out that it takes."""
    client = AsyncWebClient(
        token=token,
        base_url=base_url,
        session=session,
        timeout=int(timeout),
        retry_handlers=[ShortWaits(max_retry_count=WAITS)],
    )
    host = urlsplit(base_url).hostname or ""
    if host in LOOPBACK or proxy_bypass(host):
        client.proxy = None  # the SDK reads HTTPS_PROXY and HTTP_PROXY, but not NO_PROXY
    return client


async def call(method: str, pending: Awaitable[AsyncSlackResponse], *, total: float) -> AsyncSlackResponse:
    """Awaits one Web API call. Its answer is an object that says ``ok``.

    Raises UpstreamError(SLACK) with Slack's code and a reference, and nothing else: whatever the SDK makes of an
    answer that is not Slack's (a proxy's page, a body that is no JSON) is BROKEN, or DOWN with a status of 5xx.
    ``total``: seconds for the call itself; waiting out a 429 comes on top (the session bounds each try).
    """
    try:
        async with asyncio.timeout(total + WAITS * (LONGEST + 1)):  # the SDK adds up to a second to each wait
            answer = await pending
    except SlackApiError as problem:
        raise _refused(method, problem) from None
    except aiohttp.ClientConnectorError:
        raise failed(method, Kind.UNREACHABLE, sent=False) from None
    except TimeoutError:
        raise failed(method, Kind.TIMEOUT, sent=None) from None
    except (aiohttp.ClientError, OSError):
        raise failed(method, Kind.CUT, sent=None) from None
    except Exception as fault:  # noqa: BLE001 - the SDK stumbles over foreign answers in many ways
        raise failed(method, Kind.BROKEN, sent=None, fault=type(fault).__name__) from None
    if not isinstance(answer.data, dict):
        raise failed(method, Kind.BROKEN, sent=None)
    return answer


def _refused(method: str, problem: SlackApiError) -> UpstreamError:
    """``problem.response`` is the SDK's own, or aiohttp's when the body was no JSON: nothing about it is certain."""
    response: Any = problem.response
    data = _mapping(getattr(response, "data", None))
    status = int(getattr(response, "status_code", None) or getattr(response, "status", None) or 0)
    said = str(data.get("error") or "")
    details = data.get("needed") or _mapping(data.get("response_metadata")).get("messages") or ""
    kind = _kind(said, status)
    error = UpstreamError(
        Service.SLACK,
        kind,
        reference=new_reference(),
        sent=None if status >= 500 or kind is Kind.BROKEN else True,
        code=said or f"http_{status}",
        words=str(details)[:300],
        retry_after=_retry_after(getattr(response, "headers", None) or {}) if kind is Kind.THROTTLED else None,
    )
    log.warning("slack.refused", method=method, code=error.code, details=error.words, reference=error.reference)
    return error


def _kind(said: str, status: int) -> Kind:
    if said in _KINDS:
        return _KINDS[said]
    if status == 429:
        return Kind.THROTTLED
    if status >= 500:
        return Kind.DOWN
    return Kind.REFUSED if said else Kind.BROKEN


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; None when they are not told in digits."""
    told = next((value.strip() for name, value in headers.items() if name.lower() == "retry-after"), "")
    return float(told[:9]) if told.isascii() and told.isdigit() else None


def failed(method: str, kind: Kind, *, sent: bool | None, fault: str = "") -> UpstreamError:
    """A logged UpstreamError(SLACK) for a call that got no answer of Slack's. ``fault``: the SDK's, by its type."""
    error = UpstreamError(Service.SLACK, kind, reference=new_reference(), sent=sent)
    log.warning("slack.failed", method=method, kind=str(kind), fault=fault, reference=error.reference)
    return error
