"""How ``/patches digest …`` is typed."""

import re
from typing import TypeVar, get_args
from zoneinfo import available_timezones

from bot import cron
from bot.commands.forms import meant, wrong
from bot.commands.kinds import By, DigestAdd, DigestList, DigestNow, DigestPause, DigestRemove
from bot.commands.lexer import bare, lead, nearest, take_name, take_word, whole_name
from bot.errors import Refused
from bot.markup import code
from bot.markup import name as escaped
from bot.model import DeviceKind

T = TypeVar("T", bound=str)

NAME = re.compile(r"\w[\w.-]{0,39}")
FILTER_MOST = 200  # characters of an application's or a client's name
_VERBS = ("list", "now", "add", "remove", "pause", "resume")
_KEYS = ("app", "client", "kind", "by", "picture")
_PICTURES = {"14d": 14, "30d": 30}
_GROUPINGS: tuple[By, ...] = get_args(By)
_OPTION = re.compile(r"(\w+):")
_MINUTE = re.compile(r"[\d*/,-]+")
_FIELDS = 5  # of a cron line


def parse(text: str) -> DigestList | DigestNow | DigestAdd | DigestRemove | DigestPause:
    """Raises Refused with what was not understood."""
    verb, rest = take_word(text)
    match verb.casefold():
        case "list":
            return _list(rest)
        case "now":
            return DigestNow(_named(rest))
        case "add":
            return _add(rest)
        case "remove":
            return DigestRemove(_named(rest))
        case "pause" | "resume" as wish:
            return DigestPause(_named(rest), paused=wish == "pause")
        case "":
            raise wrong(f"It needs {', '.join(map(code, _VERBS[:-1]))} or {code(_VERBS[-1])}.", "digest")
    raise wrong(f"{code(verb, 40)} is not understood.{meant(nearest(verb, _VERBS))}", "digest")


def _list(rest: str) -> DigestList:
    return DigestList(whole_name(rest))


def _named(rest: str) -> str:
    name = whole_name(rest)
    if not name:
        raise wrong("The name of the digest is missing; `/patches digest list` names them.", "digest")
    return name


# ---------------------------------------------------------------- add NAME "CRON" [ZONE] [options]


def _add(text: str) -> DigestAdd:
    name, text = take_name(text)
    if not name:
        raise _wrong("A name for the digest is missing, then when it is posted.")
    if not NAME.fullmatch(name):
        raise _wrong(f"{code(name, 40)} is no name: one word of letters, digits, dots, dashes and underscores.")
    line, text = _line(text)
    zone, text = _zone(text)
    found = _options(text)
    kind, picture = _one("kind", found, tuple(DeviceKind)), _one("picture", found, tuple(_PICTURES))
    return DigestAdd(
        name,
        line,
        zone,
        applications=tuple(dict.fromkeys(found.get("app", ()))),
        clients=tuple(dict.fromkeys(found.get("client", ()))),
        kind=kind,
        by=_one("by", found, _GROUPINGS) or "application",
        picture=_PICTURES[picture] if picture else 0,
    )


def _line(text: str) -> tuple[str, str]:
    """The cron line, in quotes or as its five fields."""
    first, rest = take_name(text)
    if " " in first or first.startswith("@"):
        return _coming(first), rest
    fields = [bare(field) for field in lead(text).split(maxsplit=_FIELDS)[:_FIELDS]]
    if len(fields) < _FIELDS or not _MINUTE.fullmatch(fields[0]):
        missing = "When it is posted is missing: a cron line"
        said = f"{code(first, 40)} is no cron line: five fields" if first else missing
        raise _wrong(f'{said} in quotes, such as `"0 9 * * 1-5"`.')
    rest = lead(lead(text).split(maxsplit=_FIELDS)[_FIELDS]) if len(lead(text).split()) > _FIELDS else ""
    return _coming(" ".join(fields)), rest


def _coming(line: str) -> str:
    """The line itself. Refused when it never comes, or too often: whoever may use the bot may subscribe a channel."""
    if trouble := cron.fault(line):
        raise _wrong(f"{code(line, 100)} {escaped(trouble, 200)}.")
    if cron.often(line):
        often = "comes more than once within an hour, which a subscription cannot"
        raise _wrong(f"{code(line, 100)} {often}: give it one minute, such as `0 * * * *` for every hour.")
    return line


def _zone(text: str) -> tuple[str, str]:
    """The time zone, UTC when the options follow at once."""
    word, rest = take_word(text)
    if not word or _OPTION.match(word):
        return "UTC", text
    if cron.check("0 0 * * *", word) is None:
        return word, rest
    zones = sorted(available_timezones())
    same = next((zone for zone in zones if zone.casefold() == word.casefold()), None)
    if same is None:
        near = nearest(word, zones)
        raise _wrong(f"{code(word, 40)} is no time zone, such as `Europe/Berlin`.{meant(near)}")
    return same, rest


def _options(text: str) -> dict[str, list[str]]:
    """Each with its values; `app:` and `client:` may be given several times."""
    found: dict[str, list[str]] = {}
    while text:
        match = _OPTION.match(text)
        key = match[1].casefold() if match else ""
        if match is None or key not in _KEYS:
            word = take_word(text)[0]
            near = nearest(key or word, _KEYS)
            raise _wrong(f"{code(word, 40)} is not understood.{meant(near and near + ':')}")
        value, text = take_name(text[match.end() :]) if text[match.end() :][:1].strip() else ("", text)
        if not value or len(value) > FILTER_MOST:
            raise _wrong(f"{code(key + ':')} needs a value right behind the colon, in quotes when it has spaces.")
        found.setdefault(key, []).append(value)
    return found


def _one(key: str, found: dict[str, list[str]], choices: tuple[T, ...]) -> T | None:
    values = found.get(key, [])
    if len(values) > 1:
        raise _wrong(f"{code(key + ':')} is given twice.")
    if not values:
        return None
    for choice in choices:
        if choice == values[0].casefold():
            return choice
    near = nearest(values[0], choices)
    raise _wrong(f"{code(key + ':')} is one of {', '.join(map(code, choices))}.{meant(near and f'{key}:{near}')}")


def _wrong(what: str) -> Refused:
    """With the form of this one: that of all of them says too little."""
    form = '/patches digest add NAME "CRON" [ZONE] [app:…] [client:…] [kind:server] [by:client] [picture:14d]'
    example = '/patches digest add contoso "0 8 * * 1-5" Europe/Berlin client:Contoso*'
    return Refused(f"{what} Nothing was done. The form is {code(form, 140)}, for example {code(example, 120)}.")
