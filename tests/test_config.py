"""Configuration: what is read, what is refused, and that every fault is told at once without a secret in it."""

import contextlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import config
from bot.config import Config, Need, Secret, values
from bot.errors import ConfigError
from bot.model import DeviceKind, Terms
from bot.terms import Budget
from bot.windows import Window

EXAMPLE = Path(__file__).parent.parent / "patches.example.toml"
NEEDED = {
    "SLACK_BOT_TOKEN": "xoxb-111-bottoken",
    "SLACK_APP_TOKEN": "xapp-1-apptoken",
    "ESET_USERNAME": "api@example.com",
    "ESET_PASSWORD": 'Pä&sswort "1" ',
    "NSIGHT_SERVER": "wwweurope1.systemmonitor.eu.com",
    "NSIGHT_API_KEY": "nsightkey0123456789",
}


def env(tmp_path: Path, toml: str = "", **changes: str) -> dict[str, str]:
    """A complete environment whose patches.toml holds ``toml``; ``changes`` replace or, when empty, remove."""
    path = tmp_path / "patches.toml"
    path.write_text(toml, encoding="utf-8")
    return {**NEEDED, "PATCHES_CONFIG": str(path), **changes}


def faults(environment: Mapping[str, str], need: Need = Need.ALL) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(environment, need=need)
    return caught.value.faults


def the_fault(environment: Mapping[str, str]) -> str:
    (line,) = faults(environment)
    return line


# ---------------------------------------------------------------- what is read


def test_the_least_environment_gives_every_default_of_the_contract(tmp_path: Path) -> None:
    loaded = config.load(env(tmp_path))
    assert (loaded.slack.mode, loaded.slack.api_url) == ("socket", "https://slack.com/api/")
    assert loaded.slack.bot_token.reveal() == "xoxb-111-bottoken"
    assert loaded.eset.password.reveal() == 'Pä&sswort "1" '
    assert loaded.eset.auth_url == "https://eu.business-account.iam.eset.systems"
    assert loaded.eset.patch_url == "https://eu.patch-management.eset.systems"
    assert loaded.eset.device_url == "https://eu.device-management.eset.systems"
    assert loaded.eset.every == timedelta(hours=1)
    assert loaded.nsight.url == "https://wwweurope1.systemmonitor.eu.com/api/"
    assert loaded.database.url.reveal() == "sqlite+aiosqlite:///patches.db"
    assert loaded.database.migrate is True
    assert (loaded.http.host, loaded.http.port) == ("127.0.0.1", 3000)
    assert loaded.log.level == "info"
    assert loaded.access.commands == ()
    approvals = loaded.approvals
    assert (approvals.channel, approvals.approvers, approvals.quorum, approvals.max_patches) == (None, (), 1, 50)
    assert (approvals.self_approval, approvals.reason) == (False, "optional")
    assert (approvals.expires, approvals.stale) == (timedelta(hours=4), timedelta(hours=1))
    assert (approvals.denials, approvals.deny_reason, approvals.remind) == (1, "required", timedelta(hours=1))
    assert (approvals.fallback_channel, approvals.escalate_after, approvals.escalate_channel) == (None, None, None)
    assert (approvals.escalate_to, approvals.rules, approvals.budget) == ((), (), None)
    assert approvals.terms.lists == ((),), "nobody, which is not the same as no list"
    assert (loaded.follow_up.duration, loaded.follow_up.every) == (timedelta(hours=48), timedelta(minutes=15))
    assert (loaded.digests, loaded.windows) == ((), ())
    assert (loaded.audit.channel, loaded.audit.cron, loaded.audit.timezone) == (None, "0 6 * * *", "UTC")


def test_the_example_file_loads_and_says_the_defaults(tmp_path: Path) -> None:
    example = config.load({**NEEDED, "PATCHES_CONFIG": str(EXAMPLE)})
    bare = config.load(env(tmp_path))
    assert (example.slack, example.eset, example.access) == (bare.slack, bare.eset, bare.access)
    assert (example.follow_up, example.database) == (bare.follow_up, bare.database)
    assert example.approvals.approvers == ("U0ANN", "S0PATCHTEAM")
    changes = {
        field: getattr(bare.approvals, field)
        for field in ("channel", "fallback_channel", "approvers", "escalate_channel", "rules", "budget")
    }
    assert replace(example.approvals, **changes) == bare.approvals
    (rule,) = example.approvals.rules
    assert (rule.client, rule.changes["quorum"], rule.changes["lists"]) == ("Contoso*", 2, (("S0SERVERTEAM",),))
    assert example.approvals.budget == Budget(failures=3, within=timedelta(days=30), quorum=2)
    assert (example.audit.cron, example.audit.timezone) == (bare.audit.cron, bare.audit.timezone)
    (nightly,) = example.windows
    assert (nightly.duration, nightly.timezone, nightly.kind) == (timedelta(hours=4), "Europe/Berlin", "server")
    daily, contoso = example.digests
    assert (contoso.name, contoso.channel, contoso.clients) == ("daily.contoso-ltd", "C0CONTOSO", ("Contoso Ltd",))
    assert (daily.name, daily.cron, daily.timezone) == ("daily", "0 9 * * 1-5", "Europe/Berlin")
    assert (daily.window, daily.post_when_empty) == (timedelta(hours=24), True)


