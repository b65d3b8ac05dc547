"""A digest as it is posted: the verdict, what differs, the groups that matter most. The rest is in its thread."""

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.blocks import silences as silence_words
from bot.blocks import text
from bot.blocks.digest_thread import long, thread
from bot.blocks.digest_words import aged, device_name, label_words, linked
from bot.digests import MOST_MISSED, Digest, DigestPlan, Failure, Group, Level, count, next_slot
from bot.markup import foremost
from bot.model import Message

__all__ = ["SHOWN", "long", "named_requests", "render", "shown_groups", "thread"]

SHOWN = 5  # groups, each with buttons; one more when else only that were left out
_REASONS = 2  # of a group; the rest is counted
_DEVICES = 3  # of a group, by name; the rest is counted
_NAMED = 5  # requests; the rest is counted
_NEW_SILENCES = 3  # by name; the rest is counted
_SHARED = 20  # attempts; of fewer a share says nothing

_EMOJI = {
    Level.ACTION: "🔴",
    Level.LOOK: "👀",
    Level.STILL: "⏳",
    Level.BETTER: "⏳",
    Level.GOOD: "✅",
    Level.SAME: "✅",
    Level.UNKNOWN: "❔",
    Level.IDLE: "💤",
    Level.NOTHING: "💤",
}


def render(
    digest: Digest,
    plan: DigestPlan,
    group_tokens: Sequence[str] = (),
    links: Mapping[int, str] | None = None,
    list_token: str = "",
) -> Message:
    """One message within Slack's limits, whatever failed; one line when nothing differs from the digest before.

    ``group_tokens[n]`` is the value of the n-th group's buttons; a group without a token gets none (a dry run).
    ``links``: addresses of requests, by number. ``list_token``: the value of the button for the whole list.
    """
    if digest.quiet:
        return _line(digest, plan, list_token)
    blocks: list[Block] = [text.header(_headline(digest)), text.section(_counts(digest, plan))]
    blocks += [text.context(words) for words in (_time(digest), _note(digest)) if words]
    blocks += _groups(digest, plan, group_tokens)
    sections = (_more(digest), _retried(digest, links or {}))
    blocks += [text.section(words) for words in sections if words]
    if list_token and (digest.groups or digest.recovered):
        blocks.append(ActionsBlock(elements=[_list(list_token)]))
    blocks += [text.context(words) for words in (_left_out(digest), _small_print(digest, plan)) if words]
    return text.message(_fallback(digest, plan), blocks)


def shown_groups(digest: Digest) -> tuple[Group, ...]:
    """The groups that ``render`` shows, in the order of their tokens: what fails as before is only counted."""
    return tuple(foremost(_fresh(digest), SHOWN))


def _fresh(digest: Digest) -> list[Group]:
    return [group for group in digest.groups if group.fresh]


def named_requests(digest: Digest) -> tuple[int, ...]:
    """The numbers of the requests that the message and its thread name, twelve at most; there may be more."""
    told = (*_newest(digest.retried.recovered), *_newest(digest.retried.failed_again))
    named = dict.fromkeys([number for number, _ in told] + [one.retried for one in digest.recovered if one.retried])
    return tuple(sorted(list(named)[: 2 * _NAMED + 2]))


# ---------------------------------------------------------------- one line


def _line(digest: Digest, plan: DigestPlan, list_token: str) -> Message:
    verdict, told = digest.verdict, f"Digest *{text.name(digest.plan)}*: {_attempts(digest, plan, _since(digest))}"
    parts = [f"{_EMOJI[verdict.level]} *{verdict.words}*", told, _time(digest), _left_out(digest)]
    words = " · ".join(part for part in (*parts, _small_print(digest, plan)) if part)
    button = _list(list_token) if list_token and digest.still else None
    return text.message(_fallback(digest, plan), [text.section(words, button)])


def _list(token: str) -> ButtonElement:
    """It comes as a direct message: whoever presses alone has asked."""
    return text.button("Send me the list", "digest.list", token)


# ---------------------------------------------------------------- the top


def _headline(digest: Digest) -> str:
    verdict = digest.verdict
    return f"{_EMOJI[verdict.level]} {verdict.words}"


def _counts(digest: Digest, plan: DigestPlan) -> str:
    """What differs, and how many attempts there were: that is not the same number."""
    name, attempts = text.name(digest.plan), f"{_attempts(digest, plan, _since(digest))}{_others(digest)}."
    differences = _differences(digest) if _open(digest) else ""
    return f"Digest *{name}*: {differences}\n{attempts}" if differences else f"Digest *{name}*: {attempts}"


def _open(digest: Digest) -> bool:
    """Whether the verdict does not tell all that differs."""
    level, others = digest.verdict.level, bool(digest.still or digest.recovered)
    if level is Level.STILL:
        return bool(digest.recovered)
    return level is Level.ACTION or (others and (level is Level.LOOK or bool(digest.note)))


