"""A person decides: approve, deny, take a vote back, withdraw, close."""

from bot import approvals, markup
from bot.approvals import Event
from bot.errors import Refused
from bot.flows import cards, changes, rights, send
from bot.flows.services import Services
from bot.model import Posted, RetryRequest, State, Terms


async def approve(services: Services, request_id: int, who: str, reason: str = "") -> RetryRequest:
    """One approval. With the last one needed, the sending starts by itself."""
    standing = await rights.standing_of(services, who, await _request(services, request_id))
    after = await changes.change(services, request_id, approvals.Approve(who, standing, _said(reason)), who)
    if after.state is State.APPROVED:
        services.spawn(send.resume(services, request_id), f"send request {request_id}")
    return after


async def deny(services: Services, request_id: int, who: str, reason: str) -> RetryRequest:
    standing = await rights.standing_of(services, who, await _request(services, request_id))
    return await changes.change(services, request_id, approvals.Deny(who, standing, _said(reason)), who)


async def may_vote(services: Services, request_id: int, who: str, *, denies: bool) -> None:
    """Raises the sentence that ``approve`` or ``deny`` would raise, before the person has typed why."""
    request = await _request(services, request_id)
    standing = await rights.standing_of(services, who, request)
    vote: Event = approvals.Deny(who, standing, "…") if denies else approvals.Approve(who, standing, "…")
    approvals.step(request, vote, services.policy(request), services.now())


async def terms_of(services: Services, request_id: int) -> Terms:
    """What it takes to decide this request now. Raises Refused when there is none."""
    request = await _request(services, request_id)
    return approvals.demanded(request, services.policy(request))


async def retract(services: Services, request_id: int, who: str) -> RetryRequest:
    return await changes.change(services, request_id, approvals.Retract(who), who)


async def withdraw(services: Services, request_id: int, who: str) -> RetryRequest:
    return await changes.change(services, request_id, approvals.Withdraw(who), who)


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


async def _request(services: Services, request_id: int) -> RetryRequest:
    request = await services.store.request(request_id)
    if request is None:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    return request
