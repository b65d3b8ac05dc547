"""Every button, pressed by every sort of person, in every state that has one: done as told, or refused in private.

What the pure table says (tests/test_approvals.py) is played here over the real door: who is who is asked of Slack.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.faults import Fault
from bot.demo.slack.cast import HELPDESK
from bot.demo.slack.model import BOT_USER, Shown, User, Usergroup
from bot.demo.world import World
from bot.model import PatchStatus, RetryRequest
from tests.scenes.playing import asked, configured, pressed, private
from tests.scenes.stage import CONFIG, Stage, nothing_left, staged

HOUR = timedelta(hours=1)
APPROVERS = '["U0ANN", "S0PATCHTEAM", "S0SECOND"]'
WINDOW = """
[[windows]]
client = "Contoso*"
cron = "0 22 * * *"
duration = "4h"
"""  # it is 08:30: what is approved for Contoso waits

ROLES = """
role                       | person | hears
the requester              | bob    | not one of the approvers
an approver by id          | ann    |
an approver by group       | carl   |
the requester, an approver | rita   | yourself, so somebody else has to decide on it
an outsider                | dave   | not one of the approvers
a guest                    | gina   | Guests cannot decide
somebody foreign           | zoe    | Only members of this organisation
a deactivated account      | otto   | This account is deactivated
a bot                      | hubbot | Bots cannot decide
whom Slack does not tell   | eve    | Slack cannot tell right now
"""
MAY = """
button                | pending   | waiting   | queued | unknown
Approve               | ann carl  | late      | late   | late
Deny                  | ann carl  | late      | late   | late
Withdraw              | bob rita  | bob rita  | late   | late
Take my vote back     | nobody    | late      | late   | late
Read the device again | early     | early     | late   | ann carl rita
Close                 | early     | early     | late   | ann carl
"""
"""Who may; "late" and "early": nobody, and all hear how it stands. "waiting": approved, its window is to come."""

STANDS = {
    "pending": "still waits for approval, so this is not possible yet",
    "waiting": "is already approved by @",
    "queued": "was already approved and sent (approved by @",
    "unknown": "was already approved and sent, though its outcome is not known yet (approved by @",
}
OWN_RULE = {"Withdraw": "who asked for it, can withdraw", "Take my vote back": "You have no vote on request"}
OWN_CLOSE = "yourself, so another approver has to close it"
ACTIONS = {
    "Approve": "request.approve",
    "Deny": "request.deny",
    "Withdraw": "request.withdraw",
    "Take my vote back": "request.retract",
    "Read the device again": "request.read",
    "Close": "request.close",
}


def table(text: str) -> list[dict[str, str]]:
    head, *rows = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [dict(zip(head, row, strict=True)) for row in rows]


PEOPLE = {row["person"]: row["hears"] for row in table(ROLES)}


def cases(state: str) -> Iterator[tuple[str, str, str]]:
    """(person, button, the sentence that says no) for everybody who may not."""
    for row in table(MAY):
        for who, hears in PEOPLE.items():
            if row[state] in {"late", "early"}:
                yield who, row["button"], STANDS[state]
            elif who not in row[state].split():
                no = OWN_CLOSE if (who, row["button"]) == ("rita", "Close") else hears
                yield who, row["button"], OWN_RULE.get(row["button"], no)


def allowed(state: str) -> set[tuple[str, str]]:
    """(person, button) that does something."""
    cells = {(row["button"], row[state]) for row in table(MAY) if row[state] not in {"late", "early", "nobody"}}
    return {(who, button) for button, cell in cells for who in cell.split()}


# ---------------------------------------------------------------- the people and their requests


def populate(stage: Stage) -> None:
    """Everybody is in the approvers' group but the requester, the outsider and whoever is named by id."""
    slack = stage.world.slack
    slack.add(User("U0RITA", "rita", "Rita, who asks and approves"))
    slack.add(User("U0EVE", "eve", "Eve, of whom Slack says nothing"))
    slack.add(Usergroup("S0SECOND", "second", "Second line", ["U0CARL"]))
    slack.leaves_group("ann", "S0PATCHTEAM")
    for who in ("rita", "gina", "zoe", "otto", "hubbot", "eve"):
        slack.joins_group(who, "S0PATCHTEAM")


@dataclass(frozen=True)
class Asked:
    """A request, its card, and an old message with every button there is for it."""

    id: int
    card: Shown
    relic: Shown


