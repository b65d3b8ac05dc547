"""The short answers: help, status, direct messages on or off, the digests and when they come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.blocks import text, trail
from bot.commands import FORMS
from bot.model import Message

# ---------------------------------------------------------------- help

_NOTES = {
    "recent": "Without options: what failed in the last 7 days. `app:` takes part of an application's or developer's "
    "name, `status:` one of ESET's names such as `FAILED_DOWNLOAD_ERROR`, `since:` a span such as `90m` or `30d`: more "
    "than `7d` is told from what the bot has kept, which are finished attempts only. *By application* shows each one's "
    "course, *Export CSV* sends you all that is asked for. N-sight's view is shown only and has no *Export CSV*.",
    "retry": "DEVICE is an N-sight device id or a full device name, in quotes when it has spaces. IDS are patch ids "
    "with commas or spaces between them, or the word `failed` for all that failed. What follows is the reason; `--` "
    "before it lets it begin with a number. Nothing is sent before somebody else approves.",
    "device": "DEVICE is an N-sight device id or a full device name, in quotes when it has spaces; its domain part may "
    "be left out.",
    "devices": "TEXT is part of a device's name, its client or its site, or an id; several parts in any order. The 20 "
    "best are shown, each with the id that the other commands take.",
    "pending": "Oldest first, each with a link to its card, where approvers press Approve or Deny. What is approved "
    "and waits for its maintenance window is listed too.",
    "history": "Newest first, each with a link to its card. Without a device: the requests of all devices.",
    "digest": "`list` shows this channel's own first, `list NAME` those of that name, in which `*` stands for a part. "
    "`now` posts what the next scheduled digest would cover so far; the schedule is not touched. "
    '`add NAME "CRON" [ZONE]` subscribes the channel in which it is typed, once an hour at most; behind it `app:` and '
    "`client:` (a whole name, or with `*`: other than in `recent`, a part alone fits nothing), `kind:server` and "
    "`by:client` narrow and group it, `picture:14d` or `30d` adds the picture. `pause`, `resume` and `remove` are for "
    "subscriptions; the channel and whoever subscribed hear of it. The digests in patches.toml are changed there.\n"
    'Example: `/patches digest add contoso "0 8 * * 1-5" Europe/Berlin client:Contoso* app:*Adobe*`',
    "silence": "APP is an application's whole name, in quotes when it has spaces; `*` stands for any part of it, `\\*` "
    "for an asterisk in the name itself. "
    "`status:` (one of ESET's names), `client:` and `version:` narrow it. From `1h` to `400d`; what follows is the "
    "reason, which `--` may come before. Digests count what is silenced; an equal silence takes the place of the one "
    "before.",
    "silences": "The newest first, each with its number and a button that ends it.",
    "unsilence": "ID is the number in `/patches silences`. From the next digest on the application is told again.",
    "notify": "Alone it tells how it stands. It is about direct messages on decisions and outcomes only: a warning "
    "that your request's card could not be shown still comes.",
    "status": "Also how fresh what the bot knows is.",
    "help": "With a command's name: more about that one.",
}


def help(topic: str = "") -> Message:  # noqa: A001  the sub-command's own name
    """All commands with examples, or one of them with what is to know about it. ``topic``: a key of FORMS or empty."""
    topics = [topic] if topic in FORMS else list(FORMS)
    blocks: list[Block] = [text.header(f"/patches {topic}" if topic in FORMS else "What you can type")]
    for one in topics:
        form = FORMS[one]
        lines = [f"{text.code(form.usage, 120)}\n{form.does[0].upper()}{form.does[1:]}."]
        if form.example != form.usage:
            lines.append(f"Example: {text.code(form.example, 120)}")
        if topic in FORMS:
            lines.append(_NOTES[one])
        blocks.append(text.section("\n".join(lines)))
    if topic not in FORMS:
        blocks.append(text.context("From a failure to a fix without leaving Slack, with two people's names on it."))
    words = "; ".join(f"/patches {one}: {FORMS[one].does}" for one in topics)
    return text.message(words, blocks)


# ---------------------------------------------------------------- status


@dataclass(frozen=True, slots=True)
class Health:
    """State of one service as last seen: ``ok`` None when it has not been asked yet; ``words`` is safe mrkdwn."""

    service: str
    ok: bool | None
    words: str = ""
    at: datetime | None = None


def status(
    services: Sequence[Health],
    *,
    version: str,
    last_digest: tuple[str, datetime] | None = None,
    collected_at: datetime | None = None,
    inventory_at: datetime | None = None,
    waiting: int = 0,
    audited: tuple[int, str] | None = None,
) -> Message:
    """The services, how fresh what the bot knows is, the last digest, the audit trail's rows and head, the version."""
    facts = [
        f"*Attempts collected from ESET:* {_at(collected_at)}",
        f"*Devices read from N-sight:* {_at(inventory_at)}",
        f"*Last scheduled digest:* {text.name(last_digest[0])}, {text.when(last_digest[1])}"
        if last_digest
        else ("*Last scheduled digest:* none posted yet"),
        f"*Waiting for approval:* {text.plural(waiting, 'request')}",
        *([trail.line(*audited)] if audited else []),
    ]
    trouble = [health.service for health in services if health.ok is False]
    fine = "All is well" if all(health.ok for health in services) else "No trouble known"
    verdict = f"Trouble with {text.listed(trouble)}" if trouble else fine
    blocks: list[Block] = [
        text.header(verdict),
        text.section("\n".join(_health(health) for health in services)),
        text.section("\n".join(facts)),
        text.context(*([trail.hint(audited[1])] if audited else []), f"Patches {text.name(version)}"),
    ]
    return text.message(f"{verdict}. Patches {text.name(version)}", blocks)


def _health(health: Health) -> str:
    words = {True: "✅ {} works", False: "❌ {} does not work", None: "❔ {} has not been asked yet"}[health.ok]
    sentence = words.format(f"*{text.name(health.service)}*")
    if health.words:
        sentence += f": {health.words}"
    return f"{sentence} ({text.when(health.at)})" if health.at else sentence


def _at(moment: datetime | None) -> str:
    return text.when(moment) if moment else "not yet"


# ---------------------------------------------------------------- direct messages


def notify(*, muted: bool) -> Message:
    """The private answer to ``/patches notify``: how it stands now."""
    if muted:
        words = "🔕 Direct messages about your requests are off. Their cards still show everything; "
        return text.sentence(words + "`/patches notify on` turns them on again.")
    words = "🔔 Direct messages about your requests are on: you hear each decision and outcome. "
    return text.sentence(words + "`/patches notify off` turns them off; the cards show everything all the same.")


# ---------------------------------------------------------------- digests


def digest_posted(name: str, channel: str) -> Message:
    """The private answer to ``/patches digest now``."""
    words = f"✅ The digest {text.name(name)} was posted in {text.channel(channel)}. The schedule stays as it is."
    return text.sentence(words)
