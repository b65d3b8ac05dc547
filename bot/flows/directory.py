"""N-sight's devices in memory: found by name, by host and by what a person has typed so far.

20,000 devices take a moment to be put in order, so that is done in a thread, once for each sweep of the inventory;
whoever asks in the meantime gets the order before.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from bot.clients.flights import Flights
from bot.markup import folded
from bot.matching.hosts import Hosts
from bot.matching.typeahead import Typeahead
from bot.model import Device
from bot.store import Store


@dataclass(frozen=True, slots=True)
class Index:
    """The inventory as it was swept ``at``; None: never yet, and then there are no devices. ``off``: those without
    Patch Management, each with the text that it is found by."""

    devices: tuple[Device, ...] = ()
    by_id: Mapping[int, Device] = field(default_factory=dict)
    hosts: Hosts = field(default_factory=lambda: Hosts(()))
    typeahead: Typeahead = field(default_factory=lambda: Typeahead(()))
    at: datetime | None = None
    off: tuple[tuple[str, Device], ...] = ()

    def search(self, typed: str, most: int) -> tuple[Device, ...]:
        """The best of all, those without Patch Management last: they are not offered for a retry, but can be seen."""
        found = self.typeahead.best(typed, most=most)
        left = most - len(found)
        if left <= 0:
            return found
        words = folded(typed).split()
        held = (device for text, device in self.off if all(word in text for word in words))
        return found + tuple(islice(held, left))


def _off(devices: Iterable[Device]) -> tuple[tuple[str, Device], ...]:
    return tuple(
        (folded(f"{device.name} {device.client} {device.site} {device.id}"), device)
        for device in devices
        if not device.patching
    )


@dataclass(frozen=True, slots=True)
class Sweep:
    """How far a sweep of the inventory by this process is: ``done`` of ``clients`` are read."""

    done: int
    clients: int


class Directory:
    """One for each process. ``latest``: what is in memory at this moment, perhaps of the sweep before the last.

    ``sweep``: the one that this process is at, None when it is at none. ``unlisted``: names of the clients that
    N-sight refused to list in the last one, so that their devices may be missing or out of date.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._flights: Flights[Index] = Flights()
        self.latest = Index()
        self.sweep: Sweep | None = None
        self.unlisted: tuple[str, ...] = ()

    async def current(self) -> Index:
        """The inventory as it is stored now. Costs one small read, and the building when a sweep was stored since;
        callers at the same time share that."""
        at = await self._store.inventory_at()
        return self.latest if at == self.latest.at else await self._flights.share(at, self._rebuild)

    async def warm(self) -> None:
        """Makes ``latest`` what ``current`` tells."""
        await self.current()

    async def close(self) -> None:
        await self._flights.close()

    async def _rebuild(self) -> Index:
        at = await self._store.inventory_at()  # before the devices: what is swept in between is noticed next time
        devices = await self._store.devices()
        self.latest = await asyncio.to_thread(_built, tuple(devices), at)
        return self.latest


def _built(devices: tuple[Device, ...], at: datetime | None) -> Index:
    by_id = {device.id: device for device in devices}
    return Index(devices, by_id, Hosts(devices), Typeahead(devices), at, _off(devices))
