"""Lists of retry requests, a page at a time: those that wait and those that were."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.approvals import DECIDED
from bot.blocks import text
from bot.blocks.request import tally
from bot.model import Message, RetryRequest, State, Terms

ROWS = 10  # requests on a page
ENTRY = 760  # characters of one: ten stay below what Slack takes as one message's blocks
LEAST = 20  # what of a line is worth showing
NAME, WORDS = 50, 100  # characters of names, and of what people wrote
NAMED = 4  # voters

Kind = Literal["history", "pending"]

_TURNS: dict[Kind, tuple[str, str]] = {"history": ("◀ Newer", "Older ▶"), "pending": ("◀ Back", "Next ▶")}
_NARROWER: dict[Kind, str] = {
    "history": "`/patches history DEVICE` narrows it",
    "pending": "it begins with those that have waited longest",
}
_COUNTED = frozenset({State.QUEUED, State.FINISHED})  # each patch's fate says more than the state


@dataclass(frozen=True, slots=True)
class Line:
    """A request in a list. ``link``: permalink of its card, or empty. ``terms``: what it takes to decide it now.
    ``others``: how many more devices its card is about."""

    request: RetryRequest
    link: str
    terms: Terms
    others: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One page: ``ahead`` of the ``total`` requests come before its lines. ``token`` is all that the buttons carry;
    empty: the list could not be kept, so there are none."""

    lines: Sequence[Line]
    ahead: int
    total: int
    token: str = ""

    @property
    def whole(self) -> bool:
        return len(self.lines) >= self.total

    @property
    def behind(self) -> int:
        return self.total - self.ahead - len(self.lines)


def gone(kind: Kind) -> str:
    """For a button of a list that is no longer kept."""
    return f"⌛ This list is no longer kept. `/patches {kind}` shows it anew."


# ---------------------------------------------------------------- those that wait


def pending(part: Part) -> Message:
    """Requests that wait for an approver or, approved, for their maintenance window; oldest first."""
    if not part.lines:
        words = "No retry request waits for an approver."
        return text.message(words, [text.section(f"✅ {words} `/patches history` shows how the last ones ended.")])
    title = f"{text.plural(part.total, 'request')} waiting, oldest first{_extent(part)}"
    return text.message(title, _page("pending", title, part, [_waiting(line) for line in part.lines]))


def _waiting(line: Line) -> str:
    request = line.request
    stands = _in_window(request) if request.state is State.APPROVED else _undecided(line)
    votes = [f"{verb} by {_names(each)}" for verb, each in _sides(request) if each]
    return _entry(line, [stands, "; ".join(votes), _quoted(request)])


def _undecided(line: Line) -> str:
    request = line.request
    because = f" ({text.name(line.terms.because, WORDS)})" if line.terms.because else ""
    escalated = " · ⏫ escalated" if request.escalated_at else ""
    expires = f" · expires {text.when(request.expires_at)}" if request.expires_at else " · does not expire"
    needed = text.plural(line.terms.quorum, "approval")
    return f"🕒 waiting for approval: {len(request.approvals)} of {needed}{because}{escalated}{expires}"


def _in_window(request: RetryRequest) -> str:
    if request.send_after is None:
        return str(text.state_words(request.state))
    until = f" to {text.when(request.send_until)}" if request.send_until else ""
    return f"👍 approved, waits for its maintenance window: {text.when(request.send_after)}{until}"


def _sides(request: RetryRequest) -> tuple[tuple[str, list[str]], ...]:
    approvals = [vote.voter for vote in request.approvals]
    return ("approved", approvals), ("denied", [vote.voter for vote in request.denials])


def _names(people: Sequence[str]) -> str:
    return text.listed([text.mention(who) for who in people], NAMED)


# ---------------------------------------------------------------- those that were


