"""What a person can ask for with ``/patches``, as values."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from bot.model import DeviceKind

Mode = Literal["failed", "ok", "all"]
By = Literal["application", "reason", "client", "severity"]


@dataclass(frozen=True, slots=True)
class Help:
    """``topic``: the sub-command asked about, empty for all of them."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class Recent:
    """``app``: part of an application's or developer's name. ``status``: a vendor status without its prefix."""

    mode: Mode = "failed"
    app: str = ""
    status: str = ""
    since: timedelta = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Retry:
    """``ids``: patch ids without repeats, as ordered by the person; None for all failed ones (the word ``failed``).
    ``reason`` is whole and not escaped."""

    device: str
    ids: tuple[int, ...] | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    device: str


@dataclass(frozen=True, slots=True)
class DeviceSearch:
    """``text``: part of a name, client or site, or an id; never empty."""

    text: str


@dataclass(frozen=True, slots=True)
class Pending:
    pass


@dataclass(frozen=True, slots=True)
class History:
    device: str | None = None


@dataclass(frozen=True, slots=True)
class DigestList:
    """``name``: a name or a glob, empty for all."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class DigestNow:
    name: str


@dataclass(frozen=True, slots=True)
class DigestAdd:
    """A digest for the channel in which it is typed. ``cron`` and ``timezone`` have passed ``cron.check``, and it comes
    once an hour at most; ``applications``, ``clients``: globs, empty = all; ``kind`` None = both; ``picture``: the
    days that it shows, 0 = none."""

    name: str
    cron: str
    timezone: str = "UTC"
    applications: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    kind: DeviceKind | None = None
    by: By = "application"
    picture: int = 0


@dataclass(frozen=True, slots=True)
class DigestRemove:
    name: str


@dataclass(frozen=True, slots=True)
class DigestPause:
    """``paused``: False resumes it."""

    name: str
    paused: bool


@dataclass(frozen=True, slots=True)
class SilenceApplication:
    """``application``, ``client``: a whole name, or a glob with ``*`` (``terms.covers``). ``reason``: a vendor's status
    without its prefix. Empty = any. ``why``: whole and not escaped."""

    application: str
    length: timedelta
    reason: str = ""
    client: str = ""
    version: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class SilenceList:
    pass


@dataclass(frozen=True, slots=True)
class SilenceEnd:
    id: int


@dataclass(frozen=True, slots=True)
class Notify:
    """``on``: whether direct messages are wanted; None asks how it stands."""

    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Status:
    pass


Command = (
    Help
    | Recent
    | Retry
    | DeviceInfo
    | DeviceSearch
    | Pending
    | History
    | DigestList
    | DigestNow
    | DigestAdd
    | DigestRemove
    | DigestPause
    | SilenceApplication
    | SilenceList
    | SilenceEnd
    | Notify
    | Status
)
