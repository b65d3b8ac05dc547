"""A Slack message drawn for a terminal: who, where, what it says, and the buttons under it."""

import re
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.text import Text

from bot.demo.slack import Shown, words
from bot.demo.slack.model import View
from bot.demo.slack.shapes import Json

_MARKED = re.compile(
    r"(?<![\w*])\*(?P<bold>\S(?:[^*\n]*\S)?)\*(?![\w*])"
    r"|`(?P<code>[^`\n]+)`"
    r"|(?<![\w_])_(?P<italic>\S(?:[^_\n]*\S)?)_(?![\w_])"
    r"|<(?P<token>[^<>]*)>"
)
MOST, HEAD, TAIL = 12, 6, 2  # blocks; of a longer message the first and the last are drawn
_STYLES = {"bold": "bold", "code": "cyan", "italic": "italic"}


def message(shown: Shown) -> Panel:
    """A message in its frame; the title says who posted where, and who alone sees it."""
    where = shown.naming(shown.channel)
    place = ", direct message" if where == "directmessage" else f" in #{where}"
    private = f" · only visible to {shown.naming(shown.ephemeral_to)}" if shown.ephemeral_to else ""
    edited = " · edited" if shown.edits else ""
    said = [{"type": "section", "text": {"type": "mrkdwn", "text": shown.text}}] if shown.text else []
    title = Text(f"{who(shown)}{place}{private}{edited}")
    return Panel(
        Group(*_drawn(shown.blocks or said, shown.naming), *_files(shown)),
        title=title,
        title_align="left",
        border_style=_frame(shown),
        padding=(0, 1),
    )


def _files(shown: Shown) -> Iterator[Text]:
    for file in shown.files:
        yield Text.assemble("📎 ", (file.title, "bold"), f"  {file.name}")
        if file.alt:
            yield Text(f"   {file.alt}", style="dim")


def form(view: View) -> Panel:
    """A modal as it is filled in, the options that are ticked among those that are not."""
    drawn = [line for block in view.blocks for line in _field(block, view)]
    ends = [f"[{view.source[name]['text']}]" for name in ("submit", "close") if name in view.source]
    body = Group(*drawn, Text("  ".join(ends), style="bold cyan"))
    title = Text(f"{view.title} · seen by {view.naming(view.user)}")
    return Panel(body, title=title, title_align="left", border_style="magenta", padding=(0, 1))


def _field(block: Json, view: View) -> Iterator[Text]:
    if block["type"] != "input":
        yield from _block(block, view.naming)
        return
    yield Text(block["label"]["text"], style="bold")
    element, ticked = block["element"], view.chosen(block["block_id"])
    for option in element.get("options", [])[:MOST]:
        mark = "x" if option["value"] in ticked else " "
        line = Text.assemble(f"  [{mark}] ", option["text"]["text"])
        if "description" in option:
            line.append(f"  {option['description']['text']}", style="dim")
        yield line
    if not element.get("options"):
        yield Text(f"  {element.get('placeholder', {}).get('text', '…')}", style="dim")


def who(shown: Shown) -> str:
    return "Patches" if shown.naming(shown.user) == "patches" else shown.naming(shown.user)


def typed(person: str, channel: str, text: str) -> RenderableType:
    """What a person types."""
    line = Text.assemble((f"{person} in #{channel}", "bold"), "  ", (text, "bold cyan"))
    return Padding(line, (0, 0, 0, 2))


def pressed(person: str, button: str, reason: str = "") -> RenderableType:
    """What a person presses, and what they type into the form that opens."""
    line = Text.assemble((person, "bold"), " presses ", (f"[{button}]", "bold cyan"))
    if reason:
        line.append_text(Text.assemble(" and gives the reason ", (reason, "bold cyan")))
    return Padding(line, (0, 0, 0, 2))


def _frame(shown: Shown) -> str:
    return "dim" if shown.ephemeral_to else "blue"


def _drawn(blocks: list[Json], naming: words.Naming) -> Iterator[Text]:
    folded = len(blocks) - HEAD - TAIL if len(blocks) > MOST else 0
    for number, block in enumerate(blocks):
        if number == HEAD and folded:
            yield Text("⋮  and so on", style="dim")
        if not folded or number < HEAD or number >= HEAD + folded:
            yield from _block(block, naming)


def _block(block: Json, naming: words.Naming) -> Iterator[Text]:
    match block["type"]:
        case "header":
            yield Text(block["text"]["text"], style="bold")
        case "context":
            for element in block["elements"]:
                yield marked(element["text"], naming, "dim")
        case "actions":
            yield Text("  ").join(_control(element) for element in block["elements"])
        case "section" if "text" in block:
            yield marked(block["text"]["text"], naming)
            if accessory := block.get("accessory"):
                yield _control(accessory)
        case _:
            yield Text("\n".join(words.lines([block], naming)))


def _control(element: Json) -> Text:
    if element["type"] == "button":
        colour = {"primary": "green", "danger": "red"}.get(element.get("style", ""), "cyan")
        return Text(f"[{words.button_text(element)}]", style=f"bold {colour}")
    chosen = element.get("initial_option") or {"text": element.get("placeholder") or {"text": "…"}}
    return Text(f"[{chosen['text']['text']} ▾]", style="bold cyan")


def marked(mrkdwn: str, naming: words.Naming, style: str = "") -> Text:
    """Slack's markup as styled text; tokens as `words.plain` reads them (times: in UTC)."""
    drawn, at = Text(style=style), 0
    for match in _MARKED.finditer(mrkdwn):
        drawn.append(words.plain(mrkdwn[at : match.start()], naming))
        at = match.end()
        kind = match.lastgroup or ""
        inside = match[0] if kind == "token" else match[kind]
        mention = match[0][1:2] in ("@", "#") or match[0].startswith("<!subteam")
        drawn.append(words.plain(inside, naming), style="bold yellow" if mention else _STYLES.get(kind, ""))
    drawn.append(words.plain(mrkdwn[at:], naming))
    return drawn
