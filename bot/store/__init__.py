"""The store: everything the bot must not forget. One database, SQLite or PostgreSQL, shared by any number of processes.

Every method is one transaction. Those that change something raise TrailUnwritableError when the database cannot be
written; reads still answer then. Times are aware; what is read comes back in UTC.
"""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Self

from bot.digests import DigestPlan
from bot.errors import TrailUnwritableError
from bot.model import (
    Attempt,
    Client,
    Day,
    Device,
    EsetDevice,
    FailedPatches,
    Fate,
    FleetView,
    Listing,
    PatchView,
    Posted,
    Result,
    RetryRequest,
    Silence,
    Standing,
    State,
)
from bot.store import (
    attempts,
    audit,
    digests,
    engine,
    history,
    homes,
    inventory,
    keepsakes,
    kept,
    leases,
    links,
    looks,
    moments,
    outbox,
    patch_views,
    people,
    recoveries,
    requests,
    schema,
    sightings,
    silences,
    standings,
    subjects,
    subscriptions,
)
from bot.store.attempts import Seen
from bot.store.audit import JSON, AuditRow, Entry, Verdict
from bot.store.digests import Mark, Refusal, Told
from bot.store.kept import Kept, Which
from bot.store.links import Link
from bot.store.outbox import Card, Note, QueuedNote
from bot.store.recoveries import Ended
from bot.store.requests import Change, Covered, Page, Turn
from bot.store.silences import SilencePage
from bot.store.standings import NOTHING, Memory

__all__ = [
    "JSON",
    "AuditRow",
    "Card",
    "Change",
    "Covered",
    "Ended",
    "Entry",
    "Kept",
    "Link",
    "Mark",
    "Memory",
    "Note",
    "Page",
    "QueuedNote",
    "Refusal",
    "Seen",
    "SilencePage",
    "Store",
    "Told",
    "Turn",
    "Verdict",
    "Which",
]

PROBE_PATIENCE = 2.0  # seconds; /readyz must answer soon


