"""Plays in which everything happens at any moment: people act, bots die and come back, rights and services change.

A play is a list of deeds, each with the moment at which the next one follows: after so many things have happened in
Slack, whatever is in flight then, or when nothing is at work any more. Up to two bots, real processes on one database,
take part. When it is over the services recover and time passes, and `Play.faults` tells what should not have been.
"""

import asyncio
import contextlib
import re
from collections import Counter, defaultdict
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from bot.approvals import Policy
from bot.blocks import request as words
from bot.demo.slack.delivery import NOBODY
from bot.demo.slack.exchange import Exchange
from bot.demo.slack.model import Shown
from bot.demo.slack.words import lines
from bot.demo.world import World
from bot.flows.cards import CARD_LEASE
from bot.model import OPEN, DeviceKind, PatchStatus, RetryRequest, State
from bot.store import AuditRow, Card, Store
from tests.scenes.forked import PATIENCE, THOROUGH, Bot, Nursery, TellingClock
from tests.scenes.witness import HOSTS, Journal, Judge, Rules, WatchedNsight, WatchedSlack, gap

APPROVALS, TEAM = "C0PATCHAPPROVE", "S0PATCHTEAM"
RULES = (
    Rules(),
    Rules(quorum=2),
    Rules(approvers=("U0ANN", "U0DAVE")),
    Rules(approvers=(TEAM, "U0DAVE"), quorum=2, reason=True),
    Rules(approvers=("S0HELPDESK",), self_approval=True),
    Rules(expires="30m"),
    Rules(opens=9),
    Rules(opens=8),
    Rules(servers=(2, True)),
    Rules(approvers=("U0CARL",), escalate_to=("U0DAVE", "U0ANN")),
    Rules(approvers=(TEAM, "U0DAVE"), quorum=2, denials=2),
)
TOO_OLD = "Slack: response_url: expired_url"  # an hour can go by while an answer is on its way
AFTERWARDS = (30, 130, 200, 1900, 3700, 5 * 3600, 20 * 3600, 50 * 3600)
"""Seconds, step by step, in which everything comes to its end: claims run out, cards are mended, patches install."""


@dataclass(eq=False)
class Act:
    """What one person did. ``disturbed``: a bot died, was cut short or was not there, so nobody may have answered.
    ``burst``: acts of one number were done into each other."""

    burst: int
    disturbed: bool = False
    card: Shown | None = None
    versions: int = 0
    views: int = 0
    exchange: Exchange | None = None

    def seen(self, views: int) -> bool:
        """Whether it shows on the card or opened a modal. ``views``: modals that the person has seen by the end."""
        return views > self.views or (self.card is not None and self.card.versions > self.versions)


def unanswered(acts: Sequence[Act], views: int) -> str:
    """What is wrong with the answers to one person's acts in one burst, empty when nothing is. They are counted
    together: an answer that takes another way than the response_url does not tell what it answers."""
    told = [act.exchange for act in acts]
    answers = {id(answer): answer for one in told if one for answer in one.answers}
    finals = sum(not answer.plain.startswith("⏳") for answer in answers.values())  # signs of life left out
    shown = sum(act.seen(views) for act in acts)
    if finals > len(acts):
        return f"answered {finals} times: {told}"
    if any(act.disturbed for act in acts):
        return ""
    if any(act.exchange and act.exchange.failure for act in acts):
        return f"not acknowledged: {told}"
    return f"no answer: {told}" if finals + shown < len(acts) else ""


class Deed(Protocol):
    """Anything that happens in a play."""

    async def do(self, play: "Play", /) -> None: ...


@dataclass(frozen=True)
class Step:
    """A deed, and when the next one follows: after so many changes in Slack, or (None) when nothing is at work."""

    deed: Deed
    then: int | None


