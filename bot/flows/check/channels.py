"""Every channel that the configuration names: is it there, open, and the bot in it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot import cron, digests
from bot.config import Config, DigestPlan
from bot.errors import UpstreamError
from bot.flows import plans
from bot.flows.check import timetable
from bot.flows.check.asking import Asking
from bot.flows.check.findings import Finding, bad, good, note
from bot.manifest import WIDER

_REMOVE = "Rename one of them, or type `/patches digest remove` with its name."


async def of_requests(asking: Asking, config: Config) -> list[Finding]:
    """Where requests are posted, where they go when that fails, and where they are escalated to."""
    approvals = config.approvals
    escalation = [("approvals.escalate_channel", approvals.escalate_channel)]
    escalation += [
        (f"approvals.rules[{index}].escalate_channel", rule.changes.get("escalate_channel"))
        for index, rule in enumerate(approvals.rules)
    ]
    further = [("approvals.fallback_channel", approvals.fallback_channel), *escalation]
    found = [await _channel(asking, name, channel) for name, channel in further if channel]
    fallback = found[0] if approvals.fallback_channel else None
    return [await _main(asking, approvals.channel, fallback), *found]


async def _main(asking: Asking, channel: str | None, fallback: Finding | None) -> Finding:
    name = "approvals.channel"
    if channel is None:
        return note(name, "not set, so retry requests are refused", "Set it to the id of the channel for requests.")
    found = await _channel(asking, name, channel)
    if found.ok is not False:
        return found
    return bad(name, f"{found.sentence}; {_meanwhile(fallback)}", found.mend)


def _meanwhile(fallback: Finding | None) -> str:
    if fallback is None:
        return "requests wait unseen until that is mended, as no approvals.fallback_channel is set"
    if fallback.ok is False:
        return "requests wait unseen until that is mended, as approvals.fallback_channel is no help either"
    return "until that is mended, requests go to approvals.fallback_channel"


async def of_digests(asking: Asking, config: Config, subscribed: Sequence[DigestPlan], now: datetime) -> list[Finding]:
    """Those of the file, and those that people subscribed to in Slack."""
    if not config.digests and not subscribed:
        return [note("digests", "none is configured")]
    posted = plans.beside(config.digests, subscribed)
    hidden = [
        note(f"digests.{plan.name}", "the subscription of this name is not posted: the file's digest wins", _REMOVE)
        for plan in subscribed
        if plan not in posted
    ]
    return [await _digest(asking, plan, now) for plan in (*config.digests, *posted)] + hidden


async def _digest(asking: Asking, plan: DigestPlan, now: datetime) -> Finding:
    finding = await _channel(asking, f"digests.{plan.name}", plan.channel)
    if plan.paused:
        return replace(finding, sentence=f"{finding.sentence}; paused")
    return _coming(finding, digests.next_slot(plan, now), plan.timezone)


async def of_updates(asking: Asking, config: Config, granted: frozenset[str]) -> list[Finding]:
    """Whether Slack tells which message is the newest, for digests that are to be edited. ``granted``: the bot's
    scopes, empty when they are not known."""
    if not granted:
        return []
    wanting: dict[str, list[str]] = {}
    for plan in config.digests:
        scope = await _history_scope(asking, plan.channel) if plan.update else ""
        if scope and scope not in granted:
            wanting.setdefault(scope, []).append(plan.name)
    return [_without(scope, names) for scope, names in wanting.items()]


async def _history_scope(asking: Asking, channel: str) -> str:
    """What the bot needs to see the newest message of a channel; empty while Slack does not tell of the channel."""
    try:
        room = await asking.room(channel)
    except UpstreamError:
        return ""
    public, private = WIDER
    return private if room.private else public


def _without(scope: str, names: Sequence[str]) -> Finding:
    sentence = f"{', '.join(names)}: has no effect, as a scope is missing; each digest is a new message"
    return note("digests.update", sentence, f"Add {scope} under OAuth & Permissions, then reinstall the app.")


async def of_audit(asking: Asking, config: Config, now: datetime) -> list[Finding]:
    """Where the head of the audit trail is posted, if anywhere."""
    audit = config.audit
    if audit.channel is None:
        return []
    finding = await _channel(asking, "audit.channel", audit.channel)
    return [_coming(finding, next(cron.slots(audit.cron, audit.timezone, now)), audit.timezone)]


def _coming(finding: Finding, slot: datetime, zone: str) -> Finding:
    following = f"next at {timetable.shown(slot, zone)}"
    return Finding(finding.name, finding.ok, f"{finding.sentence}; {following}", finding.mend)


async def _channel(asking: Asking, name: str, channel: str) -> Finding:
    """Is it there, open, and the bot in it: else its posts are refused."""
    if asking.trouble:
        return note(name, asking.trouble)
    try:
        room = await asking.room(channel)
    except UpstreamError as error:
        if error.code == "channel_not_found":
            mend = "Compare the id (at the end of the channel's details); in a private channel type /invite @Patches."
            return bad(name, f"{channel} does not exist, or it is private and the bot is not in it", mend)
        return asking.failed(name, error)
    if room.archived:
        return bad(name, f"#{room.name} ({channel}) is archived", "Unarchive it, or name another channel.")
    if not room.member:
        return bad(name, f"the bot is not in #{room.name} ({channel})", "Type /invite @Patches in that channel.")
    return good(name, f"the bot is in #{room.name} ({channel})")
