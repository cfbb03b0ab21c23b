"""Tests the MCP server with the SDK's client, in both protocol versions: what it lists, calls and refuses."""

import json
from typing import Any

import httpx
import pytest
from mcp.shared.exceptions import MCPError

from shared.models.api_key import CreateKeyRequest, Scope
from shared.models.caller import Caller
from shared.models.deployment import DeployRequest
from shared.services.agents.deployments import DeploymentService
from shared.services.api_keys.keys import ApiKeyService
from shared.services.chat import agent_calls
from shared.settings import Settings
from shared.store import Database
from tests.functions.conftest import AuthHeaders
from tests.functions.mcp_clients import MODERN, VERSIONS, Reports, TaskId, Tasks, ask, connected, error_of, text_of
from tests.functions.mcp_service import ME, SLOW, ServeMcp, WorkedService, only_run, runs_of
from tests.functions.mcp_service import serve_mcp as serve_mcp
from tests.functions.mcp_service import service as service
from tests.services.publishing import publish

MINE = Caller(uid="mine")
CALLING = "async def run(input_dict, tools):\n    return await gofannon_client.call('echo', {'inputText': 'x'})"
FAILING = "async def run(input_dict, tools):\n    raise ValueError('no luck')"
OBJECT = "async def run(input_dict, tools):\n    return {'n': input_dict['n'], 'list': [1]}"
HEADERS = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def closed_service(serve_mcp: ServeMcp) -> WorkedService:
    """The service, which requires tokens."""
    return serve_mcp(app_env="firebase")


@VERSIONS
@pytest.mark.parametrize("path", ["/mcp", "/api/mcp"])
async def test_agents_are_listed_and_called(service: WorkedService, database: Database, mode: str, path: str) -> None:
    """The published agents are tools with their schemas. Their results are text and, if they are objects, structured.

    What an agent does is reported while it runs.
    """
    fields: Any = {"inputSchema": {"inputText": "string"}, "outputSchema": {"outputText": "string"}}
    echo = await publish(database, ME, "echo", description="Repeats.", **fields)
    await publish(database, ME, "object", OBJECT, inputSchema={"type": "object", "properties": {"n": {}}})
    await publish(database, ME, "slow", SLOW)
    await publish(database, ME, "calling", CALLING, gofannonAgents=[echo.id])
    lines, steps = Reports(), Reports()

    async with connected(service, mode, path=path) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert list(tools) == ["calling", "echo", "object", "slow"]
        assert tools["echo"].description == "Repeats."
        assert tools["echo"].input_schema == {
            "type": "object",
            "properties": {"inputText": {"type": "string"}},
            "required": ["inputText"],
        }
        assert (tools["echo"].output_schema or {})["required"] == ["outputText"]
        assert (tools["slow"].input_schema, tools["slow"].output_schema) == ({"type": "object"}, None)
        echoed = await client.call_tool("echo", {"inputText": "hi"})
        assert (text_of(echoed), echoed.structured_content) == ("hi", {"outputText": "hi"})
        assert not echoed.is_error
        returned = await client.call_tool("object", {"n": 1})
        assert json.loads(text_of(returned)) == returned.structured_content == {"n": 1, "list": [1]}
        slept = await client.call_tool("slow", {"n": 4}, progress_callback=lines)
        assert text_of(slept) == "slept"
        assert text_of(await client.call_tool("calling", {}, progress_callback=steps)) == "x"
    assert lines.counts == sorted(set(lines.counts))
    assert [message for message in lines.messages if message.startswith("step")] == [f"step {n}" for n in range(4)]
    assert "agent echo: completed" in steps.messages


@VERSIONS
async def test_each_user_sees_their_own_and_shared_agents(
    closed_service: WorkedService, database: Database, auth_headers: AuthHeaders, mode: str
) -> None:
    """To others, a private agent is an unknown tool. Whoever calls a tool owns the run."""
    await publish(database, MINE, "private")
    await publish(database, MINE, "shared", visibility="shared")
    mine, other = (auth_headers(who)["Authorization"] for who in ("user", "other"))
    async with connected(closed_service, mode, mine) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["private", "shared"]
    async with connected(closed_service, mode, other) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == ["shared"]
        error = await error_of(client.call_tool("private", {"inputText": "x"}))
        assert (error.code, error.message) == (-32602, "Unknown tool: private")
        assert text_of(await client.call_tool("shared", {"inputText": "x"})) == "x"
    assert (await only_run(database, "other")).model == "shared"
    assert await runs_of(database, "mine") == []


