"""What nobody may see on the page: what is secret anywhere, and the addresses of the stand-ins that are credentials."""

import re
from collections.abc import Iterable

from bot.redaction import Redaction

HIDDEN = "•••"
_ADDRESS = re.compile(r"(/respond/|/link/\?|/upload/v1/)[^\s\"'<>\\]*")


def masked(text: str, secrets: Iterable[str]) -> str:
    """``text`` without what is secret by its name, shape or place, and without any of ``secrets``."""
    return Redaction(secrets, HIDDEN).text(_ADDRESS.sub(rf"\1{HIDDEN}", text))
