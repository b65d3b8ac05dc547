"""The reception desk: a command, click or submission goes to the flow it means, and its answer goes back.

The one place where failures become sentences: whatever happens behind, the person hears something.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from bot import commands
from bot.blocks import help as pages
from bot.blocks import modals, text
from bot.errors import Refused, TrailUnwritableError, UpstreamError, new_reference
from bot.flows import ask, decide, device, digest, overview, recent, rights
from bot.flows.reply import Place, Reply
from bot.flows.services import Services
from bot.model import Message, Posted

log = structlog.get_logger()

AGAIN = Message("delivered again")  # never shown: the first delivery is being answered
PATIENCE = 0.5  # seconds that a list waits for the database to note its delivery; it is shown without that too
IN_TIME = 1.5  # seconds for what precedes a modal: its trigger lives three
_SLACKS_CODE = re.compile("[a-z_]{3,60}")  # such as not_in_channel: more telling than "refused"


@dataclass(frozen=True, slots=True)
class Click:
    """A button or select. ``value``: an id, to be looked up. ``message``: what was clicked, None when private."""

    place: Place
    action: str
    value: str
    trigger_id: str = field(repr=False)
    message: Posted | None


@dataclass(frozen=True, slots=True)
class Submission:
    """A submitted modal. ``token``: its private_metadata. ``values``: by block id."""

    place: Place
    callback: str
    token: str
    values: Mapping[str, Any]


async def command(services: Services, typed: str, place: Place) -> None:
    """Answers ``/patches …``."""

    async def work(reply: Reply) -> Message | None:
        await rights.demand_command(services, place.user)
        wish = commands.parse(typed)  # again, so that what it refuses is answered like any other refusal
        services.metrics.interactions.labels("command", type(wish).__name__.lower()).inc()
        return await _obey(services, wish, place, reply)

    await _answer(services, place, work, reads=_only_reads(typed))


def _only_reads(typed: str) -> bool:
    try:
        return not isinstance(commands.parse(typed), commands.Retry | commands.DigestNow)
    except Refused:
        return True


async def _obey(services: Services, wish: commands.Command, place: Place, reply: Reply) -> Message:
    match wish:
        case commands.Help():
            return pages.help(wish.topic)
        case commands.Recent():
            return await recent.first_page(services, wish, reply.progress)
        case commands.Retry():
            asked = ask.Wish(place.user, place.channel, wish.device, wish.ids, wish.reason)
            return await ask.request(services, asked, reply.progress)
        case commands.DeviceInfo():
            return await device.show(services, wish.device, place.channel, reply.progress)
        case commands.Pending():
            return await overview.pending(services)
        case commands.History():
            return await overview.history(services, wish.device, reply.progress)
        case commands.DigestList():
            return await overview.digest_list(services)
        case commands.DigestNow():
            return await digest.post_now(services, wish.name, place.user, reply.progress)
        case commands.Status():
            return await overview.status(services)


# ---------------------------------------------------------------- clicks


async def click(services: Services, clicked: Click) -> None:
    """Answers a button; one that nobody knows (any more) is answered too."""
    found = _route(clicked.action)

    async def work(reply: Reply) -> Message | None:
        services.metrics.interactions.labels("click", found or "unknown").inc()
        if found is None:
            raise Refused("This button is from an older version of the bot and does nothing any more.")
        return await _CLICKS[found](services, clicked, reply)

    reads = found is None or found in _CHANGELESS
    await _answer(services, clicked.place, work, reads=reads, instead=found in _INSTEAD)


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
    await decide.approve(services, await _on_card(services, clicked), clicked.place.user)
    return None


async def _deny(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = await _on_card(services, clicked)
    await _in_time(decide.may_deny(services, request_id, clicked.place.user))
    view = modals.deny(request_id, required=services.policy.reason_required)
    await services.messenger.open_view(clicked.trigger_id, view)
    await reply.opened()
    return None


async def _in_time(check: Awaitable[None]) -> None:
    """Says no before a modal opens, unless that takes too long: what is submitted is checked in any case."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(IN_TIME):
            await check


