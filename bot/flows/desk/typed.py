"""Slash commands: parsed, and answered by the flow they mean."""

from bot import commands
from bot.blocks import help as pages
from bot.errors import Refused
from bot.flows import ask, device, digest, notify, overview, plans, recent, requests, rights, silences
from bot.flows.desk.door import answer
from bot.flows.reply import Place, Reply
from bot.flows.services import Services
from bot.model import Message

Digests = commands.DigestList | commands.DigestNow | commands.DigestAdd | commands.DigestRemove | commands.DigestPause
_CHANGING = (
    commands.Retry,
    commands.DigestNow,
    commands.DigestAdd,
    commands.DigestRemove,
    commands.DigestPause,
    commands.SilenceApplication,
    commands.SilenceEnd,
)


async def command(services: Services, typed: str, place: Place) -> None:
    """Answers ``/patches …``."""

    async def work(reply: Reply) -> Message | None:
        await rights.demand_command(services, place.user)
        wish = commands.parse(typed)  # again, so that what it refuses is answered like any other refusal
        services.metrics.interactions.labels("command", type(wish).__name__.lower()).inc()
        return await _obey(services, wish, place, reply)

    await answer(services, place, work, reads=_only_reads(typed))


def _only_reads(typed: str) -> bool:
    try:
        wish = commands.parse(typed)
    except Refused:
        return True
    switches = isinstance(wish, commands.Notify) and wish.on is not None
    return not (switches or isinstance(wish, _CHANGING))


async def _obey(services: Services, wish: commands.Command, place: Place, reply: Reply) -> Message:
    match wish:
        case commands.Help():
            return pages.help(wish.topic)
        case commands.Recent():
            return await recent.first_page(services, wish, reply.progress)
        case commands.Retry():
            asked = ask.Wish(place.user, place.channel, (ask.Wanted(wish.device, wish.ids),), wish.reason)
            return await ask.request(services, asked, reply.progress)
        case commands.DeviceInfo():
            return await device.show(services, wish.device, place.channel, reply.progress)
        case commands.DeviceSearch():
            return await device.search(services, wish.text, reply.progress)
        case commands.Pending():
            return await requests.pending(services)
        case commands.History():
            return await requests.history(services, wish.device, reply.progress)
        case (
            commands.DigestList()
            | commands.DigestNow()
            | commands.DigestAdd()
            | commands.DigestRemove()
            | commands.DigestPause()
        ):
            return await _about_digests(services, wish, place, reply)
        case commands.SilenceApplication() | commands.SilenceList() | commands.SilenceEnd():
            return await _about_silences(services, wish, place.user)
        case commands.Notify():
            return await notify.answer(services, place.user, wish.on)
        case commands.Status():
            return await overview.status(services)


async def _about_digests(services: Services, wish: Digests, place: Place, reply: Reply) -> Message:
    match wish:
        case commands.DigestList():
            return await plans.listed(services, wish.name, place.channel)
        case commands.DigestAdd():
            return await plans.subscribe(services, wish, place.user, place.channel)
        case commands.DigestRemove():
            return await plans.unsubscribe(services, wish.name, place.user)
        case commands.DigestPause():
            return await plans.pause(services, wish.name, place.user, paused=wish.paused)
        case commands.DigestNow():
            return await digest.post_now(services, wish.name, place.user, reply.progress)


async def _about_silences(
    services: Services, wish: commands.SilenceApplication | commands.SilenceList | commands.SilenceEnd, who: str
) -> Message:
    match wish:
        case commands.SilenceApplication():
            return await silences.make(services, wish, who)
        case commands.SilenceList():
            return await silences.listed(services)
        case commands.SilenceEnd():
            return await silences.end(services, wish.id, who)
