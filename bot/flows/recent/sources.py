"""Where the rows of ``/patches recent`` come from: ESET's own list, kept for an hour, or the attempts that the bot has
kept, for what goes further back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol

from bot.blocks import recent as words
from bot.blocks.recent import Application, Found, History
from bot.blocks.sparkline import Scale
from bot.commands import Mode, Recent
from bot.commands.recent import LONGEST
from bot.errors import Refused
from bot.flows import attempts
from bot.flows.services import Services
from bot.model import Attempt, Listing, Outcome
from bot.store import Kept, Which
from bot.store.kept import NAMES, Leaf, Place

REMEMBERED = 2000  # applications whose counts stay with a list
_OUTCOMES: dict[Mode, Outcome | None] = {"failed": Outcome.FAILED, "ok": Outcome.OK, "all": None}


class Source(Protocol):
    """``lasts``: it can be read again for a while. ``unreadable``: rows of ESET's that made no sense."""

    @property
    def taken_at(self) -> datetime: ...
    @property
    def unreadable(self) -> int: ...
    @property
    def lasts(self) -> bool: ...

    def pack(self) -> dict[str, Any]:
        """What ``again`` makes it from."""

    def scale(self, asked: Recent) -> Scale:
        """Of the failures by application."""

    async def history(self) -> History | None:
        """None of ESET's own list."""

    async def found(self, asked: Recent, number: int) -> Found:
        """With the rows of this page at least."""

    async def applications(self, asked: Recent, number: int) -> list[Application]:
        """All of them, those of this page (or the last one) with their bars."""

    def all(self, asked: Recent, most: int) -> AsyncIterator[Sequence[Attempt]]:
        """At most so many rows, newest first, some at a time."""

    async def like(self, mark: str) -> Sequence[Attempt]:
        """Attempts among which are all failures like that of the row whose fingerprint begins with ``mark``."""


async def of(services: Services, asked: Recent) -> Source:
    """Raises UpstreamError(ESET) when only ESET could tell."""
    if asked.since <= words.LISTED:
        taken = await attempts.snapshot(services)
        return Listed(services, taken.taken_at, taken.listing, taken.id)
    trouble = await attempts.caught_up(services) or ""
    return Collected(services, services.now(), await services.store.newest_attempt(), trouble)


async def again(services: Services, kept: dict[str, Any]) -> Source:
    """What a list shown before was made from. Raises Refused when it is no longer kept."""
    if "upto" in kept:
        at, upto = datetime.fromisoformat(kept["at"]), int(kept["upto"])
        return Collected(services, at, upto, str(kept["trouble"]), known=kept.get("known", {}))
    found = await services.store.snapshot(kept["snapshot"])
    if found is None:
        raise Refused(words.gone().text)
    return Listed(services, *found, kept["snapshot"])


# ---------------------------------------------------------------- ESET's own list


@dataclass(frozen=True, slots=True)
class Listed:
    """``snapshot``: where it is kept for an hour, empty when it could not be. 100,000 rows take 100 ms: in threads."""

    services: Services
    taken_at: datetime
    listing: Listing
    snapshot: str

    @property
    def unreadable(self) -> int:
        return self.listing.unreadable

    @property
    def lasts(self) -> bool:
        return bool(self.snapshot)

    def pack(self) -> dict[str, Any]:
        return {"snapshot": self.snapshot}

    def scale(self, asked: Recent) -> Scale:
        return Scale.over(asked.since, self.services.now())

    async def history(self) -> History | None:
        return None

    async def found(self, asked: Recent, number: int) -> Found:
        return await asyncio.to_thread(words.select, self.listing.attempts, asked, self.services.now())

    async def applications(self, asked: Recent, number: int) -> list[Application]:
        return await asyncio.to_thread(words.tally, self.listing.attempts, asked, self.services.now())

    async def all(self, asked: Recent, most: int) -> AsyncIterator[Sequence[Attempt]]:
        yield (await self.found(asked, 0)).rows[:most]

    async def like(self, mark: str) -> Sequence[Attempt]:
        return self.listing.attempts


# ---------------------------------------------------------------- what the bot has kept


