"""Digests decided: when one is due, and what it says. Pure. Slots are instants in UTC."""

from bot.digests.build import Digest, build
from bot.digests.failures import Failure, Section, Totals, asks_of, count, filtered, names, wanted
from bot.digests.grouping import Group, grouped
from bot.digests.plan import LATE_AFTER, MOST_MISSED, By, DigestPlan, Due, due, next_slot
from bot.digests.retries import FAILED_AGAIN, RECOVERED, Retried, retried
from bot.digests.verdict import Level, Verdict
from bot.digests.withheld import withheld

__all__ = [
    "FAILED_AGAIN",
    "LATE_AFTER",
    "MOST_MISSED",
    "RECOVERED",
    "By",
    "Digest",
    "DigestPlan",
    "Due",
    "Failure",
    "Group",
    "Level",
    "Retried",
    "Section",
    "Totals",
    "Verdict",
    "asks_of",
    "build",
    "count",
    "due",
    "filtered",
    "grouped",
    "names",
    "next_slot",
    "retried",
    "wanted",
    "withheld",
]
