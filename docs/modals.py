"""Makes docs/modals.md: every form that the bot opens, as text, from the code that builds it.

From the repository's root: ``python docs/modals.py``
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.blocks import device_form, modals, patch_form
from bot.blocks.device_form import Question, Unclear
from bot.blocks.devices import Inventory
from bot.blocks.patch_form import Limits, Offer
from bot.demo.slack import words
from bot.matching import products
from bot.matching.products import Match, Wanted
from bot.model import Device, DeviceKind, Patch, RequestedPatch, RetryRequest, State, Terms

TARGET = Path(__file__).with_name("modals.md")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "kept-in-the-database"  # noqa: S105 what private_metadata carries

INTRODUCTION = """\
# The forms

Written by `python docs/modals.py` from `bot/blocks`, which is also what Slack gets; do not edit it by hand. `[x]` is
ticked beforehand, `(…)` after an option is its description, `[…]` below is what can be pressed.

From a failure to a request it takes two steps in one modal: on which devices, then which of their failed patches. Both
open at once with a line that says what is waited for (Slack lets a form open within three seconds only), and whatever
goes wrong is told in the form. Only patches that are surely meant, and in no open request, are ticked; nothing is asked
for before a person has looked and pressed *Request*; nothing is sent before somebody else approves.
"""


def page() -> str:
    """The whole document."""
    return "\n".join([INTRODUCTION, *(_shown(title, said, view) for title, said, view in _forms())])


def _forms() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(heading, what it is for, view)"""
    yield (
        "Which devices?",
        "*Retry…* in a digest, or beside a failed row of `/patches recent` (there, the row's own device is ticked).",
        device_form.view(_question(), "digest.retry", TOKEN),
    )
    yield (
        "Which devices, when ESET does not tell",
        "Without the permission, one line says what brings it, and devices are typed.",
        device_form.view(
            Question(10, Inventory(NOW, 4), CHROME, failures=7, untold=7, missing=MISSING), "digest.retry", TOKEN
        ),
    )
    yield (
        "Which devices, before all of them are known",
        "Only of a complete inventory can be said that a device is missing. Here N-sight refused to list a client.",
        device_form.view(
            Question(10, Inventory(NOW, 60, unlisted=("Contoso Ltd",)), CHROME, failures=1, absent=("SRV-DC01",)),
            "digest.retry",
            TOKEN,
        ),
    )
    yield (
        "Which devices, from nothing",
        "*Choose devices…* under the answer to `/patches retry` without anything behind it.",
        device_form.view(Question(10, Inventory(NOW, 4)), "device.pick", TOKEN),
    )
    yield "While N-sight is asked", "In the same modal, after *Next*.", patch_form.waiting(4)
    yield (
        "Which patches?",
        "The second step. What a request is about already is not ticked; a device without an answer leaves the others.",
        patch_form.view(_offers(), TOKEN, Limits(50, reason_required=True), about=CHROME),
    )
    yield (
        "Which patches, on one device",
        "*Retry…* under `/patches device NAME`: nothing is ticked, since nobody has said yet what is meant.",
        patch_form.view([_plain_offer()], TOKEN, Limits(50)),
    )
    yield (
        "When there is nothing to choose",
        "Each device with its reason.",
        modals.failed(patch_form.nothing(_offers()[3:], CHROME)),
    )
    asked = [_request()]
    yield "Approve", 'Only where `reason = "required"` holds; else the button itself approves.', modals.approve(asked)
    yield "Deny", "The reason is required where `deny_reason` says so.", modals.deny(asked, required=False)


# ---------------------------------------------------------------- samples

CHROME = Wanted("Google Chrome", "Google LLC", "133.0.6943.142", "134.0.6998.89")
MISSING = (
    "Which device an attempt happened on is kept from the bot's account: the permission “Patch Management: Read” in "
    "its ESET permission set brings it."
)


def _device(number: int, name: str, client: str, site: str, kind: DeviceKind = DeviceKind.WORKSTATION) -> Device:
    return Device(number, name, kind, 301, client, site)