def tables(shown: Mapping[str, Any], above: str = "") -> dict[str, set[str]]:
    """The keys of each table of a TOML file by its heading, such as ``[approvals]`` or ``[[approvals.rules]]``."""
    found: dict[str, set[str]] = {}
    for key, value in shown.items():
        if isinstance(value, dict):
            found |= {f"[{above}{key}]": set(value)} | tables(value, f"{above}{key}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            found[f"[[{above}{key}]]"] = set().union(*value)
    return found


def test_the_example_file_shows_every_key_that_the_bot_knows(tmp_path: Path) -> None:
    shown = tables(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))
    top = {re.split(r"[.\]]", heading.strip("["))[0] for heading in shown}
    assert top == set(the_fault(env(tmp_path, "zzzzzz = 1")).partition("known here: ")[2].split(", "))
    wrong = "".join(f"{heading}\nzzzzzz = 1\n" for heading in shown)
    lines = [line for line in faults(env(tmp_path, wrong)) if "zzzzzz" in line]
    assert len(lines) == len(shown)
    for line in lines:
        table = line.partition(".zzzzzz")[0].replace("[0]", "")
        have = shown.get(f"[{table}]") or shown[f"[[{table}]]"]
        # Of the two keys that say what follows a spent budget only one may stand there.
        known = set(line.partition("known here: ")[2].split(", ")) - ({"then"} if "budget" in table else set())
        assert known == have, table


def test_http_mode_needs_the_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    http = env(tmp_path, '[slack]\nmode = "http"', SLACK_APP_TOKEN="")
    assert the_fault(http).startswith("SLACK_SIGNING_SECRET: is missing")
    loaded = config.load({**http, "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5"})
    assert loaded.slack.signing_secret == Secret("8f742231b10e8888abcd99yyyzzz85a5")
    assert loaded.slack.app_token is None


def test_patches_toml_in_the_working_directory_is_read_when_it_is_there(tmp_path: Path) -> None:
    with contextlib.chdir(tmp_path):
        assert config.load(NEEDED).approvals.quorum == 1
        Path("patches.toml").write_text("[approvals]\nquorum = 2\n")
        assert config.load(NEEDED).approvals.quorum == 2


def test_a_file_saved_by_notepad_is_read(tmp_path: Path) -> None:
    environment = env(tmp_path)
    (tmp_path / "patches.toml").write_bytes("\ufeff[approvals]\r\nquorum = 2\r\n".encode())
    assert config.load(environment).approvals.quorum == 2


def test_a_named_file_that_is_missing_is_a_fault(tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere.toml")
    assert the_fault({**NEEDED, "PATCHES_CONFIG": missing}).startswith(f"PATCHES_CONFIG: {missing} cannot be read")


def test_a_syntax_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    line = the_fault(env(tmp_path, "[approvals]\nquorum = \n"))
    assert line.startswith("PATCHES_CONFIG: ")
    assert "line 2" in line


@pytest.mark.parametrize("toml", ["a = " + "9" * 5000, "a = " + "[" * 50_000, "a = 1\na = 2", "[a]\n[a]", "=", "\x00"])
def test_a_file_that_toml_cannot_read_is_one_fault(tmp_path: Path, toml: str) -> None:
    assert the_fault(env(tmp_path, toml)).startswith("PATCHES_CONFIG: ")


# ---------------------------------------------------------------- faults


def test_five_mistakes_are_five_lines_each_with_its_key(tmp_path: Path) -> None:
    toml = """
        [approvals]
        quorum = "two"
        expiers = "4h"
        [[digests]]
        name = "daily"
        channel = "C0NEWS"
        cron = "0 9 * * 1-5 *"
        [eset]
        every = "90"
    """
    lines = faults(env(tmp_path, toml, SLACK_BOT_TOKEN=""))
    assert sorted(line.partition(":")[0] for line in lines) == [
        "SLACK_BOT_TOKEN",
        "approvals.expiers",
        "approvals.quorum",
        "digests[0].cron",
        "eset.every",
    ]
    assert all("\n" not in line for line in lines)


def test_every_missing_secret_is_named_at_once() -> None:
    assert [line.partition(":")[0] for line in faults({})] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "ESET_USERNAME",
        "ESET_PASSWORD",
        "NSIGHT_SERVER",
        "NSIGHT_API_KEY",
    ]


