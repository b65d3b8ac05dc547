"""What a person types behind /patches: read as meant, or refused with the sentence that helps."""

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import commands
from bot.commands import (
    DeviceInfo,
    DeviceSearch,
    DigestList,
    DigestNow,
    Help,
    History,
    Notify,
    Pending,
    Recent,
    Retry,
    Status,
    match_device,
    match_patches,
    match_plan,
    parse,
    parse_ids,
)
from bot.errors import Refused
from bot.model import Device, DeviceKind, Patch, PatchStatus

ANYTHING = st.text(st.characters(exclude_categories=()), max_size=120)


def refusal(text: str) -> str:
    with pytest.raises(Refused) as caught:
        parse(text)
    return caught.value.sentence


# ---------------------------------------------------------------- sub-commands


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Help()),
        (" \u200b\n", Help()),
        ("help", Help()),
        ("HELP retry", Help("retry")),
        ("--help", Help()),
        ("pending", Pending()),
        ("\ufeffpending ", Pending()),
        ("Status", Status()),
        ("history", History()),
        ("history SRV1", History("SRV1")),
        ("history “Front Desk PC”", History("Front Desk PC")),
        ("notify", Notify()),
        ("notify off", Notify(on=False)),
        ("Notify ON", Notify(on=True)),
        ("notify \u200boff\n", Notify(on=False)),
        ("digest list", DigestList()),
        ("digest\u00a0now daily", DigestNow("daily")),
        ('digest now "each monday"', DigestNow("each monday")),
        ("device 1001", DeviceInfo("1001")),
        ("device Front Desk  PC", DeviceInfo("Front Desk PC")),
        ('device "Front Desk PC"', DeviceInfo("Front Desk PC")),
        ("device 'Front Desk PC'", DeviceInfo("Front Desk PC")),
        ("device <http://srv1.example.com|srv1.example.com>", DeviceInfo("srv1.example.com")),
        ("device <http://srv1.example.com>", DeviceInfo("srv1.example.com")),
        ("device A&amp;B-PC", DeviceInfo("A&B-PC")),
        ("devices srv  contoso", DeviceSearch("srv contoso")),
        ('Devices "Front Desk"', DeviceSearch("Front Desk")),
        ("devices Müller &amp; Söhne", DeviceSearch("Müller & Söhne")),
    ],
)
def test_a_command_is_read_as_meant(text: str, command: commands.Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("retyr SRV1 4", "Did you mean `/patches retry`?"),
        ("recents", "Did you mean `/patches recent`?"),
        ("xyzzy", "`xyzzy` is not a command."),
        ("pending all", "`all` is not understood: `pending` stands alone."),
        ("status eset", "`eset` is not understood"),
        ("help retri", "Did you mean `retry`?"),
        ("notify me", "`me` is not understood."),
        ("notify offf", "Did you mean `off`?"),
        ("notify off please", "`please` is not understood: `on` or `off` stands alone."),
        ("notfy off", "Did you mean `/patches notify`?"),
        ("digest", "It needs `list`, `now`, `add`, `remove`, `pause` or `resume`."),
        ("digest nwo daily", "Did you mean `now`?"),
        ("digest now", "The name of the digest is missing"),
        ("device", "A device is missing"),
        ("device “Front", "The quote before `Front` is never closed."),
        ('devices "', "The quote at the end is never closed."),
        ("device „ \u200b", "The quote at the end is never closed."),
        ("retry", "A device and patch ids are missing."),
        ('retry "" 4', "A device and patch ids are missing."),
    ],
)
def test_what_is_not_understood_is_named_with_the_right_form(text: str, said: str) -> None:
    sentence = refusal(text)
    assert said in sentence
    assert "Nothing was done" in sentence


# ---------------------------------------------------------------- retry


