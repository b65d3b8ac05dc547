"""How the services are."""

from bot import __version__
from bot.blocks import help as pages
from bot.errors import Service, UpstreamError
from bot.flows.services import Services
from bot.model import Message, State


async def status(services: Services) -> Message:
    waiting = await services.store.requests_in({State.PENDING})
    return pages.status(
        health(services),
        version=__version__,
        last_digest=await services.store.last_digest(),
        collected_at=await services.store.collected_at(),
        inventory_at=await services.store.inventory_at(),
        waiting=len(waiting),
        audited=await services.store.head(),
    )


def health(services: Services) -> list[pages.Health]:
    """The three services as this process saw them last. Whoever asks does so through Slack."""
    return [
        pages.Health(Service.SLACK, True),
        _health(Service.ESET, services.eset.asked, services.eset.last_error),
        _health(Service.NSIGHT, services.nsight.asked, services.nsight.last_error),
    ]


def _health(service: Service, asked: bool, error: UpstreamError | None) -> pages.Health:
    if not asked:
        return pages.Health(service, None)
    return pages.Health(service, error is None, error.sentence if error else "")
