"""What became of patches whose retry has ended, for the digests."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import DeviceKind, Fate
from bot.store.tables import request_patches, requests

_CARD = sa.case((requests.c.bulk > 0, requests.c.bulk), else_=requests.c.id)


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of the patch ``title`` on a device; its request (on the card ``card_id``) ended then. A patch has no
    time of its own. ``client``, ``kind``: of the device."""

    card_id: int
    device_id: int
    client: str
    kind: DeviceKind
    title: str
    fate: Fate
    ended_at: datetime


async def ended(
    connection: AsyncConnection, after: datetime, upto: datetime, fates: Collection[Fate]
) -> tuple[Ended, ...]:
    """Patches that came to one of these fates, of requests that ended in ``(after, upto]``; oldest end first."""
    then = sa.and_(requests.c.settled_at > after, requests.c.settled_at <= upto)
    device = (requests.c.device_id, requests.c.device_client, requests.c.device_kind)
    query = (
        sa.select(_CARD, *device, request_patches.c.title, request_patches.c.fate, requests.c.settled_at)
        .join_from(requests, request_patches, request_patches.c.request_id == requests.c.id)
        .where(then, request_patches.c.fate.in_(sorted(fate.value for fate in fates)))
        .order_by(requests.c.settled_at, requests.c.id, request_patches.c.position)
    )
    rows = await connection.execute(query)
    return tuple(Ended(row[0], row[1], row[2], DeviceKind(row[3]), row[4], Fate(row[5]), row[6]) for row in rows)
