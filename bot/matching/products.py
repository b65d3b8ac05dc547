"""Which of a device's patches in N-sight is the application that ESET failed to patch? Pure.

Neither service knows the other's ids, so names and versions decide. A name is taken apart (``wording``): the words
that say what the software is must be the same on both sides, apart from the developer's, packaging and language. A word
more or less is other software ("Chrome Remote Desktop", "Edge WebView2"), and so is another architecture where both
tell one.

*Sure* means that the patch may be ticked beforehand: the same software, and a version that agrees with the one ESET
tried, or that one side does not tell (unless several lines of it live side by side, as of Java). The same software in
another version is shown, below ``SURE``.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz import fuzz

from bot.matching.versions import Agreement, Parts, agreement, parts, spelled
from bot.matching.vocabulary import GENERIC, KNOWN_HOUSES, LINES, NOISE
from bot.matching.wording import LOST, Reading, fold, house, read, read_patch, roots
from bot.model import Patch

SURE = 0.88
_OTHER_NAME = 0.5  # the most that a name with a word more or less can reach: below another version of the same
_VAGUE = 0.8
_OTHER_BITS = 0.5
_OTHER_YEAR = 0.4
_ONE_YEAR = 0.9
_PLAINER = 0.005  # for each word passed over, so that the plainest name comes first
_MOST_NOISE = 6
_TELLING = 3  # parts of a version that hardly belong to two products by chance
_SHORTEST = 4  # letters that may stand for a name without its developer
_FITS = frozenset({Agreement.EQUAL, Agreement.MAJOR})
_HIGH = 100  # a major version that few products have reached
_KEPT = 4096  # readings: the same titles stand on many devices

read_known = lru_cache(_KEPT)(read_patch)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What ESET failed at, as its attempt tells it; any text may be empty, in any script and of any length."""

    application: str
    developer: str = ""
    from_version: str = ""
    to_version: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """``certainty`` from 0 to 1 that ``patch`` is meant; ``sure``: it may be ticked beforehand."""

    patch: Patch
    certainty: float
    sure: bool


def matches(wanted: Wanted, patches: Iterable[Patch]) -> tuple[Match, ...]:
    """Every patch with its certainty, best first, those alike by id."""
    sought = _sought(wanted)
    scored = ((_certainty(sought, patch), patch) for patch in patches)
    ordered = sorted(scored, key=lambda one: (-one[0], one[1].id))
    return tuple(Match(patch, score, score >= SURE) for score, patch in ordered)


def certainty(wanted: Wanted, patch: Patch) -> float:
    """From 0 to 1: how likely ``patch`` is the one that ESET tried; ``SURE`` and above may be ticked beforehand."""
    return _certainty(_sought(wanted), patch)


@dataclass(frozen=True, slots=True)
class _Sought:
    """What depends on the wanted application alone.

    ``words`` name the software, ``joined`` without spaces, once also with the developer's; ``house``: the developer's
    words, ``idle`` those of them that need not be on both sides. A patch without one of the ``roots`` in its text names
    other software. ``line``: how many parts of a version name a product line. ``vague``: the name alone is no evidence.
    """

    words: frozenset[str]
    joined: frozenset[str]
    roots: tuple[str, ...]
    house: frozenset[str]
    idle: frozenset[str]
    bits: frozenset[str]
    years: frozenset[str]
    version: Parts
    before: Parts
    line: int
    vague: bool


def _sought(wanted: Wanted) -> _Sought:
    reading = read(fold(wanted.application))
    own = house(wanted.developer) or KNOWN_HOUSES & reading.among or KNOWN_HOUSES
    words = _naming(reading.words, own)
    joined = frozenset({"".join(words), "".join(reading.words)})
    to, before = (spelled(parts(text), reading.among) for text in (wanted.to_version, wanted.from_version))
    return _Sought(
        words=frozenset(words),
        joined=joined,
        roots=roots(words, joined),
        house=own,
        idle=own.difference(words),
        bits=reading.bits,
        years=reading.years,
        version=to or max((*reading.dotted, *reading.majors), key=len, default=()),
        before=before,
        line=max((LINES.get(word, 0) for word in words), default=0),
        vague=(GENERIC | NOISE).issuperset(words),
    )


def _naming(words: tuple[str, ...], own: frozenset[str]) -> tuple[str, ...]:
    """The words without those of the developer, unless what is left names nothing."""
    rest = tuple(word for word in words if word not in own)
    return words if GENERIC.issuperset(rest) or len("".join(rest)) < _SHORTEST else rest


