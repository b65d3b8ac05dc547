"""``/patches silence``, ``silences`` and ``unsilence``, and the form behind a digest's Silence… button."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import structlog

from bot import commands
from bot.blocks import silences as words
from bot.blocks.silences import CALLBACK, About, Part
from bot.commands import SilenceApplication
from bot.errors import Refused, TrailUnwritableError
from bot.flows import rights
from bot.flows.forms import Press, View, show
from bot.flows.services import Services
from bot.markup import blank
from bot.model import Message, Posted, Silence
from bot.store import JSON, Entry, Note, SilencePage, Turn
from bot.terms import covers, literal

__all__ = [
    "CALLBACK",
    "end",
    "end_listed",
    "listed",
    "make",
    "offered",
    "open_form",
    "recall",
    "submit",
    "turn",
    "wished",
]

log = structlog.get_logger()

LIST, FORM = "silences", "silence form"  # kinds of tokens
PATIENCE = 0.5  # seconds that a list waits for the database to keep it; it is shown without that too
TOO_OLD = "This form is too old. `/patches silence APP 7d` does the same. Nothing was done."


# ---------------------------------------------------------------- made and ended


async def make(services: Services, wish: SilenceApplication, who: str) -> Message:
    """Raises Refused when ``who`` may not, or a name fits nothing that is known but is like something that is; and
    TrailUnwritableError."""
    await rights.demand_silence(services, who)
    doubts = await _doubts(services, wish)
    made, instead = await _make(services, wish, who)
    return words.made(made, instead, doubts)


async def _doubts(services: Services, wish: SilenceApplication) -> tuple[str, ...]:
    """What may have been mistyped. Raises Refused when a name surely was."""
    applications = await services.store.applications()
    clients = [client.name for client in await services.store.clients()]
    of_application = await asyncio.to_thread(commands.doubt, "application", wish.application, applications)
    of_client = await asyncio.to_thread(commands.doubt, "client", wish.client, clients)
    meant = [one for one in applications if covers(wish.application, one)] if wish.reason or wish.version else []
    never = commands.unseen(wish, await services.store.failed_with(meant)) if meant else ""
    return of_application, of_client, never


async def _make(
    services: Services, wish: SilenceApplication, who: str, origin: Posted | None = None, key: str = ""
) -> tuple[Silence, tuple[Silence, ...]]:
    """``origin``: the message in whose thread it is told, once for each ``key``."""
    now = services.now()
    silence = Silence(
        0, wish.application, now + wish.length, who, now, wish.reason, wish.client, wish.version, wish.why
    )
    facts = {name: value for name, value in asdict(wish).items() if value and name != "length"}
    entry = Entry(now, who, "silence.make", "", {**facts, "until": silence.until.isoformat()})
    notes = [Note(f"silence:{key}", 0, origin.channel, words.told(silence), origin.ts)] if origin else []
    made, instead = await services.store.make_silence(silence, entry, notes)
    log.info("silence.made", silence=made.id, who=who, until=made.until.isoformat())
    return made, instead


async def end(services: Services, silence_id: int, who: str) -> Message:
    """By command. Raises Refused, TrailUnwritableError."""
    return words.ended(await _end(services, silence_id, who))


async def end_listed(services: Services, silence_id: int, who: str) -> Message:
    """By a button; the list as it is then. Raises Refused, TrailUnwritableError."""
    silence = await _end(services, silence_id, who)
    return await _first(services, silence)


async def _end(services: Services, silence_id: int, who: str) -> Silence:
    await rights.demand_silence(services, who)
    found = await services.store.silence(silence_id)
    if found is None:
        raise Refused(f"There is no silence #{silence_id}; `/patches silences` lists them. Nothing was done.")
    entry = Entry(services.now(), who, "silence.end", "", {"application": found.application})
    if not await services.store.end_silence(silence_id, entry):
        found = await services.store.silence(silence_id) or found
        raise Refused(f"{words.over(found)} Nothing was done.")
    return found


# ---------------------------------------------------------------- listed


async def listed(services: Services) -> Message:
    return await _first(services)


async def turn(services: Services, token: str, *, forward: bool) -> Message:
    """The page behind or before the one that is shown. Raises Refused when the list is no longer kept."""
    kept = await services.store.recall(LIST, token)
    if kept is None:
        raise Refused(words.GONE)
    page = await _read(services, Turn(kept["last" if forward else "first"], forward))
    with contextlib.suppress(TrailUnwritableError):  # the page is shown; only the next press will not know of it
        await services.store.replace(LIST, token, _ends(page) or kept, patience=PATIENCE)
    return words.listed(Part(page.rows, page.ahead, page.total, token))


async def _first(services: Services, just_ended: Silence | None = None) -> Message:
    page = await _read(services, Turn())
    token = ""
    if page.total > len(page.rows):
        with contextlib.suppress(TrailUnwritableError):
            token = await services.store.remember(LIST, _ends(page), services.now(), patience=PATIENCE)
    return words.listed(Part(page.rows, page.ahead, page.total, token), just_ended)


async def _read(services: Services, where: Turn) -> SilencePage:
    return await services.store.silences(services.now(), words.ROWS, where)


def _ends(page: SilencePage) -> dict[str, JSON]:
    return {"first": page.rows[0].id, "last": page.rows[-1].id} if page.rows else {}


# ---------------------------------------------------------------- the form


@dataclass(frozen=True, slots=True)
class Form:
    """``channel``: where its button was pressed, ``origin``: the digest that has the button, None when private."""

    channel: str
    origin: Posted | None
    about: About


async def open_form(services: Services, group: Mapping[str, Any] | None, press: Press) -> None:
    """``group``: what the digest's button remembers. What it shows names clients: only those who may get to see it.

    Raises Refused, UpstreamError(SLACK).
    """
    if group is None:
        raise Refused("This digest is too old for its button. `/patches silence APP 7d` does the same.")

    async def build() -> View:
        await rights.demand_silence(services, press.who)
        about = offered(group)
        origin = [press.message.channel, press.message.ts] if press.message else None
        kept: JSON = {"channel": press.channel, "origin": origin, "about": asdict(about)}
        return words.form(about, await services.store.remember(FORM, kept, services.now()))

    await show(services, press, words.waiting(), build)


def offered(group: Mapping[str, Any]) -> About:
    """What the form offers to silence; what the digest's plan is about is chosen as it opens. Pure."""
    scope = group.get("scope") or {}
    only, by = tuple(scope.get("clients", ())), scope.get("by", "")
    reasons, names = tuple(group.get("reasons", ())), tuple(group.get("clients", ()))
    by_reason, by_client = scope.get("by_reason", {}), scope.get("by_client", {})
    alone = tuple(map(literal, names))
    clients = alone if len(alone) == 1 else tuple(dict.fromkeys((*only, *alone)))
    return About(
        str(group["application"]),
        str(group.get("developer", "")),
        str(group.get("to_version", "")),
        reasons,
        clients,
        reason=reasons[0] if len(reasons) == 1 and (scope.get("reasons") or by == "reason") else "",
        client=_meant(alone, only, narrowed=bool(only) or by == "client"),
        failures=scope.get("count", 0),
        by_reason=tuple(by_reason.get(one, 0) for one in reasons),
        by_client=tuple(_covered(one, by_client) for one in clients),
    )


