"""What every test shares."""

import pytest

from bot import log


@pytest.fixture(autouse=True)
def _plain_log() -> None:
    """The program's own logging, one line an event, so that a failing test shows what the bot said."""
    log.configure("json", "warning", [])
