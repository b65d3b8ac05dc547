"""Digests: gather what differs since the last one, post it, and only then mark it as posted.

Killed between the post and the mark, a digest is posted again: at least once, and exactly once unless Slack's own
answer is lost. What belongs into its thread is on record with the mark, so it comes even if the bot dies then.
"""

from bot.flows.digest.enrich import known_devices
from bot.flows.digest.files import deliver, hand_list
from bot.flows.digest.gather import FORGOTTEN, LIST, SETTLED
from bot.flows.digest.post import GROUP, open_retry, post_if_due, post_now, preview

__all__ = [
    "FORGOTTEN",
    "GROUP",
    "LIST",
    "SETTLED",
    "deliver",
    "hand_list",
    "known_devices",
    "open_retry",
    "post_if_due",
    "post_now",
    "preview",
]
