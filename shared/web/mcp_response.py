"""The response to a request of an MCP client. If the client disconnects, everything that it waits for is cancelled.

Import this module late, because the SDK is large.
"""

import json

import anyio
from fastapi import Request, Response
from starlette.types import Message, Receive, Scope, Send

from shared.mcp_server.model import ToolHost
from shared.mcp_server.server import Waiting
from shared.mcp_server.serving import is_message, serve
from shared.models.errors import BadRequest, CallerDisconnected, Forbidden
from shared.settings import Settings
from shared.web.cors import is_allowed_origin
from shared.web.sse import MAX_SECONDS, is_through_hosting

HOSTING_SECONDS = 50.0
"""How long a request through Hosting waits for a call: less than the 60 seconds that Hosting waits for the response."""
TASK_SECONDS = 10.0
"""How long a request waits for a call before the client gets a task, if it supports tasks."""
_DAY_MILLISECONDS = 86_400_000
_PARSE_ERROR = -32700
_INVALID_REQUEST = -32600


async def respond(host: ToolHost, request: Request, settings: Settings, max_body_bytes: int) -> Response:
    """Returns the response. Raises `Forbidden` for a page that may not call, and `BadRequest` for another media type.

    A body that is not valid JSON, or not one message, gets an error of the protocol.
    """
    refuse_foreign_page(request, settings)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise BadRequest("Send one JSON-RPC message, with 'Content-Type: application/json'.")
    try:
        message = await request.json()
    except ValueError as error:
        problem = error.msg if isinstance(error, json.JSONDecodeError) else "it cannot be parsed"
        return _make_error(_PARSE_ERROR, f"The body is not valid JSON: {problem}")
    if not is_message(message):
        return _make_error(_INVALID_REQUEST, "The body is not a single JSON-RPC message.")
    longest = HOSTING_SECONDS if is_through_hosting(request) else MAX_SECONDS
    ttl = settings.ticket_retention_days * _DAY_MILLISECONDS or None
    return _McpResponse(host, Waiting(longest, TASK_SECONDS, ttl), await request.body(), max_body_bytes)


def refuse_foreign_page(request: Request, settings: Settings) -> None:
    """Raises `Forbidden` for a request of a page whose origin is not among those that may call.

    Browsers name the origin with each POST, so a page cannot reach a local service under a name of its own. A deployed
    service also serves its own pages, since callers need a token there.
    """
    origin = request.headers.get("origin")
    if origin is None or is_allowed_origin(settings, origin):
        return
    host = request.headers.get("x-forwarded-host") or request.headers.get("host", "")
    if settings.deployed and origin == f"https://{host}":
        return
    raise Forbidden("Pages of this origin may not call this service. See the setting CORS_ORIGINS.")


class _McpResponse(Response):
    """A response that the SDK sends."""

    def __init__(  # pyright: ignore[reportMissingSuperCall]
        self, host: ToolHost, waiting: Waiting, body: bytes, max_body_bytes: int
    ) -> None:
        self.status_code = 200
        self.background = None
        self.raw_headers = []
        self.body = body
        self._host = host
        self._waiting = waiting
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Has the SDK respond."""
        has_started = False

        async def send_on(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
            await serve(self._host, self._waiting, scope, self._replay(), send_on, self._max_body_bytes)
            group.cancel_scope.cancel()
        if not has_started:
            raise CallerDisconnected("The caller has disconnected.")

    def _replay(self) -> Receive:
        messages: list[Message] = [{"type": "http.request", "body": self.body, "more_body": False}]

        async def replay() -> Message:
            if not messages:
                await anyio.sleep_forever()
            return messages.pop()

        return replay


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    scope.cancel()


def _make_error(code: int, message: str) -> Response:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}
    return Response(json.dumps(error), 400, media_type="application/json")