BAD_ENVIRONMENT = [
    ("SLACK_BOT_TOKEN", "xapp-1-not-this", "xoxb-"),
    ("SLACK_BOT_TOKEN", "xoxb-", "xoxb-"),
    ("SLACK_BOT_TOKEN", "xoxb-1 2", "space"),
    ("SLACK_APP_TOKEN", "xoxb-1-not-this", "xapp-"),
    ("SLACK_API_URL", "http://slack.com/api/", "https"),
    ("ESET_REGION", "apac", "eu, de, us, ca or jpn"),
    ("ESET_AUTH_URL", "http://10.0.0.1/", "https"),
    ("ESET_AUTH_URL", "http://127.0.0.1.example.com/", "https"),
    ("ESET_PATCH_URL", "https://user:pw@host/", "user name"),
    ("ESET_PATCH_URL", "https://host/?a=b", "?"),
    ("ESET_DEVICE_URL", "ftp://host/", "URL"),
    ("ESET_DEVICE_URL", "https://[::1/", "URL"),
    ("ESET_DEVICE_URL", "https://host:99999/", "URL"),
    ("NSIGHT_SERVER", "https://www.systemmonitor.us/dashboard", "just www.systemmonitor.us"),
    ("NSIGHT_SERVER", "www.systemmonitor.us:443", "just www.systemmonitor.us"),
    ("NSIGHT_SERVER", "www systemmonitor us", "host name"),
    ("NSIGHT_SERVER", "-", "host name"),
    ("NSIGHT_URL", "http://www.systemmonitor.us/api/", "https"),
    ("NSIGHT_SERVER", "www..systemmonitor.us", "host name"),
    ("NSIGHT_API_KEY", "a key", "space"),
    ("NSIGHT_API_KEY", '"quotedkey"', "quote"),
    ("NSIGHT_USER_AGENT", "a\r\nX-Evil: 1", "one line"),
    ("DATABASE_URL", "postgresql+psycopg://u:s3cret@db/patches", "not built yet"),
    ("DATABASE_URL", "postgres://u:s3cret@db/patches", "not built yet"),
    ("DATABASE_URL", "sqlite:///patches.db", "sqlite+aiosqlite:///"),
    ("DATABASE_URL", "sqlite+aiosqlite://", "sqlite+aiosqlite:///"),
    ("DATABASE_URL", "sqlite+aiosqlite:///:memory:", "memory"),
    ("DATABASE_URL", "sqlite+aiosqlite:///p.db?mode=ro", "options"),
    ("DATABASE_URL", "sqlite+aiosqlite:////nowhere/at/all/p.db", "/nowhere/at/all does not exist"),
    ("DATABASE_URL", "sqlite+aiosqlite:////tmp", "folder"),
    ("BOT_HTTP", "3000", "host:port"),
    ("BOT_HTTP", ":3000", "host:port"),
    ("BOT_HTTP", "127.0.0.1:65536", "host:port"),
    ("BOT_HTTP", "::1:3000", "[::1]:3000"),
    ("BOT_HTTP", "http://127.0.0.1:3000", "host:port"),
    ("LOG_FORMAT", "xml", "json or console"),
    ("LOG_LEVEL", "verbose", "debug, info, warning or error"),
    ("SLACK_CLIENT_ID", "1.2", "not built yet"),
    ("SLACK_CLIENT_SECRET", "s", "not built yet"),
    ("TOKEN_ENCRYPTION_KEY", "s", "not built yet"),
]


@pytest.mark.parametrize(("name", "value", "says"), BAD_ENVIRONMENT)
def test_a_wrong_variable_is_one_line_that_names_it(tmp_path: Path, name: str, value: str, says: str) -> None:
    line = the_fault(env(tmp_path, **{name: value}))
    assert line.startswith(f"{name}: ")
    assert says in line
    assert "s3cret" not in line


BAD_TOML = [
    ("slack", 'mode = "https"', "slack.mode", "socket or http"),
    ("slack", "mode = true", "slack.mode", "not true"),
    ("access", 'commands = "S0HELP"', "access.commands", "list"),
    ("access", 'commands = ["S0HELP", "#help"]', "access.commands[1]", "usergroup"),
    ("eset", "every = 60", "eset.every", "not 60"),
    ("eset", 'every = "1h30m"', "eset.every", "duration"),
    ("eset", 'every = "0s"', "eset.every", "one second"),
    ("eset", 'every = "４h"', "eset.every", "duration"),
    ("eset", 'every = "99999999d"', "eset.every", "at most"),
    ("approvals", 'channel = "#approvals"', "approvals.channel", "C… or G…"),
    ("approvals", "approvers = [3]", "approvals.approvers[0]", "not 3"),
    ("approvals", "quorum = 0", "approvals.quorum", "from 1"),
    ("approvals", "quorum = true", "approvals.quorum", "not true"),
    ("approvals", "quorum = 1.0", "approvals.quorum", "not 1.0"),
    ("approvals", f"quorum = 0x{'f' * 9000}", "approvals.quorum", "very large"),
    ("approvals", 'quorum = 2\napprovers = ["U0ANN"]', "approvals.quorum", "names 1"),
    ("approvals", 'quorum = 2\napprovers = ["U0ANN", "U0ANN"]', "approvals.quorum", "names 1"),
    ("approvals", 'self_approval = "no"', "approvals.self_approval", "true or false"),
    ("approvals", "self_approval = 0", "approvals.self_approval", "true or false"),
    ("approvals", 'reason = "always"', "approvals.reason", "optional or required"),
    ("approvals", "quorum = 2\napprovers = 3", "approvals.approvers", "list"),
    ("approvals", 'quorum = 2\napprovers = ["U0ANN", "@bob"]', "approvals.approvers[1]", "@bob"),
    ("approvals", "denials = 0", "approvals.denials", "from 1"),
    ("approvals", 'deny_reason = "never"', "approvals.deny_reason", "optional or required"),
    ("approvals", 'remind = "soon"', "approvals.remind", "never"),
    ("approvals", 'fallback_channel = "#ops"', "approvals.fallback_channel", "C… or G…"),
    ("approvals", 'channel = "C0A"\nfallback_channel = "C0A"', "approvals.fallback_channel", "another channel"),
    ("approvals", 'escalate_after = "2h"', "approvals.escalate_after", "to whom"),
    ("approvals", 'escalate_after = "2h"\nescalate_to = []', "approvals.escalate_after", "to whom"),
    ("approvals", 'escalate_after = "late"\nescalate_to = ["U0DAVE"]', "approvals.escalate_after", "duration"),
    ("approvals", 'escalate_after = "2h"\nescalate_to = ["dave"]', "approvals.escalate_to[0]", "usergroup"),
    ("approvals", 'escalate_to = ["U0DAVE"]', "approvals.escalate_after", "missing"),
    ("approvals", 'escalate_channel = "C0LEADS"', "approvals.escalate_after", "missing"),
    (
        "approvals",
        'channel = "C0A"\nescalate_after = "2h"\nescalate_channel = "C0A"',
        "approvals.escalate_channel",
        "another channel",
    ),
    ("approvals", "rules = 3", "approvals.rules", "[[approvals.rules]]"),
    ("approvals", "budget = 3", "approvals.budget", "[approvals.budget]"),
    ("approvals", 'budget = [{then = "refuse"}]', "approvals.budget", "a list"),
    ("approvals.budget", "", "approvals.budget.quorum", "either quorum = 2"),
    ("approvals.budget", 'quorum = 2\nthen = "refuse"', "approvals.budget.quorum", "either"),
    ("approvals.budget", 'then = "ask"', "approvals.budget.then", "must be refuse"),
    ("approvals.budget", "quorum = 0", "approvals.budget.quorum", "from 1"),
    ("approvals.budget", "quorum = 2\nfailures = 0", "approvals.budget.failures", "from 1"),
    ("approvals.budget", 'quorum = 2\nwithin = "never"', "approvals.budget.within", "duration"),
    ("approvals.budget", "quorum = 2\ntries = 3", "approvals.budget.tries", "unknown key"),
    (
        "approvals",
        'approvers = ["U0ANN", "U0BOB"]\nbudget = {quorum = 3}',
        "approvals.budget.quorum",
        "names 2",
    ),
    ("audit", 'channel = "#audit"', "audit.channel", "C… or G…"),
    ("audit", 'cron = "0 6 * *"', "audit.cron", "five"),
    ("audit", "cron = 6", "audit.cron", "text"),
    ("audit", 'timezone = "Berlin"', "audit.timezone", "Europe/Berlin"),
    ("audit", "prune = true", "audit.prune", "unknown key"),
    ("approvals", "max_patches = 1001", "approvals.max_patches", "1000"),
    ("approvals", "quorom = 2", "approvals.quorom", "did you mean quorum?"),
    ("follow_up", 'for = "never"', "follow_up.for", "duration"),
    ("follow_up", 'every = "never"', "follow_up.every", "duration"),
    ("database", "migrate = 1", "database.migrate", "true or false"),
    ("datbase", "migrate = true", "datbase", "did you mean database?"),
    ("slack", '"a\\nb" = 1', 'slack."a\\nb"', "unknown key"),
]


