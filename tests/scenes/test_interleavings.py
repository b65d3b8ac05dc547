"""Random interleavings of all that people, clocks, services and dying bots can do; the promises hold in each of them.

In each run up to two bots, real processes forked from one that has everything loaded, work on one database. They are
killed with SIGKILL at random statements, stopped, cut short, and started again with other rules, while people press and
take back, rights come and go, and Slack and N-sight fail. `deeds` is what can happen, `witness` has the rules by which
each call that reached N-sight is judged: by what the calling bot was told about the approvers' rights since it last had
nothing to do. A right lost between that answer and the call's arrival is a race that nobody can close.
"""

import asyncio
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.demo.faults import Fault
from bot.store import Store
from tests.scenes.deeds import (
    Ask,
    Heal,
    Kill,
    Later,
    NsightDown,
    NsightFails,
    Press,
    Redeliver,
    Restart,
    Right,
    SlackFails,
    TakeBack,
)
from tests.scenes.forked import ABRUPT, THOROUGH, Nursery
from tests.scenes.interleaved import RULES, Deed, Play, Step

# A process that is killed takes nothing from the kernel's memory; waiting for a disk would only take half of the time.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
Record = Callable[[str, object], None]  # pytest's record_property: the figures end up in ``--junitxml``

# ---------------------------------------------------------------- what may happen

APPROVERS = ("ann", "carl", "ann", "carl", "dave")
ANYBODY = ("ann", "carl", "dave", "bob", "gina", "zoe")
NEWEST = (0, 0, 0, 1, 2)
WORDS = ("why", "because", "")
CHANGES = ("leaves", "joins", "guest", "deactivated", "active", "active")
SPANS = (0, 0, 5, 20, 60, 95, 130, 300, 900, 1900, 1900, 3700, 15000)
READ_WRONG = (Fault.STATUS, Fault.LOSE_REPLY, Fault.SLOW, Fault.SLOW, Fault.FAIL)
CALLED_WRONG = (
    *(Fault.LOSE_REPLY, Fault.CUT, Fault.CUT_MIDWAY, Fault.SLOW, Fault.SLOW, Fault.FAIL),
    *(Fault.STATUS, Fault.TORN, Fault.ALREADY, Fault.NO_STATUS, Fault.HTML),
)
SLACKS = ("users.info", "usergroups.users.list", "chat.update", "chat.postMessage", "views.open")
WRONG = ("http_500", "cut_before", "lost_answer", "slow")
MOMENTS = (None, None, None, 0, 1, 2, 3, 4, 6, 9, 14)


def rules(dice: Random) -> int:
    likely: list[int] = [0, 0, 0, 1, 1, 1, 6, *range(len(RULES))]
    return dice.choice(likely)


def times(dice: Random) -> int | None:
    return dice.choice((1, 2, 3, None))


def ask(dice: Random) -> Deed:
    return Ask(dice.choice(("bob", "bob", "dave", "ann")), dice.randrange(5), dice.choice(WORDS))


def approve(dice: Random) -> Deed:
    return Press(dice.choice(APPROVERS), "Approve", dice.choice(NEWEST), "because")


# Each as likely as it stands here often.
PEOPLE: list[Callable[[Random], Deed]] = [
    ask,
    ask,
    approve,
    approve,
    approve,
    approve,
    lambda dice: Press(dice.choice(APPROVERS), "Deny", dice.choice(NEWEST)),
    lambda dice: Press(dice.choice(ANYBODY), dice.choice(("Approve", "Deny")), 0, dice.choice(WORDS)),
    lambda dice: Press(dice.choice(("bob", "dave", "ann")), "Withdraw", dice.choice(NEWEST)),
    lambda dice: Press(dice.choice(ANYBODY), dice.choice(("Read the device again", "Close", "Retry…"))),
    lambda dice: TakeBack(dice.choice(APPROVERS)),
]
WORLD: list[Callable[[Random], Deed]] = [
    lambda dice: Right(dice.choice(APPROVERS), dice.choice(CHANGES)),
    lambda dice: Right(dice.choice(APPROVERS), dice.choice(CHANGES)),
    lambda dice: Later(dice.choice(SPANS), dice.choice(((0, 1), (0, 1), (0,), (1,), ()))),
    lambda dice: Later(dice.choice(SPANS)),
    lambda dice: Later(dice.choice(SPANS)),
    lambda dice: Redeliver(dice.choice(ANYBODY)),
    lambda dice: SlackFails(dice.choice(SLACKS), dice.choice(WRONG), times(dice)),
    lambda dice: NsightFails("patch_retry", dice.choice(CALLED_WRONG), times(dice)),
    lambda dice: NsightFails("patch_list_all", dice.choice(READ_WRONG), times(dice)),
    lambda dice: NsightDown(),
    lambda dice: Heal(twice=dice.random() < 0.5),
    lambda dice: Heal(twice=dice.random() < 0.5),
]
BOTS: list[Callable[[Random], Deed]] = [
    lambda dice: Kill(dice.randrange(2), dice.randint(1, 150)),
    lambda dice: Kill(dice.randrange(2), dice.randint(1, 150)),
    lambda dice: Kill(dice.randrange(2)),
    lambda dice: Restart(dice.randrange(2), rules(dice)),
    lambda dice: Restart(dice.randrange(2), rules(dice)),
    lambda dice: Restart(dice.randrange(2), rules(dice), abrupt=True, finish=ABRUPT),
    lambda dice: Restart(dice.randrange(2), rules(dice), point=dice.randint(1, 60)),
]


