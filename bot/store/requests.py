"""Retry requests in the database: made, changed by compare-and-swap, read. Each change carries its audit entry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.model import (
    OPEN,
    SETTLED,
    Device,
    DeviceKind,
    Fate,
    Posted,
    RequestedPatch,
    RetryRequest,
    State,
    Terms,
    Vote,
)
from bot.store import audit, outbox
from bot.store.audit import Entry
from bot.store.outbox import Note
from bot.store.tables import request_patches, request_votes, requests


@dataclass(frozen=True, slots=True)
class Covered:
    """No request was made: these open ones already hold one of the patches."""

    requests: tuple[RetryRequest, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """Which page of a list: the one behind the request with the id ``edge``, or (``forward`` off) the one before it.
    Without an edge, the list's first or last page. So a list may change between two turns."""

    edge: int | None = None
    forward: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list, in its order: ``ahead`` of its ``total`` requests come before these."""

    rows: tuple[RetryRequest, ...]
    ahead: int
    total: int


# ---------------------------------------------------------------- value <-> rows

_TERMS = msgspec.json.Decoder(Terms)
_PLAIN = (
    *("requester", "reason", "asked_in", "asked_at", "expires_at", "waiting_since", "reminded_at"),
    *("escalated_at", "decided_by", "decided_at", "send_after", "send_until"),
    *("decision_reason", "approved_at", "owner", "deadline", "called_at", "settled_at", "note", "next_at"),
    *("bulk", "again_of"),
)


def _row(request: RetryRequest) -> dict[str, Any]:
    device = request.device
    return {
        "state": request.state.value,
        "version": request.version,
        "device_id": device.id,
        "device_name": device.name,
        "device_kind": device.kind.value,
        "device_client_id": device.client_id,
        "device_client": device.client,
        "device_site": device.site,
        "device_patching": device.patching,
        "terms": msgspec.json.encode(request.terms).decode(),
        "origin_channel": request.origin.channel if request.origin else "",
        "origin_ts": request.origin.ts if request.origin else "",
        **{name: getattr(request, name) for name in _PLAIN},
    }


def _patch_rows(request: RetryRequest) -> list[dict[str, Any]]:
    return [
        {
            "request_id": request.id,
            "position": position,
            "patch_id": patch.id,
            "title": patch.title,
            "seen": patch.seen,
            "label": patch.label,
            "fate": patch.fate.value,
            "severity": patch.severity,
        }
        for position, patch in enumerate(request.patches)
    ]


def _vote_rows(request: RetryRequest) -> list[dict[str, Any]]:
    return [
        {
            "request_id": request.id,
            "position": position,
            "voter": vote.voter,
            "at": vote.at,
            "denies": vote.denies,
            "reason": vote.reason,
        }
        for position, vote in enumerate(request.votes)
    ]


def _request(row: sa.Row[Any], patches: Iterable[RequestedPatch], votes: Iterable[Vote]) -> RetryRequest:
    device = Device(
        id=row.device_id,
        name=row.device_name,
        kind=DeviceKind(row.device_kind),
        client_id=row.device_client_id,
        client=row.device_client,
        site=row.device_site,
        patching=row.device_patching,
    )
    plain = {name: getattr(row, name) for name in _PLAIN}
    plain["origin"] = Posted(row.origin_channel, row.origin_ts) if row.origin_channel else None
    identity = {"id": row.id, "state": State(row.state), "version": row.version, "terms": _TERMS.decode(row.terms)}
    return RetryRequest(**identity, device=device, patches=tuple(patches), votes=tuple(votes), **plain)


# ---------------------------------------------------------------- changes


async def create(
    connection: AsyncConnection,
    drafts: Sequence[tuple[RetryRequest, Entry]],
    *,
    card_channel: str,
) -> tuple[RetryRequest, ...] | Covered:
    if covering := [request for draft, _ in drafts for request in await _covering(connection, draft)]:
        return Covered(tuple(covering))
    made: list[RetryRequest] = []
    for draft, entry in drafts:
        bulk = made[0].id if made else 0
        request = await _insert(connection, replace(draft, version=1, bulk=bulk))
        if len(drafts) > 1 and not made:
            await connection.execute(sa.update(requests).where(requests.c.id == request.id).values(bulk=request.id))
            request = replace(request, bulk=request.id)
        made.append(request)
        await audit.append(connection, replace(entry, subject=entry.subject or f"request:{request.id}"))
    await outbox.add_card(connection, made[0].card_id, card_channel)
    return tuple(await members(connection, made[0].id))


async def _insert(connection: AsyncConnection, request: RetryRequest) -> RetryRequest:
    inserted = await connection.execute(sa.insert(requests).values(_row(request)))
    request = replace(request, id=_only(inserted.inserted_primary_key))
    await _write_parts(connection, request)
    return request


@dataclass(frozen=True, slots=True)
class Change:
    """A request as it is to be, the audit row that says why, and what people hear of it. ``card_channel``: where it
    gets a further card."""

    after: RetryRequest
    entry: Entry
    notes: Sequence[Note] = ()
    card_channel: str = ""


async def change(connection: AsyncConnection, changes: Sequence[Change]) -> bool:
    """All of them, or False and nothing is written."""
    for one in changes:
        before = sa.and_(requests.c.id == one.after.id, requests.c.version == one.after.version - 1)
        found = await connection.execute(sa.select(requests.c.id).where(before))
        if found.first() is None:
            return False
    for one in changes:
        await _change(connection, one)
    return True


async def _change(connection: AsyncConnection, change: Change) -> None:
    """A write transaction has no other writer beside it, so the version that was just looked at still holds."""
    after = change.after
    before = sa.and_(requests.c.id == after.id, requests.c.version == after.version - 1)
    changed = await connection.execute(sa.update(requests).where(before).values(_row(after)))
    if changed.rowcount != 1:
        raise RuntimeError(f"request {after.id} changed under a write transaction")
    for table in (request_patches, request_votes):
        await connection.execute(sa.delete(table).where(table.c.request_id == after.id))
    await _write_parts(connection, after)
    if change.card_channel:
        await outbox.add_card_once(connection, after.card_id, change.card_channel)
    await outbox.hurry(connection, after.card_id)
    entry = change.entry
    await audit.append(connection, replace(entry, subject=entry.subject or f"request:{after.id}"))
    await outbox.queue(connection, change.notes, entry.at)


async def look_again(connection: AsyncConnection, request_id: int, version: int, next_at: datetime) -> bool:
    same = sa.and_(requests.c.id == request_id, requests.c.version == version)
    changed = await connection.execute(sa.update(requests).where(same).values(next_at=next_at))
    return changed.rowcount == 1


async def _write_parts(connection: AsyncConnection, request: RetryRequest) -> None:
    if patches := _patch_rows(request):
        await connection.execute(sa.insert(request_patches), patches)
    if votes := _vote_rows(request):
        await connection.execute(sa.insert(request_votes), votes)


async def _covering(connection: AsyncConnection, draft: RetryRequest) -> list[RetryRequest]:
    """Open requests on the device for which one of the draft's patches is still in play."""
    of_draft = request_patches.c.patch_id.in_([patch.id for patch in draft.patches])
    in_play = request_patches.c.fate.not_in([fate.value for fate in SETTLED])
    held = sa.select(request_patches.c.request_id).where(of_draft, in_play)
    return await _read(
        connection, _in_states(OPEN).where(requests.c.device_id == draft.device.id, requests.c.id.in_(held))
    )


