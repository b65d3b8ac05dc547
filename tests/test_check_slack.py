"""What `check` says of Slack itself: the two tokens, their scopes, and the clock."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.world import World
from bot.flows import check
from bot.manifest import SCOPES
from tests.checked import JSON, WHOLE, examined, failing, loaded, looked, the_failure

# ---------------------------------------------------------------- tokens


async def test_a_dead_bot_token_is_one_failure_and_what_depends_on_it_is_not_known(
    world: World, tmp_path: Path
) -> None:
    findings = await looked(world, tmp_path, SLACK_BOT_TOKEN="xoxb-1-revoked")
    failure = the_failure(findings)
    assert (failure.name, "invalid_auth" in failure.sentence) == ("Slack bot token", True)
    assert "SLACK_BOT_TOKEN" in failure.mend
    unknown = {name for name, finding in findings.items() if finding.ok is None}
    assert {"Slack scopes", "approvals.channel", "approvals.quorum", "digests.daily"} <= unknown
    assert findings["Slack app token"].ok is True


async def test_a_wrong_app_token_names_socket_mode_and_its_scope(world: World, tmp_path: Path) -> None:
    failure = the_failure(await looked(world, tmp_path, SLACK_APP_TOKEN="xapp-1-wrong"))
    assert failure.name == "Slack app token"
    assert "SLACK_APP_TOKEN" in failure.mend
    assert "connections:write" in failure.mend


async def test_an_app_token_without_its_scope_is_told(world: World, tmp_path: Path) -> None:
    world.slack.revoke_scope("connections:write")
    failure = the_failure(await looked(world, tmp_path))
    assert (failure.name, "connections:write" in failure.sentence) == ("Slack app token", True)


async def test_in_http_mode_no_app_token_is_looked_at(world: World, tmp_path: Path) -> None:
    findings = await looked(world, tmp_path, f"slack.mode = 'http'\n{WHOLE}")
    assert findings["Slack app token"].ok is None
    assert not [call for call in world.slack.calls if call.method == "apps.connections.open"]


async def test_slack_being_down_is_told_once(world: World, tmp_path: Path) -> None:
    settings = loaded(world, tmp_path)
    await world.slack.stop()
    findings = await examined(settings)
    assert failing(findings) == {"Slack bot token"}
    assert "cannot be reached" in findings["Slack bot token"].sentence
    assert findings["ESET login"].ok is True
    assert findings["N-sight"].ok is True


# ---------------------------------------------------------------- scopes


@pytest.mark.parametrize("scope", SCOPES)
async def test_each_missing_scope_is_named_once_with_its_reason_and_how_to_add_it(
    world: World, tmp_path: Path, scope: str
) -> None:
    world.slack.revoke_scope(scope)
    findings = await looked(world, tmp_path)
    failure = the_failure(findings)
    assert failure.name == "Slack scopes"
    assert failure.sentence.startswith(f"{scope} is missing")
    assert SCOPES[scope] in failure.sentence
    assert "Reinstall" in failure.mend
    assert failure.sentence.count("is missing") == 1


async def test_scopes_beyond_those_needed_are_named(world: World, tmp_path: Path) -> None:
    world.slack.tokens.scopes.add("pins:write")
    assert "not needed: pins:write" in (await looked(world, tmp_path))["Slack scopes"].sentence


# ---------------------------------------------------------------- the clock


@pytest.mark.parametrize(("off", "words"), [(-400, "6 min 40 s ahead"), (7300, "2:01:40 behind"), (61, "behind")])
async def test_a_clock_that_is_wrong_is_told_with_how_far(world: World, tmp_path: Path, off: int, words: str) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    settings = loaded(world, tmp_path, "")
    headers = {**JSON, "Date": format_datetime(now + timedelta(seconds=off), usegmt=True)}
    for method in ("auth.test", "apps.connections.open"):
        body = b'{"ok": true, "team": "Acme IT", "team_id": "T0ACME"}'
        world.slack.faults.add(method, Fault.STATUS, status=200, headers=headers, body=body)
    findings = await examined(settings, lambda: now)
    assert failing(findings) == {"Clock"}
    assert words in findings["Clock"].sentence
    assert "NTP" in findings["Clock"].mend


async def test_a_minute_of_skew_is_no_failure(world: World, tmp_path: Path) -> None:
    for skew in (timedelta(seconds=-50), timedelta(seconds=50)):
        findings = await check.examine(loaded(world, tmp_path, ""), lambda by=skew: datetime.now(UTC) + by)  # type: ignore[misc]
        assert {finding.ok for finding in findings if finding.name == "Clock"} == {True}
