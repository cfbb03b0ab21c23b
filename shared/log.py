"""Structured logging in Cloud Logging's format: one JSON object per line on standard output.

Field names: https://cloud.google.com/logging/docs/structured-logging. Never pass message contents, tokens or keys to a
logger: likely secrets are only redacted from stack traces and reported errors.
"""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from json.encoder import encode_basestring_ascii as quote
from typing import Any, TextIO

from shared.error_reporting import report
from shared.redaction import redact
from shared.trace import RequestContext, current_request

TRACE_FIELD = "logging.googleapis.com/trace"
SPAN_FIELD = "logging.googleapis.com/spanId"
SAMPLED_FIELD = "logging.googleapis.com/trace_sampled"
LABELS_FIELD = "logging.googleapis.com/labels"
_ROOT = "agents"
_UNREPORTED = {f"{_ROOT}.access", f"{_ROOT}.client"}
"""Loggers whose errors are not events: those of frontends are not ours, and 5xx responses are reported elsewhere."""


class JsonFormatter(logging.Formatter):
    """Writes severity, message, time and request, and the fields in `extra={"fields": {...}}`.

    A line with the severity ERROR or higher is also an event for Error Reporting.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Returns one line of JSON with the fields that Cloud Logging knows."""
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
        if record.levelno >= logging.ERROR and record.name not in _UNREPORTED:
            entry.update(report(record, stack_trace, request))
        elif stack_trace is not None:
            entry["stack_trace"] = stack_trace
        return json.dumps(entry, default=str)


def _request_fields(request: RequestContext) -> dict[str, Any]:
    """Returns the fields by which Cloud Logging groups the lines of a request, and finds them by its id."""
    return {
        TRACE_FIELD: f"projects/{request.project}/traces/{request.trace.trace_id}",
        SPAN_FIELD: request.trace.span_id,
        SAMPLED_FIELD: request.trace.sampled,
        LABELS_FIELD: {"request_id": request.request_id},
    }


class _StandardOutput(logging.StreamHandler[TextIO]):
    """Writes to the current `sys.stdout`, which may have been replaced since logging was configured."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)

    def write(self, line: str) -> None:
        """Writes the line with one write, and flushes it. Like `emit`, never raises."""
        self.acquire()
        try:
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
        except Exception:
            self.handleError(logging.makeLogRecord({"msg": line}))
        finally:
            self.release()


_standard_output = _StandardOutput()
_loggers = logging.getLogger(_ROOT)


def has_other_handlers() -> bool:
    """Whether anything but standard output receives this project's log lines."""
    return _loggers.propagate or _loggers.handlers != [_standard_output]


def start_line(severity: str, message: str, logger: str) -> str:
    """Returns the beginning of a line that `write_line` may write: the fields of every line, without the last brace.

    A logger takes five times as long, mostly for finding out where it was called. For lines that every request writes.
    """
    time = datetime.now(UTC).isoformat()  # noqa: TID251 - the real time, as in the loggers' records
    start = f'{{"severity": "{severity}", "message": {quote(message)}, "time": "{time}", "logger": "{_ROOT}.{logger}"'
    request = current_request.get()
    if request is None:
        return start
    trace = request.trace
    return (
        f'{start}, "{TRACE_FIELD}": {quote(f"projects/{request.project}/traces/{trace.trace_id}")}, '
        f'"{SPAN_FIELD}": "{trace.span_id}", "{SAMPLED_FIELD}": {"true" if trace.sampled else "false"}, '
        f'"{LABELS_FIELD}": {{"request_id": {quote(request.request_id)}}}'
    )


def write_line(line: str) -> None:
    """Writes a complete line of JSON, and flushes it."""
    _standard_output.write(line)


def configure_logging() -> None:
    """Sends this project's log lines to standard output. Repeated calls have no effect."""
    # The Firebase CLI sets this to true for every function, after all other settings. Then functions-framework would
    # configure logging after importing a function's module, which disables all loggers that already exist.
    os.environ["LOG_EXECUTION_ID"] = "false"
    if _loggers.handlers:
        return
    _standard_output.setFormatter(JsonFormatter())
    _loggers.addHandler(_standard_output)
    _loggers.setLevel(logging.INFO)
    get_logger("client").setLevel(logging.DEBUG)  # frontends choose the level of their lines
    _loggers.propagate = False
    for library in ("httpx", "httpx2"):
        logging.getLogger(library).setLevel(logging.WARNING)  # otherwise they log each request with its query


def get_logger(name: str) -> logging.Logger:
    """Returns a logger below `agents`. Pass details as `extra={"fields": {...}}`."""
    return logging.getLogger(f"{_ROOT}.{name}")