async def _withdraw(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = await _on_card(services, clicked)
    await decide.withdraw(services, request_id, clicked.place.user)
    return Message(f"Request #{request_id} is withdrawn. Nothing was sent.")


async def _close(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = _request_id(clicked)
    await decide.close(services, request_id, clicked.place.user)
    return Message(f"Request #{request_id} is closed. A retry needs a new request.")


async def _again(services: Services, clicked: Click, reply: Reply) -> Message | None:
    request_id = await _on_card(services, clicked)
    await rights.demand_command(services, clicked.place.user)
    return await ask.again(services, request_id, clicked.place.user, clicked.place.channel, reply.progress)


async def _page(services: Services, clicked: Click, reply: Reply) -> Message | None:
    return await recent.turn(services, clicked.value, clicked.action.removeprefix("recent."), reply.progress)


async def _from_device(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_command(services, clicked.place.user))
    await device.open_retry(services, clicked.value, clicked.trigger_id, reply.opened)
    return None


async def _from_digest(services: Services, clicked: Click, reply: Reply) -> Message | None:
    await _in_time(rights.demand_command(services, clicked.place.user))
    await digest.open_retry(services, clicked.value, clicked.place.channel, clicked.trigger_id)
    await reply.opened()
    return None


_CLICKS: Mapping[str, Callable[[Services, Click, Reply], Awaitable[Message | None]]] = {
    "request.approve": _approve,
    "request.deny": _deny,
    "request.withdraw": _withdraw,
    "request.close": _close,
    "request.again": _again,
    "recent.page": _page,
    "recent.filter": _page,
    "device.retry": _from_device,
    "digest.retry": _from_digest,
}
_PAGED = frozenset({"recent.page", "recent.filter"})
_INSTEAD = _PAGED | {"request.withdraw"}  # the private answer that offered it has nothing more to offer
_CHANGELESS = _PAGED | {"request.deny", "device.retry", "digest.retry"}  # these three only open a form


# ---------------------------------------------------------------- submissions


def faults(services: Services, submission: Submission) -> dict[str, str]:
    """What must travel in the ack: errors by block id, from the submitted values and the configuration alone."""
    found: dict[str, str] = {}
    if services.policy.reason_required and not _text(submission, "reason").strip():
        found["reason"] = "A reason is required here."
    return found | _faulty_ids(submission) if submission.callback in _FORMS else {}


_FORMS = frozenset({"request.deny", "device.retry", "digest.retry"})


def _faulty_ids(submission: Submission) -> dict[str, str]:
    if submission.callback != "digest.retry":
        return {}
    ids = _text(submission, "ids")
    if ids.strip().casefold() == "failed":
        return {}
    try:
        commands.parse_ids(ids)
    except Refused as refused:
        return {"ids": text.cut(refused.sentence.replace("`", ""), 300)}
    return {}


async def submit(services: Services, submission: Submission) -> None:
    """Does what a modal asks for, after it was acknowledged."""
    channel = await _asked_from(services, submission)
    submission = replace(submission, place=replace(submission.place, channel=channel))

    async def work(reply: Reply) -> Message | None:
        services.metrics.interactions.labels("submission", submission.callback).inc()
        return await _submitted(services, submission, reply)

    await _answer(services, submission.place, work, reads=False)


async def _asked_from(services: Services, submission: Submission) -> str:
    """The channel whose button opened the form: a submission itself names none."""
    try:
        form = await services.store.recall("form", submission.token)
    except Exception:  # the work will meet the same trouble and tell it; here only the place is at stake
        log.exception("desk.form_unread")
        form = None
    return str(form["channel"]) if form else services.config.approvals.channel or submission.place.user


async def _submitted(services: Services, submission: Submission, reply: Reply) -> Message | None:
    who = submission.place.user
    if submission.callback == "request.deny":
        await decide.deny(services, int(submission.token), who, _text(submission, "reason"))
        return None
    if submission.callback == "device.retry":
        await rights.demand_command(services, who)
        wish = await device.wish(services, submission.token, who, _chosen(submission), _text(submission, "reason"))
        return await ask.request(services, wish, reply.progress)
    if submission.callback == "digest.retry":
        await rights.demand_command(services, who)
        typed = _text(submission, "ids").strip()
        ids = None if typed.casefold() == "failed" else commands.parse_ids(typed)
        named = _text(submission, "device")
        wish = ask.Wish(who, submission.place.channel, named, ids, _text(submission, "reason"))
        return await ask.request(services, wish, reply.progress)
    raise Refused("This form is from an older version of the bot and does nothing any more.")


def _text(submission: Submission, block: str) -> str:
    value = submission.values.get(block)
    return value if isinstance(value, str) else ""


def _chosen(submission: Submission) -> tuple[int, ...]:
    value = submission.values.get("patches")
    return tuple(int(one) for one in value) if isinstance(value, list) else ()


# ---------------------------------------------------------------- the error door


async def _answer(
    services: Services,
    place: Place,
    work: Callable[[Reply], Awaitable[Message | None]],
    *,
    reads: bool,
    instead: bool = False,
) -> None:
    """``reads``: nothing is changed. ``instead``: the answer takes the place of the private list that was clicked."""
    async with Reply(services.messenger, place) as reply:

        async def once(reply: Reply) -> Message | None:
            return await work(reply) if await _first(services, place.delivery, reads=reads) else AGAIN

        message, failed = await _attempt(services, once, reply)
        if message is not AGAIN:
            await reply.final(message, replace=instead and not failed)


async def _first(services: Services, delivery: str, *, reads: bool) -> bool:
    """Whether no process has taken the same delivery already. A list is shown even when that cannot be written."""
    if not delivery:
        return True  # nothing tells it apart; every change is guarded by its row all the same
    try:
        return await services.store.first_delivery(delivery, services.now(), PATIENCE if reads else None)
    except TrailUnwritableError:
        if reads:
            return True
        raise


async def _attempt(
    services: Services, work: Callable[[Reply], Awaitable[Message | None]], reply: Reply
) -> tuple[Message | None, bool]:
    try:
        return await work(reply), False
    except Refused as refused:
        services.metrics.refusals.inc()
        return Message(refused.sentence), True
    except UpstreamError as error:
        services.metrics.failures.labels(error.service, error.kind).inc()
        said = error.words or (error.code if _SLACKS_CODE.fullmatch(error.code) else "")
        more = f" It said: {text.name(said, 300)}" if said else ""
        return Message(f"⚠️ {error.sentence}{more}"), True
    except TrailUnwritableError:
        reference = new_reference()
        log.exception("desk.unwritable", reference=reference)
        sentence = "The bot's database cannot be written, so it changes nothing: no decision goes unrecorded."
        return Message(f"⚠️ {sentence} Lists still work (reference `{reference}`)."), True
    except Exception:  # the last door: a fault of ours must not leave a person without an answer
        reference = new_reference()
        log.exception("desk.fault", reference=reference)
        return Message(f"⚠️ Something went wrong inside the bot (reference `{reference}`). It is logged."), True
