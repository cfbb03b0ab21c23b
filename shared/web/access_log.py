"""Logs one structured line per request, and sets the id and trace that connect all log lines of a request.

The line records the caller, the route, the status and the duration. It contains no body, no query and no header except
the user agent, so it can contain neither message contents nor secrets.
"""

import logging
import time
from contextvars import Token
from dataclasses import dataclass

from starlette.types import Scope

from shared.log import write_access_line
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
from shared.web.address import find_address
from shared.web.request_headers import HeaderIndex, get_all, get_first

_REQUEST_ID = REQUEST_ID.lower().encode()
_MAX_AGENT_LENGTH = 200


def trace_of(headers: HeaderIndex) -> TraceContext | None:
    """Reads the trace from W3C's `traceparent` or Google's `X-Cloud-Trace-Context`. None if neither is valid."""
    for name, parse in ((TRACEPARENT.encode(), parse_traceparent), (CLOUD_TRACE.encode(), parse_cloud_trace)):
        values = get_all(headers, name)
        if len(values) == 1 and (trace := parse(values[0])):
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
        request_id = parse_request_id(get_first(headers, _REQUEST_ID)) or trace.trace_id
        context = RequestContext(
            request_id, trace, self.settings.google_cloud_project, lambda: (scope["method"], _route(scope))
        )
        token = current_request.set(context)
        return Visit(scope, headers, request_id, details, time.perf_counter(), token)

    def end(self, visit: Visit, status: int) -> None:
        """Logs the request, which is no longer the current one."""
        seconds = time.perf_counter() - visit.started_at
        scope = visit.scope
        method, route, upstream = scope["method"], _route(scope), visit.details.get("upstream")
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 or upstream else logging.ERROR
        client = scope.get("client")
        fields = {
            "httpRequest": {
                "requestMethod": method,
                "status": status,
                "latency": f"{seconds:.6f}s",
                "userAgent": get_first(visit.headers, b"user-agent")[:_MAX_AGENT_LENGTH],
                "remoteIp": find_address(
                    client[0] if client else None, get_all(visit.headers, b"x-forwarded-for"), self.settings
                ),
            },
            "function": self.function,
            "route": route,
            **visit.details,
        }
        reason = f": {upstream}" if upstream else ""
        write_access_line(level, f"{method} {route} {status}{reason}", fields)
        current_request.reset(visit.token)


def _route(scope: Scope) -> str:
    """Returns the route as written in the code, without the caller's values."""
    route: str | None = getattr(scope.get("route"), "path", None)
    return route or "(no route)"
