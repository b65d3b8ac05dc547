"""One value at a time: raw text or TOML value in, typed value out, or ``Wrong`` with a sentence. Pure."""

import difflib
import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from urllib.parse import SplitResult, quote, quote_plus, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from bot.commands.digest import NAME

T = TypeVar("T")
Parse = Callable[[object], T]

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
SQLITE = "sqlite+aiosqlite:///"
LONGEST = timedelta(days=3650)
HOST_NAME = re.compile(
    r"(?=.{4,254}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{1,63}\.?", re.IGNORECASE | re.ASCII
)
LONGEST_ADDRESS = 800  # characters, escaped: two links have to fit one line of small print
UNLINKABLE = frozenset('<>|"`\\')  # what would end a link in Slack's mrkdwn, and what no address holds unescaped


class Wrong(ValueError):
    """The value cannot be used; the text says why and never repeats a secret."""


class Secret:
    """A text that ``repr``, ``str`` and f-strings never show. Equal to another Secret with the same text."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def forms(self) -> list[str]:
        """Every spelling in which the text could turn up in a log: plain, in a URL, in a form, in a repr, in JSON."""
        value = self._value
        json_text = value.replace("\\", "\\\\").replace('"', '\\"')
        spellings = [
            value,
            quote(value),
            quote(value, safe=""),
            quote_plus(value),
            json_text,
            repr(value)[1:-1],
            ascii(value)[1:-1],
        ]
        return [form for form in dict.fromkeys(spellings) if form]

    def __repr__(self) -> str:
        return "***" if self._value else "(empty)"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def shown(raw: object) -> str:
    """A wrong value as a fault may repeat it: cut, on one line, and never something that looks like a token."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, dict | list):
        return "a table" if isinstance(raw, dict) else "a list"
    if isinstance(raw, int | float) and abs(raw) > 1e15:
        return "a very large number"
    if not isinstance(raw, str):
        return str(raw)[:40]
    if raw.startswith(("xox", "xapp-", "xoxe")):
        return "a token"
    text = raw if len(raw) <= 40 else raw[:39] + "…"
    return '"' + "".join(c if c.isprintable() else "?" for c in text) + '"'


# ---------------------------------------------------------------- TOML values


def text(raw: object) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise Wrong(f"must be text in quotes, not {shown(raw)}")
    return raw.strip()


def boolean(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise Wrong(f"must be true or false without quotes, not {shown(raw)}")
    return raw


def whole(least: int, most: int) -> Parse[int]:
    """A whole number from ``least`` to ``most``; ``true`` is no number here, though Python thinks so."""

    def parse(raw: object) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool) or not least <= raw <= most:
            raise Wrong(f"must be a whole number from {least} to {most}, not {shown(raw)}")
        return raw

    return parse


def one_of(*words: str) -> Parse[str]:
    def parse(raw: object) -> str:
        if not isinstance(raw, str) or raw.strip().lower() not in words:
            raise Wrong(f"must be {_either(words)}, not {shown(raw)}")
        return raw.strip().lower()

    return parse


