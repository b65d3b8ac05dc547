"""What can be made to go wrong next: each mishap is armed, waits for the call that it fits, and happens once."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.demo.faults import Fault, Faults
from bot.demo.fleet import Fleet
from bot.demo.page.trace import ESET, NSIGHT, SLACK
from bot.demo.slack.faults import RESPONSE_URL
from bot.demo.world import World
from bot.markup import plural

POLLS = 3
RETRY_AFTER = 2  # seconds
RETRY = ("patch_retry",)
QUESTIONS = ("recent", "details", "devices")
POSTING = ("chat.postMessage", "chat.postEphemeral", "chat.update", RESPONSE_URL)


@dataclass(frozen=True)
class Cause:
    """``prepare`` brings it about and returns what is told then, empty for the usual; ``spare`` takes it back;
    ``waits``: whether it has yet to happen."""

    prepare: Callable[[], str]
    spare: Callable[[], None]
    waits: Callable[[], bool]


@dataclass(eq=False)
class Mishap:
    """``side``: at which service; ``hint``: what to expect, one line; ``met``: what is told once it has happened.
    ``armed``: somebody waits for it, and has not been told that it has happened."""

    cause: Cause
    name: str
    title: str
    side: str
    hint: str
    met: str
    armed: bool = False

    def turn(self, *, armed: bool) -> str:
        """Arms it, or takes it back; what is so already stays so. Returns what is told."""
        if armed and not self.armed:
            self.armed = True
            return self.cause.prepare() or f"Armed. {self.hint}"
        if self.armed and not armed:
            self.armed = False
            self.cause.spare()
            return f"{self.title}: taken back."
        return f"{self.title}: armed already." if armed else f"{self.title}: was not armed."

    def happened(self) -> bool:
        """Whether it has come about since it was armed; says so once."""
        if not self.armed or self.cause.waits():
            return False
        self.armed = False
        return True


def mishaps(world: World) -> tuple[Mishap, ...]:
    nsight, eset, slack = world.nsight.faults, world.eset.faults, world.slack.faults
    return (
        Mishap(
            _queued(nsight, RETRY, lambda: nsight.add_for_any(RETRY, Fault.LOSE_REPLY)),
            name="lose_reply",
            title="N-sight reply lost",
            side=NSIGHT,
            hint="N-sight takes the next retry, but its answer is lost. The card says so; nothing is sent twice.",
            met="N-sight took a retry, and its answer was lost.",
        ),
        Mishap(
            _queued(eset, QUESTIONS, lambda: eset.add_for_any(QUESTIONS, Fault.LATER, polls=POLLS)),
            name="later",
            title="ESET answers 202",
            side=ESET,
            hint=f"The next question to ESET is answered {POLLS} times with 202. The bot polls until it comes.",
            met=f"ESET has put a question by: {POLLS} times 202, then the answer.",
        ),
        Mishap(
            _queued(slack, POSTING, lambda: slack.rate_limited_once(POSTING, RETRY_AFTER)),
            name="rate_limit",
            title="Slack rate limit",
            side=SLACK,
            hint="Slack refuses the bot's next message with 429. The bot waits, or answers another way: it comes once.",
            met=f"Slack refused a message with 429: the bot waits {RETRY_AFTER} seconds, or answers another way.",
        ),
        _failing_again(world.fleet),
    )


def _queued(faults: Faults, places: tuple[str, ...], add: Callable[[], None]) -> Cause:
    """It waits in a stand-in's queue of faults, for the first call to any of ``places``."""

    def prepare() -> str:
        add()
        return ""

    return Cause(prepare, lambda: faults.clear(*places), lambda: faults.waiting(places[0]) > 0)


def _failing_again(fleet: Fleet) -> Mishap:
    def prepare() -> str:
        there = fleet.doom()
        return f"{plural(there, 'patch', 'patches')} on the way at N-sight will fail again." if there else ""

    return Mishap(
        Cause(prepare, fleet.spare, lambda: fleet.doomed),
        name="fail_again",
        title="Patches fail again",
        side=NSIGHT,
        hint="What is on its way at N-sight, else the next retry, ends Failed. Whoever asked is told, with Retry…",
        met="What was to fail has failed.",
    )
