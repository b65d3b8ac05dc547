"""Slack examined: both tokens, scopes, the clock, and every channel and person that the configuration names.

Methods and error codes: docs.slack.dev/reference/methods, one page each.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import SimpleNamespace

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot import web_api
from bot.config import Config
from bot.digests import DigestPlan
from bot.errors import Kind, UpstreamError
from bot.flows.check import channels, members
from bot.flows.check.asking import Asking
from bot.flows.check.findings import Finding, advice, bad, good, note, told
from bot.manifest import SCOPES, WIDER
from bot.people import Me, People

BOT_TOKEN, GRANTED, APP_TOKEN, CLOCK = "Slack bot token", "Slack scopes", "Slack app token", "Clock"
NO_ANSWER = "not known: Slack does not answer"
DEAD_TOKEN = "not known: Slack cannot be asked with this bot token"  # noqa: S105 a sentence
TIMEOUT = 10.0  # seconds for one call
SKEW = timedelta(seconds=60)
_GRANT = "Add it under OAuth & Permissions > Bot Token Scopes, then press Reinstall to Workspace on that page."
_INSTALL = (
    "Copy the Bot User OAuth Token (xoxb-…) from OAuth & Permissions into SLACK_BOT_TOKEN; where there is none, "
    "install the app to the workspace first."
)
_CONNECT = (
    "Make an app-level token (xapp-…) with the scope connections:write under Basic Information > App-Level Tokens, "
    "put it into SLACK_APP_TOKEN, and see that Socket Mode is switched on."
)
_KEEP_TIME = (
    "Let the system keep time by NTP: Slack's signed requests count for five minutes only, and approvals expire, "
    "digests come and the audit trail dates by this clock."
)


async def examine(config: Config, now: Callable[[], datetime], subscribed: Sequence[DigestPlan] = ()) -> list[Finding]:
    """All of Slack. ``subscribed``: digests that stand in the database.

    When the bot token does not work, what depends on it is a note and not one more failure.
    """
    times: list[tuple[datetime, str]] = []
    timeout = aiohttp.ClientTimeout(total=TIMEOUT)
    async with aiohttp.ClientSession(timeout=timeout, trace_configs=[_noting_dates(times, now)]) as session:
        client = web_api.connect(config.slack.bot_token.reveal(), config.slack.api_url, session, TIMEOUT)
        people = People(client, TIMEOUT)
        token, me, trouble = await _bot_token(people)
        asking = Asking(people, trouble, _missing(me))
        line = note(APP_TOKEN, trouble) if trouble == NO_ANSWER else await _app_token(config, client)
        first = [token, _scopes(me, trouble), line, _clock(times)]
        return [
            *first,
            *await channels.of_requests(asking, config),
            *await members.examine(asking, config),
            *await channels.of_digests(asking, config, subscribed, now()),
            *await channels.of_updates(asking, config, me.scopes if me else frozenset()),
            *await channels.of_audit(asking, config, now()),
        ]


# ---------------------------------------------------------------- tokens and scopes


async def _bot_token(people: People) -> tuple[Finding, Me | None, str]:
    """The finding, the bot itself, and why nothing else can be asked with this token (empty when all is well)."""
    try:
        me = await people.me()
    except UpstreamError as error:
        mend = _INSTALL if error.kind is Kind.CREDENTIALS else advice(error)
        return bad(BOT_TOKEN, told(error), mend), None, DEAD_TOKEN if error.code else NO_ANSWER
    return good(BOT_TOKEN, f"accepted by the workspace {me.team_name} ({me.team})"), me, ""


def _missing(me: Me | None) -> frozenset[str]:
    return frozenset(SCOPES) - me.scopes if me and me.scopes else frozenset()


def _scopes(me: Me | None, trouble: str) -> Finding:
    if me is None or not me.scopes:
        return note(GRANTED, trouble or "not known: Slack did not name them")
    lacking = [scope for scope in SCOPES if scope not in me.scopes]
    if lacking:
        reasons = " ".join(f"{scope} is missing. ({SCOPES[scope]})" for scope in lacking)
        return bad(GRANTED, reasons, _GRANT)
    extra = ", ".join(sorted(me.scopes - frozenset(SCOPES) - frozenset(WIDER)))
    return good(GRANTED, f"all {len(SCOPES)} are granted" + (f"; not needed: {extra}" if extra else ""))


async def _app_token(config: Config, client: AsyncWebClient) -> Finding:
    """Asks for the address of a connection and makes none."""
    if config.slack.mode == "http":
        sentence = "not needed in HTTP mode; whether Slack can reach the bot cannot be tried from here"
        return note(APP_TOKEN, sentence)
    token = config.slack.app_token.reveal() if config.slack.app_token else ""
    try:
        await web_api.call("apps.connections.open", client.apps_connections_open(app_token=token), total=TIMEOUT)
    except UpstreamError as error:
        mend = _CONNECT if error.code and error.kind is not Kind.THROTTLED else advice(error)
        return bad(APP_TOKEN, told(error), mend)
    return good(APP_TOKEN, "accepted for Socket Mode")


# ---------------------------------------------------------------- clock


def _noting_dates(times: list[tuple[datetime, str]], now: Callable[[], datetime]) -> aiohttp.TraceConfig:
    """Keeps each answer's ``Date`` with the time of its arrival, those of refused calls included."""

    async def note_date(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, seen: aiohttp.TraceRequestEndParams
    ) -> None:
        times.append((now(), seen.response.headers.get("Date", "")))

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(note_date)
    return trace


def _clock(times: list[tuple[datetime, str]]) -> Finding:
    here, theirs = times[-1] if times else (None, "")
    try:
        there = parsedate_to_datetime(theirs)
    except ValueError:
        there = None
    if here is None or there is None:
        return note(CLOCK, "not compared: Slack gave no time")
    ahead = here - there.replace(tzinfo=there.tzinfo or UTC)
    if abs(ahead) <= SKEW:
        return good(CLOCK, "agrees with Slack's")
    way = "ahead of" if ahead > timedelta() else "behind"
    return bad(CLOCK, f"is {_length(abs(ahead))} {way} Slack's", _KEEP_TIME)


def _length(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    return str(timedelta(seconds=seconds)) if seconds >= 3600 else f"{seconds // 60} min {seconds % 60} s"
