"""The same machine in N-sight, by the host name that ESET has for it. Pure.

A wrong unique match is the worst outcome, since the wrong machine would be patched. So a device is only given when no
other could be meant as well: a name without its domain, or cut to NetBIOS's 15 characters, leaves several open.
"""

import re
from collections.abc import Iterable
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
        for device in {device.id: device for device in devices}.values():
            named = _name(device.name)
            self._by_host.setdefault(named.host, []).append((named, device))
            if len(named.host) > NETBIOS and not _NEVER_CUT.search(named.host):
                self._cut.setdefault(named.host[:NETBIOS], []).append((named, device))
        self._by_host.pop("", None)
        self._begun: dict[str, dict[str, list[Device]]] = {"": {}}  # by client, "" for all, and by the name's beginning
        for host in sorted(self._by_host):
            for _, device in self._by_host[host]:
                for owner in {"", folded(device.client)}:
                    self._begun.setdefault(owner, {}).setdefault(host[:NETBIOS], []).append(device)

    def find(self, name: str, client: str = "") -> Found:
        """The device that ``name`` means, within the client of exactly this name (case aside) when one is given."""
        wanted, owner = _name(name), folded(client)
        fits = [pair for pair in self._mates(wanted.host) if _owned(pair[1], owner)]
        if not fits:
            return Found(None, self._near(wanted.host, owner))
        only = _only(wanted, fits)
        ordered = sorted(fits, key=lambda pair: _order(wanted, *pair))
        return Found(only, () if only else tuple(device for _, device in ordered))

    def _mates(self, host: str) -> _Fits:
        """All that may be the same machine: the same host, or one of both names is the other's first 15 characters."""
        same = self._by_host.get(host, [])
        if len(host) < NETBIOS or _NEVER_CUT.search(host):
            return same
        return same + (self._cut if len(host) == NETBIOS else self._by_host).get(host[:NETBIOS], [])

    def _near(self, host: str, owner: str) -> tuple[Device, ...]:
        """Names that begin like it: the end is often a number, in which names of one kind differ."""
        begun = self._begun.get(owner, {})
        wanted = host[:NETBIOS]
        alike = process.extract(wanted, list(begun), scorer=fuzz.ratio, score_cutoff=_LIKE, limit=_MOST)
        return tuple(device for key, _, _ in alike for device in begun[key])[:_MOST] if host else ()


def _only(wanted: _Name, fits: _Fits) -> Device | None:
    """The one that fits, unless it carries another domain; of several, the one whose full name agrees exactly."""
    if wanted.domain:
        exact = [device for named, device in fits if named == wanted]
        if exact:
            return exact[0] if len(exact) == 1 else None
    if len(fits) > 1 or wanted.contradicts(fits[0][0]):
        return None
    return fits[0][1]


def _order(wanted: _Name, named: _Name, device: Device) -> tuple[bool, bool, str, str, int]:
    """The whole host name before a cut one, no other domain before another; then by client."""
    return (named.host != wanted.host, wanted.contradicts(named), folded(device.client), folded(device.name), device.id)


def _owned(device: Device, owner: str) -> bool:
    return not owner or folded(device.client) == owner


def _name(text: str) -> _Name:
    """``CONTOSO\\SRV1$``, ``srv1.contoso.example.`` and ``SRV1`` alike; an address is all host.

    A domain told before a backslash is NetBIOS's and cannot be compared with DNS's: it is left out.
    """
    full = folded(text[:_LONGEST]).rpartition("\\")[2].strip().removesuffix("$").rstrip(".")
    host, _, domain = full.partition(".")
    return _Name(full, "") if " " in full or host.isdigit() or not host else _Name(host, domain)
