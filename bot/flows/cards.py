"""Cards and notes: what a request's row says, brought to Slack and kept true there.

A card is a projection of its row: whatever failed to be shown is shown by the next repair.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from bot.blocks import bulk, consoles, news
from bot.blocks import request as words
from bot.errors import Kind, UpstreamError
from bot.flows.services import Services
from bot.model import Message, Posted, RetryRequest, State
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


async def show_request(services: Services, card_id: int) -> None:
    """Brings one request's cards (of a bulk: the first one's) up to date and sends its notes, now."""
    for card in await services.store.cards(card_id):
        await _show(services, card)
    await _send_notes(services, lambda note: note.request_id == card_id)


async def repair(services: Services) -> None:
    """Shows what could not be shown before: cards that are behind their row, notes that were not sent."""
    for card in await services.store.stale_cards(services.now()):
        await _show(services, card)
    await _send_notes(services, lambda note: True)


async def _send_notes(services: Services, wanted: Callable[[Note], bool]) -> None:
    """Round by round, since of each place only the oldest note is due."""
    sent = True
    while sent:
        due = [queued for queued in await services.store.notes_due(services.now()) if wanted(queued.note)]
        sent = any([await _send(services, queued) for queued in due])


async def say(services: Services, where: Posted) -> None:
    """Sends, now, the notes that are queued for this thread."""
    await _send_notes(services, lambda note: (note.to, note.thread) == (where.channel, where.ts))


async def adopt(services: Services, request_id: int, where: Posted) -> None:
    """A click came from a card whose place was never learned (Slack's answer was lost): from now on it is ours."""
    known = await services.store.cards(request_id)
    if any(card.ts == where.ts and card.channel == where.channel for card in known):
        return
    if await services.store.adopt_card(request_id, where.channel, where.ts):
        log.info("card.adopted", request=request_id, channel=where.channel)


async def link_to(services: Services, card_id: int) -> str:
    """Permalink of the request's first card; empty when it is not posted or Slack does not tell."""
    for card in await services.store.cards(card_id):
        if card.ts:
            where = Posted(card.channel, card.ts)
            return await services.messenger.permalink(where) or services.people.address_of(where)
    return ""


async def to_requester(services: Services, request: RetryRequest, key: str, message: Message) -> list[Note]:
    """Tells who asked, unless they do not want that, and the thread in which it was asked."""
    notes = []
    if not await services.store.mutes(request.requester):
        notes.append(Note(f"{key}:{request.requester}", request.card_id, request.requester, message))
    if request.origin is not None:
        channel, ts = request.origin.channel, request.origin.ts
        notes.append(Note(f"{key}:{channel}:{ts}", request.card_id, channel, message, thread=ts))
    return notes


async def is_shown(services: Services, members: Sequence[RetryRequest]) -> bool:
    """Tries to show these requests of one card, and says whether every card of theirs shows them as they are, or newer.
    Their notes are not waited for."""
    card_id = members[0].card_id
    for card in await services.store.cards(card_id):
        await _show(services, card)
    return all(card.shown >= _version(members) for card in await services.store.cards(card_id))


async def where_shown(services: Services, card_id: int) -> tuple[str, bool]:
    """The channel of the request's first card, and whether it is posted there already."""
    shown = await services.store.cards(card_id)
    first = next((card for card in shown if card.ts), shown[0] if shown else None)
    return (first.channel, bool(first.ts)) if first else ("", False)


def _version(members: Sequence[RetryRequest]) -> int:
    """What a card of several requests shows: a number that grows with each change of any of them."""
    return sum(request.version for request in members)


async def _show(services: Services, card: Card) -> None:
    """Callers of this process who want the same version of a card shown wait for one try together."""
    members = await services.store.members(card.request_id)
    if not members or card.shown >= _version(members):
        return
    await services.flights.share(("card", card.id, _version(members)), lambda: _try(services, card, members))


async def _try(services: Services, card: Card, members: Sequence[RetryRequest]) -> None:
    store, now = services.store, services.now()
    taken = await store.take_card(card.id, services.owner, now, CARD_LEASE)
    if taken is None:
        return
    try:
        where = await _put(services, taken, members)
    except UpstreamError as error:
        log.warning("card.failed", request=card.request_id, code=error.code, reference=error.reference)
        await store.card_failed(taken.id, services.now() + _pause(taken.tries, error), gone=error.code in GONE)
        await _divert(services, taken, members, error)
        if not any(one.open for one in members) and taken.tries >= MOST_TRIES and _closed(error):
            log.error("card.given_up", request=card.request_id, channel=taken.channel, code=error.code)  # noqa: TRY400
            await store.retire_card(taken.id, services.now())
        return
    await _tell_of(services, members, where, new=not taken.ts)
    await store.card_shown(taken.id, _version(members), where.ts)
    newest = await store.members(card.request_id)
    if _version(newest) > _version(members):
        services.spawn(show_request(services, card.request_id), f"show request {card.request_id}")


async def _tell_of(services: Services, members: Sequence[RetryRequest], where: Posted, *, new: bool) -> None:
    """What is said once with a card: where it stands, to the thread that it came from; how all of a bulk ended."""
    first = members[0]
    if new:
        await _tell_where(services, members, where)
    await _record(services, first, await end_notes(services, members), "request.tell_end")


async def end_notes(services: Services, members: Sequence[RetryRequest]) -> list[Note]:
    """How a request for several devices ended, once nothing of it is open any more; a decision that ended it unsent
    was told already."""
    first = members[0]
    if not first.bulk or any(one.open for one in members) or not any(one.called_at for one in members):
        return []
    message, key = news.all_ended(members), f"request:{first.id}:ended"
    return [*await to_requester(services, first, key, message), Note(f"{key}:thread", first.card_id, "", message)]


async def _tell_where(services: Services, members: Sequence[RetryRequest], where: Posted) -> None:
    """To the thread that the request came from, and to that of the request which it repeats."""
    first, made = members[0], news.made(members, services.people.address_of(where))
    notes = []
    if first.origin is not None:
        to = first.origin
        notes.append(Note(f"request:{first.id}:made", first.card_id, to.channel, made, thread=to.ts))
    if first.again_of and (earlier := await services.store.request(first.again_of)) is not None:
        notes.append(Note(f"request:{first.id}:repeats", earlier.card_id, "", made))
    await _record(services, first, notes, "request.show", channel=where.channel, ts=where.ts)


async def _record(services: Services, request: RetryRequest, notes: Sequence[Note], action: str, **facts: JSON) -> None:
    """Queues notes that are said once, however often this is tried."""
    told = dict[str, JSON](told=[note.to or "thread" for note in notes], **facts)
    if notes:
        await services.store.add_notes(notes, Entry(services.now(), "bot", action, f"request:{request.id}", told))


async def _divert(services: Services, card: Card, members: Sequence[RetryRequest], error: UpstreamError) -> None:
    """A channel that cannot be posted to any more: who has to decide finds the request in the fallback channel. The
    card that cannot be shown is tried on until the other one is there."""
    store, fallback = services.store, services.config.approvals.fallback_channel
    request, decidable = members[0], any(one.state in DECIDABLE for one in members)
    if not _closed(error) or not fallback or card.channel == fallback or not decidable:
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


async def _put(services: Services, card: Card, members: Sequence[RetryRequest]) -> Posted:
    message = await _picture(services, members)
    if not card.ts:
        return await services.messenger.post(card.channel, message)
    where = Posted(card.channel, card.ts)
    await services.messenger.update(where, message)
    return where


async def _picture(services: Services, members: Sequence[RetryRequest]) -> Message:
    links = await _links(services, members)
    policies = [services.policy(request) for request in members]
    if len(members) > 1:
        return bulk.card(members, policies, links)
    return words.card(members[0], policies[0], links)


async def _links(services: Services, members: Sequence[RetryRequest]) -> words.Links:
    """Where a request came from, and those that it asks for again; nothing that Slack would have to be asked for."""
    first, devices, links = members[0], {one.device.id for one in members}, services.config.links
    one_by_one = len(members) > 1 and consoles.PLACE in links.nsight  # there is no address for several devices
    earlier = await services.store.members(first.again_of) if first.again_of else []
    shown = await services.store.cards(earlier[0].card_id) if earlier else []
    places = [Posted(card.channel, card.ts) for card in shown if card.ts]
    return words.Links(
        origin=services.people.address_of(first.origin) if first.origin else "",
        earlier=tuple(one for one in earlier if one.device.id in devices),
        earlier_at=services.people.address_of(places[0]) if places else "",
        consoles=consoles.line(
            "" if one_by_one else consoles.nsight(links.nsight, first.device), consoles.eset(links.eset)
        ),
    )


async def _send(services: Services, queued: QueuedNote) -> bool:
    """Whether it is sent, so that what waits behind it can be."""
    store, note = services.store, queued.note
    channel, thread, card = note.to, note.thread or None, None
    if not note.to:
        card = next((card for card in await store.cards(note.request_id) if card.ts), None)
        if card is None:
            await store.note_later(queued.id, services.now() + SOON)  # the card comes first
            return False
        channel, thread = card.channel, card.ts
    if not await store.take_note(queued.id, services.owner, services.now(), NOTE_LEASE):
        return False
    try:
        await services.messenger.post(channel, note.message, thread_ts=thread)
    except UpstreamError as error:
        log.warning("note.failed", request=note.request_id, code=error.code, reference=error.reference)
        if card is not None and (members := await store.members(note.request_id)):
            await _divert(services, card, members, error)
        if queued.tries < MOST_TRIES or error.kind is not Kind.REFUSED:
            await store.note_failed(queued.id, services.now() + _pause(queued.tries, error))
            return False
        log.error("note.given_up", request=note.request_id, to=note.to or "thread", code=error.code)  # noqa: TRY400
    await store.note_sent(queued.id)
    return True


def _pause(tries: int, error: UpstreamError) -> timedelta:
    backoff: timedelta = min(FIRST_AGAIN * 2 ** min(tries, 10), SOON if tries < HURRIED else MOST_AGAIN)
    return max(backoff, timedelta(seconds=error.retry_after or 0))