def _meant(alone: Sequence[str], only: Sequence[str], *, narrowed: bool) -> str | None:
    """The group's one client, else the plan's one pattern; of several the person has to choose."""
    if not narrowed:
        return ""
    found = alone if len(alone) == 1 else only
    return found[0] if len(found) == 1 else None if found else ""


def _covered(pattern: str, counts: Mapping[str, int]) -> int:
    return sum(count for client, count in counts.items() if client and covers(pattern, client))


async def recall(services: Services, token: str) -> Form | None:
    """None when it is forgotten."""
    kept = await services.store.recall(FORM, token)
    if kept is None:
        return None
    about: dict[str, Any] = {key: tuple(one) if isinstance(one, list) else one for key, one in kept["about"].items()}
    origin = Posted(*kept["origin"]) if kept["origin"] else None
    return Form(str(kept["channel"]), origin, About(**about))


async def submit(services: Services, token: str, values: Mapping[str, Any], who: str) -> Message:
    """Raises Refused, TrailUnwritableError."""
    await rights.demand_silence(services, who)
    form = await recall(services, token)
    if form is None:
        raise Refused(TOO_OLD)
    wish = wished(form.about, values)
    return words.made(*await _make(services, wish, who, form.origin, token))


def wished(about: About, values: Mapping[str, Any]) -> SilenceApplication:
    """What a submitted form asks for. Raises Refused for values that the form never offered. Pure."""
    length = str(values.get("length", ""))
    if length not in words.LENGTHS:
        raise Refused(TOO_OLD)
    why = str(values.get("why") or "")
    return SilenceApplication(
        literal(about.application),
        _length(length),
        reason=_chosen(about.reasons, values.get("reason")),
        client=_chosen(about.clients, values.get("client")),
        version=_chosen((about.version,) if about.version else (), values.get("version")),
        why="" if blank(why) else why.strip(),
    )


def _length(text: str) -> timedelta:
    return timedelta(**{{"h": "hours", "d": "days"}[text[-1]]: int(text[:-1])})


def _chosen(offered: Sequence[str], value: Any) -> str:
    """Empty for any. What somebody meant to narrow must not become wider."""
    if value == words.ANY or not (value or offered):
        return ""
    index = int(value) if str(value).isdecimal() else len(offered)
    if index >= len(offered):
        raise Refused(TOO_OLD)
    return offered[index]
