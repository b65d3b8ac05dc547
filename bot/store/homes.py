"""Who has looked at the app's Home lately, up to which audit row it was shown to them, and when."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import homes as table

ANEW = -1  # behind every head of the trail, also behind an empty one's


async def opened(connection: AsyncConnection, person: str, now: datetime) -> None:
    seen = {"opened_at": now, "shown": ANEW, "shown_at": now}
    known = sa.update(table).where(table.c.person == person).values(seen)
    if (await connection.execute(known)).rowcount == 0:
        await connection.execute(sa.insert(table).values(person=person, **seen))


async def shown(connection: AsyncConnection, person: str, upto: int, now: datetime) -> None:
    await connection.execute(sa.update(table).where(table.c.person == person).values(shown=upto, shown_at=now))


async def forget(connection: AsyncConnection, person: str) -> None:
    await connection.execute(sa.delete(table).where(table.c.person == person))


async def is_open(connection: AsyncConnection, person: str, since: datetime) -> bool:
    query = sa.select(table.c.person).where(table.c.person == person, table.c.opened_at >= since)
    return (await connection.execute(query)).first() is not None


async def behind(connection: AsyncConnection, since: datetime, head: int, old: datetime, limit: int) -> list[str]:
    """People who opened theirs at ``since`` or later and whose Home shows less than ``head``, or was shown before
    ``old``; those that show least first."""
    late = sa.or_(table.c.shown < head, table.c.shown_at < old)
    query = sa.select(table.c.person).where(table.c.opened_at >= since, late)
    query = query.order_by(table.c.shown, table.c.shown_at).limit(limit)
    return list((await connection.execute(query)).scalars())


async def purge(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(sa.delete(table).where(table.c.opened_at < before))
