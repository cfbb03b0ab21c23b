"""Serves one HTTP request of an MCP client. Every request stands on its own: there are no sessions.

Clients of version 2026-07-28 send no handshake. Those of older versions send one, whose outcome they repeat in each
request, so it needs no memory here either. A client gets JSON or, if it accepts that, a stream of events.
"""

import logging
from typing import Any

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import JSONRPCNotification, jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Receive, Scope, Send

from shared.mcp_server.model import ToolHost
from shared.mcp_server.server import ToolServer, Waiting

logging.getLogger("mcp").setLevel(logging.CRITICAL)  # its log lines are not JSON, and quote what clients send

_STREAM = ("text/event-stream", "text/*", "*/*")


async def serve(
    host: ToolHost, waiting: Waiting, scope: Scope, receive: Receive, send: Send, max_body_bytes: int
) -> None:
    """Responds to a POST request with a JSON body. `receive` yields the body, and then must not return."""
    headers = MutableHeaders(raw=list(scope["headers"]))
    is_stream = accepts_stream(Headers(raw=headers.raw))
    headers["accept"] = "application/json, text/event-stream"  # what other combinations lack is made up for above
    manager = StreamableHTTPSessionManager(
        app=ToolServer(host, waiting).build(),
        json_response=not is_stream,
        stateless=True,
        max_request_body_size=max_body_bytes,
    )
    async with manager.run():
        await manager.handle_request({**scope, "headers": headers.raw}, receive, send)


def is_message(body: Any) -> bool:
    """Whether a body is one message of the protocol.

    The SDK's errors about others quote its own types, and in older versions it takes a request whose id is not valid
    for a notification, which gets no response.
    """
    try:
        message = jsonrpc_message_adapter.validate_python(body, by_name=False)
    except ValidationError:
        return False
    return not (isinstance(message, JSONRPCNotification) and "id" in body)


def accepts_stream(headers: Headers) -> bool:
    """Whether the client accepts a stream of events."""
    kinds = (kind.partition(";")[0].strip().lower() for kind in ",".join(headers.getlist("accept")).split(","))
    return any(kind in _STREAM for kind in kinds)