class Requests:
    """Makes one request after the other, each for a machine of its own."""

    def __init__(self, stage: Stage, quorum: int) -> None:
        self._stage, self._quorum = stage, quorum
        machines = [
            (customer.name.startswith("Contoso"), machine.id)
            for customer in stage.world.fleet.customers
            for site in customer.sites
            for machine in site.machines
            if machine.patching and any(patch.status is PatchStatus.FAILED for patch in machine.patches.values())
        ]
        self._windowed = iter([machine for windowed, machine in machines if windowed])
        self._free = iter([machine for windowed, machine in machines if not windowed])

    async def made(self, who: str, state: str) -> Asked:
        stage = self._stage
        machine = next(self._windowed if state == "waiting" else self._free)
        card = await asked(stage, who, f"/patches retry {machine} failed")
        number = len(stage.posted("C0PATCHAPPROVE"))
        buttons = [
            {"type": "button", "action_id": action, "value": str(number), "text": {"type": "plain_text", "text": name}}
            for name, action in ACTIONS.items()
        ]
        relic = stage.world.slack.space.post(HELPDESK, BOT_USER, "old", [{"type": "actions", "elements": buttons}])
        made = Asked(number, card, relic)
        if state == "unknown":
            stage.world.nsight.faults.add("patch_retry", Fault.CUT)
        if state != "pending":
            await approved(stage, made, self._quorum)
        assert SHOWN[state] in card.plain
        return made


SHOWN = {
    "pending": "Waiting for approval",
    "waiting": "in the device's maintenance window",
    "queued": "Queued by N-sight",
    "unknown": "Outcome unknown",
}


async def approved(stage: Stage, made: Asked, quorum: int) -> None:
    for who in ("ann", "carl")[:quorum]:
        await pressed(stage, who, "Approve", made.card)


async def press(stage: Stage, who: str, button: str, made: Asked) -> str:
    """What ``who`` is told in private for the press.

    Slack's client lets nobody without an account press: so it ends while the click is on its way.
    """
    slack = stage.world.slack
    person = slack.space.user(who)
    fate = (person.deleted, person.bot)

    def leaves(kind: str, thing: object) -> None:
        if kind == "envelope":
            person.deleted, person.bot = fate

    slack.on_change.append(leaves)
    person.deleted = person.bot = False
    if who == "eve":
        slack.faults.error("users.info", "internal_error", times=None)
    exchange = await slack.clicks(who, button, made.relic)
    await stage.bot.settle()
    slack.faults.clear()
    slack.on_change.remove(leaves)
    return private(exchange)


async def stored(stage: Stage, made: Asked) -> RetryRequest:
    found = await stage.bot.services.store.request(made.id)
    assert found is not None
    return found


# ---------------------------------------------------------------- the table, played


def test_the_tables_name_every_button_and_only_people_who_are_there() -> None:
    assert [row["button"] for row in table(MAY)] == list(ACTIONS)
    for state in STANDS:
        no = {(who, button) for who, button, _ in cases(state)}
        assert no | allowed(state) == {(who, button) for who in PEOPLE for button in ACTIONS}
        assert not no & allowed(state)


@pytest.mark.parametrize("quorum", [1, pytest.param(2, marks=pytest.mark.deep)])
async def test_whoever_may_not_press_is_told_why_in_private_and_nothing_changes(quorum: int, tmp_path: Path) -> None:
    config = configured(approvers=APPROVERS, quorum=quorum) + WINDOW
    async with staged(tmp_path, config=config) as stage:
        populate(stage)
        requests = Requests(stage, quorum)
        for state in STANDS:
            bobs, ritas = await requests.made("bob", state), await requests.made("rita", state)
            before = [(await stored(stage, one), one.card.versions) for one in (bobs, ritas)]
            actions, retries = await stage.actions(), list(stage.retries)
            for who, button, sentence in cases(state):
                case = f"{who} × {button}, {state}, quorum {quorum}"
                assert sentence in await press(stage, who, button, ritas if who == "rita" else bobs), case
            assert [(await stored(stage, one), one.card.versions) for one in (bobs, ritas)] == before, state
            assert (await stage.actions(), stage.retries) == (actions, retries)
        assert not any(stage.world.slack.space.stacks.values()), "somebody was shown a form in vain"
        assert nothing_left(stage) == []


@pytest.mark.parametrize("quorum", [1, pytest.param(2, marks=pytest.mark.deep)])
async def test_whoever_may_press_gets_what_the_button_says(quorum: int, tmp_path: Path) -> None:
    config = configured(approvers=APPROVERS, quorum=quorum) + WINDOW
    async with staged(tmp_path, config=config) as stage:
        populate(stage)
        requests = Requests(stage, quorum)
        for state in STANDS:
            for who, button in sorted(allowed(state)):
                made = await requests.made("rita" if who == "rita" else "bob", state)
                sent = len(stage.retries)
                stage.world.clock.advance(HOUR if state == "unknown" else timedelta())
                told = await press(stage, who, button, made)
                case = f"{who} × {button}, {state}, quorum {quorum}: {told}"
                if button == "Approve":
                    assert len(stage.retries) == sent + (quorum == 1), case
                    half = "1 of 2 approvals given, 1 more needed."
                    assert ("Queued" if quorum == 1 else half) in made.card.plain, case
                    assert (f"You have approved request #{made.id}: {half}" in told) == (quorum == 2), case
                elif button == "Deny":
                    assert await stage.submits(who, {"Why?": " "}) == {"reason": "A reason is required here."}, case
                    assert await stage.submits(who, {"Why?": "not today"}) == {}, case
                    assert f"Denied by @{who}" in made.card.plain, case
                    assert "not today" in made.card.plain, case
                elif button == "Withdraw":
                    assert f"Withdrawn by @{who}" in made.card.plain, case
                elif button == "Close":
                    assert f"Closed by @{who}" in made.card.plain, case
                else:
                    assert "That proves nothing" in told, case
                    assert "That proves nothing" in made.card.plain, case
                if button != "Approve":
                    assert len(stage.retries) == sent, case
        assert nothing_left(stage) == []