@pytest.mark.parametrize(
    ("text", "device", "ids", "reason"),
    [
        ("1001 4,5", "1001", (4, 5), ""),
        ("SRV1 4,5, disk is free", "SRV1", (4, 5), "disk is free"),
        ("SRV1, 4,5", "SRV1", (4, 5), ""),
        ("SRV1 4, 5 please", "SRV1", (4, 5), "please"),
        ("SRV1 4 ,5 please", "SRV1", (4, 5), "please"),
        ("SRV1 4 , 5", "SRV1", (4, 5), ""),
        ("SRV1\n4\n5\n6\n", "SRV1", (4, 5, 6), ""),
        ("SRV1\u00a04,\u00a05", "SRV1", (4, 5), ""),
        ("SRV1 4\u200b,5\u200b again", "SRV1", (4, 5), "again"),
        ("SRV1 5,4,5,05", "SRV1", (5, 4), ""),
        ("SRV1 4,5 because of the 2nd disk", "SRV1", (4, 5), "because of the 2nd disk"),
        ("SRV1 4,5 -- 2nd try", "SRV1", (4, 5), "2nd try"),
        ("SRV1 4,5 — 2nd try", "SRV1", (4, 5), "2nd try"),
        ("SRV1 4,5 failed twice", "SRV1", (4, 5), "failed twice"),
        ("SRV1 failed", "SRV1", None, ""),
        ("SRV1 Failed, as agreed", "SRV1", None, "as agreed"),
        ("SRV1 failed -- 4 of them", "SRV1", None, "4 of them"),
        ("SRV1 failed 3 times today", "SRV1", None, "3 times today"),
        ('"Front Desk PC" 4', "Front Desk PC", (4,), ""),
        ("“Front Desk PC” 4", "Front Desk PC", (4,), ""),
        ("„Empfang Süd“ 4", "Empfang Süd", (4,), ""),
        ("<http://srv1.example.com|srv1.example.com> 4,5", "srv1.example.com", (4, 5), ""),
        (
            "SRV1 4 see <https://wiki/x|wiki> &amp; ask <@U0BOB|bob>",
            "SRV1",
            (4,),
            "see wiki (https://wiki/x) & ask @bob",
        ),
        ("SRV1 4 &lt;!channel&gt; שלום 👩‍🔧", "SRV1", (4,), "<!channel> שלום 👩‍🔧"),
    ],
)
def test_device_ids_and_reason_are_told_apart(text: str, device: str, ids: tuple[int, ...], reason: str) -> None:
    assert parse(f"retry {text}") == Retry(device, ids, reason)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SRV1 2nd", "`2nd` is no patch id."),
        ("SRV1 4,5x,6", "`5x` is no patch id. Without: `/patches retry SRV1 4,6`."),
        ("SRV1 4 5-9 7a reason", "`5-9` and `7a` are no patch ids. Without: `/patches retry SRV1 4 reason`."),
        ("SRV1 0,4", "`0` is no patch id."),
        (f"SRV1 4,{'9' * 40}", "is no patch id. Without: `/patches retry SRV1 4`."),
        (f"SRV1 {'9' * 6000}", "is no patch id."),
        ("SRV1", "Patch ids are missing"),
        ("SRV1 please", "Patch ids are missing"),
        ("SRV1 -- because", "Patch ids are missing"),
        ("SRV1 all", "Did you mean `/patches retry SRV1 failed`?"),
        ("SRV1 faild", "Did you mean `/patches retry SRV1 failed`?"),
        ("SRV1 failed 4,5", "not both"),
        ("SRV1 failed 4 -- because", "not both"),
        ("SRV1 4,5 --force", "`--force` is not an option"),
        ("Front Desk PC 4,5", 'needs quotes: `/patches retry "Front Desk PC" 4,5`'),
        ("Front Desk PC failed", 'needs quotes: `/patches retry "Front Desk PC" failed`'),
    ],
)
def test_ids_that_are_none_refuse_the_whole_command(text: str, said: str) -> None:
    sentence = refusal(f"retry {text}")
    assert said in sentence
    assert "/patches retry DEVICE IDS [reason…]" in sentence


