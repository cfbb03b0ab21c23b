"""MCP servers that mean harm: bounded in time and size, and told in a sentence."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import JsonValue

from shared.outbound.errors import BadAnswer, NotMcp, OutboundError, ToolFailed, TooLong, TooSlow, Unauthorized
from shared.outbound.mcp import call_tool, list_tools
from shared.settings import Settings
from tests.outbound.conftest import Connections
from tests.outbound.hostile_mcp import HostileMcpServer

TOKEN = "hush-hush-token-1234"
_HANGS = 60
"""Seconds after which a question that does not end fails its test."""


@pytest.fixture(scope="module")
def server() -> Iterator[HostileMcpServer]:
    hostile = HostileMcpServer()
    hostile.start()
    yield hostile
    hostile.stop()


@pytest.fixture
def settings(server: HostileMcpServer) -> Settings:
    server.methods.clear()
    return Settings(outbound_allowed_hosts=(server.host,), outbound_timeout_seconds=1, outbound_max_bytes=1_000_000)


def _patient(settings: Settings) -> Settings:
    """With time for whatever a server sends, however busy the machine is."""
    return settings.model_copy(update={"outbound_timeout_seconds": 20})


async def _failure(url: str, settings: Settings, *, calling: bool = False) -> OutboundError:
    """What a question ends in: in a sentence, and in time, which is set only where the server is slow."""
    question = call_tool(url, TOKEN, "tool", {}, settings) if calling else list_tools(url, TOKEN, settings)
    with pytest.raises(OutboundError) as failure:
        async with asyncio.timeout(_HANGS):
            await question
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
async def test_listing_ends(server: HostileMcpServer, settings: Settings, name: str, kind: type[OutboundError]) -> None:
    """Whatever comes once the server has greeted."""
    given = settings if kind is TooSlow else _patient(settings)
    assert isinstance(await _failure(f"{server.address}/{name}", given), kind)


@pytest.mark.parametrize(
    "name",
    ["comments", "flood", "dies", "huge", "not-json", "deep", "html", "accepted", "empty", "other-id", "500", "403"],
)
async def test_greeting_ends(server: HostileMcpServer, settings: Settings, name: str) -> None:
    """Whatever comes instead of a greeting."""
    failure = await _failure(f"{server.address}/rude/{name}", settings)

    assert isinstance(failure, NotMcp | TooLong | TooSlow | Unauthorized)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("comments", TooSlow, "within 1 seconds"),
        ("flood", TooLong, "longer than 1000000 bytes"),
        ("huge", TooLong, "longer than 1000000 bytes"),
        ("not-json", NotMcp, "did not answer as an MCP server does"),
        ("wrong-shape", NotMcp, "did not answer as an MCP server does"),
        ("html", NotMcp, "text/html"),
        ("rpc-error", ToolFailed, "Out of order"),
        ("rpc-error-400", ToolFailed, "No such tool"),
        ("500", NotMcp, "(status 500): The database is on fire."),
        ("403", Unauthorized, "does not allow it: Not for you"),
        ("infinite", BadAnswer, "a number that JSON cannot represent"),
        ("silent-failure", ToolFailed, "without saying why"),
        ("leaky", ToolFailed, "Bad token"),
    ],
)
async def test_calls_end(
    server: HostileMcpServer, settings: Settings, name: str, kind: type[OutboundError], words: str
) -> None:
    """With the server's own words, if it has any: one line, and no more than is read at a glance."""
    given = settings if kind is TooSlow else _patient(settings)
    failure = await _failure(f"{server.address}/{name}", given, calling=True)

    assert isinstance(failure, kind)
    assert words in failure.message
    assert "swordfish" not in failure.message
    assert server.methods.count("tools/call") == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("null", "shown"), ("wrapped", {"a": 1}), ("two", {"result": 1, "more": 2}), ("no-content", "")],
)
async def test_odd_results(server: HostileMcpServer, settings: Settings, name: str, value: JsonValue) -> None:
    """Only a `result` that is alone is taken out of its wrapping."""
    assert await call_tool(f"{server.address}/{name}", TOKEN, "tool", {}, _patient(settings)) == value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_elsewhere_are_not_followed(
    server: HostileMcpServer, settings: Settings, connections: Connections, status: int
) -> None:
    """The token was for this server."""
    url = f"{server.address}/redirect?status={status}&to=http://127.0.0.1:1/"

    assert isinstance(await _failure(url, _patient(settings)), NotMcp)
    assert {port for _, port in connections.tried} == {int(server.host.partition(":")[2])}


@pytest.mark.parametrize("kind", ["elsewhere", "rejecting", "none", "redirecting"])
async def test_sse_that_leads_nowhere(
    server: HostileMcpServer, settings: Settings, connections: Connections, kind: str
) -> None:
    """The messages go to the server that was named, or nowhere."""
    await _failure(f"{server.address}/sse/{kind}", settings)

    assert {port for _, port in connections.tried} == {int(server.host.partition(":")[2])}


async def test_a_server_that_will_not_let_go_costs_no_result(server: HostileMcpServer, settings: Settings) -> None:
    """The farewell has seconds of its own, and fails in silence."""
    tools: list[Any] = await list_tools(f"{server.address}/stubborn", TOKEN, _patient(settings))

    assert [tool.name for tool in tools] == ["tool"]
