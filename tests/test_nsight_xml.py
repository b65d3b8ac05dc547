"""N-sight's bytes, as documented, as seen in the wild and as nobody should send them."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clients import nsight_xml
from bot.clients.nsight_xml import parse_clients, parse_devices, parse_patches, parse_retry
from bot.errors import Kind, Service, UpstreamError
from bot.model import CallVerdict, Client, Device, DeviceKind, Patch, RetryAnswer

SENT = frozenset({1, 4, 5, 6})
VENDOR_RETRY = b"""<result created="2024-10-01T12:47:15+01:00" host="SERVER" status="OK" >
 <msg>Retrying patches: 4,5 Patches already applied: 1,6</msg>
</result>"""
CLIENTS = (
    b'<?xml version="1.0" encoding="ISO-8859-1"?>\n'
    b'<result created="2015-07-20T08T08:47:41+01:00" host="h" status="OK"><items>'
    b"<client><name><![CDATA[A & B]]></name><clientid>1</clientid><dashboard_username><![CDATA[none]]>"
    b"</dashboard_username><timezone/><creation_date/><server_count>10</server_count>"
    b"<workstation_count>0</workstation_count></client></items></result>"
)
DEVICES = rb"""<?xml version="1.0" ?><result created="x" host="h" status="OK"><items>
<client><id>30000077</id><name>TestClient</name><site><id>30000083</id><name>TestSite</name>
 <server><id>30000192</id><name>SERVER</name><username>Company\Administrator</username><description>d</description>
  <status>Ok</status><checkcount><dsc_247>1</dsc_247><pass>3</pass></checkcount><checkcount><dsc_247>2</dsc_247>
  </checkcount><takecontrol>1</takecontrol><patch>0</patch><mav>1</mav></server>
 <server><id>30000193</id><name>SQL</name><patch>1</patch></server></site>
 <site><id>30000084</id><name>Annex</name><workstation><id>7</id><name>WS7</name></workstation>
  <mobile_device><id>8</id><name>Phone</name></mobile_device></site></client></items></result>"""
PATCHES = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<patches><patch>
 <patchid>681806</patchid><policy>4</policy><policyLabel><![CDATA[Do Nothing]]></policyLabel>
 <patchicon><![CDATA[aw-image-patch-installed]]></patchicon><status>8</status>
 <selectpatch><![CDATA[checkhide]]></selectpatch><statusLabel><![CDATA[Installed]]></statusLabel>
 <patchUrl><![CDATA[https://www.adobe.com/devnet-docs/xxxxxxx]]></patchUrl>
 <patchTitle><![CDATA[Adobe Reader DC (64-bit) (x64) 24.2.20965]]></patchTitle>
 <product><![CDATA[Adobe Reader DC (64-bit)]]></product><severity>3</severity><severityLabel>Moderate</severityLabel>
 <releaseDateText>31-Jul-2024</releaseDateText><installdatetext>31-Jul-2024 00:00</installdatetext>
</patch></patches>"""


def failure(parse: object) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        parse()  # type: ignore[operator]
    assert caught.value.service is Service.NSIGHT
    return caught.value


def patches(*rows: bytes, declaration: bytes = b"") -> bytes:
    return declaration + b"<patches>" + b"".join(b"<patch>" + row + b"</patch>" for row in rows) + b"</patches>"


def title_of(body: bytes) -> str:
    (patch,) = parse_patches(body).items
    return patch.title


# ---------------------------------------------------------------- listings


def test_clients_are_read_from_a_live_shaped_listing() -> None:
    assert parse_clients(CLIENTS).items == [Client(1, "A & B", servers=10, workstations=0)]


def test_a_client_whose_counts_are_missing_is_still_swept() -> None:
    body = b"<result status='OK'><items><client><clientid>3</clientid><server_count/></client></items></result>"

    assert parse_clients(body).items == [Client(3, "(client without a name)", servers=1, workstations=1)]


def test_devices_take_client_and_site_from_their_nesting_and_nothing_private() -> None:
    expected = [
        Device(30000192, "SERVER", DeviceKind.SERVER, 30000077, "TestClient", "TestSite", patching=False),
        Device(30000193, "SQL", DeviceKind.SERVER, 30000077, "TestClient", "TestSite", patching=True),
        Device(7, "WS7", DeviceKind.WORKSTATION, 30000077, "TestClient", "Annex"),
    ]

    assert parse_devices(DEVICES, 30000077).items == expected
    assert "Administrator" not in repr(parse_devices(DEVICES, 30000077))


