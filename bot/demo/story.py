"""What happened in the simulated fleet up to now: three customers, sixty machines, a week of patching. Always the same.

Machine 1001, SRV-DC01 at Contoso, is the one of the vendor's example: patches 4 and 5 failed, 1 and 6 are installed.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from bot.demo import catalogue
from bot.demo.catalogue import Application, WindowsUpdate
from bot.demo.fleet import (
    REASONS,
    AttemptRow,
    Customer,
    Fleet,
    FleetPatch,
    Machine,
    OtherRow,
    Site,
    application_patch,
    attempt,
)
from bot.model import DeviceKind, PatchStatus

# customer | site | domain | hosts; servers begin with SRV, every third machine is known by its name with the domain
_ESTATE = """
Contoso Ltd | Head Office | contoso.example | SRV-DC01 SRV-DC02 SRV-SQL01 SRV-FILE01 CON-NB-0142 CON-NB-0147 \
CON-NB-0151 CON-NB-0163 CON-PC-ACC1 CON-PC-ACC2 CON-PC-LEGAL CON-PC-RECEPTION LAPTOP-4F7K2Q9
Contoso Ltd | Warehouse Hamburg | contoso.example | SRV-WMS01 WH-PC-01 WH-PC-02 WH-PC-03 WH-PC-04 WH-PC-05 \
WH-SCAN-01 WH-SCAN-02
Bäckerei Müller & Söhne | Backstube Köln | - | SRV-WARENWIRTSCHAFT SRV-FILE01 BÜRO-PC-01 BÜRO-PC-02 BÜRO-PC-03 \
BACKSTUBE-PC KÜCHE-TABLET LAPTOP-MÜLLER LAPTOP-SÖHNE
Bäckerei Müller & Söhne | Filialen Dom & Hohe Straße | - | KASSE-DOM-01 KASSE-DOM-02 KASSE-HOHE-01 KASSE-HOHE-02 \
KASSE-HOHE-03 FILIALE-DOM-PC
Northwind Traders | London | northwind.example | SRV-EX01 SRV-APP01 SRV-TS01 SRV-BACKUP01 NW-LON-101 NW-LON-102 \
NW-LON-103 NW-LON-104 NW-LON-105 NW-LON-106 NW-LON-107 NW-LON-108 NW-LON-109 NW-LON-110
Northwind Traders | R&D Lab | lab.northwind.example | SRV-BUILD01 SRV-LICENSE01 RD-WS-01 RD-WS-02 RD-WS-03 RD-WS-04 \
RD-WS-05 RD-WS-06 RD-CNC RD-MEASURE
"""

UNMANAGED = {"SRV-BACKUP01", "RD-CNC"}  # Patch Management is off: N-sight lists no patches, ESET is not there either
NETBIOS = 15  # characters
IN_BOTH = "SRV-FILE01"  # a name that two customers use, so without a domain
_STATUSES = (
    PatchStatus.FAILED,
    PatchStatus.MISSING,
    PatchStatus.PENDING,
    PatchStatus.IGNORED,
    PatchStatus.REBOOT_REQUIRED,
    PatchStatus.INSTALLED,
)


def fleet(now: datetime) -> Fleet:
    """The fleet as it stands at ``now``, an aware UTC instant; two calls with the same instant give equal fleets."""
    teller = _Teller(now)
    told = Fleet(customers=_customers())
    for machine in told.machines():
        if machine.id == 1001:
            teller.vendors_example(machine)
        elif machine.patching:
            teller.machine(machine)
    teller.twins(told)
    told.attempts.extend(teller.attempts)
    told.others.extend(_others(told, now))
    return told


def _customers() -> list[Customer]:
    customers: dict[str, Customer] = {}
    machine_ids = itertools.count(1001)
    for site_id, line in enumerate(_ESTATE.strip().splitlines(), start=401):
        name, site, domain, hosts = line.split(" | ")
        customer = customers.setdefault(name, Customer(301 + len(customers), name))
        machines = [_machine(next(machine_ids), host, domain) for host in hosts.split()]
        customer.sites.append(Site(site_id, site, machines))
    return list(customers.values())


def _machine(machine_id: int, host: str, domain: str) -> Machine:
    server = host.startswith("SRV-")
    qualified = domain != "-" and machine_id % 3 == 0 and host != IN_BOTH
    return Machine(
        id=machine_id,
        name=f"{host}.{domain}" if qualified else host,
        kind=DeviceKind.SERVER if server else DeviceKind.WORKSTATION,
        user="" if server else f"user{machine_id % 100:02d}",
        description="Windows Server 2022" if server else "Windows 11 Pro",
        patching=host not in UNMANAGED,
        eset_name=_name_at_eset(machine_id, host, "" if domain == "-" else domain),
    )


def _name_at_eset(machine_id: int, host: str, domain: str) -> str:
    """Some names come as NetBIOS has them, some in lower case, some with a domain that N-sight does not show."""
    if len(host) > NETBIOS:
        return host[:NETBIOS].upper()
    if host == IN_BOTH:
        return host
    match machine_id % 5:
        case 0:
            return host.lower()
        case 1 if domain:
            return f"{host.lower()}.{domain}"
        case 2 if domain:
            return f"{host}.{domain.upper()}"
    return host


def _others(told: Fleet, now: datetime) -> Iterator[OtherRow]:
    """What ESET tells of Windows itself on some machines, and of two packages in the lab."""
    machines = [machine for machine in told.machines() if machine.patching]
    for machine in machines[::4]:
        for patch in machine.patches.values():
            if patch.application is None and patch.installed_at is not None:
                yield OtherRow(machine.id, "operatingSystem", patch.product, patch.installed_at)
    for days, name in ((2, "openssl"), (20, "curl")):
        at = (now - timedelta(days=days)).replace(microsecond=0)
        yield OtherRow(machines[-1].id, "package", name, at, ("3.0.14", "3.0.15"))


class _Teller:
    """Deals out the week: which patch stands where on which machine, and what ESET tried at night."""

    def __init__(self, now: datetime) -> None:
        self.attempts: list[AttemptRow] = []
        self._now = now
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        last = midnight if now - midnight > timedelta(hours=4) else midnight - timedelta(days=1)
        self._one = last + timedelta(hours=1)  # o'clock of the last night that is wholly over
        self._dice = random.Random(20250312)
        self._patch_id = 681_801
        self._failures = 0

    def vendors_example(self, machine: Machine) -> None:
        """``patch_retry`` of 1, 4, 5 and 6 answers as on the vendor's page: 4 and 5 retried, 1 and 6 "applied"."""
        fixed = (
            (1, "Notepad++", PatchStatus.INSTALLED, REASONS[0]),
            (3, "Java 8", PatchStatus.IGNORED, REASONS[0]),
            (4, "Google Chrome", PatchStatus.FAILED, "FAILED_TERMINATION_REQUIRED"),
            (5, "7-Zip", PatchStatus.FAILED, "FAILED_DOWNLOAD_ERROR"),
            (6, "Mozilla Firefox", PatchStatus.INSTALLED, REASONS[0]),
        )
        for patch_id, name, status, reason in fixed:
            self._add(machine, application_patch(patch_id, catalogue.BY_NAME[name], status, reason=reason))
        for patch_id, update, status in (
            (2, catalogue.CUMULATIVE_SERVER, PatchStatus.MISSING),
            (7, catalogue.DOT_NET, PatchStatus.REBOOT_REQUIRED),
        ):
            self._add(machine, _update_patch(patch_id, update, status))

    def machine(self, machine: Machine) -> None:
        server = machine.kind is DeviceKind.SERVER
        known = [app for app in catalogue.APPLICATIONS if not server or app.name in catalogue.ON_SERVERS]
        for application in self._dice.sample(known, 4 if server else self._dice.randint(5, 9)):
            self._add(machine, self._patch_of(application))
        cumulative = catalogue.CUMULATIVE_SERVER if server else catalogue.CUMULATIVE_CLIENT
        for update in (cumulative, catalogue.MALICIOUS_SOFTWARE, catalogue.DOT_NET):
            self._add(machine, _update_patch(self._next_id(), update, self._status(failed=6)))

    def _patch_of(self, application: Application) -> FleetPatch:
        status = self._status(failed=15)
        patch = application_patch(self._next_id(), application, status, reason=self._dice.choice(REASONS))
        if status is PatchStatus.FAILED:
            self._failures += 1
            patch.outcomes = self._prospects()
        return patch

    def _prospects(self) -> list[PatchStatus]:
        """Every fifth failed patch fails once more when it is retried, every seventh wants a restart."""
        if self._failures % 5 == 0:
            return [PatchStatus.FAILED]
        return [PatchStatus.REBOOT_REQUIRED] if self._failures % 7 == 0 else []

    def _status(self, failed: int) -> PatchStatus:
        """``failed`` and the other weights are per cent; the rest is installed."""
        return self._dice.choices(_STATUSES, (failed, 6, 3, 2, 4, 85 - failed))[0]

    def _next_id(self) -> int:
        self._patch_id += 1
        return self._patch_id

    def _add(self, machine: Machine, patch: FleetPatch) -> None:
        machine.patches[patch.id] = patch
        nights = min(6, max(1, (self._now.date() - patch.released).days))  # that the patch has been out for
        ago = self._dice.randrange(nights)
        if patch.status in PatchStatus.INSTALLED | PatchStatus.REBOOT_REQUIRED:
            patch.installed_at = self._night(ago)
        if patch.application is not None:
            self.attempts.extend(self._tries(machine, patch, ago, nights))

    def _tries(self, machine: Machine, patch: FleetPatch, ago: int, nights: int) -> Iterator[AttemptRow]:
        """What ESET tells of a patch: each night's failure until now, the night it worked, or nothing at all."""
        took = timedelta(seconds=self._dice.randint(20, 400))
        digits = self._dice.choice((0, 0, 3, 6, 9))
        row = attempt(machine.id, patch, patch.installed_at or self._night(ago), took=took, digits=digits)
        match patch.status:
            case PatchStatus.FAILED:
                for night in range(min(nights, self._dice.randint(1, 4))):
                    yield attempt(machine.id, patch, self._night(night), took=took, digits=digits)
            case PatchStatus.INSTALLED | PatchStatus.REBOOT_REQUIRED:
                if ago + 1 < nights and self._dice.random() < 0.3:
                    ended = self._night(ago + 1)  # it took two nights
                    yield replace(row, status=patch.reason, started=ended - took, ended=ended)
                yield row
            case PatchStatus.IGNORED:
                yield replace(row, status="NOT_APPLICABLE")
            case PatchStatus.PENDING:  # still at it: no end, no status yet
                started = self._now - timedelta(minutes=self._dice.randint(1, 9))
                yield replace(row, status="UNSPECIFIED", started=started, ended=None)

    def _night(self, ago: int) -> datetime:
        """Between 1 and 4 o'clock UTC of a night that lies wholly in the past."""
        return self._one - timedelta(days=ago, microseconds=-self._dice.randrange(3 * 3600 * 10**6))

    def twins(self, told: Fleet) -> None:
        """The two tills at the cathedral fail at the same second, so ESET lists two equal rows."""
        application = catalogue.BY_NAME["Scan & Print Assistant"]
        ended = self._night(1).replace(microsecond=0)
        for till in (machine for machine in told.machines() if machine.name.startswith("KASSE-DOM-")):
            for patch in [patch for patch in till.patches.values() if patch.application is application]:
                del till.patches[patch.id]
            self.attempts = [
                row for row in self.attempts if row.machine_id != till.id or row.application != application
            ]
            patch = application_patch(self._next_id(), application, PatchStatus.FAILED, reason="FAILED_PREPARE_ERROR")
            till.patches[patch.id] = patch
            self.attempts.append(attempt(till.id, patch, ended, took=timedelta(seconds=31)))


def _update_patch(patch_id: int, update: WindowsUpdate, status: PatchStatus) -> FleetPatch:
    return FleetPatch(
        id=patch_id,
        title=update.title,
        product=update.product,
        status=status,
        released=update.released,
        severity=update.severity,
        outcomes=[PatchStatus.REBOOT_REQUIRED] if status is PatchStatus.FAILED else [],
    )
