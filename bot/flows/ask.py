"""Making a retry request: which device, which patches, may it be asked, store it, show its card."""

from dataclasses import dataclass, replace

from bot import approvals, commands, markup, terms
from bot.blocks import answers
from bot.errors import Refused
from bot.flows import cards, changes, inventory, rights
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Device, Message, Patch, RequestedPatch, RetryRequest, State, Terms
from bot.store import JSON, Covered, Entry

NOTHING = "Nothing was done."
LINKED = 10  # requests of a history whose addresses Slack is asked for


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
    _demand_set_up(services, wish.reason)
    device = await inventory.find(services, wish.device, progress)
    if not device.patching:
        raise Refused(
            f"Patch Management is switched off for device {device.id} in N-sight, so there is nothing to retry."
        )
    await progress("⏳ Asking N-sight about the device's patches…")
    patches = await services.nsight.patches(device.id)
    most = services.config.approvals.max_patches
    chosen = commands.match_patches(wish.ids, patches, most, device, reason=wish.reason)
    draft = await _draft(services, wish, device, chosen.failed)
    await _demand_possible(services, draft)
    made = await _store(services, draft)
    await cards.show_request(services, made.id)
    link = await cards.link_to(services, made.id)
    left_out = [(patch.id, commands.patch_state(patch)) for patch in chosen.left_out]
    where = await cards.where_shown(services, made.id)
    return answers.created(made, services.policy(made), left_out, link, where)


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


def reason_always(services: Services) -> bool:
    """Whether a reason is required of every request, whatever it is about."""
    rules = services.config.approvals
    every = (rules.terms, *(replace(rules.terms, **rule.changes) for rule in rules.rules))
    return all(each.reason_required for each in every)


def _demand_set_up(services: Services, reason: str) -> None:
    """Raises Refused when nobody could approve anything, or a reason is missing whatever is asked for."""
    rules = services.config.approvals
    named = rules.approvers or any("lists" in rule.changes for rule in rules.rules)
    if not rules.channel or not named:
        missing = "channel" if not rules.channel else "approvers"
        raise Refused(
            f"Retry requests are not set up: `approvals.{missing}` is missing in patches.toml, so nobody could "
            "approve this. Nothing was done."
        )
    if reason_always(services):
        _demand_reason(reason, "here")


def _demand_reason(reason: str, where: str, form: str = "") -> None:
    if markup.blank(reason):
        how = f"type {form}" if form else "add it behind the ids"
        raise Refused(f"A reason is required {where}: {how}. {NOTHING}")


async def _demand_possible(services: Services, draft: RetryRequest) -> None:
    """Raises Refused when this very request could never be approved, or a reason that it needs is missing."""
    asked = draft.terms
    if asked.reason_required:
        ids = ",".join(str(patch.id) for patch in draft.patches)
        form = markup.code(f"/patches retry {draft.device.id} {ids} REASON", 200)
        _demand_reason(draft.reason, f"for this ({markup.name(asked.because)})" if asked.because else "here", form)
    found = await rights.possible_approvers(services, draft.requester, asked)
    if found is None or found >= asked.quorum:
        return
    why = f" ({markup.name(asked.because)})" if asked.because else ""
    if asked.self_approval:
        raise Refused(f"Only {found} of the {asked.quorum} approvals needed{why} could be given at all. {NOTHING}")
    if found == 0:
        raise Refused(f"Nobody but you could approve this{why}, and nobody approves their own request. {NOTHING}")
    raise Refused(f"{asked.quorum} approvals are needed{why}, and besides you only {found} could give one. {NOTHING}")


async def _store(services: Services, draft: RetryRequest) -> RetryRequest:
    facts: dict[str, JSON] = {
        "device": {"id": draft.device.id, "name": draft.device.name, "client": draft.device.client},
        "patches": {str(patch.id): [patch.title, patch.seen] for patch in draft.patches},
        "reason": draft.reason,
        "channel": draft.asked_in,
        "terms": changes.told_terms(draft.terms),
    }
    entry = Entry(draft.asked_at, draft.requester, "request.create", "", facts)
    channel = services.config.approvals.channel or ""
    made = await services.store.create_request(draft, entry, card_channel=channel)
    if isinstance(made, Covered):
        found = [(one, await cards.link_to(services, one.id)) for one in made.requests]
        raise Refused(answers.covered(found))
    services.metrics.changes.labels(State.PENDING).inc()
    return made


async def _draft(services: Services, wish: Wish, device: Device, patches: tuple[Patch, ...]) -> RetryRequest:
    """The request as it would be made now. Raises Refused when one of its patches has failed again too often."""
    now = services.now()
    requested = tuple(_requested(patch) for patch in patches)
    policy = services.policy_on(device, requested)
    policy = replace(policy, terms=await _within_budget(services, policy.terms, device, requested))
    draft = RetryRequest(
        id=0,
        state=State.PENDING,
        version=0,
        device=device,
        patches=requested,
        requester=wish.who,
        reason=wish.reason.strip(),
        asked_in=wish.channel,
        asked_at=now,
        terms=policy.terms,
    )
    return approvals.opened(draft, policy, now)


async def _within_budget(
    services: Services, asked: Terms, device: Device, patches: tuple[RequestedPatch, ...]
) -> Terms:
    budget = services.config.approvals.budget
    if budget is None:
        return asked
    past = await services.store.failed_again(device.id, [patch.id for patch in patches], services.now() - budget.within)
    spent = terms.spent(budget, patches, past)
    if spent and not budget.quorum:
        links = {one.id: await cards.link_to(services, one.id) for one in past[-LINKED:]}
        raise Refused(answers.quarantined(spent, budget, links))
    return terms.beyond(asked, budget, spent)


def _requested(patch: Patch) -> RequestedPatch:
    seen = patch.label or "Failed"
    return RequestedPatch(id=patch.id, title=patch.title, seen=seen, label=seen, severity=patch.severity)