def test_a_device_listing_that_does_not_repeat_the_client_id_keeps_the_one_asked_for() -> None:
    body = DEVICES.replace(b"<id>30000077</id>", b"")

    assert {device.client_id for device in parse_devices(body, 42).items} == {42}


def test_patches_have_a_root_of_their_own() -> None:
    assert parse_patches(PATCHES).items == [
        Patch(
            681806,
            "Adobe Reader DC (64-bit) (x64) 24.2.20965",
            8,
            "Installed",
            product="Adobe Reader DC (64-bit)",
            severity="Moderate",
            policy="Do Nothing",
            released="31-Jul-2024",
            installed="31-Jul-2024 00:00",
        )
    ]


def test_a_patch_with_nothing_but_an_id_is_still_a_patch() -> None:
    (patch,) = parse_patches(patches(b"<patchid>9</patchid>")).items

    assert (patch.id, patch.status, patch.failed) == (9, 0, False)
    assert patch.title == "(patch without a title)"


@pytest.mark.parametrize(
    ("status", "label", "failed"),
    [(b"16", "Failed", True), (b"80", "Failed, Reboot required", True), (b"128", "unknown state 128", False)],
)
def test_a_missing_label_is_made_from_the_number(status: bytes, label: str, failed: bool) -> None:
    (patch,) = parse_patches(patches(b"<patchid>9</patchid><status>" + status + b"</status>")).items

    assert (patch.label, patch.failed) == (label, failed)


@pytest.mark.parametrize("unusable", [b"", b"bad", b"0", b"-4", b"4.0", b"\xd9\xa3", b"9" * 19, b"4 5"])
def test_rows_without_a_usable_id_are_skipped_and_counted(unusable: bytes) -> None:
    rows = parse_patches(patches(b"<patchid>" + unusable + b"</patchid>", b"<patchid> 7 </patchid>", b""))

    assert [patch.id for patch in rows.items] == [7]
    assert rows.skipped == 2


def test_an_id_listed_twice_counts_once() -> None:
    rows = parse_patches(patches(b"<patchid>7</patchid><status>16</status>", b"<patchid>7</patchid><status>8</status>"))

    assert [(patch.id, patch.status) for patch in rows.items] == [(7, 16)]
    assert rows.skipped == 1


@pytest.mark.parametrize("items", [b"<items></items>", b"<items />", b""])
def test_an_empty_listing_is_empty(items: bytes) -> None:
    body = b"<result status='OK'>" + items + b"</result>"

    assert parse_clients(body).items == []
    assert parse_devices(body, 1).items == []


def test_no_patches_at_all_is_an_empty_listing() -> None:
    assert parse_patches(b"<patches/>").items == []


@pytest.mark.parametrize("body", [b"<result status='OK'/>", b"<result><items/></result>", b"<list/>"])
def test_another_service_s_answer_is_not_taken_for_an_empty_list_of_patches(body: bytes) -> None:
    assert failure(lambda: parse_patches(body)).kind is Kind.BROKEN


def test_a_result_with_other_content_is_not_an_empty_listing() -> None:
    assert failure(lambda: parse_clients(b"<result status='OK'><msg/></result>")).kind is Kind.BROKEN


# ---------------------------------------------------------------- bytes and characters


def test_declared_latin_1_is_read_as_declared() -> None:
    body = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><patches><patch><patchid>1</patchid><patchTitle>Büro é</patchTitle>'
    )

    assert title_of(body.encode("latin-1") + b"</patch></patches>") == "Büro é"


def test_undeclared_utf_8_is_read_as_utf_8() -> None:
    assert title_of(patches("<patchid>1</patchid><patchTitle>Büro – 日</patchTitle>".encode())) == "Büro – 日"


@pytest.mark.parametrize("declaration", [b"", b'<?xml version="1.0" ?>'])
def test_undeclared_bytes_that_are_no_utf_8_are_windows_1252(declaration: bytes) -> None:
    row = "<patchid>1</patchid><patchTitle>Müller’s “Büro” – 5 €</patchTitle>".encode("cp1252")

    assert title_of(patches(row, declaration=declaration)) == "Müller’s “Büro” – 5 €"


