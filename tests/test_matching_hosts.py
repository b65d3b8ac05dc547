"""The same machine by its host name: one, several or none; a wrong one never."""

import time

import pytest
from hypothesis import example, given
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


# what there is | what is sought | the device found (0: none) and the candidates, by id
TABLE = [
    (["SRV1"], "srv1", 1, []),
    (["SRV1"], " Srv1 ", 1, []),
    (["SRV1"], "CONTOSO\\srv1$", 1, []),
    (["SRV1$"], "\\\\SRV1", 1, []),
    (["SRV1"], "srv1.contoso.example", 1, []),
    (["srv1.contoso.example"], "SRV1", 1, []),
    (["srv1.contoso.example."], "SRV1.Contoso.Example", 1, []),
    (["Bu\u0308ro-1"], "B\u00dcRO-1", 1, []),
    (["SRV1", "SRV10"], "SRV1", 1, []),
    # of two that could be meant, none is given
    (["SRV1 @ A", "SRV1 @ B"], "SRV1", 0, [1, 2]),
    (["srv1.a.example @ A", "srv1.b.example @ B"], "srv1", 0, [1, 2]),
    (["srv1.a.example @ A", "srv1.b.example @ B"], "srv1.b.example", 2, []),
    (["srv1.a.example @ A", "SRV1 @ B"], "srv1.a.example", 1, []),
    (["srv1.a.example @ A", "SRV1 @ B"], "srv1", 0, [1, 2]),
    (["srv1.a.example @ A", "srv1.a.example @ B"], "srv1.a.example", 0, [1, 2]),
    (["srv1.b.example @ A", "SRV1 @ B"], "srv1.a.example", 0, [2, 1]),
    # another domain is another machine until a person says otherwise
    (["srv1.b.example"], "srv1.a.example", 0, [1]),
    # nor is one without a domain another client's, as far as N-sight's names tell whose a domain is
    (["SRV1 @ B"], "SRV1.a.example", 1, []),
    (["SRV1 @ B", "NB-1.a.example @ A"], "SRV1.a.example", 0, [1]),
    (["SRV1 @ B", "NB-1.lab.a.example @ A"], "SRV1.a.example", 0, [1]),
    (["SRV1 @ B", "NB-1.a.example @ A"], "SRV1.lab.a.example", 0, [1]),
    (["SRV1 @ B", "NB-1.b.example @ B"], "SRV1.a.example", 0, [1]),
    (["SRV1 @ B", "NB-1.b.example @ B"], "SRV1", 1, []),
    (["SRV1 @ B", "NB-1.b.example @ B", "NB-2.a.example @ A"], "SRV1.b.example", 1, []),
    (["SRV1 @ B", "NB-1.lab.b.example @ B"], "SRV1.b.example", 1, []),
    (["SRV1 @ B", "NB-1.b.example @ B"], "SRV1.lab.b.example", 1, []),
    (["SRV1 @ B", "NB-1.b.example @ B", "NB-2.lab.b.example @ A"], "SRV1.lab.b.example", 0, [1]),
    (["SRV1 @ B", "NB-1.a.example @ A", "NB-2.a.example @ B"], "SRV1.a.example", 1, []),
    (["SRV1 @ B", "NB-1.b.example @ B"], "SRV1.xb.example", 0, [1]),
    (["SRV-WARENWIRTSC @ B", "NB-1.a.example @ A"], "srv-warenwirtschaft.a.example", 0, [1]),
    (["MACBOOK @ B", "NB-1.local @ A", "NB-2.b.example @ B"], "macbook.local", 1, []),
    # cut by NetBIOS, on either side
    (["SRV-WARENWIRTSCHAFT"], "SRV-WARENWIRTSC", 1, []),
    (["SRV-WARENWIRTSC"], "srv-warenwirtschaft.contoso.example", 1, []),
    (["SRV-WARENWIRTSCH"], "SRV-WARENWIRTSCHAFT", 0, [1]),
    (["SRV-WAREN"], "SRV-WARENWIRTSCHAFT", 0, []),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSCHIENE"], "SRV-WARENWIRTSC", 0, [1, 2]),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSC"], "SRV-WARENWIRTSCHAFT", 0, [1, 2]),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSC"], "SRV-WARENWIRTSC", 0, [2, 1]),
    (["SRV-WARENWIRTSCHAFT", "SRV-WARENWIRTSCHIENE"], "SRV-WARENWIRTSCHAFT", 1, []),
    (["Laptop of Maria Huber"], "Laptop of Maria", 0, [1]),
    # an address has no short form
    (["10.0.0.5", "10.0.0.6"], "10.0.0.5", 1, []),
    (["10.0.0.5"], "10", 0, []),
    (["10"], "10.0.0.5", 0, []),
    # nothing fits: who is alike
    (["SRV-FILE01", "SRV-FILE02", "NB-17"], "SRV-FILE0l", 0, [1, 2]),
    (["SRV1"], "", 0, []),
    ([""], "", 0, []),
    ([], "SRV1", 0, []),
]


