"""What it takes to decide one request: the configured base, changed by the first rule that fits it. Pure."""

import functools
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from bot.markup import plural
from bot.model import Device, DeviceKind, Fate, RequestedPatch, RetryRequest, Terms

_FREE_ASTERISK = re.compile(r"(?<!\\)\*")


@dataclass(frozen=True, slots=True)
class Rule:
    """A ``[[approvals.rules]]`` table: all conditions that are set must fit. ``client`` and ``device`` are globs on
    names, without regard to case; ``min_patches``: that many in one request, or more; ``severity``: at least one patch
    has one of these. ``changes``: fields of ``Terms`` that take the place of the base's."""

    kind: DeviceKind | None = None
    client: str = ""
    device: str = ""
    min_patches: int = 0
    severity: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Budget:
    """``[approvals.budget]``: once one patch failed again ``failures`` times on a device ``within`` a time, a new
    request needs ``quorum`` approvals; 0 = it is refused."""

    failures: int
    within: timedelta
    quorum: int = 0


def asked_of(base: Terms, rules: Sequence[Rule], device: Device, patches: Sequence[RequestedPatch]) -> Terms:
    """The base with the keys of the first rule that fits, and ``because`` telling why."""
    rule = next((rule for rule in rules if fits(rule, device, patches)), None)
    if rule is None:
        return base
    return replace(base, **rule.changes, because=_because(rule, device, patches))


def joint(base: Terms, rules: Sequence[Rule], targets: Sequence[tuple[Device, Sequence[RequestedPatch]]]) -> Terms:
    """What it takes to decide one request for several devices: of what each of them asks the stricter, key by key, in
    whatever order they come. Patches count and are looked at together, since one decision sends them all."""
    every = [patch for _, patches in targets for patch in patches]
    asked = {asked_of(base, rules, device, every): None for device, _ in targets}
    return functools.reduce(_both, sorted(asked, key=repr))


def _both(one: Terms, other: Terms) -> Terms:
    """A list that names nobody stays: who decides is in every list. Whoever is to hear of it sooner does."""
    lists = {frozenset(each): each for each in (*one.lists, *other.lists)}
    first = min((one, other), key=lambda terms: terms.escalate_after or timedelta.max)
    return replace(
        stricter(one, other),
        lists=tuple(lists.values()),
        remind=_soonest(one.remind, other.remind),
        escalate_after=first.escalate_after,
        escalate_to=tuple(dict.fromkeys((*one.escalate_to, *other.escalate_to))),
        escalate_channel=first.escalate_channel or one.escalate_channel or other.escalate_channel,
        because="; ".join(dict.fromkeys(filter(None, (one.because, other.because)))),
    )


def _soonest(*spans: timedelta | None) -> timedelta | None:
    return min((span for span in spans if span is not None), default=None)


def fits(rule: Rule, device: Device, patches: Sequence[RequestedPatch]) -> bool:
    return (
        rule.kind in {None, device.kind}
        and like(device.client, rule.client)
        and like(device.name, rule.device)
        and len(patches) >= rule.min_patches
        and (not rule.severity or bool(_severities(rule, patches)))
    )


def like(name: str, glob: str) -> bool:
    """Whether a name fits a glob, in which only ``*`` means anything but itself; an empty glob fits every name.

    Case, the kind of white space and how an accented letter is composed make no difference. People type globs into
    Slack too, so that no number of asterisks may cost more than one look through the name for each.
    """
    return not glob or _holds(_plain(name), _plain(glob).split("*"))


def covers(pattern: str, name: str) -> bool:
    r"""As ``like``, for names that came from outside and were not typed as globs: ``\*`` is an asterisk of the name's
    own, and an empty pattern fits the empty name alone."""
    pieces = _FREE_ASTERISK.split(_plain(pattern))
    return _holds(_plain(name), [piece.replace(r"\*", "*") for piece in pieces])


def boundless(pattern: str) -> bool:
    """Whether nothing but asterisks is in it."""
    return not _plain(pattern).strip("* ")


