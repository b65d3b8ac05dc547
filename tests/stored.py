"""One request in the store: what tests of single requests make and change."""

from collections.abc import Sequence

from bot.model import RetryRequest
from bot.store import Change, Covered, Entry, Note, Store


async def create(store: Store, draft: RetryRequest, entry: Entry, *, card_channel: str) -> RetryRequest | Covered:
    made = await store.create_requests([(draft, entry)], card_channel=card_channel)
    return made if isinstance(made, Covered) else made[0]


async def change(store: Store, after: RetryRequest, entry: Entry, notes: Sequence[Note] = ()) -> bool:
    return await store.change_requests([Change(after, entry, notes)])
