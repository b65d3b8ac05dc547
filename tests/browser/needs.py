"""What tests of this folder need that may be missing on a computer."""

import os
from typing import NoReturn

import pytest

MUST = "PATCHES_TESTS_NEED"  # names, by commas, of what must not be missing: browser, axe


def lacking(name: str, reason: str) -> NoReturn:
    """Skips the test that needs it; fails it where PATCHES_TESTS_NEED says so, as in CI."""
    if name in os.environ.get(MUST, "").split(","):
        pytest.fail(f"{reason} ({MUST} names {name})", pytrace=False)
    pytest.skip(reason)
