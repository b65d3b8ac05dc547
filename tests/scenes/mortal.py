"""Bots that die, and the world that outlives them: what `test_at_most_once` kills, restarts and asks about."""

import asyncio
import contextlib
import itertools
import json
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bot.demo.clock import Clock
from bot.demo.fleet import Machine
from bot.demo.slack.exchange import Exchange
from bot.demo.slack.model import Shown
from bot.demo.world import World
from bot.model import PatchStatus, RequestedPatch, RetryRequest, State, Terms
from bot.store import Covered, Entry, Store
from tests.laid import lay
from tests.programs import Program
from tests.scenes.stage import CONFIG

ROOT = Path(__file__).parents[2]


class Process:
    """One run of `tests.scenes.killed`."""

    def __init__(self, child: Program) -> None:
        self._child = child

    @classmethod
    async def start(cls, env: dict[str, str]) -> Self:
        """One that waits for the line to begin with."""
        env = {**env, "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        return cls(await Program.start("tests.scenes.killed", folder=ROOT, env=env))

    async def told(self, line: str) -> str:
        """Tells it a line and returns its answer, empty when it is dead or dies of it."""
        answer = b""
        with contextlib.suppress(ConnectionError):
            self._child.stdin.write(f"{line}\n".encode())
            answer = await self._child.stdout.readline()
        if not answer:
            await self.ended()
        return answer.decode().strip()

    @property
    def alive(self) -> bool:
        return self._child.returncode is None

    def kill(self) -> None:
        """SIGKILL, as of the kernel when memory is short."""
        self._child.kill()

    async def ended(self) -> int:
        return await self._child.wait()

    async def stop(self) -> None:
        """Ends it cleanly if it lives; killed when it has not ended after ten seconds."""
        self._child.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self.ended()
        except TimeoutError:
            self.kill()
            await self.ended()


def _failed(machine: Machine) -> tuple[int, ...]:
    return tuple(patch.id for patch in machine.patches.values() if patch.status is PatchStatus.FAILED)


class Afterlife:
    """A world on real time, one database, and as many bots as a test likes to start and kill in it."""

    def __init__(self, folder: Path, *, config: str = CONFIG) -> None:
        self.world = World(clock=Clock(datetime.now(UTC), speed=1))
        self.world.slack.patience = 30.0  # a busy machine is no failure; see `_acked`
        self._folder, self._config = folder, config
        self._processes: list[Process] = []
        self._ahead = 0.0
        self._stack = AsyncExitStack()
        failing = [(machine.id, _failed(machine)) for machine in self.world.fleet.machines() if machine.patching]
        self._targets = itertools.cycle((device, ids) for device, ids in failing if ids)
        self._env: dict[str, str] = {}

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.world)
            self._env = self.world.env(self._folder, self._config)
            await lay(self._folder)
            self.store = await Store.open(self._env["DATABASE_URL"])
            stack.push_async_callback(self.store.close)
            stack.push_async_callback(self._stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _stop(self) -> None:
        await asyncio.gather(*(process.stop() for process in self._processes))

    # ---------------------------------------------------------------- bots

    async def start(self, *, point: int | None = None, nsight: str = "") -> Process:
        """One more bot beside those that live, connected; or one that dies at ``point`` (from its start on) if it
        gets that far. ``nsight``: its NSIGHT_URL, unless it is the stand-in's own."""
        living = sum(process.alive for process in self._processes)
        await self.world.slack.until(lambda: len(self.world.slack.sockets.connections) == living)
        process = await Process.start(self._env)
        self._processes.append(process)
        begin: dict[str, Any] = {"ahead": self._ahead, "point": point, "nsight": nsight or self.world.nsight.url}
        if await process.told(json.dumps(begin)):
            await self.world.slack.until(lambda: len(self.world.slack.sockets.connections) == living + 1)
        return process

    async def later(self, seconds: float = 0, *, mortal: bool = False) -> None:
        """Time goes by in the world and for every living bot; the bots' schedulers look at everything that is due.

        ``mortal``: they may die of it.
        """
        self._ahead += seconds
        self.world.clock.advance(seconds)
        living = [process for process in self._processes if process.alive]
        answers = await asyncio.gather(*(process.told(f"later {self._ahead}") for process in living))
        assert all(answers) or mortal, "a bot has died of its scheduler"

    async def looks(self, process: Process) -> None:
        """One tick of one bot's scheduler."""
        await process.told(f"later {self._ahead}")

    def only_looks(self) -> None:
        """The oldest living bot gets no clicks and commands any more; its scheduler alone is at work."""
        self.world.slack.sockets.connections[0].leaving = True

    # ---------------------------------------------------------------- what people do and see

    async def asked(self) -> RetryRequest:
        """Bob asks for a retry on the next device that has failed patches, and hears that it waits for approval."""
        command, device = self.command()
        exchange = await self.world.slack.says("bob", command)
        await exchange.answer(saying="is made")
        request = (await self.store.history(device, 1))[0]
        await self.world.slack.until(lambda: self.cards(request))  # another bot may be the one that posts it
        return request

    async def asked_for_many(self, count: int) -> list[RetryRequest]:
        """Bob's request for the next ``count`` devices, once its card is there. No form makes it: what is of interest
        here begins with its approval."""
        now, drafts = self.world.clock.now(), []
        terms = Terms(lists=(("S0PATCHTEAM",),), expires=timedelta(hours=40))
        for _ in range(count):
            device, ids = self._next()
            patches = tuple(RequestedPatch(one, f"Patch {one}", "Failed", "Failed") for one in ids)
            found = await self.store.device(device)
            assert found is not None
            draft = RetryRequest(0, State.PENDING, 0, found, patches, "U0BOB", "", "C0HELPDESK", now, terms)
            drafts.append((replace(draft, waiting_since=now), Entry(now, "U0BOB", "request.create", "", {})))
        made = await self.store.create_requests(drafts, card_channel="C0PATCHAPPROVE")
        assert not isinstance(made, Covered)
        await self.later()
        await self.world.slack.until(lambda: self.cards(made[0]))
        return list(made)

    def command(self) -> tuple[str, int]:
        """What Bob types to retry the failed patches of the next device, and that device's id."""
        device, ids = self._next()
        return f"/patches retry {device} {','.join(map(str, ids))}", device

    def _next(self) -> tuple[int, tuple[int, ...]]:
        """The next device, with its patches failed once more."""
        device, ids = next(self._targets)
        for one in ids:
            patch = self.world.fleet.patch(device, one)
            patch.status, patch.retried_at, patch.outcomes = PatchStatus.FAILED, None, []
        return device, ids

    async def says(self, user: str, text: str) -> None:
        await self._acked(self.world.slack.says(user, text))

    async def clicks(self, user: str, button: str, request: RetryRequest) -> None:
        await self._acked(self.world.slack.clicks(user, button, self.card(request)))

    async def _acked(self, act: Coroutine[Any, Any, Exchange]) -> None:
        """Waits for the bot's ack, or for the death of the newest bot, after which none comes."""
        doing, death = asyncio.ensure_future(act), asyncio.ensure_future(self._processes[-1].ended())
        await asyncio.wait((doing, death), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
        for one in (doing, death):
            one.cancel()
        await asyncio.gather(doing, death, return_exceptions=True)

    def cards(self, request: RetryRequest) -> list[Shown]:
        title = f"Retry request #{request.id}:"
        return [m for m in self.world.slack.messages if m.channel == "C0PATCHAPPROVE" and title in m.screen]

    def card(self, request: RetryRequest) -> Shown:
        return self.cards(request)[-1]

    def arrived(self, request: RetryRequest) -> int:
        """How often N-sight was told to retry on this device since the request was made."""
        retries = self.world.nsight.retries
        return sum(retry.device_id == request.device.id and retry.at >= request.asked_at for retry in retries)

    async def now(self, request: RetryRequest) -> RetryRequest:
        """The request as it stands in the database."""
        found = await self.store.request(request.id)
        assert found is not None
        return found

    async def state(self, request: RetryRequest) -> State:
        return (await self.now(request)).state
