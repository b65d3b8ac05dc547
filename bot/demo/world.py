"""Everything around the bot, ready to run: one clock, one fleet, and the three services that tell of it."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.demo import story
from bot.demo.clock import Clock
from bot.demo.eset import Eset
from bot.demo.fleet import Fleet, FleetPatch, Machine
from bot.demo.nsight import Nsight
from bot.demo.slack import FakeSlack

SLACK_ADDRESSES = ("/respond/T0", "/link/?ticket=")


class World:
    """``async with World() as world:`` starts the stand-ins and stops them.

    Without arguments: the demo's fleet, on a clock that stands still until it is advanced. Whoever runs the bot in it
    passes ``world.clock.now`` as its clock and ``world.env(folder)`` as its environment.
    """

    def __init__(self, *, fleet: Fleet | None = None, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.fleet = fleet or story.fleet(self.clock.now())
        self.slack = FakeSlack(self.clock)
        self.eset = Eset(self.fleet, self.clock)
        self.nsight = Nsight(self.fleet, self.clock)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for service in (self.slack, self.eset, self.nsight):
                await service.start()
                stack.push_async_callback(service.stop)
            self._running = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._running.aclose()

    def env(self, folder: Path, config: str | None = None) -> dict[str, str]:
        """The bot's whole environment; its database lies in ``folder``, and so does ``config`` (TOML), if given."""
        settings = {
            **self.slack.env(),
            "ESET_USERNAME": self.eset.username,
            "ESET_PASSWORD": self.eset.password,
            "ESET_AUTH_URL": self.eset.auth_url,
            "ESET_PATCH_URL": self.eset.patch_url,
            "ESET_DEVICE_URL": self.eset.device_url,
            "NSIGHT_URL": self.nsight.url,
            "NSIGHT_API_KEY": self.nsight.api_key,
            "DATABASE_URL": f"sqlite+aiosqlite:///{folder.absolute()}/patches.db",
            "BOT_HTTP": "127.0.0.1:0",
        }
        if config is None:
            return settings
        path = folder.absolute() / "patches.toml"
        path.write_text(config, encoding="utf-8")
        return settings | {"PATCHES_CONFIG": str(path)}

    def secrets(self) -> list[str]:
        """Every secret there is by now, tokens that were issued included: none may be found anywhere.

        Of response_urls and socket addresses it is the part that all of them share.
        """
        tokens = [value for name, value in self.slack.env().items() if name.endswith(("_TOKEN", "_SECRET"))]
        return [*tokens, *SLACK_ADDRESSES, *self.eset.secrets(), *self.nsight.secrets()]

    @property
    def violations(self) -> list[str]:
        """What the bot did that the services' documentation does not allow; empty when all is well."""
        noted = {"Slack": self.slack.violations, "ESET": self.eset.violations, "N-sight": self.nsight.violations}
        return [f"{service}: {what}" for service, violations in noted.items() for what in violations]

    # ---------------------------------------------------------------- what happens in the world

    def new_failures(self, count: int = 3) -> Sequence[tuple[Machine, FleetPatch]]:
        """Applications fail on ``count`` machines right now; both services know."""
        return self.fleet.new_failures(self.clock.now(), count)

    def fail_again(self, device_id: int, *patch_ids: int) -> None:
        """The next retry of each of these patches ends Failed. KeyError when there is no such device or patch."""
        for patch_id in patch_ids:
            self.fleet.fail_again(device_id, patch_id)

    def patches_install(self) -> None:
        """Time goes by until all that was retried has come to its end."""
        self.clock.advance(self.fleet.pace.total + timedelta(seconds=1))
        self.fleet.settle(self.clock.now())
