"""N-sight's own view of the whole fleet, beside ESET's attempts: what is failed, patch by patch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.blocks import text
from bot.model import Device, FailedPatches, FleetView, Message

FILTER = "recent.filter.nsight"
ROWS = 8  # patches on a page
NAMES = 5  # devices named of one patch


@dataclass(frozen=True, slots=True)
class Failing:
    """A patch by its title, and on how many devices it is failed. ``first``: the first few of them by name;
    ``oldest``: of the readings that told so."""

    title: str
    severity: str
    devices: int
    first: tuple[Device, ...]
    oldest: datetime


class Tally:
    """Patches over all devices. Equal titles are one patch: N-sight's ids are each device's own.

    What is shown is all that is kept: 20,000 devices may have 200,000 failed patches.
    """

    def __init__(self) -> None:
        self._found: dict[str, Failing] = {}

    def add(self, further: Iterable[FailedPatches]) -> None:
        """What fails on further devices."""
        told: dict[str, list[FailedPatches]] = {}
        for device in further:
            for title in device.titles:
                told.setdefault(title, []).append(device)
        for title, some in told.items():
            new = Failing(title, some[0].titles[title], 0, (), some[0].read_at)
            self._found[title] = _with(self._found.get(title, new), some)

    def failing(self) -> list[Failing]:
        """What fails on most devices first."""
        return sorted(self._found.values(), key=lambda one: (-one.devices, one.title.casefold()))


def _with(known: Failing, further: Sequence[FailedPatches]) -> Failing:
    devices = (*known.first, *(one.device for one in further))
    return replace(
        known,
        devices=known.devices + len(further),
        first=tuple(sorted(devices, key=lambda device: (device.name.casefold(), device.id))[:NAMES]),
        oldest=min(known.oldest, *(one.read_at for one in further)),
    )


def pages(failing: list[Failing]) -> int:
    """How many pages there are, at least one."""
    return max(1, -(-len(failing) // ROWS))


# ---------------------------------------------------------------- beside ESET's list


def summary(fleet: FleetView) -> str:
    """One line of safe mrkdwn: how much is failed, on how many devices, and how old that is."""
    if fleet.oldest is None:
        return f"N-sight: none of {text.plural(fleet.devices, 'device')} read yet{_troubled(fleet)}"
    failed = text.plural(fleet.failed, "failed patch", "failed patches")
    told = f"N-sight: {failed} on {fleet.failing:,} of {_read(fleet)}, oldest reading {_ago(fleet.at - fleet.oldest)}"
    return told + _troubled(fleet)


def _troubled(fleet: FleetView) -> str:
    return f", ⚠️ {text.plural(fleet.troubled, 'device')} could not be read" if fleet.troubled else ""


def button(fleet: FleetView, view_id: str, *, current: bool = False) -> ButtonElement:
    """Leads from a list of attempts to N-sight's view. ``view_id``: what the list's other buttons carry."""
    words = f"{'● ' if current else ''}N-sight ({fleet.failed:,})"
    return text.button(words, FILTER, view_id, "primary" if current else None)


def _read(fleet: FleetView) -> str:
    if fleet.read < fleet.devices:
        return f"{text.plural(fleet.read, 'device')} read so far ({fleet.devices:,} in all)"
    return text.plural(fleet.read, "device")


def _ago(age: timedelta) -> str:
    """The age in its largest unit, rounded down: "3 hours ago"."""
    for unit in (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)):
        if age >= unit:
            return f"{text.span(age // unit * unit)} ago"
    return "just now"


# ---------------------------------------------------------------- a page of its own


def page(fleet: FleetView, failing: list[Failing], number: int, view_id: str) -> Message:
    """Page ``number`` (from 0) of what N-sight calls failed. ``failing``: what a ``Tally`` of all tells."""
    blocks: list[Block] = [text.header("Failed patches in N-sight"), text.context(summary(fleet))]
    for one in failing[number * ROWS : (number + 1) * ROWS]:
        blocks += _row(one, fleet)
    if not failing:
        blocks.append(text.section(_nothing(fleet)))
    blocks.append(ActionsBlock(elements=list(_buttons(fleet, number, pages(failing), view_id))))
    turned = f"page {number + 1:,} of {pages(failing):,} · " if pages(failing) > 1 else ""
    blocks.append(text.context(f"{turned}`/patches device NAME` reads a device now and offers a retry"))
    return text.message(f"Failed patches in N-sight. {summary(fleet)}.", blocks)


def off() -> str:
    """For a button of a list from before the sweep was switched off."""
    return "N-sight's devices are not swept any more (`nsight.sweep`). `/patches device NAME` asks about one device."


def _row(one: Failing, fleet: FleetView) -> list[Block]:
    severity = f" · severity {text.name(one.severity, 30)}" if one.severity else ""
    title = text.name(one.title, 110) or "(patch without a title)"
    words = f"*{title}*{severity}\n❌ on {text.plural(one.devices, 'device')}: {_names(one)}"
    return [text.section(words), text.context(f"read {_ago(fleet.at - one.oldest)}")]


def _names(one: Failing) -> str:
    named = [f"{text.name(device.name, 60)} ({text.name(device.client, 40)})" for device in one.first]
    rest = one.devices - len(named)
    return f"{', '.join(named)} and {rest:,} more" if rest else text.listed(named)


def _nothing(fleet: FleetView) -> str:
    if fleet.oldest is None:
        return "🔍 The devices are read one by one in the background, and none is yet. Come back in a while."
    rest = ". The others are still to be read." if fleet.read < fleet.devices else "."
    return f"✅ Nothing is failed on {_read(fleet)}{rest}"


def _buttons(fleet: FleetView, number: int, pages: int, view_id: str) -> Iterator[ButtonElement]:
    """The way back to ESET's attempts is there without their counts: nobody has counted them again."""
    if number > 0:
        yield text.button("◀ Back", "recent.page.back", view_id)
    if number < pages - 1:
        yield text.button("More ▶", "recent.page.next", view_id)
    for mode in ("failed", "ok", "all"):
        yield text.button({"ok": "OK"}.get(mode, mode.capitalize()), f"recent.filter.{mode}", view_id)
    yield button(fleet, view_id, current=True)
