"""Tests the MCP route: its responses at all paths, what it refuses, and that it keeps the server's token secret."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import functions.mcp.main as mcp
from shared.services.connectors.mcp_tools import MAX_CONCURRENT
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import PAGED_TOOLS, TOKEN, McpServer
from tests.functions.conftest import Serve
from tests.outbound.conftest import Connections
from tests.outbound.conftest import connections as connections
from tests.outbound.hostile_mcp import HostileMcpServer
from tests.outbound.test_hostile_urls import URLS, port_of, resolver, untouched

ROOT = Path(__file__).parents[2]
SECRET = "hush-hush-token-1234"


def resolve_only_table_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the event loop resolve only the names and addresses in the test's table."""

    async def getaddrinfo(_: object, host: str, port: int, **__: object) -> list[tuple[Any, ...]]:
        addresses = await resolver(host, port)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in addresses]

    loop_type: Any = asyncio.BaseEventLoop
    monkeypatch.setattr(loop_type, "getaddrinfo", getaddrinfo)


async def assert_refused_without_a_connection(
    client: httpx.AsyncClient, route: str, field: str, url: str, connections: Connections
) -> None:
    """Expects a 400, or a 502 for a host that does not exist, and that no connection is opened."""
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.setblocking(False)
        response = await client.post(route, json={field: url.replace("{port}", str(port_of(bait)))})

        assert response.status_code in (400, 502), response.text
        detail: str = response.json()["detail"]
        assert response.status_code == 400 or detail.endswith(" does not exist.")
        assert "secret" not in detail
        assert connections.tried == []
        assert untouched(bait)


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileMcpServer]:
    server = HostileMcpServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Returns a function that returns everything this process has logged, except for the test's client and servers."""
    monkeypatch.setattr(logging.getLogger("agents"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    test_loggers = ("mcp.server", "sse_starlette", "uvicorn")
    return lambda: "\n".join(
        f"{record.getMessage()} {record.__dict__}"
        for record in caplog.records
        if not record.name.startswith(test_loggers)
    )


@pytest.mark.parametrize("address", ["url", "sse_url"])
async def test_the_tools_of_a_server_are_listed(serve: Serve, mcp_server: McpServer, address: str) -> None:
    """With Streamable HTTP and with SSE, the response has the documented fields, and the address as it was sent."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    url = getattr(mcp_server, address)
    response = await client.post("/mcp/tools", json={"mcp_url": url})
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["mcp_url", "tools"]
    assert body["mcp_url"] == url
    assert all(list(tool) == ["name", "description", "inputSchema"] for tool in body["tools"])
    tools = {tool["name"]: tool for tool in body["tools"]}
    assert {"add", "echo", "weather"} <= set(tools)
    assert tools["add"]["description"] == "Adds two numbers."
    assert tools["add"]["inputSchema"]["properties"]["a"]["type"] == "integer"
    assert tools["add"]["inputSchema"]["required"] == ["a", "b"]


@pytest.mark.parametrize("path", ["/mcp/tools", "/api/mcp/tools", "/tools", "/mcp/tools/", "/api/mcp/tools/"])
async def test_every_path_leads_to_the_route(serve: Serve, mcp_server: McpServer, path: str) -> None:
    """The route works at the paths of Hosting and of cloudfunctions.net, and returns all tools in order."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post(path, json={"mcpUrl": mcp_server.paged_url})
    assert response.status_code == 200
    assert [tool["name"] for tool in response.json()["tools"]] == [f"tool{number:02}" for number in range(PAGED_TOOLS)]


@pytest.mark.parametrize("spelling", [("mcp_url", "auth_token"), ("mcpUrl", "authToken")])
async def test_the_token_is_sent_only_to_the_server(
    serve: Serve, mcp_server: McpServer, logged: Callable[[], str], spelling: tuple[str, str]
) -> None:
    """The token is in every request to the server, but in no log line and not in the response. Both spellings work."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post("/mcp/tools", json=dict(zip(spelling, (mcp_server.private_url, TOKEN), strict=True)))
    assert response.status_code == 200
    assert response.json()["tools"]
    assert {authorization for _, path, authorization in mcp_server.requests if path == "/private"} == {
        f"Bearer {TOKEN}"
    }
    assert TOKEN not in response.text
    assert "POST /mcp/tools 200" in logged()
    assert TOKEN not in logged()


@pytest.mark.parametrize("token", [{}, {"auth_token": SECRET}, {"auth_token": None}, {"auth_token": ""}])
async def test_a_missing_or_wrong_token_is_502(
    serve: Serve, mcp_server: McpServer, logged: Callable[[], str], token: dict[str, Any]
) -> None:
    """If the token is missing or wrong, the error quotes the server. A wrong token is neither repeated nor logged, and
    an empty one is not sent."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post("/mcp/tools", json={"mcp_url": mcp_server.private_url, **token})
    assert response.status_code == 502
    assert response.json() == {"detail": "127.0.0.1 requires a token, or a different one: A token is needed here."}
    authorization_sent = f"Bearer {SECRET}" if token.get("auth_token") else None
    assert {authorization for _, path, authorization in mcp_server.requests if path == "/private"} == {
        authorization_sent
    }
    assert SECRET not in response.text + logged()


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/rude/403", 502, "127.0.0.1 does not allow this request: Not for you: Bearer [token]"),
        ("/rude/500", 502, "did not respond like an MCP server (status 500): The database is on fire."),
        ("/rude/html", 502, "did not respond like an MCP server"),
        ("/rude/comments", 504, "127.0.0.1 did not answer within 1 seconds."),
        ("/nowhere/at/all", 502, "did not respond like an MCP server (status 404)"),
        ("/rpc-error", 502, "Out of order"),
        ("/many", 502, "The server has more than 1000 tools"),
        ("/pages", 502, "on more than 100 pages"),
        ("/huge", 502, "The response is longer than"),
        ("/not-json", 502, "did not respond like an MCP server"),
    ],
)
async def test_a_failing_server_is_described(
    serve: Serve, hostile: HostileMcpServer, path: str, status: int, text: str
) -> None:
    """If the MCP server fails, the status is 502, or 504 after a timeout. The error quotes the server's message, if
    any."""
    client = serve(mcp, outbound_allowed_hosts=(hostile.host,), outbound_timeout_seconds=1)
    response = await client.post("/mcp/tools", json={"mcp_url": f"{hostile.address}{path}", "auth_token": SECRET})
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert text in response.json()["detail"]
    assert SECRET not in response.text


