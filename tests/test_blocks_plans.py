"""What is said about the digests there are, and that Slack takes it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from bot.blocks import plans
from bot.blocks.plans import Coming
from bot.demo.slack.limits import message_problems
from bot.digests import DigestPlan
from bot.model import DeviceKind, Message

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
PLAN = DigestPlan("daily", "C0NEWS", "0 9 * * 1-5", "Europe/Berlin")
LONG = replace(
    PLAN,
    name="x" * 40,
    cron=",".join(map(str, range(60))) + " * * * *",
    timezone="America/Argentina/ComodRivadavia",
    group_by="client",
    clients=tuple(f"{number} <!channel> & {'Söhne ' * 40}" for number in range(50)),
    applications=tuple(f"{number} `code` *bold* {'App ' * 60}" for number in range(50)),
    reasons=("FAILED_DOWNLOAD_ERROR", "FAILED_INSTALLER_CORRUPTED") * 4,
    kind=DeviceKind.SERVER,
    post_when_empty=False,
    quiet=("2026-12-24..2026-12-26",) * 90,
    made_by="U0BOB",
)


def fits(message: Message) -> str:
    """All that is said, as JSON; Slack takes it."""
    assert message_problems({"text": message.text, "blocks": list(message.blocks)}) == []
    return msgspec.json.encode(message.blocks or message.text).decode()


@pytest.mark.parametrize("count", [1, 12, 13, 200])
def test_a_list_of_any_length_fits_and_names_every_digest_as_far_as_it_can(count: int) -> None:
    many = [Coming(replace(LONG, name=f"plan{number}"), NOW, NOW) for number in range(count)]
    said = fits(plans.listed(many, [LONG] * count))
    assert "plan0" in said
    assert ("`plan12`" in said) == (count > 12)
    assert "<!channel>" not in said


def test_a_digest_is_told_by_the_readers_clock_and_by_its_own() -> None:
    said = fits(plans.listed([Coming(PLAN, NOW)]))
    assert f"<!date^{int(NOW.timestamp())}^" in said
    assert "(Fri 2026-11-20 09:00 Europe/Berlin)" in said
    assert "none posted yet" in said


def test_what_makes_a_digest_different_is_told() -> None:
    plan = replace(LONG, clients=("Contoso*",), applications=("Zoom",), reasons=(), quiet=("Sat", "Sun"))
    said = fits(plans.listed([Coming(plan, NOW)]))
    for part in ("client `Contoso*`", "application `Zoom`", "servers only", "by client", "quiet `Sat` and `Sun`"):
        assert part in said
    assert "subscribed by <@U0BOB>" in said


def test_a_paused_digest_has_no_next_time() -> None:
    said = fits(plans.listed([Coming(replace(PLAN, paused=True), NOW)]))
    assert "paused" in said
    assert "next" not in said


def test_every_answer_about_a_subscription_fits() -> None:
    coming = Coming(replace(LONG, paused=True), NOW + timedelta(days=1))
    doubts = ["No client that is known so far is called Zzyzx."]
    answers = [plans.subscribed(coming, doubts), plans.removed(LONG, instead=True), plans.paused(LONG)]
    for answer in (*answers, plans.resumed(coming), Message(plans.fixed(LONG)), Message(plans.taken("x" * 40))):
        assert "<!channel>" not in fits(answer)
