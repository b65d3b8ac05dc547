"""The doctor behind ``check``: looks at everything the configuration names, changes nothing, and says how to mend it.

It opens what it needs by itself, without the services that the bot works with: a database that cannot be opened must
not keep it from looking at Slack.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from bot.config import Config
from bot.digests import DigestPlan
from bot.flows.check import database, slack, sources, timetable
from bot.flows.check.findings import Finding, advice, all_good, as_json, as_text, note, told
from bot.flows.plans import beside

__all__ = ["Finding", "advice", "all_good", "as_json", "as_text", "examine", "told"]

CLOSEST = timedelta(seconds=90)


async def examine(config: Config, now: Callable[[], datetime]) -> list[Finding]:
    """Every finding, Slack's first; all are made, whatever fails. Takes as long as ESET's list does."""
    subscribed = await database.subscriptions(config)
    plans = (*config.digests, *beside(config.digests, subscribed))
    looked = await asyncio.gather(
        slack.examine(config, now, subscribed),
        sources.eset(config, plans),
        sources.nsight(config, plans),
        database.examine(config),
    )
    return [*(finding for part in looked for finding in part), *_settings(config, plans, now())]


def _settings(config: Config, plans: Sequence[DigestPlan], now: datetime) -> list[Finding]:
    """What nobody has to be asked about and yet is worth a line.

    N-able asks that automated calls be at least 90 seconds apart.
    """
    found = timetable.windows(config.windows, now)
    if config.follow_up.every < CLOSEST:
        sentence = "is below the 90 seconds that N-able asks for between automated calls"
        found.append(note("follow_up.every", sentence, 'Set it to "90s" or more.'))
    return found + [_unread(plan) for plan in plans if plan.group_by == "severity" and not config.nsight.sweep]


def _unread(plan: DigestPlan) -> Finding:
    sentence = "by severity, which is known only of patches read from N-sight, and nothing reads them regularly"
    return note(f"digests.{plan.name}.group_by", sentence, 'Set sweep = "24h" under [nsight].')