class Play:
    """One play from its first deed to its end. ``tally`` counts what happened."""

    def __init__(self, folder: Path, nursery: Nursery, laid: bytes) -> None:
        self.folder, self._nursery = folder, nursery
        clock = TellingClock(folder / "clock")
        database = folder / "patches.db"
        database.write_bytes(laid)
        self.journal = Journal(clock, database)
        self.world = World(clock=clock)
        self.world.slack = self.slack = WatchedSlack(clock, self.journal)
        self.world.nsight = self.nsight = WatchedNsight(self.world.fleet, clock, self.journal)
        self.slack.patience = PATIENCE
        self.slack.on_change.append(self._note)
        self.bots: dict[int, Bot] = {}
        self.rules: set[Rules] = set()
        self.tally: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.targets = self._targets()
        self._changes = self._bursts = 0
        self._noted, self._burst = 0, set[asyncio.Task[None]]()
        self._acting: list[Act] = []
        self._acts: list[Act] = []
        self.upset = asyncio.Event()
        self._born: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._coming = asyncio.Lock()
        self.doors: defaultdict[int | str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.lost_posts = self.lost_calls = self.leaps = 0
        self._hasty: dict[int, bool] = {}
        self.armed: set[Bot] = set()
        self._stack = AsyncExitStack()

    def _targets(self) -> list[tuple[int, str]]:
        """Devices and ids to ask for; some cover the same patches."""
        failing = (
            machine.id
            for machine in self.world.fleet.machines()
            if machine.kind is DeviceKind.WORKSTATION
            and any(patch.status is PatchStatus.FAILED for patch in machine.patches.values())
        )
        return [(1001, "4"), (1001, "4,5"), (1001, "5"), (next(failing), "failed"), (next(failing), "failed")]

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.world)
            server = await asyncio.start_server(lambda *streams: self._born.put_nowait(streams), "127.0.0.1", 0)
            stack.callback(server.close)
            self._port = server.sockets[0].getsockname()[1]
            stack.push_async_callback(self._end)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _end(self) -> None:
        for task in self._burst:
            task.cancel()
        await asyncio.gather(*self._burst, return_exceptions=True)
        for bot in self.bots.values():
            bot.stopping = True
            bot.kill()
            await bot.ended()

    # ---------------------------------------------------------------- bots

    @property
    def living(self) -> list[Bot]:
        return [bot for bot in self.bots.values() if bot.alive and not bot.stopping]

    async def start(self, place: int, rules: Rules, *, finish: float = THOROUGH, point: int = 0) -> None:
        """A new bot in a place whose last one is gone. It may die at ``point`` of its start."""
        env = self.world.env(self.folder, rules.toml)
        config = self.folder / f"rules-{len(self.rules)}-{place}.toml"
        config.write_text(rules.toml, encoding="utf-8")
        env["PATCHES_CONFIG"] = str(config)
        for name in ("SLACK_API_URL", "NSIGHT_URL"):
            env[name] = env[name].replace(HOSTS[0], HOSTS[place])
        told = {"port": self._port, "env": env, "clock": str(self.folder / "clock"), "log": str(self.log)}
        async with self._coming:
            before = {connection.number for connection in self.slack.sockets.connections}
            self._nursery.fork(told | {"finish": finish, "point": point})
            self.journal.rules[place] = rules
            self.rules.add(rules)
            async with asyncio.timeout(PATIENCE):
                streams = await self._born.get()
                self._hasty[place] = finish < THOROUGH
                bot = self.bots[place] = Bot(place, int(await streams[0].readline()), streams, self._mourn)
                if await bot.ready():
                    now = {connection.number for connection in self.slack.sockets.connections}
                    bot.connections = now - before
        self._changes += 1
        self.tally["starts"] += 1

    async def stop(self, place: int, *, abrupt: bool) -> None:
        """The bot in this place, if any, stops: cleanly, or so that what is in flight there is cancelled."""
        bot = self.bots.get(place)
        if bot is None or not bot.alive:
            return
        bot.stopping = True
        cut = abrupt or self._hasty[place] or bot in self.armed  # it may die at its point while it stops
        self._leave(bot)
        self._disturb(lost=cut)
        await bot.stop()
        self.tally["cut short" if cut else "stopped"] += 1
        self._disturb(lost=cut)

    def _mourn(self, bot: Bot) -> None:
        """Takes note of a death."""
        if bot.stopping:
            return
        bot.stopping = True
        self.tally["kills"] += 1
        self._leave(bot)
        self._disturb(lost=True)

    def _leave(self, bot: Bot) -> None:
        for connection in self.slack.sockets.connections:
            connection.leaving = connection.leaving or connection.number in bot.connections

    def _disturb(self, *, lost: bool) -> None:
        """What was not acknowledged yet never will be; ``lost``: nor may the rest be answered."""
        for act in self._acting:
            act.disturbed = act.disturbed or lost
        self._changes += 1
        upset, self.upset = self.upset, asyncio.Event()
        upset.set()

    @property
    def log(self) -> Path:
        return self.folder / "bots.log"

    # ---------------------------------------------------------------- time and moments

    def _note(self, kind: str, thing: object) -> None:
        self._noted += 1

    async def perform(self, steps: list[Step]) -> None:
        """All deeds, one after the other or into each other."""
        for step in steps:
            task = asyncio.create_task(step.deed.do(self))
            self._burst.add(task)
            if step.then is None:
                await self.quiet()
            else:
                await self._moment(step.then)
        await self.quiet()

    async def _moment(self, changes: int) -> None:
        """Returns after so many changes in Slack, or when nothing is at work any more."""
        goal = self._noted + changes
        reached = asyncio.ensure_future(self.slack.until(lambda: self._noted >= goal, PATIENCE))
        still = asyncio.ensure_future(self._still())
        await asyncio.wait((reached, still), return_when=asyncio.FIRST_COMPLETED)
        for one in (reached, still):
            one.cancel()
        await asyncio.gather(reached, still, return_exceptions=True)

    async def _still(self) -> None:
        while self._burst or not await self._settled():
            if self._burst:
                await asyncio.wait(self._burst, timeout=PATIENCE)
                self._reap()

    def _reap(self) -> None:
        done = {task for task in self._burst if task.done()}
        self._burst -= done
        for task in done:
            task.result()

    async def _settled(self) -> bool:
        """Whether every bot that lives has nothing to do, and none died before it said so."""
        await self.slack.until(self._acked, PATIENCE)
        living = self.living
        answers = await asyncio.gather(*(bot.told("settle") for bot in living))
        return all(answers)

    def _acked(self) -> bool:
        """Whether each delivery that a living bot got is acknowledged."""
        numbers = {number for bot in self.living for number in bot.connections}
        here = {each.number for each in self.slack.sockets.connections if not each.leaving} & numbers
        return all(each.acked is not None for each in self.slack.envelopes if each.connection in here)

    async def quiet(self) -> None:
        """Waits until nothing is at work; if no bot is left, there comes one."""
        await self._still()
        self._acts += self._acting
        self._bursts += 1
        self._acting.clear()
        self.journal.quiet()
        if not self.living:
            await self.start(0, self.journal.rules.get(0, RULES[0]))
            await self._still()
            self.journal.quiet()

    def advance(self, seconds: float) -> None:
        """A leap over a lease while its holder is at work is as if that machine had slept: another takes over."""
        if self._acting and seconds >= CARD_LEASE:
            self.leaps += 1
        self.world.clock.advance(seconds)
        self.journal.moved()

    # ---------------------------------------------------------------- services

    async def unreach(self) -> None:
        """N-sight's address takes no connections any more; calls on their way are cut."""
        self.lost_calls += 1
        async with self.doors["N-sight"]:
            await self.nsight.stop()

    async def heal(self) -> None:
        """Slack and N-sight do what they should."""
        self.slack.faults.clear()
        self.nsight.faults.clear()
        async with self.doors["N-sight"]:
            await self.nsight.stop()
            await self.nsight.start()

    # ---------------------------------------------------------------- people

    def cards(self, channel: str = APPROVALS) -> dict[int, list[Shown]]:
        """Messages that show a request, by its number."""
        found: dict[int, list[Shown]] = {}
        for shown in self.slack.messages:
            number = re.search(r"Retry request #(\d+):", shown.screen) if shown.channel == channel else None
            if number and not shown.thread_ts:
                found.setdefault(int(number[1]), []).append(shown)
        return found

    def card(self, back: int) -> Shown | None:
        """The card of the newest request but ``back``."""
        found = self.cards()
        return found[sorted(found)[-1 - back % len(found)]][-1] if found else None

    async def act(self, doing: Coroutine[Any, Any, Any], who: str, card: Shown | None = None) -> Exchange | None:
        """Lets a person do something; None when they could not, or a bot went before it was acknowledged."""
        act = Act(self._bursts, not self.living, card, card.versions if card else 0, self.views(who))
        self._acting.append(act)
        changes = self._changes
        task, upset = asyncio.ensure_future(doing), asyncio.ensure_future(self.upset.wait())
        await asyncio.wait((task, upset), return_when=asyncio.FIRST_COMPLETED)
        upset.cancel()
        if not task.done():
            task.cancel()
            await asyncio.gather(task, upset, return_exceptions=True)
            self.tally["never acknowledged"] += 1
            return None
        await asyncio.gather(upset, return_exceptions=True)
        try:
            done = task.result()
        except LookupError:
            self.tally["impossible"] += 1
            return None
        act.exchange = done if isinstance(done, Exchange) else self.slack.last[who]
        act.disturbed = act.disturbed or (
            act.exchange.failure == NOBODY and (self._coming.locked() or self._changes != changes)
        )
        self.tally["acts"] += 1
        return act.exchange

    def views(self, who: str) -> int:
        """How many modals a person has seen so far."""
        person = self.slack.space.user(who).id
        return sum(view.user == person for view in self.slack.space.views.values())

    async def presses(self, who: str, button: str, card: Shown | None, *, reason: str = "") -> None:
        """Presses a button, of a card or where it is; fills and submits the modal if one opens."""
        before, upset = self.views(who), self.upset
        exchange = await self.act(self.slack.clicks(who, button, card, stale=card is not None), who, card)
        if exchange is None or exchange.failure or button not in {"Approve", "Deny"}:
            return
        versions = card.versions if card else 0

        def answered() -> bool:
            shown = card is not None and button == "Approve" and card.versions > versions
            return bool(exchange.answers) or shown or self.views(who) > before or upset.is_set()

        with contextlib.suppress(AssertionError):
            await self.slack.until(answered, 2)
        stack = self.slack.space.stacks.get(self.slack.space.user(who).id)
        if self.views(who) == before or not stack:
            return
        if await self.act(self.slack.submits(who, {"Why?": reason}), who, card):
            self.tally["submissions"] += 1
        for view in list(stack):
            self.slack.space.close_view(view)

    # ---------------------------------------------------------------- the end

    async def recover(self) -> None:
        """All services are well again, and time passes until everything that can end has ended."""
        await self.quiet()
        await self.heal()
        self.slack.deliver_twice = False
        await asyncio.gather(*(bot.told("arm 0") for bot in self.living))
        await self.quiet()
        for seconds in AFTERWARDS:
            self.advance(seconds)
            await asyncio.gather(*(bot.told("tick") for bot in self.living))
            await self.quiet()

    async def faults(self) -> list[str]:
        """Everything that should not have been, a sentence each."""
        store = await Store.open(self.world.env(self.folder)["DATABASE_URL"], migrate=False)
        try:
            rows = [row async for row in store.rows()]
            verdict = await store.verify()
            requests = await store.history(None, 1000)
            cards = {request.id: await store.cards(request.id) for request in requests}
        finally:
            await store.close()
        self.ends.update(str(request.state) for request in requests)
        self.tally["calls"] += len(self.journal.arrivals)
        for action in ("claim", "revert", "hold", "expire", "retract", "tighten", "await", "losetrack"):
            self.tally[action] += sum(row.action == f"request.{action}" for row in rows)
        servers = {machine.id for machine in self.world.fleet.machines() if machine.kind is DeviceKind.SERVER}
        found = Judge(tuple(self.rules), frozenset(servers)).faults(rows, self.journal.arrivals)
        found += [] if verdict.ok else [verdict.problem]
        found += [fault for request in requests for fault in self._unended(request, rows)]
        for request in requests:
            for shown in cards[request.id]:
                again = tuple(one for one in requests if one.id == request.again_of)
                found += self._misshown(request, again, shown)
            found += self._repeated(request)
        found += list(self._unanswered())
        found += [broken for broken in self.world.violations if broken != TOO_OLD]
        return found + self._said()

    def _unended(self, request: RetryRequest, rows: list[AuditRow]) -> Iterator[str]:
        missing = gap(rows, f"request:{request.id}", request.state, request.version)
        if missing:
            yield f"the trail of request {request.id}: {missing}"
        if request.state in OPEN - {State.UNKNOWN}:
            yield f"request {request.id} is still {request.state} though everything works: {request}"
        if request.state is State.UNKNOWN and not self.lost_calls + self.tally["kills"] + self.tally["cut short"]:
            yield f"request {request.id} is unknown though nothing was lost: {request.note}"

    def _misshown(self, request: RetryRequest, again: tuple[RetryRequest, ...], card: Card) -> Iterator[str]:
        """``again``: what it asks for once more."""
        message = self.slack.space.find(card.channel, card.ts) if card.ts else None
        if message is None or card.shown != request.version:
            yield f"a card of request {request.id} shows version {card.shown} of {request.version}: {card}"
            return
        policy = Policy(request.terms, None, timedelta(hours=48), timedelta(minutes=15))
        blocks = words.card(request, policy, words.Links(earlier=again)).blocks
        right = "\n".join(lines([dict(block) for block in blocks], self.slack.space.naming))
        if message.screen != right:
            yield f"the card of request {request.id} says {message.screen!r} and should say {right!r}"

    def _repeated(self, request: RetryRequest) -> Iterator[str]:
        """More than one card in a channel is possible only when nobody learned that one was posted."""
        excused = self.lost_posts + self.leaps + self.tally["kills"] + self.tally["cut short"]
        for channel in (APPROVALS, "C0HELPDESK"):
            count = len(self.cards(channel).get(request.id, ()))
            if count > 1 + excused:
                yield f"request {request.id} has {count} cards in {channel}, {excused} excused"

    def _unanswered(self) -> Iterator[str]:
        self.tally["disturbed"] += sum(act.disturbed for act in self._acts)
        bursts: defaultdict[tuple[str, int], list[Act]] = defaultdict(list)
        for act in self._acts:
            if act.exchange is not None:
                bursts[act.exchange.user, act.burst].append(act)
        faults = (unanswered(acts, self.views(who)) for (who, _), acts in bursts.items())
        return filter(None, faults)

    def _said(self) -> list[str]:
        """Faults of its own that a bot has logged."""
        told = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line for line in told if "fault" in line or "Traceback" in line or "never" in line][:3]
