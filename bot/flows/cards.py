"""Cards and notes: what a request's row says, brought to Slack and kept true there.

A card is a projection of its row: whatever failed to be shown is shown by the next repair.
"""

from datetime import timedelta

import structlog

from bot.blocks import news
from bot.blocks import request as words
from bot.errors import Kind, UpstreamError
from bot.flows.services import Services
from bot.model import Posted, RetryRequest, State
from bot.store import JSON, Card, Entry, Note, QueuedNote

log = structlog.get_logger()

CARD_LEASE = 90.0  # seconds: longer than Slack may take, waiting out a 429 included
NOTE_LEASE = 300.0  # and the queue for a busy channel with it
FIRST_AGAIN, SOON, MOST_AGAIN = timedelta(seconds=5), timedelta(seconds=20), timedelta(minutes=5)
HURRIED = 15  # tries: outdated buttons on the screen are worth a try every twenty seconds for five minutes
MOST_TRIES = 300  # a day: then somebody who left, or an archived channel, hears it no more
CLOSED = frozenset(
    {"not_in_channel", "channel_not_found", "is_archived", "is_inactive", "access_denied", "team_access_not_granted"}
)
DECIDABLE = frozenset({State.PENDING, State.APPROVED, State.UNKNOWN})  # people may have to press something
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})  # then a new card is posted


async def show_request(services: Services, request_id: int) -> None:
    """Brings one request's cards up to date and sends its notes, now."""
    now = services.now()
    for card in await services.store.cards(request_id):
        await _show(services, card)
    for note in await services.store.notes_due(now):
        if note.note.request_id == request_id:
            await _send(services, note)


async def repair(services: Services) -> None:
    """Shows what could not be shown before: cards that are behind their row, notes that were not sent."""
    now = services.now()
    for card in await services.store.stale_cards(now):
        await _show(services, card)
    for note in await services.store.notes_due(now):
        await _send(services, note)


async def adopt(services: Services, request_id: int, where: Posted) -> None:
    """A click came from a card whose place was never learned (Slack's answer was lost): from now on it is ours."""
    known = await services.store.cards(request_id)
    if any(card.ts == where.ts and card.channel == where.channel for card in known):
        return
    if await services.store.adopt_card(request_id, where.channel, where.ts):
        log.info("card.adopted", request=request_id, channel=where.channel)


async def link_to(services: Services, request_id: int) -> str:
    """Permalink of the request's first card; empty when it is not posted or Slack does not tell."""
    for card in await services.store.cards(request_id):
        if card.ts:
            where = Posted(card.channel, card.ts)
            return await services.messenger.permalink(where) or services.people.address_of(where)
    return ""


async def is_shown(services: Services, request: RetryRequest) -> bool:
    """Tries to show it, and says whether every card shows it as it is, or newer. Its notes are not waited for."""
    for card in await services.store.cards(request.id):
        await _show(services, card)
    return all(card.shown >= request.version for card in await services.store.cards(request.id))


async def where_shown(services: Services, request_id: int) -> tuple[str, bool]:
    """The channel of the request's first card, and whether it is posted there already."""
    shown = await services.store.cards(request_id)
    first = next((card for card in shown if card.ts), shown[0] if shown else None)
    return (first.channel, bool(first.ts)) if first else ("", False)


async def _show(services: Services, card: Card) -> None:
    """Callers of this process who want the same version of a card shown wait for one try together."""
    request = await services.store.request(card.request_id)
    if request is None or card.shown >= request.version:
        return
    await services.flights.share(("card", card.id, request.version), lambda: _try(services, card, request))


async def _try(services: Services, card: Card, request: RetryRequest) -> None:
    store, now = services.store, services.now()
    taken = await store.take_card(card.id, services.owner, now, CARD_LEASE)
    if taken is None:
        return
    try:
        where = await _put(services, taken, request)
    except UpstreamError as error:
        log.warning("card.failed", request=request.id, code=error.code, reference=error.reference)
        await store.card_failed(taken.id, services.now() + _pause(taken.tries, error), gone=error.code in GONE)
        await _divert(services, taken, request, error)
        if not request.open and taken.tries >= MOST_TRIES and _closed(error):
            log.error("card.given_up", request=request.id, channel=taken.channel, code=error.code)  # noqa: TRY400
            await store.retire_card(taken.id, services.now())
        return
    await store.card_shown(taken.id, request.version, where.ts)
    newest = await store.request(request.id)
    if newest is not None and newest.version > request.version:
        services.spawn(show_request(services, request.id), f"show request {request.id}")


async def _divert(services: Services, card: Card, request: RetryRequest, error: UpstreamError) -> None:
    """A channel that cannot be posted to any more: who has to decide finds the request in the fallback channel. The
    card that cannot be shown is tried on until the other one is there."""
    store, fallback = services.store, services.config.approvals.fallback_channel
    if not _closed(error) or not fallback or card.channel == fallback or request.state not in DECIDABLE:
        return
    facts: dict[str, JSON] = {"from": card.channel, "to": fallback, "code": error.code}
    entry = Entry(services.now(), "bot", "request.divert", f"request:{request.id}", facts)
    if await store.add_card(request.id, fallback, entry):
        log.warning("card.diverted", request=request.id, channel=card.channel, code=error.code)
    for other in await store.cards(request.id):
        if other.channel == fallback:
            await _show(services, other)
    if any(other.channel == fallback and other.ts for other in await store.cards(request.id)):
        message = news.diverted(request, card.channel, fallback)
        told = Note(f"request:{request.id}:diverted:{card.id}", request.id, request.requester, message)
        await store.retire_card(card.id, services.now(), [told])


def _closed(error: UpstreamError) -> bool:
    return error.code in CLOSED or error.code.startswith("restricted_action")


async def _put(services: Services, card: Card, request: RetryRequest) -> Posted:
    message = words.card(request, services.policy(request))
    if not card.ts:
        return await services.messenger.post(card.channel, message)
    where = Posted(card.channel, card.ts)
    await services.messenger.update(where, message)
    return where


async def _send(services: Services, queued: QueuedNote) -> None:
    store, note = services.store, queued.note
    channel, thread, card = note.to, None, None
    if not note.to:
        card = next((card for card in await store.cards(note.request_id) if card.ts), None)
        if card is None:
            await store.note_later(queued.id, services.now() + SOON)  # the card comes first
            return
        channel, thread = card.channel, card.ts
    if not await store.take_note(queued.id, services.owner, services.now(), NOTE_LEASE):
        return
    try:
        await services.messenger.post(channel, note.message, thread_ts=thread)
    except UpstreamError as error:
        log.warning("note.failed", request=note.request_id, code=error.code, reference=error.reference)
        if card is not None and (request := await store.request(note.request_id)) is not None:
            await _divert(services, card, request, error)
        if queued.tries >= MOST_TRIES and error.kind is Kind.REFUSED:
            log.error("note.given_up", request=note.request_id, to=note.to or "thread", code=error.code)  # noqa: TRY400
            await store.note_sent(queued.id)
            return
        await store.note_failed(queued.id, services.now() + _pause(queued.tries, error))
        return
    await store.note_sent(queued.id)


def _pause(tries: int, error: UpstreamError) -> timedelta:
    backoff: timedelta = min(FIRST_AGAIN * 2 ** min(tries, 10), SOON if tries < HURRIED else MOST_AGAIN)
    return max(backoff, timedelta(seconds=error.retry_after or 0))
