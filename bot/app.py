"""The composition: everything opened in order, closed in reverse.

``async with running(config) as app`` is the whole bot; ``python -m bot run``, the demo and the tests all start it so.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot import web_api
from bot.clients.eset import Eset
from bot.clients.eset import Pace as EsetPace
from bot.clients.flights import Flights
from bot.clients.nsight import Nsight
from bot.clients.nsight import Pace as NsightPace
from bot.config import Config
from bot.errors import Kind, TrailUnwritableError, UnreadableError, UpstreamError
from bot.flows import inventory, start
from bot.flows.directory import Directory
from bot.flows.services import Services
from bot.messenger import Messenger
from bot.messenger import Pace as SlackPace
from bot.metrics import Metrics
from bot.people import People
from bot.scheduler import Scheduler
from bot.slack import Door
from bot.socket_mode import Pace as SocketPace
from bot.socket_mode import Socket
from bot.store import Store
from bot.tasks import Tasks, watched
from bot.web import Server

log = structlog.get_logger()

SENDING = 4  # requests on their way to N-sight at once: a bulk must not flood it

Clock = Callable[[], datetime]


def wall_clock() -> datetime:
    """Aware UTC time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """Every wait of the bot in seconds; tests and the demo make them shorter. ``finish``: for the whole stop, work
    in flight included. ``again``: before something that must always run is begun anew after a fault of ours.
    ``tick`` 0: nothing happens by itself, tests call ``App.tick``."""

    eset: EsetPace = field(default_factory=EsetPace)
    nsight: NsightPace = field(default_factory=NsightPace)
    slack: SlackPace = field(default_factory=SlackPace)
    socket: SocketPace = field(default_factory=SocketPace)
    sweep_spacing: float = 1.0
    tick: float = 1.0
    finish: float = 30.0
    again: float = 5.0


class App:
    """A running bot. ``refusal`` completes when a service refuses the credentials at start."""

    def __init__(
        self, services: Services, tasks: Tasks, door: Door, line: Socket | None, *, owes_start: bool = False
    ) -> None:
        self.services, self._tasks, self._door, self._line = services, tasks, door, line
        self._scheduler = Scheduler(services, owes_start=owes_start)
        http_app = door.app if line is None else None
        self._server = Server(self._figures, self.unready, self.troubles, http_app)
        self._asked_eset, self._asked_nsight, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        # What runs beside the work. Talk may be cut short anywhere; whoever writes to the database ends by himself.
        self._talking: list[asyncio.Task[None]] = []
        self._writing: list[asyncio.Task[None]] = []
        self.refusal: asyncio.Future[UpstreamError] = asyncio.get_running_loop().create_future()

    @property
    def http_port(self) -> int:
        return self._server.port

    async def tick(self) -> None:
        """One round of the scheduler, to its end."""
        await self._scheduler.tick()
        await self.settle()

    async def settle(self) -> None:
        """Waits until nothing is at work any more."""
        await self._scheduler.idle()
        await self._tasks.idle()

    async def ready(self) -> None:
        """Waits until Slack is connected and each service was asked once."""
        await self._door.introduced.wait()
        if self._line is not None:
            await self._line.up.wait()
        await self._asked_eset.wait()
        await self._asked_nsight.wait()

    async def unready(self) -> list[str]:
        """Why the bot cannot do its work right now, a sentence each. A service behind being down is no such reason."""
        reasons = [] if await self._connected() else [self._disconnected()]
        unwritable = await self.services.store.unwritable()
        return [*reasons, f"The database cannot be written: {unwritable}"] if unwritable else reasons

    def troubles(self) -> list[str]:
        """What does not keep the bot from working but is worth knowing: services behind it that fail."""
        last = (self.services.eset.last_error, self.services.nsight.last_error)
        return [error.sentence for error in last if error is not None]

    async def _connected(self) -> bool:
        return self._door.me is not None and (self._line is None or await self._line.connected())

    def _disconnected(self) -> str:
        trouble = self._line.trouble if self._line is not None else ""
        return f"Slack is not connected: {trouble}." if trouble else "Slack is not connected."

    async def _figures(self) -> bytes:
        self.services.metrics.slack_up.set(await self._connected())
        return self.services.metrics.text()

    async def _start(self, stack: AsyncExitStack, pace: Pace) -> None:
        """Starts what runs by itself."""
        http = self.services.config.http
        stack.push_async_callback(self._stop, pace.finish)
        await self._server.start(http.host, http.port)
        log.info("http.listening", host=http.host, port=self.http_port)
        begin = partial(self._begin, pace.again)
        self.services.spawn(self.services.directory.warm(), "directory")
        begin(self._talking, "introduce", self._introduce)
        begin(self._talking, "probe eset", self._probe_eset)
        begin(self._writing, "probe n-sight", self._probe_nsight)
        if pace.tick:
            begin(self._writing, "scheduler", partial(self._scheduler.run, pace.tick, self._stopping))
        if self._line is not None:
            begin(self._talking, "socket", partial(self._line.run, self._refuse))

    def _begin(
        self, again: float, among: list[asyncio.Task[None]], name: str, work: Callable[[], Awaitable[None]]
    ) -> None:
        among.append(asyncio.create_task(watched(name, work, again), name=name))

    async def _stop(self, seconds: float) -> None:
        """No new work is taken; what is in flight ends or runs out of time. Reads, which may take minutes, are cut
        short: they are asked again at the next start. One deadline holds for all, a tenth is left for the closing."""
        deadline = asyncio.get_running_loop().time() + 0.9 * seconds
        self._stopping.set()
        await _cancel(self._talking)
        closing = [self._server.close()] if self._line is None else [self._server.close(), self._line.close()]
        if not await _until(deadline, asyncio.gather(*closing)):
            log.warning("stopped.doors_open")
        await self.services.eset.stop_reading()
        await self.services.nsight.stop_reading()
        if not await _until(deadline, self._finish()):
            log.warning("stopped.in_flight", tasks=self._tasks.names())
        await _cancel(self._writing)
        await self._scheduler.cancel()
        await self._tasks.cancel()

    async def _finish(self) -> None:
        await asyncio.gather(*self._writing)
        await self.settle()

    def _refuse(self, error: UpstreamError) -> None:
        if not self.refusal.done():
            self.refusal.set_result(error)

    async def _introduce(self) -> None:
        """Asks Slack who the bot is until it answers; a refused token ends the bot."""
        people, wait = self.services.people, 1.0
        while not self._door.introduced.is_set():
            try:
                self._door.introduce(await people.me())
            except UpstreamError as error:
                if error.kind is Kind.CREDENTIALS:
                    self._refuse(error)
                await asyncio.sleep(max(wait, error.retry_after or 0))
                wait = min(wait * 2, 60)

    async def _probe_eset(self) -> None:
        """Proves the credentials once; what is merely down is left to the scheduler's jobs."""
        try:
            await self.services.eset.login()
        except UpstreamError as error:
            if error.kind in {Kind.CREDENTIALS, Kind.FORBIDDEN}:
                self._refuse(error)
        self._asked_eset.set()

    async def _probe_nsight(self) -> None:
        """By the first sweep if one is due; a database that cannot be written does not keep the key from a check."""
        services = self.services
        try:
            await self._first_sweep()
            if not services.nsight.asked:
                await services.nsight.clients()
        except UpstreamError as error:
            log.info("probe.failed", reference=error.reference)
        known = services.nsight.last_error
        if known is not None and known.kind is Kind.CREDENTIALS:
            self._refuse(known)
        self._asked_nsight.set()

    async def _first_sweep(self) -> None:
        try:
            await inventory.sweep_if_due(self.services)
        except TrailUnwritableError as error:
            log.warning("probe.unwritable", why=str(error))
        except UnreadableError as error:
            log.warning("probe.unreadable", why=str(error))


