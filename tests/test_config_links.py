"""What ``[links]`` and ``[nsight]`` take, and how many devices one request may have."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot import config
from tests.configured import env, faults, the_fault

HOUR = timedelta(hours=1)


def test_without_a_word_nothing_is_swept_and_nothing_linked(tmp_path: Path) -> None:
    loaded = config.load(env(tmp_path))
    assert loaded.nsight.sweep is None
    assert (loaded.links.eset, loaded.links.nsight) == ("", "")
    assert loaded.approvals.max_devices == 10


@pytest.mark.parametrize(
    ("written", "length"),
    [("never", None), ("Never", None), ("1h", HOUR), ("60m", HOUR), ("24h", 24 * HOUR), ("7d", 168 * HOUR)],
)
def test_a_sweep_takes_an_hour_or_more_or_never_begins(written: str, length: timedelta | None, tmp_path: Path) -> None:
    assert config.load(env(tmp_path, f'[nsight]\nsweep = "{written}"')).nsight.sweep == length


ADDRESSES = [
    "https://protect.eset.com/era/webconsole/",
    "https://console.example:8443",
    "https://console.example/?view=devices&sort=name#list",
    "http://localhost:8080/console",
    "http://[::1]/",
    "HTTPS://console.example/a%20b",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_console_is_any_address_that_people_can_open(address: str, tmp_path: Path) -> None:
    links = config.load(env(tmp_path, f"[links]\neset = '{address}'\nnsight = ' {address} '")).links
    assert (links.eset, links.nsight) == (address, address)


@pytest.mark.parametrize("address", ["https://n.example/{device}", "https://n.example/?d={device}&e={device}#{device}"])
def test_n_sights_address_may_say_where_the_device_goes(address: str, tmp_path: Path) -> None:
    assert config.load(env(tmp_path, f'[links]\nnsight = "{address}"')).links.nsight == address


WRONG = [
    ("nsight", 'sweep = "59m"', "nsight.sweep", 'at least "1h"'),
    ("nsight", 'sweep = "0h"', "nsight.sweep", "at least one second"),
    ("nsight", "sweep = 24", "nsight.sweep", "duration"),
    ("nsight", "sweep = false", "nsight.sweep", '"never" switches it off'),
    ("nsight", 'sweeps = "1h"', "nsight.sweeps", "did you mean sweep?"),
    ("links", 'nsight = "http://n.example/"', "links.nsight", "must be https://"),
    ("links", 'nsight = "n.example/{device}"', "links.nsight", "must be a URL"),
    ("links", 'nsight = "javascript:alert(1)"', "links.nsight", "must be a URL"),
    ("links", 'nsight = "https://n.example/{uuid}"', "links.nsight", "nothing but {device} in braces"),
    ("links", 'nsight = "https://n.example/{device"', "links.nsight", "nothing but {device} in braces"),
    ("links", 'nsight = "https://n.example/{{device}}"', "links.nsight", "nothing but {device} in braces"),
    ("links", 'nsight = "https://n.example/{Device}"', "links.nsight", "nothing but {device} in braces"),
    ("links", 'nsight = "https://{device}.n.example/"', "links.nsight", "behind the host only"),
    ("links", 'nsight = "https://n.example:{device}/"', "links.nsight", "behind the host only"),
    ("links", 'nsight = "https://{device}@n.example/"', "links.nsight", "user name or password"),
    ("links", 'eset = "https://e.example/{device}"', "links.eset", "must hold no braces"),
    ("links", 'eset = "https://ann:secret@e.example/"', "links.eset", "user name or password"),
    ("links", 'eset = "https://e.example/a|b"', "links.eset", "plain ASCII"),
    ("links", 'eset = "https://e.example/>x"', "links.eset", "plain ASCII"),
    ("links", 'eset = "https://e.example/grüße"', "links.eset", "plain ASCII"),
    ("links", 'eset = "https://e.example/a b"', "links.eset", "must be a URL"),
    ("links", 'eset = "https://e.example:99999/"', "links.eset", "is not a URL"),
    ("links", f'eset = "https://e.example/{"x" * 1000}"', "links.eset", "800 characters"),
    ("links", "eset = 5", "links.eset", "text in quotes"),
    ("links", 'eset = ""', "links.eset", "text in quotes"),
    ("links", 'esett = "https://e.example/"', "links.esett", "did you mean eset?"),
    ("approvals", "max_devices = 0", "approvals.max_devices", "from 1 to 20"),
    ("approvals", "max_devices = 21", "approvals.max_devices", "from 1 to 20"),
    ("approvals", "max_devices = true", "approvals.max_devices", "from 1 to 20"),
]


@pytest.mark.parametrize(("table", "line", "path", "words"), WRONG)
def test_what_cannot_be_used_is_told_with_its_key(table: str, line: str, path: str, words: str, tmp_path: Path) -> None:
    fault = the_fault(env(tmp_path, f"[{table}]\n{line}"))
    assert fault.startswith(f"{path}: ")
    assert words in fault
    assert "secret" not in fault


def test_all_of_it_is_told_at_once(tmp_path: Path) -> None:
    toml = '[nsight]\nsweep = "5m"\n[links]\neset = "ftp://e"\nnsight = "x"\n[approvals]\nmax_devices = 99'
    told = [fault.partition(":")[0] for fault in faults(env(tmp_path, toml))]
    assert sorted(told) == ["approvals.max_devices", "links.eset", "links.nsight", "nsight.sweep"]


def test_one_request_has_from_one_to_twenty_devices(tmp_path: Path) -> None:
    for most in (1, 20):
        assert config.load(env(tmp_path, f"[approvals]\nmax_devices = {most}")).approvals.max_devices == most


def test_the_example_file_shows_links_and_sweeps_nothing() -> None:
    example = (Path(__file__).parent.parent / "patches.example.toml").read_text(encoding="utf-8")
    assert 'sweep = "never"' in example
    assert "{device}" in example
