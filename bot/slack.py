"""The door: acknowledges at once, turns Slack's payloads into calls of the desk, and starts them as tracked tasks.

With ``process_before_response`` there is no 3-second guard of Bolt's, so a listener is ack + spawn and nothing that
can raise. What must travel in the ack is computed from the payload and the database, within its own time limit.
Payload shapes: https://docs.slack.dev/interactivity/handling-user-interaction
"""

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import UnreadableError
from bot.flows import desk
from bot.flows.desk import Ack, Click, Submission
from bot.flows.reply import Place
from bot.flows.services import Services
from bot.model import Posted
from bot.people import Me

log = structlog.get_logger()

ANY = re.compile(".*")
DEVICE = re.compile(r"^device\.pick(\.\w+)*$")
TOO_BUSY = "The bot is busy with very many things at once. Please try again in a minute; nothing was done."
ACK_WITHIN = 1.5  # seconds that what travels in the ack may take to be found: Slack waits three
MOST_AT_ONCE = 500  # interactions in work; beyond, people are told instead of memory being filled


def _quiet() -> logging.Logger:
    """Bolt warns at each start that it will not use the token it finds in the environment. It is not meant to."""
    logger = logging.getLogger("slack_bolt.door")
    logger.setLevel(logging.ERROR)
    return logger


