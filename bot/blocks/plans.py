"""The digests there are, when each comes next, and what was done about one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from slack_sdk.models.blocks import Block

from bot.blocks import text
from bot.digests import DigestPlan
from bot.model import Message

LISTED, NAMED = 10, 60  # digests in one answer with their particulars, and by name alone
PARTICULARS = 350  # characters of one
_NONE = (
    "No digest is configured.",
    "Whoever runs the bot adds one as `[[digests]]` to patches.toml, or `/patches digest add` subscribes a channel.",
)
_REFUSALS = {
    "not_in_channel": "the bot is not in the channel, `/invite @Patches` there brings it back",
    "channel_not_found": "there is no such channel, or it is private and the bot is not in it",
    "is_archived": "the channel is archived",
}
_MORE = (
    "`/patches digest list NAME` lists those of that name, in which `*` stands for any part of it; "
    "`/patches digest now NAME` posts one now; `/patches help digest` tells how to subscribe a channel to one."
)


@dataclass(frozen=True, slots=True)
class Coming:
    """A digest, when it comes next, and the slot of its last one. ``refused``: with which code, and since when, Slack
    takes no post."""

    plan: DigestPlan
    next_at: datetime
    last_at: datetime | None = None
    refused: tuple[str, datetime] | None = None


def listed(plans: Sequence[Coming], hidden: Sequence[DigestPlan] = ()) -> Message:
    """The digests and when each comes next. ``hidden``: subscriptions whose name one of the file's has too."""
    aside = [text.context(*map(_hidden, hidden[:3]))] if hidden else []
    if not plans:
        return text.message(_NONE[0], [text.section(f"🔍 {' '.join(_NONE)}")])
    blocks: list[Block] = [text.header("Digests"), *(text.section(_line(one)) for one in plans[:LISTED])]
    if rest := plans[LISTED:]:
        names = text.listed([text.code(one.plan.name, 40) for one in rest], NAMED)
        blocks.append(text.context(f"and {len(rest):,} more: {names}"))
    return text.message(text.plural(len(plans), "digest"), [*blocks, *aside, text.context(_MORE)])


def _line(coming: Coming) -> str:
    plan = coming.plan
    last = f"last {text.when(coming.last_at)}" if coming.last_at else "none posted yet"
    following = "⏸️ paused" if plan.paused else f"next {_both(coming.next_at, plan.timezone)}"
    schedule = f"{text.code(plan.cron, 60)} {text.name(plan.timezone, 40)}"
    head = f"*{text.name(plan.name)}* in {text.channel(plan.channel)}: {following}, {last} · {schedule}"
    return "\n".join(filter(None, (head, _refused(coming), text.fit(" · ".join(_particulars(plan)), PARTICULARS))))


def _refused(coming: Coming) -> str:
    if coming.refused is None:
        return ""
    code, since = coming.refused
    return f"⚠️ It could not be posted since {text.when(since)}: {_why(code)}."


def _why(code: str) -> str:
    """What Slack's error code means for a channel; safe mrkdwn."""
    return _REFUSALS.get(code) or f"Slack refuses with {text.code(code, 60)}"


def _both(at: datetime, zone: str) -> str:
    """As the reader's clock shows it, and as the plan's does."""
    return f"{text.when(at)} ({at.astimezone(ZoneInfo(zone)):%a %Y-%m-%d %H:%M} {text.name(zone, 40)})"


def _particulars(plan: DigestPlan) -> list[str]:
    """What makes it different from one that tells everything; who made it."""
    told = [
        *_named("client", plan.clients),
        *_named("application", plan.applications),
        *_named("reason", plan.reasons),
        *([f"{plan.kind}s only"] if plan.kind else []),
        *([f"by {plan.group_by}"] if plan.group_by != "application" else []),
        *([f"picture of {plan.picture} days"] if plan.made_by and plan.picture else []),
        *([f"quiet {text.listed([text.code(one, 30) for one in plan.quiet], 5)}"] if plan.quiet else []),
        *(["silent when nothing failed or recovered"] if not plan.post_when_empty else []),
    ]
    return [*told, *([f"subscribed by {text.mention(plan.made_by)}"] if plan.made_by else [])]


def _named(what: str, globs: Sequence[str]) -> list[str]:
    return [f"{what} {text.listed([text.code(one, 40) for one in globs], 3)}"] if globs else []


