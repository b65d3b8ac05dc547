"""What is said about a retry request beside its card: news to the requester and in its thread, reminders, questions."""

from collections import Counter
from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, ButtonElement

from bot.approvals import Policy, demanded
from bot.blocks import text
from bot.blocks.request import (
    REASON,
    headline,
    may_ask_again,
    mentions,
    missing_words,
    needed_words,
    patch_line,
    settling_buttons,
    who_may,
)
from bot.model import SETTLED, Device, DeviceKind, Fate, Message, RetryRequest, State
from bot.terms import escalated

AGAIN = frozenset({State.FINISHED, State.REJECTED})  # ended without everything being installed: Retry… makes sense
NAMED = 5  # devices of one card
LINES = 15  # patches of one message


def devices(requests: Sequence[RetryRequest], *, of: int) -> str:
    """Which of a card's ``of`` devices something is about: "3 devices", or their names when it is not about all."""
    if len(requests) == of:
        return text.plural(of, "device")
    names = [text.name(one.device.name, 60) for one in requests]
    return text.listed(names, NAMED)


def of(before: RetryRequest, after: RetryRequest, about: str = "") -> Message | None:
    """What the requester and the card's thread hear about a change; None when it is not worth a message.

    ``about``: safe words for the devices that it is about when the change is that of several requests of one card.
    """
    if after.state is before.state and not _told_anew(before, after):
        return None
    if after.state is State.SENDING:
        return None
    words = f"Request {_named(after, about)}: " + _state_words(before, after)
    if after.decision_reason and after.state in {State.DENIED, State.APPROVED}:
        words += f"\n*Why:* {text.name(after.decision_reason, REASON)}"
    told = _told(before, after)
    lines = [patch_line(patch) for patch in after.patches if patch.fate in SETTLED and patch.id not in told]
    if after.state in {State.QUEUED, State.FINISHED, State.REJECTED} and lines:
        words += "\n" + "\n".join(lines[:LINES])
    if after.state in AGAIN and may_ask_again(after):
        action = "request.again.device" if after.bulk else "request.again"
        return _offering(words, text.button("Retry…", action, str(after.id)))
    return Message(text=text.fit(words, 2900))


def _told(before: RetryRequest, after: RetryRequest) -> set[int]:
    """Patches whose end was told on the way; the last message has them all once more."""
    on_the_way = before.state is State.QUEUED and after.state is State.QUEUED
    return {patch.id for patch in before.patches if patch.fate in SETTLED} if on_the_way else set()


def _offering(words: str, button: ButtonElement) -> Message:
    words = text.fit(words, 2900)
    actions = ActionsBlock(block_id=button.action_id, elements=[button])
    return text.message(words, [text.section(words), actions])


def made(requests: Sequence[RetryRequest], link: str) -> Message:
    """In the thread of the message that led to a request: that it was made, and where it waits."""
    first, patches = requests[0], sum(len(one.patches) for one in requests)
    named = text.listed([text.name(one.device.name, 60) for one in requests], NAMED)
    number = f"<{link}|Request #{first.card_id}>" if link else f"Request #{first.card_id}"
    again = f" once more, after request #{first.again_of}" if first.again_of else ""
    asked = (
        f"{text.mention(first.requester)} asks to retry {text.plural(patches, 'patch', 'patches')} on {named}{again}"
    )
    return Message(text.fit(f"{number}: {asked}. It waits for approval.", 2900))


def all_ended(requests: Sequence[RetryRequest]) -> Message:
    """How a request for several devices ended, once nothing of it is open any more."""
    first = requests[0]
    lines = [f"• {text.name(one.device.name, 60)}: {headline(one)}" for one in requests]
    counts = Counter(patch.fate for one in requests for patch in one.patches)
    total = text.fit(
        "\n".join([f"Request #{first.card_id} ({text.plural(len(requests), 'device')}) has ended.", *lines]), 2800
    )
    if counts.keys() & {Fate.FAILED_AGAIN, Fate.STILL_FAILED}:
        return _offering(total, text.button("Retry…", "request.again", str(first.card_id)))
    return Message(total)


def _state_words(before: RetryRequest, after: RetryRequest) -> str:
    if after.state is not before.state:
        return _moved(before, after) + headline(after)
    return _stricter(before, after) if after.state is State.PENDING or _moved(before, after) else headline(after)


def _moved(before: RetryRequest, after: RetryRequest) -> str:
    if _known_as(after.device) == _known_as(before.device):
        return ""
    return f"N-sight calls the device {text.name(after.device.name, 80)} at {text.name(after.device.client, 80)} now. "


def _known_as(device: Device) -> tuple[str, str, DeviceKind]:
    """What people and rules know a device by; that it is at another site, say, is no news."""
    return device.name, device.client, device.kind


