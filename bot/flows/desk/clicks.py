"""Buttons: which flow each of them means."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

from bot.blocks import answers, modals
from bot.blocks.requests import Kind
from bot.errors import Refused
from bot.flows import ask, decide, digest, follow_up, forms, links, recent, requests, rights, silences
from bot.flows.desk.door import answer
from bot.flows.desk.kinds import Click
from bot.flows.desk.opened import opened
from bot.flows.desk.voting import vote
from bot.flows.reply import Reply
from bot.flows.services import Services
from bot.model import Message

IN_TIME = 1.5  # seconds for what precedes a modal: its trigger lives three


async def click(services: Services, clicked: Click) -> None:
    """Answers a button; one that nobody knows (any more) is answered too."""
    found = _route(clicked.action)

    async def work(reply: Reply) -> Message | None:
        services.metrics.interactions.labels("click", found or "unknown").inc()
        if found is None:
            raise Refused("This button is from an older version of the bot and does nothing any more.")
        return await _CLICKS[found](services, clicked, reply)

    reads = found is None or found in _CHANGELESS
    await answer(services, clicked.place, work, reads=reads, instead=found in _INSTEAD)
    if clicked.place.home:
        await opened(services, clicked.place.user)


def _route(action: str) -> str | None:
    """The longest registered name that the action_id is or begins with (a last word may tell one block's apart)."""
    words = action.split(".")
    names = (".".join(words[:count]) for count in range(len(words), 0, -1))
    return next((name for name in names if name in _CLICKS), None)


def _request_id(clicked: Click) -> int:
    if not clicked.value.isdecimal() or len(clicked.value) > 15:
        raise Refused("This button does not say which request it belongs to. Nothing was done.")
    return int(clicked.value)


async def _on_card(services: Services, clicked: Click) -> int:
    request_id = _request_id(clicked)
    if clicked.message is not None:
        await decide.came_from(services, request_id, clicked.message)
    return request_id


async def _approve(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = await _on_card(services, clicked)
    terms = await decide.terms_of(services, request_id)
    if terms.reason_required:
        await _in_time(decide.may_vote(services, request_id, clicked.place.user, denies=False))
        requests = await decide.waiting(services, request_id)
        await services.messenger.open_view(clicked.trigger_id, modals.approve(requests, home=clicked.place.home))
        await reply.opened()
        return None
    return await vote(services, request_id, clicked.place.user, denies=False)


async def _deny(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = await _on_card(services, clicked)
    await _in_time(decide.may_vote(services, request_id, clicked.place.user, denies=True))
    terms = await decide.terms_of(services, request_id)
    view = modals.deny(await decide.waiting(services, request_id), required=terms.deny_reason, home=clicked.place.home)
    await services.messenger.open_view(clicked.trigger_id, view)
    await reply.opened()
    return None


async def _in_time(check: Awaitable[None]) -> None:
    """Says no before a modal opens, unless that takes too long: what a form shows, and what is submitted, is
    checked in any case."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(IN_TIME):
            await check


async def _retract(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = _request_id(clicked)
    await decide.retract(services, request_id, clicked.place.user)
    return Message(f"Your vote on request #{request_id} is taken back.")


async def _look(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = _request_id(clicked)  # no card: the question in the thread has it too
    await reply.progress("⏳ Asking N-sight about the device's patches…")
    return answers.looked(await follow_up.look(services, request_id, clicked.place.user))


async def _withdraw(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = await _on_card(services, clicked)
    after = await decide.withdraw(services, request_id, clicked.place.user)
    return answers.withdrawn(after.changed, after.members)


async def _close(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = _request_id(clicked)
    await decide.close(services, request_id, clicked.place.user)
    return Message(f"Request #{request_id} is closed. A retry needs a new request.")


async def _again(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = _request_id(clicked)  # no card: what is told at its end has this button too
    await rights.demand_command(services, clicked.place.user)
    return await ask.again(services, request_id, clicked.place.user, clicked.place.channel, reply.progress)


async def _again_alone(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = _request_id(clicked)
    await rights.demand_command(services, clicked.place.user)
    return await ask.again_alone(services, request_id, clicked.place.user, clicked.place.channel, reply.progress)


async def _page(services: Services, clicked: Click, reply: Reply) -> Message | None:
    return await recent.turn(services, clicked.value, clicked.action.removeprefix("recent."), reply.progress)


async def _export(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await rights.demand_command(services, clicked.place.user)
    return await recent.export(services, clicked.value, clicked.place.user, reply.progress)


async def _turn(services: Services, clicked: Click, reply: Reply) -> Message | None:
    kind: Kind = "pending" if clicked.action.startswith("pending.") else "history"
    return await requests.turn(services, kind, clicked.value, forward=clicked.action.endswith(".next"))


async def _from_device(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_command(services, clicked.place.user))
    await forms.patches.from_device(services, clicked.value, _press(clicked, reply))
    return None


async def _from_row(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_command(services, clicked.place.user))
    mark = clicked.action.rpartition(".")[2]
    await forms.devices.from_row(services, clicked.value, mark, _press(clicked, reply))
    return None


async def _from_nothing(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_command(services, clicked.place.user))
    await forms.devices.from_nothing(services, _press(clicked, reply))
    return None


def _press(clicked: Click, reply: Reply) -> forms.Press:
    return forms.Press(clicked.place.user, clicked.place.channel, clicked.trigger_id, clicked.message, reply.opened)


async def _unlink(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await rights.demand_command(services, clicked.place.user)
    return await links.undo_shown(services, clicked.value, clicked.place.user)


async def _from_digest(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_command(services, clicked.place.user))
    await digest.open_retry(services, clicked.value, _press(clicked, reply))
    return None


async def _list(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await rights.demand_command(services, clicked.place.user)
    await reply.progress("⏳ Making the list…")
    return await digest.hand_list(services, clicked.value, clicked.place.user)


async def _silence(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_silence(services, clicked.place.user))
    group = await services.store.recall(digest.GROUP, clicked.value)
    await silences.open_form(services, group, _press(clicked, reply))
    return None


async def _end_silence(services: Services, clicked: Click, reply: Reply) -> Message | None:
    if not clicked.value.isdecimal() or len(clicked.value) > 15:
        raise Refused("This button does not say which silence it belongs to. Nothing was done.")
    return await silences.end_listed(services, int(clicked.value), clicked.place.user)


async def _turn_silences(services: Services, clicked: Click, reply: Reply) -> Message | None:
    return await silences.turn(services, clicked.value, forward=clicked.action.endswith(".next"))


async def _refresh(services: Services, clicked: Click, reply: Reply) -> Message | None:
    return None  # a Home is shown anew after whatever was pressed there


_CLICKS: Mapping[str, Callable[[Services, Click, Reply], Awaitable[Message | None]]] = {
    "request.approve": _approve,
    "request.deny": _deny,
    "request.withdraw": _withdraw,
    "request.retract": _retract,
    "request.read": _look,
    "request.close": _close,
    "request.again": _again,
    "request.again.device": _again_alone,
    "recent.page": _page,
    "recent.filter": _page,
    "recent.export": _export,
    "history.page": _turn,
    "pending.page": _turn,
    "recent.retry": _from_row,
    "device.retry": _from_device,
    "device.pick.open": _from_nothing,
    "device.unlink": _unlink,
    "digest.retry": _from_digest,
    "digest.silence": _silence,
    "digest.list": _list,
    "silence.end": _end_silence,
    "silence.page": _turn_silences,
    "home.refresh": _refresh,
}
_PAGED = frozenset({"recent.page", "recent.filter", "history.page", "pending.page", "silence.page"})
# What offered it in private has nothing more to offer.
_INSTEAD = _PAGED | {"request.withdraw", "request.retract", "silence.end"}
_FORMS = frozenset(
    {"request.deny", "device.retry", "digest.retry", "digest.silence", "recent.retry", "device.pick.open"}
)
_CHANGELESS = _PAGED | _FORMS | {"home.refresh"}  # a form that is opened changes nothing
