"""Applying an event to stored requests: step, compare-and-swap with the audit row and the news, then show it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot import approvals
from bot.approvals import Event
from bot.blocks import news
from bot.errors import Refused
from bot.flows import cards, rights
from bot.flows.services import Services
from bot.model import Fate, Message, RetryRequest, State, Terms
from bot.store import Change, Entry, Note

MOST_RACES = 100  # a compare-and-swap lost that often is a fault of ours, not a race

_THREAD_STATES = frozenset({State.QUEUED, State.FINISHED, State.UNKNOWN, State.REJECTED, State.CLOSED})
_ALONE = frozenset({State.PENDING, State.EXPIRED, State.UNKNOWN, State.REJECTED, State.CLOSED})
"""Where one request of a bulk may come to without the others, and somebody has to know of it at once."""


@dataclass(frozen=True, slots=True)
class Together:
    """``members``: the requests of one card as they are now; ``changed``: those that the event changed; ``refused``:
    what stood in the way of others that it might have changed."""

    members: tuple[RetryRequest, ...]
    changed: tuple[RetryRequest, ...]
    refused: tuple[Refused, ...] = ()


@dataclass(frozen=True, slots=True)
class _Step:
    before: RetryRequest
    after: RetryRequest
    event: Event


async def change(services: Services, request_id: int, event: Event, actor: str) -> RetryRequest:
    """Applies ``event`` to the request as it is now, again after each lost race. Returns it as stored.

    Raises Refused (the guard's sentence, or no such request) and TrailUnwritableError.
    """
    for _ in range(MOST_RACES):
        before = await services.store.request(request_id)
        if before is None:
            raise Refused(f"There is no request #{request_id}. Nothing was done.")
        after = await change_once(services, before, event, actor)
        if after is not None:
            return after
    raise RuntimeError(f"request {request_id} could not be changed in {MOST_RACES} tries")


async def change_once(services: Services, before: RetryRequest, event: Event, actor: str) -> RetryRequest | None:
    """Applies ``event`` to exactly the version that was read; None when somebody else was faster."""
    policy = services.policy(replace(before, device=event.device) if isinstance(event, approvals.Move) else before)
    step = _Step(before, approvals.step(before, event, policy, services.now()), event)
    if _only_waits(before, step.after):
        at = step.after.next_at
        moved = at is None or await services.store.look_again(before.id, before.version, at)
        return before if moved else None
    notes = [*await _notes(services, step), *await _last_words(services, step.after)]
    return step.after if await _write(services, [step], actor, notes) else None


async def _last_words(services: Services, after: RetryRequest) -> list[Note]:
    """How a bulk ended, once its last request has. What two processes end at the same moment is told with the card."""
    if not after.bulk or after.open:
        return []
    members = await services.store.members(after.id)
    return await cards.end_notes(services, [after if one.id == after.id else one for one in members])


async def change_together(
    services: Services,
    request_id: int,
    kind: type[Event],
    event_for: Callable[[RetryRequest], Awaitable[Event | None]],
    actor: str,
) -> Together:
    """What is decided on a card holds for every request of it that it can hold for, all in one transaction; again after
    each lost race. ``event_for``: the event of this ``kind`` for one request, None to leave that one as it is.

    Raises Refused when it can hold for none of them, and TrailUnwritableError.
    """
    for _ in range(MOST_RACES):
        members = await services.store.members(request_id)
        if not members:
            raise Refused(f"There is no request #{request_id}. Nothing was done.")
        steps, refused = await _steps(services, members, kind, event_for)
        if refused and not steps:
            raise refused[0]
        if not steps or await _write(services, steps, actor, await _joint_notes(services, members, steps)):
            after = {step.after.id: step.after for step in steps}
            now = tuple(after.get(member.id, member) for member in members)
            return Together(now, tuple(after.values()), tuple(refused))
    raise RuntimeError(f"request {request_id} could not be changed in {MOST_RACES} tries")


async def _steps(
    services: Services,
    members: Sequence[RetryRequest],
    kind: type[Event],
    event_for: Callable[[RetryRequest], Awaitable[Event | None]],
) -> tuple[list[_Step], list[Refused]]:
    """Those whose state knows no such event are no obstacle to the others; alone, the first of them says so."""
    steps: list[_Step] = []
    refused: list[Refused] = []
    now = services.now()  # the same for all: it is one decision
    for before in [one for one in members if (one.state, kind) in approvals.TABLE] or members[:1]:
        event = await event_for(before)
        if event is None:
            continue
        try:
            after = approvals.step(before, event, services.policy(before), now)
        except Refused as no:
            refused.append(no)
            continue
        if not _only_waits(before, after):
            steps.append(_Step(before, after, event))
        elif after.next_at is not None:
            await services.store.look_again(before.id, before.version, after.next_at)
    return steps, refused


async def _write(services: Services, steps: Sequence[_Step], actor: str, notes: Sequence[Note]) -> bool:
    """The notes go with the first of the steps."""
    now = services.now()
    changes = [
        Change(
            step.after,
            Entry(now, actor, _action(step.event), f"request:{step.after.id}", _facts(step)),
            notes if number == 0 else (),
            step.after.terms.escalate_channel if isinstance(step.event, approvals.Escalate) else "",
        )
        for number, step in enumerate(steps)
    ]
    if not await services.store.change_requests(changes):
        return False
    for step in steps:
        if step.after.state is not step.before.state:
            services.metrics.changes.labels(step.after.state).inc()
    shown = steps[0].after.card_id
    services.spawn(cards.show_request(services, shown), f"show request {shown}")
    return True


def _only_waits(before: RetryRequest, after: RetryRequest) -> bool:
    """Nothing but the time of the next look has changed: no news, no audit row, no new version."""
    return replace(after, version=before.version, next_at=before.next_at) == before


def _action(event: Event) -> str:
    return f"request.{type(event).__name__.lower()}"


def _facts(step: _Step) -> Mapping[str, Any]:
    """What an auditor needs: states, votes, decisions, the call with its parameters, the answer, each patch's fate."""
    before, after, event = step.before, step.after, step.event
    facts: dict[str, Any] = {"from": before.state, "to": after.state, "version": after.version}
    if isinstance(event, approvals.Claim) and after.state is State.SENDING:
        ids = [patch.id for patch in after.patches if patch.fate is Fate.WAITING]
        facts["call"] = {"service": "patch_retry", "deviceid": after.device.id, "patchids": ids}
        facts["votes"] = [vote.voter for vote in after.approvals]
    if isinstance(event, approvals.Conclude):
        answer = event.answer
        facts["answer"] = {
            "verdict": answer.verdict,
            "words": answer.words,
            "reference": answer.reference,
            "retried": sorted(answer.retried),
            "already": sorted(answer.already),
            "unaccounted": sorted(answer.unaccounted),
        }
    if isinstance(event, approvals.Approve | approvals.Deny) and event.reason:
        facts["reason"] = event.reason
    if after.votes != before.votes:
        facts["votes"] = [[vote.voter, "deny" if vote.denies else "approve"] for vote in after.votes]
    if isinstance(event, approvals.Escalate):
        facts["escalated_to"] = [*after.terms.escalate_to, *filter(None, [after.terms.escalate_channel])]
    if after.device != before.device:
        facts["device"] = {"id": after.device.id, "name": after.device.name, "client": after.device.client}
    if after.terms != before.terms:
        facts["terms"] = told_terms(after.terms)
    if after.expires_at != before.expires_at and after.expires_at:
        facts["expires"] = after.expires_at.isoformat()
    if after.send_after != before.send_after and after.send_after:
        facts["window"] = [at.isoformat() for at in (after.send_after, after.send_until) if at]
    if after.note and after.note != before.note:
        facts["note"] = after.note
    if after.patches != before.patches:
        facts["patches"] = {str(patch.id): [patch.fate, patch.label] for patch in after.patches}
    return facts


def told_terms(terms: Terms) -> dict[str, Any]:
    """For the audit trail: what it takes to decide."""
    return {
        "quorum": terms.quorum,
        "denials": terms.denials,
        "approvers": [list(each) for each in terms.lists],
        "self_approval": terms.self_approval,
        "reason": "required" if terms.reason_required else "optional",
        "deny_reason": "required" if terms.deny_reason else "optional",
        "because": terms.because,
    }


async def _joint_notes(services: Services, members: Sequence[RetryRequest], steps: Sequence[_Step]) -> list[Note]:
    """Once for all requests of a card that came to the same state."""
    notes: list[Note] = []
    for state in dict.fromkeys(step.after.state for step in steps):
        alike = [step for step in steps if step.after.state is state]
        alike = [step for step in alike if news.of(step.before, step.after)] or alike
        about = news.devices([step.after for step in alike], of=len(members)) if len(members) > 1 else ""
        notes += await _notes(services, alike[0], about)
    return notes


async def _notes(services: Services, step: _Step, about: str = "") -> list[Note]:
    """What people hear of a change. ``about``: the devices it is about, where these are several of one card."""
    after, event = step.after, step.event
    policy = services.policy(after)
    if isinstance(event, approvals.Escalate):
        told = news.escalation(after, policy, about)
        asked = approvals.demanded(after, policy).escalate_to
        people = [one for one in asked if not one.startswith("S") and one != after.requester]
        return [_note(after, to, told) for to in ("", *people)]
    if isinstance(event, approvals.Remind):
        return [_note(after, "", news.nudge(after, policy, await rights.still_needed(services, after), about))]
    message = news.of(step.before, after, about)
    if message is None or (after.bulk and isinstance(event, approvals.Conclude) and after.state is State.QUEUED):
        return []  # that one of many is queued, as was to be expected, is on the card
    notes = []
    if about or not after.bulk or after.state in _ALONE:
        notes = await cards.to_requester(services, after, _key(after), message)
        if isinstance(event, approvals.Withdraw):  # whoever asked is being answered
            notes = [note for note in notes if note.to != after.requester]
    if after.state in _THREAD_STATES or isinstance(event, approvals.Revert | approvals.Tighten | approvals.Move):
        notes.append(_note(after, "", message))
    return notes


def _note(request: RetryRequest, to: str, message: Message) -> Note:
    return Note(f"{_key(request)}:{to or 'thread'}", request.card_id, to, message)


def _key(request: RetryRequest) -> str:
    return f"request:{request.id}:{request.version}"
