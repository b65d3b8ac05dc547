"""The stand-in's Home tab: opened, published, pressed, and what Slack would refuse of it."""

import json
from typing import Any

import aiohttp
import jsonschema
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import FakeSlack
from bot.demo.slack.limits import home_problems
from tests.standin_bot import CARD, Bot, Json, connect, over_http, over_socket
from tests.test_block_limits import AT_THE_LIMIT, SCHEMAS, actions, button, field, modal, plain, section

HOME: Json = {"type": "home", "blocks": CARD}


@pytest.fixture
def client(slack: FakeSlack, session: aiohttp.ClientSession) -> AsyncWebClient:
    return connect(slack, session)


# ---------------------------------------------------------------- opened, published, pressed


@pytest.mark.parametrize("mode", [over_socket, over_http], ids=["socket", "http"])
async def test_a_home_is_opened_published_and_pressed(
    slack: FakeSlack, session: aiohttp.ClientSession, client: AsyncWebClient, mode: Any
) -> None:
    bot = Bot(slack, session)
    async with mode(slack, bot):
        assert not (await slack.opens_home("ann")).failure
        first = bot.got[0]["event"]
        assert {name: first[name] for name in ("type", "user", "channel", "tab")} == {
            "type": "app_home_opened",
            "user": "U0ANN",
            "channel": "D0ANN",
            "tab": "home",
        }
        assert "view" not in first, "there was none yet"

        told = await client.views_publish(user_id="U0ANN", view=HOME)
        home = await slack.home_of("ann", saying="SRV-1")
        assert (told["view"]["id"], told["view"]["type"], home.buttons) == (home.id, "home", ["Approve", "Deny"])
        await slack.opens_home("ann")
        assert bot.got[1]["event"]["view"]["hash"] == home.hash
        await slack.opens_home("ann", "messages")
        assert "view" not in bot.got[2]["event"]

        await slack.clicks("ann", "Deny", home)
        pressed = bot.got[3]
        assert pressed["container"] == {"type": "view", "view_id": home.id}
        assert pressed["view"]["type"] == "home"
        assert pressed["trigger_id"]
        assert not {"channel", "message", "response_url"} & pressed.keys()
        assert (await slack.view_of("ann")).title == "Deny"
    assert (slack.violations, slack.unacked) == ([], [])


async def test_each_person_has_their_own_and_a_new_one_takes_the_place_of_the_old(
    slack: FakeSlack, client: AsyncWebClient
) -> None:
    await client.views_publish(user_id="U0ANN", view=HOME)
    await client.views_publish(user_id="U0BOB", view={"type": "home", "blocks": [section("for Bob")]})
    home = await slack.home_of("ann")
    before = home.hash
    await client.views_publish(user_id="U0ANN", view={"type": "home", "blocks": [section("new")]}, hash=before)

    assert (home.plain, home.versions) == ("new", 2)
    assert home.hash != before
    assert (await slack.home_of("bob")).plain == "for Bob"
    with pytest.raises(LookupError):
        await slack.clicks("ann", "Approve", home)
    assert slack.violations == []


# ---------------------------------------------------------------- refused


async def test_what_has_changed_meanwhile_is_no_fault_of_the_bots(slack: FakeSlack, client: AsyncWebClient) -> None:
    slack.deactivate("carl")
    for person in ("U0NOBODY", "U0HUBBOT", "U0CARL"):
        with pytest.raises(SlackApiError, match="invalid_arguments"):
            await client.views_publish(user_id=person, view=HOME)
    await client.views_publish(user_id="U0ANN", view=HOME)
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id="U0ANN", view=HOME, hash="1.2")
    slack.space.home_tab = False
    with pytest.raises(SlackApiError, match="not_enabled"):
        await client.views_publish(user_id="U0ANN", view=HOME)
    assert (slack.violations, len(slack.refusals)) == ([], 5)


async def test_a_view_that_is_no_home_is_refused_and_noted(slack: FakeSlack, client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError, match="invalid_arguments"):
        await client.views_publish(user_id="U0ANN", view=modal(section()))
    assert len(slack.violations) == 1
    assert slack.space.homes == {}


WRONG = {
    "a modal": (modal(section()), {"/view/title", "/view/submit", "/view/type"}),
    "a title": ({"type": "home", "blocks": [section()], "title": plain("Home")}, {"/view/title"}),
    "101 blocks": ({"type": "home", "blocks": [section()] * 101}, {"/view/blocks"}),
    "a table": ({"type": "home", "blocks": [AT_THE_LIMIT["table"]]}, {"/view/blocks/0"}),
    "an alert": ({"type": "home", "blocks": [{"type": "alert", "text": plain("x")}]}, {"/view/blocks/0"}),
    "a long button": ({"type": "home", "blocks": [actions(button("x" * 76))]}, {"/view/blocks/0/elements/0/text/text"}),
    "no blocks": ({"type": "home"}, {"/view", "/view/blocks"}),
    "nothing": (None, {"/view"}),
}


@pytest.mark.parametrize(("view", "pointers"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_home_is_named_with_its_places(view: Any, pointers: set[str]) -> None:
    assert {problem.pointer for problem in home_problems(view)} == pointers


def test_a_home_takes_what_slacks_own_types_take() -> None:
    view = {"type": "home", "blocks": [section(), actions(button()), field()], "private_metadata": ""}
    assert home_problems(view) == []
    if SCHEMAS.is_dir():
        schema = json.loads((SCHEMAS / "view.schema.json").read_text())
        jsonschema.Draft7Validator(schema).validate({"view": view})


def test_a_home_of_more_than_250_kilobytes_is_too_large() -> None:
    view = {"type": "home", "blocks": [section("ы" * 2900)] * 20}
    assert [problem.code for problem in home_problems(view)] == ["view_too_large"]
