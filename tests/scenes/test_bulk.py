"""One request for several devices: one card, one approval, a call for each, and each fares by itself."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.world import World
from bot.errors import Refused
from bot.model import Posted, State
from tests.scenes.bulks import THREE, carded, members, wished
from tests.scenes.playing import configured, pressed
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

CALL, LIST = "patch_retry", "patch_list_all"
RULES = (
    CONFIG
    + """
[[approvals.rules]]
kind = "server"
quorum = 2
reason = "required"
"""
)


async def states(stage: Stage) -> list[State]:
    return [request.state for request in await members(stage)]


NIGHT = """
[[windows]]
kind = "server"
cron = "0 22 * * *"
duration = "6h"
timezone = "Europe/Berlin"
"""


def sent(stage: Stage) -> list[tuple[int, tuple[int, ...]]]:
    return sorted(stage.retries)


async def test_one_approval_sends_a_call_for_each_device(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        assert "5 patches on 3 devices" in card.plain
        for name in ("SRV-DC01", "CON-NB-0147", "WH-PC-04"):
            assert name in card.plain
        assert [button for button in card.buttons if button == "Approve"] == ["Approve"]
        assert stage.retries == []
        await pressed(stage, "ann", "Approve", card)
        assert sent(stage) == sorted(THREE)
        assert await states(stage) == [State.QUEUED] * 3
        assert len(stage.posted("C0PATCHAPPROVE")) == 1
        assert "3 queued in N-sight" in stage.card.plain
        assert [shown.plain for shown in stage.world.slack.messages if shown.thread_ts == card.ts] == []
        assert stage.card.plain.count("Approved by @ann") == 1
        assert not stage.card.buttons
        assert nothing_left(stage) == []


async def test_the_trail_names_every_device_and_every_call(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await pressed(stage, "ann", "Approve", await carded(stage))
        rows = [row for row in await stage.trail() if row.subject.startswith("request:")]
        counts = Counter(row.action for row in rows)
        assert [counts[f"request.{what}"] for what in ("create", "approve", "claim", "conclude")] == [3, 3, 3, 3]
        assert {row.subject for row in rows if row.action == "request.claim"} == {"request:1", "request:2", "request:3"}
        assert (await stage.bot.services.store.verify()).ok


async def test_what_n_sight_refuses_for_one_device_leaves_the_others(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        stage.world.nsight.faults.add(CALL, Fault.FAIL, code="4", words="The agent is too old")
        await pressed(stage, "ann", "Approve", card)
        assert sorted(await states(stage)) == sorted([State.REJECTED, State.QUEUED, State.QUEUED])
        assert "The agent is too old" in stage.card.plain
        assert len(stage.retries) == 3


async def test_an_unknown_outcome_of_one_device_is_settled_by_itself(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        stage.world.nsight.faults.add(CALL, Fault.CUT, act=True)
        await pressed(stage, "ann", "Approve", card)
        assert sorted(await states(stage)) == sorted([State.UNKNOWN, State.QUEUED, State.QUEUED])
        assert "Read the device again" in stage.card.buttons
        await stage.later(timedelta(minutes=3))
        assert State.UNKNOWN not in await states(stage)
        assert len(stage.retries) == 3


async def test_a_device_that_n_sight_lists_no_more_is_rejected_alone(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        site = next(site for customer in stage.world.fleet.customers for site in customer.sites if site.id == 402)
        site.machines = [machine for machine in site.machines if machine.id != 1018]
        await pressed(stage, "ann", "Approve", card)
        assert await states(stage) == [State.QUEUED, State.QUEUED, State.REJECTED]
        assert sorted(stage.retries) == sorted(THREE[:2])


async def test_a_denial_holds_for_all_and_is_told_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        await stage.opens("ann", "Deny", card)
        assert await stage.submits("ann", {"reason": "not today"}) == {}
        assert await states(stage) == [State.DENIED] * 3
        news = [text for text in stage.direct("bob") if "Denied" in text]
        assert len(news) == 1
        assert "(3 devices)" in news[0]
        assert stage.retries == []


async def test_who_asked_withdraws_all_of_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        assert "Only" in await pressed(stage, "ann", "Withdraw", card)
        await pressed(stage, "bob", "Withdraw", card)
        assert await states(stage) == [State.WITHDRAWN] * 3
        assert "Withdrawn" in stage.card.plain


async def test_nobody_approves_their_own_request_for_many(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage, who="U0ANN")
        assert "somebody else" in await pressed(stage, "ann", "Approve", card)
        assert await states(stage) == [State.PENDING] * 3


async def test_the_strictest_rule_of_any_device_holds_for_all(tmp_path: Path) -> None:
    async with staged(tmp_path, config=RULES) as stage:
        card = await carded(stage)
        assert "2 approvals needed, each with a reason: server" in card.plain
        for who in ("ann", "carl"):
            await stage.opens(who, "Approve", stage.card)
            assert await stage.submits(who, {"reason": "seen"}) == {}
        assert sent(stage) == sorted(THREE)
        with pytest.raises(Refused, match="reason is required"):
            await wished(stage, ((1007, None), (1003, None)), reason="")


async def test_a_vote_is_one_for_all_devices_and_can_be_taken_back(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum=2)) as stage:
        card = await carded(stage)
        assert "1 of 2 approvals given" in await pressed(stage, "ann", "Approve", card)
        assert [len(request.votes) for request in await members(stage)] == [1, 1, 1]
        assert "already approved" in await pressed(stage, "ann", "Approve", stage.card)
        await stage.clicks("ann", "Take my vote back", stage.world.slack.last["ann"].answers[-1])
        assert [len(request.votes) for request in await members(stage)] == [0, 0, 0]


async def test_twenty_clicks_at_once_send_one_call_for_each_device(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        clicks = (stage.world.slack.clicks(who, "Approve", card, stale=True) for who in ("ann", "carl") * 10)
        await asyncio.gather(*clicks)
        await stage.bot.settle()
        assert sent(stage) == sorted(THREE)


async def test_a_reminder_and_the_end_of_waiting_come_once_for_all(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(remind='"1h"')) as stage:
        await carded(stage)
        await stage.later(timedelta(hours=1, minutes=1))
        thread = [shown.plain for shown in stage.world.slack.messages if shown.thread_ts]
        assert len([text for text in thread if "still waits" in text]) == 1
        await stage.later(timedelta(hours=4))
        assert await states(stage) == [State.EXPIRED] * 3
        assert len([text for text in stage.direct("bob") if "Expired" in text]) == 1


async def test_how_it_ended_is_told_once_and_offers_what_failed_again(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.fail_again(1018, 681959)
        await pressed(stage, "ann", "Approve", await carded(stage))
        stage.world.patches_install()
        await stage.later(timedelta(minutes=20))
        assert await states(stage) == [State.FINISHED] * 3
        ends = [text for text in stage.direct("bob") if "has ended" in text]
        assert len(ends) == 1
        assert "1 failed again" in ends[0]
        card = stage.card
        assert "3 of 5 installed, 1 needs a restart, 1 failed again" in card.plain
        await stage.clicks("bob", "Retry…", card)
        assert "is made" in stage.told("bob")
        again = await members(stage)
        assert [(request.device.id, [patch.id for patch in request.patches]) for request in again] == [(1018, [681959])]
        assert again[0].again_of == 1
        assert "Asked again" in stage.card.plain
        assert "1 needs a restart, 1 failed again" in stage.card.plain


async def test_what_cannot_be_asked_for_is_left_out_and_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await wished(stage, ((1001, (4, 1)), (1050, None), (9999, (1,))))
        assert "Left out because not failed: `1` (Installed)." in answer.text
        assert "has no failed patch" in answer.text
        assert "9999" in answer.text
        assert len(await members(stage)) == 1
        with pytest.raises(Refused, match="no failed patch"):
            await wished(stage, ((1050, None), (9999, (1,))))


async def test_what_an_open_request_holds_is_left_out_and_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await wished(stage, ((1001, (4,)), (1006, (681833,))))
        answer = await wished(stage, THREE)
        assert "Left out: `4` on SRV-DC01, which <" in answer.text
        assert "|request #1> is about already." in answer.text
        assert [(one.device.id, len(one.patches)) for one in await members(stage)] == [(1001, 1), (1018, 2)]
        with pytest.raises(Refused, match=r"(?s)`4` on SRV-DC01, .*Nothing was done"):
            await wished(stage, ((1001, (4,)), (1006, (681833,))))


@pytest.mark.parametrize("limit", ["max_devices=2", "max_patches=4"])
async def test_one_approval_reaches_no_further_than_configured(tmp_path: Path, limit: str) -> None:
    key, _, most = limit.partition("=")
    async with staged(tmp_path, config=configured(**{key: most})) as stage:
        with pytest.raises(Refused, match=f"more than one request may hold .*{key}"):
            await wished(stage)
        assert stage.posted("C0PATCHAPPROVE") == []


async def test_the_thread_it_came_from_hears_of_it(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await stage.asks("bob", "/patches digest now daily")
        digest = stage.posted("C0PATCHNEWS")[-1]
        details = len([shown for shown in stage.world.slack.messages if shown.thread_ts == digest.ts])
        await pressed(stage, "ann", "Approve", await carded(stage, origin=Posted(digest.channel, digest.ts)))
        stage.world.patches_install()
        await stage.later(timedelta(minutes=20))
        thread = [shown.plain for shown in stage.world.slack.messages if shown.thread_ts == digest.ts][details:]
        assert "asks to retry 5 patches on SRV-DC01" in thread[0]
        assert "Approved" in thread[1]
        assert "has ended" in thread[-1]
        assert len(thread) == 3


async def test_the_list_of_those_that_wait_shows_it_once(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await carded(stage)
        answer = (await stage.asks("ann", "/patches pending")).plain
        assert "1 request waiting" in answer
        assert "and 2 more devices" in answer
        assert "CON-NB-0147" in (await stage.asks("ann", "/patches history 1006")).plain


async def test_a_request_cut_short_by_a_stop_goes_on_after_the_start(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        stage.world.nsight.faults.add(LIST, Fault.STATUS, status=503, times=40)
        await pressed(stage, "ann", "Approve", card)
        assert await states(stage) == [State.APPROVED] * 3
        stage.world.nsight.faults.clear()
        await stage.later(timedelta(minutes=1))
        assert sent(stage) == sorted(THREE)


async def test_each_device_waits_for_its_own_window_and_can_be_withdrawn_until_then(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + NIGHT) as stage:
        await pressed(stage, "ann", "Approve", await carded(stage))
        assert await states(stage) == [State.APPROVED, State.QUEUED, State.QUEUED]
        assert "1 approved, about to be sent, 2 queued in N-sight" in stage.card.plain
        assert "in the device's maintenance window, 2025-03-12 21:00 UTC" in stage.card.plain
        told = await pressed(stage, "bob", "Withdraw", stage.card)
        assert "is withdrawn for SRV-DC01, where nothing was sent; the others are past that." in told
        assert await states(stage) == [State.WITHDRAWN, State.QUEUED, State.QUEUED]
        assert sent(stage) == sorted(THREE[1:])


async def test_the_button_below_the_end_asks_again_and_stays_what_it_is(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.fail_again(1018, 681959)
        await pressed(stage, "ann", "Approve", await carded(stage))
        stage.world.patches_install()
        await stage.later(timedelta(minutes=20))
        card = stage.card
        [end] = [shown for shown in stage.world.slack.messages if shown.thread_ts == card.ts and "ended" in shown.plain]
        await stage.clicks("bob", "Retry…", end)
        assert "is made" in stage.told("bob")
        assert "has ended" in end.plain
        assert not end.edits
        assert [one.channel for one in await stage.bot.services.store.cards(1)] == [card.channel]


ESCALATING = """
[[approvals.rules]]
kind = "server"
escalate_after = "1h"
escalate_to = ["U0DAVE"]
"""


@pytest.mark.parametrize("order", [pytest.param((0, 1), marks=pytest.mark.deep), (1, 0)])
async def test_the_escalation_that_one_device_asks_for_holds_for_all(tmp_path: Path, order: tuple[int, int]) -> None:
    async with staged(tmp_path, config=CONFIG + ESCALATING) as stage:
        await carded(stage, wanted=(THREE[order[0]], THREE[order[1]]))
        await stage.later(timedelta(hours=1, minutes=1))
        thread = [shown.plain for shown in stage.world.slack.messages if shown.thread_ts]
        [told] = [text for text in thread if "you may decide" in text]
        assert "@dave" in told
        assert "(2 devices)" in told
        assert len([text for text in stage.direct("dave") if "you may decide" in text]) == 1
        await pressed(stage, "dave", "Approve", stage.card)
        assert sent(stage) == sorted(THREE[:2])


async def test_a_device_that_nobody_may_approve_for_keeps_the_others_from_being_asked_with_it(tmp_path: Path) -> None:
    config = configured(approvers="[]") + '\n[[approvals.rules]]\nkind = "workstation"\napprovers = ["U0ANN"]\n'
    async with staged(tmp_path, config=config) as stage:
        for wanted in (THREE, THREE[::-1]):
            with pytest.raises(Refused, match="Nobody but you could approve"):
                await wished(stage, wanted)
        assert stage.posted("C0PATCHAPPROVE") == []


async def test_who_asked_hears_the_end_though_the_card_cannot_be_shown(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        await pressed(stage, "ann", "Approve", await carded(stage))
        stage.world.slack.archive("C0PATCHAPPROVE")
        stage.world.patches_install()
        await stage.later(timedelta(minutes=20))
        assert await states(stage) == [State.FINISHED] * 3
        assert len([text for text in stage.direct("bob") if "has ended" in text]) == 1


async def test_a_device_that_n_sight_tells_nothing_of_is_left_out_and_named(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        stage.world.nsight.faults.add(LIST, Fault.STATUS, status=403)
        answer = await wished(stage)
        assert "Left out: Device `10" in answer.text
        assert len(await members(stage)) == 2


async def test_of_a_device_that_is_left_out_nobody_is_told_that_nothing_was_asked_for(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        answer = await wished(stage, ((1001, (1,)), (1006, (681833,)), (999999, None)))
        assert "Left out: It is not Failed on SRV-DC01 (id `1001`): `1` " in answer.text
        assert "Left out: No device has the id or the full name `999999`." in answer.text
        assert "o request was made" not in answer.text
        assert "Nothing was done" not in answer.text
        assert [one.device.id for one in await members(stage)] == [1006]


async def test_a_device_that_goes_to_a_stricter_client_makes_all_of_it_stricter(tmp_path: Path) -> None:
    rule = '\n[[approvals.rules]]\nclient = "Northwind*"\nquorum = 2\n'
    async with staged(tmp_path, config=CONFIG + rule) as stage:
        await carded(stage)
        contoso, northwind = (customer for customer in stage.world.fleet.customers if customer.id in {301, 303})
        site = next(site for site in contoso.sites if any(machine.id == 1018 for machine in site.machines))
        machine = next(machine for machine in site.machines if machine.id == 1018)
        site.machines.remove(machine)
        northwind.sites[0].machines.append(machine)
        await stage.later(timedelta(hours=1, minutes=1))
        assert "1 of 2 approvals given" in await pressed(stage, "ann", "Approve", stage.card)
        assert stage.retries == []
        await pressed(stage, "carl", "Approve", stage.card)
        assert sent(stage) == sorted(THREE)


async def test_who_denies_what_came_back_hears_what_goes_on(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, config=CONFIG + NIGHT, world=world) as stage:
            await pressed(stage, "ann", "Approve", await carded(stage))
            assert await states(stage) == [State.APPROVED, State.QUEUED, State.QUEUED]
        async with staged(tmp_path, config=configured(quorum=2) + NIGHT, world=world) as stage:
            assert await states(stage) == [State.PENDING, State.QUEUED, State.QUEUED]
            await stage.opens("carl", "Deny", stage.card)
            assert await stage.submits("carl", {"reason": "not this server"}) == {}
            assert "Denied for SRV-DC01. CON-NB-0147 and WH-PC-04: approved before" in stage.told("carl")
            assert await states(stage) == [State.DENIED, State.QUEUED, State.QUEUED]
            assert sent(stage) == sorted(THREE[1:])


async def test_who_left_the_approvers_before_it_is_sent_counts_for_no_device(tmp_path: Path) -> None:
    async with staged(tmp_path) as stage:
        card = await carded(stage)
        stage.world.slack.leaves_group("ann", "S0PATCHTEAM")  # the bot still remembers her as one of them
        await pressed(stage, "ann", "Approve", card)
        assert await states(stage) == [State.PENDING] * 3
        assert stage.retries == []
        await pressed(stage, "carl", "Approve", stage.card)
        assert sent(stage) == sorted(THREE)


async def test_n_sight_is_told_about_four_devices_at_once_at_most(tmp_path: Path) -> None:
    six = tuple((device, None) for device in (1001, 1003, 1006, 1018, 1019, 1021))
    async with staged(tmp_path) as stage:
        card, gate = await carded(stage, wanted=six), asyncio.Event()
        stage.world.nsight.faults.add(CALL, Fault.SLOW, times=None, until=gate, seconds=5, act=True)
        await stage.world.slack.clicks("ann", "Approve", card)
        await stage.world.nsight.calls.reach(CALL, 4)
        await (await stage.says("carl", "/patches help")).answer()
        assert len(stage.world.nsight.calls.of(CALL)) == 4
        gate.set()
        await stage.bot.settle()
        assert await states(stage) == [State.QUEUED] * 6
        assert len(stage.retries) == 6