DC = _device(1001, "SRV-DC01", "Contoso Ltd", "Head Office", DeviceKind.SERVER)
SQL = _device(1003, "SRV-SQL01", "Contoso Ltd", "Head Office", DeviceKind.SERVER)
WAREHOUSE = _device(1015, "WH-PC-01", "Contoso Ltd", "Warehouse Hamburg")
TILL = _device(1031, "KASSE-DOM-01", "Bäckerei Müller & Söhne", "Filialen Dom & Hohe Straße")
LAPTOP = _device(1029, "LAPTOP-MÜLLER", "Bäckerei Müller & Söhne", "Backstube Köln")
FILES = (
    _device(1004, "SRV-FILE01", "Contoso Ltd", "Head Office", DeviceKind.SERVER),
    _device(1023, "SRV-FILE01", "Bäckerei Müller & Söhne", "Backstube Köln", DeviceKind.SERVER),
)


def _request() -> RetryRequest:
    titles = ("Google Chrome 134.0.6998.89", "7-Zip (x64) 24.09")
    patches = tuple(RequestedPatch(number, title, "Failed", "Failed") for number, title in enumerate(titles, 4))
    return RetryRequest(7, State.PENDING, 1, DC, patches, "U0BOB", "out of date", "C0HELPDESK", NOW, Terms())


def _question() -> Question:
    return Question(
        most=10,
        inventory=Inventory(NOW, 60),
        about=CHROME,
        failures=7,
        devices=(LAPTOP, TILL, DC, WAREHOUSE),
        chosen=frozenset({1029, 1031, 1001, 1015}),
        unclear=(Unclear("SRV-FILE01", FILES, NOW - timedelta(hours=9)), Unclear("SRV-FILE01", FILES, NOW)),
        linked=(("KASSE1", TILL, "U0ANN"),),
        absent=("EMPFANG-ALT",),
        untold=1,
    )


def _offers() -> list[Offer]:
    failed = [
        Patch(4, "Google Chrome 134.0.6998.89", 16, "Failed", "Google Chrome", "Critical"),
        Patch(5, "7-Zip (x64) 24.09", 16, "Failed", "7-Zip (x64)", "Important"),
    ]
    older = [Patch(681922, "Google Chrome 133.0.6943.142", 16, "Failed", "Google Chrome", "Critical")]
    installed = Patch(682069, "Google Chrome 134.0.6998.89", 8, "Installed", "Google Chrome", "Critical")
    return [
        Offer(DC, products.matches(CHROME, failed)),
        Offer(SQL, products.matches(CHROME, failed[:1]), held={4: 12}),
        Offer(WAREHOUSE, products.matches(CHROME, older)),
        Offer(LAPTOP, by_now=installed),
        Offer(TILL, trouble="N-sight did not answer in time (reference `1f2e3d4c`)."),
    ]


def _plain_offer() -> Offer:
    patches = (match.patch for match in _offers()[0].matches)
    return Offer(DC, tuple(Match(patch, 0.0, sure=False) for patch in patches))


# ---------------------------------------------------------------- as text


def _shown(title: str, said: str, view: Mapping[str, Any]) -> str:
    named = f"`{view['callback_id']}`"
    inputs = [block["block_id"] for block in view["blocks"] if block["type"] == "input"]
    blocks = f", blocks {', '.join(f'`{name}`' for name in inputs)}" if inputs else ""
    lines = [line.rstrip() for block in view["blocks"] for line in _block(block)]
    ends = "  ".join(f"[{view[end]['text']}]" for end in ("close", "submit") if view.get(end))
    body = "\n".join([view["title"]["text"], "", *lines, ends])
    return f"## {title}\n\n{said} Callback {named}{blocks}.\n\n```text\n{body}\n```\n"


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    if block["type"] == "section":
        yield from words.plain(block["text"]["text"], _naming).splitlines()
    elif block["type"] == "context":
        yield from (f"· {words.plain(part['text'], _naming)}" for part in block["elements"])
        return
    else:
        yield block["label"]["text"] + (" (optional)" if block.get("optional") else "")
        yield from (f"  {line}" for line in _element(block["element"]))
        if "hint" in block:
            yield f"  {block['hint']['text']}"
    yield ""


def _element(element: Mapping[str, Any]) -> Iterator[str]:
    many = element["type"] == "multi_static_select"
    ticked = [option["value"] for option in element.get("initial_options", [])]
    for option in element.get("options", []):
        mark = ("[x]" if option["value"] in ticked else "[ ]") if many else "( )"
        more = f" ({option['description']['text']})" if "description" in option else ""
        yield f"{mark} {option['text']['text']}{more}"
    if "options" not in element:
        yield f"[{element['placeholder']['text'] if 'placeholder' in element else '…'}]"


def _naming(id_: str) -> str:
    return {"U0ANN": "ann"}.get(id_, id_)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
