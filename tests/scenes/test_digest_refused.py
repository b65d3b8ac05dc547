"""Digests that Slack does not take, and channels of which it does not tell the newest message."""

from datetime import UTC, datetime
from pathlib import Path

from bot.demo.slack.model import BOT_USER, Channel
from bot.demo.world import World
from tests.scenes.digesting import DAY, HOUR, MINUTE, NEWS, THURSDAY, digests, fails, named, quiet, reach
from tests.scenes.stage import CONFIG, nothing_left, staged

MINE = '/patches digest add mine "0 9 * * 1-5" Europe/Berlin'
PRIVATE = """update = true

[[digests]]
name = "private"
channel = "G0PRIVATE"
cron = "0 9 * * *"
timezone = "Europe/Berlin"
picture = "never"
update = true
"""


async def test_who_subscribed_is_told_once_that_the_digest_cannot_be_posted_and_it_comes_late(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        await stage.asks("bob", MINE)
        world.slack.kick_bot("C0HELPDESK")
        fails(world, "App bad")
        await reach(stage, THURSDAY)
        for _ in range(4):
            await stage.later(11 * MINUTE)
        [told] = stage.direct("bob")
        assert "The digest mine could not be posted in #helpdesk: the bot is not in the channel" in told
        listed = (await stage.asks("bob", "/patches digest list")).plain
        assert "It could not be posted since 2025-03-13 08:00 UTC: the bot is not in the channel" in listed
        assert listed.count("could not be posted") == 1, "the other digest goes on"
        assert (await stage.actions()).count("digest.refused") == 1

        world.slack.invite_bot("C0HELPDESK")
        await stage.later(11 * MINUTE)
        *_, late = digests(stage, "C0HELPDESK")
        assert (named(stage, late), "Late: was due" in late.plain) == ({"App bad"}, True)
        assert "could not be posted" not in (await stage.asks("bob", "/patches digest list")).plain
        world.slack.archive("C0HELPDESK")
        await reach(stage, THURSDAY + DAY)
        await stage.later(11 * MINUTE)
        assert "the channel is archived" in stage.direct("bob")[-1]
        assert nothing_left(stage) == []


async def test_a_digest_of_the_file_that_cannot_be_posted_is_told_in_the_approvals_channel(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        world.slack.kick_bot(NEWS)
        await reach(stage, THURSDAY)
        for _ in range(3):
            await stage.later(11 * MINUTE)
        [told] = stage.posted("C0PATCHAPPROVE")
        assert "The digest daily could not be posted in #patch-news" in told.plain
        assert nothing_left(stage) == []


async def test_slack_being_down_is_not_told_as_a_channel_that_takes_no_digest(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        world.slack.faults.error("chat.postMessage", "internal_error")
        await reach(stage, THURSDAY)
        await stage.later(11 * MINUTE)
        assert len(digests(stage)) == 1
        assert (stage.posted("C0PATCHAPPROVE"), await stage.actions()) == ([], ["digest.post"])
        assert nothing_left(stage) == []


async def test_a_channel_that_slack_does_not_let_look_into_stops_no_other_from_being_edited(tmp_path: Path) -> None:
    async with World() as world:
        world.slack.grant_scope("channels:history")
        world.slack.revoke_scope("groups:history")
        world.slack.add(Channel("G0PRIVATE", "private", members={"U0BOB", BOT_USER}, private=True))
        async with staged(tmp_path, world=quiet(world), config=CONFIG + PRIVATE) as stage:
            for day in (13, 14, 17):
                fails(world, f"App {day}")
                await reach(stage, datetime(2025, 3, day, 8, 0, tzinfo=UTC))
                await stage.later(HOUR)
            counts = {channel: len(digests(stage, channel)) for channel in (NEWS, "G0PRIVATE")}
            assert counts == {NEWS: 1, "G0PRIVATE": 3}
            assert nothing_left(stage) == []
