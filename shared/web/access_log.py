"""Logs one structured line per request, and sets the id and trace that connect all log lines of a request.

The line records the caller, the route, the status and the duration. It contains no body, no query and no header except
the user agent, so it can contain neither message contents nor secrets.
"""

import json
import logging
import time
from contextvars import Token
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.types import Scope

from shared.log import get_logger, has_other_handlers, quote, start_line, write_line
from shared.settings import Settings
from shared.trace import (
    CLOUD_TRACE,
    REQUEST_ID,
    TRACEPARENT,
    RequestContext,
    TraceContext,
    current_request,
    new_trace,
    parse_cloud_trace,
    parse_request_id,
    parse_traceparent,
)
from shared.web.address import find_sender
from shared.web.request_headers import HeaderIndex, get_first

_REQUEST_ID = REQUEST_ID.lower().encode()
_TRACES = ((TRACEPARENT.encode(), parse_traceparent), (CLOUD_TRACE.encode(), parse_cloud_trace))
_MAX_AGENT_LENGTH = 200


def trace_of(headers: HeaderIndex) -> TraceContext | None:
    """Reads the trace from W3C's `traceparent` or Google's `X-Cloud-Trace-Context`. None if neither is valid."""
    for name, parse in _TRACES:
        values = headers.get(name)
        if values and len(values) == 1 and (trace := parse(values[0].decode("latin-1"))):
            return trace
    return None


@dataclass(slots=True)
class Visit:
    """A request that is being handled. `details`: fields of the line that routes add, as `request.state.access`."""

    scope: Scope
    headers: HeaderIndex
    request_id: str
    details: dict[str, str]
    started_at: float
    token: Token[RequestContext | None]


class AccessEntry(NamedTuple):
    """A line of the log. `details`: what the routes added, such as the user and the reason for a failure."""

    method: str
    route: str
    status: int
    seconds: float
    user_agent: str
    remote_ip: str
    function: str
    details: dict[str, str]

    @property
    def level(self) -> int:
        """A 5xx status is an error, except that the failure of a third-party server is a warning."""
        if self.status < 400:
            return logging.INFO
        return logging.WARNING if self.status < 500 or self.details.get("upstream") else logging.ERROR

    @property
    def message(self) -> str:
        """The line's message, with the reason for a third-party failure."""
        upstream = self.details.get("upstream")
        return f"{self.method} {self.route} {self.status}" + (f": {upstream}" if upstream else "")

    @property
    def fields(self) -> dict[str, Any]:
        """The line's own fields, beside those of every line."""
        return {
            "httpRequest": {
                "requestMethod": self.method,
                "status": self.status,
                "latency": f"{self.seconds:.6f}s",
                "userAgent": self.user_agent,
                "remoteIp": self.remote_ip,
            },
            "function": self.function,
            "route": self.route,
            **self.details,
        }

    def to_line(self) -> str:
        """Returns the line that a logger would write with `fields`, in a fifth of the time."""
        details = f", {json.dumps(self.details, default=str)[1:-1]}" if self.details else ""
        return (
            f'{start_line(_SEVERITIES[self.level], self.message, "access")}, "httpRequest": {{"requestMethod": '
            f'{quote(self.method)}, "status": {self.status}, "latency": "{self.seconds:.6f}s", "userAgent": '
            f'{quote(self.user_agent)}, "remoteIp": {quote(self.remote_ip)}}}, "function": {quote(self.function)}, '
            f'"route": {quote(self.route)}{details}}}'
        )


_SEVERITIES = {level: logging.getLevelName(level) for level in (logging.INFO, logging.WARNING, logging.ERROR)}


class AccessLog:
    """Logs the request when its response is complete. Routes add to the line through `request.state.access`.

    A 5xx status is logged as an error, except that a failure of a third-party server is a warning with its reason
    (`upstream`).

    Every response has the request's id: the caller's own id if that is valid, otherwise the id of the trace.
    """

    def __init__(self, function: str, settings: Settings) -> None:
        self.function = function
        self.settings = settings

    def begin(self, scope: Scope, headers: HeaderIndex) -> Visit:
        """Makes the request the current one, so that all log lines refer to it."""
        details: dict[str, str] = {}
        scope.setdefault("state", {})["access"] = details
        trace = trace_of(headers) or new_trace()
        sent_id = parse_request_id(get_first(headers, _REQUEST_ID)) if _REQUEST_ID in headers else None
        request_id = sent_id or trace.trace_id
        context = RequestContext(
            request_id, trace, self.settings.google_cloud_project, lambda: (scope["method"], _route(scope))
        )
        token = current_request.set(context)
        return Visit(scope, headers, request_id, details, time.perf_counter(), token)

    def end(self, visit: Visit, status: int) -> None:
        """Logs the request, which is no longer the current one."""
        seconds = time.perf_counter() - visit.started_at
        scope, headers = visit.scope, visit.headers
        agent = get_first(headers, b"user-agent")[:_MAX_AGENT_LENGTH]
        address = find_sender(scope, headers, self.settings)
        entry = AccessEntry(
            scope["method"], _route(scope), status, seconds, agent, address, self.function, visit.details
        )
        if has_other_handlers():
            get_logger("access").log(entry.level, "%s", entry.message, extra={"fields": entry.fields})
        else:
            write_line(entry.to_line())
        current_request.reset(visit.token)


def _route(scope: Scope) -> str:
    """Returns the route as written in the code, without the caller's values."""
    route: str | None = getattr(scope.get("route"), "path", None)
    return route or "(no route)"
