"""What one line of the trace says: of a call on the wire, of an envelope to the bot. Pure."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from bot.demo.page import wire
from bot.demo.serving import Passage
from bot.demo.slack import FakeSlack
from bot.demo.slack.model import Envelope
from bot.demo.slack.response_urls import ResponseUrls
from bot.demo.slack.shapes import Json
from bot.demo.slack.workspace import Workspace
from bot.markup import cut

OPEN, WELL, ODD, WRONG, BROKEN = "open", "well", "odd", "wrong", "broken"
ID = 8  # characters of an id that tell it from others at a glance
QUERY = 60  # characters of a query, which may name a hundred devices
_FAIL = re.compile(rb'<result[^>]* status="FAIL".*?<message>(.*?)</message>', re.DOTALL)


@dataclass(frozen=True)
class Line:
    """``title``: what is asked; ``about``: where, or of what; ``outcome``: empty until there is one; ``mood``: one of
    OPEN, WELL, ODD (the bot has to deal with it), WRONG, and BROKEN (the bot broke a rule of the service's)."""

    title: str
    about: str = ""
    outcome: str = ""
    mood: str = OPEN


# ---------------------------------------------------------------- the bot's calls


def nsight(passage: Passage) -> Line:
    query = dict(passage.request.rel_url.query)
    service = query.pop("service", "")
    query.pop("apikey", None)
    about = " ".join(f"{name}={value}" for name, value in query.items())
    failed = _FAIL.search(wire.answered(passage))
    if failed:
        return Line(service, about, f"FAIL: {failed[1].decode('cp1252', errors='replace')}", ODD)
    return Line(service, about, *_status(passage))


def eset(passage: Passage) -> Line:
    request = passage.request
    place = "/".join(request.rel_url.raw_path.split("/")[-2:])
    query = unquote(request.rel_url.raw_query_string)
    asked = request.headers.get("response-id")
    given = passage.response.headers.get("response-id") if passage.response else None
    about = [cut(query, QUERY)] if query else []
    about += [f"grant_type={_grant(passage)}"] if passage.body else []
    about += [f"with response-id {asked[:ID]}…"] if asked else []
    about += [f"given response-id {given[:ID]}…"] if given and not asked else []
    return Line(f"{request.method} {place}", " ".join(about), *_status(passage))


def _grant(passage: Passage) -> str:
    return str(wire.fields(passage.body, passage.request.content_type).get("grant_type", ""))


def slack(passage: Passage, there: FakeSlack) -> Line:
    """A Web API call, a message through a response_url, or a file on its way."""
    path, outcome = passage.request.path, _slack_outcome(passage)
    if path.startswith("/respond/"):
        return Line("response_url", _through(passage, there.urls), *outcome)
    if path.startswith("/upload/"):
        return Line("file upload", f"{passage.request.content_length or 0:,} bytes", *outcome)
    args = dict(passage.request.query) | wire.fields(passage.body, passage.request.content_type)
    return Line(path.removeprefix("/api/"), _about(args, there.space), *outcome)


def _through(passage: Passage, urls: ResponseUrls) -> str:
    """What a message through a response_url does; empty until it is known. Asked to replace a message where there is
    none, Slack posts another."""
    args = wire.fields(passage.body, passage.request.content_type)
    if args.get("delete_original"):
        return "deletes the message"
    if args.get("replace_original"):
        return "replaces the message" if urls.replaces(passage.request.path) else "posts anew: none to replace"
    return "posts" if args else ""


def _about(args: Json, space: Workspace) -> str:
    """Where a call goes, as far as its arguments tell."""
    where = [_place(str(args[name]), space) for name in ("channel", "user", "user_id", "usergroup") if args.get(name)]
    where += ["in a thread"] if args.get("thread_ts") else []
    view = args.get("view")
    where += [f"“{view['title']['text']}”"] if isinstance(view, dict) and "title" in view else []
    return " ".join([*where, *([str(args["filename"])] if "filename" in args else [])])


def _place(id_: str, space: Workspace) -> str:
    channel = space.channels.get(id_)
    if channel is not None:
        return f"@{space.naming(channel.person)}" if channel.person else f"#{channel.name}"
    return f"@{space.naming(id_)}"


def _slack_outcome(passage: Passage) -> tuple[str, str]:
    outcome, mood = _status(passage)
    if mood is not WELL:
        return outcome, mood
    try:
        told = json.loads(wire.answered(passage))
    except ValueError:
        return outcome, mood
    return ("ok", WELL) if not isinstance(told, dict) or told.get("ok") else (str(told.get("error")), ODD)


def _status(passage: Passage) -> tuple[str, str]:
    if not passage.over:
        return "", OPEN
    if passage.response is None:
        return "no answer: connection cut", WRONG
    status, wait = passage.response.status, passage.response.headers.get("Retry-After")
    outcome = f"{status}, Retry-After {wait} s" if wait else str(status)
    if status == 200:
        return outcome, WELL
    return outcome, ODD if status < 500 else WRONG


# ---------------------------------------------------------------- what Slack sends


def envelope(sent: Envelope, space: Workspace) -> Line:
    """Who did what, and whether the bot has acked it."""
    who, what = _deed(sent.type, sent.payload)
    if sent.acked is None:
        return Line(what, f"@{space.naming(who)}")
    late = " too late" if sent.late else ""
    extra = _carried(sent.acked)
    return Line(what, f"@{space.naming(who)}", f"acked{late}{extra}", ODD if late else WELL)


def errand(kind: str, payload: Json, space: Workspace) -> Line:
    """Of something that there was nobody to send to."""
    who, what = _deed(kind, payload)
    return Line(what, f"@{space.naming(who)}", "not delivered: no connection", WRONG)


def _carried(ack: Json) -> str:
    action = ack.get("response_action")
    if action:
        return f": {action}"
    return " with an answer" if ack else ""


def _deed(kind: str, payload: Json) -> tuple[str, str]:
    """(who by id, what) of a payload as Slack sends it."""
    if kind == "slash_commands":
        return payload["user_id"], f"{payload['command']} {payload['text']}".strip()
    if kind == "events_api":
        inner = payload["event"]
        return str(inner.get("user", "")), " ".join(filter(None, [str(inner.get("type")), inner.get("tab")]))
    return payload["user"]["id"], _interaction(payload)


def _interaction(payload: Json) -> str:
    match payload["type"]:
        case "block_actions":
            return _action(payload["actions"][0])
        case "block_suggestion":
            return f"types “{payload['value']}”"
        case "view_submission":
            return f"sends “{_title(payload['view'])}”"
        case "view_closed":
            return f"closes “{_title(payload['view'])}”"
        case other:
            return str(other)


def _action(action: Json) -> str:
    if action["type"] == "button":
        return f"button “{action['text']['text']}”"
    return f"chooses in {action['action_id']}"


def _title(view: Json) -> Any:
    return (view.get("title") or {}).get("text", "")
