"""The stand-in's Web API through the real SDK: what it does, what it refuses, how it fails."""

import asyncio
import json
from collections.abc import Callable

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Channel, FakeSlack, User
from tests.standin_bot import APPROVALS, CARD, REASON, Json, connect

NEWS, HELPDESK, PRIVATE = "C0PATCHNEWS", "C0HELPDESK", "C0SECOPS"


@pytest.fixture
def client(slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return connect(slack, session)


# ---------------------------------------------------------------- rules that the bot could have kept

BROKEN: dict[str, tuple[str, Json, str]] = {
    "an unknown method": ("chat.delete", {"channel": NEWS}, "unknown_method"),
    "an unknown argument": ("chat.postMessage", {"channel": NEWS, "text": "x", "colour": "red"}, "invalid_arguments"),
    "a missing argument": ("chat.update", {"channel": NEWS, "text": "x"}, "invalid_arguments"),
    "a number for an id": ("chat.postMessage", {"channel": 7, "text": "x"}, "invalid_arguments"),
    "no words": ("chat.postMessage", {"channel": NEWS, "text": ""}, "no_text"),
    "too many words": ("chat.postMessage", {"channel": NEWS, "text": "x" * 40_001}, "msg_too_long"),
    "too many blocks": ("chat.postMessage", {"channel": NEWS, "text": "x", "blocks": CARD * 26}, "invalid_blocks"),
    "blocks of no format": ("chat.postMessage", {"channel": NEWS, "text": "x", "blocks": {}}, "invalid_blocks_format"),
    "much in all": (
        "chat.postMessage",
        {"channel": NEWS, "text": "x", "blocks": [{"type": "markdown", "text": "x" * 4000}] * 4},
        "msg_blocks_too_long",
    ),
    "an update of nothing": ("chat.update", {"channel": NEWS, "ts": "1.2", "text": "x"}, "message_not_found"),
    "an invented trigger": ("views.open", {"trigger_id": "1.2.3", "view": REASON}, "invalid_trigger_id"),
    "a view that never was": ("views.update", {"view_id": "V1", "view": REASON}, "not_found"),
    "no view named": ("views.update", {"view": REASON}, "invalid_arguments"),
    "a bot token for sockets": ("apps.connections.open", {}, "not_allowed_token_type"),
}


@pytest.mark.parametrize(("method", "args", "code"), BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_rule_is_refused_and_noted(
    slack: FakeSlack, client: AsyncWebClient, method: str, args: Json, code: str
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, json=args)

    assert refused.value.response["error"] == code
    assert [line.split()[1] for line in slack.violations] == [code]
    assert slack.calls[-1].error == code


async def test_limits_are_told_with_their_place(slack: FakeSlack, client: AsyncWebClient) -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel=NEWS, text="x", blocks=[header])

    messages = refused.value.response["response_metadata"]["messages"]
    assert messages == ["[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]"]
    assert slack.messages == []


async def test_a_mention_of_everybody_is_noted(slack: FakeSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=NEWS, text="Firefox <!channel> failed")
    await client.chat_postMessage(channel=NEWS, text="Firefox &lt;!channel&gt; failed")

    assert slack.violations == [f"<!channel would mention everybody in {NEWS}"]


async def test_reading_methods_take_no_json(slack: FakeSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.api_call("users.info", json={"user": "U0BOB"})


async def test_a_message_of_somebody_else_or_a_private_one_cannot_be_updated(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    theirs = (await slack.says("bob", "hello")).answers[0]
    with pytest.raises(SlackApiError, match="cant_update_message"):
        await client.chat_update(channel=HELPDESK, ts=theirs.ts, text="x")
    private = await client.chat_postEphemeral(channel=HELPDESK, user="U0BOB", text="psst")
    with pytest.raises(SlackApiError, match="message_not_found"):
        await client.chat_update(channel=HELPDESK, ts=private["message_ts"], text="x")

    assert len(slack.violations) == 2


async def test_a_trigger_opens_one_modal_within_three_seconds(slack: FakeSlack, client: AsyncWebClient) -> None:
    fresh, old = slack.space.trigger("U0ANN"), slack.space.trigger("U0ANN")
    slack.space.triggers[old].born -= 3.1
    await client.views_open(trigger_id=fresh, view=REASON)

    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await client.views_open(trigger_id=fresh, view=REASON)
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client.views_open(trigger_id=old, view=REASON)
    assert len(slack.violations) == 2


# ---------------------------------------------------------------- the world is not as the bot thought

REFUSED: dict[str, tuple[Callable[[FakeSlack], object], str, Json, str]] = {
    "archived": (lambda s: s.archive(NEWS), "chat.postMessage", {"channel": NEWS, "text": "x"}, "is_archived"),
    "kicked": (lambda s: s.kick_bot(NEWS), "chat.postMessage", {"channel": NEWS, "text": "x"}, "not_in_channel"),
    "private": (lambda s: None, "chat.postMessage", {"channel": PRIVATE, "text": "x"}, "channel_not_found"),
    "unknown": (lambda s: None, "chat.postMessage", {"channel": "C0NONE", "text": "x"}, "channel_not_found"),
    "by name": (lambda s: None, "chat.postMessage", {"channel": "#patch-news", "text": "x"}, "channel_not_found"),
    "to a bot": (lambda s: None, "chat.postMessage", {"channel": "U0HUBBOT", "text": "x"}, "cannot_dm_bot"),
    "not there": (
        lambda s: None,
        "chat.postEphemeral",
        {"channel": NEWS, "user": "U0GINA", "text": "x"},
        "user_not_in_channel",
    ),
    "scope revoked": (
        lambda s: s.revoke_scope("chat:write"),
        "chat.postMessage",
        {"channel": NEWS, "text": "x"},
        "missing_scope",
    ),
}


@pytest.mark.parametrize(("change", "method", "args", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_changed_world_refuses_without_blame(
    slack: FakeSlack,
    client: AsyncWebClient,
    change: Callable[[FakeSlack], object],
    method: str,
    args: Json,
    code: str,
) -> None:
    change(slack)
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, json=args)

    assert refused.value.response["error"] == code
    assert (slack.violations, len(slack.refusals)) == ([], 1)


async def test_a_scope_that_was_never_granted_is_a_violation(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.tokens.scopes.discard("usergroups:read")
    with pytest.raises(SlackApiError) as refused:
        await client.usergroups_list()

    assert refused.value.response["needed"] == "usergroups:read"
    assert "chat:write" in refused.value.response["provided"]
    assert slack.violations == ["usergroups.list: missing_scope usergroups:read"]


async def test_tokens_are_checked(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await connect(slack, session, token="xoxb-wrong").auth_test()
    with pytest.raises(SlackApiError, match="not_authed"):
        await connect(slack, session, token=None).auth_test()
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        await connect(slack, session, token=slack.env()["SLACK_APP_TOKEN"]).users_info(user="U0BOB")
    async with session.get(slack.env()["SLACK_API_URL"] + "auth.test?token=xoxb-1") as answer:
        assert (await answer.json())["error"] == "invalid_auth"


async def test_no_token_stands_in_the_journal(slack: FakeSlack, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    await client.apps_connections_open(app_token=slack.env()["SLACK_APP_TOKEN"])

    assert "chat:write" in answer.headers["x-oauth-scopes"]
    for token in (slack.tokens.bot, slack.tokens.app):
        assert token not in json.dumps([call.args for call in slack.calls])


# ---------------------------------------------------------------- who and where


async def test_people_are_told_apart(slack: FakeSlack, client: AsyncWebClient) -> None:
    async def user(id_: str) -> Json:
        answer: Json = (await client.users_info(user=id_))["user"]
        return answer

    assert (await user("U0ANN"))["profile"]["display_name"] == "ann"
    assert (await user("U0GINA"))["is_restricted"] is True
    assert (await user("U0OTTO"))["deleted"] is True
    assert (await user("U0HUBBOT"))["is_bot"] is True
    assert (await user("U0ZOE"))["is_stranger"] is True
    assert (await user("U0ZOE"))["team_id"] != (await user("U0ANN"))["team_id"]
    slack.deactivate("ann")
    assert (await user("U0ANN"))["deleted"] is True
    with pytest.raises(SlackApiError, match="user_not_found"):
        await user("U0NOBODY")


async def test_usergroups_are_listed_unless_the_plan_is_free(slack: FakeSlack, client: AsyncWebClient) -> None:
    assert (await client.usergroups_users_list(usergroup="S0PATCHTEAM"))["users"] == ["U0ANN", "U0CARL"]
    listed = (await client.usergroups_list(include_users=True))["usergroups"]
    assert listed[0]["users"] == ["U0ANN", "U0CARL"]
    slack.leaves_group("ann", "S0PATCHTEAM")
    assert (await client.usergroups_users_list(usergroup="S0PATCHTEAM"))["users"] == ["U0CARL"]
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await client.usergroups_users_list(usergroup="S0NONE")
    slack.free_plan()
    with pytest.raises(SlackApiError, match="plan_upgrade_required"):
        await client.usergroups_users_list(usergroup="S0PATCHTEAM")
    assert slack.violations == []


async def test_channels_tell_whether_the_bot_is_in_them(slack: FakeSlack, client: AsyncWebClient) -> None:
    news = (await client.conversations_info(channel=NEWS, include_num_members=True))["channel"]
    assert (news["name"], news["is_member"], news["num_members"]) == ("patch-news", True, 6)
    slack.kick_bot(NEWS)
    assert (await client.conversations_info(channel=NEWS))["channel"]["is_member"] is False
    slack.invite_bot(PRIVATE)
    slack.revoke_scope("groups:read")
    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.conversations_info(channel=PRIVATE)


async def test_the_workspace_can_grow(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.add(User("U0EVE", "eve"))
    slack.add(Channel("C0OPS", "ops", {"U0EVE", "U0PATCHES"}))
    await client.chat_postMessage(channel="C0OPS", text="hello <@U0EVE>")

    assert slack.sees("eve")[-1].plain == "hello @eve"


# ---------------------------------------------------------------- messages


async def test_a_message_to_a_person_is_a_direct_message(slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="U0BOB", text="approved")

    assert posted["channel"] == "D0BOB"
    assert [m.plain for m in slack.sees("bob")] == ["approved"]
    assert slack.sees("ann") == []
    await client.chat_update(channel=posted["channel"], ts=posted["ts"], text="installed")
    assert slack.sees("bob")[0].plain == "installed"


async def test_a_messages_tab_that_is_off_refuses_direct_messages(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.space.messages_tab = False
    with pytest.raises(SlackApiError, match="messages_tab_disabled"):
        await client.chat_postMessage(channel="U0BOB", text="approved")


async def test_replies_stand_in_their_thread(slack: FakeSlack, client: AsyncWebClient) -> None:
    card = await client.chat_postMessage(channel=APPROVALS, text="card")
    reply = await client.chat_postMessage(channel=APPROVALS, thread_ts=card["ts"], text="queued")

    assert slack.messages[1].thread_ts == card["ts"]
    link = (await client.chat_getPermalink(channel=APPROVALS, message_ts=reply["ts"]))["permalink"]
    assert link.endswith(f"/p{reply['ts'].replace('.', '')}?thread_ts={card['ts']}&cid={APPROVALS}")
    with pytest.raises(SlackApiError, match="cannot_reply_to_message"):
        await client.chat_postMessage(channel=APPROVALS, thread_ts=reply["ts"], text="deeper")


async def test_an_update_keeps_blocks_unless_new_ones_are_given(slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=APPROVALS, text="card", blocks=CARD)
    where = {"channel": APPROVALS, "ts": posted["ts"]}
    await client.chat_update(**where, text="card!")
    assert slack.messages[0].buttons == ["Approve", "Deny"]
    await client.chat_update(**where, text="done", blocks=[])
    assert (slack.messages[0].buttons, slack.messages[0].versions) == ([], 3)
    with pytest.raises(SlackApiError, match="msg_too_long"):
        await client.chat_update(**where, text="x" * 4001)


async def test_who_sees_what(slack: FakeSlack, client: AsyncWebClient) -> None:
    for channel in (NEWS, APPROVALS, HELPDESK):
        await client.chat_postMessage(channel=channel, text=channel)
    await client.chat_postEphemeral(channel=HELPDESK, user="U0BOB", text="psst")

    assert [m.plain for m in slack.sees("bob")] == [NEWS, APPROVALS, HELPDESK, "psst"]
    assert [m.plain for m in slack.sees("ann")] == [NEWS, APPROVALS, HELPDESK]
    assert [m.plain for m in slack.sees("gina")] == [APPROVALS, HELPDESK]
    assert [m.plain for m in slack.sees("zoe")] == [APPROVALS]


async def test_a_message_is_unread_until_somebody_looks(slack: FakeSlack, client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel=NEWS, text="digest")
    assert [m.plain for m in slack.unread()] == ["digest"]
    slack.sees("bob")
    assert slack.unread() == []
    await client.chat_update(channel=NEWS, ts=posted["ts"], text="digest, mended")
    assert slack.unread() == []
    assert [m.plain for m in slack.unread(edits=True)] == ["digest, mended"]


MARKUP = {
    "*bold* and _italic_ and ~gone~ and `code`": "bold and italic and gone and code",
    "2 * 3 * 4 and snake_case_name": "2 * 3 * 4 and snake_case_name",
    "<@U0ANN> of <!subteam^S0PATCHTEAM> in <#C0PATCHNEWS>": "@ann of @patch-team in #patch-news",
    "<https://example.com|the card> or <https://example.com>": "the card or https://example.com",
    "until <!date^1741768200^{date_short_pretty} at {time}|Mar 12, 08:30>": "until Mar 12, 08:30",
    "R&amp;D &lt;!channel&gt;": "R&D <!channel>",
}


@pytest.mark.parametrize(("text", "words"), MARKUP.items())
async def test_markup_is_read_as_words(slack: FakeSlack, text: str, words: str) -> None:
    assert slack.space.post(NEWS, "U0PATCHES", text).plain == words


# ---------------------------------------------------------------- faults


async def test_a_lost_answer_posts_all_the_same(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.faults.add("chat.postMessage", "lost_answer")
    with pytest.raises(aiohttp.ClientError):
        await client.chat_postMessage(channel=NEWS, text="digest")

    assert len(slack.messages) == 1


async def test_the_sdks_own_retry_posts_twice(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    client = connect(slack, session, retry_handlers=[AsyncConnectionErrorRetryHandler()])
    slack.faults.add("chat.postMessage", "lost_answer")
    await client.chat_postMessage(channel=NEWS, text="digest")

    assert len(slack.messages) == 2


@pytest.mark.parametrize("kind", ["cut_before", "http_500", "html"])
async def test_a_fault_before_the_act_posts_nothing(slack: FakeSlack, client: AsyncWebClient, kind: str) -> None:
    slack.faults.add("*", kind)
    with pytest.raises((aiohttp.ClientError, SlackApiError)):
        await client.chat_postMessage(channel=NEWS, text="digest")
    assert slack.messages == []

    await client.chat_postMessage(channel=NEWS, text="digest")
    assert len(slack.messages) == 1


async def test_an_error_can_be_ordered(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.faults.error("usergroups.users.list", "internal_error")
    with pytest.raises(SlackApiError, match="internal_error"):
        await client.usergroups_users_list(usergroup="S0PATCHTEAM")

    assert slack.violations == []


async def test_a_429_can_be_waited_out(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    slack.faults.rate_limited("chat.postMessage", retry_after=0)
    client = connect(slack, session, retry_handlers=[AsyncRateLimitErrorRetryHandler()])
    await client.chat_postMessage(channel=NEWS, text="digest")

    assert [call.error for call in slack.calls] == ["status", ""]
    slack.faults.rate_limited("chat.postMessage", retry_after=30)
    with pytest.raises(SlackApiError) as refused:
        await connect(slack, session).chat_postMessage(channel=NEWS, text="digest")
    assert refused.value.response.headers["Retry-After"] == "30"


async def test_a_slow_answer_waits_for_its_event(slack: FakeSlack, client: AsyncWebClient) -> None:
    gate = asyncio.Event()
    slack.faults.add("users.info", "slow", until=gate)
    asking = asyncio.ensure_future(client.users_info(user="U0BOB"))
    await slack.until(lambda: slack.calls)
    assert not asking.done()
    gate.set()

    assert (await asking)["user"]["name"] == "bob"


async def test_an_unknown_place_for_a_fault_is_a_mistake_of_the_test(slack: FakeSlack) -> None:
    with pytest.raises(KeyError):
        slack.faults.add("chat.postMesage", "lost_answer")


async def test_the_pace_of_one_message_a_second_is_asked_for_when_switched_on(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    for _ in range(20):
        await client.chat_postMessage(channel=NEWS, text="x")
    slack.rate_limits = True
    codes = []
    for _ in range(8):
        try:
            await client.chat_postMessage(channel=NEWS, text="x")
        except SlackApiError as refused:
            codes.append((refused.response.status_code, refused.response.headers["Retry-After"]))

    assert codes
    assert set(codes) == {(429, "1")}
    assert slack.violations == []


# ---------------------------------------------------------------- modals through the Web API


async def test_an_update_of_a_modal_keeps_what_was_typed(slack: FakeSlack, client: AsyncWebClient) -> None:
    opened = (await client.views_open(trigger_id=slack.space.trigger("U0ANN"), view=REASON))["view"]
    await slack.chooses("ann", "Why", "typed before")
    more = {"type": "section", "text": {"type": "mrkdwn", "text": "loaded"}}

    updated = await client.views_update(
        view_id=opened["id"], hash=opened["hash"], view=REASON | {"blocks": [*REASON["blocks"], more]}
    )

    assert updated["view"]["state"]["values"]["why"]["text"]["value"] == "typed before"
    view = await slack.view_of("ann", saying="loaded")
    assert (view.id, view.versions) == (opened["id"], 2)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=opened["id"], hash=opened["hash"], view=REASON)
    await slack.closes("ann")
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id=opened["id"], view=REASON)
    assert slack.violations == []


async def test_three_modals_lie_on_each_other_at_most(slack: FakeSlack, client: AsyncWebClient) -> None:
    for _ in range(3):
        await client.views_open(trigger_id=slack.space.trigger("U0ANN"), view=REASON)
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await client.views_open(trigger_id=slack.space.trigger("U0ANN"), view=REASON)


async def test_waiting_in_vain_tells_what_there_was(slack: FakeSlack, client: AsyncWebClient) -> None:
    await client.chat_postMessage(channel=NEWS, text="only this")
    with pytest.raises(AssertionError, match="only this"):
        await slack.until(lambda: len(slack.messages) == 2, timeout=0.01)


async def test_listeners_hear_of_every_change(slack: FakeSlack, client: AsyncWebClient) -> None:
    heard: list[str] = []
    slack.on_change.append(lambda kind, thing: heard.append(kind))
    await client.chat_postMessage(channel=NEWS, text="x")

    assert heard == ["message", "call"]
