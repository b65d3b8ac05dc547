"""A person decides: approve, deny, withdraw, close."""

from bot import approvals
from bot.errors import Refused
from bot.flows import cards, changes, rights, send
from bot.flows.services import Services
from bot.model import Posted, RetryRequest, State


async def approve(services: Services, request_id: int, who: str) -> RetryRequest:
    """One approval. With the last one needed, the sending starts by itself."""
    standing = await rights.standing_of(services, who)
    after = await changes.change(services, request_id, approvals.Approve(who, standing), who)
    if after.state is State.APPROVED:
        services.spawn(send.resume(services, request_id), f"send request {request_id}")
    return after


async def deny(services: Services, request_id: int, who: str, reason: str) -> RetryRequest:
    standing = await rights.standing_of(services, who)
    return await changes.change(services, request_id, approvals.Deny(who, standing, reason.strip()), who)


async def may_deny(services: Services, request_id: int, who: str) -> None:
    """Raises the sentence that ``deny`` would raise, before the person has typed why."""
    request = await services.store.request(request_id)
    if request is None:
        raise Refused(f"There is no request #{request_id}. Nothing was done.")
    standing = await rights.standing_of(services, who)
    approvals.step(request, approvals.Deny(who, standing), services.policy, services.now())


async def withdraw(services: Services, request_id: int, who: str) -> RetryRequest:
    return await changes.change(services, request_id, approvals.Withdraw(who), who)


async def close(services: Services, request_id: int, who: str) -> RetryRequest:
    standing = await rights.standing_of(services, who)
    return await changes.change(services, request_id, approvals.Close(who, standing), who)


async def came_from(services: Services, request_id: int, where: Posted) -> None:
    """Takes note of the card that was clicked, in case its place was never learned."""
    if where.channel == services.config.approvals.channel and await services.store.request(request_id):
        await cards.adopt(services, request_id, where)