class Store:
    """Open it with ``await Store.open(url)`` and close it with ``await store.close()``."""

    def __init__(self, database: engine.Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, url: str, *, migrate: bool = True, patience: float = engine.PATIENCE) -> Self:
        """`url` as SQLAlchemy writes it. `patience`: seconds that a change waits for other writers.

        ConfigError when the database cannot be used, is newer than this code, or older while `migrate` is off.
        """
        database = engine.connect(url, create=migrate, patience=patience)
        try:
            await schema.settle(database, migrate=migrate)
        except BaseException:
            await database.close()
            raise
        return cls(database)

    async def close(self) -> None:
        await self._database.close()

    async def unwritable(self) -> str | None:
        """Why nothing can be written at the moment; None when a write was just made and committed."""
        try:
            async with self._database.write(PROBE_PATIENCE) as connection:
                await audit.probe(connection)
                await moments.note(connection, moments.PROBE, moments.EPOCH)
        except TrailUnwritableError as error:
            return str(error)
        return None

    async def purge(self, now: datetime) -> None:
        """Forgets what is past its time. The audit trail and the requests stay for ever."""
        async with self._database.write() as connection:
            await attempts.purge(connection, now - timedelta(days=400))
            await sightings.purge(connection, now - timedelta(days=400))
            await subjects.purge(connection)
            await leases.purge(connection, now - timedelta(days=2))
            await looks.purge(connection, now - timedelta(days=2))
            await homes.purge(connection, now - timedelta(days=2))
            await outbox.purge_notes(connection, now - timedelta(days=30))
            await silences.purge(connection, now - timedelta(days=400))
            await keepsakes.purge(
                connection, tokens_before=now - timedelta(days=90), snapshots_before=now - timedelta(hours=1)
            )

    # ------------------------------------------------------------ requests

    async def create_requests(
        self, drafts: Sequence[tuple[RetryRequest, Entry]], *, card_channel: str
    ) -> tuple[RetryRequest, ...] | Covered:
        """Stores each draft as version 1 under a new id and prepares the one card of them all, or names the open
        requests that already hold one of the patches; then nothing is written. Several drafts become a bulk. An empty
        ``entry.subject`` becomes ``request:<id>``."""
        async with self._database.write() as connection:
            return await requests.create(connection, drafts, card_channel=card_channel)

    async def change_requests(self, changes: Sequence[Change]) -> bool:
        """Compare-and-swap: True and everything is written, or False and nothing is, when a stored version is not the
        one before its ``after.version``."""
        async with self._database.write() as connection:
            return await requests.change(connection, changes)

    async def look_again(self, request_id: int, version: int, next_at: datetime) -> bool:
        """Sets only when the scheduler looks next; no new version, no audit row. False when the version is gone."""
        async with self._database.write() as connection:
            return await requests.look_again(connection, request_id, version, next_at)

    async def request(self, request_id: int) -> RetryRequest | None:
        async with self._database.read() as connection:
            return await requests.one(connection, request_id)

    async def members(self, request_id: int) -> list[RetryRequest]:
        """The request and those that were made with it, oldest first; empty when there is no such request."""
        async with self._database.read() as connection:
            return await requests.members(connection, request_id)

    async def requests_in(self, states: Iterable[State]) -> list[RetryRequest]:
        """Oldest first."""
        async with self._database.read() as connection:
            return await requests.in_states(connection, states)

    async def open_on(self, device_ids: Sequence[int]) -> list[RetryRequest]:
        """Open requests about these devices, oldest first."""
        async with self._database.read() as connection:
            return await requests.open_on(connection, device_ids)

    async def requests_due(self, now: datetime) -> list[RetryRequest]:
        """Open requests whose ``next_at`` has come, oldest first."""
        async with self._database.read() as connection:
            return await requests.due(connection, now)

    async def history(self, device_id: int | None, limit: int, offset: int = 0) -> list[RetryRequest]:
        """Newest first, of one device or of all."""
        async with self._database.read() as connection:
            return await requests.history(connection, device_id, limit, offset)

    async def asked_by(self, requester: str, limit: int) -> list[RetryRequest]:
        """A person's requests, newest first; of a bulk the first one."""
        async with self._database.read() as connection:
            return await requests.asked_by(connection, requester, limit)

    async def past(self, device_id: int | None, size: int, turn: Turn) -> Page:
        """A page of all requests, of one device or of all, newest first."""
        async with self._database.read() as connection:
            return await requests.past(connection, device_id, size, turn)

    async def waiting(self, now: datetime, size: int, turn: Turn) -> Page:
        """A page of those that wait for an approver or, approved, for their maintenance window; oldest first."""
        async with self._database.read() as connection:
            return await requests.waiting(connection, now, size, turn)

    async def failed_again(self, device_id: int, patch_ids: Sequence[int], since: datetime) -> list[RetryRequest]:
        """Requests for the device, called since then, in which one of the patches failed again; oldest first."""
        async with self._database.read() as connection:
            return await requests.failed_again(connection, device_id, patch_ids, since)

    async def ended(self, after: datetime, upto: datetime, fates: Collection[Fate]) -> tuple[Ended, ...]:
        """Patches that came to one of these fates, of requests that ended in ``(after, upto]``; oldest end first."""
        async with self._database.read() as connection:
            return await recoveries.ended(connection, after, upto, fates)

    # ------------------------------------------------------------ following

    async def followed(self, device_id: int) -> list[RetryRequest]:
        """The device's requests that are queued or unknown, oldest first."""
        async with self._database.read() as connection:
            return await looks.followed(connection, device_id)

    async def begin_look(self, device_id: int, owner: str, now: datetime, distance: timedelta, seconds: float) -> bool:
        """Leases the reading of a device; False while another is at it or its last one is not ``distance`` ago."""
        async with self._database.read() as connection:  # mostly it is not, and then no writer has to wait
            if await looks.too_soon(connection, device_id, now, distance):
                return False
        async with self._database.write() as connection:
            if await looks.too_soon(connection, device_id, now, distance):
                return False
            return await looks.begin(connection, device_id, owner, now, seconds)

    async def end_look(self, device_id: int, owner: str, looked_at: datetime) -> None:
        async with self._database.write() as connection:
            await looks.end(connection, device_id, owner, looked_at)

    # ------------------------------------------------------------ people

    async def mute(self, person: str, entry: Entry, *, muted: bool) -> bool:
        """Notes whether a person wants no direct messages; False when it was so already (then nothing is written)."""
        async with self._database.write() as connection:
            return await people.mute(connection, person, entry, muted=muted)

    async def mutes(self, person: str) -> bool:
        async with self._database.read() as connection:
            return await people.mutes(connection, person)

    # ------------------------------------------------------------ the app's Home

    async def home_opened(self, person: str, now: datetime, patience: float | None = None) -> None:
        """Their Home is to be shown. ``patience``: seconds to wait for other writers."""
        async with self._database.write(patience) as connection:
            await homes.opened(connection, person, now)

    async def home_shown(self, person: str, upto: int, now: datetime) -> None:
        """It shows how things are ``now``, with what happened up to the audit row with this number."""
        async with self._database.write() as connection:
            await homes.shown(connection, person, upto, now)

    async def forget_home(self, person: str) -> None:
        async with self._database.write() as connection:
            await homes.forget(connection, person)

    async def home_is_open(self, person: str, since: datetime) -> bool:
        """Whether they opened it at ``since`` or later."""
        async with self._database.read() as connection:
            return await homes.is_open(connection, person, since)

    async def homes_behind(self, since: datetime, head: int, old: datetime, limit: int) -> list[str]:
        """People who opened theirs at ``since`` or later and whose Home shows less than ``head``, or was shown before
        ``old``; those that show least first."""
        async with self._database.read() as connection:
            return await homes.behind(connection, since, head, old, limit)

    # ------------------------------------------------------------ cards

    async def add_card(self, request_id: int, channel: str, entry: Entry) -> bool:
        """A further card, in another channel; False (and nothing written) when the request has one there."""
        async with self._database.write() as connection:
            return await outbox.add_told_card(connection, request_id, channel, entry)

    async def retire_card(self, card_id: int, now: datetime, notes: Sequence[Note] = ()) -> bool:
        """Forgets a card that cannot be shown any more. False (and nothing written) while somebody is at it."""
        async with self._database.write() as connection:
            return await outbox.retire_card(connection, card_id, now, notes)

    async def cards(self, request_id: int) -> list[Card]:
        async with self._database.read() as connection:
            return await outbox.cards_of(connection, request_id)

    async def card_places(self, request_ids: Collection[int]) -> dict[int, Posted]:
        """Where the first card of each of these requests stands, of those that are posted."""
        async with self._database.read() as connection:
            return await outbox.card_places(connection, request_ids)

    async def stale_cards(self, now: datetime) -> list[Card]:
        """Cards that show an older version than the request has, whose next try has come and that nobody holds."""
        async with self._database.read() as connection:
            return await outbox.stale_cards(connection, now)

    async def take_card(self, card_id: int, owner: str, now: datetime, seconds: float) -> Card | None:
        """Leases a stale card and returns it as it is now (use this ts, not the one listed before), else None."""
        async with self._database.write() as connection:
            return await outbox.take_card(connection, card_id, owner, now, seconds)

    async def card_shown(self, card_id: int, version: int, ts: str) -> None:
        async with self._database.write() as connection:
            await outbox.card_shown(connection, card_id, version, ts)

    async def card_failed(self, card_id: int, again_at: datetime, *, gone: bool = False) -> None:
        """``gone``: Slack no longer has the message, so the next try posts a new one."""
        async with self._database.write() as connection:
            await outbox.card_failed(connection, card_id, again_at, gone=gone)

    async def adopt_card(self, request_id: int, channel: str, ts: str, shown: int = 0) -> bool:
        """Takes in a card that Slack shows and the store does not know; True when it was unknown."""
        async with self._database.write() as connection:
            return await outbox.adopt_card(connection, request_id, channel, ts, shown)

    # ------------------------------------------------------------ notes

    async def add_notes(self, notes: Sequence[Note], entry: Entry) -> bool:
        """Notes that belong to no change, with one audit entry for them all; False (and nothing written) when every
        key is known."""
        async with self._database.read() as connection:  # mostly they are, and then no writer has to wait
            if await outbox.are_known(connection, notes):
                return False
        async with self._database.write() as connection:
            if await outbox.are_known(connection, notes):
                return False
            await outbox.queue(connection, notes, entry.at)
            await audit.append(connection, entry)
            return True

    async def notes_due(self, now: datetime) -> list[QueuedNote]:
        async with self._database.read() as connection:
            return await outbox.notes_due(connection, now)

    async def take_note(self, note_id: int, owner: str, now: datetime, seconds: float) -> bool:
        async with self._database.write() as connection:
            return await outbox.take_note(connection, note_id, owner, now, seconds)

    async def note_sent(self, note_id: int) -> None:
        async with self._database.write() as connection:
            await outbox.note_sent(connection, note_id)

    async def note_later(self, note_id: int, again_at: datetime) -> None:
        """It was not tried, so this counts as no try."""
        async with self._database.write() as connection:
            await outbox.note_later(connection, note_id, again_at)

    async def note_failed(self, note_id: int, again_at: datetime) -> None:
        async with self._database.write() as connection:
            await outbox.note_failed(connection, note_id, again_at)

    # ------------------------------------------------------------ leases and deliveries

    async def lease(self, name: str, owner: str, now: datetime, seconds: float) -> bool:
        """Takes or renews a lease; False while another owner holds it."""
        async with self._database.write() as connection:
            return await leases.take(connection, name, owner, now, seconds)

    async def release(self, name: str, owner: str) -> None:
        async with self._database.write() as connection:
            await leases.release(connection, name, owner)

    async def first_delivery(self, key: str, now: datetime, patience: float | None = None) -> bool:
        """True for exactly one caller per key, in whatever process. ``patience``: seconds to wait for other writers."""
        async with self._database.write(patience) as connection:
            return await leases.first_delivery(connection, key, now)

    # ------------------------------------------------------------ what buttons refer to

    async def remember(self, kind: str, data: JSON, now: datetime, patience: float | None = None) -> str:
        """Keeps data behind a token of 22 characters. ``patience``: seconds to wait for other writers."""
        async with self._database.write(patience) as connection:
            return await keepsakes.remember(connection, kind, data, now)

    async def recall(self, kind: str, token: str) -> Any:
        """The data as decoded JSON, None when there is none (any more)."""
        async with self._database.read() as connection:
            return await keepsakes.recall(connection, kind, token)

    async def replace(self, kind: str, token: str, data: JSON, patience: float | None = None) -> bool:
        """False when the token is gone. ``patience``: seconds to wait for other writers."""
        async with self._database.write(patience) as connection:
            return await keepsakes.replace(connection, kind, token, data)

    async def save_snapshot(self, taken_at: datetime, listing: Listing) -> str:
        packed = await keepsakes.pack(listing)
        async with self._database.write() as connection:
            return await keepsakes.save_snapshot(connection, taken_at, packed)

    async def snapshot(self, snapshot_id: str) -> tuple[datetime, Listing] | None:
        async with self._database.read() as connection:
            found = await keepsakes.snapshot(connection, snapshot_id)
        return (found[0], await keepsakes.unpack(found[1])) if found else None

    async def latest_snapshot(self, since: datetime) -> str | None:
        """The newest snapshot taken at `since` or later."""
        async with self._database.read() as connection:
            return await keepsakes.latest_snapshot(connection, since)

    # ------------------------------------------------------------ attempts

    async def record_attempts(self, listing: Sequence[Attempt], now: datetime) -> int:
        """Records one listing's final attempts; how many were new. Several short transactions."""
        return await attempts.record(self._database, listing, now)

    async def newest_attempt(self) -> int:
        """The highest number given so far, 0 when there is none."""
        async with self._database.read() as connection:
            return await attempts.newest(connection)

    async def attempts_ended_since(self, when: datetime, upto_seq: int) -> list[Seen]:
        return await attempts.ended_since(self._database, when, upto_seq)

    async def attempts_told_late(self, seen: datetime, since: datetime, before: datetime) -> list[Seen]:
        """Those on no known device that the bot saw first at `seen` or later, and that ended from `since` to `before`:
        of a device that was out of reach then, say."""
        return await attempts.told_late(self._database, seen, since, before)

    async def counts(self, after: int | None, since: datetime, upto: int) -> Counter[Result]:
        """Attempts number ``after`` + 1 to ``upto``; ``after`` None: those up to ``upto`` that ended since then."""
        return await standings.counts(self._database, standings.Reach(after, since, upto))

    async def standings(
        self, after: int | None, since: datetime, upto: int, oldest: datetime, *, memory: Memory = NOTHING
    ) -> list[Standing]:
        """What fails, and what failed and has recovered, as of attempt number ``upto``. Fresh ones are as for
        ``counts``; what fails without one is left out when it was last tried before ``oldest``. ``memory``: of the
        plan's last digest."""
        return await standings.of(self._database, standings.Reach(after, since, upto), oldest, memory)

    async def left_out(
        self, after: int | None, since: datetime, upto: int, rows: Mapping[int, datetime], *, untold: Collection[int]
    ) -> tuple[int, ...]:
        """Numbers of the failed attempts of these subjects, each since then, that no digest has told: fresh ones, and
        those of ``untold``."""
        return await standings.left_out(self._database, standings.Reach(after, since, upto), rows, untold)

    def kept(self, which: Which) -> Kept:
        """The kept attempts as ``/patches recent`` shows them."""
        return Kept(self._database, which)

    async def named(self, part: str) -> list[tuple[str, str]]:
        """Developer and name of each application that has this in one of them, case aside."""
        return await kept.named(self._database, part)

    async def tried_devices(self) -> list[str]:
        """ESET's devices (uuids) that attempts are known to have been on; an empty one if some are not."""
        async with self._database.stream() as connection:
            return await history.tried_devices(connection)

    def subjects(self) -> AsyncIterator[list[tuple[int, str, str]]]:
        """Number, application and device (uuid, empty while nobody knows) of all that attempts are about; some at a
        time."""
        return history.every_subject(self._database)

    async def daily(self, since: datetime, upto: datetime, zone: str, only: Collection[int] | None = None) -> list[Day]:
        """Attempts that ended in ``[since, upto)``, by the day in that IANA zone on which they did, all or those of
        these subjects. Oldest first; days without any are left out."""
        return await history.daily(self._database, since, upto, zone, only)

    async def subject_fingerprints(
        self, numbers: Sequence[int], limit: int, since: datetime = moments.EPOCH
    ) -> list[tuple[str, datetime]]:
        """Fingerprints and ends of the failed attempts after which these subjects still fail, newest first; equal
        attempts give theirs as often as there are. A subject without a device stands for all of its application."""
        return await history.fingerprints(self._database, numbers, limit, since)

    async def collected_at(self) -> datetime | None:
        """When attempts were last recorded with success, be it that nothing was new."""
        async with self._database.stream() as connection:
            return await moments.read(connection, moments.COLLECTED)

    # ------------------------------------------------------------ inventory

    async def replace_inventory(self, clients: Sequence[Client], devices: Sequence[Device], now: datetime) -> None:
        async with self._database.write() as connection:
            await inventory.replace(connection, clients, devices, now)
            await patch_views.forget_gone(connection)

    async def clients(self) -> list[Client]:
        async with self._database.stream() as connection:
            return await inventory.all_clients(connection)

    async def devices(self) -> list[Device]:
        async with self._database.read() as connection:
            return await inventory.all_devices(connection)

    async def device(self, device_id: int) -> Device | None:
        async with self._database.read() as connection:
            return await inventory.device(connection, device_id)

    async def inventory_at(self) -> datetime | None:
        async with self._database.read() as connection:
            return await moments.read(connection, moments.INVENTORY)

    # ------------------------------------------------------------ ESET's devices

    async def record_sightings(self, found: Mapping[str, Sequence[str]], now: datetime) -> int:
        """Keeps on which of ESET's devices (uuids) attempts happened, by fingerprint; how many sightings were new.
        Several short transactions."""
        return await sightings.record(self._database, found, now)

    async def sightings(self, fingerprints: Iterable[str]) -> dict[str, tuple[EsetDevice, ...]]:
        """ESET's devices, by name, of each attempt for which some are known. A name that is not known is empty."""
        return await sightings.seen(self._database, fingerprints)

    async def sighted_upto(self) -> datetime | None:
        """Up to when ESET's list of attempts by device was read last; None before the first time."""
        async with self._database.read() as connection:
            return await moments.read(connection, moments.SIGHTED)

    async def note_sighted(self, upto: datetime) -> None:
        async with self._database.write() as connection:
            await moments.note(connection, moments.SIGHTED, upto)

    async def name_eset_devices(self, devices: Sequence[EsetDevice], now: datetime) -> None:
        """Keeps what ESET calls these devices now. Several short transactions."""
        await sightings.name(self._database, devices, now)

    async def eset_names(self, uuids: Iterable[str], since: datetime | None = None) -> dict[str, str]:
        """Names by uuid, of those whose name was read at `since` or later (None: whenever)."""
        return await sightings.names(self._database, uuids, since)

    # ------------------------------------------------------------ which of N-sight's devices they are

    async def link_device(self, chosen: Link, entry: Entry) -> bool:
        """Remembers a person's choice, in place of an earlier one; False (and nothing written) when it was so."""
        async with self._database.write() as connection:
            return await links.link(connection, chosen, entry)

    async def unlink_device(self, eset_uuid: str, device_id: int, entry: Entry) -> bool:
        """Forgets a choice; False (and nothing written) when it was another one, or there is none."""
        async with self._database.write() as connection:
            return await links.unlink(connection, eset_uuid, device_id, entry)

    async def links(self, eset_uuids: Iterable[str]) -> dict[str, Link]:
        """People's choices by uuid, of those for which there is one."""
        async with self._database.read() as connection:
            return await links.of(connection, eset_uuids)

    async def links_to(self, device_id: int) -> list[Link]:
        """Oldest first."""
        async with self._database.read() as connection:
            return await links.to(connection, device_id)

    # ------------------------------------------------------------ the fleet's patches

    async def save_patch_view(self, view: PatchView, tried_at: datetime) -> None:
        """Takes the place of the device's earlier view; ``sweep_at`` tells ``tried_at`` from now on."""
        async with self._database.write() as connection:
            await patch_views.save(connection, view, tried_at)

    async def patch_view(self, device_id: int) -> PatchView | None:
        """What is known of a device; None when its turn never came or it is no device to be swept."""
        async with self._database.read() as connection:
            return await patch_views.one(connection, device_id)

    async def failures(self) -> AsyncGenerator[list[FailedPatches], None]:
        """What is known to be failed, on all devices by id; some at a time."""
        async with self._database.stream() as connection:
            async for some in patch_views.failing(connection):
                yield some

    async def severities(self, device_ids: Iterable[int]) -> dict[int, dict[str, str]]:
        """Severities by title of what is known to be failed on these devices."""
        async with self._database.read() as connection:
            return await patch_views.severities(connection, device_ids)

    async def fleet_view(self, now: datetime) -> FleetView:
        """In figures, what has been read of all devices so far."""
        async with self._database.read() as connection:
            return await patch_views.of_fleet(connection, now)

    async def sweep_at(self) -> tuple[int, datetime | None]:
        """How many devices have Patch Management, and when one of them was last read by the sweep."""
        async with self._database.read() as connection:
            return await patch_views.count(connection), await moments.read(connection, moments.PATCHES)

    async def next_to_sweep(self, now: datetime) -> Device | None:
        """The device with Patch Management whose turn never came, else the one whose last turn is longest ago."""
        async with self._database.read() as connection:
            return await patch_views.next_device(connection, now)

    # ------------------------------------------------------------ digests

    async def digest_mark(self, plan: str) -> Mark | None:
        async with self._database.read() as connection:
            return await digests.mark(connection, plan)

    async def start_digest(self, plan: str, at: datetime, upto: int) -> None:
        """The baseline of a plan never seen before (`upto` -1: nothing covered); does nothing when there is a mark."""
        async with self._database.write() as connection:
            await digests.start(connection, plan, at, upto)

    async def claim_digest(self, plan: str, slot: datetime, owner: str, now: datetime, seconds: float) -> bool:
        """Leases the plan for this slot or renews it; False when covered already or another is posting."""
        async with self._database.write() as connection:
            return await digests.claim(connection, plan, slot, owner, now, seconds)

    async def free_digest(self, plan: str, owner: str) -> None:
        """Gives up a claim whose post failed."""
        async with self._database.write() as connection:
            await digests.free(connection, plan, owner)

    async def digest_posted(
        self, plan: str, mark: Mark, told: Told | None, entry: Entry, *, memory: Memory = NOTHING
    ) -> None:
        """Call it after the post; ``told`` None when there was nothing to post. ``entry.at`` is the time of it.
        ``memory``: for the plan's next digest."""
        async with self._database.write() as connection:
            await digests.posted(connection, plan, mark, told, memory=memory, entry=entry)

    async def digest_memory(self, plan: str) -> Memory:
        async with self._database.read() as connection:
            return await digests.memory(connection, plan)

    async def digest_place(self, plan: str) -> Posted | None:
        """Where the plan's newest digest stands; None when none was posted yet."""
        async with self._database.read() as connection:
            return await digests.place(connection, plan)

    async def digest_refused(self, plan: str, code: str, entry: Entry, notes: Sequence[Note] = ()) -> bool:
        """Slack did not take a post, with this error code. False, and only the code is kept, when that was so at the
        last try already."""
        async with self._database.write() as connection:
            return await digests.refuse(connection, plan, code, entry, notes)

    async def digest_refusals(self) -> dict[str, Refusal]:
        """Plans whose last post Slack did not take, by name."""
        async with self._database.read() as connection:
            return await digests.refusals(connection)

    async def digest_files(self, since: datetime) -> dict[str, Any]:
        """What digests posted at `since` or later still owe their threads, by token, oldest first."""
        async with self._database.read() as connection:
            return await keepsakes.kept(connection, digests.OWED, since)

    async def digest_files_left(self, token: str, data: JSON) -> None:
        """What is still owed after some of it was brought."""
        async with self._database.write() as connection:
            await keepsakes.replace(connection, digests.OWED, token, data)

    async def digest_files_done(self, token: str) -> None:
        async with self._database.write() as connection:
            await keepsakes.forget(connection, digests.OWED, token)

    async def subscriptions(self) -> tuple[DigestPlan, ...]:
        """Digests that people subscribed to in Slack, by name."""
        async with self._database.read() as connection:
            return await subscriptions.every(connection)

    async def subscribe(self, plan: DigestPlan, entry: Entry, notes: Sequence[Note] = ()) -> bool:
        """False, and nothing is written, when another has the name, whatever its case."""
        async with self._database.write() as connection:
            return await subscriptions.add(connection, plan, entry, notes)

    async def unsubscribe(self, name: str, entry: Entry, notes: Sequence[Note] = (), *, instead: bool = False) -> bool:
        """False when there is none of just this name. ``instead``: the file has one of it, which goes on."""
        async with self._database.write() as connection:
            return await subscriptions.remove(connection, name, entry, notes, instead=instead)

    async def pause_subscription(self, name: str, entry: Entry, notes: Sequence[Note] = (), *, paused: bool) -> bool:
        """False when there is none of just this name, or it was so already."""
        async with self._database.write() as connection:
            return await subscriptions.pause(connection, name, entry, notes, paused=paused)

    async def last_digest(self) -> tuple[str, datetime] | None:
        """Plan and time of the newest digest that was really posted."""
        async with self._database.read() as connection:
            return await digests.last(connection)

    # ------------------------------------------------------------ silences

    async def make_silence(
        self, wished: Silence, entry: Entry, notes: Sequence[Note] = ()
    ) -> tuple[Silence, tuple[Silence, ...]]:
        """Stores it under a new id, whatever id it has; also tells those about just the same, which it ends.
        ``entry.subject`` becomes ``silence:<id>``."""
        async with self._database.write() as connection:
            return await silences.make(connection, wished, entry, notes)

    async def end_silence(self, silence_id: int, entry: Entry) -> bool:
        """False (and nothing written) when there is no such silence, or it is over."""
        async with self._database.write() as connection:
            return await silences.end(connection, silence_id, entry)

    async def silence(self, silence_id: int) -> Silence | None:
        """Also one that is over."""
        async with self._database.read() as connection:
            return await silences.one(connection, silence_id)

    async def silences_on(self, now: datetime) -> tuple[Silence, ...]:
        """Newest first."""
        async with self._database.read() as connection:
            return await silences.on(connection, now)

    async def silences_since(self, then: datetime) -> tuple[Silence, ...]:
        """Those that were on at some time after ``then``, also when they are over."""
        async with self._database.read() as connection:
            return await silences.since(connection, then)

    async def applications(self) -> list[str]:
        """The names of all applications that ESET has told of."""
        async with self._database.read() as connection:
            return await silences.applications(connection)

    async def failed_with(self, applications: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Status and version of the newest failed attempts of these applications."""
        async with self._database.read() as connection:
            return await silences.failed_with(connection, applications)

    async def silences(self, now: datetime, size: int, turn: Turn) -> SilencePage:
        """A page of those that are on, newest first."""
        async with self._database.read() as connection:
            return await silences.page(connection, now, size, turn)

    # ------------------------------------------------------------ audit

    async def append(self, entry: Entry) -> None:
        """For what is no change of a request."""
        async with self._database.write() as connection:
            await audit.append(connection, entry)

    async def head(self) -> tuple[int, str]:
        """Number and hash of the last audit row; (0, 64 zeros) when there is none."""
        async with self._database.read() as connection:
            return await audit.head(connection)

    async def trail_began(self) -> datetime | None:
        """The time of the first audit row; None when there is none."""
        async with self._database.read() as connection:
            return await audit.began(connection)

    def rows(self, since: datetime | None = None) -> AsyncIterator[AuditRow]:
        """The audit trail in order, from the rows told at `since` on."""
        return audit.rows(self._database, since)

    async def verify(self, head: str | None = None) -> Verdict:
        """Walks the chain; with `head`, also says whether that hash is in it (it is not when a tail was cut off)."""
        return await audit.verify(self._database, head)