async def test_a_url_without_an_mcp_server_is_502(serve: Serve, api_server: ApiServer) -> None:
    """The error for an API, a redirect, a closed port and an unknown host describes the problem."""
    client = serve(mcp, outbound_allowed_hosts=(api_server.host, "127.0.0.1:1"))
    for url, text in [
        (f"{api_server.address}/echo", "did not respond like an MCP server"),
        (f"{api_server.address}/redirect?to=/echo", "did not respond like an MCP server"),
        ("http://127.0.0.1:1/mcp", "127.0.0.1:1 could not be reached."),
        ("http://nowhere.invalid/mcp", "The host nowhere.invalid does not exist."),
    ]:
        response = await client.post("/mcp/tools", json={"mcp_url": url})
        assert response.status_code == 502
        assert text in response.json()["detail"]


async def test_a_slow_server_is_504(serve: Serve, api_server: ApiServer) -> None:
    """A request to a slow server ends after `OUTBOUND_TIMEOUT_SECONDS`."""
    client = serve(mcp, outbound_allowed_hosts=(api_server.host,), outbound_timeout_seconds=0.3)
    response = await client.post("/mcp/tools", json={"mcp_url": f"{api_server.address}/slow?seconds=5"})
    assert response.status_code == 504
    assert response.json() == {"detail": "127.0.0.1 did not answer within 0.3 seconds."}


@pytest.mark.parametrize("token", ["a\nb", " a", "ü"])
async def test_a_token_with_invalid_characters_is_400(serve: Serve, mcp_server: McpServer, token: str) -> None:
    """A token with invalid characters gets a 400, and nothing is sent to the server."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post("/mcp/tools", json={"mcp_url": mcp_server.url, "auth_token": token})
    assert response.status_code == 400
    assert response.json() == {"detail": "The token contains characters that cannot be sent."}
    assert mcp_server.requests == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "mcp_url"),
        ({"auth_token": SECRET}, "mcp_url"),
        ({"mcp_url": None, "auth_token": SECRET}, "mcp_url"),
        ({"mcp_url": 5, "token": SECRET}, "mcp_url"),
        ({"mcp_url": "x" * 8001, "auth_token": SECRET}, "mcp_url"),
        ({"mcp_url": "http://x.example/", "auth_token": [SECRET]}, "auth_token"),
        ({"mcpUrl": {"auth_token": SECRET}}, "mcpUrl"),
        ([SECRET], None),
        (SECRET, None),
    ],
)
async def test_a_malformed_body_is_422(serve: Serve, body: Any, field: str | None) -> None:
    """The error for a malformed body has FastAPI's shape, but never contains a token."""
    response = await serve(mcp).post("/mcp/tools", json=body)
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert list(problem) == ["type", "loc", "msg", "input"]
    assert problem["loc"] == ["body", field] if field else ["body"]
    assert SECRET not in response.text


async def test_a_body_that_is_not_json_or_too_long_is_refused(serve: Serve) -> None:
    """Malformed JSON gets a 422, and a body of more than 64 KB gets a 413."""
    client = serve(mcp)
    assert (await client.post("/mcp/tools", content=b"{")).status_code == 422
    assert (await client.post("/mcp/tools", json={"mcp_url": "x" * 1_100_000})).status_code == 413


async def test_only_post_is_allowed(serve: Serve) -> None:
    """A method other than POST gets a 405, and an unknown path gets a 404."""
    client = serve(mcp)
    assert (await client.get("/mcp/tools")).status_code == 405
    assert (await client.post("/mcp/nothing", json={})).status_code == 404


async def test_an_anonymous_caller_is_401(serve: Serve, mcp_server: McpServer) -> None:
    """A Firebase deployment requires an ID token, in addition to the token for the MCP server."""
    client = serve(mcp, app_env="firebase", outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post("/mcp/tools", json={"mcp_url": mcp_server.url, "auth_token": TOKEN})
    assert response.status_code == 401
    assert list(response.json()) == ["detail"]
    assert mcp_server.requests == []


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_refused(
    serve: Serve, url: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A URL that leads to an internal address is refused before any connection is opened."""
    resolve_only_table_names(monkeypatch)
    await assert_refused_without_a_connection(serve(mcp), "/mcp/tools", "mcp_url", url, connections)


async def test_parallel_requests_get_their_own_responses(serve: Serve, mcp_server: McpServer) -> None:
    """Responses to parallel requests are not mixed up."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    urls = [mcp_server.url, mcp_server.paged_url, mcp_server.private_url] * (MAX_CONCURRENT // 3)
    responses = await asyncio.gather(*(client.post("/mcp/tools", json={"mcp_url": url}) for url in urls))
    assert [response.status_code for response in responses] == [200, 200, 502] * (MAX_CONCURRENT // 3)
    assert {response.json()["mcp_url"] for response in responses if response.status_code == 200} == set(urls[:2])
