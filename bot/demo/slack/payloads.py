"""What Slack sends to an app: slash commands, interactions, events. Pure.

Shapes as in docs.slack.dev/interactivity/implementing-slash-commands and docs.slack.dev/reference/interaction-payloads.
"""

from bot.demo.slack.model import APP, DOMAIN, TEAM, Channel, Shown, User, View
from bot.demo.slack.shapes import Json

VERIFICATION = "demo-verification-token"  # deprecated by Slack, still sent; proves nothing


def command(user: User, channel: Channel, words: str, response_url: str, trigger_id: str) -> Json:
    """A slash command: all values are strings, also ``is_enterprise_install``; no ts, no event id."""
    name, _, text = words.partition(" ")
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "team_domain": DOMAIN,
        "channel_id": channel.id,
        "channel_name": "privategroup" if channel.private and not channel.person else channel.name,
        "user_id": user.id,
        "user_name": user.name,
        "command": name,
        "text": text.strip(),
        "api_app_id": APP,
        "is_enterprise_install": "false",
        "response_url": response_url,
        "trigger_id": trigger_id,
    }


def _interaction(kind: str, user: User) -> Json:
    return {
        "type": kind,
        "team": {"id": TEAM, "domain": DOMAIN},
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team},
        "api_app_id": APP,
        "token": VERIFICATION,
        "enterprise": None,
        "is_enterprise_install": False,
    }


def _in_message(message: Shown, channel: Channel) -> Json:
    ephemeral = message.ephemeral_to is not None
    container: Json = {"type": "message", "message_ts": message.ts, "channel_id": channel.id, "is_ephemeral": ephemeral}
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    told: Json = {"container": container, "channel": {"id": channel.id, "name": channel.name}}
    return told if ephemeral else told | {"message": message.payload()}


def _in_view(view: View) -> Json:
    return {"container": {"type": "view", "view_id": view.id}, "view": view.payload()}


def block_actions(
    user: User, place: tuple[Shown, Channel] | View, action: Json, *, trigger_id: str, values: Json, response_url: str
) -> Json:
    """A press or choice. In a modal there is neither channel nor response_url; an ephemeral message is not repeated."""
    told = _interaction("block_actions", user) | {"trigger_id": trigger_id, "actions": [action]}
    if isinstance(place, View):
        return told | _in_view(place)
    return told | _in_message(*place) | {"response_url": response_url, "state": {"values": values}}


def view_submission(user: User, view: View, trigger_id: str) -> Json:
    told = _interaction("view_submission", user)
    return told | {"trigger_id": trigger_id, "view": view.payload(), "response_urls": []}


def view_closed(user: User, view: View, *, everything: bool) -> Json:
    return _interaction("view_closed", user) | {"view": view.payload(), "is_cleared": everything}


def block_suggestion(user: User, place: tuple[Shown, Channel] | View, element: Json, typed: str) -> Json:
    told = _interaction("block_suggestion", user) | {"value": typed}
    told |= {"action_id": element["action_id"], "block_id": element["block_id"]}
    return told | (_in_view(place) if isinstance(place, View) else _in_message(*place))


def home_opened(user: User, channel: str, tab: str, view: View | None, event_ts: str) -> Json:
    """Whoever opens the app's space: on which tab, and the Home as it is if there is one already.

    docs.slack.dev/reference/events/app_home_opened
    """
    told: Json = {"type": "app_home_opened", "user": user.id, "channel": channel, "tab": tab, "event_ts": event_ts}
    return told | ({"view": view.payload()} if view is not None and tab == "home" else {})


def event(event_id: str, inner: Json, at: int) -> Json:
    return {
        "token": VERIFICATION,
        "team_id": TEAM,
        "api_app_id": APP,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": at,
        "event": inner,
        "authorizations": [{"team_id": TEAM, "user_id": "U0PATCHES", "is_bot": True, "is_enterprise_install": False}],
        "is_ext_shared_channel": False,
    }