@pytest.mark.parametrize(("table", "content", "path", "says"), BAD_TOML)
def test_a_wrong_key_is_one_line_with_its_path(tmp_path: Path, table: str, content: str, path: str, says: str) -> None:
    line = the_fault(env(tmp_path, f"[{table}]\n{content}\n"))
    assert line.startswith(f"{path}: ")
    assert says in line


BAD_DIGESTS = [
    ({"name": '"two words"'}, "digests[0].name", "one word"),
    ({"name": '"' + "a" * 41 + '"'}, "digests[0].name", "one word"),
    ({"name": ""}, "digests[0].name", "missing"),
    ({"channel": ""}, "digests[0].channel", "missing"),
    ({"cron": ""}, "digests[0].cron", "missing"),
    ({"cron": '"61 9 * * *"'}, "digests[0].cron", "61"),
    ({"cron": '"@daily"'}, "digests[0].cron", "@daily"),
    ({"cron": '"0 9 31 2 *"'}, "digests[0].cron", "0 9 31 2 *"),
    ({"timezone": '"Europe/Berln"'}, "digests[0].timezone", "Europe/Berlin"),
    ({"timezone": '"../../etc/passwd"'}, "digests[0].timezone", "time zone"),
    ({"window": '"never"'}, "digests[0].window", "duration"),
    ({"post_when_empty": '"no"'}, "digests[0].post_when_empty", "true or false"),
    ({"silent": "true"}, "digests[0].silent", "unknown key"),
    ({"group_by": '"device"'}, "digests[0].group_by", "application, reason, client or severity"),
    ({"clients": '"Contoso*"'}, "digests[0].clients", "must be a list"),
    ({"applications": '[""]'}, "digests[0].applications[0]", "text in quotes"),
    ({"reasons": '["FAILED_DOWNLOD_ERROR"]'}, "digests[0].reasons[0]", "did you mean FAILED_DOWNLOAD_ERROR?"),
    ({"reasons": '["FAILED_*"]'}, "digests[0].reasons[0]", "must be one of"),
    ({"cron": '"0 9 31 2 *"'}, "digests[0].cron", "never comes"),
    ({"reasons": '["OK_INSTALLED"]'}, "digests[0].reasons[0]", "must be one of"),
    ({"kind": '"laptop"'}, "digests[0].kind", "server or workstation"),
    ({"update": '"yes"'}, "digests[0].update", "true or false"),
    ({"picture": '"7d"'}, "digests[0].picture", "14d, 30d or never"),
    ({"quiet": '"Sat"'}, "digests[0].quiet", "must be a list"),
    ({"quiet": '["Sat", "Xmas"]'}, "digests[0].quiet[1]", "'Xmas' is no quiet time, such as"),
    ({"quiet": '["Mon-Sun"]'}, "digests[0].quiet", "leaves no time at all"),
    ({"channels": '["C0CONTOSO"]'}, "digests[0].channels", "must be a table"),
    ({"channels": '{"Contoso*" = "contoso"}'}, "digests[0].channels.Contoso*", "must be a channel's id"),
    ({"channels": '{" " = "C0CONTOSO"}'}, 'digests[0].channels." "', "must be a client's name"),
    ({"channels": '{"A&B" = "C0AB", "A+B" = "C0CD"}'}, "digests[0].channels.A+B", "daily.a-b would be its name"),
]


SERVER = '"server"'


def digest(**changes: str) -> str:
    keys = {"name": '"daily"', "channel": '"C0NEWS"', "cron": '"0 9 * * *"', **changes}
    return "[[digests]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value)


@pytest.mark.parametrize(("changes", "path", "says"), BAD_DIGESTS)
def test_a_wrong_digest_is_one_line_with_its_number(
    tmp_path: Path, changes: dict[str, str], path: str, says: str
) -> None:
    line = the_fault(env(tmp_path, digest(**changes)))
    assert line.startswith(f"{path}: ")
    assert says in line


