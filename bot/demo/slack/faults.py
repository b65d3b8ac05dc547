"""Slack going wrong on request: the faults that all stand-ins share, under Slack's method names."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.demo.faults import Fault, Faults, Plan
from bot.demo.slack.methods import METHODS

ANY, RESPONSE_URL, UPLOAD_URL = "*", "response_url", "upload_url"
_WORDS: dict[str, tuple[Fault, dict[str, Any]]] = {
    "lost_answer": (Fault.LOSE_REPLY, {}),
    "cut_before": (Fault.CUT, {}),
    "slow": (Fault.SLOW, {}),
    "html": (Fault.HTML, {"status": 503}),
    "http_500": (Fault.STATUS, {"status": 500, "body": b"internal error"}),
}


class SlackFaults(Faults):
    """``slack.faults.add("chat.postMessage", "lost_answer")``: the places are Web API methods, "response_url",
    "upload_url" and "*".

    A kind is a `Fault` with the details of `Plan`, or one of the words "lost_answer" (acts, then cuts the connection),
    "cut_before", "http_500", "html", "slow" (``seconds=`` or ``until=`` an event; acts at once, answers late).
    """

    def __init__(self) -> None:
        super().__init__(*METHODS, RESPONSE_URL, UPLOAD_URL, ANY)

    def add(self, place: str, fault: Fault | str, *, times: int | None = 1, **details: Any) -> None:
        kind, usual = _WORDS.get(str(fault)) or (Fault(str(fault)), {})
        super().add(place, kind, times=times, **{**usual, **details})

    def rate_limited(self, place: str, retry_after: int = 1, *, times: int | None = 1) -> None:
        """429 with Retry-After; nothing is done. docs.slack.dev/apis/web-api/rate-limits"""
        super().add(place, Fault.STATUS, times=times, **_limit(retry_after))

    def rate_limited_once(self, places: Sequence[str], retry_after: int = 1) -> None:
        """The same for the next call to any of ``places``."""
        super().add_for_any(places, Fault.STATUS, **_limit(retry_after))

    def error(self, place: str, code: str, *, times: int | None = 1) -> None:
        """``ok: false`` with this code; nothing is done."""
        super().add(place, Fault.STATUS, times=times, **_refusal(200, code))

    def met_by(self, place: str) -> Plan | None:
        """The fault that a call to this place meets, used up by it."""
        return self.take(place) or self.take(ANY)


def _limit(retry_after: int) -> dict[str, Any]:
    return _refusal(429, "ratelimited", {"Retry-After": str(retry_after)})


def _refusal(status: int, code: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The details of a `Plan`."""
    body = json.dumps({"ok": False, "error": code}).encode()
    return {
        "status": status,
        "headers": {"Content-Type": "application/json; charset=utf-8", **(headers or {})},
        "body": body,
    }
