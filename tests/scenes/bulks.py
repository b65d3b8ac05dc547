"""A request for several devices, made without the forms that make one."""

from bot.demo.slack.model import Shown
from bot.flows import ask
from bot.model import Message, Posted, RetryRequest
from tests.scenes.stage import Stage

THREE = ((1001, (4, 5)), (1006, (681833,)), (1018, (681953, 681959)))  # a server and two workstations of one client


async def wished(
    stage: Stage,
    wanted: tuple[tuple[int, tuple[int, ...] | None], ...] = THREE,
    *,
    who: str = "U0BOB",
    reason: str = "out of date",
    origin: Posted | None = None,
) -> Message:
    """What the person is answered privately. Raises Refused as the form would tell it."""
    services = stage.bot.services
    devices = tuple(ask.Wanted(str(device), ids) for device, ids in wanted)
    wish = ask.Wish(who, "C0HELPDESK", devices, reason, origin)
    answer = await ask.request(services, wish, _told)
    await stage.bot.settle()
    return answer


async def _told(sentence: str) -> None:
    assert sentence


async def carded(stage: Stage, **how: object) -> Shown:
    """The card of a new request for three devices."""
    await wished(stage, **how)  # type: ignore[arg-type]
    return stage.card


async def members(stage: Stage) -> list[RetryRequest]:
    """The newest request's, and those made with it."""
    newest = await stage.bot.services.store.history(None, 1)
    return await stage.bot.services.store.members(newest[0].id)
