"""Decides which origins may call the service: those in `CORS_ORIGINS`, and any for paths with an open prefix."""

from collections.abc import Callable

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.settings import Settings
from shared.trace import REQUEST_ID, TRACEPARENT

LOCAL_ORIGINS = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
"""The origins that may call a service that is not deployed, unless `CORS_ORIGINS` is set: any on the same machine."""

_TRACING_HEADERS = (REQUEST_ID, TRACEPARENT)
"""Headers that any request may have, to identify it in the log."""
_OPENAI_CLIENT = (
    "Arch",
    "Custom-Poll-Interval",
    "Helper-Method",
    "Lang",
    "OS",
    "Package-Version",
    "Poll-Helper",
    "Retry-Count",
    "Runtime",
    "Runtime-Version",
    "Timeout",
)
_OPENAI_HEADERS = [
    "OpenAI-Organization",
    "OpenAI-Project",
    "User-Agent",
    *(f"X-Stainless-{name}" for name in _OPENAI_CLIENT),
]
"""Headers that OpenAI's client for JavaScript sends, also from pages. All are ignored."""
_REQUEST_HEADERS = [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "MCP-Protocol-Version",
    "Mcp-Method",
    "Mcp-Name",
    "X-Admin-Password",
    *_TRACING_HEADERS,
    *_OPENAI_HEADERS,
]
_RESPONSE_HEADERS = [
    "Idempotent-Replayed",
    "Retry-After",
    "WWW-Authenticate",
    "X-Next-Page-Token",
    "X-Run-Id",
    "warnings",
    REQUEST_ID,
]
_OPAQUE = "null"
_MAX_AGE_SECONDS = 3600
_MAX_SHOWN = 200


class JsonCors(CORSMiddleware):
    """Responds to a refused preflight in the format of all errors, and explains the refusal."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Responds like the base class, except for refusals."""
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        headers = {name: value for name, value in response.headers.items() if name.startswith(("access-", "vary"))}
        return JSONResponse({"detail": self._explain_refusal(request_headers)}, status_code=400, headers=headers)

    def _explain_refusal(self, request_headers: Headers) -> str:
        origin, method = request_headers["origin"], request_headers["access-control-request-method"]
        if not self.is_allowed_origin(origin):
            if origin == _OPAQUE:
                return (
                    "A page that was opened from a file or runs in a sandbox has no origin of its own, so it may not "
                    "call this service. Serve it, for example with 'python3 -m http.server', and open it from there."
                )
            return (
                f"Pages of {origin[:_MAX_SHOWN]} may not call this service. Add that origin to the setting "
                "CORS_ORIGINS, a comma-separated list of the allowed origins."
            )
        if method not in self.allow_methods:
            return f"Pages of other origins may not send {method[:_MAX_SHOWN]} here."
        requested = (name.strip() for name in request_headers.get("access-control-request-headers", "").split(","))
        unknown = ", ".join(name for name in requested if name.lower() not in self.allow_headers)
        if unknown:
            return f"Pages of other origins may not send these headers: {unknown[:_MAX_SHOWN]}."
        return "Pages of public sites may not call this service in a private network."


def _build_configured(settings: Settings) -> JsonCors:
    """Allows the configured origins. With `*`, browsers send no cookies or certificates, but do send token headers."""
    local = not settings.deployed
    return JsonCors(
        _no_app,
        allow_origins=settings.cors_origins,
        allow_origin_regex=LOCAL_ORIGINS if local and not settings.cors_origins else None,
        allow_credentials="*" not in settings.cors_origins,
        allow_private_network=local,
        allow_methods=["*"],
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
        max_age=_MAX_AGE_SECONDS,
    )


def is_allowed_origin(settings: Settings, origin: str) -> bool:
    """Whether pages of this origin may read the service's responses."""
    return _build_configured(settings).is_allowed_origin(origin)


def _build_open() -> JsonCors:
    """Allows any origin, including the opaque origin of a sandboxed page, without cookies."""
    return JsonCors(
        _no_app,
        allow_origins=["*"],
        allow_methods=["POST"],
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", *_TRACING_HEADERS],
        expose_headers=["Idempotent-Replayed", "Retry-After", "X-Run-Id", "warnings", REQUEST_ID],
        max_age=_MAX_AGE_SECONDS,
    )


async def _no_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """`shared.web.envelope` uses only the rules of Starlette's middleware, and calls the application itself."""


class Cors:
    """Lets any origin call paths that begin with `open_prefix`.

    The setting `CORS_ORIGINS` applies to all other paths, and to the origins that it lists. `canonical` maps a path to
    the form that routes use.
    """

    def __init__(self, settings: Settings, open_prefix: str | None, canonical: Callable[[str], str]) -> None:
        self.configured = _build_configured(settings)
        self.open = _build_open()
        self.open_prefix = open_prefix
        self.canonical = canonical

    def choose(self, path: str, origin: str) -> JsonCors:
        """Returns the rules for a request of a page."""
        if self.open_prefix is None or self.configured.is_allowed_origin(origin):
            return self.configured
        return self.open if self.canonical(path).startswith(self.open_prefix) else self.configured
