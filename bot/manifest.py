"""The Slack app's manifest: the least scopes, each with its reason, and the one event that the bot needs.

Source: docs.slack.dev/reference/app-manifest and each method's page under docs.slack.dev/reference/methods.
"""

from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import yaml

from bot.errors import ConfigError

SCOPES = MappingProxyType(
    {
        "commands": "People type /patches, and the bot may answer.",
        "chat:write": "The bot posts digests and request cards, edits its own cards and sends direct messages.",
        "users:read": "Before a click counts the bot asks who pressed: a full member, no guest, bot or stranger.",
        "usergroups:read": "Approvers and users of /patches can be named as usergroups; the bot asks who is in them.",
        "channels:read": "`check` tells whether the bot is in the public channels that the configuration names.",
        "groups:read": "The same for private channels.",
        "files:write": "The bot puts a digest's picture and its list (CSV) into the digest's thread.",
    }
)
WIDER = MappingProxyType(
    {
        "channels:history": "Only with `update = true`: is the last digest still the newest message of its channel?",
        "groups:history": "The same for private channels.",
    }
)
"""Scopes that the manifest leaves out, since they let the bot read what people write: whoever wants what they are for
adds them by hand. Without them the bot works, and does without."""
APP_SCOPES = MappingProxyType({"connections:write": "Socket Mode: the app-level token (xapp-…) opens the connection."})

METHODS: MappingProxyType[str, tuple[str, ...]] = MappingProxyType(
    {
        "auth.test": (),
        "apps.connections.open": ("connections:write",),
        "chat.getPermalink": (),
        "chat.postEphemeral": ("chat:write",),
        "chat.postMessage": ("chat:write",),
        "chat.update": ("chat:write",),
        "conversations.history": ("channels:history", "groups:history"),
        "conversations.info": ("channels:read", "groups:read"),
        "files.completeUploadExternal": ("files:write",),
        "files.getUploadURLExternal": ("files:write",),
        "usergroups.users.list": ("usergroups:read",),
        "users.info": ("users:read",),
        "views.open": (),
        "views.publish": (),
        "views.update": (),
    }
)
"""Every Web API method that the bot calls, and the scopes it needs. A test holds it against the code."""

EVENTS = ("app_home_opened",)  # whose Home is to be shown; needs no scope
EVENTS_PATH = "/slack/events"
LONG_DESCRIPTION = (
    "Patches tells a team which application patches failed and lets it repair them without leaving Slack. "
    "`/patches recent` lists what ESET PROTECT patched lately, a digest says on schedule what failed, and "
    "`/patches retry` asks for a retry that somebody else approves with a button. N-able N-sight is then told to "
    "retry exactly those patches, once, and the same thread says what became of each one."
)
HEADER = """\
# The Slack app of Patches. api.slack.com/apps > Create New App > From a manifest > paste this.
# Written by `patches-bot manifest` (with `--http URL` for HTTP mode), which needs no configuration.
"""


def manifest(http_url: str | None) -> dict[str, Any]:
    """The manifest for Socket Mode, or for HTTP mode when the bot's public address is given.

    The address may be the host alone, a path in front of the bot, or the whole request URL. Raises ConfigError.
    """
    url = None if http_url is None else request_url(http_url)
    reached = {} if url is None else {"url": url}
    command = {
        "command": "/patches",
        **reached,
        "description": "What was patched, what failed, and retries that a second person approves",
        "usage_hint": "recent | retry DEVICE IDS [reason] | device DEVICE | devices TEXT | pending | history | "
        "digest | silence APP 7d | silences | unsilence ID | notify | status | help",
        "should_escape": False,  # else "@ann" in a reason would arrive as an id, and the audit trail keep that
    }
    return {
        "_metadata": {"major_version": 1, "minor_version": 1},
        "display_information": {
            "name": "Patches",
            "description": "From a failed patch to an approved retry without leaving Slack",
            "long_description": LONG_DESCRIPTION,
            "background_color": "#1f3a4d",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,  # direct messages to a requester appear there
                "messages_tab_read_only_enabled": True,
            },
            "bot_user": {"display_name": "Patches", "always_online": True},
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": {**({} if url is None else {"request_url": url}), "bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True, **({} if url is None else _addresses(url))},
            "org_deploy_enabled": False,
            "socket_mode_enabled": url is None,
            "token_rotation_enabled": False,
        },
    }


def _addresses(url: str) -> dict[str, str]:
    """Without the second, Slack offers nothing in a field that looks devices up while somebody types.

    https://docs.slack.dev/reference/app-manifest
    """
    return {"request_url": url, "message_menu_options_url": url}


def request_url(address: str) -> str:
    """Where Slack sends commands and clicks, from the bot's public https address. Raises ConfigError."""
    url = address.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme == "https" and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(c in "?#" or not "!" <= c <= "~" for c in url):
        raise ConfigError(["--http: must be the bot's public address, such as https://patches.example.com"])
    return url if url.endswith(EVENTS_PATH) else url + EVENTS_PATH


def render(http_url: str | None = None) -> str:
    """The manifest as YAML, with a comment that says what to do with it; without ``http_url`` equal to manifest.yml."""
    return HEADER + yaml.safe_dump(manifest(http_url), sort_keys=False, allow_unicode=True, width=110)
