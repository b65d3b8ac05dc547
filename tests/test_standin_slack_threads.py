"""The stand-in of Slack: what people type below a message."""

import pytest

from bot.demo.slack import FakeSlack


async def test_a_word_stands_in_the_thread_where_it_was_typed(slack: FakeSlack) -> None:
    [root] = (await slack.says("bob", "is it only me?")).answers
    [reply] = (await slack.says("ann", "me too", thread=root.ts)).answers

    assert (reply.thread_ts, reply.user, reply.channel) == (root.ts, "U0ANN", root.channel)
    assert reply in slack.sees("bob")


async def test_a_command_typed_in_a_thread_never_reaches_the_app(slack: FakeSlack) -> None:
    [root] = (await slack.says("bob", "is it only me?")).answers

    exchange = await slack.says("ann", "/patches recent", thread=root.ts)

    assert exchange.failure == "not_in_threads"
    assert slack.envelopes == []
    [told] = [shown for shown in slack.sees("ann") if shown.ephemeral_to]
    assert (told.plain, told.thread_ts) == ("/patches is not supported in threads. Sorry!", root.ts)
    assert told not in slack.sees("bob")


async def test_there_is_no_thread_below_a_reply_a_private_answer_or_what_one_cannot_see(slack: FakeSlack) -> None:
    [root] = (await slack.says("bob", "is it only me?", "secops")).answers
    [reply] = (await slack.says("ann", "me too", "secops", thread=root.ts)).answers
    await slack.says("ann", "/patches recent", "secops", thread=root.ts)
    [private] = [shown for shown in slack.sees("ann") if shown.ephemeral_to]

    for ts in (reply.ts, private.ts, "1.0"):
        with pytest.raises(LookupError, match="no longer there"):
            await slack.says("ann", "and this?", "secops", thread=ts)
    with pytest.raises(LookupError, match="no longer there"):
        await slack.says("ann", "and this?", "helpdesk", thread=root.ts)
