"""The same machine in N-sight, by the host name that ESET has for it. Pure.

A wrong unique match is the worst outcome, since the wrong machine would be patched. So a device is only given when no
other could be meant as well: a name without its domain, or cut to NetBIOS's 15 characters, leaves several open. ESET
tells no client; a domain does, as far as N-sight's own names show whose it is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from bot.markup import folded
from bot.model import Device

NETBIOS = 15  # characters of a computer name that NetBIOS keeps (Microsoft, "Naming conventions in Active Directory")
_LIKE = 80  # likeness, of 100, from which a name is worth showing
_MOST = 10
_LONGEST = 255  # characters of a host name that are compared; DNS allows no more
_NEVER_CUT = re.compile("[ .:]")  # a description or an address is no NetBIOS name


@dataclass(frozen=True, slots=True)
class Found:
    """``device`` when exactly one fits; ``candidates`` otherwise: who might be meant, best first, at most ten when
    they are only alike."""

    device: Device | None
    candidates: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class _Name:
    """A host name in comparable form; ``domain`` is DNS's, empty when not told."""

    host: str
    domain: str

    def contradicts(self, other: "_Name") -> bool:
        return bool(self.domain and other.domain) and self.domain != other.domain


_Fits = list[tuple[_Name, Device]]


class Hosts:
    """An index over the inventory, built once; tens of thousands of devices are fine."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._by_host: dict[str, _Fits] = {}
        self._cut: dict[str, _Fits] = {}  # those longer than NetBIOS's cut, by what it leaves of them
        self._domains = _Domains()
        for device in {device.id: device for device in devices}.values():
            named = _name(device.name)
            self._by_host.setdefault(named.host, []).append((named, device))
            self._domains.learn(named.domain, device.client)
            if len(named.host) > NETBIOS and not _NEVER_CUT.search(named.host):
                self._cut.setdefault(named.host[:NETBIOS], []).append((named, device))
        self._by_host.pop("", None)
        self._begun: dict[str, list[Device]] = {}
        for host in sorted(self._by_host):
            named_so = sorted((device for _, device in self._by_host[host]), key=lambda device: device.id)
            self._begun.setdefault(host[:NETBIOS], []).extend(named_so)

    def find(self, name: str) -> Found:
        """The device that ``name`` means."""
        wanted = _name(name)
        fits = self._mates(wanted.host)
        if not fits:
            return Found(None, self._near(wanted.host))
        only = self._only(wanted, fits)
        ordered = sorted(fits, key=lambda pair: _order(wanted, *pair))
        return Found(only, () if only else tuple(device for _, device in ordered))

    def _mates(self, host: str) -> _Fits:
        """All that may be the same machine: the same host, or one of both names is the other's first 15 characters."""
        same = self._by_host.get(host, [])
        if len(host) < NETBIOS or _NEVER_CUT.search(host):
            return same
        return same + (self._cut if len(host) == NETBIOS else self._by_host).get(host[:NETBIOS], [])

    def _only(self, wanted: _Name, fits: _Fits) -> Device | None:
        """The one that fits, unless it carries another domain, or its client does; of several, the one whose full name
        agrees exactly."""
        exact = [device for named, device in fits if wanted.domain and named == wanted]
        if exact:
            return exact[0] if len(exact) == 1 else None
        named, device = fits[0]
        if len(fits) > 1 or wanted.contradicts(named) or self._domains.foreign(wanted.domain, device.client):
            return None
        return device

    def _near(self, host: str) -> tuple[Device, ...]:
        """Names that begin like it: the end is often a number, in which names of one kind differ."""
        wanted = host[:NETBIOS]
        alike = process.extract(wanted, list(self._begun), scorer=fuzz.ratio, score_cutoff=_LIKE, limit=_MOST)
        return tuple(device for key, _, _ in alike for device in self._begun[key])[:_MOST] if host else ()


class _Domains:
    """Which clients a DNS domain belongs to, by the names of devices that carry one.

    A domain of one label (``local``, ``lan``) is nobody's.
    """

    def __init__(self) -> None:
        self._clients: dict[str, set[str]] = {}  # by domain
        self._below: dict[str, set[str]] = {}  # those of all its sub-domains, by a domain that need not be known itself
        self._telling: set[str] = set()  # clients of whom a domain is known

    def learn(self, domain: str, client: str) -> None:
        if "." not in domain:
            return
        self._telling.add(client)
        self._clients.setdefault(domain, set()).add(client)
        for parent in _parents(domain):
            self._below.setdefault(parent, set()).add(client)

    def foreign(self, domain: str, client: str) -> bool:
        """Whether ``domain`` is another client's, or none of the known ones of this client. When nothing is known of
        either it is not: full names in ESET and plain ones in N-sight are common."""
        if "." not in domain:
            return False
        owners = self._clients.get(domain) or self._kin(domain)
        return client not in owners if owners else client in self._telling

    def _kin(self, domain: str) -> set[str]:
        """Clients of its parents and sub-domains."""
        return self._below.get(domain, set()).union(*(self._clients.get(parent, ()) for parent in _parents(domain)))


def _parents(domain: str) -> Iterator[str]:
    """``contoso.example`` of ``lab.contoso.example``: those of two labels and more."""
    parent = domain.partition(".")[2]
    while "." in parent:
        yield parent
        parent = parent.partition(".")[2]


def _order(wanted: _Name, named: _Name, device: Device) -> tuple[bool, bool, str, str, int]:
    """The whole host name before a cut one, no other domain before another; then by client."""
    return (named.host != wanted.host, wanted.contradicts(named), folded(device.client), folded(device.name), device.id)


def _name(text: str) -> _Name:
    """``CONTOSO\\SRV1$``, ``srv1.contoso.example.`` and ``SRV1`` alike; an address is all host.

    A domain told before a backslash is NetBIOS's and cannot be compared with DNS's: it is left out.
    """
    full = folded(text[:_LONGEST]).rpartition("\\")[2].strip().removesuffix("$").rstrip(".")
    host, _, domain = full.partition(".")
    return _Name(full, "") if " " in full or host.isdigit() or not host else _Name(host, domain)
