"""A retry request as its card shows it: a pure picture of the row."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.approvals import Policy, demanded
from bot.blocks import text
from bot.model import SETTLED, Fate, Message, RequestedPatch, RetryRequest, State, Terms, Vote

MENTIONED = 20  # ids of one list
VOTE_REASON = 200
LINES = 2600  # characters of patch lines on a card; a section holds 3,000
REASON = 600

FATES = {
    Fate.QUEUED: "⏳ queued",
    Fate.UNCLEAR: "❔ being looked up",
    Fate.ALREADY: "❔ being looked up",
    Fate.INSTALLED: "✅ installed",
    Fate.RESTART: "🔁 installed, needs a restart",
    Fate.FAILED_AGAIN: "❌ failed again",
    Fate.LEFT_OUT: "➖ left out, no longer failed",
    Fate.GONE: "➖ no longer listed by N-sight",
    Fate.STILL_FAILED: "❌ still failed",
    Fate.OTHER: "➖ nothing under way",
}
_TALLY = {
    Fate.INSTALLED: "installed",
    Fate.RESTART: "needs a restart",
    Fate.FAILED_AGAIN: "failed again",
    Fate.STILL_FAILED: "still failed",
    Fate.QUEUED: "queued",
    Fate.UNCLEAR: "being looked up",
    Fate.ALREADY: "being looked up",
    Fate.LEFT_OUT: "left out",
    Fate.GONE: "no longer listed",
    Fate.OTHER: "with nothing under way",
}
_MANY = {"needs a restart": "need a restart"}
_TELLING = frozenset({Fate.QUEUED, Fate.LEFT_OUT, Fate.OTHER})  # where N-sight's own label adds something
_UNDONE = frozenset(set(Fate) - SETTLED | {Fate.FAILED_AGAIN, Fate.STILL_FAILED})
_AGAIN = frozenset({State.DENIED, State.WITHDRAWN, State.EXPIRED, State.REJECTED, State.CLOSED})


# ---------------------------------------------------------------- the card


@dataclass(frozen=True, slots=True)
class Links:
    """What a card refers to: the address of the message that led to it, the ended requests whose patches it asks for
    again and the address of their card; ``consoles``: safe mrkdwn that leads to the vendors' consoles. What is not
    known is empty."""

    origin: str = ""
    earlier: tuple[RetryRequest, ...] = ()
    earlier_at: str = ""
    consoles: str = ""


NO_LINKS = Links()


def card(request: RetryRequest, policy: Policy, links: Links = NO_LINKS) -> Message:
    """The request's card in the approvals channel; a pure picture of the row."""
    title = f"Retry request #{request.id}: {text.plural(len(request.patches), 'patch', 'patches')}"
    blocks: list[Block] = [
        text.header(title),
        text.section(_device(request)),
        text.section(_patches(request)),
        text.section(reason_words(request)),
        *history_blocks(links),
        text.section(status(request, policy)),
        text.context(*filter(None, (small_print(request, policy, links), links.consoles))),
    ]
    buttons = _buttons(request)
    if buttons:
        blocks.append(ActionsBlock(block_id=f"request.{request.id}", elements=buttons))
    return text.message(_fallback(request), blocks)


def reason_words(request: RetryRequest) -> str:
    return f"*Reason:* {text.name(request.reason, REASON) if request.reason else '_none given_'}"


def history_blocks(links: Links) -> list[Block]:
    """How the requests ended whose patches are asked for again: who decides has to know that it failed before."""
    if not links.earlier:
        return []
    first, most = links.earlier[0], 5
    named = f"<{links.earlier_at}|#{first.id}>" if links.earlier_at else f"#{first.id}"
    lines = [
        f"• {text.name(one.device.name, 80)}: {text.state_words(one.state).words}{_told(one)}"
        for one in links.earlier[:most]
    ]
    if hidden := max(0, len(links.earlier) - most):
        lines.append(f"… and {text.plural(hidden, 'more device')}")
    asked = f"asked {text.when(first.asked_at)} by {text.mention(first.requester)}"
    return [text.section("\n".join([f"🔁 *Asked again* after request {named}, {asked}:", *lines]))]


def _told(request: RetryRequest) -> str:
    return f", {tally(request)}" if any(patch.fate is not Fate.WAITING for patch in request.patches) else ""


def _fallback(request: RetryRequest) -> str:
    asked = f"{text.mention(request.requester)} asks" if request.state is State.PENDING else "Asked"
    what = f"to retry {text.plural(len(request.patches), 'patch', 'patches')} on {text.name(request.device.name, 80)}"
    return f"Request #{request.id}: {asked} {what} ({text.name(request.device.client, 80)}). {headline(request)}"


