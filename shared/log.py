"""Structured logging in Cloud Logging's form: one JSON object per line on standard output.

Field names: https://cloud.google.com/logging/docs/structured-logging. Never pass message contents, tokens or
keys to a logger: only in stack traces and in errors of ours is struck out what looks like a secret.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from shared.error_reporting import report
from shared.redaction import redact
from shared.trace import RequestContext, current_request

TRACE_FIELD = "logging.googleapis.com/trace"
SPAN_FIELD = "logging.googleapis.com/spanId"
SAMPLED_FIELD = "logging.googleapis.com/trace_sampled"
LABELS_FIELD = "logging.googleapis.com/labels"
_ROOT = "agents"
_NO_FAULTS = {f"{_ROOT}.access", f"{_ROOT}.client"}
"""Loggers whose errors are not ours, or are reported where they happen: frontends' logs, and 5xx answers."""


class JsonFormatter(logging.Formatter):
    """Severity, message, time and request, plus whatever `extra={"fields": {...}}` carries.

    From ERROR on, it is also an event for Error Reporting.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON, in the fields that Cloud Logging knows."""
        entry: dict[str, Any] = {
            "severity": record.levelname,
            "message": record.getMessage(),
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "logger": record.name,
        }
        request = current_request.get()
        if request:
            entry.update(_request_fields(request))
        entry.update(getattr(record, "fields", {}))
        stack_trace = redact(self.formatException(record.exc_info)) if record.exc_info else None
        if record.levelno >= logging.ERROR and record.name not in _NO_FAULTS:
            entry.update(report(record, stack_trace, request))
        elif stack_trace is not None:
            entry["stack_trace"] = stack_trace
        return json.dumps(entry, default=str)


def _request_fields(request: RequestContext) -> dict[str, Any]:
    """So that Cloud Logging shows all lines of a request together, and finds them by its id."""
    return {
        TRACE_FIELD: f"projects/{request.project}/traces/{request.trace.trace_id}",
        SPAN_FIELD: request.trace.span_id,
        SAMPLED_FIELD: request.trace.sampled,
        LABELS_FIELD: {"request_id": request.request_id},
    }


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stdout` is at the time, not to what it was when logging was configured."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


def configure_logging() -> None:
    """Sends this project's log lines to standard output. Safe to call again."""
    # The Firebase CLI sets it to true for every function, after all other settings; functions-framework then sets up
    # logging itself when a function's module has been imported, and so disables every logger that is there by then.
    os.environ["LOG_EXECUTION_ID"] = "false"
    logger = logging.getLogger(_ROOT)
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
    return logging.getLogger(f"{_ROOT}.{name}")
