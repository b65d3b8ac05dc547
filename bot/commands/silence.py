"""How ``/patches silence`` and ``unsilence`` are typed."""

import difflib
import re
from collections.abc import Collection, Iterable
from datetime import timedelta

from rapidfuzz import fuzz, process

from bot.commands.forms import meant, wrong
from bot.commands.kinds import SilenceApplication, SilenceEnd
from bot.commands.lexer import bare, lead, nearest, take_name, take_word
from bot.commands.recent import STATUSES
from bot.errors import Refused
from bot.markup import code, cut, folded, listed, plural
from bot.model import Attempt, Outcome
from bot.terms import boundless, covers, literal

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=400)  # attempts are kept no longer either
NAME_MOST = 1000  # characters of an application, client or version
_OPTIONS = {"status": "reason", "client": "client", "version": "version"}
_OPTION = re.compile(r"(\w+):(?=\S)")
_LIKENESS, _NEAR = 80, 5  # of 100, and how many names are offered
_EMPTY_OPTION = re.compile(r"(\w+):(?=\s|$)")
_SPAN = re.compile("([0-9]{1,6})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_DASHES = {"--", "—", "–"}  # some keyboards turn two hyphens into a dash
_STATUS = re.compile("[A-Z0-9_]{1,80}")
_FAILED = tuple(status for status in STATUSES if status.startswith("FAILED_"))


# ---------------------------------------------------------------- silence APP 7d [options] [reason…]


def parse(text: str) -> SilenceApplication:
    """Raises Refused with what was not understood. Options stand before or behind the length, the reason comes last."""
    application, rest = take_name(re.sub(r"(?i)^app:(?=\S)", "", lead(text)))
    if not application:
        raise wrong("The application is missing: its whole name, or with `*` for a part of it.", "silence")
    found, rest = _options(rest)
    length, rest = _length(application, rest)
    more, why = _options(rest)
    if twice := found.keys() & more.keys():
        raise _twice(twice.pop())
    given = {**found, **more}
    reason, client, version = (given.get(field, "") for field in ("reason", "client", "version"))
    return _checked(SilenceApplication(application, length, reason, client, version, _reason(why)))


def _checked(wish: SilenceApplication) -> SilenceApplication:
    if not SHORTEST <= wish.length <= LONGEST:
        raise wrong("A silence lasts from `1h` to `400d`; make a new one when it is over.", "silence")
    if long := next((one for one in (wish.application, wish.client, wish.version) if len(one) > NAME_MOST), ""):
        raise wrong(f"{code(cut(long, 40))} is longer than any name.", "silence")
    if boundless(wish.application) and boundless(wish.client) and not (wish.reason or wish.version):
        everything = "That would keep everything out of every digest: say which application, `status:` or `client:`."
        raise wrong(everything, "silence")
    return wish


def _length(application: str, text: str) -> tuple[timedelta, str]:
    word, rest = take_word(text)
    match = _SPAN.fullmatch(word.casefold())
    if match:
        return timedelta(**{_UNITS[match[2]]: int(match[1])}), rest
    words = [bare(each) for each in text.split()]
    late = next((index for index, each in enumerate(words) if _SPAN.fullmatch(each.casefold())), None)
    if late is not None and not any(_OPTION.match(each) for each in words[:late]):
        whole = " ".join([application, *words[:late]])
        quoted = code(f'/patches silence "{whole}" {words[late]}', 200)
        raise wrong(f"A name with spaces needs quotes: {quoted}.", "silence")
    what = f"{code(word, 40)} is no length" if word else "How long is missing"
    raise wrong(f"{what}: a number and `h` or `d`, such as `7d`.", "silence")


def _options(text: str) -> tuple[dict[str, str], str]:
    """The options that ``text`` begins with, and what follows them."""
    found: dict[str, str] = {}
    while match := _OPTION.match(text) or _EMPTY_OPTION.match(text):
        key = match[1].casefold()
        if key not in _OPTIONS:
            if near := nearest(key, list(_OPTIONS)):
                raise wrong(f"{code(key + ':', 40)} is not an option.{meant(near + ':')}", "silence")
            break  # the reason begins so
        value, text = take_name(text[match.end() :]) if match.re is _OPTION else ("", text)
        if not value:
            raise wrong(f"{code(key + ':')} needs a value right behind the colon.", "silence")
        if _OPTIONS[key] in found:
            raise _twice(_OPTIONS[key])
        found[_OPTIONS[key]] = _status(value) if key == "status" else value
    return found, text


def _twice(field: str) -> Refused:
    key = next(key for key, name in _OPTIONS.items() if name == field)
    return wrong(f"{code(key + ':')} is given twice.", "silence")


def failure(text: str) -> tuple[str, str]:
    """The status of a failure, as typed, without the vendor's prefix, also one that this bot does not know yet; empty
    when it is none, and then the one that was likely meant."""
    name = re.sub(r"[\s-]+", "_", text.upper()).removeprefix("APPLICATION_").removeprefix("PATCHING_STATUS_")
    typed_wrong = difflib.get_close_matches(name, _FAILED, 1, _LIKENESS / 100)
    if name in _FAILED or (not typed_wrong and _STATUS.fullmatch(name) and _fails(name)):
        return name, ""
    return "", next(iter(typed_wrong), "") or nearest(name, _FAILED) or nearest(f"FAILED_{name}", _FAILED)


def _fails(status: str) -> bool:
    return Attempt(raw_status=status).outcome is Outcome.FAILED


def _status(text: str) -> str:
    status, near = failure(text)
    if not status:
        raise wrong(f"{code(text, 60)} is not a failure that ESET tells.{meant(near and 'status:' + near)}", "silence")
    return status


def _reason(text: str) -> str:
    """An option that somebody meant must not end up in the reason: the silence would be wider than they think."""
    word, rest = take_word(text)
    if word in _DASHES:
        return rest.strip()
    hidden = next((match for match in _OPTION.finditer(text) if match[1].casefold() in _OPTIONS), None)
    if hidden:
        key = code(hidden[1].casefold() + ":")
        raise wrong(f"{key} stands before the reason; where it belongs to the reason, `--` comes first.", "silence")
    return text.strip()


# ---------------------------------------------------------------- names that are meant


def doubt(what: str, wanted: str, known: Collection[str]) -> str:
    """A safe sentence that says that none of the ``known`` names is ``wanted``, a name or a glob; empty when one is.

    Raises Refused when a whole name was likely mistyped. Nothing known, nothing doubted.
    """
    if not wanted or not known or any(covers(wanted, one) for one in known):
        return ""
    near = process.extract(wanted, known, scorer=fuzz.WRatio, processor=folded, score_cutoff=_LIKENESS, limit=_NEAR)
    if near and "*" not in wanted:
        meant = listed([code(literal(one)) for one, *_ in near])
        sure = f"If it is right all the same, let it end in an asterisk: {code(wanted + '*')}."
        first = f"No {what} is called {code(wanted)}. Did you mean {meant}{_parts(what, wanted, known)}?"
        raise Refused(f"{first} Nothing was done. {sure}")
    return f"No {what} that is known so far is called {code(wanted)}."


def _parts(what: str, wanted: str, known: Collection[str]) -> str:
    """An offer of the glob for all names that ``wanted`` is a part of; empty when it is a part of none."""
    count = sum(folded(wanted) in folded(one) for one in known)
    return f", or {code(f'*{wanted}*')} ({plural(count, what)} with that in the name)" if count else ""


def unseen(wish: SilenceApplication, seen: Iterable[tuple[str, str]]) -> str:
    """A safe sentence that names a status or a version with which the application never failed as far as is known;
    empty when there is none. ``seen``: status and version of its failed attempts."""
    pairs = set(seen)
    statuses, versions = {status for status, _ in pairs}, {folded(version) for _, version in pairs}
    never = [f"with {code(wish.reason)}"] if wish.reason and wish.reason not in statuses else []
    never += [f"on its way to version {code(wish.version)}"] if folded(wish.version) not in {"", *versions} else []
    return f"As far as is known it never failed {' or '.join(never)}." if never else ""


# ---------------------------------------------------------------- unsilence ID


def parse_end(text: str) -> SilenceEnd:
    """Raises Refused."""
    word, more = take_word(text)
    number = word.removeprefix("#").rstrip(",")
    if re.fullmatch("[0-9]{1,15}", number) and not more:
        return SilenceEnd(int(number))
    what = f"{code(text, 40)} is no silence's number" if word else "The silence's number is missing"
    raise wrong(f"{what}; `/patches silences` lists them.", "unsilence")
