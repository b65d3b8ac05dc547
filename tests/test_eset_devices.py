"""Attempts with their devices, and devices' names, from ESET's stand-in over real sockets."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from bot.clients import eset as client
from bot.clients.eset_devices import MOST_HALVINGS, MOST_PAGES, MissingRight, read_batches, read_pages
from bot.clients.eset_json import DevicePage
from bot.demo import eset as standin
from bot.demo import story
from bot.demo.clock import Clock
from bot.demo.faults import Fault
from bot.demo.fleet import Fleet, Machine
from bot.errors import Kind, UpstreamError
from bot.joining import join
from bot.model import Attempt, DeviceAttempt, DeviceKind, DeviceListing, EsetDevice, Period
from tests.eset_script import QUICK

WEEK = timedelta(days=7)


@dataclass
class Scene:
    eset: client.Eset
    there: standin.Eset

    async def details(self) -> DeviceListing:
        now = self.there.clock.now()
        return await self.eset.per_device(now - WEEK, now + timedelta(seconds=1))

    def asked(self, place: str) -> int:
        return len(self.there.calls.of(place))


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = Clock()
    there = standin.Eset(story.fleet(clock.now()), clock, calls_per_second=10_000)
    await there.start()
    user = (there.username, there.password)
    eset = client.Eset(there.auth_url, there.patch_url, *user, device_url=there.device_url, pace=QUICK)
    yield Scene(eset, there)
    await eset.close()
    await there.stop()
    assert there.violations == []


def crowd(fleet: Fleet, machines: int) -> list[str]:
    """So many machines more, each with the attempts of SRV-DC01; their uuids."""
    site = fleet.customers[0].sites[0]
    known = [row for row in fleet.attempts if row.machine_id == 1001]
    uuids = []
    for number in range(machines):
        machine = Machine(5000 + number, f"CROWD-{number}", DeviceKind.WORKSTATION)
        site.machines.append(machine)
        uuids.append(machine.eset_uuid)
        fleet.attempts += [replace(row, machine_id=machine.id) for row in known]
    return uuids


# ---------------------------------------------------------------- attempts with their devices


async def test_the_list_names_the_device_of_every_attempt(scene: Scene) -> None:
    listing = await scene.details()
    recent = await scene.eset.recent()
    joined = join(recent.attempts, listing.attempts)
    assert {row.fingerprint for row in recent.attempts if row.final} == set(joined)
    assert (listing.unreadable, listing.partial) == (0, "")


async def test_it_is_read_page_by_page(scene: Scene) -> None:
    crowd(scene.there.fleet, 400)
    rows = len((await scene.eset.recent()).attempts)
    assert rows > 3000
    listing = await scene.details()
    assert len(listing.attempts) == rows
    calls = scene.there.calls.of("details")
    assert len(calls) == -(-len(scene.there.fleet.details(scene.there.clock.now())) // 1000)
    assert [call.params.get("pageToken") is None for call in calls] == [True] + [False] * (len(calls) - 1)
    assert {call.params["pageSize"] for call in calls} == {"1000"}
    assert {call.params["timePeriod.endTime"] for call in calls} == {"2025-03-12T08:30:01Z"}


async def test_the_end_of_the_period_is_outside_it(scene: Scene) -> None:
    now = scene.there.clock.now()
    ended = max(row.ended for row in scene.there.fleet.attempts if row.ended)
    before = await scene.eset.per_device(now - WEEK, ended)
    assert all(row.attempt.ended_at is None or row.attempt.ended_at < ended for row in before.attempts)
    assert await scene.eset.per_device(now, now) == DeviceListing([])


async def test_each_page_may_come_later(scene: Scene) -> None:
    crowd(scene.there.fleet, 200)
    scene.there.faults.add("details", Fault.GZIP)
    scene.there.faults.add("details", Fault.LATER, polls=3)
    listing = await scene.details()
    assert len(listing.attempts) == len((await scene.eset.recent()).attempts)
    assert scene.asked("poll") == 3


async def test_a_token_that_expires_between_two_pages_is_renewed(scene: Scene) -> None:
    crowd(scene.there.fleet, 200)
    gate = asyncio.Event()
    scene.there.faults.add("details", Fault.SLOW, until=gate)
    reading = asyncio.create_task(scene.details())
    await scene.there.calls.reach("details")
    scene.there.expire_access_tokens()
    gate.set()
    assert len((await reading).attempts) > 1000
    assert [call.params["grant_type"] for call in scene.there.calls.of("token")] == ["password", "refresh_token"]


async def test_a_page_that_fails_is_the_failure_of_the_list(scene: Scene) -> None:
    crowd(scene.there.fleet, 200)
    scene.there.faults.add("details", Fault.GZIP)
    scene.there.faults.add("details", Fault.TORN)
    assert (await failing_details(scene)).kind is Kind.BROKEN


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", Kind.BROKEN),
        (b"[]", Kind.BROKEN),
        (b"<html>Access blocked</html>", Kind.BROKEN),
        (b'{"message": "no"}', Kind.BROKEN),
        (b'{"patchingDetails": [], "nextPageToken": ["a"]}', Kind.BROKEN),
        (b'{"patchingDetails": ' + b"[" * 200_000, Kind.BROKEN),
    ],
)
async def test_garbage_is_a_broken_answer(scene: Scene, body: bytes, kind: Kind) -> None:
    for place in ("details", "devices"):
        scene.there.faults.add(place, Fault.BODY, body=body)
    errors = [await failing_details(scene)]
    if b"patchingDetails" not in body:
        errors.append(await failing_names(scene, uuid_of(scene, 1001)))
    assert {error.kind for error in errors} == {kind}
    assert all("ESET request-id" in error.words for error in errors)


async def test_passing_trouble_is_sat_out(scene: Scene) -> None:
    for place in ("details", "devices"):
        scene.there.faults.add(place, Fault.STATUS, status=503)
        scene.there.faults.add(place, Fault.STATUS, status=429)
    assert (await scene.details()).attempts
    assert await scene.eset.device_names([uuid_of(scene, 1001)])


async def test_without_the_right_the_error_names_it_and_the_recent_list_goes_on(scene: Scene) -> None:
    scene.there.details_allowed = False
    with capture_logs() as lines:
        error = await failing_details(scene)
    assert isinstance(error, MissingRight)
    assert (error.kind, error.right) == (Kind.FORBIDDEN, "Patch Management: Read")
    assert error.right in error.sentence
    assert error.reference in error.sentence
    assert (lines[-1]["event"], lines[-1]["reference"]) == ("upstream.failed", error.reference)
    assert (scene.eset.asked, scene.eset.last_error) == (False, None)
    assert (await scene.eset.recent()).attempts
    await failing_details(scene)
    assert scene.eset.last_error is None


async def test_without_the_right_to_devices_the_error_names_that_one(scene: Scene) -> None:
    scene.there.devices_allowed = False
    error = await failing_names(scene, *(uuid_of(scene, it) for it in range(1001, 1011)))
    assert isinstance(error, MissingRight)
    assert error.right == "Groups and Computers: Read"
    assert scene.asked("devices") == 1
    assert scene.eset.last_error is None
    assert (await scene.details()).attempts


async def test_a_forbidden_login_is_no_missing_right(scene: Scene) -> None:
    scene.there.faults.add("token", Fault.STATUS, status=403)
    error = await failing_details(scene)
    assert not isinstance(error, MissingRight)
    assert "public IP address" in error.words


async def test_askers_at_the_same_time_share_the_calls(scene: Scene) -> None:
    uuids = [uuid_of(scene, 1001), uuid_of(scene, 1002)]
    await asyncio.gather(*(scene.details() for _ in range(5)))
    await asyncio.gather(*(scene.eset.device_names(some) for some in (uuids, uuids[::-1], iter(uuids * 2))))
    assert (scene.asked("details"), scene.asked("devices"), scene.asked("token")) == (1, 1, 1)


async def test_calls_in_the_air_end_when_the_bot_stops(scene: Scene) -> None:
    gate = asyncio.Event()
    for place in ("details", "devices"):
        scene.there.faults.add(place, Fault.SLOW, until=gate)
    asking = asyncio.gather(scene.details(), scene.eset.device_names([uuid_of(scene, 1001)]), return_exceptions=True)
    await scene.there.calls.reach("details")
    await scene.there.calls.reach("devices")
    await scene.eset.stop_reading()
    assert {str(error).startswith("ESET: cut") for error in await asking} == {True}
    gate.set()


# ---------------------------------------------------------------- names


async def test_devices_have_esets_names(scene: Scene) -> None:
    machines = [machine for machine in scene.there.fleet.machines() if machine.patching]
    devices = await scene.eset.device_names(machine.eset_uuid for machine in machines)
    assert devices == {it.eset_uuid: EsetDevice(it.eset_uuid, it.eset_name) for it in machines}
    assert scene.asked("devices") == 1


async def test_nobody_is_never_asked_for(scene: Scene) -> None:
    assert await scene.eset.device_names([]) == await scene.eset.device_names([""]) == {}
    assert scene.asked("devices") == 0


async def test_three_unknown_of_250_cost_no_other_name(scene: Scene) -> None:
    uuids = crowd(scene.there.fleet, 250)
    unknown = {uuids[7], uuids[120], uuids[249]}
    scene.there.removed |= unknown
    devices = await scene.eset.device_names(uuids)
    assert set(devices) == set(uuids) - unknown
    # Three batches, and of each with an unknown device at most seven halvings, two calls each.
    assert 3 + 3 * 2 * 5 <= scene.asked("devices") <= 3 + 3 * 2 * 7


async def test_a_device_that_eset_no_longer_knows_has_no_name(scene: Scene) -> None:
    uuid = uuid_of(scene, 1001)
    scene.there.removed.add(uuid)
    assert await scene.eset.device_names([uuid]) == {}


async def test_a_bad_request_whatever_is_asked_for_is_an_error(scene: Scene) -> None:
    scene.there.faults.add("devices", Fault.STATUS, times=None, status=400)
    error = await failing_names(scene, *(uuid_of(scene, it) for it in range(1001, 1005)))
    assert (error.kind, error.code) == (Kind.REFUSED, "400")
    assert scene.asked("devices") == 7


async def test_trouble_is_no_unknown_device(scene: Scene) -> None:
    scene.there.faults.add("devices", Fault.STATUS, times=None, status=500)
    error = await failing_names(scene, uuid_of(scene, 1001), uuid_of(scene, 1002))
    assert (error.kind, scene.asked("devices")) == (Kind.DOWN, QUICK.tries)


# ---------------------------------------------------------------- pages and batches, without a wire


class Pages:
    """Pages by token, each with one attempt; the token of a page is its number."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens, self.asked = tokens, list[str]()

    async def __call__(self, token: str) -> DevicePage:
        self.asked.append(token)
        row = DeviceAttempt(f"d-{len(self.asked)}", Attempt(period=Period(end="2025-03-12T01:00:00Z")))
        return DevicePage([row], self.tokens[min(len(self.asked), len(self.tokens)) - 1], unreadable=1)


@pytest.mark.parametrize(
    ("tokens", "asked", "partial"),
    [
        (["1", "2", ""], 3, ""),
        (["1", "1"], 2, "ESET's list went round in a circle after page 2"),
        (["1", "2", "1"], 3, "ESET's list went round in a circle after page 3"),
        (
            [str(page) for page in range(1, 999)],
            MOST_PAGES,
            "ESET's list has more than the 200 pages that the bot reads",
        ),
    ],
)
async def test_a_list_ends_and_says_why(tokens: list[str], asked: int, partial: str) -> None:
    pages = Pages(tokens)
    listing = await read_pages(pages, lambda: True)
    assert (len(pages.asked), len(listing.attempts), listing.unreadable) == (asked, asked, asked)
    assert listing.partial == partial


async def test_a_list_that_takes_too_long_is_left_where_it_is() -> None:
    pages = Pages(["1", "2", "3"])
    listing = await read_pages(pages, lambda: len(pages.asked) < 2)
    assert (len(listing.attempts), listing.partial[:18]) == (2, "ESET took too long")


class Batches:
    """Knows some uuids, and answers for all or none."""

    def __init__(self, known: set[str]) -> None:
        self.known, self.asked = known, list[int]()

    async def __call__(self, batch: Sequence[str]) -> list[EsetDevice] | None:
        self.asked.append(len(batch))
        assert sum(len(f"devicesUuids={uuid}&") for uuid in batch) <= 6000
        return [EsetDevice(uuid, uuid) for uuid in batch] if self.known.issuperset(batch) else None


async def test_batches_keep_to_100_and_to_the_length_of_an_address() -> None:
    short, long = [str(number) for number in range(250)], [f"{number:0100}" for number in range(100)]
    batches = Batches({*short, *long})
    assert set(await read_batches(batches, [*short, *long])) == {*short, *long}
    assert max(batches.asked) == 100
    assert len(batches.asked) == 5


async def test_a_fleet_that_eset_has_forgotten_costs_a_bounded_number_of_calls() -> None:
    forgotten = [f"gone-{number}" for number in range(2000)]
    batches = Batches({"here"})
    with capture_logs() as lines:
        assert set(await read_batches(batches, [*forgotten, "here"])) == {"here"}
    assert len(batches.asked) == 21 + 2 * MOST_HALVINGS
    assert lines == [{"event": "eset.devices_unknown", "log_level": "info", "devices": 2000, "halvings": MOST_HALVINGS}]


# ----------------------------------------------------------------


def uuid_of(scene: Scene, machine_id: int) -> str:
    machine = scene.there.fleet.machine(machine_id)
    assert machine is not None
    return machine.eset_uuid


async def failing_details(scene: Scene) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await scene.details()
    return caught.value


async def failing_names(scene: Scene, *uuids: str) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await scene.eset.device_names(uuids)
    return caught.value