def test_a_long_reason_is_kept_whole() -> None:
    reason = "because " * 1250
    command = parse(f"retry SRV1 4 {reason}")
    assert isinstance(command, Retry)
    assert command.reason == reason.strip()


@given(
    st.lists(st.integers(1, 10**9), min_size=1, max_size=20),
    st.lists(st.sampled_from([",", ", ", " ,", " ", "\n", " , ", ",,", "\u00a0"]), min_size=20, max_size=20),
    st.sampled_from(["", "because", "-- 2nd", "naïve 4"]),
)
def test_ids_mean_the_same_however_they_are_separated(ids: list[int], between: list[str], reason: str) -> None:
    typed = "".join(f"{patch}{gap}" for patch, gap in zip(ids, between, strict=False))
    command = parse(f"retry SRV1 {typed} {reason}")
    assert isinstance(command, Retry)
    assert command.ids == tuple(dict.fromkeys(ids))
    assert command.reason == reason.removeprefix("-- ")


@pytest.mark.parametrize("text", ["4,5", "4 5", "4\n5\n", " 4 ,5, ", "4, 5,4"])
def test_ids_in_a_modal_are_read_as_pasted(text: str) -> None:
    assert parse_ids(text) == (4, 5)


@pytest.mark.parametrize(
    ("text", "said"), [("", "missing"), ("4,x", "`x` is no patch id"), ("a b", "are no patch"), ("0", "`0`")]
)
def test_a_modal_refuses_what_is_no_id(text: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        parse_ids(text)


# ---------------------------------------------------------------- recent


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("", Recent()),
        ("all", Recent("all")),
        ("OK since:24h", Recent("ok", since=timedelta(hours=24))),
        ("app:7-Zip", Recent(app="7-Zip")),
        ('app:"Adobe Reader" all', Recent("all", app="Adobe Reader")),
        ("app:“Adobe Reader” since:90m", Recent(app="Adobe Reader", since=timedelta(minutes=90))),
        ("status:failed_download_error", Recent(status="FAILED_DOWNLOAD_ERROR")),
        ("status:APPLICATION_PATCHING_STATUS_OK_INSTALLED", Recent("ok", status="OK_INSTALLED")),
        ("status:PATCHING_STATUS_SCHEDULED", Recent("all", status="SCHEDULED")),
        ("all status:FAILED-PREPARE-ERROR", Recent("all", status="FAILED_PREPARE_ERROR")),
        ("SINCE:30s", Recent(since=timedelta(seconds=30))),
        ("app:Foo&amp;Bar", Recent(app="Foo&Bar")),
    ],
)
def test_options_of_recent_come_in_any_order(text: str, command: Recent) -> None:
    assert parse(f"recent {text}") == command


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faild", "Did you mean `failed`?"),
        ("apps:x", "Did you mean `app:`?"),
        ("foo:x", "`foo:` is not an option."),
        ("app:", "needs a value right behind the colon"),
        ("app: 7-Zip", "needs a value right behind the colon"),
        ('app:"Adobe Reader', "never closed"),
        ("app:Adobe Reader", "A name with spaces needs quotes"),
        ("since 7d", "Did you mean `since:`?"),
        ("since:1w", "`1w` is not a time span"),
        ("since:0d", "`0d` is not a time span"),
        ("since:999999d", "is not a time span"),
        ("status:DOWNLOAD_ERROR", "Did you mean `status:FAILED_DOWNLOAD_ERROR`?"),
        ("status:zzz", "`zzz` is not a status that ESET uses."),
        ("ok status:FAILED_DOWNLOAD_ERROR", "No attempt is `ok` with `status:FAILED_DOWNLOAD_ERROR`."),
        ("ok all", "`mode` is given twice."),
        ("app:a app:b", "`app` is given twice."),
    ],
)
def test_an_unknown_option_of_recent_is_named(text: str, said: str) -> None:
    sentence = refusal(f"recent {text}")
    assert said in sentence
    assert "/patches recent [failed|ok|all]" in sentence


