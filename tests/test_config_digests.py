"""What ``[[digests]]`` takes: a digest's own keys, and the channels of single clients beside it."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot import config
from bot.config import values
from bot.model import DeviceKind
from tests.configured import env, the_fault

SERVER = '"server"'
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
