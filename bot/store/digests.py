"""Which slot of a digest was posted and what it covered; who is posting the next one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Posted
from bot.store import audit
from bot.store.audit import Entry
from bot.store.tables import digests


@dataclass(frozen=True, slots=True)
class Mark:
    """What the last posted digest of a plan covered: attempts up to number ``upto``, for the slot ``slot``.

    ``upto`` is negative while the plan has only its baseline and nothing was covered yet.
    """

    slot: datetime
    upto: int

    @property
    def posted(self) -> bool:
        return self.upto >= 0


async def mark(connection: AsyncConnection, plan: str) -> Mark | None:
    query = sa.select(digests.c.slot, digests.c.upto).where(digests.c.plan == plan, digests.c.posted_at.is_not(None))
    row = (await connection.execute(query.order_by(digests.c.slot.desc()).limit(1))).first()
    return Mark(row.slot, row.upto) if row else None


async def start(connection: AsyncConnection, plan: str, at: datetime, upto: int) -> None:
    """The baseline of a plan never seen before: nothing older than `at` is late. A plan with a mark is left alone."""
    if await mark(connection, plan) is None:
        await _write(connection, plan, at, posted_at=at, upto=upto)


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
    connection: AsyncConnection, plan: str, slot: datetime, upto: int, place: Posted | None, entry: Entry
) -> None:
    """Marks the slot as covered, after it was posted (or was found to need no post: `place` None).

    Never moves the plan back: a mark that another process has set for this slot or a later one stays.
    """
    last = await mark(connection, plan)
    if last is None or last.slot < slot:
        where = {"channel": place.channel, "ts": place.ts} if place else {}
        await _write(connection, plan, slot, posted_at=entry.at, upto=upto, **where)
    await audit.append(connection, entry)


async def last(connection: AsyncConnection) -> tuple[str, datetime] | None:
    """Plan and time of the newest digest that a channel has really seen."""
    query = sa.select(digests.c.plan, digests.c.posted_at).where(digests.c.ts != "")
    row = (await connection.execute(query.order_by(digests.c.posted_at.desc()).limit(1))).first()
    return (row.plan, row.posted_at) if row else None


async def _write(connection: AsyncConnection, plan: str, slot: datetime, **values: Any) -> None:
    await connection.execute(sa.delete(digests).where(digests.c.plan == plan, digests.c.slot == slot))
    empty = {"owner": "", "leased_until": None, "posted_at": None, "upto": 0, "channel": "", "ts": ""}
    await connection.execute(sa.insert(digests).values({"plan": plan, "slot": slot, **empty, **values}))
