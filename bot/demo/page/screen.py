"""What one person has on their screen, as JSON for the browser."""

from typing import Any, NamedTuple

from bot.commands import FORMS
from bot.demo.setting import Setting
from bot.demo.slack import Channel, Shown, User, View
from bot.demo.slack.model import BOT_USER, DOMAIN
from bot.demo.slack.workspace import Workspace


class Role(NamedTuple):
    """What the page says of somebody who can be played: a word beside the name, and a sentence."""

    tag: str
    sentence: str


ROLES = {
    "bob": Role("requester", "Help desk. Asks for retries."),
    "ann": Role("approver", "Patch team. Approves or denies what somebody else asks for."),
    "carl": Role("approver", "Patch team. The second approver where a rule asks for two."),
    "dave": Role("outsider", "A colleague with no right here. Sees the channels; is told no, and why."),
    "gina": Role("guest", "A guest of the workspace. Sees two channels, and may do nothing."),
}
# What each channel is for in the demo, by its name; of the app's own place by none.
TOPICS = {
    "helpdesk": "Where the help desk works. Ask Patches here.",
    "patch-approvals": "Requests wait here for a second pair of eyes.",
    "patch-news": "The digest of what failed to install.",
    "": "What waits for you, and what is for your eyes alone.",
}


def whole(scene: Setting, person: User) -> dict[str, Any]:
    """Everything at once: which demo it is, who is who, the channels, the messages, open modals, the app's Home, the
    time."""
    space = scene.world.slack.space
    return {
        "run": scene.run,
        "address": f"https://{DOMAIN}.slack.com",
        "people": [
            {"id": user.id, "name": user.name, "tag": role.tag, "role": role.sentence}
            for user, role in zip(actors(space), ROLES.values(), strict=True)
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
    """The simulated time: ``now`` in seconds since 1970, and how many of its seconds go by in one."""
    time = scene.world.clock
    return {"now": time.now().timestamp(), "speed": time.speed}


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
    waits = bool(view.source.get("submit_disabled"))
    return shown | ends | {"waits": waits, "values": view.values, "errors": view.errors}


def _channels(space: Workspace, person: User) -> list[Channel]:
    """Where the bot is and this person too; the direct message last."""
    shared = [one for one in space.channels.values() if not one.person and {BOT_USER, person.id} <= one.members]
    return [*sorted(shared, key=lambda one: one.name), space.direct(person.id)]


def _channel(channel: Channel, person: User) -> dict[str, Any]:
    direct = channel.person == person.id
    topic = TOPICS.get("" if direct else channel.name, "")
    return {"id": channel.id, "name": channel.name, "direct": direct, "topic": topic}
