"""Versions as different catalogues write them, and how far two of them agree. Pure."""

import re
from enum import Enum

Parts = tuple[int, ...]
_NUMBER = re.compile("[0-9]+")
_BUILD = 1000  # a part from here on is a build number
_JAVA_8 = 8


class Agreement(Enum):
    """How two versions stand to each other. The value weighs on the certainty that one patch is meant."""

    EQUAL = 1.0  # up to the parts that both have
    MAJOR = 0.95  # one side tells its major version only, and it fits
    UNTOLD = 0.94
    SHORT = 0.8  # 136.0 may be cut short for 136.0.1, or be the release before it
    NEAR = 0.75  # same major and minor version, another build
    SAME_MAJOR = 0.65
    OTHER = 0.55
    OTHER_LINE = 0.3  # another product, for software of which several lines live side by side


def parts(text: str) -> Parts:
    """``24.002.20965`` → (24, 2, 20965); () for text without digits. Nothing that is no number counts as a part."""
    return tuple([int(number) for number in _NUMBER.findall(text[:80])[:6]])


def spelled(version: Parts, words: frozenset[str]) -> Parts:
    """``version`` in the one spelling that is compared, by the habits of the software that ``words`` name.

    Adobe and Foxit write 2025 for 25, Citrix 2409 for 24.9; Oracle's 8.0.4410.7 and 1.8.0_441 are Java 8 Update 441;
    Python's installers carry 3.12.9150.0 for 3.12.9, Notepad++'s program file 8.78 for 8.7.8.
    """
    if not version:
        return version
    if 2000 <= version[0] < 2100:
        version = (version[0] - 2000, *version[1:])
    elif 1900 < version[0] < 3913 and 1 <= version[0] % 100 <= 12 and "citrix" in words:
        version = (version[0] // 100, version[0] % 100, *version[1:])
    if "java" in words:
        return _java(version)
    if "python" in words and len(version) > 2 and version[2] >= _BUILD:
        return (*version[:2], version[2] // _BUILD)
    if "notepad++" in words and len(version) == 2 and version[1] > 9:
        return (version[0], *(int(digit) for digit in str(version[1])))
    return version


def _java(version: Parts) -> Parts:
    if version[:2] == (1, _JAVA_8):
        version = version[1:]
    if len(version) > 2 and version[:2] == (_JAVA_8, 0) and version[2] >= _BUILD and version[2] % 10 == 0:
        return (_JAVA_8, 0, version[2] // 10)
    return version


def agreement(one: Parts, other: Parts) -> Agreement:
    """How far two versions agree, both in their ``spelled`` form; leading zeros are gone with ``parts``."""
    if not one or not other:
        return Agreement.UNTOLD
    short, long = sorted((one, other), key=len)
    shared = _shared(short, long)
    if shared == len(short):
        return _cut_short(short, long)
    if _left_out(short, long):
        return Agreement.EQUAL
    return (Agreement.OTHER, Agreement.SAME_MAJOR)[shared] if shared < 2 else Agreement.NEAR


def _shared(short: Parts, long: Parts) -> int:
    """How many leading parts are the same."""
    for place, part in enumerate(short):
        if part != long[place]:
            return place
    return len(short)


def _cut_short(short: Parts, long: Parts) -> Agreement:
    """Of a version that begins the other: ``136.0`` is a release of its own beside ``136.0.1``, ``24.9`` is 24.9.0."""
    if len(short) == 1:
        return Agreement.MAJOR if len(long) > 1 else Agreement.EQUAL
    if len(short) == 2 and len(long) > 2 and long[2]:
        return Agreement.SHORT
    return Agreement.EQUAL


def _left_out(short: Parts, long: Parts) -> bool:
    """Whether ``short`` is the other without a part in the middle: Zoom's 6.3.60501 is 6.3.11.60501."""
    return len(short) == 3 and len(long) == 4 and short[:2] == long[:2] and short[2] == long[3] >= _BUILD
