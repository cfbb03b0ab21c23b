"""What agent code may call: models, HTTP APIs and MCP tools, each over real HTTP."""

import asyncio

import pytest

from shared.llm.catalog import Catalog
from shared.models.caller import Caller
from shared.settings import Settings
from tests.conftest import SECRET_KEY
from tests.doubles.api_server import ApiServer
from tests.doubles.mcp_server import McpServer
from tests.doubles.model_server import Answer, Fail, ModelServer
from tests.services.agents.running import ASK, failure, replaced, run
from tests.services.harness import MODEL, Harness


@pytest.fixture
def settings(settings: Settings, api_server: ApiServer, mcp_server: McpServer) -> Settings:
    return settings.model_copy(update={"outbound_allowed_hosts": (api_server.host, mcp_server.host)})


@pytest.fixture
async def harness(settings: Settings, catalog: Catalog) -> Harness:
    return Harness(settings, catalog)


async def test_a_model_is_called_and_charged_to_the_caller(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """Once, with an entry of its own, and nothing is held afterwards. The key goes to the provider and nowhere else."""
    model_server.script("Why?", Answer("Because.", prompt_tokens=1000, completion_tokens=100))
    answer = await run(harness, caller, ASK, {"question": "Why?"})
    assert answer.result == {"outputText": "Because."}
    account = await harness.account(caller.uid)
    (charged,) = await harness.charged(caller.uid)
    assert charged == 560  # 1000 tokens at $0.40 and 100 at $1.60 a million
    assert (account.remaining, account.held) == (account.allowance - charged, 0)
    (call,) = model_server.calls
    assert call.headers["authorization"] == f"Bearer {SECRET_KEY}"
    (entry,) = await harness.database.accounts.newest_entries(caller.uid, account.period, 10)
    assert entry.metadata["model"] == MODEL
    assert str(entry.metadata["run_id"]).startswith("run-")


async def test_models_can_be_called_as_with_litellm(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """`litellm.acompletion` with 'provider/model', several at once, each charged."""
    code = """
import litellm
async def run(input_dict, tools):
    async def ask(question):
        answer = await litellm.acompletion(model="openai/gpt-4.1-mini", max_tokens=10,
            messages=[{"role": "user", "content": question}])
        return answer.choices[0].message.content + " " + str(answer.usage.total_tokens) + " " + answer.model
    return await asyncio.gather(ask("a"), ask("b"))
"""
    answer = await run(harness, caller, code)
    assert answer.result == ["You said: a 1500 openai/gpt-4.1-mini", "You said: b 1500 openai/gpt-4.1-mini"]
    assert len(await harness.charged(caller.uid)) == 2
    assert (await harness.account(caller.uid)).held == 0


@pytest.mark.parametrize(
    ("call", "words"),
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
async def test_invalid_calls_of_models_are_reported(
    harness: Harness, caller: Caller, model_server: ModelServer, call: str, words: str
) -> None:
    """In words for the agent's author; nothing is sent or charged."""
    code = f"import litellm\nasync def run(input_dict, tools):\n    return await {call}"
    named = [{"provider": "openai", "model": MODEL}]
    failed = await failure(harness, caller, code, invokable_models=named)
    assert words in failed.message
    assert model_server.calls == []


@pytest.mark.parametrize(
    "call",
    [
        "call_llm(provider='opnai', model='gpt-4.1-mini', messages='hi')",
        "litellm.acompletion(model='opnai/gpt-4.1-mini', messages='hi')",
    ],
)
async def test_an_unknown_provider_is_reported_as_in_a_chat(harness: Harness, caller: Caller, call: str) -> None:
    """With similar names, however the code names it."""
    failed = await failure(
        harness, caller, f"import litellm\nasync def run(input_dict, tools):\n    return await {call}"
    )
    assert "There is no provider 'opnai'. Did you mean openai?" in failed.message


async def test_an_agents_own_models_bring_their_parameters(
    harness: Harness, caller: Caller, model_server: ModelServer
) -> None:
    """Those of its configuration, below those that the code sets. Without a name, the first model is called."""
    code = (
        "async def run(input_dict, tools):\n    return await call_llm(messages='hi', parameters={'temperature': 0.5})"
    )
    named = [{"provider": "openai", "model": MODEL, "parameters": {"max_tokens": 7, "temperature": 0.1}}]
    answer = await run(harness, caller, code, invokable_models=named)
    assert answer.result == ["You said: hi", None]
    assert (model_server.calls[0].body["max_completion_tokens"], model_server.calls[0].body["temperature"]) == (7, 0.5)


async def test_a_model_that_fails_can_be_caught(harness: Harness, caller: Caller, model_server: ModelServer) -> None:
    """As RuntimeError, in words without a key; nothing is charged or held."""
    model_server.script("hi", Fail(401, f"Bad key {SECRET_KEY}"))
    code = """
async def run(input_dict, tools):
    try:
        await call_llm(provider="openai", model="gpt-4.1-mini", messages="hi", parameters={"max_tokens": 5})
    except RuntimeError as error:
        return str(error)
"""
    answer = await run(harness, caller, code)
    assert "does not accept this service's key" in str(answer.result)
    assert SECRET_KEY not in str(answer)
    assert await harness.charged(caller.uid) == []
    assert (await harness.account(caller.uid)).held == 0


async def test_http_goes_out_guarded(harness: Harness, caller: Caller, api_server: ApiServer) -> None:
    """With params, headers and bodies. The code judges statuses. Private addresses are refused."""
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
        told = str(error)
    try:
        await http_client.get("http://169.254.169.254/computeMetadata/v1/")
    except PermissionError as error:
        refused = str(error)
    return [echo["query"], echo["headers"]["x-one"], json.loads(echo["body"]), form["body"], missing.status_code, told,
            refused]
"""
    answer = await run(harness, caller, code, {"base": api_server.address})
    query, header, body, form, status, told, refused = answer.result  # type: ignore[misc]
    assert sorted(query) == [["n", "1"], ["q", "a"], ["q", "b"]]  # type: ignore[type-var]
    assert (header, body, form, status) == ("1", {"x": [1, None]}, "a=1&b=%C3%A9", 404)
    assert str(told).startswith("Client error '404")
    assert "169.254.169.254" in str(refused)


async def test_no_connection_and_no_time_are_errors_that_code_can_catch(
    harness: Harness, caller: Caller, api_server: ApiServer
) -> None:
    """OSError and TimeoutError; uncaught, they are reported by their names in httpx."""
    slow = f"async def run(i, t):\n    await http_client.get('{api_server.address}/slow?seconds=5', timeout=0.1)"
    assert (await failure(harness, caller, slow)).body["error"].startswith("TimeoutException: ")
    harness.runs = replaced(harness, outbound_allowed_hosts=("127.0.0.1",))
    closed = "async def run(i, t):\n    await http_client.get('http://127.0.0.1:9/')"
    assert (await failure(harness, caller, closed)).body["error"].startswith("ConnectError: ")


async def test_mcp_tools_that_are_named_can_be_called(harness: Harness, caller: Caller, mcp_server: McpServer) -> None:
    """By `mcpc` and by `RemoteMCPClient`. Tools and servers that are not named are refused without a request."""
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
    answer = await run(harness, caller, code, tools={mcp_server.url: ["add", "weather"]})
    names, total, weather, refused = answer.result  # type: ignore[misc]
    assert (sorted(names), total, weather) == (["add", "weather"], 3, {"city": "Köln", "degrees": 21.5})  # type: ignore[type-var]
    assert "does not name the tool 'echo'" in str(refused)
    assert "does not name the MCP server http://other.example/mcp" in str(refused)
    assert [name for name, _ in mcp_server.calls] == ["add", "weather"]


async def test_the_total_size_of_http_answers_is_limited(
    harness: Harness, caller: Caller, api_server: ApiServer
) -> None:
    """They stay in memory until the run is over."""
    code = """
async def run(input_dict, tools):
    total = 0
    for number in range(20):
        total += len((await http_client.get(input_dict["url"])).content)
"""
    failed = await failure(harness, caller, code, {"url": f"{api_server.address}/huge?bytes=4000000&told=1"})
    assert "may read 33554432 bytes of HTTP responses" in failed.message
    assert len(api_server.calls) == 9


@pytest.mark.parametrize(
    ("messages", "told"),
    [
        ('[{"role": "robot", "content": "x"}]', "role must be 'user', 'assistant' or 'system'."),
        ('[{"role": "user"}]', "content is missing."),
        ('[{"role": "user", "content": 5}]', "content must be a string."),
        ('["x"]', "A message must be a dict."),
    ],
)
async def test_an_invalid_message_is_reported_in_plain_words(
    harness: Harness, caller: Caller, messages: str, told: str
) -> None:
    """Not in the validator's."""
    code = f'async def run(i, t):\n    return await call_llm(provider="openai", model="{MODEL}", messages={messages})'
    assert (await failure(harness, caller, code)).body["error"] == f"ValueError: {told}"


async def test_silent_servers_hold_up_one_run_only(harness: Harness, caller: Caller, api_server: ApiServer) -> None:
    """A run with a hundred requests to them has twenty under way; another user's call does not wait behind them."""
    many = """
async def run(input_dict, tools):
    await asyncio.gather(*[http_client.get(input_dict["url"]) for _ in range(100)])
"""
    hung = asyncio.create_task(run(harness, caller, many, {"url": f"{api_server.address}/slow?seconds=60"}))
    async with asyncio.timeout(20):
        while len(api_server.calls) < 20:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
    one = "async def run(input_dict, tools):\n    return (await http_client.get(input_dict['url'])).status_code"
    async with asyncio.timeout(10):
        answer = await run(harness, Caller(uid="other"), one, {"url": f"{api_server.address}/echo"})
    assert answer.result == 200
    assert [call.path for call in api_server.calls] == ["/slow"] * 20 + ["/echo"]
    hung.cancel()
    await asyncio.gather(hung, return_exceptions=True)
