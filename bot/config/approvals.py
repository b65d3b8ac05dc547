"""``[approvals]`` with its rules and budget, and ``[[windows]]``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot import cron
from bot.config import values
from bot.config.sections import Approvals
from bot.config.toml import Table
from bot.model import DeviceKind, Terms
from bot.terms import Budget, Rule
from bot.windows import Window

BASE = Approvals()
KIND = values.one_of(*DeviceKind)
REASON = values.one_of("optional", "required")
SHORTEST = timedelta(minutes=5)  # of a maintenance window: re-checking before the call takes a while


def read(table: Table) -> Approvals:
    """Every key of ``[approvals]``; faults are noted."""
    approvals = Approvals(
        channel=table.take("channel", values.channel, None),
        fallback_channel=table.take("fallback_channel", values.channel, None),
        approvers=table.each("approvers", values.member),
        quorum=table.take("quorum", values.whole(1, 100), BASE.quorum),
        denials=table.take("denials", values.whole(1, 100), BASE.denials),
        self_approval=table.take("self_approval", values.boolean, BASE.self_approval),
        reason=table.take("reason", REASON, BASE.reason),
        deny_reason=table.take("deny_reason", REASON, BASE.deny_reason),
        expires=table.take("expires", values.duration_or_never, BASE.expires),
        stale=table.take("stale", values.duration_or_never, BASE.stale),
        remind=table.take("remind", values.duration_or_never, BASE.remind),
        escalate_after=table.take("escalate_after", values.duration_or_never, BASE.escalate_after),
        escalate_to=table.each("escalate_to", values.member),
        escalate_channel=table.take("escalate_channel", values.channel, None),
        max_patches=table.take("max_patches", values.whole(1, 1000), BASE.max_patches),
        max_devices=table.take("max_devices", values.whole(1, 20), BASE.max_devices),
    )
    budget, rules = table.table("budget"), table.tables("rules")
    table.close()
    _check_demands(table, approvals.terms, approvals)
    _check_fallback(table, approvals)
    return replace(
        approvals,
        rules=_rules(table, rules, approvals),
        budget=_budget(budget, approvals) if table.right("budget") else None,
    )


# ---------------------------------------------------------------- what can never work


def _check_fallback(table: Table, approvals: Approvals) -> None:
    if approvals.fallback_channel and approvals.fallback_channel == approvals.channel:
        table.fault("fallback_channel", "must be another channel than approvals.channel, which it stands in for")


def _check_demands(table: Table, terms: Terms, approvals: Approvals) -> None:
    """Of the base and of each rule: faults of what can never work, as far as it can be told without asking Slack."""
    _check_quorum(table, terms)
    _check_escalation(table, terms)
    if table.has("escalate_channel") and terms.escalate_channel and terms.escalate_channel == approvals.channel:
        table.fault("escalate_channel", "must be another channel than approvals.channel, where the request is anyway")


def _check_quorum(table: Table, terms: Terms) -> None:
    said = [key for key in ("quorum", "approvers") if table.has(key)]
    if said and not any(map(table.wrong, said)) and not _reachable(terms, terms.quorum):
        table.fault(said[0], f"{terms.quorum} approvals can never be reached: approvers names {len(terms.lists[0])}")
    if table.has("denials") and table.right("denials") and not _reachable(terms, terms.denials):
        table.fault("denials", f"{terms.denials} denials can never be reached: approvers names {len(terms.lists[0])}")


def _reachable(terms: Terms, quorum: int) -> bool:
    """Whether so many people are named; who is in a usergroup is not known here, nor is nobody being named a fault."""
    people = terms.lists[0]
    return not people or quorum <= len(people) or any(one.startswith("S") for one in people)


def _check_escalation(table: Table, terms: Terms) -> None:
    said = [key for key in ("escalate_after", "escalate_to", "escalate_channel") if table.has(key)]
    if not said or any(map(table.wrong, said)):
        return
    whom = bool(terms.escalate_to or terms.escalate_channel)
    if terms.escalate_after is not None and not whom:
        table.fault("escalate_after", "says when, but neither escalate_to nor escalate_channel says to whom")
    if terms.escalate_after is None and whom and "escalate_after" not in said:
        table.fault("escalate_after", "is missing: escalate_to and escalate_channel need it")


# ---------------------------------------------------------------- rules


def _required(raw: object) -> bool:
    return REASON(raw) == "required"


_CHANGES: Mapping[str, tuple[str, Callable[[object], Any]]] = {
    "quorum": ("quorum", values.whole(1, 100)),
    "denials": ("denials", values.whole(1, 100)),
    "self_approval": ("self_approval", values.boolean),
    "reason": ("reason_required", _required),
    "deny_reason": ("deny_reason", _required),
    "expires": ("expires", values.duration_or_never),
    "remind": ("remind", values.duration_or_never),
    "escalate_after": ("escalate_after", values.duration_or_never),
    "escalate_channel": ("escalate_channel", values.channel),
}
"""Key of a rule → field of ``Terms`` that it replaces, and how it is read."""


_CONDITIONS = ("kind", "client", "device", "min_patches", "severity")


def _rules(table: Table, tables: list[Table], approvals: Approvals) -> tuple[Rule, ...]:
    """The rules in their order, which counts: one that an earlier one leaves nothing to is a fault."""
    rules = [_rule(each, approvals) for each in tables]
    sound = [any(map(each.has, _CONDITIONS)) and not any(map(each.wrong, _CONDITIONS)) for each in tables]
    for late, rule in enumerate(rules):
        early = (n for n in range(late) if sound[n] and sound[late] and _covers(rules[n], rule))
        if (first := next(early, None)) is not None:
            sentence = f"can never be reached: approvals.rules[{first}] comes first and fits everything that it fits"
            table.fault(f"rules[{late}]", sentence)
    return tuple(rules)


def _rule(table: Table, approvals: Approvals) -> Rule:
    rule = Rule(
        kind=_kind(table),
        client=table.take("client", values.text, ""),
        device=table.take("device", values.text, ""),
        min_patches=table.take("min_patches", values.whole(1, 1000), 0),
        severity=table.each("severity", values.text),
        changes=_changes(table),
    )
    table.close()
    if not any(map(table.has, _CONDITIONS)):
        table.fault("kind", "is missing: a rule needs kind, client, device, min_patches or severity to fit by")
    if not any(map(table.has, (*_CHANGES, "approvers", "escalate_to"))):
        table.fault("quorum", "is missing: a rule has to replace something, such as quorum, approvers or reason")
    if rule.min_patches > approvals.max_patches:
        table.fault("min_patches", f"no request has so many: approvals.max_patches is {approvals.max_patches}")
    for key, named in (("severity", rule.severity), ("approvers", rule.changes.get("lists") != ((),))):
        if table.right(key) and not named:
            table.fault(key, "must name at least one")
    _check_demands(table, replace(approvals.terms, **rule.changes), approvals)
    return rule


def _covers(earlier: Rule, later: Rule) -> bool:
    """Whether all that the later fits the earlier fits too, told by what is written and not by what globs mean."""
    return (
        earlier.kind in {None, later.kind}
        and earlier.client.casefold() in {"", later.client.casefold()}
        and earlier.device.casefold() in {"", later.device.casefold()}
        and earlier.min_patches <= later.min_patches
        and (not earlier.severity or (bool(later.severity) and _folded(later) <= _folded(earlier)))
    )


def _folded(rule: Rule) -> set[str]:
    return {severity.casefold() for severity in rule.severity}


def _kind(table: Table) -> DeviceKind | None:
    kind = table.take("kind", KIND, "")
    return DeviceKind(kind) if kind else None


def _changes(table: Table) -> dict[str, Any]:
    taken = {key: (field, table.take(key, parse, None)) for key, (field, parse) in _CHANGES.items()}
    found = {field: value for key, (field, value) in taken.items() if table.right(key)}
    approvers, others = table.each("approvers", values.member), table.each("escalate_to", values.member)
    if table.right("approvers"):
        found["lists"] = (approvers,)
    if table.right("escalate_to"):
        found["escalate_to"] = others
    return found


# ---------------------------------------------------------------- budget and windows


def _budget(table: Table, approvals: Approvals) -> Budget:
    budget = Budget(
        failures=table.take("failures", values.whole(1, 100), 3),
        within=table.take("within", values.duration, timedelta(days=30)),
        quorum=table.take("quorum", values.whole(1, 100), 0),
    )
    table.take("then", values.one_of("refuse"), "")
    table.close()
    if table.has("quorum") == table.has("then"):
        table.fault("quorum", 'say what follows: either quorum = 2, so many approvals, or then = "refuse"')
    elif table.right("quorum") and not _reachable(approvals.terms, budget.quorum):
        named = len(approvals.approvers)
        table.fault("quorum", f"{budget.quorum} approvals can never be reached: approvals.approvers names {named}")
    return budget


def window(table: Table) -> Window:
    """One ``[[windows]]`` table; faults are noted."""
    found = Window(
        cron=table.need("cron", values.text, ""),
        duration=table.need("duration", values.duration, SHORTEST),
        timezone=table.take("timezone", values.timezone, "UTC"),
        client=table.take("client", values.text, ""),
        device=table.take("device", values.text, ""),
        kind=_kind(table),
    )
    table.close()
    trouble = cron.check(found.cron, found.timezone) if found.cron else None
    if trouble:
        table.fault("cron", trouble)
    if found.duration < SHORTEST:
        table.fault("duration", "must be at least 5m")
    return found
