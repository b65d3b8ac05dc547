"""What all blocks share: safe text, times, people, and the words for what a status or state means."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ContextBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.commands import patch_state, patch_words
from bot.markup import clean, code, cut, escape, fit, line, listed, name, plural, shorten
from bot.model import Attempt, Message, Outcome, State

__all__ = [
    "DATED",
    "DATE_TIME",
    "STATUS",
    "Words",
    "button",
    "channel",
    "clean",
    "code",
    "context",
    "cut",
    "escape",
    "fit",
    "header",
    "line",
    "listed",
    "mention",
    "message",
    "name",
    "outcome_words",
    "patch_state",
    "patch_words",
    "plural",
    "section",
    "sentence",
    "shorten",
    "span",
    "state_words",
    "when",
]

DATE_TIME = "{date_short_pretty} {time}"
# For what is to come, in a message that is still read when it has passed: "the next digest yesterday" reads wrong.
DATED = "{date_short} {time}"


class Words(NamedTuple):
    """What a status means: an emoji, the words that always stand beside it, and what usually helps (or empty)."""

    emoji: str
    words: str
    hint: str = ""

    def __str__(self) -> str:
        return f"{self.emoji} {self.words}"


# The vendor's page "List recent application patching details" (old enum) and the newer PatchingStatus.
STATUS = {
    "OK_INSTALLED": Words("✅", "Installed"),
    "OK_RESTART_REQUIRED": Words("🔄", "Installed, restart required", "restart the device"),
    "FAILED_TERMINATION_REQUIRED": Words("❌", "Application must be closed first", "close the application, then retry"),
    "FAILED_UNINSTALL_REQUIRED": Words(
        "❌", "Old version must be uninstalled first", "uninstall the old version, then retry"
    ),
    "FAILED_DOWNLOAD_ERROR": Words("❌", "Download failed", "check the device's internet access and proxy, then retry"),
    "FAILED_INSTALLER_CORRUPTED": Words(
        "❌", "Installer arrived damaged", "retry; if it comes back, look for a filter that changes downloads"
    ),
    "FAILED_PREPARE_ERROR": Words("❌", "Installer could not be prepared", "free some disk space, then retry"),
    "NOT_APPLICABLE": Words("➖", "Not applicable", "already patched, or no longer installed"),
    "AVAILABLE": Words("📦", "Available, not started"),
    "SCHEDULED": Words("🕒", "Scheduled, not started"),
    "UNSPECIFIED": Words("❔", "No status given"),
}

_STATES = {
    State.PENDING: Words("🕒", "waiting for approval"),
    State.APPROVED: Words("👍", "approved, about to be sent"),
    State.SENDING: Words("📤", "being sent to N-sight"),
    State.QUEUED: Words("⏳", "queued in N-sight"),
    State.UNKNOWN: Words("❔", "unknown whether it reached N-sight"),
    State.FINISHED: Words("🏁", "finished"),
    State.DENIED: Words("⛔", "denied"),
    State.WITHDRAWN: Words("↩️", "withdrawn"),
    State.EXPIRED: Words("⌛", "expired"),
    State.REJECTED: Words("🚫", "not carried out"),
    State.CLOSED: Words("📁", "closed with an unknown outcome"),
}

_EMOJI = {Outcome.FAILED: "❌", Outcome.OK: "✅", Outcome.OTHER: "❔"}


def outcome_words(status: str) -> Words:
    """Words for a vendor status without its prefix (``Attempt.status``); an unknown one is made readable, escaped."""
    if known := STATUS.get(status):
        return known
    readable = name(status.replace("_", " ").strip().capitalize(), 40) or "No status given"
    return Words(_EMOJI[Attempt(raw_status=status).outcome], readable, "a status this bot does not know")


def state_words(state: State) -> Words:
    """Words for a retry request's state, to follow a name: "waiting for approval"."""
    return _STATES[state]


def when(instant: datetime, style: str = DATE_TIME) -> str:
    """A Slack date token: each reader sees local time; where it is not rendered, UTC stands."""
    fallback = instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(instant.timestamp())}^{style}|{fallback}>"


def span(length: timedelta) -> str:
    """A length of time in the largest unit that fits evenly: "7 days", "90 minutes"."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0 and seconds >= size:
            return plural(seconds // size, unit)
    return plural(seconds, "second")


def mention(who: str) -> str:
    """A user id or usergroup id as a mention; anything else as plain, escaped text."""
    if re.fullmatch("[UW][A-Z0-9]{1,30}", who):
        return f"<@{who}>"
    if re.fullmatch("S[A-Z0-9]{1,30}", who):
        return f"<!subteam^{who}>"
    return name(who)


def channel(where: str) -> str:
    """A channel id as a link that each reader sees by name; anything else as plain, escaped text."""
    return f"<#{where}>" if re.fullmatch("[CG][A-Z0-9]{1,30}", where) else name(where)


# ---------------------------------------------------------------- blocks


def header(text: str) -> HeaderBlock:
    """Plain text, cut to Slack's 150 characters; it needs no escaping, since plain text cannot mention."""
    return HeaderBlock(text=PlainTextObject(text=cut(line(text), 140), emoji=True))


def section(text: str, accessory: ButtonElement | None = None) -> SectionBlock:
    """A paragraph of safe mrkdwn. ``verbatim``: Slack must not find links or names in it by itself."""
    return SectionBlock(text=MarkdownTextObject(text=fit(text, 3000), verbatim=True), accessory=accessory)


def context(*texts: str) -> ContextBlock:
    """Small print: up to ten pieces of safe mrkdwn."""
    return ContextBlock(elements=[MarkdownTextObject(text=fit(text, 2000), verbatim=True) for text in texts])


def button(text: str, action_id: str, value: str, style: str | None = None) -> ButtonElement:
    """A button whose ``value`` carries an id only: what it does is read from the database, never from the payload."""
    return ButtonElement(text=PlainTextObject(text=text, emoji=True), action_id=action_id, value=value, style=style)


def sentence(words: str) -> Message:
    """A whole answer in one paragraph of safe mrkdwn, such as a ``Refused`` sentence."""
    return message(fit(words, 3000), [section(words)])


def message(text: str, blocks: Sequence[Block]) -> Message:
    """``text`` is what notifications and screen readers get; it stands for the blocks."""
    return Message(text, tuple(block.to_dict() for block in blocks))
