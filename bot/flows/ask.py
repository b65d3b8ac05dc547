"""Making a retry request: which device, which patches, may it be asked, store it, show its card."""

from dataclasses import dataclass
from datetime import datetime

from bot import commands
from bot.blocks import request as words
from bot.errors import Refused
from bot.flows import cards, inventory, rights
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Device, Message, Patch, RequestedPatch, RetryRequest, State
from bot.store import JSON, Covered, Entry


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for. ``ids`` None: every failed patch. ``channel``: where it was asked."""

    who: str
    channel: str
    device: str
    ids: tuple[int, ...] | None
    reason: str


async def request(services: Services, wish: Wish, progress: Progress) -> Message:
    """Makes a request and returns the private answer. Raises Refused, UpstreamError, TrailUnwritableError."""
    await demand_possible(services, wish.who, wish.reason)
    device = await inventory.find(services, wish.device, progress)
    if not device.patching:
        raise Refused(
            f"Patch Management is switched off for device {device.id} in N-sight, so there is nothing to retry."
        )
    await progress("⏳ Asking N-sight about the device's patches…")
    patches = await services.nsight.patches(device.id)
    most = services.config.approvals.max_patches
    chosen = commands.match_patches(wish.ids, patches, most, device, reason=wish.reason)
    made = await _store(services, _draft(services, wish, device, chosen.failed))
    await cards.show_request(services, made.id)
    link = await cards.link_to(services, made.id)
    left_out = [(patch.id, commands.patch_state(patch)) for patch in chosen.left_out]
    unposted_in = await cards.unposted_in(services, made.id)
    return words.created(made, services.policy, left_out, link, unposted_in=unposted_in)


async def again(services: Services, request_id: int, who: str, channel: str, progress: Progress) -> Message:
    """A new request for the patches of an ended one that are still failed."""
    ended = await services.store.request(request_id)
    if ended is None:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    if ended.open:
        raise Refused(f"Request #{request_id} is still open, so there is no need to ask again.")
    ids = tuple(patch.id for patch in ended.patches)
    wish = Wish(who, channel, str(ended.device.id), ids, ended.reason)
    return await request(services, wish, progress)


async def demand_possible(services: Services, who: str, reason: str) -> None:
    """Raises Refused when no request could ever be approved, or a required reason is missing."""
    rules = services.config.approvals
    if not rules.channel or not rules.approvers:
        missing = "channel" if not rules.channel else "approvers"
        raise Refused(
            f"Retry requests are not set up: `approvals.{missing}` is missing in patches.toml, so nobody could "
            "approve this. Nothing was done."
        )
    if services.policy.reason_required and not reason.strip():
        raise Refused("A reason is required here: add it behind the ids. Nothing was done.")
    await _demand_approvers(services, who)


async def _demand_approvers(services: Services, who: str) -> None:
    quorum = services.config.approvals.quorum
    found = await rights.possible_approvers(services, who, quorum)
    if found is None or found >= quorum:
        return
    if services.config.approvals.self_approval:
        raise Refused(f"Only {found} of the {quorum} approvals needed could be given at all. Nothing was done.")
    if found == 0:
        raise Refused("Nobody but you could approve this, and nobody approves their own request. Nothing was done.")
    raise Refused(f"{quorum} approvals are needed, and besides you only {found} could give one. Nothing was done.")


async def _store(services: Services, draft: RetryRequest) -> RetryRequest:
    facts: dict[str, JSON] = {
        "device": {"id": draft.device.id, "name": draft.device.name, "client": draft.device.client},
        "patches": {str(patch.id): [patch.title, patch.seen] for patch in draft.patches},
        "reason": draft.reason,
        "channel": draft.asked_in,
        "quorum": draft.quorum,
    }
    entry = Entry(draft.asked_at, draft.requester, "request.create", "", facts)
    channel = services.config.approvals.channel or ""
    made = await services.store.create_request(draft, entry, card_channel=channel)
    if isinstance(made, Covered):
        found = [(one, await cards.link_to(services, one.id)) for one in made.requests]
        raise Refused(words.covered(found))
    services.metrics.changes.labels(State.PENDING).inc()
    return made


def _draft(services: Services, wish: Wish, device: Device, patches: tuple[Patch, ...]) -> RetryRequest:
    now, policy = services.now(), services.policy
    expires_at: datetime | None = now + policy.expires if policy.expires else None
    return RetryRequest(
        id=0,
        state=State.PENDING,
        version=0,
        device=device,
        patches=tuple(_requested(patch) for patch in patches),
        requester=wish.who,
        reason=wish.reason.strip(),
        asked_in=wish.channel,
        asked_at=now,
        expires_at=expires_at,
        quorum=policy.quorum,
        next_at=expires_at,
    )


def _requested(patch: Patch) -> RequestedPatch:
    seen = patch.label or "Failed"
    return RequestedPatch(id=patch.id, title=patch.title, seen=seen, label=seen)
