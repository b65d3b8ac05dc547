"""Which digests come, and how the services are."""

from bot import __version__, digests
from bot.blocks import help as pages
from bot.errors import Service, UpstreamError
from bot.flows.services import Services
from bot.model import Message, State


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
        audited=await services.store.head(),
    )


def _health(service: Service, asked: bool, error: UpstreamError | None) -> pages.Health:
    if not asked:
        return pages.Health(service, None)
    return pages.Health(service, error is None, error.sentence if error else "")
