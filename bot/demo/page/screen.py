"""What one person has on their screen, as JSON for the browser."""

from typing import Any

from bot.commands import FORMS
from bot.demo.setting import Setting
from bot.demo.slack import Channel, Shown, User, View
from bot.demo.slack.model import BOT_USER
from bot.demo.slack.workspace import Workspace

# Who can be played, and what the page says of them.
ROLES = {
    "bob": "help desk; may approve what others ask for",
    "ann": "patch team; approves",
    "carl": "patch team; approves",
    "dave": "a colleague without any right",
    "gina": "a guest",
}


def whole(scene: Setting, person: User) -> dict[str, Any]:
    """Everything at once: who is who, the channels, the messages, open modals, the app's Home, the time."""
    space = scene.world.slack.space
    return {
        "people": [
            {"id": user.id, "name": user.name, "real": user.real_name, "role": ROLES[user.name]}
            for user in actors(space)
        ],
        "names": {user.id: user.name for user in space.users.values()},
        "groups": {group.id: group.handle for group in space.usergroups.values()},
        "channels": [_channel(channel, person) for channel in _channels(space, person)],
        "messages": [message(shown) for shown in space.visible(person.id)],
        "views": views_of(space, person),
        "home": home_of(space, person),
        "clock": clock(scene),
        "commands": [form._asdict() for form in FORMS.values()],
    }


def actors(space: Workspace) -> list[User]:
    return [space.user(name) for name in ROLES]


def clock(scene: Setting) -> dict[str, Any]:
    """The simulated time, and what has reached N-sight that changes something there."""
    world = scene.world
    retries = [
        {"device": retry.device_id, "ids": list(retry.ids), "at": retry.at.timestamp()}
        for retry in world.nsight.retries[-5:]
    ]
    return {"now": world.clock.now().timestamp(), "speed": world.clock.speed, "retries": retries}


def message(shown: Shown) -> dict[str, Any]:
    """A message as the browser draws it; of a deleted one its id alone."""
    if shown.deleted:
        return {"id": shown.ts, "deleted": True}
    return {
        "id": shown.ts,
        "channel": shown.channel,
        "thread": shown.thread_ts,
        "user": shown.user,
        "app": shown.user == BOT_USER,
        "at": shown.at.timestamp(),
        "text": shown.text,
        "blocks": shown.blocks,
        "edits": len(shown.edits),
        "private": shown.ephemeral_to is not None,
        "files": [file.payload() for file in shown.files],
    }


def views_of(space: Workspace, person: User) -> list[dict[str, Any]]:
    """The modals on a person's screen, the one on top last."""
    return [_view(view) for view in space.stacks.get(person.id, [])]


def home_of(space: Workspace, person: User) -> dict[str, Any] | None:
    """The app's Home as this person sees it."""
    view = space.homes.get(person.id)
    return {"id": view.id, "hash": view.hash, "blocks": view.blocks} if view else None


def _view(view: View) -> dict[str, Any]:
    ends = {name: view.source[name]["text"] for name in ("submit", "close") if name in view.source}
    shown = {"id": view.id, "hash": view.hash, "title": view.title, "blocks": view.blocks}
    return shown | ends | {"values": view.values, "errors": view.errors}


def _channels(space: Workspace, person: User) -> list[Channel]:
    """Where the bot is and this person too; the direct message last."""
    shared = [one for one in space.channels.values() if not one.person and {BOT_USER, person.id} <= one.members]
    return [*sorted(shared, key=lambda one: one.name), space.direct(person.id)]


def _channel(channel: Channel, person: User) -> dict[str, Any]:
    return {"id": channel.id, "name": channel.name, "direct": channel.person == person.id}
