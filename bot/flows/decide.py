"""A person decides: approve, deny, take a vote back, withdraw, close. A card of several requests is decided as one."""

import functools

from bot import approvals, markup, terms
from bot.approvals import Approve, Deny, Event, Retract, Withdraw
from bot.errors import Refused
from bot.flows import cards, changes, rights, send
from bot.flows.changes import Together
from bot.flows.services import Services
from bot.model import Posted, RetryRequest, State, Terms


async def approve(services: Services, request_id: int, who: str, reason: str = "") -> Together:
    """One approval. With the last one needed, the sending starts by itself."""

    async def vote(request: RetryRequest) -> Event:
        return Approve(who, await rights.standing_of(services, who, request), _said(reason))

    after = await changes.change_together(services, request_id, Approve, vote, who)
    for request in after.changed:
        if request.state is State.APPROVED:
            services.spawn(send.resume(services, request.id), f"send request {request.id}")
    return after


async def deny(services: Services, request_id: int, who: str, reason: str) -> Together:
    async def vote(request: RetryRequest) -> Event:
        return Deny(who, await rights.standing_of(services, who, request), _said(reason))

    return await changes.change_together(services, request_id, Deny, vote, who)


async def may_vote(services: Services, request_id: int, who: str, *, denies: bool) -> None:
    """Raises the sentence that ``approve`` or ``deny`` would raise, before the person has typed why."""
    refused: Refused | None = None
    for request in await waiting(services, request_id):
        standing = await rights.standing_of(services, who, request)
        vote: Event = Deny(who, standing, "…") if denies else Approve(who, standing, "…")
        try:
            approvals.step(request, vote, services.policy(request), services.now())
        except Refused as no:
            refused = refused or no
        else:
            return
    if refused is not None:
        raise refused


async def terms_of(services: Services, request_id: int) -> Terms:
    """What it takes to decide this card now, of several requests the strictest. Raises Refused when there is none."""
    return functools.reduce(
        terms.stricter, [approvals.demanded(one, services.policy(one)) for one in await waiting(services, request_id)]
    )


async def retract(services: Services, request_id: int, who: str) -> Together:
    async def vote(request: RetryRequest) -> Event:
        return Retract(who)

    return await changes.change_together(services, request_id, Retract, vote, who)


async def withdraw(services: Services, request_id: int, who: str) -> Together:
    async def end(request: RetryRequest) -> Event:
        return Withdraw(who)

    return await changes.change_together(services, request_id, Withdraw, end, who)


async def overdue(services: Services, request_id: int) -> None:
    """What time brings to requests that wait for a decision: a reminder, an escalation, the end."""
    members = await services.store.members(request_id)
    found = [approvals.overdue(one, services.now()) for one in members if one.state is State.PENDING]
    for kind in {type(event): None for event in found if event is not None}:

        async def event_for(request: RetryRequest, kind: type[Event] = kind) -> Event | None:
            event = approvals.overdue(request, services.now()) if request.state is State.PENDING else None
            return event if isinstance(event, kind) else None

        await changes.change_together(services, request_id, kind, event_for, "bot")


async def close(services: Services, request_id: int, who: str) -> RetryRequest:
    standing = await rights.standing_of(services, who, await _request(services, request_id))
    return await changes.change(services, request_id, approvals.Close(who, standing), who)


async def came_from(services: Services, request_id: int, where: Posted) -> None:
    """Takes note of the card that was clicked, in case its place was never learned."""
    known = await services.store.cards(request_id)
    if where.channel in {services.config.approvals.channel, *(card.channel for card in known)} and known:
        await cards.adopt(services, request_id, where)


def _said(reason: str) -> str:
    return "" if markup.blank(reason) else reason.strip()


async def waiting(services: Services, request_id: int) -> list[RetryRequest]:
    """The requests of this card that wait for a decision; when none does any more, the first. Raises Refused."""
    members = await services.store.members(request_id)
    if not members:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    return [one for one in members if one.state is State.PENDING] or members[:1]


async def _request(services: Services, request_id: int) -> RetryRequest:
    request = await services.store.request(request_id)
    if request is None:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    return request
