"""What questions to Slack have in common: can it be asked at all, and what a refusal means."""

from dataclasses import dataclass

from bot.errors import UpstreamError
from bot.flows.check.findings import Finding, advice, bad, note, told
from bot.people import People


@dataclass(frozen=True, slots=True)
class Asking:
    """``trouble``: why Slack cannot be asked at all, empty when it can. ``missing``: scopes that another finding
    already says are missing."""

    people: People
    trouble: str
    missing: frozenset[str]

    def failed(self, name: str, error: UpstreamError) -> Finding:
        """A call that Slack refused or did not answer."""
        if error.code != "missing_scope":
            return bad(name, told(error), advice(error))
        scopes = {scope.strip() for scope in error.words.split(",")} - {""}
        if scopes & self.missing:
            return note(name, f"not known without the scope {', '.join(sorted(scopes & self.missing))}")
        needed = " or ".join(sorted(scopes)) or "needed for it"
        return bad(name, f"cannot be asked: the scope {needed} is missing", "Add the scope and reinstall the app.")
