"""The app's Home: what each person sees there, and what happens when they press something."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.app import running
from bot.demo.faults import Fault
from bot.demo.slack.model import User, View
from bot.demo.world import World
from bot.store import Entry
from tests.scenes.bulks import carded
from tests.scenes.playing import asked, configured, pressed
from tests.scenes.stage import CONFIG, QUICK, Stage, nothing_left, staged, until_ready
from tests.scenes.test_failures import full_disk
from tests.scenes.test_lists import made

HTTP = CONFIG + '\n[slack]\nmode = "http"\n'
ROUND = timedelta(seconds=10)
PUBLISH = "views.publish"


async def at_home(stage: Stage, who: str) -> View:
    """They open the app's Home; what they see there."""
    delivered = await stage.world.slack.opens_home(who)
    assert not delivered.failure
    await stage.bot.settle()
    return await stage.world.slack.home_of(who)


async def press(stage: Stage, who: str, button: str, *, nth: int = -1) -> None:
    await stage.world.slack.clicks(who, button, await stage.world.slack.home_of(who), nth=nth)
    await stage.bot.settle()


def published(stage: Stage) -> int:
    return sum(call.method == PUBLISH for call in stage.world.slack.calls)


# ---------------------------------------------------------------- what is on it


async def test_an_approver_sees_what_waits_for_them_with_its_buttons_and_link(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        assert "1 request waits for you" in home.plain
        assert "#1 SRV-DC01 (Contoso Ltd): asked by @bob" in home.plain
        assert "server · site Head Office" in home.plain
        assert "out of date" in home.plain
        assert "0 of 1 approval · expires" in home.plain
        assert home.buttons[:2] == ["Request a retry…", "Refresh"]
        assert home.buttons[2:4] == ["Approve", "Deny"]
        link = f"https://acme-it.slack.com/archives/C0PATCHAPPROVE/p{stage.card.ts.replace('.', '')}"
        assert link in str(home.blocks)
        assert nothing_left(stage) == []


async def test_whoever_asked_sees_their_requests_and_nothing_to_approve(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        home = await at_home(stage, "bob")
        assert "Nothing waits for you" in home.plain
        assert "Your requests" in home.plain
        assert "#1 SRV-DC01 (Contoso Ltd): 2 patches" in home.plain
        assert "waiting for approval" in home.plain
        assert home.buttons[:3] == ["Request a retry…", "Refresh", "Withdraw"]
        assert "Approve" not in home.buttons
        assert "You have not asked for a retry yet" in (await at_home(stage, "dave")).plain
        assert nothing_left(stage) == []


async def test_the_services_the_digests_and_what_fails_are_told_too(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.later(timedelta(hours=1))
        home = await at_home(stage, "dave")
        assert "What fails most" in home.plain
        assert "Google Chrome" in home.plain
        assert 0 < home.buttons.count("Retry…") <= 3
        assert "daily in #patch-news" in home.plain
        assert "ESET works" in home.plain
        assert "N-sight works" in home.plain
        assert "ESET's attempts: 2025-03-12" in home.plain
        assert nothing_left(stage) == []


async def test_a_digest_that_slack_does_not_take_is_marked_and_stands_first(tmp_path: Path) -> None:
    other = CONFIG[CONFIG.index("[[digests]]") :].replace('"daily"', '"late"').replace("0 9", "0 17")
    async with staged(tmp_path, config=CONFIG + other) as stage:
        home = await at_home(stage, "dave")
        assert "could not be posted" not in home.plain
        store, now = stage.bot.services.store, stage.world.clock.now()
        await store.digest_refused("late", "not_in_channel", Entry(now, "bot", "digest.refused", "digest:late", {}))
        await stage.later(ROUND)
        told = [line for line in home.plain.splitlines() if " in #patch-news" in line]
        assert ["could not be posted since 2025-03-12" in line for line in told] == [True, False]
        assert "late in #patch-news" in told[0]
        assert nothing_left(stage) == []


async def test_a_service_that_fails_is_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.nsight.faults.add("patch_list_all", Fault.STATUS, times=None, status=503)
        await stage.asks("bob", "/patches device 1001")
        home = await at_home(stage, "dave")
        assert "Trouble with N-sight" in home.plain
        assert "❌ N-sight does not work: N-sight has trouble of its own right now" in home.plain
        assert nothing_left(stage) == []


async def test_a_request_for_several_devices_is_one_entry_for_both(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await carded(stage)
        deciding, asking = await at_home(stage, "ann"), await at_home(stage, "bob")
        assert "#1 3 devices: SRV-DC01, " in deciding.plain
        assert "on 1 device" in deciding.plain
        assert deciding.buttons.count("Approve") == 1
        assert asking.buttons.count("Withdraw") == 1
        await press(stage, "ann", "Approve")
        assert len(stage.retries) == 3
        stage.world.patches_install()
        await stage.later(timedelta(minutes=15))
        await at_home(stage, "bob")
        assert "finished · 3 of 5 installed, 1 needs a restart, 1 failed again" in asking.plain
        assert nothing_left(stage) == []


@pytest.mark.deep
async def test_three_hundred_waiting_requests_are_shown_as_far_as_a_page_goes(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 300)
        for who, mine in (("ann", True), ("bob", False)):
            home = await at_home(stage, who)
            assert len(home.blocks) < 60
            assert len(json.dumps(home.source)) < 40_000
            assert (home.buttons.count("Approve"), home.buttons.count("Withdraw")) == ((8, 0) if mine else (0, 10))
        assert "At least 200 requests wait for you" in (await stage.world.slack.home_of("ann")).plain
        assert nothing_left(stage) == []


@pytest.mark.parametrize(
    "config", [pytest.param(CONFIG, id="socket", marks=pytest.mark.deep), pytest.param(HTTP, id="http")]
)
async def test_it_is_shown_and_pressed_in_both_modes(tmp_path: Path, config: str) -> None:
    async with staged(tmp_path, config=config) as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        await press(stage, "ann", "Approve")
        assert stage.retries == [(1001, (4, 5))]
        assert "Nothing waits for you" in home.plain
        assert "Queued by N-sight" in stage.card.plain
        assert stage.direct("ann") == [], "the page itself shows what the press did"
        assert nothing_left(stage) == []


async def test_only_the_home_tab_is_shown_for(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.world.slack.opens_home("ann", "messages")
        await stage.bot.settle()
        assert published(stage) == 0
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- who may look


async def test_whoever_may_not_use_the_bot_sees_one_sentence(tmp_path: Path) -> None:
    config = CONFIG + '\n[access]\ncommands = ["U0BOB"]\n'
    async with staged(tmp_path, config=config) as stage:
        for who in ("dave", "gina"):
            home = await at_home(stage, who)
            assert home.plain == "🔒 This page is for the people who may use /patches here."
            assert home.buttons == []
        assert nothing_left(stage) == []


async def test_an_approver_who_may_not_use_the_bot_decides_here_all_the_same(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + '\n[access]\ncommands = ["U0BOB"]\n') as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        assert "This page is for the people who may use" in home.plain
        assert home.buttons == ["Approve", "Deny"]
        await press(stage, "ann", "Approve")
        assert stage.retries == [(1001, (4, 5))]
        assert home.buttons == []
        assert nothing_left(stage) == []


async def test_when_slack_cannot_tell_who_somebody_is_the_page_says_so(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.faults.error("users.info", "internal_error", times=None)
        home = await at_home(stage, "dave")
        assert "it is not known whether you may use this" in home.plain
        assert home.buttons == []
        stage.world.slack.faults.clear()
        assert "What fails most" in (await at_home(stage, "dave")).plain
        assert nothing_left(stage) == []


async def test_slack_is_not_asked_for_each_request_when_it_cannot_tell(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await made(stage, 30)
        stage.world.slack.faults.error("usergroups.users.list", "internal_error", times=None)
        before = len(stage.world.slack.calls)
        home = await at_home(stage, "ann")
        assert "Slack cannot tell right now whether you may decide on more" in home.plain
        asked_slack = [call.method for call in stage.world.slack.calls[before:]]
        assert asked_slack.count("usergroups.users.list") == 3
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- what is pressed there


async def test_a_denial_asks_why_and_is_on_the_page_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        await press(stage, "ann", "Deny")
        assert (await stage.world.slack.view_of("ann")).title == "Deny request #1"
        assert await stage.submits("ann", {"Why?": "not today"}) == {}
        assert "Denied by @ann" in stage.card.plain
        assert "Nothing waits for you" in home.plain
        assert nothing_left(stage) == []


@pytest.mark.parametrize("button", ["Approve", "Deny"])
async def test_what_a_form_says_no_to_is_told_directly_when_it_was_opened_there(tmp_path: Path, button: str) -> None:
    async with staged(tmp_path, config=configured(reason='"required"')) as stage:
        await asked(stage)
        await at_home(stage, "ann")
        await press(stage, "ann", button)
        view = await stage.world.slack.view_of("ann")
        assert view.title == f"{button} request #1"
        assert "SRV-DC01 (server at Contoso Ltd): 2 patches" in view.plain
        await pressed(stage, "bob", "Withdraw", stage.card)
        before = stage.world.slack.messages[-1]
        assert await stage.submits("ann", {"Why?": "because"}) == {}
        after = stage.world.slack.messages[-1]
        assert after is not before
        assert not after.ephemeral_to, "not in the approvals channel"
        [told] = stage.direct("ann")
        assert "#1" in told
        assert "was withdrawn" in told
        assert nothing_left(stage) == []


async def test_a_vote_that_is_not_the_last_is_confirmed_directly_and_counted(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum=2)) as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        await press(stage, "ann", "Approve")
        assert "Nothing waits for you" in home.plain
        assert "1 request with your vote, waiting for others" in home.plain
        [told] = stage.direct("ann")
        assert "request #1" in told
        assert nothing_left(stage) == []


async def test_a_press_that_means_nothing_any_more_is_answered_and_the_page_corrected(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        await pressed(stage, "carl", "Approve", stage.card)
        assert "1 request waits for you" in home.plain, "nobody has told her yet"
        await press(stage, "ann", "Approve")
        assert stage.retries == [(1001, (4, 5))]
        [told] = stage.direct("ann")
        assert "#1" in told
        assert "Nothing waits for you" in home.plain
        assert nothing_left(stage) == []


async def test_whoever_asked_withdraws_it_there(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        home = await at_home(stage, "bob")
        await press(stage, "bob", "Withdraw")
        assert "Withdrawn by @bob" in stage.card.plain
        assert "withdrawn" in home.plain
        assert "Withdraw" not in home.buttons
        assert stage.direct("bob") == ["Request #1 is withdrawn. Nothing was sent."], "once"
        assert nothing_left(stage) == []


async def test_a_retry_can_be_asked_for_from_there(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        home = await at_home(stage, "bob")
        await press(stage, "bob", "Request a retry…")
        await stage.world.slack.view_of("bob", saying="On which devices")
        assert await stage.submits("bob", {"others": ["1001"]}) == {}
        await stage.world.slack.view_of("bob", saying="Failed patches")
        assert await stage.submits("bob", {"Failed patches to retry": ["4"], "Reason": "out of date"}) == {}
        assert "Request #1 is made" in stage.direct("bob")[-1]
        assert "#1 SRV-DC01 (Contoso Ltd): 1 patch" in home.plain
        assert nothing_left(stage) == []


async def test_what_fails_most_is_asked_for_again_from_there(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.later(timedelta(hours=1))
        home = await at_home(stage, "bob")
        assert "• Google Chrome (Google LLC): " in home.plain
        await press(stage, "bob", "Retry…", nth=0)
        view = await stage.world.slack.view_of("bob", saying="On which devices")
        assert "Google Chrome (Google LLC) → 134.0.6998.89" in view.plain
        assert await stage.submits("bob") == {}
        await stage.world.slack.view_of("bob", saying="Failed patches of 8 devices")
        assert await stage.submits("bob", {"Reason": "out of date"}) == {}
        [told] = stage.direct("bob")
        assert "Request #1 is made" in told
        assert "8 devices" in stage.card.plain
        assert nothing_left(stage) == []


async def test_its_buttons_keep_their_tokens_however_often_it_is_shown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.later(timedelta(hours=1))
        values = []
        for _ in range(3):
            await stage.later(timedelta(minutes=2))
            home = await at_home(stage, "bob")
            values.append([block["accessory"]["value"] for block in home.blocks if "accessory" in block])
        assert values[0]
        assert values[0] == values[1] == values[2]
        assert nothing_left(stage) == []


async def test_what_is_silenced_is_marked_there_at_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.later(timedelta(hours=1))
        home = await at_home(stage, "dave")
        assert "🔕" not in home.plain
        await stage.asks("ann", '/patches silence "Google Chrome" 7d')
        await stage.later(ROUND)
        [line] = [line for line in home.plain.splitlines() if "Google Chrome" in line]
        assert "🔕 silenced" in line
        await stage.asks("ann", '/patches silence "Mozilla Firefox*" 7d client:"Nobody"')
        await stage.later(ROUND)
        assert home.plain.count("🔕") == 1
        assert nothing_left(stage) == []


async def test_an_answer_that_takes_long_begins_with_a_sign_that_it_replaces(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        home = await at_home(stage, "ann")
        gate = asyncio.Event()
        stage.world.slack.faults.add("chat.update", "slow", until=gate)  # the card, whose picture is waited for
        await stage.world.slack.clicks("ann", "Approve", home)
        await stage.world.slack.until(lambda: stage.direct("ann"), timeout=5)
        assert "Working on it" in stage.direct("ann")[0]
        gate.set()
        await stage.bot.settle()
        assert stage.direct("ann") == ["Done."]
        assert nothing_left(stage) == []


async def test_refresh_shows_it_as_it_is_now(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        home = await at_home(stage, "ann")
        await asked(stage)
        assert "Nothing waits for you" in home.plain
        await press(stage, "ann", "Refresh")
        assert "1 request waits for you" in home.plain
        assert stage.direct("ann") == []
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- kept true while somebody looks


async def test_what_others_do_is_on_it_within_a_round(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        ann, bob = await at_home(stage, "ann"), await at_home(stage, "bob")
        await stage.later(ROUND)
        shown = published(stage)
        await asked(stage)
        assert published(stage) == shown
        await stage.later(ROUND / 2)
        assert published(stage) == shown, "rounds keep their distance"
        await stage.later(ROUND / 2)
        assert "1 request waits for you" in ann.plain
        assert "waiting for approval" in bob.plain
        await pressed(stage, "carl", "Approve", stage.card)
        await stage.later(ROUND)
        assert "Nothing waits for you" in ann.plain
        assert "queued in N-sight" in bob.plain
        assert nothing_left(stage) == []


async def test_it_is_left_alone_while_nothing_happens_and_when_nobody_looks(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        home = await at_home(stage, "ann")
        await stage.later(ROUND)
        shown = published(stage)
        for _ in range(5):
            await stage.later(ROUND)
        assert published(stage) == shown
        await stage.later(timedelta(hours=12))
        shown = published(stage)
        await asked(stage)
        await stage.later(ROUND)
        assert published(stage) == shown
        assert "Nothing waits for you" in home.plain
        assert "1 request waits for you" in (await at_home(stage, "ann")).plain
        assert nothing_left(stage) == []


async def test_what_nobody_did_is_shown_within_five_minutes(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        home = await at_home(stage, "dave")
        assert "every five minutes" in home.plain
        assert "ESET works" in home.plain
        stage.world.eset.faults.add("recent", Fault.STATUS, times=None, status=503)
        await stage.later(timedelta(hours=1))
        before = published(stage)
        await stage.bot.settle()
        await stage.later(timedelta(minutes=5, seconds=1))
        assert published(stage) > before
        assert "Trouble with ESET" in home.plain
        assert nothing_left(stage) == []


async def test_a_round_shows_some_and_the_next_one_the_others(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        people = [User(f"U0P{number:02}", f"p{number}", f"Person {number}") for number in range(20)]
        for person in people:
            stage.world.slack.add(person)
            await at_home(stage, person.name)
        await stage.later(ROUND)
        shown = published(stage)
        await asked(stage)
        await stage.later(ROUND)
        assert published(stage) - shown == 12
        await stage.later(ROUND)
        assert published(stage) - shown == 20
        assert nothing_left(stage) == []


async def test_an_account_that_is_closed_keeps_nobody_elses_as_it_was(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await at_home(stage, "carl")
        ann = await at_home(stage, "ann")
        stage.world.slack.deactivate("carl")
        await asked(stage)
        await stage.later(ROUND)
        assert "1 request waits for you" in ann.plain
        before = published(stage)
        await stage.later(ROUND)
        assert published(stage) == before, "nobody asks for carl's any more"
        assert nothing_left(stage) == []


async def test_what_slack_did_not_take_is_shown_later(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.faults.error(PUBLISH, "internal_error", times=2)
        await stage.world.slack.opens_home("ann")
        await stage.bot.settle()
        assert stage.world.slack.space.homes == {}
        await stage.later(ROUND)
        assert "Nothing waits for you" in (await stage.world.slack.home_of("ann")).plain
        assert nothing_left(stage) == []


async def test_it_is_shown_while_the_database_cannot_be_written(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await asked(stage)
        with full_disk(tmp_path):
            home = await at_home(stage, "ann")
            assert "1 request waits for you" in home.plain
            await press(stage, "ann", "Approve")
            assert "The bot's database cannot be written" in stage.direct("ann")[-1]
        assert stage.retries == []
        assert nothing_left(stage) == []


async def test_two_processes_show_it_once_a_round(tmp_path: Path) -> None:
    async with (
        World() as world,
        staged(tmp_path, world=world) as stage,
        running(stage.config, clock=world.clock.now, pace=QUICK) as other,
    ):
        await until_ready(other, world)
        await at_home(stage, "ann")
        await other.settle()
        await asked(stage)
        await other.settle()
        before = published(stage)
        world.clock.advance(ROUND)
        await asyncio.gather(stage.bot.tick(), other.tick())
        assert published(stage) - before == 1
        assert "1 request waits for you" in (await world.slack.home_of("ann")).plain
        assert nothing_left(stage) == []