@VERSIONS
async def test_a_key_sees_what_its_user_may_call_with_it(
    closed_service: WorkedService,
    database: Database,
    settings: Settings,
    auth_headers: AuthHeaders,
    mode: str,
) -> None:
    """A key with the scope of runs calls tools, at the expense of its user. Only a key sees agents that require one.

    Another user's key sees none of the user's own agents, and a key without the scope gets 403.
    """
    await publish(database, MINE, "private")
    shared = await publish(database, MINE, "shared", visibility="shared")
    await DeploymentService(database, settings).deploy(MINE, shared.id, DeployRequest(access="key"))

    async def make_key(uid: str, scope: Scope) -> str:
        request = CreateKeyRequest(name="k", scopes=[scope])
        return f"Bearer {(await ApiKeyService(database, settings).create(Caller(uid=uid), request)).key}"

    mine, other = await make_key("mine", Scope.RUN), await make_key("other", Scope.RUN)
    for token, names in (
        (mine, ["private", "shared"]),
        (other, ["shared"]),
        (auth_headers("user")["Authorization"], ["private", "shared"]),
        (auth_headers("other")["Authorization"], []),
    ):
        async with connected(closed_service, mode, token) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == names
    async with connected(closed_service, mode, other) as client:
        assert text_of(await client.call_tool("shared", {"inputText": "x"})) == "x"
        assert (await error_of(client.call_tool("private", {"inputText": "x"}))).message == "Unknown tool: private"
    key = (await only_run(database, "other")).key
    assert key is not None
    assert key.id in other
    async with connected(closed_service, mode, auth_headers("other")["Authorization"]) as client:
        refused = await client.call_tool("shared", {"inputText": "x"})
    assert refused.is_error
    assert "only with an API key" in text_of(refused)
    wrong = {"Authorization": await make_key("mine", Scope.CHAT)}
    async with httpx.AsyncClient(base_url=closed_service.address, trust_env=False) as client:
        response = await client.post("/mcp", json=PING, headers={**HEADERS, **wrong})
    assert (response.status_code, "'run'" in response.json()["detail"]) == (403, True)


@VERSIONS
@pytest.mark.parametrize(
    ("token", "message"), [("fba_0", "not a complete API key"), ("x", "neither a valid Firebase ID token")]
)
async def test_a_client_learns_why_it_is_refused(
    closed_service: WorkedService, auth_headers: AuthHeaders, mode: str, token: str, message: str
) -> None:
    """Errors that come before the protocol are also errors of the protocol, so clients show their texts."""

    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match=message), flatten_subgroups=True):
        async with connected(closed_service, mode, f"Bearer {token}") as client:
            await client.list_tools()


async def test_without_a_token_the_client_learns_how_to_get_in(
    closed_service: WorkedService, auth_headers: AuthHeaders
) -> None:
    """A 401 names the document that describes the authorization, in the form of path that the client uses.

    No shared cache stores the document, because it repeats what the request's headers say.
    """
    async with httpx.AsyncClient(base_url=closed_service.address, trust_env=False) as client:
        for path in ("/mcp", "/api/mcp"):
            refused = await client.post(path, json=PING, headers=HEADERS)
            assert refused.status_code == 401
            url = f"{closed_service.address}/.well-known/oauth-protected-resource{path}"
            assert refused.headers["www-authenticate"] == f'Bearer resource_metadata="{url}", scope="run"'
            described = await client.get(url)
            assert described.headers["cache-control"] == "private, max-age=300"
            metadata = described.json()
            assert metadata["resource"] == f"{closed_service.address}{path}"
            assert metadata["bearer_methods_supported"] == ["header"]
            (issuer,) = metadata["authorization_servers"]
            assert issuer.startswith("https://securetoken.google.com/demo-")
        bare = (await client.get("/.well-known/oauth-protected-resource")).json()
        assert bare["resource"] == f"{closed_service.address}/mcp"
        accepted = await client.post("/mcp", json=PING, headers={**HEADERS, **auth_headers("user")})
        assert accepted.status_code == 200


