"""What a digest leaves out although it is the plan's own: the next one has to tell it as new. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from bot.digests.failures import Failure, Section, unassigned, wanted
from bot.digests.plan import DigestPlan


def withheld(plan: DigestPlan, failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Those that fail and are kept out by a silence, by their present reason, or as nobody knows whose they are."""
    whatever = replace(plan, reasons=())
    return tuple(one for one in failures if one.section is not Section.RECOVERED and _withheld(plan, whatever, one))


def _withheld(plan: DigestPlan, whatever: DigestPlan, failure: Failure) -> bool:
    if failure.silence:
        return wanted(whatever, failure) or unassigned(whatever, failure)
    return unassigned(whatever, failure) or (wanted(whatever, failure) and not wanted(plan, failure))
