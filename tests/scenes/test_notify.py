"""``/patches notify``: who wants no direct messages about their requests gets none, and misses nothing on the card."""

import contextlib
import sqlite3
from datetime import timedelta
from pathlib import Path

from tests.scenes.playing import asked, configured, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged
from tests.scenes.test_failures import full_disk

OFF = "Direct messages about your requests are off. Their cards still show everything; /patches notify on turns them on"
ON = "Direct messages about your requests are on"


async def told(stage: Stage, who: str, text: str) -> str:
    return (await stage.asks(who, text)).plain


async def decided(stage: Stage, text: str) -> str:
    """Bob asks, Ann approves, the patches install; the card at the end."""
    card = await asked(stage, text=text)
    await pressed(stage, "ann", "Approve", card)
    stage.world.patches_install()
    await stage.later(timedelta(minutes=15))
    assert "Finished: 1 of 1 installed" in card.plain
    return card.plain


async def test_who_turned_them_off_sees_decision_and_outcome_on_the_card_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        assert OFF in await told(stage, "bob", "/patches notify off")
        card = await decided(stage, "/patches retry 1001 4")
        assert "Approved by @ann" in card, card
        assert stage.direct("bob") == []
        assert ON in await told(stage, "bob", "/patches notify on")
        await decided(stage, "/patches retry 1001 5")
        assert ["Approved" in stage.direct("bob")[0], "Finished" in stage.direct("bob")[-1]] == [True, True]
        assert nothing_left(stage) == []


async def test_alone_it_tells_how_it_stands_and_twice_is_no_mistake(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        assert ON in await told(stage, "bob", "/patches notify")
        for text, answer in (("off", OFF), ("off", OFF), ("", OFF), ("ON", ON), ("on", ON), ("", ON)):
            assert answer in await told(stage, "bob", f"/patches notify {text}")
        trail = [(row.actor, row.action, row.subject) for row in await stage.trail()]
        assert trail == [
            ("U0BOB", "person.mute", "person:U0BOB"),
            ("U0BOB", "person.unmute", "person:U0BOB"),
        ]
        assert nothing_left(stage) == []


async def test_it_is_each_persons_own(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "ann", "/patches notify off")
        assert ON in await told(stage, "bob", "/patches notify")
        await decided(stage, "/patches retry 1001 4")
        assert "Finished" in stage.direct("bob")[-1]
        assert nothing_left(stage) == []


async def test_it_outlives_a_restart(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "bob", "/patches notify off")
    async with staged(tmp_path) as stage:
        assert OFF in await told(stage, "bob", "/patches notify")
        assert nothing_left(stage) == []


async def test_a_trail_that_cannot_be_written_refuses_the_switch_and_still_tells_how_it_stands(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await told(stage, "bob", "/patches notify off")
        with full_disk(tmp_path):
            assert "The bot's database cannot be written" in await told(stage, "bob", "/patches notify on")
            assert OFF in await told(stage, "bob", "/patches notify")
        with contextlib.closing(sqlite3.connect(tmp_path / "patches.db", isolation_level=None)) as insider:
            insider.execute("CREATE TRIGGER deaf BEFORE INSERT ON audit_trail BEGIN SELECT RAISE(ABORT, 'no'); END")
            assert "The bot's database cannot be written" in await told(stage, "bob", "/patches notify on")
            insider.execute("DROP TRIGGER deaf")
        assert OFF in await told(stage, "bob", "/patches notify")
        assert (await stage.actions()) == ["person.mute"]
        assert nothing_left(stage) == []


async def test_who_may_not_use_the_bot_switches_nothing(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + '\n[access]\ncommands = ["S0HELPDESK"]\n') as stage:
        assert "You are not among the people who may use" in await told(stage, "dave", "/patches notify off")
        assert "Only full members of this workspace" in await told(stage, "gina", "/patches notify off")
        assert await stage.actions() == []
        assert nothing_left(stage) == []


async def test_a_warning_that_the_card_could_not_be_shown_comes_all_the_same(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(fallback_channel='"C0PATCHNEWS"')) as stage:
        await told(stage, "bob", "/patches notify off")
        stage.world.slack.kick_bot("C0PATCHAPPROVE")
        await stage.asks("bob", "/patches retry 1001 4,5")
        (warning,) = stage.direct("bob")
        assert "Request #1 cannot be shown in #patch-approvals" in warning
        (card,) = stage.posted("C0PATCHNEWS")
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert stage.direct("bob") == [warning]
        assert nothing_left(stage) == []
