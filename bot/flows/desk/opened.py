"""Somebody opens the app's Home, or does something there."""

import contextlib

import structlog

from bot.blocks import home as words
from bot.errors import TrailUnwritableError, UnreadableError, UpstreamError
from bot.flows import failures, home
from bot.flows.services import Services

log = structlog.get_logger()

PATIENCE = 0.5  # seconds that a Home waits for the database to note who opened it; it is shown without that too


async def opened(services: Services, who: str) -> None:
    """Shows it, or why it cannot be shown; then a later round of the scheduler tries again."""
    services.metrics.interactions.labels("event", "home").inc()
    try:
        with contextlib.suppress(TrailUnwritableError):
            await services.store.home_opened(who, services.now(), PATIENCE)
        await home.opened(services, who)
    except Exception as error:  # noqa: BLE001 whatever goes wrong, the page must not be silent about it
        view = words.sentence(failures.told(services, error).text)
        with contextlib.suppress(UpstreamError):
            await services.messenger.publish(who, view)


async def acted(services: Services, who: str) -> None:
    """After a form was sent: what it changed is on the Home behind it at once, not with the next round."""
    try:
        await home.changed(services, who)
    except UpstreamError as error:
        log.info("home.not_shown", user=who, code=error.code, reference=error.reference)
    except UnreadableError as error:
        log.warning("home.unreadable", user=who, why=str(error))
    except Exception:  # the answer itself has been given by now
        log.exception("home.fault", user=who)
