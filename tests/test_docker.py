"""The container image's recipe, without an engine: what it promises is in it, and its install step works."""

import json
import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from bot import config, manifest
from bot.config import Need

ROOT = Path(__file__).parent.parent


def steps() -> list[tuple[str, str]]:
    """(instruction, its text) of each step of the Dockerfile, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n\s*", " ", text).splitlines()
    return [(line.split()[0], line.partition(" ")[2]) for line in lines if line and not line.startswith("#")]


def last(instruction: str) -> str:
    return [text for name, text in steps() if name == instruction][-1]


def image_env() -> dict[str, str]:
    pairs = (pair.partition("=") for name, text in steps() if name == "ENV" for pair in text.split())
    return {name: value for name, _, value in pairs}


def test_the_container_runs_without_root_under_a_number() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", last("USER"))
    names = [name for name, _ in steps()]
    assert "RUN" not in names[names.index("USER") :]


def test_the_base_image_is_slim_and_of_a_python_that_the_bot_supports() -> None:
    bases = {text.split()[0] for name, text in steps() if name == "FROM"}
    assert bases == {"python:3.13-slim"}
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11"


def test_sigterm_reaches_the_bot_itself() -> None:
    assert last("STOPSIGNAL") == "SIGTERM"
    assert json.loads(last("ENTRYPOINT")) == ["patches-bot"]
    assert json.loads(last("CMD")) == ["run"]


def test_what_is_written_goes_to_the_volume() -> None:
    assert (last("VOLUME"), last("WORKDIR")) == ("/data", "/data")
    assert image_env()["DATABASE_URL"] == "sqlite+aiosqlite:////data/patches.db"
    assert image_env()["PYTHONDONTWRITEBYTECODE"] == "1"


def test_the_image_listens_where_its_health_check_looks(tmp_path: Path) -> None:
    database = {"DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/p.db"}
    config.load({**image_env(), **database}, need=Need.DATABASE)
    assert image_env()["BOT_HTTP"] == f"0.0.0.0:{last('EXPOSE')}"
    program = json.loads(last("HEALTHCHECK").partition("CMD ")[2])
    assert program[:2] == ["python", "-c"]
    compile(program[2], "HEALTHCHECK", "exec")
    assert "/healthz" in program[2]


def test_no_secret_is_baked_in_and_only_named_files_are_copied() -> None:
    text = "\n".join(text for _, text in steps())
    assert not re.search(r"xox|xapp|TOKEN|SECRET|PASSWORD|API_KEY", text)
    assert not [text for name, text in steps() if name == "ADD" or (name == "COPY" and text.startswith("."))]
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert rules[0] == "*"
    copied = {name for step, text in steps() if step == "COPY" and "--from" not in text for name in text.split()[:-1]}
    assert {rule.removeprefix("!") for rule in rules if rule.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)


def test_the_lock_file_pins_every_runtime_dependency_and_names_no_index() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert "--" not in lock
    pinned = set(re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    wanted = {re.split(r"[\[>=<~!; ]", line)[0].lower() for line in [*project["dependencies"], *extras]}
    assert wanted <= pinned


@pytest.mark.deep
@pytest.mark.timeout(900)
def test_the_image_s_install_step_gives_a_bot_that_runs_outside_the_repository(tmp_path: Path) -> None:
    environment = tmp_path / "patches"
    venv.create(environment, with_pip=True)
    bin_ = environment / ("Scripts" if sys.platform == "win32" else "bin")
    install = [
        f"{bin_}/pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "-c",
        f"{ROOT}/requirements.lock",
        f"{ROOT}",
    ]
    done = subprocess.run(install, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = subprocess.run([bin_ / "pip", "freeze"], capture_output=True, text=True, check=True).stdout
    assert "pytest" not in listed
    run = [bin_ / "patches-bot"]
    printed = subprocess.run([*run, "manifest"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert printed == manifest.render()
    database = {"DATABASE_URL": "sqlite+aiosqlite:///here.db", "PATH": "/usr/bin:/bin"}
    subprocess.run([*run, "migrate"], cwd=tmp_path, env=database, check=True)
    assert (tmp_path / "here.db").exists()
