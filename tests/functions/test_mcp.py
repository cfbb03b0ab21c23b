"""The MCP route: what it answers, by every way; whom it refuses; and that a token stays between two."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import functions.mcp.main as mcp
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import PAGED_TOOLS, TOKEN, McpServer
from tests.functions.conftest import Serve
from tests.outbound.conftest import Connections
from tests.outbound.conftest import connections as connections
from tests.outbound.hostile_mcp import HostileMcpServer
from tests.outbound.test_hostile_urls import URLS, port_of, resolver, untouched

ROOT = Path(__file__).parents[2]
SECRET = "hush-hush-token-1234"


def only_the_tables_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop resolves the table's names and numbers, and no others."""

    async def getaddrinfo(_: object, host: str, port: int, **__: object) -> list[tuple[Any, ...]]:
        found = await resolver(host, port)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, port)) for address in found]

    loop_type: Any = asyncio.BaseEventLoop
    monkeypatch.setattr(loop_type, "getaddrinfo", getaddrinfo)


async def refused_without_a_connection(
    client: httpx.AsyncClient, route: str, field: str, url: str, connections: Connections
) -> None:
    """400; or, for a name that does not exist, 502."""
    with socket.create_server(("127.0.0.1", 0)) as bait:
        bait.setblocking(False)
        response = await client.post(route, json={field: url.replace("{port}", str(port_of(bait)))})

        assert response.status_code in (400, 502), response.text
        detail: str = response.json()["detail"]
        assert response.status_code == 400 or detail.startswith("There is no host by the name ")
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
    """All that this process logs and every detail of it, but for what the test's own client and servers say."""
    monkeypatch.setattr(logging.getLogger("agents"), "propagate", True)
    caplog.set_level(logging.DEBUG)
    theirs = ("mcp.server", "sse_starlette", "uvicorn")
    return lambda: "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if not record.name.startswith(theirs)
    )


@pytest.mark.parametrize("address", ["url", "sse_url"])
async def test_the_tools_of_a_server(serve: Serve, mcp_server: McpServer, address: str) -> None:
    """200, by streamable HTTP and by SSE; exactly the contract's fields, and the address as it was sent."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    url = getattr(mcp_server, address)
    response = await client.post("/mcp/tools", json={"mcp_url": url})
    assert response.status_code == 200
    answer = response.json()
    assert list(answer) == ["mcp_url", "tools"]
    assert answer["mcp_url"] == url
    assert all(list(tool) == ["name", "description", "inputSchema"] for tool in answer["tools"])
    tools = {tool["name"]: tool for tool in answer["tools"]}
    assert {"add", "echo", "weather"} <= set(tools)
    assert tools["add"]["description"] == "Adds two numbers."
    assert tools["add"]["inputSchema"]["properties"]["a"]["type"] == "integer"
    assert tools["add"]["inputSchema"]["required"] == ["a", "b"]


@pytest.mark.parametrize("path", ["/mcp/tools", "/api/mcp/tools", "/tools", "/mcp/tools/", "/api/mcp/tools/"])
async def test_every_way_leads_there(serve: Serve, mcp_server: McpServer, path: str) -> None:
    """Hosting with and without its prefix, and what cloudfunctions.net leaves; all pages, in order."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post(path, json={"mcpUrl": mcp_server.paged_url})
    assert response.status_code == 200
    assert [tool["name"] for tool in response.json()["tools"]] == [f"tool{number:02}" for number in range(PAGED_TOOLS)]


@pytest.mark.parametrize("spelling", [("mcp_url", "auth_token"), ("mcpUrl", "authToken")])
async def test_the_token_is_passed_on_and_goes_nowhere_else(
    serve: Serve, mcp_server: McpServer, logged: Callable[[], str], spelling: tuple[str, str]
) -> None:
    """Both spellings. The server has it with every request; neither a log line nor the answer does."""
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
async def test_a_private_server_says_that_it_wants_another_token(
    serve: Serve, mcp_server: McpServer, logged: Callable[[], str], token: dict[str, Any]
) -> None:
    """502, with its own words; a wrong token is neither repeated nor logged, and an empty one is none."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post("/mcp/tools", json={"mcp_url": mcp_server.private_url, **token})
    assert response.status_code == 502
    assert response.json() == {"detail": "127.0.0.1 requires a token, or a different one: A token is needed here."}
    sent = f"Bearer {SECRET}" if token.get("auth_token") else None
    assert {authorization for _, path, authorization in mcp_server.requests if path == "/private"} == {sent}
    assert SECRET not in response.text + logged()


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/rude/403", 502, "127.0.0.1 does not allow it: Not for you: Bearer [token]"),
        ("/rude/500", 502, "did not answer as an MCP server does (status 500): The database is on fire."),
        ("/rude/html", 502, "did not answer as an MCP server does"),
        ("/rude/comments", 504, "127.0.0.1 did not answer within 1 seconds."),
        ("/nowhere/at/all", 502, "did not answer as an MCP server does (status 404)"),
        ("/rpc-error", 502, "Out of order"),
        ("/many", 502, "The server has more than 1000 tools"),
        ("/pages", 502, "on more than 100 pages"),
        ("/huge", 502, "The answer is longer than"),
        ("/not-json", 502, "did not answer as an MCP server does"),
    ],
)
async def test_a_server_that_fails_is_told_in_a_sentence(
    serve: Serve, hostile: HostileMcpServer, path: str, status: int, says: str
) -> None:
    """502, or 504 for one that takes too long; with the server's own message where there is one."""
    client = serve(mcp, outbound_allowed_hosts=(hostile.host,), outbound_timeout_seconds=1)
    response = await client.post("/mcp/tools", json={"mcp_url": f"{hostile.address}{path}", "auth_token": SECRET})
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert says in response.json()["detail"]
    assert SECRET not in response.text


