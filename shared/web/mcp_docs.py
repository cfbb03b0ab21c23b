"""The MCP server's paths, and its messages in the OpenAPI document. The protocol itself is specified elsewhere."""

import json
from typing import Any

from shared.web.error_responses import Responses

PATH = "/mcp"
METADATA_PATH = "/.well-known/oauth-protected-resource"
"""RFC 9728: the path of the resource follows."""
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "example", "version": "1.0"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
_LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": _META}}
_CALL = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "tools/call",
    "params": {"name": "greeter", "arguments": {"inputText": "Ada"}, "_meta": _META},
}
_HANDSHAKE = {
    "jsonrpc": "2.0",
    "id": 0,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "example", "version": "1.0"},
    },
}
_RESULT = {
    "jsonrpc": "2.0",
    "id": 2,
    "result": {
        "resultType": "complete",
        "content": [{"type": "text", "text": "Hello, Ada!"}],
        "structuredContent": {"outputText": "Hello, Ada!"},
        "isError": False,
    },
}
_STREAM = f"event: message\r\ndata: {json.dumps(_RESULT)}\r\n\r\n"
_ID: dict[str, Any] = {"type": ["string", "integer", "null"]}
_MESSAGE: dict[str, Any] = {
    "type": "object",
    "description": "A JSON-RPC message: a request, or a notification, which has no `id`.",
    "required": ["jsonrpc", "method"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": {"type": ["string", "integer"]},
        "method": {"type": "string"},
        "params": {},
    },
    "examples": [_LIST],
}
_REPLY: dict[str, Any] = {
    "type": "object",
    "description": "A JSON-RPC response with either a `result` or an `error`.",
    "required": ["jsonrpc", "id"],
    "properties": {
        "jsonrpc": {"const": "2.0"},
        "id": _ID,
        "result": {},
        "error": {},
    },
    "examples": [_RESULT],
}
_EVENT: dict[str, Any] = {
    "type": "object",
    "description": "`data`: a notification, or the response.",
    "required": ["event", "data"],
    "properties": {
        "event": {"const": "message"},
        "data": {"type": "string", "contentMediaType": "application/json"},
    },
}
_REFUSAL: dict[str, Any] = {
    "schema": {
        "type": "object",
        "description": "A JSON-RPC error, or `detail` for a request that the protocol's server has not seen.",
        "additionalProperties": True,
    },
    "example": {"jsonrpc": "2.0", "id": 2, "error": {"code": -32602, "message": "Unknown tool: greeter"}},
}
_HEADERS = {
    "MCP-Protocol-Version": "The protocol's version; without it, the one before there was a header.",
    "Mcp-Method": "The message's `method`, required from version 2026-07-28 on.",
    "Mcp-Name": "The tool of a `tools/call`, required from version 2026-07-28 on.",
}
MCP_REQUEST: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in _HEADERS.items()
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": _MESSAGE,
                "examples": {
                    "list the tools": {"value": _LIST},
                    "call a tool": {"value": _CALL},
                    "begin with an older version": {"value": _HANDSHAKE},
                },
            }
        },
    },
}
"""For `openapi_extra` of the route."""
MCP_RESPONSES: Responses = {
    200: {
        "description": "The response to a request, as JSON or, if the client accepts them, as the last of a stream of "
        "events, after notifications of progress. A comment follows after each 15 seconds without an event.",
        "content": {
            "application/json": {"schema": _REPLY},
            "text/event-stream": {"example": _STREAM, "itemSchema": _EVENT},
        },
    },
    202: {"description": "The notification was taken."},
    400: {
        "description": "The message is not valid, or its arguments are not, or the tool is unknown.",
        "content": {"application/json": _REFUSAL},
    },
    404: {
        "description": "The protocol's method is unknown.",
        "content": {"application/json": _REFUSAL},
    },
}
"""The responses of the route, apart from those that all routes have."""
