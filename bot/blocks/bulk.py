"""A retry request for several devices as its one card shows it: a pure picture of its rows."""

from collections import Counter
from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.approvals import Policy
from bot.blocks import text
from bot.blocks.request import (
    NO_LINKS,
    Links,
    being_looked_up,
    headline,
    history_blocks,
    may_ask_again,
    patch_line,
    reason_words,
    settling_buttons,
    small_print,
    status,
    tally_of,
    vote_lines,
)
from bot.model import Message, RetryRequest, State

ROOM = 7000  # characters of device sections on a card; with the rest it stays under what Slack takes
MOST = 2900  # of one section
NAME, TITLE = 40, 60  # characters of names and patch titles before they are escaped
NOTES = 2400  # characters of all devices' notes
UNSETTLED = 5  # devices with buttons of their own; the next ones have theirs once these are settled


def card(requests: Sequence[RetryRequest], policies: Sequence[Policy], links: Links = NO_LINKS) -> Message:
    """One section for each device, with its patches and, from the decision on, how it fares. ``policies``: one each."""
    first, states = requests[0], {request.state for request in requests}
    lead = next((n for n, request in enumerate(requests) if request.state is State.PENDING), 0)
    patches = sum(len(request.patches) for request in requests)
    title = f"{text.plural(patches, 'patch', 'patches')} on {text.plural(len(requests), 'device')}"
    room = min(MOST, ROOM // len(requests))
    unknown = [request.id for request in requests if request.state is State.UNKNOWN][:UNSETTLED]
    blocks: list[Block] = [text.header(f"Retry request #{first.card_id}: {title}"), text.section(reason_words(first))]
    blocks += history_blocks(links)
    for request in requests:
        blocks.append(text.section(_device(request, room, alone=len(states) > 1 or State.PENDING not in states)))
        if request.id in unknown:
            buttons = settling_buttons(str(request.id))
            blocks.append(ActionsBlock(block_id=f"request.{request.id}.unknown", elements=buttons))
    blocks.append(text.section(_status(requests, policies, lead)))
    blocks.append(text.context(*filter(None, (small_print(requests[lead], policies[lead], links), links.consoles))))
    if buttons := _buttons(requests):
        blocks.append(ActionsBlock(block_id=f"request.{first.card_id}", elements=buttons))
    return text.message(_fallback(requests), blocks)


def _device(request: RetryRequest, room: int, *, alone: bool) -> str:
    """``alone``: it has a fate of its own by now. At least one line of patches, then as far as ``room`` goes."""
    device = request.device
    where = f"{device.kind} · {text.name(device.client, NAME)}"
    number = f" · request #{request.id}" if alone else ""
    lines = [f"*{text.name(device.name, NAME)}* (id {device.id}) · {where}{number}"]
    if alone:
        lines.append(_stands(request, NOTES // (1 + len(request.peers))))
    room -= sum(len(line) + 1 for line in lines)
    shown = 0
    for patch in request.patches:
        line = patch_line(patch, TITLE)
        room -= len(line) + 1
        if room < 0 and shown:
            break
        lines.append(line)
        shown += 1
    if hidden := len(request.patches) - shown:
        lines.append(f"… and {text.plural(hidden, 'more patch', 'more patches')}")
    return "\n".join(lines)


def _stands(request: RetryRequest, most: int) -> str:
    """Shorter than the headline of a request that has a card to itself, unless it waits for its window."""
    if request.state in {State.APPROVED, State.QUEUED}:
        return headline(request)
    fates = tally_of([request])
    told = f": {fates}" if fates else ""
    note = f" {text.name(request.note, most)}" if request.note else ""
    return f"{text.state_words(request.state)}{told}.{note}"


def _status(requests: Sequence[RetryRequest], policies: Sequence[Policy], lead: int) -> str:
    states = Counter(request.state for request in requests)
    looked_up = sum(being_looked_up(request) for request in requests)
    if len(states) == 1 and requests[0].state in {State.PENDING, State.APPROVED, State.DENIED, State.WITHDRAWN}:
        return status(requests[lead], policies[lead])
    states[State.QUEUED] -= looked_up
    told = [f"{count} {text.state_words(state).words}" for state, count in states.items() if count]
    counts = ", ".join([*told, f"{looked_up} being looked up"] if looked_up else told)
    fates = tally_of(requests)
    done = f"\nPatches: {fates}." if fates else ""
    if requests[lead].state is State.PENDING:
        return text.fit(f"*Devices:* {counts}.{done}\n{status(requests[lead], policies[lead])}", MOST)
    votes = {(vote.voter, vote.denies): vote for request in requests for vote in request.votes}  # mostly on all alike
    return text.fit("\n".join([f"*Devices:* {counts}.{done}", *vote_lines(votes.values())]), MOST)


def _buttons(requests: Sequence[RetryRequest]) -> list[ButtonElement]:
    value, states = str(requests[0].card_id), {request.state for request in requests}
    withdraw = text.button("Withdraw", "request.withdraw", value)
    if State.PENDING in states:
        approve = text.button("Approve", "request.approve", value, "primary")
        return [approve, text.button("Deny", "request.deny", value, "danger"), withdraw]
    if State.APPROVED in states:
        return [withdraw]
    if not any(request.open for request in requests) and any(may_ask_again(request) for request in requests):
        return [text.button("Retry…", "request.again", value)]
    return []


def _fallback(requests: Sequence[RetryRequest]) -> str:
    first, waits = requests[0], any(request.state is State.PENDING for request in requests)
    asked = f"{text.mention(first.requester)} asks" if waits else "Asked"
    patches = text.plural(sum(len(request.patches) for request in requests), "patch", "patches")
    names = text.listed([text.name(request.device.name, 60) for request in requests], 5)
    fates = tally_of(requests)
    stands = "Waiting for approval." if waits else f"{fates[:1].upper()}{fates[1:]}." if fates else headline(first)
    return f"Request #{first.card_id}: {asked} to retry {patches} on {names}. {stands}"
