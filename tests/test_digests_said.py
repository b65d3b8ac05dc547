"""What a digest says: by difference, for whom, in which order, and with which verdict."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.digests import By, Digest, DigestPlan, Failure, Level, Retried, Section, listing, wanted
from bot.model import DeviceKind
from tests.sample_digests import LAPTOP, MADE, PLAN, SERVER, SLOT, digest, new, recovered, standing, still, unknown

# ---------------------------------------------------------------- by difference


@pytest.mark.parametrize(
    ("failing", "before", "retried", "section"),
    [
        (True, False, 0, Section.NEW),
        (True, True, 0, Section.STILL),
        (False, True, 0, Section.RECOVERED),
        (False, False, 0, Section.RECOVERED),
        (True, True, 7, Section.RECOVERED),
        (True, False, 7, Section.RECOVERED),
    ],
)
def test_a_failure_is_told_by_how_it_stood_before(failing: bool, before: bool, retried: int, section: Section) -> None:
    made = Failure(standing(failing=failing, before=before), retried=retried)
    assert made.section is section


def test_attempts_whose_device_nobody_knows_count_each() -> None:
    assert [unknown(1, 5).count, unknown(1, 0).count, new(1, fresh=5).count] == [5, 1, 1]
    assert digest([unknown(1, 5), new(2)]).verdict.words == "Worth a look: 6 new failures"


def test_servers_come_first_then_what_is_severe() -> None:
    said = digest([new(1), new(2, LAPTOP, "Low"), new(3, severity="critical"), new(4, SERVER)])
    assert [one.standing.subject for one in said.new] == [4, 3, 1, 2]


def test_what_has_failed_longest_comes_first_and_what_a_retry_repaired() -> None:
    said = digest([still(1, days=2), still(2, days=9), recovered(3), recovered(4, retried=8), recovered(5, retried=6)])
    assert [one.standing.subject for one in said.still] == [2, 1]
    assert [one.standing.subject for one in said.recovered] == [5, 4, 3]


# ---------------------------------------------------------------- for whom

FAILED = "FAILED_DOWNLOAD_ERROR"
HERE = new(1, SERVER)


@pytest.mark.parametrize(
    ("plan", "asked"),
    [
        (PLAN, True),
        (replace(PLAN, clients=("contoso*",)), True),
        (replace(PLAN, clients=("Fabrikam", "Contoso Ltd")), True),
        (replace(PLAN, clients=("Contoso",)), False),
        (replace(PLAN, applications=("7-zip",)), True),
        (replace(PLAN, applications=("Zoom*",)), False),
        (replace(PLAN, reasons=(FAILED,)), True),
        (replace(PLAN, reasons=(FAILED.casefold(),)), True),
        (replace(PLAN, reasons=("FAILED_PREPARE_ERROR",)), False),
        (replace(PLAN, kind=DeviceKind.SERVER), True),
        (replace(PLAN, kind=DeviceKind.WORKSTATION), False),
        (replace(PLAN, clients=("Contoso*",), applications=("7-Zip",), kind=DeviceKind.WORKSTATION), False),
    ],
)
def test_a_plan_asks_for_what_all_its_filters_let_through(plan: DigestPlan, asked: bool) -> None:
    assert wanted(plan, HERE) == asked


def test_what_nobody_can_place_is_counted_and_not_told() -> None:
    plan = replace(PLAN, clients=("Contoso*",))
    said = digest([HERE, new(2), unknown(3, 4), still(4), recovered(5), new(6, LAPTOP)], plan)
    assert (said.new, said.still, said.recovered) == ((HERE,), (), ())
    assert said.unassigned == 1 + 4 + 1
    assert digest([new(2), new(3)], replace(PLAN, kind=DeviceKind.SERVER)).unassigned == 2
    assert digest([new(2), new(3)], replace(PLAN, applications=("7-Zip",))).unassigned == 0


def test_what_a_plan_leaves_out_anyway_is_not_counted_as_out_of_place() -> None:
    plan = replace(PLAN, clients=("Contoso*",), applications=("Zoom",))
    assert digest([new(2)], plan).unassigned == 0


def test_a_plan_that_leaves_things_out_counts_its_own_attempts() -> None:
    plan = replace(PLAN, kind=DeviceKind.SERVER)
    assert digest([new(1, SERVER, fresh=3), new(2, LAPTOP, fresh=5)], plan).failed == 3
    assert digest([new(1, SERVER, fresh=3), new(2, LAPTOP, fresh=5)]).failed == 8


def test_what_is_silenced_is_counted_and_not_told() -> None:
    said = digest([replace(new(1), silence=3), replace(still(2), silence=3), replace(recovered(3), silence=3), new(4)])
    assert (said.silenced, len(said.new), len(said.still), len(said.recovered)) == (2, 1, 0, 0)
    assert digest([replace(new(1), silence=3)]).empty


# ---------------------------------------------------------------- the verdict

AGAIN = Retried((), ((7, 2),))
SERVERS = replace(PLAN, kind=DeviceKind.SERVER)


@pytest.mark.parametrize(
    ("said", "level", "words"),
    [
        (digest([new(1, SERVER)]), Level.ACTION, "Action needed: 1 new failure on a server"),
        (digest([new(1, SERVER), new(2, SERVER)]), Level.ACTION, "Action needed: 2 new failures on servers"),
        (digest([new(1, LAPTOP, "Critical")]), Level.ACTION, "Action needed: 1 new severe failure"),
        (
            digest([new(1, SERVER), new(2, severity="important"), new(3, SERVER, "Critical")]),
            Level.ACTION,
            "Action needed: 2 new failures on servers, 1 severe on other devices",
        ),
        (digest(retried=AGAIN), Level.ACTION, "Action needed: 2 patches failed again after a retry"),
        (
            digest([new(1, SERVER)], note="x", retried=AGAIN),
            Level.ACTION,
            "Action needed: at least 1 new failure on a server, 2 patches failed again after a retry",
        ),
        (digest([new(1), new(2, LAPTOP, "Moderate")]), Level.LOOK, "Worth a look: 2 new failures"),
        (digest([new(1), still(2, SERVER), recovered(3)]), Level.LOOK, "Worth a look: 1 new failure"),
        (digest([new(1)], note="x"), Level.LOOK, "Worth a look: at least 1 new failure"),
        (digest([still(1), recovered(2)], note="x"), Level.UNKNOWN, "Not known: ESET could not be asked"),
        (digest([still(1, SERVER), still(2)]), Level.STILL, "Still failing: 2, nothing new"),
        (
            digest([still(1, SERVER), still(2), recovered(3)]),
            Level.BETTER,
            "Getting better: 1 recovered, 2 still failing",
        ),
        (
            digest([still(1, device="", fresh=3), still(2)]),
            Level.STILL,
            "Still failing: 4, 3 more failed attempts on unknown devices",
        ),
        (digest([recovered(1), recovered(2, retried=5)]), Level.GOOD, "All good: 2 recovered"),
        (digest([recovered(1, fresh=1)]), Level.SAME, "Nothing new: 1 recovered"),
        (digest(retried=Retried(((7, 2),))), Level.GOOD, "All good"),
        (digest(), Level.GOOD, "All good"),
        (digest([replace(still(1), silence=4)]), Level.SAME, "Nothing new"),
        (digest(ok=0, other=0), Level.IDLE, "Nothing was patched"),
        (digest([], SERVERS), Level.NOTHING, "Nothing to tell"),
        (digest([new(1, LAPTOP)], SERVERS), Level.NOTHING, "Nothing to tell"),
        (digest([], SERVERS, ok=0, other=0), Level.IDLE, "Nothing was patched"),
        (digest([replace(recovered(1), device=SERVER)], SERVERS), Level.GOOD, "All good: 1 recovered"),
        (digest([replace(new(1, SERVER), silence=4)], SERVERS), Level.SAME, "Nothing new"),
        (digest([new(1), unknown(2, 4)], SERVERS), Level.UNKNOWN, "Not known: 5 failures that nobody can place"),
        (
            digest([new(1), replace(recovered(2), device=SERVER)], SERVERS),
            Level.UNKNOWN,
            "Not known: 1 failure that nobody can place, 1 recovered",
        ),
        (digest([new(1), still(2, SERVER)], SERVERS), Level.STILL, "Still failing: 1, nothing new"),
    ],
)
def test_the_verdict_is_about_what_to_do(said: Digest, level: Level, words: str) -> None:
    assert (said.verdict.level, said.verdict.words) == (level, words)
    assert said.verdict.words.startswith(said.verdict.level.value)


@pytest.mark.parametrize(
    ("said", "empty", "quiet"),
    [
        (digest(), True, True),
        (digest([still(1)]), True, True),
        (digest([still(1, fresh=1)]), False, True),
        (digest([still(1, device="", fresh=1)]), False, False),
        (digest([still(1, device="")]), True, True),
        (digest([new(1)]), False, False),
        (digest([recovered(1)]), False, False),
        (digest(note="x"), False, False),
        (digest(retried=AGAIN), False, False),
        (digest([new(1)], replace(PLAN, kind=DeviceKind.SERVER)), False, True),
        (digest([still(1)], replace(PLAN, kind=DeviceKind.SERVER)), True, True),
        (digest([new(1, LAPTOP)], replace(PLAN, kind=DeviceKind.SERVER)), True, True),
    ],
)
def test_a_digest_is_empty_when_nothing_happened_and_quiet_when_nothing_is_new(
    said: Digest, empty: bool, quiet: bool
) -> None:
    assert (said.empty, said.quiet) == (empty, quiet)


# ---------------------------------------------------------------- groups


def test_groups_are_one_application_and_version_each_with_the_most_urgent_first() -> None:
    said = digest(
        [
            *(new(number, LAPTOP) for number in range(1, 5)),
            new(5, LAPTOP, to_version="25.00"),
            new(6, SERVER, application="Zoom"),
            *(still(number, application="Reader") for number in range(7, 20)),
        ]
    )
    assert [(g.application, g.to_version, g.count_new, g.count_still) for g in said.groups] == [
        ("Zoom", "24.09", 1, 0),
        ("7-Zip", "24.09", 4, 0),
        ("7-Zip", "25.00", 1, 0),
        ("Reader", "24.09", 0, 13),
    ]


def test_a_group_knows_its_subjects_reasons_clients_and_age() -> None:
    group = digest([new(1, SERVER), new(2, LAPTOP, status="FAILED_X"), still(3, days=9), unknown(4, 5)]).groups[0]
    assert set(group.subjects) == {1, 2, 3, 4}
    assert group.reasons == (("FAILED_DOWNLOAD_ERROR", 7), ("FAILED_X", 1))
    assert (group.clients, group.servers, group.count) == (("Contoso Ltd", "Fabrikam"), 1, 8)
    assert group.since == SLOT - timedelta(days=9)


def labels(by: By, failures: Sequence[Failure]) -> list[str | None]:
    return [group.label for group in digest(failures, replace(PLAN, group_by=by)).groups]


def test_a_plan_may_group_by_client_reason_or_severity() -> None:
    made = [
        new(1, LAPTOP, "Low", status="FAILED_X"),
        new(2, SERVER, "Critical"),
        still(3, status="FAILED_Y"),
        replace(new(4), severity="odd"),
    ]
    assert labels("application", made) == [None]
    assert labels("client", made) == ["Contoso Ltd", "", "Fabrikam"]
    assert labels("reason", made) == ["FAILED_DOWNLOAD_ERROR", "FAILED_X", "FAILED_Y"]
    assert labels("severity", made) == ["critical", "low", "odd", ""]


ANY_FAILURE = st.builds(
    lambda number, kind, app, fresh, where, silence: replace(
        MADE[kind](number, application=app, fresh=max(fresh, kind in {"new", "unknown"})),
        device=where,
        silence=silence,
    ),
    st.integers(1, 9999),
    st.sampled_from(["new", "still", "recovered", "unknown"]),
    st.sampled_from(["A", "a", "B"]),
    st.integers(0, 3),
    st.sampled_from([SERVER, LAPTOP, None]),
    st.sampled_from([0, 0, 0, 5]),
)
PLANS = st.builds(
    lambda by, clients, kind: replace(PLAN, group_by=by, clients=clients, kind=kind),
    st.sampled_from(["application", "reason", "client", "severity"]),
    st.sampled_from([(), ("Contoso*",), ("*",)]),
    st.sampled_from([None, DeviceKind.SERVER]),
)


@given(st.lists(ANY_FAILURE, max_size=30), PLANS)
def test_every_failure_is_told_once_or_counted_as_left_out(made: Sequence[Failure], plan: DigestPlan) -> None:
    said = digest(made, plan)
    told = [*said.new, *said.still, *said.recovered]
    assert all(wanted(plan, one) and not one.silence for one in told)
    assert len(told) == sum(wanted(plan, one) and not one.silence for one in made)
    failing = [one for one in made if one.section is not Section.RECOVERED]
    grouped = [one for group in said.groups for one in group.failures]
    assert sorted(map(repr, grouped)) == sorted(map(repr, (*said.new, *said.still)))
    assert said.silenced == sum(one.count for one in failing if one.silence and wanted(plan, one))
    keys = [(group.label, group.developer, group.application, group.to_version) for group in said.groups]
    assert len(set(keys)) == len(keys)
    runs = [label for place, (label, *_) in enumerate(keys) if not place or keys[place - 1][0] != label]
    assert len(set(runs)) == len(runs)


# ---------------------------------------------------------------- as a table


def rows(said: Digest) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(listing.csv(said).decode("utf-8-sig"))))


def test_the_list_has_a_row_for_each_failure_with_all_that_is_known() -> None:
    said = digest([still(1, SERVER, severity="Critical"), unknown(2), recovered(3), recovered(4, retried=7)])
    assert [row["Section"] for row in rows(said)] == ["new", "still failing", "recovered", "recovered"]
    assert rows(said)[1] == {
        "Section": "still failing",
        "Application": "7-Zip",
        "Developer": "Igor Pavlov",
        "From version": "24.08",
        "To version": "24.09",
        "Device": "SRV-01",
        "N-sight device id": "1001",
        "Client": "Contoso Ltd",
        "Site": "Berlin",
        "Kind": "server",
        "Status": "FAILED_DOWNLOAD_ERROR",
        "Severity": "Critical",
        "Failing since (UTC)": "2026-11-17 08:00:00",
        "Last failed (UTC)": "2026-11-20 05:00:00",
        "Failed attempts": "9",
        "Recovered (UTC)": "",
        "Recovered by": "",
    }
    assert [row["Recovered by"] for row in rows(said)[2:]] == ["retry #7", "by itself"]
    assert rows(said)[0]["Device"] == ""


def test_a_device_is_called_as_in_nsight_where_it_is_known_there_and_else_as_in_eset() -> None:
    made = [replace(new(1), device_name="DESKTOP-7F3"), replace(new(2, LAPTOP), device_name="PC-02.FABRIKAM.EXAMPLE")]
    named = [(row["Device"], row["N-sight device id"]) for row in rows(digest(made))]
    assert named == [("DESKTOP-7F3", ""), ("PC-02", "1002")]


def test_the_list_of_nothing_is_its_header() -> None:
    assert listing.csv(digest()).decode("utf-8-sig") == ",".join(listing.HEADER) + "\r\n"


def test_no_name_becomes_a_formula() -> None:
    made = replace(new(1, application='=HYPERLINK("http://x")'), device_name="+1 @x")
    cells = rows(digest([made]))[0]
    assert (cells["Application"], cells["Device"]) == ('\'=HYPERLINK("http://x")', "'+1 @x")
