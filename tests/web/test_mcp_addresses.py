"""Tests under which addresses the MCP server and the description of its authorization are announced."""

import pytest
from fastapi import Request

from shared.web.mcp_addresses import find_addresses

METADATA = "/.well-known/oauth-protected-resource"
HOSTED = {"host": "mcp-abc.run.app", "x-forwarded-host": "demo.web.app", "x-forwarded-proto": "https"}


def request(path: str, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "scheme": "http", "path": path, "headers": raw, "state": {"original_path": path}}
    return Request({**scope, "server": ("127.0.0.1", 80), "query_string": b""})


@pytest.mark.parametrize(
    ("path", "headers", "server", "metadata"),
    [
        ("/mcp", HOSTED, "https://demo.web.app/mcp", f"https://demo.web.app{METADATA}/mcp"),
        ("/api/mcp", HOSTED, "https://demo.web.app/api/mcp", f"https://demo.web.app{METADATA}/api/mcp"),
        (METADATA, HOSTED, "https://demo.web.app/mcp", f"https://demo.web.app{METADATA}/mcp"),
        (f"{METADATA}/api/mcp", HOSTED, "https://demo.web.app/api/mcp", f"https://demo.web.app{METADATA}/api/mcp"),
        (f"/api{METADATA}", HOSTED, "https://demo.web.app/api/mcp", f"https://demo.web.app{METADATA}/api/mcp"),
        ("/mcp", {"host": "127.0.0.1:80"}, "http://127.0.0.1:80/mcp", f"http://127.0.0.1:80{METADATA}/mcp"),
        (
            "/",
            {"host": "us-central1-demo.cloudfunctions.net", "x-forwarded-proto": "https"},
            "https://us-central1-demo.cloudfunctions.net/mcp",
            f"https://us-central1-demo.cloudfunctions.net/mcp{METADATA}",
        ),
    ],
)
def test_the_client_finds_both_where_it_has_found_one(
    path: str, headers: dict[str, str], server: str, metadata: str
) -> None:
    """Through Hosting, below `/api` or not, and at the function's own addresses."""
    addresses = find_addresses(request(path, **headers))
    assert addresses is not None
    assert (addresses.server, addresses.metadata) == (server, metadata)


@pytest.mark.parametrize("host", ['demo.web.app"', "a b", ""])
def test_a_host_that_is_none_has_no_addresses(host: str) -> None:
    """The addresses are sent in a header, so nothing else may get there."""
    assert find_addresses(request("/mcp", host=host)) is None
