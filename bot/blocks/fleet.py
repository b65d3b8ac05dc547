"""N-sight's own view of the whole fleet, beside ESET's attempts: what is failed, patch by patch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.blocks import text
from bot.model import FleetView, Message, PatchView

FILTER = "recent.filter.nsight"
ROWS = 8  # patches on a page
NAMES = 5  # devices named of one patch


@dataclass(frozen=True, slots=True)
class Failing:
    """A patch by its title, and the readings of the devices on which it is failed, by device name."""

    title: str
    severity: str
    views: tuple[PatchView, ...]


class Tally:
    """Patches over all readings. Equal titles are one patch: N-sight's ids are each device's own."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, list[PatchView]]] = {}

    def add(self, views: Iterable[PatchView]) -> None:
        """Readings of further devices. Their patches are not kept: 20,000 devices may have 200,000."""
        for view in views:
            reading = replace(view, failed=())
            for title, severity in {patch.title: patch.severity for patch in reversed(view.failed)}.items():
                self._found.setdefault(title, (severity, []))[1].append(reading)

    def failing(self) -> list[Failing]:
        """What fails on most devices first."""
        found = [Failing(title, severity, _by_name(views)) for title, (severity, views) in self._found.items()]
        return sorted(found, key=lambda one: (-len(one.views), one.title.casefold()))


def _by_name(views: Iterable[PatchView]) -> tuple[PatchView, ...]:
    return tuple(sorted(views, key=lambda view: (view.device.name.casefold(), view.device.id)))


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
    words = f"*{title}*{severity}\n❌ on {text.plural(len(one.views), 'device')}: {_names(one.views)}"
    oldest = min((view.read_at for view in one.views if view.read_at), default=fleet.at)
    return [text.section(words), text.context(f"read {_ago(fleet.at - oldest)}")]


def _names(views: Sequence[PatchView]) -> str:
    """The first few; the others are only counted, for it takes a second to make 20,000 names safe."""
    named = [f"{text.name(view.device.name, 60)} ({text.name(view.device.client, 40)})" for view in views[:NAMES]]
    rest = len(views) - len(named)
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