def _either(words: tuple[str, ...]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def duration(raw: object) -> timedelta:
    """``5s``, ``90s``, ``15m``, ``4h``, ``7d``: one number, one unit, from a second to ten years."""
    match = re.fullmatch(r"([0-9]{1,12}) ?([smhd])", raw.strip()) if isinstance(raw, str) else None
    if match is None:
        raise Wrong(f'must be a duration such as "90s", "15m", "4h" or "7d" (in quotes), not {shown(raw)}')
    number, unit = int(match[1]), UNITS[match[2]]
    if number < 1:
        raise Wrong(f"must be at least one second, not {shown(raw)}")
    if number > LONGEST / timedelta(**{unit: 1}):
        raise Wrong(f"must be at most {LONGEST.days}d, not {shown(raw)}")
    return timedelta(**{unit: number})


def duration_or_never(raw: object) -> timedelta | None:
    """As ``duration``; ``"never"`` (None) switches the thing off."""
    if isinstance(raw, str) and raw.strip().lower() == "never":
        return None
    try:
        return duration(raw)
    except Wrong as wrong:
        raise Wrong(f'{wrong}; "never" switches it off') from None


def interval(least: timedelta) -> Parse[timedelta | None]:
    """As ``duration_or_never``, but not shorter than ``least``."""

    def parse(raw: object) -> timedelta | None:
        length = duration_or_never(raw)
        if length is not None and length < least:
            hours = int(least / timedelta(hours=1))
            raise Wrong(f'must be at least "{hours}h", not {shown(raw)}; "never" switches it off')
        return length

    return parse


def console(*places: str) -> Parse[str]:
    """The address of a web console for people to open: https, or http for loopback; ``?`` and ``#`` are welcome.

    ``places``: names that may stand in braces behind the host and are filled in for each link, such as ``device``.
    """

    def parse(raw: object) -> str:
        value = text(raw)
        plain = re.sub("|".join(map(_braced, places)) or r"(?!)", "0", value)
        if "{" in plain or "}" in plain:
            allowed = f"nothing but {_either(tuple(map(_braced, places)))} in" if places else "no"
            raise Wrong(f"must hold {allowed} braces")
        _address(plain)
        if len(value) + 4 * value.count("&") > LONGEST_ADDRESS:
            raise Wrong(f"must be at most {LONGEST_ADDRESS} characters long (& counts as five)")
        if any(not "!" <= c <= "~" for c in value) or UNLINKABLE & set(value):
            raise Wrong("must be plain ASCII without quotes, backslashes and < > |; write such as %7C")
        if "{" in urlsplit(value).netloc:
            raise Wrong("must hold braces behind the host only")
        return value

    return parse


def _braced(place: str) -> str:
    return "{" + place + "}"


def channel(raw: object) -> str:
    """The id of a channel (C…) or private channel (G…)."""
    if not isinstance(raw, str) or not re.fullmatch(r"[CG][A-Z0-9]{2,30}", raw.strip()):
        raise Wrong(
            f"must be a channel's id, C… or G…, not {shown(raw)} (Slack shows it at the foot of the channel's details)"
        )
    return raw.strip()


def member(raw: object) -> str:
    """The id of a user (U… or W…) or of a usergroup (S…)."""
    if not isinstance(raw, str) or not re.fullmatch(r"[UWS][A-Z0-9]{2,30}", raw.strip()):
        raise Wrong(
            f"must be a user's id (U… or W…) or a usergroup's id (S…), not {shown(raw)} "
            "(in Slack: profile, ⋮, Copy member ID; for a usergroup the end of its address)"
        )
    return raw.strip()


def digest_name(raw: object) -> str:
    """One word, since people type it in ``/patches digest now NAME``."""
    if not isinstance(raw, str) or not NAME.fullmatch(raw):
        raise Wrong(f"must be one word of letters, digits, dots, dashes and underscores, not {shown(raw)}")
    return raw


def timezone(raw: object) -> str:
    """An IANA name that this machine's zone data, or the tzdata package, knows."""
    name = text(raw)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise Wrong(f'must be a time zone such as "Europe/Berlin" or "UTC", not {shown(raw)}{hint}') from None
    return name


# ---------------------------------------------------------------- environment values


def token(prefix: str, name: str) -> Parse[Secret]:
    """A Slack token, told apart by its prefix: xoxb- is a bot token, xapp- an app-level token."""

    def parse(raw: object) -> Secret:
        value = unbroken(raw)
        if not value.reveal().startswith(prefix) or value.reveal() == prefix:
            raise Wrong(f"must be a {name}, which starts with {prefix}")
        return value

    return parse


def unbroken(raw: object) -> Secret:
    """A key or token: printable ASCII without a space, so that a bad paste is told here and not by a refusal later."""
    value = str(raw).strip()
    if not value or value[0] in "\"'" or any(not "!" <= c <= "~" for c in value):
        raise Wrong("must be one word; a quote, space, line break or odd character came along when it was pasted")
    return Secret(value)


def password(raw: object) -> Secret:
    """Any text; spaces count."""
    return Secret(str(raw))


def header(raw: object) -> str:
    value = str(raw).strip()
    if any(not " " <= c <= "~" for c in value):
        raise Wrong("must be plain ASCII on one line")
    return value


def host_name(raw: object) -> str:
    """A bare host name: no scheme, port or path."""
    value = str(raw).strip()
    if not HOST_NAME.fullmatch(value):
        bare = re.split(r"[/:?#]", re.sub(r"^https?://", "", value))[0]
        hint = f", just {bare}" if bare != value and HOST_NAME.fullmatch(bare) else ""
        raise Wrong(f"must be a host name only, without https:// and path{hint}")
    return value.rstrip(".").lower()


def loopback(host: str) -> bool:
    """Whether a host name or address can only be this machine: localhost, 127.0.0.0/8, ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(raw: object) -> str:
    """An address without trailing slash; https, or http for loopback; no user, query or fragment in it."""
    value = str(raw).strip()
    _address(value)
    if "?" in value or "#" in value:
        raise Wrong("must not hold a ? or #")
    return value.rstrip("/")


def _address(value: str) -> SplitResult:
    """What any address has to be: https, or http for loopback, with a host and without user name and password."""
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Wrong("is not a URL") from None
    if parts.scheme not in {"http", "https"} or not host or any(c.isspace() or not c.isprintable() for c in value):
        raise Wrong("must be a URL such as https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Wrong("must not hold a user name or password")
    if parts.scheme == "http" and not loopback(host):
        raise Wrong("must be https:// (plain http:// only for this machine: localhost, 127.…, [::1])")
    return parts


def base_url_slash(raw: object) -> str:
    """As ``base_url``, ending in a slash: without it N-sight and Slack would redirect, and log the key once more."""
    return base_url(raw) + "/"


def listen(raw: object) -> tuple[str, int]:
    """``host:port`` or ``[::1]:3000``; port 0 means any free one."""
    value = str(raw).strip()
    match = re.fullmatch(r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/\[\]@]+)):([0-9]{1,5})", value)
    if match is None or int(match[3]) > 65535:
        raise Wrong(
            "must be host:port, such as 127.0.0.1:3000 or [::1]:3000 (port 0 = any free one), not " + shown(raw)
        )
    return match[1] or match[2], int(match[3])


def database_url(raw: object) -> Secret:
    """``sqlite+aiosqlite:///relative.db`` or, with four slashes, an absolute path."""
    value = str(raw).strip()
    if value.startswith(("postgres:", "postgresql:", "postgresql+")):
        raise Wrong("PostgreSQL is not built yet; use sqlite+aiosqlite:///patches.db")
    path = value.removeprefix(SQLITE)
    if path == value:
        raise Wrong(f"must start with {SQLITE}")
    if not path or path == ":memory:":
        raise Wrong("must name a file: what is kept in memory is lost with the process, and approvals with it")
    if "?" in path or "\0" in path:
        raise Wrong("takes no options after the file's name")
    return Secret(value)
