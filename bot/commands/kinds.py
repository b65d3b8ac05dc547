"""What a person can ask for with ``/patches``, as values."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Mode = Literal["failed", "ok", "all"]


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
    pass


@dataclass(frozen=True, slots=True)
class DigestNow:
    name: str


@dataclass(frozen=True, slots=True)
class Notify:
    """``on``: whether direct messages are wanted; None asks how it stands."""

    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Status:
    pass


Command = (
    Help | Recent | Retry | DeviceInfo | DeviceSearch | Pending | History | DigestList | DigestNow | Notify | Status
)
