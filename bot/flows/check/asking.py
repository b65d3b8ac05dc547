"""What questions to Slack have in common: can it be asked at all, and what a refusal means."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot.errors import UpstreamError
from bot.flows.check.findings import Finding, advice, bad, note, told
from bot.model import Person
from bot.people import People, Room

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """``trouble``: why Slack cannot be asked at all, empty when it can. ``missing``: scopes that another finding
    already says are missing. Each id is asked for once, however often it is named; a refusal too is kept."""

    people: People
    trouble: str
    missing: frozenset[str]
    _answers: dict[str, Any] = field(default_factory=dict)

    async def person(self, who: str) -> Person:
        return await self._once(who, lambda: self.people.person(who))

    async def members(self, group: str) -> frozenset[str]:
        return await self._once(group, lambda: self.people.members(group))

    async def room(self, channel: str) -> Room:
        return await self._once(channel, lambda: self.people.room(channel))

    async def _once(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        if key not in self._answers:
            try:
                self._answers[key] = await ask()
            except UpstreamError as error:
                self._answers[key] = error
        answer = self._answers[key]
        if isinstance(answer, UpstreamError):
            raise answer
        found: T = answer
        return found

    def failed(self, name: str, error: UpstreamError) -> Finding:
        """A call that Slack refused or did not answer."""
        if error.code != "missing_scope":
            return bad(name, told(error), advice(error))
        scopes = {scope.strip() for scope in error.words.split(",")} - {""}
        if scopes & self.missing:
            return note(name, f"not known without the scope {', '.join(sorted(scopes & self.missing))}")
        needed = " or ".join(sorted(scopes)) or "needed for it"
        return bad(name, f"cannot be asked: the scope {needed} is missing", "Add the scope and reinstall the app.")
