"""Environment and patches.toml in, one frozen Config out, or every fault at once. The names are contract.md's.

``load`` is the only thing here that touches the outside: the files it is pointed to.
"""

import sys
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum, auto
from pathlib import Path

from bot import cron
from bot.config import approvals, digests, values
from bot.config.environment import Environment
from bot.config.sections import (
    NO_SECRET,
    Access,
    Approvals,
    Audit,
    Config,
    Database,
    Eset,
    FollowUp,
    Http,
    Links,
    Log,
    Nsight,
    Slack,
)
from bot.config.toml import Table, read
from bot.config.values import Secret, Wrong
from bot.digests import DigestPlan
from bot.errors import ConfigError

__all__ = [
    "Access",
    "Approvals",
    "Audit",
    "Config",
    "Database",
    "DigestPlan",
    "Eset",
    "FollowUp",
    "Http",
    "Links",
    "Log",
    "Need",
    "Nsight",
    "Secret",
    "Slack",
    "load",
]

REGIONS = ("eu", "de", "us", "ca", "jpn")
DEFAULT = Config()
SHORTEST_SWEEP = timedelta(hours=1)
LATER = ("SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "TOKEN_ENCRYPTION_KEY")


class Need(Enum):
    """What a command is going to use, so that ``audit export`` runs where only DATABASE_URL is at hand."""

    ALL = auto()
    DATABASE = auto()


def load(env: Mapping[str, str], *, need: Need = Need.ALL) -> Config:
    """Read everything that ``need`` asks for. Relative paths count from the working directory.

    With Need.DATABASE only DATABASE_URL and the LOG_ names are read; every other section holds its defaults.
    Raises ConfigError with one line per mistake, each beginning with the name or the key's path.
    """
    faults: list[str] = []
    environment = Environment(env, faults)
    config = _everything(environment, faults) if need is Need.ALL else _database_only(environment)
    if faults:
        raise ConfigError([_one_line(fault) for fault in faults])
    return config


def _one_line(fault: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in fault)


def _database_only(env: Environment) -> Config:
    return Config(database=Database(_database_url(env)), log=_log(env))


def _everything(env: Environment, faults: list[str]) -> Config:
    root = Table("", _file(env), faults)
    slack, eset, nsight, database, access = (
        root.table(key) for key in ("slack", "eset", "nsight", "database", "access")
    )
    mode = slack.take("mode", values.one_of("socket", "http"), DEFAULT.slack.mode)
    config = Config(
        slack=_slack(env, mode),
        eset=_eset(env, eset.take("every", values.duration_or_never, DEFAULT.eset.every)),
        nsight=_nsight(env, nsight.take("sweep", values.interval(SHORTEST_SWEEP), DEFAULT.nsight.sweep)),
        database=Database(_database_url(env), database.take("migrate", values.boolean, DEFAULT.database.migrate)),
        http=Http(*env.take("BOT_HTTP", values.listen, (DEFAULT.http.host, DEFAULT.http.port))),
        log=_log(env),
        access=Access(*(access.each(key, values.member) for key in ("commands", "silence", "digests"))),
        approvals=approvals.read(root.table("approvals")),
        digests=digests.read(root.tables("digests")),
        follow_up=_follow_up(root.table("follow_up")),
        windows=tuple(approvals.window(table) for table in root.tables("windows")),
        audit=_audit(root.table("audit")),
        links=_links(root.table("links")),
    )
    for name in LATER:
        env.later(name)
    for table in (slack, eset, nsight, database, access, root):
        table.close()
    return config


# ---------------------------------------------------------------- environment


def _file(env: Environment) -> dict[str, object]:
    """patches.toml, or the file PATCHES_CONFIG names: that one has to be there."""
    named = env.take("PATCHES_CONFIG", values.text, "")
    path = Path(named or "patches.toml")
    if not named and not path.exists():
        return {}
    try:
        return read(path)
    except Wrong as wrong:
        env.fault("PATCHES_CONFIG", str(wrong))
        return {}


def _slack(env: Environment, mode: str) -> Slack:
    bot = values.token("xoxb-", "bot token")
    app = values.token("xapp-", "app-level token")
    app_why = "Socket Mode needs an app-level token (xapp-…) with connections:write" if mode == "socket" else None
    signing_why = "mode = \"http\" needs it to know Slack's requests; see the app's Basic Information"
    return Slack(
        mode=mode,
        bot_token=env.secret("SLACK_BOT_TOKEN", bot, NO_SECRET, "the bot token (xoxb-…) from OAuth & Permissions"),
        app_token=env.secret("SLACK_APP_TOKEN", app, None, app_why),
        signing_secret=env.secret(
            "SLACK_SIGNING_SECRET", values.unbroken, None, signing_why if mode == "http" else None
        ),
        api_url=env.take("SLACK_API_URL", values.base_url_slash, DEFAULT.slack.api_url),
    )


def _eset(env: Environment, every: timedelta | None) -> Eset:
    region = env.take("ESET_REGION", values.one_of(*REGIONS), "eu")

    def address(name: str, service: str) -> str:
        return env.take(name, values.base_url, f"https://{region}.{service}.eset.systems")

    return Eset(
        username=env.need("ESET_USERNAME", values.text, "", "the login of the API user made in ESET Connect"),
        password=env.secret("ESET_PASSWORD", values.password, NO_SECRET, "the API user's password"),
        auth_url=address("ESET_AUTH_URL", "business-account.iam"),
        patch_url=address("ESET_PATCH_URL", "patch-management"),
        device_url=address("ESET_DEVICE_URL", "device-management"),
        every=every,
    )


def _nsight(env: Environment, sweep: timedelta | None) -> Nsight:
    server = env.take("NSIGHT_SERVER", values.host_name, "")
    url = env.take("NSIGHT_URL", values.base_url_slash, f"https://{server}/api/")
    if not env.has("NSIGHT_SERVER") and not env.has("NSIGHT_URL"):
        why = "the host name of your territory, such as www.am.remote.management or wwweurope1.systemmonitor.eu.com"
        env.fault("NSIGHT_SERVER", f"is missing: {why}")
    return Nsight(
        url=url,
        api_key=env.secret(
            "NSIGHT_API_KEY", values.unbroken, NO_SECRET, "All Devices > Settings > General Settings > API"
        ),
        user_agent=env.take("NSIGHT_USER_AGENT", values.header, DEFAULT.nsight.user_agent),
        sweep=sweep,
    )


def _database_url(env: Environment) -> Secret:
    url = env.secret("DATABASE_URL", values.database_url, DEFAULT.database.url)
    path = Path(url.reveal().partition(":///")[2])
    if not path.parent.is_dir():
        env.fault("DATABASE_URL", f"the folder {path.parent} does not exist")
    elif path.is_dir():
        env.fault("DATABASE_URL", f"{path} is a folder, not a database file")
    return url


def _log(env: Environment) -> Log:
    by_terminal = "console" if sys.stderr.isatty() else "json"
    return Log(
        format=env.take("LOG_FORMAT", values.one_of("json", "console"), by_terminal),
        level=env.take("LOG_LEVEL", values.one_of("debug", "info", "warning", "error"), DEFAULT.log.level),
    )


# ---------------------------------------------------------------- patches.toml


def _audit(table: Table) -> Audit:
    audit = Audit(
        channel=table.take("channel", values.channel, None),
        cron=table.take("cron", values.text, DEFAULT.audit.cron),
        timezone=table.take("timezone", values.timezone, DEFAULT.audit.timezone),
    )
    if trouble := cron.check(audit.cron, audit.timezone):
        table.fault("cron", trouble)
    table.close()
    return audit


def _links(table: Table) -> Links:
    links = Links(
        eset=table.take("eset", values.console(), DEFAULT.links.eset),
        nsight=table.take("nsight", values.console("device"), DEFAULT.links.nsight),
    )
    table.close()
    return links


def _follow_up(table: Table) -> FollowUp:
    follow_up = FollowUp(
        duration=table.take("for", values.duration, DEFAULT.follow_up.duration),
        every=table.take("every", values.duration, DEFAULT.follow_up.every),
    )
    table.close()
    return follow_up
