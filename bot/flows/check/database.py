"""The database examined as it is: nothing is made and nothing is migrated."""

import contextlib
import os
from pathlib import Path

from bot.config import Config
from bot.digests import DigestPlan
from bot.errors import ConfigError
from bot.flows.check.findings import Finding, bad, good, note
from bot.store import Store

DATABASE, TRAIL = "Database", "Audit trail"
_MIGRATE = "Run `patches-bot migrate`."
_TAMPERED = "Keep a copy of the database as it is, then compare with a backup: `patches-bot audit verify` tells more."


async def examine(config: Config) -> list[Finding]:
    """Can it be opened and written, and is the audit trail's chain whole."""
    missing = _missing(config)
    if missing:
        return [missing]
    try:
        store = await Store.open(config.database.url.reveal(), migrate=False)
    except ConfigError as error:
        return [_unusable(error, may_migrate=config.database.migrate)]
    try:
        return [await _writable(store, config.database.shown), await _trail(store)]
    finally:
        await store.close()


async def subscriptions(config: Config) -> tuple[DigestPlan, ...]:
    """The digests that people subscribed to. None while they cannot be read: ``examine`` tells why."""
    if _missing(config):
        return ()
    with contextlib.suppress(Exception):
        store = await Store.open(config.database.url.reveal(), migrate=False)
        try:
            return await store.subscriptions()
        finally:
            await store.close()
    return ()


def _missing(config: Config) -> Finding | None:
    """A finding when the file is not there yet, None when it is."""
    name = config.database.url.reveal().partition(":///")[2]
    if Path(name).exists():
        return None
    folder = Path(name).absolute().parent
    if not os.access(folder, os.W_OK):
        return bad(DATABASE, f"{name} is not there, and {folder} cannot be written", "Let the bot's user write there.")
    if config.database.migrate:
        return note(DATABASE, f"{name} is not there yet; the first `run` makes it")
    return bad(DATABASE, f"{name} is not there, and database.migrate is off", _MIGRATE)


def _unusable(error: ConfigError, *, may_migrate: bool) -> Finding:
    fault = error.faults[0]
    if not fault.startswith("database.migrate:"):
        return bad(DATABASE, fault.removeprefix("DATABASE_URL: "), "Check DATABASE_URL and the rights to the file.")
    if may_migrate:
        return note(DATABASE, "has an older schema; `run` will bring it up to date")
    return bad(DATABASE, "has an older schema, and database.migrate is off", _MIGRATE)


async def _writable(store: Store, shown: str) -> Finding:
    reason = await store.unwritable()
    if reason:
        return bad(DATABASE, f"cannot be written: {reason}", "Until that is mended every change is refused.")
    return good(DATABASE, f"can be written, newest schema ({shown})")


async def _trail(store: Store) -> Finding:
    verdict = await store.verify()
    if not verdict.ok:
        return bad(TRAIL, verdict.problem, _TAMPERED)
    return good(TRAIL, f"the chain is whole: {verdict.rows:,} rows, head {verdict.head}")