def _device(request: RetryRequest) -> str:
    device = request.device
    return (
        f"*Device:* {text.name(device.name, 200)} (id {device.id}, {device.kind})\n"
        f"*Client:* {text.name(device.client, 200)} · *Site:* {text.name(device.site, 200)}"
    )


def _patches(request: RetryRequest) -> str:
    lines: list[str] = []
    room = LINES
    for patch in request.patches:
        line = patch_line(patch)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    hidden = len(request.patches) - len(lines)
    more = [f"… and {text.plural(hidden, 'more patch', 'more patches')}"] if hidden else []
    return "\n".join(["*Patches:*", *lines, *more])


def patch_line(patch: RequestedPatch, most: int = 120) -> str:
    """A patch as it was seen and what has become of it; ``most`` characters of its title."""
    seen = text.name(patch.seen, 40)
    line = f"• `{patch.id}` {text.name(patch.title, most)} · seen as {seen}"
    if patch.fate is Fate.WAITING:
        return line
    told = patch.fate in _TELLING and patch.label != patch.seen
    now = f" (N-sight says: {text.name(patch.label, 40)})" if told else ""
    return f"{line} → {FATES[patch.fate]}{now}"


def small_print(request: RetryRequest, policy: Policy, links: Links) -> str:
    """Who asked, where it came from; while it waits, what it takes to decide it."""
    asked = f"Asked by {text.mention(request.requester)} {text.when(request.asked_at)}"
    if links.origin:
        asked = f"{asked} · from <{links.origin}|this message>"
    if request.state is not State.PENDING:
        return asked
    terms = demanded(request, policy)
    expires = f"expires {text.when(request.expires_at)}" if request.expires_at else "does not expire"
    window = " · sent in the device's maintenance window only" if policy.windows else ""
    return f"{asked} · {expires}{window} · {needed_words(terms)} · may approve: {who_may(request, terms)}"


def needed_words(terms: Terms) -> str:
    """ "2 approvals needed, each with a reason: server at Contoso Ltd"."""
    because = f": {text.name(terms.because, 200)}" if terms.because else ""
    reasons = ("with a reason" if terms.quorum == 1 else "each with a reason") if terms.reason_required else ""
    denials = f"{terms.denials} denials end it" if terms.denials > 1 else ""
    more = "".join(f", {part}" for part in (reasons, denials) if part)
    return f"{text.plural(terms.quorum, 'approval', 'approvals')} needed{more}{because}"


def who_may(request: RetryRequest, terms: Terms) -> str:
    """Those who may decide, mentioned; where several lists hold, those in all of them as far as the lists tell."""
    alone = set() if terms.self_approval else {request.requester}
    lists = [mentions([one for one in each if one not in alone]) for each in terms.lists]
    return ", if also one of ".join(lists) if lists and all(lists) else "nobody who is named in the configuration"


def mentions(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - MENTIONED} more" if len(ids) > MENTIONED else ""
    return " ".join(text.mention(one) for one in ids[:MENTIONED]) + more


def _buttons(request: RetryRequest) -> list[ButtonElement]:
    value = str(request.id)
    withdraw = text.button("Withdraw", "request.withdraw", value)
    if request.state is State.PENDING:
        approve = text.button("Approve", "request.approve", value, "primary")
        return [approve, text.button("Deny", "request.deny", value, "danger"), withdraw]
    if request.state is State.APPROVED:
        return [withdraw]
    if request.state is State.UNKNOWN:
        return settling_buttons(value)
    if may_ask_again(request):
        return [text.button("Retry…", "request.again", value)]
    return []


def settling_buttons(value: str) -> list[ButtonElement]:
    """For an outcome that nobody knows. There is no "send again": that takes a new request."""
    return [text.button("Read the device again", "request.read", value), text.button("Close", "request.close", value)]


def may_ask_again(request: RetryRequest) -> bool:
    """Ended without having done all it should: a new request makes sense."""
    undone = any(patch.fate in _UNDONE for patch in request.patches)
    return undone and (request.state in _AGAIN or request.state is State.FINISHED)


def status(request: RetryRequest, policy: Policy) -> str:
    """Where it stands, why, and who voted how."""
    lines = [headline(request)]
    if request.state is State.PENDING and request.escalated_at:
        lines.append(f"⏫ Escalated {text.when(request.escalated_at)}{_escalated_to(request.terms)}.")
    if request.decision_reason and not _listed(request):
        lines.append(f"*Why:* {text.name(request.decision_reason, REASON)}")
    return text.fit("\n".join([*lines, *_votes(request, policy)]), 2900)


