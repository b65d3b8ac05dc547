"""Silences: what was just kept out of digests, the list of all, and the form behind a digest's Silence… button."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    InputBlock,
    Option,
    PlainTextInputElement,
    StaticSelectElement,
)

from bot.blocks import modals, text
from bot.model import Message, Silence

ROWS = 10  # silences on a page
NAME, WHY = 60, 150  # characters of names, and of what people wrote
CALLBACK = "digest.silence"
TITLE = "Silence"
LENGTHS = {
    "1h": "1 hour",
    "1d": "1 day",
    "3d": "3 days",
    "7d": "7 days",
    "14d": "14 days",
    "30d": "30 days",
    "90d": "90 days",
}
USUAL = "7d"
ANY = "any"
OFFERED = modals.OPTIONS - 1  # beside "any"
GONE = "⌛ This list is no longer kept. `/patches silences` shows it anew."


# ---------------------------------------------------------------- one silence


def made(silence: Silence, instead: Sequence[Silence] = (), doubts: Sequence[str] = ()) -> Message:
    """The private answer to who made it. ``instead``: equal ones that it took the place of. ``doubts``: safe sentences
    that say what may have been mistyped, empty ones are left out."""
    words = f"🔕 {_about(silence)} stays out of digests until {text.when(silence.until)}."
    if instead:
        before = text.listed([f"#{one.id}" for one in instead])
        words += f" Silence #{silence.id} takes the place of {before}."
    else:
        words += f" This is silence #{silence.id}."
    words += "".join(f" ⚠️ {doubt}" for doubt in doubts if doubt)
    blocks: list[Block] = [
        text.section("\n".join(filter(None, (words, _why(silence)))), _end(silence)),
        text.context("Digests count what is silenced. `/patches silences` lists all silences."),
    ]
    return text.message(words, blocks)


def told(silence: Silence) -> Message:
    """For the thread of the digest whose button made it."""
    words = (
        f"🔕 {text.mention(silence.made_by)} keeps {_about(silence)} out of digests"
        f" until {text.when(silence.until, text.DATED)}."
    )
    whole = "\n".join(filter(None, (words, _why(silence))))
    return text.message(words, [text.section(whole), text.context("`/patches silences` lists all silences.")])


def named(silence: Silence) -> str:
    """In a list of others; safe mrkdwn."""
    return f"{_what(silence.application)} by {text.mention(silence.made_by)}"


def over(silence: Silence) -> str:
    """Why a silence cannot be ended any more; a safe sentence."""
    if silence.ended_at is not None:
        return f"Silence #{silence.id} was ended by {text.mention(silence.ended_by)} {text.when(silence.ended_at)}."
    return f"Silence #{silence.id} came to its end {text.when(silence.until)}."


def ended(silence: Silence) -> Message:
    """The private answer to who ended it by command."""
    return text.sentence(_ended(silence))


def _ended(silence: Silence) -> str:
    return f"🔔 Silence #{silence.id} is over: {_about(silence)} is told again from the next digest on."


def _about(silence: Silence) -> str:
    """What falls under it, such as "*7-Zip* (only Download failed `FAILED_DOWNLOAD_ERROR`, only at Contoso Ltd)"."""
    parts = []
    if silence.reason:
        parts.append(f"only {text.outcome_words(silence.reason).words} {text.code(silence.reason, 40)}")
    if silence.client:
        parts.append(f"only at {_pattern(silence.client)}")
    if silence.version:
        parts.append(f"only version {text.name(silence.version, NAME)}")
    narrowed = f" ({', '.join(parts)})" if parts else ""
    return f"{_what(silence.application)}{narrowed}"


def _what(application: str) -> str:
    words = _pattern(application) or "…"
    return words if "*" in application else f"*{words}*"


def _pattern(glob: str) -> str:
    """As code when it has an asterisk, since two of them would make it bold."""
    return text.code(glob, NAME) if "*" in glob else text.name(glob, NAME)


def _why(silence: Silence) -> str:
    return f"> {text.name(silence.why, WHY)}" if silence.why else ""


def _end(silence: Silence) -> ButtonElement:
    return text.button("End now", f"silence.end.{silence.id}", str(silence.id))


# ---------------------------------------------------------------- those that are on


@dataclass(frozen=True, slots=True)
class Part:
    """One page: ``ahead`` of the ``total`` silences come before its rows. ``token`` is all that the paging buttons
    carry; empty: the list could not be kept, so there are none."""

    rows: Sequence[Silence]
    ahead: int
    total: int
    token: str = ""


def listed(part: Part, just_ended: Silence | None = None) -> Message:
    """Silences that are on, newest first. ``just_ended``: by the button that brought this list."""
    head: list[Block] = [text.section(_ended(just_ended))] if just_ended else []
    if not part.rows:
        words = "Nothing is kept out of digests."
        more = "`/patches help silence` tells how to do that."
        return text.message(words, [*head, text.section(f"🔔 {words} {more}")])
    title = f"{text.plural(part.total, 'silence')}, newest first{_extent(part)}"
    rows = [text.section(_row(silence), _end(silence)) for silence in part.rows]
    return text.message(title, [*head, text.header(title), *rows, *_foot(part)])


def _row(silence: Silence) -> str:
    by = f"by {text.mention(silence.made_by)} {text.when(silence.made_at)}"
    lines = (f"#{silence.id} {_about(silence)}", f"until {text.when(silence.until)}, {by}", _why(silence))
    return "\n".join(filter(None, lines))


def _extent(part: Part) -> str:
    if len(part.rows) >= part.total:
        return ""
    first, last = part.ahead + 1, part.ahead + len(part.rows)
    return f": {first:,} to {last:,}" if last > first else f": {first:,}"


def _foot(part: Part) -> list[Block]:
    if len(part.rows) >= part.total:
        return []
    if not part.token:
        words = "⚠️ The bot's database cannot be written, so this list has no buttons to page it."
        return [text.context(words)]
    newer = [text.button("◀ Newer", "silence.page.back", part.token)] if part.ahead else []
    behind = part.total - part.ahead - len(part.rows)
    older = [text.button("Older ▶", "silence.page.next", part.token)] if behind > 0 else []
    return [ActionsBlock(elements=[*newer, *older])]


# ---------------------------------------------------------------- the form


@dataclass(frozen=True, slots=True)
class About:
    """What a digest's group tells of its failures, and what of it the form offers to silence.

    ``reasons``: vendor's statuses without prefix; ``clients``: patterns (``terms.covers``). ``reason``, ``client``: the
    one of them that is chosen as the form opens; empty = any, None = none is, so that the person has to.
    ``failures``: how many of the digest's are the application's; ``by_reason``, ``by_client``: how many of them each
    of those covers, as far as that is told.
    """

    application: str
    developer: str = ""
    version: str = ""
    reasons: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    reason: str = ""
    client: str | None = ""
    failures: int = 0
    by_reason: tuple[int, ...] = ()
    by_client: tuple[int, ...] = ()


def waiting() -> dict[str, Any]:
    return modals.loading("Looking whether you may keep applications out of digests…", TITLE)


def form(about: About, token: str) -> dict[str, Any]:
    """``token``: where ``about`` is kept. A narrowing is an index into it, or "any"."""
    reasons = _counted([_reason(one) for one in about.reasons], about.by_reason)
    clients = _counted(about.clients, about.by_client)
    versions = (f"Only version {about.version}",) if about.version else ()
    blocks: list[Block] = [text.section(_head(about))]
    blocks += [_select("length", "How long?", [(words, value) for value, words in LENGTHS.items()], USUAL)]
    why, where = _place(about.reasons, about.reason), _place(about.clients, about.client)
    blocks += _narrowing("reason", ("Why it fails", "Whatever the reason"), reasons, why)
    blocks += _narrowing("client", ("Client", "All clients"), clients, where)
    blocks += _narrowing("version", ("Version", "All versions"), versions, ANY)
    blocks.append(_why_input())
    return modals.modal(CALLBACK, TITLE, "Silence", blocks, token)


def _head(about: About) -> str:
    developer = f" ({text.name(about.developer, NAME)})" if about.developer else ""
    words = f"*{text.name(about.application, 200) or '…'}*{developer} is told in no digest while the silence lasts."
    words += " What is silenced is counted there."
    if not about.failures:
        return words
    return f"{words} Not narrowed, it hides {text.plural(about.failures, 'failure')} of this digest."


def _reason(status: str) -> str:
    return f"Only: {text.outcome_words(status).words}"


def _counted(offered: Sequence[str], counts: Sequence[int]) -> list[str]:
    """Each with how many failures it covers, where that is told."""
    numbers = [f" ({count:,})" if count else "" for count in counts]
    return [text.cut(text.line(words), 60) + number for words, number in zip_longest(offered, numbers, fillvalue="")]


def _place(offered: Sequence[str], chosen: str | None) -> str:
    """The value of the option that is chosen; empty when none is."""
    if chosen is None:
        return ""
    return str(offered.index(chosen)) if chosen in offered else ANY


def _narrowing(block: str, words: tuple[str, str], offered: Sequence[str], initial: str) -> list[Block]:
    """None when there is nothing to narrow by. ``words``: the label, and what "any" is called."""
    if not offered:
        return []
    options = [(words[1], ANY), *((one, str(index)) for index, one in enumerate(offered[:OFFERED]))]
    hidden = len(offered) - OFFERED
    hint = f"The first {OFFERED} of {len(offered):,}; `/patches silence` takes any." if hidden > 0 else ""
    return [_select(block, words[0], options, initial, hint)]


def _select(block: str, label: str, options: Sequence[tuple[str, str]], initial: str, hint: str = "") -> Block:
    made = {value: Option(value=value, label=text.cut(text.line(words), 75) or "?") for words, value in options}
    return InputBlock(
        block_id=block,
        label=label,
        hint=hint or None,
        element=StaticSelectElement(action_id=block, options=list(made.values()), initial_option=made.get(initial)),
    )


def _why_input() -> Block:
    return InputBlock(
        block_id="why",
        label="Why?",
        optional=True,
        element=PlainTextInputElement(action_id="why", multiline=True, max_length=modals.REASON_MOST),
        hint="Everybody who lists the silences, and the audit trail, get to read this.",
    )
