"""The reception desk: a command, click or submission goes to the flow it means, and its answer goes back."""

from bot.flows.desk.clicks import click
from bot.flows.desk.kinds import Ack, Click, Submission
from bot.flows.desk.opened import opened
from bot.flows.desk.picking import options
from bot.flows.desk.submissions import ack, submit, unchecked
from bot.flows.desk.typed import command

__all__ = ["Ack", "Click", "Submission", "ack", "click", "command", "opened", "options", "submit", "unchecked"]