# ---------------------------------------------------------------- every text


@given(
    st.sampled_from(["", "retry ", "retry SRV1 ", "recent ", "digest ", "device ", "history ", "notify ", "help "]),
    ANYTHING,
)
def test_parsing_gives_a_command_or_a_sentence(start: str, rest: str) -> None:
    sentence = "parsed"
    try:
        parse(start + rest)
    except Refused as refused:
        sentence = refused.sentence
    assert 0 < len(sentence) < 3000
    assert not re.search("[<>]", sentence)


@given(st.text("0123456789,- failed—\"“”'\n<>|&;x", max_size=40))
def test_a_retry_never_holds_an_id_that_was_not_typed(rest: str) -> None:
    try:
        command = parse(f"retry SRV1 {rest}")
    except Refused:
        return
    assert isinstance(command, Retry)
    assert command.ids is None or {str(patch) for patch in command.ids} <= {
        run.lstrip("0") for run in re.findall("[0-9]+", rest)
    }


# ---------------------------------------------------------------- devices


def device(number: int, name: str, client: str = "Contoso", site: str = "Berlin") -> Device:
    return Device(number, name, DeviceKind.SERVER, 1, client, site)


FLEET = [
    device(1001, "SRV1.example.com"),
    device(1002, "SRV2", "Müller & Söhne"),
    device(1003, "Front Desk PC"),
    device(1004, "front desk pc", "Fabrikam"),
    device(1005, "SRV10"),
    device(1006, "10.0.0.5"),
    device(1007, "Büro-1"),
]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1001", 1001),
        ("srv1", 1001),
        ("Srv1.Example.Com", 1001),
        ("SRV2", 1002),
        ("10.0.0.5", 1006),
        ("Bu\u0308ro-1", 1007),
    ],
)
def test_a_device_is_found_by_id_or_full_name(text: str, number: int) -> None:
    assert match_device(text, FLEET).id == number


def test_a_name_that_fits_several_devices_lists_them() -> None:
    with pytest.raises(Refused) as caught:
        match_device("Front Desk PC", FLEET)
    assert "fits 2 devices" in caught.value.sentence
    assert "• front desk pc (Fabrikam, Berlin), id `1004`" in caught.value.sentence


