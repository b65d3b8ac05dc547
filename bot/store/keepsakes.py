"""What a button refers to: small data behind a token, and whole recent lists (snapshots)."""

import asyncio
import secrets
import zlib
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import Listing
from bot.store.audit import JSON, canonical
from bot.store.tables import snapshots, tokens

_DECODER = msgspec.json.Decoder(Listing)


def new_id() -> str:
    """22 characters that nobody can guess, safe in a URL and in a block's value."""
    return secrets.token_urlsafe(16)


# ---------------------------------------------------------------- tokens


async def remember(connection: AsyncConnection, kind: str, data: JSON, now: datetime) -> str:
    token = new_id()
    await connection.execute(sa.insert(tokens).values(id=token, kind=kind, data=canonical(data), made_at=now))
    return token


async def recall(connection: AsyncConnection, kind: str, token: str) -> Any:
    query = sa.select(tokens.c.data).where(tokens.c.id == token, tokens.c.kind == kind)
    text = (await connection.execute(query)).scalar()
    return None if text is None else msgspec.json.decode(text)


async def replace(connection: AsyncConnection, kind: str, token: str, data: JSON) -> bool:
    query = sa.update(tokens).where(tokens.c.id == token, tokens.c.kind == kind)
    return (await connection.execute(query.values(data=canonical(data)))).rowcount == 1


async def kept(connection: AsyncConnection, kind: str, since: datetime) -> dict[str, Any]:
    """Everything of a kind that was remembered at ``since`` or later, by token, oldest first."""
    query = sa.select(tokens.c.id, tokens.c.data).where(tokens.c.made_at >= since, tokens.c.kind == kind)
    rows = await connection.execute(query.order_by(tokens.c.made_at, tokens.c.id))
    return {row.id: msgspec.json.decode(row.data) for row in rows}


async def forget(connection: AsyncConnection, kind: str, token: str) -> None:
    await connection.execute(sa.delete(tokens).where(tokens.c.id == token, tokens.c.kind == kind))


# ---------------------------------------------------------------- snapshots


async def pack(listing: Listing) -> bytes:
    """100,000 attempts are some 30 MB of JSON, a tenth of it compressed. Done in a thread: zlib lets the loop run."""
    return await asyncio.to_thread(lambda: zlib.compress(msgspec.json.encode(listing), 1))


async def unpack(packed: bytes) -> Listing:
    return await asyncio.to_thread(lambda: _DECODER.decode(zlib.decompress(packed)))


async def save_snapshot(connection: AsyncConnection, taken_at: datetime, packed: bytes) -> str:
    snapshot_id = new_id()
    await connection.execute(sa.insert(snapshots).values(id=snapshot_id, taken_at=taken_at, attempts=packed))
    return snapshot_id


async def snapshot(connection: AsyncConnection, snapshot_id: str) -> tuple[datetime, bytes] | None:
    query = sa.select(snapshots.c.taken_at, snapshots.c.attempts).where(snapshots.c.id == snapshot_id)
    row = (await connection.execute(query)).first()
    return (row.taken_at, row.attempts) if row else None


async def latest_snapshot(connection: AsyncConnection, since: datetime) -> str | None:
    newest = sa.select(snapshots.c.id).where(snapshots.c.taken_at >= since)
    found: str | None = (await connection.execute(newest.order_by(snapshots.c.taken_at.desc()).limit(1))).scalar()
    return found


async def purge(connection: AsyncConnection, *, tokens_before: datetime, snapshots_before: datetime) -> None:
    await connection.execute(sa.delete(tokens).where(tokens.c.made_at < tokens_before))
    await connection.execute(sa.delete(snapshots).where(snapshots.c.taken_at < snapshots_before))
