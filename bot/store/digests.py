"""Which slot of a digest was posted and what it covered; who is posting the next one; which files it still owes; since
when Slack takes no post of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Posted
from bot.store import audit, keepsakes, outbox
from bot.store.audit import JSON, Entry
from bot.store.outbox import Note
from bot.store.standings import NOTHING, Memory
from bot.store.tables import digest_memories, digest_refusals, digests

OWED = "digest.files"
_NUMBERS = msgspec.json.Decoder(list[int])


@dataclass(frozen=True, slots=True)
class Told:
    """What goes with a digest that was posted at ``place``: ``notes`` for its thread, and what brings its files there
    (``owed``, None for no files)."""

    place: Posted
    notes: Sequence[Note] = ()
    owed: JSON = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Slack takes no post for the plan: its error code at the last try, and when the first one was."""

    code: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Mark:
    """What the last posted digest of a plan covered: attempts up to number ``upto``, for the slot ``slot``.

    ``upto`` is negative while the plan has only its baseline and nothing was covered yet. ``paused_at``: the slot
    before a pause that ended at ``slot``; what came since then is still to be told.
    """

    slot: datetime
    upto: int
    paused_at: datetime | None = None

    @property
    def posted(self) -> bool:
        return self.upto >= 0

    @property
    def since(self) -> datetime:
        """The time from which the next digest tells."""
        return self.paused_at or self.slot


async def mark(connection: AsyncConnection, plan: str) -> Mark | None:
    """A row that says it was posted before its slot came is the end of a pause."""
    query = sa.select(digests).where(digests.c.plan == plan, digests.c.posted_at.is_not(None))
    row = (await connection.execute(query.order_by(digests.c.slot.desc()).limit(1))).first()
    return Mark(row.slot, row.upto, row.posted_at if row.posted_at < row.slot else None) if row else None


async def start(connection: AsyncConnection, plan: str, at: datetime, upto: int) -> None:
    """The baseline of a plan never seen before: nothing older than `at` is late. A plan with a mark is left alone."""
    if await mark(connection, plan) is None:
        await _write(connection, plan, at, posted_at=at, upto=upto)


async def move(connection: AsyncConnection, plan: str, at: datetime) -> None:
    """The end of a pause: nothing before ``at`` is late, and the next digest tells all since the last one."""
    last = await mark(connection, plan)
    under_way = (digests.c.plan == plan, digests.c.posted_at.is_(None), digests.c.leased_until > at)
    if (
        last is None
        or last.slot >= at
        or (await connection.execute(sa.select(digests.c.slot).where(*under_way))).first()
    ):
        return  # a digest that is being posted right now sets the mark itself
    await _write(connection, plan, at, posted_at=last.since, upto=last.upto)


async def forget(connection: AsyncConnection, plan: str) -> None:
    for table in (digests, digest_memories):
        await connection.execute(sa.delete(table).where(table.c.plan == plan))
    await _taken(connection, plan)


async def claim(
    connection: AsyncConnection, plan: str, slot: datetime, owner: str, now: datetime, seconds: float
) -> bool:
    """Leases the plan for one slot, or renews it. False when the slot is covered or another is posting for the plan.

    The lease is on the plan: two slots posted side by side would tell the same failures twice.
    """
    last = await mark(connection, plan)
    others = (digests.c.plan == plan, digests.c.posted_at.is_(None), digests.c.owner != owner)
    busy = await connection.execute(sa.select(digests.c.slot).where(*others, digests.c.leased_until > now))
    if (last is not None and last.slot >= slot) or busy.first() is not None:
        return False
    await _write(connection, plan, slot, owner=owner, leased_until=now + timedelta(seconds=seconds))
    return True


async def free(connection: AsyncConnection, plan: str, owner: str) -> None:
    """Gives up a claim whose post failed, so that any process may try again at once."""
    mine = (digests.c.plan == plan, digests.c.owner == owner, digests.c.posted_at.is_(None))
    await connection.execute(sa.delete(digests).where(*mine))