def _differences(digest: Digest) -> str:
    """ "*3 new* · 12 still failing, the longest for 9 days · 5 recovered" """
    parts = [f"*{count(digest.new):,} new*"] if digest.new else []
    parts += [f"{count(digest.still):,} still failing{_longest(digest.still, digest)}"] if digest.still else []
    parts += [f"{count(digest.recovered):,} recovered"] if digest.recovered else []
    return " · ".join(parts)


def _longest(failures: Sequence[Failure], digest: Digest) -> str:
    """``failures``: longest failing first."""
    oldest = aged(failures[0].standing.since, digest.slot)
    return f", the longest for {oldest}" if len(failures) > 1 else f" for {oldest}"


def _since(digest: Digest) -> str:
    return f" since {text.when(digest.since)}" if digest.since else ""


def _attempts(digest: Digest, plan: DigestPlan, since: str) -> str:
    """ "3 failed patching attempts (of them 1 silenced) of 154 since …". What is left open when ESET could not be asked
    (``digest.note``) is not told as if it were known."""
    of = f" {_filters(plan)}" if digest.narrowed else ""
    attempts = digest.totals.all
    if digest.failed:
        least = "at least " if digest.note else ""
        hushed = f" (of them {digest.hushed:,} silenced)" if digest.hushed else ""
        among = f" of {attempts:,}" if not (digest.narrowed or digest.note) else ""
        return f"{least}{text.plural(digest.failed, 'failed patching attempt')}{hushed}{among}{since}{of}"
    if digest.note:
        known = f"; {text.plural(attempts, 'attempt')} known so far, none failed" if attempts else ""
        return f"not known what failed{since}{known}"
    if digest.narrowed:
        return f"no failed patching attempt{since}{of}"
    if not attempts:
        return f"no patching attempts{since}"
    return f"{text.plural(attempts, 'patching attempt')}{since}, none failed"


def _others(digest: Digest) -> str:
    """ ": 148 ok, 3 other, 98 % succeeded"; the share is that of the picture."""
    totals = digest.totals
    if digest.narrowed or digest.note or not totals.all:
        return ""
    tried = totals.ok + totals.failed
    other = f", {totals.other:,} other" if totals.other else ""
    share = f", {100 * totals.ok // tried} % succeeded" if totals.failed and tried >= _SHARED else ""
    return f": {totals.ok:,} ok{other}{share}"


def _filters(plan: DigestPlan) -> str:
    """ "(only servers, clients `Contoso*`)" """
    parts = [f"{plan.kind.value}s"] if plan.kind else []
    for what, values in (("clients", plan.clients), ("applications", plan.applications), ("reasons", plan.reasons)):
        if values:
            parts.append(f"{what} {text.listed([text.code(value, 40) for value in values], _NAMED)}")
    return f"(only {', '.join(parts)})" if parts else ""


def _time(digest: Digest) -> str:
    """What is unusual about when it comes; empty when nothing is."""
    parts = []
    if digest.late:
        parts.append(f"⏰ Late: was due {text.when(digest.slot)}")
    if digest.missed:
        least = "at least " if digest.missed >= MOST_MISSED else ""
        parts.append(f"covers {least}{text.plural(digest.missed, 'missed slot')} too")
    told = "; ".join(parts)
    held = f"🌙 held back {text.plural(digest.held, 'slot')} in quiet time" if digest.held else ""
    return " · ".join(filter(None, (told, held)))


def _note(digest: Digest) -> str:
    return f"⚠️ {text.fit(digest.note, 400)}" if digest.note else ""


# ---------------------------------------------------------------- groups


def _groups(digest: Digest, plan: DigestPlan, tokens: Sequence[str]) -> list[Block]:
    blocks: list[Block] = []
    label: str | None = None
    for number, group in enumerate(shown_groups(digest)):
        if group.label is not None and (group.label != label or not number):
            label = group.label
            blocks.append(text.section(_label(plan, label, digest.groups)))
        blocks.append(text.section(_group(group, digest)))
        if number < len(tokens):
            blocks.append(_buttons(number, tokens[number]))
    return blocks


def _buttons(number: int, token: str) -> ActionsBlock:
    retry = text.button("Retry…", f"digest.retry.{number}", token)
    return ActionsBlock(elements=[retry, text.button("Silence…", f"digest.silence.{number}", token)])


def _label(plan: DigestPlan, label: str, groups: Sequence[Group]) -> str:
    """ "*Contoso Ltd*: 3 new, 2 still failing" """
    same = [group for group in groups if group.label == label]
    return f"*{label_words(plan.group_by, label)}*: {_sum(same)}"


def _sum(groups: Sequence[Group]) -> str:
    new, still = sum(group.count_new for group in groups), sum(group.count_still for group in groups)
    return ", ".join(filter(None, (f"{new:,} new" if new else "", f"{still:,} still failing" if still else "")))


def _group(group: Group, digest: Digest) -> str:
    who = f" ({text.name(group.developer, 30)})" if group.developer else ""
    version = f" → {text.name(group.to_version, 24)}" if group.to_version else ""
    new = f"*{group.count_new:,} new*" if group.new else ""
    still = f"{group.count_still:,} still failing{_up_to(group, digest)}" if group.still else ""
    lines = [f"*{text.name(group.application, 60)}*{who}{version}: {', '.join(filter(None, (new, still)))}"]
    if where := _where(group):
        lines.append(where)
    lines.append(_reasons(group))
    return "\n".join(lines)


