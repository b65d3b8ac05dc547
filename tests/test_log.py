"""The log: every event on one line, and no secret in any of them, wherever it hides."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot import log
from bot.config import Secret
from tests.test_redaction import TELLING

KEY = "nsight/Key+42"
PASSWORD = 'Pä&ss "1"'
SECRETS = [*Secret(KEY).forms(), *Secret(PASSWORD).forms()]


@pytest.fixture(autouse=True)
def _put_logging_back() -> Iterator[None]:
    """The test run's own handlers and levels are as before afterwards."""
    loggers = [logging.getLogger(name) for name in (None, "bot", "__main__", *log.LIBRARIES)]
    levels = [logger.level for logger in loggers]
    yield
    structlog.reset_defaults()
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    root = logging.getLogger()
    for handler in [one for one in root.handlers if isinstance(one, log.Stderr)]:
        root.removeHandler(handler)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


@dataclass
class Session:
    token: str


@dataclass
class Call:
    url: str


HIDING_PLACES = {
    "in the event": lambda logger: logger.info(" ".join(["called with", KEY])),
    "in a value": lambda logger: logger.info("called", url=f"https://rmm.example/api/?apikey={KEY}&service=x"),
    "quoted": lambda logger: logger.info("called", query="apikey%3Dx", other="password=P%C3%A4%26ss+%221%22"),
    "in a list": lambda logger: logger.info("called", urls=[f"a{KEY}", ("b", {"c": KEY})]),
    "in a key": lambda logger: logger.info("called", found={KEY: 1}),
    "in an object": lambda logger: logger.info("called", call=Call(f"https://x/?k={KEY}")),
    "in JSON": lambda logger: logger.info("called", body=json.dumps({"password": PASSWORD})),
    "in a repr": lambda logger: logger.info("called", body=repr({"password": PASSWORD})),
    "as bytes": lambda logger: logger.info("called", body=PASSWORD.encode()),
}


@pytest.mark.parametrize("where", HIDING_PLACES)
@pytest.mark.parametrize("format_", ["json", "console"])
def test_a_known_secret_is_masked(where: str, format_: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure(format_, "debug", SECRETS)
    HIDING_PLACES[where](structlog.get_logger("bot.test"))
    text = said(capsys)
    assert "***" in text
    assert not [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize("text", TELLING)
def test_what_looks_like_a_secret_is_masked_though_nobody_told(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info", [])
    structlog.get_logger("bot.test").info("event", detail=text)
    line = said(capsys)
    assert "***" in line
    assert "LEAKED" not in line


@pytest.mark.parametrize("name", ["response_url", "token", "Authorization", "apikey", "password"])
def test_a_value_under_a_telling_name_is_masked(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info", [])
    structlog.get_logger("bot.test").info("event", **{name: "LEAKED"}, payload={name: "LEAKED"})
    assert "LEAKED" not in said(capsys)


@pytest.mark.parametrize("format_", ["json", "console"])
def test_an_exception_is_shown_without_the_secret_and_without_local_variables(
    format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    log.configure(format_, "info", SECRETS)
    session = Session("LOCAL-VARIABLE")
    try:
        float(f"https://x/?key={KEY}")
    except ValueError:
        structlog.get_logger("bot.test").exception("broke")
        logging.getLogger("somewhere.else").exception("broke too")
    text = said(capsys)
    assert text.count("ValueError: could not convert") == 2
    assert KEY not in text
    assert session.token not in text


@pytest.mark.parametrize("library", ["httpx", "httpcore", "slack_sdk", "slack_bolt", "aiohttp.access", "anything.else"])
def test_libraries_do_not_chatter_even_at_debug(library: str, capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "debug", SECRETS)
    logging.getLogger(library).info("HTTP Request: GET https://rmm.example/?apikey=%s", "LEAKED")
    assert said(capsys) == ""
    logging.getLogger(library).warning("slow: https://rmm.example/?apikey=%s", KEY)
    assert KEY not in (line := said(capsys))
    assert json.loads(line)["logger"] == library


def test_an_event_is_one_json_line_with_level_time_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info", SECRETS)
    structlog.get_logger("bot.test").info("retry.sent", request=7, device="Büro\nServer", ok=True, took=0.5, why=None)
    (line,) = said(capsys).splitlines()
    event = json.loads(line)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "retry.sent",
        "level": "info",
        "logger": "bot.test",
        "request": 7,
        "device": "Büro\\nServer",
        "ok": True,
        "took": 0.5,
        "why": None,
    }


def test_a_name_from_outside_cannot_start_a_line_or_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("console", "info", [])
    structlog.get_logger("bot.test").info("seen", device="a\nERROR fake\r\x1b[2Jb\u2028c")
    text = said(capsys)
    assert len(text.splitlines()) == 1
    assert "\x1b[2J" not in text


def test_events_below_the_level_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "warning", [])
    structlog.get_logger("bot.test").info("not this")
    structlog.get_logger("bot.test").warning("this")
    assert [json.loads(line)["event"] for line in said(capsys).splitlines()] == ["this"]


def test_configuring_again_does_not_say_things_twice(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info", [])
    log.configure("json", "debug", [])
    structlog.get_logger("bot.test").debug("once")
    assert len(said(capsys).splitlines()) == 1


def test_a_record_that_cannot_be_rendered_is_told_without_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure("json", "info", [])
    (handler,) = (one for one in logging.getLogger().handlers if isinstance(one, log.Stderr))
    handler.handle(logging.makeLogRecord({"name": "somewhere", "msg": "%d things", "args": (KEY,)}))
    text = said(capsys)
    assert "somewhere" in text
    assert KEY not in text


@given(st.text(min_size=4), st.text(), st.text())
def test_whatever_surrounds_a_secret_it_does_not_come_through(secret: str, before: str, after: str) -> None:
    told = log.Redactor([secret]).text(before + secret + after)
    assert secret not in told or secret in log.MASK