def literal(name: str) -> str:
    """The pattern that covers this name alone, whatever characters are in it."""
    plain = unicodedata.normalize("NFKC", name)
    return plain.replace("*", r"\*") if "*" in plain else name


def _holds(whole: str, pieces: list[str]) -> bool:
    """Whether ``whole`` begins with the first of the pieces, ends with the last and holds the others between them."""
    if len(pieces) == 1:
        return whole == pieces[0]
    first, *inner, last = pieces
    at, end = len(first), len(whole) - len(last)
    if at > end or not (whole.startswith(first) and whole.endswith(last)):
        return False
    for piece in inner:
        found = whole.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _severities(rule: Rule, patches: Sequence[RequestedPatch]) -> list[str]:
    wanted = {severity.casefold() for severity in rule.severity}
    return sorted({patch.severity for patch in patches if patch.severity.casefold() in wanted})


def _because(rule: Rule, device: Device, patches: Sequence[RequestedPatch]) -> str:
    """Such as "server at Contoso Ltd, 12 patches, Critical": only what the rule looked at."""
    what = str(rule.kind or ("device" if rule.client and not rule.device else ""))
    parts = (
        " ".join(filter(None, (what, rule.device and device.name, rule.client and f"at {device.client}"))),
        plural(len(patches), "patch", "patches") if rule.min_patches else "",
        " and ".join(_severities(rule, patches)),
    )
    return ", ".join(filter(None, parts))


def stricter(promised: Terms, asked: Terms) -> Terms:
    """Of two terms the stricter, key by key: what was promised on the card never becomes less, and what the
    configuration asks now holds too. Reminders and escalation are no question of strictness: those asked now hold.

    An empty list that is asked now means nobody; one that was promised once holds no longer than it is asked.
    """
    lists = {frozenset(each): each for each in (*filter(None, promised.lists), *asked.lists)}
    return replace(
        asked,
        lists=tuple(lists.values()),
        quorum=max(promised.quorum, asked.quorum),
        denials=min(promised.denials, asked.denials),
        self_approval=promised.self_approval and asked.self_approval,
        reason_required=promised.reason_required or asked.reason_required,
        deny_reason=promised.deny_reason or asked.deny_reason,
        expires=_soonest(promised.expires, asked.expires),
        because=asked.because if asked.quorum > promised.quorum else promised.because or asked.because,
    )


def escalated(terms: Terms) -> Terms:
    """The terms once those in ``escalate_to`` may decide too. Where nobody may, they may not either."""
    more = terms.escalate_to
    return replace(terms, lists=tuple(tuple(dict.fromkeys((*each, *more))) if each else () for each in terms.lists))


def spent(
    budget: Budget, patches: Sequence[RequestedPatch], past: Sequence[RetryRequest]
) -> dict[int, tuple[RetryRequest, ...]]:
    """Patches that failed again as often as the budget allows, with the requests of ``past`` that tried them."""
    tried = {patch.id: tuple(one for one in past if _failed_in(one, patch.id)) for patch in patches}
    return {patch_id: found for patch_id, found in tried.items() if len(found) >= budget.failures}


def _failed_in(request: RetryRequest, patch_id: int) -> bool:
    return any(patch.id == patch_id and patch.fate is Fate.FAILED_AGAIN for patch in request.patches)


def _named(requests: Sequence[RetryRequest]) -> str:
    shown = [f"#{one.id}" for one in requests[-5:]]
    return f"{plural(len(requests), 'request')} ({', '.join(shown)})"


def beyond(asked: Terms, budget: Budget, spent: Mapping[int, Sequence[RetryRequest]]) -> Terms:
    """What it takes once the budget of some patches is spent."""
    if not spent:
        return asked
    tries = ", ".join(f"patch {one} failed again in {_named(found)}" for one, found in spent.items())
    because = f"{asked.because}; {tries}" if asked.because else tries
    return replace(asked, quorum=max(asked.quorum, budget.quorum), because=because)