async def test_what_is_no_mcp_server(serve: Serve, api_server: ApiServer) -> None:
    """An API, a page, a closed port and an unknown name: 502, each with its own message."""
    client = serve(mcp, outbound_allowed_hosts=(api_server.host, "127.0.0.1:1"))
    for url, says in [
        (f"{api_server.address}/echo", "did not answer as an MCP server does"),
        (f"{api_server.address}/redirect?to=/echo", "did not answer as an MCP server does"),
        ("http://127.0.0.1:1/mcp", "127.0.0.1:1 could not be reached."),
        ("http://nowhere.invalid/mcp", "There is no host by the name nowhere.invalid."),
    ]:
        response = await client.post("/mcp/tools", json={"mcp_url": url})
        assert response.status_code == 502
        assert says in response.json()["detail"]


async def test_a_slow_server(serve: Serve, api_server: ApiServer) -> None:
    """504 when the deployment's time is up."""
    client = serve(mcp, outbound_allowed_hosts=(api_server.host,), outbound_timeout_seconds=0.3)
    response = await client.post("/mcp/tools", json={"mcp_url": f"{api_server.address}/slow?seconds=5"})
    assert response.status_code == 504
    assert response.json() == {"detail": "127.0.0.1 did not answer within 0.3 seconds."}


@pytest.mark.parametrize("token", ["a\nb", " a", "ü"])
async def test_a_token_that_no_header_holds(serve: Serve, mcp_server: McpServer, token: str) -> None:
    """400, and nothing is sent."""
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
async def test_a_malformed_body(serve: Serve, body: Any, field: str | None) -> None:
    """422 in FastAPI's shape, which shows what was wrong, but never a token."""
    response = await serve(mcp).post("/mcp/tools", json=body)
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert list(problem) == ["type", "loc", "msg", "input"]
    assert problem["loc"] == ["body", field] if field else ["body"]
    assert SECRET not in response.text


async def test_a_body_that_is_no_json_or_too_long(serve: Serve) -> None:
    """422, and 413 above 64 KB."""
    client = serve(mcp)
    assert (await client.post("/mcp/tools", content=b"{")).status_code == 422
    assert (await client.post("/mcp/tools", json={"mcp_url": "x" * 70_000})).status_code == 413


async def test_only_by_post(serve: Serve) -> None:
    """405 for what is there by another method, 404 for what is not."""
    client = serve(mcp)
    assert (await client.get("/mcp/tools")).status_code == 405
    assert (await client.post("/mcp/nothing", json={})).status_code == 404


async def test_nobody_gets_nothing(serve: Serve, mcp_server: McpServer) -> None:
    """401 without an ID token in a Firebase deployment; the token for the server is none."""
    client = serve(mcp, app_env="firebase", outbound_allowed_hosts=(mcp_server.host,))
    response = await client.post("/mcp/tools", json={"mcp_url": mcp_server.url, "auth_token": TOKEN})
    assert response.status_code == 401
    assert list(response.json()) == ["detail"]
    assert mcp_server.requests == []


@pytest.mark.parametrize("url", URLS)
async def test_a_hostile_url_is_refused(
    serve: Serve, url: str, connections: Connections, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 for whatever leads inside, without one connection."""
    only_the_tables_names(monkeypatch)
    await refused_without_a_connection(serve(mcp), "/mcp/tools", "mcp_url", url, connections)


async def test_many_at_once_do_not_mix(serve: Serve, mcp_server: McpServer) -> None:
    """Each answer belongs to its own request."""
    client = serve(mcp, outbound_allowed_hosts=(mcp_server.host,))
    urls = [mcp_server.url, mcp_server.paged_url, mcp_server.private_url] * 4
    answers = await asyncio.gather(*(client.post("/mcp/tools", json={"mcp_url": url}) for url in urls))
    assert [answer.status_code for answer in answers] == [200, 200, 502] * 4
    assert {answer.json()["mcp_url"] for answer in answers if answer.status_code == 200} == set(urls[:2])
