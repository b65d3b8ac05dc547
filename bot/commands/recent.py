"""The options of ``/patches recent``."""

import re
from datetime import timedelta
from typing import get_args

from bot.commands.forms import meant, wrong
from bot.commands.kinds import Mode, Recent
from bot.commands.lexer import bare, nearest
from bot.markup import code
from bot.model import Attempt, Outcome

# The vendor's page "List recent application patching details", and the two that its successor enum adds.
STATUSES = (
    "OK_INSTALLED",
    "OK_RESTART_REQUIRED",
    "FAILED_TERMINATION_REQUIRED",
    "FAILED_UNINSTALL_REQUIRED",
    "FAILED_DOWNLOAD_ERROR",
    "FAILED_INSTALLER_CORRUPTED",
    "FAILED_PREPARE_ERROR",
    "NOT_APPLICABLE",
    "AVAILABLE",
    "SCHEDULED",
    "UNSPECIFIED",
)
LONGEST = timedelta(days=400)  # as long as attempts are kept
_MODES: tuple[Mode, ...] = get_args(Mode)
_KEYS = ("app", "status", "since")
_QUOTES = '"“”„‟«»＂'
_OPTION = re.compile(
    rf"(?P<key>\w+):(?:[{_QUOTES}](?P<quoted>[^{_QUOTES}]*)[{_QUOTES}]|(?P<plain>\S*))(?=\s|$)|(?P<word>\S+)"
)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse(text: str) -> Recent:
    """Options in any order, each at most once. Raises Refused with what was not understood and the nearest match."""
    found: dict[str, str] = {}
    for match in _OPTION.finditer(bare(text)):
        key, value = _mode(match["word"]) if match["word"] else _option(match)
        if key in found:
            raise wrong(f"{code(key)} is given twice.", "recent")
        found[key] = value
    status = _status(found["status"]) if "status" in found else ""
    since = _since(found["since"]) if "since" in found else Recent().since
    return Recent(_class_of(found.get("mode", ""), status), found.get("app", ""), status, since)


def _mode(word: str) -> tuple[str, str]:
    if word.casefold() in _MODES:
        return "mode", word.casefold()
    near = nearest(word, (*_MODES, *_KEYS))
    quotes = ' A name with spaces needs quotes: `app:"Adobe Acrobat Reader"`.'
    hint = meant(near if near not in _KEYS else f"{near}:") or quotes
    raise wrong(f"{code(word, 40)} is not understood.{hint}", "recent")


def _option(match: re.Match[str]) -> tuple[str, str]:
    key = match["key"].casefold()
    if key not in _KEYS:
        near = nearest(key, _KEYS)
        raise wrong(f"{code(key + ':', 40)} is not an option.{meant(near and near + ':')}", "recent")
    value = " ".join((match["quoted"] if match["quoted"] is not None else match["plain"]).split())
    if not value or value[0] in _QUOTES:
        problem = "has a quote that is never closed" if value else "needs a value right behind the colon"
        raise wrong(f"{code(key + ':')} {problem}.", "recent")
    return key, value


def _status(text: str) -> str:
    name = re.sub(r"[\s-]+", "_", text.upper()).removeprefix("APPLICATION_").removeprefix("PATCHING_STATUS_")
    if name in STATUSES:
        return name
    near = nearest(name, STATUSES) or nearest(f"FAILED_{name}", STATUSES)
    raise wrong(f"{code(text, 60)} is not a status that ESET uses.{meant(near and 'status:' + near)}", "recent")


def _since(text: str) -> timedelta:
    match = re.fullmatch("([0-9]{1,6})([smhd])", text.casefold())
    reach = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not timedelta() < reach <= LONGEST:
        problem = "is not a time span: a number and `s`, `m`, `h` or `d`, up to `400d`"
        raise wrong(f"{code(text, 40)} {problem}.", "recent")
    return reach


def _class_of(mode: str, status: str) -> Mode:
    """The class to show: as asked, else the status's own, else failed. Refused when the two exclude each other."""
    asked = next((known for known in _MODES if known == mode), None)
    if not status:
        return asked or "failed"
    outcome = Attempt(raw_status=status).outcome
    own: Mode = "failed" if outcome is Outcome.FAILED else "ok" if outcome is Outcome.OK else "all"
    if asked not in {None, "all", own}:
        raise wrong(f"No attempt is {code(mode)} with {code('status:' + status)}.", "recent")
    return asked or own
