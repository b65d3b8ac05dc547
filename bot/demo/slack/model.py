"""What a workspace holds: people, channels, messages, modals. Plain mutable values; the rules are elsewhere."""

import mimetypes
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from bot.demo.slack import words
from bot.demo.slack.shapes import Json

TEAM, TEAM_NAME, DOMAIN = "T0ACME", "Acme IT", "acme-it"
OTHER_TEAM = "T0NORTHWIND"
APP, BOT_USER, BOT_ID = "A0PATCHES", "U0PATCHES", "B0PATCHES"
GUIDE = "USLACKBOT"  # who tells a person what Slack itself has to say


@dataclass
class User:
    """A person or bot. ``name`` is the short one that tests use."""

    id: str
    name: str
    real_name: str = ""
    team: str = TEAM
    deleted: bool = False
    bot: bool = False
    guest: bool = False
    stranger: bool = False  # Slack Connect: belongs to another organisation


@dataclass
class Channel:
    """A channel, or a direct message between the bot and ``person``."""

    id: str
    name: str
    members: set[str]
    private: bool = False
    archived: bool = False
    person: str = ""

    @property
    def has_bot(self) -> bool:
        return BOT_USER in self.members


@dataclass
class Usergroup:
    id: str
    handle: str
    name: str
    users: list[str]
    disabled: bool = False


class Version(NamedTuple):
    """A message as it was before an edit."""

    text: str
    blocks: list[Json]


@dataclass(eq=False)
class Upload:
    """A file on its way: ``content`` is None until it came, ``shared`` once it is in a channel."""

    id: str
    name: str
    length: int
    alt: str = ""
    title: str = ""
    content: bytes | None = None
    shared: bool = False

    @property
    def mime(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"

    def payload(self) -> Json:
        """The file as Slack tells it in a message (docs.slack.dev/reference/objects/file-object)."""
        told: Json = {"id": self.id, "name": self.name, "title": self.title, "mimetype": self.mime, "size": self.length}
        return told | ({"alt_txt": self.alt} if self.alt else {})


@dataclass(eq=False)
class Shown:
    """A message on somebody's screen; edits change it in place and keep what it was in ``edits``."""

    channel: str
    ts: str
    user: str
    text: str
    blocks: list[Json]
    at: datetime
    thread_ts: str | None = None
    ephemeral_to: str | None = None
    deleted: bool = False
    edits: list[Version] = field(default_factory=list)
    looked: int = 0  # how many versions a test has looked at
    metadata: Json | None = None
    files: tuple[Upload, ...] = ()
    naming: words.Naming = field(default=str, repr=False)

    def __repr__(self) -> str:
        where = (
            f"{self.naming(self.channel)}{' only to ' + self.naming(self.ephemeral_to) if self.ephemeral_to else ''}"
        )
        return f"<{where} {self.ts}{' (deleted)' if self.deleted else ''}: {self.plain!r}>"

    @property
    def screen(self) -> str:
        """What is on the screen: the words of the blocks, or the text when there are none, and the files' titles."""
        files = [f"📎 {file.title} ({file.name})" for file in self.files]
        if not self.blocks:
            return "\n".join(filter(None, [words.plain(self.text, self.naming), *files]))
        return "\n".join([*words.lines(self.blocks, self.naming), *files])

    @property
    def plain(self) -> str:
        """All words, the notification's text included, as plain text."""
        return "\n".join(dict.fromkeys([words.plain(self.text, self.naming), self.screen]))

    @property
    def buttons(self) -> list[str]:
        return [words.button_text(button) for button in words.buttons(self.blocks)]

    @property
    def versions(self) -> int:
        return len(self.edits) + 1

    @property
    def unread(self) -> bool:
        return not self.deleted and self.looked == 0

    def payload(self) -> Json:
        """The message as Slack tells it in answers and interaction payloads."""
        base = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": TEAM}
        base |= {"bot_id": BOT_ID, "app_id": APP} if self.user == BOT_USER else {}
        files = [file.payload() for file in self.files]
        optional = {"blocks": self.blocks, "thread_ts": self.thread_ts, "metadata": self.metadata, "files": files}
        edited = {"edited": {"user": BOT_ID, "ts": self.ts}} if self.edits else {}
        return base | {name: value for name, value in optional.items() if value} | edited


@dataclass(eq=False)
class View:
    """A modal on somebody's screen, or the app's Home as this person sees it, which has no title. ``values`` is what it
    holds, as in ``view.state.values``."""

    id: str
    user: str
    source: Json
    hash: str
    root: str
    previous: str | None = None
    open: bool = True
    values: dict[str, dict[str, Json]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    naming: words.Naming = field(default=str, repr=False)
    versions: int = 1

    @property
    def blocks(self) -> list[Json]:
        found: list[Json] = self.source["blocks"]
        return found

    @property
    def title(self) -> str:
        return str(self.source["title"]["text"]) if "title" in self.source else ""

    @property
    def callback_id(self) -> str:
        return str(self.source.get("callback_id", ""))

    @property
    def screen(self) -> str:
        ends = [self.source[name]["text"] for name in ("submit", "close") if name in self.source]
        title = [self.title] if self.title else []
        return "\n".join([*title, *words.lines(self.blocks, self.naming), *(f"[{end}]" for end in ends)])

    @property
    def plain(self) -> str:
        return self.screen

    @property
    def buttons(self) -> list[str]:
        return [words.button_text(button) for button in words.buttons(self.blocks)]

    def chosen(self, block_id: str) -> list[str]:
        """The values of the options that are chosen in a select of an input block."""
        [state] = self.values[block_id].values() or [{}]
        one = state.get("selected_option")
        many = state.get("selected_options") or ([one] if one else [])
        return [str(option["value"]) for option in many]

    @property
    def inputs(self) -> list[str]:
        """The labels of its input blocks."""
        return [str(block["label"]["text"]) for block in self.blocks if block["type"] == "input"]

    def payload(self) -> Json:
        """The view as Slack tells it (docs.slack.dev/reference/interaction-payloads/view-interactions-payload)."""
        told: Json = {"private_metadata": "", "callback_id": "", "external_id": "", "close": None, "submit": None}
        told |= {"clear_on_close": False, "notify_on_close": False, "submit_disabled": False} | self.source
        told |= {"id": self.id, "hash": self.hash, "team_id": TEAM, "state": {"values": deepcopy(self.values)}}
        told |= {"root_view_id": self.root, "previous_view_id": self.previous, "bot_id": BOT_ID, "app_id": APP}
        return told | {"app_installed_team_id": TEAM}


@dataclass
class Trigger:
    """Lets the bot open one modal for ``user``. ``born``: time.monotonic(), since people wait in real time."""

    user: str
    born: float
    used: bool = False


@dataclass(frozen=True)
class Call:
    """One Web API or response_url call as it arrived; ``args`` without the token, ``error`` empty when all was well."""

    method: str
    args: Json
    at: datetime
    answer: Any

    @property
    def error(self) -> str:
        return "" if self.answer is None or self.answer.get("ok") else str(self.answer.get("error"))


@dataclass
class Envelope:
    """One delivery to the bot: over a socket, or as a POST. ``acked`` is None until the bot has answered."""

    id: str
    type: str
    payload: Json
    at: datetime
    connection: int = 0
    acked: Json | None = None
    late: bool = False
