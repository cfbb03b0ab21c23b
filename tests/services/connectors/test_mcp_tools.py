"""The tools of MCP servers are listed within rate limits, regardless of how the servers describe them."""

import asyncio
import json
from collections.abc import Iterator
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.models.caller import Caller
from shared.models.errors import TooManyRequests
from shared.models.mcp import ListToolsRequest, ToolList
from shared.models.spec import FetchSpecRequest
from shared.services.connectors.mcp_tools import McpToolService
from shared.services.connectors.specs import SpecService
from shared.services.rate_limits import OUTBOUND_PER_MINUTE, RateLimitService
from shared.settings import Settings
from shared.store import Database
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.served import ThreadedServer


class OddServer(ThreadedServer):
    """An MCP server whose `tools`, a JSON text, are set by a test."""

    def __init__(self) -> None:
        self.tools = "[]"
        super().__init__(Starlette(routes=[Route("/", self._reply, methods=["POST"])]))

    async def _reply(self, request: Request) -> Response:
        message = await request.json()
        if "id" not in message:
            return Response(status_code=202)
        info = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x", "version": "1"}}
        result = json.dumps(info) if message["method"] == "initialize" else f'{{"tools": {self.tools}}}'
        body = f'{{"jsonrpc": "2.0", "id": {message["id"]}, "result": {result}}}'
        return Response(body, media_type="application/json")


@pytest.fixture(scope="module")
def odd_server() -> Iterator[OddServer]:
    server = OddServer()
    server.start()
    yield server
    server.stop()


async def list_tools(url: str, settings: Settings, database: Database, caller: Caller) -> ToolList:
    allowed = settings.model_copy(update={"outbound_allowed_hosts": ("127.0.0.1",)})
    return await McpToolService(RateLimitService(database), allowed).list(caller, ListToolsRequest(mcp_url=url))


@pytest.mark.parametrize(
    ("tools", "expected"),
    [
        ("[]", []),
        (
            '[{"name": "a", "inputSchema": {"type": "object"}}]',
            [{"name": "a", "description": "", "inputSchema": {"type": "object"}}],
        ),
        (
            '[{"name": "", "title": "t", "description": null, "inputSchema": {"type": "object", "$defs": {"x": true}},'
            ' "outputSchema": {"type": "object"}, "annotations": {"title": "t"}, "_meta": {"m": 1}}]',
            [{"name": "", "description": "", "inputSchema": {"type": "object", "$defs": {"x": True}}}],
        ),
        (
            '[{"name": "天気", "description": "\\u2028 🎉", "inputSchema": {"type": "object", "maximum": 1e999}}]',
            [{"name": "天気", "description": "\u2028 🎉", "inputSchema": {"type": "object", "maximum": None}}],
        ),
    ],
)
async def test_a_servers_descriptions_are_passed_on(
    odd_server: OddServer, settings: Settings, database: Database, caller: Caller, tools: str, expected: object
) -> None:
    """Only name, description and schema are passed on, unchanged. A number that JSON cannot represent becomes null."""
    odd_server.tools = tools
    tool_list = await list_tools(f"{odd_server.address}/", settings, database, caller)
    assert json.loads(tool_list.model_dump_json(by_alias=True))["tools"] == expected


async def test_a_user_may_send_two_requests_per_second(
    mcp_server: McpServer, api_server: ApiServer, settings: Settings, database: Database
) -> None:
    """Tools and specs share the limit. A request above it gets the time to wait and reaches no server."""
    busy, other = Caller(uid=f"user-{uuid4()}"), Caller(uid=f"user-{uuid4()}")
    limits = RateLimitService(database)
    for _ in range(OUTBOUND_PER_MINUTE + 30):  # in the meantime, two more requests become available every second
        try:
            await limits.acquire(f"outbound:{busy.uid}", OUTBOUND_PER_MINUTE)
        except TooManyRequests:
            break
    with pytest.raises(TooManyRequests) as raised:
        await list_tools(mcp_server.url, settings, database, busy)
    assert raised.value.retry_after == 1
    with pytest.raises(TooManyRequests):
        await SpecService(limits, settings).fetch(busy, FetchSpecRequest(url=f"{api_server.address}/openapi.json"))
    assert mcp_server.requests == []
    assert api_server.calls == []
    assert (await list_tools(mcp_server.url, settings, database, other)).tools


async def test_one_user_may_use_a_quarter_of_the_concurrent_requests(
    database: Database, settings: Settings, api_server: ApiServer
) -> None:
    """Silent servers delay only the user who calls them. A further request is rejected, and other users are served."""
    allowed = settings.model_copy(update={"outbound_allowed_hosts": (api_server.host,)})
    limits = RateLimitService(database)
    specs, tools = SpecService(limits, allowed), McpToolService(limits, allowed)
    slow, quick = f"{api_server.address}/slow?seconds=60", f"{api_server.address}/openapi.json"
    me, other = Caller(uid="me"), Caller(uid="other")
    spec_requests = [asyncio.create_task(specs.fetch(me, FetchSpecRequest(url=slow))) for _ in range(5)]
    tool_requests = [asyncio.create_task(tools.list(me, ListToolsRequest(mcp_url=slow))) for _ in range(10)]
    async with asyncio.timeout(20):
        while len(api_server.calls) < 15:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
    with pytest.raises(TooManyRequests, match="5 of your requests"):
        await specs.fetch(me, FetchSpecRequest(url=quick))
    with pytest.raises(TooManyRequests, match="10 of your requests"):
        await tools.list(me, ListToolsRequest(mcp_url=quick))
    assert (await specs.fetch(other, FetchSpecRequest(url=quick))).name
    for task in (*spec_requests, *tool_requests):
        task.cancel()
    await asyncio.gather(*spec_requests, *tool_requests, return_exceptions=True)
    assert (await specs.fetch(me, FetchSpecRequest(url=quick))).name
