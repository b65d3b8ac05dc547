"""Matching measured: one application against 2,000 patches, host names and typed letters against 20,000 devices.

    python -m tests.bench.matching [--devices 20000] [--patches 2000] [--rounds 20]

Patches are of the labelled table's products with versions of their own; "cold" reads each title for the first time,
"warm" has read it before (titles repeat from device to device). The worst case is 2,000 titles of the one product
wanted. Times are CPU time of this process, in milliseconds.

On two cores that other work kept busy: 5 to 10 ms cold, 3 to 5 ms warm, worst case 27 and 9; a host name 0.01 ms, one
that is not there 0.8 ms; typeahead p50 1.9, p99 12 ms, 6.5 MB.
"""

import argparse
import random
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

from bot.matching import products, wording
from bot.matching.hosts import Hosts
from bot.matching.products import Wanted, matches
from bot.matching.typeahead import Typeahead
from bot.model import Device, DeviceKind, Patch
from tests.matching_table import PAIRS

CITIES = (
    "Berlin",
    "Wien",
    "Graz",
    "Hamburg",
    "Zürich",
    "Bratislava",
    "Praha",
    "München",
    "Köln",
    "Linz",
    "Bremen",
    "Kiel",
    "Ulm",
    "Trier",
)
TRADES = (
    "Bau",
    "Holz",
    "Steuer",
    "Logistik",
    "Praxis",
    "Druck",
    "Metall",
    "Café",
    "Notar",
    "Energie",
    "Optik",
    "Hotel",
)
ROLES = (
    "SRV-DC",
    "SRV-FILE",
    "SRV-WARENWIRTSCHAFT",
    "SRV-SQL",
    "NB",
    "PC",
    "WS",
    "LAPTOP-EMPFANG",
    "TERMINAL",
    "DESKTOP",
    "KASSE",
)


def patches(count: int) -> list[Patch]:
    dice = random.Random(1)
    known = [pair for pair in PAIRS if pair.title]
    chosen = [dice.choice(known) for _ in range(count)]
    return [
        Patch(
            number,
            f"{pair.title.rsplit(' ', 1)[0]} {dice.randrange(30)}.{dice.randrange(99)}.{number}",
            16,
            "",
            pair.product,
        )
        for number, pair in enumerate(chosen)
    ]


def devices(count: int) -> list[Device]:
    """Of 400 clients; a third of the names carries a domain, some are equal among clients."""
    dice = random.Random(2)
    clients = [f"{dice.choice(CITIES)} {dice.choice(TRADES)} {number} GmbH" for number in range(400)]
    return [_device(dice, clients, number) for number in range(count)]


def _device(dice: random.Random, clients: list[str], number: int) -> Device:
    owner = dice.randrange(len(clients))
    name = f"{dice.choice(ROLES)}{dice.choice(('', '-'))}{dice.randrange(4000):03}"
    domain = dice.choice(("", "", f".{clients[owner].split()[1].lower()}{owner}.example"))
    return Device(
        100_000 + number, name + domain, DeviceKind.SERVER, owner, clients[owner], dice.choice(CITIES), number % 20 > 0
    )


def prefixes(fleet: list[Device], count: int = 500) -> list[str]:
    """What a person types on the way to a device: letters of its name, of client and name, an id, a slip."""
    dice = random.Random(3)
    return [_typed(dice, dice.choice(fleet), number) for number in range(count)]


def _typed(dice: random.Random, device: Device, number: int) -> str:
    name = device.name.lower()
    if number % 10 == 0:
        return f"{device.client.split()[1].lower()} {name[: dice.randrange(1, 6)]}"
    if number % 10 == 1:
        return str(device.id)[: dice.randrange(1, 7)]
    if number % 10 == 2:  # two letters the wrong way round
        return name[:4] + name[5:6] + name[4:5] + name[6:]
    return name[: dice.randrange(len(name) + 1)]


def spent(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1000


def scoring(wanted: Wanted, some: list[Patch], rounds: int) -> str:
    def forget() -> None:
        products.read_known.cache_clear()
        wording.read_product.cache_clear()

    cold = []
    for _ in range(rounds):
        forget()
        cold.append(spent(lambda: matches(wanted, some)))
    warm = [spent(lambda: matches(wanted, some)) for _ in range(rounds)]
    return f"cold {sorted(cold)[rounds // 2]:.1f} (worst {max(cold):.1f}), warm {sorted(warm)[rounds // 2]:.1f}"


def percentiles(times: list[float]) -> str:
    ordered = sorted(times)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    return f"p50 {p50:.3f}, p99 {p99:.3f}, worst {ordered[-1]:.3f}"


def held(build: Callable[[], object]) -> float:
    """Megabytes that what ``build`` makes keeps."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept = build()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del kept
    return (after - before) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--devices", type=int, default=20_000)
    parser.add_argument("--patches", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    mixed = patches(asked.patches)
    for wanted in (
        Wanted("Google Chrome", "Google LLC", "132.0.6834.160", "134.0.6998.89"),
        Wanted("Java 8", "Oracle Corporation", "8.0.4310.10", "8.0.4410.7"),
        Wanted("Adobe Acrobat Reader", "Adobe Inc.", "24.005.20414", "25.001.20432"),
    ):
        print(f"{wanted.application} against {len(mixed):,} patches: {scoring(wanted, mixed, asked.rounds)}")
    chrome = Wanted("Google Chrome", "Google LLC", "132.0.6834.160", "134.0.6998.89")
    alike = [
        Patch(number, f"Google Chrome (x64) (x64) 134.0.{number}.89", 16, "", "Google Chrome (x64)")
        for number in range(asked.patches)
    ]
    print(f"the same against {len(alike):,} of Chrome alone: {scoring(chrome, alike, asked.rounds)}")

    fleet = devices(asked.devices)
    hosts = Hosts(fleet)
    names = [device.name for device in fleet[::7]]
    print(f"hosts among {len(fleet):,}: {percentiles([spent(partial(hosts.find, name)) for name in names])}", end="")
    strange = [name[::-1] for name in names[:300]]
    print(f"; not there: {percentiles([spent(partial(hosts.find, name)) for name in strange])}")
    index = Typeahead(fleet)
    times = [spent(partial(index.best, text)) for text in prefixes(fleet)]
    print(f"typeahead over {len(fleet):,}: {percentiles(times)}, {held(lambda: Typeahead(fleet)):.1f} MB", end="")
    print(f"; hosts {held(lambda: Hosts(fleet)):.1f} MB, built in {spent(lambda: Typeahead(fleet)):.0f} ms")


if __name__ == "__main__":
    main()
