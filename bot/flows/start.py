"""What the bot is held to from its start on: a row in the audit trail, and the trail's head in the log."""

import hashlib

import msgspec
import structlog

from bot import __version__
from bot.config import Config
from bot.errors import TrailUnwritableError
from bot.flows.services import Services
from bot.store import JSON, Entry
from bot.store.audit import canonical

log = structlog.get_logger()


async def note(services: Services) -> bool:
    """Puts the policy in force on record and logs the head after it. False when the trail cannot be written: what
    changes something is then refused one by one, and reads still answer."""
    sha256 = fingerprint(policy_of(services.config))
    noted = True
    try:
        await append(services)
    except TrailUnwritableError as error:
        log.error("start.not_on_record", why=str(error), policy_sha256=sha256)  # noqa: TRY400  the reason says it all
        noted = False
    rows, head = await services.store.head()
    log.info("started", version=__version__, audit_rows=rows, audit_head=head, policy_sha256=sha256)
    return noted


async def append(services: Services) -> None:
    """The row itself. Raises TrailUnwritableError."""
    policy = policy_of(services.config)
    facts: dict[str, JSON] = {"version": __version__, "policy": policy, "sha256": fingerprint(policy)}
    await services.store.append(Entry(services.now(), "bot", "bot.start", "config", facts))


def policy_of(config: Config) -> dict[str, JSON]:
    """Everything in the configuration that says who may do what and when, as plain JSON: durations in ISO 8601
    (``PT14400S``), no secret. ``approvals.rules[].changes`` has the names that a request's terms have."""
    parts = {
        "access": config.access,
        "approvals": config.approvals,
        "windows": config.windows,
        "follow_up": config.follow_up,
    }
    policy: dict[str, JSON] = msgspec.to_builtins(parts)
    return policy


def fingerprint(policy: JSON) -> str:
    """SHA-256 of its canonical JSON, hex: equal for equal policies, whatever the order in the file."""
    return hashlib.sha256(canonical(policy).encode()).hexdigest()
