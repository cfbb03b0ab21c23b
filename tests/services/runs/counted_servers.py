"""Servers that count what runs do there. Each run has its own part of the HTTP API, and a key for the tools."""

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route

from tests.doubles.served import ThreadedServer


@dataclass
class Effects:
    """What one run has done. `posts`: the bodies by their idempotency keys, in the order of their arrival.

    `other`: the number of requests and calls that are not repeatable, by what they do. `problems`: violations of the
    contract, for example two bodies with one key.
    """

    posts: dict[str, str] = field(default_factory=dict[str, str])
    other: Counter[str] = field(default_factory=Counter[str])
    harmless: Counter[str] = field(default_factory=Counter[str])
    problems: list[str] = field(default_factory=list[str])


class CountedServers(ThreadedServer):
    """An HTTP API that honours `Idempotency-Key`, and an MCP server whose tools have different hints."""

    def __init__(self) -> None:
        self.effects: defaultdict[str, Effects] = defaultdict(Effects)
        mcp = self._make_tools()
        mcp_app = mcp.streamable_http_app(streamable_http_path="/mcp")
        run = [
            Route("/post", self._post, methods=["POST"]),
            Route("/thing", self._change, methods=["PUT", "PATCH", "DELETE"]),
            Route("/get", self._get),
            Route("/slow", self._get),
            Route("/large", self._large),
            Route("/status/{status:int}", self._status),
        ]
        app = Starlette(
            routes=[Mount("/runs/{run}", routes=run), *mcp_app.routes], lifespan=lambda _: mcp.session_manager.run()
        )
        super().__init__(app)
        self._server.config.lifespan = "on"  # the SDK's sessions require it

    @property
    def host(self) -> str:
        """The host and port, in the format of `OUTBOUND_ALLOWED_HOSTS`."""
        return self.address.removeprefix("http://")

    def _of(self, request: Request) -> Effects:
        return self.effects[request.path_params["run"]]

    async def _post(self, request: Request) -> Response:
        """Takes effect once for each key."""
        effects, body = self._of(request), (await request.body()).decode()
        key = request.headers.get("idempotency-key")
        if key is None:
            effects.problems.append(f"A POST without a key: {body}")
        elif effects.posts.setdefault(key, body) != body:
            effects.problems.append(f"Two bodies with the key {key}: {effects.posts[key]} and {body}")
        return JSONResponse({"body": body})

    async def _change(self, request: Request) -> Response:
        self._of(request).other[request.method] += 1
        return Response(status_code=204)

    async def _get(self, request: Request) -> Response:
        self._of(request).harmless["GET"] += 1
        await asyncio.sleep(float(request.query_params.get("seconds", "0")))
        return JSONResponse({"query": str(request.query_params)})

    async def _large(self, request: Request) -> Response:
        return PlainTextResponse("x" * int(request.query_params["bytes"]))

    async def _status(self, request: Request) -> Response:
        return JSONResponse({}, status_code=request.path_params["status"])

    def _make_tools(self) -> MCPServer:
        server = MCPServer("counted", log_level="ERROR")

        @server.tool(annotations=ToolAnnotations(read_only_hint=True), structured_output=False)
        def look(key: str) -> str:
            """Changes nothing."""
            self.effects[key].harmless["look"] += 1
            return "seen"

        @server.tool(annotations=ToolAnnotations(idempotent_hint=True), structured_output=False)
        def put(key: str) -> str:
            """Has no further effect when it is repeated."""
            self.effects[key].harmless["put"] += 1
            return "put"

        @server.tool(structured_output=False)
        def send(key: str) -> str:
            """Has an effect each time."""
            self.effects[key].other["send"] += 1
            return "sent"

        _ = look, put, send  # the decorator has registered them with the server
        return server
