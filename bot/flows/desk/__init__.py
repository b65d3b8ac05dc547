"""The reception desk: a command, click or submission goes to the flow it means, and its answer goes back."""

from bot.flows.desk.clicks import click
from bot.flows.desk.kinds import Click, Submission
from bot.flows.desk.submissions import faults, submit
from bot.flows.desk.typed import command

__all__ = ["Click", "Submission", "click", "command", "faults", "submit"]
