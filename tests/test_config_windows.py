"""What ``[[windows]]`` takes."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import config
from bot.model import DeviceKind
from bot.windows import Window
from tests.configured import env, the_fault

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
