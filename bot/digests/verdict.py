"""What a digest asks of its readers, in one line. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.digests.failures import Failure, Totals, count
from bot.digests.retries import Retried
from bot.markup import plural
from bot.model import DeviceKind


class Level(StrEnum):
    ACTION = "Action needed"
    LOOK = "Worth a look"
    UNKNOWN = "Not known"
    STILL = "Still failing"
    BETTER = "Getting better"
    GOOD = "All good"
    SAME = "Nothing new"  # but something failed, or was left out
    IDLE = "Nothing was patched"
    NOTHING = "Nothing to tell"  # nobody knows whether anything was tried that the plan asks for


@dataclass(frozen=True, slots=True)
class Verdict:
    """``words``: plain text that begins with the level's own."""

    level: Level
    words: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What the verdict is on. ``known``: ESET could be asked; if not, what is known is the least there is.
    ``unassigned``: failures that nobody can place. ``spotless``: no attempt failed and no failure was left out.
    ``narrowed``: the plan leaves things out, so the totals do not tell whether its own were tried."""

    new: Sequence[Failure]
    still: Sequence[Failure]
    recovered: Sequence[Failure]
    totals: Totals
    retried: Retried
    known: bool
    unassigned: int
    spotless: bool
    narrowed: bool


def verdict(found: Findings) -> Verdict:
    least = "at least " if found.new and not found.known else ""
    if urgent := ", ".join(_urgent(found)):
        return Verdict(Level.ACTION, f"{Level.ACTION}: {least}{urgent}")
    if found.new:
        return Verdict(Level.LOOK, f"{Level.LOOK}: {least}{plural(count(found.new), 'new failure')}")
    if not found.known:
        return Verdict(Level.UNKNOWN, f"{Level.UNKNOWN}: ESET could not be asked")
    if once_more := count(failure for failure in found.still if failure.unsure):
        words = f"{Level.STILL}: {count(found.still):,}, {plural(once_more, 'more failed attempt')} on unknown devices"
        return Verdict(Level.STILL, words)
    return _calm(found)


def _calm(found: Findings) -> Verdict:
    """Nothing is new, as far as known."""
    recovered = f"{count(found.recovered):,} recovered" if found.recovered else ""
    if found.still and recovered:
        return Verdict(Level.BETTER, f"{Level.BETTER}: {recovered}, {count(found.still):,} still failing")
    if found.still:
        return Verdict(Level.STILL, f"{Level.STILL}: {count(found.still):,}, nothing new")
    if found.unassigned:
        words = f"{plural(found.unassigned, 'failure')} that nobody can place"
        return Verdict(Level.UNKNOWN, f"{Level.UNKNOWN}: {', '.join(filter(None, (words, recovered)))}")
    level = _level(found)
    return Verdict(level, f"{level}: {recovered}" if recovered else level.value)


def _level(found: Findings) -> Level:
    """Of a digest of which nothing fails."""
    told = found.recovered or found.retried
    if not (found.totals.all or told):
        return Level.IDLE
    if found.narrowed and found.spotless and not told:
        return Level.NOTHING
    return Level.GOOD if found.spotless else Level.SAME


def _urgent(found: Findings) -> list[str]:
    """What must not wait: servers, what N-sight calls critical or important, and a retry that did not help."""
    servers = count(failure for failure in found.new if failure.kind is DeviceKind.SERVER)
    severe = count(failure for failure in found.new if failure.urgent) - servers
    again = sum(patches for _, patches in found.retried.failed_again)
    told = []
    if servers:
        told.append(f"{plural(servers, 'new failure')} on servers" if servers > 1 else "1 new failure on a server")
    if severe:
        told.append(f"{severe:,} severe on other devices" if servers else plural(severe, "new severe failure"))
    if again:
        told.append(f"{plural(again, 'patch', 'patches')} failed again after a retry")
    return told