# A rule as the first of two tables, or of one; what is wrong is in the last.
SERVERS = 'kind = "server"'
BAD_RULES = [
    (["quorum = 2"], "kind", "to fit by"),
    ([SERVERS], "quorum", "has to replace something"),
    (['kind = "printer"\nquorum = 2'], "kind", "server or workstation"),
    (["kind = 3\nquorum = 2"], "kind", "not 3"),
    (['client = ""\nquorum = 2'], "client", "text in quotes"),
    (["device = 1001\nquorum = 2"], "device", "text in quotes"),
    (["min_patches = 0\nquorum = 2"], "min_patches", "from 1"),
    (["min_patches = 51\nquorum = 2"], "min_patches", "max_patches is 50"),
    (['severity = "Critical"\nquorum = 2'], "severity", "list"),
    (["severity = [5]\nquorum = 2"], "severity[0]", "text in quotes"),
    (["severity = []\nquorum = 2"], "severity", "at least one"),
    ([SERVERS + '\nquorum = "two"'], "quorum", "whole number"),
    ([SERVERS + "\nqourum = 2\ndenials = 2"], "qourum", "did you mean quorum?"),
    ([SERVERS + '\nreason = "yes"'], "reason", "optional or required"),
    ([SERVERS + '\nexpires = "4"'], "expires", "duration"),
    ([SERVERS + "\napprovers = []"], "approvers", "at least one"),
    ([SERVERS + '\napprovers = "U0ANN"'], "approvers", "list"),
    ([SERVERS + '\napprovers = ["ann"]\nquorum = 3'], "approvers[0]", "usergroup"),
    ([SERVERS + "\nquorum = 4"], "quorum", "names 3"),
    ([SERVERS + '\nquorum = 2\napprovers = ["U0DAVE"]'], "quorum", "names 1"),
    ([SERVERS + '\nquorum = "2"\napprovers = ["U0DAVE"]'], "quorum", "whole number"),
    ([SERVERS + '\nescalate_after = "2h"'], "escalate_after", "to whom"),
    ([SERVERS + '\nescalate_to = ["U0DAVE"]'], "escalate_after", "missing"),
    ([SERVERS + '\nescalate_after = "2h"\nescalate_channel = "C0A"'], "escalate_channel", "another channel"),
    ([SERVERS + "\nmax_patches = 5\nquorum = 2"], "max_patches", "unknown key"),
    ([SERVERS + "\nquorum = 2", SERVERS + "\nquorum = 3"], "", "rules[0] comes first"),
    ([SERVERS + "\nquorum = 2", SERVERS + '\nclient = "Contoso*"\nquorum = 3'], "", "can never be reached"),
    (['client = "contoso*"\nquorum = 2', 'client = "Contoso*"\nmin_patches = 5\nquorum = 3'], "", "never"),
    (["min_patches = 5\nquorum = 2", "min_patches = 6\nquorum = 3"], "", "never"),
    (
        ['severity = ["Critical", "Important"]\nquorum = 2', 'severity = ["critical"]\nquorum = 3'],
        "",
        "never",
    ),
]


def rules(*tables: str) -> str:
    """Three approvers, and these rules."""
    base = '[approvals]\nchannel = "C0A"\napprovers = ["U0ANN", "U0BOB", "U0CARL"]\n'
    return base + "".join(f"[[approvals.rules]]\n{table}\n" for table in tables)


@pytest.mark.parametrize(("tables", "key", "says"), BAD_RULES)
def test_a_wrong_rule_is_one_line_with_its_number(tmp_path: Path, tables: list[str], key: str, says: str) -> None:
    line = the_fault(env(tmp_path, rules(*tables)))
    path = f"approvals.rules[{len(tables) - 1}]"
    assert line.startswith(f"{path}.{key}: " if key else f"{path}: ")
    assert says in line


def test_approvers_of_a_rule_who_are_too_few_for_the_base_quorum_are_told_there(tmp_path: Path) -> None:
    base = '[approvals]\nquorum = 2\napprovers = ["U0ANN", "U0BOB"]\n'
    rule = f'[[approvals.rules]]\n{SERVERS}\napprovers = ["U0DAVE"]\n'
    line = the_fault(env(tmp_path, base + rule))
    assert line == "approvals.rules[0].approvers: 2 approvals can never be reached: approvers names 1"


FINE_RULES = [
    [SERVERS + "\nquorum = 2", 'kind = "workstation"\nquorum = 2'],
    [SERVERS + '\nclient = "Contoso*"\nquorum = 2', SERVERS + "\nquorum = 2"],
    ['client = "Contoso*"\nquorum = 2', 'client = "Contoso Ltd"\nquorum = 3'],  # what globs mean is not looked at
    ["min_patches = 10\nquorum = 3", "min_patches = 5\nquorum = 2"],
    ['severity = ["Critical"]\nquorum = 2', 'severity = ["Critical", "Important"]\nquorum = 3'],
    ['severity = ["Critical"]\nquorum = 2', SERVERS + "\nquorum = 2"],
    ['device = "SRV-*"\nquorum = 2', 'client = "Contoso*"\nquorum = 2'],
    [SERVERS + '\nquorum = 9\napprovers = ["U0ANN", "S0TEAM"]'],
]


@pytest.mark.parametrize("tables", FINE_RULES)
def test_rules_that_leave_something_to_each_other_are_taken_in_their_order(tmp_path: Path, tables: list[str]) -> None:
    loaded = config.load(env(tmp_path, rules(*tables)))
    assert len(loaded.approvals.rules) == len(tables)


