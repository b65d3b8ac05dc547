"""Which N-sight device people said that one of ESET's is. They stay until somebody undoes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import audit
from bot.store.audit import Entry
from bot.store.tables import device_links as table

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Link:
    """A person's choice: ESET's device ``eset_uuid`` is N-sight's ``device_id``."""

    eset_uuid: str
    device_id: int
    chosen_by: str
    chosen_at: datetime


async def link(connection: AsyncConnection, chosen: Link, entry: Entry) -> bool:
    """The newest choice for a device of ESET's takes the place of the one before."""
    before = (await connection.execute(sa.select(table).where(table.c.eset_uuid == chosen.eset_uuid))).first()
    if before is not None and before.device_id == chosen.device_id:
        return False
    await connection.execute(sa.delete(table).where(table.c.eset_uuid == chosen.eset_uuid))
    values = {"device_id": chosen.device_id, "chosen_by": chosen.chosen_by, "chosen_at": chosen.chosen_at}
    await connection.execute(sa.insert(table).values(eset_uuid=chosen.eset_uuid, **values))
    await audit.append(connection, entry)
    return True


async def unlink(connection: AsyncConnection, eset_uuid: str, device_id: int, entry: Entry) -> bool:
    gone = sa.delete(table).where(table.c.eset_uuid == eset_uuid, table.c.device_id == device_id)
    if (await connection.execute(gone)).rowcount != 1:
        return False
    await audit.append(connection, entry)
    return True


async def of(connection: AsyncConnection, eset_uuids: Iterable[str]) -> dict[str, Link]:
    found: dict[str, Link] = {}
    wanted = list(dict.fromkeys(eset_uuids))
    for start in range(0, len(wanted), PAGE):
        page = wanted[start : start + PAGE]
        rows = await connection.execute(sa.select(table).where(table.c.eset_uuid.in_(page)))
        found |= {row.eset_uuid: Link(*row) for row in rows}
    return found


async def to(connection: AsyncConnection, device_id: int) -> list[Link]:
    """Oldest choice first."""
    query = sa.select(table).where(table.c.device_id == device_id).order_by(table.c.chosen_at, table.c.eset_uuid)
    return [Link(*row) for row in await connection.execute(query)]