@pytest.mark.parametrize(
    ("text", "offered"), [("SRV", ["1001", "1002", "1005"]), ("SVR2", ["1002"]), ("100", ["1001"]), ("10", ["1005"])]
)
def test_a_part_of_a_name_is_only_answered_with_candidates(text: str, offered: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        match_device(text, FLEET)
    assert "Nothing was done" in caught.value.sentence
    for number in offered:
        assert f"id `{number}`" in caught.value.sentence


def test_candidates_are_escaped_and_cut_after_ten() -> None:
    with pytest.raises(Refused) as caught:
        match_device("PC", [device(n, f"PC-<!channel>-{n}", "A & B") for n in range(1, 200)])
    assert caught.value.sentence.count("\n•") == 10
    assert "and 189 more" in caught.value.sentence
    assert "PC-&lt;!channel&gt;-1 (A &amp; B, Berlin)" in caught.value.sentence


def test_an_empty_inventory_is_told() -> None:
    with pytest.raises(Refused, match="inventory is empty"):
        match_device("SRV1", [])


# ---------------------------------------------------------------- patches

SERVER = FLEET[0]


def patch(number: int, status: int = PatchStatus.FAILED, label: str = "Failed") -> Patch:
    return Patch(number, f"Update {number}", status, label)


PATCHES = [
    patch(4),
    patch(5, PatchStatus.FAILED | PatchStatus.REBOOT_REQUIRED, ""),
    patch(6, PatchStatus.INSTALLED, "Installed"),
]


def no(ids: tuple[int, ...] | None, patches: list[Patch], most: int = 50, reason: str = "") -> str:
    with pytest.raises(Refused) as caught:
        match_patches(ids, patches, most, SERVER, reason=reason)
    assert "No request was made." in caught.value.sentence
    return caught.value.sentence


def test_failed_patches_are_chosen_and_others_left_out() -> None:
    selection = match_patches((6, 5, 4), PATCHES, 50, SERVER)
    assert [one.id for one in selection.failed] == [5, 4]
    assert [one.id for one in selection.left_out] == [6]
    assert commands.patch_words(selection.left_out) == ["`6` Update 6 (Installed)"]


def test_the_word_failed_means_all_failed_ones() -> None:
    assert [one.id for one in match_patches(None, PATCHES, 50, SERVER).failed] == [4, 5]


def test_an_id_that_is_not_on_the_device_refuses_all_and_offers_the_rest() -> None:
    sentence = no((4, 7, 8, 5), PATCHES, reason="disk `free` <now>")
    assert "`7` and `8` are no patches of SRV1.example.com (id `1001`)." in sentence
    assert "Without them: `/patches retry 1001 4,5 disk ˋfreeˋ &lt;now&gt;`" in sentence


def test_only_unknown_ids_lead_to_what_the_device_has() -> None:
    assert "`/patches device 1001` lists what it has" in no((7,), PATCHES)


def test_none_failed_is_told_with_their_states() -> None:
    assert "It is not Failed on SRV1.example.com (id `1001`): `6` Update 6 (Installed)." in no((6,), PATCHES)
    assert "has no failed patch" in no(None, [PATCHES[2]])


@pytest.mark.parametrize(
    ("ids", "most", "said"),
    [
        ((4, 7), 50, "`7` is no patch of SRV1.example.com (id `1001`)."),
        (
            (6,),
            50,
            (
                "It is not Failed on SRV1.example.com (id `1001`): `6` Update 6 (Installed). "
                "Only failed patches can be retried."
            ),
        ),
        ((4, 5), 1, "2 patches on SRV1.example.com (id `1001`) are more than one request may hold (1)."),
    ],
)
def test_of_one_of_several_devices_only_what_is_wrong_is_told(ids: tuple[int, ...], most: int, said: str) -> None:
    with pytest.raises(Refused) as caught:
        match_patches(ids, PATCHES, most, SERVER, several=True)
    assert caught.value.sentence == said


def test_too_many_patches_name_the_limit_and_how_to_split() -> None:
    sentence = no(None, [patch(n) for n in range(1, 8)], most=3)
    assert "7 patches on SRV1.example.com (id `1001`) are more than one request may hold (3)." in sentence
    assert "• `/patches retry 1001 1,2,3`\n• `/patches retry 1001 4,5,6`\nand 1 more request like these" in sentence


def test_a_command_too_long_to_show_is_not_offered_in_part() -> None:
    sentence = no(None, [patch(n) for n in range(10**8, 10**8 + 900)], most=400)
    assert "/patches retry" not in sentence
    assert "one request for each 400 of them" in sentence


def test_a_state_without_a_label_is_told_from_its_number() -> None:
    assert commands.patch_state(PATCHES[1]) == "Failed + Reboot Required"
    assert commands.patch_state(patch(9, 1024, "")) == "status 1024"


# ---------------------------------------------------------------- digests


def test_a_digest_is_named_whatever_its_case() -> None:
    assert match_plan("Daily", ["weekly", "daily"]) == "daily"


def test_an_unknown_digest_is_answered_with_all_names() -> None:
    with pytest.raises(Refused, match=r"no digest `dayly`. Did you mean `daily`\?.*`weekly` and `daily`"):
        match_plan("dayly", ["weekly", "daily"])
    with pytest.raises(Refused, match="No digest is configured"):
        match_plan("daily", [])