def test_the_c1_range_is_shown_as_windows_1252() -> None:
    row = b"<patchid>1</patchid><patchTitle><![CDATA[\x93Reader\x94 \x96 it\x92s\x81\x85]]></patchTitle>"
    body = patches(row, declaration=b'<?xml version="1.0" encoding="ISO-8859-1"?>')

    assert title_of(body) == "“Reader” – it’s…"


@pytest.mark.parametrize("control", [b"\x0b", b"\x00", b"\x1f", b"&#11;", b"&#x1F;", b"&#0;"])
def test_control_characters_are_stripped(control: bytes) -> None:
    assert title_of(patches(b"<patchid>1</patchid><patchTitle>Rea" + control + b"der</patchTitle>")) == "Reader"


@pytest.mark.parametrize(
    ("declaration", "encoding"),
    [(b"", "cp1252"), (b"", "utf-8"), (b'<?xml version="1.0" encoding="ISO-8859-1"?>', "latin-1")],
)
def test_a_control_character_does_not_change_how_the_rest_is_read(declaration: bytes, encoding: str) -> None:
    row = "<patchid>1</patchid><patchTitle>B\x0büro</patchTitle>".encode(encoding)

    assert title_of(patches(row, declaration=declaration)) == "Büro"


def test_blank_lines_before_the_declaration_do_no_harm() -> None:
    assert parse_clients(b"\r\n  " + CLIENTS).items == parse_clients(CLIENTS).items


def test_line_breaks_in_a_title_become_spaces() -> None:
    assert title_of(patches(b"<patchid>1</patchid><patchTitle>\n a\r\n\tb </patchTitle>")) == "a b"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"OK",
        b"{}",
        CLIENTS[:-9],
        CLIENTS[: len(CLIENTS) // 2],
        CLIENTS + CLIENTS,
        b'<?xml version="1.0" encoding="klingon"?><patches/>',
        b'<?xml version="1.0" encoding="big5"?><patches/>',
        b'<?xml version="1.0" encoding="utf-7"?><patches/>',
        b'<!DOCTYPE a [<!ENTITY b "boom">]><result status="OK"><items>&b;</items></result>',
        b"<!DOCTYPE result><result status='OK'><items/></result>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><result/>',
        b"<result status='OK'><items>&nbsp;</items></result>",
        b"<result status='MAYBE'><items/></result>",
        b"<result status=''><items/></result>",
        b"<soap:Envelope xmlns:soap='urn:x'/>",
    ],
)
def test_what_is_not_a_whole_answer_is_broken(body: bytes) -> None:
    for error in (failure(lambda: parse_clients(body)), failure(lambda: parse_retry(body, SENT))):
        assert error.kind is Kind.BROKEN


def test_an_entity_bomb_is_refused_before_it_grows() -> None:
    entities = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
    bomb = f'<!DOCTYPE r [<!ENTITY e0 "ha">{entities}]><patches>&e12;</patches>'.encode()

    assert failure(lambda: parse_patches(bomb)).kind is Kind.BROKEN


def test_nesting_without_end_neither_crashes_nor_hangs() -> None:
    deep = b"<result status='OK'><msg>" + b"<a>" * 200_000 + b"</a>" * 200_000 + b"</msg></result>"

    assert parse_retry(deep, SENT).unaccounted == SENT
    assert failure(lambda: parse_clients(deep)).kind is Kind.BROKEN


@pytest.mark.parametrize(
    "page",
    [
        b"<!DOCTYPE html><html><body>Attention Required! | Cloudflare</body></html>",
        b"<html><head><title>Login</title></head><body><br></body></html>",
        b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0"><html/>',
        b"<html xmlns='http://www.w3.org/1999/xhtml'><body/></html>",
        b"\xef\xbb\xbf\n<!-- a --><!-- b -->\n<HTML><p>",
    ],
)
def test_html_instead_of_xml_is_somebody_in_between(page: bytes) -> None:
    assert failure(lambda: parse_clients(page)).kind is Kind.BLOCKED
    assert failure(lambda: parse_retry(page, SENT)).kind is Kind.BLOCKED


# ---------------------------------------------------------------- failures that N-sight reports