@VERSIONS
async def test_an_agent_that_fails_is_an_error_result(service: WorkedService, database: Database, mode: str) -> None:
    """So is an input or a result that violates its schema: the model learns what is wrong. An unknown tool is not."""
    await publish(database, ME, "failing", FAILING)
    await publish(database, ME, "strict", inputSchema={"inputText": "integer"}, outputSchema={"outputText": "string"})
    async with connected(service, mode) as client:
        failed = await client.call_tool("failing", {})
        assert failed.is_error
        assert "ValueError: no luck" in text_of(failed)
        assert (failed.meta or {})["runId"] == (await only_run(database)).id
        invalid = await client.call_tool("strict", {"inputText": "x"})
        assert invalid.is_error
        assert "inputText" in text_of(invalid)
        violating = await client.call_tool("strict", {"inputText": 5})
        assert violating.is_error
        assert "does not fit its output schema: outputText" in text_of(violating)
        assert '{"outputText": 5}' in text_of(violating)
        assert (await error_of(client.call_tool("made-up", {}))).code == -32602


async def test_a_client_may_name_what_it_accepts_in_several_headers(service: WorkedService) -> None:
    """They count like one header with all of them."""
    headers = [("Accept", "application/json"), ("Accept", "text/event-stream")]
    async with httpx.AsyncClient(base_url=service.address, trust_env=False) as client:
        response = await client.post("/mcp", json=PING, headers=headers)
    assert response.headers["content-type"] == "text/event-stream"


async def test_a_large_result_is_not_lost(service: WorkedService, database: Database) -> None:
    """A result that does not fit into a document twice is stored once."""
    await publish(database, ME, "large", "async def run(input_dict, tools):\n    return {'outputText': 'x' * 900_000}")
    async with connected(service, MODERN) as client:
        result = await client.call_tool("large", {})
    assert text_of(result) == "x" * 900_000
    assert result.structured_content == {"outputText": "x" * 900_000}


async def test_a_result_does_not_meet_the_schema_of_another_agent(service: WorkedService, database: Database) -> None:
    """If another agent gets the tool's name, its schema neither refuses earlier results nor becomes known."""
    echo = await publish(database, ME, "echo")
    async with connected(service, MODERN, extensions=[Tasks()]) as client:
        called = await client.call_tool("echo", {"inputText": "x"})
        await DeploymentService(database, Settings()).undeploy(ME, echo.id)
        await publish(database, MINE, "echo", outputSchema={"secret": "string"})
        task = await ask(client.session, "tasks/get", TaskId(task_id=(called.meta or {})["runId"]))
    assert task["result"]["content"] == [{"type": "text", "text": "x"}]


async def test_requests_stand_on_their_own(service: WorkedService, database: Database) -> None:
    """No session is needed, nor a handshake. A client that accepts only JSON gets JSON."""
    await publish(database, ME, "echo")
    call = {
        "jsonrpc": "2.0",
        "id": "a",
        "method": "tools/call",
        "params": {"name": "echo", "arguments": {"inputText": "x"}, "_meta": {"progressToken": 1}},
    }
    async with httpx.AsyncClient(base_url=service.address, trust_env=False, timeout=60) as client:
        for accept in ("application/json", ""):
            headers = {"Accept": accept, "MCP-Protocol-Version": "2025-06-18"}
            response = await client.post("/mcp", json=call, headers=headers)
            assert response.headers["content-type"] == "application/json"
            assert "mcp-session-id" not in response.headers
            assert response.json()["result"]["content"] == [{"type": "text", "text": "x"}]
        assert (await client.get("/mcp", headers=HEADERS)).status_code == 405
        assert (await client.delete("/mcp", headers=HEADERS)).status_code == 405


