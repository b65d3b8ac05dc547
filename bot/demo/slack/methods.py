"""What each Web API method does here, what it needs and what it refuses. Pure of HTTP: arguments in, answer out.

Names, arguments, scopes and error codes as in docs.slack.dev/reference/methods, one page for each method.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.slack import limits
from bot.demo.slack.model import (
    BOT_ID,
    BOT_USER,
    DOMAIN,
    TEAM,
    TEAM_NAME,
    Channel,
    Shown,
    Upload,
    User,
    Usergroup,
    View,
)
from bot.demo.slack.shapes import Json, Problem
from bot.demo.slack.workspace import Workspace

TRIGGER_SECONDS = 3.0
STACK_DEPTH = 3
UPDATE_TEXT = 4_000  # chat.update refuses longer fallback texts than chat.postMessage does


class ApiError(Exception):
    """An ``ok: false`` answer. ``broken``: the bot broke a rule; else the world is just not as the bot thought."""

    def __init__(self, code: str, *, broken: bool = False, **more: Any) -> None:
        super().__init__(code)
        self.code, self.broken, self.more = code, broken, more


@dataclass(frozen=True)
class Method:
    """``token``: the prefix it must have, empty for any. ``json``: whether the method reads a JSON body at all."""

    act: Callable[[Workspace, Json], Json]
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    scope: str = ""
    token: str = "xoxb"  # noqa: S105 a prefix
    json: bool = False
    per_minute: int = 100


# ---------------------------------------------------------------- messages


def _post_message(space: Workspace, args: Json) -> Json:
    channel = _writable(space, args["channel"])
    check_message(args)
    thread_ts = args.get("thread_ts")
    if thread_ts is not None:
        _thread(space, channel, thread_ts)
    shown = space.post(
        channel.id, BOT_USER, args["text"], args.get("blocks") or [], thread_ts=thread_ts, metadata=args.get("metadata")
    )
    return {"channel": channel.id, "ts": shown.ts, "message": shown.payload()}


def _update(space: Workspace, args: Json) -> Json:
    channel = _known(space, args["channel"])
    message = _message(space, channel, args["ts"])
    if message.user != BOT_USER:
        raise ApiError("cant_update_message", broken=True)
    if channel.archived:
        raise ApiError("is_inactive")
    if not channel.has_bot and channel.private:
        raise ApiError("channel_not_found")
    check_message(args)
    if len(args["text"]) > UPDATE_TEXT:
        raise ApiError("msg_too_long", broken=True)
    space.edit(message, args["text"], args.get("blocks"))
    return {"channel": channel.id, "ts": message.ts, "text": message.text, "message": message.payload()}


def _post_ephemeral(space: Workspace, args: Json) -> Json:
    channel = _writable(space, args["channel"], direct=False)
    check_message(args)
    if args["user"] not in channel.members:
        raise ApiError("user_not_in_channel")
    if args.get("thread_ts"):
        _thread(space, channel, args["thread_ts"])
    shown = space.post(
        channel.id,
        BOT_USER,
        args["text"],
        args.get("blocks") or [],
        thread_ts=args.get("thread_ts"),
        ephemeral_to=args["user"],
    )
    space.changed("whisper", shown)
    return {"message_ts": shown.ts}


def _permalink(space: Workspace, args: Json) -> Json:
    channel = _known(space, args["channel"])
    message = space.find(channel.id, args["message_ts"])
    if message is None or message.ephemeral_to:
        raise ApiError("message_not_found")
    thread = f"?thread_ts={message.thread_ts}&cid={channel.id}" if message.thread_ts else ""
    address = f"https://{DOMAIN}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}{thread}"
    return {"channel": channel.id, "permalink": address}


def check_message(args: Json) -> None:
    """Raises ApiError for the first limit that a message breaks, all of them in ``errors``."""
    if args.get("blocks") is not None and not isinstance(args["blocks"], list):
        raise ApiError("invalid_blocks_format", broken=True)
    metadata = args.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and metadata.keys() == {"event_type", "event_payload"}):
        raise ApiError("invalid_metadata_format", broken=True)
    _refuse(limits.message_problems(args))


def _refuse(problems: list[Problem]) -> None:
    if problems:
        told = [str(problem) for problem in problems]
        metadata = {"messages": [f"[ERROR] {words}" for words in told]}
        raise ApiError(problems[0].code, broken=True, errors=told, response_metadata=metadata)


def _known(space: Workspace, id_: Any) -> Channel:
    channel = space.channels.get(id_)
    if channel is None or (channel.private and not channel.has_bot):
        raise ApiError("channel_not_found")
    return channel


def _writable(space: Workspace, id_: Any, *, direct: bool = True) -> Channel:
    if direct and id_ in space.users:
        person = space.users[id_]
        if person.bot or person.deleted:
            raise ApiError("cannot_dm_bot" if person.bot else "channel_not_found")
        if not space.messages_tab:
            raise ApiError("messages_tab_disabled")
        return space.direct(id_)
    channel = _known(space, id_)
    if channel.archived:
        raise ApiError("is_archived")
    if not channel.has_bot:
        raise ApiError("not_in_channel")
    return channel


def _message(space: Workspace, channel: Channel, ts: Any) -> Shown:
    """A message that can be edited. A ts that never was, or an ephemeral one, is the bot's mistake."""
    there = [m for m in space.messages if m.channel == channel.id and m.ts == ts]
    if not there or there[0].ephemeral_to:
        raise ApiError("message_not_found", broken=True)
    if there[0].deleted:
        raise ApiError("message_not_found")
    return there[0]


