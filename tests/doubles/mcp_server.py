"""A third-party MCP server on a real port. It is the SDK's server, with a few tools for tests.

`url` uses streamable HTTP, and `sse_url` the older SSE. `private_url` requires `TOKEN`. `paged_url` has other tools, on
three pages.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from mcp.server.lowlevel import Server
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
)
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.doubles.served import ThreadedServer

TOKEN = "token-of-the-mcp-server"
PAGED_TOOLS = 25
_PAGE_SIZE = 10
_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000a49444154789c63000100000500010d0a2db40000000049454e44ae426082"
)


class McpServer(ThreadedServer):
    """The server, shared by tests; call `reset` between them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        """The names and arguments of the tool calls."""
        self.requests: list[tuple[str, str, str | None]] = []
        """The HTTP method, path and `Authorization` header of each request."""
        tools = self._tools()
        public = tools.streamable_http_app(streamable_http_path="/mcp")
        managers = [tools.session_manager]
        private = tools.streamable_http_app(streamable_http_path="/private")
        managers.append(tools.session_manager)
        pages = self._pages()
        paged = pages.streamable_http_app(streamable_http_path="/pages")
        managers.append(pages.session_manager)

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncGenerator[None]:
            async with AsyncExitStack() as stack:
                for manager in managers:
                    await stack.enter_async_context(manager.run())
                yield

        routes = [*public.routes, *private.routes, *paged.routes, *tools.sse_app().routes]
        super().__init__(self._with_recording(Starlette(routes=routes, lifespan=lifespan)))
        self._server.config.lifespan = "on"  # the SDK's sessions require it

    @property
    def host(self) -> str:
        """The host and port, in the format of `OUTBOUND_ALLOWED_HOSTS`."""
        return self.address.removeprefix("http://")

    @property
    def url(self) -> str:
        return f"{self.address}/mcp"

    @property
    def sse_url(self) -> str:
        return f"{self.address}/sse"

    @property
    def private_url(self) -> str:
        return f"{self.address}/private"

    @property
    def paged_url(self) -> str:
        return f"{self.address}/pages"

    def reset(self) -> None:
        self.calls.clear()
        self.requests.clear()

    def _with_recording(self, app: ASGIApp) -> ASGIApp:
        async def recording_app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                headers = dict(scope["headers"])
                authorization = headers.get(b"authorization", b"").decode() or None
                self.requests.append((scope["method"], scope["path"], authorization))
                if scope["path"] == "/private" and authorization != f"Bearer {TOKEN}":
                    body = {"error": "invalid_token", "error_description": "A token is needed here."}
                    await JSONResponse(body, status_code=401)(scope, receive, send)
                    return
            await app(scope, receive, send)

        return recording_app

    def _tools(self) -> MCPServer:
        server = MCPServer("double", log_level="ERROR")

        @server.tool()
        def add(a: int, b: int) -> int:
            """Adds two numbers."""
            self.calls.append(("add", {"a": a, "b": b}))
            return a + b

        @server.tool(structured_output=False)
        def echo(text: str) -> str:
            """Repeats the text."""
            self.calls.append(("echo", {"text": text}))
            return text

        @server.tool()
        def weather(city: str) -> dict[str, Any]:
            """Returns a structured result."""
            self.calls.append(("weather", {"city": city}))
            return {"city": city, "degrees": 21.5}

        @server.tool(structured_output=False)
        def lines() -> list[str]:
            """Returns several text items."""
            return ["one", "two"]

        @server.tool(structured_output=False)
        def picture() -> Image:
            """Returns an image without any text."""
            return Image(data=_PIXEL, format="png")

        @server.tool()
        def fail(reason: str) -> str:
            """Fails with the given reason."""
            self.calls.append(("fail", {"reason": reason}))
            raise ToolError(reason)

        @server.tool()
        async def slow(seconds: float) -> str:
            """Returns after some seconds."""
            self.calls.append(("slow", {"seconds": seconds}))
            await asyncio.sleep(seconds)
            return "done"

        @server.tool(structured_output=False)
        def big(size: int) -> str:
            """Returns a long text."""
            return "x" * size

        _ = add, echo, weather, lines, picture, fail, slow, big  # the decorator has registered them with the server
        return server

    def _pages(self) -> Server[Any]:
        tools = [
            Tool(name=f"tool{number:02}", description=f"Number {number}", input_schema={"type": "object"})
            for number in range(PAGED_TOOLS)
        ]

        async def list_tools(_: object, params: PaginatedRequestParams | None) -> ListToolsResult:
            start = int(params.cursor) if params and params.cursor else 0
            end = start + _PAGE_SIZE
            return ListToolsResult(tools=tools[start:end], next_cursor=str(end) if end < len(tools) else None)

        async def call_tool(_: object, params: CallToolRequestParams) -> CallToolResult:
            self.calls.append((params.name, dict(params.arguments or {})))
            return CallToolResult(content=[TextContent(type="text", text=params.name)])

        return Server("pages", on_list_tools=list_tools, on_call_tool=call_tool)
