"""What people have asked of the bot for themselves: no direct messages."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import audit
from bot.store.audit import Entry
from bot.store.tables import muted as table


async def mute(connection: AsyncConnection, person: str, entry: Entry, *, muted: bool) -> bool:
    if await mutes(connection, person) is muted:
        return False
    if muted:
        await connection.execute(sa.insert(table).values(person=person, since=entry.at))
    else:
        await connection.execute(sa.delete(table).where(table.c.person == person))
    await audit.append(connection, entry)
    return True


async def mutes(connection: AsyncConnection, person: str) -> bool:
    return (await connection.execute(sa.select(table.c.person).where(table.c.person == person))).first() is not None
