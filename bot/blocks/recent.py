"""``/patches recent``: which attempts a person asked for, and the pages that show them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.blocks import fleet, text
from bot.commands import Mode, Recent
from bot.model import Attempt, FleetView, Message, Outcome

ROWS = 8  # attempts on a page
MARK = 16  # digits of a fingerprint that tell a row from all others of a list
_UNKEPT = (
    "⚠️ The bot's database cannot be written, so this list has no buttons: `app:`, `status:` and `since:` narrow it."
)
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_MODES: dict[Mode, str] = {"failed": "Failed", "ok": "OK", "all": "All"}


# ---------------------------------------------------------------- which attempts


@dataclass(frozen=True, slots=True)
class Found:
    """``rows``: the attempts asked for, newest first. The counts are by class, over all that the other filters let
    through; ``all`` is their sum."""

    rows: list[Attempt]
    failed: int = 0
    ok: int = 0
    other: int = 0

    def count(self, mode: Mode) -> int:
        return {"failed": self.failed, "ok": self.ok, "all": self.failed + self.ok + self.other}[mode]


def select(attempts: Sequence[Attempt], asked: Recent, now: datetime) -> Found:
    """The attempts that ``asked`` lets through. One without any time is kept: nobody can say that it is too old."""
    oldest = now - asked.since
    wanted = asked.app.casefold()
    counts: Counter[Outcome] = Counter()
    rows: list[tuple[datetime, Attempt]] = []
    for attempt in attempts:
        at = _time(attempt)
        if (at and at < oldest) or (wanted and not _named(attempt, wanted)):
            continue
        if asked.status and attempt.status != asked.status:
            continue
        outcome = attempt.outcome
        counts[outcome] += 1
        if asked.mode == "all" or outcome.value == asked.mode:
            rows.append((at or _BEGINNING, attempt))
    rows.sort(key=lambda row: row[0], reverse=True)
    found = [attempt for _, attempt in rows]
    return Found(found, counts[Outcome.FAILED], counts[Outcome.OK], counts[Outcome.OTHER])


def _time(attempt: Attempt) -> datetime | None:
    return attempt.ended_at or attempt.started_at


def _named(attempt: Attempt, wanted: str) -> bool:
    return wanted in attempt.application.casefold() or wanted in attempt.developer.casefold()


def pages(found: Found) -> int:
    """How many pages there are, at least one."""
    return max(1, -(-len(found.rows) // ROWS))


# ---------------------------------------------------------------- how they look


def page(
    found: Found,
    asked: Recent,
    number: int,
    *,
    view_id: str,
    taken_at: datetime,
    unreadable: int = 0,
    beside: FleetView | None = None,
) -> Message:
    """Page ``number`` (from 0; beyond the ends: the nearest one). ``view_id`` is all that the buttons carry; empty:
    the list could not be kept, so there are none.

    ``taken_at``: when ESET was asked. ``unreadable``: rows of ESET's answer that made no sense. ``beside``: what
    N-sight knows of the whole fleet, if that is kept.
    """
    number = min(max(number, 0), pages(found) - 1)
    shown = found.rows[number * ROWS : (number + 1) * ROWS]
    blocks: list[Block] = [text.header(_title(asked)), text.context(_filters(found, asked))]
    if beside:
        blocks.append(text.context(fleet.summary(beside)))
    for place, attempt in enumerate(shown):
        blocks += _row(attempt, _retry(attempt, place, view_id))
    if not shown:
        blocks.append(text.section(_nothing(found, asked)))
    if view_id:
        further = [fleet.button(beside, view_id)] if beside else []
        blocks.append(ActionsBlock(elements=[*_buttons(found, asked, number, view_id), *further]))
    else:
        blocks.append(text.context(_UNKEPT))
    blocks.append(text.context(_small_print(found, number, taken_at, unreadable)))
    return text.message(_fallback(found, asked, shown), blocks)


def asking() -> Message:
    """Shown at once while ESET takes its time (its answer may take minutes)."""
    return text.message(
        "Asking ESET…", [text.section("⏳ Asking ESET… the list appears here; it can take a minute or two.")]
    )


def gone() -> Message:
    """For a button of a list that is no longer kept."""
    words = "This list is more than an hour old and no longer kept. `/patches recent` asks ESET again."
    return text.message(words, [text.section(f"⌛ {words}")])


def _title(asked: Recent) -> str:
    what = {"failed": "Failed patching attempts", "ok": "Successful patching attempts", "all": "Patching attempts"}
    return f"{what[asked.mode]}, last {text.span(asked.since)}"


def _filters(found: Found, asked: Recent) -> str:
    parts = [f"{found.failed:,} failed", f"{found.ok:,} ok", f"{found.other:,} other"]
    if asked.app:
        parts.append(f"application or developer: {text.code(asked.app, 60)}")
    if asked.status:
        parts.append(f"status: {text.code(asked.status, 60)}")
    return " · ".join(parts)


def _retry(attempt: Attempt, place: int, view_id: str) -> ButtonElement | None:
    """The last word of the action_id tells the row; ``place`` tells equal rows apart."""
    if attempt.outcome is not Outcome.FAILED or not view_id:
        return None
    return text.button("Retry…", f"recent.retry.{place}.{attempt.fingerprint[:MARK]}", view_id)


def _row(attempt: Attempt, button: ButtonElement | None) -> list[Block]:
    outcome = text.outcome_words(attempt.status)
    who = f" ({text.name(attempt.developer, 60)})" if attempt.developer else ""
    hint = f"; what usually helps: {outcome.hint}" if outcome.hint and attempt.outcome is Outcome.FAILED else ""
    words = f"*{text.name(attempt.application, 100)}*{who} {_versions(attempt)}\n{outcome}{hint}"
    return [text.section(words, button), text.context(f"{text.code(attempt.status, 60)} · {_moment(attempt)}")]


def _versions(attempt: Attempt) -> str:
    before = text.name(attempt.from_version, 40) or "unknown version"
    after = text.name(attempt.to_version, 40) or "unknown version"
    return f"{before} → {after}"


def _moment(attempt: Attempt) -> str:
    if attempt.ended_at:
        return text.when(attempt.ended_at)
    if attempt.started_at:
        return f"started {text.when(attempt.started_at)}, no end told"
    return "no time told"


def _nothing(found: Found, asked: Recent) -> str:
    """The empty page leads on: to what is there, else to a wider question."""
    what = {"failed": "failed", "ok": "succeeded", "all": "was attempted"}[asked.mode]
    narrowed = " with these filters" if asked.app or asked.status else ""
    sentence = f"✅ Nothing {what} in the last {text.span(asked.since)}{narrowed}."
    if asked.mode != "failed" or narrowed:
        sentence = sentence.replace("✅", "🔍", 1)
    if everything := found.count("all"):
        return f"{sentence} {text.plural(everything, 'attempt')} of other classes: press *All* to see them."
    if narrowed:
        return f"{sentence} `/patches recent all` shows every application."
    return f"{sentence} ESET lists attempts of the last few days; `/patches status` tells whether it can be asked."


def _buttons(found: Found, asked: Recent, number: int, view_id: str) -> list[ButtonElement]:
    buttons = []
    if number > 0:
        buttons.append(text.button("◀ Newer", "recent.page.back", view_id))
    if number < pages(found) - 1:
        buttons.append(text.button("Older ▶", "recent.page.next", view_id))
    for mode, label in _MODES.items():
        current = mode == asked.mode
        words = f"{'● ' if current else ''}{label} ({found.count(mode):,})"
        buttons.append(text.button(words, f"recent.filter.{mode}", view_id, "primary" if current else None))
    return buttons


def _small_print(found: Found, number: int, taken_at: datetime, unreadable: int) -> str:
    parts = [f"as of {text.when(taken_at)}"]
    if pages(found) > 1:
        parts.insert(0, f"page {number + 1:,} of {pages(found):,}")
    if unreadable:
        parts.append(f"⚠️ {text.plural(unreadable, 'row')} of ESET's answer could not be read and are left out")
    return " · ".join(parts)


def _fallback(found: Found, asked: Recent, shown: Sequence[Attempt]) -> str:
    counts = f"{found.failed:,} failed, {found.ok:,} ok, {found.other:,} other"
    first = f" Newest: {text.name(shown[0].application)}, {text.outcome_words(shown[0].status).words}." if shown else ""
    return f"{_title(asked)}: {counts}.{first}"
