"""The same machine by its host name: one, several or none; a wrong one never."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.matching.hosts import NETBIOS, Hosts
from bot.model import Device, DeviceKind
from tests.bench.matching import devices as fleet


def devices(*named: str) -> list[Device]:
    """Each as ``name`` or ``name @ client``; ids from 1."""
    parted = [one.partition(" @ ") for one in named]
    return [
        Device(place, name, DeviceKind.SERVER, 1, client or "Contoso", "Wien")
        for place, (name, _, client) in enumerate(parted, 1)
    ]


# what there is | what is sought | client | the device found (0: none) and the candidates, by id
TABLE = [
    (["SRV1"], "srv1", "", 1, []),
    (["SRV1"], " Srv1 ", "", 1, []),
    (["SRV1"], "CONTOSO\\srv1$", "", 1, []),
    (["SRV1$"], "\\\\SRV1", "", 1, []),
    (["SRV1"], "srv1.contoso.example", "", 1, []),
    (["srv1.contoso.example"], "SRV1", "", 1, []),
    (["srv1.contoso.example."], "SRV1.Contoso.Example", "", 1, []),
    (["Bu\u0308ro-1"], "B\u00dcRO-1", "", 1, []),
    (["SRV1", "SRV10"], "SRV1", "", 1, []),
    # of two that could be meant, none is given
    (["SRV1 @ A", "SRV1 @ B"], "SRV1", "", 0, [1, 2]),
    (["SRV1 @ A", "SRV1 @ B"], "SRV1", "b", 2, []),
    (["SRV1 @ A", "SRV1 @ B"], "SRV1", "C", 0, []),
    (["srv1.a.example @ A", "srv1.b.example @ B"], "srv1", "", 0, [1, 2]),
    (["srv1.a.example @ A", "srv1.b.example @ B"], "srv1.b.example", "", 2, []),
    (["srv1.a.example @ A", "SRV1 @ B"], "srv1.a.example", "", 1, []),
    (["srv1.a.example @ A", "SRV1 @ B"], "srv1", "", 0, [1, 2]),
    (["srv1.a.example @ A", "srv1.a.example @ B"], "srv1.a.example", "", 0, [1, 2]),
    (["srv1.b.example @ A", "SRV1 @ B"], "srv1.a.example", "", 0, [2, 1]),
    # another domain is another machine until a person says otherwise
    (["srv1.b.example"], "srv1.a.example", "", 0, [1]),
    # cut by NetBIOS, on either side
    (["SRV-WARENWIRTSCHAFT"], "SRV-WARENWIRTSC", "", 1, []),
    (["SRV-WARENWIRTSC"], "srv-warenwirtschaft.contoso.example", "", 1, []),
    (["SRV-WARENWIRTSCH"], "SRV-WARENWIRTSCHAFT", "", 0, [1]),
    (["SRV-WAREN"], "SRV-WARENWIRTSCHAFT", "", 0, []),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSCHIENE"], "SRV-WARENWIRTSC", "", 0, [1, 2]),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSC"], "SRV-WARENWIRTSCHAFT", "", 0, [1, 2]),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSC"], "SRV-WARENWIRTSC", "", 0, [2, 1]),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSCHIENE"], "SRV-WARENWIRTSCHAFT", "", 1, []),
    (["Laptop of Maria Huber"], "Laptop of Maria", "", 0, [1]),
    # an address has no short form
    (["10.0.0.5", "10.0.0.6"], "10.0.0.5", "", 1, []),
    (["10.0.0.5"], "10", "", 0, []),
    (["10"], "10.0.0.5", "", 0, []),
    # nothing fits: who is alike
    (["SRV-FILE01", "SRV-FILE02", "NB-17"], "SRV-FILE0l", "", 0, [1, 2]),
    (["SRV-FILE01 @ A", "SRV-FILE01 @ B"], "SRV-FILE0l", "B", 0, [2]),
    (["SRV1"], "", "", 0, []),
    ([""], "", "", 0, []),
    ([], "SRV1", "", 0, []),
]


@pytest.mark.parametrize(("there", "sought", "client", "found", "candidates"), TABLE)
def test_the_table_of_names(there: list[str], sought: str, client: str, found: int, candidates: list[int]) -> None:
    answer = Hosts(devices(*there)).find(sought, client)
    assert (answer.device.id if answer.device else 0) == found
    assert [device.id for device in answer.candidates] == candidates


def test_a_device_listed_twice_is_one() -> None:
    once = devices("SRV1")
    assert Hosts([*once, *once]).find("SRV1").device == once[0]


HOSTS = st.sampled_from(("srv1", "SRV1", "srv2", "srv-warenwirtschaft", "srv-warenwirtsc", "10.0.0.5", "ß", "Büro 1"))
NAMES = st.builds(lambda host, domain: host + domain, HOSTS, st.sampled_from(("", ".a.example", ".b.example", "$")))
OWNED = st.builds(lambda name, client: f"{name} @ {client}", NAMES, st.sampled_from("AB"))


@given(st.lists(OWNED, max_size=6), st.one_of(NAMES, st.text(max_size=30)), st.sampled_from(("", "a", "B")))
def test_a_device_is_given_only_when_it_stays_the_only_one_without_its_domain(
    there: list[str], sought: str, client: str
) -> None:
    inventory = devices(*there)
    answer = Hosts(inventory).find(sought, client)
    assert Hosts(inventory[::-1]).find(sought, client) == answer
    if not answer.device:
        return
    assert answer.candidates == ()
    rivals = [one for one in inventory if not client or one.client.casefold() == client.casefold()]
    alike = [one for one in rivals if _cut(one.name) == _cut(answer.device.name)]
    full = sought.casefold().removesuffix("$")
    assert len(alike) == 1 or ("." in full or len(full) > NETBIOS)


def _cut(name: str) -> str:
    return name.casefold().removesuffix("$").partition(".")[0][:NETBIOS]


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_finds_itself_or_nothing(name: str, sought: str) -> None:
    inventory = devices()
    inventory.append(Device(1, name, DeviceKind.SERVER, 1, name, name))
    hosts = Hosts(inventory)
    hosts.find(sought, sought)
    assert hosts.find(name).device in (None, inventory[0])


def test_twenty_thousand_devices_are_searched_in_a_moment() -> None:
    """Generous: tests/bench/matching.py has the figure."""
    inventory = fleet(20_000)
    hosts = Hosts(inventory)
    started = time.process_time()
    for device in inventory[::40]:
        answer = hosts.find(device.name)
        assert device == answer.device or device in answer.candidates
    assert time.process_time() - started < 0.5