def _thread(space: Workspace, channel: Channel, ts: Any) -> None:
    parent = space.find(channel.id, ts)
    if parent is None or parent.ephemeral_to or parent.thread_ts:
        raise ApiError("cannot_reply_to_message", broken=parent is not None)


def _history(space: Workspace, args: Json) -> Json:
    """Newest first; replies in threads are not in it."""
    channel, most = _known(space, args["channel"]), str(args.get("limit") or "100")
    if not most.isdecimal() or not 0 < int(most) < 1000:
        raise ApiError("invalid_limit", broken=True)
    if not channel.has_bot:
        raise ApiError("not_in_channel")
    there = [m for m in space.messages if m.channel == channel.id and not (m.deleted or m.ephemeral_to or m.thread_ts)]
    return {"messages": [m.payload() for m in reversed(there[-int(most) :])], "has_more": len(there) > int(most)}


# ---------------------------------------------------------------- files


def _announce_file(space: Workspace, args: Json) -> Json:
    raise ApiError("internal_error")  # answered by the files, which alone know their address


def _complete_upload(space: Workspace, args: Json) -> Json:
    files = [_uploaded(space, told) for told in args["files"]]
    if not files:
        raise ApiError("invalid_arguments", broken=True)
    if "channel_id" not in args:
        return {"files": [file.payload() for file in files]}
    if args["channel_id"] in space.users:  # a file takes a conversation's id, not a person's
        raise ApiError("channel_not_found", broken=True)
    channel, thread_ts = _writable(space, args["channel_id"]), args.get("thread_ts")
    if thread_ts is not None:
        _thread(space, channel, thread_ts)
    for file in files:
        file.shared = True
    text = args.get("initial_comment") or ""
    space.post(channel.id, BOT_USER, text, thread_ts=thread_ts, files=tuple(files))
    return {"files": [file.payload() for file in files]}


def _uploaded(space: Workspace, told: Any) -> Upload:
    file = space.uploads.get(told.get("id", "")) if isinstance(told, dict) else None
    if file is None or file.content is None or file.shared:
        raise ApiError("file_not_found", broken=True)
    file.title = str(told.get("title") or file.name)
    return file


# ---------------------------------------------------------------- modals


