"""Makes docs/approvals.md, the table of who may do what to a retry request, from the code that decides it.

Every cell is what ``bot.approvals`` says when it is asked, sentence for sentence. From the repository's root:
``python docs/approvals.py``
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot import approvals
from bot.approvals import Event, Policy, Standing
from bot.errors import Refused
from bot.model import OPEN, Device, DeviceKind, Fate, Patch, RequestedPatch, RetryRequest, State, Terms, Vote

TARGET = Path(__file__).with_name("approvals.md")

ASKED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
NOW = ASKED + timedelta(hours=2)
REQUESTER, VOTERS = "bob", ("carl", "ann")  # the last vote decides
ROLES: Mapping[str, tuple[str, Standing]] = {
    "approver": ("dave", Standing.APPROVER),
    "requester": (REQUESTER, Standing.OUTSIDER),
    "requester who is an approver": (REQUESTER, Standing.APPROVER),
    "outsider": ("outsider", Standing.OUTSIDER),
    "guest": ("guest", Standing.GUEST),
    "foreign (Slack Connect)": ("foreign", Standing.FOREIGN),
    "deactivated": ("deactivated", Standing.DEACTIVATED),
    "bot": ("bot", Standing.BOT),
    "Slack cannot tell": ("unknown", Standing.UNKNOWN),
}
VOTED = "approver who has approved"
BUTTONS = {
    "Approve": approvals.Approve,
    "Deny": approvals.Deny,
    "Take my vote back": approvals.Retract,
    "Withdraw": approvals.Withdraw,
    "Read the device again": approvals.Look,
    "Close": approvals.Close,
}
DEVICE = {4: Patch(4, "Patch 4", 16, "Failed")}

EVENTS = {
    approvals.Approve: "*Approve*",
    approvals.Deny: "*Deny*",
    approvals.Retract: "*Take my vote back*",
    approvals.Withdraw: "*Withdraw*",
    approvals.Remind: "`remind` is over: who is still needed is mentioned",
    approvals.Escalate: "`escalate_after` is over: others may decide too",
    approvals.Tighten: "the configuration asks for more than it did: it may drop votes, and one denial may be enough",
    approvals.Move: "N-sight tells another name, client or kind of the device, whose rules hold as well",
    approvals.Expire: "time is over: `expires` while it waits for people, `stale` or its window's end afterwards",
    approvals.Await: "the maintenance window is still to come",
    approvals.Hold: "Slack or N-sight cannot be asked right now",
    approvals.Revert: "judged again (at start, after a move, before the call), the approval no longer suffices",
    approvals.Reject: "N-sight says no before the call: the device is gone, say",
    approvals.Claim: "everything is checked: one process takes it in order to call",
    approvals.Conclude: "the call's answer is there",
    approvals.LoseTrack: "the claim ran out without an answer",
    approvals.Read: "the device was read",
    approvals.Look: "*Read the device again*",
    approvals.Postpone: "the device could not be read",
    approvals.Close: "*Close*",
}

INTRODUCTION = """\
# Who may do what to a retry request

Written by `python docs/approvals.py` from `bot/approvals`, which is also what the bot obeys; do not edit it by hand.
The tests hold the same code against tables written by hand (`tests/test_approvals.py`) and press every button as
everybody over the real door (`tests/scenes/test_roles.py`). [security.md](security.md) tells what else guards a retry.

## The life of a request

A request is made *pending*. What is not in this table is refused, whoever asks for it.
"""

ROLES_TEXT = """
## Who may press what

The roles, as Slack tells them at the press and, freshly asked, once more before anything is sent:

- **approver**: a full, active member of this organisation who is in every list of approvers that holds for the
  request, by user id or by usergroup. In two of the groups still counts once. Once a request is escalated, those in
  `escalate_to` are approvers of it too, for as long as the configuration names them.
- **requester**: whoever asked. **outsider**: any other full member.
- **guest**, **foreign** (an account of another organisation, Slack Connect), **deactivated**, **bot**: never, whatever
  list they are in.
- **Slack cannot tell**: Slack does not answer, the scope is missing, the plan has no usergroups. The answer is no.