def _up_to(group: Group, digest: Digest) -> str:
    return f" for {'up to ' if len(group.still) > 1 else ''}{aged(group.since, digest.slot)}" if group.since else ""


def _where(group: Group) -> str:
    """What is known of where: "SRV-01, PC-3 and 4 more · 1 server · Contoso Ltd · severity Critical"."""
    clients = group.clients if group.label not in group.clients else ()
    parts = [_places(group)]
    parts += [text.plural(group.servers, "server")] if group.servers else []
    parts += (
        [text.name(clients[0], 30) if len(clients) == 1 else text.plural(len(clients), "client")] if clients else []
    )
    parts += [f"severity {text.name(group.severity, 20)}"] if group.severity else []
    return " · ".join(filter(None, parts))


def _places(group: Group) -> str:
    """Empty when not one of the devices is known."""
    known = [failure for failure in group.failures if failure.standing.device]
    names = [device_name(failure, 24) for failure in foremost(known, _DEVICES)]
    unknown, hidden = group.count - len(known), group.count - len(names)
    if names and hidden == unknown:
        names += (
            [text.plural(unknown, "attempt on an unknown device", "attempts on unknown devices")] if unknown else []
        )
        return ", ".join(names)
    return f"{', '.join(names)} and {hidden:,} more" if names else ""


def _reasons(group: Group) -> str:
    """One in full, with what usually helps; of several the words alone, in a line."""
    if len(group.reasons) == 1:
        [(status, count)] = group.reasons
        words = text.outcome_words(status)
        return f"{words} ×{count:,}{f' ({words.hint})' if words.hint else ''} {text.code(status, 32)}"
    told = foremost(group.reasons, _REASONS)
    hidden = sum(count for _, count in group.reasons[len(told) :])
    parts = [f"{text.outcome_words(status).words} ×{count:,}" for status, count in told]
    return f"❌ {' · '.join(parts)}{f' · {hidden:,} for other reasons' if hidden else ''}"


def _more(digest: Digest) -> str:
    hidden = _fresh(digest)[len(shown_groups(digest)) :]
    if not hidden:
        return ""
    return f"… and {text.plural(len(hidden), 'more application version')} ({_sum(hidden)}): in the thread."


# ---------------------------------------------------------------- the end


def _retried(digest: Digest, links: Mapping[int, str]) -> str:
    """ "🔁 3 patches recovered after a retry (#5, #7), 1 failed again (#8)."; empty when no retry has ended."""
    told = digest.retried
    parts = []
    if told.recovered:
        parts.append(f"*{_patches(told.recovered)} recovered after a retry* ({_requests(told.recovered, links)})")
    if told.failed_again:
        parts.append(
            f"{_patches(told.failed_again)} failed again after a retry ({_requests(told.failed_again, links)})"
        )
    return f"🔁 {' · '.join(parts)}." if parts else ""


def _patches(counts: Sequence[tuple[int, int]]) -> str:
    return text.plural(sum(count for _, count in counts), "patch", "patches")


def _requests(counts: Sequence[tuple[int, int]], links: Mapping[int, str]) -> str:
    """The newest requests, oldest of them first."""
    names = [linked(number, links) for number, _ in _newest(counts)]
    hidden = len(counts) - len(names)
    return ", ".join(names) + (f" and {text.plural(hidden, 'more request')}" if hidden else "")


def _newest(counts: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    return foremost(counts[::-1], _NAMED)[::-1]


def _left_out(digest: Digest) -> str:
    parts = []
    if digest.silenced:
        new = text.listed([silence_words.named(one) for one in digest.silences], _NEW_SILENCES)
        told = f"new: {new}; `/patches silences`" if new else "`/patches silences`"
        parts.append(f"🔕 {text.plural(digest.silenced, 'silenced failure')} ({told})")
    if digest.unassigned:
        left = text.plural(digest.unassigned, "failure")
        parts.append(f"❔ {left} left out: not known on whose device")
    return " · ".join(parts)


def _small_print(digest: Digest, plan: DigestPlan) -> str:
    first = "First digest: what failed before is told as still failing · " if digest.first else ""
    return f"{first}Source: ESET PROTECT · next digest {text.when(next_slot(plan, digest.slot), text.DATED)}"


def _fallback(digest: Digest, plan: DigestPlan) -> str:
    """What the verdict says of retries is not said again."""
    words = f"{digest.verdict.words}. Digest {text.name(digest.plan)}: {_attempts(digest, plan, '')}."
    top = [f"{text.name(one.application, 60)} ({one.count_new or one.count:,})" for one in shown_groups(digest)[:3]]
    repaired = digest.retried.recovered if not digest.recovered else ()
    retried = f"{_patches(repaired)} recovered after a retry." if repaired else ""
    return " ".join(filter(None, (words, f"First: {', '.join(top)}." if top else "", retried)))
