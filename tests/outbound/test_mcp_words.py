"""Some faults of MCP servers are tolerated. All others are reported in plain language."""

import re
from collections.abc import Iterator

import pytest

from shared.outbound.errors import BadResponse, NotMcp, OutboundError, ToolFailed, Unauthorized
from shared.outbound.mcp import call_tool, list_tools
from shared.settings import Settings
from tests.outbound.conftest import Connections
from tests.outbound.hostile_mcp import HostileMcpServer

TOKEN = "hush-hush-token-1234"
LIBRARY_TERMS = re.compile(
    r"validation error|pydantic|Failed to parse|JSONRPC|Session terminated|Unexpected content type|errors\.|"
    r"SSE stream|input_value|type=|httpx|Method not found|TaskGroup|Traceback|RuntimeError"
)
"""Terms from messages of libraries, which only programmers understand."""


@pytest.fixture(scope="module")
def server() -> Iterator[HostileMcpServer]:
    hostile_server = HostileMcpServer()
    hostile_server.start()
    yield hostile_server
    hostile_server.stop()


@pytest.fixture
def settings(server: HostileMcpServer) -> Settings:
    server.methods.clear()
    server.authorizations.clear()
    return Settings(outbound_allowed_hosts=(server.host,), outbound_timeout_seconds=2, outbound_max_bytes=1_000_000)


async def names(url: str, settings: Settings) -> list[str]:
    return [tool.name for tool in await list_tools(url, TOKEN, settings)]


async def failure(url: str, settings: Settings, *, calling: bool = False) -> OutboundError:
    with pytest.raises(OutboundError) as raised:
        await (call_tool(url, TOKEN, "tool", {}, settings) if calling else list_tools(url, TOKEN, settings))
    message = raised.value.message
    assert len(message) < 400
    assert message.isprintable()
    assert message.endswith((".", "!", "…"))
    assert TOKEN not in message
    assert not LIBRARY_TERMS.search(message), message
    return raised.value


@pytest.mark.parametrize(
    ("name", "expected", "pages"),
    [
        ("empty-cursor", ["a", "b"], 1),
        ("null-cursor", ["a", "b"], 1),
        ("same-cursor", ["a", "b"], 2),
        ("same-page", [], 2),
        ("circle", ["t1", "t2", "t3"], 3),
        ("twice", ["tool", "b"], 1),
    ],
)
async def test_the_list_ends_when_pages_repeat(
    server: HostileMcpServer, settings: Settings, name: str, expected: list[str], pages: int
) -> None:
    """The list ends at a cursor that is empty or was used before. If tools have the same name, the first one counts."""
    assert await names(f"{server.address}/{name}", settings) == expected
    assert server.methods.count("tools/list") == pages


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("no-tools", NotMcp, "is an MCP server, but offers no tools"),
        ("no-tools-404", NotMcp, "is an MCP server, but offers no tools"),
        ("no-tools-no-message", NotMcp, "is an MCP server, but offers no tools"),
        ("schema-of-text", NotMcp, "tools[1].inputSchema"),
        ("schema-of-null", NotMcp, "tools[0].inputSchema"),
        ("without-schema", NotMcp, "tools[0].inputSchema"),
        ("without-name", NotMcp, "tools[0].name"),
        ("tool-of-text", NotMcp, "tools[0]"),
        ("odd-key", NotMcp, "tools[0]"),
        ("wrong-shape", NotMcp, "tools"),
        ("empty", NotMcp, "tools"),
        ("half-json", NotMcp, "valid JSON"),
        ("not-json", NotMcp, "valid JSON"),
        ("deep", NotMcp, "valid JSON"),
        ("half-sse", NotMcp, "valid JSON"),
        ("no-rpc", NotMcp, "JSON-RPC"),
        ("ended-sse", NotMcp, "is incomplete"),
        ("accepted", NotMcp, "sent no response"),
        ("html", NotMcp, "text/html"),
        ("text", NotMcp, "text/plain"),
        ("own-parse-error", NotMcp, "That is beyond me."),
        ("rude/html", NotMcp, "often ends in /mcp"),
        ("rude/not-json", NotMcp, "valid JSON"),
        ("rude/no-rpc", NotMcp, "JSON-RPC"),
        ("rude/future", NotMcp, "an unsupported version of MCP"),
        ("rude/version-of-number", NotMcp, "protocolVersion"),
        ("rude/status-400", NotMcp, "(status 400)"),
        ("rude/status-401", Unauthorized, "requires a token"),
        ("rude/status-403", Unauthorized, "does not allow this request"),
        ("rude/status-404", NotMcp, "(status 404): Check the address"),
        ("rude/status-405", NotMcp, "(status 405): Check the address"),
        ("rude/status-406", NotMcp, "(status 406)"),
        ("rude/status-410", NotMcp, "(status 410)"),
        ("rude/status-415", NotMcp, "(status 415)"),
        ("rude/status-429", NotMcp, "(status 429)"),
        ("rude/status-500", NotMcp, "(status 500)"),
        ("rude/status-503", NotMcp, "(status 503)"),
        ("status-404", NotMcp, "(status 404)"),
        ("status-500", NotMcp, "(status 500)"),
    ],
)
async def test_faults_in_a_list_are_reported_in_plain_messages(
    server: HostileMcpServer, settings: Settings, path: str, kind: type[OutboundError], message: str
) -> None:
    """The message says what the server did and does not contain a library's message."""
    error = await failure(f"{server.address}/{path}", settings)
    assert isinstance(error, kind)
    assert message in error.message