def opening(dice: Random) -> list[Step]:
    """A first bot, often a second one, a request or two and some approvals.

    In some plays something holds up what is approved, a maintenance window that opens at nine or a service; in others
    the call goes wrong, or the bot dies somewhere along the way.
    """
    held = dice.choice(("", "", "window", "N-sight", "Slack", "call", "call", "death", "death"))
    first = 6 if held == "window" else rules(dice)
    deeds: list[Deed] = [Restart(0, first, finish=dice.choice((THOROUGH, THOROUGH, ABRUPT)))]
    if dice.random() < 0.7:
        deeds.append(Restart(1, first if dice.random() < 0.5 else rules(dice)))
    deeds += [ask(dice) for _ in range(dice.randint(1, 2))]
    deeds += [NsightFails("patch_list_all", Fault.STATUS, None)] * (held == "N-sight")
    deeds += [NsightFails("patch_retry", dice.choice(CALLED_WRONG), 1)] * (held == "call")
    deeds += [Kill(dice.randrange(2), dice.randint(1, 150))] * (held == "death")
    votes = [approve(dice) for _ in range(dice.randint(0, 3))]
    if held == "Slack" and votes:
        votes.insert(-1, SlackFails("usergroups.users.list", "http_500", None))
    return [Step(one, dice.choice((None, None, None, 2, 5))) for one in deeds + votes]


def middle(dice: Random) -> list[Step]:
    """Whatever comes."""
    kinds = dice.choices((PEOPLE, WORLD, BOTS), (50, 35, 15), k=dice.randint(5, 16))
    return [Step(dice.choice(kind)(dice), dice.choice(MOMENTS)) for kind in kinds]


def ending(dice: Random) -> list[Step]:
    """In half of the plays some good will, so that more is sent than would be in so hostile a world."""
    if dice.random() < 0.5:
        return []
    return [Step(Heal(), None), *(Step(Press(who, "Approve"), 1) for who in ("ann", "carl", "dave"))]


plays = st.randoms(use_true_random=True).map(lambda dice: [*opening(dice), *middle(dice), *ending(dice)])


# ---------------------------------------------------------------- playing


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.fixture(scope="module")
def laid(nursery: Nursery) -> bytes:
    """The database of a bot that has read N-sight's inventory and stopped."""

    async def lay(folder: Path) -> bytes:
        path = folder / "patches.db"
        await (await Store.open(f"sqlite+aiosqlite:///{path}")).close()
        async with Play(folder, nursery, path.read_bytes()) as play:
            await play.start(0, RULES[0])
            await play.stop(0, abrupt=False)
        return path.read_bytes()

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(lay(Path(folder)))


async def played(folder: Path, nursery: Nursery, laid: bytes, steps: list[Step], sums: dict[str, Counter[str]]) -> None:
    """Plays to the end and raises AssertionError with everything that should not have been."""
    async with Play(folder, nursery, laid) as play:
        await play.perform(steps)
        await play.recover()
        faults = await play.faults()
    sums["happened"].update(play.tally)
    sums["ended"].update(play.ends)
    assert not faults, "\n".join(faults[:10])


def run(steps: list[Step], nursery: Nursery, laid: bytes, sums: dict[str, Counter[str]]) -> None:
    folder, began = Path(tempfile.mkdtemp(prefix="play-", dir=MEMORY)), time.monotonic()
    try:
        asyncio.run(played(folder, nursery, laid, steps, sums))
    except Exception as error:
        error.add_note("\n".join(["in:", *map(str, steps)]))
        raise
    finally:
        shutil.rmtree(folder)
    sums["happened"].update({"runs": 1, "milliseconds": round(1000 * (time.monotonic() - began))})


# Real processes take their time, and no two runs the same; a failing example would hardly fail again when replayed.
UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None, phases=[Phase.generate])


def figures(record: Record, sums: dict[str, Counter[str]]) -> None:
    for name, counted in sums.items():
        record(name, dict(sorted(counted.items())))


def test_whatever_happens_in_whatever_order_the_promises_hold(
    nursery: Nursery, laid: bytes, record_property: Record
) -> None:
    sums: dict[str, Counter[str]] = {"happened": Counter(), "ended": Counter()}

    @settings(UNHURRIED, max_examples=4, derandomize=True)
    @given(plays)
    def every(steps: list[Step]) -> None:
        run(steps, nursery, laid, sums)

    every()
    figures(record_property, sums)


@pytest.mark.deep
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(8))
def test_in_two_thousand_random_plays_the_promises_hold(
    part: int, nursery: Nursery, laid: bytes, record_property: Record
) -> None:
    """Eight parts for as many processors. What fails is not made smaller: these are real processes, and a play takes
    another course each time. Its deeds stand in the report."""
    sums: dict[str, Counter[str]] = {"happened": Counter(), "ended": Counter()}

    @settings(UNHURRIED, max_examples=250, print_blob=True)
    @given(plays)
    def every(steps: list[Step]) -> None:
        run(steps, nursery, laid, sums)

    every()
    figures(record_property, sums)
