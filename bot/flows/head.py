"""The audit trail's head, posted to a channel on schedule: somebody outside the database holds it then."""

from datetime import datetime, timedelta

from bot import cron
from bot.blocks import trail as words
from bot.flows.services import Services
from bot.store import JSON, Entry, Note

REACH = timedelta(days=2)  # after longer downtime the next slot will do


async def post_if_due(services: Services) -> None:
    """Queues one message for the newest slot, whatever number of processes looks; the outbox posts it.

    The head told is that of the rows before its own. Raises TrailUnwritableError.
    """
    now, to = services.now(), services.config.audit.channel
    slot = cron.newest(services.config.audit.cron, services.config.audit.timezone, now - REACH, now)
    if to is None or slot is None:
        return
    rows, head = await services.store.head()
    if not await _begun_by(services, slot):
        return
    note = Note(f"audit:head:{slot.isoformat()}", 0, to, words.posted(rows, head, now))
    facts: dict[str, JSON] = {"slot": slot.isoformat(), "rows": rows, "head": head, "channel": to}
    await services.store.add_note(note, Entry(now, "bot", "audit.head", "audit", facts))


async def _begun_by(services: Services, slot: datetime) -> bool:
    """Whether there was a trail at that time: a new one is posted when its first slot comes, and not late."""
    async for row in services.store.rows():
        return row.entry.at <= slot
    return False
