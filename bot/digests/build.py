"""What a digest says, by difference to the one before. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from bot.digests.failures import Failure, Section, Totals, count, filtered, unassigned, wanted
from bot.digests.grouping import Group, grouped
from bot.digests.plan import DigestPlan, Due
from bot.digests.retries import NONE_ENDED, Retried
from bot.digests.verdict import Findings, Verdict, verdict
from bot.model import DeviceKind, Silence


@dataclass(frozen=True, slots=True)
class Digest:
    """What stands differently than at the digest before, and what does not.

    ``new``: servers and severe ones first; ``still``: longest failing first; ``recovered``: by a retry first.
    ``groups``: of the new and the still failing. ``failed``: failed attempts in the reach that the plan asks for, of
    them ``hushed`` silenced ones; ``totals``: all attempts in it. ``silenced``, ``unassigned``: failures left out,
    because somebody silenced them, or because the plan asks for clients or kinds of devices and theirs is not known.
    ``note`` is a sentence in safe mrkdwn when ESET could not be asked, so that the counts are what is known at least;
    empty otherwise. ``retried``: patches in N-sight, told beside the failures. ``first``: there is no digest of the
    plan before it, so nobody was told of what it calls still failing or recovered. ``silences``: of those that keep
    something out, the ones that no digest before has named, newest first.
    """

    plan: str
    slot: datetime
    since: datetime | None
    missed: int
    late: bool
    held: int
    totals: Totals
    failed: int
    hushed: int
    verdict: Verdict
    new: tuple[Failure, ...] = ()
    still: tuple[Failure, ...] = ()
    recovered: tuple[Failure, ...] = ()
    groups: tuple[Group, ...] = ()
    silenced: int = 0
    unassigned: int = 0
    narrowed: bool = False  # the plan leaves things out, so the totals are not all its own
    fresh: bool = False  # an attempt failed that is told, or left out as unassigned
    note: str = ""
    retried: Retried = NONE_ENDED
    first: bool = False
    silences: tuple[Silence, ...] = ()

    @property
    def empty(self) -> bool:
        """Nothing failed anew or once more, nothing recovered, and nothing else is to be said."""
        return not (self.new or self.fresh or self.recovered or self.note or self.retried)

    @property
    def quiet(self) -> bool:
        """Nothing differs from the digest before: a line will do."""
        told = self.new or self.recovered or self.note or self.retried
        return not (told or any(failure.unsure for failure in self.still))


def build(
    plan: DigestPlan,
    failures: Iterable[Failure],
    when: Due,
    *,
    totals: Totals,
    since: datetime | None = None,
    note: str = "",
    retried: Retried = NONE_ENDED,
    first: bool = False,
) -> Digest:
    """``failures``: all that is failing or recovered in the reach, each subject once; ``totals``: of the attempts in
    it. ``since``: when the reach begins, for people to read. ``first``: there is no digest of the plan before. Meant
    for a thread when there are thousands."""
    loud, silenced, nobodys = _sifted(plan, failures)
    new, still, recovered = (_sorted(loud, section) for section in Section)
    narrowed = filtered(plan)
    failed = _fresh([*loud, *silenced]) if narrowed else totals.failed
    left_out = _failing(silenced), _failing(nobodys)
    spotless = not (failed or any(left_out))
    found = Findings(new, still, recovered, totals, retried, not note, left_out[1], spotless, narrowed)
    return Digest(
        plan=plan.name,
        slot=when.slot,
        since=since,
        missed=when.missed,
        late=when.late,
        held=when.held,
        totals=totals,
        failed=failed,
        hushed=_fresh(silenced),
        verdict=verdict(found),
        new=new,
        still=still,
        recovered=recovered,
        groups=grouped(new, still, plan.group_by),
        silenced=left_out[0],
        unassigned=left_out[1],
        narrowed=narrowed,
        fresh=_fresh([*loud, *nobodys]) > 0,
        note=note,
        retried=retried,
        first=first,
    )


def _sifted(plan: DigestPlan, failures: Iterable[Failure]) -> tuple[list[Failure], list[Failure], list[Failure]]:
    """Those to tell, those that somebody silenced, and those that nobody can place."""
    loud: list[Failure] = []
    silenced: list[Failure] = []
    nobodys: list[Failure] = []
    for failure in failures:
        if wanted(plan, failure):
            (silenced if failure.silence else loud).append(failure)
        elif not failure.silence and unassigned(plan, failure):
            nobodys.append(failure)
    return loud, silenced, nobodys


def _fresh(failures: Iterable[Failure]) -> int:
    """How many attempts failed in the reach."""
    return sum(failure.standing.fresh for failure in failures)


def _failing(failures: Iterable[Failure]) -> int:
    return count(failure for failure in failures if failure.section is not Section.RECOVERED)


def _sorted(failures: Iterable[Failure], section: Section) -> tuple[Failure, ...]:
    return tuple(sorted((one for one in failures if one.section is section), key=_KEYS[section]))


_Key = Callable[[Failure], tuple[object, ...]]


def _names(failure: Failure) -> tuple[object, ...]:
    one = failure.standing
    return (one.application.casefold(), one.developer, one.to_version, failure.client, failure.name, one.device)


_KEYS: dict[Section, _Key] = {
    Section.NEW: lambda one: (one.kind is not DeviceKind.SERVER, not one.severe, *_names(one)),
    Section.STILL: lambda one: (one.standing.since, *_names(one)),
    Section.RECOVERED: lambda one: (not one.retried, one.retried, *_names(one)),
}
