"""The audit trail's head, posted to a channel on schedule: somebody outside the database holds it then."""

from datetime import timedelta

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
    began = await services.store.trail_began()
    if began is None or began > slot:  # the first head is posted when its slot comes, and not late
        return
    rows, head = await services.store.head()
    note = Note(f"audit:head:{slot.isoformat()}", 0, to, words.posted(rows, head, now))
    facts: dict[str, JSON] = {"slot": slot.isoformat(), "rows": rows, "head": head, "channel": to}
    await services.store.add_notes([note], Entry(now, "bot", "audit.head", "audit", facts))
