"""Formats our own errors so that Error Reporting recognizes and groups them.

https://cloud.google.com/error-reporting/docs/formatting-error-messages
"""

import logging
import os
from typing import Any

from shared.redaction import redact
from shared.trace import RequestContext

EVENT = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
_TRACEBACK = "Traceback (most recent call last):"


def report(record: logging.LogRecord, stack_trace: str | None, request: RequestContext | None) -> dict[str, Any]:
    """Returns the fields that make the log line of `record` an error event. Secrets are redacted from its message.

    An event is grouped by its stack trace, or by the code that logged it if there is none. The caller may add the
    response's status as `extra={"status": 500}`.
    """
    fields: dict[str, Any] = {"@type": EVENT, "serviceContext": _service(), "message": redact(record.getMessage())}
    context: dict[str, Any] = {}
    if request is not None:
        method, route = request.route()
        status = {"responseStatusCode": record.__dict__["status"]} if "status" in record.__dict__ else {}
        context["httpRequest"] = {"method": method, "url": route, **status}
    if stack_trace is not None:
        fields["stack_trace"] = stack_trace
    if stack_trace is None or not stack_trace.startswith(_TRACEBACK):
        context["reportLocation"] = {
            "filePath": record.pathname,
            "lineNumber": record.lineno,
            "functionName": record.funcName,
        }
    return {**fields, "context": context} if context else fields


def _service() -> dict[str, str]:
    """Returns the names that Cloud Run gives the service and its revision; "local" for a local process."""
    service = {"service": os.environ.get("K_SERVICE") or "local"}
    revision = os.environ.get("K_REVISION")
    return {**service, "version": revision} if revision else service
