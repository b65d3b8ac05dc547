"""What the doctor found, as values, as text and as JSON. Pure."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from bot.errors import Kind, Service, UpstreamError
from bot.flows import terminal
from bot.markup import plural

_MARKS = {True: "ok", False: "FAIL", None: "note"}
_INDENT = " " * 6


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``ok`` None: nothing to do, or it could not be found out. ``mend``: what helps, or empty."""

    name: str
    ok: bool | None
    sentence: str
    mend: str = ""


def good(name: str, sentence: str) -> Finding:
    return Finding(name, True, sentence)


def note(name: str, sentence: str, mend: str = "") -> Finding:
    return Finding(name, None, sentence, mend)


def bad(name: str, sentence: str, mend: str) -> Finding:
    return Finding(name, False, sentence, mend)


def all_good(findings: Iterable[Finding]) -> bool:
    """Notes do no harm."""
    return all(finding.ok is not False for finding in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """A line for each finding, one below it where something is to be done, and a last line that sums up."""
    lines = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.ok]:<{len(_INDENT)}}{finding.name}: {finding.sentence}")
        if finding.mend:
            lines.append(f"{_INDENT}-> {finding.mend}")
    failing = sum(finding.ok is False for finding in findings)
    verdict = f"{failing} of {plural(len(findings), 'check')} failed." if failing else "Nothing is wrong."
    # Names of channels and people are foreign text, and this goes to a terminal.
    return "\n".join([*map(terminal.line, lines), "", verdict])


def as_json(findings: Sequence[Finding]) -> str:
    """One object: ``ok``, and ``findings`` with name, ok (true, false or null), sentence and mend."""
    told = {"ok": all_good(findings), "findings": [asdict(finding) for finding in findings]}
    return json.dumps(told, indent=2)


# ---------------------------------------------------------------- words about failed calls

_SAYINGS = {
    Kind.UNREACHABLE: "cannot be reached",
    Kind.TIMEOUT: "did not answer in time",
    Kind.CUT: "cut the connection before the answer was complete",
    Kind.THROTTLED: "asks for a slower pace",
    Kind.CREDENTIALS: "refuses the credentials",
    Kind.FORBIDDEN: "does not allow this",
    Kind.BLOCKED: "is shielded by something that refused the call",
    Kind.REFUSED: "refuses",
    Kind.BROKEN: "gave an answer that cannot be read",
    Kind.TOO_LARGE: "gave an answer larger than the bot accepts",
    Kind.DOWN: "has trouble of its own right now",
}
_ADVICE = {
    (
        Service.SLACK,
        Kind.CREDENTIALS,
    ): "Compare SLACK_BOT_TOKEN (xoxb-…, under OAuth & Permissions) and, in Socket Mode, "
    "SLACK_APP_TOKEN (xapp-…, under Basic Information > App-Level Tokens) with the app's pages at api.slack.com/apps. "
    "A token is dead once the app was removed from the workspace: reinstall it and copy the new one.",
    (Service.ESET, Kind.CREDENTIALS): "Check ESET_USERNAME and ESET_PASSWORD: it takes a user made for the API, with "
    "the Integrations toggle on, and one made in ESET PROTECT Hub has to log in there once. "
    "ESET_REGION must be the region of your ESET PROTECT server.",
    (Service.ESET, Kind.FORBIDDEN): "When the same user can log in from a browser, ESET is turning away this server's "
    "IP address and not the user: ask ESET's support to let the server's public IP address in, or go out by another.",
    (Service.NSIGHT, Kind.CREDENTIALS): "N-sight says the same to a wrong key and to a key of another territory. Check "
    "NSIGHT_SERVER (the host of your territory, such as www.am.remote.management or wwweurope1.systemmonitor.eu.com) "
    "and NSIGHT_API_KEY (All Devices > Settings > General Settings > API; a key made anew replaces the one before).",
    (Service.NSIGHT, Kind.BLOCKED): "A web page or a firewall answered in place of N-sight's API. Check NSIGHT_SERVER, "
    "then a proxy on the way out, then NSIGHT_USER_AGENT: N-sight's firewall turns away agents it does not know.",
}
_ANYWHERE = {
    Kind.REFUSED: "`patches-bot check` looks at more; the service's own documentation explains the code.",
    Kind.FORBIDDEN: "`patches-bot check` says what is missing.",
    Kind.UNREACHABLE: "Check the address, DNS, and that this server may open HTTPS connections to it.",
    Kind.BLOCKED: "A proxy or firewall answered in its place: check the address and the way out.",
    Kind.BROKEN: "Check the address: what answers there may be something else.",
}
_WAIT = "Try again in some minutes."


def told(error: UpstreamError) -> str:
    """What happened, in plain words and without a full stop: ``Slack refuses the credentials (invalid_auth)``."""
    parts = (error.code, error.words) if error.service is Service.SLACK else (error.words or error.code,)
    details = ": ".join(part for part in parts if part)
    return f"{error.service} {_SAYINGS[error.kind]}" + (f" ({details})" if details else "")


CHANNEL_CODES = frozenset({"not_in_channel", "channel_not_found", "is_archived"})


def advice(error: UpstreamError) -> str:
    """What helps against a failed call or a refused start, in plain words.

    Sources: N-able's pages on the API key and on territories; ESET Connect's pages on the API user; for ESET's 403 on
    the login, what its integrations' users found out (Azure-Sentinel issue 12015).
    """
    if error.code in CHANNEL_CODES:
        return (
            "Type /invite @Patches in that channel; `patches-bot check` tells whether it is archived or the id wrong."
        )
    return _ADVICE.get((error.service, error.kind)) or _ANYWHERE.get(error.kind, _WAIT)
