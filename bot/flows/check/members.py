"""Everybody whom the configuration names, as Slack knows them: people, usergroups, and whether they are enough."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from bot.approvals import Standing, standing
from bot.config import Config
from bot.errors import UpstreamError
from bot.flows.check.asking import Asking
from bot.flows.check.findings import Finding, bad, good, note
from bot.markup import listed, plural
from bot.model import Person

MOST = 50  # members of one group that are looked at: Slack allows about 100 users.info a minute
_WHAT = {
    Standing.DEACTIVATED: "is deactivated",
    Standing.BOT: "is a bot",
    Standing.FOREIGN: "belongs to another organisation",
    Standing.GUEST: "is a guest",
}


@dataclass(frozen=True, slots=True)
class _Look:
    """What one id turned out to be: who of it may act, and whether that is certain."""

    finding: Finding
    able: frozenset[str] = frozenset()
    certain: bool = True


async def examine(asking: Asking, config: Config) -> list[Finding]:
    """``approvals.approvers`` with the quorum, then ``access.commands``."""
    rules = config.approvals
    if rules.approvers:
        looks = [await _look(asking, "approvals.approvers", one) for one in rules.approvers]
        findings = [look.finding for look in looks]
        findings.append(_quorum(looks, rules.quorum, self_approval=rules.self_approval))
    else:
        mend = "Name user ids (U…) or usergroup ids (S…)."
        findings = [note("approvals.approvers", "nobody is named, so retry requests are refused", mend)]
    return [*findings, *[(await _look(asking, "access.commands", one)).finding for one in config.access.commands]]


def _quorum(looks: Iterable[_Look], quorum: int, *, self_approval: bool) -> Finding:
    """Nobody approves their own request, so one approver more than the quorum is needed for all to have a chance."""
    looks = list(looks)
    able = frozenset[str]().union(*(look.able for look in looks))
    needed = "1 approval is needed" if quorum == 1 else f"{quorum} approvals are needed"
    sentence = f"{needed}, and {plural(len(able), 'person', 'people')} may approve"
    if len(able) >= quorum + (not self_approval):
        return good("approvals.quorum", sentence)
    if not all(look.certain for look in looks):
        return note("approvals.quorum", "not known whether enough people may approve")
    if any(look.finding.ok is False for look in looks):
        return note("approvals.quorum", f"{sentence} until the approvers above are mended")
    if len(able) < quorum:
        return bad("approvals.quorum", f"{sentence}: no request can ever be approved", "Name more approvers.")
    sentence += ", who cannot get a request of their own approved"
    return note("approvals.quorum", sentence, "Name one approver more, or set self_approval = true.")


async def _look(asking: Asking, key: str, who: str) -> _Look:
    name = f"{key} {who}"
    if asking.trouble:
        return _Look(note(name, asking.trouble), certain=False)
    try:
        return await (_group if who.startswith("S") else _person)(asking, name, who)
    except UpstreamError as error:
        for code, finding in _REFUSALS.items():
            if error.code == code:
                return _Look(finding(name))
        return _Look(asking.failed(name, error), certain=False)


_REFUSALS: dict[str, Callable[[str], Finding]] = {
    "user_not_found": lambda name: bad(name, "there is no such user in this workspace", "Copy the member id anew."),
    "no_such_subteam": lambda name: bad(
        name, "there is no such usergroup, or it is disabled", "Copy the usergroup's id anew, or enable it."
    ),
    "plan_upgrade_required": lambda name: bad(
        name,
        "usergroups need a paid plan, and this workspace has none",
        "Name user ids (U…) in place of the usergroup.",
    ),
}


async def _person(asking: Asking, name: str, who: str) -> _Look:
    person = await asking.people.person(who)
    fault = _fault(person)
    if fault:
        return _Look(bad(name, f"{person.name} {fault}", "Take the id out; only full members of this workspace count."))
    return _Look(good(name, f"{person.name}, a full member"), able=frozenset({who}))


async def _group(asking: Asking, name: str, group: str) -> _Look:
    members = sorted(await asking.people.members(group))
    if not members:
        return _Look(bad(name, "this usergroup has no members", "Add people to it."))
    people = [await asking.people.person(who) for who in members[:MOST]]
    faults = [f"{person.name} {fault}" for person in people if (fault := _fault(person))]
    able = frozenset(person.id for person in people if not _fault(person))
    counted = f"a usergroup with {plural(len(members), 'member')}"
    certain = len(members) <= MOST
    if not able and certain:
        return _Look(bad(name, f"{counted}, none of whom counts: {listed(faults)}", "Add full members to it."))
    return _Look(good(name, f"{counted}" + (f"; not counted: {listed(faults)}" if faults else "")), able, certain)


def _fault(person: Person) -> str:
    return _WHAT.get(standing(person, listed=True), "")
