"""``/patches recent``: which attempts a person asked for, and the pages that show them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement

from bot.blocks import fleet, text
from bot.blocks.sparkline import Scale, sparkline
from bot.commands import Mode, Recent
from bot.model import Attempt, FleetView, Message, Outcome

ROWS = 8  # attempts on a page
LISTED = timedelta(days=7)  # what goes further back is told from the kept history: ESET lists "the last few days"
MARK = 16  # digits of a fingerprint that tell a row from all others of a list
_UNKEPT = (
    "⚠️ The bot's database cannot be written, so this list has no buttons: `app:`, `status:` and `since:` narrow it."
)
_FINISHED = "Beyond 7 days only finished attempts are kept; `since:7d` asks ESET, which lists the others as well."
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_MODES: dict[Mode, str] = {"failed": "Failed", "ok": "OK", "all": "All"}


# ---------------------------------------------------------------- which attempts


@dataclass(frozen=True, slots=True)
class Found:
    """``rows``: the attempts asked for, newest first; of kept ones those of one page alone, with ``ahead`` before it.
    The counts are by class, over all that the other filters let through; ``all`` is their sum."""

    rows: list[Attempt]
    failed: int = 0
    ok: int = 0
    other: int = 0
    ahead: int = 0

    def count(self, mode: Mode) -> int:
        return {"failed": self.failed, "ok": self.ok, "all": self.failed + self.ok + self.other}[mode]


@dataclass(frozen=True, slots=True)
class History:
    """Where kept attempts come from. ``oldest``: when the first of them ended. ``trouble``: the sentence why ESET
    could not be asked for newer ones, empty when it was."""

    oldest: datetime | None
    trouble: str = ""


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


def pages(count: int) -> int:
    """How many pages so many rows take, at least one."""
    return max(1, -(-count // ROWS))


# ---------------------------------------------------------------- by application

Name = tuple[str, str]  # developer, application


@dataclass(frozen=True, slots=True)
class Application:
    """``failures``: how many failed in each bar of the scale, those without a time in none."""

    developer: str
    name: str
    failed: int
    ok: int
    other: int
    failures: tuple[int, ...] = ()


def tally(attempts: Sequence[Attempt], asked: Recent, now: datetime) -> list[Application]:
    """All applications that ``asked`` lets through, what failed most first. Its class is left aside."""
    scale = Scale.over(asked.since, now)
    counts: dict[Name, Counter[Outcome]] = {}
    bars: dict[Name, list[int]] = {}
    for attempt in select(attempts, Recent("all", asked.app, asked.status, asked.since), now).rows:
        name = attempt.developer, attempt.application
        counts.setdefault(name, Counter())[attempt.outcome] += 1
        at = _time(attempt)
        if attempt.outcome is Outcome.FAILED and at:
            bars.setdefault(name, [0] * scale.bars)[scale.place(at)] += 1
    return ranked(counts, bars)


def ranked(counts: Mapping[Name, Counter[Outcome]], bars: Mapping[Name, Sequence[int]]) -> list[Application]:
    """What failed most first."""
    found = [
        Application(*name, count[Outcome.FAILED], count[Outcome.OK], count[Outcome.OTHER], tuple(bars.get(name, ())))
        for name, count in counts.items()
    ]
    return sorted(found, key=lambda one: (-one.failed, one.name.casefold(), one.developer))


# ---------------------------------------------------------------- how they look


def page(
    found: Found,
    asked: Recent,
    number: int,
    *,
    view_id: str,
    taken_at: datetime,
    unreadable: int = 0,
    history: History | None = None,
    beside: FleetView | None = None,
) -> Message:
    """Page ``number`` (from 0; beyond the ends: the nearest one). ``view_id`` is all that the buttons carry; empty:
    the list could not be kept, so there are none.

    ``taken_at``: when ESET was asked. ``unreadable``: rows of ESET's answer that made no sense. ``history``: what is
    shown was kept by the bot. ``beside``: what N-sight knows of the whole fleet, if that is kept.
    """
    last = pages(found.count(asked.mode)) - 1
    number = min(max(number, 0), last)
    shown = found.rows[number * ROWS - found.ahead : (number + 1) * ROWS - found.ahead]
    blocks: list[Block] = [text.header(title(asked)), text.context(_filters(found, asked))]
    if beside:
        blocks.append(text.context(fleet.summary(beside)))
    for place, attempt in enumerate(shown):
        blocks += _row(attempt, _retry(attempt, place, view_id))
    if not shown:
        blocks.append(text.section(_nothing(found, asked, kept=history is not None)))
    if view_id:
        turning = _turning(number, last, view_id, ("◀ Newer", "Older ▶"))
        blocks.append(ActionsBlock(elements=[*turning, *_filters_of(found, asked.mode, view_id, beside)]))
    else:
        blocks.append(text.context(_UNKEPT))
    blocks.append(text.context(_small_print(number, last, taken_at, unreadable)))
    blocks += _history(history)
    return text.message(_fallback(found, asked, shown), blocks)


def by_application(
    found: Sequence[Application],
    asked: Recent,
    number: int,
    *,
    view_id: str,
    scale: Scale,
    taken_at: datetime,
    history: History | None = None,
    beside: FleetView | None = None,
) -> Message:
    """Page ``number`` (from 0, existing) of all applications ``found``; only those on the page need their bars."""
    counts = Found([], *(sum(counts) for counts in zip(*((a.failed, a.ok, a.other) for a in found), strict=True)))
    last = pages(len(found)) - 1
    above = title_by_application(asked)
    blocks: list[Block] = [text.header(above), text.context(_filters(counts, asked))]
    blocks += [text.section(_application(one)) for one in found[number * ROWS : (number + 1) * ROWS]]
    if not found:
        wider = Recent("all", asked.app, asked.status, asked.since)
        blocks.append(text.section(_nothing(counts, wider, kept=history is not None)))
    turning = _turning(number, last, view_id, ("◀ Back", "More ▶"))
    blocks.append(ActionsBlock(elements=[*turning, *_filters_of(counts, "apps", view_id, beside)]))
    blocks.append(text.context(f"failures over time, {scale.words} · {_small_print(number, last, taken_at, 0)}"))
    blocks += _history(history)
    return text.message(f"{above}: {text.plural(len(found), 'application')}.", blocks)


def _application(one: Application) -> str:
    who = f" ({text.name(one.developer, 60)})" if one.developer else ""
    counts = [f"❌ {one.failed:,} failed", f"✅ {one.ok:,} ok", *([f"{one.other:,} other"] if one.other else [])]
    course = f"`{sparkline(one.failures)}` " if any(one.failures) else ""
    return f"*{text.name(one.name, 100)}*{who}\n{course}{' · '.join(counts)}"


def _history(history: History | None) -> list[Block]:
    if history is None:
        return []
    words = "ESET lists the last few days only: these are the finished attempts that the bot has kept"
    oldest = f"the oldest of {text.when(history.oldest, '{date_short}')}" if history.oldest else "none yet"
    parts = [f"{words}, {oldest}"]
    if history.trouble:
        parts.append(f"⚠️ {history.trouble} What is newest may be missing.")
    return [text.context(" · ".join(parts))]


def asking() -> Message:
    """Shown at once while ESET takes its time (its answer may take minutes)."""
    return text.message(
        "Asking ESET…", [text.section("⏳ Asking ESET… the list appears here; it can take a minute or two.")]
    )


def gone() -> Message:
    """For a button of a list that is no longer kept."""
    words = "This list is more than an hour old and no longer kept. `/patches recent` asks ESET again."
    return text.message(words, [text.section(f"⌛ {words}")])


def too_many(names: int) -> str:
    """For a part of a name that nearly everything has."""
    return f"{names:,} applications or developers have that in their name. A longer part of it narrows the list."


def empty() -> str:
    """For a file of a list without rows."""
    return "This list is empty, so there is no file to send. Another filter above it may have rows."


def exported(name: str, rows: int, *, cut: bool) -> Message:
    """Stands above the file in a direct message. ``cut``: there were more."""
    aside = f", the newest {rows:,}: a file takes no more" if cut else ""
    return text.sentence(f"📎 {name}{aside}.")


def sent(rows: int) -> Message:
    return text.sentence(f"📎 {text.plural(rows, 'row')}, in your direct messages with this app.")


def title(asked: Recent) -> str:
    what = {"failed": "Failed patching attempts", "ok": "Successful patching attempts", "all": "Patching attempts"}
    return f"{what[asked.mode]}, last {text.span(asked.since)}"


def title_by_application(asked: Recent) -> str:
    return f"Patching attempts by application, last {text.span(asked.since)}"


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


def _nothing(found: Found, asked: Recent, *, kept: bool) -> str:
    """The empty page leads on: to what is there, else to a wider question. ``kept``: asked of what the bot has kept."""
    what = {"failed": "failed", "ok": "succeeded", "all": "was attempted"}[asked.mode]
    narrowed = " with these filters" if asked.app or asked.status else ""
    sentence = f"✅ Nothing {what} in the last {text.span(asked.since)}{narrowed}."
    if asked.mode != "failed" or narrowed:
        sentence = sentence.replace("✅", "🔍", 1)
    if everything := found.count("all"):
        return f"{sentence} {text.plural(everything, 'attempt')} of other classes: press *All* to see them."
    if kept and asked.mode == "all":
        return f"{sentence} {_FINISHED}"
    if narrowed:
        return f"{sentence} `/patches recent all` shows every application."
    if kept:
        return sentence
    return f"{sentence} ESET lists attempts of the last few days; `/patches status` tells whether it can be asked."


def _turning(number: int, last: int, view_id: str, words: tuple[str, str]) -> Iterator[ButtonElement]:
    if number > 0:
        yield text.button(words[0], "recent.page.back", view_id)
    if number < last:
        yield text.button(words[1], "recent.page.next", view_id)


def _filters_of(found: Found, current: str, view_id: str, beside: FleetView | None) -> Iterator[ButtonElement]:
    """What else can be shown, and the way to all of it. ``current``: a mode, or ``apps``."""
    for mode, label in _MODES.items():
        yield _filter(f"{label} ({found.count(mode):,})", mode, view_id, current=mode == current)
    if beside:
        yield fleet.button(beside, view_id)
    yield _filter("By application", "apps", view_id, current=current == "apps")
    yield text.button("Export CSV", "recent.export", view_id)


def _filter(label: str, name: str, view_id: str, *, current: bool) -> ButtonElement:
    words = f"{'● ' if current else ''}{label}"
    return text.button(words, f"recent.filter.{name}", view_id, "primary" if current else None)


def _small_print(number: int, last: int, taken_at: datetime, unreadable: int) -> str:
    parts = [f"as of {text.when(taken_at)}"]
    if last:
        parts.insert(0, f"page {number + 1:,} of {last + 1:,}")
    if unreadable:
        parts.append(f"⚠️ {text.plural(unreadable, 'row')} of ESET's answer could not be read and are left out")
    return " · ".join(parts)


def _fallback(found: Found, asked: Recent, shown: Sequence[Attempt]) -> str:
    counts = f"{found.failed:,} failed, {found.ok:,} ok, {found.other:,} other"
    first = f" Newest: {text.name(shown[0].application)}, {text.outcome_words(shown[0].status).words}." if shown else ""
    return f"{title(asked)}: {counts}.{first}"
