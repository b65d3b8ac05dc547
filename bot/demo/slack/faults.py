"""Slack going wrong on request: the faults that all stand-ins share, under Slack's method names."""

import json
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
        self._refuse(place, 429, "ratelimited", times, {"Retry-After": str(retry_after)})

    def error(self, place: str, code: str, *, times: int | None = 1) -> None:
        """``ok: false`` with this code; nothing is done."""
        self._refuse(place, 200, code, times, {})

    def _refuse(self, place: str, status: int, code: str, times: int | None, headers: dict[str, str]) -> None:
        body = json.dumps({"ok": False, "error": code}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", **headers}
        super().add(place, Fault.STATUS, times=times, status=status, headers=headers, body=body)

    def met_by(self, place: str) -> Plan | None:
        """The fault that a call to this place meets, used up by it."""
        return self.take(place) or self.take(ANY)
