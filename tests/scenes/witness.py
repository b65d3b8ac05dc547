"""What a witness of all traffic knows: who had which right when, and whether a call to N-sight was allowed.

Nothing here is the bot's code: the rules are told again, from the documentation, and judged by what the stand-ins saw
(which bot read whose rights, and what it was told) and by the audit trail (who voted how, on what terms).
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from sqlite3 import connect
from typing import Any

from aiohttp import web

from bot.demo import serving
from bot.demo.clock import Clock
from bot.demo.fleet import Fleet
from bot.demo.nsight import Nsight
from bot.demo.slack import FakeSlack
from bot.demo.slack.model import Call, User
from bot.store import AuditRow

HOSTS = ("127.0.0.1", "localhost")  # the name by which a bot calls the stand-ins tells which of the two it is
_caller: ContextVar[int] = ContextVar("caller", default=-1)

# ---------------------------------------------------------------- the rules


@dataclass(frozen=True)
class Rules:
    """A configuration. ``servers``: quorum, and whether a reason is required, of requests about a server. ``opens``:
    the hour (UTC) at which a maintenance window of two hours opens each day."""

    approvers: tuple[str, ...] = ("S0PATCHTEAM",)
    quorum: int = 1
    denials: int = 1
    self_approval: bool = False
    reason: bool = False
    expires: str = "4h"
    escalate_to: tuple[str, ...] = ()
    servers: tuple[int, bool] | None = None
    opens: int | None = None

    @property
    def toml(self) -> str:
        """As patches.toml."""
        lines = ["[approvals]", 'channel = "C0PATCHAPPROVE"', f"approvers = {json.dumps(self.approvers)}"]
        lines += [f"quorum = {self.quorum}", f"denials = {self.denials}", f'expires = "{self.expires}"']
        lines += ["self_approval = true"] * self.self_approval + ['reason = "required"'] * self.reason
        if self.escalate_to:
            lines += [f"escalate_to = {json.dumps(self.escalate_to)}", 'escalate_after = "1h"']
            lines += ['escalate_channel = "C0HELPDESK"']
        if self.servers:
            lines += ["[[approvals.rules]]", 'kind = "server"', f"quorum = {self.servers[0]}"]
            lines += ['reason = "required"'] * self.servers[1]
        if self.opens is not None:
            lines += ["[[windows]]", f'cron = "0 {self.opens} * * *"', 'duration = "2h"']
        return "\n".join([*lines, "[eset]", 'every = "never"', ""])

    def quorum_for(self, *, server: bool) -> int:
        return self.servers[0] if self.servers and server else self.quorum

    def reason_for(self, *, server: bool) -> bool:
        return self.reason or bool(self.servers and server and self.servers[1])

    def closed_at(self, now: datetime) -> bool:
        return self.opens is not None and not self.opens <= now.hour < self.opens + 2


def fit(user: User) -> bool:
    """Whether a person may approve anything at all, on whatever list."""
    return not (user.deleted or user.bot or user.guest or user.stranger)


# ---------------------------------------------------------------- what was seen


@dataclass(frozen=True)
class Read:
    """A bot was told about a person (``members`` None) or a usergroup."""

    bot: int
    about: str
    fit: bool = False
    members: frozenset[str] | None = None


@dataclass(frozen=True)
class Arrival:
    """A patch_retry has reached N-sight. ``seen``: reads since the last moment at which nothing was at work;
    ``times``: of the clock since then; ``rules``: of the bot that called; ``head``: the audit trail's last row."""

    bot: int
    device: int
    ids: frozenset[int]
    rules: Rules
    seen: tuple[Read, ...]
    times: tuple[datetime, ...]
    head: int