async def test_what_is_no_message_is_refused(service: WorkedService) -> None:
    """With an error of the protocol, or a plain one if the body is not JSON at all."""
    async with httpx.AsyncClient(base_url=service.address, trust_env=False) as client:
        for body in (b"{", b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"x": NaN}}'):
            response = await client.post("/mcp", content=body, headers=HEADERS)
            assert (response.status_code, response.json()["error"]["code"]) == (400, -32700)
        for version in ({}, {"MCP-Protocol-Version": MODERN}):
            fields: list[dict[str, Any]] = [{"jsonrpc": "1.0"}, {"method": 5}, {"params": []}, {"params": "x"}]
            wrong = [{**PING, **field} for field in fields]
            wrong += [{**PING, "id": wrong_id} for wrong_id in (1.5, True, None, [1], {"a": 1})]
            for body in ([PING], [], {"x": 1}, 5, *wrong):
                response = await client.post("/mcp", json=body, headers={**HEADERS, **version})
                assert response.status_code == 400
                error = response.json()
                assert (error["id"], error["error"]["code"]) == (None, -32600)
                assert "valid" not in error["error"]["message"]
        response = await client.post("/mcp", content=b"{}", headers={**HEADERS, "Content-Type": "text/plain"})
        assert (response.status_code, list(response.json())) == (400, ["detail", "jsonrpc", "id", "error"])
        large = await client.post("/mcp", content=b" " * 1_100_000, headers=HEADERS)
        assert large.status_code == 413


async def test_foreign_pages_may_not_call(service: WorkedService) -> None:
    """Not even a page that reaches the service under its own name."""
    async with httpx.AsyncClient(base_url=service.address, trust_env=False) as client:
        for origin, status in (
            ("https://evil.example", 403),
            ("null", 403),
            ("http://localhost:5173", 200),
        ):
            response = await client.post("/mcp", json=PING, headers={**HEADERS, "Origin": origin})
            assert response.status_code == status
        host = "rebound.example:8000"
        headers = {**HEADERS, "Origin": f"http://{host}", "Host": host}
        assert (await client.post("/mcp", json=PING, headers=headers)).status_code == 403


async def test_a_deployed_service_may_be_called_by_its_own_pages(
    serve_mcp: ServeMcp, auth_headers: AuthHeaders
) -> None:
    """Pages at the service's own address need no entry in `CORS_ORIGINS`. Other pages do."""
    service = serve_mcp(app_env="firebase", k_service="mcp")
    async with httpx.AsyncClient(base_url=service.address, trust_env=False) as client:
        for origin, status in (("https://demo.web.app", 200), ("http://localhost:5173", 403)):
            headers = {**HEADERS, **auth_headers("user"), "X-Forwarded-Host": "demo.web.app", "Origin": origin}
            assert (await client.post("/mcp", json=PING, headers=headers)).status_code == status


@VERSIONS
async def test_many_tools_are_listed_in_pages(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """A cursor leads to the next page. One that no page has returned is an error."""
    monkeypatch.setattr(agent_calls, "PAGE_SIZE", 2)
    for name in ("a", "b", "c"):
        await publish(database, ME, name)
    async with connected(service, mode) as client:
        first = await client.list_tools()
        second = await client.list_tools(cursor=first.next_cursor)
        assert [[tool.name for tool in page.tools] for page in (first, second)] == [["a", "b"], ["c"]]
        assert second.next_cursor is None
        assert (await error_of(client.list_tools(cursor="made up"))).code == -32602


async def test_a_page_of_large_tools_ends_early(service: WorkedService, database: Database) -> None:
    """Whoever publishes large agents does not make other users' lists large, and all tools are still found."""
    for n in range(25):
        await publish(database, ME, f"tool-{n:02}", description="d" * 90_000)
    cursor, pages = None, list[list[str]]()
    async with connected(service, MODERN) as client:
        while not pages or cursor is not None:
            page = await client.list_tools(cursor=cursor)
            pages.append([tool.name for tool in page.tools])
            cursor = page.next_cursor
    assert [len(page) for page in pages] == [12, 12, 1]
    assert [name for page in pages for name in page] == [f"tool-{n:02}" for n in range(25)]


async def test_a_user_waits_for_a_limited_number_of_calls(
    service: WorkedService, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another call is refused with an error result, and does not start."""
    monkeypatch.setattr(agent_calls, "MAX_CALLS", 0)
    await publish(database, ME, "echo")
    async with connected(service, MODERN) as client:
        refused = await client.call_tool("echo", {"inputText": "x"})
    assert refused.is_error
    assert "under way" in text_of(refused)
    assert await runs_of(database) == []