def _only(key: Any) -> int:
    number: int = key[0]
    return number


# ---------------------------------------------------------------- reads


def _in_states(states: Iterable[State]) -> sa.Select[Any]:
    values = sorted(state.value for state in states)
    return sa.select(requests).where(requests.c.state.in_(values)).order_by(requests.c.id)


async def one(connection: AsyncConnection, request_id: int) -> RetryRequest | None:
    found = await _read(connection, sa.select(requests).where(requests.c.id == request_id))
    return found[0] if found else None


async def members(connection: AsyncConnection, request_id: int) -> list[RetryRequest]:
    """The request and those that were made with it, oldest first."""
    bulk = sa.select(requests.c.bulk).where(requests.c.id == request_id, requests.c.bulk > 0).scalar_subquery()
    either = sa.or_(requests.c.id == request_id, requests.c.bulk == bulk)
    return await _read(connection, sa.select(requests).where(either).order_by(requests.c.id))


async def in_states(connection: AsyncConnection, states: Iterable[State]) -> list[RetryRequest]:
    return await _read(connection, _in_states(states))


async def of_device(connection: AsyncConnection, device_id: int, states: Iterable[State]) -> list[RetryRequest]:
    return await _read(connection, _in_states(states).where(requests.c.device_id == device_id))


async def open_on(connection: AsyncConnection, device_ids: Sequence[int]) -> list[RetryRequest]:
    return await _read(connection, _in_states(OPEN).where(requests.c.device_id.in_(device_ids)))


async def due(connection: AsyncConnection, now: datetime) -> list[RetryRequest]:
    return await _read(connection, _in_states(OPEN).where(requests.c.next_at <= now))


async def history(connection: AsyncConnection, device_id: int | None, limit: int, offset: int) -> list[RetryRequest]:
    query = sa.select(requests).order_by(requests.c.id.desc()).limit(limit).offset(offset)
    return await _read(connection, query if device_id is None else query.where(requests.c.device_id == device_id))


async def asked_by(connection: AsyncConnection, requester: str, limit: int) -> list[RetryRequest]:
    first = sa.or_(requests.c.bulk == 0, requests.c.bulk == requests.c.id)
    query = sa.select(requests).where(requests.c.requester == requester, first)
    return await _read(connection, query.order_by(requests.c.id.desc()).limit(limit))


async def past(connection: AsyncConnection, device_id: int | None, size: int, turn: Turn) -> Page:
    of_device = sa.true() if device_id is None else requests.c.device_id == device_id
    return await _page(connection, of_device, size, turn, newest_first=True)


