"""Submitted forms: what is wrong with one, and which flow it means."""

from dataclasses import replace

import structlog

from bot import commands, markup
from bot.blocks import text
from bot.errors import Refused
from bot.flows import ask, decide, device, rights
from bot.flows.desk.door import answer
from bot.flows.desk.kinds import Submission
from bot.flows.desk.voting import vote
from bot.flows.reply import Reply
from bot.flows.services import Services
from bot.model import Message

log = structlog.get_logger()


async def faults(services: Services, submission: Submission) -> dict[str, str]:
    """What must travel in the ack: errors by block id, from the values, the configuration and the database alone."""
    found: dict[str, str] = {}
    if markup.blank(_text(submission, "reason")) and await _needs_reason(services, submission):
        found["reason"] = "A reason is required here."
    return found | _faulty_ids(submission)


async def _needs_reason(services: Services, submission: Submission) -> bool:
    match submission.callback:
        case "request.approve" | "request.deny":
            terms = await decide.terms_of(services, int(submission.token))
            return terms.deny_reason if submission.callback == "request.deny" else terms.reason_required
        case "device.retry":
            return await device.reason_required(services, submission.token, _chosen(submission))
        case "digest.retry":
            return ask.reason_always(services)
    return False


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

    await answer(services, submission.place, work, reads=False)


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
    if submission.callback in {"request.approve", "request.deny"}:
        denies = submission.callback == "request.deny"
        return await vote(services, int(submission.token), who, denies=denies, reason=_text(submission, "reason"))
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
