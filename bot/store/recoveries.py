"""What became of patches whose retry has ended, for the digests: how many of which request."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Fate
from bot.store.tables import request_patches, requests


@dataclass(frozen=True, slots=True)
class Ended:
    """So many patches of requests on one card (``card_id``) that have ended came to this fate."""

    card_id: int
    fate: Fate
    patches: int


async def ended(
    connection: AsyncConnection, after: datetime, upto: datetime, fates: Collection[Fate]
) -> tuple[Ended, ...]:
    """Of requests that ended in ``(after, upto]``, by card. A patch has no time of its own: its request's counts."""
    card = sa.case((requests.c.bulk > 0, requests.c.bulk), else_=requests.c.id).label("card")
    then = sa.and_(requests.c.settled_at > after, requests.c.settled_at <= upto)
    query = (
        sa.select(card, request_patches.c.fate, sa.func.count())
        .join_from(requests, request_patches, request_patches.c.request_id == requests.c.id)
        .where(then, request_patches.c.fate.in_(sorted(fate.value for fate in fates)))
        .group_by(card, request_patches.c.fate)
        .order_by(card, request_patches.c.fate)
    )
    return tuple(Ended(row[0], Fate(row[1]), row[2]) for row in await connection.execute(query))
