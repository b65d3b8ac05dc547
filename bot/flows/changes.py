"""Applying an event to a stored request: step, compare-and-swap with the audit row and the news, then show it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot import approvals
from bot.approvals import Event
from bot.blocks import news
from bot.errors import Refused
from bot.flows import cards, rights
from bot.flows.services import Services
from bot.model import Fate, Message, RetryRequest, State, Terms
from bot.store import Entry, Note

MOST_RACES = 100  # a compare-and-swap lost that often is a fault of ours, not a race

_THREAD_STATES = frozenset({State.QUEUED, State.FINISHED, State.UNKNOWN, State.REJECTED, State.CLOSED})


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
    now = services.now()
    policy = services.policy(replace(before, device=event.device) if isinstance(event, approvals.Move) else before)
    after = approvals.step(before, event, policy, now)
    if _only_waits(before, after):
        moved = after.next_at is None or await services.store.look_again(before.id, before.version, after.next_at)
        return before if moved else None
    entry = Entry(now, actor, _action(event), f"request:{before.id}", _facts(before, after, event))
    notes = await _notes(services, before, after, event)
    further = after.terms.escalate_channel if isinstance(event, approvals.Escalate) else ""
    if not await services.store.change_request(after, entry, notes, card_channel=further):
        return None
    if after.state is not before.state:
        services.metrics.changes.labels(after.state).inc()
    services.spawn(cards.show_request(services, after.id), f"show request {after.id}")
    return after


def _only_waits(before: RetryRequest, after: RetryRequest) -> bool:
    """Nothing but the time of the next look has changed: no news, no audit row, no new version."""
    return replace(after, version=before.version, next_at=before.next_at) == before


def _action(event: Event) -> str:
    return f"request.{type(event).__name__.lower()}"


def _facts(before: RetryRequest, after: RetryRequest, event: Event) -> Mapping[str, Any]:
    """What an auditor needs: states, votes, decisions, the call with its parameters, the answer, each patch's fate."""
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


async def _notes(services: Services, before: RetryRequest, after: RetryRequest, event: Event) -> list[Note]:
    policy = services.policy(after)
    if isinstance(event, approvals.Escalate):
        told = news.escalation(after, policy)
        asked = approvals.demanded(after, policy).escalate_to
        people = [one for one in asked if not one.startswith("S") and one != after.requester]
        return [_note(after, to, told) for to in ("", *people)]
    if isinstance(event, approvals.Remind):
        return [_note(after, "", news.nudge(after, policy, await rights.still_needed(services, after)))]
    message = news.of(before, after)
    if message is None:
        return []
    muted = await services.store.mutes(after.requester)
    notes = [] if muted else [_note(after, after.requester, message)]
    if after.state in _THREAD_STATES or isinstance(event, approvals.Revert | approvals.Tighten | approvals.Move):
        notes.append(_note(after, "", message))
    return notes


def _note(request: RetryRequest, to: str, message: Message) -> Note:
    return Note(f"request:{request.id}:{request.version}:{to or 'thread'}", request.id, to, message)
