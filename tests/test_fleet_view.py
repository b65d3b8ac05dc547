"""N-sight's view of the whole fleet in words, and links to the consoles."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.blocks import consoles, device, fleet, recent
from bot.commands import Recent
from bot.config import values
from bot.config.values import LONGEST_ADDRESS
from bot.demo.slack.limits import mentions_everyone, message_problems
from bot.model import Device, DeviceKind, FailedPatches, FleetView, Message

NOW = datetime(2025, 3, 12, 8, 30, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def machine(number: int, name: str = "", client: str = "Contoso") -> Device:
    return Device(number, name or f"PC-{number}", DeviceKind.WORKSTATION, 1, client, "Office")


def failing(number: int, *titles: str, age: timedelta = HOUR, name: str = "", severity: str = "") -> FailedPatches:
    return FailedPatches(machine(number, name), NOW - age, dict.fromkeys(titles, severity or "Critical"))


def known(
    devices: int = 412, oldest: timedelta | None = 3 * HOUR, *, read: int = 412, failed: int = 0, on: int = 0
) -> FleetView:
    return FleetView(NOW, devices, read, NOW - oldest if oldest is not None else None, failed, on)


def counted(*told: FailedPatches) -> list[fleet.Failing]:
    """One at a time, as if each were a page of the store's."""
    tally = fleet.Tally()
    for one in told:
        tally.add([one])
    return tally.failing()


def page(*told: FailedPatches, number: int = 0, view: FleetView | None = None) -> Message:
    return fleet.page(view or known(), counted(*told), number, "token")


def words(message: Message) -> str:
    """All mrkdwn and plain text of a message, a line a block."""
    found = []
    for block in message.blocks:
        pieces = [block["text"]] if "text" in block else block["elements"]
        found += [str(piece["text"]["text"] if isinstance(piece["text"], dict) else piece["text"]) for piece in pieces]
    return "\n".join(found)


def buttons(message: Message) -> list[str]:
    return [e["action_id"] for block in message.blocks if block["type"] == "actions" for e in block["elements"]]


# ---------------------------------------------------------------- the line beside ESET's list


LINES: Sequence[tuple[FleetView, str]] = [
    (known(read=0, oldest=None), "N-sight: none of 412 devices read yet"),
    (
        replace(known(read=0, oldest=None), troubled=1),
        "N-sight: none of 412 devices read yet, ⚠️ 1 device could not be read",
    ),
    (known(), "N-sight: 0 failed patches on 0 of 412 devices, oldest reading 3 hours ago"),
    (
        known(read=120, failed=3, on=2),
        "N-sight: 3 failed patches on 2 of 120 devices read so far (412 in all), oldest reading 3 hours ago",
    ),
    (
        replace(known(2, 119 * MINUTE, read=2, failed=1, on=1), troubled=1),
        "N-sight: 1 failed patch on 1 of 2 devices, oldest reading 1 hour ago, ⚠️ 1 device could not be read",
    ),
    (known(oldest=timedelta(seconds=59)), "N-sight: 0 failed patches on 0 of 412 devices, oldest reading just now"),
    (known(oldest=-MINUTE), "N-sight: 0 failed patches on 0 of 412 devices, oldest reading just now"),
    (
        known(oldest=timedelta(days=2, hours=23)),
        "N-sight: 0 failed patches on 0 of 412 devices, oldest reading 2 days ago",
    ),
]


@pytest.mark.parametrize(("told", "line"), LINES)
def test_one_line_says_how_much_is_failed_where_and_how_old_that_is(told: FleetView, line: str) -> None:
    assert fleet.summary(told) == line


def test_a_list_of_attempts_has_the_line_and_the_button_only_when_the_fleet_is_swept() -> None:
    asked = Recent("failed", "", "", timedelta(days=7))

    def listed(beside: FleetView | None, view_id: str = "token") -> Message:
        return recent.page(recent.Found([]), asked, 0, view_id=view_id, taken_at=NOW, beside=beside)

    assert "N-sight" not in words(listed(None))
    swept = listed(known(failed=1, on=1))
    assert "N-sight: 1 failed patch on 1 of 412 devices" in words(swept)
    assert fleet.FILTER in buttons(swept)
    unkept = listed(known(failed=1, on=1), view_id="")
    assert "N-sight: 1 failed" in words(unkept)
    assert buttons(unkept) == []


# ---------------------------------------------------------------- its own pages


