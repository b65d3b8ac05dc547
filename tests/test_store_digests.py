"""What the database keeps of digests beside their marks: what they told, refusals; and days of some subjects alone."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.digests.silencing import on_at
from bot.model import Attempt, Day, Message, Period, Posted, Silence
from bot.store import Entry, Mark, Memory, Note, Refusal, Store, Told
from tests.laid import lay

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield opened
    await opened.close()


def entry(at: datetime) -> Entry:
    return Entry(at, "bot", "digest.post", "digest:daily", {})


async def test_what_a_digest_told_and_left_out_is_remembered_with_its_mark(store: Store) -> None:
    first, second = Memory(frozenset({3, 1}), (7, 9)), Memory(frozenset({2}))
    assert await store.digest_memory("daily") == Memory()
    await store.digest_posted("daily", Mark(NOON, 1), None, entry(NOON), memory=first)
    assert await store.digest_memory("daily") == first
    await store.digest_posted("daily", Mark(NOON, 1), None, entry(NOON), memory=second)
    assert await store.digest_memory("daily") == first, "the slot was covered already"
    await store.digest_posted("daily", Mark(NOON + DAY, 1), None, entry(NOON + DAY), memory=second)
    assert await store.digest_memory("daily") == second
    assert await store.digest_memory("other") == Memory()


async def test_a_refusal_is_told_once_and_forgotten_with_the_next_digest_that_is_posted(store: Store) -> None:
    note = Note("key", 0, "U0BOB", Message("It could not be posted."))
    assert await store.digest_refused("daily", "not_in_channel", entry(NOON), [note])
    assert not await store.digest_refused("daily", "is_archived", entry(NOON + HOUR), [note])
    assert await store.digest_refusals() == {"daily": Refusal("is_archived", NOON)}
    assert len(await store.notes_due(NOON)) == 1
    await store.digest_posted("daily", Mark(NOON, 1), None, entry(NOON))
    assert "daily" in await store.digest_refusals(), "nothing was posted"
    await store.digest_posted("daily", Mark(NOON + DAY, 1), Told(Posted("C0NEWS", "1")), entry(NOON + DAY))
    assert await store.digest_refusals() == {}


async def test_days_count_the_attempts_of_some_subjects_alone(store: Store) -> None:
    def attempt(app: str, hour: int, status: str) -> Attempt:
        ended = (NOON + hour * HOUR).isoformat()
        return Attempt(display_name=app, raw_status=status, period=Period(start=ended, end=ended))

    told = [attempt(app, hour, "FAILED_DOWNLOAD_ERROR") for app in ("A", "B") for hour in (0, 1, 24)]
    told += [attempt(app, 25, "OK_INSTALLED") for app in ("A", "B")]
    await store.record_attempts(told, NOON)
    await store.record_sightings({one.fingerprint: ["u1"] for one in told}, NOON)
    subjects = [one async for some in store.subjects() for one in some if one[2]]
    assert await store.tried_devices() == sorted({"", "u1"}) or await store.tried_devices() == ["u1"]
    [number] = [number for number, name, _ in subjects if name == "A"]
    assert await store.daily(NOON, NOON + 2 * DAY, "UTC", {number}) == [
        Day(date(2026, 3, 2), failed=2),
        Day(date(2026, 3, 3), failed=1, ok=1, recovered=1),
    ]
    assert await store.daily(NOON, NOON + 2 * DAY, "UTC", set()) == []


async def test_silences_that_are_over_are_remembered_as_they_were(store: Store) -> None:
    wished = Silence(0, "7-Zip", NOON + 3 * DAY, "U0BOB", NOON)
    made, _ = await store.make_silence(wished, entry(NOON))
    await store.end_silence(made.id, entry(NOON + DAY))
    [known] = await store.silences_since(NOON + HOUR)
    assert await store.silences_since(NOON + DAY) == ()
    assert [bool(on_at([known], NOON + hours * HOUR)) for hours in (-1, 0, 23, 24)] == [False, True, True, False]
