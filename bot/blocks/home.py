"""The app's Home: what waits for this person, what they asked for, what fails, what comes, how the services are.

Slack takes 100 blocks and 250 kB (https://docs.slack.dev/reference/views/home-tab-views); a full Home has about 50
blocks and 25 kB.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from slack_sdk.models.blocks import ActionsBlock, Block, DividerBlock
from slack_sdk.models.views import View

from bot.blocks import text
from bot.blocks.help import Health
from bot.blocks.request import patch_line, tally_of
from bot.blocks.requests import linked
from bot.digests.ranking import Ranked, Ranking
from bot.model import RequestedPatch, RetryRequest, State, Terms

DECISIONS, MINE, WORST, DIGESTS = 8, 10, 8, 8  # entries of each section at most
ENTRY = 1400  # characters of a request to be decided; it is decided on what is read here
LINE = 500  # of one's own request
NAME, TITLE, WORDS = 50, 80, 200
NAMED, LISTED = 4, 5  # devices, patches
RETRIES = 3  # of what fails most, with a button each

_KEPT = (
    "For twelve hours after you opened it: what people do is shown within seconds, everything else every five minutes."
)
_PERSONAL = "🔒 This page is for the people who may use `/patches` here."


@dataclass(frozen=True, slots=True)
class Decision:
    """A card that this person can decide: its requests that are pending, what it takes, and its address or empty."""

    requests: Sequence[RetryRequest]
    terms: Terms
    link: str = ""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The first of ``total`` cards to decide, oldest first. ``voted``: how many more have this person's vote and wait
    for others'. ``unsure``: Slack did not tell of every request whether this person may decide it. ``cut``: there are
    more pending requests than were looked at."""

    first: Sequence[Decision] = ()
    total: int = 0
    voted: int = 0
    unsure: bool = False
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """The requests of one card that this person asked for, and its address or empty."""

    requests: Sequence[RetryRequest]
    link: str = ""