def _stricter(before: RetryRequest, after: RetryRequest) -> str:
    """What people have to know of a change of terms while they are still asked."""
    terms = escalated(after.terms) if after.escalated_at else after.terms
    moved = _moved(before, after)
    expires = ""
    if after.expires_at and after.expires_at != before.expires_at:
        expires = f" It expires {text.when(after.expires_at, text.DATED)}."
    gone = len(before.votes) - len(after.votes)
    void = f" {text.plural(gone, 'vote')} on it no longer {'counts' if gone == 1 else 'count'}." if gone else ""
    if _takes(after) == _takes(before):
        return f"{moved}What it takes to decide stays the same."
    demands = f"{needed_words(terms)}; may approve: {who_may(after, terms)}"
    return f"{moved}It takes more to decide now: {demands}.{expires}{void}"


def _told_anew(before: RetryRequest, after: RetryRequest) -> bool:
    if _moved(before, after):
        return True
    if after.state is State.PENDING:
        return after.escalated_at == before.escalated_at and _takes(after) != _takes(before)
    if after.state is State.APPROVED:
        return (not before.note and bool(after.note)) or after.send_after != before.send_after
    if after.state is State.UNKNOWN:
        return False
    settled = {patch.id for patch in before.patches if patch.fate in SETTLED}
    return any(patch.fate in SETTLED and patch.id not in settled for patch in after.patches)


def _takes(request: RetryRequest) -> tuple[object, ...]:
    """What of its terms people have to know at once when it changes."""
    terms = request.terms
    demands = (terms.lists, terms.quorum, terms.denials, terms.self_approval, terms.reason_required, terms.deny_reason)
    return *demands, request.expires_at


def nudge(request: RetryRequest, policy: Policy, needed: Sequence[str] | None, about: str = "") -> Message:
    """In the card's thread: it has waited for so long that those who are still needed are mentioned. ``needed``: their
    user ids; None when they are many or not known. ``about`` as for ``of``."""
    named = _named(request, about)
    if needed is not None and not needed:
        return Message(_nobody(request, named))
    terms = demanded(request, policy)
    who = mentions(needed) if needed else who_may(request, terms)
    until = f" It expires {text.when(request.expires_at, text.DATED)}." if request.expires_at else ""
    what = f"request {named} still waits: {missing_words(request, policy)}."
    return Message(text=text.fit(f"{who}: {what}{until}", 2900))


def _named(request: RetryRequest, about: str) -> str:
    """ "#5 (SRV-DC01)" """
    number = request.card_id if about else request.id
    return f"#{number} ({about or text.name(request.device.name, 80)})"


def escalation(request: RetryRequest, policy: Policy, about: str = "") -> Message:
    """In the card's thread: who else is asked now. ``about`` as for ``of``."""
    terms = demanded(request, policy)
    request_ = f"request {_named(request, about)}"
    others = [one for one in terms.escalate_to if terms.self_approval or one != request.requester]
    added = f"{mentions(others)}: you may decide on {request_} now too." if others else ""
    shown = f"Its card is in {text.channel(terms.escalate_channel)} too." if terms.escalate_channel else ""
    start = added or f"{request_[0].upper()}{request_[1:]} is escalated."
    until = f"It expires {text.when(request.expires_at, text.DATED)}." if request.expires_at else ""
    words = [start, f"So far: {missing_words(request, policy)}.", shown, until]
    return Message(text=text.fit(" ".join(filter(None, words)), 2900))


def _nobody(request: RetryRequest, named: str) -> str:
    return (
        f"{text.mention(request.requester)}: nobody is left who could give the approvals that request {named} needs. "
        f"Withdraw it and ask again, or have the approvers changed."
    )


def ask_to_close(request: RetryRequest, policy: Policy) -> Message:
    """An hour after a lost call and each day after, in the card's thread: reading did not settle it, people have to."""
    words = (
        f"{who_may(request, demanded(request, policy))} It is still not known what became of request #{request.id}: "
        "N-sight could not be asked, or what it shows of the device proves nothing (a patch that is still Failed may "
        "have been tried or not). Please look at the device in N-sight. Closing the request ends it; a retry then "
        "needs a new request and a new approval."
    )
    return text.message(
        words, [text.section(words), ActionsBlock(block_id="close", elements=settling_buttons(str(request.id)))]
    )


def groups_unknown(code: str) -> Message:
    """In the approvals channel, once: why nobody counts by a usergroup. ``code``: Slack's, of what does not pass."""
    why = {
        "missing_scope": "the app lacks the scope `usergroups:read`: add it and reinstall the app",
        "plan_upgrade_required": "usergroups need a paid plan: name user ids in patches.toml in their place",
    }[code]
    return Message(
        f"⚠️ Slack does not tell the bot who belongs to a usergroup, so nobody can decide by being in one: {why}. "
        "`patches-bot check` tells whether it works again."
    )


def diverted(request: RetryRequest, channel: str, fallback: str) -> Message:
    """To the requester: where the request is shown instead."""
    return Message(
        f"⚠️ Request #{request.id} cannot be shown in {text.channel(channel)} (archived, or the bot was not invited), "
        f"so its card is in {text.channel(fallback)}."
    )
