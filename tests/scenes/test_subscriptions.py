"""Digests that people subscribe to in Slack: made, paused, resumed and ended, beside those of patches.toml."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bot.demo.catalogue import Application
from bot.demo.fleet import AttemptRow
from bot.demo.slack.model import Shown
from bot.demo.world import World
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

HELP, NEWS = "C0HELPDESK", "C0PATCHNEWS"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
THURSDAY = datetime(2025, 3, 13, 7, 0, tzinfo=UTC)  # 08:00 in Berlin, a day after the clock's start
ADD = '/patches digest add mine "0 8 * * *" Europe/Berlin'
NONE = CONFIG.partition("[[digests]]")[0]


def fails(world: World, name: str) -> None:
    ended = world.clock.now() - MINUTE
    application = Application("Fabrikam & Co", name, name, ("1.0", "2.0"), date(2025, 3, 1))
    row = AttemptRow(1001, application, "1.0", "2.0", "FAILED_DOWNLOAD_ERROR", ended - MINUTE, ended)
    world.fleet.attempts.append(row)


async def reach(stage: Stage, instant: datetime) -> None:
    await stage.later(instant - stage.world.clock.now())


async def answer(stage: Stage, text: str, user: str = "bob") -> str:
    return (await stage.asks(user, text)).plain


def digests_in(stage: Stage, channel: str = HELP) -> list[Shown]:
    """What was posted there but for what people did to subscriptions."""
    return [shown for shown in stage.posted(channel) if not shown.plain.startswith(("📬", "📪", "⏸️", "▶️"))]


async def changes(stage: Stage) -> list[tuple[str, str, str]]:
    """Who did what to which subscription, oldest first."""
    rows = [row for row in await stage.trail() if row.action.startswith("digest.") and row.action != "digest.post"]
    return [(row.actor, row.action, row.subject) for row in rows]


async def test_a_subscription_is_posted_in_its_channel_from_then_on(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=world, config=NONE) as stage:
        said = await answer(stage, ADD)
        assert "#helpdesk is subscribed to the digest mine" in said
        assert "first 2025-03-13 07:00 UTC (Thu 2025-03-13 08:00 Europe/Berlin)" in said
        listed = await answer(stage, "/patches digest list")
        assert "mine in #helpdesk: next 2025-03-13 07:00 UTC (Thu 2025-03-13 08:00 Europe/Berlin)" in listed
        assert "subscribed by @bob" in listed
        await reach(stage, THURSDAY)
        await reach(stage, THURSDAY + DAY)
        assert len([shown for shown in digests_in(stage) if "mine" in shown.plain]) == 2
        bob = stage.world.slack.space.user("bob").id
        assert await changes(stage) == [(bob, "digest.subscribe", "digest:mine")]
        assert nothing_left(stage) == []


async def test_a_subscription_outlives_the_process(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world, config=NONE) as stage:
            await answer(stage, ADD)
        world.clock.advance(THURSDAY + 2 * DAY - world.clock.now())
        async with staged(tmp_path, world=world, config=NONE) as stage:
            [late] = [shown for shown in digests_in(stage) if "mine" in shown.plain]
            assert "covers 2 missed slots too" in late.plain
            assert nothing_left(stage) == []


async def test_what_happened_in_a_pause_is_told_by_the_next_digest_behind_it(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=world, config=NONE) as stage:
        world.fleet.attempts.clear()
        await answer(stage, ADD)
        await reach(stage, THURSDAY)
        assert "is paused" in await answer(stage, "/patches digest pause MINE")
        assert "is paused already. Nothing was done." in await answer(stage, "/patches digest pause mine")
        assert "paused" in await answer(stage, "/patches digest list")
        fails(world, "Nuthatch")
        await reach(stage, THURSDAY + 3 * DAY)
        before = digests_in(stage)
        said = await answer(stage, "/patches digest resume mine")
        assert "comes again: 2025-03-17 07:00 UTC" in said
        said = await answer(stage, "/patches digest resume mine")
        assert "is not paused: it comes next 2025-03-17 07:00 UTC" in said
        await stage.later(MINUTE)
        assert digests_in(stage) == before
        await reach(stage, THURSDAY + 4 * DAY)
        [digest] = digests_in(stage)[len(before) :]
        assert "Nuthatch" in digest.plain
        assert "Late" not in digest.plain
        assert [action for _, action, _ in await changes(stage)] == [
            "digest.subscribe",
            "digest.pause",
            "digest.resume",
        ]
        assert nothing_left(stage) == []


async def test_a_subscription_that_was_removed_begins_anew_when_it_is_made_again(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=world, config=NONE) as stage:
        await answer(stage, ADD)
        await reach(stage, THURSDAY)
        assert "is no longer posted" in await answer(stage, "/patches digest remove mine")
        assert "Nobody subscribed" in await answer(stage, "/patches digest remove mine")
        count = len(digests_in(stage))
        await reach(stage, THURSDAY + 3 * DAY)
        assert len(digests_in(stage)) == count
        await answer(stage, ADD)
        await stage.later(MINUTE)
        assert len(digests_in(stage)) == count  # nothing is late
        await reach(stage, THURSDAY + 4 * DAY)
        assert len(digests_in(stage)) == count + 1
        assert nothing_left(stage) == []


async def test_what_people_do_to_a_subscription_is_told_in_its_channel_and_to_whoever_made_it(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        await answer(stage, ADD)
        for verb in ("pause", "pause", "resume", "remove"):
            await (await stage.says("ann", f"/patches digest {verb} mine", NEWS)).answer()
            await stage.bot.settle()
        here = [shown.plain for shown in stage.posted(HELP)]
        assert [words.split(" 2025-")[0] for words in here] == [
            "📬 @bob subscribed #helpdesk to the digest mine: first",
            "⏸️ @ann paused the digest mine in #helpdesk.",
            "▶️ @ann lets the digest mine in #helpdesk come again: next",
            "📪 @ann ended the digest mine in #helpdesk.",
        ]
        assert stage.direct("bob") == here[1:]
        assert stage.direct("ann") == []
        assert stage.posted(NEWS) == []
        assert nothing_left(stage) == []


async def test_a_subscription_has_a_picture_only_if_one_was_asked_for(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        assert "picture" not in await answer(stage, ADD)
        assert "picture of 30 days" in await answer(stage, '/patches digest add seen "0 8 * * *" UTC picture:30d')
        await answer(stage, "/patches digest now mine")
        assert [file.name for shown in stage.world.slack.messages for file in shown.files if ".png" in file.name] == []
        await answer(stage, "/patches digest now seen")
        assert [file.name for shown in stage.world.slack.messages for file in shown.files if ".png" in file.name]
        assert nothing_left(stage) == []


async def test_the_list_begins_with_the_channels_own_and_tells_of_any_that_is_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for number in range(10):
            await answer(stage, f'/patches digest add plan{number} "0 8 * * *"')
        listed = await answer(stage, "/patches digest list")
        assert "plan9 in #helpdesk" in listed
        assert "daily in #patch-news" not in listed
        named = await answer(stage, "/patches digest list DAI*")
        assert "daily in #patch-news" in named
        assert "plan" not in named.partition("\n/patches")[0]
        assert "There is no digest dayly. Did you mean daily? There is:" in await answer(
            stage, "/patches digest list dayly"
        )
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- beside the file


async def test_a_digest_of_the_file_is_not_changed_from_slack(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        for verb in ("remove", "pause", "resume"):
            assert "stands in patches.toml" in await answer(stage, f"/patches digest {verb} Daily")
        assert "There is a digest Daily already" in await answer(stage, '/patches digest add Daily "0 9 * * *"')
        assert await changes(stage) == []
        assert nothing_left(stage) == []


async def test_the_file_wins_over_a_subscription_of_its_name_and_says_so(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world, config=NONE) as stage:
            await answer(stage, '/patches digest add Daily "0 8 * * *" Europe/Berlin')
        async with staged(tmp_path, world=world) as stage:
            listed = await answer(stage, "/patches digest list")
            assert "The subscription Daily in #helpdesk is not posted: patches.toml has a digest of that name" in listed
            await reach(stage, THURSDAY + DAY)
            assert stage.posted(NEWS)
            assert not [shown for shown in digests_in(stage) if "Daily" in shown.plain]
            said = await answer(stage, "/patches digest remove daily")
            assert "is no longer posted. The digest of that name in patches.toml goes on." in said
            assert "not posted" not in await answer(stage, "/patches digest list")
            assert nothing_left(stage) == []


async def test_a_digest_of_the_file_inherits_nothing_from_a_subscription_that_was_removed(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world, config=NONE) as stage:
            await answer(stage, '/patches digest add daily "0 8 * * *" Europe/Berlin')
            await reach(stage, THURSDAY)
            await answer(stage, "/patches digest remove daily")
        world.clock.advance(60 * DAY)
        async with staged(tmp_path, world=world) as stage:
            await reach(stage, world.clock.now() + DAY)
            assert stage.posted(NEWS)
            assert not [shown for shown in stage.posted(NEWS) if "missed" in shown.plain]
            assert nothing_left(stage) == []


async def test_a_name_is_given_once_whatever_its_case(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        await answer(stage, ADD)
        assert "There is a digest MINE already" in await answer(stage, '/patches digest add MINE "0 9 * * *"')
        assert len(await changes(stage)) == 1
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("verb", ['add mine "0 9 * * *"', "remove mine", "pause mine", "resume mine"])
async def test_who_may_subscribe_is_configured(verb: str, tmp_path: Path) -> None:
    config = f'[access]\ndigests = ["U0ANN"]\n{NONE}'
    async with staged(tmp_path, config=config) as stage:
        assert "not among the people who may subscribe to digests" in await answer(stage, f"/patches digest {verb}")
        assert await changes(stage) == []
        assert nothing_left(stage) == []


async def test_where_the_bot_cannot_post_nobody_subscribes(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        stage.world.slack.kick_bot(HELP)
        assert "The bot is not in this channel: type /invite @Patches" in await answer(stage, ADD)
        exchange = await stage.says("bob", ADD, stage.world.slack.space.direct("U0BOB").id)
        assert "A digest needs a channel" in (await exchange.answer()).plain
        assert await changes(stage) == []
        await stage.bot.settle()
        assert nothing_left(stage) == []


async def test_a_channel_has_ten_subscriptions_at_most(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        for number in range(10):
            assert "is subscribed" in await answer(stage, f'/patches digest add plan{number} "0 8 * * *"')
        assert "This channel has 10 subscriptions already" in await answer(stage, ADD)
        exchange = await stage.says("bob", ADD, NEWS)
        assert "is subscribed" in (await exchange.answer()).plain
        await stage.bot.settle()
        assert nothing_left(stage) == []


async def test_a_name_that_nobody_subscribed_to_is_answered_with_those_there_are(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        await answer(stage, ADD)
        said = await answer(stage, "/patches digest remove mein")
        assert said == "There is no digest mein. Did you mean mine? Nothing was done. There is: mine."
        assert nothing_left(stage) == []


async def test_a_client_that_was_mistyped_is_asked_about(tmp_path: Path) -> None:
    async with staged(tmp_path, config=NONE) as stage:
        clients = await stage.bot.services.store.clients()
        wrong = clients[0].name[:-1] + "x"
        assert f"No client is called {wrong}. Did you mean" in await answer(stage, f'{ADD} client:"{wrong}"')
        assert "⚠️ No client that is known so far" in await answer(stage, f"{ADD} client:Zzyzx*")
        assert len(await changes(stage)) == 1
        assert nothing_left(stage) == []