def test_a_rule_says_what_it_fits_by_and_replaces_key_by_key(tmp_path: Path) -> None:
    table = """
        kind = "Server"
        client = "Contoso*"
        device = "SRV-*"
        min_patches = 5
        severity = ["Critical", "important"]
        quorum = 2
        denials = 3
        approvers = ["U0DAVE", "S0TEAM"]
        self_approval = true
        reason = "required"
        deny_reason = "optional"
        expires = "2h"
        remind = "never"
        escalate_after = "30m"
        escalate_to = ["U0BOSS"]
        escalate_channel = "C0LEADS"
    """
    (rule,) = config.load(env(tmp_path, rules(table))).approvals.rules
    assert (rule.kind, rule.client, rule.device) == (DeviceKind.SERVER, "Contoso*", "SRV-*")
    assert (rule.min_patches, rule.severity) == (5, ("Critical", "important"))
    assert replace(Terms(), **rule.changes) == Terms(
        lists=(("U0DAVE", "S0TEAM"),),
        quorum=2,
        denials=3,
        self_approval=True,
        reason_required=True,
        deny_reason=False,
        expires=timedelta(hours=2),
        remind=None,
        escalate_after=timedelta(minutes=30),
        escalate_to=("U0BOSS",),
        escalate_channel="C0LEADS",
    )


def test_a_rule_may_switch_escalation_off_and_what_never_comes_needs_no_target(tmp_path: Path) -> None:
    escalating = '[approvals]\nescalate_after = "1h"\nescalate_to = ["U0BOSS"]\n'
    rule = f'[[approvals.rules]]\n{SERVERS}\nescalate_after = "never"\n'
    (off,) = config.load(env(tmp_path, escalating + rule)).approvals.rules
    assert off.changes == {"escalate_after": None}
    later = '[approvals]\nescalate_after = "never"\nescalate_to = ["U0BOSS"]\n'
    (on,) = config.load(env(tmp_path, later + rule.replace("never", "2h"))).approvals.rules
    assert on.changes == {"escalate_after": timedelta(hours=2)}


def test_a_rule_can_be_wrong_in_several_ways_and_they_are_all_told(tmp_path: Path) -> None:
    toml = rules('kind = "printer"\nquorum = 0', "severity = [1]\nexpires = 4\nremnd = 2")
    toml += '[approvals.budget]\nfailures = "x"\n[[windows]]\ncron = "x"\n[audit]\ncron = "y"\n'
    assert sorted(line.partition(": ")[0] for line in faults(env(tmp_path, toml))) == [
        "approvals.budget.failures",
        "approvals.budget.quorum",
        "approvals.rules[0].kind",
        "approvals.rules[0].quorum",
        "approvals.rules[1].expires",
        "approvals.rules[1].remnd",
        "approvals.rules[1].severity[0]",
        "audit.cron",
        "windows[0].cron",
        "windows[0].duration",
    ]


def test_a_budget_is_a_number_of_failures_within_a_time_and_what_follows(tmp_path: Path) -> None:
    more = config.load(env(tmp_path, "[approvals.budget]\nquorum = 2")).approvals.budget
    assert more == Budget(failures=3, within=timedelta(days=30), quorum=2)
    none = config.load(env(tmp_path, '[approvals.budget]\nfailures = 1\nwithin = "7d"\nthen = "refuse"'))
    assert none.approvals.budget == Budget(failures=1, within=timedelta(days=7), quorum=0)
    assert config.load(env(tmp_path)).approvals.budget is None


BAD_WINDOWS = [
    ({"cron": ""}, "cron", "missing"),
    ({"duration": ""}, "duration", "missing"),
    ({"cron": '"0 22 * * * *"'}, "cron", "five"),
    ({"cron": '"0 25 * * *"'}, "cron", "25"),
    ({"cron": '"0 22 30 2 *"'}, "cron", "0 22 30 2 *"),
    ({"cron": "22"}, "cron", "text"),
    ({"timezone": '"Europe/Berln"'}, "timezone", "Europe/Berlin"),
    ({"duration": '"never"'}, "duration", "duration"),
    ({"duration": "240"}, "duration", "not 240"),
    ({"duration": '"4m"'}, "duration", "at least 5m"),
    ({"kind": '"printer"'}, "kind", "server or workstation"),
    ({"client": '""'}, "client", "text in quotes"),
    ({"device": "7"}, "device", "text in quotes"),
    ({"customer": '"Contoso"'}, "customer", "unknown key"),
]


def window(**changes: str) -> str:
    keys = {"cron": '"0 22 * * *"', "duration": '"4h"', **changes}
    return "[[windows]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value)


@pytest.mark.parametrize(("changes", "key", "says"), BAD_WINDOWS)
def test_a_wrong_window_is_one_line_with_its_number(
    tmp_path: Path, changes: dict[str, str], key: str, says: str
) -> None:
    line = the_fault(env(tmp_path, window() + window(**changes)))
    assert line.startswith(f"windows[1].{key}: ")
    assert says in line


def test_a_window_holds_for_every_device_unless_it_says_for_which(tmp_path: Path) -> None:
    narrow = window(timezone='"Europe/Berlin"', client='"Contoso*"', device='"SRV-*"', kind='"server"', duration='"5m"')
    every, some = config.load(env(tmp_path, window() + narrow)).windows
    assert every == Window("0 22 * * *", timedelta(hours=4))
    assert some == Window("0 22 * * *", timedelta(minutes=5), "Europe/Berlin", "Contoso*", "SRV-*", DeviceKind.SERVER)


