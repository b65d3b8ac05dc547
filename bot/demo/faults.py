"""What a stand-in can be told to do wrong, and the queue of it.

``nsight.faults.add("patch_retry", Fault.LOSE_REPLY)`` makes the next such call act and never answer,
``eset.faults.add("recent", Fault.STATUS, times=2, status=503)`` refuses two.
Faults of one place are used up in the order they were added; a place without any behaves.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """How a call goes wrong. The first group acts before it misbehaves, the second never gets so far as to act."""

    LOSE_REPLY = "lose reply"  # the connection is cut instead of an answer
    CUT_MIDWAY = "cut midway"  # all headers and half of the body, then cut
    SLOW = "slow"  # the answer is held for `seconds`, or until `until` is set
    TORN = "torn"  # half of the body as if it were all
    BODY = "body"  # `body` in place of the real one
    GZIP = "gzip"  # the right answer, compressed
    HUGE = "huge"  # `size` bytes of white space before the end never comes
    GZIP_BOMB = "gzip bomb"  # the same, compressed to a thousandth
    BOMB = "entity bomb"  # N-sight: XML that would grow to gigabytes
    NO_STATUS = "no status"  # N-sight: an OK envelope without its status attribute
    ALREADY = "already"  # N-sight: every id is called already applied; nothing is queued
    LATER = "later"  # ESET: 202 for `polls` answers, then the real one
    CUT = "cut"  # the connection is cut before anything is done
    STATUS = "status"  # HTTP `status` with `headers` and `body`
    HTML = "html"  # a proxy's or firewall's page, with `status` (200 unless told)
    REDIRECT = "redirect"  # 302 to a place where nobody may come
    FAIL = "fail"  # N-sight: a FAIL envelope with `code` and `words`


IDLE = frozenset({Fault.ALREADY, Fault.CUT, Fault.STATUS, Fault.HTML, Fault.REDIRECT, Fault.FAIL})


@dataclass(frozen=True, eq=False)
class Plan:
    """A fault with its details; what a detail means stands beside the fault that uses it. Each is itself alone."""

    fault: Fault
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    seconds: float = 0.0
    until: asyncio.Event | None = None
    size: int = 80 * 1024 * 1024
    polls: int = 1
    code: str = "4"
    words: str = "Invalid value for parameter: deviceid"
    act: bool | None = None

    @property
    def acts(self) -> bool:
        """Whether the call takes effect; ``act`` overrules what is usual for the fault."""
        return self.fault not in IDLE if self.act is None else self.act


class Faults:
    """Faults waiting for calls, by place: an N-sight service, or what ESET's stand-in calls its own."""

    def __init__(self, *places: str) -> None:
        self._places = frozenset(places)
        self._waiting: defaultdict[str, deque[Plan]] = defaultdict(deque)
        self._always: dict[str, Plan] = {}

    def add(self, place: str, fault: Fault, *, times: int | None = 1, **details: Any) -> None:
        """Queue a fault for the next ``times`` calls; None: for all, once the queue is used up, until `clear`.

        ``details`` are fields of `Plan`. KeyError for a place that this stand-in does not have.
        """
        self._demand(place)
        plan = Plan(fault, **details)
        if times is None:
            self._always[place] = plan
        else:
            self._waiting[place].extend([plan] * times)

    def add_for_any(self, places: Sequence[str], fault: Fault, **details: Any) -> None:
        """Queue one fault for the next call to any of ``places``: whichever comes first uses it up. KeyError as
        `add`."""
        plan = Plan(fault, **details)
        for place in places:
            self._demand(place)
            self._waiting[place].append(plan)

    def take(self, place: str) -> Plan | None:
        """The fault that the call at hand meets, if any; used up by this."""
        waiting = self._waiting[place]
        if not waiting:
            return self._always.get(place)
        plan = waiting.popleft()
        for other in self._waiting.values():
            if other is not waiting and plan in other:
                other.remove(plan)
        return plan

    def waiting(self, place: str) -> int:
        """How many queued faults no call has met yet."""
        return len(self._waiting[place])

    def _demand(self, place: str) -> None:
        if place not in self._places:
            raise KeyError(f"{place}: one of {', '.join(sorted(self._places))}")

    def clear(self, *places: str) -> None:
        """All is well again, at these places or everywhere."""
        for place in places or self._places:
            self._waiting.pop(place, None)
            self._always.pop(place, None)
