"""What a person typed behind ``/patches``: parsed, and matched with devices, patches and digests. Pure.

``parse(text)`` gives a ``Command``; ``match_*`` find the one thing meant. Whatever is unclear is a ``Refused`` whose
sentence says what was not understood and what the right form is; nothing is guessed.
"""

from bot.commands.forms import FORMS, Form
from bot.commands.ids import parse_ids
from bot.commands.kinds import (
    Command,
    DeviceInfo,
    DeviceSearch,
    DigestList,
    DigestNow,
    Help,
    History,
    Mode,
    Notify,
    Pending,
    Recent,
    Retry,
    Status,
)
from bot.commands.matching import Selection, match_device, match_patches, match_plan, patch_state, patch_words
from bot.commands.parser import parse
from bot.commands.recent import STATUSES

__all__ = [
    "FORMS",
    "STATUSES",
    "Command",
    "DeviceInfo",
    "DeviceSearch",
    "DigestList",
    "DigestNow",
    "Form",
    "Help",
    "History",
    "Mode",
    "Notify",
    "Pending",
    "Recent",
    "Retry",
    "Selection",
    "Status",
    "match_device",
    "match_patches",
    "match_plan",
    "parse",
    "parse_ids",
    "patch_state",
    "patch_words",
]
