"""What wakes the bot: one tick looks at everything that can be due, a loop ticks.

Each job is guarded by its own row in the database (compare-and-swap or lease), so any number of processes may tick.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot import approvals
from bot.errors import STOPPING, Refused, TrailUnwritableError, UnreadableError, UpstreamError
from bot.flows import (
    attempts,
    cards,
    changes,
    decide,
    digest,
    follow_up,
    head,
    home,
    inventory,
    patch_sweep,
    plans,
    send,
    start,
)
from bot.flows.services import Services
from bot.model import RetryRequest, State

log = structlog.get_logger()

PURGE_EVERY = timedelta(hours=1)
POLLS = ("collect", "inventory", "patches")
REST_FIRST, REST_MOST = timedelta(seconds=15), timedelta(minutes=10)
FOLLOWED = frozenset({State.QUEUED, State.UNKNOWN})
FOLLOW_UPS = 2  # devices read at once: nobody waits for these, and N-able asks for a gentle pace
POLL_REST = timedelta(seconds=90)  # N-able's distance between two runs of one poll; ESET is treated alike


@dataclass(frozen=True, slots=True)
class Rest:
    """A job that failed ``tries`` times in a row and is not started before ``until``."""

    tries: int
    until: datetime


class Scheduler:
    """``tick`` starts what is due; a job still at work, or resting after a failure, is not started again."""

    def __init__(self, services: Services, *, owes_start: bool = False) -> None:
        """``owes_start``: the row about the policy in force could not be written yet."""
        self._services = services
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._rests: dict[str, Rest] = {}
        self._purged: datetime | None = None
        self._plans_started = self._tightened = False
        self._owes_start = owes_start
        self._follow_ups = asyncio.Semaphore(FOLLOW_UPS)

    async def run(self, every: float, stopping: asyncio.Event) -> None:
        """Ticks every ``every`` seconds until ``stopping``; a tick that fails is logged, and rests like a job."""
        while not stopping.is_set():
            if not self._resting("tick"):
                await self._safely("tick", self.tick())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await stopping.wait()

    async def tick(self) -> None:
        """Starts every job that is due now."""
        services, now = self._services, self._services.now()
        if not self._plans_started:
            await plans.start(services)
            self._plans_started = True
        if self._owes_start:
            self._start("start", self._put_start_on_record())
        if not self._tightened:
            self._start("terms", self._tighten())
        self._start("collect", attempts.collect_if_due(services))
        self._start("inventory", inventory.sweep_if_due(services))
        self._start("patches", patch_sweep.read_next_if_due(services))
        self._start("repair", cards.repair(services))
        self._start("homes", home.refresh(services))
        for plan in await plans.every(services):
            self._start(f"digest {plan.name}", digest.post_if_due(services, plan))
        self._start("digest files", digest.deliver(services))
        if services.config.audit.channel:
            self._start("audit head", head.post_if_due(services))
        await self._move_requests(now)
        if self._purged is None or now - self._purged >= PURGE_EVERY:
            self._purged = now
            self._start("purge", services.store.purge(now))

    async def idle(self) -> None:
        """Waits until every job that was started has ended."""
        while self._jobs:
            await asyncio.wait(self._jobs.values())

    async def cancel(self) -> None:
        """Ends every job that is still at work."""
        running = list(self._jobs.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _move_requests(self, now: datetime) -> None:
        """A device is read once for all of its requests, so what was sent goes by device."""
        due = await self._services.store.requests_due(now)
        for request in due:
            if request.state not in FOLLOWED:
                self._start(f"request {request.id}", self._move(request))
        for device_id in dict.fromkeys(request.device.id for request in due if request.state in FOLLOWED):
            self._start(f"follow device {device_id}", self._follow(device_id))

    async def _follow(self, device_id: int) -> None:
        async with self._follow_ups:
            await follow_up.follow(self._services, device_id)

    async def _move(self, request: RetryRequest) -> None:
        """What time brings to a request that is not sent yet, or being sent."""
        services = self._services
        if request.state is State.PENDING:
            await decide.overdue(services, request.card_id)
        elif request.state is State.APPROVED:
            await send.resume(services, request.id)
        elif request.state is State.SENDING:
            await send.give_up(services, request)

    async def _put_start_on_record(self) -> None:
        await start.append(self._services)
        self._owes_start = False

    async def _tighten(self) -> None:
        """At start: requests that wait are held to what the configuration asks now, if that is stricter."""
        waiting = await self._services.store.requests_in({State.PENDING})
        for card_id in dict.fromkeys(request.card_id for request in waiting):
            with contextlib.suppress(Refused):  # decided in the meantime
                await changes.change_together(self._services, card_id, approvals.Tighten, _tighter, "bot")
        for request in await self._services.store.requests_in({State.APPROVED}):
            await send.revert_if_lapsed(self._services, request)
        self._tightened = True

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        if name in self._jobs or self._resting(name):
            work.close()
            return
        task = asyncio.create_task(self._safely(name, work), name=name)
        self._jobs[name] = task
        task.add_done_callback(lambda _: self._jobs.pop(name, None))

    def _resting(self, name: str) -> bool:
        rest = self._rests.get(name)
        return rest is not None and self._services.now() < rest.until

    async def _safely(self, name: str, work: Awaitable[None]) -> None:
        """One job's failure is logged, makes that job rest, and stops no other."""
        try:
            await work
        except Refused:
            log.info("scheduler.overtaken", job=name)
        except UpstreamError as error:
            self._rest(name, error.retry_after)
            if error.code == STOPPING:
                return
            self._services.metrics.failures.labels(error.service, error.kind).inc()
            log.warning("scheduler.failed", job=name, code=error.code, reference=error.reference)
        except TrailUnwritableError as error:
            self._rest(name)
            log.error("scheduler.unwritable", job=name, why=str(error))  # noqa: TRY400  the reason says it all
        except UnreadableError as error:
            self._rest(name)
            log.error("scheduler.unreadable", job=name, why=str(error))  # noqa: TRY400
        except Exception:  # a fault of ours
            self._rest(name)
            log.exception("scheduler.fault", job=name)
        else:
            self._rests.pop(name, None)

    def _rest(self, name: str, retry_after: float | None = None) -> None:
        tries = self._rests[name].tries if name in self._rests else 0
        first = POLL_REST if name in POLLS else REST_FIRST
        pause: timedelta = min(first * 2 ** min(tries, 10), REST_MOST)
        pause = max(pause, timedelta(seconds=retry_after or 0))
        self._rests[name] = Rest(tries + 1, self._services.now() + pause)


async def _tighter(request: RetryRequest) -> approvals.Event:
    return approvals.Tighten()