def test_a_digest_with_everything_is_read(tmp_path: Path) -> None:
    said = digest(
        group_by='"Severity"',
        clients='["Contoso*"]',
        applications='["Adobe *"]',
        reasons='["APPLICATION_PATCHING_STATUS_FAILED_DOWNLOAD_ERROR", "failed_prepare_error", "FAILED_MOON_PHASE"]',
        kind='"server"',
        update="true",
        picture='"30d"',
        quiet='["Sat", "22:00-06:00"]',
    )
    (plan,) = config.load(env(tmp_path, said)).digests
    assert (plan.group_by, plan.clients, plan.applications) == ("severity", ("Contoso*",), ("Adobe *",))
    assert (plan.reasons, plan.kind) == (
        ("FAILED_DOWNLOAD_ERROR", "FAILED_PREPARE_ERROR", "FAILED_MOON_PHASE"),
        DeviceKind.SERVER,
    )
    assert (plan.update, plan.picture, plan.quiet) == (True, 30, ("Sat", "22:00-06:00"))


def test_channels_of_single_clients_are_digests_beside_the_one_for_all(tmp_path: Path) -> None:
    long = "Ümläut & Söhne " * 4
    said = f'{digest(kind=SERVER)}[digests.channels]\n"Contoso*" = "C0CONTOSO"\n"*" = "C0ALL"\n"{long}" = "C0LONG"\n'
    main, contoso, every, other = config.load(env(tmp_path, said)).digests
    assert (main.name, main.clients, main.channel) == ("daily", (), "C0NEWS")
    assert contoso == replace(main, name="daily.contoso", channel="C0CONTOSO", clients=("Contoso*",))
    assert (every.name, every.clients) == ("daily.all", ("*",))
    assert values.digest_name(other.name) == other.name
    assert other.clients == (long,)


def test_a_digest_cannot_have_the_name_of_a_clients(tmp_path: Path) -> None:
    said = digest() + '[digests.channels]\nContoso = "C0CONTOSO"\n' + digest(name='"Daily.Contoso"')
    assert the_fault(env(tmp_path, said)).startswith("digests[1].name: Daily.Contoso is the name of another digest")


def test_two_digests_cannot_share_a_name_even_in_other_case(tmp_path: Path) -> None:
    line = the_fault(env(tmp_path, digest() + digest(name='"weekly"') + digest(name='"Daily"')))
    assert line.startswith("digests[2].name: ")


@pytest.mark.parametrize("toml", ["digests = 3", "digests = [1]", "[digests]\nname = 'daily'"])
def test_digests_of_the_wrong_shape_are_shown_how_to_write_them(tmp_path: Path, toml: str) -> None:
    assert "[[digests]]" in the_fault(env(tmp_path, toml))


def test_a_table_of_the_wrong_shape_is_shown_how_to_write_it(tmp_path: Path) -> None:
    assert "[approvals]" in the_fault(env(tmp_path, "approvals = 3"))


def test_a_quorum_of_usergroups_is_not_counted_beforehand(tmp_path: Path) -> None:
    loaded = config.load(env(tmp_path, '[approvals]\nquorum = 5\napprovers = ["U0ANN", "S0TEAM"]'))
    assert loaded.approvals.quorum == 5


def test_what_can_be_switched_off_says_so_and_is(tmp_path: Path) -> None:
    never = '[eset]\nevery = "never"\n[approvals]\nexpires = "never"\nstale = "never"\n'
    loaded = config.load(env(tmp_path, never))
    assert (loaded.eset.every, loaded.approvals.expires, loaded.approvals.stale) == (None, None, None)


# ---------------------------------------------------------------- files that hold secrets