async def posted(
    connection: AsyncConnection, plan: str, mark_: Mark, told: Told | None, *, memory: Memory, entry: Entry
) -> None:
    """Marks the slot as covered, after it was posted (or was found to need no post: ``told`` None).

    Never moves the plan back: a mark that another process has set for this slot or a later one stays, and then so does
    what that process told.
    """
    last = await mark(connection, plan)
    if last is None or last.slot < mark_.slot:
        where = {"channel": told.place.channel, "ts": told.place.ts} if told else {}
        await _write(connection, plan, mark_.slot, posted_at=entry.at, upto=mark_.upto, **where)
        await _remember(connection, plan, memory)
        if told:
            await _taken(connection, plan)
            await outbox.queue(connection, told.notes, entry.at)
        if told and told.owed is not None:
            await keepsakes.remember(connection, OWED, told.owed, entry.at)
    await audit.append(connection, entry)


async def place(connection: AsyncConnection, plan: str) -> Posted | None:
    """Where the plan's newest digest stands; None when none was posted yet."""
    query = sa.select(digests.c.channel, digests.c.ts).where(digests.c.plan == plan, digests.c.ts != "")
    row = (await connection.execute(query.order_by(digests.c.slot.desc()).limit(1))).first()
    return Posted(row.channel, row.ts) if row else None


async def last(connection: AsyncConnection) -> tuple[str, datetime] | None:
    """Plan and time of the newest digest that a channel has really seen."""
    query = sa.select(digests.c.plan, digests.c.posted_at).where(digests.c.ts != "")
    row = (await connection.execute(query.order_by(digests.c.posted_at.desc()).limit(1))).first()
    return (row.plan, row.posted_at) if row else None


# ---------------------------------------------------------------- what was told


async def memory(connection: AsyncConnection, plan: str) -> Memory:
    query = sa.select(digest_memories.c.failing, digest_memories.c.untold).where(digest_memories.c.plan == plan)
    row = (await connection.execute(query)).first()
    return Memory(frozenset(_NUMBERS.decode(row.failing)), tuple(_NUMBERS.decode(row.untold))) if row else NOTHING


async def _remember(connection: AsyncConnection, plan: str, memory: Memory) -> None:
    await connection.execute(sa.delete(digest_memories).where(digest_memories.c.plan == plan))
    failing, untold = (msgspec.json.encode(sorted(some)).decode() for some in (memory.failing, memory.untold))
    await connection.execute(sa.insert(digest_memories).values(plan=plan, failing=failing, untold=untold))


# ---------------------------------------------------------------- what Slack does not take


async def refuse(connection: AsyncConnection, plan: str, code: str, entry: Entry, notes: Sequence[Note]) -> bool:
    """Notes that a post was refused. False, and nobody is told, when it was so at the last try already."""
    same = digest_refusals.c.plan == plan
    if (await connection.execute(sa.update(digest_refusals).where(same).values(code=code))).rowcount:
        return False
    await connection.execute(sa.insert(digest_refusals).values(plan=plan, code=code, since=entry.at))
    await outbox.queue(connection, notes, entry.at)
    await audit.append(connection, entry)
    return True


async def refusals(connection: AsyncConnection) -> dict[str, Refusal]:
    return {row.plan: Refusal(row.code, row.since) for row in await connection.execute(sa.select(digest_refusals))}


async def _taken(connection: AsyncConnection, plan: str) -> None:
    await connection.execute(sa.delete(digest_refusals).where(digest_refusals.c.plan == plan))


async def _write(connection: AsyncConnection, plan: str, slot: datetime, **values: Any) -> None:
    await connection.execute(sa.delete(digests).where(digests.c.plan == plan, digests.c.slot == slot))
    empty = {"owner": "", "leased_until": None, "posted_at": None, "upto": 0, "channel": "", "ts": ""}
    await connection.execute(sa.insert(digests).values({"plan": plan, "slot": slot, **empty, **values}))