async def _cancel(background: list[asyncio.Task[None]]) -> None:
    for task in background:
        task.cancel()
    await asyncio.gather(*background, return_exceptions=True)


async def _until(deadline: float, work: Awaitable[object]) -> bool:
    """Whether ``work`` ended before the loop's time is ``deadline``; else it is cut short. A fault stops no stop."""
    try:
        async with asyncio.timeout_at(deadline):
            await work
    except TimeoutError:
        return False
    except Exception:
        log.exception("stopped.fault")
    return True


@contextlib.asynccontextmanager
async def assembled(config: Config, clock: Clock = wall_clock, pace: Pace | None = None) -> AsyncIterator[Services]:
    """The services without a door and without a scheduler: what `digest` works with.

    Raises ConfigError when the database cannot be used.
    """
    async with AsyncExitStack() as stack:
        yield (await _assemble(stack, config, clock, pace or Pace()))[0]


@contextlib.asynccontextmanager
async def running(
    config: Config, clock: Clock = wall_clock, pace: Pace | None = None, *, on_record: bool = False
) -> AsyncIterator[App]:
    """The whole bot, from the database to Slack's events. It starts even when a service is down.

    ``on_record``: the policy in force is put into the audit trail before anything else happens.

    Raises ConfigError when the database or BOT_HTTP cannot be used.
    """
    pace = pace or Pace()
    async with AsyncExitStack() as stack:
        services, tasks, client = await _assemble(stack, config, clock, pace)
        owes_start = on_record and not await start.note(services)
        signing, token = config.slack.signing_secret, config.slack.app_token
        http_mode = config.slack.mode == "http"
        door = Door(services, client, signing.reveal() if signing and http_mode else "")
        line = None if http_mode else Socket(door.app, client, token.reveal() if token else "", pace.socket)
        app = App(services, tasks, door, line, owes_start=owes_start)
        await app._start(stack, pace)
        yield app


async def _assemble(
    stack: AsyncExitStack, config: Config, clock: Clock, pace: Pace
) -> tuple[Services, Tasks, AsyncWebClient]:
    store = await Store.open(config.database.url.reveal(), migrate=config.database.migrate)
    stack.push_async_callback(store.close)
    timeout = aiohttp.ClientTimeout(total=pace.slack.timeout)
    session = await stack.enter_async_context(aiohttp.ClientSession(timeout=timeout))
    client = web_api.connect(config.slack.bot_token.reveal(), config.slack.api_url, session, pace.slack.timeout)
    source = config.eset
    user = (source.username, source.password.reveal())
    attempts = Eset(source.auth_url, source.patch_url, *user, device_url=source.device_url, pace=pace.eset)
    stack.push_async_callback(attempts.close)
    patches = Nsight(config.nsight.url, config.nsight.api_key.reveal(), config.nsight.user_agent, pace=pace.nsight)
    stack.push_async_callback(patches.close)
    tasks = Tasks()
    services = Services(
        config=config,
        store=store,
        messenger=Messenger(client, session, pace.slack),
        people=People(client, pace.slack.timeout),
        eset=attempts,
        nsight=patches,
        metrics=Metrics(),
        now=clock,
        spawn=tasks.spawn,
        owner=f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}",
        sweep_spacing=pace.sweep_spacing,
        flights=Flights(),
        sending=asyncio.Semaphore(SENDING),
        directory=Directory(store),
    )
    stack.push_async_callback(services.flights.close)
    stack.push_async_callback(services.directory.close)
    return services, tasks, client
