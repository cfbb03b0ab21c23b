"""Where the MCP server and the description of its authorization are, from the request for either of them."""

from dataclasses import dataclass

from fastapi import Request

from shared.services.demos.page import is_origin
from shared.web.mcp_docs import METADATA_PATH, PATH
from shared.web.paths import PREFIX


@dataclass(frozen=True)
class McpAddresses:
    """The URL of the MCP server, that of its metadata, and that of the service's documentation."""

    server: str
    metadata: str
    documentation: str


def find_addresses(request: Request) -> McpAddresses | None:
    """Returns the addresses in the form in which the client has sent the request, None if it names no valid host.

    Through Hosting, the API is also below `/api`. A function's cloudfunctions.net address begins with its name.
    """
    scheme, forwarded_host = (
        request.headers.get(f"x-forwarded-{part}", "").partition(",")[0].strip() for part in ("proto", "host")
    )
    host = forwarded_host or request.headers.get("host", "")
    origin = f"{(scheme or request.url.scheme).lower()}://{host}"
    if not is_origin(origin):
        return None
    if host.endswith(".cloudfunctions.net"):
        return McpAddresses(f"{origin}{PATH}", f"{origin}{PATH}{METADATA_PATH}", f"{origin}/meta/docs")
    path: str = request.state.original_path
    is_below = path.startswith(f"{PREFIX}/") or path.rstrip("/").endswith(f"{METADATA_PATH}{PREFIX}{PATH}")
    prefix = PREFIX if is_below else ""
    return McpAddresses(f"{origin}{prefix}{PATH}", f"{origin}{METADATA_PATH}{prefix}{PATH}", f"{origin}{prefix}/docs")
