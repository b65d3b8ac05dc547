"""Devices for a person who types: the best matches of an index in memory, in a few milliseconds. Pure."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from rapidfuzz import fuzz, process

from bot.markup import folded
from bot.model import Device

_LONGEST = 80  # characters of what was typed that are looked at
_LIKE = 65  # likeness, of 100, from which a name is worth showing
_BETWEEN = re.compile(r"[\W_]+")


class Typeahead:
    """The devices with patch management on, by name; a device needs some 400 bytes beside the device itself."""

    def __init__(self, devices: Sequence[Device]) -> None:
        named = sorted(
            ((folded(device.name), device) for device in devices if device.patching),
            key=lambda one: (one[0], one[1].id),
        )
        self._devices = [device for _, device in named]
        self._names = [name for name, _ in named]
        self._words = [_words(name) for name in self._names]
        self._texts = [f"{name}\n{folded(device.client)}\n{folded(device.site)}" for name, device in named]
        self._ids = [str(device.id) for device in self._devices]

    def best(self, text: str, most: int = 100) -> tuple[Device, ...]:
        """At most ``most`` devices, best first: the id typed, then names that start with the text, that have a word
        starting with it, that hold it; then those where its words are spread over name, client, site and id. Names
        that are only alike when nothing hits. Without text the first by name; equally good ones by name."""
        typed = folded(text[:_LONGEST])
        hits = self._hits(typed.split())
        places = self._ranked(typed, hits, most) if hits else self._near(typed, most)
        return tuple(self._devices[place] for place in places)

    def _hits(self, words: list[str]) -> list[int]:
        """Where every word stands somewhere."""
        places = list(range(len(self._devices)))
        texts, ids = self._texts, self._ids
        for word in words:
            if word.isascii() and word.isdigit():
                places = [place for place in places if word in texts[place] or ids[place].startswith(word)]
            else:
                places = [place for place in places if word in texts[place]]
        return places

    def _ranked(self, typed: str, hits: list[int], most: int) -> list[int]:
        """The best of ``hits``: sifted rank by rank, so that a single letter that hits everything stays cheap."""
        ranked: list[int] = []
        for belongs in self._ranks(typed):
            if len(ranked) >= most or not typed:
                break
            ranked += [place for place in hits if belongs(place)]
            taken = set(ranked)
            hits = [place for place in hits if place not in taken]
        return (ranked + hits)[:most]

    def _ranks(self, typed: str) -> Iterator[Callable[[int], bool]]:
        yield lambda place: self._ids[place] == typed
        for part in dict.fromkeys((typed, *typed.split())):
            yield from self._in_name(part)

    def _in_name(self, part: str) -> tuple[Callable[[int], bool], ...]:
        """Whether the name starts with ``part``, has a word that does, holds it."""
        names, words, start, word = self._names, self._words, _range(self._names, part), _words(part)
        return (start.__contains__, lambda place: word in words[place], lambda place: part in names[place])

    def _near(self, typed: str, most: int) -> list[int]:
        """Names of which the beginning, as long as what was typed, is like it."""
        beginnings = [name[: len(typed) + 1] for name in self._names]
        alike = process.extract(typed, beginnings, scorer=fuzz.ratio, score_cutoff=_LIKE, limit=most)
        return [place for _, _, place in sorted(alike, key=lambda one: (-one[1], one[2]))]


def _words(name: str) -> str:
    """Every word with a space in front, however they were parted."""
    return f" {_BETWEEN.sub(' ', name).strip()}"


def _range(names: list[str], start: str) -> range:
    """The places of names that begin with ``start``, in a sorted list."""
    return range(bisect_left(names, start), bisect_left(names, start + "\U0010ffff"))
