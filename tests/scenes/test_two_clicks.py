"""From a failure in a digest to its fix and what became of it, told in the digest's own thread."""

from datetime import timedelta
from pathlib import Path

from bot.demo.slack.model import Shown
from bot.model import Fate
from tests.scenes.filling import digest_of, first_step, second_step
from tests.scenes.playing import pressed
from tests.scenes.stage import Stage, nothing_left, staged

QUARTER = timedelta(minutes=15)
REASON = "the browser was open at night"


def thread(stage: Stage, of: Shown) -> list[Shown]:
    return [shown for shown in stage.world.slack.messages if shown.thread_ts == of.ts and shown.ts != of.ts]


async def test_from_a_digest_to_what_became_of_it_and_once_more_all_in_one_thread(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.fail_again(1001, 5)
        digest = await digest_of(stage)
        details = len(thread(stage, digest))

        # two clicks and two choices: which devices, which patches
        await first_step(stage, "bob", digest, "Google Chrome")
        form = await second_step(stage, "bob", ["1001", "1015"])
        assert (form.chosen("patches.1001"), form.chosen("patches.1015")) == (["4"], ["681922"])
        assert await stage.submits("bob", {"patches.1001": ["4", "5"], "reason": REASON}) == {}
        assert stage.retries == []

        # another person approves: one call for each device
        card = stage.card
        assert "3 patches on 2 devices" in card.plain
        assert "not one of the approvers" in await pressed(stage, "bob", "Approve", card)
        await pressed(stage, "ann", "Approve", card)
        assert sorted(stage.retries) == [(1001, (4, 5)), (1015, (681922,))]

        # followed to the end
        stage.world.patches_install()
        await stage.later(QUARTER)
        assert "2 of 3 installed, 1 failed again" in stage.card.plain
        told = [shown.plain for shown in thread(stage, digest)][details:]
        assert len(told) == 3
        for words, message in zip(("asks to retry 3 patches", "Approved by", "has ended"), told, strict=True):
            assert words in message

        # what failed again is asked for again, with its history, and ends in the same thread
        await stage.clicks("bob", "Retry…", thread(stage, digest)[-1])
        again = stage.card
        assert "Asked again" in again.plain
        assert "1 of 2 installed, 1 failed again" in again.plain
        await pressed(stage, "ann", "Approve", again)
        stage.world.patches_install()
        await stage.later(QUARTER)
        ended = await stage.bot.services.store.request(3)
        assert ended is not None
        assert [patch.fate for patch in ended.patches] == [Fate.INSTALLED]
        told = [shown.plain for shown in thread(stage, digest)][details:]
        assert "once more, after request #1" in told[3]
        assert "Finished: 1 of 1 installed" in told[-1]
        assert [shown for shown in stage.world.slack.messages if "once more" in shown.plain and "@bob" in shown.plain]
        assert nothing_left(stage) == []


async def test_the_next_digest_counts_what_recovered_after_a_retry(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches retry 1001 4,5 out of date")
        await pressed(stage, "ann", "Approve", stage.card)
        stage.world.patches_install()
        await stage.later(QUARTER)
        await stage.asks("bob", "/patches digest now daily")
        assert "2 patches recovered after a retry" in stage.posted("C0PATCHNEWS")[-1].plain