def secret_file(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "secret"
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_a_secret_comes_from_its_file_without_the_line_end(tmp_path: Path, end: bytes) -> None:
    path = secret_file(tmp_path, " pä ss ".encode() + end)
    loaded = config.load(env(tmp_path, ESET_PASSWORD="", ESET_PASSWORD_FILE=path))
    assert loaded.eset.password.reveal() == " pä ss "


@pytest.mark.parametrize(
    "name",
    ["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "ESET_PASSWORD", "NSIGHT_API_KEY", "DATABASE_URL"],
)
def test_every_secret_may_stand_in_a_file_but_not_in_both_places(tmp_path: Path, name: str) -> None:
    value = {**NEEDED, "SLACK_SIGNING_SECRET": "abc", "DATABASE_URL": "sqlite+aiosqlite:///x.db"}[name]
    path = secret_file(tmp_path, value.encode() + b"\n")
    config.load(env(tmp_path, **{name: "", f"{name}_FILE": path}))
    both = the_fault(env(tmp_path, **{name: value, f"{name}_FILE": path}))
    assert both == f"{name}: set {name} or {name}_FILE, not both"


def test_a_secret_file_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    for path in (str(tmp_path), str(tmp_path / "missing"), "a\0b"):
        line = the_fault(env(tmp_path, NSIGHT_API_KEY="", NSIGHT_API_KEY_FILE=path))
        assert line.startswith("NSIGHT_API_KEY_FILE: ")


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\x00"])
def test_a_secret_file_without_a_secret_is_told_once(tmp_path: Path, content: bytes) -> None:
    path = secret_file(tmp_path, content)
    line = the_fault(env(tmp_path, ESET_PASSWORD="", ESET_PASSWORD_FILE=path))
    assert line.startswith("ESET_PASSWORD_FILE: ")


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    names = ("ESET_REGION", "BOT_HTTP", "LOG_LEVEL", "SLACK_API_URL", "NSIGHT_URL", "NSIGHT_API_KEY_FILE")
    blank = dict.fromkeys((*names, "DATABASE_URL", "SLACK_CLIENT_ID"), "")
    loaded = config.load(env(tmp_path, **blank))
    assert loaded.http.port == 3000


def test_names_that_mean_nothing_to_the_bot_are_left_alone(tmp_path: Path) -> None:
    config.load(env(tmp_path, SLACK_WEBHOOK="x", ESET_THING="y", NSIGHT_COLOUR="z"))


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.10", "[::1]", "LOCALHOST"])
def test_plain_http_is_taken_for_this_machine_only(tmp_path: Path, host: str) -> None:
    loaded = config.load(env(tmp_path, NSIGHT_SERVER="", NSIGHT_URL=f"http://{host}:8080/api"))
    assert loaded.nsight.url == f"http://{host}:8080/api/"


def test_slashes_end_up_as_the_clients_expect_them(tmp_path: Path) -> None:
    loaded = config.load(
        env(
            tmp_path,
            SLACK_API_URL="https://slack.example/api",
            ESET_AUTH_URL="https://eset.example/",
            NSIGHT_URL="https://rmm.example/api//",
        )
    )
    assert loaded.slack.api_url == "https://slack.example/api/"
    assert loaded.eset.auth_url == "https://eset.example"
    assert loaded.nsight.url == "https://rmm.example/api/"


def test_the_region_moves_all_three_services_of_eset(tmp_path: Path) -> None:
    eset = config.load(env(tmp_path, ESET_REGION="JPN")).eset
    assert eset.auth_url == "https://jpn.business-account.iam.eset.systems"
    assert eset.patch_url == "https://jpn.patch-management.eset.systems"
    assert eset.device_url == "https://jpn.device-management.eset.systems"


@pytest.mark.parametrize(
    ("value", "meant"),
    [("0.0.0.0:0", ("0.0.0.0", 0)), ("[::1]:3000", ("::1", 3000)), ("bot.local:80", ("bot.local", 80))],
)
def test_bot_http_is_host_and_port(tmp_path: Path, value: str, meant: tuple[str, int]) -> None:
    http = config.load(env(tmp_path, BOT_HTTP=value)).http
    assert (http.host, http.port) == meant


# ---------------------------------------------------------------- need, and what stays hidden


def test_audit_and_migrate_need_the_database_only(tmp_path: Path) -> None:
    bare = config.load({"PATCHES_CONFIG": str(tmp_path / "missing")}, need=Need.DATABASE)
    assert bare.database.url.reveal() == "sqlite+aiosqlite:///patches.db"
    assert faults({"DATABASE_URL": "mysql://"}, need=Need.DATABASE)[0].startswith("DATABASE_URL: ")


def test_printing_a_configuration_shows_no_secret(tmp_path: Path) -> None:
    loaded = config.load(env(tmp_path, SLACK_SIGNING_SECRET="signingsecret"))
    printed = f"{loaded} {loaded!r} {loaded.slack.bot_token} {loaded.eset.password!r:>30}"
    for secret in (*NEEDED.values(), "signingsecret"):
        if secret not in {NEEDED["ESET_USERNAME"], NEEDED["NSIGHT_SERVER"]}:
            assert secret not in printed


def test_the_list_of_secrets_holds_every_spelling_longest_first(tmp_path: Path) -> None:
    known = config.load(env(tmp_path, SLACK_SIGNING_SECRET="signingsecret")).secrets()
    assert {"xoxb-111-bottoken", "xapp-1-apptoken", "nsightkey0123456789", "signingsecret"} <= set(known)
    spellings = {'Pä&sswort "1" ', "P%C3%A4%26sswort+%221%22+", "P%C3%A4%26sswort%20%221%22%20", 'Pä&sswort \\"1\\" '}
    assert spellings <= set(known)
    assert known == sorted(known, key=len, reverse=True)
    assert config.load({}, need=Need.DATABASE).secrets() == []


def test_a_database_password_is_masked_and_counted_among_the_secrets() -> None:
    database = config.Database(Secret("postgresql+psycopg://bot:p%40ss@db:5432/patches"))
    assert database.shown == "postgresql+psycopg://***@db:5432/patches"
    assert "p%40ss" not in repr(database)
    assert {"p%40ss", "p@ss"} <= set(Config(database=database).secrets())


def test_a_token_pasted_into_the_file_is_not_repeated(tmp_path: Path) -> None:
    line = the_fault(env(tmp_path, '[approvals]\nchannel = "xoxb-111-bottoken"'))
    assert "bottoken" not in line


@given(st.integers(1, 3650), st.sampled_from("smhd"))
def test_a_duration_is_its_number_times_its_unit(number: int, unit: str) -> None:
    seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[unit]
    assert values.duration(f"{number}{unit}") == timedelta(seconds=number * seconds)


JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.text()))
PARSERS = [
    values.text,
    values.boolean,
    values.whole(1, 9),
    values.one_of("a", "b"),
    values.duration,
    values.duration_or_never,
    values.channel,
    values.member,
    values.digest_name,
    values.timezone,
]


def refusal(parse: values.Parse[object], raw: object) -> str:
    try:
        parse(raw)
    except values.Wrong as wrong:
        return str(wrong)
    return ""


@given(st.sampled_from(PARSERS), JUNK)
def test_no_toml_value_does_more_than_be_read_or_refused_in_one_line(parse: values.Parse[object], raw: object) -> None:
    assert "\n" not in refusal(parse, raw)


ENVIRONMENT_PARSERS = [
    values.base_url,
    values.host_name,
    values.listen,
    values.database_url,
    values.unbroken,
    values.header,
]


@given(st.sampled_from(ENVIRONMENT_PARSERS), st.text())
def test_no_variable_does_more_than_be_read_or_refused_in_one_line(parse: values.Parse[object], raw: str) -> None:
    assert "\n" not in refusal(parse, raw)
