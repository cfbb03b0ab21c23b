"""Calls to malicious MCP servers are limited in time and size and fail with a short message."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import JsonValue

from shared.outbound.errors import BadResponse, NotMcp, OutboundError, ToolFailed, TooLong, TooSlow, Unauthorized
from shared.outbound.mcp import call_tool, list_tools
from shared.settings import Settings
from tests.outbound.conftest import Connections
from tests.outbound.hostile_mcp import HostileMcpServer

TOKEN = "hush-hush-token-1234"
_HANG_SECONDS = 60
"""The time after which a call that does not end fails its test."""


@pytest.fixture(scope="module")
def server() -> Iterator[HostileMcpServer]:
    hostile_server = HostileMcpServer()
    hostile_server.start()
    yield hostile_server
    hostile_server.stop()


@pytest.fixture
def settings(server: HostileMcpServer) -> Settings:
    server.methods.clear()
    return Settings(outbound_allowed_hosts=(server.host,), outbound_timeout_seconds=1, outbound_max_bytes=1_000_000)


def _with_long_timeout(settings: Settings) -> Settings:
    """Returns settings with enough time for everything that a server sends, even on a busy machine."""
    return settings.model_copy(update={"outbound_timeout_seconds": 20})


async def _failure(url: str, settings: Settings, *, calling: bool = False) -> OutboundError:
    """Returns the error of a call, and checks that it is raised in time and that its message is one short line."""
    call = call_tool(url, TOKEN, "tool", {}, settings) if calling else list_tools(url, TOKEN, settings)
    with pytest.raises(OutboundError) as failure:
        async with asyncio.timeout(_HANG_SECONDS):
            await call
    assert len(failure.value.message) < 400
    assert failure.value.message.isprintable()
    assert TOKEN not in failure.value.message
    return failure.value


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pages", TooLong),
        ("many", TooLong),
        ("comments", TooSlow),
        ("flood", TooLong),
        ("dies", TooSlow),
        ("huge", TooLong),
        ("not-json", NotMcp),
        ("deep", NotMcp),
        ("html", NotMcp),
        ("accepted", NotMcp),
        ("empty", NotMcp),
        ("other-id", TooSlow),
        ("wrong-shape", NotMcp),
        ("rpc-error", NotMcp),
        ("500", NotMcp),
        ("403", Unauthorized),
    ],
)
async def test_listing_tools_ends(
    server: HostileMcpServer, settings: Settings, name: str, kind: type[OutboundError]
) -> None:
    """Listing tools ends with an error for any invalid response after `initialize`."""
    limits = settings if kind is TooSlow else _with_long_timeout(settings)
    assert isinstance(await _failure(f"{server.address}/{name}", limits), kind)


@pytest.mark.parametrize(
    "name",
    ["comments", "flood", "dies", "huge", "not-json", "deep", "html", "accepted", "empty", "other-id", "500", "403"],
)
async def test_initialization_ends(server: HostileMcpServer, settings: Settings, name: str) -> None:
    """Listing tools ends with an error for any invalid response to `initialize`."""
    failure = await _failure(f"{server.address}/rude/{name}", settings)

    assert isinstance(failure, NotMcp | TooLong | TooSlow | Unauthorized)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("comments", TooSlow, "within 1 seconds"),
        ("flood", TooLong, "longer than 1000000 bytes"),
        ("huge", TooLong, "longer than 1000000 bytes"),
        ("not-json", NotMcp, "did not respond like an MCP server"),
        ("wrong-shape", NotMcp, "did not respond like an MCP server"),
        ("html", NotMcp, "text/html"),
        ("rpc-error", ToolFailed, "Out of order"),
        ("rpc-error-400", ToolFailed, "No such tool"),
        ("500", NotMcp, "(status 500): The database is on fire."),
        ("403", Unauthorized, "does not allow this request: Not for you"),
        ("infinite", BadResponse, "a number that JSON cannot represent"),
        ("silent-failure", ToolFailed, "gave no reason"),
        ("leaky", ToolFailed, "Bad token"),
    ],
)
async def test_calling_a_tool_ends(
    server: HostileMcpServer, settings: Settings, name: str, kind: type[OutboundError], message: str
) -> None:
    """A call ends with an error. If the server sends a message, the error contains it on one short line."""
    limits = settings if kind is TooSlow else _with_long_timeout(settings)
    failure = await _failure(f"{server.address}/{name}", limits, calling=True)

    assert isinstance(failure, kind)
    assert message in failure.message
    assert "swordfish" not in failure.message
    assert server.methods.count("tools/call") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("null", "shown"), ("wrapped", {"a": 1}), ("two", {"result": 1, "more": 2}), ("no-content", "")],
)
async def test_unusual_results_are_unwrapped(
    server: HostileMcpServer, settings: Settings, name: str, value: JsonValue
) -> None:
    """Structured content is unwrapped only if `result` is its only key."""
    assert await call_tool(f"{server.address}/{name}", TOKEN, "tool", {}, _with_long_timeout(settings)) == value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_to_other_servers_are_not_followed(
    server: HostileMcpServer, settings: Settings, connections: Connections, status: int
) -> None:
    """A redirect to another server is not followed, because the token is meant for this server only."""
    url = f"{server.address}/redirect?status={status}&to=http://127.0.0.1:1/"

    assert isinstance(await _failure(url, _with_long_timeout(settings)), NotMcp)
    assert {port for _, port in connections.tried} == {int(server.host.partition(":")[2])}


@pytest.mark.parametrize("kind", ["elsewhere", "rejecting", "none", "redirecting"])
async def test_sse_endpoints_on_other_servers_are_not_called(
    server: HostileMcpServer, settings: Settings, connections: Connections, kind: str
) -> None:
    """Over SSE, messages are sent only to the server in the URL."""
    await _failure(f"{server.address}/sse/{kind}", settings)

    assert {port for _, port in connections.tried} == {int(server.host.partition(":")[2])}


async def test_a_session_that_cannot_be_ended_loses_no_result(server: HostileMcpServer, settings: Settings) -> None:
    """Ending the session has a timeout of a few seconds. The result is returned even if this fails."""
    tools: list[Any] = await list_tools(f"{server.address}/stubborn", TOKEN, _with_long_timeout(settings))

    assert [tool.name for tool in tools] == ["tool"]
