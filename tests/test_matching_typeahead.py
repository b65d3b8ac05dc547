"""What a person sees while typing a device's name."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching.typeahead import Typeahead
from bot.model import Device, DeviceKind
from tests.bench.matching import devices as fleet
from tests.bench.matching import prefixes

INVENTORY = [
    Device(1001, "SRV-DC1", DeviceKind.SERVER, 1, "Contoso Ltd", "Wien"),
    Device(1002, "SRV-SQL", DeviceKind.SERVER, 1, "Contoso Ltd", "Graz"),
    Device(1003, "PC-SRV-OLD", DeviceKind.WORKSTATION, 2, "Fabrikam", "Linz"),
    Device(1004, "MYSRV", DeviceKind.WORKSTATION, 2, "Fabrikam", "Linz"),
    Device(1005, "NB-17", DeviceKind.WORKSTATION, 3, "Srvice Partners", "Ulm"),
    Device(1006, "NB-1001", DeviceKind.WORKSTATION, 3, "Café Müller", "Ulm"),
    Device(1007, "SRV-OFF", DeviceKind.SERVER, 1, "Contoso Ltd", "Wien", patching=False),
]


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        ("srv", [1001, 1002, 1003, 1004, 1005]),
        ("SRV-", [1001, 1002, 1003]),
        ("srv-sql", [1002]),
        ("old", [1003]),
        ("contoso", [1001, 1002]),
        ("contoso srv", [1001, 1002]),
        ("srv linz", [1003, 1004]),
        ("srv 1004", [1004]),
        ("CAFÉ", [1006]),
        ("Cafe\u0301 nb", [1006]),
        ("1001", [1001, 1006]),
        ("100", [1006, 1004, 1005, 1003, 1001, 1002]),
        ("sqrv-dc1", [1001]),
        ("contoso xyz", []),
        ("", [1004, 1006, 1005, 1003, 1001, 1002]),
        ("  ", [1004, 1006, 1005, 1003, 1001, 1002]),
        ("-", [1006, 1005, 1003, 1001, 1002]),
    ],
)
def test_the_best_come_first(typed: str, ids: list[int]) -> None:
    assert [device.id for device in Typeahead(INVENTORY).best(typed)] == ids


def test_no_more_than_asked_for_are_given() -> None:
    assert [device.id for device in Typeahead(INVENTORY).best("srv", 2)] == [1001, 1002]
    assert Typeahead([]).best("srv") == ()
    assert Typeahead([]).best("") == ()


WORDS = st.sampled_from(("srv", "nb", "1", "müller", "contoso", "-", "DC1", "ulm", "100", "x"))


@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=4).map(" ".join)), st.integers(0, 8))
def test_answers_are_different_devices_with_patch_management_in_an_order_of_their_own(typed: str, most: int) -> None:
    found = Typeahead(INVENTORY).best(typed, most)
    assert len(found) <= most
    assert len(set(found)) == len(found)
    assert all(device.patching for device in found)
    assert Typeahead(random.Random(most).sample(INVENTORY, len(INVENTORY))).best(typed, most) == found


def test_twenty_thousand_devices_answer_at_typing_speed() -> None:
    """Generous: tests/bench/matching.py has the figure."""
    inventory = fleet(20_000)
    index = Typeahead(inventory)
    times = []
    for typed in prefixes(inventory, 100):
        started = time.process_time()
        index.best(typed)
        times.append(time.process_time() - started)
    assert sorted(times)[-2] < 0.1
