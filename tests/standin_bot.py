"""A small bot on the real Bolt, to try the stand-in of Slack with, in Socket Mode and in HTTP mode."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import FakeSlack

Json = dict[str, Any]
APPROVALS = "C0PATCHAPPROVE"


def connect(slack: FakeSlack, session: aiohttp.ClientSession, **more: Any) -> AsyncWebClient:
    env = slack.env()
    more = {"token": env["SLACK_BOT_TOKEN"], "retry_handlers": [], **more}
    return AsyncWebClient(base_url=env["SLACK_API_URL"], session=session, **more)


CARD: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*SRV-1* asked by <@U0BOB>"}},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "text": {"type": "plain_text", "text": text},
                "action_id": f"request.{text.lower()}",
                "value": "7",
            }
            for text in ("Approve", "Deny")
        ],
    },
]
REASON: Json = {
    "type": "modal",
    "callback_id": "request.deny",
    "title": {"type": "plain_text", "text": "Deny"},
    "submit": {"type": "plain_text", "text": "Deny"},
    "notify_on_close": True,
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        },
        {
            "type": "input",
            "block_id": "kind",
            "optional": True,
            "label": {"type": "plain_text", "text": "Kind"},
            "element": {
                "type": "static_select",
                "action_id": "kind",
                "options": [
                    {"text": {"type": "plain_text", "text": "Too risky"}, "value": "risk"},
                    {"text": {"type": "plain_text", "text": "Wrong time"}, "value": "time"},
                ],
            },
        },
        {
            "type": "input",
            "block_id": "device",
            "optional": True,
            "label": {"type": "plain_text", "text": "Device"},
            "element": {"type": "external_select", "action_id": "device", "min_query_length": 1},
        },
        {
            "type": "input",
            "block_id": "others",
            "optional": True,
            "label": {"type": "plain_text", "text": "Others"},
            "element": {"type": "multi_external_select", "action_id": "device", "max_selected_items": 2},
        },
    ],
}


def titled(title: str) -> Json:
    return REASON | {"title": {"type": "plain_text", "text": title}}


class Bot:
    """Acks at once and works afterwards, as the real one does; ``got`` holds the payloads in order of arrival."""

    def __init__(self, slack: FakeSlack, session: aiohttp.ClientSession) -> None:
        self.env = slack.env()
        self.got: list[Json] = []
        self._work: set[asyncio.Task[Any]] = set()
        self.session = session
        self.app = AsyncApp(
            name="standin",
            client=connect(slack, session),
            signing_secret=self.env["SLACK_SIGNING_SECRET"],
            process_before_response=True,
        )
        self.app.command("/patches")(self.command)
        self.app.action("request.approve")(self.approve)
        self.app.action("request.deny")(self.deny)
        self.app.view("request.deny")(self.denied)
        self.app.view_closed("request.deny")(self.closed)
        self.app.options("device")(self.offer)
        self.app.event("app_home_opened")(self.home)

    def _later(self, work: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    async def command(self, ack: Any, body: Json, client: AsyncWebClient, respond: Any) -> None:
        self.got.append(body)
        match body["text"].split():
            case ["ack"]:
                await ack("at once")
            case ["silence"]:
                return
            case ["card"]:
                await ack()
                self._later(client.chat_postMessage(channel=APPROVALS, text="Retry on SRV-1?", blocks=CARD))
            case _:
                await ack()
                self._later(respond(f"you said {body['text']}"))

    async def approve(self, ack: Any, body: Json, client: AsyncWebClient, respond: Any) -> None:
        self.got.append(body)
        await ack()
        if body["user"]["id"] == "U0BOB":
            self._later(respond("not your own", replace_original=False))
        else:
            where = {"channel": body["channel"]["id"], "ts": body["message"]["ts"]}
            self._later(client.chat_update(**where, text="Approved by ann", blocks=CARD[:1]))

    async def deny(self, ack: Any, body: Json, client: AsyncWebClient) -> None:
        self.got.append(body)
        await ack()
        self._later(client.views_open(trigger_id=body["trigger_id"], view=REASON))

    async def denied(self, ack: Any, body: Json, view: Json, client: AsyncWebClient) -> None:
        self.got.append(body)
        why = view["state"]["values"]["why"]["text"]["value"]
        answers: dict[str, Json] = {
            "because": {"response_action": "errors", "errors": {"why": "Say more."}},
            "nonsense": {"response_action": "errors", "errors": {"elsewhere": "?"}},
            "more": {"response_action": "update", "view": titled("Again")},
            "push": {"response_action": "push", "view": titled("On top")},
            "clear": {"response_action": "clear"},
        }
        await ack(**answers.get(why, {}))
        if why not in answers:
            person = body["user"]["id"]
            self._later(client.chat_postEphemeral(channel=APPROVALS, user=person, text=f"denied: {why}"))

    async def closed(self, ack: Any, body: Json) -> None:
        self.got.append(body)
        await ack()

    async def offer(self, ack: Any, body: Json) -> None:
        names = [name for name in ("SRV-1", "SRV-2", "PC-3") if name.startswith(body["value"])]
        await ack(options=[{"text": {"type": "plain_text", "text": name}, "value": name} for name in names])

    async def home(self, ack: Any, body: Json) -> None:
        self.got.append(body)
        await ack()


@asynccontextmanager
async def over_socket(slack: FakeSlack, bot: Bot, connections: int = 1) -> AsyncIterator[None]:
    handlers = []
    for _ in range(connections):
        handler = AsyncSocketModeHandler(bot.app, bot.env["SLACK_APP_TOKEN"], ping_interval=1)
        await handler.connect_async()  # type: ignore[no-untyped-call]
        handlers.append(handler)
    await slack.connected(connections)
    try:
        yield
    finally:
        for handler in handlers:
            await handler.close_async()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def over_http(slack: FakeSlack, bot: Bot) -> AsyncIterator[None]:
    runner = web.AppRunner(bot.app.server(path="/slack/events").web_app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()
