"""The kept attempts as a list: counted, paged and tallied as a plain look through all of them would."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.blocks import recent
from bot.blocks.sparkline import Scale
from bot.commands import Mode, Recent
from bot.model import Attempt, Outcome, Period, Version
from bot.store import Kept, Store, Which
from tests.examples import examples
from tests.laid import lay

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PREFIX = "APPLICATION_PATCHING_STATUS_"
STATUSES = ["FAILED_DOWNLOAD_ERROR", "FAILED_PREPARE_ERROR", "OK_INSTALLED", "NOT_APPLICABLE", "FAILED_ÖDD%_"]
NAMES = [("Igor Pavlov", "7-Zip"), ("Adobe", "Reader"), ("MÜLLER", "Straße 100%_x"), ("", "reader")]


def attempt(name: tuple[str, str], status: str, hours: float, prefix: str = PREFIX) -> Attempt:
    ended = (NOW - timedelta(hours=hours)).isoformat()
    return Attempt(name[1], name[0], name[1], Version(name="2"), prefix + status, Period(None, ended))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(tmp_path)}")
    yield store
    await store.close()


async def which(store: Store, asked: Recent) -> Which:
    names = tuple(await store.named(asked.app)) if asked.app else None
    return Which(NOW - asked.since, await store.newest_attempt(), names, asked.status)


async def all_of(store: Store, asked: Recent, outcome: Outcome | None, most: int = 10**6) -> list[Attempt]:
    kept = store.kept(await which(store, asked))
    return [attempt async for some in kept.all(outcome, most) for attempt in some]


ATTEMPTS = st.lists(
    st.builds(
        attempt,
        st.sampled_from(NAMES),
        st.sampled_from(STATUSES),
        st.integers(0, 900).map(lambda tenths: tenths / 10),
        st.sampled_from([PREFIX, "PATCHING_STATUS_", ""]),
    ),
    max_size=25,
)
ASKED = st.builds(
    Recent,
    app=st.sampled_from(["", "", "READER", "müller", "STRASSE", "%_", "igor p", "none"]),
    status=st.sampled_from(["", "", *STATUSES]),
    since=st.sampled_from([timedelta(hours=5), timedelta(days=2), timedelta(days=400)]),
)


@settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ATTEMPTS, ASKED)
def test_kept_attempts_are_told_as_a_look_through_all_of_them_tells(
    tmp_path_factory: pytest.TempPathFactory, seen: list[Attempt], asked: Recent
) -> None:
    asyncio.run(_compare(tmp_path_factory.mktemp("kept"), seen, asked))


async def _compare(folder: Path, seen: list[Attempt], asked: Recent) -> None:
    store = await Store.open(f"sqlite+aiosqlite:///{await lay(folder)}")
    try:
        await store.record_attempts(seen, NOW)
        kept = store.kept(await which(store, asked))
        naive = {mode: recent.select(seen, Recent(mode, asked.app, asked.status, asked.since), NOW) for mode in MODES}
        counts = await kept.counts()
        assert [counts[outcome] for outcome in Outcome] == [naive["all"].failed, naive["all"].ok, naive["all"].other]
        for mode, outcome in MODES.items():
            listed = await all_of(store, asked, outcome)
            assert Counter(one.fingerprint for one in listed) == Counter(n.fingerprint for n in naive[mode].rows)
            assert [one.ended_at for one in listed] == [one.ended_at for one in naive[mode].rows]
            paged = [one for start in range(0, 27, 3) for one in (await kept.page(outcome, 3, start)).attempts]
            assert paged == listed
            assert await _turned(kept, outcome) == listed
        scale = Scale.over(asked.since, NOW)
        applications = await kept.applications()
        assert recent.ranked(applications, await kept.failures(list(applications), scale.starts)) == [
            recent.Application(a.developer, a.name, a.failed, a.ok, a.other, a.failures or (0,) * scale.bars)
            for a in recent.tally(seen, asked, NOW)
        ]
    finally:
        await store.close()


async def _turned(kept: Kept, outcome: Outcome | None) -> list[Attempt]:
    """All of them page by page, each from where the one before ended; the way back shows the same pages."""
    leaves = [await kept.page(outcome, 3, 0)]
    while last := leaves[-1].last:
        leaves.append(await kept.older(outcome, 3, last))
    pages = leaves[:-1]
    for before, after in pairwise(pages):
        assert after.first
        assert await kept.newer(outcome, 3, after.first) == before
    return [one for leaf in pages for one in leaf.attempts]


MODES: dict[Mode, Outcome | None] = {"failed": Outcome.FAILED, "ok": Outcome.OK, "all": None}


async def test_what_is_recorded_later_does_not_move_the_pages(store: Store) -> None:
    await store.record_attempts([attempt(NAMES[0], STATUSES[0], hour) for hour in range(1, 9)], NOW)
    kept = store.kept(await which(store, Recent()))
    before = await kept.page(None, 3, 3)
    await store.record_attempts([attempt(NAMES[1], STATUSES[0], hour / 10) for hour in range(5)], NOW)
    assert await kept.page(None, 3, 3) == before
    assert before.last
    assert len((await kept.older(None, 3, before.last)).attempts) == 2
    assert (await kept.counts()).total() == 8


async def test_many_rows_are_read_some_at_a_time_and_no_more_than_asked(store: Store) -> None:
    seen = [attempt(NAMES[0], STATUSES[0], 1)] * 1500 + [attempt(NAMES[1], STATUSES[0], hour) for hour in range(2, 900)]
    await store.record_attempts(seen, NOW)
    asked = Recent(since=timedelta(days=400))
    assert len(await all_of(store, asked, None)) == len(seen)
    assert len(await all_of(store, asked, None, 1001)) == 1001
    assert await all_of(store, asked, Outcome.OK) == []


async def test_failures_like_one_begin_with_it(store: Store) -> None:
    old, new = attempt(NAMES[0], STATUSES[0], 50), attempt(NAMES[0], STATUSES[1], 1)
    others = [attempt(NAMES[0], "OK_INSTALLED", 2), attempt(NAMES[1], STATUSES[0], 3)]
    await store.record_attempts([old, new, *others], NOW)
    kept = store.kept(await which(store, Recent()))
    assert await kept.like(old.fingerprint[: recent.MARK]) == [old, new]
    assert await kept.like("0" * recent.MARK) == []


async def test_the_oldest_kept_attempt_is_the_one_that_ended_first(store: Store) -> None:
    kept = store.kept(Which(NOW, 0))
    assert await kept.oldest() is None
    await store.record_attempts([attempt(NAMES[0], STATUSES[0], 50)], NOW)
    await store.record_attempts([attempt(NAMES[0], STATUSES[0], 99)], NOW + timedelta(days=1))
    assert await kept.oldest() == NOW - timedelta(hours=99)
