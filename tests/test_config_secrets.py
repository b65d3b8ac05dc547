"""Secrets: the files that may hold them, and that nothing which is printed or told does."""

from pathlib import Path

import pytest

from bot import config
from bot.config import Config, Need, Secret
from tests.configured import NEEDED, env, the_fault

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


# ---------------------------------------------------------------- what stays hidden


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
