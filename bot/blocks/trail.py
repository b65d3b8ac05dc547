"""The audit trail's head where people see it: whoever holds one outside the database can prove what was there."""

from datetime import datetime

from bot.blocks import text
from bot.model import Message

SHOWN = 16  # hex digits that people compare by eye
GUARDED = "rows that were changed or cut off since are found out"


def line(rows: int, head: str) -> str:
    """Number of rows and the head's first digits, for a list of facts."""
    return f"*Audit trail:* {text.plural(rows, 'row')}, head {text.code(head[:SHOWN])}"


def hint(head: str) -> str:
    """The whole head, and what to do with it."""
    return f"Head of the audit trail: {text.code(head)}. Keep it elsewhere: with {_check(head)} {GUARDED}."


def posted(rows: int, head: str, at: datetime) -> Message:
    """The daily message: a head that nobody with access to the database alone can take back."""
    blocks = [
        text.section(f"{line(rows, head)}, {text.when(at)}\n{text.code(head)}"),
        text.context(f"This copy is outside the database: with {_check(head)} {GUARDED}."),
    ]
    return text.message(f"Audit trail: {text.plural(rows, 'row')}, head {head}", blocks)


def _check(head: str) -> str:
    return text.code(f"patches-bot audit verify --head {head}", 120)
