"""A night of the simulated fleet: ESET tries again what failed, patches what is missing, and fails here and there."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.demo.fleet import Fleet, FleetPatch, Machine, attempt
from bot.model import PatchStatus

FIRST, LAST = timedelta(hours=1), timedelta(hours=4)  # of the window, after midnight UTC
NEW = 4  # applications whose new version fails on a machine where nothing had failed
_ODDS = {PatchStatus.FAILED: 0.25, PatchStatus.MISSING: 0.6}  # that a patch is installed, by where it stands


@dataclass(frozen=True)
class Try:
    """What comes of one attempt by ESET, at an instant of the night."""

    at: datetime
    machine: Machine
    patch: FleetPatch
    outcome: PatchStatus


class Night:
    """The night after ``midnight``, an aware UTC instant; ``happens`` brings it forward, piece by piece."""

    def __init__(self, fleet: Fleet, midnight: datetime) -> None:
        self._fleet, self._until = fleet, midnight + LAST
        self._dice = random.Random(midnight.toordinal())
        self._tries = sorted(self._planned(midnight), key=lambda one: one.at)
        self._news = NEW

    def happens(self, now: datetime) -> int:
        """All that is due at ``now``, which is within or after the night; returns how many attempts failed."""
        failed = 0
        while self._tries and self._tries[0].at <= now:
            failed += self._made(self._tries.pop(0))
        if now >= self._until and self._news:
            failed += len(self._fleet.new_failures(self._until, self._news))
            self._news = 0
        return failed

    def _planned(self, midnight: datetime) -> Iterator[Try]:
        for machine in self._fleet.machines():
            for patch in machine.patches.values():
                odds = _ODDS.get(patch.status)
                if odds is None or patch.application is None:
                    continue
                outcome = PatchStatus.INSTALLED if self._dice.random() < odds else PatchStatus.FAILED
                yield Try(midnight + self._dice.uniform(0, 1) * (LAST - FIRST) + FIRST, machine, patch, outcome)

    def _made(self, one: Try) -> bool:
        """Whether it failed. What N-sight has been told to retry in the meantime is left alone."""
        patch = one.patch
        if patch.status not in _ODDS:
            return False
        patch.status = one.outcome
        if one.outcome is PatchStatus.INSTALLED:
            patch.installed_at = one.at
        self._fleet.attempts.append(attempt(one.machine.id, patch, one.at, took=timedelta(seconds=80)))
        return one.outcome is PatchStatus.FAILED
