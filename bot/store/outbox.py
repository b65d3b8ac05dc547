"""What is still to be said: cards (one living message per request and channel) and notes (said once).

A row is sent by whoever holds its lease; a lease that runs out, because its holder died, frees the row.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Message, Posted
from bot.store import audit
from bot.store.audit import Entry
from bot.store.tables import cards, notes, requests

FREE: dict[str, Any] = {"owner": "", "leased_until": None}
FRESH: dict[str, Any] = {"tries": 0, "again_at": None, **FREE}


@dataclass(frozen=True, slots=True)
class Note:
    """A message that is said once: ``key`` is unique for ever, and a second note under it is dropped.

    ``to``: a user id (direct message), a channel id with the ``thread`` in it, or "" for the thread of the request's
    card.
    """

    key: str
    request_id: int
    to: str
    message: Message
    thread: str = ""


@dataclass(frozen=True, slots=True)
class QueuedNote:
    id: int
    note: Note
    tries: int


@dataclass(frozen=True, slots=True)
class Card:
    """Where a request is shown: ``ts`` None until it was posted, ``shown`` the version it shows (0: none)."""

    id: int
    request_id: int
    channel: str
    ts: str | None
    shown: int
    tries: int


def _due(table: sa.Table, now: datetime) -> sa.ColumnElement[bool]:
    """Its next try has come and nobody is at it."""
    rested = sa.or_(table.c.again_at.is_(None), table.c.again_at <= now)
    return sa.and_(rested, sa.or_(table.c.leased_until.is_(None), table.c.leased_until <= now))


def _leased(owner: str, now: datetime, seconds: float) -> dict[str, Any]:
    return {"owner": owner, "leased_until": now + timedelta(seconds=seconds)}


# ---------------------------------------------------------------- cards

_CARD = (cards.c.id, cards.c.request_id, cards.c.channel, cards.c.ts, cards.c.shown, cards.c.tries)
# A bulk's card shows the sum of its requests' versions, which grows with each change of any of them.
_STALE = (
    cards.c.shown
    < sa.select(sa.func.sum(requests.c.version))
    .where(sa.or_(requests.c.id == cards.c.request_id, requests.c.bulk == cards.c.request_id))
    .scalar_subquery()
)


async def add_card(
    connection: AsyncConnection, request_id: int, channel: str, ts: str | None = None, shown: int = 0
) -> None:
    values = {"request_id": request_id, "channel": channel, "ts": ts, "shown": shown, **FRESH}
    await connection.execute(sa.insert(cards).values(values))


async def add_card_once(connection: AsyncConnection, request_id: int, channel: str) -> bool:
    there = sa.select(cards.c.id).where(cards.c.request_id == request_id, cards.c.channel == channel)
    if (await connection.execute(there)).first() is not None:
        return False
    await add_card(connection, request_id, channel)
    return True


async def add_told_card(connection: AsyncConnection, request_id: int, channel: str, entry: Entry) -> bool:
    if not await add_card_once(connection, request_id, channel):
        return False
    await audit.append(connection, entry)
    return True


async def retire_card(connection: AsyncConnection, card_id: int, now: datetime, told: Sequence[Note]) -> bool:
    """A card that another process is just posting stays: it is about to learn its ts."""
    free = sa.or_(cards.c.leased_until.is_(None), cards.c.leased_until <= now)
    card = (await connection.execute(sa.select(*_CARD).where(cards.c.id == card_id, free))).first()
    if card is None:
        return False
    await connection.execute(sa.delete(cards).where(cards.c.id == card_id))
    await queue(connection, told, now)
    return True


async def cards_of(connection: AsyncConnection, request_id: int) -> list[Card]:
    query = sa.select(*_CARD).where(cards.c.request_id == request_id).order_by(cards.c.id)
    return [Card(*row) for row in await connection.execute(query)]


async def card_places(connection: AsyncConnection, request_ids: Collection[int]) -> dict[int, Posted]:
    posted = sa.and_(cards.c.request_id.in_(request_ids), cards.c.ts.is_not(None))
    query = sa.select(cards.c.request_id, cards.c.channel, cards.c.ts).where(posted).order_by(cards.c.id.desc())
    return {row.request_id: Posted(row.channel, row.ts) for row in await connection.execute(query)}


async def stale_cards(connection: AsyncConnection, now: datetime) -> list[Card]:
    query = sa.select(*_CARD).where(_STALE, _due(cards, now)).order_by(cards.c.id)
    return [Card(*row) for row in await connection.execute(query)]


async def take_card(
    connection: AsyncConnection, card_id: int, owner: str, now: datetime, seconds: float
) -> Card | None:
    """Leases a card that is still stale; the card comes back as it is now, since another may just have posted it."""
    free = sa.or_(cards.c.leased_until.is_(None), cards.c.leased_until <= now)
    query = sa.update(cards).where(cards.c.id == card_id, free, _STALE).values(_leased(owner, now, seconds))
    if (await connection.execute(query)).rowcount != 1:
        return None
    return Card(*(await connection.execute(sa.select(*_CARD).where(cards.c.id == card_id))).one())


async def card_shown(connection: AsyncConnection, card_id: int, version: int, ts: str) -> None:
    """Notes what a card shows and frees it. A card that meanwhile got another ts keeps it; ours becomes a card too."""
    row = (await connection.execute(sa.select(*_CARD).where(cards.c.id == card_id))).first()
    if row is None:
        return
    shown: dict[str, Any] = {"shown": version, "ts": ts, **FRESH}
    if row.ts not in (None, ts):
        shown = FRESH
        if not await _known(connection, row.channel, ts):
            await add_card(connection, row.request_id, row.channel, ts, version)
    await connection.execute(sa.update(cards).where(cards.c.id == card_id).values(shown))


async def card_failed(connection: AsyncConnection, card_id: int, again_at: datetime, *, gone: bool = False) -> None:
    values = {"tries": cards.c.tries + 1, "again_at": again_at, **FREE, **({"ts": None} if gone else {})}
    await connection.execute(sa.update(cards).where(cards.c.id == card_id).values(values))


async def hurry(connection: AsyncConnection, request_id: int) -> None:
    """The request has changed: its cards, whose buttons may be wrong now, are tried again at once."""
    mine = sa.update(cards).where(cards.c.request_id == request_id)
    await connection.execute(mine.values(tries=0, again_at=None))


async def adopt_card(connection: AsyncConnection, request_id: int, channel: str, ts: str, shown: int) -> bool:
    """Takes in a message that Slack has and we do not know; True when it was unknown.

    It fills a card of that request and channel whose ts was lost, so that this is not posted a second time.
    """
    if await _known(connection, channel, ts):
        return False
    lost = sa.select(cards.c.id).where(
        cards.c.request_id == request_id, cards.c.channel == channel, cards.c.ts.is_(None)
    )
    card_id = (await connection.execute(lost.order_by(cards.c.id).limit(1))).scalar()
    if card_id is None:
        await add_card(connection, request_id, channel, ts, shown)
    else:
        # A lease stays: its holder may be about to learn this very ts.
        found = sa.update(cards).where(cards.c.id == card_id)
        await connection.execute(found.values(ts=ts, shown=shown, tries=0, again_at=None))
    return True


async def _known(connection: AsyncConnection, channel: str, ts: str) -> bool:
    query = sa.select(cards.c.id).where(cards.c.channel == channel, cards.c.ts == ts)
    return (await connection.execute(query)).first() is not None


# ---------------------------------------------------------------- notes


async def are_known(connection: AsyncConnection, batch: Sequence[Note]) -> bool:
    return len(await _known_keys(connection, [note.key for note in batch])) == len(batch)


async def _known_keys(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    return set((await connection.execute(sa.select(notes.c.key).where(notes.c.key.in_(keys)))).scalars())


async def queue(connection: AsyncConnection, batch: Sequence[Note], now: datetime) -> None:
    """Queues the notes of one change. Safe without an upsert: a write transaction has no other writer beside it."""
    known = await _known_keys(connection, [note.key for note in batch])
    for note in batch:
        if note.key not in known:
            known.add(note.key)
            await connection.execute(sa.insert(notes).values(_note_row(note, now)))


def _note_row(note: Note, now: datetime) -> dict[str, Any]:
    return {
        "key": note.key,
        "request_id": note.request_id,
        "recipient": note.to,
        "thread": note.thread,
        "message": _pack(note.message),
        "queued_at": now,
        "sent": False,
        **FRESH,
    }


def _pack(message: Message) -> str:
    return msgspec.json.encode({"text": message.text, "blocks": message.blocks}).decode()


def _unpack(text: str) -> Message:
    message = msgspec.json.decode(text)
    return Message(message["text"], tuple(message["blocks"]))


async def notes_due(connection: AsyncConnection, now: datetime) -> list[QueuedNote]:
    """In the order of queueing; of each place where notes are read the oldest alone, so that none overtakes another."""
    sooner = notes.alias("sooner")
    card = sa.or_(notes.c.recipient != "", sooner.c.request_id == notes.c.request_id)
    same_place = sa.and_(sooner.c.recipient == notes.c.recipient, sooner.c.thread == notes.c.thread, card)
    waits = sa.exists().where(sooner.c.sent.is_(False), sooner.c.id < notes.c.id, same_place)
    query = sa.select(notes).where(notes.c.sent.is_(False), _due(notes, now), ~waits).order_by(notes.c.id)
    return [
        QueuedNote(row.id, Note(row.key, row.request_id, row.recipient, _unpack(row.message), row.thread), row.tries)
        for row in await connection.execute(query)
    ]


async def take_note(connection: AsyncConnection, note_id: int, owner: str, now: datetime, seconds: float) -> bool:
    query = sa.update(notes).where(notes.c.id == note_id, notes.c.sent.is_(False), _due(notes, now))
    return (await connection.execute(query.values(_leased(owner, now, seconds)))).rowcount == 1


async def note_sent(connection: AsyncConnection, note_id: int) -> None:
    await connection.execute(sa.update(notes).where(notes.c.id == note_id).values(sent=True, **FREE))


async def note_later(connection: AsyncConnection, note_id: int, again_at: datetime) -> None:
    await connection.execute(sa.update(notes).where(notes.c.id == note_id).values(again_at=again_at))


async def note_failed(connection: AsyncConnection, note_id: int, again_at: datetime) -> None:
    values = {"tries": notes.c.tries + 1, "again_at": again_at, **FREE}
    await connection.execute(sa.update(notes).where(notes.c.id == note_id).values(values))


async def purge_notes(connection: AsyncConnection, before: datetime) -> None:
    await connection.execute(sa.delete(notes).where(notes.c.sent.is_(True), notes.c.queued_at < before))
