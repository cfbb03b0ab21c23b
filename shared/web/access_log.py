"""One structured line per request, and the trace that ties all lines of a request together.

The line names who, what and how long. It holds no body, no query and no header but the user agent, so neither
message contents nor secrets can be in it.
"""

import logging
import re
import time

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.log import current_trace, get_logger
from shared.web.address import client_address

_log = get_logger("access")
_TRACEPARENT = re.compile(r"^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$")
_CLOUD_TRACE = re.compile(r"^([0-9a-f]{32})(/.*)?$")


def trace_id(headers: dict[bytes, bytes]) -> str | None:
    """The trace id of W3C's `traceparent`, or else of Google's `X-Cloud-Trace-Context`; None without either."""
    for header, form in ((b"traceparent", _TRACEPARENT), (b"x-cloud-trace-context", _CLOUD_TRACE)):
        if match := form.match(headers.get(header, b"").decode("latin-1").strip()):
            return match[1]
    return None


class AccessLog:
    """Logs the request when its answer is complete. Routes add to the line through `request.state.access`."""

    def __init__(self, app: ASGIApp, function: str, project: str, trusted_proxies: int) -> None:
        self.app = app
        self.function = function
        self.project = project
        self.trusted_proxies = trusted_proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        details: dict[str, str] = {}
        scope.setdefault("state", {})["access"] = details
        trace = trace_id(headers)
        token = current_trace.set(f"projects/{self.project}/traces/{trace}" if trace else None)
        began = time.perf_counter()
        status = 500

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noting_status)
        finally:
            self._write(scope, headers, details, status, time.perf_counter() - began)
            current_trace.reset(token)

    def _write(
        self, scope: Scope, headers: dict[bytes, bytes], details: dict[str, str], status: int, seconds: float
    ) -> None:
        route = getattr(scope.get("route"), "path", None) or "(no route)"
        level = logging.ERROR if status >= 500 else logging.WARNING if status >= 400 else logging.INFO
        fields = {
            "httpRequest": {
                "requestMethod": scope["method"],
                "status": status,
                "latency": f"{seconds:.6f}s",
                "userAgent": headers.get(b"user-agent", b"").decode("latin-1")[:200],
                "remoteIp": client_address(Request(scope), self.trusted_proxies),
            },
            "function": self.function,
            "route": route,
            **details,
        }
        _log.log(level, "%s %s %d", scope["method"], route, status, extra={"fields": fields})
