"""One delivery to the bot, whichever way it goes, and what came back."""

from dataclasses import dataclass, field

from bot.demo.slack.shapes import Json

NOBODY, TIMEOUT, WRONG_STATUS = "dispatch_failed", "operation_timeout", "http_service_error"


@dataclass(frozen=True)
class Errand:
    """``kind``: the envelope's type. ``accepts``: whether its ack may carry a payload. ``patience``: seconds for the
    ack. ``twice``: redelivered at once, only the first ack counts. ``retry``: Slack's marks of a retried event."""

    kind: str
    payload: Json
    accepts: bool
    patience: float = 3.0
    twice: bool = False
    retry: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Delivered:
    """``failure``: empty, or the word that Slack shows to the person. ``answer``: what came with the ack."""

    failure: str = ""
    answer: Json = field(default_factory=dict)
    seconds: float = 0.0