def _hidden(plan: DigestPlan) -> str:
    words = f"⚠️ The subscription {text.code(plan.name, 40)} in {text.channel(plan.channel)} is not posted: patches.toml"
    return f"{words} has a digest of that name, which wins. {_ends(plan)}"


def _ends(plan: DigestPlan) -> str:
    return f"{text.code(f'/patches digest remove {plan.name}', 80)} ends it."


# ---------------------------------------------------------------- what was done


def subscribed(coming: Coming, doubts: Sequence[str] = ()) -> Message:
    """The private answer to ``/patches digest add``. ``doubts``: safe sentences, empty ones are left out."""
    plan = coming.plan
    first = ", ".join([f"first {_both(coming.next_at, plan.timezone)}", *_particulars(plan)[:-1]])  # who, they know
    words = f"✅ {text.channel(plan.channel)} is subscribed to the digest {text.code(plan.name, 40)}: {first}."
    return text.sentence(" ".join([words, *(f"⚠️ {doubt}" for doubt in doubts if doubt), _ends(plan)]))


def removed(plan: DigestPlan, *, instead: bool) -> Message:
    """``instead``: the file has one of that name, which goes on."""
    words = f"✅ The digest {text.code(plan.name, 40)} in {text.channel(plan.channel)} is no longer posted."
    more = " The digest of that name in patches.toml goes on." if instead else ""
    return text.sentence(f"{words}{more}")


def paused(plan: DigestPlan) -> Message:
    words = f"⏸️ The digest {text.code(plan.name, 40)} in {text.channel(plan.channel)} is paused."
    return text.sentence(f"{words} {text.code(f'/patches digest resume {plan.name}', 80)} lets it come again.")


def resumed(coming: Coming) -> Message:
    plan = coming.plan
    words = f"▶️ The digest {text.code(plan.name, 40)} comes again: {_both(coming.next_at, plan.timezone)}."
    return text.sentence(f"{words} It tells what has happened since the last one.")


def unchanged(coming: Coming) -> Message:
    """The private answer to a pause or its end when it was so already."""
    name = text.code(coming.plan.name, 40)
    if coming.plan.paused:
        return text.sentence(f"⏸️ The digest {name} is paused already. Nothing was done.")
    following = f"it comes next {_both(coming.next_at, coming.plan.timezone)}"
    return text.sentence(f"▶️ The digest {name} is not paused: {following}. Nothing was done.")


# ---------------------------------------------------------------- told where it is posted


def new_here(coming: Coming, who: str) -> Message:
    plan = coming.plan
    words = f"📬 {text.mention(who)} subscribed {text.channel(plan.channel)} to the digest {text.code(plan.name, 40)}:"
    return text.sentence(f"{words} first {_both(coming.next_at, plan.timezone)}. {_ends(plan)}")


def ended_here(plan: DigestPlan, who: str) -> Message:
    return text.sentence(f"📪 {text.mention(who)} ended the digest {_where(plan)}.")


def paused_here(coming: Coming, who: str) -> Message:
    """Also the end of a pause."""
    plan = coming.plan
    if plan.paused:
        return text.sentence(f"⏸️ {text.mention(who)} paused the digest {_where(plan)}.")
    words = f"▶️ {text.mention(who)} lets the digest {_where(plan)} come again:"
    return text.sentence(f"{words} next {_both(coming.next_at, plan.timezone)}.")


def _where(plan: DigestPlan) -> str:
    return f"{text.code(plan.name, 40)} in {text.channel(plan.channel)}"


def unposted(plan: DigestPlan, code: str) -> Message:
    """Once, to whoever subscribed or else to the approvals channel."""
    words = (
        f"⚠️ The digest {text.code(plan.name, 40)} could not be posted in {text.channel(plan.channel)}: {_why(code)}."
    )
    return text.sentence(f"{words} The bot goes on trying; nothing of it is lost.")


# ---------------------------------------------------------------- what was refused


def fixed(plan: DigestPlan) -> str:
    name = text.code(plan.name, 40)
    return f"The digest {name} stands in patches.toml; whoever runs the bot changes it there. Nothing was done."


def taken(name: str) -> str:
    other = f"There is a digest {text.code(name, 40)} already; `/patches digest list` shows it."
    return f"{other} Give this one another name. Nothing was done."


def unknown(name: str) -> str:
    return f"Nobody subscribed to a digest {text.code(name, 40)}; `/patches digest list` names them. Nothing was done."