def _certainty(sought: _Sought, patch: Patch) -> float:
    if not _touches(sought, patch):
        return 0.0
    found = read_known(patch.product, patch.title)
    if found.system or not found.words or not sought.words:
        return 0.0
    agreed = _versions(sought, found)
    score = _name(sought, found, agreed) * agreed.value * _bits(sought, found) * _years(sought, found, agreed)
    return round(max(score - _PLAINER * min(found.noise, _MOST_NOISE), 0.0), 4)


def _touches(sought: _Sought, patch: Patch) -> bool:
    """Whether the patch can name the same software at all: spares most of a device's patches the reading."""
    text = f"{patch.product} {patch.title}".casefold()
    for root in sought.roots:  # twice as fast as any(), and asked of every patch
        if root in text:
            return True
    return not text.isascii()


# ---------------------------------------------------------------- names


def _name(sought: _Sought, found: Reading, agreed: Agreement) -> float:
    theirs = found.among - sought.idle
    if not theirs:
        return 0.0
    differing = theirs ^ sought.words
    joined = "".join([word for word in found.words if word in theirs])
    same = not differing or joined in sought.joined or _settled(differing, sought, agreed)
    if same and LOST not in theirs:
        return _VAGUE if sought.vague and agreed is not Agreement.EQUAL else 1.0
    shares = 1 - len(differing) / len(theirs | sought.words)
    likeness = max(fuzz.ratio(joined, one) for one in sought.joined) / 100
    return _OTHER_NAME * max(shares, likeness * likeness)


def _settled(differing: frozenset[str], sought: _Sought, agreed: Agreement) -> bool:
    """Whether an equal version settles what names leave open: Mozilla's long-term channel, or the developer left out.

    Only that channel has minor versions (128.8), so that 128.8.0 is one release with or without "ESR".
    """
    if agreed is not Agreement.EQUAL or len(sought.version) < _TELLING:
        return False
    return (differing == {"esr"} and sought.version[1] > 0) or differing <= sought.house & sought.words


# ---------------------------------------------------------------- versions, years, architectures


def _versions(sought: _Sought, found: Reading) -> Agreement:
    """The best agreement of any version that the patch tells with the one that ESET tried."""
    told = found.dotted or _majors(sought, found)
    if not told:
        return _untold(sought)
    if sought.version:
        return max((_agreed(sought, version) for version in told), key=_weight)
    return _since(sought, told)


def _majors(sought: _Sought, found: Reading) -> tuple[Parts, ...]:
    """Single numbers that may be versions: of three digits only for what has come so far, as browsers have."""
    high = (sought.version or sought.before)[:1] >= (_HIGH,)
    return found.majors if high else tuple([one for one in found.majors if one[0] < _HIGH])


def _untold(sought: _Sought) -> Agreement:
    """No version contradicts nothing, but "Java" alone leaves open which of the Javas on a device."""
    return Agreement.SHORT if sought.line else Agreement.UNTOLD


def _weight(agreed: Agreement) -> float:
    return agreed.value


def _agreed(sought: _Sought, version: Parts) -> Agreement:
    agreed = agreement(sought.version, version)
    other_line = sought.line and _line(sought, version) != _line(sought, sought.version)
    return Agreement.OTHER_LINE if other_line and agreed not in _FITS else agreed


def _line(sought: _Sought, version: Parts) -> Parts:
    return version[: sought.line]


def _since(sought: _Sought, told: tuple[Parts, ...]) -> Agreement:
    """Without the version that ESET tried: a patch must lead on from the installed one, within its product line."""
    if not sought.before:
        return _untold(sought)
    later = [version for version in told if version > sought.before]
    if sought.line and _line(sought, sought.before) not in {_line(sought, version) for version in told}:
        return Agreement.OTHER_LINE
    return Agreement.UNTOLD if later else Agreement.NEAR


def _bits(sought: _Sought, found: Reading) -> float:
    return _OTHER_BITS if sought.bits and found.bits and not sought.bits & found.bits else 1.0


def _years(sought: _Sought, found: Reading, agreed: Agreement) -> float:
    """Years in names are product lines. That one side alone tells it is no contradiction when the version agrees."""
    if sought.years and found.years:
        return 1.0 if sought.years & found.years else _OTHER_YEAR
    return 1.0 if sought.years == found.years or agreed is Agreement.EQUAL else _ONE_YEAR
