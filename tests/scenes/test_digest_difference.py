"""What a digest says by difference: new, still failing, recovered; its thread and files; whose failures it tells."""

import csv
import io
from datetime import date
from pathlib import Path

from bot.demo.catalogue import Application
from bot.demo.fleet import AttemptRow
from bot.demo.slack.model import Shown
from bot.demo.world import World
from tests.scenes.digesting import (
    DAY,
    HOUR,
    MINUTE,
    NEWS,
    SILENT,
    THURSDAY,
    details,
    digests,
    fails,
    named,
    quiet,
    reach,
    thread,
    works,
)
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

UPDATING = CONFIG + "update = true\n"


def browser_fails(world: World) -> None:
    """Chrome on SRV-DC01, whose patch 4 in N-sight is the very one."""
    machine = world.fleet.machine(1001)
    assert machine is not None
    patch, ended = machine.patches[4], world.clock.now() - MINUTE
    application = patch.application or Application(
        "Google LLC", "chrome", "Google Chrome", ("1", "2"), date(2025, 3, 1)
    )
    versions = (patch.from_version, patch.to_version)
    row = AttemptRow(1001, application, *versions, "FAILED_DOWNLOAD_ERROR", ended - MINUTE, ended)
    world.fleet.attempts.append(row)


def table(message: Shown) -> list[dict[str, str]]:
    """The rows of the list that a message holds."""
    [file] = [file for file in message.files if file.name.endswith(".csv")]
    return list(csv.DictReader(io.StringIO((file.content or b"").decode("utf-8-sig"))))


def listings(stage: Stage, digest: Shown) -> list[Shown]:
    return [shown for shown in thread(stage, digest) if shown.files]


def handed_to(stage: Stage, user: str) -> list[Shown]:
    """The files that a person alone was sent."""
    space = stage.world.slack.space
    mine = space.direct(space.user(user).id).id
    return [shown for shown in space.messages if shown.channel == mine and shown.files]


