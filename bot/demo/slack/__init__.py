"""A Slack workspace on loopback: Web API, response_urls, Socket Mode and signed HTTP, and people who type and press.

`FakeSlack` is the door. It keeps Slack's rules and limits, refuses what Slack refuses, and writes down each rule
that the bot broke (``violations``). What people do is in `acting`, the rules of messages in `limits`.
"""

from bot.demo.slack.exchange import Exchange
from bot.demo.slack.model import Channel, Shown, User, Usergroup, View
from bot.demo.slack.stand_in import FakeSlack

__all__ = ["Channel", "Exchange", "FakeSlack", "Shown", "User", "Usergroup", "View"]
