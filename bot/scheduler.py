"""What wakes the bot: one tick looks at everything that can be due, a loop ticks.

Each job is guarded by its own row in the database (compare-and-swap or lease), so any number of processes may tick.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot import approvals
from bot.digests import DigestPlan
from bot.errors import Refused, TrailUnwritableError, UpstreamError
from bot.flows import attempts, cards, changes, digest, follow_up, inventory, send
from bot.flows.services import Services
from bot.model import RetryRequest, State

log = structlog.get_logger()

PURGE_EVERY = timedelta(hours=1)


class Scheduler:
    """``tick`` starts what is due; a job still at work is not started again by this process."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._failed: dict[str, tuple[int, datetime]] = {}
        self._purged: datetime | None = None

    async def run(self, every: float) -> None:
        """Ticks every ``every`` seconds until it is cancelled; a tick that fails is logged and tried again."""
        while True:
            await self._safely("tick", self.tick())
            await asyncio.sleep(every)

    async def tick(self) -> None:
        """Starts every job that is due now."""
        services, now = self._services, self._services.now()
        await digest.start(services)
        self._start("collect", attempts.collect_if_due(services))
        self._start("inventory", inventory.sweep_if_due(services))
        self._start("repair", cards.repair(services))
        for plan in services.config.digests:
            if self._rested(plan.name, now):
                self._start(f"digest {plan.name}", self._digest(plan))
        for request in await services.store.requests_due(now):
            self._start(f"request {request.id}", self._move(request))
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            self._purged = now
            self._start("purge", services.store.purge(now))

    async def idle(self) -> None:
        """Waits until every job that was started has ended."""
        while self._jobs:
            await asyncio.wait(self._jobs.values())

    async def finish(self, seconds: float) -> None:
        """Lets running jobs end for so long, then cancels them."""
        running = list(self._jobs.values())
        if not running:
            return
        _, late = await asyncio.wait(running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _move(self, request: RetryRequest) -> None:
        """What time brings to an open request."""
        services = self._services
        if request.state is State.PENDING:
            await changes.change_once(services, request, approvals.Expire(), "bot")
        elif request.state is State.APPROVED:
            await send.resume(services, request.id)
        elif request.state is State.SENDING:
            await send.give_up(services, request)
        else:
            await follow_up.follow(services, request)

    async def _digest(self, plan: DigestPlan) -> None:
        try:
            await digest.post_if_due(self._services, plan)
        except UpstreamError as error:
            tries = self._failed.get(plan.name, (0, self._services.now()))[0]
            again = self._services.now() + digest.pause(tries, error)
            self._failed[plan.name] = (tries + 1, again)
            log.warning("digest.not_posted", plan=plan.name, code=error.code, reference=error.reference)
        else:
            self._failed.pop(plan.name, None)

    def _rested(self, name: str, now: datetime) -> bool:
        return name not in self._failed or self._failed[name][1] <= now

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        if name in self._jobs:
            work.close()
            return
        task = asyncio.create_task(self._safely(name, work), name=name)
        self._jobs[name] = task
        task.add_done_callback(lambda _: self._jobs.pop(name, None))

    async def _safely(self, name: str, work: Awaitable[None]) -> None:
        try:
            await work
        except Refused:
            log.info("scheduler.overtaken", job=name)
        except TrailUnwritableError:
            log.exception("scheduler.unwritable", job=name)
        except UpstreamError as error:
            log.warning("scheduler.failed", job=name, reference=error.reference)
        except Exception:  # one job's fault must not stop the others
            log.exception("scheduler.fault", job=name)
