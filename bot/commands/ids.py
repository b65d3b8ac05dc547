"""Patch ids as people type and paste them, and the reason behind them."""

import difflib
import re

from bot.commands.forms import wrong
from bot.commands.lexer import bare, lead, typed
from bot.errors import Refused
from bot.markup import code, listed

MOST_DIGITS = 18  # fits the database's 64 bits; N-sight's ids have six to eight
_IDS = re.compile("[0-9,]+")
_ONLY_IDS = re.compile(r"[0-9][0-9,\s]*(?:\s(?:--|—|–)\s.*)?", re.DOTALL)
_DASHES = {"--", "—", "–"}  # some keyboards turn two hyphens into a dash
_FORGIVEN = ("all", "failing", "fail", "errors", "*")


def split(text: str, device: str) -> tuple[tuple[int, ...] | None, str]:
    """Ids (None for the word ``failed``) and reason of what follows DEVICE.

    Raises Refused for no ids, for a word that starts with a digit and is no id, and for an unknown ``--option``.
    """
    word, rest = _first(text)
    if word.casefold() == "failed":
        return None, _reason_after_failed(rest)
    pieces, reason = _leading(text)
    good, bad = _sorted_out(pieces)
    if bad:
        raise _not_ids(bad, good, device, reason)
    if not good:
        raise _missing(text, device)
    return good, reason


def parse_ids(text: str) -> tuple[int, ...]:
    """The ids in a modal's field: digits between commas, spaces and line ends, nothing else. Raises Refused."""
    words = bare(typed(text)).replace(",", " ").split()
    good, bad = _sorted_out([bare(word) for word in words])
    if bad:
        are = "are no patch ids" if len(bad) > 1 else "is no patch id"
        raise Refused(f"{listed([code(piece, 40) for piece in bad])} {are}. Ids are numbers, such as `4711,4712`.")
    if not good:
        raise Refused("Patch ids are missing. They are numbers, such as `4711,4712`.")
    return good


def _first(text: str) -> tuple[str, str]:
    parts = lead(text).split(maxsplit=1)
    return (bare(parts[0]).rstrip(",") if parts else ""), (parts[1] if len(parts) > 1 else "")


def _leading(text: str) -> tuple[list[str], str]:
    """The leading id pieces, also malformed ones, and the reason."""
    pieces: list[str] = []
    for match in re.finditer(r"\S+", text):
        word = bare(match[0])
        if word in _DASHES:
            return pieces, text[match.end() :].strip()
        if word and not _IDS.fullmatch(word) and not re.match("[0-9]", word.lstrip(",")):
            return pieces, _reason(text[match.start() :])
        pieces += [piece for piece in word.split(",") if piece]
    return pieces, ""


def _reason(text: str) -> str:
    """A reason that stands without ``--``; what looks like an option is not taken for one."""
    word = bare(text.split(maxsplit=1)[0]) if text.strip() else ""
    if word.startswith("--") and word != "--":
        raise wrong(f"{code(word, 40)} is not an option; a reason follows `--` and a space.", "retry")
    return text.strip()


def _reason_after_failed(text: str) -> str:
    word, rest = _first(text)
    if word in _DASHES:
        return rest.strip()
    if _ONLY_IDS.fullmatch(bare(text)):
        raise wrong("Either `failed` or patch ids can be asked for, not both.", "retry")
    return _reason(text)


def _number(piece: str) -> int:
    """The id that ``piece`` stands for; 0 when it stands for none."""
    return int(piece) if re.fullmatch(f"[0-9]{{1,{MOST_DIGITS}}}", piece) else 0


def _sorted_out(pieces: list[str]) -> tuple[tuple[int, ...], list[str]]:
    good = dict.fromkeys(number for piece in pieces if (number := _number(piece)))
    return tuple(good), [piece for piece in dict.fromkeys(pieces) if not _number(piece)]


def _not_ids(bad: list[str], good: tuple[int, ...], device: str, reason: str) -> Refused:
    are = "are no patch ids" if len(bad) > 1 else "is no patch id"
    what = f"{listed([code(piece, 40) for piece in bad])} {are}."
    if good and len(good) <= 100:
        what += f" Without: {code(command(device, good, reason), 2200)}."
    return wrong(what, "retry")


def _missing(text: str, device: str) -> Refused:
    words = [bare(word) for word in text.split()]
    for index, word in enumerate(words):
        if _IDS.fullmatch(word) or (word.casefold() == "failed" and index):
            longer = " ".join([device, *words[:index]])
            return wrong(f"A device name with spaces needs quotes: {code(command(longer, word), 200)}.", "retry")
    first = words[0].casefold() if words else ""
    if first in _FORGIVEN or difflib.get_close_matches(first, ["failed"], 1, 0.7):
        return wrong(
            f"{code(words[0], 40)} are no patch ids. Did you mean {code(command(device, 'failed'), 200)}?", "retry"
        )
    return wrong("Patch ids are missing: numbers with commas between them, or the word `failed`.", "retry")


def command(device: str, ids: tuple[int, ...] | str, reason: str = "") -> str:
    """The retry command as it would be typed; plain text, not escaped."""
    if reason and (reason[0].isdigit() or reason.startswith("-")):
        reason = f"-- {reason}"
    quoted = f'"{device}"' if re.search(r"[\s,]", device) else device
    what = ids if isinstance(ids, str) else ",".join(map(str, ids))
    return f"/patches retry {quoted} {what} {reason}".strip()