FAIL = (
    b'<result created="2015-07-17T11:16:37-05:00" host="www.SERVER" status="FAIL"><error><errorcode>4</errorcode>'
    b"<message>Invalid value for parameter: deviceid</message></error></result>"
)


def test_a_fail_envelope_is_a_refusal_in_n_sight_s_words() -> None:
    for parse in (parse_clients, parse_patches, lambda body: parse_devices(body, 1)):
        error = failure(lambda parse=parse: parse(FAIL))
        assert (error.kind, error.code, error.words) == (Kind.REFUSED, "4", "Invalid value for parameter: deviceid")


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"<result><error><message>No such site</message></error></result>", "", "No such site"),
        (b"<result status='OK'><error><errorcode>5</errorcode></error></result>", "5", "no reason given"),
        (b"<result><error><errorcode>E_BAD</errorcode><message/></error></result>", "E_BAD", "no reason given"),
        (b"<result><error>Service unknown</error></result>", "", "Service unknown"),
        (b"<result status='FAIL'/>", "", "no reason given"),
        (b"<result status=' fail '><msg>Retrying patches: 4</msg></result>", "", "no reason given"),
    ],
)
def test_any_error_child_or_fail_status_is_a_refusal(body: bytes, code: str, words: str) -> None:
    error = failure(lambda: parse_clients(body))
    answer = parse_retry(body, SENT)

    assert (error.kind, error.code, error.words) == (Kind.REFUSED, code, words)
    assert (answer.verdict, answer.words, answer.retried) == (CallVerdict.REFUSED, words, frozenset())


@pytest.mark.parametrize(
    "error_child",
    [b"<errorcode>3</errorcode><message>Login failed</message>", b"<message>Invalid API key</message>"],
)
def test_a_refused_key_is_told_with_the_territory_it_may_belong_to(error_child: bytes) -> None:
    error = failure(lambda: parse_clients(b"<result status='FAIL'><error>" + error_child + b"</error></result>"))

    assert error.kind is Kind.CREDENTIALS
    assert "territory" in error.words


# ---------------------------------------------------------------- patch_retry


def accepted(msg: str, sent: frozenset[int] = SENT) -> RetryAnswer:
    answer = parse_retry(f"<result status='OK'><msg><![CDATA[{msg}]]></msg></result>".encode(), sent)
    assert answer.verdict is CallVerdict.ACCEPTED
    assert answer.retried | answer.already | answer.unaccounted == sent
    return answer


def test_the_vendor_page_s_example_says_which_patches_are_retried() -> None:
    answer = parse_retry(VENDOR_RETRY, SENT)

    words = "Retrying patches: 4,5 Patches already applied: 1,6"
    assert answer == RetryAnswer(CallVerdict.ACCEPTED, frozenset({4, 5}), frozenset({1, 6}), frozenset(), words)


@pytest.mark.parametrize(
    ("msg", "retried", "already"),
    [
        ("Retrying patches: 4,5", {4, 5}, set()),
        ("Patches already applied: 1,6", set(), {1, 6}),
        ("Patches already applied: 1,6 Retrying patches: 4,5", {4, 5}, {1, 6}),
        ("RETRYING PATCHES: 4 , 5,\n patches ALREADY applied :1,  6 ", {4, 5}, {1, 6}),
        ("Retrying patches: 4,5. Patches already applied: 1,6. Next window: 22:00, 5 h", {4, 5}, {1, 6}),
        ("Retrying patches: 4,5Patches already applied: 1,6", {4, 5}, {1, 6}),
        ("Retrying patches: Patches already applied: 1,4,5,6", set(), {1, 4, 5, 6}),
        ("Retrying patches: 4 Patches already applied:", {4}, set()),
        ("Retrying patch: 4", {4}, set()),
        ("Reprocessing patches: 4,5 Patches already applied: 1,6", {4, 5}, {1, 6}),
        ("Retrying patches: ,, 4,,5", {4, 5}, set()),
        ("Retrying patches: 4 5", {4}, set()),
        ("Retrying patches: 4,5th", set(), set()),
        ("Retrying patches: four", set(), set()),
        ("Not retrying patches: 4,5", set(), set()),
        ("Retrying patches: 4,99 Patches already applied: 98", {4}, set()),
        ("Retrying patches: 4,5 Patches already applied: 5,6", {4}, {6}),
        ("Retrying patches: 40000000000000000000004", set(), set()),
        ("4,5", set(), set()),
        ("", set(), set()),
    ],
)
def test_what_a_message_lists_is_believed_and_the_rest_is_unaccounted(
    msg: str, retried: set[int], already: set[int]
) -> None:
    answer = accepted(msg)

    assert answer.retried == retried
    assert answer.already == already
    assert answer.unaccounted == SENT - retried - already


