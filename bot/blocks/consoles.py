"""Links to the vendors' own consoles, if the configuration names them."""

from bot.blocks import text
from bot.model import Device

PLACE = "{device}"


def nsight(address: str, device: Device) -> str:
    """A link to N-sight's dashboard, at the device where the address has ``{device}``; empty without an address."""
    return _link(address.replace(PLACE, str(device.id)), "N-sight")


def eset(address: str) -> str:
    """A link to ESET's console; empty without an address."""
    return _link(address, "ESET")


def line(*links: str) -> str:
    """``Open in N-sight · ESET``, safe mrkdwn; empty without any link."""
    there = [link for link in links if link]
    return f"Open in {' · '.join(there)}" if there else ""


def _link(address: str, words: str) -> str:
    """The configuration takes no address with characters that would end a link; ``&`` is the one to be escaped."""
    return f"<{text.escape(address)}|{words}>" if address else ""