async def waiting(connection: AsyncConnection, now: datetime, size: int, turn: Turn) -> Page:
    """For an approver or, approved, for a maintenance window; of a bulk the first that does."""
    sooner = requests.alias("sooner")
    earlier = sa.and_(sooner.c.bulk == requests.c.bulk, sooner.c.bulk > 0, sooner.c.id < requests.c.id)
    shown_already = sa.exists().where(earlier, _waits(sooner, now))
    return await _page(connection, sa.and_(_waits(requests, now), ~shown_already), size, turn, newest_first=False)


def _waits(table: sa.FromClause, now: datetime) -> sa.ColumnElement[bool]:
    approved = sa.and_(table.c.state == State.APPROVED.value, table.c.send_after > now)
    return sa.or_(table.c.state == State.PENDING.value, approved)


async def _page(
    connection: AsyncConnection, chosen: sa.ColumnElement[bool], size: int, turn: Turn, *, newest_first: bool
) -> Page:
    """Beyond either end there is the page at that end."""
    rows = await _cut(connection, chosen, size, turn, newest_first=newest_first)
    if not rows:
        rows = await _cut(connection, chosen, size, Turn(None, not turn.forward), newest_first=newest_first)
    if not rows:
        return Page((), 0, 0)
    before = requests.c.id > rows[0].id if newest_first else requests.c.id < rows[0].id
    counts = sa.select(sa.func.count(), sa.func.count(sa.case((before, 1)))).select_from(requests).where(chosen)
    total, ahead = (await connection.execute(counts)).one()
    return Page(tuple(rows), ahead, total)


async def _cut(
    connection: AsyncConnection, chosen: sa.ColumnElement[bool], size: int, turn: Turn, *, newest_first: bool
) -> list[RetryRequest]:
    falling = newest_first is turn.forward  # ids, from row to row
    query = sa.select(requests).where(chosen).limit(size)
    if turn.edge is not None:
        query = query.where(requests.c.id < turn.edge if falling else requests.c.id > turn.edge)
    found = await _read(connection, query.order_by(requests.c.id.desc() if falling else requests.c.id))
    return found if turn.forward else found[::-1]


async def failed_again(
    connection: AsyncConnection, device_id: int, patch_ids: Sequence[int], since: datetime
) -> list[RetryRequest]:
    """Requests called since then in which one of the patches failed again, oldest first."""
    again = request_patches.c.fate == Fate.FAILED_AGAIN.value
    held = sa.select(request_patches.c.request_id).where(again, request_patches.c.patch_id.in_(patch_ids))
    query = sa.select(requests).where(requests.c.device_id == device_id, requests.c.id.in_(held))
    return await _read(connection, query.where(requests.c.called_at >= since).order_by(requests.c.id))


async def _read(connection: AsyncConnection, query: sa.Select[Any]) -> list[RetryRequest]:
    """With the devices and patches of the other requests of their bulks."""
    found = await _read_alone(connection, query)
    bulks = {request.bulk for request in found if request.bulk}
    if not bulks:
        return found
    together = await _read_alone(
        connection, sa.select(requests).where(requests.c.bulk.in_(bulks)).order_by(requests.c.id)
    )
    return [replace(request, peers=_peers(request, together)) if request.bulk else request for request in found]


def _peers(
    request: RetryRequest, among: Iterable[RetryRequest]
) -> tuple[tuple[Device, tuple[RequestedPatch, ...]], ...]:
    others = (one for one in among if one.bulk == request.bulk and one.id != request.id)
    return tuple((one.device, one.patches) for one in others)


async def _read_alone(connection: AsyncConnection, query: sa.Select[Any]) -> list[RetryRequest]:
    rows = (await connection.execute(query)).all()
    patches = await _patches(connection, [row.id for row in rows])
    votes = await _votes(connection, [row.id for row in rows])
    return [_request(row, patches.get(row.id, ()), votes.get(row.id, ())) for row in rows]


async def _patches(connection: AsyncConnection, ids: list[int]) -> dict[int, list[RequestedPatch]]:
    found: dict[int, list[RequestedPatch]] = {}
    for row in await _parts(connection, request_patches, ids):
        patch = RequestedPatch(row.patch_id, row.title, row.seen, row.label, Fate(row.fate), row.severity)
        found.setdefault(row.request_id, []).append(patch)
    return found


async def _votes(connection: AsyncConnection, ids: list[int]) -> dict[int, list[Vote]]:
    found: dict[int, list[Vote]] = {}
    for row in await _parts(connection, request_votes, ids):
        found.setdefault(row.request_id, []).append(Vote(row.voter, row.at, row.denies, row.reason))
    return found


async def _parts(connection: AsyncConnection, table: sa.Table, ids: list[int]) -> Sequence[sa.Row[Any]]:
    if not ids:
        return ()
    query = sa.select(table).where(table.c.request_id.in_(ids)).order_by(table.c.request_id, table.c.position)
    return (await connection.execute(query)).all()