def _open_view(space: Workspace, args: Json) -> Json:
    trigger = space.triggers.get(args["trigger_id"])
    if trigger is None:
        raise ApiError("invalid_trigger_id", broken=True)
    if trigger.used:
        raise ApiError("exchanged_trigger_id", broken=True)
    if time.monotonic() - trigger.born > TRIGGER_SECONDS:
        raise ApiError("expired_trigger_id", broken=True)
    _refuse(limits.view_problems(args["view"]))
    external = args["view"].get("external_id")
    if external and any(view.open and view.source.get("external_id") == external for view in space.views.values()):
        raise ApiError("duplicate_external_id", broken=True)
    if len(space.stacks.get(trigger.user, [])) >= STACK_DEPTH:
        raise ApiError("push_limit_reached", broken=True)
    trigger.used = True
    return {"view": space.open_view(trigger.user, args["view"]).payload()}


def _update_view(space: Workspace, args: Json) -> Json:
    if ("view_id" in args) == ("external_id" in args):
        raise ApiError("invalid_arguments", broken=True)
    view = _view(space, args)
    _refuse(limits.view_problems(args["view"]))
    if view is None or not view.open:
        raise ApiError("not_found", broken=view is None)
    if args.get("hash") not in (None, view.hash):
        raise ApiError("hash_conflict")
    space.change_view(view, args["view"])
    return {"view": view.payload()}


def _publish_view(space: Workspace, args: Json) -> Json:
    person = space.users.get(args["user_id"])
    if person is None or person.bot or person.deleted:
        raise ApiError("invalid_arguments", errors=["invalid `user_id`"])
    if not space.home_tab:
        raise ApiError("not_enabled")
    _refuse(limits.home_problems(args["view"]))
    before = space.homes.get(person.id)
    if args.get("hash") not in (None, before.hash if before else None):
        raise ApiError("hash_conflict")
    return {"view": space.publish_home(person.id, args["view"]).payload()}


def _view(space: Workspace, args: Json) -> View | None:
    if "view_id" in args:
        return space.views.get(args["view_id"])
    found = [view for view in space.views.values() if view.source.get("external_id") == args["external_id"]]
    return found[-1] if found else None


# ---------------------------------------------------------------- who and where


def _auth_test(space: Workspace, args: Json) -> Json:
    names = {"url": f"https://{DOMAIN}.slack.com/", "team": TEAM_NAME, "user": "patches"}
    return names | {"team_id": TEAM, "user_id": BOT_USER, "bot_id": BOT_ID, "is_enterprise_install": False}


def _users_info(space: Workspace, args: Json) -> Json:
    user = space.users.get(args["user"])
    if user is None:
        raise ApiError("user_not_found")
    return {"user": told_user(user)}


def told_user(user: User) -> Json:
    """A user as users.info tells it. A deactivated one lacks the time zone and the roles, as in Slack."""
    told: Json = {
        "id": user.id,
        "team_id": user.team,
        "name": user.name,
        "deleted": user.deleted,
        "is_bot": user.bot,
        "is_app_user": False,
        "profile": {"real_name": user.real_name or user.name, "display_name": user.name, "team": user.team},
        "updated": 1_700_000_000,
    }
    if user.stranger:
        told["is_stranger"] = True
    if not user.deleted:
        told |= {"real_name": user.real_name or user.name, "tz": "Europe/Berlin", "tz_offset": 3600}
        told |= {"is_admin": False, "is_owner": False, "is_primary_owner": False}
        told |= {"is_restricted": user.guest, "is_ultra_restricted": False}
    return told


def _usergroup_users(space: Workspace, args: Json) -> Json:
    group = _groups(space).get(args["usergroup"])
    if group is None or (group.disabled and not _true(args.get("include_disabled"))):
        raise ApiError("no_such_subteam")
    return {"users": list(group.users)}


def _usergroup_list(space: Workspace, args: Json) -> Json:
    groups = [g for g in _groups(space).values() if not g.disabled or _true(args.get("include_disabled"))]
    return {"usergroups": [_told_group(group, users=_true(args.get("include_users"))) for group in groups]}


def _groups(space: Workspace) -> dict[str, Usergroup]:
    if not space.paid_plan:
        raise ApiError("plan_upgrade_required")
    return space.usergroups


