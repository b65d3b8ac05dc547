"""N-sight's answers: bytes in, values out. Pure; what cannot be read raises UpstreamError(Service.NSIGHT, …).

Kinds: CREDENTIALS and REFUSED for a well-formed "no" (``words`` are N-sight's, not yet redacted), BLOCKED for HTML,
BROKEN for everything else that is not a whole answer. Shapes: N-able's Data Extraction API, one page per service.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from xml.etree.ElementTree import Element, TreeBuilder  # what is built; parsing is defusedxml's

from defusedxml.ElementTree import DefusedXMLParser, ParseError

from bot.errors import Kind, Service, UpstreamError, new_reference
from bot.model import CallVerdict, Client, Device, DeviceKind, Patch, PatchStatus, RetryAnswer


class _HasId(Protocol):
    @property
    def id(self) -> int: ...


T = TypeVar("T")
Row = TypeVar("Row", bound=_HasId)


@dataclass(frozen=True, slots=True)
class Rows(Generic[T]):
    """A listing. ``skipped``: rows without a usable id, or with one that an earlier row has."""

    items: list[T]
    skipped: int = 0


# ---------------------------------------------------------------- the four answers


def parse_clients(body: bytes) -> Rows[Client]:
    """``list_clients``: ``result/items/client``. An unreadable count is 1, so that a sweep asks and finds out."""
    return _rows(_client(_fields(row)) for row in _items(body).findall("client"))


def parse_devices(body: bytes, client_id: int) -> Rows[Device]:
    """``list_devices_at_client``: devices nested in sites in clients; other kinds of device are left out.

    ``client_id`` is what was asked for; it stands in where the answer does not repeat it.
    """
    return _rows(
        _device(_fields(row), DeviceKind(row.tag), site, client, client_id)
        for client in _items(body).findall("client")
        for site in client.findall("site")
        for row in site
        if row.tag in KINDS
    )


def parse_patches(body: bytes) -> Rows[Patch]:
    """``patch_list_all``: its root is ``patches``, only a failure comes in a ``result``."""
    return _rows(_patch(_fields(row)) for row in _checked(body, "patches").findall("patch"))


def parse_retry(body: bytes, sent: frozenset[int]) -> RetryAnswer:
    """``patch_retry``: ACCEPTED, or REFUSED with N-sight's words. ``msg`` may be empty or missing (vendor page).

    Ids that were not ``sent`` are never reported; ids named in both lists are unaccounted, like those in neither.
    """
    try:
        root = _checked(body, "result")
    except UpstreamError as error:
        if error.kind not in {Kind.REFUSED, Kind.CREDENTIALS}:
            raise
        return RetryAnswer(CallVerdict.REFUSED, words=error.words)
    words = shown(" ".join(msg.text or "" for msg in root.findall("msg")))
    retried, already = (ids & sent for ids in _listed(words))
    retried, already = retried - already, already - retried
    return RetryAnswer(CallVerdict.ACCEPTED, retried, already, sent - retried - already, words)


# ---------------------------------------------------------------- rows

KINDS = frozenset(DeviceKind)


def _rows(found: Iterable[Row | None]) -> Rows[Row]:
    items: dict[int, Row] = {}
    total = 0
    for row in found:
        total += 1
        if row is not None:
            items.setdefault(row.id, row)
    return Rows(list(items.values()), total - len(items))


def _client(row: dict[str, str]) -> Client | None:
    number = usable_id(row.get("clientid", ""))
    if number is None:
        return None
    name = shown(row.get("name", "")) or "(client without a name)"
    return Client(number, name, _count(row, "server_count"), _count(row, "workstation_count"))


def _device(row: dict[str, str], kind: DeviceKind, site: Element, client: Element, asked: int) -> Device | None:
    number = usable_id(row.get("id", ""))
    if number is None:
        return None
    return Device(
        id=number,
        name=shown(row.get("name", "")) or "(device without a name)",
        kind=kind,
        client_id=usable_id(client.findtext("id", "")) or asked,
        client=shown(client.findtext("name", "")) or "(client without a name)",
        site=shown(site.findtext("name", "")),
        patching=row.get("patch", "").strip() in {"1", ""},
    )


def _patch(row: dict[str, str]) -> Patch | None:
    number = usable_id(row.get("patchid", ""))
    if number is None:
        return None
    status = _number(row.get("status", "")) or 0
    product = shown(row.get("product", ""))
    return Patch(
        id=number,
        title=shown(row.get("patchtitle", "")) or product or "(patch without a title)",
        status=status,
        label=shown(row.get("statuslabel", "")) or status_label(status),
        product=product,
        severity=shown(row.get("severitylabel") or row.get("severity", "")),
        policy=shown(row.get("policylabel") or row.get("policy", "")),
        released=shown(row.get("releasedatetext") or row.get("releasedate", "")),
        installed=shown(row.get("installdatetext") or row.get("installdate", "")),
    )


def status_label(status: int) -> str:
    """Words for a status number whose label N-sight left out: "Failed, Reboot required", "unknown state 128"."""
    known = [bit.name.replace("_", " ").capitalize() for bit in PatchStatus if status & bit and bit.name]
    return ", ".join(known) or f"unknown state {status}"


def usable_id(text: str) -> int | None:
    """An id is a positive number that fits into a database."""
    return _number(text) or None


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def _count(row: dict[str, str], name: str) -> int:
    number = _number(row.get(name, ""))
    return 1 if number is None else number


def _fields(row: Element) -> dict[str, str]:
    """The spelling of some names is not documented (installDateText, installdatetext): they are read in lower case."""
    return {field.tag.lower(): field.text or "" for field in row}


# ---------------------------------------------------------------- text

# Windows-1252 punctuation in what is declared ISO-8859-1 arrives as invisible C1 characters.
C1 = {code: bytes([code]).decode("cp1252", "ignore") for code in range(0x80, 0xA0)} | {0x7F: ""}


def shown(text: str) -> str:
    """Text as people should see it: one line, C1 characters read as Windows-1252. Neither escaped nor cut."""
    return " ".join((text if text.isascii() else text.translate(C1)).split())


LABEL = re.compile(r"(?P<retried>re(?:try|process)ing patch(?:es)?) ?:|patch(?:es)? already applied ?:", re.IGNORECASE)
# Possessive throughout: linear even on a hostile text. Digits that run on into a word spoil the list.
COMMA_LIST = re.compile(r"[\s,]*+([0-9]{1,18}+(?:\s*+,[\s,]*+[0-9]{1,18}+)*+)(?!\w)")


def _listed(words: str) -> tuple[frozenset[int], frozenset[int]]:
    """The ids behind ``Retrying patches:`` and behind ``Patches already applied:``, in either order.

    A word before a label may turn its meaning ("Not retrying patches: 4"), so such a label counts for nothing.
    """
    retried: set[int] = set()
    already: set[int] = set()
    labels = list(LABEL.finditer(words))
    borders = [*(label.start() for label in labels), len(words)]
    for label, end in zip(labels, borders[1:], strict=True):
        listing = COMMA_LIST.match(words[label.end() : end])
        before = words[max(0, label.start() - 2) : label.start()].rstrip()
        if listing and not before[-1:].isalpha():
            ids = map(int, re.findall(r"[0-9]+", listing[1]))
            (retried if label["retried"] else already).update(ids)
    return frozenset(retried), frozenset(already)


# ---------------------------------------------------------------- envelope


def _items(body: bytes) -> Element:
    """``result/items``. A result with nothing in it is an empty listing; one with other content is not a listing."""
    root = _checked(body, "result")
    items = root.find("items")
    if items is None and len(root):
        raise _error(Kind.BROKEN, "a result without items")
    return root if items is None else items


def _checked(body: bytes, expected: str) -> Element:
    """The root, when it is ``expected`` and reports no failure.

    A failure says status FAIL, or has an ``error`` child whatever the status says (page "Add site" shows one without).
    """
    root = tree(body)
    if root.tag not in {"result", expected}:
        html = root.tag.rpartition("}")[2].lower() == "html"
        raise _error(Kind.BLOCKED, "HTML") if html else _error(Kind.BROKEN, "an unexpected kind of XML")
    error, status = root.find("error"), root.get("status", "OK").strip().upper()
    if error is not None or status == "FAIL":
        raise _refusal(error)
    if status != "OK" or root.tag != expected:
        raise _error(Kind.BROKEN, "an unexpected kind of result")
    return root


def _refusal(error: Element | None) -> UpstreamError:
    """``errorcode`` may be missing or no number. 3 is a failed login, which a wrong territory causes as well."""
    code = words = ""
    if error is not None:
        code = shown(error.findtext("errorcode", ""))[:20]
        words = shown(error.findtext("message", "")) or shown(error.text or "")
    words = words or "no reason given"
    if code == "3" or "invalid api key" in words.lower():
        return _error(Kind.CREDENTIALS, f"{words} (a wrong territory looks like a wrong key: check both)", code)
    return _error(Kind.REFUSED, words, code)


# ---------------------------------------------------------------- bytes

CONTROLS = re.compile(
    rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[0-8bcef]|1[0-9a-f]));", re.IGNORECASE
)
DECLARED = re.compile(rb"\s*<\?xml[^>]{0,200}?\sencoding\s*=")
HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?><!--.*?-->\s*)*+<(?:!doctype\s+html|html|head|body|title)\b",
    re.IGNORECASE | re.DOTALL,
)


def tree(body: bytes) -> Element:
    """The element tree, mended once: control characters go, and undeclared bytes that are no UTF-8 are Windows-1252.

    DTDs and entities are refused. Raises UpstreamError BLOCKED (HTML) or BROKEN (torn, empty, unknown encoding).
    """
    try:
        return _element(body)
    except ParseError:
        pass
    except (LookupError, ValueError) as error:  # unknown or multi-byte encodings; defusedxml's own refusals
        raise _unreadable(body, type(error).__name__) from None
    try:
        return _element(_mended(body))
    except (ParseError, LookupError, ValueError) as error:
        raise _unreadable(body, str(error) if isinstance(error, ParseError) else type(error).__name__) from None


class _Parser(DefusedXMLParser):
    """Hands expat's events straight to the builder in C: a third faster than by way of the parser's own methods.

    The tag of a namespaced element is then ``uri}name``; N-sight uses no namespaces.
    """

    def __init__(self) -> None:
        builder = TreeBuilder()
        super().__init__(target=builder, forbid_dtd=True)
        self.parser.ordered_attributes = False
        self.parser.StartElementHandler, self.parser.EndElementHandler = builder.start, builder.end


def _element(body: bytes) -> Element:
    parser = _Parser()
    parser.feed(body)
    root: Element = parser.close()
    return root


def _mended(body: bytes) -> bytes:
    clean = CONTROLS.sub(b"", body).strip()
    if DECLARED.match(clean) or _is_utf8(clean):
        return clean
    return clean.decode("latin-1").encode()  # never fails, and ``shown`` makes Windows-1252 of it


def _is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unreadable(body: bytes, what: str) -> UpstreamError:
    if HTML.match(body[:4096]):
        return _error(Kind.BLOCKED, "HTML instead of XML")
    return _error(Kind.BROKEN, f"no whole XML ({what})")


def _error(kind: Kind, words: str, code: str = "") -> UpstreamError:
    return UpstreamError(Service.NSIGHT, kind, reference=new_reference(), code=code, words=words)
