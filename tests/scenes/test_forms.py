"""From a failure to a request in two steps of a modal: which devices, which of their patches."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.fleet import application_patch
from bot.demo.slack import Shown, words
from bot.demo.slack.model import View
from bot.demo.world import World
from bot.model import SETTLED, Fate, PatchStatus, State
from tests.sample_requests import pending
from tests.scenes.filling import digest_of, fields, first_step, offered, second_step, ticked
from tests.scenes.playing import configured, pressed
from tests.scenes.stage import Stage, nothing_left, staged
from tests.scenes.test_devices import CHOSEN_FEW

CHROME = "Google Chrome"
CHROME_DEVICES = ["1026", "1035", "1029", "1001", "1015", "1018", "1041", "1042"]


# ---------------------------------------------------------------- from a digest


async def test_from_a_digest_two_devices_and_three_patches_become_one_request_with_one_card(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        view = await first_step(stage, "bob", digest, CHROME)
        assert "Google Chrome (Google LLC) → 134.0.6998.89: 8 failures" in view.plain
        assert ticked(view, "devices") == offered(view, "devices") == CHROME_DEVICES
        view = await second_step(stage, "bob", ["1001", "1015"])
        assert fields(view) == ["patches.1001", "patches.1015", "reason"]
        assert (ticked(view, "patches.1001"), ticked(view, "patches.1015")) == (["4"], ["681922"])
        assert await stage.submits("bob", {"patches.1001": ["4", "5"], "Reason": "Chrome is closed now"}) == {}
        assert not view.open
        assert "Request #1 is made" in stage.told("bob")
        assert stage.world.slack.last["bob"].answers[-1].channel == digest.channel
        [card] = stage.posted("C0PATCHAPPROVE")
        assert "3 patches on 2 devices" in card.plain
        for said in ("SRV-DC01", "WH-PC-01", "Chrome is closed now"):
            assert said in card.plain
        members = await stage.bot.services.store.members(1)
        assert {(one.origin.channel, one.origin.ts) for one in members if one.origin} == {(digest.channel, digest.ts)}
        await pressed(stage, "ann", "Approve", card)
        assert sorted(stage.retries) == [(1001, (4, 5)), (1015, (681922,))]
        assert nothing_left(stage) == []


async def test_only_what_is_surely_meant_is_ticked_and_the_likeliest_comes_first(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        await first_step(stage, "bob", digest, "Adobe Acrobat Reader")
        view = await second_step(stage, "bob")
        for device, reader in (("1031", "682086"), ("1056", "682314")):
            assert offered(view, f"patches.{device}")[0] == reader
            assert ticked(view, f"patches.{device}") == [reader]
        block = next(block for block in view.blocks if block["block_id"] == "patches.1031")
        first, second = block["element"]["options"]
        assert first["description"]["text"] == "99 % like what failed · Critical"
        assert "like" not in second.get("description", {}).get("text", "")
        assert "Those that are surely meant are ticked" in view.plain
        assert nothing_left(stage) == []


async def test_a_device_whose_patches_only_resemble_what_failed_has_nothing_ticked(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        patch = stage.world.fleet.patch(1001, 4)
        patch.title = patch.product = "Google Chrome Remote Desktop"
        digest = await digest_of(stage)
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1001", "1015"])
        assert (ticked(view, "patches.1001"), ticked(view, "patches.1015")) == ([], ["681922"])
        assert "None of these is surely Google Chrome: please look closely." in view.plain
        assert await stage.submits("bob") == {}
        assert "retry 681922 on WH-PC-01" in stage.told("bob")
        assert nothing_left(stage) == []


async def test_a_digest_of_the_schedule_finds_the_failures_since_the_one_before(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.later(timedelta(hours=1))
        stage.world.new_failures(6)
        await stage.later(timedelta(hours=24))
        newest = stage.posted("C0PATCHNEWS")[-1]
        group = next(block["text"]["text"] for block in newest.blocks if " new" in str(block) and "→" in str(block))
        counts = [int(count) for count in re.findall(r"(\d+) (?:new|still failing)", group.splitlines()[0])]
        view = await first_step(stage, "bob", newest, group.split("*")[1])
        assert len(ticked(view, "devices")) == sum(counts)
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- names that several devices have


async def test_a_name_that_two_devices_have_is_asked_about_and_the_answer_is_remembered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage, "PuTTY")
        view = await first_step(stage, "bob", digest, "PuTTY")
        assert "Which of these is SRV-FILE01?" in view.plain
        assert offered(view, "which.0") == ["1023", "1004"]
        view = await second_step(stage, "bob", [], which_0="1004")
        assert fields(view) == ["patches", "reason"]
        assert "SRV-FILE01 (id 1004) · Contoso Ltd" in view.plain
        assert await stage.submits("bob") == {}
        assert "is made" in stage.told("bob")
        view = await first_step(stage, "carl", digest, "PuTTY")
        assert "which.0" not in fields(view)
        assert "ESET's SRV-FILE01 is SRV-FILE01 at Contoso Ltd (id 1004), as @bob chose." in view.plain
        assert "1004" in ticked(view, "devices")
        assert (await stage.actions())[1:4] == ["digest.now", "device.link", "request.create"]
        listed = await stage.asks("dave", "/patches device 1004")
        assert "ESET knows it as SRV-FILE01 (chosen by @bob" in listed.plain
        assert "no longer taken" in await pressed(stage, "dave", "Undo", listed)
        await stage.world.slack.closes("carl")
        assert "which.0" in fields(await first_step(stage, "carl", digest, "PuTTY"))
        assert nothing_left(stage) == []


async def test_who_leaves_the_question_open_goes_on_with_the_other_devices(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage, "PuTTY"), "PuTTY")
        view = await second_step(stage, "bob")
        assert fields(view) == ["patches.1033", "patches.1007", "patches.1019", "reason"]
        assert "device.link" not in await stage.actions()
        assert nothing_left(stage) == []


@contextlib.asynccontextmanager
async def two_of_one_name(folder: Path) -> AsyncIterator[Stage]:
    """A world in which Chrome failed on both devices of the name SRV-FILE01 as well, an hour apart."""
    async with World() as world:
        attempts = world.fleet.attempts
        row = next(row for row in attempts if (row.machine_id, row.application.name) == (1001, CHROME))
        assert row.ended is not None
        for machine_id, minutes in ((1004, 1), (1023, 61)):
            attempts.append(replace(row, machine_id=machine_id, ended=row.ended - timedelta(minutes=minutes)))
        async with staged(folder, world=world) as stage:
            yield stage


async def test_two_devices_of_one_name_are_asked_about_so_that_they_can_be_told_apart(tmp_path: Path) -> None:
    async with two_of_one_name(tmp_path) as stage:
        view = await first_step(stage, "bob", await digest_of(stage), CHROME)
        asked = [block for block in view.blocks if block.get("block_id", "").startswith("which")]
        assert [block["label"]["text"] for block in asked] == [
            f"Which of these is SRV-FILE01 ({place} of 2 that ESET calls so)?" for place in (1, 2)
        ]
        assert len({block["hint"]["text"] for block in asked}) == 2
        assert all(block["hint"]["text"].startswith("This one failed last 20") for block in asked)
        assert await stage.submits("bob", {"which.0": "1004", "which.1": "1004"}) == {
            "which.1": "SRV-FILE01 (id 1004) is chosen for another of ESET's devices already. "
            "Choose another, or leave this one open."
        }
        view = await second_step(stage, "bob", ["1001"], which_0="1004", which_1="1023")
        assert "enrolled anew" not in view.plain
        assert nothing_left(stage) == []


async def test_who_takes_two_of_esets_devices_for_one_is_told(tmp_path: Path) -> None:
    async with two_of_one_name(tmp_path) as stage:
        digest = await digest_of(stage)
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1001"], which_0="1004")
        assert "enrolled anew" not in view.plain
        view = await first_step(stage, "carl", digest, CHROME)
        assert [field for field in fields(view) if field.startswith("which")] == ["which.0"]
        view = await second_step(stage, "carl", ["1001"], which_0="1004")
        said = "2 of ESET's devices, SRV-FILE01 and SRV-FILE01, are taken for SRV-FILE01 (id 1004) now."
        assert f"⚠️ {said} Right for one that was enrolled anew; else /patches device 1004 undoes it." in view.plain
        assert (await stage.actions()).count("device.link") == 2
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- from a row, from nothing, from a device


async def row_of(stage: Stage, application: str) -> Shown:
    return await stage.asks("bob", f'/patches recent app:"{application}"')


async def test_from_a_row_its_own_device_is_ticked_and_those_alike_are_offered(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await digest_of(stage)  # attempts and devices are known
        listed = await row_of(stage, CHROME)
        assert "Retry…" in listed.buttons
        view = await first_step(stage, "bob", listed, CHROME)
        assert len(ticked(view, "devices")) == 1 < len(offered(view, "devices"))
        view = await second_step(stage, "bob")
        assert fields(view) == ["patches", "reason"]
        assert await stage.submits("bob", {"Reason": "seen in the list"}) == {}
        assert "Request #1 is made" in stage.told("bob")
        assert "seen in the list" in stage.card.plain
        [request] = await stage.bot.services.store.members(1)
        assert request.origin is None
        assert nothing_left(stage) == []


async def test_the_two_tills_that_failed_in_one_second_are_both_ticked(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        listed = await row_of(stage, "Scan & Print Assistant")
        marks = [button["action_id"].rpartition(".")[2] for button in words.buttons(listed.blocks) if "value" in button]
        [twins] = [mark for mark, count in Counter(marks).items() if count == 2 and len(mark) == 16]
        view = await first_step(stage, "bob", listed, place=marks.index(twins))
        assert ticked(view, "devices") == ["1031", "1032"]
        assert nothing_left(stage) == []


async def test_a_failure_of_this_very_minute_has_its_device(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.clock.advance(timedelta(minutes=5))
        [(machine, patch)] = stage.world.new_failures(1)
        listed = await stage.asks("bob", "/patches recent")
        view = await first_step(stage, "bob", listed)
        assert ticked(view, "devices") == [str(machine.id)]
        view = await second_step(stage, "bob")
        assert ticked(view, "patches") == [str(patch.id)]
        assert nothing_left(stage) == []


async def test_a_row_whose_device_nobody_knows_ticks_no_other(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.clock.advance(timedelta(minutes=5))
        stage.world.new_failures(1)
        stage.world.eset.details_allowed = False
        view = await first_step(stage, "bob", await stage.asks("bob", "/patches recent"))
        assert ticked(view, "devices") == []
        assert offered(view, "devices")
        assert "Patch Management: Read" in view.plain
        assert nothing_left(stage) == []


async def test_retry_without_a_device_offers_to_choose_some(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await stage.asks("bob", "/patches retry")
        assert "A device and patch ids are missing" in answer.plain
        view = await stage.opens("bob", "Choose devices…", answer, saying="On which devices")
        assert fields(view) == ["others"]
        typed = await stage.world.slack.suggestions("bob", "Devices", "srv-dc01")
        assert typed[0] == "SRV-DC01 · Contoso Ltd"
        assert await stage.submits("bob") == {"others": "Please complete this required field."}
        view = await second_step(stage, "bob", others=["1001", "1015"])
        assert ticked(view, "patches.1001") == ticked(view, "patches.1015") == []
        assert "like what" not in str(view.blocks)
        assert await stage.submits("bob") == {"patches.1001": "Choose at least one patch."}
        assert await stage.submits("bob", {"patches.1001": ["5"], "patches.1015": ["681919"]}) == {}
        assert "2 patches on 2 devices" in stage.card.plain
        assert nothing_left(stage) == []


async def test_from_a_devices_page_the_form_has_the_names_that_it_always_had(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        listed = await stage.asks("bob", "/patches device 1001")
        view = await stage.opens("bob", "Retry…", listed, saying="Failed patches to retry")
        assert (view.callback_id, fields(view)) == ("device.retry", ["patches", "reason"])
        assert ticked(view, "patches") == []
        assert await stage.submits("bob", {"patches": ["4"], "reason": "please"}) == {}
        await pressed(stage, "ann", "Approve", stage.card)
        assert stage.retries == [(1001, (4,))]
        assert nothing_left(stage) == []


async def test_any_other_device_can_be_added_by_a_part_of_its_name(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        assert "SRV-SQL01 · Contoso Ltd" in await stage.world.slack.suggestions("bob", "Other devices", "sql")
        view = await second_step(stage, "bob", ["1001"], others=["1003", "1001"])
        assert fields(view) == ["patches.1001", "patches.1003", "reason"]
        assert ticked(view, "patches.1003") == []
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- what is asked for already


async def test_what_an_open_request_holds_is_not_ticked_and_says_where_it_is(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        await stage.asks("carl", "/patches retry 1001 4 seen on the console")
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1001", "1015"])
        assert (ticked(view, "patches.1001"), ticked(view, "patches.1015")) == ([], ["681922"])
        assert description(view, "patches.1001", "4") == "in request #1 · 100 % like what failed · Critical"
        assert "request" not in description(view, "patches.1015", "681922")
        assert await stage.submits("bob") == {}
        assert "Request #2 is made" in stage.told("bob")
        listed = await stage.asks("bob", "/patches device 1015")
        view = await stage.opens("bob", "Retry…", listed, saying="Failed patches to retry")
        assert description(view, "patches", "681922").startswith("in request #2")
        await stage.world.slack.closes("bob")
        await pressed(stage, "bob", "Withdraw", stage.card)
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1001", "1015"])
        assert (ticked(view, "patches.1001"), ticked(view, "patches.1015")) == ([], ["681922"])
        assert nothing_left(stage) == []


def description(view: View, block: str, value: str) -> str:
    [found] = [each for each in view.blocks if each.get("block_id") == block]
    [option] = [option for option in found["element"]["options"] if option["value"] == value]
    return str(option.get("description", {}).get("text", ""))


@pytest.mark.parametrize("fate", Fate)
def test_a_patch_is_held_until_its_fate_is_settled(fate: Fate) -> None:
    asked = pending(1, 4, 5)
    request = replace(asked, patches=(replace(asked.patches[0], fate=fate), asked.patches[1]))
    assert request.in_play == ({5} if fate in SETTLED else {4, 5})


# ---------------------------------------------------------------- rights, limits and reasons


async def test_who_may_not_use_the_bot_gets_no_form(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        assert "Only full members" in await pressed(stage, "gina", "Retry…", digest)
        assert not stage.world.slack.space.stacks.get("U0GINA")
        assert nothing_left(stage) == []


async def test_who_may_not_sees_no_device_either_while_slack_takes_long_to_say_so(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CHOSEN_FEW) as stage:
        slack, gate = stage.world.slack, asyncio.Event()
        presses = [
            ("gina", "Retry…", await digest_of(stage)),
            ("gina", "Retry…", await stage.asks("bob", f'/patches recent app:"{CHROME}"')),
            ("dave", "Retry…", await stage.asks("bob", "/patches device 1001")),
            ("dave", "Choose devices…", await stage.asks("bob", "/patches retry")),
        ]
        slack.faults.add("users.info", Fault.SLOW, times=None, until=gate, seconds=8)
        await asyncio.gather(*(slack.clicks(who, button, shown) for who, button, shown in presses))
        await slack.space.until(lambda: len(opened(stage, "gina", "dave")) == len(presses), 10)
        views = opened(stage, "gina", "dave")
        assert [view.plain.count("⏳") for view in views] == [1] * 4
        gate.set()
        await stage.bot.settle()
        refused = ["Only full members"] * 2 + ["You are not among the people"] * 2
        for view, said in zip(views, refused, strict=True):
            assert said in view.plain
            assert view.versions == 2  # nothing else was shown in between
        assert nothing_left(stage) == []


def opened(stage: Stage, *people: str) -> list[View]:
    """The modals on the screens of these people."""
    space = stage.world.slack.space
    return [view for who in people for view in space.stacks.get(space.user(who).id, [])]


async def test_more_devices_than_one_request_may_hold_are_not_all_ticked_and_refused(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(max_devices="3")) as stage:
        view = await first_step(stage, "bob", await digest_of(stage), CHROME)
        assert ticked(view, "devices") == CHROME_DEVICES[:3]
        assert offered(view, "devices") == CHROME_DEVICES
        assert "3 of 8 devices are chosen, as many as one request may hold; 5 devices can follow" in view.plain
        assert await stage.submits("bob", {"others": ["1003"]}) == {
            "others": "4 devices are more than one request may hold (3). Choose some of them."
        }
        assert view.open
        assert await stage.submits("bob", {"devices": [], "others": []}) == {"devices": "Choose at least one device."}
        await second_step(stage, "bob", CHROME_DEVICES[1:3])
        assert nothing_left(stage) == []


async def test_more_patches_than_one_request_may_hold_are_refused_in_the_form(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(max_patches="2")) as stage:
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        view = await second_step(stage, "bob", CHROME_DEVICES[:3])
        assert [len(ticked(view, block)) for block in fields(view)[:3]] == [1, 1, 0]
        refused = await stage.submits("bob", {fields(view)[2]: offered(view, fields(view)[2])[:1]})
        assert refused == {fields(view)[0]: "3 patches are more than one request may hold (2). Choose some of them."}
        assert view.open
        assert nothing_left(stage) == []


RULE = '\n[[approvals.rules]]\nkind = "server"\nreason = "required"\n'


async def test_a_reason_is_required_when_one_of_the_devices_needs_it(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured() + RULE) as stage:
        digest = await digest_of(stage)
        await first_step(stage, "bob", digest, CHROME)
        view = await second_step(stage, "bob", ["1001", "1015"])
        reason = next(block for block in view.blocks if block["block_id"] == "reason")
        assert not reason["optional"]
        assert await stage.submits("bob") == {"reason": "Please complete this required field."}
        assert await stage.submits("bob", {"reason": " \u200b "}) == {"reason": "A reason is required here."}
        assert await stage.submits("bob", {"reason": "the till is closed"}) == {}
        assert "Request #1 is made" in stage.told("bob")
        assert nothing_left(stage) == []


async def test_one_hundred_and_twenty_failed_patches_are_offered_as_far_as_slack_lets(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        fleet = stage.world.fleet
        machine, chrome = fleet.machine(1001), fleet.patch(1001, 4)
        assert machine is not None
        assert chrome.application is not None
        for number in range(120):
            patch = application_patch(9000 + number, chrome.application, PatchStatus.FAILED)
            patch.title = patch.product = f"Приложение № {number} " + "ы" * 300
            machine.patches[patch.id] = patch
        listed = await stage.asks("bob", "/patches device 1001")
        view = await stage.opens("bob", "Retry…", listed, saying="Failed patches to retry")
        assert 50 <= len(offered(view, "patches")) <= 100
        assert "of 122 failed patches are offered" in view.plain
        await stage.world.slack.closes("bob")
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        view = await second_step(stage, "bob", CHROME_DEVICES)
        assert offered(view, "patches.1001")[0] == "4"
        assert ticked(view, "patches.1001") == ["4"]
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- twice, closed, too late


async def test_what_is_submitted_twice_makes_one_request(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.slack.deliver_twice = True
        await first_step(stage, "bob", await digest_of(stage), CHROME)
        await second_step(stage, "bob", ["1001", "1015"])
        assert await stage.submits("bob") == {}
        again = await stage.world.slack.redeliver(stage.world.slack.last["bob"])
        await stage.bot.settle()
        assert again.failure == ""
        assert (await stage.actions()).count("request.create") == 2  # a row for each of the two devices
        assert len(stage.posted("C0PATCHAPPROVE")) == 1
        assert [one.state for one in await stage.bot.services.store.members(1)] == [State.PENDING] * 2
        assert nothing_left(stage) == []


async def test_the_same_form_sent_once_more_by_hand_is_refused_with_the_request_there_is(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        digest = await digest_of(stage)
        for sentence in ("Request #1 is made", "which request #1 is about already"):
            await first_step(stage, "bob", digest, CHROME)
            await second_step(stage, "bob", ["1001", "1015"])
            assert await stage.submits("bob", {"patches.1001": ["4"], "patches.1015": ["681922"]}) == {}
            assert sentence in stage.told("bob")
        assert len(stage.posted("C0PATCHAPPROVE")) == 1
        assert nothing_left(stage) == []
