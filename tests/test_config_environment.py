"""What the environment has to say and may: variables, addresses, and what each need asks for."""

from pathlib import Path

import pytest

from bot import config
from bot.config import Need, Secret
from tests.configured import env, faults, the_fault

# ---------------------------------------------------------------- what is needed


def test_every_missing_secret_is_named_at_once() -> None:
    assert [line.partition(":")[0] for line in faults({})] == [
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "ESET_USERNAME",
        "ESET_PASSWORD",
        "NSIGHT_SERVER",
        "NSIGHT_API_KEY",
    ]


def test_http_mode_needs_the_signing_secret_and_no_app_token(tmp_path: Path) -> None:
    http = env(tmp_path, '[slack]\nmode = "http"', SLACK_APP_TOKEN="")
    assert the_fault(http).startswith("SLACK_SIGNING_SECRET: is missing")
    loaded = config.load({**http, "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5"})
    assert loaded.slack.signing_secret == Secret("8f742231b10e8888abcd99yyyzzz85a5")
    assert loaded.slack.app_token is None


def test_audit_and_migrate_need_the_database_only(tmp_path: Path) -> None:
    bare = config.load({"PATCHES_CONFIG": str(tmp_path / "missing")}, need=Need.DATABASE)
    assert bare.database.url.reveal() == "sqlite+aiosqlite:///patches.db"
    assert faults({"DATABASE_URL": "mysql://"}, need=Need.DATABASE)[0].startswith("DATABASE_URL: ")


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    names = ("ESET_REGION", "BOT_HTTP", "LOG_LEVEL", "SLACK_API_URL", "NSIGHT_URL", "NSIGHT_API_KEY_FILE")
    blank = dict.fromkeys((*names, "DATABASE_URL", "SLACK_CLIENT_ID"), "")
    loaded = config.load(env(tmp_path, **blank))
    assert loaded.http.port == 3000


def test_names_that_mean_nothing_to_the_bot_are_left_alone(tmp_path: Path) -> None:
    config.load(env(tmp_path, SLACK_WEBHOOK="x", ESET_THING="y", NSIGHT_COLOUR="z"))


# ---------------------------------------------------------------- faults

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