def _told_group(group: Usergroup, *, users: bool) -> Json:
    told: Json = {"id": group.id, "team_id": TEAM, "is_usergroup": True, "name": group.name, "handle": group.handle}
    told |= {"description": "", "is_external": False, "date_delete": int(group.disabled), "auto_type": None}
    return told | {"user_count": len(group.users)} | ({"users": list(group.users)} if users else {})


def _conversation(space: Workspace, args: Json) -> Json:
    channel = _known(space, args["channel"])
    told: Json = {"id": channel.id, "is_archived": channel.archived, "is_private": channel.private}
    if channel.person:
        return {"channel": told | {"is_im": True, "user": channel.person}}
    told |= {"name": channel.name, "name_normalized": channel.name, "is_channel": True, "is_im": False}
    told |= {"is_member": channel.has_bot, "is_general": False, "is_shared": False, "is_ext_shared": False}
    counted = {"num_members": len(channel.members)} if _true(args.get("include_num_members")) else {}
    return {"channel": told | counted}


def _true(value: Any) -> bool:
    return value in (True, "1", "true")


def needed_scope(space: Workspace, method: str, args: Json) -> str:
    """Methods about conversations need another scope for each type of conversation."""
    scope = METHODS[method].scope
    if not scope.startswith("channels:"):
        return scope
    channel = space.channels.get(args.get("channel", ""))
    if channel is None or not channel.private:
        return scope
    return scope.replace("channels", "im" if channel.person else "groups")


def _connections_open(space: Workspace, args: Json) -> Json:
    raise ApiError("internal_error")  # answered by the sockets, which alone know their address


_WRITING = frozenset({"text", "blocks", "thread_ts", "parse", "link_names", "unfurl_links", "unfurl_media", "mrkdwn"})
METHODS = {
    "auth.test": Method(_auth_test, token="", json=True),
    "apps.connections.open": Method(_connections_open, scope="connections:write", token="xapp", per_minute=50),  # noqa: S106 a prefix
    "chat.postMessage": Method(
        _post_message, frozenset({"channel"}), _WRITING | {"reply_broadcast", "metadata"}, "chat:write", json=True
    ),
    "chat.update": Method(
        _update,
        frozenset({"channel", "ts"}),
        (_WRITING | {"metadata"}) - {"thread_ts"},
        "chat:write",
        json=True,
        per_minute=50,
    ),
    "chat.postEphemeral": Method(_post_ephemeral, frozenset({"channel", "user"}), _WRITING, "chat:write", json=True),
    "chat.getPermalink": Method(_permalink, frozenset({"channel", "message_ts"})),
    "views.open": Method(_open_view, frozenset({"trigger_id", "view"}), json=True),
    "views.update": Method(_update_view, frozenset({"view"}), frozenset({"view_id", "external_id", "hash"}), json=True),
    "views.publish": Method(_publish_view, frozenset({"user_id", "view"}), frozenset({"hash"}), json=True),
    "users.info": Method(_users_info, frozenset({"user"}), frozenset({"include_locale"}), "users:read"),
    "usergroups.users.list": Method(
        _usergroup_users,
        frozenset({"usergroup"}),
        frozenset({"include_disabled"}),
        "usergroups:read",
        per_minute=20,
    ),
    "usergroups.list": Method(
        _usergroup_list,
        optional=frozenset({"include_count", "include_disabled", "include_users"}),
        scope="usergroups:read",
        per_minute=20,
    ),
    "conversations.history": Method(
        _history,
        frozenset({"channel"}),
        frozenset({"cursor", "inclusive", "include_all_metadata", "latest", "limit", "oldest"}),
        "channels:history",
        per_minute=50,
    ),
    "files.getUploadURLExternal": Method(
        _announce_file, frozenset({"filename", "length"}), frozenset({"alt_txt", "snippet_type"}), "files:write"
    ),
    "files.completeUploadExternal": Method(
        _complete_upload,
        frozenset({"files"}),
        frozenset({"channel_id", "thread_ts", "initial_comment"}),
        "files:write",
        json=True,
    ),
    "conversations.info": Method(
        _conversation,
        frozenset({"channel"}),
        frozenset({"include_locale", "include_num_members"}),
        "channels:read",
        per_minute=50,
    ),
}
