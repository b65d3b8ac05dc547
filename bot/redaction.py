"""What is secret by its name or by its shape, wherever it stands in a text. The log hides it, and so does the demo's
page: whatever is added here is hidden in both.
"""

import re
from collections.abc import Iterable

NAMES = frozenset(
    {"access_token", "api-key", "api_key", "apikey", "app_token", "authorization", "bot_token", "client_secret"}
    | {"cookie", "password", "refresh_token", "response_url", "secret", "signing_secret", "ticket", "token"}
    | {"upload_url"}
)
HEADERS = frozenset({"authorization", "cookie"})  # their value goes on to the line's end
# People and tracebacks use these words, too: "ticket: 4711" is nobody's secret, "ticket=4711" may be.
WORDS = frozenset({"authorization", "cookie", "secret", "ticket", "token"})

_ANY, _PAIRED, _CERTAIN = ("|".join(sorted(names)) for names in (NAMES, NAMES - HEADERS, NAMES - WORDS))
_SCHEME = r"(?:(?:basic|bearer|digest|negotiate|token) +)?"
_BEGIN = r"(?<![A-Za-z0-9])"  # so that NSIGHT_API_KEY=… and X-Api-Key: … are found, too
_ESCAPED = rf"(?:{_BEGIN}|(?<=%26)|(?<=%3F)|(?<=%2526)|(?<=%253F))"
_NAMED = rf"{_BEGIN}(?:(?:{_ANY})(?:\\*[\"']\s*[:=]\s*)|(?:{_PAIRED})=|(?:{_CERTAIN})\s*[:=]\s*)"
# In each, ``before`` and ``after`` stay, and what is between them is masked.
RULES = tuple(
    re.compile(rule)
    for rule in (
        r"(?i)(?P<before>\bauthorization[:=] *digest +)[^\n]+",
        rf"(?i)(?P<before>\b(?:authorization|cookie)[:=] *\\*[\"']?{_SCHEME}[\"']?)[^\n\"\\]+",
        r"(?i)(?P<before>\bBearer\s+\\*[\"']?)[^\s\"\\]+",
        # A response_url, with which anybody can post, and an address for an upload.
        r"(?i)(?P<before>https?://(?:hooks\.slack\.com|files\.slack\.com/upload)/)[^\s\"'<>\\]*",
        r"(?i)\b(?:xox[a-z](?:\.xox[a-z])?|xapp)-[\w.-]+",  # Slack's tokens
        r"(?<![\w-])eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?",  # a JWT, as ESET's tokens are
        r"(?P<before>://)[^\s/@\"']+(?P<after>@)",  # user and password in an address
        # In quotes, as JSON, JSON within JSON and Python have them; what was cut off within a value ends there.
        rf"(?i)(?P<before>{_NAMED}(?P<end>\\*[\"']))(?P<value>.*?)(?:(?<!\\)(?P=end)|(?=\n)|\Z)",
        rf"(?i)(?P<before>{_NAMED})(?!\\*[\"'])(?P<value>[^&\s\"]+)",
        # In an address that is quoted, once or twice, to stand within another.
        rf"(?i)(?P<before>{_ESCAPED}(?:{_ANY})(?:%3D|%253D))(?:(?!%26|%2526)[^&\s\"])+",
    )
)
_PLACE = re.compile(r"https?://[^\s/@\"'\\]+/(?:[a-z]+/(?:v\d+/)?)?")


class Redaction:
    """Puts ``mask`` in the place of all that is ``known`` to be secret, as it is spelled, and of what RULES find."""

    def __init__(self, known: Iterable[str], mask: str) -> None:
        longest_first = sorted({secret for secret in known if secret}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
        self._mask = mask

    def text(self, text: str) -> str:
        if self._known is not None:  # whole, before a rule could take a part of it
            text = self._known.sub(lambda _: self._mask, text)
        for rule in RULES:
            text = rule.sub(self._masked, text)
        return text

    def _masked(self, match: re.Match[str]) -> str:
        found = match.groupdict(default="")
        before, after = found.get("before", ""), found.get("after", "") or found.get("end", "")
        return f"{before}{_place(before, found.get('value', ''))}{self._mask}{after}"


def is_secret(name: str) -> bool:
    """Whether what goes by this name is never shown."""
    return name.lower() in NAMES


def _place(before: str, value: str) -> str:
    """Of an address that is a credential itself, the part that only says where it leads."""
    found = _PLACE.match(value) if "_url" in before.lower() else None
    return found[0] if found else ""
