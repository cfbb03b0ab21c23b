"""Explains in plain words what an MCP server did wrong, from the SDK's errors.

The SDK's own messages are for programmers, and quote what the server sent, so none of them is passed on.
"""

from mcp import MCPError
from mcp_types import CONNECTION_CLOSED, INTERNAL_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, PARSE_ERROR
from pydantic import ValidationError

from shared.outbound.errors import one_line

ADDRESS_HINT = "Check the address: it is the server's MCP endpoint, which often ends in /mcp or /sse."
_MAX_PLACE_LENGTH = 100
_NOT_JSON = "it sent what is not valid JSON."
_NOT_RPC = "it sent JSON that is not a JSON-RPC message."
_SDK_BEGINNINGS: dict[int, tuple[str, ...]] = {
    PARSE_ERROR: ("Failed to parse",),
    INVALID_REQUEST: ("Unexpected content type", "server answered a request", "Redirect to", "Session terminated"),
    METHOD_NOT_FOUND: ("Not Found",),
    INTERNAL_ERROR: ("Server returned an error response",),
    CONNECTION_CLOSED: ("",),
}
"""By code: beginnings of the messages that the SDK invents if a server sent no JSON-RPC error."""


def is_from_sdk(error: MCPError) -> bool:
    """Whether the error comes from the SDK rather than from the server."""
    return error.message.startswith(_SDK_BEGINNINGS.get(error.code, "\0"))


def explain(error: BaseException, content_type: str) -> str:
    """What the server did wrong, from an error of the SDK; empty if that is unknown.

    `content_type`: of the server's last answer.
    """
    match error:
        case ValidationError():
            return f"its answer is not valid MCP: {_locate(error)} is missing or wrong."
        case MCPError(code=code) if code == PARSE_ERROR:
            return _explain_unparsed(error)
        case MCPError() if error.message.startswith("Unexpected content type"):
            kind = one_line(content_type.partition(";")[0])[:_MAX_PLACE_LENGTH] or "of no content type"
            return f"it answered with a page or text ({kind}). {ADDRESS_HINT}"
        case MCPError() if error.message.startswith("server answered a request"):
            return "it accepted the message, but did not answer it."
        case MCPError() if error.message.startswith("Redirect to"):
            return "it redirects again and again."
        case MCPError() if error.message.startswith("Session terminated"):
            return "it does not recognise the session that it has just started."
        case MCPError(code=code) if code == CONNECTION_CLOSED:
            return "its answer ended before it was complete."
        case RuntimeError() if "protocol version" in str(error):
            return "it speaks an unsupported version of MCP."
        case _:
            return ""


def _explain_unparsed(error: MCPError) -> str:
    """Broken JSON, or JSON that is something else: the validator's code in the SDK's message shows which."""
    return _NOT_JSON if "json_invalid" in error.message or "Invalid JSON" in error.message else _NOT_RPC


def _locate(error: ValidationError) -> str:
    """`tools[3].inputSchema`: the first wrong field. Parts of it may be the server's words."""
    place = ""
    for part in error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else part
    return one_line(place)[:_MAX_PLACE_LENGTH] or "it"
