"""What can happen in a play: to people, to their rights, to the services, to the bots."""

import asyncio
from dataclasses import dataclass

from bot.demo.faults import Fault
from tests.scenes.forked import THOROUGH
from tests.scenes.interleaved import RULES, TEAM, Play


@dataclass(frozen=True)
class Ask:
    who: str
    target: int
    reason: str

    async def do(self, play: Play) -> None:
        device, ids = play.targets[self.target % len(play.targets)]
        await play.act(play.slack.says(self.who, f"/patches retry {device} {ids} {self.reason}"), self.who)


@dataclass(frozen=True)
class Press:
    """A button of the card of the newest request but ``back``, be it one that an edit has taken away."""

    who: str
    button: str
    back: int = 0
    reason: str = "because"

    async def do(self, play: Play) -> None:
        card = play.card(self.back)
        if card is not None:
            await play.presses(self.who, self.button, card, reason=self.reason)


@dataclass(frozen=True)
class TakeBack:
    who: str

    async def do(self, play: Play) -> None:
        await play.presses(self.who, "Take my vote back", None)


@dataclass(frozen=True)
class Redeliver:
    """Slack sends once more what this person did last."""

    who: str

    async def do(self, play: Play) -> None:
        last = play.slack.last.get(self.who)
        if last is None or not last.payload or not play.living:
            return
        upset, again = play.upset, asyncio.ensure_future(play.slack.redeliver(last))
        gone = asyncio.ensure_future(upset.wait())
        await asyncio.wait((again, gone), return_when=asyncio.FIRST_COMPLETED)
        for one in (again, gone):
            one.cancel()
        await asyncio.gather(again, gone, return_exceptions=True)
        play.tally["redeliveries"] += 1


@dataclass(frozen=True)
class Right:
    """Somebody joins or leaves the approvers' group, or their account changes."""

    who: str
    what: str

    async def do(self, play: Play) -> None:
        slack = play.slack
        person, group = slack.space.user(self.who), slack.space.usergroups[TEAM].users
        match self.what:
            case "leaves" if person.id in group:
                slack.leaves_group(self.who, TEAM)
            case "joins" if person.id not in group:
                slack.joins_group(self.who, TEAM)
            case "deactivated":
                slack.deactivate(self.who)
            case "active":
                person.deleted = person.guest = False
            case "guest":
                person.guest = True
        play.tally["rights changed"] += 1


@dataclass(frozen=True)
class Later:
    """Time goes by, and the schedulers in these places look at what is due."""

    seconds: int
    places: tuple[int, ...] = (0, 1)

    async def do(self, play: Play) -> None:
        play.advance(self.seconds)
        bots = [bot for bot in play.living if bot.place in self.places]
        await asyncio.gather(*(bot.told("tick") for bot in bots))


@dataclass(frozen=True)
class Restart:
    """The bot in a place stops, if there is one, and one with these rules comes."""

    place: int
    rules: int
    abrupt: bool = False
    finish: float = THOROUGH
    point: int = 0

    async def do(self, play: Play) -> None:
        async with play.doors[self.place]:
            await play.stop(self.place, abrupt=self.abrupt)
            await play.start(self.place, RULES[self.rules], finish=self.finish, point=self.point)


@dataclass(frozen=True)
class Kill:
    """SIGKILL at once, or at the ``point``-th statement from now."""

    place: int
    point: int = 0

    async def do(self, play: Play) -> None:
        bot = play.bots.get(self.place)
        if bot is None or not bot.alive:
            return
        if self.point:
            play.armed.add(bot)
            await bot.told(f"arm {self.point}")
            return
        bot.kill()
        await bot.ended()


@dataclass(frozen=True)
class SlackFails:
    method: str
    how: str
    times: int | None

    async def do(self, play: Play) -> None:
        details = {"seconds": 0.2} if self.how == "slow" else {}
        play.slack.faults.add(self.method, self.how, times=self.times, **details)
        if (self.method, self.how) == ("chat.postMessage", "lost_answer"):
            play.lost_posts += self.times or 1000


@dataclass(frozen=True)
class NsightFails:
    service: str
    how: Fault
    times: int | None

    async def do(self, play: Play) -> None:
        play.nsight.faults.add(self.service, self.how, times=self.times, seconds=0.2, status=503)
        play.lost_calls += 1


@dataclass(frozen=True)
class NsightDown:
    async def do(self, play: Play) -> None:
        await play.unreach()


@dataclass(frozen=True)
class Heal:
    """Every service works again, and deliveries come once, or (``twice``) each of them twice."""

    twice: bool = False

    async def do(self, play: Play) -> None:
        await play.heal()
        play.slack.deliver_twice = self.twice