@dataclass(frozen=True, slots=True)
class Coming:
    """A digest, and when it comes next. ``refused_since``: since when Slack takes no post of it, None when it does."""

    name: str
    channel: str
    next_at: datetime
    refused_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for everybody. ``coming``: the next digests, in their order. ``retries``: tokens for the buttons
    of the first ones of the ranking. Times: None when never."""

    at: datetime
    ranking: Ranking
    coming: Sequence[Coming]
    health: Sequence[Health]
    collected_at: datetime | None = None
    inventory_at: datetime | None = None
    retries: Sequence[str] = ()


def home(decisions: Decisions, asked: Sequence[Asked], around: Surroundings) -> dict[str, Any]:
    """The whole page of a person who may use /patches."""
    sections = [
        [_top(), text.context(f"As of {text.when(around.at)}. {_KEPT}")],
        _deciding(decisions),
        _asked(asked),
        _failing(around),
        _coming(around.coming),
        _services(around),
    ]
    return _view([block for section in sections for block in section])


def closed(decisions: Decisions) -> dict[str, Any]:
    """For whoever may not use /patches: one sentence, and what they may decide on all the same."""
    return _view([text.section(_PERSONAL), *(_deciding(decisions) if decisions.total else [])])


def sentence(words: str) -> dict[str, Any]:
    """A page of one paragraph of safe mrkdwn, such as what went wrong."""
    return _view([text.section(words)])


def _view(blocks: Sequence[Block]) -> dict[str, Any]:
    return View(type="home", blocks=list(blocks)).to_dict()


def _top() -> Block:
    new = text.button("Request a retry…", "device.pick.open", "home")
    return ActionsBlock(elements=[new, text.button("Refresh", "home.refresh", "home")])


# ---------------------------------------------------------------- what waits for this person


def _deciding(decisions: Decisions) -> list[Block]:
    waits = "waits" if decisions.total == 1 else "wait"
    counted = f"{'At least ' if decisions.cut else ''}{text.plural(decisions.total, 'request')} {waits} for you"
    blocks: list[Block] = [text.header(counted if decisions.total else "Nothing waits for you")]
    for decision in decisions.first[:DECISIONS]:
        value = str(decision.requests[0].card_id)
        approve = text.button("Approve", "request.approve", value, "primary")
        blocks.append(text.section(_decision(decision)))
        blocks.append(ActionsBlock(elements=[approve, text.button("Deny", "request.deny", value, "danger")]))
    if lines := _beside(decisions):
        blocks.append(text.context(*lines))
    return blocks


def _beside(decisions: Decisions) -> list[str]:
    """What of the pending requests is not shown."""
    more, lines = decisions.total - len(decisions.first[:DECISIONS]), []
    if more > 0:
        lines.append(f"And {more:,} more: `/patches pending` lists them.")
    if decisions.voted:
        lines.append(f"{text.plural(decisions.voted, 'request')} with your vote, waiting for others.")
    if decisions.cut and not decisions.total:
        lines.append("That is so for the oldest requests: `/patches pending` lists all.")
    if decisions.unsure:
        lines.append("⚠️ Slack cannot tell right now whether you may decide on more.")
    return lines


def _decision(decision: Decision) -> str:
    requests, first = decision.requests, decision.requests[0]
    asked = f"asked by {text.mention(first.requester)} {text.when(first.asked_at)}"
    expires = f"expires {text.when(first.expires_at)}" if first.expires_at else "does not expire"
    lines = [f"*{_named(requests, decision.link)}*: {asked}", _places(requests), *_patches(requests)]
    lines.append(f"> {text.name(first.reason, WORDS)}" if first.reason else "_no reason given_")
    return text.fit("\n".join([*lines, f"🕒 {_given(decision)} · {expires}"]), ENTRY)


def _given(decision: Decision) -> str:
    """ "0 of 2 approvals, each with a reason (server at Contoso Ltd)"."""
    terms, given = decision.terms, len(decision.requests[0].approvals)
    reasons = (", with a reason" if terms.quorum == 1 else ", each with a reason") if terms.reason_required else ""
    because = f" ({text.name(terms.because, WORDS)})" if terms.because else ""
    return f"{given} of {text.plural(terms.quorum, 'approval')}{reasons}{because}"


def _places(requests: Sequence[RetryRequest]) -> str:
    """ "server · site Head Office"; of several devices how many of each kind, and where."""
    kinds = Counter(one.device.kind for one in requests)
    counted = [text.plural(count, kind) if len(requests) > 1 else kind for kind, count in sorted(kinds.items())]
    if len(requests) == 1:
        return f"{counted[0]} · site {text.name(requests[0].device.site, NAME) or 'without a name'}"
    clients = dict.fromkeys(text.name(one.device.client, NAME) for one in requests)
    return f"{' and '.join(counted)} at {text.listed(list(clients), NAMED)}"


def _named(requests: Sequence[RetryRequest], link: str) -> str:
    """ "#12 SRV-DC01 (Contoso Ltd)"; of several devices the names."""
    first, number = requests[0], f"#{requests[0].card_id}"
    if len(requests) == 1:
        label = f"{number} {text.name(first.device.name, NAME)} ({text.name(first.device.client, NAME)})"
        return linked(label, link)
    names = [text.name(one.device.name, NAME) for one in requests]
    return f"{linked(number, link)} {text.plural(len(requests), 'device')}: {text.listed(names, NAMED)}"


def _patches(requests: Sequence[RetryRequest]) -> list[str]:
    """Of one device each patch; of several how often each title comes."""
    if len(requests) == 1:
        return _first(requests[0].patches)
    titles = Counter(patch.title for request in requests for patch in request.patches)
    lines = [
        f"• {text.name(title, TITLE)} · on {text.plural(count, 'device')}" for title, count in titles.most_common()
    ]
    return _few(lines, "title")


def _first(patches: Sequence[RequestedPatch]) -> list[str]:
    return _few([patch_line(patch, TITLE) for patch in patches], "patch", "patches")


def _few(lines: list[str], one: str, many: str = "") -> list[str]:
    more = len(lines) - LISTED
    return (
        lines if more <= 0 else [*lines[:LISTED], f"… and {text.plural(more, f'more {one}', many and f'more {many}')}"]
    )


# ---------------------------------------------------------------- what this person asked for


def _asked(asked: Sequence[Asked]) -> list[Block]:
    blocks: list[Block] = [DividerBlock(), text.header("Your requests")]
    if not asked:
        return [*blocks, text.section("You have not asked for a retry yet. `/patches help retry` tells how.")]
    for one in asked[:MINE]:
        value = str(one.requests[0].card_id)
        undecided = any(request.state in {State.PENDING, State.APPROVED} for request in one.requests)
        withdraw = text.button("Withdraw", "request.withdraw", value) if undecided else None
        blocks.append(text.section(_stands(one), withdraw))
    if len(asked) >= MINE:
        blocks.append(text.context("`/patches history` has the earlier ones."))
    return blocks


def _stands(asked: Asked) -> str:
    requests, first = asked.requests, asked.requests[0]
    states = Counter(request.state for request in requests)
    words = [f"{text.state_words(state)}{f' ({count})' if len(states) > 1 else ''}" for state, count in states.items()]
    ended = max((at for one in requests if (at := one.settled_at or one.decided_at)), default=first.asked_at)
    tally = f" · {tally_of(requests)}" if tally_of(requests) else ""
    patches = text.plural(sum(len(one.patches) for one in requests), "patch", "patches")
    return text.fit(
        f"*{_named(requests, asked.link)}*: {patches}\n{', '.join(words)}{tally} · {text.when(ended)}", LINE
    )


# ---------------------------------------------------------------- what is the same for everybody


def _failing(around: Surroundings) -> list[Block]:
    blocks: list[Block] = [DividerBlock(), text.header("What fails most")]
    ranking = around.ranking
    if around.collected_at is None:
        return [*blocks, text.section("Nothing was collected from ESET yet.")]
    if not ranking.worst:
        return [*blocks, text.section("✅ Nothing that is known fails at the moment.")]
    shown = ranking.worst[:WORST]
    buttons = [text.button("Retry…", f"digest.retry.{n}", token) for n, token in enumerate(around.retries[:RETRIES])]
    blocks += [text.section(_ranked(one), button) for one, button in zip(shown, buttons, strict=False)]
    if beside := shown[len(buttons) :]:
        blocks.append(text.section("\n".join(_ranked(one) for one in beside)))
    more = ranking.total - len(shown)
    hint = "`/patches recent` shows the attempts, each with a button to ask for a retry."
    return [*blocks, text.context(f"And {text.plural(more, 'more application')}. {hint}" if more > 0 else hint)]


def _ranked(one: Ranked) -> str:
    by = f" ({text.name(one.developer, NAME)})" if one.developer else ""
    where = [f"on {text.plural(one.devices, 'device')}"] if one.devices else []
    if one.unplaced:
        where.append(f"{text.plural(one.unplaced, 'failed attempt')} on devices that are not known")
    since = text.when(one.since, "{date_short_pretty}")
    told = f"{_why(one)}, {' and '.join(where)}, since {since}{_silenced(one)}"
    return f"• *{text.name(one.application, NAME)}*{by}: {told}"


def _why(one: Ranked) -> str:
    """One reason stands for the others only when it is that of more than half."""
    words, of = text.outcome_words(one.status), len(one.subjects)
    if one.alike >= of:
        return f"{words}"
    if 2 * one.alike > of:
        return f"mostly {words}"
    return f"{words} ({one.alike} of {of}) and other reasons"


def _silenced(one: Ranked) -> str:
    if not one.silenced:
        return ""
    return " · 🔕 silenced" if one.silenced == len(one.subjects) else f" · 🔕 {one.silenced} silenced"


def _coming(coming: Sequence[Coming]) -> list[Block]:
    blocks: list[Block] = [DividerBlock(), text.header("Next digests")]
    if not coming:
        return [*blocks, text.section("No digest is configured.")]
    lines = [_comes(one) for one in coming[:DIGESTS]]
    more = len(coming) - len(lines)
    lines += [f"… and {more:,} more: `/patches digest list`"] if more > 0 else []
    return [*blocks, text.section("\n".join(lines))]


def _comes(one: Coming) -> str:
    words = f"• {text.when(one.next_at)}: *{text.name(one.name)}* in {text.channel(one.channel)}"
    if one.refused_since is None:
        return words
    return f"{words} · ⚠️ could not be posted since {text.when(one.refused_since)}: `/patches digest list` says why"


def _services(around: Surroundings) -> list[Block]:
    trouble = [health.service for health in around.health if health.ok is False]
    title = f"Trouble with {text.listed(trouble)}" if trouble else "Services"
    fresh = [
        f"ESET's attempts: {text.when(around.collected_at) if around.collected_at else 'not collected yet'}",
        f"N-sight's devices: {text.when(around.inventory_at) if around.inventory_at else 'not read yet'}",
    ]
    lines = "\n".join(_health(health) for health in around.health)
    return [DividerBlock(), text.header(title), text.section(lines), text.context(*fresh)]


def _health(health: Health) -> str:
    sign = {True: "✅ {} works", False: "❌ {} does not work", None: "❔ {} has not been asked yet"}[health.ok]
    return sign.format(text.name(health.service)) + (f": {health.words}" if health.words else "")
