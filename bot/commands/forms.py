"""How each sub-command is typed, and the sentence for one that was not typed so.

What the examples name is there in the demo, so whoever tries them there sees an answer.
"""

from typing import NamedTuple

from bot.errors import Refused
from bot.markup import code


class Form(NamedTuple):
    """``usage`` as in the contract, ``example`` as a person would type it, ``does`` in a few words."""

    usage: str
    example: str
    does: str


FORMS = {
    "recent": Form(
        "/patches recent [failed|ok|all] [app:NAME] [status:NAME] [since:7d]",
        '/patches recent all app:"Adobe Acrobat Reader" since:24h',
        "what ESET patched lately, what failed and why",
    ),
    "retry": Form(
        "/patches retry DEVICE IDS [reason…]",
        "/patches retry SRV-DC01 4,5 disk is free again",
        "ask for a retry of failed patches on one device; somebody else approves it",
    ),
    "device": Form("/patches device DEVICE", "/patches device WH-PC-01", "a device's patches, failed ones first"),
    "devices": Form("/patches devices TEXT", "/patches devices contoso srv", "find devices by parts of their names"),
    "pending": Form(
        "/patches pending", "/patches pending", "retry requests that wait for an approver or their maintenance window"
    ),
    "history": Form("/patches history [DEVICE]", "/patches history SRV-DC01", "past retry requests and how they ended"),
    "digest": Form(
        "/patches digest list|now|add|remove|pause|resume [NAME …]",
        "/patches digest now daily",
        "the digests and when each comes next; post one now; subscribe this channel to one",
    ),
    "silence": Form(
        "/patches silence APP 7d [status:NAME] [client:…] [version:…] [reason…]",
        '/patches silence "Adobe Acrobat Reader" 7d client:Contoso* new installer on Friday',
        "keep an application out of digests for a while",
    ),
    "silences": Form(
        "/patches silences", "/patches silences", "what is kept out of digests, by whom, why and until when"
    ),
    "unsilence": Form("/patches unsilence ID", "/patches unsilence 1", "end a silence before its time"),
    "notify": Form(
        "/patches notify [on|off]",
        "/patches notify off",
        "whether the bot tells you directly what became of your own requests",
    ),
    "status": Form("/patches status", "/patches status", "state of Slack, ESET and N-sight, last digest, version"),
    "help": Form("/patches help [COMMAND]", "/patches help retry", "this list, or more about one command"),
}


def wrong(what: str, command: str) -> Refused:
    """``what`` was not understood (safe mrkdwn, a whole sentence), then the right form of ``command``."""
    form = FORMS[command]
    example = f", for example {code(form.example)}" if form.example != form.usage else ""
    return Refused(f"{what} Nothing was done. The form is {code(form.usage)}{example}.")


def meant(word: str) -> str:
    """A question that offers ``word``, with a leading space; empty when there is none to offer."""
    return f" Did you mean {code(word)}?" if word else ""
