"""The name of software taken apart: which words say what it is, which versions, years and architectures it tells."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.matching.versions import Parts, parts, spelled
from bot.matching.vocabulary import COMPANY, HOUSE, IMPLIED, LANGUAGES, NOISE, PHRASES

_LONGEST = 400  # of a name that is read; nobody's product is called more
_ROOT = 4
_MAJOR = 1000  # a lone number from here on is a build or a year
LOST = "?"  # stands for a word of which a transport without its letters has left only question marks
_TOKEN = re.compile(
    rf"""
    (?<!\w)(?:
        (?P<plain>[a-z]{{3,}}(?![\w.+'’-]))
      | (?P<version>v?\d+[._]\d+(?:[._]\d+)*(?:\+\d+|-\d{{1,2}}(?![\w-]))?)
      | (?P<wide>x64\b|(?:x86[-_]64|amd64|win64|64[-\s]?bits?)\b)
      | (?P<narrow>x86\b|(?:i[36]86|ia32|win32|32[-\s]?bits?)\b)
      | (?P<zip>7[-\s]?zip\b)
      | (?P<update>\d{{1,2}}(?:\s?u|\s+update\s+)\d+(?:-b\d+)?\b)
      | (?P<years>20\d\d\s?[-–]\s?20\d\d\b)
      | (?P<year>(?:19|20)\d\d\b)
      | (?P<number>v?\d+\b)
      | (?P<kb>kb\s?\d{{6,8}}\b)
      | (?P<arm>arm64\b|aarch64\b)
      | (?P<locale>(?:{LANGUAGES})(?:-[a-z]{{2,4}}\b|(?=\))))
    )
    | (?P<word>(?:(?:\.(?=net\b))?[^\W_]+(?:[.'’][^\W_]+)*\+*))
    | (?P<lost>[?\ufffd]{{2,}})
    """,
    re.VERBOSE,
)
_TAIL = re.compile(
    r"\s+(?:\((?:(?P<wide>x64|64-bit)|(?P<narrow>x86|32-bit))\)\s+)*v?(?P<version>\d{1,9}(?:\.\d{1,9})+)"
)
_MARKS = re.compile(r"\((?:tm|r|c)\)|[™®©]|\bbuild[\s-]*(?=\d)")
_BUILD = re.compile(r"[bir]\d{2,}|rev\d+")
_WORDS = frozenset({"plain", "word"})
_NAMED = {"zip": "7zip", "365": "365", "lost": LOST}  # by kind or as it stands
_BITS = {"wide": "64", "narrow": "32", "arm": "arm"}
_SYSTEM_PRODUCT = re.compile(
    r"(?:microsoft )?windows(?:$| (?:malicious|xp|vista|7|8|10|11|server|drivers?|defender|internet|version))"
    r"|(?:microsoft )?defender|(?:microsoft )?office(?: |$).*\d|drivers?$|microsoft server operating system"
)
_SYSTEM_TITLE = re.compile(
    r"(?:security|cumulative|feature|quality|critical|definition|servicing stack|security intelligence) update\b"
    r"|\bupdate for (?:microsoft|windows)\b|^\d{4}-\d\d .*\bupdate\b"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a name tells. ``words`` in order, each once; ``noise``: how many words were passed over; ``bits``: 64, 32
    or arm as told; ``dotted``: versions of two and more parts that are not the beginning of another one; ``majors``:
    single numbers; ``system``: it is an update of Windows or of another product that Windows itself patches."""

    words: tuple[str, ...]
    among: frozenset[str]
    noise: int
    bits: frozenset[str]
    dotted: tuple[Parts, ...]
    majors: tuple[Parts, ...]
    years: frozenset[str]
    system: bool = False


def fold(text: str) -> str:
    """Compatibility form (full-width letters, ligatures) without case or trade marks, at most 400 characters."""
    bare = _MARKS.sub(" ", text[:_LONGEST].casefold())
    return bare if bare.isascii() else unicodedata.normalize("NFKC", bare).casefold()


def read(*texts: str) -> Reading:
    """One reading of several texts about the same software."""
    words: dict[str, None] = {}
    said: dict[str, list[str]] = {}
    noise = 0
    for text in texts:
        tokens = [_plain(said, found.lastgroup or "", found[0]) for found in _TOKEN.finditer(text)]
        kept, passed = _meant([token for token in tokens if token])
        noise = max(noise, passed)
        words.update(dict.fromkeys(kept))
    _imply(words)
    among = frozenset(words)
    bits = frozenset([_BITS[kind] for kind in _BITS if kind in said])
    versions = _leaves(_versions(said, among))
    return Reading(tuple(words), among, noise, bits, *versions, frozenset(_years(said)), system="kb" in said)


def read_patch(product: str, title: str) -> Reading:
    """The reading of a patch's product and title together."""
    product, title = fold(product), fold(title)
    tail = _TAIL.fullmatch(title, len(product)) if product and title.startswith(product) else None
    if tail:
        return _lengthened(read_product(product), tail)
    reading = read(title) if title.startswith(product) else read(product, title)
    return replace(reading, system=True) if reading.system or _system(product, title) else reading


@lru_cache(1024)
def read_product(product: str) -> Reading:
    reading = read(product)
    return replace(reading, system=True) if _system(product, "") else reading


def _lengthened(reading: Reading, tail: re.Match[str]) -> Reading:
    """A product's reading with the architecture and version that its title adds: what most titles are."""
    bits = {_BITS[kind] for kind in ("wide", "narrow") if tail[kind]}
    version = spelled(parts(tail["version"]), reading.among)
    told = {version, *reading.dotted, *reading.majors}
    return Reading(
        reading.words, reading.among, reading.noise, reading.bits | bits, *_leaves(told), reading.years, reading.system
    )


def _system(product: str, title: str) -> bool:
    """Whether it is an update of Windows or of what Windows itself patches, also without a KB number."""
    return bool(_SYSTEM_PRODUCT.match(product or title) or ("update" in title and _SYSTEM_TITLE.search(title)))


def roots(words: Iterable[str], joined: Iterable[str]) -> tuple[str, ...]:
    """Of which at least one stands in every text that can be read as one of ``words``.

    First letters (the rest may be written apart, or all ``joined``), what implies a word, and the longest word of each
    phrase that says the same in other words.
    """
    wanted = frozenset(words)
    found = {"zip" if word == "7zip" else word[:_ROOT] for word in (*wanted, *joined)}
    found |= {word for word, _, implied in IMPLIED if not wanted.isdisjoint(implied)}
    for phrase, meaning in (one for some in PHRASES.values() for one in some):
        if not wanted.isdisjoint(meaning) and not any(root in word for root in found for word in phrase):
            found.add(max(phrase, key=len))
    return tuple(sorted(found))


def house(developer: str) -> frozenset[str]:
    """The words that a developer is known by, without legal forms: {"google"} of "Google LLC"."""
    tokens = [found[0] for found in _TOKEN.finditer(fold(developer)) if found.lastgroup in _WORDS]
    own = frozenset(tokens) - COMPANY
    return own.union(*(HOUSE[token] for token in own if token in HOUSE))


def _plain(said: dict[str, list[str]], kind: str, token: str) -> str:
    """The token if it is a word; anything else is noted under its kind."""
    if kind in _WORDS:
        return token
    if name := _NAMED.get(kind) or _NAMED.get(token):
        return name
    said.setdefault(kind, []).append(token)
    return ""


def _meant(tokens: list[str]) -> tuple[list[str], int]:
    """The words that name the software; without any, all there are. And how many were passed over."""
    kept = [word for word in _phrased(tokens) if word not in NOISE and not _BUILD.fullmatch(word)]
    return (kept, len(tokens) - len(kept)) if kept else (tokens, 0)


def _phrased(tokens: list[str]) -> Iterator[str]:
    place = 0
    while place < len(tokens):
        for phrase, meaning in PHRASES.get(tokens[place], ()):
            if tuple(tokens[place : place + len(phrase)]) == phrase:
                yield from meaning
                place += len(phrase)
                break
        else:
            yield tokens[place]
            place += 1


def _imply(words: dict[str, None]) -> None:
    for word, unless, implied in IMPLIED:
        if word in words and not unless & words.keys():
            words.update(dict.fromkeys(implied))


def _versions(said: dict[str, list[str]], words: frozenset[str]) -> set[Parts]:
    """Every version told, spelled alike."""
    told = {spelled(parts(text), words) for text in said.get("version", ())}
    told |= {_update(text) for text in said.get("update", ())}
    numbers = [parts(text) for text in said.get("number", ())]
    return told | {number for number in numbers if number and number[0] < _MAJOR}


def _leaves(told: set[Parts]) -> tuple[tuple[Parts, ...], tuple[Parts, ...]]:
    """Those that do not only begin another one, in order: of two and more parts, and single numbers."""
    kept = sorted(told) if len(told) < 2 else sorted([version for version in told if not _begins(version, told)])
    return tuple([one for one in kept if len(one) > 1]), tuple([one for one in kept if len(one) == 1])


def _update(text: str) -> Parts:
    """Java's ``8u441`` and ``8 Update 441``."""
    numbers = parts(text)
    return (numbers[0], 0, numbers[1])


def _begins(version: Parts, others: Iterable[Parts]) -> bool:
    return any(len(other) > len(version) and other[: len(version)] == version for other in others)


def _years(said: dict[str, list[str]]) -> Iterator[str]:
    """Visual C++ of 2015 has been replaced in place ever since: 2015-2019 and 2015-2022 are one product."""
    yield from said.get("year", ())
    for span in said.get("years", ()):
        yield span[:4]