Below, request #7 takes one approval, or two where that is told, and nobody approves their own (`self_approval` is off;
where it is on, a requester who is an approver counts as an approver). One denial ends it (`denials`). The sentence is
what the person hears, in private; nothing is changed by it. Here bob asked and ann gave the last vote.
"""


# ---------------------------------------------------------------- samples


def _policy(quorum: int) -> Policy:
    terms = Terms(lists=(("S0PATCHTEAM",),), quorum=quorum, expires=timedelta(hours=8))
    day = timedelta(days=1)
    return Policy(terms=terms, stale=day, follow_for=2 * day, follow_every=timedelta(minutes=15))


def _request(state: State, quorum: int) -> RetryRequest:
    """A request in that state as it usually comes about."""
    device = Device(1001, "SRV-DC01", DeviceKind.SERVER, 301, "Contoso Ltd", "Head Office")
    request = RetryRequest(
        id=7,
        state=state,
        version=1,
        device=device,
        patches=(RequestedPatch(4, "Patch 4", "Failed", "Failed"),),
        requester=REQUESTER,
        reason="",
        asked_in="C0HELPDESK",
        asked_at=ASKED,
        terms=_policy(quorum).terms,
        waiting_since=ASKED,
        expires_at=ASKED + timedelta(hours=8),
    )
    if state is State.PENDING:
        return request
    if state in {State.DENIED, State.WITHDRAWN}:
        by = VOTERS[-1] if state is State.DENIED else REQUESTER
        return replace(request, decided_by=by, decided_at=ASKED)
    if state is State.EXPIRED:
        return request
    votes = tuple(Vote(who, ASKED) for who in VOTERS[-quorum:])
    decided = replace(request, votes=votes, decided_by=votes[-1].voter, decided_at=ASKED, approved_at=ASKED)
    if state in {State.APPROVED, State.REJECTED}:
        return decided
    fate = Fate.QUEUED if state is State.QUEUED else Fate.WAITING
    return replace(decided, called_at=ASKED, patches=(replace(decided.patches[0], fate=fate),))


def _event(button: str, who: str, standing: Standing) -> Event:
    kind = BUTTONS[button]
    if kind in {approvals.Retract, approvals.Withdraw}:
        return kind(who)
    if kind is approvals.Look:
        return approvals.Look(who, standing, DEVICE)
    return approvals.Close(who, standing) if kind is approvals.Close else kind(who, standing, "because")


# ---------------------------------------------------------------- what comes of it


def _outcome(state: State, button: str, role: str) -> str:
    who, standing = ROLES[role]
    one, two = (_led_to(_request(state, quorum), _event(button, who, standing), _policy(quorum)) for quorum in (1, 2))
    return one if one == two else f"{one}; where two approvals are needed: {two}"


def _led_to(request: RetryRequest, event: Event, policy: Policy) -> str:
    try:
        after = approvals.step(request, event, policy, NOW)
    except Refused as refused:
        return f"“{_plain(refused.sentence)}”"
    if after.state is not request.state:
        return f"→ **{after.state}**"
    if after.votes != request.votes:
        return f"→ still **{after.state}**, {policy.terms.quorum - len(after.approvals)} more needed"
    return f"→ still **{after.state}**, until what is read proves something"


def _plain(sentence: str) -> str:
    """Mentions as people see them; nothing that Markdown would take for its own."""
    return re.sub(r"<@(\w+)>", r"@\1", sentence).replace("|", "\\|")


def _rows(state: State) -> list[tuple[str, str, str]]:
    """(buttons, roles, what comes of it), equal outcomes put together."""
    by_outcome: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for button in BUTTONS:
        for role in ROLES:
            by_outcome[_outcome(state, button, role)][button].append(role)
    rows: list[tuple[str, str, str]] = []
    for outcome, buttons in by_outcome.items():
        together: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for button, roles in buttons.items():
            together[tuple(roles)].append(button)
        rows += [(_named(found), _who(roles), outcome) for roles, found in together.items()]
    return sorted(rows, key=_order)


def _order(row: tuple[str, str, str]) -> tuple[bool, int]:
    """What does something comes first, then by button as they stand on the card."""
    return not row[2].startswith("→"), list(BUTTONS).index(row[0].split(", ")[0]) if row[0] != "any" else 0


def _named(buttons: Sequence[str]) -> str:
    return "any" if len(buttons) == len(BUTTONS) else ", ".join(buttons)


def _who(roles: Sequence[str]) -> str:
    if len(roles) == len(ROLES):
        return "everybody"
    others = [role for role in ROLES if role not in roles]
    return f"everybody but {' and '.join(others)}" if len(others) <= 2 else ", ".join(roles)


# ---------------------------------------------------------------- the page


def page() -> str:
    """The whole of approvals.md."""
    parts = [INTRODUCTION, _life(), ROLES_TEXT]
    for state in State:
        if state in OPEN:
            parts += [f"### {state.capitalize()}\n", _table(("button", "who", "what comes of it"), _rows(state))]
        if state is State.PENDING:
            parts += [f"An {VOTED}, where two approvals are needed:\n", _votes()]
    return "\n".join([*parts, "### Ended\n", _ends()])


def _votes() -> str:
    """A vote counts once, and can be changed or taken back."""
    request = replace(_request(State.PENDING, 2), votes=(Vote(VOTERS[-1], ASKED),))
    buttons = ("Approve", "Deny", "Take my vote back")
    events = [_event(button, VOTERS[-1], Standing.APPROVER) for button in buttons]
    outcomes = [_led_to(request, event, _policy(2)) for event in events]
    return _table(("button", "what comes of it"), zip(buttons, outcomes, strict=True))


def _ends() -> str:
    """Whoever presses whatever button on a screen that has not refreshed hears the same."""
    rows = [(state, buttons, who, said) for state in State if state not in OPEN for buttons, who, said in _rows(state)]
    return _table(("state", "button", "who", "what comes of it"), rows)


def _life() -> str:
    """State × event → states, with the states that have no way out in one row."""
    rows = [
        (state, EVENTS[event], ", ".join(_target(state, one) for one in after))
        for (state, event), after in approvals.TABLE.items()
    ]
    ends = ", ".join(state for state in State if state not in OPEN)
    return _table(
        ("state", "what happens", "the state after it"), [*rows, (ends, "whatever happens", "the same: ends")]
    )


def _target(state: State, after: State) -> str:
    return "the same" if after is state else f"**{after}**"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
