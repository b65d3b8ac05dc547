"""The manifest: valid for Slack, no scope too many and none too few for the calls that the code makes."""

import ast
import inspect
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands import FORMS
from bot.errors import ConfigError
from bot.manifest import APP_SCOPES, METHODS, SCOPES, WIDER, manifest, render

ROOT = Path(__file__).parent.parent
SCHEMA = Path(os.environ.get("PATCHES_SHARED", ROOT.parent / "shared")) / "reference" / "manifest.schema.2.0.0.json"
HTTP = "https://patches.example.com"
BOLT_CALLS = {"auth.test", "apps.connections.open"}


@pytest.mark.parametrize("address", [None, HTTP])
def test_slack_would_take_the_manifest(address: str | None) -> None:
    if not SCHEMA.exists():
        pytest.skip(f"Slack's JSON schema is not at hand ({SCHEMA.name}; PATCHES_SHARED names its place)")
    jsonschema.validate(yaml.safe_load(render(address)), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_manifest_yml_is_what_the_command_prints() -> None:
    assert (ROOT / "manifest.yml").read_text(encoding="utf-8") == render()
    assert yaml.safe_load(render()) == manifest(None)


def test_socket_mode_has_no_address_and_http_mode_has_it_everywhere() -> None:
    socket, http = manifest(None), manifest(HTTP)
    assert socket["settings"]["socket_mode_enabled"] is True
    assert http["settings"]["socket_mode_enabled"] is False
    assert "http" not in json.dumps(socket)
    url = "https://patches.example.com/slack/events"
    assert http["features"]["slash_commands"][0]["url"] == url
    assert http["settings"]["event_subscriptions"] == {"request_url": url, "bot_events": ["app_home_opened"]}
    assert http["settings"]["interactivity"] == {
        "is_enabled": True,
        "request_url": url,
        "message_menu_options_url": url,
    }


def test_the_app_asks_for_nothing_it_does_not_use() -> None:
    told = manifest(None)
    assert told["settings"]["interactivity"]["is_enabled"] is True
    assert told["settings"]["org_deploy_enabled"] is False
    assert told["settings"]["token_rotation_enabled"] is False
    assert told["settings"]["event_subscriptions"] == {"bot_events": ["app_home_opened"]}
    assert "user" not in told["oauth_config"]["scopes"]
    (command,) = told["features"]["slash_commands"]
    assert (command["command"], command["should_escape"]) == ("/patches", False)
    assert {hint.split()[0] for hint in command["usage_hint"].split(" | ")} == set(FORMS)


def test_texts_keep_slacks_lengths() -> None:
    told = manifest(None)
    about = told["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert 175 <= len(about["long_description"]) <= 4000
    assert len(told["features"]["slash_commands"][0]["usage_hint"]) <= 1000


@pytest.mark.parametrize(
    "address",
    [
        "https://patches.example.com/",
        "https://patches.example.com/slack/events",
        " https://patches.example.com/slack/events/ ",
    ],
)
def test_the_address_may_be_the_host_or_the_whole_url(address: str) -> None:
    assert manifest(address) == manifest(HTTP)


def test_a_path_in_front_of_the_bot_is_kept() -> None:
    url = manifest("https://example.com/bots/patches")["settings"]["interactivity"]["request_url"]
    assert url == "https://example.com/bots/patches/slack/events"


@pytest.mark.parametrize(
    "address",
    ["", "patches.example.com", "http://example.com", "https://", "https://a/?b", "https://u:p@a", "https://a b"],
)
def test_an_address_that_slack_could_not_call_is_refused(address: str) -> None:
    with pytest.raises(ConfigError) as caught:
        manifest(address)
    assert caught.value.faults[0].startswith("--http: ")


# ---------------------------------------------------------------- scopes and the methods really called


def sdk_methods() -> dict[str, str]:
    """The SDK's function names and the Web API methods they call: chat_postMessage → chat.postMessage."""
    found = {}
    for name, function in inspect.getmembers(AsyncWebClient, inspect.isfunction):
        called = re.search(r'self\.api_call\(\s*"([\w.]+)"', inspect.getsource(function))
        if called and not name.startswith("_"):
            found[name] = called[1]
    return found


def methods_called(source: str, known: dict[str, str]) -> Iterator[str]:
    """Web API methods in a module: functions of the SDK's client, and names given to ``api_call``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and node.attr in known:
            yield known[node.attr]
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "api_call"
        if named and isinstance(node, ast.Call) and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)


def called_by_the_bot() -> set[str]:
    known = sdk_methods()
    sources = [path for path in (ROOT / "bot").rglob("*.py") if "demo" not in path.parts]
    return {method for path in sources for method in methods_called(path.read_text(encoding="utf-8"), known)}


def test_the_scan_sees_calls_in_both_spellings() -> None:
    known = sdk_methods()
    assert set(methods_called("await c.chat_postMessage(channel=1)", known)) == {"chat.postMessage"}
    assert set(methods_called("await c.usergroups_users_list(usergroup=1)", known)) == {"usergroups.users.list"}
    assert set(methods_called("await c.api_call('files.list')", known)) == {"files.list"}


def test_every_method_that_the_code_calls_is_in_the_table() -> None:
    assert called_by_the_bot() <= set(METHODS)


def test_no_method_is_in_the_table_that_the_code_does_not_call() -> None:
    assert set(METHODS) - called_by_the_bot() <= BOLT_CALLS


def test_the_scopes_are_exactly_those_that_the_methods_need() -> None:
    needed = {scope for scopes in METHODS.values() for scope in scopes}
    assert needed == (set(SCOPES) - {"commands"}) | set(WIDER) | set(APP_SCOPES)
    assert not set(SCOPES) & set(WIDER)
    assert manifest(None)["oauth_config"]["scopes"]["bot"] == list(SCOPES)
