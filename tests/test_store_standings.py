"""How applications stand on devices: told by the store from the kept attempts, compared with a naive telling."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model import Attempt, Day, Period, Result, Standing, Version
from bot.store import Memory, Store
from bot.store.tables import subjects
from tests.examples import examples
from tests.laid import lay
from tests.naive_history import Key, NaiveHistory

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LONG_AGO = NOON - 30 * DAY
NOTHING = Memory()
FAILED, OK, NEEDLESS = "FAILED_DOWNLOAD_ERROR", "OK_INSTALLED", "NOT_APPLICABLE"


def attempt(hour: int, status: str = FAILED, app: str = "7-Zip", to: str = "24.09") -> Attempt:
    return Attempt(
        application_uuid=f"uuid-{app}",
        developer_name="Igor Pavlov",
        display_name=app,
        patched=Version(name=to),
        raw_status=f"APPLICATION_PATCHING_STATUS_{status}",
        period=Period(start="2026-03-01T11:00:00Z", end=(NOON + hour * HOUR).isoformat()),
        unpatched=Version(name="24.08"),
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


async def tell(store: Store, *told: Attempt, on: str = "a") -> int:
    """Records attempts on a device, nowhere when it is empty; the number of the last."""
    await store.record_attempts(told, NOON)
    if on:
        await store.record_sightings({one.fingerprint: [on] for one in told}, NOON)
    return await store.newest_attempt()


async def stands(
    store: Store, after: int | None, oldest: datetime = LONG_AGO, memory: Memory = NOTHING
) -> list[Standing]:
    return await store.standings(after, NOON, await store.newest_attempt(), oldest, memory=memory)


async def stands_alone(store: Store, after: int | None) -> Standing:
    [one] = await stands(store, after)
    return one


# ---------------------------------------------------------------- a device that is known


async def test_a_failure_is_new_once_and_then_still_failing(store: Store) -> None:
    upto = await tell(store, attempt(1))
    new = await stands_alone(store, 0)
    assert new == Standing(
        new.subject, "Igor Pavlov", "7-Zip", "a", FAILED, "24.08", "24.09", NOON + HOUR, NOON + HOUR, 1, 1, True, False
    )
    assert await stands(store, upto) == [replace(new, fresh=0, before=True)]
    await tell(store, attempt(3, "FAILED_PREPARE_ERROR", to="24.10"))
    again = await stands_alone(store, upto)
    assert (again.failing, again.before, again.tries, again.fresh) == (True, True, 2, 1)
    assert (again.since, again.last) == (NOON + HOUR, NOON + 3 * HOUR)
    assert (again.status, again.to_version) == ("FAILED_PREPARE_ERROR", "24.10")


async def test_what_recovers_is_told_once_with_the_time_of_its_success(store: Store) -> None:
    failed = await tell(store, attempt(1), attempt(2))
    fine = await tell(store, attempt(5, OK), attempt(7, OK))
    told = await stands_alone(store, failed)
    assert (told.failing, told.fresh, told.tries, told.ended_at) == (False, 0, 2, NOON + 5 * HOUR)
    assert await stands(store, fine) == []


async def test_what_failed_and_recovered_between_two_digests_is_recovered(store: Store) -> None:
    await tell(store, attempt(1), attempt(2, OK))
    told = await stands_alone(store, 0)
    assert (told.failing, told.before, told.fresh, told.ended_at) == (False, False, 1, NOON + 2 * HOUR)


async def test_a_relapse_is_a_new_row_of_failures(store: Store) -> None:
    upto = await tell(store, attempt(1), attempt(2))
    await tell(store, attempt(3, OK), attempt(4))
    told = await stands_alone(store, upto)
    assert (told.failing, told.before, told.since, told.tries) == (True, False, NOON + 4 * HOUR, 1)


async def test_nothing_to_patch_any_more_is_a_recovery_that_says_so(store: Store) -> None:
    upto = await tell(store, attempt(1))
    await tell(store, attempt(2, NEEDLESS), attempt(3, OK))
    told = await stands_alone(store, upto)
    assert (told.failing, told.needless, told.ended_at) == (False, True, NOON + 2 * HOUR)


async def test_of_two_successes_that_ended_at_once_the_one_recorded_first_is_the_recovery(store: Store) -> None:
    upto = await tell(store, attempt(1))
    await tell(store, attempt(2, NEEDLESS), attempt(2, OK))
    assert (await stands_alone(store, upto)).needless
    assert await store.daily(NOON, NOON + DAY, "UTC") == [Day(date(2026, 3, 2), failed=1, ok=1)]


async def test_a_status_that_nobody_knows_changes_nothing(store: Store) -> None:
    upto = await tell(store, attempt(1))
    await tell(store, attempt(2, "PONDERING"))
    assert (await stands_alone(store, upto)).failing


async def test_a_failure_that_eset_tells_late_does_not_undo_a_later_success(store: Store) -> None:
    upto = await tell(store, attempt(5, OK))
    await tell(store, attempt(3))
    told = await stands_alone(store, upto)
    assert (told.failing, told.fresh, told.ended_at) == (False, 1, NOON + 5 * HOUR)


async def test_of_a_recovery_that_was_told_a_failure_that_eset_tells_late_makes_no_second_one(store: Store) -> None:
    await tell(store, attempt(3))
    told = await tell(store, attempt(5, OK))
    await tell(store, attempt(4))
    assert await stands(store, told) == []


async def test_what_a_digest_told_as_failing_is_told_as_recovered_however_late_that_is_known(store: Store) -> None:
    await tell(store, attempt(3))
    failing = max(await numbers(store))
    await tell(store, attempt(5, OK))
    upto = await store.newest_attempt()
    assert await stands(store, upto) == []
    [told] = await stands(store, upto, memory=Memory(frozenset({failing})))
    assert (told.failing, told.ended_at) == (False, NOON + 5 * HOUR)


async def test_what_a_digest_had_left_out_is_new_to_the_next(store: Store) -> None:
    await tell(store, attempt(3))
    upto = await tell(store, attempt(4))
    subject = (await stands_alone(store, upto)).subject
    left_out = await store.left_out(0, NOON, upto, {subject: NOON}, untold=())
    assert left_out == (1, 2)
    assert await store.left_out(1, NOON, upto, {subject: NOON}, untold=(1,)) == (1, 2)
    assert await store.left_out(1, NOON, upto, {subject: NOON}, untold=()) == (2,)
    before = [
        [one.before for one in await stands(store, upto, memory=Memory(untold=some))] for some in (left_out, (2,))
    ]
    assert before == [[False], [True]]


async def test_a_success_that_eset_tells_late_does_not_end_a_later_failure(store: Store) -> None:
    upto = await tell(store, attempt(1), attempt(5))
    await tell(store, attempt(3, OK))
    told = await stands_alone(store, upto)
    assert (told.failing, told.before, told.since, told.tries) == (True, True, NOON + 5 * HOUR, 1)


async def test_of_attempts_that_ended_at_once_the_one_recorded_later_counts(store: Store) -> None:
    await tell(store, attempt(1, OK), attempt(1))
    assert (await stands_alone(store, 0)).failing
    await tell(store, attempt(2, app="VLC"), attempt(2, OK, app="VLC"))
    assert [one.failing for one in await stands(store, 0) if one.application == "VLC"] == [False]


async def test_equal_attempts_on_two_devices_are_two_failures(store: Store) -> None:
    row = attempt(1)
    await store.record_attempts([row, row], NOON)
    await store.record_sightings({row.fingerprint: ["b", "a"]}, NOON)
    assert sorted(one.device for one in await stands(store, 0)) == ["a", "b"]


async def test_what_was_not_tried_for_long_is_told_when_it_is_fresh_and_never_again(store: Store) -> None:
    upto = await tell(store, attempt(-24 * 40))
    assert (await stands_alone(store, 0)).failing
    assert await stands(store, upto) == []
    await tell(store, attempt(-24 * 50, OK))
    assert await stands(store, upto) == []


async def test_what_recovers_after_long_is_told(store: Store) -> None:
    upto = await tell(store, attempt(-24 * 40))
    await tell(store, attempt(1, OK))
    assert not (await stands_alone(store, upto)).failing


async def test_attempts_after_the_reach_are_left_to_the_next_digest(store: Store) -> None:
    upto = await tell(store, attempt(1))
    await tell(store, attempt(2, OK))
    [told] = await store.standings(0, NOON, upto, LONG_AGO)
    assert told.failing
    assert await store.counts(0, NOON, upto) == {Result.FAILED: 1}


async def test_a_first_digest_tells_what_ended_within_its_window(store: Store) -> None:
    await tell(store, attempt(-2), attempt(-3, app="VLC"), attempt(2, OK, "VLC"), attempt(3, app="GIMP"))
    told = {one.application: (one.failing, one.before, one.fresh) for one in await stands(store, None)}
    assert told == {"7-Zip": (True, True, 0), "VLC": (False, True, 0), "GIMP": (True, False, 1)}
    assert await store.counts(None, NOON, 99) == {Result.FAILED: 1, Result.OK: 1}


# ---------------------------------------------------------------- a device that nobody knows, or knows later


async def test_without_a_device_a_fresh_failure_fails_whatever_succeeded_elsewhere(store: Store) -> None:
    upto = await tell(store, attempt(1), attempt(2, OK), on="")
    assert (await stands_alone(store, 0)).failing
    assert await stands(store, upto) == [], "whose success that was nobody knows: no more is said of it"


async def test_without_a_device_a_fresh_success_after_the_last_failure_is_a_recovery(store: Store) -> None:
    upto = await tell(store, attempt(1), on="")
    assert (await stands_alone(store, upto)).failing
    fine = await tell(store, attempt(2, OK), on="")
    assert (await stands_alone(store, upto)).ended_at == NOON + 2 * HOUR
    assert await stands(store, fine) == []


async def test_a_failure_whose_device_is_told_later_is_not_new_again(store: Store) -> None:
    row = attempt(1)
    upto = await tell(store, row, on="")
    assert (await stands_alone(store, 0)).device == ""
    await store.record_sightings({row.fingerprint: ["a"]}, NOON + DAY)
    told = await stands_alone(store, upto)
    assert (told.device, told.failing, told.before) == ("a", True, True)


async def test_an_attempt_that_has_a_device_keeps_it(store: Store) -> None:
    row = attempt(1)
    await store.record_attempts([row, row], NOON)
    await store.record_sightings({row.fingerprint: ["m"]}, NOON)
    await store.record_sightings({row.fingerprint: ["a"]}, NOON + DAY)
    await store.record_sightings({row.fingerprint: ["z"]}, NOON + DAY)
    assert await devices(store) == ["m", "a"], "the first is as it was; for the third there is no attempt yet"
    await store.record_attempts([row, row, row], NOON + DAY)
    assert await devices(store) == ["m", "a", "z"]


async def devices(store: Store) -> list[str]:
    async with store._database.read() as connection:
        query = "SELECT device FROM attempts JOIN subjects ON subjects.id = subject ORDER BY seq"
        return [row[0] for row in await connection.execute(sa.text(query))]


async def test_two_applications_without_a_name_are_two(store: Store) -> None:
    nameless = [replace_names(attempt(hour), f"uuid-{hour}") for hour in (1, 2)]
    await tell(store, *nameless)
    assert sorted(one.application for one in await stands(store, 0)) == [
        "(application without a name) uuid-1",
        "(application without a name) uuid-2",
    ]


def replace_names(row: Attempt, uuid: str) -> Attempt:
    return Attempt(application_uuid=uuid, raw_status=row.raw_status, period=row.period)


async def test_subjects_are_forgotten_with_their_last_attempt_and_their_numbers_never_given_again(store: Store) -> None:
    await tell(store, attempt(1))
    nowhere, before = await numbers(store)
    await store.purge(NOON + 401 * DAY)
    assert await numbers(store) == [nowhere]  # a button may still mean it
    await tell(store, attempt(2), on="b")
    assert max(await numbers(store)) > before


async def numbers(store: Store) -> list[int]:
    async with store._database.read() as connection:
        return list((await connection.execute(sa.select(subjects.c.id).order_by(subjects.c.id))).scalars())


# ---------------------------------------------------------------- what a Retry form is about


async def test_the_attempts_of_a_failure_are_those_since_its_last_success_newest_first(store: Store) -> None:
    await tell(store, attempt(1), attempt(2, OK), attempt(3), attempt(4))
    failing = (await stands_alone(store, 0)).subject
    found = await store.subject_fingerprints([failing], 10)
    assert found == [(attempt(hour).fingerprint, NOON + hour * HOUR) for hour in (4, 3)]
    assert await store.subject_fingerprints([failing], 1) == found[:1]
    assert await store.subject_fingerprints([failing], 10, NOON + 4 * HOUR) == found[:1]
    await tell(store, attempt(5, OK))
    assert await store.subject_fingerprints([failing], 10) == []


async def test_a_failure_without_a_device_is_found_where_it_turned_out_to_be(store: Store) -> None:
    here, there = attempt(1), attempt(2)
    await tell(store, here, there, on="")
    nowhere = (await stands_alone(store, 0)).subject
    await store.record_sightings({here.fingerprint: ["a"]}, NOON)
    assert [one for one, _ in await store.subject_fingerprints([nowhere], 10)] == [there.fingerprint, here.fingerprint]


# ---------------------------------------------------------------- day by day


async def test_days_are_those_of_the_zone_and_a_recovery_is_counted_on_the_day_of_its_success(store: Store) -> None:
    await tell(store, attempt(1), attempt(11, OK), attempt(12, OK), attempt(13), attempt(14, NEEDLESS))
    assert await store.daily(NOON - DAY, NOON + 3 * DAY, "Europe/Berlin") == [
        Day(date(2026, 3, 2), failed=1),
        Day(date(2026, 3, 3), failed=1, ok=2, recovered=1),
    ]
    assert await store.daily(NOON - DAY, NOON + 12 * HOUR, "America/New_York") == [
        Day(date(2026, 3, 2), failed=1, ok=1, recovered=1),
    ]


async def test_an_ok_on_no_known_device_is_no_recovery(store: Store) -> None:
    await tell(store, attempt(1), attempt(2, OK), on="")
    assert await store.daily(NOON, NOON + DAY, "UTC") == [Day(date(2026, 3, 2), failed=1, ok=1)]


# ---------------------------------------------------------------- whatever comes

APPS, STATUSES = ("7-Zip", "VLC"), (FAILED, FAILED, "FAILED_PREPARE_ERROR", OK, OK, NEEDLESS, "PONDERING")
ROWS = st.builds(
    attempt, st.integers(0, 6).map(lambda n: n * 7), st.sampled_from(STATUSES), st.sampled_from(APPS), st.just("1")
)
TURNS = st.lists(
    st.tuples(
        st.lists(ROWS, max_size=6),
        st.lists(st.tuples(st.integers(0, 99), st.sampled_from("abc")), max_size=5),
    ),
    min_size=1,
    max_size=5,
)
REACHES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 45), st.integers(0, 45)), min_size=1, max_size=3)
Turn = tuple[Sequence[Attempt], Sequence[tuple[int, str]]]


@settings(max_examples=examples(5))
@given(TURNS, REACHES)
def test_the_store_tells_what_a_naive_telling_does(
    tmp_path_factory: pytest.TempPathFactory, turns: Sequence[Turn], reaches: Sequence[tuple[int, int, int]]
) -> None:
    asyncio.run(compare(tmp_path_factory.mktemp("history"), turns, reaches))


async def compare(folder: Path, turns: Sequence[Turn], reaches: Sequence[tuple[int, int, int]]) -> None:
    store, naive = await Store.open(f"sqlite+aiosqlite:///{await lay(folder)}"), NaiveHistory()
    try:
        for turn, (listing, seen) in enumerate(turns):
            await store.record_attempts(listing, NOON)
            naive.record(listing)
            found = sighted(naive, seen)
            await store.record_sightings(found, NOON + turn * HOUR)
            naive.sight(found)
            for reach in reaches:
                await compare_reach(store, naive, *reach)
        for zone in ("UTC", "Pacific/Apia", "America/New_York"):
            since, upto = NOON + 5 * HOUR, NOON + 40 * HOUR
            assert await store.daily(since, upto, zone) == naive.daily(since, upto, zone)
    finally:
        await store.close()


def sighted(naive: NaiveHistory, seen: Sequence[tuple[int, str]]) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for place, device in seen:
        if naive.rows:
            found.setdefault(naive.rows[place % len(naive.rows)].attempt.fingerprint, []).append(device)
    return found


async def compare_reach(store: Store, naive: NaiveHistory, upto: int, since: int, oldest: int) -> None:
    keys = await keys_of(store)
    whole = Memory(frozenset(keys.values()))  # every recovery is told
    some = Memory(frozenset(list(keys.values())[::2]))
    for after, memory in ((None, whole), (upto // 2, NOTHING), (upto // 2, some), (upto, whole)):
        asked = (after, NOON + since * HOUR, upto, NOON + oldest * HOUR)
        told = sorted(await store.standings(*asked, memory=memory), key=lambda one: one.subject)
        assert told == sorted(naive.standings(*asked, keys, memory), key=lambda one: one.subject)
        if memory is whole:
            counts = await store.counts(*asked[:3])
            assert sum(one.fresh for one in told) == counts[Result.FAILED], "every failed attempt is in one of them"


async def keys_of(store: Store) -> dict[Key, int]:
    async with store._database.read() as connection:
        rows = await connection.execute(sa.select(subjects))
        return {(row.developer, row.application, row.device): row.id for row in rows}
