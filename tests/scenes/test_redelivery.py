"""Slack delivers again what it believes was not acknowledged: everything twice, and the effect is one."""

from collections import Counter
from pathlib import Path

import pytest

from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

HTTP = CONFIG + '\n[slack]\nmode = "http"\n'


async def play_everything(stage: Stage) -> None:
    """Commands, clicks and submissions of every kind; one request is sent, one denied, one withdrawn."""
    await stage.asks("bob", "/patches retry 1001 4 first")
    await stage.clicks("ann", "Approve", stage.card)
    await stage.asks("bob", "/patches retry 1001 5 second")
    await stage.opens("ann", "Deny", stage.card)
    await stage.submits("ann", {"Why?": "no"})
    await stage.clicks("dave", "Retry…", stage.card)
    await stage.clicks("dave", "Withdraw", stage.card)
    await stage.opens("dave", "Retry…", await stage.asks("dave", "/patches device 1001"), saying="Failed patches")
    await stage.submits("dave", {"Failed patches to retry": ["5"]})
    await stage.asks("bob", "/patches digest now daily")
    await stage.opens("bob", "Retry…", stage.posted("C0PATCHNEWS")[-1], saying="On which devices")
    await stage.submits("bob", {"devices": [], "Other devices": ["1005"]})
    view = await stage.world.slack.view_of("bob", saying="Failed patches to retry")
    patches = next(block for block in view.blocks if block["block_id"] == "patches")
    first = patches["element"]["options"][0]["value"]
    await stage.submits("bob", {"Failed patches to retry": [first], "Reason": "from the digest"})


DONE = [
    ("request.create", "request:1"),
    ("request.approve", "request:1"),
    ("request.claim", "request:1"),
    ("request.conclude", "request:1"),
    ("request.create", "request:2"),
    ("request.deny", "request:2"),
    ("request.create", "request:3"),
    ("request.withdraw", "request:3"),
    ("request.create", "request:4"),
    ("digest.now", "digest:daily"),
]


async def happened_once(stage: Stage) -> None:
    every = [(row.action, row.subject) for row in await stage.trail()]
    assert len(set(every)) == len(every)
    rows = [row for row in every if row[0] != "request.show"]  # when a card is shown depends on nothing else
    assert rows[: len(DONE)] == DONE
    assert rows[len(DONE) :] == [("request.create", "request:5")]
    assert stage.retries == [(1001, (4,))]
    assert len(stage.posted("C0PATCHAPPROVE")) == 5
    assert len(stage.posted("C0PATCHNEWS")) == 1
    assert (await stage.bot.services.store.verify()).ok


@pytest.mark.parametrize(
    "config", [pytest.param(CONFIG, id="socket", marks=pytest.mark.deep), pytest.param(HTTP, id="http")]
)
async def test_everything_delivered_twice_has_one_effect_and_one_answer(config: str, tmp_path: Path) -> None:
    async with staged(tmp_path, config=config) as stage:
        stage.world.slack.deliver_twice = True
        await play_everything(stage)
        await happened_once(stage)
        for what in ("/patches recent", "/patches help", "/patches retry 1001 nonsense"):
            exchange = await stage.says("bob", what)
            await exchange.answer()
            await stage.bot.settle()
            assert len(exchange.answers) == 1, what
        exchange = await stage.clicks("bob", "Approve", stage.card)
        assert len(exchange.answers) == 1
        envelopes = stage.world.slack.envelopes
        assert len(envelopes) == 2 * len({str(envelope.payload) for envelope in envelopes})
        assert nothing_left(stage) == []


async def test_two_processes_that_each_get_one_of_two_deliveries_act_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage, staged(tmp_path, world=stage.world) as other:
        await stage.world.slack.connected(2)
        stage.world.slack.deliver_twice = True
        for text, button in (("/patches retry 1001 4 first", "Approve"), ("/patches retry 1001 5 second", "Withdraw")):
            await stage.asks("bob", text)
            await other.bot.settle()
            await stage.clicks("ann" if button == "Approve" else "bob", button, stage.card)
            await other.bot.settle()
        await stage.bot.settle()
        assert stage.retries == [(1001, (4,))]
        assert len(stage.posted("C0PATCHAPPROVE")) == 2
        done = Counter(await stage.actions())
        once = {f"request.{what}": 1 for what in ("approve", "claim", "conclude", "withdraw")}
        assert done == {"request.create": 2} | once
        assert {envelope.connection for envelope in stage.world.slack.envelopes} == {1, 2}
        assert nothing_left(stage) == []


async def test_a_delivery_that_comes_again_after_everything_is_over_changes_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        command = await stage.says("bob", "/patches retry 1001 4")
        await stage.bot.settle()
        click = await stage.clicks("ann", "Approve", stage.card)
        await stage.opens("ann", "Retry…", await stage.asks("ann", "/patches device 1001"), saying="Failed patches")
        await stage.submits("ann", {"Failed patches to retry": ["5"]})
        submission = stage.world.slack.last["ann"]
        before = (await stage.actions(), len(stage.world.slack.messages))
        for exchange in (command, click, submission):
            again = await stage.world.slack.redeliver(exchange)
            assert again.failure == ""
            await stage.bot.settle()
        assert (await stage.actions(), len(stage.world.slack.messages)) == before
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []
