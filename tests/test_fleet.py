"""The simulated fleet: believable, always the same, and one truth for both services."""

from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from bot.demo import catalogue, story
from bot.demo.clock import MORNING, Clock
from bot.demo.fleet import KEPT, REASONS, AttemptRow, Fleet, FleetPatch, Machine
from bot.joining import join
from bot.model import Attempt, DeviceAttempt, DeviceKind, Outcome, PatchStatus


@pytest.fixture
def fleet() -> Fleet:
    return story.fleet(MORNING)


def machine_1001(fleet: Fleet) -> Machine:
    machine = fleet.machine(1001)
    assert machine is not None
    return machine


def patches(fleet: Fleet) -> list[tuple[Machine, FleetPatch]]:
    return [(machine, patch) for machine in fleet.machines() for patch in machine.patches.values()]


def test_the_fleet_is_always_the_same(fleet: Fleet) -> None:
    assert story.fleet(MORNING) == fleet


def test_it_is_small_and_believable(fleet: Fleet) -> None:
    machines = list(fleet.machines())
    assert [customer.name for customer in fleet.customers] == [
        "Contoso Ltd",
        "Bäckerei Müller & Söhne",
        "Northwind Traders",
    ]
    assert len([site for customer in fleet.customers for site in customer.sites]) == 6
    assert len(machines) == len({machine.id for machine in machines}) == 60
    assert {machine.kind for machine in machines} == set(DeviceKind)
    assert any("." in machine.name for machine in machines)
    assert sum(machine.name == "SRV-FILE01" for machine in machines) == 2
    assert [machine.name for machine in machines].count("SRV-DC01") == 1


def test_every_patch_has_an_id_of_its_own(fleet: Fleet) -> None:
    ids = Counter(patch.id for _, patch in patches(fleet))
    assert max(ids.values()) == 1


def test_every_status_of_a_patch_occurs_at_rest(fleet: Fleet) -> None:
    moving = {PatchStatus.QUEUED}
    assert {patch.status for _, patch in patches(fleet)} == set(PatchStatus) - moving


def test_no_patch_was_tried_before_it_was_released(fleet: Fleet) -> None:
    assert all(row.started.date() >= row.application.released for row in fleet.attempts)


def test_every_failed_application_patch_has_a_failed_attempt_of_the_same_version_at_eset(fleet: Fleet) -> None:
    told = {(row.machine_id, row.application.name, row.to_version) for row in fleet.attempts if "FAILED" in row.status}
    failed = [(machine, patch) for machine, patch in patches(fleet) if patch.status is PatchStatus.FAILED]
    for machine, patch in failed:
        if patch.application is not None:
            assert (machine.id, patch.application.name, patch.to_version) in told


def test_an_installed_application_patch_ends_with_a_good_attempt(fleet: Fleet) -> None:
    for machine, patch in patches(fleet):
        if patch.application is not None and patch.status is PatchStatus.INSTALLED:
            rows = [r for r in fleet.attempts if (r.machine_id, r.application) == (machine.id, patch.application)]
            assert max(rows, key=lambda row: row.started).status == "OK_INSTALLED"


def test_esets_rows_are_read_by_the_bots_own_model(fleet: Fleet) -> None:
    rows = msgspec.convert(fleet.recent(MORNING), list[Attempt])
    assert len(rows) > 300
    assert {row.status for row in rows} == {
        *REASONS,
        "OK_INSTALLED",
        "OK_RESTART_REQUIRED",
        "NOT_APPLICABLE",
        "UNSPECIFIED",
    }
    assert {row.final for row in rows} == {True, False}
    assert all(row.started_at and row.started_at <= MORNING for row in rows)
    assert Counter(row.outcome for row in rows)[Outcome.FAILED] > 100


def test_two_tills_give_two_equal_rows(fleet: Fleet) -> None:
    rows = msgspec.convert(fleet.recent(MORNING), list[Attempt])
    final = Counter(row.fingerprint for row in rows if row.final)
    assert sorted(final.values())[-2:] == [1, 2]


def test_what_is_older_than_a_few_days_leaves_esets_list(fleet: Fleet) -> None:
    assert fleet.recent(MORNING + timedelta(days=8)) == []
    assert 0 < len(fleet.recent(MORNING + timedelta(days=4))) < len(fleet.recent(MORNING))


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("134.0.6998.89", 134 << 48 | 6998 << 16 | 89),
        ("24.09", 24 << 48 | 9 << 32),
        ("8.7.8", 8 << 48 | 7 << 32 | 8 << 16),
    ],
)
def test_a_version_id_follows_the_vendors_scheme(name: str, number: int) -> None:
    assert catalogue.version(name)["id"] == str(number)


def test_only_a_semantic_version_has_its_parts_filled() -> None:
    assert [catalogue.version("8.7.8")[part] for part in ("major", "minor", "patch")] == [8, 7, 8]
    assert [catalogue.version("24.09")[part] for part in ("major", "minor", "patch")] == [0, 0, 0]


def test_the_vendors_example_stands_on_machine_1001(fleet: Fleet) -> None:
    machine = machine_1001(fleet)
    assert machine.name == "SRV-DC01"
    assert fleet.retry(machine, [1, 4, 5, 6], MORNING) == ([4, 5], [1, 6])


def test_a_retried_patch_goes_from_pending_to_queued_to_installed_on_the_clock(fleet: Fleet) -> None:
    clock = Clock()
    fleet.retry(machine_1001(fleet), [4], clock.now())
    seen = []
    for step in (timedelta(), fleet.pace.pending, fleet.pace.queued):
        fleet.settle(clock.advance(step))
        seen.append(fleet.patch(1001, 4).status)
    assert seen == [PatchStatus.PENDING, PatchStatus.QUEUED, PatchStatus.INSTALLED]


def test_an_installed_retry_shows_at_eset_as_a_good_attempt(fleet: Fleet) -> None:
    before = fleet.recent(MORNING)
    fleet.retry(machine_1001(fleet), [4], MORNING)
    after = fleet.recent(MORNING + fleet.pace.total)
    (new,) = [row for row in after if row not in before]
    assert (new["displayName"], new["status"]) == ("Google Chrome", "APPLICATION_PATCHING_STATUS_OK_INSTALLED")


def test_a_patch_told_to_fail_again_fails_once_and_then_installs(fleet: Fleet) -> None:
    machine, now = machine_1001(fleet), MORNING
    fleet.fail_again(1001, 5)
    seen = []
    for _ in range(2):
        fleet.retry(machine, [5], now)
        now += fleet.pace.total
        fleet.settle(now)
        seen.append(machine.patches[5].status)
    assert seen == [PatchStatus.FAILED, PatchStatus.INSTALLED]


def test_some_of_the_failed_patches_will_fail_again_and_some_want_a_restart(fleet: Fleet) -> None:
    prospects = Counter(tuple(patch.outcomes) for _, patch in patches(fleet) if patch.status is PatchStatus.FAILED)
    assert set(prospects) == {(), (PatchStatus.FAILED,), (PatchStatus.REBOOT_REQUIRED,)}


def test_new_failures_are_seen_by_both_services(fleet: Fleet) -> None:
    before = len(fleet.recent(MORNING))
    news = fleet.new_failures(MORNING, 5)
    assert len({machine.id for machine, _ in news}) == 5
    assert len(fleet.recent(MORNING)) == before + 5
    assert all(machine.patches[patch.id].status is PatchStatus.FAILED for machine, patch in news)
    assert max(Counter(patch.title for _, patch in news).values()) > 1


def test_new_failures_can_happen_again_and_again(fleet: Fleet) -> None:
    ids = [patch.id for _ in range(4) for _, patch in fleet.new_failures(MORNING, 10)]
    assert len(set(ids)) == 40


def test_a_clock_is_never_put_back() -> None:
    clock = Clock()
    with pytest.raises(ValueError, match="never put back"):
        clock.advance(-1)
    assert clock.now() == MORNING


def test_a_fast_clock_runs_by_itself() -> None:
    clock = Clock(speed=1_000_000)
    first = clock.now()
    while clock.now() == first:
        continue
    assert clock.now() > first
    assert clock.real(2) == timedelta(seconds=2_000_000)


def test_a_clock_changes_its_speed_without_a_leap_and_tells_of_it() -> None:
    clock = Clock(fastest=60)
    told: list[float] = []
    clock.listeners.append(lambda: told.append(clock.speed))
    for speed in (1e9, 0, 0, 60, 1):
        before = clock.now()
        clock.speed = speed
        assert before <= clock.now()
    assert told == [1e9, 0, 60, 1]
    assert clock.now() - MORNING > timedelta(microseconds=1)
    with pytest.raises(ValueError, match="never runs backwards"):
        clock.speed = -1


def test_what_was_given_slowly_lives_on_when_time_runs_fast() -> None:
    assert Clock(speed=1, fastest=60).real(120) == timedelta(hours=2)
    clock = Clock(speed=1)
    clock.speed = 600
    clock.speed = 1
    assert clock.real(2) == timedelta(minutes=20)


# ---------------------------------------------------------------- the same machines at ESET


def details(fleet: Fleet, of: str = "application") -> list[DeviceAttempt]:
    return msgspec.convert([row for _, row in fleet.details(MORNING) if of in row], list[DeviceAttempt])


def test_every_machine_has_a_uuid_of_its_own_at_eset_and_not_all_look_like_one(fleet: Fleet) -> None:
    uuids = [machine.eset_uuid for machine in fleet.machines()]
    assert len(set(uuids)) == 60
    assert uuids == [machine.eset_uuid for machine in story.fleet(MORNING).machines()]
    assert {"-" in uuid for uuid in uuids} == {True, False}


def test_eset_knows_some_machines_by_another_spelling_of_their_name(fleet: Fleet) -> None:
    names = {machine.name: machine.eset_name for machine in fleet.machines()}
    assert sum(name != at_eset for name, at_eset in names.items()) > 20
    assert any("." in at_eset and "." not in name for name, at_eset in names.items())
    assert any("." in name and "." not in at_eset for name, at_eset in names.items())
    assert any(at_eset == at_eset.lower() for at_eset in names.values())
    cut = {name: at_eset for name, at_eset in names.items() if len(name.partition(".")[0]) > 15}
    assert cut
    assert all(at_eset == name[:15].upper() for name, at_eset in cut.items())


def test_the_two_customers_file_servers_are_told_apart_by_neither_service(fleet: Fleet) -> None:
    assert [machine.eset_name for machine in fleet.machines() if machine.name == "SRV-FILE01"] == ["SRV-FILE01"] * 2


def test_esets_list_with_devices_names_every_attempt_of_the_other_list(fleet: Fleet) -> None:
    recent = msgspec.convert(fleet.recent(MORNING), list[Attempt])
    assert Counter(row.attempt for row in details(fleet)) == Counter(recent)


def test_the_join_finds_the_machine_of_every_final_attempt(fleet: Fleet) -> None:
    joined = join(msgspec.convert(fleet.recent(MORNING), list[Attempt]), details(fleet))
    truth: dict[str, set[str]] = {}
    uuids = {machine.id: machine.eset_uuid for machine in fleet.machines()}
    for row in fleet.attempts:
        if row.ended is not None:
            truth.setdefault(msgspec.convert(row.wire(), Attempt).fingerprint, set()).add(uuids[row.machine_id])
    assert {fingerprint: set(devices) for fingerprint, devices in joined.items()} == truth


def test_the_list_with_devices_has_operating_systems_and_packages_too(fleet: Fleet) -> None:
    kinds = Counter(kind for _, row in fleet.details(MORNING) for kind in row)
    assert kinds["operatingSystem"] > 5
    assert kinds["package"] == 2


def test_the_list_with_devices_goes_back_30_days(fleet: Fleet) -> None:
    month_later = MORNING + KEPT
    fleet.new_failures(MORNING, 1)
    assert [row["application"]["status"][-20:] for _, row in fleet.details(month_later - timedelta(minutes=5))]
    assert not any("application" in row for _, row in fleet.details(month_later))


def test_a_group_of_failures_leads_to_devices_with_such_a_failed_patch_in_both_services(fleet: Fleet) -> None:
    """What a Retry… on a digest's group needs: several machines, each with a Failed patch of that application."""
    failing: dict[str, set[int]] = {}
    for row in fleet.attempts:
        if "FAILED" in row.status and failed_now(fleet, row):
            failing.setdefault(row.application.name, set()).add(row.machine_id)
    assert len(failing["Google Chrome"]) >= 3
    assert sum(len(machines) >= 2 for machines in failing.values()) >= 5


def failed_now(fleet: Fleet, row: AttemptRow) -> bool:
    machine = fleet.machine(row.machine_id)
    assert machine is not None
    return any(
        patch.application == row.application and patch.status is PatchStatus.FAILED
        for patch in machine.patches.values()
    )
