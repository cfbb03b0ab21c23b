"""Calls to a conforming MCP server, which is built with the SDK."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import JsonValue

from shared.outbound.errors import BadRequest, NotMcp, ToolFailed, TooLong, TooSlow, Unauthorized, Unreachable
from shared.outbound.mcp import call_tool, list_tools
from shared.settings import Settings
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import PAGED_TOOLS, TOKEN, McpServer

TRANSPORTS: list[Callable[[McpServer], str]] = [lambda server: server.url, lambda server: server.sse_url]


@pytest.fixture(params=["url", "sse_url"])
def url(request: pytest.FixtureRequest, mcp_server: McpServer) -> str:
    """The server's URL for streamable HTTP or for SSE."""
    return getattr(mcp_server, request.param)


async def test_tools_are_listed(url: str, settings: Settings) -> None:
    """Tools are listed with the server's description and schema."""
    tools = {tool.name: tool for tool in await list_tools(url, None, settings)}

    assert {"add", "echo", "weather", "fail", "slow"} <= set(tools)
    assert tools["add"].description == "Adds two numbers."
    assert tools["add"].input_schema["required"] == ["a", "b"]


async def test_all_pages_are_listed(mcp_server: McpServer, settings: Settings) -> None:
    """The tools of all pages are listed, in the server's order."""
    tools = await list_tools(mcp_server.paged_url, None, settings)

    assert [tool.name for tool in tools] == [f"tool{number:02}" for number in range(PAGED_TOOLS)]


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("add", {"a": 1, "b": 2}, 3),
        ("echo", {"text": "日本語 – é\n\u2028 🎉"}, "日本語 – é\n\u2028 🎉"),
        ("weather", {"city": "Köln"}, {"city": "Köln", "degrees": 21.5}),
        ("lines", {}, "one\ntwo"),
    ],
)
async def test_results_are_plain_values(
    url: str, settings: Settings, name: str, arguments: dict[str, JsonValue], value: JsonValue
) -> None:
    """A result is the structured content, with wrapped scalars unwrapped, or otherwise the text."""
    assert await call_tool(url, None, name, arguments, settings) == value


async def test_other_content_is_returned_unchanged(url: str, settings: Settings) -> None:
    """Content other than text, such as a picture, is returned unchanged."""
    parts: Any = await call_tool(url, None, "picture", {}, settings)

    assert [(part["type"], part["mimeType"]) for part in parts] == [("image", "image/png")]
    assert parts[0]["data"]


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("fail", {"reason": "The moon is wrong."}, "The moon is wrong."),
        ("nope", {}, "Unknown tool: nope"),
        ("add", {"a": "x", "b": 2}, "valid integer"),
    ],
)
async def test_a_tools_error_is_reported(
    url: str, settings: Settings, name: str, arguments: dict[str, JsonValue], message: str
) -> None:
    """The error for a failed tool, an unknown tool or invalid arguments has the server's message."""
    with pytest.raises(ToolFailed) as failure:
        await call_tool(url, None, name, arguments, settings)
    assert message in failure.value.message
    assert "\n" not in failure.value.message
    assert len(failure.value.message) <= 300


async def test_a_tool_runs_once(url: str, mcp_server: McpServer, settings: Settings) -> None:
    """A tool is called once, even if the call times out."""
    await call_tool(url, None, "add", {"a": 1, "b": 2}, settings)
    with pytest.raises(TooSlow):
        await call_tool(url, None, "slow", {"seconds": 5}, settings, timeout=0.5)

    assert [name for name, _ in mcp_server.calls] == ["add", "slow"]


async def test_the_timeout_covers_the_whole_call(url: str, settings: Settings) -> None:
    """The shorter of the caller's and the deployment's timeout covers the whole call."""
    started = asyncio.get_running_loop().time()
    with pytest.raises(TooSlow, match=r"within 0\.3 seconds"):
        await call_tool(url, None, "slow", {"seconds": 5}, settings, timeout=0.3)
    short = settings.model_copy(update={"outbound_timeout_seconds": 0.3})
    with pytest.raises(TooSlow, match=r"within 0\.3 seconds"):
        await call_tool(url, None, "slow", {"seconds": 5}, short, timeout=60)
    assert asyncio.get_running_loop().time() - started < 2


