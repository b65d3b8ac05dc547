"""What most scenes begin with: a configuration with other approvals, a request, a button pressed."""

from typing import Any

from bot.demo.slack.exchange import Exchange
from bot.demo.slack.model import Shown
from tests.scenes.stage import CONFIG, Stage

ASK = "/patches retry 1001 4,5 out of date"


def configured(**approvals: Any) -> str:
    """The usual configuration with other approvals; a value is TOML."""
    lines = [line for line in CONFIG.splitlines() if line.split(" = ")[0] not in approvals]
    at = lines.index("[approvals]") + 1
    return "\n".join([*lines[:at], *(f"{key} = {value}" for key, value in approvals.items()), *lines[at:]])


async def asked(stage: Stage, who: str = "bob", text: str = ASK) -> Shown:
    """A request is made; the card."""
    answer = await stage.asks(who, text)
    assert "is made" in answer.plain, answer.plain
    return stage.card


async def pressed(stage: Stage, who: str, button: str, card: Shown, *, stale: bool = False) -> str:
    """What ``who`` is told privately for the press."""
    exchange = await stage.world.slack.clicks(who, button, card, stale=stale)
    await stage.bot.settle()
    return private(exchange)


def private(exchange: Exchange) -> str:
    return "\n".join(answer.plain for answer in exchange.answers if answer.ephemeral_to)
