"""`check` as a whole: what it says where all is well, that it changes nothing, and how findings are told."""

import json
from pathlib import Path

import pytest

from bot.demo.world import World
from bot.errors import Kind, Service, UpstreamError
from bot.flows import check
from bot.flows.check import Finding
from tests.checked import examined, failing, loaded, looked

# ---------------------------------------------------------------- all is well


async def test_where_all_is_well_every_finding_says_so(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path)
    assert {name for name, finding in findings.items() if finding.ok is not True} == set()
    assert list(findings) == [
        *("Slack bot token", "Slack scopes", "Slack app token", "Clock", "approvals.channel"),
        *("approvals.approvers S0PATCHTEAM", "approvals.approvers U0DAVE", "approvals.quorum"),
        *("access.commands S0HELPDESK", "access.commands U0DAVE", "digests.daily"),
        *("ESET login", "ESET attempts", "ESET devices", "N-sight", "Database", "Audit trail"),
    ]
    assert "Acme IT" in findings["Slack bot token"].sentence
    assert f"{len(world.fleet.recent(world.clock.now()))} attempts" in findings["ESET attempts"].sentence
    assert "3 clients with 60 devices" in findings["N-sight"].sentence
    assert world.violations == []


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_nothing_is_changed_anywhere(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path)
    findings = await examined(settings)
    assert findings["Database"].ok is None
    assert "not there yet" in findings["Database"].sentence
    assert files_in(tmp_path) == ["patches.toml"]
    writing = {call.method for call in world.slack.calls if call.method.startswith(("chat.", "views."))}
    assert (writing, world.nsight.retries, world.slack.sockets.connections) == (set(), [], [])


async def test_an_empty_configuration_is_noted_and_not_a_failure(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path, "[follow_up]\nevery = '60s'\n")
    assert failing(findings) == set()
    noted = {name for name, finding in findings.items() if finding.ok is None}
    assert noted == {"approvals.channel", "approvals.approvers", "digests", "follow_up.every"}
    assert "refused" in findings["approvals.channel"].sentence
    assert "90" in findings["follow_up.every"].sentence


# ---------------------------------------------------------------- how it is told

FINDINGS = [
    Finding("Clock", True, "agrees with Slack's"),
    Finding("N-sight", False, "refuses the credentials", "Check NSIGHT_SERVER."),
    Finding("digests", None, "none is configured"),
]


def test_as_text_each_finding_has_its_line_and_the_failing_one_its_mend() -> None:
    assert check.as_text(FINDINGS).splitlines() == [
        "ok    Clock: agrees with Slack's",
        "FAIL  N-sight: refuses the credentials",
        "      -> Check NSIGHT_SERVER.",
        "note  digests: none is configured",
        "",
        "1 of 3 checks failed.",
    ]
    assert check.as_text(FINDINGS[::2]).endswith("\n\nNothing is wrong.")


def test_foreign_names_can_neither_start_a_line_nor_steer_the_terminal() -> None:
    text = check.as_text([Finding("x", True, "#evil\x1b[2J\nok    all: fine\u202e")])
    assert text.splitlines()[0] == "ok    x: #evil[2J ok    all: fine"


def test_as_json_it_is_one_object_with_the_verdict_and_every_finding() -> None:
    told = json.loads(check.as_json(FINDINGS))
    assert told["ok"] is False
    assert told["findings"][1] == {
        "name": "N-sight",
        "ok": False,
        "sentence": "refuses the credentials",
        "mend": "Check NSIGHT_SERVER.",
    }
    assert json.loads(check.as_json(FINDINGS[::2]))["ok"] is True, "notes do no harm"


@pytest.mark.parametrize("service", Service)
@pytest.mark.parametrize("kind", Kind)
def test_for_every_failure_there_is_a_sentence_and_an_advice(service: Service, kind: Kind) -> None:
    error = UpstreamError(service, kind, reference="0a0b0c0d", code="some_code", words="some words")
    assert check.told(error).startswith(f"{service} ")
    assert "some words" in check.told(error)
    assert check.advice(error).endswith(".")