async def test_long_results_are_refused(mcp_server: McpServer, settings: Settings) -> None:
    """A result has the same limit as any response. Over SSE, the SDK's limit for one event may apply first."""
    assert await call_tool(mcp_server.url, None, "big", {"size": 500_000}, settings) == "x" * 500_000
    with pytest.raises(TooLong):
        await call_tool(mcp_server.url, None, "big", {"size": 2_000_000}, settings)
    with pytest.raises((TooLong, NotMcp)):
        await call_tool(mcp_server.sse_url, None, "big", {"size": 2_000_000}, settings)


async def test_the_token_is_sent(mcp_server: McpServer, settings: Settings) -> None:
    """The token is sent with every request of the session."""
    assert await call_tool(mcp_server.private_url, TOKEN, "add", {"a": 1, "b": 2}, settings) == 3
    sent = {authorization for _, path, authorization in mcp_server.requests if path == "/private"}
    assert sent == {f"Bearer {TOKEN}"}


@pytest.mark.parametrize("token", [None, "a-wrong-one"])
async def test_a_missing_token_is_reported(mcp_server: McpServer, settings: Settings, token: str | None) -> None:
    """If the token is missing or wrong, the error contains the server's message."""
    with pytest.raises(Unauthorized, match="requires a token, or a different one: A token is needed here"):
        await list_tools(mcp_server.private_url, token, settings)


@pytest.mark.parametrize("token", ["", "a\nb", " a", "ü"])
async def test_an_invalid_token_is_not_sent(mcp_server: McpServer, settings: Settings, token: str) -> None:
    """A token that is not a valid header value is not sent, because it could add another header."""
    with pytest.raises(BadRequest):
        await list_tools(mcp_server.url, token, settings)
    assert mcp_server.requests == []


async def test_sessions_are_ended(mcp_server: McpServer, settings: Settings) -> None:
    """The session is ended, so the server does not have to store it. No unnecessary request is sent."""
    await call_tool(mcp_server.url, None, "add", {"a": 1, "b": 2}, settings)

    assert [method for method, _, _ in mcp_server.requests] == ["POST", "POST", "POST", "DELETE"]


async def test_parallel_calls(url: str, settings: Settings) -> None:
    """Each parallel call has a separate session and gets its result."""
    calls = (call_tool(url, None, "add", {"a": number, "b": 1}, settings) for number in range(10))

    assert await asyncio.gather(*calls) == list(range(1, 11))


async def test_servers_without_mcp_are_reported(
    mcp_server: McpServer, api_server: ApiServer, settings: Settings
) -> None:
    """A wrong path and a server without MCP raise `NotMcp`, and an unreachable server raises `Unreachable`."""
    with pytest.raises(NotMcp, match=r"did not respond like an MCP server \(status 404\)"):
        await list_tools(f"{mcp_server.address}/nowhere", None, settings)
    with pytest.raises(NotMcp):
        await list_tools(f"{api_server.address}/echo", None, settings)
    allowed = settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1:1",)})
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 could not be reached"):
        await list_tools("http://127.0.0.1:1/mcp", None, allowed)


async def test_a_call_can_be_cancelled(url: str, settings: Settings) -> None:
    """A cancelled call ends soon with `CancelledError`."""
    call = asyncio.create_task(call_tool(url, None, "slow", {"seconds": 5}, settings))
    await asyncio.sleep(0.3)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, 3)


async def test_secrets_are_not_logged(url: str, settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """No log line of a successful or failed call contains the token, the query, the arguments or the message."""
    caplog.set_level(logging.INFO)
    await call_tool(f"{url}?key=hush", "hush-token", "echo", {"text": "hush"}, settings)
    with pytest.raises(ToolFailed):
        await call_tool(f"{url}?key=hush", "hush-token", "fail", {"reason": "hush"}, settings)
    client_records = [
        record for record in caplog.records if not record.name.startswith(("mcp.server", "sse_starlette"))
    ]

    assert not any("hush" in record.getMessage() for record in client_records)