async def test_from_new_to_still_failing_to_recovered_by_a_request_and_by_itself(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        browser_fails(world)
        fails(world, "App self", on=1002)
        await reach(stage, THURSDAY)
        works(world, "App self", on=1002)
        await reach(stage, THURSDAY + DAY)
        await stage.asks("bob", "/patches retry SRV-DC01 4 the browser was open")
        await stage.clicks("ann", "Approve", stage.card)
        world.patches_install()
        await stage.later(HOUR)
        await reach(stage, THURSDAY + 4 * DAY)

        first, second, third = digests(stage)
        assert "2 new failures on servers" in first.plain
        assert "SRV-DC01 (Contoso Ltd, server): Download failed" in details(stage, first, "New")
        assert "1 still failing" in second.plain
        assert "for 1 day" in details(stage, second, "Still failing")
        assert "App self" in details(stage, second, "Recovered")
        assert "by itself" in details(stage, second, "Recovered")
        assert "by retry #1" in details(stage, third, "Recovered")
        assert details(stage, third, "Still failing") == ""
        await reach(stage, THURSDAY + 5 * DAY)
        assert "Nothing was patched" in digests(stage)[-1].plain
        assert nothing_left(stage) == []


async def test_a_day_without_anything_new_is_one_line_and_its_list_is_a_press_away(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App bad", "App worse", on=1015)
        await reach(stage, THURSDAY)
        await reach(stage, THURSDAY + DAY)
        first, second = digests(stage)
        assert "2 new failures" in first.plain
        assert len(second.blocks) == 1
        assert "Still failing: 2, nothing new" in second.screen
        assert thread(stage, second) == []
        await stage.clicks("bob", "Send me the list", second)
        assert "in your direct messages" in stage.told("bob")
        handed = [shown for shown in stage.world.slack.sees("bob") if shown.files][-1]
        assert [row["Application"] for row in table(handed)] == ["App bad", "App worse"]
        assert {row["Section"] for row in table(handed)} == {"still failing"}
        assert world.slack.space.channels[handed.channel].person == "U0BOB"
        assert nothing_left(stage) == []


async def test_what_failed_and_recovered_between_two_digests_is_told_as_recovered_alone(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=SILENT) as stage:
        await reach(stage, THURSDAY)
        fails(world, "App brief", ago=3 * HOUR)
        works(world, "App brief", ago=HOUR)
        await reach(stage, THURSDAY + DAY)
        [digest] = digests(stage)
        assert named(stage, digest, "New") == set()
        assert named(stage, digest, "Recovered") == {"App brief"}
        assert nothing_left(stage) == []


async def test_an_application_that_fails_again_after_it_recovered_is_new_once_more(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App back")
        await reach(stage, THURSDAY)
        works(world, "App back")
        await reach(stage, THURSDAY + DAY)
        fails(world, "App back")
        await reach(stage, THURSDAY + 4 * DAY)
        fails(world, "App back")
        await reach(stage, THURSDAY + 5 * DAY)
        told = [
            [section for section in ("New", "Still failing", "Recovered") if details(stage, one, section)]
            for one in digests(stage)
        ]
        assert told == [["New"], ["Recovered"], ["New"], []]
        assert "Still failing: 1, nothing new" in digests(stage)[-1].plain
        assert nothing_left(stage) == []


async def test_what_a_request_repaired_and_fails_again_later_is_new(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        browser_fails(world)
        await reach(stage, THURSDAY)
        await stage.asks("bob", "/patches retry SRV-DC01 4 the browser was open")
        await stage.clicks("ann", "Approve", stage.card)
        world.patches_install()
        world.fleet.attempts[1:] = []  # ESET tells of no success
        await stage.later(HOUR)
        await reach(stage, THURSDAY + DAY)
        assert "by retry #1" in details(stage, digests(stage)[1], "Recovered")
        await reach(stage, THURSDAY + 4 * DAY)
        assert "Nothing was patched" in digests(stage)[2].plain
        browser_fails(world)
        await reach(stage, THURSDAY + 5 * DAY)
        assert "1 new failure on a server" in digests(stage)[3].plain
        await reach(stage, THURSDAY + 6 * DAY)
        assert "Still failing: 1, nothing new" in digests(stage)[4].plain
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- thread and files


async def test_a_long_digest_is_one_message_and_its_thread_has_the_rest_and_the_list(tmp_path: Path) -> None:
    names = {f"App {number:02}" for number in range(30)}
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, *names)
        await reach(stage, THURSDAY)
        [digest] = digests(stage)
        assert digest.buttons.count("Retry…") == digest.buttons.count("Silence…") == 5
        assert named(stage, digest) == names
        [listing] = listings(stage, digest)
        assert {row["Application"] for row in table(listing)} == names
        assert listing.files[0].name == "daily-2025-03-13-0800.csv"
        assert "daily: the whole list (30 rows)" in listing.screen
        assert thread(stage, digest)[-1] is listing
        assert nothing_left(stage) == []


async def test_a_picture_of_the_last_days_comes_with_words_for_who_cannot_see_it(tmp_path: Path) -> None:
    config = CONFIG.replace('picture = "never"', 'picture = "14d"')
    async with staged(tmp_path, config=config) as stage:
        fails(stage.world, "App bad")
        await reach(stage, THURSDAY)
        [digest] = digests(stage)
        [picture] = [shown for shown in listings(stage, digest) if shown.files[0].mime == "image/png"]
        [file] = picture.files
        assert (file.content or b"").startswith(b"\x89PNG")
        assert "14 days" in file.title + file.alt
        assert nothing_left(stage) == []


async def test_the_picture_of_one_clients_digest_counts_that_client_alone_and_says_so(tmp_path: Path) -> None:
    config = CONFIG.replace('picture = "never"', 'picture = "14d"\nclients = ["Contoso*"]\napplications = ["App*"]')
    async with World() as world:
        elsewhere = next(machine.id for machine in world.fleet.machines() if machine.name == "KASSE-DOM-02")
        for ago in (HOUR, 25 * HOUR, 49 * HOUR):
            fails(world, "App bad", "App worse", on=1001, ago=ago)
            fails(world, "App bad", "App other", on=elsewhere, ago=ago)
            fails(world, "Tool", on=1001, ago=ago)
        async with staged(tmp_path, world=world, config=config) as stage:
            await reach(stage, THURSDAY - HOUR)
            fails(world, "App new")
            await reach(stage, THURSDAY)
            [digest] = digests(stage)
            [file] = [file for shown in listings(stage, digest) for file in shown.files if file.mime == "image/png"]
            assert file.title.endswith(": clients Contoso*, applications App*")
            assert file.alt.startswith("Only clients Contoso*, applications App*. ")
            assert "7 failed, " in file.alt
            assert nothing_left(stage) == []


async def test_a_digest_of_some_reasons_shows_no_picture_since_a_success_has_none(tmp_path: Path) -> None:
    config = CONFIG.replace('picture = "never"', 'picture = "14d"\nreasons = ["FAILED_DOWNLOAD_ERROR"]')
    async with staged(tmp_path, config=config) as stage:
        fails(stage.world, "App bad")
        await reach(stage, THURSDAY)
        [digest] = digests(stage)
        assert "App bad" in named(stage, digest)
        assert all(file.mime != "image/png" for shown in listings(stage, digest) for file in shown.files)
        assert nothing_left(stage) == []


async def test_without_the_scope_for_files_the_digest_comes_without_and_says_nothing_of_it(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        world.slack.revoke_scope("files:write")
        fails(world, *(f"App {number:02}" for number in range(30)))
        await reach(stage, THURSDAY)
        await stage.asks("bob", "/patches digest now daily")
        fails(world, *(f"App more-{number:02}" for number in range(30)))
        await stage.asks("bob", "/patches digest now daily")
        *_, second = digests(stage)
        assert [listings(stage, digest) for digest in digests(stage)] == [[], [], []]
        assert "could not" not in "".join(shown.plain for shown in thread(stage, second))
        asked = [call for call in world.slack.calls if call.method == "files.getUploadURLExternal"]
        assert len(asked) == 1, "what Slack does not allow is not asked for again that day"
        await stage.clicks("bob", "Send me the list", second)
        assert "lacks the scope `files:write`" in stage.world.slack.last["bob"].answers[-1].text
        world.slack.grant_scope("files:write")
        fails(world, *(f"App later-{number:02}" for number in range(30)))
        await reach(stage, THURSDAY + 4 * DAY)
        assert len(listings(stage, digests(stage)[-1])) == 1
        assert nothing_left(stage) == []


async def test_a_list_that_slack_refuses_is_told_in_the_thread_and_stops_nothing(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        world.slack.faults.error("files.getUploadURLExternal", "file_uploads_disabled")
        fails(world, *(f"App {number:02}" for number in range(30)))
        await reach(stage, THURSDAY)
        [digest] = digests(stage)
        assert "The list could not be put here: Slack refused" in thread(stage, digest)[-1].plain
        await stage.later(HOUR)
        assert listings(stage, digest) == []
        assert nothing_left(stage) == []


async def test_a_list_that_slack_cannot_take_now_comes_later_once(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        world.slack.faults.add("upload_url", "http_500")
        fails(world, *(f"App {number:02}" for number in range(30)))
        await reach(stage, THURSDAY)
        [digest] = digests(stage)
        assert listings(stage, digest) == []
        for _ in range(3):
            await stage.later(10 * MINUTE)
        assert len(listings(stage, digest)) == 1
        assert (await stage.actions()).count("digest.post") == 1
        assert nothing_left(stage) == []


async def test_the_list_of_a_digest_stays_what_it_was_when_something_is_silenced_since(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App bad", "App worse")
        await reach(stage, THURSDAY)
        await stage.later(MINUTE)
        await stage.asks("bob", '/patches silence "App worse" 2d')
        await stage.clicks("bob", "Send me the list", digests(stage)[0])
        [handed] = handed_to(stage, "bob")
        assert [row["Application"] for row in table(handed)] == ["App bad", "App worse"]
        assert nothing_left(stage) == []


async def test_who_presses_twice_is_sent_one_list_and_another_a_minute_later(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App bad")
        await reach(stage, THURSDAY)
        for _ in range(3):
            await stage.clicks("bob", "Send me the list", digests(stage)[0])
        assert "was sent to you just now" in stage.told("bob")
        await stage.clicks("ann", "Send me the list", digests(stage)[0])
        assert [len(handed_to(stage, who)) for who in ("bob", "ann")] == [1, 1]
        await stage.later(2 * MINUTE)
        await stage.clicks("bob", "Send me the list", digests(stage)[0])
        assert len(handed_to(stage, "bob")) == 2
        assert (await stage.actions()).count("digest.list") == 3
        assert nothing_left(stage) == []


async def test_a_list_that_could_not_be_sent_is_sent_at_the_next_press(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App bad")
        await reach(stage, THURSDAY)
        world.slack.faults.add("upload_url", "http_500")
        await stage.clicks("bob", "Send me the list", digests(stage)[0])
        assert "Slack has trouble of its own" in stage.told("bob")
        assert stage.direct("bob") == [], "no words without the file"
        await stage.clicks("bob", "Send me the list", digests(stage)[0])
        assert len(handed_to(stage, "bob")) == 1
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- one message that is kept up to date


async def test_a_digest_that_is_kept_up_to_date_is_edited_while_it_is_the_newest_message(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=UPDATING) as stage:
        world.slack.grant_scope("channels:history")
        fails(world, "App first")
        await reach(stage, THURSDAY)
        fails(world, "App second")
        await reach(stage, THURSDAY + DAY)
        [digest] = digests(stage)
        assert "1 still failing" in digest.plain
        assert len(digest.edits) == 1
        assert named(stage, digest, "New") == {"App first", "App second"}, "the thread keeps both days"
        await stage.says("bob", "who looks at these?", NEWS)
        fails(world, "App third")
        await reach(stage, THURSDAY + 4 * DAY)
        assert len([shown for shown in digests(stage) if shown.blocks]) == 2
        assert (await stage.actions()).count("digest.post") == 3
        assert nothing_left(stage) == []


async def test_without_the_scope_to_look_every_digest_is_a_new_message(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=UPDATING) as stage:
        world.slack.revoke_scope("channels:history")
        for day in (0, 1, 4):
            fails(world, f"App {day}")
            await reach(stage, THURSDAY + day * DAY)
        assert [named(stage, digest) for digest in digests(stage)] == [{"App 0"}, {"App 1"}, {"App 4"}]
        assert len([call for call in world.slack.calls if call.method == "conversations.history"]) == 2
        assert nothing_left(stage) == []


async def test_a_digest_that_was_deleted_is_posted_anew_though_it_would_be_edited(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=UPDATING) as stage:
        world.slack.grant_scope("channels:history")
        fails(world, "App first")
        await reach(stage, THURSDAY)
        world.slack.faults.error("chat.update", "message_not_found")
        fails(world, "App second")
        await reach(stage, THURSDAY + DAY)
        assert len(digests(stage)) == 2
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- whose failures


async def test_plans_of_two_clients_and_of_servers_tell_of_their_own_alone(tmp_path: Path) -> None:
    more = """
[[digests]]
name = "contoso"
channel = "C0HELPDESK"
cron = "0 9 * * 1-5"
timezone = "Europe/Berlin"
picture = "never"
clients = ["contoso*"]

[[digests]]
name = "mueller-servers"
channel = "C0PATCHAPPROVE"
cron = "0 9 * * 1-5"
timezone = "Europe/Berlin"
picture = "never"
clients = ["*Müller*"]
kind = "server"
"""
    async with World() as world, staged(tmp_path, world=quiet(world), config=CONFIG + more) as stage:
        by_name = {machine.name: machine.id for machine in world.fleet.machines()}
        fails(world, "App contoso", on=by_name["CON-PC-ACC1"])
        fails(world, "App till", on=by_name["KASSE-DOM-02"])
        fails(world, "App shop", on=by_name["SRV-WARENWIRTSCHAFT"])
        await reach(stage, THURSDAY)
        told = {
            channel: named(stage, digests(stage, channel)[-1]) for channel in (NEWS, "C0HELPDESK", "C0PATCHAPPROVE")
        }
        assert told == {
            NEWS: {"App contoso", "App till", "App shop"},
            "C0HELPDESK": {"App contoso"},
            "C0PATCHAPPROVE": {"App shop"},
        }
        assert nothing_left(stage) == []


async def test_a_plan_for_a_client_counts_what_nobody_can_place(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        config = CONFIG + 'clients = ["contoso*"]\npost_when_empty = false\n'
        async with staged(tmp_path, world=quiet(world), config=config) as stage:
            fails(world, "App somewhere")
            await reach(stage, THURSDAY)
            [digest] = digests(stage)
            assert "App somewhere" not in digest.plain
            assert "1 failure" in digest.plain
            assert nothing_left(stage) == []


async def test_what_is_silenced_is_counted_and_not_told_until_the_silence_ends(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        await stage.asks("bob", '/patches silence "App known" 2d the vendor is at it')
        fails(world, "App known", "App other", on=1015)
        await reach(stage, THURSDAY)
        [digest] = digests(stage)
        assert named(stage, digest) == {"App other"}
        assert "1 silenced failure" in digest.plain
        await reach(stage, THURSDAY + 4 * DAY)
        last = digests(stage)[-1]
        assert named(stage, last) == {"App known"}, "of which no digest has told"
        assert named(stage, last, "Still failing") == {"App other"}
        assert nothing_left(stage) == []


async def test_what_began_to_fail_while_it_was_silenced_is_new_when_the_silence_is_over(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world), config=SILENT) as stage:
        await stage.asks("bob", "/patches silence App* 30h")
        fails(world, "App hidden")
        await reach(stage, THURSDAY)
        assert digests(stage) == []
        await stage.asks("bob", "/patches silence App* 30h")  # takes the place of the one before
        await reach(stage, THURSDAY + DAY)
        assert digests(stage) == []
        for days in (4, 5):
            await reach(stage, THURSDAY + days * DAY)
            [digest] = digests(stage)
            assert named(stage, digest) == {"App hidden"}
        assert nothing_left(stage) == []


async def test_what_was_told_before_it_was_silenced_is_still_failing_when_the_silence_is_over(tmp_path: Path) -> None:
    async with World() as world, staged(tmp_path, world=quiet(world)) as stage:
        fails(world, "App told")
        await reach(stage, THURSDAY)
        await stage.asks("bob", '/patches silence "App told" 2d')
        await reach(stage, THURSDAY + DAY)
        assert "1 silenced" in digests(stage)[-1].plain
        await reach(stage, THURSDAY + 4 * DAY)
        assert "Still failing: 1" in digests(stage)[-1].plain
        assert [named(stage, digest) for digest in digests(stage)] == [{"App told"}, set(), set()]
        assert nothing_left(stage) == []


async def test_failures_whose_device_nobody_knows_are_new_as_often_as_they_come(tmp_path: Path) -> None:
    async with World() as world:
        world.eset.details_allowed = False
        async with staged(tmp_path, world=quiet(world)) as stage:
            fails(world, "App bad")
            await reach(stage, THURSDAY)
            fails(world, "App bad")
            works(world, "App bad", on=1002)
            await reach(stage, THURSDAY + DAY)
            assert all("device not known" in details(stage, one, "New") or one for one in digests(stage))
            assert digests(stage)[1].plain.count("failed patching attempt")
            assert nothing_left(stage) == []