@pytest.mark.parametrize(
    "body",
    [b"<result status='OK'/>", b"<result/>", b"<result><msg/></result>", b"<result status='ok'><msg></msg></result>"],
)
def test_an_accepting_answer_without_words_accounts_for_nothing(body: bytes) -> None:
    answer = parse_retry(body, SENT)

    assert (answer.verdict, answer.unaccounted, answer.words) == (CallVerdict.ACCEPTED, SENT, "")


@pytest.mark.parametrize("body", [b"<patches/>", PATCHES, b"<patches><error/></patches>", b"<error>no</error>"])
def test_another_root_says_nothing_about_a_retry(body: bytes) -> None:
    assert failure(lambda: parse_retry(body, SENT)).kind is Kind.BROKEN


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)), st.booleans(), st.sampled_from([",", ", ", " ,"]))
def test_every_id_sent_is_in_exactly_one_list(retried: set[int], already: set[int], swap: bool, comma: str) -> None:
    parts = [
        f"Retrying patches: {comma.join(map(str, retried))}",
        f"Patches already applied: {comma.join(map(str, already))}",
    ]
    sent = frozenset(range(1, 51))
    answer = accepted(" ".join(reversed(parts) if swap else parts), sent)

    assert answer.retried == (retried - already) & sent
    assert answer.already == (already - retried) & sent
    assert len(answer.retried) + len(answer.already) + len(answer.unaccounted) == len(sent)


# ---------------------------------------------------------------- anything at all

SCRAPS = b"< > </ & ]]> <![CDATA[ <result> <error> <items> <?xml <a&b=".split()
PIECES = st.sampled_from([VENDOR_RETRY, CLIENTS, DEVICES, PATCHES, FAIL, *SCRAPS, b"\xff", b"\x00"])


@given(st.one_of(st.binary(), st.lists(st.one_of(PIECES, st.binary(max_size=4))).map(b"".join)))
def test_only_values_and_upstream_errors_come_out_of_any_bytes(body: bytes) -> None:
    for parse in (parse_clients, parse_patches, lambda b: parse_devices(b, 1), lambda b: parse_retry(b, SENT)):
        try:
            parsed = parse(body)
        except UpstreamError as error:
            assert error.words  # noqa: PT017 - any bytes may be fine or not
        else:
            assert isinstance(parsed, nsight_xml.Rows | RetryAnswer)


@given(st.integers(0, len(PATCHES) - 2), st.binary(max_size=3))
def test_a_body_torn_anywhere_is_never_taken_for_a_whole_one(cut: int, junk: bytes) -> None:
    torn = PATCHES[:cut]

    assert failure(lambda: parse_patches(torn)).kind is Kind.BROKEN
    assert failure(lambda: parse_retry(torn + junk, SENT)).kind is Kind.BROKEN


@pytest.mark.parametrize(
    "msg",
    [b"Retrying patches:" + b"," * 500_000, b"Retrying patches: " * 30_000, b"Retrying patches: " + b"4 , " * 100_000],
)
def test_a_hostile_message_takes_no_longer_than_its_length(msg: bytes) -> None:
    begun = time.process_time()
    parse_retry(b"<result><msg>" + msg + b"x</msg></result>", SENT)

    assert time.process_time() - begun < 5


def test_a_hostile_page_of_comments_is_seen_through() -> None:
    begun = time.process_time()
    failure(lambda: parse_clients(b"<!-- -->" * 2000 + b"<"))

    assert time.process_time() - begun < 5


def test_ten_thousand_patches_are_read_in_one_go() -> None:
    body = PATCHES.split(b"<patch>")[1].removesuffix(b"</patch></patches>")
    listing = patches(*(body.replace(b"681806", b"%d" % number) for number in range(1, 10_001)))

    assert len(parse_patches(listing).items) == 10_000
