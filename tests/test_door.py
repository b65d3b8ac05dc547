"""What the door makes of Slack's payloads, odd ones included."""

from typing import Any

import pytest

from bot.slack import delivery_key

COMMAND: dict[str, Any] = {
    "command": "/patches",
    "user_id": "U0BOB",
    "text": "help",
    "trigger_id": "1.2.abc",
    "response_url": "https://hooks.slack.com/commands/T0/1/x",
}
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0ANN"},
    "trigger_id": "1.2.abc",
    "actions": [{"action_id": "request.approve", "value": "1", "action_ts": "1.5"}],
}
SUBMISSION: dict[str, Any] = {
    "type": "view_submission",
    "user": {"id": "U0ANN"},
    "view": {"id": "V1", "hash": "h1", "state": {"values": {"reason": {"reason": {"value": "no"}}}}},
}


@pytest.mark.parametrize("body", [COMMAND, CLICK, SUBMISSION])
def test_the_same_payload_delivered_twice_is_one_delivery(body: dict[str, Any]) -> None:
    assert delivery_key(body) == delivery_key(dict(body)) != ""


@pytest.mark.parametrize(
    ("body", "change"),
    [
        (COMMAND, {"text": "pending"}),
        (COMMAND, {"user_id": "U0ANN"}),
        (COMMAND, {"response_url": "https://hooks.slack.com/commands/T0/2/y"}),
        (CLICK, {"user": {"id": "U0DAVE"}}),
        (CLICK, {"actions": [{"action_id": "request.deny", "value": "1", "action_ts": "1.5"}]}),
        (CLICK, {"trigger_id": "1.3.def"}),
        (SUBMISSION, {"view": SUBMISSION["view"] | {"hash": "h2"}}),
        (SUBMISSION, {"user": {"id": "U0CARL"}}),
    ],
)
def test_two_interactions_are_two_deliveries(body: dict[str, Any], change: dict[str, Any]) -> None:
    assert delivery_key(body | change) != delivery_key(body)


@pytest.mark.parametrize(
    "body", [COMMAND | {"trigger_id": ""}, CLICK | {"trigger_id": None}, {"type": "view_submission"}]
)
def test_what_nothing_tells_apart_is_never_taken_for_a_redelivery(body: dict[str, Any]) -> None:
    assert delivery_key(body) == ""
