"""A complete environment with a patches.toml of the test's own, and what is told where it is wrong."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bot import config
from bot.config import Need
from bot.errors import ConfigError

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