class Door:
    """Registers the listeners on a Bolt app and hands what arrives to the desk."""

    def __init__(self, services: Services, client: AsyncWebClient, signing_secret: str) -> None:
        self._services, self._token = services, client.token or ""
        self.me: Me | None = None
        self.introduced = asyncio.Event()
        self._at_work = 0
        self.app = AsyncApp(
            name="patches",  # else Bolt reads the source of every caller to find one
            client=AsyncWebClient(base_url=client.base_url, session=client.session),  # Bolt itself calls nothing
            logger=_quiet(),
            signing_secret=signing_secret,
            authorize=self._authorizer(),
            process_before_response=True,
            request_verification_enabled=bool(signing_secret),
            ignoring_self_events_enabled=False,
        )
        self._listen()

    def introduce(self, me: Me) -> None:
        """Slack has told who the bot is (auth.test)."""
        self.me = me
        self.introduced.set()

    def _authorizer(self) -> Callable[[], Awaitable[AuthorizeResult]]:
        """Who the bot is, from memory: Bolt's own way asks Slack before the first ack."""

        async def authorize() -> AuthorizeResult:
            me = self.me
            return AuthorizeResult(
                enterprise_id=None,
                team_id=me.team if me else None,
                bot_user_id=me.user if me else None,
                bot_id=me.bot if me else None,
                bot_token=self._token,
            )

        return authorize

    def _listen(self) -> None:
        app = self.app

        @app.command("/patches")
        async def command(ack: AsyncAck, body: dict[str, Any]) -> None:
            if self._at_work >= MOST_AT_ONCE:
                await ack(TOO_BUSY)
                return
            await ack()
            self._take(self._commanded(body))

        @app.action(ANY)
        async def action(ack: AsyncAck, body: dict[str, Any]) -> None:
            if self._at_work < 2 * MOST_AT_ONCE:  # without an ack Slack itself tells the person that it did not work
                await ack()
                self._take(self._clicked(body))

        @app.view(ANY)
        async def view(ack: AsyncAck, body: dict[str, Any]) -> None:
            told = await self._told(body)
            if told.errors:
                await ack(response_action="errors", errors=dict(told.errors))
                return
            if told.view is not None:
                await ack(response_action="update", view=dict(told.view))
            else:
                await ack()
            self._take(self._submitted(body))

        @app.event("app_home_opened")
        async def opened(ack: AsyncAck, event: dict[str, Any]) -> None:
            await ack()
            self._opened(event)

        @app.view_closed(ANY)
        @app.shortcut(ANY)
        @app.event(ANY)
        async def nothing_to_do(ack: AsyncAck) -> None:
            await ack()

        @app.options(DEVICE)
        async def devices(ack: AsyncAck, body: dict[str, Any]) -> None:
            await ack(options=await self._options(body))

        @app.options(ANY)
        async def no_options(ack: AsyncAck) -> None:
            await ack(options=[])

    async def _commanded(self, body: dict[str, Any]) -> None:
        await desk.command(self._services, _text(body, "text"), _place(body))

    def _opened(self, event: Mapping[str, Any]) -> None:
        """https://docs.slack.dev/reference/events/app_home_opened: sent for each tab, each time."""
        if event.get("tab") == "home" and self._at_work < MOST_AT_ONCE:
            self._take(desk.opened(self._services, _text(event, "user")))

    async def _clicked(self, body: dict[str, Any]) -> None:
        await desk.click(self._services, _click(body))

    async def _submitted(self, body: dict[str, Any]) -> None:
        await desk.submit(self._services, _submission(body))

    async def _told(self, body: dict[str, Any]) -> Ack:
        submission = _submission(body)
        try:
            async with asyncio.timeout(ACK_WITHIN):
                return await desk.ack(self._services, submission)
        except UnreadableError as error:
            log.warning("door.unreadable", why=str(error))
            return desk.unchecked(submission)
        except Exception:  # nothing may keep the ack from going out; the submission itself meets the same trouble
            log.exception("door.odd_submission")
            return desk.unchecked(submission)

    async def _options(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        try:
            async with asyncio.timeout(ACK_WITHIN):
                return await desk.options(self._services, _user(body), _text(body, "value"))
        except UnreadableError as error:
            log.warning("door.unreadable", why=str(error))
            return []
        except Exception:  # an empty list is an answer too, and the next letter asks again
            log.exception("door.no_options")
            return []

    def _take(self, work: Coroutine[Any, Any, None]) -> None:
        self._at_work += 1
        self._services.spawn(self._counted(work), "interaction")

    async def _counted(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        finally:
            work.close()
            self._at_work -= 1


def delivery_key(body: Mapping[str, Any]) -> str:
    """What two deliveries of one interaction share, and no two interactions do; empty when nothing tells them apart.

    Hashed: a trigger_id or response_url is nothing to keep.
    """
    view = body.get("view") or {}
    submitted = body.get("type") == "view_submission"
    named = view.get("id") and view.get("hash") if submitted else body.get("trigger_id")
    if not named:
        return ""
    person = body.get("user_id") or (body.get("user") or {}).get("id")
    said = (body.get("text"), body.get("response_url"), body.get("actions"), view.get("state"))
    parts = [
        body.get("type"),
        body.get("trigger_id") if not submitted else view.get("id"),
        view.get("hash"),
        person,
        said,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _place(body: Mapping[str, Any]) -> Place:
    """A slash command's: everything about it is private to the person."""
    return Place(
        _text(body, "user_id"), _text(body, "channel_id"), _text(body, "response_url"), delivery_key(body), typed=True
    )


def _click(body: Mapping[str, Any]) -> Click:
    action = (body.get("actions") or [{}])[0]
    container = body.get("container") or {}
    private = bool(container.get("is_ephemeral"))
    user = _user(body)
    channel = str((body.get("channel") or {}).get("id") or container.get("channel_id") or user)
    ts = str(container.get("message_ts") or (body.get("message") or {}).get("ts") or "")
    home = (body.get("view") or {}).get("type") == "home"
    chosen = (action.get("selected_option") or {}).get("value")
    return Click(
        place=Place(user, channel, _text(body, "response_url"), delivery_key(body), private=private, home=home),
        action=str(action.get("action_id") or ""),
        value=str(action.get("value") or chosen or ""),
        trigger_id=_text(body, "trigger_id"),
        message=None if private or not ts else Posted(channel, ts),
    )


def _submission(body: Mapping[str, Any]) -> Submission:
    view = body.get("view") or {}
    user = str((body.get("user") or {}).get("id") or "")
    states = (view.get("state") or {}).get("values") or {}
    values = {block: _value(next(iter(inputs.values()), {})) for block, inputs in states.items()}
    return Submission(
        place=Place(user, user, delivery=delivery_key(body)),
        callback=str(view.get("callback_id") or ""),
        token=str(view.get("private_metadata") or ""),
        values=values,
        view_id=str(view.get("id") or ""),
    )


def _value(state: Mapping[str, Any]) -> str | list[str]:
    """An input's value: text, or the values of the chosen options."""
    if "selected_options" in state:
        return [str(option.get("value")) for option in state["selected_options"] or ()]
    chosen = (state.get("selected_option") or {}).get("value")
    return str(state.get("value") or chosen or "")


def _user(body: Mapping[str, Any]) -> str:
    return str((body.get("user") or {}).get("id") or "")


def _text(body: Mapping[str, Any], key: str) -> str:
    return str(body.get(key) or "")
