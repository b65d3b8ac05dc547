"""What nobody may see on the page: keys, tokens, passwords, and addresses that are credentials themselves."""

import re
from collections.abc import Iterable

HIDDEN = "•••"
_ADDRESS = re.compile(r"(/respond/|/link/\?|/upload/v1/)[^\s\"'<>\\]*")
_BEARER = re.compile(r"\bBearer [^\s\"\\]+")
_HEADER = re.compile(r'(?i)(\bauthorization\\*"?: *\\*"?(?:(?:basic|bearer|digest|negotiate|token) +)?)[^\n"\\]+')
_NAMES = "apikey|password|refresh_token|access_token|client_secret|token"
_PAIR = re.compile(rf'(?<![\w-])({_NAMES})=[^&\s"]*')
# The same in an address that is quoted, once or twice, to stand within another.
_QUOTED = re.compile(
    rf'(?i)(?:(?<![\w-])|(?<=%26)|(?<=%3F)|(?<=%2526)|(?<=%253F))({_NAMES})(%3D|%253D)(?:(?!%26|%2526)[^&\s"])*'
)
# In JSON, also in JSON that is a text within other JSON; what was cut off within a value ends there.
_MEMBER = re.compile(rf'(?s)(?P<slash>\\*)"({_NAMES})(?P=slash)": *(?P=slash)".*?(?:(?<!\\)(?P=slash)"|\Z)')


def masked(text: str, secrets: Iterable[str]) -> str:
    """``text`` without what is secret by its place, and without any of ``secrets`` wherever they stand."""
    text = _ADDRESS.sub(rf"\1{HIDDEN}", text)
    for secret in sorted(secrets, key=len, reverse=True):  # whole, before a pattern could take a part of it
        text = text.replace(secret, HIDDEN)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(f"Bearer {HIDDEN}", text)
    text = _PAIR.sub(rf"\1={HIDDEN}", text)
    text = _QUOTED.sub(rf"\1\2{HIDDEN}", text)
    return _MEMBER.sub(rf'\g<slash>"\2\g<slash>": \g<slash>"{HIDDEN}\g<slash>"', text)
