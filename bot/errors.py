"""The ways something can fail, each with what a person needs to hear."""

import secrets
from enum import StrEnum


def new_reference() -> str:
    """Eight hex digits that tie a sentence shown to a person to the log line with the details."""
    return secrets.token_hex(4)


class Refused(Exception):
    """The bot says no, and why: ``sentence`` is shown to the person as it stands (already safe mrkdwn)."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class VotedAlready(Refused):
    """The bot says no because this is the person's vote on ``request_id`` already."""

    def __init__(self, sentence: str, request_id: int) -> None:
        super().__init__(sentence)
        self.request_id = request_id


class NotFound(Refused):
    """The bot says no because nothing fits what the person named."""


class NothingNamed(Refused):
    """The bot says no because a person named no device to retry patches on: one can be chosen instead."""


class ConfigError(Exception):
    """Configuration is wrong; ``faults`` holds one line per mistake, each beginning with the key's path."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class TrailUnwritableError(Exception):
    """The database, and so the audit trail, cannot be written: changes are refused, reads still answer."""


class UnreadableError(Exception):
    """The database cannot be read: nothing can be shown or done until it can. ``damaged``: it is there, and spoilt."""

    def __init__(self, reason: str, *, damaged: bool = False) -> None:
        super().__init__(reason)
        self.damaged = damaged


class Service(StrEnum):
    """An outside service, by the name a person knows it by."""

    SLACK = "Slack"
    ESET = "ESET"
    NSIGHT = "N-sight"


class Kind(StrEnum):
    """Why an outside call failed."""

    UNREACHABLE = "unreachable"  # DNS, connect, TLS: nothing was sent
    TIMEOUT = "timeout"
    CUT = "cut"  # the connection broke before the answer was whole
    THROTTLED = "throttled"
    CREDENTIALS = "credentials"  # key, token, user or password refused
    FORBIDDEN = "forbidden"  # known, but not allowed
    BLOCKED = "blocked"  # something in front of the service answered (firewall, proxy)
    REFUSED = "refused"  # the service understood and said no
    BROKEN = "broken"  # an answer that makes no sense: torn XML, HTML, wrong shape
    TOO_LARGE = "too large"
    DOWN = "down"  # 5xx: trouble on the service's side


SAYINGS = {
    Kind.UNREACHABLE: "could not be reached",
    Kind.TIMEOUT: "did not answer in time",
    Kind.CUT: "cut the connection before the answer was complete",
    Kind.THROTTLED: "asks for a slower pace, try again in a minute",
    Kind.CREDENTIALS: "refused the credentials",
    Kind.FORBIDDEN: "does not allow this to the bot's account",
    Kind.BLOCKED: "is shielded by something that refused the call (a firewall or proxy)",
    Kind.REFUSED: "refused",
    Kind.BROKEN: "gave an answer that cannot be read",
    Kind.TOO_LARGE: "gave an answer larger than the bot accepts",
    Kind.DOWN: "has trouble of its own right now",
}


STOPPING = "stopping"  # the code of a call that the bot itself ended, because it stops: no fault of the service


class UpstreamError(Exception):
    """A call to an outside service failed.

    ``sent`` is False when provably no byte of the request left this machine, True when an answer came back and
    None when nobody can know. ``reference`` stands in the log line with the details; ``code`` is the service's own
    error code; ``words`` is the service's own text, plain, not yet escaped; ``retry_after`` is in seconds.
    Neither carries a secret: clients redact before they raise.
    """

    def __init__(
        self,
        service: Service,
        kind: Kind,
        *,
        reference: str,
        sent: bool | None = True,
        code: str = "",
        words: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{service}: {kind} {code} {words}".strip() + f" (reference {reference})")
        self.service, self.kind, self.reference, self.sent = service, kind, reference, sent
        self.code, self.words, self.retry_after = code, words, retry_after

    @property
    def short(self) -> str:
        """The same without a reference: what stays equal when the call fails in the same way again."""
        return f"{self.service} {SAYINGS[self.kind]}."

    @property
    def sentence(self) -> str:
        """What a person reads, without the service's own words: "N-sight did not answer in time (reference 1f2e…)."."""
        return f"{self.service} {SAYINGS[self.kind]} (reference `{self.reference}`)."


def stopping(service: Service) -> UpstreamError:
    """For who waits for a call that the bot itself ends, because it stops."""
    words = "the bot is stopping"
    return UpstreamError(service, Kind.CUT, reference=new_reference(), sent=None, code=STOPPING, words=words)
