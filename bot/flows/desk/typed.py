"""Slash commands: parsed, and answered by the flow they mean."""

from bot import commands
from bot.blocks import help as pages
from bot.errors import Refused
from bot.flows import ask, device, digest, notify, overview, recent, requests, rights
from bot.flows.desk.door import answer
from bot.flows.reply import Place, Reply
from bot.flows.services import Services
from bot.model import Message


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
    return not (switches or isinstance(wish, commands.Retry | commands.DigestNow))


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
        case commands.DigestList():
            return await overview.digest_list(services)
        case commands.DigestNow():
            return await digest.post_now(services, wish.name, place.user, reply.progress)
        case commands.Notify():
            return await notify.answer(services, place.user, wish.on)
        case commands.Status():
            return await overview.status(services)
