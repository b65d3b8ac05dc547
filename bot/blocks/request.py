"""A retry request as people see it: its card, the news about it, the answer to the person who asked."""

from collections import Counter
from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.approvals import Policy, needed
from bot.blocks import text
from bot.model import SETTLED, Fate, Message, RequestedPatch, RetryRequest, State

LINES = 2600  # characters of patch lines on a card; a section holds 3,000
REASON = 600

FATES = {
    Fate.QUEUED: "🕒 queued",
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
_TELLING = frozenset({Fate.QUEUED, Fate.LEFT_OUT, Fate.OTHER})  # where N-sight's own label adds something
_AGAIN = frozenset({State.DENIED, State.WITHDRAWN, State.EXPIRED, State.REJECTED, State.CLOSED})


# ---------------------------------------------------------------- the card


def card(request: RetryRequest, policy: Policy) -> Message:
    """The request's card in the approvals channel; a pure picture of the row."""
    title = f"Retry request #{request.id}: {text.plural(len(request.patches), 'patch', 'patches')}"
    blocks: list[Block] = [
        text.header(title),
        text.section(_device(request)),
        text.section(_patches(request)),
        text.section(f"*Reason:* {text.name(request.reason, REASON) if request.reason else '_none given_'}"),
        text.section(_status(request, policy)),
        text.context(_small_print(request, policy)),
    ]
    buttons = _buttons(request)
    if buttons:
        blocks.append(ActionsBlock(block_id=f"request.{request.id}", elements=buttons))
    return text.message(_fallback(request), blocks)


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
        line = _patch(patch)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    hidden = len(request.patches) - len(lines)
    more = [f"… and {text.plural(hidden, 'more patch', 'more patches')}"] if hidden else []
    return "\n".join(["*Patches:*", *lines, *more])


def _patch(patch: RequestedPatch) -> str:
    seen = text.name(patch.seen, 40)
    line = f"• `{patch.id}` {text.name(patch.title, 120)} · seen as {seen}"
    if patch.fate is Fate.WAITING:
        return line
    told = patch.fate in _TELLING and patch.label != patch.seen
    now = f" (N-sight says: {text.name(patch.label, 40)})" if told else ""
    return f"{line} → {FATES[patch.fate]}{now}"


def _small_print(request: RetryRequest, policy: Policy) -> str:
    asked = f"Asked by {text.mention(request.requester)} {text.when(request.asked_at)}"
    if request.state is not State.PENDING:
        return asked
    count = needed(request, policy)
    who = " ".join(text.mention(one) for one in policy.approvers[:20]) or "nobody (no approvers are configured)"
    expires = f" · expires {text.when(request.expires_at)}" if request.expires_at else " · does not expire"
    return f"{asked} · {text.plural(count, 'approval', 'approvals')} needed · may approve: {who}{expires}"


def _buttons(request: RetryRequest) -> list[ButtonElement]:
    value = str(request.id)
    withdraw = text.button("Withdraw", "request.withdraw", value)
    if request.state is State.PENDING:
        approve = text.button("Approve", "request.approve", value, "primary")
        return [approve, text.button("Deny", "request.deny", value, "danger"), withdraw]
    if request.state is State.APPROVED:
        return [withdraw]
    if may_ask_again(request):
        return [text.button("Retry…", "request.again", value)]
    return []


def may_ask_again(request: RetryRequest) -> bool:
    """Ended without having done all it should: a new request makes sense."""
    failed = any(patch.fate in {Fate.FAILED_AGAIN, Fate.STILL_FAILED} for patch in request.patches)
    return request.state in _AGAIN or (request.state is State.FINISHED and failed)


def _status(request: RetryRequest, policy: Policy) -> str:
    lines = [headline(request)]
    if request.state is State.PENDING and request.votes:
        missing = needed(request, policy) - len(request.votes)
        names = ", ".join(f"{text.mention(vote.voter)} {text.when(vote.at)}" for vote in request.votes)
        lines.append(f"Approved so far by {names}; {missing} more needed.")
    if request.votes and request.state is not State.PENDING:
        names = ", ".join(f"{text.mention(vote.voter)} {text.when(vote.at)}" for vote in request.votes)
        lines.append(f"Approved by {names}.")
    if request.decision_reason:
        lines.append(f"*Why:* {text.name(request.decision_reason, REASON)}")
    return "\n".join(lines)


def headline(request: RetryRequest) -> str:
    """One sentence (mrkdwn) that says where the request stands."""
    note = f" {text.name(request.note, REASON)}" if request.note else ""
    by = f" by {text.mention(request.decided_by)}" if request.decided_by else ""
    at = f" {text.when(request.decided_at)}" if request.decided_at else ""
    sentences = {
        State.PENDING: f"⏳ Waiting for approval.{note}",
        State.APPROVED: f"👍 Approved{by}; it will be sent to N-sight as soon as everything has been checked.{note}",
        State.SENDING: "📤 Being sent to N-sight.",
        State.QUEUED: f"🕒 {_progress(request)}{note}",
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


def _progress(request: RetryRequest) -> str:
    fates = {patch.fate for patch in request.patches}
    if Fate.QUEUED not in fates and fates & {Fate.ALREADY, Fate.UNCLEAR}:
        return "N-sight answered without queueing anything; the device is being read to show each patch's real state."
    if fates & {Fate.INSTALLED, Fate.RESTART, Fate.FAILED_AGAIN, Fate.STILL_FAILED}:
        return f"In progress: {tally(request)}."
    return "Queued by N-sight; patches install in the device's next patch window."


def tally(request: RetryRequest) -> str:
    """ "3 of 5 installed, 1 needs a restart, 1 failed again"."""
    counts = Counter(_TALLY[patch.fate] for patch in request.patches if patch.fate is not Fate.WAITING)
    order = list(dict.fromkeys(_TALLY.values()))
    parts = [f"{counts[word]} {word}" for word in order if counts[word]]
    if counts["installed"]:
        parts[0] = f"{counts['installed']} of {len(request.patches)} installed"
    return ", ".join(parts) or "nothing was sent"


# ---------------------------------------------------------------- news


def news(before: RetryRequest, after: RetryRequest) -> Message | None:
    """What the requester and the card's thread hear about a change; None when it is not worth a message."""
    if after.state is before.state and not _told_anew(before, after):
        return None
    if after.state is State.SENDING:
        return None
    where = f"Request #{after.id} ({text.name(after.device.name, 80)}): "
    words = where + headline(after)
    if after.decision_reason and after.state is State.DENIED:
        words += f"\n*Why:* {text.name(after.decision_reason, REASON)}"
    lines = [_patch(patch) for patch in after.patches if patch.fate in SETTLED][:15]
    if after.state in {State.QUEUED, State.FINISHED, State.REJECTED} and lines:
        words += "\n" + "\n".join(lines)
    return Message(text=text.fit(words, 2900))


def _told_anew(before: RetryRequest, after: RetryRequest) -> bool:
    if after.state is State.APPROVED:
        return not before.note and bool(after.note)
    settled = {patch.id for patch in before.patches if patch.fate in SETTLED}
    return any(patch.fate in SETTLED and patch.id not in settled for patch in after.patches)


def ask_to_close(request: RetryRequest, policy: Policy) -> Message:
    """An hour after a lost call, in the card's thread: reading did not settle it, people have to."""
    who = " ".join(text.mention(one) for one in policy.approvers[:20])
    words = (
        f"{who} One hour of reading the device has not shown what became of request #{request.id}: every patch is "
        "still Failed, which proves nothing. Please look at the device in N-sight. Closing the request ends it; "
        "a retry then needs a new request and a new approval."
    )
    button = text.button("Close", "request.close", str(request.id))
    return text.message(words, [text.section(words), ActionsBlock(block_id="close", elements=[button])])


# ---------------------------------------------------------------- answers to the requester


def created(
    request: RetryRequest, policy: Policy, left_out: Sequence[tuple[int, str]], link: str, *, unposted_in: str = ""
) -> Message:
    """The private answer to a request that was made. ``left_out``: ids with the state that kept them out.
    ``unposted_in``: the channel whose card could not be posted yet."""
    ids = ",".join(str(patch.id) for patch in request.patches)
    place = f"<{link}|the approvals channel>" if link else "the approvals channel"
    device = f"*{text.name(request.device.name, 80)}* (id {request.device.id}, {text.name(request.device.client, 80)})"
    approvals = text.plural(needed(request, policy), "approval")
    words = [f"Request #{request.id} is made: retry `{ids}` on {device}. It waits in {place} for {approvals}."]
    if request.reason:
        words.append(f"*Reason:* {text.name(request.reason, REASON)}")
    if left_out:
        names = ", ".join(f"`{patch_id}` ({text.name(label, 40)})" for patch_id, label in left_out[:20])
        words.append(f"Left out because not failed: {names}.")
    if unposted_in:
        words.append(
            f"⚠️ Its card could not be posted in {text.channel(unposted_in)} yet, so no approver sees it. The bot keeps "
            "trying; perhaps it has to be invited to that channel."
        )
    body = "\n".join(words)
    button = text.button("Withdraw", "request.withdraw", str(request.id))
    return text.message(body, [text.section(body), ActionsBlock(block_id=f"mine.{request.id}", elements=[button])])


def covered(found: Iterable[tuple[RetryRequest, str]]) -> str:
    """The sentence that refuses a second request for the same patches. Pairs of open request and permalink."""
    names = [f"<{link}|request #{one.id}>" if link else f"request #{one.id}" for one, link in found]
    return f"There is already an open request for these patches: {', '.join(names)}. No second one was made."
