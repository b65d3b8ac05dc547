"""Submitted forms: what is wrong with one, and which flow it means."""

from dataclasses import replace

import structlog

from bot import markup
from bot.blocks import modals
from bot.errors import Refused, UnreadableError
from bot.flows import ask, decide, forms, rights, silences
from bot.flows.desk.door import answer
from bot.flows.desk.kinds import Ack, Submission
from bot.flows.desk.opened import acted
from bot.flows.desk.voting import vote
from bot.flows.reply import Reply
from bot.flows.services import Services
from bot.model import Message

log = structlog.get_logger()

VOTES = frozenset({"request.approve", "request.deny"})


async def ack(services: Services, submission: Submission) -> Ack:
    """What must travel in the ack, from the values, the configuration and the database alone."""
    match submission.callback:
        case callback if callback in VOTES:
            return Ack(await _missing_reason(services, submission))
        case forms.patches.CALLBACK:
            return Ack(await forms.patches.faults(services, submission.token, submission.values))
        case callback if callback in forms.devices.CALLBACKS:
            errors = forms.devices.faults(services, submission.values)
            return Ack(errors) if errors else unchecked(submission)
    return Ack()


def unchecked(submission: Submission) -> Ack:
    """The same when there was no time to look: the next step finds what is wrong."""
    if submission.callback in forms.devices.CALLBACKS:
        return Ack(view=forms.devices.waiting(submission.values))
    return Ack()


async def _missing_reason(services: Services, submission: Submission) -> dict[str, str]:
    if not markup.blank(_text(submission, "reason")):
        return {}
    number, _ = modals.card_of(submission.token)
    terms = await decide.terms_of(services, number)
    required = terms.deny_reason if submission.callback == "request.deny" else terms.reason_required
    return {"reason": "A reason is required here."} if required else {}


async def submit(services: Services, submission: Submission) -> None:
    """Does what a modal asks for, after it was acknowledged."""
    channel = await _asked_from(services, submission)
    place = replace(submission.place, channel=channel, home=channel == submission.place.user)
    submission = replace(submission, place=place)

    async def work(reply: Reply) -> Message | None:
        services.metrics.interactions.labels("submission", submission.callback).inc()
        return await _submitted(services, submission, reply)

    await answer(services, submission.place, work, reads=submission.callback in forms.devices.CALLBACKS)
    await acted(services, submission.place.user)


async def _asked_from(services: Services, submission: Submission) -> str:
    """The channel whose button opened the form, the person for one on the Home: a submission itself names none."""
    usual = services.config.approvals.channel or submission.place.user
    try:
        if submission.callback in VOTES:
            return submission.place.user if modals.card_of(submission.token)[1] else usual
        recall = silences.recall if submission.callback == silences.CALLBACK else forms.kept.recall
        form = await recall(services, submission.token)
    except UnreadableError as error:
        log.warning("desk.unreadable", why=str(error))
        form = None
    except Exception:  # the work will meet the same trouble and tell it; here only the place is at stake
        log.exception("desk.form_unread")
        form = None
    return form.channel if form else usual


async def _submitted(services: Services, submission: Submission, reply: Reply) -> Message | None:
    who, values = submission.place.user, submission.values
    if submission.callback in VOTES:
        denies = submission.callback == "request.deny"
        number, _ = modals.card_of(submission.token)
        return await vote(services, number, who, denies=denies, reason=_text(submission, "reason"))
    if submission.callback == forms.patches.CALLBACK:
        await rights.demand_command(services, who)
        wish = await forms.patches.wish(services, submission.token, values, who)
        return await ask.request(services, wish, reply.progress)
    if submission.callback == silences.CALLBACK:
        return await silences.submit(services, submission.token, values, who)
    if submission.callback in forms.devices.CALLBACKS and forms.devices.is_ours(values):
        await reply.opened()
        await forms.devices.submit(services, submission.view_id, submission.token, values, who=who)
        return None
    raise Refused("This form is from an older version of the bot and does nothing any more.")


def _text(submission: Submission, block: str) -> str:
    value = submission.values.get(block)
    return value if isinstance(value, str) else ""