@dataclass
class Journal:
    """Everything in the order in which it happened. ``rules``: of the bot in each place."""

    clock: Clock
    database: Path
    rules: dict[int, Rules] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    _seen: list[Read] = field(default_factory=list)
    _times: list[datetime] = field(default_factory=list)

    def quiet(self) -> None:
        """Nothing is at work in any bot: whatever is sent from now on has to be checked from now on."""
        self._seen, self._times = [], [self.clock.now()]

    def moved(self) -> None:
        """The clock was put forward."""
        self._times.append(self.clock.now())

    def read(self, read: Read) -> None:
        self._seen.append(read)

    def called(self, bot: int, params: dict[str, str]) -> None:
        ids = frozenset(map(int, params["patchids"].split(",")))
        seen, times = tuple(self._seen), (*self._times, self.clock.now())
        device, rules = int(params["deviceid"]), self.rules[bot]
        self.arrivals.append(Arrival(bot, device, ids, rules, seen, times, self._head()))

    def _head(self) -> int:
        with closing(connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            found = database.execute("SELECT max(seq) FROM audit_trail").fetchone()
        return int(found[0] or 0)


class WatchedSlack(FakeSlack):
    """Notes which bot was told what about whose rights."""

    def __init__(self, clock: Clock, journal: Journal) -> None:
        super().__init__(clock)
        self._journal = journal
        self.on_change.append(self._note)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        _caller.set(_bot(request))
        return await super()._handle(request)

    def _note(self, kind: str, thing: object) -> None:
        if kind != "call" or not isinstance(thing, Call) or thing.error:
            return
        if thing.method == "users.info":
            who = thing.args["user"]
            self._journal.read(Read(_caller.get(), who, fit=fit(self.space.users[who])))
        elif thing.method == "usergroups.users.list":
            group = self.space.usergroups[thing.args["usergroup"]]
            self._journal.read(Read(_caller.get(), group.id, members=frozenset(group.users)))


class WatchedNsight(Nsight):
    """Notes which bot calls for a retry, at the moment of the call's arrival."""

    def __init__(self, fleet: Fleet, clock: Clock, journal: Journal) -> None:
        super().__init__(fleet, clock)
        self.calls = _Calls(journal)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        _caller.set(_bot(request))
        return await super()._handle(request)


class _Calls(serving.Calls):
    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal

    def arrived(self, call: serving.Call) -> None:
        super().arrived(call)
        if call.service == "patch_retry":
            self._journal.called(_caller.get(), dict(call.params))


def _bot(request: web.BaseRequest) -> int:
    host = request.host.partition(":")[0]
    return HOSTS.index(host) if host in HOSTS else -1


# ---------------------------------------------------------------- judged


@dataclass(frozen=True)
class Story:
    """A request as the audit trail tells it up to some row. ``lists`` and ``quorum``: the strictest ever promised;
    ``votes``: who approved (True) or denied; ``reasoned``: who of them said why."""

    requester: str
    server: bool
    lists: frozenset[tuple[str, ...]]
    quorum: int
    votes: dict[str, bool]
    reasoned: frozenset[str]
    escalated: bool


def told(rows: Sequence[AuditRow], subject: str) -> Iterator[tuple[AuditRow, dict[str, Any]]]:
    """The rows about a request, oldest first, with their particulars."""
    return ((row, json.loads(row.data)) for row in rows if row.subject == subject)


def story(rows: Sequence[AuditRow], claim: AuditRow, servers: frozenset[int]) -> Story:
    """Of the request that is claimed: votes as they were cast, changed, taken back and made void."""
    requester, device, lists, quorum, escalated = "", 0, set[tuple[str, ...]](), 0, False
    votes: dict[str, bool] = {}
    reasoned: set[str] = set()
    for row, data in told(rows[: claim.seq], claim.subject):
        word = row.action.removeprefix("request.")
        escalated = escalated or word == "escalate"
        if "terms" in data:
            quorum = max(quorum, data["terms"]["quorum"])
            lists |= set() if escalated else {tuple(each) for each in data["terms"]["approvers"]}
        if word == "create":
            requester, device = row.actor, data["device"]["id"]
        elif word in {"approve", "deny"}:
            votes[row.actor] = word == "approve"
            (reasoned.add if data.get("reason") else reasoned.discard)(row.actor)
        elif word == "retract":
            del votes[row.actor]
        elif word == "revert":
            votes.clear()
    return Story(requester, device in servers, frozenset(lists), quorum, votes, frozenset(reasoned), escalated)


@dataclass(frozen=True)
class Judge:
    """``known``: every configuration that any bot had; ``servers``: ids of the devices that are servers."""

    known: Sequence[Rules]
    servers: frozenset[int]

    def faults(self, rows: Sequence[AuditRow], arrivals: Sequence[Arrival]) -> list[str]:
        """What was wrong about the calls that arrived, a sentence each."""
        found: list[str] = []
        sent: set[str] = set()
        for arrival in arrivals:
            claim = _claim(rows, arrival)
            if claim is None:
                found.append(f"a call without a claim before it: {arrival}")
                continue
            if claim.subject in sent:
                found.append(f"{claim.subject} was sent twice")
            sent.add(claim.subject)
            found += [f"{claim.subject}: {fault}" for fault in self._unjust(rows, claim, arrival)]
        return found

    def _unjust(self, rows: Sequence[AuditRow], claim: AuditRow, arrival: Arrival) -> Iterator[str]:
        now, one = arrival.rules, story(rows, claim, self.servers)
        if set(json.loads(claim.data)["votes"]) != set(one.votes):
            yield f"its claim names other votes than were cast: {claim.data} {one.votes}"
        counted = {who for who, yes in one.votes.items() if yes and self._entitled(who, one, arrival)}
        needed = max(one.quorum, now.quorum_for(server=one.server))
        if len(counted) < needed:
            yield f"{needed} approvals were needed, {sorted(counted)} had the right; {one}; {arrival}"
        if now.reason_for(server=one.server) and counted - one.reasoned:
            yield f"a reason was required, and {sorted(counted - one.reasoned)} gave none"
        if all(now.closed_at(at) for at in arrival.times):
            yield f"sent outside its window, at {arrival.times[-1]}"

    def _entitled(self, who: str, one: Story, arrival: Arrival) -> bool:
        """Whether the bot was told, after the last moment at which it had nothing to do, that this person may approve.

        Between that answer of Slack's and the call there is a gap that nobody can close.
        """
        now, promised = arrival.rules, [rules for rules in self.known if rules.approvers in one.lists]
        if who == one.requester and not (now.self_approval and any(rules.self_approval for rules in promised)):
            return False
        reads = [read for read in arrival.seen if read.bot == arrival.bot]
        if not any(read.about == who and read.fit for read in reads):
            return False
        inside = {read.about for read in reads if read.members and who in read.members} | {who}
        then = {each for rules in promised for each in rules.escalate_to} if one.escalated else set()
        spare = set(now.escalate_to) if one.escalated else set()
        return bool(inside & {*now.approvers, *spare}) and all(inside & {*each, *then} for each in one.lists)


def _claim(rows: Sequence[AuditRow], arrival: Arrival) -> AuditRow | None:
    """The newest claim of just this call that was in the trail when the call arrived."""
    wanted = (arrival.device, sorted(arrival.ids))
    for row in reversed(rows[: arrival.head]):
        call = json.loads(row.data).get("call") if row.action == "request.claim" else None
        if call and (call["deviceid"], sorted(call["patchids"])) == wanted:
            return row
    return None


def gap(rows: Sequence[AuditRow], subject: str, state: str, version: int) -> str:
    """What the trail misses of a request's way to ``state`` and ``version``; empty when it tells all of it."""
    at, last = "pending", 1
    for row, data in told(rows, subject):
        if "from" not in data:
            continue
        if data["from"] != at or data["version"] != last + 1:
            return f"row {row.seq} tells of {data['from']} to version {data['version']} after {at}, version {last}"
        at, last = data["to"], data["version"]
    return "" if (at, last) == (state, version) else f"it ends with {at}, version {last}; it is {state}, {version}"
