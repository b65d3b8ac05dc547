"""Making a retry request: which devices, which patches, may it be asked, store it, show its card."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import approvals, commands, markup, terms
from bot.blocks import answers
from bot.commands import Selection
from bot.errors import NotFound, Refused, UpstreamError
from bot.flows import cards, changes, inventory, rights
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Device, Message, Patch, Posted, RequestedPatch, RetryRequest, State, Terms
from bot.store import JSON, Covered, Entry

NOTHING = "Nothing was done."
LINKED = 10  # requests of a history whose addresses Slack is asked for
AT_ONCE = 4  # devices of one wish that N-sight is asked about at the same time


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device as a person named it, and its patches; ``ids`` None: every failed one."""

    device: str
    ids: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for, on one device or several. ``channel``: where it was asked. ``origin``: the message whose
    button led to it. ``again_of``: the ended request whose patches it asks for once more."""

    who: str
    channel: str
    wanted: tuple[Wanted, ...]
    reason: str
    origin: Posted | None = None
    again_of: int = 0


@dataclass(frozen=True, slots=True)
class _Target:
    """A device, the patches to retry on it, and those that were named but are not failed."""

    device: Device
    chosen: Selection

    @property
    def patches(self) -> tuple[RequestedPatch, ...]:
        return tuple(_requested(patch) for patch in self.chosen.failed)


async def request(services: Services, wish: Wish, progress: Progress) -> Message:
    """Makes a request and returns the private answer. Raises Refused, UpstreamError, TrailUnwritableError.

    Of several devices, one about which nothing can be asked is left out and named.
    """
    _demand_set_up(services, wish.reason)
    targets, refused = await _targets(services, wish, progress)
    _demand_few(services, targets)
    drafts = await _drafts(services, wish, targets)
    await _demand_possible(services, drafts)
    made = await _store(services, drafts)
    card_id = made[0].card_id
    await cards.show_request(services, card_id)
    link = await cards.link_to(services, card_id)
    left_out = [(target.device, patch) for target in targets for patch in target.chosen.left_out]
    where = await cards.where_shown(services, card_id)
    return answers.created(made, made[0].terms, left_out, refused, (link, *where))


async def again(services: Services, request_id: int, who: str, channel: str, progress: Progress) -> Message:
    """A new request for the patches of an ended one, and of those that share its card, that are still failed."""
    return await _again(services, await services.store.members(request_id), request_id, (who, channel), progress)


async def again_alone(services: Services, request_id: int, who: str, channel: str, progress: Progress) -> Message:
    """The same for one device, whatever has become of others that share its card."""
    ended = await services.store.request(request_id)
    return await _again(services, [ended] if ended else [], request_id, (who, channel), progress)


async def _again(
    services: Services, ended: Sequence[RetryRequest], request_id: int, asked: tuple[str, str], progress: Progress
) -> Message:
    if not ended:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    if any(one.open for one in ended):
        raise Refused(f"Request #{request_id} is still open, so there is no need to ask again.")
    wanted = tuple(Wanted(str(one.device.id), tuple(patch.id for patch in one.patches)) for one in ended)
    wish = Wish(*asked, wanted, ended[0].reason, ended[0].origin, again_of=ended[0].id)
    return await request(services, wish, progress)


async def _targets(services: Services, wish: Wish, progress: Progress) -> tuple[list[_Target], list[str]]:
    """What can be asked for, and the sentences about what cannot. Raises Refused when nothing is left."""
    if len(wish.wanted) == 1:
        return [await _target(services, wish, wish.wanted[0], progress)], []
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(wanted: Wanted) -> _Target | Refused | UpstreamError:
        async with gate:
            try:
                return await _target(services, wish, wanted, progress)
            except (Refused, UpstreamError) as no:
                return no

    found = await asyncio.gather(*(one(wanted) for wanted in wish.wanted))
    targets = {target.device.id: target for target in found if isinstance(target, _Target)}
    if not targets and (failed := [no for no in found if isinstance(no, UpstreamError)]):
        raise failed[0]
    refused = [_why(wanted, no) for wanted, no in zip(wish.wanted, found, strict=True) if not isinstance(no, _Target)]
    left, held = await _not_held(services, list(targets.values()))
    if not left:
        raise Refused("\n".join([*refused, *held, NOTHING]))
    return left, [*refused, *held]


async def holding(services: Services, device_ids: Sequence[int]) -> dict[tuple[int, int], RetryRequest]:
    """Open requests, by the device and the patch that they hold. What is settled is held no more."""
    requests = await services.store.open_on(device_ids)
    return {(request.device.id, patch_id): request for request in requests for patch_id in request.in_play}


async def _not_held(services: Services, targets: Sequence[_Target]) -> tuple[list[_Target], list[str]]:
    """Without the patches that open requests hold, and the sentences that name these."""
    holders = await holding(services, [target.device.id for target in targets])
    left, held = [], []
    for target in targets:
        free = tuple(patch for patch in target.chosen.failed if (target.device.id, patch.id) not in holders)
        taken = [patch for patch in target.chosen.failed if patch not in free]
        if taken:
            holder = holders[target.device.id, taken[0].id]
            held.append(answers.held(target.device, taken, holder, await cards.link_to(services, holder.card_id)))
        if free:
            left.append(replace(target, chosen=replace(target.chosen, failed=free)))
    return left, held


def _why(wanted: Wanted, no: Refused | UpstreamError) -> str:
    """Why one of several devices is left out, safe mrkdwn."""
    if isinstance(no, NotFound):
        return f"No device has the id or the full name {markup.code(wanted.device)}."
    if isinstance(no, Refused):
        return no.sentence
    said = f" It said: {markup.name(no.words, 200)}" if no.words else ""
    return f"Device {markup.code(wanted.device, 60)}: {no.sentence}{said}"


async def _target(services: Services, wish: Wish, wanted: Wanted, progress: Progress) -> _Target:
    device = await inventory.find(services, wanted.device, progress)
    if not device.patching:
        raise Refused(
            f"Patch Management is switched off for device {device.id} in N-sight, so there is nothing to retry."
        )
    await progress("⏳ Asking N-sight about the device's patches…")
    patches = await services.nsight.patches(device.id)
    most = services.config.approvals.max_patches
    several = len(wish.wanted) > 1
    chosen = commands.match_patches(wanted.ids, patches, most, device, reason=wish.reason, several=several)
    return _Target(device, chosen)


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


def _demand_few(services: Services, targets: Sequence[_Target]) -> None:
    """How much one approval may set in motion: devices, and patches on all of them."""
    rules, patches = services.config.approvals, sum(len(target.patches) for target in targets)
    if len(targets) > rules.max_devices:
        raise Refused(
            f"{len(targets)} devices are more than one request may hold ({rules.max_devices}, "
            f"`approvals.max_devices`). Ask for some of them, then for the others. {NOTHING}"
        )
    if patches > rules.max_patches:
        raise Refused(
            f"{patches:,} patches on {len(targets)} devices are more than one request may hold ({rules.max_patches:,}, "
            f"`approvals.max_patches`). Ask for some of the devices, then for the others. {NOTHING}"
        )


def _demand_reason(reason: str, where: str, form: str = "") -> None:
    if markup.blank(reason):
        how = f"type {form}" if form else "add it behind the ids"
        raise Refused(f"A reason is required {where}: {how}. {NOTHING}")


async def _demand_possible(services: Services, drafts: Sequence[RetryRequest]) -> None:
    """Raises Refused when this very request could never be approved, or a reason that it needs is missing."""
    draft = drafts[0]
    asked = draft.terms
    if asked.reason_required:
        ids = ",".join(str(patch.id) for patch in draft.patches)
        form = markup.code(f"/patches retry {draft.device.id} {ids} REASON", 200) if len(drafts) == 1 else ""
        _demand_reason(draft.reason, f"for this ({markup.name(asked.because)})" if asked.because else "here", form)
    found = await rights.possible_approvers(services, draft.requester, asked)
    if found is None or found >= asked.quorum:
        return
    why = f" ({markup.name(asked.because)})" if asked.because else ""
    split = " One request for each client or kind of device may need fewer." if len(drafts) > 1 else ""
    if asked.self_approval:
        said = f"Only {found} of the {asked.quorum} approvals needed{why} could be given at all."
    elif found == 0:
        said = f"Nobody but you could approve this{why}, and nobody approves their own request."
    else:
        said = f"{asked.quorum} approvals are needed{why}, and besides you only {found} could give one."
    raise Refused(f"{said}{split} {NOTHING}")


async def _store(services: Services, drafts: Sequence[RetryRequest]) -> tuple[RetryRequest, ...]:
    channel = services.config.approvals.channel or ""
    made = await services.store.create_requests(
        [(draft, _entry(draft, drafts)) for draft in drafts], card_channel=channel
    )
    if isinstance(made, Covered):
        found = [(one, await cards.link_to(services, one.card_id)) for one in made.requests]
        raise Refused(answers.covered(found))
    services.metrics.changes.labels(State.PENDING).inc(len(made))
    return made


def _entry(draft: RetryRequest, drafts: Sequence[RetryRequest]) -> Entry:
    facts: dict[str, JSON] = {
        "device": {"id": draft.device.id, "name": draft.device.name, "client": draft.device.client},
        "patches": {str(patch.id): [patch.title, patch.seen] for patch in draft.patches},
        "reason": draft.reason,
        "channel": draft.asked_in,
        "terms": changes.told_terms(draft.terms),
    }
    if len(drafts) > 1:
        facts["with_devices"] = [other.device.id for other in drafts]
    if draft.again_of:
        facts["again_of"] = draft.again_of
    return Entry(draft.asked_at, draft.requester, "request.create", "", facts)


async def _drafts(services: Services, wish: Wish, targets: Sequence[_Target]) -> list[RetryRequest]:
    """The requests as they would be made now, all on the same terms. Raises Refused when a patch has failed again too
    often."""
    asked = services.terms_on([(target.device, target.patches) for target in targets])
    for target in targets:
        asked = await _within_budget(services, asked, target.device, target.patches)
    now = services.now()
    return [_draft(services, wish, target, asked, now=now) for target in targets]


def _draft(services: Services, wish: Wish, target: _Target, asked: Terms, *, now: datetime) -> RetryRequest:
    draft = RetryRequest(
        id=0,
        state=State.PENDING,
        version=0,
        device=target.device,
        patches=target.patches,
        requester=wish.who,
        reason=wish.reason.strip(),
        asked_in=wish.channel,
        asked_at=now,
        terms=asked,
        origin=wish.origin,
        again_of=wish.again_of,
    )
    policy = services.policy_on(target.device, target.patches)
    return approvals.opened(draft, replace(policy, terms=asked), now)


async def _within_budget(
    services: Services, asked: Terms, device: Device, patches: tuple[RequestedPatch, ...]
) -> Terms:
    budget = services.config.approvals.budget
    if budget is None:
        return asked
    past = await services.store.failed_again(device.id, [patch.id for patch in patches], services.now() - budget.within)
    spent = terms.spent(budget, patches, past)
    if spent and not budget.quorum:
        links = {one.id: await cards.link_to(services, one.card_id) for one in past[-LINKED:]}
        raise Refused(answers.quarantined(spent, budget, links))
    return terms.beyond(asked, budget, spent)


def _requested(patch: Patch) -> RequestedPatch:
    seen = patch.label or "Failed"
    return RequestedPatch(id=patch.id, title=patch.title, seen=seen, label=seen, severity=patch.severity)
