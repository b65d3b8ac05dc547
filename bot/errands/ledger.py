"""`audit` and `migrate`: what needs the database alone. Each returns the exit status."""

import sys
from collections.abc import Awaitable, Callable

import click

from bot.flows import trail
from bot.store import Store


async def export(url: str, wanted: trail.Export) -> int:
    return await _with_store(trail.opened(url), lambda store: trail.export(store, wanted, sys.stdout, sys.stderr))


async def verify(url: str, head: str | None) -> int:
    return await _with_store(trail.opened(url), lambda store: trail.verify(store, head, sys.stdout))


async def migrate(url: str) -> int:
    return await _with_store(Store.open(url), _told)


async def _told(store: Store) -> int:
    number, head = await store.head()
    click.echo(f"The database has the newest schema. Audit trail: {number} rows, head {head}")
    return 0


async def _with_store(opening: Awaitable[Store], work: Callable[[Store], Awaitable[int]]) -> int:
    store = await opening
    try:
        return await work(store)
    finally:
        await store.close()