@pytest.mark.parametrize(("there", "sought", "found", "candidates"), TABLE)
def test_the_table_of_names(there: list[str], sought: str, found: int, candidates: list[int]) -> None:
    answer = Hosts(devices(*there)).find(sought)
    assert (answer.device.id if answer.device else 0) == found
    assert [device.id for device in answer.candidates] == candidates


def test_a_device_listed_twice_is_one() -> None:
    once = devices("SRV1")
    assert Hosts([*once, *once]).find("SRV1").device == once[0]


HOSTS = st.sampled_from(("srv1", "SRV1", "srv2", "srv-warenwirtschaft", "srv-warenwirtsc", "10.0.0.5", "ß", "Büro 1"))
NAMES = st.builds(lambda host, domain: host + domain, HOSTS, st.sampled_from(("", ".a.example", ".b.example", "$")))
OWNED = st.builds(lambda name, client: f"{name} @ {client}", NAMES, st.sampled_from("AB"))


@example(["Büro 1 @ A", "Büro 1.a.example @ A"], "Büro 1")
@given(st.lists(OWNED, max_size=6), st.one_of(NAMES, st.text(max_size=30)))
def test_a_device_is_given_only_when_it_stays_the_only_one_without_its_domain(there: list[str], sought: str) -> None:
    inventory = devices(*there)
    answer = Hosts(inventory).find(sought)
    assert Hosts(inventory[::-1]).find(sought) == answer
    if not answer.device:
        return
    assert answer.candidates == ()
    alike = [one for one in inventory if _cut(one.name) == _cut(answer.device.name)]
    full = sought.casefold().removesuffix("$")
    assert len(alike) == 1 or ("." in full or len(full) > NETBIOS)


@given(st.lists(OWNED, max_size=8), NAMES)
def test_a_device_is_never_given_whose_client_has_other_domains_or_whose_name_says_anothers(
    there: list[str], sought: str
) -> None:
    inventory = devices(*there)
    found, domain = Hosts(inventory).find(sought).device, _domain(sought)
    if not found or not domain:
        return
    owners = {one.client for one in inventory if _domain(one.name) == domain}
    telling = {one.client for one in inventory if _domain(one.name)}
    assert found.client in owners if owners else found.client not in telling


def _domain(name: str) -> str:
    host, _, domain = name.casefold().partition(".")
    whole = " " in name or host.isdigit()  # a description or an address
    return domain if domain.endswith("example") and not whole else ""


def _cut(name: str) -> str:
    """Of a description or an address, in which no dot begins a domain, the whole."""
    plain = name.casefold().removesuffix("$")
    host = plain.partition(".")[0]
    return plain if " " in plain or host.isdigit() else host[:NETBIOS]


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_text_finds_itself_or_nothing(name: str, sought: str) -> None:
    inventory = devices()
    inventory.append(Device(1, name, DeviceKind.SERVER, 1, name, name))
    hosts = Hosts(inventory)
    hosts.find(sought)
    assert hosts.find(name).device in (None, inventory[0])


def test_the_domains_of_many_clients_cost_no_more_than_those_of_a_few() -> None:
    """Generous: what is found takes well below a millisecond, also when each device has a domain of its own."""
    inventory = devices(*(f"NB-{n}.{n}.lab.a{n}.example @ {n}" for n in range(10_000)), "SRV1 @ B")
    hosts = Hosts(inventory)
    started = time.process_time()
    for n in range(500):
        assert hosts.find(f"SRV1.a{n}.example").device is None
        assert hosts.find(f"SRV1.x{n}.lab.a{n}.example").device is inventory[-1]
    assert time.process_time() - started < 0.5


def test_twenty_thousand_devices_are_searched_in_a_moment() -> None:
    """Generous: tests/bench/matching.py has the figure."""
    inventory = fleet(20_000)
    hosts = Hosts(inventory)
    started = time.process_time()
    for device in inventory[::40]:
        answer = hosts.find(device.name)
        assert device == answer.device or device in answer.candidates
    assert time.process_time() - started < 0.5
