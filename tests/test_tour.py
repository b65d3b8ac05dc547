"""The tour: as a program, and what it says when the world does not go along."""

import asyncio
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from bot.demo import terminal, tour
from bot.demo.world import World

TOLD = [
    "Bob asks what failed",
    "FAILED_DOWNLOAD_ERROR",
    "The digest comes by itself",
    "17 new failures",
    "49 failed patching attempts",
    "New: 17",
    "the whole list (64 rows)",
    "On which devices shall it be retried?",
    "[x] SRV-DC01 · Contoso Ltd",
    "[ ] WH-PC-04 · Contoso Ltd",
    "Those that are surely meant are ticked",
    "[x] 681922 Google Chrome 134.0.6998.89",
    "Request #1 is made",
    "3 patches on 2 devices",
    "Waiting for approval",
    "Nobody approves their own request",
    "somebody else has to decide",
    "N-sight is told, once for each device",
    "&service=patch_retry&deviceid=10",
    "Devices: 2 queued in N-sight",
    "2 of 3 installed, 1 failed again",
    "he is told directly",
    "Request #1 (2 devices) has ended",
    "Asked again after request #1",
    "Request #3 (SRV-DC01): 🏁 Finished: 1 of 1 installed",
    "2 approvals needed, each with a reason",
    "request.approve",
    "The hash chain is unbroken",
    "Every step happened as told",
    "python -m bot demo",
]


PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


def run(folder: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """Behind a proxy that is not there: the tour needs no network."""
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    env |= dict.fromkeys(PROXIES, "http://127.0.0.1:1") | {"NO_PROXY": "", "no_proxy": ""}
    env |= {"TMPDIR": str(folder), "PYTHONIOENCODING": "utf-8", "COLUMNS": "120", **more}
    command = [sys.executable, "-m", "bot", "demo", "--tour"]
    return subprocess.run(command, env=env, capture_output=True, encoding="utf-8", timeout=60)


def test_the_tour_ends_well_without_a_network_and_tells_the_main_job_without_a_secret_or_a_trace(
    tmp_path: Path,
) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    at = 0
    for words in TOLD:
        at = done.stdout.find(words, at)
        assert at >= 0, f"{words!r} is missing, or comes too early, in:\n{done.stdout}"
    assert "\x1b" not in done.stdout
    assert re.findall(r"xoxb|xapp|/respond/|Bearer|apikey=(?!\*\*\*)", done.stdout) == []
    assert [secret for secret in World().secrets() if secret in done.stdout] == []
    assert list(tmp_path.iterdir()) == []


def test_a_step_that_goes_otherwise_ends_the_tour_with_what_was_expected_and_what_was_seen() -> None:
    world, page = World(), io.StringIO()
    world.fail_again(1001, 4)
    status = _tell(world, page)
    assert status == 1
    told = page.getvalue()
    assert "Step 7 did not go as told: The bot watches until each patch is settled" in told
    assert re.search(r"expected +a message that says '2 of 3 installed, 1 failed again'", told)
    assert re.search(r"(?s)seen +Request #1: .*1 of 3 installed, 2 failed again", told)
    assert "Every step happened as told" not in told


def _tell(world: World, page: io.StringIO) -> int:
    return asyncio.run(tour.tell(world=world, console=Console(file=page, width=120)))


def test_a_broken_rule_of_a_service_is_told_even_when_every_message_was_right() -> None:
    world, page = World(), io.StringIO()
    world.nsight.violations.append("a GET with a body")
    assert _tell(world, page) == 1
    assert "expected  no rule of any service broken" in page.getvalue()
    assert "a GET with a body" in page.getvalue()


def test_what_is_expected_passes_in_silence_and_anything_else_is_raised() -> None:
    tour.expect("two and two", 4, true=True)
    with pytest.raises(tour.NotAsToldError) as wrong:
        tour.expect("two and two", 5, true=False)
    assert (wrong.value.expected, wrong.value.seen) == ("two and two", "5")


def test_all_words_that_a_message_lacks_are_named() -> None:
    shown = World().slack.space.post("C0HELPDESK", "U0PATCHES", "Queued by N-sight")
    tour.expect_words(shown, "Queued", "N-sight")
    with pytest.raises(tour.NotAsToldError, match="says 'Failed' and 'Denied'"):
        tour.expect_words(shown, "Failed", "Queued", "Denied")


@pytest.mark.parametrize(
    ("mrkdwn", "plain"),
    [
        ("*bold* and _italic_ and `code`", "bold and italic and code"),
        ("FAILED_DOWNLOAD_ERROR stays", "FAILED_DOWNLOAD_ERROR stays"),
        ("<@U0BOB> &amp; <!subteam^S0PATCHTEAM>", "@bob & @patch-team"),
        ("*<https://example.com/a_b_c|the card>*", "the card"),
        ("<!date^1741770000^{time}|2025-03-12 09:00 UTC>", "2025-03-12 09:00 UTC"),
        ("[red]no rich markup[/red]", "[red]no rich markup[/red]"),
    ],
)
def test_slacks_markup_is_drawn_as_words(mrkdwn: str, plain: str) -> None:
    assert terminal.marked(mrkdwn, World().slack.space.naming).plain == plain