def history(part: Part, device: str = "") -> Message:
    """Requests, newest first, and where each stands or how it ended. ``device``: the name asked about, when one was."""
    of = f" for {text.name(device)}" if device else ""
    if not part.lines:
        words = f"There was no retry request yet{of}."
        return text.message(words, [text.section(f"🔍 {words} `/patches help retry` tells how to make one.")])
    extent = f", newest first{_extent(part)}" + ("" if part.whole else f" of {part.total:,}")
    title = f"Retry requests{' for ' + text.cut(text.line(device), 60) if device else ''}{extent}"
    lines = [_past(line) for line in part.lines]
    return text.message(f"Retry requests{of}{extent}", _page("history", title, part, lines))


def _past(line: Line) -> str:
    request = line.request
    ended = request.settled_at or request.decided_at
    at = f" {text.when(ended)}" if ended else ""
    counted = f": {tally(request)}" if request.state in _COUNTED else ""
    stands = _in_window(request) if request.state is State.APPROVED else f"{text.state_words(request.state)}{counted}"
    return _entry(line, [f"{stands}{_whose(request)}{at}", _why(request), _quoted(request)])


def _whose(request: RetryRequest) -> str:
    """Whose doing the state is; of what went further, who had approved it."""
    by = [request.decided_by] if request.decided_by else []
    if request.state in DECIDED:
        votes = {State.APPROVED: request.approvals, State.DENIED: request.denials}.get(request.state, ())
        people = [vote.voter for vote in votes] or by
        return f" by {_names(people)}" if people else ""
    approvers = [vote.voter for vote in request.approvals] or by
    return f" (approved by {_names(approvers)})" if approvers and request.approved_at else ""


def _why(request: RetryRequest) -> str:
    parts = [text.name(request.note, 2 * WORDS)] if request.note else []
    if request.decision_reason:
        verb = "Denied" if request.state is State.DENIED else "Approved"
        parts.append(f"{verb} because: {text.name(request.decision_reason, WORDS)}")
    return " ".join(parts)


# ---------------------------------------------------------------- what both share


def _extent(part: Part) -> str:
    if part.whole:
        return ""
    first, last = part.ahead + 1, part.ahead + len(part.lines)
    return f", {first:,} to {last:,}" if last > first else f", {first:,}"


def _entry(line: Line, more: Sequence[str]) -> str:
    request = line.request
    link = linked(f"#{request.id} {text.name(request.device.name, NAME)}", line.link)
    what = text.plural(len(request.patches), "patch", "patches")
    asked = f"asked by {text.mention(request.requester)} {text.when(request.asked_at)}"
    others = f" and {text.plural(line.others, 'more device')}" if line.others else ""
    words = text.fit(f"*{link}* ({text.name(request.device.client, NAME)}){others}: {what}, {asked}", ENTRY)
    for each in filter(None, more):
        room = ENTRY - len(words) - 1
        if room < LEAST:
            break
        words += f"\n{text.fit(each, room)}"
    return words


def linked(label: str, address: str) -> str:
    """An address from Slack is not escaped but checked: what could end the link is not let through. In a link's label
    a bar would begin another one."""
    return f"<{address}|{label.replace('|', '¦')}>" if address and not set(address) & set("<>| \n") else label


def _quoted(request: RetryRequest) -> str:
    return f"> {text.name(request.reason, WORDS)}" if request.reason else ""


def _page(kind: Kind, title: str, part: Part, entries: Sequence[str]) -> list[Block]:
    blocks: list[Block] = [text.header(title), *(text.section(entry) for entry in entries)]
    if part.whole:
        return blocks
    if not part.token:
        words = f"⚠️ The bot's database cannot be written, so this list has no buttons: {_NARROWER[kind]}."
        return [*blocks, text.context(words)]
    return [*blocks, ActionsBlock(elements=_buttons(kind, part))]


def _buttons(kind: Kind, part: Part) -> list[ButtonElement]:
    back, onward = _TURNS[kind]
    buttons = [text.button(back, f"{kind}.page.back", part.token)] if part.ahead else []
    return [*buttons, text.button(onward, f"{kind}.page.next", part.token)] if part.behind > 0 else buttons
