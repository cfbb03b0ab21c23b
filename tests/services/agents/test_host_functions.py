"""Agent code calls models, HTTP APIs and MCP tools, each over real HTTP."""

import asyncio

import pytest

from shared.models.caller import Caller
from shared.models.chat import ChatRequest, Message
from shared.services import model_calls
from shared.services.accounts.run_budgets import MAX_CONNECTIONS
from shared.settings import Settings
from tests.conftest import SECRET_KEY
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.images import PNG, data_url
from tests.services.agents.running import MODEL_CALLER, create_runs, run, run_and_fail
from tests.services.harness import MODEL, Harness


@pytest.fixture
def settings(settings: Settings, api_server: ApiServer, mcp_server: McpServer) -> Settings:
    return settings.model_copy(update={"outbound_allowed_hosts": (api_server.host, mcp_server.host)})


async def test_a_model_is_called_and_charged_to_the_caller(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The call is charged once, has a usage entry, and leaves no hold. The request contains the provider key."""
    model_server.script("Why?", Answer("Because.", prompt_tokens=1000, completion_tokens=100))
    response = await run(harness, caller, MODEL_CALLER, {"question": "Why?"})
    assert response.result == {"outputText": "Because."}
    account = await harness.account(caller.uid)
    (charged,) = await harness.get_charges(caller.uid)
    assert charged == 560  # 1000 tokens at $0.40 and 100 at $1.60 per million
    assert (account.remaining, account.held) == (account.allowance - charged, 0)
    (call,) = model_server.calls
    assert call.headers["authorization"] == f"Bearer {SECRET_KEY}"
    (entry,) = await harness.database.accounts.newest_entries(caller.uid, account.period, 10)
    assert entry.metadata["model"] == MODEL
    assert str(entry.metadata["run_id"]).startswith("run-")


async def test_models_can_be_called_through_litellm(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """Concurrent calls of `litellm.acompletion` with 'provider/model' are answered and charged."""
    code = """
import litellm
async def run(input_dict, tools):
    async def ask(question):
        response = await litellm.acompletion(model="openai/gpt-4.1-mini", max_tokens=10,
            messages=[{"role": "user", "content": question}])
        return response.choices[0].message.content + " " + str(response.usage.total_tokens) + " " + response.model
    return await asyncio.gather(ask("a"), ask("b"))
"""
    response = await run(harness, caller, code)
    assert response.result == ["You said: a 1500 openai/gpt-4.1-mini", "You said: b 1500 openai/gpt-4.1-mini"]
    assert len(await harness.get_charges(caller.uid)) == 2
    assert (await harness.account(caller.uid)).held == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("call_llm(provider='openai', model='gpt-4.1', messages='hi')", "does not name the model 'openai/gpt-4.1'"),
        ("call_llm(provider='openai', model='gpt-4.1-mini', messages=[])", "messages must be a non-empty list"),
        ("call_llm(provider='openai', model='gpt-4.1-mini', messages='hi', parameters={'api_base': 'x'})", "api_base"),
        ("call_llm(provider='openai', model='gpt-4.1-mini', messages='hi', parameters=5)", "parameters must be a dict"),
        (
            "call_llm(provider='openai', model='gpt-4.1-mini', messages='hi', tools=[{'type': 'function'}])",
            "Functions cannot be passed",
        ),
        ("call_llm(provider='openai', model='gpt-4.1-mini', messages=[{'role': 'tool', 'content': 'x'}])", "role"),
        ("litellm.acompletion(model='openai/gpt-4.1-mini', messages='hi', api_key='x')", "api_key"),
        ("litellm.acompletion(model='no-such', messages='hi')", "no-such"),
    ],
)
async def test_invalid_model_calls_are_reported(
    harness: Harness, caller: Caller, model_server: ModelServer, call: str, message: str
) -> None:
    """The error tells the agent's author what is wrong, and no request is sent to a model."""
    code = f"import litellm\nasync def run(input_dict, tools):\n    return await {call}"
    models = [{"provider": "openai", "model": MODEL}]
    failed = await run_and_fail(harness, caller, code, invokable_models=models)
    assert message in failed.message
    assert model_server.calls == []


@pytest.mark.parametrize(
    "call",
    [
        "call_llm(provider='opnai', model='gpt-4.1-mini', messages='hi')",
        "litellm.acompletion(model='opnai/gpt-4.1-mini', messages='hi')",
    ],
)
async def test_an_unknown_provider_is_reported_as_in_a_chat(harness: Harness, caller: Caller, call: str) -> None:
    """The error suggests similar names, for both ways of naming a provider."""
    failed = await run_and_fail(
        harness, caller, f"import litellm\nasync def run(input_dict, tools):\n    return await {call}"
    )
    assert "There is no provider 'opnai'. Did you mean openai?" in failed.message


async def test_the_configured_parameters_of_a_model_apply(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """The code can override the agent's configured parameters. The first configured model is the default."""
    code = (
        "async def run(input_dict, tools):\n    return await call_llm(messages='hi', parameters={'temperature': 0.5})"
    )
    models = [{"provider": "openai", "model": MODEL, "parameters": {"max_tokens": 7, "temperature": 0.1}}]
    response = await run(harness, caller, code, invokable_models=models)
    assert response.result == ["You said: hi", None]
    assert (model_server.calls[0].body["max_completion_tokens"], model_server.calls[0].body["temperature"]) == (7, 0.5)


async def test_a_model_that_fails_can_be_caught(harness: Harness, caller: Caller, model_server: ModelServer) -> None:
    """The failure is a RuntimeError whose message does not contain the key. Nothing is charged or held."""
    model_server.script("hi", Fail(401, f"Bad key {SECRET_KEY}"))
    code = """
async def run(input_dict, tools):
    try:
        await call_llm(provider="openai", model="gpt-4.1-mini", messages="hi", parameters={"max_tokens": 5})
    except RuntimeError as error:
        return str(error)
"""
    response = await run(harness, caller, code)
    assert "does not accept this service's key" in str(response.result)
    assert SECRET_KEY not in str(response)
    assert await harness.get_charges(caller.uid) == []
    assert (await harness.account(caller.uid)).held == 0


async def test_http_requests_are_sent_and_private_addresses_are_blocked(
    harness: Harness, caller: Caller, api_server: ApiServer
) -> None:
    """Parameters, headers and bodies are sent, and error responses are returned. Private addresses are blocked."""
    code = """
async def run(input_dict, tools):
    base = input_dict["base"]
    client = httpx.AsyncClient(base_url=base, headers={"X-One": "1"}, timeout=5)
    echo = (await client.post("/echo", params={"q": ["a", "b"], "n": 1}, json={"x": [1, None]})).json()
    form = (await http_client.put(base + "/echo", data={"a": "1", "b": "é"})).json()
    missing = await http_client.get(base + "/status/404")
    try:
        missing.raise_for_status()
    except Exception as error:
        message = str(error)
    try:
        await http_client.get("http://169.254.169.254/computeMetadata/v1/")
    except PermissionError as error:
        refused = str(error)
    return [echo["query"], echo["headers"]["x-one"], json.loads(echo["body"]), form["body"], missing.status_code,
            message, refused]
"""
    response = await run(harness, caller, code, {"base": api_server.address})
    query, header, body, form, status, message, refused = response.result  # type: ignore[misc]
    assert sorted(query) == [["n", "1"], ["q", "a"], ["q", "b"]]  # type: ignore[type-var]
    assert (header, body, form, status) == ("1", {"x": [1, None]}, "a=1&b=%C3%A9", 404)
    assert str(message).startswith("Client error '404")
    assert "169.254.169.254" in str(refused)


async def test_connection_errors_and_timeouts_are_reported(
    harness: Harness, caller: Caller, api_server: ApiServer
) -> None:
    """Uncaught connection errors and timeouts are reported under the names that they have in httpx."""
    slow = f"async def run(i, t):\n    await http_client.get('{api_server.address}/slow?seconds=5', timeout=0.1)"
    assert (await run_and_fail(harness, caller, slow)).body["error"].startswith("TimeoutException: ")
    harness.runs = create_runs(harness, outbound_allowed_hosts=("127.0.0.1",))
    closed = "async def run(i, t):\n    await http_client.get('http://127.0.0.1:9/')"
    assert (await run_and_fail(harness, caller, closed)).body["error"].startswith("ConnectError: ")


async def test_mcp_tools_that_are_named_can_be_called(harness: Harness, caller: Caller, mcp_server: McpServer) -> None:
    """Tools can be called through `mcpc` and `RemoteMCPClient`. Tools and servers that are not named get no request."""
    code = """
from agent_factory.remote_mcp_client import RemoteMCPClient
async def run(input_dict, tools):
    url = list(tools)[0]
    client = RemoteMCPClient(remote_url=url)
    names = [tool.name for tool in await client.list_tools()]
    refused = []
    for target, name in ((url, "echo"), ("http://other.example/mcp", "add")):
        try:
            await RemoteMCPClient(remote_url=target).call(tool_name=name, text="x")
        except RuntimeError as error:
            refused.append(str(error))
    return [names, await mcpc[url].call(tool_name="add", a=1, b=2), await client.call("weather", city="Köln"), refused]
"""
    response = await run(harness, caller, code, tools={mcp_server.url: ["add", "weather"]})
    names, total, weather, refused = response.result  # type: ignore[misc]
    assert (sorted(names), total, weather) == (["add", "weather"], 3, {"city": "Köln", "degrees": 21.5})  # type: ignore[type-var]
    assert "does not name the tool 'echo'" in str(refused)
    assert "does not name the MCP server http://other.example/mcp" in str(refused)
    assert [name for name, _ in mcp_server.calls] == ["add", "weather"]


async def test_the_total_size_of_http_responses_is_limited(
    harness: Harness, caller: Caller, api_server: ApiServer
) -> None:
    """The limit applies to all responses of a run together, because they stay in memory until the run ends."""
    code = """
async def run(input_dict, tools):
    total = 0
    for number in range(20):
        total += len((await http_client.get(input_dict["url"])).content)
"""
    failed = await run_and_fail(harness, caller, code, {"url": f"{api_server.address}/huge?bytes=4000000&told=1"})
    assert "may read at most 33554432 bytes of HTTP responses" in failed.message
    assert len(api_server.calls) == 9


@pytest.mark.parametrize(
    ("messages", "error"),
    [
        ('[{"role": "robot", "content": "x"}]', "role must be 'user', 'assistant' or 'system'."),
        ('[{"role": "user"}]', "content is missing."),
        ('[{"role": "user", "content": 5}]', "content must be a string."),
        ('["x"]', "A message must be a dict."),
    ],
)
async def test_an_invalid_message_is_reported_in_plain_language(
    harness: Harness, caller: Caller, messages: str, error: str
) -> None:
    """The error is a plain sentence, not the validator's message."""
    code = f'async def run(i, t):\n    return await call_llm(provider="openai", model="{MODEL}", messages={messages})'
    assert (await run_and_fail(harness, caller, code)).body["error"] == f"ValueError: {error}"


async def test_silent_servers_delay_only_one_run(harness: Harness, caller: Caller, api_server: ApiServer) -> None:
    """A run has at most twenty requests under way, so another user's run does not wait for them."""
    many = """
async def run(input_dict, tools):
    await asyncio.gather(*[http_client.get(input_dict["url"]) for _ in range(100)])
"""
    hung = asyncio.create_task(run(harness, caller, many, {"url": f"{api_server.address}/slow?seconds=60"}))
    async with asyncio.timeout(20):
        while len(api_server.calls) < 20:  # noqa: ASYNC110 - the server has no event to wait for
            await asyncio.sleep(0.01)
    one = "async def run(input_dict, tools):\n    return (await http_client.get(input_dict['url'])).status_code"
    async with asyncio.timeout(10):
        response = await run(harness, Caller(uid="other"), one, {"url": f"{api_server.address}/echo"})
    assert response.result == 200
    assert [call.path for call in api_server.calls] == ["/slow"] * 20 + ["/echo"]
    hung.cancel()
    await asyncio.gather(hung, return_exceptions=True)


async def test_a_model_looks_at_images(harness: Harness, caller: Caller, model_server: ModelServer) -> None:
    """Text and images pass through `call_llm` and `litellm.acompletion`, and are charged."""
    code = """
import litellm
async def run(input_dict, tools):
    image = {"type": "image_url", "image_url": {"url": input_dict["url"]}}
    content = [{"type": "text", "text": "What is this?"}, image]
    messages = [{"role": "user", "content": content}]
    first, _ = await call_llm("openai", "gpt-4.1-mini", messages, {"max_tokens": 100})
    second = await litellm.acompletion(model="openai/gpt-4.1-mini", messages=messages, max_tokens=100)
    return [first, second.choices[0].message.content]
"""
    response = await run(harness, caller, code, {"url": data_url(PNG)})
    assert response.result == ["You said: What is this?"] * 2
    for call in model_server.calls:
        assert call.body["messages"][0]["content"][1]["image_url"]["url"] == data_url(PNG)
    assert len(await harness.get_charges(caller.uid)) == 2


async def test_a_run_fetches_images_for_a_limited_number_of_calls(
    harness: Harness, caller: Caller, model_server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call keeps its images in memory until it ends, so such calls count as connections of the run."""
    code = """
import asyncio
async def run(input_dict, tools):
    async def look(n):
        parts = [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": f"https://example.com/{n}"}}]
        return await call_llm("openai", "gpt-4.1-mini", [{"role": "user", "content": parts}], {"max_tokens": 10})
    return len(await asyncio.gather(*[look(n) for n in range(MAX_CONNECTIONS + 10)]))
""".replace("MAX_CONNECTIONS", str(MAX_CONNECTIONS))
    under_way = most = 0
    may_end = asyncio.Event()

    async def fetch(request: ChatRequest, _settings: object) -> ChatRequest:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await may_end.wait()
        under_way -= 1
        return request.model_copy(update={"messages": [Message(role="user", content="hi")]})

    monkeypatch.setattr(model_calls, "fetch_images", fetch)
    running = asyncio.create_task(run(harness, caller, code))
    async with asyncio.timeout(20):
        while under_way < MAX_CONNECTIONS:  # noqa: ASYNC110 - the run has no event to wait for
            await asyncio.sleep(0.01)
    may_end.set()
    assert (await running).result == MAX_CONNECTIONS + 10
    assert most == MAX_CONNECTIONS


async def test_an_image_in_the_network_is_not_fetched(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """An image's address goes through the guarded way out, as an agent's other requests do."""
    code = """
async def run(input_dict, tools):
    content = [{"type": "image_url", "image_url": {"url": "https://169.254.169.254/a.png"}}]
    return await call_llm("openai", "gpt-4.1-mini", [{"role": "user", "content": content}], {"max_tokens": 100})
"""
    error = await run_and_fail(harness, caller, code)
    assert "An image could not be fetched" in str(error)
    assert not model_server.calls
    assert (await harness.account(caller.uid)).held == 0
