"""The stand-in of Slack at work: people, a real Bolt app, Socket Mode and HTTP mode."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.demo.clock import Clock
from bot.demo.slack import FakeSlack, Shown
from tests.standin_bot import APPROVALS, REASON, Bot, Json, connect, over_http, over_socket

HELPDESK = "C0HELPDESK"


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture(params=[over_socket, over_http], ids=["socket", "http"])
async def bot(request: pytest.FixtureRequest, slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    """The bot, connected in each of the two modes."""
    made = Bot(slack, session)
    async with request.param(slack, made):
        yield made


@pytest.fixture
async def connected(slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncIterator[Bot]:
    """The bot in Socket Mode."""
    made = Bot(slack, session)
    async with over_socket(slack, made):
        yield made


async def a_card(slack: FakeSlack) -> Shown:
    await slack.says("bob", "/patches card")
    found: Shown = await slack.until(lambda: next((m for m in slack.messages if m.buttons), None))
    return found


# ---------------------------------------------------------------- scenes in both modes


async def test_a_command_is_answered_in_private(slack: FakeSlack, bot: Bot) -> None:
    exchange = await slack.says("bob", "/patches recent  all")

    assert (await exchange.answer()).plain == "you said recent  all"
    assert exchange.answers[0] in slack.sees("bob")
    assert exchange.answers[0] not in slack.sees("ann")
    told = bot.got[0]
    assert (told["command"], told["user_id"], told["channel_id"]) == ("/patches", "U0BOB", HELPDESK)
    assert told["is_enterprise_install"] == "false"
    assert (slack.violations, slack.unacked) == ([], [])


async def test_words_in_the_ack_are_an_answer(slack: FakeSlack, bot: Bot) -> None:
    exchange = await slack.says("bob", "/patches ack")

    assert [answer.plain for answer in exchange.answers] == ["at once"]
    assert exchange.answers[0].ephemeral_to == "U0BOB"


async def test_a_press_changes_the_card(slack: FakeSlack, bot: Bot) -> None:
    card = await a_card(slack)
    assert card.buttons == ["Approve", "Deny"]

    exchange = await slack.clicks("ann", "Approve")

    assert await exchange.changes() is card
    assert (card.plain, card.buttons) == ("Approved by ann\nSRV-1 asked by @bob", [])
    assert card.edits[0].text == "Retry on SRV-1?"
    told = bot.got[1]
    assert told["actions"][0] | {"action_ts": ""} == {
        "type": "button",
        "action_id": "request.approve",
        "block_id": card.edits[0].blocks[1]["block_id"],
        "text": {"type": "plain_text", "text": "Approve"},
        "value": "7",
        "action_ts": "",
    }
    assert told["container"]["message_ts"] == told["message"]["ts"] == card.ts
    assert slack.violations == []


async def test_a_refused_press_is_answered_to_that_person_alone(slack: FakeSlack, bot: Bot) -> None:
    await a_card(slack)

    answer = await (await slack.clicks("bob", "Approve", in_=APPROVALS)).answer()

    assert answer.plain == "not your own"
    assert (answer.ephemeral_to, answer.channel) == ("U0BOB", APPROVALS)


async def test_a_modal_is_opened_filled_and_submitted(slack: FakeSlack, bot: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")
    view = await slack.view_of("ann")
    assert (view.title, view.inputs) == ("Deny", ["Why", "Kind", "Device", "Others"])

    assert await slack.submits("ann", {"Why": "because"}) == {"why": "Say more."}
    assert slack.space.stacks["U0ANN"] == [view]
    assert await slack.submits("ann", {"Why": "too late", "Kind": "Wrong time", "Device": "SRV-2"}) is None

    assert slack.space.stacks["U0ANN"] == []
    values = bot.got[-1]["view"]["state"]["values"]
    assert values["why"]["text"] == {"type": "plain_text_input", "value": "too late"}
    assert values["kind"]["kind"]["selected_option"]["value"] == "time"
    assert values["device"]["device"]["selected_option"]["value"] == "SRV-2"
    assert (await slack.last["ann"].answer()).plain == "denied: too late"
    assert slack.violations == []


async def test_a_submission_may_be_answered_with_another_view(slack: FakeSlack, bot: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")

    assert await slack.submits("ann", {"Why": "more"}) is None

    view = await slack.view_of("ann", saying="Again")
    assert view.values["why"]["text"]["value"] == "more"
    assert slack.violations == []


@pytest.mark.parametrize(("why", "titles"), [("push", ["Deny", "On top"]), ("clear", [])])
async def test_a_submission_may_put_a_view_on_top_or_clear_all(
    slack: FakeSlack, bot: Bot, why: str, titles: list[str]
) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")

    assert await slack.submits("ann", {"Why": why}) is None

    assert [view.title for view in slack.space.stacks["U0ANN"]] == titles
    assert slack.violations == []


async def test_closing_a_modal_is_told_when_the_modal_says_so(slack: FakeSlack, bot: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")

    await slack.closes("ann")

    assert bot.got[-1]["type"] == "view_closed"
    assert not slack.space.stacks["U0ANN"]


async def test_a_typeahead_offers_what_the_bot_answers(slack: FakeSlack, bot: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")
    await slack.view_of("ann")

    assert await slack.suggestions("ann", "Device", "SRV") == ["SRV-1", "SRV-2"]
    await slack.chooses("ann", "Device", "SRV-1")
    with pytest.raises(LookupError, match="no option 'SRV-9'"):
        await slack.chooses("ann", "Device", "SRV-9")


async def test_several_can_be_chosen_by_their_names_as_many_as_the_field_takes(slack: FakeSlack, bot: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")
    view = await slack.view_of("ann")

    with pytest.raises(LookupError, match="3 options are more than the 2"):
        await slack.chooses("ann", "Others", ["SRV-1", "SRV-2", "PC-3"])
    assert await slack.submits("ann", {"Why": "too late", "Others": ["SRV-2", "PC-3"]}) is None
    chosen = bot.got[-1]["view"]["state"]["values"]["others"]["device"]["selected_options"]
    assert [option["value"] for option in chosen] == ["SRV-2", "PC-3"]
    assert view.open is False


async def test_what_was_offered_once_can_be_chosen_without_typing_it_again(slack: FakeSlack, connected: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")
    view = await slack.view_of("ann")
    assert [option["value"] for option in await slack.suggests("ann", view, "others", "SRV")] == ["SRV-1", "SRV-2"]
    before = len(slack.envelopes)
    await slack.chooses("ann", "Others", ["SRV-1", "SRV-2"])
    assert len(slack.envelopes) == before
    assert await slack.suggests("ann", view, "others", "SR") == []


async def test_a_modal_that_is_open_can_be_changed_again_after_a_submission_changed_it(
    slack: FakeSlack, connected: Bot, session: aiohttp.ClientSession
) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")
    await slack.submits("ann", {"Why": "more"})
    view = await slack.view_of("ann", saying="Again")
    client, old = connect(slack, session), bot_hash(connected)

    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_update(view_id=view.id, hash=old, view=REASON)
    await client.views_update(view_id=view.id, hash=view.hash, view=REASON)
    assert view.title == "Deny"
    await slack.closes("ann")
    with pytest.raises(SlackApiError, match="not_found"):
        await client.views_update(view_id=view.id, view=REASON)
    assert slack.violations == []


def bot_hash(bot: Bot) -> str:
    """Of the view as it was submitted."""
    return str(bot.got[-1]["view"]["hash"])


async def test_an_event_arrives(slack: FakeSlack, bot: Bot) -> None:
    await slack.event({"type": "app_home_opened", "user": "U0BOB", "tab": "home", "channel": "D0BOB"})

    assert bot.got[0]["event"]["type"] == "app_home_opened"
    assert slack.unacked == []


async def test_a_command_without_ack_is_noted_and_told(slack: FakeSlack, bot: Bot) -> None:
    slack.patience = 0.05

    exchange = await slack.says("bob", "/patches silence")

    assert exchange.failure
    assert slack.unacked == [f"bob · /patches silence: {exchange.failure}"]
    assert f'/patches failed with the error "{exchange.failure}"' in slack.sees("bob")[-1].plain
    with pytest.raises(AssertionError, match=r"bob · /patches silence"):
        await exchange.answer()


async def test_everything_can_come_twice_with_the_same_trigger(slack: FakeSlack, bot: Bot) -> None:
    slack.deliver_twice = True

    await slack.says("bob", "/patches recent")

    await slack.until(lambda: len(bot.got) == 2)
    assert bot.got[0]["trigger_id"] == bot.got[1]["trigger_id"]
    await slack.until(lambda: all(envelope.acked is not None for envelope in slack.envelopes))
    assert len({envelope.id for envelope in slack.envelopes}) == 2
    assert slack.violations == []


async def test_what_was_delivered_can_come_again_later(slack: FakeSlack, bot: Bot) -> None:
    exchange = await slack.says("bob", "/patches ack")

    await slack.redeliver(exchange)

    assert bot.got[0] == bot.got[1]


# ---------------------------------------------------------------- what people can do


async def test_answers_that_name_no_input_are_noted(slack: FakeSlack, connected: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")

    assert await slack.submits("ann", {"Why": "nonsense"}) == {"": "We had some trouble connecting. Try again?"}
    assert "names no input block" in slack.violations[0]


async def test_slacks_own_client_refuses_what_is_missing_or_too_short(slack: FakeSlack, connected: Bot) -> None:
    await a_card(slack)
    await slack.clicks("ann", "Deny")
    delivered = len(connected.got)

    assert await slack.submits("ann") == {"why": "Please complete this required field."}
    assert await slack.submits("ann", {"Why": "no"}) == {"why": "Please enter at least 3 characters."}
    assert len(connected.got) == delivered


async def test_a_person_sees_only_buttons_of_their_own_screen(slack: FakeSlack, connected: Bot) -> None:
    card = await a_card(slack)
    with pytest.raises(LookupError, match="no button 'Withdraw'"):
        await slack.clicks("ann", "Withdraw")
    await (await slack.clicks("ann", "Approve")).changes()
    with pytest.raises(LookupError, match="no button 'Approve'"):
        await slack.clicks("carl", "Approve")

    await slack.clicks("carl", "Approve", in_=card, stale=True)
    assert connected.got[-1]["user"]["id"] == "U0CARL"


@pytest.mark.parametrize("who", ["otto", "hubbot", "nobody"])
async def test_who_is_not_there_cannot_act(slack: FakeSlack, who: str) -> None:
    with pytest.raises(LookupError):
        await slack.says(who, "/patches")


async def test_an_unknown_command_never_reaches_the_bot(slack: FakeSlack, connected: Bot) -> None:
    assert (await slack.says("bob", "/patchez")).failure == "not_a_command"
    assert (await slack.says("zoe", "/patches", APPROVALS)).failure == "not_a_command"
    assert connected.got == []


async def test_a_command_can_be_typed_to_the_bot_itself(slack: FakeSlack, connected: Bot) -> None:
    answer = await (await slack.says("bob", "/patches here", "@patches")).answer()

    assert answer.channel == "D0BOB"
    assert connected.got[0]["channel_name"] == "directmessage"


# ---------------------------------------------------------------- sockets


async def test_each_envelope_goes_to_one_of_several_connections(
    slack: FakeSlack, session: aiohttp.ClientSession
) -> None:
    bot = Bot(slack, session)
    async with over_socket(slack, bot, connections=3):
        for number in range(6):
            await slack.says("bob", f"/patches {number}")

    assert [told["text"] for told in bot.got] == ["0", "1", "2", "3", "4", "5"]
    assert len({envelope.connection for envelope in slack.envelopes}) == 3


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_a_client_that_is_told_to_go_comes_back(slack: FakeSlack, connected: Bot, reason: str) -> None:
    await slack.disconnect(reason)
    await slack.connected()

    assert (await (await slack.says("bob", "/patches back")).answer()).plain == "you said back"


async def test_a_client_that_was_cut_off_comes_back(slack: FakeSlack, connected: Bot) -> None:
    slack.cut_sockets()
    failed = await slack.says("bob", "/patches lost")
    await slack.connected()
    answered = await slack.says("bob", "/patches found")

    assert failed.failure == "dispatch_failed"
    assert (await answered.answer()).plain == "you said found"


async def test_nobody_connected_means_that_a_command_fails(slack: FakeSlack) -> None:
    assert (await slack.says("bob", "/patches")).failure == "dispatch_failed"


async def test_slack_can_go_down_and_come_back_on_the_same_address(slack: FakeSlack, connected: Bot) -> None:
    before = slack.env()
    await slack.stop()
    await slack.start()
    await slack.connected()

    assert slack.env() == before
    assert (await (await slack.says("bob", "/patches again")).answer()).plain == "you said again"


async def test_every_address_that_is_given_out_is_the_public_one(
    slack: FakeSlack, session: aiohttp.ClientSession
) -> None:
    slack.public_url = slack.url.replace("127.0.0.1", "localhost")
    bot = Bot(slack, session)
    async with over_socket(slack, bot):
        await (await slack.says("bob", "/patches")).answer()

    assert bot.got[0]["response_url"].startswith("http://localhost:")
    assert (
        next(call for call in slack.calls if call.method == "apps.connections.open")
        .answer["url"]
        .startswith("ws://localhost:")
    )
    assert slack.env()["SLACK_API_URL"].startswith("http://localhost:")


async def test_the_eleventh_connection_is_sent_away(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    async with AsyncExitStack() as open_sockets:
        sockets = [await open_sockets.enter_async_context(await raw_socket(slack, session)) for _ in range(11)]
        hello, goodbye = await sockets[-1].receive_json(), await sockets[-1].receive_json()

    assert hello["num_connections"] == 11
    assert goodbye["reason"] == "too_many_websockets"


async def raw_socket(slack: FakeSlack, session: aiohttp.ClientSession) -> Any:
    client = connect(slack, session)
    address = await client.apps_connections_open(app_token=slack.env()["SLACK_APP_TOKEN"])
    return session.ws_connect(address["url"])


async def test_a_wrong_ack_is_a_violation(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    async with await raw_socket(slack, session) as socket:
        await socket.receive_json()
        typing = asyncio.ensure_future(slack.says("bob", "/patches"))
        envelope = await socket.receive_json()
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await typing
        await socket.send_json({"envelope_id": envelope["envelope_id"]})
        await socket.send_json({"envelope_id": "unknown"})
        await socket.send_str("hello?")
        await slack.until(lambda: len(slack.violations) == 3)

    assert envelope["accepts_response_payload"] is True
    assert "acked twice" in slack.violations[0]


async def test_an_address_of_a_socket_works_once(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    client = connect(slack, session)
    address = (await client.apps_connections_open(app_token=slack.env()["SLACK_APP_TOKEN"]))["url"]
    async with session.ws_connect(address):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(address)


async def test_an_event_without_ack_comes_again_as_a_retry(slack: FakeSlack, session: aiohttp.ClientSession) -> None:
    slack.patience = 0.05
    async with await raw_socket(slack, session) as socket:
        await socket.receive_json()
        sending = asyncio.ensure_future(slack.event({"type": "tokens_revoked"}))
        first, second = await socket.receive_json(), await socket.receive_json()
        await sending

    assert first["payload"] == second["payload"]
    assert (second["retry_attempt"], second["retry_reason"]) == (1, "timeout")
    assert "retry_attempt" not in first


async def test_a_wrongly_signed_request_would_be_refused_by_bolt(
    slack: FakeSlack, session: aiohttp.ClientSession
) -> None:
    bot = Bot(slack, session)
    slack.sender.secret = "another"
    async with over_http(slack, bot):
        exchange = await slack.says("bob", "/patches")

    assert exchange.failure == "http_service_error (401)"
    assert bot.got == []


# ---------------------------------------------------------------- response_urls


async def say_through(session: aiohttp.ClientSession, url: str, **body: Any) -> tuple[int, str]:
    async with session.post(url, json=body) as answer:
        return answer.status, await answer.text()


async def test_a_response_url_is_good_for_five_messages(
    slack: FakeSlack, session: aiohttp.ClientSession, connected: Bot
) -> None:
    await (await slack.says("bob", "/patches")).answer()
    url = connected.got[0]["response_url"]

    answers = [await say_through(session, url, text=str(number)) for number in range(5)]

    assert answers[:4] == [(200, "ok")] * 4
    assert answers[4] == (404, '{"ok": false, "error": "used_url"}')
    assert slack.violations == ["response_url: used_url"]


async def test_a_response_url_lives_for_half_an_hour_of_the_clock(
    slack: FakeSlack, clock: Clock, session: aiohttp.ClientSession, connected: Bot
) -> None:
    await (await slack.says("bob", "/patches")).answer()
    url = connected.got[0]["response_url"]
    clock.advance(timedelta(minutes=30))
    assert (await say_through(session, url, text="just in time"))[0] == 200
    clock.advance(1)

    assert await say_through(session, url, text="late") == (404, '{"ok": false, "error": "expired_url"}')


async def test_a_response_url_replaces_or_deletes_the_message_of_its_button(
    slack: FakeSlack, session: aiohttp.ClientSession, connected: Bot
) -> None:
    card = await a_card(slack)
    exchange = await slack.clicks("bob", "Approve")
    await exchange.answer()
    url = connected.got[-1]["response_url"]

    await say_through(session, url, text="replaced", replace_original=True)
    assert (await exchange.answer()) is card
    assert (card.plain, card.buttons) == ("replaced", [])
    await say_through(session, url, delete_original=True)
    assert card.deleted


async def test_a_commands_response_url_replaces_nothing_as_in_slack(
    slack: FakeSlack, session: aiohttp.ClientSession, connected: Bot
) -> None:
    exchange = await slack.says("bob", "/patches")
    await exchange.answer()
    url = connected.got[0]["response_url"]

    await say_through(session, url, text="asking", replace_original=True)
    assert len(exchange.answers) == 2
    slack.urls.commands_replace = True
    await say_through(session, url, text="asking", replace_original=True)
    await say_through(session, url, text="found", replace_original=True)
    assert [answer.plain for answer in exchange.answers] == ["you said ", "asking", "found"]


@pytest.mark.parametrize(
    "body", [{"text": "x", "colour": "red"}, {"text": ""}, {"text": "x", "replace_original": "true"}, {"text": 7}]
)
async def test_a_malformed_answer_is_refused_and_noted(
    slack: FakeSlack, session: aiohttp.ClientSession, connected: Bot, body: Json
) -> None:
    await (await slack.says("bob", "/patches")).answer()

    assert (await say_through(session, connected.got[0]["response_url"], **body))[0] == 400
    assert len(slack.violations) == 1
