"""Configuration: what the file gives, what it shows by example, and that each wrong key is one line."""

import contextlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import config
from bot.terms import Budget
from tests.configured import EXAMPLE, NEEDED, env, faults, the_fault

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


def test_what_can_be_switched_off_says_so_and_is(tmp_path: Path) -> None:
    never = '[eset]\nevery = "never"\n[approvals]\nexpires = "never"\nstale = "never"\n'
    loaded = config.load(env(tmp_path, never))
    assert (loaded.eset.every, loaded.approvals.expires, loaded.approvals.stale) == (None, None, None)


def test_a_quorum_of_usergroups_is_not_counted_beforehand(tmp_path: Path) -> None:
    loaded = config.load(env(tmp_path, '[approvals]\nquorum = 5\napprovers = ["U0ANN", "S0TEAM"]'))
    assert loaded.approvals.quorum == 5


# ---------------------------------------------------------------- which file, and whether it is TOML


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


def test_a_table_of_the_wrong_shape_is_shown_how_to_write_it(tmp_path: Path) -> None:
    assert "[approvals]" in the_fault(env(tmp_path, "approvals = 3"))
