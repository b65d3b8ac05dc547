"""How applications stand on devices, told the simple way: all attempts in memory, one after the other.

What the store tells in SQL is compared with this.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from bot.model import Attempt, Day, Outcome, Standing
from bot.store import Memory

Key = tuple[str, str, str]  # developer, application, device


@dataclass(slots=True)
class Told:
    """An attempt as it was recorded, and on which device it was seen, as far as that was told."""

    seq: int
    attempt: Attempt
    device: str = ""

    @property
    def ended_at(self) -> datetime:
        ended_at = self.attempt.ended_at
        assert ended_at is not None
        return ended_at

    @property
    def failed(self) -> bool:
        return self.attempt.outcome is Outcome.FAILED

    @property
    def good(self) -> bool:
        return self.attempt.outcome is Outcome.OK or self.attempt.status == "NOT_APPLICABLE"

    @property
    def key(self) -> Key:
        return self.attempt.developer, self.attempt.application, self.device


Fresh = Callable[[Told], bool]


@dataclass(slots=True)
class NaiveHistory:
    rows: list[Told] = field(default_factory=list)
    sightings: list[tuple[str, str]] = field(default_factory=list)  # fingerprint and device, as told one by one

    def record(self, listing: Sequence[Attempt]) -> None:
        known = Counter(row.attempt.fingerprint for row in self.rows)
        listed = Counter(one.fingerprint for one in listing)
        groups = {one.fingerprint: one for one in reversed(listing)}
        for fingerprint in dict.fromkeys(one.fingerprint for one in listing):
            for _ in range(listed[fingerprint] - known[fingerprint]):
                self.rows.append(Told(len(self.rows) + 1, groups[fingerprint]))
        self._place()

    def sight(self, found: dict[str, Sequence[str]]) -> None:
        for pair in sorted({(device, fingerprint) for fingerprint, some in found.items() for device in some}):
            if pair[::-1] not in self.sightings:
                self.sightings.append(pair[::-1])
        self._place()

    def _place(self) -> None:
        """Each sighting to the first attempt of its kind that has none."""
        for fingerprint, device in self.sightings:
            alike = [row for row in self.rows if row.attempt.fingerprint == fingerprint]
            if device not in {row.device for row in alike}:
                free = [row for row in alike if not row.device]
                if free:
                    free[0].device = device

    def standings(
        self, after: int | None, since: datetime, upto: int, oldest: datetime, numbers: dict[Key, int], memory: Memory
    ) -> list[Standing]:
        def fresh(row: Told) -> bool:
            return row.seq > after if after is not None else row.ended_at >= since

        by_key = self._timelines(row for row in self.rows if row.seq <= upto)
        told = (_standing(numbers[key], rows, fresh, oldest, memory) for key, rows in by_key.items())
        return [one for one in told if one is not None]

    def _timelines(self, rows: Iterable[Told]) -> dict[Key, list[Told]]:
        found: defaultdict[Key, list[Told]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: (row.ended_at, row.seq)):
            if row.failed or row.good:
                found[row.key].append(row)
        return found

    def daily(self, since: datetime, upto: datetime, zone: str) -> list[Day]:
        days: defaultdict[date, Counter[str]] = defaultdict(Counter)
        for rows in self._timelines(self.rows).values():
            before: Told | None = None
            for row in rows:
                if since <= row.ended_at < upto and row.attempt.status != "NOT_APPLICABLE":
                    day = days[row.ended_at.astimezone(ZoneInfo(zone)).date()]
                    day["failed" if row.failed else "ok"] += 1
                    day["recovered"] += bool(before and before.failed and row.good and row.device)
                before = row
        return [Day(day, it["failed"], it["ok"], it["recovered"]) for day, it in sorted(days.items())]


def _standing(number: int, rows: Sequence[Told], fresh: Fresh, oldest: datetime, memory: Memory) -> Standing | None:
    row_of_failures, end = _last_failures(rows)
    if not row_of_failures:
        return None
    first, last = row_of_failures[0], row_of_failures[-1]
    developer, application, device = last.key
    news = sum(1 for row in rows if row.failed and fresh(row))
    failing = end is None or (not device and news > 0)
    if failing and not (news or last.ended_at >= oldest):
        return None
    before = any(not fresh(row) for row in row_of_failures)
    over = any(row.good and not fresh(row) and _moment(row) > _moment(last) for row in rows)
    recovered = (end and fresh(end) and (news or not over)) or (news and not before)
    if not failing and not (recovered or number in memory.failing):
        return None
    return Standing(
        number,
        developer,
        application,
        device,
        last.attempt.status,
        last.attempt.from_version,
        last.attempt.to_version,
        first.ended_at,
        last.ended_at,
        len(row_of_failures),
        news,
        failing,
        before,
        end.ended_at if end and not failing else None,
        bool(end and not failing and end.attempt.status == "NOT_APPLICABLE"),
    )


def _moment(row: Told) -> tuple[datetime, int]:
    return row.ended_at, row.seq


def _last_failures(rows: Sequence[Told]) -> tuple[list[Told], Told | None]:
    """The last row of failures that no success interrupts, and the success that ended it, if one did."""
    failures: list[Told] = []
    end: Told | None = None
    for row in rows:
        if row.failed:
            failures = [row] if end else [*failures, row]
            end = None
        elif failures and end is None:
            end = row
    return failures, end
