"""The identity of the request that is being processed: its id, and its position in a distributed trace.

The formats are W3C's `traceparent` (https://www.w3.org/TR/trace-context/) and Google's older `X-Cloud-Trace-Context`.
No spans are created here: the platform creates them, and log lines refer to them.
"""

import re
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

TRACEPARENT = "traceparent"
CLOUD_TRACE = "x-cloud-trace-context"
REQUEST_ID = "X-Request-Id"

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_CLOUD_TRACE = re.compile(r"([0-9a-fA-F]{32})(?:/([0-9]{1,20})(?:;o=([0-9]{1,3}))?)?", re.ASCII)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}", re.ASCII)
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16
_SAMPLED = 1


class TraceContext(NamedTuple):
    """`trace_id`: 32 lower-case hex digits. `span_id`: 16 digits, of the calling span. Neither is all zeros."""

    trace_id: str
    span_id: str
    sampled: bool = False

    @property
    def traceparent(self) -> str:
        """The value of the header that passes the context on, in version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{int(self.sampled):02x}"


def new_trace() -> TraceContext:
    """Returns a new trace that is not sampled."""
    ids = secrets.token_hex(24)  # one system call for both
    return TraceContext(ids[:32], ids[32:])


def parse_traceparent(value: str) -> TraceContext | None:
    """Parses a `traceparent`. Returns None if it is invalid. Future versions may have more fields after the flags."""
    match = _TRACEPARENT.fullmatch(value.strip(" \t"))
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def parse_cloud_trace(value: str) -> TraceContext | None:
    """Parses `TRACE/SPAN;o=OPTIONS`, with the span as a decimal number. A missing span is replaced by a random one."""
    match = _CLOUD_TRACE.fullmatch(value.strip(" \t"))
    if match is None or match[1] == _NO_TRACE:
        return None
    span = int(match[2] or 0)
    span_id = f"{span:016x}" if 0 < span < 1 << 64 else secrets.token_hex(8)
    return TraceContext(match[1].lower(), span_id, bool(int(match[3] or 0) & _SAMPLED))


def parse_request_id(value: str) -> str | None:
    """Returns `value` if it is safe in headers and logs: 1 to 128 letters, digits, dots, hyphens and underscores."""
    return value if _REQUEST_ID.fullmatch(value) else None


class RequestContext(NamedTuple):
    """The request that is being served, or whose ticket is being worked on.

    `project`: the project that stores its trace. `route`: returns the method and route of the served request, which are
    known once it is routed.
    """

    request_id: str
    trace: TraceContext
    project: str
    route: Callable[[], tuple[str, str]]

    @property
    def headers(self) -> dict[str, str]:
        """The headers that pass the request's identity on to the services that work for it."""
        return {TRACEPARENT: self.trace.traceparent, REQUEST_ID: self.request_id}


current_request: ContextVar[RequestContext | None] = ContextVar("current_request", default=None)
"""None outside of a request."""


@contextmanager
def on_behalf_of(request_id: str | None, traceparent: str | None) -> Generator[None]:
    """Attributes work and log lines to the given request instead of the one being served, if it is known."""
    served, trace = current_request.get(), parse_traceparent(traceparent or "")
    if served is None or trace is None or request_id is None:
        yield
        return
    token = current_request.set(served._replace(request_id=request_id, trace=trace))
    try:
        yield
    finally:
        current_request.reset(token)
