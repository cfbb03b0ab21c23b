"""Structured logging in Cloud Logging's form: one JSON object per line on standard output.

Field names: https://cloud.google.com/logging/docs/structured-logging. Never pass message contents, tokens or
keys to a logger: nothing here removes them.
"""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO

TRACE_FIELD = "logging.googleapis.com/trace"
current_trace: ContextVar[str | None] = ContextVar("current_trace", default=None)
"""The full trace name of the request being served: `projects/{project}/traces/{trace id}`."""


class JsonFormatter(logging.Formatter):
    """Severity, message, time and trace, plus whatever `extra={"fields": {...}}` carries."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        if trace := current_trace.get():
            entry[TRACE_FIELD] = trace
        entry.update(getattr(record, "fields", {}))
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str)


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stdout` is at the time, not to what it was when logging was configured."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


def configure_logging() -> None:
    """Sends this project's log lines to standard output. Safe to call again."""
    logger = logging.getLogger("agents")
    if logger.handlers:
        return
    handler = _StandardOutput()
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    get_logger("client").setLevel(logging.DEBUG)  # what frontends send is theirs to choose
    logger.propagate = False


def get_logger(name: str) -> logging.Logger:
    """A logger below `agents`. Pass details as `extra={"fields": {...}}`."""
    return logging.getLogger(f"agents.{name}")