def test_equal_titles_are_one_patch_and_most_devices_come_first() -> None:
    told = counted(failing(1, "B", "A"), failing(2, "A"), failing(3, "C"), failing(4, "b"))
    assert [(one.title, one.devices, [device.id for device in one.first]) for one in told] == [
        ("A", 2, [1, 2]),
        ("B", 1, [1]),
        ("b", 1, [4]),
        ("C", 1, [3]),
    ]


def test_of_equal_titles_the_severity_that_was_told_first_is_shown() -> None:
    assert [one.severity for one in counted(failing(1, "A", severity="Low"), failing(2, "A"))] == ["Low"]


def test_a_row_names_a_few_devices_with_their_clients_and_tells_the_oldest_reading() -> None:
    said = words(page(*(failing(one, "Chrome 134", age=one * HOUR, name=f"PC-{9 - one}") for one in range(1, 9))))
    assert "*Chrome 134* · severity Critical\n❌ on 8 devices: PC-1 (Contoso), PC-2 (Contoso), " in said
    assert "PC-5 (Contoso) and 3 more" in said
    assert "read 8 hours ago" in said
    few = words(page(*(failing(one, "Chrome 134") for one in range(1, 4))))
    assert "PC-1 (Contoso), PC-2 (Contoso) and PC-3 (Contoso)" in few


def test_pages_turn_as_far_as_there_are_rows() -> None:
    told = [failing(one, f"Patch {one:02}") for one in range(1, 18)]
    ways = {0: ["recent.page.next"], 1: ["recent.page.back", "recent.page.next"], 2: ["recent.page.back"]}
    for number, turns in ways.items():
        shown = page(*told, number=number)
        assert buttons(shown) == [*turns, "recent.filter.failed", "recent.filter.ok", "recent.filter.all", fleet.FILTER]
        assert f"page {number + 1} of 3" in words(shown)
    assert "*Patch 17*" in words(page(*told, number=2))
    assert "page" not in words(page(failing(1, "A"))).split("*A*")[1]


def test_an_empty_view_leads_on() -> None:
    assert "none is yet" in words(page(view=known(read=0, oldest=None)))
    assert "The others are still to be read" in words(page(view=known(read=5)))
    assert "✅ Nothing is failed on 412 devices.\n" in words(page())


NASTY = "<!channel> & *bold* `code` \u202e" + "x" * 400


def test_what_n_sight_calls_things_stays_text_within_slacks_limits() -> None:
    titles = {f"{n}{NASTY}": NASTY for n in range(9)}
    told = [FailedPatches(machine(one, NASTY, NASTY), NOW, titles) for one in range(1, 9)]
    for number in (0, 1):
        shown = page(*told, number=number)
        payload = {"text": shown.text, "blocks": list(shown.blocks)}
        assert message_problems(payload) == []
        assert mentions_everyone(payload) == []


# ---------------------------------------------------------------- links


SERVER = machine(1001, "SRV-DC01")


def test_a_link_names_the_device_where_the_address_wants_it() -> None:
    assert consoles.nsight("", SERVER) == consoles.eset("") == ""
    assert consoles.nsight("https://n.example/", SERVER) == "<https://n.example/|N-sight>"
    twice = consoles.nsight("https://n.example/?a=1&d={device}#{device}", SERVER)
    assert twice == "<https://n.example/?a=1&amp;d=1001#1001|N-sight>"
    assert consoles.eset("https://e.example/?a&b") == "<https://e.example/?a&amp;b|ESET>"


def test_links_stand_in_one_line() -> None:
    assert consoles.line("", "") == ""
    assert consoles.line("", "<https://e.example/|ESET>") == "Open in <https://e.example/|ESET>"
    assert consoles.line("<https://n.example/|N-sight>", "<https://e.example/|ESET>").endswith(
        "> · <https://e.example/|ESET>"
    )


def test_a_devices_page_shows_the_links_it_is_given() -> None:
    line = consoles.line(consoles.nsight("https://n.example/{device}", SERVER))
    assert line in words(device.page(SERVER, [], console=line))
    assert "Open in" not in words(device.page(SERVER, []))
    assert len(device.page(SERVER, [], console=line).blocks) == len(device.page(SERVER, []).blocks)


def test_the_longest_address_that_the_configuration_takes_fits() -> None:
    address = f"https://n.example/{'x' * (LONGEST_ADDRESS - 18)}"
    assert values.console()(address) == address
    line = consoles.line(consoles.nsight(address, SERVER), consoles.eset(address))
    assert line in words(device.page(SERVER, [], console=line))