def _escalated_to(terms: Terms) -> str:
    whom = " and ".join(filter(None, (mentions(terms.escalate_to), text.channel(terms.escalate_channel))))
    return f" to {whom}" if whom else ""


def _votes(request: RetryRequest, policy: Policy) -> list[str]:
    """How many are missing, then who voted how, when and why, a line each."""
    if not _listed(request) or not request.votes:
        return []
    lines = vote_lines(request.votes)
    return [f"{missing_words(request, policy)}.", *lines] if request.state is State.PENDING else lines


def vote_lines(votes: Iterable[Vote]) -> list[str]:
    """Who voted how, when and why, a line each."""
    return [f"• {'Denied' if vote.denies else 'Approved'} by {_voter(vote)}" for vote in votes]


def missing_words(request: RetryRequest, policy: Policy) -> str:
    """ "1 of 2 approvals given, 1 more needed"."""
    quorum, given = demanded(request, policy).quorum, len(request.approvals)
    if not given:
        return f"{text.plural(quorum, 'approval')} needed"
    return f"{given} of {text.plural(quorum, 'approval')} given, {quorum - given} more needed"


def _listed(request: RetryRequest) -> bool:
    """A single vote that decided is in the headline, for as long as it says who."""
    return request.state not in {State.APPROVED, State.DENIED} or len(request.votes) > 1


def _voter(vote: Vote) -> str:
    reason = f": {text.name(vote.reason, VOTE_REASON)}" if vote.reason else ""
    return f"{text.mention(vote.voter)} {text.when(vote.at)}{reason}"


def headline(request: RetryRequest) -> str:
    """One sentence (mrkdwn) that says where the request stands."""
    note = f" {text.name(request.note, REASON)}" if request.note else ""
    by = f" by {text.mention(request.decided_by)}" if request.decided_by else ""
    at = f" {text.when(request.decided_at)}" if request.decided_at else ""
    sentences = {
        State.PENDING: f"🕒 Waiting for approval.{note}",
        State.APPROVED: f"👍 Approved{by}; it will be sent to N-sight {_when_sent(request)}{note}",
        State.SENDING: "📤 Being sent to N-sight.",
        State.QUEUED: f"⏳ {_progress(request)}{note}",
        State.UNKNOWN: "❔ Outcome unknown: it may or may not have reached N-sight. It is not repeated; "
        f"the device is read to find out.{note}",
        State.FINISHED: f"🏁 Finished: {tally(request)}.{note}",
        State.DENIED: f"⛔ Denied{by}{at}. Nothing was sent.",
        State.WITHDRAWN: f"↩️ Withdrawn{by}{at}. Nothing was sent.",
        State.EXPIRED: f"⌛ Expired.{note}",
        State.REJECTED: f"🚫 Not retried.{note}",
        State.CLOSED: f"📁 Closed{by}{at}.{note}",
    }
    return sentences[request.state]


def _when_sent(request: RetryRequest) -> str:
    if request.send_after is None or request.send_until is None:
        return "as soon as everything has been checked."
    span = f"{text.when(request.send_after)} to {text.when(request.send_until)}"
    return f"in the device's maintenance window, {span}. It can be withdrawn until it is sent."


def _progress(request: RetryRequest) -> str:
    fates = {patch.fate for patch in request.patches}
    if being_looked_up(request):
        return "N-sight answered without queueing anything; the device is being read to show each patch's real state."
    if fates & {Fate.INSTALLED, Fate.RESTART, Fate.FAILED_AGAIN, Fate.STILL_FAILED}:
        return f"In progress: {tally(request)}."
    return "Queued by N-sight; patches install in the device's next patch window."


def being_looked_up(request: RetryRequest) -> bool:
    """N-sight took the call without saying that it queued anything."""
    fates = {patch.fate for patch in request.patches}
    return request.state is State.QUEUED and Fate.QUEUED not in fates and bool(fates & {Fate.ALREADY, Fate.UNCLEAR})


def tally(request: RetryRequest) -> str:
    """ "3 of 5 installed, 1 needs a restart, 1 failed again"."""
    return tally_of([request]) or "nothing was sent"


def tally_of(requests: Sequence[RetryRequest]) -> str:
    """The same over all patches of several requests; empty while nothing has become of any."""
    patches = [patch for request in requests for patch in request.patches]
    counts = Counter(_TALLY[patch.fate] for patch in patches if patch.fate is not Fate.WAITING)
    order = list(dict.fromkeys(_TALLY.values()))
    parts = [f"{count} {word if count == 1 else _MANY.get(word, word)}" for word in order if (count := counts[word])]
    if counts["installed"]:
        parts[0] = f"{counts['installed']} of {len(patches)} installed"
    return ", ".join(parts)
