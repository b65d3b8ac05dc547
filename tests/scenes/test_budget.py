"""What failed again and again: a further retry takes more approvals, or none is asked for any more."""

from datetime import timedelta
from pathlib import Path

from tests.scenes.playing import asked, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

DAY = timedelta(days=1)


def budgeted(then: str, failures: int = 2) -> str:
    return f'{CONFIG}\n[approvals.budget]\nfailures = {failures}\nwithin = "30d"\n{then}\n'


async def fails_again(stage: Stage, times: int) -> None:
    """Patch 5 of SRV-DC01 is retried so often, and each time it fails again."""
    for _ in range(times):
        stage.world.fail_again(1001, 5)
        card = await asked(stage, text="/patches retry 1001 5")
        await pressed(stage, "ann", "Approve", card)
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        assert "failed again" in card.plain, card.plain


async def test_a_patch_that_failed_again_too_often_is_refused_with_its_history(tmp_path: Path) -> None:
    async with staged(tmp_path, config=budgeted('then = "refuse"')) as stage:
        await fails_again(stage, 2)
        refused = await stage.asks("bob", "/patches retry 1001 4,5")
        assert "Within 30 days, patch 5 failed again 2 times (#1, #2)" in refused.plain
        assert "Nothing was done" in refused.plain
        assert "is made" in (await stage.asks("bob", "/patches retry 1001 4")).plain, "the other patch is free"
        assert len(stage.retries) == 2
        stage.world.clock.advance(31 * DAY)
        assert "is made" in (await stage.asks("bob", "/patches retry 1001 5")).plain
        assert nothing_left(stage) == []


async def test_a_patch_that_failed_again_too_often_takes_more_approvals(tmp_path: Path) -> None:
    async with staged(tmp_path, config=budgeted("quorum = 2")) as stage:
        await fails_again(stage, 2)
        card = await asked(stage, text="/patches retry 1001 4,5")
        assert "2 approvals needed: patch 5 failed again in 2 requests (#1, #2)" in card.plain
        sent = len(stage.retries)
        await pressed(stage, "ann", "Approve", card)
        assert len(stage.retries) == sent
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries[sent:] == [(1001, (4, 5))]
        assert nothing_left(stage) == []
