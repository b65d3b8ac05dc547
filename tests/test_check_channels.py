"""What `check` says of channels: whether the bot can post to each that the configuration names."""

from pathlib import Path

import pytest

from bot.demo.slack.model import Channel
from bot.demo.world import World
from tests.checked import FRIDAY, WHOLE, examined, failing, loaded, looked, the_failure


async def test_a_channel_without_the_bot_asks_for_an_invitation(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "#patch-news" in failure.sentence) == ("digests.daily", True)
    assert "/invite" in failure.mend
    assert "next at" in failure.sentence


async def test_an_archived_channel_is_told(world: World, tmp_path: Path) -> None:
    world.slack.archive("C0PATCHAPPROVE")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "archived" in failure.sentence) == ("approvals.channel", True)


@pytest.mark.parametrize("channel", ["C0NOWHERE", "C0SECOPS"])
async def test_a_channel_that_slack_does_not_show_may_be_wrong_or_private(
    world: World, tmp_path: Path, channel: str
) -> None:
    failure = the_failure(await looked(world, tmp_path, WHOLE.replace("C0PATCHAPPROVE", channel)))
    assert channel in failure.sentence
    assert "does not exist" in failure.sentence
    assert "private" in failure.sentence


FALLBACK = WHOLE.replace('channel = "C0PATCHAPPROVE"', 'channel = "C0PATCHAPPROVE"\nfallback_channel = "C0HELPDESK"')


async def test_while_the_approvals_channel_cannot_be_posted_to_it_says_where_requests_go(
    world: World, tmp_path: Path
) -> None:
    world.slack.archive("C0PATCHAPPROVE")
    findings = await looked(world, tmp_path, FALLBACK)
    assert "requests go to approvals.fallback_channel" in the_failure(findings).sentence
    assert findings["approvals.fallback_channel"].ok is True
    assert "no approvals.fallback_channel is set" in the_failure(await looked(world, tmp_path)).sentence


async def test_a_fallback_channel_that_is_no_help_is_told_too(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0HELPDESK")
    failure = the_failure(await looked(world, tmp_path, FALLBACK))
    assert (failure.name, "/invite" in failure.mend) == ("approvals.fallback_channel", True)
    world.slack.kick_bot("C0PATCHAPPROVE")
    findings = await looked(world, tmp_path, FALLBACK)
    assert failing(findings) == {"approvals.channel", "approvals.fallback_channel"}
    assert "is no help either" in findings["approvals.channel"].sentence


async def test_a_channel_that_slack_does_not_tell_of_is_not_called_closed(world: World, tmp_path: Path) -> None:
    world.slack.revoke_scope("channels:read")
    findings = await looked(world, tmp_path, FALLBACK)
    assert "not known" in findings["approvals.channel"].sentence
    assert "fallback" not in findings["approvals.channel"].sentence


async def test_every_channel_that_is_named_anywhere_is_looked_at(world: World, tmp_path: Path) -> None:
    world.slack.kick_bot("C0PATCHNEWS")
    toml = """
        [approvals]
        channel = "C0PATCHAPPROVE"
        approvers = ["U0ANN", "U0DAVE"]
        escalate_after = "1h"
        escalate_channel = "C0PATCHNEWS"
        [[approvals.rules]]
        kind = "server"
        quorum = 1
        [[approvals.rules]]
        kind = "workstation"
        escalate_channel = "C0NOWHERE"
        [audit]
        channel = "C0PATCHNEWS"
        cron = "30 6 * * *"
        timezone = "Europe/Berlin"
    """
    settings = loaded(world, tmp_path, toml)
    findings = await examined(settings, lambda: FRIDAY)
    named = {"approvals.escalate_channel", "approvals.rules[1].escalate_channel", "audit.channel"}
    assert named <= failing(findings)
    assert all(findings[name].mend for name in named)
    assert "next at Sat 2026-10-24 06:30 Europe/Berlin (Sat 04:30 UTC)" in findings["audit.channel"].sentence
    asked = [call.args["channel"] for call in world.slack.calls if call.method == "conversations.info"]
    assert sorted(asked) == ["C0NOWHERE", "C0PATCHAPPROVE", "C0PATCHNEWS"], "each is asked for once"


async def test_a_private_channel_with_the_bot_in_it_is_fine(world: World, tmp_path: Path) -> None:
    world.slack.add(Channel("C0QUIET", "quiet", {"U0PATCHES", "U0ANN"}, private=True))
    findings = await looked(world, tmp_path, WHOLE.replace("C0PATCHAPPROVE", "C0QUIET"))
    assert findings["approvals.channel"].ok is True