@dataclass(frozen=True, slots=True)
class Collected:
    """Attempts up to number ``upto``, as of ``taken_at``. ``trouble``: why ESET could not be asked before. ``known``:
    what was counted for the last question, and between which places its page lies; it grows, and is packed as well."""

    services: Services
    taken_at: datetime
    upto: int
    trouble: str = ""
    unreadable: int = 0
    lasts: bool = True
    known: dict[str, Any] = field(default_factory=dict)

    def pack(self) -> dict[str, Any]:
        return {"upto": self.upto, "at": self.taken_at.isoformat(), "trouble": self.trouble, "known": self.known}

    def scale(self, asked: Recent) -> Scale:
        return Scale.over(asked.since, self.taken_at)

    async def history(self) -> History:
        everything = self.services.store.kept(Which(self.taken_at, self.upto))
        return History(await everything.oldest(), self.trouble)

    async def found(self, asked: Recent, number: int) -> Found:
        kept, known = await self._kept(asked), self._about(asked)
        if "counts" not in known:
            counts = await kept.counts()
            known["counts"] = [counts[Outcome.FAILED], counts[Outcome.OK], counts[Outcome.OTHER]]
        found = Found([], *known["counts"])
        number = min(number, words.pages(found.count(asked.mode)) - 1)
        leaf = await self._leaf(kept, _OUTCOMES[asked.mode], number)
        known.update(page=number, first=_packed(leaf.first), last=_packed(leaf.last))
        return replace(found, rows=leaf.attempts, ahead=words.ROWS * number)

    async def _leaf(self, kept: Kept, outcome: Outcome | None, number: int) -> Leaf:
        """From where the last page begins or ends, if this one is next to it."""
        step = number - self.known["page"] if number and self.known.get("last") else 0
        if step == 1:
            return await kept.older(outcome, words.ROWS, _place(self.known["last"]))
        if step == -1:
            return await kept.newer(outcome, words.ROWS, _place(self.known["first"]))
        return await kept.page(outcome, words.ROWS, words.ROWS * number)

    async def applications(self, asked: Recent, number: int) -> list[Application]:
        kept = await self._kept(asked)
        found = await self._ranked(kept, asked)
        start = words.ROWS * min(number, words.pages(len(found)) - 1)
        shown = slice(start, start + words.ROWS)
        names = [(one.developer, one.name) for one in found[shown]]
        bars = await kept.failures(names, self.scale(asked).starts)
        found[shown] = [replace(one, failures=tuple(bars[one.developer, one.name])) for one in found[shown]]
        return found

    async def _ranked(self, kept: Kept, asked: Recent) -> list[Application]:
        known = self._about(asked)
        if "applications" in known:
            return [Application(*one) for one in known["applications"]]
        found = await asyncio.to_thread(words.ranked, await kept.applications(), {})
        if len(found) <= REMEMBERED:
            known["applications"] = [[one.developer, one.name, one.failed, one.ok, one.other] for one in found]
        return found

    def _about(self, asked: Recent) -> dict[str, Any]:
        """What is known about this question; another filter asks for another status, nothing else changes."""
        if self.known.get("status") != asked.status:
            self.known.clear()
            self.known["status"] = asked.status
        return self.known

    async def all(self, asked: Recent, most: int) -> AsyncIterator[Sequence[Attempt]]:
        async for some in (await self._kept(asked)).all(_OUTCOMES[asked.mode], most):
            yield some

    async def like(self, mark: str) -> Sequence[Attempt]:
        return await self.services.store.kept(Which(self.taken_at - LONGEST, self.upto)).like(mark)

    async def _kept(self, asked: Recent) -> Kept:
        names = await self.services.store.named(asked.app) if asked.app else None
        if names is not None and len(names) > NAMES:
            raise Refused(words.too_many(len(names)))
        since = self.taken_at - asked.since
        return self.services.store.kept(
            Which(since, self.upto, tuple(names) if names is not None else None, asked.status)
        )


def _packed(place: Place | None) -> list[Any] | None:
    return [place[0].isoformat(), place[1]] if place else None


def _place(packed: Sequence[Any]) -> Place:
    return datetime.fromisoformat(packed[0]), int(packed[1])
