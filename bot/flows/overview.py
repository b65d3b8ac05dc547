"""Lists: what waits, what was, which digests come, how the services are."""

from collections.abc import Sequence

from bot import __version__, digests
from bot.blocks import help as pages
from bot.errors import Service, UpstreamError
from bot.flows import cards, inventory
from bot.flows.reply import Progress
from bot.flows.services import Services
from bot.model import Message, RetryRequest, State

LINKED = 10  # permalinks asked of Slack for one list


async def pending(services: Services) -> Message:
    requests = await services.store.requests_in({State.PENDING})
    return pages.pending(requests, await _links(services, requests))


async def history(services: Services, named: str | None, progress: Progress) -> Message:
    device = await inventory.find(services, named, progress) if named else None
    requests = await services.store.history(device.id if device else None, pages.LISTED + 1)
    return pages.history(requests, device.name if device else "", await _links(services, requests))


async def digest_list(services: Services) -> Message:
    lines = []
    for plan in services.config.digests:
        mark = await services.store.digest_mark(plan.name)
        last = mark.slot if mark and mark.posted else None
        following = digests.next_slot(plan, services.now())
        lines.append(pages.Upcoming(plan.name, plan.channel, plan.cron, plan.timezone, following, last))
    return pages.digest_list(lines)


async def status(services: Services) -> Message:
    waiting = await services.store.requests_in({State.PENDING})
    health = [
        pages.Health(Service.SLACK, True),
        _health(Service.ESET, services.eset.asked, services.eset.last_error),
        _health(Service.NSIGHT, services.nsight.asked, services.nsight.last_error),
    ]
    return pages.status(
        health,
        version=__version__,
        last_digest=await services.store.last_digest(),
        collected_at=await services.store.collected_at(),
        inventory_at=await services.store.inventory_at(),
        waiting=len(waiting),
    )


def _health(service: Service, asked: bool, error: UpstreamError | None) -> pages.Health:
    if not asked:
        return pages.Health(service, None)
    return pages.Health(service, error is None, error.sentence if error else "")


async def _links(services: Services, requests: Sequence[RetryRequest]) -> dict[int, str]:
    return {request.id: await cards.link_to(services, request.id) for request in requests[:LINKED]}
