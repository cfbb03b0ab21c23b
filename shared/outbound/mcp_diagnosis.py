"""Explains what an MCP server did wrong, based on the SDK's errors.

The SDK's own messages are written for programmers and quote what the server sent, so users do not see them.
"""

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR
from pydantic import ValidationError

from shared.outbound.errors import one_line

ADDRESS_HINT = "Check the address: it is the server's MCP endpoint, which often ends in /mcp or /sse."
_MAX_PLACE_LENGTH = 100
_NOT_JSON = "it sent data that is not valid JSON."
_NOT_RPC = "it sent JSON that is not a JSON-RPC message."
_SDK_BEGINNINGS: dict[int, tuple[str, ...]] = {
    PARSE_ERROR: ("Failed to parse",),
    INVALID_REQUEST: ("Unexpected content type", "server answered a request", "Redirect to", "Session terminated"),
    METHOD_NOT_FOUND: ("Not Found",),
    INTERNAL_ERROR: ("Server returned an error response",),
    CONNECTION_CLOSED: ("",),
}
"""By error code: the beginnings of the messages that the SDK itself writes if a server sent no JSON-RPC error."""


def is_from_sdk(error: MCPError) -> bool:
    """Whether the error comes from the SDK rather than from the server."""
    return error.message.startswith(_SDK_BEGINNINGS.get(error.code, "\0"))


def explain(error: BaseException, content_type: str) -> str:
    """Returns what the server did wrong, based on an error of the SDK; empty if the error does not show that.

    `content_type`: the content type of the server's last successful response.
    """
    match error:
        case ValidationError():
            return f"its response is not valid MCP: {_locate(error)} is missing or invalid."
        case MCPError(code=code) if code == PARSE_ERROR:
            return _explain_unparsed(error)
        case MCPError() if error.message.startswith("Unexpected content type"):
            kind = one_line(content_type.partition(";")[0])[:_MAX_PLACE_LENGTH] or "without a content type"
            return f"it sent a page or other text ({kind}). {ADDRESS_HINT}"
        case MCPError() if error.message.startswith("server answered a request"):
            return "it accepted the message, but sent no response."
        case MCPError() if error.message.startswith("Redirect to"):
            return "it redirects too many times."
        case MCPError() if error.message.startswith("Session terminated"):
            return "it does not recognise the session that it has just started."
        case MCPError(code=code) if code == CONNECTION_CLOSED:
            return "its response is incomplete."
        case RuntimeError() if "protocol version" in str(error):
            return "it uses an unsupported version of MCP."
        case _:
            return ""


def _explain_unparsed(error: MCPError) -> str:
    """Distinguishes invalid JSON from JSON that is not JSON-RPC, by the validator's code in the SDK's message."""
    return _NOT_JSON if "json_invalid" in error.message or "Invalid JSON" in error.message else _NOT_RPC


def _locate(error: ValidationError) -> str:
    """Returns the path of the first invalid field, such as `tools[3].inputSchema`. It may quote the server."""
    place = ""
    for part in error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return one_line(place)[:_MAX_PLACE_LENGTH] or "it"
