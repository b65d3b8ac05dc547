"""N-sight's stand-in over a real socket: the documented answers, strictness, and every way to misbehave."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from bot.demo import story
from bot.demo.clock import Clock
from bot.demo.faults import Fault, Faults
from bot.demo.nsight import Nsight, Retry

AGENT = {"User-Agent": "Mozilla/5.0 (compatible; patches/1)"}


@pytest.fixture
async def nsight() -> AsyncIterator[Nsight]:
    clock = Clock()
    standin = Nsight(story.fleet(clock.now()), clock)
    await standin.start()
    yield standin
    await standin.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(headers=AGENT, timeout=5) as client:
        yield client


class Caller:
    """Calls services with the right key."""

    def __init__(self, nsight: Nsight, http: httpx.AsyncClient) -> None:
        self._nsight, self._http = nsight, http

    async def __call__(self, service: str, **params: str) -> httpx.Response:
        query = {"apikey": self._nsight.api_key, "service": service, **params}
        return await self._http.get(self._nsight.url, params=query)

    async def xml(self, service: str, **params: str) -> ElementTree.Element:
        return ElementTree.fromstring((await self(service, **params)).content)

    async def statuses(self, device: int, *ids: int) -> list[str | None]:
        root = await self.xml("patch_list_all", deviceid=str(device))
        labels = {patch.findtext("patchid"): patch.findtext("statusLabel") for patch in root.iter("patch")}
        return [labels[str(patch_id)] for patch_id in ids]


@pytest.fixture
def call(nsight: Nsight, http: httpx.AsyncClient) -> Caller:
    return Caller(nsight, http)


# ---------------------------------------------------------------- documented answers


async def test_clients_are_listed_with_their_counts_in_latin_1_and_cdata(call: Caller, nsight: Nsight) -> None:
    answer = await call("list_clients")
    assert b'encoding="ISO-8859-1"' in answer.content
    assert "<![CDATA[Bäckerei Müller & Söhne]]>".encode("latin-1") in answer.content
    root = ElementTree.fromstring(answer.content)
    assert (root.tag, root.get("status")) == ("result", "OK")
    counts = [int(row.findtext("device_count", "")) for row in root.iter("client")]
    assert (len(counts), sum(counts)) == (3, 60)
    assert nsight.violations == []


async def test_devices_at_a_client_are_nested_by_site_and_say_whether_they_are_patched(call: Caller) -> None:
    root = await call.xml("list_devices_at_client", clientid="303", devicetype="server")
    assert [site.findtext("name") for site in root.iter("site")] == ["London", "R&D Lab"]
    servers = {server.findtext("name"): server.findtext("patch") for server in root.iter("server")}
    assert (servers["SRV-BACKUP01"], servers["SRV-EX01"]) == ("0", "1")


async def test_both_kinds_at_all_clients_make_the_whole_fleet(call: Caller) -> None:
    ids = [
        device.findtext("id")
        for client in ("301", "302", "303")
        for kind in ("server", "workstation")
        for device in (await call.xml("list_devices_at_client", clientid=client, devicetype=kind)).iter(kind)
    ]
    assert sorted(map(str, ids)) == [str(number) for number in range(1001, 1061)]


async def test_a_client_without_devices_of_a_type_answers_an_empty_list(call: Caller) -> None:
    root = await call.xml("list_devices_at_client", clientid="301", devicetype="mobile_device")
    assert [len(items) for items in root.iter("items")] == [0]


async def test_patches_stand_under_their_own_root_without_a_status(call: Caller) -> None:
    root = await call.xml("patch_list_all", deviceid="1001")
    assert (root.tag, root.attrib) == ("patches", {})
    chrome = next(patch for patch in root if patch.findtext("patchid") == "4")
    told = {field.tag: field.text for field in chrome}
    assert (told["status"], told["statusLabel"], told["product"]) == ("16", "Failed", "Google Chrome")
    assert (told["severityLabel"], told["releaseDateText"]) == ("Critical", "10-Mar-2025")


async def test_titles_carry_windows_punctuation_under_a_latin_1_declaration(call: Caller) -> None:
    answer = await call("patch_list_all", deviceid="1002")
    assert b" x64 \x96 v5.132" in answer.content


async def test_a_device_without_patch_management_lists_no_patches(call: Caller, nsight: Nsight) -> None:
    (machine,) = [machine for machine in nsight.fleet.machines() if machine.name.startswith("RD-CNC")]
    assert len(await call.xml("patch_list_all", deviceid=str(machine.id))) == 0


async def test_the_vendors_example_is_answered_as_on_the_vendors_page(call: Caller, nsight: Nsight) -> None:
    root = await call.xml("patch_retry", deviceid="1001", patchids="1,4,5,6")
    assert root.get("status") == "OK"
    assert root.findtext("msg") == "Retrying patches: 4,5 Patches already applied: 1,6"
    assert nsight.retries == [Retry(1001, (1, 4, 5, 6), nsight.clock.now())]


async def test_a_retried_patch_is_pending_then_queued_then_installed(call: Caller, nsight: Nsight) -> None:
    nsight.fleet.fail_again(1001, 5)
    await call("patch_retry", deviceid="1001", patchids="4,5")
    seen = [await call.statuses(1001, 4, 5)]
    for step in (nsight.fleet.pace.pending, nsight.fleet.pace.queued):
        nsight.clock.advance(step)
        seen.append(await call.statuses(1001, 4, 5))
    assert seen == [["Pending", "Pending"], ["Queued", "Queued"], ["Installed", "Failed"]]


async def test_a_second_retry_of_a_pending_patch_is_called_already_applied(call: Caller) -> None:
    await call("patch_retry", deviceid="1001", patchids="4")
    root = await call.xml("patch_retry", deviceid="1001", patchids="4")
    assert root.findtext("msg") == "Patches already applied: 4"


async def test_calls_are_recorded_without_the_key(call: Caller, nsight: Nsight) -> None:
    await call("patch_list_all", deviceid="1001")
    (recorded,) = nsight.calls
    assert (recorded.service, recorded.params) == ("patch_list_all", {"deviceid": "1001"})
    assert nsight.api_key not in repr(nsight.calls)


# ---------------------------------------------------------------- stricter than the vendor


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ("apikey=KEY&service=patch_list_all", "5", "Missing parameter: deviceid"),
        ("apikey=KEY&service=patch_list_all&deviceid=1001&limit=5", "4", "Unknown parameter: limit"),
        ("apikey=KEY&service=patch_list_all&deviceid=1001&deviceid=1002", "4", "Parameter given 2 times: deviceid"),
        ("apikey=KEY&apikey=KEY&service=list_clients", "4", "Parameter given 2 times: apikey"),
        ("apikey=other&service=list_clients", "3", "Login failed - wrong key or wrong territory"),
        ("service=list_clients", "3", "Login failed - wrong key or wrong territory"),
        ("apikey=KEY&service=retry_patch&deviceid=1001&patchid=4", None, "Service unknown"),
        ("apikey=KEY&service=list_clients&devicetype=Server", "4", "Invalid value for parameter: devicetype"),
        ("apikey=KEY&service=patch_list_all&deviceid=abc", "4", "Invalid value for parameter: deviceid"),
        ("apikey=KEY&service=patch_list_all&deviceid=", "4", "Invalid value for parameter: deviceid"),
        ("apikey=KEY&service=patch_retry&deviceid=1001&patchids=4,4", "4", "Invalid value for parameter: patchids"),
        ("apikey=KEY&service=patch_retry&deviceid=1001&patchids=4,", "4", "Invalid value for parameter: patchids"),
        ("apikey=KEY&service=patch_retry&deviceid=1001&patchids=4, 5", "4", "Invalid value for parameter: patchids"),
    ],
)  # fmt: skip
async def test_what_the_documentation_does_not_allow_fails_and_is_noted(
    nsight: Nsight, http: httpx.AsyncClient, query: str, code: str | None, words: str
) -> None:
    answer = await http.get(f"{nsight.url}?{query.replace('KEY', nsight.api_key)}")
    root = ElementTree.fromstring(answer.content)
    assert (answer.status_code, root.get("status")) == (200, "FAIL")
    assert (root.findtext("error/errorcode"), root.findtext("error/message")) == (code, words)
    assert nsight.violations == [words]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"service": "patch_list_all", "deviceid": "9999"}, "Invalid value for parameter: deviceid"),
        ({"service": "patch_retry", "deviceid": "1001", "patchids": "4,777"}, "Invalid value for parameter: patchids"),
    ],
)
async def test_an_id_that_is_gone_is_refused_but_nobodys_fault(
    call: Caller, nsight: Nsight, params: dict[str, str], words: str
) -> None:
    root = await call.xml(**params)
    assert root.findtext("error/message") == words
    assert nsight.violations == []
    assert await call.statuses(1001, 4) == ["Failed"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/api/", AGENT, 405),
        ("GET", "/api", AGENT, 404),
        ("GET", "/api/default.php", AGENT, 404),
        ("GET", "/api/", {"User-Agent": ""}, 403),
        ("GET", "/api/", {"User-Agent": "python-httpx/0.28.1"}, 403),
    ],
)
async def test_a_call_of_the_wrong_form_is_refused_at_the_gate_and_noted(
    nsight: Nsight, http: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    url = nsight.url.removesuffix("/api/") + path
    params = {"apikey": nsight.api_key, "service": "patch_retry", "deviceid": "1001", "patchids": "4"}
    answer = await http.request(method, url, params=params, headers=headers)
    assert answer.status_code == status
    assert len(nsight.violations) == 1
    assert nsight.api_key not in nsight.violations[0]
    assert len(nsight.retries) == 1, "it arrived all the same"


# ---------------------------------------------------------------- faults


async def retry_meets(call: Caller, nsight: Nsight, fault: Fault, **details: Any) -> httpx.Response:
    nsight.faults.add("patch_retry", fault, **details)
    return await call("patch_retry", deviceid="1001", patchids="4")


@pytest.mark.parametrize(
    ("fault", "acted"), [(Fault.LOSE_REPLY, "Pending"), (Fault.CUT_MIDWAY, "Pending"), (Fault.CUT, "Failed")]
)
async def test_a_cut_connection_tells_nothing_of_whether_the_call_took_effect(
    call: Caller, nsight: Nsight, fault: Fault, acted: str
) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        await retry_meets(call, nsight, fault)
    assert await call.statuses(1001, 4) == [acted]
    assert len(nsight.retries) == 1


async def test_a_slow_answer_waits_for_its_event_but_has_acted(call: Caller, nsight: Nsight) -> None:
    gate = asyncio.Event()
    pending = asyncio.create_task(retry_meets(call, nsight, Fault.SLOW, until=gate))
    await nsight.calls.reach("patch_retry")
    assert await call.statuses(1001, 4) == ["Pending"]
    assert not pending.done()
    gate.set()
    assert b"Retrying patches: 4" in (await pending).content


async def test_a_stop_lets_held_answers_go(call: Caller, nsight: Nsight) -> None:
    pending = asyncio.create_task(retry_meets(call, nsight, Fault.SLOW, until=asyncio.Event()))
    await nsight.calls.reach("patch_retry")
    await nsight.stop()
    with pytest.raises(httpx.ConnectError):
        await call("list_clients")
    assert b"Retrying patches: 4" in (await pending).content


async def test_it_comes_back_at_the_same_address(call: Caller, nsight: Nsight) -> None:
    await nsight.stop()
    await nsight.start()
    assert (await call("list_clients")).status_code == 200


async def test_an_http_status_comes_without_effect_unless_told(call: Caller, nsight: Nsight) -> None:
    answer = await retry_meets(call, nsight, Fault.STATUS, status=503, headers={"Retry-After": "7"})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")
    assert await call.statuses(1001, 4) == ["Failed"]
    await retry_meets(call, nsight, Fault.STATUS, status=502, act=True)
    assert await call.statuses(1001, 4) == ["Pending"]


async def test_a_proxys_page_is_html(call: Caller, nsight: Nsight) -> None:
    answer = await retry_meets(call, nsight, Fault.HTML)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


async def test_torn_xml_is_a_whole_answer_with_half_a_body(call: Caller, nsight: Nsight) -> None:
    answer = await retry_meets(call, nsight, Fault.TORN)
    with pytest.raises(ElementTree.ParseError):
        ElementTree.fromstring(answer.content)
    assert await call.statuses(1001, 4) == ["Pending"]


async def test_a_fail_envelope_has_the_words_it_was_given(call: Caller, nsight: Nsight) -> None:
    answer = await retry_meets(call, nsight, Fault.FAIL, code="17", words="Agent <offline> & unhappy")
    error = ElementTree.fromstring(answer.content).find("error")
    assert error is not None
    assert [child.text for child in error] == ["17", "Agent <offline> & unhappy"]
    assert await call.statuses(1001, 4) == ["Failed"]


async def test_an_envelope_may_lack_its_status(call: Caller, nsight: Nsight) -> None:
    root = ElementTree.fromstring((await retry_meets(call, nsight, Fault.NO_STATUS)).content)
    assert (root.get("status"), root.findtext("msg")) == (None, "Retrying patches: 4")


async def test_all_ids_can_be_called_already_applied(call: Caller, nsight: Nsight) -> None:
    root = ElementTree.fromstring((await retry_meets(call, nsight, Fault.ALREADY)).content)
    assert root.findtext("msg") == "Patches already applied: 4"
    assert await call.statuses(1001, 4) == ["Failed"]


async def test_whoever_follows_a_redirect_is_noted(call: Caller, nsight: Nsight, http: httpx.AsyncClient) -> None:
    answer = await retry_meets(call, nsight, Fault.REDIRECT)
    assert answer.status_code == 302
    assert nsight.violations == []
    await http.get(nsight.url.removesuffix("/api/") + answer.headers["Location"])
    assert nsight.violations == ["no such path: /elsewhere/"]
    assert len(nsight.retries) == 2


async def test_an_entity_bomb_is_small_until_it_is_read(call: Caller, nsight: Nsight) -> None:
    answer = await retry_meets(call, nsight, Fault.BOMB)
    assert len(answer.content) < 2000
    assert answer.content.count(b"<!ENTITY") == 11


@pytest.mark.parametrize("fault", [Fault.HUGE, Fault.GZIP_BOMB])
async def test_an_oversized_body_is_oversized(call: Caller, nsight: Nsight, fault: Fault) -> None:
    answer = await retry_meets(call, nsight, fault, size=3 * 1024 * 1024)
    assert len(answer.content) == 3 * 1024 * 1024
    assert int(answer.headers.get("Content-Length", 0)) < 1024 * 1024


async def test_a_body_can_be_anything(call: Caller, nsight: Nsight) -> None:
    answer = await retry_meets(call, nsight, Fault.BODY, body=b'<result status="OK"><msg/></result>')
    assert answer.content == b'<result status="OK"><msg/></result>'
    assert await call.statuses(1001, 4) == ["Pending"]


async def test_faults_are_met_in_order_and_then_all_is_well(call: Caller, nsight: Nsight) -> None:
    nsight.faults.add("list_clients", Fault.STATUS, times=2, status=500)
    nsight.faults.add("list_clients", Fault.HTML)
    seen = [(await call("list_clients")).status_code for _ in range(4)]
    assert seen == [500, 500, 200, 200]
    assert nsight.faults.waiting("list_clients") == 0


async def test_a_lasting_fault_lasts_until_cleared(call: Caller, nsight: Nsight) -> None:
    nsight.faults.add("list_clients", Fault.STATUS, times=None, status=500)
    assert [(await call("list_clients")).status_code for _ in range(3)] == [500, 500, 500]
    nsight.faults.clear()
    assert (await call("list_clients")).status_code == 200


def test_a_fault_for_a_place_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        Faults("patch_retry").add("retry_patch", Fault.CUT)
