"""The configuration as frozen values, with the defaults of patches.toml and of the environment."""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from bot import __version__
from bot.config.values import Secret
from bot.digests import DigestPlan
from bot.model import Terms
from bot.terms import Budget, Rule
from bot.windows import Window

USER_AGENT = f"Mozilla/5.0 (compatible; patches-bot/{__version__})"  # N-sight's firewall refuses unknown agents
NO_SECRET = Secret("")
BESIDE = Secret("sqlite+aiosqlite:///patches.db")  # in the working directory


@dataclass(frozen=True, slots=True)
class Slack:
    """``app_token`` is there in Socket Mode, ``signing_secret`` in HTTP mode. ``api_url`` ends in a slash."""

    mode: str = "socket"  # or "http"
    bot_token: Secret = NO_SECRET
    app_token: Secret | None = None
    signing_secret: Secret | None = None
    api_url: str = "https://slack.com/api/"


@dataclass(frozen=True, slots=True)
class Eset:
    """URLs have no trailing slash. ``every``: how often attempts are collected, None = only when a digest is due."""

    username: str = ""
    password: Secret = NO_SECRET
    auth_url: str = "https://eu.business-account.iam.eset.systems"
    patch_url: str = "https://eu.patch-management.eset.systems"
    device_url: str = "https://eu.device-management.eset.systems"
    every: timedelta | None = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Nsight:
    """``url`` ends in ``/api/`` or whatever the operator set, always with a slash. ``sweep``: how often the patches of
    every device are read in the background, None = never."""

    url: str = ""
    api_key: Secret = NO_SECRET
    user_agent: str = USER_AGENT
    sweep: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Links:
    """Addresses of the vendors' consoles for people to open, empty = no link. ``{device}`` in N-sight's stands for the
    device's id."""

    eset: str = ""
    nsight: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """``url`` is for SQLAlchemy's async engine and may hold a password; ``shown`` may be printed."""

    url: Secret = BESIDE
    migrate: bool = True

    @property
    def shown(self) -> str:
        plain = self.url.reveal()
        head, at, tail = plain.partition("://")[2].rpartition("@")
        return plain.replace(head + at + tail, f"***@{tail}") if at else plain

    def passwords(self) -> list[Secret]:
        netloc = urlsplit(self.url.reveal()).netloc
        quoted = netloc.rpartition("@")[0].partition(":")[2]
        return [Secret(text) for text in dict.fromkeys((quoted, unquote(quoted))) if text]


@dataclass(frozen=True, slots=True)
class Http:
    """Where health, metrics and, in HTTP mode, Slack's requests are served. Port 0 = any free one."""

    host: str = "127.0.0.1"
    port: int = 3000


@dataclass(frozen=True, slots=True)
class Log:
    format: str = "json"  # or "console"
    level: str = "info"  # debug, info, warning, error


@dataclass(frozen=True, slots=True)
class Access:
    """User and usergroup ids. ``commands``: who may use /patches, empty = every full member. ``silence``: who of them
    may keep applications out of digests, ``digests``: who may subscribe to digests; empty = each of them."""

    commands: tuple[str, ...] = ()
    silence: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Approvals:
    """Without ``channel`` or without ``approvers`` retry is refused with a sentence. None = never.

    ``fallback_channel``: where requests go when ``channel`` cannot be posted to.
    """

    channel: str | None = None
    fallback_channel: str | None = None
    approvers: tuple[str, ...] = ()
    quorum: int = 1
    denials: int = 1
    self_approval: bool = False
    reason: str = "optional"  # or "required"
    deny_reason: str = "required"  # or "optional"
    expires: timedelta | None = timedelta(hours=4)
    stale: timedelta | None = timedelta(hours=1)
    remind: timedelta | None = timedelta(hours=1)
    escalate_after: timedelta | None = None
    escalate_to: tuple[str, ...] = ()
    escalate_channel: str | None = None
    max_patches: int = 50
    max_devices: int = 10
    rules: tuple[Rule, ...] = ()
    budget: Budget | None = None

    @property
    def terms(self) -> Terms:
        """What a request takes that no rule is about. Its one list is empty when nobody is named: nobody may then."""
        return Terms(
            lists=(self.approvers,),
            quorum=self.quorum,
            denials=self.denials,
            self_approval=self.self_approval,
            reason_required=self.reason == "required",
            deny_reason=self.deny_reason == "required",
            expires=self.expires,
            remind=self.remind,
            escalate_after=self.escalate_after,
            escalate_to=self.escalate_to,
            escalate_channel=self.escalate_channel or "",
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """Where the audit trail's head is posted, and when; None = nowhere."""

    channel: str | None = None
    cron: str = "0 6 * * *"
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """How long (``for`` in the file) and how often a sent retry is looked at until every patch is settled."""

    duration: timedelta = timedelta(hours=48)
    every: timedelta = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the bot was told. Printing it shows no secret."""

    slack: Slack = field(default_factory=Slack)
    eset: Eset = field(default_factory=Eset)
    nsight: Nsight = field(default_factory=Nsight)
    database: Database = field(default_factory=Database)
    http: Http = field(default_factory=Http)
    log: Log = field(default_factory=Log)
    access: Access = field(default_factory=Access)
    approvals: Approvals = field(default_factory=Approvals)
    digests: tuple[DigestPlan, ...] = ()
    follow_up: FollowUp = field(default_factory=FollowUp)
    windows: tuple[Window, ...] = ()
    audit: Audit = field(default_factory=Audit)
    links: Links = field(default_factory=Links)

    def secrets(self) -> list[str]:
        """Every spelling of every secret, longest first, for the log's redactor and for tests that look for leaks."""
        tokens = (self.slack.bot_token, self.slack.app_token, self.slack.signing_secret)
        held = [*tokens, self.eset.password, self.nsight.api_key, *self.database.passwords()]
        forms = {form for secret in held if secret for form in secret.forms()}
        return sorted(forms, key=lambda form: (-len(form), form))
