"""One call to Slack's Web API: what it needs, how long it may take, what its failures mean.

Nothing here is repeated after the connection broke: the SDK's default handler would post a message twice when only
the answer was lost. 429 is waited out (https://docs.slack.dev/apis/web-api/rate-limits).
"""

import asyncio
from collections.abc import Awaitable

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.errors import Kind, Service, UpstreamError, new_reference

log = structlog.get_logger()

_WAITING_OUT = 65  # seconds: Slack's Retry-After is at most a minute

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


def connect(token: str, base_url: str, session: aiohttp.ClientSession, timeout: float) -> AsyncWebClient:
    """A Web API client that waits out 429 twice and repeats nothing else."""
    return AsyncWebClient(
        token=token,
        base_url=base_url,
        session=session,
        timeout=int(timeout),
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=2)],
    )


async def call(method: str, pending: Awaitable[AsyncSlackResponse], *, total: float) -> AsyncSlackResponse:
    """Awaits one Web API call. Raises UpstreamError(SLACK) with Slack's code and a reference.

    ``total``: seconds for the call itself; waiting out a 429 comes on top (the session bounds each try).
    """
    try:
        async with asyncio.timeout(total + _WAITING_OUT):
            return await pending
    except SlackApiError as problem:
        raise _refused(method, problem) from None
    except aiohttp.ClientConnectorError:
        raise failed(method, Kind.UNREACHABLE, sent=False) from None
    except TimeoutError:
        raise failed(method, Kind.TIMEOUT, sent=None) from None
    except (aiohttp.ClientError, OSError):
        raise failed(method, Kind.CUT, sent=None) from None
    except ValueError:
        raise failed(method, Kind.BROKEN, sent=None) from None


def _refused(method: str, problem: SlackApiError) -> UpstreamError:
    data = problem.response.data if isinstance(problem.response.data, dict) else {}
    status = int(problem.response.status_code or 0)
    code = str(data.get("error") or f"http_{status}")
    kind = _KINDS.get(code) or (Kind.THROTTLED if status == 429 else Kind.DOWN if status >= 500 else Kind.REFUSED)
    details = data.get("needed") or data.get("response_metadata", {}).get("messages", "")
    retry_after = problem.response.headers.get("Retry-After") if status == 429 else None
    error = UpstreamError(
        Service.SLACK,
        kind,
        reference=new_reference(),
        sent=None if status >= 500 else True,
        code=code,
        words=str(details)[:300],
        retry_after=float(retry_after) if retry_after else None,
    )
    log.warning("slack.refused", method=method, code=code, details=error.words, reference=error.reference)
    return error


def failed(method: str, kind: Kind, *, sent: bool | None) -> UpstreamError:
    """A logged UpstreamError(SLACK) for a call that got no answer of Slack's."""
    error = UpstreamError(Service.SLACK, kind, reference=new_reference(), sent=sent)
    log.warning("slack.failed", method=method, kind=str(kind), reference=error.reference)
    return error
