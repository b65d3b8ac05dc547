"""``/patches …`` as a value: total, every text gives a command or a sentence."""

from collections.abc import Callable

from bot.commands import digest, ids, recent, silence
from bot.commands.forms import FORMS, meant, wrong
from bot.commands.kinds import (
    Command,
    DeviceInfo,
    DeviceSearch,
    Help,
    History,
    Notify,
    Pending,
    Retry,
    SilenceList,
    Status,
)
from bot.commands.lexer import nearest, take_name, take_word, typed, whole_name
from bot.errors import NothingNamed, Refused
from bot.markup import code

_HELP_TOO = {"?", "-h", "--help", "-help"}


def parse(text: str) -> Command:
    """The command in the text behind ``/patches``. Raises Refused, and nothing else, with what was not understood."""
    verb, rest = take_word(typed(text))
    verb = verb.casefold()
    if not verb or verb in _HELP_TOO:
        return Help()
    if verb not in _PARSERS:
        near = nearest(verb, list(_PARSERS))
        hint = meant(near and f"/patches {near}")
        raise Refused(
            f"{code(verb, 40)} is not a command.{hint} Nothing was done; `/patches help` lists what can be typed."
        )
    return _PARSERS[verb](rest)


def _help(rest: str) -> Help:
    topic, more = take_word(rest)
    topic = topic.casefold()
    if more or (topic and topic not in FORMS):
        raise wrong(f"There is no help on {code(rest, 40)}.{meant(nearest(topic, list(FORMS)))}", "help")
    return Help(topic)


def _retry(rest: str) -> Retry:
    device, rest = take_name(rest)
    if not device:
        raise NothingNamed(wrong("A device and patch ids are missing.", "retry").sentence)
    chosen, reason = ids.split(rest, device)
    return Retry(device, chosen, reason)


def _device(rest: str) -> DeviceInfo:
    name = whole_name(rest)
    if not name:
        raise wrong("A device is missing: its id or its full name.", "device")
    return DeviceInfo(name)


def _devices(rest: str) -> DeviceSearch:
    text = whole_name(rest)
    if not text:
        raise wrong("What to search for is missing: part of a name, a client or a site.", "devices")
    return DeviceSearch(text)


def _history(rest: str) -> History:
    return History(whole_name(rest) or None)


def _notify(rest: str) -> Notify:
    word, more = take_word(rest)
    if more:
        raise wrong(f"{code(more, 40)} is not understood: `on` or `off` stands alone.", "notify")
    match word.casefold():
        case "":
            return Notify()
        case "on" | "off" as switch:
            return Notify(switch == "on")
    raise wrong(f"{code(word, 40)} is not understood.{meant(nearest(word, ('on', 'off')))}", "notify")


def _alone(verb: str, command: Command) -> Callable[[str], Command]:
    """A parser for a sub-command that takes nothing."""

    def parse_nothing(rest: str) -> Command:
        if rest:
            raise wrong(f"{code(rest, 40)} is not understood: {code(verb)} stands alone.", verb)
        return command

    return parse_nothing


_PARSERS: dict[str, Callable[[str], Command]] = {
    "help": _help,
    "recent": recent.parse,
    "retry": _retry,
    "device": _device,
    "devices": _devices,
    "pending": _alone("pending", Pending()),
    "history": _history,
    "digest": digest.parse,
    "silence": silence.parse,
    "silences": _alone("silences", SilenceList()),
    "unsilence": silence.parse_end,
    "notify": _notify,
    "status": _alone("status", Status()),
}
