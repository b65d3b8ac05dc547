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
    DigestAdd,
    DigestList,
    DigestNow,
    DigestPause,
    DigestRemove,
    Help,
    History,
    Mode,
    Notify,
    Pending,
    Recent,
    Retry,
    SilenceApplication,
    SilenceEnd,
    SilenceList,
    Status,
)
from bot.commands.matching import Selection, match_device, match_patches, match_plan, patch_state, patch_words
from bot.commands.parser import parse
from bot.commands.recent import STATUSES
from bot.commands.silence import doubt, failure, unseen

__all__ = [
    "FORMS",
    "STATUSES",
    "Command",
    "DeviceInfo",
    "DeviceSearch",
    "DigestAdd",
    "DigestList",
    "DigestNow",
    "DigestPause",
    "DigestRemove",
    "Form",
    "Help",
    "History",
    "Mode",
    "Notify",
    "Pending",
    "Recent",
    "Retry",
    "Selection",
    "SilenceApplication",
    "SilenceEnd",
    "SilenceList",
    "Status",
    "doubt",
    "failure",
    "match_device",
    "match_patches",
    "match_plan",
    "parse",
    "parse_ids",
    "patch_state",
    "patch_words",
    "unseen",
]
