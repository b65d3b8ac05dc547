"""Everybody whom the configuration names, as Slack knows them: people, usergroups, and whether they are enough."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.approvals import Standing, standing
from bot.config import Approvals, Config
from bot.errors import UpstreamError
from bot.flows.check.asking import Asking
from bot.flows.check.findings import Finding, bad, good, note
from bot.markup import listed, plural
from bot.model import Person, Terms
from bot.terms import Rule

MOST = 50  # members of one group that are looked at: Slack allows about 100 users.info a minute
DEEDS = {
    "access.commands": "use /patches",
    "access.silence": "keep applications out of digests",
    "access.digests": "subscribe to digests",
}
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
    """Who decides, by the base values and by each rule, and whether they are enough; then ``access``."""
    findings = await _base(asking, config.approvals)
    for index, rule in enumerate(config.approvals.rules):
        findings += await _rule(asking, config.approvals, f"approvals.rules[{index}]", rule)
    access = config.access
    for key, ids in zip(DEEDS, (access.commands, access.silence, access.digests), strict=True):
        findings += _findings(await _looks(asking, key, ids))
    return findings


async def _base(asking: Asking, approvals: Approvals) -> list[Finding]:
    looks = await _looks(asking, "approvals.approvers", approvals.approvers)
    findings = _findings(looks)
    if looks:
        findings.append(_quorum("approvals.quorum", looks, approvals.terms))
        findings += _budget(looks, approvals)
    else:
        named = any("lists" in rule.changes for rule in approvals.rules)
        unless = " unless a rule with approvers of its own fits them" if named else ""
        mend = "Name user ids (U…) or usergroup ids (S…)."
        findings.append(note("approvals.approvers", f"nobody is named, so retry requests are refused{unless}", mend))
    return findings + _findings(await _looks(asking, "approvals.escalate_to", approvals.escalate_to))


def _budget(looks: Sequence[_Look], approvals: Approvals) -> list[Finding]:
    """Only where a spent budget asks for more than what is looked at anyway."""
    quorum = approvals.budget.quorum if approvals.budget else 0
    if quorum <= approvals.quorum:
        return []
    return [_quorum("approvals.budget.quorum", looks, replace(approvals.terms, quorum=quorum), "such request")]


async def _rule(asking: Asking, approvals: Approvals, path: str, rule: Rule) -> list[Finding]:
    """The people whom a rule names, and whether they, or else the base's, are enough for what it asks."""
    own = rule.changes.get("lists", ((),))[0]
    looks = await _looks(asking, f"{path}.approvers", own)
    findings = _findings(looks)
    counted = looks or await _looks(asking, "approvals.approvers", approvals.approvers)
    if counted and rule.changes.keys() & {"lists", "quorum", "self_approval"}:
        terms = replace(approvals.terms, **rule.changes)
        findings.append(_quorum(f"{path}.quorum", counted, terms, "request that this rule fits"))
    return findings + _findings(await _looks(asking, f"{path}.escalate_to", rule.changes.get("escalate_to", ())))


def _findings(looks: Iterable[_Look]) -> list[Finding]:
    return [look.finding for look in looks]


def _quorum(name: str, looks: Sequence[_Look], terms: Terms, what: str = "request") -> Finding:
    """Nobody approves their own request, so one approver more than the quorum is needed for all to have a chance."""
    able = frozenset[str]().union(*(look.able for look in looks))
    needed = "1 approval is needed" if terms.quorum == 1 else f"{terms.quorum} approvals are needed"
    sentence = f"{needed}, and {plural(len(able), 'person', 'people')} may approve"
    if len(able) >= terms.quorum + (not terms.self_approval):
        return good(name, sentence)
    if not all(look.certain for look in looks):
        return note(name, "not known whether enough people may approve")
    if any(look.finding.ok is False for look in looks):
        return note(name, f"{sentence} until the approvers above are mended")
    if len(able) < terms.quorum:
        return bad(name, f"{sentence}: no {what} can ever be approved", "Name more approvers, or lower the quorum.")
    sentence += ", who cannot get a request of their own approved"
    return note(name, sentence, "Name one approver more, or set self_approval = true.")


async def _looks(asking: Asking, key: str, ids: Iterable[str]) -> list[_Look]:
    return [await _look(asking, key, who) for who in ids]


async def _look(asking: Asking, key: str, who: str) -> _Look:
    name = f"{key} {who}"
    if asking.trouble:
        return _Look(note(name, asking.trouble), certain=False)
    try:
        return await (_group if who.startswith("S") else _person)(asking, name, who)
    except UpstreamError as error:
        for code, finding in _REFUSALS.items():
            if error.code == code:
                return _Look(_following(finding(name), key, who))
        return _Look(_following(asking.failed(name, error), key, who), certain=False)


def _following(finding: Finding, key: str, who: str) -> Finding:
    """With what follows from a usergroup that Slack does not tell: nobody counts by it."""
    if not who.startswith("S"):
        return finding
    deed = DEEDS.get(key, "decide on a request")
    return replace(finding, sentence=f"{finding.sentence}, so nobody can {deed} by being in this usergroup")


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
    person = await asking.person(who)
    fault = _fault(person)
    if fault:
        return _Look(bad(name, f"{person.name} {fault}", "Take the id out; only full members of this workspace count."))
    return _Look(good(name, f"{person.name}, a full member"), able=frozenset({who}))


async def _group(asking: Asking, name: str, group: str) -> _Look:
    members = sorted(await asking.members(group))
    if not members:
        return _Look(bad(name, "this usergroup has no members", "Add people to it."))
    people = [await asking.person(who) for who in members[:MOST]]
    faults = [f"{person.name} {fault}" for person in people if (fault := _fault(person))]
    able = frozenset(person.id for person in people if not _fault(person))
    counted = f"a usergroup with {plural(len(members), 'member')}"
    certain = len(members) <= MOST
    if not able and certain:
        return _Look(bad(name, f"{counted}, none of whom counts: {listed(faults)}", "Add full members to it."))
    return _Look(good(name, f"{counted}" + (f"; not counted: {listed(faults)}" if faults else "")), able, certain)


def _fault(person: Person) -> str:
    return _WHAT.get(standing(person, listed=True), "")
