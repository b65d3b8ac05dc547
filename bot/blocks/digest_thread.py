"""A digest's thread: every failure with its device, new ones first, as far as six messages hold them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from slack_sdk.models.blocks import Block

from bot.blocks import text
from bot.blocks.digest_words import aged, device_name, label_words, linked
from bot.digests import By, Digest, DigestPlan, Failure, Group, count, grouped
from bot.markup import foremost
from bot.model import Message

PAGES = 2  # messages for what is new, and for what has recovered
SHORT = 20  # so many failures fit into two, whatever they are called
_PAGE = 8_500  # characters of a message's blocks as JSON; Slack refuses some 13,000 (slackapi/bolt-js#2509)
_PARAGRAPH = 2_800  # characters of a section
_PIECE = 2_600  # characters of a group in one; a last line that counts the rest has room
_SECTION = 120  # characters that a section takes besides its text
_DEVICES = 5  # of a group when not all have room; the rest is counted
_ROOM = 300  # failures: more never have

_Line = Callable[[Failure], str]


@dataclass(frozen=True, slots=True)
class _Entry:
    """A group in words, or a piece of a long one. ``count``: its failures, of which so many are ``hidden``."""

    lines: tuple[str, ...]
    count: int
    hidden: int = 0


def thread(digest: Digest, plan: DigestPlan, links: Mapping[int, str] | None = None) -> tuple[Message, ...]:
    """New and Recovered, in two messages at most each; Still failing, of which the thread of an earlier digest has
    told, in one if there is much to tell. ``links``: addresses of requests, by number."""
    return tuple(message for part in _parts(digest, plan, links or {}) for message in part.messages())


def long(digest: Digest) -> bool:
    """Whether the thread may leave some out, so that the whole list is wanted as a file."""
    return count(digest.new) + count(digest.still) + count(digest.recovered) > SHORT


@dataclass(frozen=True, slots=True)
class _Part:
    """One of the three: ``title`` in safe mrkdwn, ``failures`` in order, ``line``: what is said of each."""

    digest: Digest
    title: str
    groups: Sequence[Group]
    line: _Line
    most: int  # messages

    def messages(self) -> Iterator[Message]:
        pages = self._pages()
        shown = pages[: self.most]
        hidden = sum(entry.count for page in pages[self.most :] for entry in page)
        hidden += sum(entry.hidden for page in shown for entry in page)
        for number, page in enumerate(shown, 1):
            of = f" ({number} of {len(shown)})" if len(shown) > 1 else ""
            yield self._message(f"*{self.title}*{of}", page, hidden if number == len(shown) else 0)

    def _pages(self) -> list[list[_Entry]]:
        """With every device if they have room, else with a few of each group."""
        if sum(len(group.failures) for group in self.groups) <= _ROOM:
            pages = self._of(_ROOM)
            if len(pages) <= self.most:
                return pages
        return self._of(_DEVICES)

    def _of(self, most: int) -> list[list[_Entry]]:
        return list(_pages([entry for group in self.groups for entry in _entries(group, self.line, most)]))

    def _message(self, title: str, page: Sequence[_Entry], hidden: int) -> Message:
        blocks: list[Block] = [text.section(title)]
        blocks += [text.section(words) for words in _paragraphs(page)]
        if hidden:
            blocks.append(text.context(f"{text.plural(hidden, 'failure')} not shown: the list in this thread has all."))
        return text.message(f"{text.name(self.digest.plan)}: {self.title}", blocks)


def _parts(digest: Digest, plan: DigestPlan, links: Mapping[int, str]) -> Iterator[_Part]:
    now, by = digest.slot, _by(plan)
    told: tuple[tuple[str, Sequence[Failure], _Line], ...] = (
        ("🆕 New", digest.new, lambda one: _reason(one) + _again(one)),
        (
            "⏳ Still failing",
            digest.still,
            lambda one: f"{_reason(one)} · for {aged(one.standing.since, now)}{_again(one)}",
        ),
        ("✅ Recovered", digest.recovered, lambda one: _way(one, links)),
    )
    for title, failures, line in told:
        groups = grouped(failures, (), by)
        most = PAGES
        if failures is digest.still:
            groups = tuple(sorted(groups, key=_oldest))
            most = 1 if long(digest) else PAGES
        if failures:
            yield _Part(digest, f"{title}: {count(failures):,}", groups, line, most)


def _by(plan: DigestPlan) -> By:
    return "client" if plan.group_by == "client" else "application"  # each line tells the rest


def _oldest(group: Group) -> datetime:
    return min(failure.standing.since for failure in group.failures)


# ---------------------------------------------------------------- one failure


def _reason(failure: Failure) -> str:
    severity = f" · {text.name(failure.severity, 20)}" if failure.severity else ""
    return text.outcome_words(failure.standing.status).words + severity


def _again(failure: Failure) -> str:
    """How many attempts failed, if that says more than that it failed."""
    one = failure.standing
    return f", {text.plural(one.tries, 'try', 'tries')}" if one.tries > 1 and one.device else ""


def _way(failure: Failure, links: Mapping[int, str]) -> str:
    """ "by retry #5", "by itself after 3 tries in 2 days" """
    one = failure.standing
    if failure.retried:
        return f"by retry {linked(failure.retried, links)}"
    ended = one.ended_at or one.last
    row = f" after {text.plural(one.tries, 'failed try', 'failed tries')} in {aged(one.since, ended)}"
    return ("nothing to patch any more," if one.needless else "by itself") + row


# ---------------------------------------------------------------- groups and pages


def _entries(group: Group, line: _Line, most: int) -> Iterator[_Entry]:
    """A group in pieces that are a paragraph at most, each under its name."""
    who = f" ({text.name(group.developer, 30)})" if group.developer else ""
    version = f" → {text.name(group.to_version, 24)}" if group.to_version else ""
    label = f" · {label_words('client', group.label)}" if group.label is not None else ""
    title = f"*{text.name(group.application, 60)}*{who}{version}{label}"
    shown = foremost(group.failures, most)
    hidden = count(group.failures[len(shown) :])
    lines, told = [title], 0
    for failure in shown:
        words = f"• {_place(failure)}: {line(failure)}"
        if told and sum(map(len, lines)) + len(lines) + len(words) > _PIECE:
            yield _Entry(tuple(lines), told)
            lines, told = [f"{title} (continued)"], 0
        lines.append(words)
        told += failure.count
    lines += [f"• and {hidden:,} more"] if hidden else []
    yield _Entry(tuple(lines), told + hidden, hidden)


def _place(failure: Failure) -> str:
    """ "SRV-01 (Contoso Ltd, server)", or how many attempts failed where nobody knows on which device."""
    name = device_name(failure, 40)
    if not failure.standing.device:
        return f"{text.plural(failure.count, 'attempt')}, device not known"
    beside = [text.name(failure.client, 40)] if failure.client else []
    beside += [failure.kind.value] if failure.kind else []
    return f"{name} ({', '.join(beside)})" if beside else name


def _pages(entries: Sequence[_Entry]) -> Iterator[list[_Entry]]:
    """As many entries on each as its size allows, whatever their text becomes as JSON."""
    page: list[_Entry] = []
    size = 0
    for entry in entries:
        needed = len(json.dumps(entry.lines, ensure_ascii=False)) + _SECTION
        if page and size + needed > _PAGE:
            yield page
            page, size = [], 0
        page.append(entry)
        size += needed
    yield page


def _paragraphs(page: Sequence[_Entry]) -> Iterator[str]:
    """Groups joined, none of them torn: a section for each would be more than a message can have."""
    kept: list[str] = []
    size = 0
    for words in ("\n".join(entry.lines) for entry in page):
        if kept and size + len(words) + 1 > _PARAGRAPH:
            yield "\n".join(kept)
            kept, size = [], 0
        kept.append(words)
        size += len(words) + 1
    yield "\n".join(kept)
