"""Logs one structured line per request, and sets the id and trace that connect all log lines of a request.

The line records the caller, the route, the status and the duration. It contains no body, no query and no header except
the user agent, so it can contain neither message contents nor secrets.
"""

import logging
import time

from fastapi import Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.log import get_logger
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
from shared.web.address import client_address

_log = get_logger("access")


def trace_of(headers: Headers) -> TraceContext | None:
    """Reads the trace from W3C's `traceparent` or Google's `X-Cloud-Trace-Context`. None if neither is valid."""
    for name, parse in ((TRACEPARENT, parse_traceparent), (CLOUD_TRACE, parse_cloud_trace)):
        values = headers.getlist(name)
        if len(values) == 1 and (trace := parse(values[0])):
            return trace
    return None


class AccessLog:
    """Logs the request when its response is complete. Routes add to the line through `request.state.access`.

    A 5xx status is logged as an error, except that a failure of a third-party server is a warning with its reason
    (`upstream`).

    Every response has the request's id: the caller's own id if that is valid, otherwise the id of the trace.
    """

    def __init__(self, app: ASGIApp, function: str, settings: Settings) -> None:
        self.app = app
        self.function = function
        self.settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles the request, and logs it when it is complete."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        details: dict[str, str] = {}
        scope.setdefault("state", {})["access"] = details
        trace, project = trace_of(headers) or new_trace(), self.settings.google_cloud_project
        request_id = parse_request_id(headers.get(REQUEST_ID, "")) or trace.trace_id
        context = RequestContext(request_id, trace, project, lambda: (scope["method"], _route(scope)))
        token = current_request.set(context)
        started_at = time.perf_counter()
        status = 500

        async def record_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        try:
            await self.app(scope, receive, record_status)
        finally:
            self._write(scope, headers, details, status, time.perf_counter() - started_at)
            current_request.reset(token)

    def _write(self, scope: Scope, headers: Headers, details: dict[str, str], status: int, seconds: float) -> None:
        route = _route(scope)
        upstream = details.get("upstream")
        level = logging.INFO if status < 400 else logging.WARNING if status < 500 or upstream else logging.ERROR
        fields = {
            "httpRequest": {
                "requestMethod": scope["method"],
                "status": status,
                "latency": f"{seconds:.6f}s",
                "userAgent": headers.get("user-agent", "")[:200],
                "remoteIp": client_address(Request(scope), self.settings),
            },
            "function": self.function,
            "route": route,
            **details,
        }
        reason = f": {upstream}" if upstream else ""
        _log.log(level, "%s %s %d%s", scope["method"], route, status, reason, extra={"fields": fields})


def _route(scope: Scope) -> str:
    """Returns the route as written in the code, without the caller's values."""
    route: str | None = getattr(scope.get("route"), "path", None)
    return route or "(no route)"
