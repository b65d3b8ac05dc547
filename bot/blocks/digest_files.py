"""A digest's files: what they are called, and what is said about them."""

import re
from datetime import UTC

from bot.blocks import text
from bot.digests import Digest, DigestPlan
from bot.model import File, Message

FORBIDDEN = (
    "The list cannot be sent: the bot lacks the scope `files:write`. Whoever looks after the Slack app adds it and "
    "installs the app anew; `patches-bot check` tells how."
)
ALT = 1000  # characters of a file's alt text that Slack takes
_ODD = re.compile(r"[^\w.-]+")


def name_of(digest: Digest, kind: str) -> str:
    """As in "daily-2025-03-14-0800.csv"; the time is UTC."""
    plan = _ODD.sub("-", digest.plan).strip("-.")[:60] or "digest"
    return f"{plan}-{digest.slot.astimezone(UTC):%Y-%m-%d-%H%M}.{kind}"


def whole_list(digest: Digest, content: bytes) -> File:
    rows = len(digest.new) + len(digest.still) + len(digest.recovered)
    return File(name_of(digest, "csv"), content, f"{digest.plan}: the whole list ({text.plural(rows, 'row')})")


def picture(digest: Digest, plan: DigestPlan, png: bytes, told: tuple[str, str]) -> File:
    """``told``: its title, and what it shows in words. Both say what the plan leaves out."""
    title, alt = told
    if asked := _asked(plan):
        title, alt = f"{title}: {text.cut(asked, 150)}", text.cut(f"Only {asked}. {alt}", ALT)
    return File(name_of(digest, "png"), png, title, alt)


def _asked(plan: DigestPlan) -> str:
    """As in "servers, clients Contoso*"; plain text, empty when the plan asks for all."""
    kind = [f"{plan.kind}s"] if plan.kind else []
    named = (("clients", plan.clients), ("applications", plan.applications))
    asked = [*kind, *(f"{what} {text.listed(list(globs), 5)}" for what, globs in named if globs)]
    return text.line(", ".join(asked))


def missing(file: File, why: str) -> Message:
    """In the thread, in place of a file. ``why``: safe mrkdwn."""
    what = "The picture" if file.alt else "The list"
    return Message(f"⚠️ {what} could not be put here: {why} The digest itself is complete.")


def handed(digest: Digest) -> Message:
    """The direct message that the list comes with."""
    return Message(f"The whole list of the digest {text.name(digest.plan)} of {text.when(digest.slot)}:")


def just_sent() -> Message:
    return Message("The whole list was sent to you just now: it is in your direct messages from this app.")


def sent() -> Message:
    return Message("The whole list is in your direct messages from this app.")
