"""Time put forward by hand: in steps, so that nothing that was due in between comes late."""

from collections import Counter
from datetime import datetime, timedelta

from bot.demo.fleet import FleetPatch
from bot.demo.night import LAST, Night
from bot.demo.setting import Setting
from bot.demo.slack.model import BOT_USER
from bot.digests import next_slot
from bot.flows import plans
from bot.markup import listed, plural
from bot.model import OPEN, PatchStatus, State

STEP = timedelta(minutes=5)
LEAP = timedelta(hours=6)  # when nothing is on its way that the bot looks at more often
NOON = timedelta(hours=12)  # the end of a night after which no digest is due
MOST = timedelta(hours=3)  # that is waited for the bot to see how its retries ended
FOLLOWED = frozenset({State.QUEUED, State.UNKNOWN})
ENDS = {
    PatchStatus.INSTALLED: "installed",
    PatchStatus.REBOOT_REQUIRED: "waiting for a reboot",
    PatchStatus.FAILED: "failed again",
    PatchStatus.PENDING: "still pending",
    PatchStatus.QUEUED: "still queued",
}


class Hours:
    """Each deed returns when the bot, which must be up, has done all that was due until then."""

    def __init__(self, scene: Setting) -> None:
        self._scene, self._clock, self._fleet = scene, scene.world.clock, scene.world.fleet

    async def go_by(self, left: timedelta) -> None:
        while left:
            step = min(left, STEP)
            await self._advance(step)
            left -= step

    async def until_installed(self) -> str:
        """Until all that was retried has come to its end and the bot knows it; returns what came of it."""
        patches, began = self._fleet.on_their_way(), self._clock.now()
        if not patches and not await self._followed():
            return "Nothing is on its way at N-sight. Ask for a retry and have it approved first."
        while self._clock.now() - began < MOST and (self._fleet.on_their_way() or await self._followed()):
            await self._advance(STEP)
        minutes = (self._clock.now() - began) // timedelta(minutes=1)
        return f"{plural(minutes, 'minute')} later: {ends(patches)}."

    async def until_morning(self) -> str:
        """The night goes by, and the digest of the morning comes; returns what happened."""
        today = self._clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        midnight = today + timedelta(days=1)
        morning, night, failed = self._morning(midnight), Night(self._fleet, midnight), 0
        while (left := morning - self._clock.now()) > timedelta():
            failed += await self._advance(min(left, await self._stride()), night)
        told = f"It is the next morning. ESET was at it all night, {plural(failed, 'attempt')} failed"
        where = self._digested(morning)
        return f"{told}: see the digest in #{where}." if where else f"{told}. No digest was posted."

    def _morning(self, midnight: datetime) -> datetime:
        """When the first of the file's digests after the night is due; noon at the latest."""
        slots = [next_slot(plan, midnight + LAST) for plan in self._scene.bot.services.config.digests]
        return min([midnight + NOON, *slots])

    def _digested(self, since: datetime) -> str:
        """The channel in which a digest has been posted since then; empty when there is none."""
        channels = {plan.channel for plan in self._scene.bot.services.config.digests}
        space = self._scene.world.slack.space
        for message in reversed(space.messages):
            if message.at < since:
                break
            if message.channel in channels and message.user == BOT_USER and not message.thread_ts:
                return space.naming(message.channel)
        return ""

    async def _stride(self) -> timedelta:
        """How far the clock can be put forward at once: to what is due next."""
        if self._fleet.on_their_way() or await self._followed():
            return STEP
        services, now = self._scene.bot.services, self._clock.now()
        due = [next_slot(plan, now) for plan in await plans.every(services) if not plan.paused]
        due += [request.next_at for request in await services.store.requests_in(OPEN) if request.next_at]
        return min([LEAP, *(at - now if at > now else STEP for at in due)])

    async def _advance(self, by: timedelta, night: Night | None = None) -> int:
        """Returns how many attempts failed meanwhile in the night. They are there before the bot looks."""
        await self._quiet()
        now = self._clock.advance(by)
        self._fleet.settle(now)
        failed = night.happens(now) if night else 0
        await self._scene.bot.tick()
        return failed

    async def _quiet(self) -> None:
        """Until nothing that a person did is in flight: for whoever waits for its answer only seconds go by."""
        sockets = self._scene.world.slack.sockets
        while True:
            await sockets.idle()
            await self._scene.bot.settle()
            if not sockets.busy:
                return

    async def _followed(self) -> bool:
        """Whether the bot still looks after retries that were sent."""
        return bool(await self._scene.bot.services.store.requests_in(FOLLOWED))


def ends(patches: list[FleetPatch]) -> str:
    """What became of what was on its way."""
    count = Counter(patch.status for patch in patches)
    told = [f"{plural(count[status], 'patch', 'patches')} {words}" for status, words in ENDS.items() if count[status]]
    return listed(told) if told else "the bot has seen how its retries ended"