# ---------------------------------------------------------------- votes


IN_TWO_GROUPS = configured(approvers='["S0PATCHTEAM", "S0SECOND", "U0CARL"]', quorum=2)


async def test_the_vote_of_somebody_in_two_groups_of_approvers_counts_once(tmp_path: Path) -> None:
    async with staged(tmp_path, config=IN_TWO_GROUPS) as stage:
        stage.world.slack.add(Usergroup("S0SECOND", "second", "Second line", ["U0CARL"]))
        card = await asked(stage)
        await pressed(stage, "carl", "Approve", card)
        assert "already approved request #1; 1 more needed" in await pressed(stage, "carl", "Approve", card)
        assert stage.retries == []
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_somebody_in_two_groups_is_one_person_when_a_request_is_made(tmp_path: Path) -> None:
    async with staged(tmp_path, config=IN_TWO_GROUPS) as stage:
        stage.world.slack.add(Usergroup("S0SECOND", "second", "Second line", ["U0CARL"]))
        stage.world.slack.leaves_group("ann", "S0PATCHTEAM")
        answer = await stage.asks("bob", "/patches retry 1001 4")
        assert "2 approvals are needed, and besides you only 1 could give one" in answer.plain
        assert stage.posted("C0PATCHAPPROVE") == []
        assert nothing_left(stage) == []


async def test_the_requesters_own_place_among_the_approvers_does_not_count(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum=2)) as stage:  # ann and carl are the approvers
        answer = await stage.asks("ann", "/patches retry 1001 4")
        assert "2 approvals are needed, and besides you only 1 could give one" in answer.plain
        assert stage.posted("C0PATCHAPPROVE") == []
        assert nothing_left(stage) == []


async def test_a_vote_is_changed_and_taken_back_until_it_is_decided(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(quorum=2, denials=2)) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        await stage.opens("ann", "Deny", card)
        assert await stage.submits("ann", {"Why?": "on second thought"}) == {}
        assert "You have denied request #1; 1 more denial ends it" in stage.told("ann")
        assert "Denied by @ann" in card.plain
        assert "2 approvals needed." in card.plain.split("Asked by")[0]
        assert "2 approvals needed, 2 denials end it" in card.plain
        assert "already denied request #1; 1 more would end it" in await pressed(stage, "ann", "Deny", card)
        told = await stage.clicks("ann", "Take my vote back")
        assert "Your vote on request #1 is taken back" in private(told)
        assert "@ann" not in card.plain.split("may approve")[0]
        await pressed(stage, "carl", "Approve", card)
        assert stage.retries == []
        await pressed(stage, "ann", "Approve", card)
        assert stage.retries == [(1001, (4, 5))]
        assert nothing_left(stage) == []


async def test_where_two_denials_are_asked_for_the_second_ends_it(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(denials=2)) as stage:
        card = await asked(stage)
        for who, shown in (("ann", "Waiting for approval"), ("carl", "Denied by @carl")):
            await stage.opens(who, "Deny", card)
            assert await stage.submits(who, {"Why?": f"{who} says no"}) == {}
            assert shown in card.plain
            assert f"{who} says no" in card.plain
        assert stage.retries == []
        assert card.buttons == ["Retry…"]
        assert nothing_left(stage) == []


async def test_a_denial_needs_no_reason_where_the_configuration_says_so(tmp_path: Path) -> None:
    async with staged(tmp_path, config=configured(deny_reason='"optional"')) as stage:
        card = await asked(stage)
        await stage.opens("ann", "Deny", card)
        assert await stage.submits("ann") == {}
        assert "Denied by @ann" in card.plain
        assert nothing_left(stage) == []


async def test_when_the_last_approver_is_taken_out_of_the_configuration_nobody_decides(tmp_path: Path) -> None:
    async with World() as world:
        async with staged(tmp_path, world=world) as stage:
            card = await asked(stage)
        async with staged(tmp_path, world=world, config=configured(approvers="[]")) as stage:
            for button in ("Approve", "Deny"):
                assert "not one of the approvers" in await pressed(stage, "ann", button, card)
            assert stage.retries == []
            assert nothing_left(stage) == []


async def test_somebody_deactivated_after_their_vote_does_not_count_when_it_is_sent(tmp_path: Path) -> None:
    async with staged(tmp_path, config=CONFIG + WINDOW) as stage:
        card = await asked(stage)
        await pressed(stage, "ann", "Approve", card)
        stage.world.slack.deactivate("ann")
        await stage.later(13 * HOUR + timedelta(minutes=30))
        assert stage.retries == []
        assert "The approval no longer counts" in card.plain
        assert nothing_left(stage) == []
