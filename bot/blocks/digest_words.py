"""Words that a digest and its thread share."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.blocks import text
from bot.digests import By, Failure


def aged(since: datetime, now: datetime) -> str:
    """A rough length of time in its largest unit, rounded down: "3 days"."""
    length = max(now - since, timedelta())
    for size, unit in ((timedelta(days=1), "day"), (timedelta(hours=1), "hour")):
        if length >= size:
            return text.plural(length // size, unit)
    return "under an hour"


def linked(number: int, links: Mapping[int, str]) -> str:
    """A request's number. An address from Slack is not escaped but checked: what could end the link is not let in."""
    address = links.get(number, "")
    return f"<{address}|#{number}>" if address and not set(address) & set("<>| \n") else f"#{number}"


def device_name(failure: Failure, limit: int) -> str:
    """Its name, else how its id begins; empty when nobody knows which one it is."""
    return text.name(failure.name, limit) or text.code(failure.standing.device[:8])


def label_words(by: By, label: str) -> str:
    """What a digest groups by: "Contoso Ltd", "❌ Download failed", "Severity critical"."""
    if by == "reason":
        return str(text.outcome_words(label))
    name = text.name(label, 60)
    if by == "severity":
        return f"Severity {name}" if name else "Severity not known"
    return name or "Client not known"
