"""ESET Connect's stand-in over real sockets: tokens, the 202 protocol, strictness, and every way to misbehave."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from bot.demo import story
from bot.demo.clock import Clock
from bot.demo.eset import RECENT_PATH, Eset
from bot.demo.eset_devices import DETAILS_PATH, DEVICES_PATH
from bot.demo.faults import Fault


@pytest.fixture
async def eset() -> AsyncIterator[Eset]:
    clock = Clock()
    standin = Eset(story.fleet(clock.now()), clock)
    await standin.start()
    yield standin
    await standin.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=5) as client:
        yield client


class User:
    """An API user who logs in with a form and asks with a bearer token."""

    def __init__(self, eset: Eset, http: httpx.AsyncClient) -> None:
        self.eset, self.http, self.tokens = eset, http, dict[str, Any]()

    async def grant(self, **form: str) -> httpx.Response:
        return await self.http.post(f"{self.eset.auth_url}/oauth/token", data=form)

    async def login(self) -> httpx.Response:
        answer = await self.grant(grant_type="password", username=self.eset.username, password=self.eset.password)
        self.tokens = answer.json()
        return answer

    async def refresh(self, token: str) -> httpx.Response:
        return await self.grant(grant_type="refresh_token", refresh_token=token)

    async def recent(self, response_id: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        if response_id is not None:
            headers["response-id"] = response_id
        return await self.http.get(self.eset.patch_url + RECENT_PATH, headers=headers, **more)

    async def get(self, address: str, query: Sequence[tuple[str, str]], response_id: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens['access_token']}"}
        return await self.http.get(
            address, params=list(query), headers=headers | ({"response-id": response_id} if response_id else {})
        )

    async def details(self, *query: tuple[str, str], response_id: str = "") -> httpx.Response:
        return await self.get(self.eset.patch_url + DETAILS_PATH, query, response_id)

    async def devices(self, *uuids: str) -> httpx.Response:
        return await self.get(self.eset.device_url + DEVICES_PATH, [("devicesUuids", uuid) for uuid in uuids])


@pytest.fixture
async def user(eset: Eset, http: httpx.AsyncClient) -> User:
    user = User(eset, http)
    await user.login()
    return user


# ---------------------------------------------------------------- tokens


async def test_a_login_gives_a_pair_of_tokens(user: User) -> None:
    assert (user.tokens["token_type"], user.tokens["expires_in"]) == ("Bearer", 3600)
    assert set(user.eset.issued) == {user.tokens["access_token"], user.tokens["refresh_token"]}
    assert user.eset.violations == []


async def test_a_wrong_password_is_an_invalid_grant(user: User) -> None:
    answer = await user.grant(grant_type="password", username=user.eset.username, password="guess")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_refresh_token_works_once(user: User) -> None:
    old = user.tokens["refresh_token"]
    first, second = await user.refresh(old), await user.refresh(old)
    assert (first.status_code, second.status_code) == (200, 400)
    assert (await user.refresh(first.json()["refresh_token"])).status_code == 200


async def test_refresh_tokens_can_be_killed(user: User) -> None:
    user.eset.kill_refresh_tokens()
    assert (await user.refresh(user.tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_access_token_expires_on_the_clock(user: User) -> None:
    user.eset.clock.advance(3599)
    assert (await user.recent()).status_code == 200
    user.eset.clock.advance(1)
    assert (await user.recent()).status_code == 401
    await user.login()
    assert (await user.recent()).status_code == 200


async def test_access_tokens_can_be_expired_at_once(user: User) -> None:
    user.eset.expire_access_tokens()
    assert (await user.recent()).status_code == 401


async def test_the_login_can_be_forbidden(user: User) -> None:
    user.eset.faults.add("token", Fault.STATUS, status=403)
    answer = await user.grant(grant_type="password", username=user.eset.username, password=user.eset.password)
    assert answer.status_code == 403


async def test_the_token_call_takes_a_form_only(user: User) -> None:
    answer = await user.http.post(f"{user.eset.auth_url}/oauth/token", json={"grant_type": "password"})
    assert answer.status_code == 415
    assert user.eset.violations == ["the token call is a form, not application/json"]


@pytest.mark.parametrize(
    "form",
    [
        {"grant_type": "password", "username": "a", "password": "b", "client_id": "c"},
        {"grant_type": "password", "username": "a", "password": "b", "refresh_token": ""},
        {"grant_type": "client_credentials"},
        {"grant_type": "refresh_token"},
        {"username": "a", "password": "b"},
    ],
)
async def test_a_field_too_many_or_too_few_is_refused_and_noted(user: User, form: dict[str, str]) -> None:
    answer = await user.grant(**form)
    assert (answer.status_code, answer.json()) == (400, {"error": "invalid_request"})
    assert len(user.eset.violations) == 1


# ---------------------------------------------------------------- the list


async def test_the_recent_list_has_the_vendors_shape(user: User) -> None:
    answer = await user.recent()
    rows = answer.json()["patchingDetails"]
    assert len(rows) > 300
    assert {frozenset(row) for row in rows} == {
        frozenset(
            {
                "applicationUuid",
                "developerDisplayName",
                "displayName",
                "patchedVersion",
                "status",
                "timePeriod",
                "unpatchedVersion",
            }
        )
    }
    assert {type(row["patchedVersion"]["id"]) for row in rows} == {str}
    assert user.eset.violations == []


async def test_a_failure_that_happens_now_is_in_the_next_list(user: User) -> None:
    before = len((await user.recent()).json()["patchingDetails"])
    user.eset.fleet.new_failures(user.eset.clock.now(), 2)
    assert len((await user.recent()).json()["patchingDetails"]) == before + 2


async def test_every_answer_has_a_request_id_of_its_own(user: User) -> None:
    user.eset.faults.add("recent", Fault.STATUS, status=500)
    user.eset.faults.add("recent", Fault.LATER)
    answers = [await user.recent(), await user.recent(), await user.recent(), await user.recent("no such id")]
    assert [answer.status_code for answer in answers] == [500, 202, 200, 404]
    assert len({answer.headers["request-id"] for answer in answers}) == 4


@pytest.mark.parametrize(
    ("header", "status"), [(None, 400), ("token", 400), ("bearer x", 400), ("Bearer x y", 400), ("Bearer unknown", 401)]
)
async def test_authorization_is_a_bearer_token(user: User, header: str | None, status: int) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = await user.http.get(user.eset.patch_url + RECENT_PATH, headers=headers)
    assert answer.status_code == status
    assert len(user.eset.violations) == (status == 400)


async def test_a_query_is_refused_and_noted(user: User) -> None:
    assert (await user.recent(params={"pageSize": 50})).status_code == 400
    assert user.eset.violations == ["recent/details takes no query and no body"]


async def test_each_host_serves_its_own_paths_only(user: User) -> None:
    at_auth = await user.http.get(user.eset.auth_url + RECENT_PATH)
    at_patch = await user.http.post(f"{user.eset.patch_url}/oauth/token", data={"grant_type": "password"})
    assert (at_auth.status_code, at_patch.status_code) == (404, 404)
    assert len(user.eset.violations) == 2


async def test_more_than_ten_calls_within_a_second_are_throttled(user: User) -> None:
    answers = await asyncio.gather(*(user.recent("no such id") for _ in range(40)))
    statuses = [answer.status_code for answer in answers]
    assert 0 < statuses.count(429) == user.eset.throttled <= 40 - 9  # the login was the first call
    assert set(statuses) == {404, 429}


async def test_calls_are_recorded_without_secrets(user: User) -> None:
    await user.recent()
    assert [(call.service, call.params) for call in user.eset.calls] == [
        ("token", {"grant_type": "password"}),
        ("recent", {}),
    ]
    assert not any(secret in repr(user.eset.calls) for secret in user.eset.secrets())


# ---------------------------------------------------------------- 202


async def slow_query(user: User, polls: int = 1) -> str:
    user.eset.faults.add("recent", Fault.LATER, polls=polls)
    answer = await user.recent()
    assert (answer.status_code, answer.content) == (202, b"")
    return answer.headers["response-id"]


async def test_a_slow_query_is_collected_with_its_response_id(user: User) -> None:
    response_id = await slow_query(user, polls=3)
    assert [(await user.recent(response_id)).status_code for _ in range(3)] == [202, 202, 200]


async def test_a_result_is_delivered_once(user: User) -> None:
    response_id = await slow_query(user)
    assert [(await user.recent(response_id)).status_code for _ in range(3)] == [200, 404, 404]


async def test_a_delivery_that_is_lost_is_spent(user: User) -> None:
    response_id = await slow_query(user)
    user.eset.faults.add("poll", Fault.LOSE_REPLY)
    with pytest.raises(httpx.RemoteProtocolError):
        await user.recent(response_id)
    assert (await user.recent(response_id)).status_code == 404


async def test_a_result_tells_the_state_of_its_query(user: User) -> None:
    response_id = await slow_query(user)
    user.eset.fleet.new_failures(user.eset.clock.now(), 2)
    cached = (await user.recent(response_id)).json()["patchingDetails"]
    assert len((await user.recent()).json()["patchingDetails"]) == len(cached) + 2


async def test_a_result_that_nobody_fetches_is_dropped_after_ten_minutes(user: User) -> None:
    response_id = await slow_query(user)
    user.eset.clock.advance(601)
    assert (await user.recent(response_id)).status_code == 404


async def test_a_query_that_never_ends_is_given_up_after_two_minutes(user: User) -> None:
    response_id = await slow_query(user, polls=10**6)
    user.eset.clock.advance(119)
    assert (await user.recent(response_id)).status_code == 202
    user.eset.clock.advance(2)
    assert [(await user.recent(response_id)).status_code for _ in range(2)] == [504, 404]


async def test_a_token_may_change_while_polling(user: User) -> None:
    response_id = await slow_query(user)
    user.eset.expire_access_tokens()
    assert (await user.recent(response_id)).status_code == 401
    await user.login()
    assert (await user.recent(response_id)).status_code == 200


async def test_a_response_id_can_be_renewed_at_each_poll(user: User) -> None:
    user.eset.renews_response_ids = True
    first = await slow_query(user, polls=2)
    second = (await user.recent(first)).headers["response-id"]
    assert second != first
    assert [(await user.recent(it)).status_code for it in (first, second)] == [404, 200]


async def test_the_token_call_may_take_long_too(user: User) -> None:
    user.eset.faults.add("token", Fault.LATER)
    form = {"grant_type": "password", "username": user.eset.username, "password": user.eset.password}
    first = await user.grant(**form)
    assert first.status_code == 202
    headers = {"response-id": first.headers["response-id"]}
    second = await user.http.post(f"{user.eset.auth_url}/oauth/token", data=form, headers=headers)
    assert second.json()["token_type"] == "Bearer"


async def test_a_polling_call_can_fail_without_losing_the_result(user: User) -> None:
    response_id = await slow_query(user)
    user.eset.faults.add("poll", Fault.STATUS, status=503)
    assert [(await user.recent(response_id)).status_code for _ in range(2)] == [503, 200]


# ---------------------------------------------------------------- other faults


async def test_throttling_may_say_when_to_come_back(user: User) -> None:
    user.eset.faults.add("recent", Fault.STATUS, status=429, headers={"Retry-After": "3"})
    answer = await user.recent()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")


async def test_a_page_from_in_front_of_the_gateway_has_no_request_id(user: User) -> None:
    user.eset.faults.add("recent", Fault.HTML, status=502)
    answer = await user.recent()
    assert (answer.status_code, "request-id" in answer.headers) == (502, False)


async def test_torn_json_is_no_json(user: User) -> None:
    user.eset.faults.add("recent", Fault.TORN)
    with pytest.raises(json.JSONDecodeError):
        (await user.recent()).json()


async def test_a_compressed_answer_is_the_same_answer(user: User) -> None:
    user.eset.faults.add("recent", Fault.GZIP)
    packed, plain = await user.recent(), await user.recent()
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == plain.json()


async def test_a_huge_answer_stops_when_the_client_hangs_up(user: User) -> None:
    user.eset.faults.add("recent", Fault.HUGE)
    headers = {"Authorization": f"Bearer {user.tokens['access_token']}"}
    async with user.http.stream("GET", user.eset.patch_url + RECENT_PATH, headers=headers) as answer:
        async for _ in answer.aiter_raw():
            break
    assert (await user.recent()).status_code == 200


async def test_a_cut_connection_is_cut(user: User) -> None:
    for fault in (Fault.CUT, Fault.CUT_MIDWAY):
        user.eset.faults.add("recent", fault)
        with pytest.raises(httpx.RemoteProtocolError):
            await user.recent()


async def test_a_refused_call_does_not_use_up_a_fault(user: User) -> None:
    user.eset.faults.add("recent", Fault.STATUS, status=503)
    user.eset.expire_access_tokens()
    assert (await user.recent()).status_code == 401
    await user.login()
    assert (await user.recent()).status_code == 503


async def test_it_can_go_down_and_come_back_at_the_same_addresses(user: User) -> None:
    await user.eset.stop()
    with pytest.raises(httpx.ConnectError):
        await user.recent()
    await user.eset.start()
    assert (await user.recent()).status_code == 200


# ---------------------------------------------------------------- attempts with their devices


async def test_pages_follow_each_other_until_the_token_is_empty(user: User) -> None:
    rows, token, pages = list[object](), "", 0
    while token or not pages:
        body = (await user.details(("pageSize", "150"), *([("pageToken", token)] if token else []))).json()
        rows, token, pages = rows + body["patchingDetails"], body["nextPageToken"], pages + 1
    assert pages == -(-len(rows) // 150) >= 3
    assert [row for _, row in user.eset.fleet.details(user.eset.clock.now())] == rows
    assert user.eset.violations == []


@pytest.mark.parametrize(("size", "rows"), [("0", 50), ("7", 7), ("5000", 1000)])
async def test_a_page_has_50_rows_unless_told_and_never_more_than_1000(user: User, size: str, rows: int) -> None:
    fleet = user.eset.fleet
    fleet.attempts += fleet.attempts * 4
    assert len((await user.details(("pageSize", size))).json()["patchingDetails"]) == rows


async def test_a_page_token_is_good_for_its_own_query_only(user: User) -> None:
    start = ("timePeriod.startTime", "2025-03-01T00:00:00Z")
    token = (await user.details(start)).json()["nextPageToken"]
    assert (await user.details(start, ("pageToken", token))).status_code == 200
    assert (await user.details(("pageToken", token))).status_code == 400
    assert len(user.eset.violations) == 1


async def test_the_period_begins_with_its_start_and_ends_before_its_end(user: User) -> None:
    ended = max(row.at for row in user.eset.fleet.attempts)
    instant = ended.isoformat().replace("+00:00", "Z")
    since = (await user.details(("timePeriod.startTime", instant))).json()["patchingDetails"]
    until = (await user.details(("timePeriod.endTime", instant), ("pageSize", "1000"))).json()["patchingDetails"]
    assert len(since) == 1
    assert len(since) + len(until) == len(user.eset.fleet.details(user.eset.clock.now()))


@pytest.mark.parametrize(
    "query",
    [
        [("startTime", "2025-03-12T00:00:00Z")],
        [("pageSize", "5"), ("pageSize", "5")],
        [("pageSize", "many")],
        [("pageSize", "-1")],
        [("pageSize", "100000")],
        [("pageToken", "made.up")],
        [("pageToken", "zz")],
        [("timePeriod.startTime", "yesterday")],
        [("timePeriod.startTime", "2025-03-12")],
        [("timePeriod.startTime", "2025-03-12T00:00:00")],
        [("timePeriod.startTime", "2025-03-12T00:00:01Z"), ("timePeriod.endTime", "2025-03-12T00:00:00Z")],
    ],
    ids=str,
)
async def test_a_query_that_is_not_documented_is_refused_and_noted(user: User, query: list[tuple[str, str]]) -> None:
    answer = await user.details(*query)
    assert (answer.status_code, len(user.eset.violations)) == (400, 1)
    assert answer.json()["message"] == user.eset.violations[0]


async def test_the_list_can_be_had_of_one_device(user: User) -> None:
    machine = user.eset.fleet.machine(1001)
    assert machine is not None
    rows = (await user.details(("deviceUuid", machine.eset_uuid))).json()["patchingDetails"]
    assert {row["deviceUuid"] for row in rows} == {machine.eset_uuid}


async def test_a_new_failure_is_in_both_lists(user: User) -> None:
    ((machine, _),) = user.eset.fleet.new_failures(user.eset.clock.now(), 1)
    newest = (await user.details(("pageSize", "1000"))).json()["patchingDetails"]
    recent = (await user.recent()).json()["patchingDetails"]
    assert any(row["deviceUuid"] == machine.eset_uuid and row.get("application") == recent[-1] for row in newest)


async def test_a_slow_page_is_collected_by_the_same_question_only(user: User) -> None:
    user.eset.faults.add("details", Fault.LATER)
    late = (await user.details(("pageSize", "5"))).headers["response-id"]
    assert (await user.details(("pageSize", "6"), response_id=late)).status_code == 404
    assert len((await user.details(("pageSize", "5"), response_id=late)).json()["patchingDetails"]) == 5


# ---------------------------------------------------------------- devices by uuid


def known(eset: Eset) -> list[str]:
    return [machine.eset_uuid for machine in eset.fleet.machines() if machine.patching]


async def test_devices_come_in_the_order_asked_for(user: User) -> None:
    uuids = known(user.eset)[::-1]
    devices = (await user.devices(*uuids)).json()["devices"]
    assert [device["uuid"] for device in devices] == uuids
    assert all(device["displayName"] or device["originalDisplayName"] for device in devices)
    assert {bool(device["displayName"]) for device in devices} == {True, False}
    assert user.eset.violations == []


async def test_one_unknown_device_fails_the_whole_batch(user: User) -> None:
    uuids = known(user.eset)
    assert (await user.devices(*uuids, "d-unknown")).status_code == 404
    user.eset.removed.add(uuids[3])
    assert [(await user.devices(*some)).status_code for some in (uuids, uuids[:3])] == [404, 200]
    unmanaged = next(machine for machine in user.eset.fleet.machines() if not machine.patching)
    assert (await user.devices(unmanaged.eset_uuid)).status_code == 404
    assert user.eset.violations == []


@pytest.mark.parametrize("query", [[], [("devicesUuids", "")], [("deviceUuids", "d")], [("devicesUuids", "d" * 101)]])
async def test_a_batch_of_none_or_of_another_name_is_refused_and_noted(
    user: User, query: list[tuple[str, str]]
) -> None:
    answer = await user.get(user.eset.device_url + DEVICES_PATH, query)
    assert (answer.status_code, len(user.eset.violations)) == (400, 1)


async def test_rights_can_be_taken_away_and_given_back(user: User) -> None:
    user.eset.details_allowed = user.eset.devices_allowed = False
    user.eset.faults.add("details", Fault.STATUS, status=500)
    assert [(await user.details()).status_code, (await user.devices("d")).status_code] == [403, 403]
    assert (await user.recent()).status_code == 200
    user.eset.details_allowed = user.eset.devices_allowed = True
    statuses = [(await call).status_code for call in (user.details(), user.details(), user.devices(*known(user.eset)))]
    assert statuses == [500, 200, 200]
    assert user.eset.violations == []


async def test_the_device_host_has_its_own_path_and_asks_for_a_token_as_well(user: User) -> None:
    wrong = await user.get(user.eset.device_url + DETAILS_PATH, [])
    wrong_again = await user.get(user.eset.patch_url + DEVICES_PATH, [("devicesUuids", "d")])
    assert (wrong.status_code, wrong_again.status_code) == (404, 404)
    user.eset.expire_access_tokens()
    assert [(await user.details()).status_code, (await user.devices("d")).status_code] == [401, 401]
    assert len(user.eset.violations) == 2


async def test_calls_are_counted_over_all_hosts(user: User) -> None:
    asked = [call for _ in range(12) for call in (user.details(), user.devices("d-unknown"), user.recent("no such id"))]
    statuses = [answer.status_code for answer in await asyncio.gather(*asked)]
    assert statuses.count(429) == user.eset.throttled > 0
