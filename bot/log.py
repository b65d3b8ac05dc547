"""Logging on stderr, one line per event, through a redactor that no secret passes.

structlog's events and the records of libraries take the same way, exception text included.
"""

import logging
import os
import re
import sys
from collections.abc import Sequence
from typing import Any

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from bot.redaction import Redaction, is_secret

MASK = "***"

# Below this libraries print URLs, headers and payloads: httpx the N-sight key at INFO, slack_sdk requests at DEBUG.
LIBRARY_FLOOR = logging.WARNING
LIBRARIES = ("httpx", "httpcore", "slack_sdk", "slack_bolt", "aiohttp", "aiosqlite", "alembic", "sqlalchemy", "asyncio")

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class Redactor:
    """Replaces known secrets, and everything shaped or named like one, by ``***`` in any value of an event."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._redaction = Redaction(secrets, MASK)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: value if key.startswith("_") else self._clean(key, value) for key, value in event.items()}

    def text(self, text: str) -> str:
        # A control character from a device's name must neither start a line of its own nor steer a terminal.
        return CONTROLS.sub(lambda match: ascii(match[0])[1:-1], self._redaction.text(text))

    def _clean(self, key: object, value: Any) -> Any:
        if isinstance(key, str) and is_secret(key) and value is not None:
            return MASK
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self.text(str(name)): self._clean(name, item) for name, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(None, item) for item in value]
        if isinstance(value, bytes | bytearray):
            value = value.decode(errors="backslashreplace")
        text = self.text(str(value))
        return text if key in {"exception", "stack"} else text.replace("\n", "\\n")


class Stderr(logging.Handler):
    """Writes to what sys.stderr is at that moment. logging's own handler would, on a bad record, print it raw."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a record that cannot be shown must not stop the bot, nor be printed raw
            line = f"a log record of {record.name} (line {record.lineno}) could not be rendered"
        sys.stderr.write(line + "\n")


def configure(format: str, level: str, secrets: Sequence[str]) -> None:  # noqa: A002 - LOG_FORMAT, as operators know it
    """Send everything to stderr from ``level`` up; may be called again. ``format`` is "json" or "console"."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        Redactor(secrets),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler = Stderr()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[remove, _renderer(format)])
    )
    _attach(handler, logging.getLevelNamesMapping()[level.upper()])


def _renderer(format: str) -> Processor:  # noqa: A002
    if format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    colors = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    # Never the pretty tracebacks: they print local variables, and secrets are among them.
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _attach(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    for old in [one for one in root.handlers if isinstance(one, Stderr)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(level, LIBRARY_FLOOR))
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(max(level, LIBRARY_FLOOR))
    for name in ("bot", "__main__"):
        logging.getLogger(name).setLevel(level)