@pytest.mark.parametrize(
    ("path", "kind", "message"),
    [
        ("no-tools-no-message", NotMcp, "offers no tools"),
        ("half-json", NotMcp, "valid JSON"),
        ("half-sse", NotMcp, "valid JSON"),
        ("no-rpc", NotMcp, "JSON-RPC"),
        ("text", NotMcp, "text/plain"),
        ("wrong-shape", NotMcp, "content"),
        ("accepted", NotMcp, "sent no response"),
        ("own-parse-error", ToolFailed, "That is beyond me."),
        ("status-404", NotMcp, "(status 404)"),
        ("status-500", NotMcp, "(status 500)"),
    ],
)
async def test_faults_in_a_call_are_reported_in_plain_messages(
    server: HostileMcpServer, settings: Settings, path: str, kind: type[OutboundError], message: str
) -> None:
    """Faults in a call are reported in plain messages, and the tool is called only once."""
    error = await failure(f"{server.address}/{path}", settings, calling=True)
    assert isinstance(error, kind)
    assert message in error.message
    assert server.methods.count("tools/call") == 1


@pytest.mark.parametrize("status", [307, 308])
async def test_a_redirect_to_the_same_origin_is_followed(
    server: HostileMcpServer, settings: Settings, status: int
) -> None:
    """A redirect to the same origin, such as from `/mcp` to `/mcp/`, is followed with the token."""
    assert await names(f"{server.address}/slash/good?status={status}", settings) == ["tool"]
    assert set(server.authorizations) == {f"Bearer {TOKEN}"}


async def test_every_message_may_be_redirected(server: HostileMcpServer, settings: Settings) -> None:
    """Every message may be redirected, because the limit on redirects applies to a single message."""
    assert len(await names(f"{server.address}/slash/circle", settings)) == 3
    assert server.methods.count("tools/list") == 3


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_that_would_drop_the_message_is_reported(
    server: HostileMcpServer, settings: Settings, status: int
) -> None:
    """A redirect that changes a POST to a GET, which has no body, is not followed. The error names the target."""
    error = await failure(f"{server.address}/slash/good?status={status}", settings)
    assert isinstance(error, BadResponse)
    assert f"{server.address}/slash/good/" in error.message


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("http://localhost:{port}/good", "http://localhost:{port}/good"),
        ("http://127.0.0.1:1/good", "http://127.0.0.1:1/good"),
        ("https://127.0.0.1:{port}/good", "https://127.0.0.1:{port}/good"),
        ("//127.0.0.2:{port}/good?key=hush-hush-key", "http://127.0.0.2:{port}/good"),
        ("http://user:hush-hush-key@127.0.0.1:{port}/good", ""),
        ("ftp://127.0.0.1/good", ""),
        ("http://[::1", ""),
        ("/loop", ""),
    ],
)
async def test_the_token_is_not_sent_to_another_origin(
    server: HostileMcpServer, settings: Settings, connections: Connections, target: str, location: str
) -> None:
    """A redirect to another scheme, host or port is not followed. The error names the target."""
    port = server.host.partition(":")[2]
    allowed = settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1", "localhost", "127.0.0.2")})
    url = f"{server.address}/redirect?to={target.format(port=port).replace('?', '%3F')}"
    error = await failure(url, allowed)
    assert isinstance(error, BadResponse)
    assert "redirect" in error.message
    assert location.format(port=port) in error.message
    assert "hush" not in error.message
    assert set(connections.tried) == {("127.0.0.1", int(port))}


@pytest.mark.parametrize("around", [" {}", "{} ", "\n{}\n", "\t {}\r\n", "\u00a0{}\u3000"])
async def test_whitespace_around_an_address_is_ignored(
    server: HostileMcpServer, settings: Settings, around: str
) -> None:
    """Whitespace around an address is ignored, because users paste addresses."""
    assert await names(around.format(f"{server.address}/good"), settings) == ["tool"]
