"""A digest as it is posted: the verdict, the groups that failed most, and the way to the rest."""

from collections.abc import Mapping, Sequence

from slack_sdk.models.blocks import Block

from bot.blocks import text
from bot.digests import MOST_MISSED, Digest, DigestPlan, Group, next_slot
from bot.model import Message

SHOWN = 10  # groups, each with a button; the caller makes as many tokens at most
_REASONS = 3  # of a group; the rest is counted
_NAMED = 5  # requests; the rest is counted


def render(
    digest: Digest, plan: DigestPlan, group_tokens: Sequence[str] = (), links: Mapping[int, str] | None = None
) -> Message:
    """One message within Slack's limits, whatever failed. ``group_tokens[n]`` is the value of the n-th group's button;
    a group without a token gets no button (a dry run). ``links``: addresses of requests, by number."""
    shown = digest.groups[:SHOWN]
    blocks: list[Block] = [text.header(f"{plan.name}: {_headline(digest)}"), text.section(_verdict(digest))]
    if digest.late:
        blocks.append(text.context(_late(digest)))
    if digest.note:
        blocks.append(text.context(f"⚠️ {text.fit(digest.note, 400)}"))
    for number, group in enumerate(shown):
        token = group_tokens[number] if number < len(group_tokens) else ""
        blocks.append(_group(number, group, token))
    if hidden := digest.groups[SHOWN:]:
        blocks.append(text.section(_more(hidden)))
    if retried := _retried(digest, links or {}):
        blocks.append(text.section(retried))
    blocks.append(text.context(_small_print(digest, plan)))
    return text.message(" ".join(filter(None, (_fallback(digest, plan), _retried(digest, {})))), blocks)


def shown_groups(digest: Digest) -> tuple[Group, ...]:
    """The groups that ``render`` shows, in the order of their tokens."""
    return digest.groups[:SHOWN]


def named_requests(digest: Digest) -> tuple[int, ...]:
    """The numbers of the requests that ``render`` names."""
    told = (*digest.retried.recovered[-_NAMED:], *digest.retried.failed_again[-_NAMED:])
    return tuple(sorted({number for number, _ in told}))


def _retried(digest: Digest, links: Mapping[int, str]) -> str:
    """ "🔁 3 patches recovered after a retry (#5, #7), 1 failed again (#8)."; empty when no retry has ended."""
    told = digest.retried
    parts = []
    if told.recovered:
        parts.append(f"*{_patches(told.recovered)} recovered after a retry* ({_named(told.recovered, links)})")
    if told.failed_again:
        parts.append(f"{_patches(told.failed_again)} failed again after a retry ({_named(told.failed_again, links)})")
    return f"🔁 {' · '.join(parts)}." if parts else ""


def _patches(counts: Sequence[tuple[int, int]]) -> str:
    return text.plural(sum(count for _, count in counts), "patch", "patches")


def _named(counts: Sequence[tuple[int, int]], links: Mapping[int, str]) -> str:
    """The newest requests, oldest of them first."""
    names = [_linked(number, links.get(number, "")) for number, _ in counts[-_NAMED:]]
    hidden = len(counts) - len(names)
    return ", ".join(names) + (f" and {text.plural(hidden, 'more request')}" if hidden else "")


def _linked(number: int, address: str) -> str:
    """An address from Slack is not escaped but checked: what could end the link is not let through."""
    return f"<{address}|#{number}>" if address and not set(address) & set("<>| \n") else f"#{number}"


def _headline(digest: Digest) -> str:
    """What is left open when ESET could not be asked (``digest.note``) is not told as if it were known."""
    if digest.failed:
        least = "at least " if digest.note else ""
        return least + text.plural(digest.failed, "failed patching attempt")
    if digest.note:
        return "not known what failed, ESET could not be asked"
    return "nothing failed" if digest.total else "nothing was patched"


def _verdict(digest: Digest) -> str:
    since = f" since {text.when(digest.since)}" if digest.since else ""
    if digest.note and not digest.failed:
        known = f" {text.plural(digest.total, 'attempt')} known so far, none failed." if digest.total else ""
        return f"❔ It is not known what was patched{since}, and what failed: ESET could not be asked.{known}"
    if not digest.total:
        return f"💤 No patching attempts{since}, so nothing failed."
    attempts = f"{text.plural(digest.total, 'attempt')}{since}"
    rest = f"{digest.ok:,} ok" + (f", {digest.other:,} other" if digest.other else "")
    if not digest.failed:
        return f"✅ Nothing failed: {attempts}, {rest}."
    where = f"in {text.plural(len(digest.groups), 'application version')}"
    return f"❌ *{text.plural(digest.failed, 'failure')}* {where}; {_percent(digest.share)} of {attempts} ({rest})."


def _percent(share: float) -> str:
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.99 < share < 1 else f"{share * 100:.0f} %"


def _late(digest: Digest) -> str:
    words = f"⏰ Late: was due {text.when(digest.slot)}"
    least = "at least " if digest.missed >= MOST_MISSED else ""
    return f"{words}; covers {least}{text.plural(digest.missed, 'missed slot')} too" if digest.missed else words


def _group(number: int, group: Group, token: str) -> Block:
    who = f" ({text.name(group.developer, 40)})" if group.developer else ""
    version = f" → {text.name(group.to_version, 30)}" if group.to_version else ""
    lines = [f"*{text.name(group.application, 80)}*{who}{version}: {text.plural(group.count, 'failure')}"]
    lines += [_reason(status, count) for status, count in group.reasons[:_REASONS]]
    if hidden := group.reasons[_REASONS:]:
        lines.append(f"and {text.plural(sum(count for _, count in hidden), 'failure')} for other reasons")
    accessory = text.button("Retry…", f"digest.retry.{number}", token) if token else None
    return text.section("\n".join(lines), accessory)


def _reason(status: str, count: int) -> str:
    words = text.outcome_words(status)
    hint = f" ({words.hint})" if words.hint else ""
    return f"{words} ×{count:,}{hint} {text.code(status, 40)}"


def _more(hidden: Sequence[Group]) -> str:
    failures = sum(group.count for group in hidden)
    return (
        f"… and {text.plural(len(hidden), 'more application version')} with {text.plural(failures, 'failure')}: "
        "`/patches recent failed` shows them all."
    )


def _small_print(digest: Digest, plan: DigestPlan) -> str:
    following = next_slot(plan, digest.slot)
    return f"Source: ESET PROTECT · next digest {text.when(following)} · `/patches recent` for details"


def _fallback(digest: Digest, plan: DigestPlan) -> str:
    words = f"{text.name(plan.name)}: {_headline(digest)}"
    if not digest.failed:
        known = digest.total and not digest.note
        return f"{words} in {text.plural(digest.total, 'attempt')}." if known else f"{words}."
    top = ", ".join(f"{text.name(group.application, 60)} ({group.count:,})" for group in digest.groups[:3])
    return f"{words} of {digest.total:,}. Most: {top}."
