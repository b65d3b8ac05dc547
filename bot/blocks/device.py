"""``/patches device``: one device's patches, failed ones first."""

from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import Block

from bot.blocks import devices, text
from bot.blocks.devices import Alias
from bot.model import Device, Message, Patch, PatchStatus

ROOM = 6500  # characters of patch lines in all; Slack refuses a message of some 13,000
_SECTION = 2600  # a section holds 3,000
_ALIASES = 5  # one device goes by one name in ESET; more than two are a mistake that somebody wants to undo
_FEW = 5  # lines of a state that needs nobody's hand

# What needs a hand comes first; a combination of bits belongs to the first that matches.
_ORDER = (
    (PatchStatus.FAILED, "❌ Failed", 60),
    (PatchStatus.REBOOT_REQUIRED, "🔄 Restart required", 15),
    (PatchStatus.QUEUED, "⏳ Queued", 15),
    (PatchStatus.PENDING, "🕒 Pending", 15),
    (PatchStatus.MISSING, "📦 Missing", 15),
    (PatchStatus.IGNORED, "➖ Ignored", _FEW),
    (PatchStatus.INSTALLED, "✅ Installed", _FEW),
)
_REST = ("❔ Other", 15)


def page(
    device: Device, patches: Sequence[Patch], *, token: str = "", known_as: Sequence[Alias] = (), console: str = ""
) -> Message:
    """A device's patches by state. ``token``: value of the button, shown when something failed. ``known_as``: what
    people said that ESET calls it. ``console``: links to the vendors' consoles, safe mrkdwn."""
    failed = sum(patch.failed for patch in patches)
    button = text.button("Retry…", "device.retry", token, "primary") if failed and token else None
    blocks: list[Block] = [
        text.header(f"Patches on {device.name}"),
        text.context(*filter(None, (_where(device), console))),
        text.section(_verdict(device, patches, failed), button),
        *(devices.known_as(alias, place) for place, alias in enumerate(known_as[:_ALIASES])),
    ]
    room = ROOM
    for title, most, members in _groups(patches):
        paragraph = _paragraph(title, members, min(room, _SECTION), most)
        room -= len(paragraph)
        blocks.append(text.section(paragraph))
    if failed:
        blocks.append(
            text.context(f"Or type {text.code(f'/patches retry {device.id} failed')}; somebody else approves it.")
        )
    counts = f"{text.plural(failed, 'failed patch', 'failed patches')} of {len(patches):,}"
    return text.message(f"{text.name(device.name)} ({text.name(device.client)}): {counts}", blocks)


def asking(device: str) -> Message:
    """Shown at once while N-sight is asked about the device that a person named."""
    words = f"Asking N-sight about {text.name(device)}…"
    return text.message(words, [text.section(f"⏳ {words}")])


def _where(device: Device) -> str:
    site = f", {text.name(device.site)}" if device.site else ""
    return f"{text.name(device.client)}{site} · {device.kind.value} · id `{device.id}`"


def _verdict(device: Device, patches: Sequence[Patch], failed: int) -> str:
    if not patches:
        off = "" if device.patching else " Patch Management is switched off for it in N-sight."
        return f"🔍 N-sight lists no patches for this device.{off}"
    if failed:
        return f"❌ *{text.plural(failed, 'failed patch', 'failed patches')}* of {len(patches):,} that N-sight lists."
    return f"✅ None of the {text.plural(len(patches), 'patch', 'patches')} that N-sight lists is Failed."


def _groups(patches: Iterable[Patch]) -> list[tuple[str, int, list[Patch]]]:
    """(title, most lines, patches) for each state there is, in order."""
    groups: dict[tuple[str, int], list[Patch]] = {(title, most): [] for _, title, most in _ORDER}
    groups[_REST] = []
    for patch in patches:
        matching = ((title, most) for bit, title, most in _ORDER if patch.status & bit)
        groups[next(matching, _REST)].append(patch)
    return [(title, most, members) for (title, most), members in groups.items() if members]


def _paragraph(title: str, patches: Sequence[Patch], room: int, most: int) -> str:
    """The count, then lines as far as ``room`` (characters) and ``most`` allow, then what is left."""
    lines = [f"*{title}: {len(patches):,}*"]
    size = len(lines[0])
    for patch in patches[:most]:
        line = _line(patch)
        size += len(line) + 1
        if size > room:
            break
        lines.append(line)
    if hidden := len(patches) - len(lines) + 1:
        lines.append(f"and {hidden:,} more")
    return "\n".join(lines)


def _line(patch: Patch) -> str:
    details = [
        text.patch_state(patch),
        f"severity {text.name(patch.severity, 30)}" if patch.severity else "",
        f"released {text.name(patch.released, 30)}" if patch.released else "",
        f"installed {text.name(patch.installed, 30)}" if patch.installed else "",
    ]
    title = text.name(patch.title, 110) or "(patch without a title)"
    return f"• `{patch.id}` {title} · {' · '.join(detail for detail in details if detail)}"
